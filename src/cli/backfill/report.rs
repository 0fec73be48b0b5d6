//! What a backfill says before it begins and at its end.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::aws::backfill::checkpoint::{BackfillTotals, Checkpoint};
use crate::aws::backfill::cost::{Prices, dollars};
use crate::aws::backfill::estimate::IncomingVolume;
use crate::aws::backfill::time::shown;
use crate::cli::error::CommandError;
use crate::cli::show;
use pipeline::counted::counted;

/// The words that go with every price.
const LIST_PRICES: &str = "at Datadog's list prices; yours may differ, and so may what you index";

/// `1.2 MB`: of 10⁶ bytes.
pub(super) fn bytes(number: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let mut value = number as f64;
    for unit in ["bytes", "kB", "MB", "GB"] {
        if value < 1000.0 {
            return if unit == "bytes" { format!("{number} bytes") } else { format!("{value:.1} {unit}") };
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

/// What a run without sending has to say besides its numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct DryRun {
    pub(super) prices: Prices,
    /// Logs before this time are older than Datadog takes, some may be in the range, and nothing says to send them.
    pub(super) too_old_before_ms: Option<i64>,
}

/// `1 log`, `2 logs`.
pub(super) fn number_of(number: u64, noun: &str) -> String {
    counted(usize::try_from(number).unwrap_or(usize::MAX), noun)
}

/// What is about to be done.
pub(super) fn plan(checkpoint: &Checkpoint) -> String {
    let Checkpoint { query, from_ms, to_ms, .. } = checkpoint;
    let groups = match query.groups.as_slice() {
        [one] => one.clone(),
        several => counted(several.len(), "log group"),
    };
    let streams = query.stream_prefix.as_ref().map(|prefix| format!(", streams {prefix}…")).unwrap_or_default();
    let events =
        query.filter_pattern.as_ref().map(|pattern| format!(", events matching {pattern}")).unwrap_or_default();
    format!("{groups}{streams}{events}, from {} until {}, to {}", shown(*from_ms), shown(*to_ms), query.intake)
}

/// How much there is, before it is read.
pub(super) fn estimate(volume: Result<Option<IncomingVolume>, String>, prices: Prices) -> String {
    match volume {
        Ok(Some(IncomingVolume { events, bytes: size })) => {
            let cost = prices.of(events, size);
            format!(
                "According to CloudWatch's metrics, at most {} with {} arrived in that time. They would cost about {}, {LIST_PRICES}.",
                number_of(events, "event"),
                bytes(size),
                dollars(cost.total())
            )
        }
        Ok(None) => {
            "CloudWatch has no metrics for that time, so there is no estimate; --dry-run reads and counts.".to_owned()
        }
        Err(problem) => format!("There is no estimate ({problem}); --dry-run reads and counts."),
    }
}

/// What has become of everything, for people.
pub(super) fn text(
    out: &mut impl Write,
    totals: &BackfillTotals,
    took: Duration,
    dry_run: Option<DryRun>,
    rejected: &Path,
) -> Result<(), CommandError> {
    let columns = [
        ("events", totals.events),
        ("logs", totals.logs),
        ("blank", totals.blank),
        ("joined", totals.joined),
        ("left out", totals.left_out),
        ("accepted", totals.accepted),
        ("rejected", totals.rejected),
        ("late", totals.late),
        ("early", totals.early),
        ("pages", totals.pages),
        ("requests", totals.requests),
    ];
    let listed: Vec<_> = columns.into_iter().filter(|(name, _)| dry_run.is_none() || !is_of_sending(name)).collect();
    let heading: Vec<&str> = listed.iter().map(|(name, _)| *name).collect();
    let row = listed.iter().map(|(_, number)| number.to_string()).collect();
    show::table(out, &heading, &[row])?;
    let plain = bytes(totals.plain_bytes);
    if let Some(DryRun { prices, too_old_before_ms }) = dry_run {
        let cost = prices.of(totals.logs, totals.plain_bytes);
        writeln!(
            out,
            "{plain} before compression would go to Datadog: {} for ingestion, and {} if all are indexed; {} in total, {LIST_PRICES}. \
             Nothing was sent.",
            dollars(cost.ingested),
            dollars(cost.indexed),
            dollars(cost.total())
        )?;
        if let Some(before_ms) = too_old_before_ms {
            writeln!(
                out,
                "Logs before {} are older than Datadog takes (18 hours); sending them needs --late-as original_timestamp.",
                shown(before_ms)
            )?;
        }
        return Ok(());
    }
    writeln!(
        out,
        "Sent {plain} of logs to Datadog, {} compressed. This run took {:.1} s.",
        bytes(totals.bytes),
        took.as_secs_f64()
    )?;
    if totals.rejected > 0 {
        let logs = number_of(totals.rejected, "log");
        writeln!(
            out,
            "Datadog rejected {logs} permanently. They are in {0}; `podferry logs decode {0}` shows them.",
            rejected.display()
        )?;
    }
    Ok(())
}

fn is_of_sending(column: &str) -> bool {
    matches!(column, "accepted" | "rejected" | "late" | "early" | "requests")
}

/// The same for programs.
pub(super) fn json(checkpoint: &Checkpoint, totals: &BackfillTotals, took: Duration, dry_run: Option<DryRun>) -> Value {
    let cost = dry_run.map(|DryRun { prices, .. }| {
        let cost = prices.of(totals.logs, totals.plain_bytes);
        json!({ "ingestion_dollars": cost.ingested, "indexing_dollars": cost.indexed, "note": LIST_PRICES })
    });
    json!({
        "query": checkpoint.query, "from_ms": checkpoint.from_ms, "to_ms": checkpoint.to_ms, "dry_run": dry_run.is_some(),
        "totals": totals, "seconds": took.as_secs_f64(), "estimated_cost": cost,
        "too_old_before_ms": dry_run.and_then(|dry_run| dry_run.too_old_before_ms),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_for_people() {
        for (number, expected) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1000, "1.0 kB"),
            (1_234_567, "1.2 MB"),
            (5_000_000_000, "5.0 GB"),
            (7_100_000_000_000, "7.1 TB"),
        ] {
            assert_eq!(bytes(number), expected);
        }
    }
}
