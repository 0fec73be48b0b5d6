//! `podferry doctor --canary`: starts the pod, follows its lines until all are there or the time is up, and deletes it, whatever happens in between.
//! `aws::health::canary` counts and judges.

use std::pin::pin;
use std::time::{Duration, Instant, SystemTime};

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget};
use ring::rand::{SecureRandom, SystemRandom};

use super::kubectl::Kubectl;
use super::report::DoctorReport;
use crate::aws::account::Account;
use crate::aws::error::{AwsFailure, SdkCallError};
use crate::aws::function::Function;
use crate::aws::health::advice::{Advice, quoted};
use crate::aws::health::canary::account::{Carrier, HopAccount};
use crate::aws::health::canary::clock::ClockOffset;
use crate::aws::health::canary::cloudwatch::CloudWatchWatch;
use crate::aws::health::canary::datadog::{DatadogWatch, SearchAccess, SearchProblem};
use crate::aws::health::canary::delivered::ExpectedTags;
use crate::aws::health::canary::outcome::{CanaryOutcome, DatadogOutcome};
use crate::aws::health::canary::pod::CanaryPodState;
use crate::aws::health::canary::{function, judge};
use crate::aws::health::cluster::ClusterUnknown;
use crate::aws::health::finding::{HealthArea, HealthFinding};
use crate::cli::error::CommandError;
use crate::cli::flags::pair;
use crate::cli::notes::{self, note};
use crate::cli::show;
use forwarder::delivery::client::Clients;
use forwarder::settings::{Environment, Settings, application_key, plain_api_key};
use manifests::canary::{CONTAINER, CanaryPlan, CanaryPod, IMAGE, RATES, SHORT_LINES};
use manifests::cluster::is_name;
use manifests::json;

const AREA: HealthArea = HealthArea::Canary;

/// How often is looked: sixty times within the time that is given, but no more and no less often than this.
const LOOKS: u32 = 60;
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Of so many looks one goes to Datadog, which counts searches by the hour.
const LOOKS_A_SEARCH: u32 = 2;

/// How much longer the pod may live than it takes to follow it, in seconds: for its start, and for a machine that went to sleep.
const MARGIN_SECONDS: u64 = 120;

/// The flags.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Canary")]
pub(super) struct CanaryFlags {
    /// Run a short pod on Fargate that prints numbered lines, follow them to CloudWatch Logs and, with DD_API_KEY and DD_APP_KEY, to Datadog.
    #[arg(long, conflicts_with = "no_kubectl")]
    canary: bool,
    /// Namespace of the pod, one that a Fargate profile selects [default: the first of podferry.yaml].
    #[arg(long, value_name = "NAME", requires = "canary")]
    canary_namespace: Option<String>,
    /// Label of the pod, where the profile's selector asks for it; repeatable.
    #[arg(long = "canary-label", value_name = "LABEL=VALUE", value_parser = pair, requires = "canary")]
    canary_labels: Vec<(String, String)>,
    /// Image of the pod; it needs a shell, printf and sleep.
    #[arg(long, value_name = "IMAGE", default_value = IMAGE, requires = "canary")]
    canary_image: String,
    /// How many short lines it prints, 2 to 2000; there are also long ones and a stack trace.
    #[arg(long, value_name = "NUMBER", default_value_t = 60, requires = "canary", value_parser = clap::value_parser!(u32).range(SHORT_LINES))]
    canary_lines: u32,
    /// Lines a second, 1 to 100.
    #[arg(long, value_name = "NUMBER", default_value_t = 10, requires = "canary", value_parser = clap::value_parser!(u32).range(RATES))]
    canary_rate: u32,
    /// How long to wait at most for the last line, from the start of the pod. A pod on Fargate takes one or two minutes to start.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, requires = "canary", value_parser = clap::value_parser!(u64).range(1..=3600))]
    canary_wait: u64,
    /// How long to look for duplicates after the last line has arrived.
    #[arg(long, value_name = "SECONDS", default_value_t = 20, requires = "canary", value_parser = clap::value_parser!(u64).range(0..=600))]
    canary_settle: u64,
}

/// What the checks before have found, and what the canary needs of it.
pub(super) struct CanarySurroundings<'a> {
    pub(super) kubectl: Kubectl,
    pub(super) account: &'a Account,
    /// Log groups to look into.
    pub(super) groups: Vec<String>,
    pub(super) function: Option<&'a Function>,
    pub(super) settings: Option<&'a Settings>,
    /// Datadog's API.
    pub(super) datadog_url: Option<String>,
    pub(super) advice: Advice,
}

/// What a canary came to.
enum CanaryEnd {
    Followed(Box<CanaryOutcome>),
    /// There is nothing to follow: why.
    Nothing(HealthFinding),
    Interrupted,
}

impl CanaryFlags {
    /// Takes what podferry.yaml says, and refuses what cannot be, before anything is done.
    pub(super) fn fill(&mut self, namespaces: &[String]) -> Result<(), CommandError> {
        if !self.canary {
            return Ok(());
        }
        self.canary_namespace = self.canary_namespace.take().or_else(|| namespaces.first().cloned());
        match &self.canary_namespace {
            None => Err(CommandError::refused(
                "--canary: say where the pod runs: --canary-namespace NAME, or `namespaces` in podferry.yaml",
            )),
            Some(name) if !is_name(name) => {
                Err(CommandError::refused("--canary-namespace: must be the name of a namespace"))
            }
            Some(_) => self.pod(0).problem().map_or(Ok(()), |problem| Err(CommandError::refused(problem))),
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.canary
    }

    fn pod(&self, lives_seconds: u64) -> CanaryPod {
        CanaryPod {
            namespace: self.canary_namespace.clone().unwrap_or_default(),
            image: self.canary_image.clone(),
            labels: self.canary_labels.clone(),
            lives_seconds,
        }
    }

    /// Runs it. Whether somebody pressed Ctrl-C.
    pub(super) async fn run(
        &self,
        around: CanarySurroundings<'_>,
        report: &mut DoctorReport,
    ) -> Result<bool, CommandError> {
        if around.groups.is_empty() {
            report.add([HealthFinding::skipped(AREA, "pod", "there is no log group to look into; name one")]);
            return Ok(false);
        }
        let plan = CanaryPlan { run: new_run()?, short: self.canary_lines, rate: self.canary_rate };
        let pod = self.pod(plan.seconds() + self.canary_wait + self.canary_settle + MARGIN_SECONDS);
        let search = search_access(around.datadog_url.as_deref());
        let client = Clients::new(false, Settings::read_network(&Environment)?).and_then(|clients| clients.client());
        let client = client.map_err(|error| CommandError::internal(error.to_string()))?;
        let canary =
            Canary { flags: self, around: &around, plan: &plan, name: plan.pod(), namespace: pod.namespace.clone() };
        let delete = canary.delete_command();
        note!("The canary is pod {}/{}. Ctrl-C ends and deletes it.", canary.namespace, canary.name);
        let end = {
            let following = pin!(canary.follow(&pod, search, client));
            tokio::select! {
                end = following => end,
                () = interrupted() => CanaryEnd::Interrupted,
            }
        };
        let deleted = tokio::select! {
            deleted = canary.around.kubectl.delete_pod(&canary.namespace, &canary.name) => deleted,
            () = interrupted() => Err(ClusterUnknown::Failed("Ctrl-C was pressed again".to_owned())),
        };
        let left = deleted.err().map(|unknown| {
            let why = format!(
                "the pod may still be there: {}; it ends by itself after {} s",
                unknown.why(),
                pod.lives_seconds
            );
            HealthFinding::unknown(AREA, "cleaning up", why).fix(delete)
        });
        match end {
            CanaryEnd::Interrupted => {
                match left {
                    None => anstream::eprintln!("Stopped. The canary's pod is deleted."),
                    Some(left) => {
                        let told = format!("Stopped: {}. Delete it with: {}", left.why, left.fix.unwrap_or_default());
                        anstream::eprintln!("{}", show::harmless_lines(&told));
                    }
                }
                return Ok(true);
            }
            CanaryEnd::Nothing(finding) => report.add([finding]),
            CanaryEnd::Followed(outcome) => {
                report.add(judge::judge(&outcome, &around.advice));
                report.canary = Some(outcome.json());
            }
        }
        report.add(left);
        Ok(false)
    }
}

/// A letter, and twelve digits of randomness.
fn new_run() -> Result<String, CommandError> {
    let mut random = [0_u8; 6];
    SystemRandom::new().fill(&mut random).map_err(|_| CommandError::internal("the system returned no random bytes"))?;
    Ok(random.iter().fold("r".to_owned(), |run, byte| run + &format!("{byte:02x}")))
}

/// Both keys and the site, or what is missing.
fn search_access(url: Option<&str>) -> Result<SearchAccess, &'static str> {
    let url = url.ok_or("the site is not known: name its API with --datadog-url")?.to_owned();
    match (plain_api_key(&Environment), application_key(&Environment)) {
        (Some(api_key), Some(app_key)) => Ok(SearchAccess { url, api_key, app_key }),
        (None, Some(_)) => Err("not looked into Datadog: there is no DD_API_KEY"),
        (_, None) => Err("not looked into Datadog: there is no DD_APP_KEY"),
    }
}

/// Ctrl-C, or what ends a process kindly.
async fn interrupted() {
    #[cfg(unix)]
    if let Ok(mut terminated) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated.recv() => {}
        }
        return;
    }
    let _ = tokio::signal::ctrl_c().await;
}

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

/// One run.
struct Canary<'a> {
    flags: &'a CanaryFlags,
    around: &'a CanarySurroundings<'a>,
    plan: &'a CanaryPlan,
    name: String,
    namespace: String,
}

/// What is looked at again and again.
struct Watches<'a> {
    cloudwatch: CloudWatchWatch<'a>,
    unread: Option<SdkCallError>,
    datadog: Result<DatadogWatch<'a>, &'static str>,
    /// Of the last search.
    problem: Option<SearchProblem>,
    clock: ClockOffset,
}

impl Canary<'_> {
    fn delete_command(&self) -> String {
        let context = self.around.kubectl.context.as_ref().map(|name| format!(" --context {}", quoted(name)));
        format!("kubectl delete pod {} -n {}{}", self.name, self.namespace, context.unwrap_or_default())
    }

    async fn follow(
        &self,
        pod: &CanaryPod,
        search: Result<SearchAccess, &'static str>,
        client: reqwest::Client,
    ) -> CanaryEnd {
        let (kubectl, begun, before) = (&self.around.kubectl, Instant::now(), now_ms());
        let made = match kubectl.apply(&json::write(&[pod.manifest(self.plan)]), &self.namespace).await {
            Ok(made) => made,
            Err(unknown) => {
                let why = format!("could not be started in namespace {}: {}", self.namespace, unknown.why());
                return CanaryEnd::Nothing(HealthFinding::unknown(AREA, "pod", why));
            }
        };
        let after = now_ms();
        let state = CanaryPodState::read(&made);
        if !state.is_on_fargate {
            let why = format!("no Fargate profile selects a pod in namespace {}", self.namespace);
            let fix = "name another with --canary-namespace, a label that the profile's selector asks for with --canary-label, or make a profile: \
                       `podferry generate fargate-profile`";
            return CanaryEnd::Nothing(HealthFinding::wrong(AREA, "pod", why).fix(fix));
        }
        let clock = state.created_ms.map_or(ClockOffset::default(), |made| ClockOffset::of(made, before, after));
        let expected = {
            let service = self.around.settings.and_then(|settings| settings.pipeline.tags.service.as_deref());
            ExpectedTags::of(&self.namespace, &self.name, service)
        };
        let run = self.plan.run.as_str();
        let made_ms = clock.of_cluster(before);
        let mut watches = Watches {
            cloudwatch: CloudWatchWatch::new(self.around.account, &self.around.groups, run, made_ms),
            unread: None,
            datadog: search.map(|access| DatadogWatch::new(client, access, (run, &self.name), expected, clock)),
            problem: None,
            clock,
        };
        if let Some(finding) = self.watch(&mut watches, begun).await {
            return CanaryEnd::Nothing(finding);
        }
        let printed = kubectl.logs(&self.namespace, &self.name, CONTAINER).await.ok().map(|text| {
            let mut printed = HopAccount::default();
            for (number, line) in text.lines().enumerate() {
                printed.add(run, Carrier { id: &number.to_string(), text: line, latency_ms: None });
            }
            printed
        });
        let mut outcome = self.outcome(&watches, begun);
        outcome.printed = printed;
        if let (DatadogOutcome::NotAsked(_, counts), Some(of)) = (&mut outcome.datadog, self.around.function) {
            *counts = Some(function::counts(self.around.account, of, SystemTime::now() - begun.elapsed()).await);
        }
        CanaryEnd::Followed(Box::new(outcome))
    }

    /// Looks until all is there, and some time more for doubles, or until the time is up. A finding where there is nothing to look for.
    async fn watch(&self, watches: &mut Watches<'_>, begun: Instant) -> Option<HealthFinding> {
        let wait = Duration::from_secs(self.flags.canary_wait);
        let pause = (wait / LOOKS).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
        let progress = notes::can_animate().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        let (mut state, mut complete_since, mut looks) = (CanaryPodState::default(), None::<Instant>, 0);
        loop {
            if !state.has_started {
                let answer = self.around.kubectl.get(&["pod", &self.name, "-n", &self.namespace]).await;
                state = answer.map_or(state, |answer| CanaryPodState::read(&answer.value));
                if let Some(reason) = &state.logging_disabled {
                    let why = format!("EKS does not log it: {reason}");
                    let fix = "fix the ConfigMap aws-logging (`podferry generate logging`, `podferry lint`)";
                    return Some(HealthFinding::wrong(AREA, "pod", why).fix(fix));
                }
            }
            if state.has_started {
                self.look(watches, looks % LOOKS_A_SEARCH == 0).await;
                looks += 1;
            }
            let outcome = self.outcome(watches, begun);
            if let Some(bar) = &progress {
                bar.set_message(so_far(&outcome, &state, begun.elapsed(), wait));
            }
            let is_over = begun.elapsed() >= wait || watches.unread.as_ref().is_some_and(lasts);
            if outcome.is_complete() {
                let since = *complete_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= Duration::from_secs(self.flags.canary_settle) {
                    break;
                }
            } else if is_over {
                // The last search may be older than the last look.
                if state.has_started && looks % LOOKS_A_SEARCH != 1 {
                    self.search(watches).await;
                }
                break;
            }
            tokio::time::sleep(pause).await;
        }
        if let Some(bar) = progress {
            bar.finish_and_clear();
        }
        let waits_for = state.waits_for.unwrap_or_else(|| "the cluster does not say why".to_owned());
        (!state.has_started).then(|| {
            let why = format!("it did not start within {} s: {waits_for}", self.flags.canary_wait);
            let fix = "see why with `kubectl get events -A --field-selector involvedObject.kind=Pod`; an image is pulled through a NAT gateway or from a registry \
                       of the VPC (--canary-image)";
            HealthFinding::unknown(AREA, "pod", why).fix(fix)
        })
    }

    async fn look(&self, watches: &mut Watches<'_>, and_search: bool) {
        watches.unread = watches.cloudwatch.look().await.err();
        if and_search {
            self.search(watches).await;
        }
    }

    async fn search(&self, watches: &mut Watches<'_>) {
        if let Ok(datadog) = &mut watches.datadog
            && !watches.problem.is_some_and(SearchProblem::lasts)
        {
            watches.problem = datadog.look(now_ms()).await.err();
        }
    }

    fn outcome(&self, watches: &Watches<'_>, begun: Instant) -> CanaryOutcome {
        let seen = |watch: &DatadogWatch<'_>| DatadogOutcome::Seen {
            account: watch.account.clone(),
            missing: watch.missing.clone(),
            logs: watch.logs,
        };
        let mut outcome = CanaryOutcome {
            plan: self.plan.clone(),
            namespace: self.namespace.clone(),
            printed: None,
            cloudwatch: watches.cloudwatch.groups.clone(),
            unread: watches.unread.clone(),
            datadog: watches.datadog.as_ref().map_or_else(|because| DatadogOutcome::NotAsked(because, None), seen),
            clock: watches.clock,
            waited_seconds: begun.elapsed().as_secs(),
        };
        // What a failed search did not show is not lost.
        if let Some(problem) = watches.problem
            && !outcome.is_complete()
        {
            outcome.datadog = DatadogOutcome::Failed(problem.to_string());
        }
        outcome
    }
}

/// Whether a call that failed will fail again.
fn lasts(error: &SdkCallError) -> bool {
    use AwsFailure::{BadCredentials, Denied, NoCredentials, NoSession};
    matches!(error.failure, Denied(_) | BadCredentials(_) | NoCredentials | NoSession)
}

/// For a terminal.
fn so_far(outcome: &CanaryOutcome, state: &CanaryPodState, elapsed: Duration, wait: Duration) -> String {
    let time = format!("{} of {} s", elapsed.as_secs(), wait.as_secs());
    if !state.has_started {
        return format!("Waiting for the canary's pod: {} ({time})", state.waits_for.as_deref().unwrap_or("Pending"));
    }
    let lines = outcome.plan.lines().len();
    let cloudwatch: usize = outcome.cloudwatch.values().map(|account| account.numbers().len()).max().unwrap_or(0);
    let datadog = outcome.datadog_account().map(|account| format!(", {} in Datadog", account.numbers().len()));
    format!("Canary: {cloudwatch} of {lines} lines in CloudWatch Logs{} ({time})", datadog.unwrap_or_default())
}
