//! `podferry doctor`: asks AWS, Datadog and the cluster, and shows step by step what it finds, right or wrong. `aws::health` judges;
//! here is what depends on what, and in which order it is shown.

#[cfg(test)]
mod advice;
mod canary;
mod cluster;
mod kubectl;
mod report;

use std::time::{Duration, SystemTime};

use clap::Args;
use jiff::Timestamp;

use super::account::AccountFlags;
use super::block_on::block_on;
use super::error::CommandError;
use super::exit::Exit;
use super::selection::{FunctionFlag, GROUPS_OR_SUBSCRIBED, SelectionFlags};
use crate::aws::account::{Account, AccountError};
use crate::aws::function::{Function, FunctionError};
use crate::aws::groups::{FoundLogGroups, LogGroupSelection};
use crate::aws::health::advice::Advice;
use crate::aws::health::cluster::LoggingSeen;
use crate::aws::health::facts::LogGroupFact;
use crate::aws::health::finding::{HealthArea, HealthFinding, HealthSeverity};
use crate::aws::health::{
    ask, failed_events, fluent_bit_log, fluent_bit_reader, function, key, last_hour, log_groups, queues, read, role,
    test_event,
};
use canary::{CanaryFlags, CanarySurroundings};
use forwarder::delivery::client::Clients;
use forwarder::settings::{Environment, Settings, may_take_keys};
use kubectl::Kubectl;
use manifests::lint::project::ExpectedTarget;
use report::DoctorReport;

/// The heading of the flags that are only here.
const CHECKS: &str = "What to check";

/// Check the whole log pipeline and explain what to fix
///
/// Checks, step by step, the credentials, the function and its settings, the API key (by asking Datadog), the function's role, log groups
/// and their filters, the queues, with kubectl the namespace, the ConfigMap, the pods and the Agents beside them, and Fluent Bit's own
/// log. Reports what is right, what is wrong, what
/// could not be checked, and how to fix it. Checks all log groups that are subscribed to the function, unless you or
/// podferry.yaml name some. Changes nothing; with --send-test, one log goes to Datadog; with --canary, a pod runs for some minutes, and is
/// deleted afterwards.
#[derive(Debug, Clone, Args)]
#[command(mut_arg("groups", |groups| groups.help(GROUPS_OR_SUBSCRIBED)))]
#[command(after_long_help = "Examples:
  podferry doctor
  podferry doctor /aws/eks/prod/fargate --send-test
  podferry doctor --canary --canary-namespace shop
  podferry doctor --no-kubectl --output json

Exit codes:
  0  nothing is wrong
  1  something is wrong, or could not be checked
  2  it failed; without AWS credentials, the cluster is still checked")]
pub(super) struct DoctorOptions {
    #[command(flatten)]
    selection: SelectionFlags,
    #[command(flatten)]
    function: FunctionFlag,
    /// Send one test log through the function to Datadog, and wait for the answer.
    #[arg(long, help_heading = CHECKS)]
    send_test: bool,
    /// Datadog API to validate the key with [default: that of the function's DD_SITE].
    #[arg(long, help_heading = CHECKS, value_name = "URL")]
    datadog_url: Option<String>,
    /// kubectl to inspect the cluster with.
    #[arg(long, help_heading = CHECKS, value_name = "PATH", default_value = "kubectl", conflicts_with = "no_kubectl")]
    kubectl: String,
    /// kubeconfig context [default: the current one].
    #[arg(long, help_heading = CHECKS, value_name = "NAME", conflicts_with = "no_kubectl")]
    context: Option<String>,
    /// How long to wait for each kubectl call.
    #[arg(long, help_heading = CHECKS, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=600))]
    kubectl_timeout: u64,
    /// Skip the cluster.
    #[arg(long, help_heading = CHECKS)]
    no_kubectl: bool,
    #[command(flatten)]
    canary: CanaryFlags,
    #[command(flatten)]
    aws: AccountFlags,
}

/// What is shown of the account needs these.
struct Forwarder {
    account: Account,
    function: Function,
    settings: Option<Settings>,
    selection: LogGroupSelection,
    advice: Advice,
}

/// What cannot be looked at without credentials, or without the function.
const NEEDS_FUNCTION: [HealthArea; 5] =
    [HealthArea::Key, HealthArea::Role, HealthArea::LogGroups, HealthArea::Queues, HealthArea::LastHour];

impl DoctorOptions {
    fn kubectl(&self) -> Kubectl {
        let DoctorOptions { kubectl: program, context, kubectl_timeout, .. } = self.clone();
        Kubectl { program, context, timeout: Duration::from_secs(kubectl_timeout) }
    }

    pub(super) fn run(mut self) -> Result<Exit, CommandError> {
        let file = self.aws.read_file()?;
        self.selection.fill(&file);
        self.function.fill(&file);
        self.canary.fill(&file.namespaces)?;
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
    let mut report = DoctorReport::new(options.aws.output(), Settings::is_utf8(&Environment));
    let account = match options.aws.open().await {
        Ok(account) => Some(account),
        Err(CommandError::Account(error)) => {
            report.add([no_account(&error)]);
            None
        }
        Err(error) => return Err(error),
    };
    let mut expected = ExpectedTarget::default();
    let mut groups = Vec::new();
    let mut forwarder = None;
    if let Some(account) = &account {
        // Before anything is printed.
        let selection = options.selection.selection(account)?;
        let Account { caller, id, region, .. } = account;
        let seen = format!("{caller}, account {id}, region {region}");
        report.add([HealthFinding::ok(HealthArea::Account, "credentials", seen)]);
        (expected.region, expected.account) = (Some(region.clone()), Some(id.clone()));
        (groups, forwarder) = of_account(&options, account.clone(), selection, &mut report).await?;
        // Of several, none is expected.
        if let [one] = groups.as_slice() {
            expected.log_group = Some(one.clone());
        }
    } else {
        skip(&mut report, &[HealthArea::Function], NO_CREDENTIALS);
        skip(&mut report, &NEEDS_FUNCTION, NO_CREDENTIALS);
        skip_test(&options, &mut report, "without credentials the function cannot be invoked");
    }
    let logging = of_cluster(&options, &expected, &mut report).await;
    let named = account.as_ref().zip(logging.as_ref()).map(|(account, seen)| seen.log_groups_in(&account.region));
    of_fluent_bit(&options, account.as_ref(), groups.clone(), logging, &mut report).await;
    // Those that the ConfigMap names come first: the canary's logs go there.
    let mut named = named.unwrap_or_default();
    groups.retain(|name| !named.contains(name));
    named.append(&mut groups);
    let groups = named;
    if of_canary(&options, account.as_ref(), groups, forwarder.as_ref(), &mut report).await? {
        return Ok(Exit::Interrupted);
    }
    report.end()?;
    Ok(if account.is_none() { Exit::Failed } else { Exit::of_findings(report.problems()) })
}

/// Why what needs the account is skipped.
const NO_CREDENTIALS: &str = "without credentials AWS does not answer";

fn skip(report: &mut DoctorReport, areas: &[HealthArea], because: &str) {
    report.add(areas.iter().map(|area| HealthFinding::skipped(*area, "everything", because)));
}

fn skip_test(options: &DoctorOptions, report: &mut DoctorReport, because: &str) {
    if options.send_test {
        skip(report, &[HealthArea::Test], because);
    }
}

/// The names of the log groups that were looked at, and the forwarder, if there is one.
async fn of_account(
    options: &DoctorOptions,
    account: Account,
    selection: LogGroupSelection,
    report: &mut DoctorReport,
) -> Result<(Vec<String>, Option<Forwarder>), CommandError> {
    let function = match Function::find(&account, options.function.function.as_deref()).await {
        Ok(function) => function,
        Err(error) => {
            report.add([no_function(&error)]);
            skip(report, &NEEDS_FUNCTION, "there is no function to look at");
            skip_test(options, report, "there is no function to invoke");
            return Ok((selection.names, None));
        }
    };
    let advice = options.aws.advice(&account);
    report.add(function::state(&function, &advice));
    report.add(function::code(&function, &advice));
    let (settings, found) = function::settings(&function, &account.region);
    report.add(found);
    let forwarder = Forwarder { account, function, settings, selection, advice };
    of_key(options, &forwarder, report).await?;
    of_role(&forwarder, report).await;
    let groups = of_groups(options, &forwarder, report).await;
    let Forwarder { account, function, advice, .. } = &forwarder;
    let (of_queues, activity) = read::queues_and_activity(account, function).await;
    report.add(queues::judge(&of_queues, function, advice));
    report.add(last_hour::judge(&activity, &groups, function, advice));
    if options.send_test {
        let group = groups.first().map_or("/podferry/doctor", |one| one.group.name.as_str());
        if function::can_run(function) {
            send_test(&forwarder, group, report).await;
        } else {
            skip_test(options, report, "the function cannot run");
        }
    }
    Ok((groups.into_iter().map(|one| one.group.name).collect(), Some(forwarder)))
}

/// Without credentials nothing works, whatever the failure is.
fn no_account(error: &AccountError) -> HealthFinding {
    let (area, what) = (HealthArea::Account, "credentials");
    match error {
        AccountError::Call(error) => {
            HealthFinding { severity: HealthSeverity::Wrong, ..HealthFinding::of_error(area, what, error) }
        }
        other => HealthFinding::wrong(area, what, other.to_string()),
    }
}

fn no_function(error: &FunctionError) -> HealthFinding {
    match error {
        FunctionError::Call(error) => HealthFinding::of_error(HealthArea::Function, "function", error),
        other => HealthFinding::wrong(HealthArea::Function, "function", other.to_string()),
    }
}

/// Why what needs the settings is skipped.
const NO_SETTINGS: &str = "the settings could not be read";

async fn of_key(options: &DoctorOptions, forwarder: &Forwarder, report: &mut DoctorReport) -> Result<(), CommandError> {
    let Some(settings) = &forwarder.settings else {
        skip(report, &[HealthArea::Key], NO_SETTINGS);
        return Ok(());
    };
    let clients = Clients::new(false, Settings::read_network(&Environment)?)
        .map_err(|error| CommandError::Internal(error.to_string()))?;
    let key = ask::key(&forwarder.account, settings, &clients).await;
    report.add([key::fetched(&settings.api_key, key.as_ref().map(|_| ()))]);
    let Ok(key) = key else {
        report.add([HealthFinding::skipped(HealthArea::Key, "Datadog", "there is no key to validate")]);
        return Ok(());
    };
    let url = options.datadog_url.clone().or_else(|| settings.delivery.api_url());
    let finding = match &url {
        Some(url) => key::validated(url, ask::validate(url, &key, &clients).await, &forwarder.advice),
        None => key::validated("", key::KeyValidation::NoSite, &forwarder.advice),
    };
    report.add([finding]);
    Ok(())
}

async fn of_role(forwarder: &Forwarder, report: &mut DoctorReport) {
    let Forwarder { account, function, settings, .. } = forwarder;
    let Some(settings) = settings else { return skip(report, &[HealthArea::Role], NO_SETTINGS) };
    let needs = role::needs(function, settings, account);
    simulate(forwarder, HealthArea::Role, needs, report).await;
}

/// Asks IAM whether the function's role has these permissions.
async fn simulate(
    forwarder: &Forwarder,
    area: HealthArea,
    needs: Vec<role::RolePermission>,
    report: &mut DoctorReport,
) {
    let Forwarder { account, function, advice, .. } = forwarder;
    let mut is_open = false;
    for need in needs {
        if is_open {
            report.add([HealthFinding::skipped(area, &need.purpose, "IAM does not answer, see above")]);
            continue;
        }
        let finding = match ask::denied(account, &function.role, &need).await {
            Ok(denied) => HealthFinding { area, ..role::judge(&function.role, &need, &denied, advice) },
            Err(error) => HealthFinding::of_error(area, &need.purpose, &error),
        };
        is_open = finding.severity == HealthSeverity::Unknown;
        report.add([finding]);
    }
}

/// In how many log groups at most it is asked whether metadata may be looked up there: each is a call of IAM's simulator.
const MOST_LOOKED_UP: usize = 20;

async fn of_groups(options: &DoctorOptions, forwarder: &Forwarder, report: &mut DoctorReport) -> Vec<LogGroupFact> {
    let Forwarder { account, function, settings, selection, advice } = forwarder;
    let found = selection.find(account).await;
    if !selection.is_empty() && found == Ok(FoundLogGroups::default()) {
        let why = format!("no log group matches {}", options.selection.said());
        report.add([HealthFinding::wrong(HealthArea::LogGroups, "log groups", why)]);
        return Vec::new();
    }
    let facts = read::log_groups(account, function, found, selection.is_empty()).await;
    report.add(log_groups::judge(&facts, function, advice));
    report.add(failed_events::judge(&facts.failed_events, function, advice));
    if settings.as_ref().is_some_and(|settings| settings.metadata_lookups > 0) {
        let groups = facts.groups.iter().take(MOST_LOOKED_UP);
        let needs = groups.map(|one| role::look_up(&one.group.name, account)).collect();
        simulate(forwarder, HealthArea::LogGroups, needs, report).await;
    }
    facts.groups
}

async fn send_test(forwarder: &Forwarder, group: &str, report: &mut DoctorReport) {
    let Forwarder { account, function, advice, .. } = forwarder;
    let now = Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH);
    // No two tests fall into the same nanosecond.
    let mark = format!("{:x}", now.as_nanosecond());
    let event = test_event::event(&account.id, group, now, &mark);
    let finding = match ask::invoke(account, function, event).await {
        Ok((failed, answer)) => test_event::judge(failed, &answer, &mark, function, advice),
        Err(error) => HealthFinding::of_error(HealthArea::Test, "delivery", &error),
    };
    report.add([finding]);
}

/// What the ConfigMap says, if it was read.
async fn of_cluster(
    options: &DoctorOptions,
    expected: &ExpectedTarget,
    report: &mut DoctorReport,
) -> Option<LoggingSeen> {
    if options.no_kubectl {
        skip(report, &[HealthArea::Cluster], "--no-kubectl");
        return None;
    }
    cluster::look(&options.kubectl(), expected, report).await
}

/// Whether somebody pressed Ctrl-C.
async fn of_canary(
    options: &DoctorOptions,
    account: Option<&Account>,
    groups: Vec<String>,
    forwarder: Option<&Forwarder>,
    report: &mut DoctorReport,
) -> Result<bool, CommandError> {
    if !options.canary.is_on() {
        return Ok(false);
    }
    let Some(account) = account else {
        skip(report, &[HealthArea::Canary], NO_CREDENTIALS);
        return Ok(false);
    };
    let settings = forwarder.and_then(|forwarder| forwarder.settings.as_ref());
    let around = CanarySurroundings {
        kubectl: options.kubectl(),
        account,
        groups: groups.into_iter().take(fluent_bit_reader::MOST_GROUPS).collect(),
        function: forwarder.map(|forwarder| &forwarder.function),
        settings,
        datadog_url: options.datadog_url.clone().or_else(|| settings?.delivery.api_url()),
        advice: options.aws.advice(account),
    };
    options.canary.run(around, report).await
}

async fn of_fluent_bit(
    options: &DoctorOptions,
    account: Option<&Account>,
    mut groups: Vec<String>,
    logging: Option<LoggingSeen>,
    report: &mut DoctorReport,
) {
    let Some(account) = account else { return report.add([fluent_bit_log::not_asked(NO_CREDENTIALS)]) };
    let mut names = logging.as_ref().map(|seen| seen.log_groups_in(&account.region)).unwrap_or_default();
    names.retain(|name| !groups.contains(name));
    names.truncate(fluent_bit_reader::MOST_GROUPS);
    let mut unsearched = Vec::new();
    if !names.is_empty() {
        match (LogGroupSelection { names, ..LogGroupSelection::default() }).find(account).await {
            Ok(found) => {
                report.add(found.missing.iter().map(|name| fluent_bit_log::nothing_written(name)));
                groups.splice(0..0, found.groups.into_iter().map(|group| group.name));
            }
            Err(error) => unsearched.push(fluent_bit_log::not_searched(&error)),
        }
    }
    let is_written = logging.map(|seen| seen.writes_own_log);
    // What is there then is of another time, or of another cluster.
    if is_written == Some(false) {
        return report.add(unsearched.into_iter().chain([fluent_bit_log::not_written()]));
    }
    let (logs, errors) = fluent_bit_reader::logs(account, &groups).await;
    unsearched.extend(errors.iter().map(fluent_bit_log::not_searched));
    report.add(fluent_bit_log::judge(&logs, is_written, unsearched, &options.aws.advice(account)));
}
