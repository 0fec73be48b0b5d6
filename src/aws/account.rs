//! Opens an AWS account in one region: the one place that makes the SDK's configuration and its clients.
//!
//! Credentials, and a region that no flag names, come from the SDK's own chain: variables, the files in `~/.aws`, SSO, a process,
//! the roles of containers and instances. With --profile, credentials come from that profile and nothing else. The chain reads those variables itself: the one exception to the rule that variables are
//! read in `crates/forwarder/src/settings`. Proxies and roots of one's own, which are ours, come from there.

use std::time::Duration;

use aws_config::profile::{self, ProfileFileCredentialsProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use super::error::{AwsFailure, On, SdkCallError};
use super::http::SdkHttp;
use forwarder::delivery::client::{ClientError, Clients};
use forwarder::settings::Network;

/// Attempts of one call. The quotas of the calls of CloudWatch Logs are 5–50 a second for a whole account, which others use too;
/// the SDK's own three attempts take a second or two.
/// Source: Amazon CloudWatch Logs, "CloudWatch Logs quotas".
const MAX_ATTEMPTS: u32 = 8;

/// The waits between them: random, up to this at first, then doubling up to the other.
const INITIAL_BACKOFF: Duration = Duration::from_millis(250);
const MAX_BACKOFF: Duration = Duration::from_secs(10);

/// How long one attempt may take. `FilterLogEvents` over a large group may search for many seconds before it answers.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);

/// How long one call may take, with all its attempts.
const CALL_TIMEOUT: Duration = Duration::from_secs(180);

/// Where containers and instances get their credentials; never by a proxy.
/// Source: AWS SDKs and Tools Reference Guide, "Container credential provider" and "IMDS credential provider".
const NEVER_BY_PROXY: &str = "169.254.169.254,169.254.170.2,169.254.170.23,[fd00:ec2::254],[fd00:ec2::23]";

/// How to reach an account: what the flags say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) region: Option<String>,
    /// A profile of `~/.aws/config`.
    pub(crate) profile: Option<String>,
    /// Where to reach all services, instead of their own endpoints.
    pub(crate) endpoint_url: Option<String>,
}

/// An account in one region.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// 12 digits.
    pub(crate) id: String,
    /// `eu-west-1`
    pub(crate) region: String,
    /// `aws`, `aws-cn`, `aws-us-gov`: the second part of ARNs.
    pub(crate) partition: String,
    /// Who the credentials are, as an ARN.
    pub(crate) caller: String,
    pub(crate) logs: aws_sdk_cloudwatchlogs::Client,
    pub(crate) lambda: aws_sdk_lambda::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) metrics: aws_sdk_cloudwatch::Client,
    pub(crate) iam: aws_sdk_iam::Client,
    /// For what needs credentials but none of the clients.
    pub(crate) config: SdkConfig,
}

/// Why there is no account to work with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountError {
    #[error(
        "no AWS region: give --region, set AWS_REGION, or set `region` in podferry.yaml or in the profile in ~/.aws/config"
    )]
    NoRegion,
    #[error("there is no profile {name} in ~/.aws/config or ~/.aws/credentials: {}", profiles_there(.there))]
    NoProfile {
        /// As --profile or `AWS_PROFILE` says.
        name: String,
        /// The names of those that there are, in order.
        there: Vec<String>,
    },
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Call(#[from] SdkCallError),
}

impl Account {
    /// Finds region and credentials, and asks AWS whose they are (`sts:GetCallerIdentity`, which needs no permission).
    ///
    /// # Errors
    /// [`AccountError`].
    pub(crate) async fn open(access: &Access, network: Network) -> Result<Account, AccountError> {
        let config = configuration(access, network).await?;
        let region = config.region().ok_or(AccountError::NoRegion)?.to_string();
        let identity = match aws_sdk_sts::Client::new(&config).get_caller_identity().send().await {
            Ok(identity) => identity,
            Err(error) => {
                let error = SdkCallError::new("sts:GetCallerIdentity", On::any("the credentials"), &error);
                // AWS_PROFILE may name what is not there: the chain passes over it.
                let is_none = error.failure == AwsFailure::NoCredentials;
                let missing = if is_none { missing_profile(None).await } else { None };
                return Err(missing.unwrap_or(error.into()));
            }
        };
        let caller = identity.arn().unwrap_or_default().to_owned();
        Ok(Account {
            id: identity.account().unwrap_or_default().to_owned(),
            partition: caller.split(':').nth(1).unwrap_or("aws").to_owned(),
            region,
            caller,
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            lambda: aws_sdk_lambda::Client::new(&config),
            sqs: aws_sdk_sqs::Client::new(&config),
            metrics: aws_sdk_cloudwatch::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            config,
        })
    }

    /// The ARN of something in this account and region.
    #[must_use]
    pub(crate) fn arn(&self, service: &str, resource: &str) -> String {
        let Account { partition, region, id, .. } = self;
        format!("arn:{partition}:{service}:{region}:{id}:{resource}")
    }

    /// A log group, as the subject of a call.
    #[must_use]
    pub(crate) fn log_group(&self, name: &str) -> On {
        On::new(format!("log group {name}"), self.arn("logs", &format!("log-group:{name}:*")))
    }
}

/// The error, if the profile of that name is not in the files, or without a name the one that `AWS_PROFILE` chooses.
async fn missing_profile(name: Option<&str>) -> Option<AccountError> {
    // If the files cannot be read, the provider says so.
    let profiles = profile::load(&Default::default(), &Default::default(), &Default::default(), None).await.ok()?;
    let name = name.unwrap_or(profiles.selected_profile());
    // Nobody has to have one of this name.
    if profiles.get_profile(name).is_some() || name == "default" {
        return None;
    }
    let mut there: Vec<String> = profiles.profiles().map(str::to_owned).collect();
    there.sort_unstable();
    Some(AccountError::NoProfile { name: name.to_owned(), there })
}

/// How many profiles an error names; the command that lists all of them comes after these.
const MAX_PROFILES: usize = 12;

fn profiles_there(there: &[String]) -> String {
    match there {
        [] => "there are no profiles in these files; `aws configure` or `aws configure sso` makes one".to_owned(),
        few if few.len() <= MAX_PROFILES => {
            format!("there {} {}", if few.len() == 1 { "is" } else { "are" }, few.join(", "))
        }
        many => format!(
            "there are {} and {} more, which `aws configure list-profiles` lists",
            many.iter().take(MAX_PROFILES).map(String::as_str).collect::<Vec<_>>().join(", "),
            many.len() - MAX_PROFILES
        ),
    }
}

async fn configuration(access: &Access, mut network: Network) -> Result<SdkConfig, AccountError> {
    let direct = network.proxies.none.take().map_or_else(String::new, |hosts| format!("{hosts},"));
    network.proxies.none = Some(format!("{direct}{NEVER_BY_PROXY}"));
    let retries = RetryConfig::standard()
        .with_max_attempts(MAX_ATTEMPTS)
        .with_initial_backoff(INITIAL_BACKOFF)
        .with_max_backoff(MAX_BACKOFF);
    let timeouts =
        TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).operation_timeout(CALL_TIMEOUT).build();
    let http = SdkHttp::new(Clients::new(false, network)?.client()?);
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http.clone())
        .retry_config(retries.clone())
        .timeout_config(timeouts.clone());
    if let Some(region) = &access.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &access.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = &access.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    let config = loader.load().await;
    let Some(name) = &access.profile else { return Ok(config) };
    // The chain would ask the variables first, and take what they say whatever the profile is.
    if let Some(missing) = missing_profile(Some(name)).await {
        return Err(missing);
    }
    let provider = ProviderConfig::default()
        .with_behavior_version(config.behavior_version())
        .with_region(config.region().cloned())
        .with_use_fips(config.use_fips())
        .with_use_dual_stack(config.use_dual_stack())
        .with_http_client(http)
        .with_retry_config(retries)
        .with_timeout_config(timeouts);
    let provider = ProfileFileCredentialsProvider::builder().configure(&provider).profile_name(name).build();
    Ok(config.into_builder().credentials_provider(SharedCredentialsProvider::new(provider)).build())
}
