//! What was found in a queue and what is to be done with it: how that is shown, asked, and reported.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::Write;

use serde_json::json;

use crate::aws::backfill::time;
use crate::aws::queues::ForwarderQueue;
use crate::aws::redrive::dead_letter::DeadLetter;
use crate::aws::redrive::queue::{RedriveAction, RedriveOutcome};
use crate::cli::error::CommandError;
use crate::cli::show;
use pipeline::counted::counted;

/// How much of a message's id a table shows; `--output json` has all of it.
const SHOWN_OF_ID: usize = 8;

/// What was found, and what is to be done with it.
pub(super) struct RedrivePlan {
    pub(super) queue: ForwarderQueue,
    /// The reasons of all messages of the queue, also of those that were not selected, in order; empty if the queue is.
    pub(super) reasons: BTreeSet<String>,
    pub(super) messages: Vec<DeadLetter>,
    pub(super) action: Option<RedriveAction>,
    /// Ids of those that are left, though they were asked for: nobody may lose what is not podferry's by accident.
    pub(super) left: HashSet<String>,
}

/// A reason, for people: what is not podferry's may have none.
fn or_none(reason: &str) -> &str {
    if reason.is_empty() { "without a reason" } else { reason }
}

impl RedrivePlan {
    /// Ids of those that something is done with.
    pub(super) fn chosen(&self) -> HashSet<String> {
        let all = self.messages.iter().map(|message| &message.id);
        all.filter(|id| !self.left.contains(*id)).cloned().collect()
    }

    fn logs(&self) -> usize {
        let chosen = self.messages.iter().filter(|message| !self.left.contains(&message.id));
        chosen.filter_map(|message| message.logs).sum()
    }

    pub(super) fn question(&self, action: &RedriveAction) -> String {
        let (messages, logs) = (counted(self.chosen().len(), "message"), counted(self.logs(), "log"));
        match action {
            RedriveAction::Move(to) => format!("Resend {messages} ({logs}) through queue {}?", to.name),
            RedriveAction::Drop => format!(
                "Delete {messages} ({logs}) permanently? Afterwards only CloudWatch has these logs, for as long as it retains them."
            ),
        }
    }

    pub(super) fn show(&self, out: &mut impl Write, now_ms: i64) -> Result<(), CommandError> {
        if self.reasons.is_empty() {
            return Ok(writeln!(out, "Queue {} is empty.", self.queue.name)?);
        }
        if self.messages.is_empty() {
            let there: Vec<&str> = self.reasons.iter().map(|reason| or_none(reason)).collect();
            let name = &self.queue.name;
            return Ok(writeln!(
                out,
                "No messages in queue {name} match. Its reasons: {}.",
                there.join(", ").escape_debug()
            )?);
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
        show::table(out, &["message", "kind", "reason", "logs", "oldest log", "sent"], &rows)?;
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        self.messages.iter().for_each(|message| *reasons.entry(message.reason.as_str()).or_default() += 1);
        let reasons: Vec<String> =
            reasons.into_iter().map(|(reason, count)| format!("{count} {}", or_none(reason))).collect();
        let messages = counted(self.messages.len(), "message");
        writeln!(out, "{messages} in queue {}: {}.", self.queue.name, reasons.join(", ").escape_debug())?;
        let late = self.messages.iter().filter(|message| message.is_late(now_ms)).count();
        if late > 0 {
            writeln!(
                out,
                "{} logs older than 18 hours: the function sends those with the current time, `original_timestamp` and `late:true`.",
                if late == 1 { "1 has".to_owned() } else { format!("{late} have") }
            )?;
        }
        if !self.left.is_empty() {
            writeln!(
                out,
                "{} not from podferry, or from a newer version, and will be left alone; --unknown includes them.",
                if self.left.len() == 1 { "1 is".to_owned() } else { format!("{} are", self.left.len()) }
            )?;
        }
        if self.action.is_none() {
            writeln!(
                out,
                "Resend them with --send, or delete them with --drop; select some with --reason, --older-than or --limit."
            )?;
        }
        Ok(())
    }

    /// What would be done without `--dry-run`.
    pub(super) fn show_dry_run(&self, out: &mut impl Write) -> Result<(), CommandError> {
        let done = match &self.action {
            _ if self.messages.is_empty() => return Ok(()),
            Some(RedriveAction::Move(_)) => "resent",
            Some(RedriveAction::Drop) => "deleted",
            None => return Ok(()),
        };
        let messages = counted(self.chosen().len(), "message");
        Ok(writeln!(out, "{messages} would be {done}. Nothing was changed: this is a dry run.")?)
    }

    pub(super) fn report(&self, out: &mut impl Write, done: &RedriveOutcome) -> Result<(), CommandError> {
        let messages = counted(done.done.len(), "message");
        match &self.action {
            Some(RedriveAction::Move(to)) => {
                writeln!(out, "Moved {messages} to queue {}, from which the function sends them.", to.name)?
            }
            _ => writeln!(out, "Deleted {messages}.")?,
        }
        for (id, error) in &done.failed {
            anstream::eprintln!(
                "{}error:{} message {id} is still in the queue: {error}",
                show::ERROR,
                show::ERROR.render_reset()
            );
        }
        let gone = self.chosen().len() - done.done.len() - done.failed.len();
        if gone > 0 {
            anstream::eprintln!(
                "{} could not be received again: something else reads this queue.",
                counted(gone, "message")
            );
        }
        Ok(())
    }

    pub(super) fn json(&self, done: Option<&RedriveOutcome>) -> serde_json::Value {
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
