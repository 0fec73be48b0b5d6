//! A backfill under way: shows how far it is, and ends in order when Ctrl-C is pressed.

use std::path::PathBuf;

use super::options::BackfillOptions;
use super::{progress, report};
use crate::aws::account::Account;
use crate::aws::backfill::checkpoint::{BackfillTotals, Checkpoint};
use crate::aws::backfill::ferry::{BackfillStop, Ferry};
use crate::aws::backfill::paced_calls::PacedCalls;
use crate::aws::backfill::reader::{HistoryFilter, HistoryReader};
use crate::aws::backfill::run::{BackfillProgress, BackfillRun};
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::output::Output;
use crate::cli::show;

/// What is to be done.
pub(super) struct BackfillWork {
    pub(super) options: BackfillOptions,
    pub(super) account: Account,
    pub(super) checkpoint: Checkpoint,
    /// Where nothing is sent.
    pub(super) dry_run: Option<report::DryRun>,
    pub(super) rejected: PathBuf,
}

pub(super) async fn work(work: BackfillWork, ferry: Ferry) -> Result<Exit, CommandError> {
    let BackfillWork { options, account, checkpoint, dry_run, rejected } = work;
    let which =
        HistoryFilter { stream_prefix: options.stream_prefix.clone(), filter_pattern: options.filter_pattern.clone() };
    let reader = HistoryReader::new(account, which, PacedCalls::new(options.rate));
    let (run, mut told) = BackfillRun::new(reader, ferry, usize::from(options.concurrency));
    let mut at = *told.borrow();
    let mut shown = progress::ProgressDisplay::new(&at);
    let mut working = std::pin::pin!(run.work());
    let result = loop {
        tokio::select! {
            result = &mut working => break result,
            Ok(()) = told.changed() => {
                at = *told.borrow_and_update();
                shown.show(&at);
            }
            Ok(()) = tokio::signal::ctrl_c() => {
                shown.finish();
                return Ok(interrupted(&run, &at, dry_run.is_some()).await);
            }
        }
    };
    let took = shown.finish();
    result.map_err(|stop| stopped(&stop, dry_run.is_some()))?;
    let totals = run.totals().await;
    match options.aws.output() {
        Output::Json => show::json(&report::json(&checkpoint, &totals, took, dry_run))?,
        Output::Text => report::text(&mut anstream::stdout().lock(), &totals, took, dry_run, &rejected)?,
    }
    Ok(Exit::of_findings(usize::from(totals.rejected > 0)))
}

/// Lets the page that is being sent come to its end, unless Ctrl-C comes again. Whoever calls this still holds the work, which ends
/// when it is dropped.
async fn interrupted(run: &BackfillRun, at: &BackfillProgress, dry_run: bool) -> Exit {
    if dry_run {
        anstream::eprintln!("Stopped after reading {}. Nothing was sent.", so_far(&at.totals, at.part));
        return Exit::Interrupted;
    }
    anstream::eprintln!("Stopping after the current page. Press Ctrl-C again to stop at once.");
    let (totals, part) = tokio::select! {
        mut last = run.stop() => (last.checkpoint().totals, last.checkpoint().progress()),
        Ok(()) = tokio::signal::ctrl_c() => (at.totals, at.part),
    };
    anstream::eprintln!("Stopped after {}. {GO_ON}", so_far(&totals, part));
    Exit::Interrupted
}

/// `1200 events, 1190 logs (45 % of the time range)`.
fn so_far(totals: &BackfillTotals, part: f64) -> String {
    let whole = f64::floor(part * 100.0);
    let (events, logs) = (report::number_of(totals.events, "event"), report::number_of(totals.logs, "log"));
    format!("{events}, {logs} ({whole} % of the time range)")
}

const GO_ON: &str = "Run the same command again to continue from the checkpoint.";

fn stopped(stop: &BackfillStop, dry_run: bool) -> CommandError {
    CommandError::Refused(if dry_run {
        stop.to_string()
    } else {
        format!("{stop}. The checkpoint is up to date. {GO_ON}")
    })
}
