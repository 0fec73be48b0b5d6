//! `podferry explain`: from a log in Datadog back to its event in CloudWatch Logs, and what each step made of it.
//!
//! `given` reads what people have of a log (`datadog_log` knows its forms, `event_id` what an id tells), `found` and `live` find its event in
//! captures or in CloudWatch Logs, `steps` runs it through the pipeline, `compare` says what Datadog has otherwise, `report` prints.

mod compare;
mod datadog_log;
mod event_id;
mod found;
mod given;
mod live;
mod report;
mod steps;

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::account::AccountFlags;
use super::account_settings;
use super::block_on::block_on;
use super::captured::{self, Captured, Whence};
use super::error::CommandError;
use super::exit::Exit;
use super::input::read;
use super::named::named;
use super::notes::note;
use super::output::Output;
use super::selection::{group_name, groups_of};
use super::{redrive, show, spinner};
use crate::aws::account::Account;
use crate::aws::backfill::paced_calls::PacedCalls;
use crate::aws::backfill::rate::DEFAULT_RATE;
use crate::aws::backfill::time;
use crate::aws::function::Function;
use crate::aws::queues::QueueRole;
use datadog_log::DatadogLog;
use forwarder::settings::{Environment, Settings};
use given::Given;
use live::{LiveSearch, Located, Missing};
use pipeline::PipelineSettings;
use report::{Trace, TraceEnd};

/// The ARN that a log has when no function made it.
const NO_FUNCTION: &str = "arn:aws:lambda:region:account:function:podferry-explain";

/// Trace a Datadog log back to CloudWatch Logs
///
/// Takes a log from Datadog, or its attribute `id`, and finds its event in CloudWatch Logs. Shows what each step made of it: Fluent Bit's
/// record, who wrote it, the events that were joined, rules, status, time, and where each tag is from; then what is different in Datadog. The
/// log may be JSON as the Log Explorer copies it, as the Logs API returns it, as the forwarder sent it, or as `podferry preview -o json`
/// prints it. The event is shown as CloudWatch Logs has it, so you can read what a mask hides in Datadog. Changes nothing.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  podferry explain log.json
  podferry explain 38912345678901234567890123456789012345678901234567890123 --group /aws/eks/prod/fargate
  podferry explain log.json --events event.json
  podferry explain log.json --queue https://sqs.eu-west-1.amazonaws.com/111122223333/podferry-dead-letters

Exit codes:
  0  the event was found
  1  it was not found; what the log itself says is shown
  2  the search failed")]
pub(super) struct ExplainOptions {
    /// The attribute `id` of a log, or a file with one or more logs; `-` for standard input.
    #[arg(value_name = "ID|FILE")]
    log: String,
    /// Look for the event in this file, in any form that `podferry preview` takes, instead of in CloudWatch Logs; repeatable.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["group", "since", "queue", "function"])]
    events: Vec<PathBuf>,
    /// Log group, by name or ARN, where the log does not name it [default: log_groups in podferry.yaml].
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Log stream, where the log does not name it.
    #[arg(long, value_name = "NAME")]
    log_stream: Option<String>,
    /// A time, or an age such as 2h or 3d, to look from, where neither log nor ID tell when the event was.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Look in the queue with this URL first, such as that of the dead letters. Reading removes nothing.
    #[arg(long, value_name = "URL")]
    queue: Option<String>,
    /// Take the settings from this function, given by name or ARN [default: the one that sent the log, or the
    /// only one that looks like the forwarder; then the variables of this process].
    #[arg(long, value_name = "NAME|ARN")]
    function: Option<String>,
    #[command(flatten)]
    aws: AccountFlags,
}

impl ExplainOptions {
    pub(super) fn run(self) -> Result<Exit, CommandError> {
        let now_ms = Timestamp::now().as_millisecond();
        let own = Settings::read_pipeline(&Environment)?;
        let Given { mut logs, count, captured, .. } = given::given(&self.log, &own, now_ms)?;
        if count > logs.len() {
            note!("These are the first {} of {count} logs.", logs.len());
        }
        for log in &mut logs {
            log.log_stream = log.log_stream.take().or_else(|| self.log_stream.clone());
        }
        let mut captures: Vec<Captured> = captured.into_iter().collect();
        for file in &self.events {
            let captured = captured::open(&read(file)?, &Whence::default().or_of(file), &own, now_ms)
                .map_err(|error| CommandError::Refused(format!("{}: {error}", named(file))))?;
            if captured.contents.is_empty() && captured.saved.is_empty() {
                return Err(CommandError::refused(format!(
                    "{}: has neither events nor logs of podferry's queue. Give one of the forms that `podferry preview` takes",
                    named(file)
                )));
            }
            note!("{}: read as {}.", named(file), captured.recognised);
            captures.push(captured);
        }
        let traces = if captures.is_empty() {
            block_on(self.of_aws(logs))?
        } else {
            logs.into_iter().map(|log| of_captures(log, &captures, &own)).collect()
        };
        match self.aws.output() {
            Output::Json => show::json(&traces.iter().map(Trace::json).collect())?,
            Output::Text => report::show_all(&mut anstream::stdout(), &traces)?,
        }
        Ok(worst(&traces))
    }

    async fn of_aws(&self, logs: Vec<DatadogLog>) -> Result<Vec<Trace>, CommandError> {
        let mut aws = self.aws.clone();
        let file = aws.read_file()?;
        if let Some((region, _)) = logs.iter().find_map(DatadogLog::sender) {
            aws.or_region(region);
        }
        let now = Timestamp::now();
        let since_ms = self.since.as_deref().map(|since| {
            time::parse(since, now).map_err(|problem| CommandError::Refused(format!("--since {since}: {problem}")))
        });
        let since_ms = since_ms.transpose()?;
        let account = aws.open().await?;
        let groups = self.group.clone().map_or_else(|| groups_of(&file), |group| vec![group]);
        let groups = groups.iter().map(|given| group_name(given, &account)).collect::<Result<_, _>>()?;
        let queue =
            self.queue.as_deref().map(|url| redrive::find_queue(Some(url), "--queue", QueueRole::DeadLetter, None));
        let given = self.function.as_ref().or(file.function.as_ref());
        let function = match given {
            Some(given) => Some(Function::find(&account, Some(given)).await?),
            None => sender(&account, &logs).await,
        };
        let settings = account_settings::read(&account, function.as_ref(), true).await?.pipeline;
        let calls = PacedCalls::new(DEFAULT_RATE);
        let search = LiveSearch { account, groups, since_ms, queue: queue.transpose()?, settings, calls };
        let mut traces = Vec::new();
        for log in logs {
            let located = spinner::during("Looking for the event…", search.find(&log)).await;
            traces.push(traced(log, located, &search.settings));
        }
        Ok(traces)
    }
}

/// The function that sent the logs, as far as it is still there: its settings made them what they are. An id alone does not tell it: then it is
/// the only one that looks like the forwarder.
async fn sender(account: &Account, logs: &[DatadogLog]) -> Option<Function> {
    let of_podferry = || logs.iter().filter(|log| log.other_forwarder().is_none());
    let is_here = |log: &&DatadogLog| log.sender() == Some((&account.region, &account.id));
    let arn = of_podferry().find(is_here).and_then(|log| log.function_arn.as_deref());
    if arn.is_none() && of_podferry().any(|log| log.sender().is_some()) {
        return None;
    }
    match Function::find(account, arn).await {
        Ok(function) => Some(function),
        Err(error) => {
            note!(
                "The settings are those of this process, since the function that sent the log cannot be read: {error}"
            );
            None
        }
    }
}

fn of_captures(log: DatadogLog, captures: &[Captured], settings: &PipelineSettings) -> Trace {
    let waiting = log.id.as_deref().and_then(|id| found::in_messages(captures, id));
    let located = match (found::in_captures(captures, &log, settings), waiting) {
        (Some(event), _) => Ok(Located::Event(Box::new(event))),
        (None, Some(waiting)) => Ok(Located::Waiting("a file".to_owned(), waiting)),
        (None, None) => Err(Missing::NotInFiles),
    };
    traced(log, located, settings)
}

/// What each step made of what was found.
fn traced(log: DatadogLog, located: Result<Located, Missing>, settings: &PipelineSettings) -> Trace {
    let (event, queue) = match located {
        Ok(Located::Event(event)) => (event, None),
        Ok(Located::EventWaiting(queue, event)) => (event, Some(queue)),
        Ok(Located::Waiting(queue, waiting)) => return Trace { log, end: TraceEnd::Waiting { queue, waiting } },
        Err(missing) => return Trace { log, end: TraceEnd::Missing(missing) },
    };
    let arn = log.function_arn.as_deref().unwrap_or(NO_FUNCTION);
    let end = match steps::explain(&event, &log, settings, arn) {
        Ok(explanation) => TraceEnd::Explained { event, explanation: Box::new(explanation), queue },
        Err(problem) => TraceEnd::Missing(Missing::Unreadable(problem)),
    };
    Trace { log, end }
}

fn worst(traces: &[Trace]) -> Exit {
    let is = |test: fn(&Missing) -> bool| {
        traces.iter().any(|one| matches!(&one.end, TraceEnd::Missing(missing) if test(missing)))
    };
    if is(|missing| {
        matches!(missing, Missing::Call(_) | Missing::Elsewhere { .. } | Missing::NoGroupKnown | Missing::NoTime)
    }) {
        return Exit::Failed;
    }
    Exit::of_findings(usize::from(is(|_| true)))
}
