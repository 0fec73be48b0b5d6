//! The SDK over our HTTP client, and what its failures are made of, each in the protocol of its service.

use super::error::{AwsFailure, On, SdkCallError};
use super::http::SdkHttp;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_types::retry::RetryConfig;
use forwarder::delivery::client::Clients;
use forwarder::settings::Network;
use testkit::moto::{Fault, REGION, TestAccount};

/// One attempt a call: what is tried again is the SDK's business.
fn config(url: &str) -> SdkConfig {
    let client = Clients::new(false, Network::default()).unwrap().client().unwrap();
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(REGION))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(SdkHttp::new(client))
        .retry_config(RetryConfig::disabled())
        .build()
}

/// What becomes of a failing call of each protocol: JSON, REST, queries and CBOR.
async fn failures(config: &SdkConfig) -> Vec<SdkCallError> {
    let on = || On::any("it");
    let logs = aws_sdk_cloudwatchlogs::Client::new(config).describe_log_groups().send().await;
    let lambda = aws_sdk_lambda::Client::new(config).get_function_configuration().function_name("f").send().await;
    let iam = aws_sdk_iam::Client::new(config).get_role().role_name("r").send().await;
    let metrics = aws_sdk_cloudwatch::Client::new(config).list_metrics().send().await;
    let sqs = aws_sdk_sqs::Client::new(config).list_queues().send().await;
    vec![
        SdkCallError::new("logs:DescribeLogGroups", on(), &logs.unwrap_err()),
        SdkCallError::new("lambda:GetFunctionConfiguration", on(), &lambda.unwrap_err()),
        SdkCallError::new("iam:GetRole", on(), &iam.unwrap_err()),
        SdkCallError::new("cloudwatch:ListMetrics", on(), &metrics.unwrap_err()),
        SdkCallError::new("sqs:ListQueues", on(), &sqs.unwrap_err()),
    ]
}

#[tokio::test]
async fn a_failure_is_known_in_every_protocol() {
    let Some(account) = TestAccount::start() else { return };
    let config = config(&account.url);
    let actions = [
        "logs:DescribeLogGroups",
        "lambda:GetFunctionConfiguration",
        "iam:GetRole",
        "cloudwatch:ListMetrics",
        "sqs:ListQueues",
    ];
    let is = |fault: Fault, failure: &AwsFailure| match fault {
        Fault::Denied => matches!(failure, AwsFailure::Denied(_)),
        Fault::Throttled => matches!(failure, AwsFailure::Throttled(_)),
        Fault::Expired => matches!(failure, AwsFailure::BadCredentials(_)),
        Fault::Closed => matches!(failure, AwsFailure::Unreachable),
        Fault::Other(..) => matches!(failure, AwsFailure::NotFound(_)),
    };
    for fault in [
        Fault::Denied,
        Fault::Throttled,
        Fault::Expired,
        Fault::Closed,
        Fault::Other(400, "ResourceNotFoundException", "no"),
    ] {
        for action in actions {
            account.fault(action, fault, 1);
        }
        let failures = failures(&config).await;
        assert_eq!(failures.iter().map(|one| one.action).collect::<Vec<_>>(), actions);
        for one in failures {
            assert!(is(fault, &one.failure), "{fault:?}: {one:?}");
        }
    }
    for action in actions {
        assert_eq!(account.count(action), 5, "{action}");
    }
}

/// Has no credentials.
#[derive(Debug)]
struct Nobody;

impl ProvideCredentials for Nobody {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let error = CredentialsError::not_loaded("none");
        future::ProvideCredentials::ready(Err(error))
    }
}

#[tokio::test]
async fn without_credentials_nothing_is_sent() {
    let Some(account) = TestAccount::start() else { return };
    let config = config(&account.url).into_builder();
    let config = config.credentials_provider(SharedCredentialsProvider::new(Nobody)).build();
    for one in failures(&config).await {
        assert_eq!(one.failure, AwsFailure::NoCredentials, "{one}");
    }
    assert!(account.take_actions().is_empty());
}

#[tokio::test]
async fn nobody_answers() {
    // A port that was free a moment ago.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for one in failures(&config(&format!("http://{closed}"))).await {
        assert_eq!(one.failure, AwsFailure::Unreachable, "{one}");
        assert!(one.to_string().contains("could not reach AWS"), "{one}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_of_aws() {
    let Some(account) = TestAccount::start() else { return };
    account.stand_in("logs:DescribeLogGroups", |_| (200, serde_json::json!("<html>")));
    let logs = aws_sdk_cloudwatchlogs::Client::new(&config(&account.url));
    let error = logs.describe_log_groups().send().await.unwrap_err();
    let error = SdkCallError::new("logs:DescribeLogGroups", On::any("it"), &error);
    assert_eq!(error.failure, AwsFailure::Unreadable);
}

#[tokio::test]
async fn each_test_has_its_account() {
    let (Some(one), Some(other)) = (TestAccount::start(), TestAccount::start()) else { return };
    one.group("/mine");
    let names = async |account: &TestAccount| {
        let answer =
            aws_sdk_cloudwatchlogs::Client::new(&config(&account.url)).describe_log_groups().send().await.unwrap();
        answer.log_groups().iter().filter_map(|group| group.log_group_name().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(names(&one).await, ["/mine"]);
    assert!(names(&other).await.is_empty());
    let whose = aws_sdk_sts::Client::new(&config(&one.url)).get_caller_identity().send().await.unwrap();
    assert_eq!(whose.account(), Some(one.id.as_str()));
}
