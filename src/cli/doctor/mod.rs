//! `podferry doctor`: asks AWS, Datadog and the cluster, and says step by step what they show. What a step means is the work of
//! `aws::doctor`; here is what needs what, and in which order.

mod kubectl;
mod report;

use std::time::{Duration, SystemTime};

use clap::Args;
use jiff::Timestamp;

use super::account::AccountFlags;
use super::block_on::block_on;
use super::error::CommandError;
use super::exit::Exit;
use super::selection::{FunctionFlag, SelectionFlags};
use crate::aws::account::Account;
use crate::aws::doctor::cluster::{self, CONFIG_MAP, NAMESPACE};
use crate::aws::doctor::logs::{Around, Subscribed};
use crate::aws::doctor::{Area, Outcome, Step, function, key, logs, queues, read, role, test_event};
use crate::aws::function::Function;
use crate::aws::groups::FoundLogGroups;
use crate::aws::subscribe::apply;
use forwarder::delivery::client::Clients;
use forwarder::settings::{Environment, Settings, may_take_keys};
use kubectl::Kubectl;
use manifests::lint::project::Expected;
use report::Report;

/// The heading of the flags that are only here.
const CHECKS: &str = "What to check";

/// Check the whole log pipeline and explain what to fix
///
/// Checks, step by step, the credentials, the function and its settings, the API key (by asking Datadog), the function's role, log groups
/// and their filters, the queues, and with kubectl the namespace, the ConfigMap and the pods. Reports what is right, what is wrong, what
/// could not be checked, and how to fix it. Checks all log groups that are subscribed to the function, unless you or
/// podferry.yaml name some. Changes nothing; with --send-test, one log goes to Datadog.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "Examples:
  podferry doctor
  podferry doctor /aws/eks/prod/fargate --send-test
  podferry doctor --no-kubectl --output json

Exit codes:
  0  nothing is wrong
  1  something is wrong, or could not be checked
  2  there are no AWS credentials; the cluster is checked all the same")]
pub(super) struct DoctorOptions {
    #[command(flatten)]
    selection: SelectionFlags,
    #[command(flatten)]
    function: FunctionFlag,
    /// Send one log through the function to Datadog, and wait for the answer.
    #[arg(long, help_heading = CHECKS)]
    send_test: bool,
    /// URL of the Datadog API [default: that of the function's DD_SITE].
    #[arg(long, help_heading = CHECKS, value_name = "URL")]
    datadog_url: Option<String>,
    /// kubectl to use.
    #[arg(long, help_heading = CHECKS, value_name = "PATH", default_value = "kubectl", conflicts_with = "no_kubectl")]
    kubectl: String,
    /// Context of the kubeconfig to use [default: the current one].
    #[arg(long, help_heading = CHECKS, value_name = "NAME", conflicts_with = "no_kubectl")]
    context: Option<String>,
    /// Timeout of each kubectl call.
    #[arg(long, help_heading = CHECKS, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=600))]
    kubectl_timeout: u64,
    /// Do not check the cluster.
    #[arg(long, help_heading = CHECKS)]
    no_kubectl: bool,
    #[command(flatten)]
    aws: AccountFlags,
}

/// What the steps after the function's build on.
struct Forwarder {
    account: Account,
    function: Function,
    settings: Option<Settings>,
}

impl DoctorOptions {
    pub(super) fn run(mut self) -> Result<Exit, CommandError> {
        let file = self.aws.read_file()?;
        self.selection.fill(&file);
        self.function.fill(&file);
        block_on(doctor(self))
    }
}

async fn doctor(options: DoctorOptions) -> Result<Exit, CommandError> {
    // The key goes there.
    if options.datadog_url.as_deref().is_some_and(|url| !may_take_keys(url)) {
        let problem =
            "--datadog-url: must be a URL with https, such as https://api.datadoghq.eu, or lead to this machine";
        return Err(CommandError::Refused(problem.to_owned()));
    }
    let mut report = Report::new(options.aws.output(), Settings::is_utf8(&Environment));
    let account = match options.aws.open().await {
        Ok(account) => Some(account),
        Err(CommandError::Account(error)) => {
            report.add([Step::wrong(Area::Account, "credentials", error.to_string())])?;
            None
        }
        Err(error) => return Err(error),
    };
    let is_lost = account.is_none();
    let mut expected = Expected::default();
    if let Some(account) = account {
        let Account { caller, id, region, .. } = &account;
        report.add([Step::right(Area::Account, "credentials", format!("{caller}, account {id}, region {region}"))])?;
        (expected.region, expected.account) = (Some(region.clone()), Some(id.clone()));
        of_account(&options, account, &mut expected, &mut report).await?;
    } else {
        skip(
            &mut report,
            &[Area::Function, Area::Key, Area::Role, Area::LogGroups, Area::Queues],
            "without credentials AWS cannot be asked",
        )?;
        skip_test(&options, &mut report, "without credentials the function cannot be invoked")?;
    }
    of_cluster(&options, &expected, &mut report).await?;
    report.end()?;
    Ok(if is_lost {
        Exit::Failed
    } else {
        Exit::of_findings(report.count(Outcome::Wrong) + report.count(Outcome::Unknown))
    })
}

fn skip(report: &mut Report, areas: &[Area], because: &str) -> Result<(), CommandError> {
    report.add(areas.iter().map(|area| Step::skipped(*area, "everything", because)))
}

fn skip_test(options: &DoctorOptions, report: &mut Report, because: &str) -> Result<(), CommandError> {
    if options.send_test { skip(report, &[Area::Test], because) } else { Ok(()) }
}

async fn of_account(
    options: &DoctorOptions,
    account: Account,
    expected: &mut Expected,
    report: &mut Report,
) -> Result<(), CommandError> {
    let function = match Function::find(&account, options.function.function.as_deref()).await {
        Ok(function) => function,
        Err(error) => {
            report.add([no_function(&error)])?;
            skip(report, &[Area::Key, Area::Role, Area::LogGroups, Area::Queues], "there is no function to look at")?;
            return skip_test(options, report, "there is no function to invoke");
        }
    };
    let mut forwarder = Forwarder { account, function, settings: None };
    let can_run = of_function(&mut forwarder, report).await?;
    of_key(options, &forwarder, report).await?;
    of_role(&forwarder, report).await?;
    let groups = of_groups(options, &forwarder, report).await?;
    // With several there is none to expect.
    if let [one] = groups.as_slice() {
        expected.log_group = Some(one.group.name.clone());
    }
    of_queues(&forwarder, report).await?;
    if options.send_test {
        let group = groups.first().map_or("/podferry/doctor", |one| one.group.name.as_str());
        if can_run {
            send_test(&forwarder, group, report).await?;
        } else {
            skip_test(options, report, "the function cannot run")?;
        }
    }
    Ok(())
}

fn no_function(error: &crate::aws::function::FunctionError) -> Step {
    match error {
        crate::aws::function::FunctionError::Call(error) => Step::of_error(Area::Function, "function", error),
        other => Step::wrong(Area::Function, "function", other.to_string()),
    }
}

/// Whether it can run.
async fn of_function(forwarder: &mut Forwarder, report: &mut Report) -> Result<bool, CommandError> {
    let Forwarder { account, function, settings } = forwarder;
    let deployed = match read::deployed(account, function).await {
        Ok(deployed) => deployed,
        Err(error) => {
            report.add([Step::of_error(Area::Function, "state", &error)])?;
            return Ok(false);
        }
    };
    let state = self::function::state(function, &deployed);
    let can_run = state.outcome != Outcome::Wrong;
    report.add([state])?;
    report.add(self::function::code(function, &deployed))?;
    let (read, steps) = self::function::settings(function, &deployed, account);
    *settings = read;
    report.add(steps)?;
    Ok(can_run)
}

/// Why a step is skipped that needs the settings.
const NO_SETTINGS: &str = "the settings could not be read";

async fn of_key(options: &DoctorOptions, forwarder: &Forwarder, report: &mut Report) -> Result<(), CommandError> {
    let Some(settings) = &forwarder.settings else { return skip(report, &[Area::Key], NO_SETTINGS) };
    let clients = Clients::new(false, Settings::read_proxies(&Environment)?)
        .map_err(|error| CommandError::Internal(error.to_string()))?;
    let key = read::key(&forwarder.account, settings, &clients).await;
    report.add([key::fetched(&settings.api_key, key.as_ref().map(|_| ()))])?;
    let Ok(key) = key else {
        return report.add([Step::skipped(Area::Key, "Datadog", "there is no key to ask about")]);
    };
    let url = options.datadog_url.clone().or_else(|| settings.delivery.api_url());
    let step = match &url {
        Some(url) => key::validated(url, read::validate(url, &key, &clients).await),
        None => key::validated("", key::Validation::NoSite),
    };
    report.add([step])
}

async fn of_role(forwarder: &Forwarder, report: &mut Report) -> Result<(), CommandError> {
    let Forwarder { account, function, settings } = forwarder;
    let Some(settings) = settings else { return skip(report, &[Area::Role], NO_SETTINGS) };
    let mut is_open = false;
    for need in role::needs(function, settings, account) {
        if is_open {
            report.add([Step::skipped(Area::Role, need.purpose, "IAM does not answer, see above")])?;
            continue;
        }
        let step = match read::denied(account, &function.role, &need).await {
            Ok(denied) => role::judge(&function.role, &need, &denied),
            Err(error) => Step::of_error(Area::Role, need.purpose, &error),
        };
        is_open = step.outcome == Outcome::Unknown;
        report.add([step])?;
    }
    Ok(())
}

async fn of_groups(
    options: &DoctorOptions,
    forwarder: &Forwarder,
    report: &mut Report,
) -> Result<Vec<Subscribed>, CommandError> {
    let Forwarder { account, function, .. } = forwarder;
    let selection = options.selection.selection(account)?;
    let found = match selection.find(account).await {
        Ok(found) => found,
        Err(error) => {
            report.add([Step::of_error(Area::LogGroups, "log groups", &error)])?;
            return Ok(Vec::new());
        }
    };
    if !selection.is_empty() && found == FoundLogGroups::default() {
        let problem = format!("no log group fits {}", options.selection.said());
        report.add([Step::wrong(Area::LogGroups, "log groups", problem)])?;
        return Ok(Vec::new());
    }
    let missing = found.missing.clone();
    let groups = read::subscribed(account, function, found, selection.is_empty()).await;
    let permission = apply::policy(account, function).await;
    // One that is not understood leads elsewhere, or was not made by us.
    let account_policy = apply::account_policy(account)
        .await
        .map(|policy| policy.and_then(Result::ok).filter(|policy| policy.leads_to(&function.arn)));
    let around = Around {
        account: &account.id,
        function,
        permission: permission.as_ref(),
        account_policy: account_policy.as_ref().map(Option::as_ref),
    };
    report.add(logs::judge(&groups, &missing, around))?;
    Ok(groups)
}

async fn of_queues(forwarder: &Forwarder, report: &mut Report) -> Result<(), CommandError> {
    let Forwarder { account, function, settings } = forwarder;
    let Some(settings) = settings else { return skip(report, &[Area::Queues], NO_SETTINGS) };
    match &settings.queues.undelivered {
        None => report.add([queues::none()])?,
        Some(queue) => {
            let attributes = read::attributes(account, queue).await;
            let mappings = read::mappings(account, function).await;
            report.add(queues::undelivered(&queue.name, &function.name, attributes.as_ref(), mappings.as_deref()))?;
        }
    }
    if let Some(queue) = &settings.queues.dead_letter {
        report.add([queues::dead_letters(&queue.name, read::attributes(account, queue).await.as_ref())])?;
    }
    Ok(())
}

async fn send_test(forwarder: &Forwarder, group: &str, report: &mut Report) -> Result<(), CommandError> {
    let Forwarder { account, function, .. } = forwarder;
    let now = Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH);
    // Two tests are not of the same nanosecond.
    let mark = format!("{:x}", now.as_nanosecond());
    let event = test_event::event(&account.id, group, now, &mark);
    let step = match read::invoke(account, function, event).await {
        Ok((failed, answer)) => test_event::judge(failed, &answer, &mark, &function.name, &function.log_group),
        Err(error) => Step::of_error(Area::Test, "delivery", &error),
    };
    report.add([step])
}

async fn of_cluster(options: &DoctorOptions, expected: &Expected, report: &mut Report) -> Result<(), CommandError> {
    if options.no_kubectl {
        return skip(report, &[Area::Cluster], "--no-kubectl");
    }
    let DoctorOptions { kubectl: program, context, kubectl_timeout, .. } = options.clone();
    let kubectl = Kubectl { program, context, timeout: Duration::from_secs(kubectl_timeout) };
    let namespace = kubectl.get(&["namespace", NAMESPACE]).await;
    let step = cluster::namespace(namespace.as_ref().map(|seen| &seen.value));
    let is_open = step.outcome == Outcome::Unknown;
    report.add([step])?;
    if is_open {
        let because = "the namespace could not be read";
        return report.add(
            [format!("configmap {CONFIG_MAP}"), "pods".to_owned()]
                .map(|name| Step::skipped(Area::Cluster, &name, because)),
        );
    }
    let config_map = kubectl.get(&["configmap", CONFIG_MAP, "-n", NAMESPACE]).await;
    report.add(cluster::config_map(config_map.as_ref().map(|seen| seen.text.as_str()), expected))?;
    let pods = kubectl.get(&["pods", "-A"]).await;
    let seen_map = config_map.as_ref().ok().map(|seen| &seen.value);
    report.add(cluster::pods(pods.as_ref().map(|seen| &seen.value), seen_map))
}
