//! `podferry redrive`: what lies in the dead-letter queue, and sending it again or dropping it.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;

use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::account::{AccountFlags, Output, confirm};
use super::changes::ChangeFlags;
use super::exit::Exit;
use super::selection::FunctionFlag;
use super::{CommandError, show};
use crate::aws::account::Account;
use crate::aws::backfill::time;
use crate::aws::function::Function;
use crate::aws::queues::{ForwarderQueue, QueueRole};
use crate::aws::redrive::dead_letter::{DeadLetter, DeadLetterFilter};
use crate::aws::redrive::queue::{RedriveAction, RedriveOutcome};
use forwarder::settings::{DEAD_LETTER_QUEUE_URL, UNDELIVERED_QUEUE_URL, VariableSource};

/// How much of a message's id a table shows; `--output json` has all of it.
const SHOWN_OF_ID: usize = 8;

#[derive(Debug, Clone, Args)]
pub(super) struct Options {
    /// Send them again: each goes to the function's queue of undelivered logs, and only then out of this one.
    #[arg(long, conflicts_with = "drop")]
    send: bool,
    /// Drop them, for good.
    #[arg(long)]
    drop: bool,
    /// Look at the queue of undelivered logs instead; the function works on these by itself.
    #[arg(long, conflicts_with_all = ["send", "drop", "queue"])]
    undelivered: bool,
    /// Only those with this reason, as the list shows it; may be given several times.
    #[arg(long = "reason", value_name = "NAME")]
    reasons: Vec<String>,
    /// Only those that were sent longer ago, such as 2h or 3d, or before a time.
    #[arg(long, value_name = "TIME")]
    older_than: Option<String>,
    /// Only those that were sent since.
    #[arg(long, value_name = "TIME")]
    newer_than: Option<String>,
    /// At most so many, the oldest first.
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
    /// With --send or --drop: those, too, that are not podferry's, or of a newer podferry.
    #[arg(long)]
    unknown: bool,
    /// The queue to look at, by URL [default: that of dead letters in the function's variables].
    #[arg(long, value_name = "URL")]
    queue: Option<String>,
    /// With --send: the queue to send to, by URL [default: that of undelivered logs in the function's variables].
    #[arg(long, value_name = "URL", requires = "send")]
    to: Option<String>,
    #[command(flatten)]
    function: FunctionFlag,
    #[command(flatten)]
    change: ChangeFlags,
    #[command(flatten)]
    aws: AccountFlags,
}

/// What was found, and what is to be done with it.
struct Plan {
    queue: ForwarderQueue,
    messages: Vec<DeadLetter>,
    action: Option<RedriveAction>,
    /// Ids of those that are left, though they were asked for: nobody may lose what is not podferry's by accident.
    left: HashSet<String>,
}

pub(super) async fn run(options: Options) -> Result<Exit, CommandError> {
    let now = Timestamp::now();
    let wanted = wanted(&options, now)?;
    let account = options.aws.open().await?;
    let (queue, action) = queues(&account, &options).await?;
    let mut messages = queue.look(&account).await?;
    messages.retain(|message| wanted.has(message));
    messages.truncate(options.limit.unwrap_or(usize::MAX));
    let unknown = messages.iter().filter(|message| action.is_some() && !options.unknown && !message.kind.is_known());
    let left = unknown.map(|message| message.id.clone()).collect();
    let plan = Plan { queue, messages, action, left };
    let is_text = options.aws.output == Output::Text;
    if is_text {
        plan.show(&mut anstream::stdout().lock(), now.as_millisecond())?;
    }
    let ids = plan.chosen();
    let done = match &plan.action {
        Some(action) if !ids.is_empty() && !options.change.dry_run => {
            if !options.change.yes && !confirm(&plan.question(action))? {
                anstream::eprintln!("Nothing was done.");
                return Ok(Exit::Done);
            }
            Some(plan.queue.work(&account, &ids, action).await?)
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

fn wanted(options: &Options, now: Timestamp) -> Result<DeadLetterFilter, CommandError> {
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
async fn queues(account: &Account, options: &Options) -> Result<(ForwarderQueue, Option<RedriveAction>), CommandError> {
    let needs_function = options.queue.is_none() || options.send && options.to.is_none();
    let function = match needs_function {
        true => Some(Function::find(account, options.function.function.as_deref()).await?),
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
            Err(CommandError::Refused("--to: this is the queue that the messages are in".to_owned()))
        }
        _ => Ok((queue, action)),
    }
}

/// The queue of a flag; without it, of the function's variable.
fn find_queue(
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
            "function {name} has no queue in its variable {variable}. Give the queue's URL with {flag}, or deploy template.yaml, \
             which makes the queues"
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
    Err(CommandError::Refused(format!("{flag}: must be the URL of a queue of SQS, {example}")))
}

impl Plan {
    /// Ids of those that something is done with.
    fn chosen(&self) -> HashSet<String> {
        let all = self.messages.iter().map(|message| &message.id);
        all.filter(|id| !self.left.contains(*id)).cloned().collect()
    }

    fn logs(&self) -> usize {
        let chosen = self.messages.iter().filter(|message| !self.left.contains(&message.id));
        chosen.filter_map(|message| message.logs).sum()
    }

    fn question(&self, action: &RedriveAction) -> String {
        let (messages, logs) = (show::counted(self.chosen().len(), "message"), show::counted(self.logs(), "log"));
        match action {
            RedriveAction::Move(to) => format!("Send {messages} ({logs}) again, by queue {}?", to.name),
            RedriveAction::Drop => format!(
                "Drop {messages} ({logs}) for good? Nobody has these logs besides, but CloudWatch as long as it keeps them."
            ),
        }
    }

    fn show(&self, out: &mut impl Write, now_ms: i64) -> Result<(), CommandError> {
        if self.messages.is_empty() {
            return Ok(writeln!(out, "No message of queue {} fits.", self.queue.name)?);
        }
        // Whole seconds: the table is wide.
        let time = |ms: Option<i64>| ms.map(|ms| time::shown(ms - ms.rem_euclid(1000))).unwrap_or_default();
        let row = |message: &DeadLetter| {
            let number = |number: Option<usize>| number.map(|number| number.to_string()).unwrap_or_default();
            vec![
                message.id.chars().take(SHOWN_OF_ID).collect(),
                message.kind.name().to_owned(),
                message.reason.clone(),
                number(message.logs),
                time(message.first_ms),
                time(Some(message.sent_ms)),
            ]
        };
        let rows: Vec<Vec<String>> = self.messages.iter().map(row).collect();
        show::table(out, &["message", "what", "why", "logs", "oldest log", "sent"], &rows)?;
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        self.messages.iter().for_each(|message| *reasons.entry(message.reason.as_str()).or_default() += 1);
        let reasons: Vec<String> = reasons
            .into_iter()
            .map(|(reason, count)| format!("{count} {}", if reason.is_empty() { "without a reason" } else { reason }))
            .collect();
        let messages = show::counted(self.messages.len(), "message");
        writeln!(out, "{messages} of queue {}: {}.", self.queue.name, reasons.join(", ").escape_debug())?;
        let late = self.messages.iter().filter(|message| message.is_late(now_ms)).count();
        if late > 0 {
            writeln!(
                out,
                "{} logs older than 18 hours: the function sends those with the time of sending, `original_timestamp` and `late:true`.",
                if late == 1 { "1 has".to_owned() } else { format!("{late} have") }
            )?;
        }
        if !self.left.is_empty() {
            writeln!(
                out,
                "{} not podferry's, or of a newer podferry, and will be left; --unknown takes them, too.",
                if self.left.len() == 1 { "1 is".to_owned() } else { format!("{} are", self.left.len()) }
            )?;
        }
        if self.action.is_none() {
            writeln!(
                out,
                "Send them again with --send, or drop them with --drop; choose with --reason, --older-than, --limit."
            )?;
        }
        Ok(())
    }

    fn report(&self, out: &mut impl Write, done: &RedriveOutcome) -> Result<(), CommandError> {
        let messages = show::counted(done.done.len(), "message");
        match &self.action {
            Some(RedriveAction::Move(to)) => {
                writeln!(out, "{messages} went to queue {}; the function takes them from there.", to.name)?
            }
            _ => writeln!(out, "{messages} dropped.")?,
        }
        for (id, error) in &done.failed {
            anstream::eprintln!(
                "{}error:{} message {id} is still there: {error}",
                show::ERROR,
                show::ERROR.render_reset()
            );
        }
        let gone = self.chosen().len() - done.done.len() - done.failed.len();
        if gone > 0 {
            anstream::eprintln!(
                "{} did not come again: somebody else reads this queue.",
                show::counted(gone, "message")
            );
        }
        Ok(())
    }

    fn json(&self, done: Option<&RedriveOutcome>) -> serde_json::Value {
        let outcome = |message: &DeadLetter| {
            let failed = |done: &RedriveOutcome| {
                done.failed.iter().find(|(id, _)| *id == message.id).map(|(_, error)| error.to_string())
            };
            match done {
                Some(done) if done.done.contains(&message.id) => json!("done"),
                Some(done) => failed(done).map_or(json!("left"), |error| json!({ "error": error })),
                None => serde_json::Value::Null,
            }
        };
        let messages = self.messages.iter().map(|message| json!({ "message": message, "outcome": outcome(message) }));
        let action = match &self.action {
            Some(RedriveAction::Move(to)) => json!({ "send_to": to.url }),
            Some(RedriveAction::Drop) => json!("drop"),
            None => serde_json::Value::Null,
        };
        json!({ "queue": self.queue.url, "action": action, "messages": messages.collect::<Vec<_>>() })
    }
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
