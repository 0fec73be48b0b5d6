//! `podferry redrive`: from options to the queues, and in which order they are asked.

mod plan;

use clap::Args;
use jiff::Timestamp;

use super::account::{AccountFlags, confirm};
use super::block_on::block_on;
use super::changes::ChangeFlags;
use super::error::CommandError;
use super::exit::Exit;
use super::notes::note;
use super::output::Output;
use super::selection::FunctionFlag;
use super::{show, spinner};
use crate::aws::account::Account;
use crate::aws::backfill::time;
use crate::aws::function::Function;
use crate::aws::queues::{ForwarderQueue, QueueRole};
use crate::aws::redrive::dead_letter::DeadLetterFilter;
use crate::aws::redrive::queue::RedriveAction;
use forwarder::settings::{DEAD_LETTER_QUEUE_URL, UNDELIVERED_QUEUE_URL, VariableSource};
use plan::RedrivePlan;

/// The help of --config: a queue has no log groups.
const CONFIG: &str = "File with region, account and function; flags win [default: podferry.yaml, if it exists]";

/// List dead letters, and resend or delete them
///
/// Shows what is in the function's dead-letter queue: what each message is, why it is there and since when, never the text of logs.
/// Listing removes nothing. With --send or --drop, shows what it would do, and asks.
#[derive(Debug, Clone, Args)]
#[command(mut_arg("config", |config| config.help(CONFIG)))]
#[command(after_long_help = "Examples:
  podferry redrive
  podferry redrive --send --reason IntakeAnswered400
  podferry redrive --drop --older-than 7d --limit 100

Exit codes:
  0  none of the selected dead letters are left
  1  some are left
  2  it failed")]
pub(super) struct RedriveOptions {
    /// Resend the messages: move each to the function's queue of undelivered logs.
    #[arg(long, conflicts_with = "drop")]
    send: bool,
    /// Delete the messages permanently.
    #[arg(long)]
    drop: bool,
    /// List the queue of undelivered logs instead, which the function retries by itself.
    #[arg(long, conflicts_with_all = ["send", "drop", "queue"])]
    undelivered: bool,
    /// Only messages with this reason, as listed; repeatable.
    #[arg(long = "reason", value_name = "NAME")]
    reasons: Vec<String>,
    /// Only messages sent before this time, or longer ago than this age, such as 2h or 3d.
    #[arg(long, value_name = "TIME")]
    older_than: Option<String>,
    /// Only messages sent since this time, or within this age.
    #[arg(long, value_name = "TIME")]
    newer_than: Option<String>,
    /// At most this many messages, oldest first.
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
    /// With --send or --drop: include messages that are not from podferry, or from a newer version.
    #[arg(long)]
    unknown: bool,
    /// URL of the queue to list [default: the dead-letter queue in the function's variables].
    #[arg(long, value_name = "URL")]
    queue: Option<String>,
    /// With --send: URL of the queue to move the messages to [default: the queue of undelivered logs in the function's variables].
    #[arg(long, value_name = "URL", requires = "send")]
    to: Option<String>,
    #[command(flatten)]
    function: FunctionFlag,
    #[command(flatten)]
    change: ChangeFlags,
    #[command(flatten)]
    aws: AccountFlags,
}

impl RedriveOptions {
    pub(super) fn run(mut self) -> Result<Exit, CommandError> {
        let file = self.aws.read_file()?;
        self.function.fill(&file);
        block_on(redrive(self))
    }
}

async fn redrive(options: RedriveOptions) -> Result<Exit, CommandError> {
    let now = Timestamp::now();
    let wanted = wanted(&options, now)?;
    let account = options.aws.open().await?;
    let (queue, action) = queues(&account, &options).await?;
    let mut messages = spinner::during("Reading the queue…", queue.look(&account)).await?;
    let reasons = messages.iter().map(|message| message.reason.clone()).collect();
    messages.retain(|message| wanted.has(message));
    messages.truncate(options.limit.unwrap_or(usize::MAX));
    let unknown = messages.iter().filter(|message| action.is_some() && !options.unknown && !message.kind.is_known());
    let left = unknown.map(|message| message.id.clone()).collect();
    let plan = RedrivePlan { queue, reasons, messages, action, left };
    let is_text = options.aws.output() == Output::Text;
    if is_text {
        plan.show(&mut anstream::stdout().lock(), now.as_millisecond())?;
        if options.change.dry_run {
            plan.show_dry_run(&mut anstream::stdout().lock())?;
        }
    }
    let ids = plan.chosen();
    let done = match &plan.action {
        Some(action) if !ids.is_empty() && !options.change.dry_run => {
            if !options.change.yes && !confirm(&plan.question(action))? {
                note!("Nothing was done.");
                return Ok(Exit::Done);
            }
            Some(spinner::during("Working through the queue…", plan.queue.work(&account, &ids, action)).await?)
        }
        _ => None,
    };
    match &done {
        Some(done) if is_text => plan.report(&mut anstream::stdout().lock(), done)?,
        _ if !is_text => show::json(&plan.json(done.as_ref()))?,
        _ => {}
    }
    let open = plan.messages.len() - done.as_ref().map_or(0, |done| done.done.len());
    // The function looks after what is undelivered.
    Ok(if options.undelivered { Exit::Done } else { Exit::of_findings(open) })
}

fn wanted(options: &RedriveOptions, now: Timestamp) -> Result<DeadLetterFilter, CommandError> {
    let parse = |flag: &str, text: &Option<String>| {
        let parsed = text.as_ref().map(|text| {
            time::parse(text, now).map_err(|problem| CommandError::Refused(format!("{flag} {text}: {problem}")))
        });
        parsed.transpose()
    };
    Ok(DeadLetterFilter {
        reasons: options.reasons.clone(),
        before_ms: parse("--older-than", &options.older_than)?,
        since_ms: parse("--newer-than", &options.newer_than)?,
    })
}

/// The queue to look at, and what is to be done. The function is only asked for what no flag says.
async fn queues(
    account: &Account,
    options: &RedriveOptions,
) -> Result<(ForwarderQueue, Option<RedriveAction>), CommandError> {
    let needs_function = options.queue.is_none() || options.send && options.to.is_none();
    let function = match needs_function {
        true => Some(options.function.find(account).await?),
        false => None,
    };
    let function = function.as_ref();
    let role = if options.undelivered { QueueRole::Undelivered } else { QueueRole::DeadLetter };
    let queue = find_queue(options.queue.as_deref(), "--queue", role, function)?;
    let action = match (options.send, options.drop) {
        (true, _) => {
            Some(RedriveAction::Move(find_queue(options.to.as_deref(), "--to", QueueRole::Undelivered, function)?))
        }
        (_, true) => Some(RedriveAction::Drop),
        _ => None,
    };
    match &action {
        Some(RedriveAction::Move(to)) if to.url == queue.url => {
            Err(CommandError::Refused("--to: the messages are already in this queue".to_owned()))
        }
        _ => Ok((queue, action)),
    }
}

/// The queue of a flag; without it, of the function's variable.
pub(super) fn find_queue(
    given: Option<&str>,
    flag: &str,
    role: QueueRole,
    function: Option<&Function>,
) -> Result<ForwarderQueue, CommandError> {
    let variable = if role == QueueRole::Undelivered { UNDELIVERED_QUEUE_URL } else { DEAD_LETTER_QUEUE_URL };
    let of_function = function.and_then(|function| function.variables.get(variable));
    let Some(url) = given.map(str::to_owned).or(of_function).filter(|url| !url.trim().is_empty()) else {
        let name = function.map(|function| function.name.as_str()).unwrap_or_default();
        return Err(CommandError::Refused(format!(
            "function {name} has no queue in its variable {variable}. Give the URL of the queue with {flag}, or deploy template.yaml, \
             which creates the queues"
        )));
    };
    let url = url.trim();
    let is_url = reqwest::Url::parse(url).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.path().trim_matches('/').split('/').all(|part| !part.is_empty())
    });
    if is_url {
        return Ok(ForwarderQueue::new(role, url));
    }
    let example = "such as https://sqs.eu-west-1.amazonaws.com/123456789012/name";
    Err(CommandError::Refused(format!("{flag}: must be the URL of an SQS queue, {example}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_given_by_its_url() {
        let name =
            |url: &str| find_queue(Some(url), "--queue", QueueRole::DeadLetter, None).ok().map(|queue| queue.name);
        assert_eq!(name(" https://sqs.eu-west-1.amazonaws.com/1/dead ").as_deref(), Some("dead"));
        assert_eq!(name("http://127.0.0.1:5000/1/dead/").as_deref(), Some("dead"));
        for url in ["", "dead", "arn:aws:sqs:eu-west-1:1:dead", "https://sqs.eu-west-1.amazonaws.com/", "ftp://x/1/y"] {
            assert_eq!(name(url), None, "{url}");
        }
    }
}
