//! How far a backfill is, on standard error: a bar on a terminal, else a line now and then; nothing with `--quiet`.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::aws::backfill::run::BackfillProgress;
use crate::cli::notes::{self, note};
use pipeline::counted::counted;

/// Without a terminal: a line after so long, or after so much.
const EVERY: Duration = Duration::from_secs(10);
const EACH: f64 = 0.1;

/// The bar counts in thousandths of the time to be read.
const WHOLE: u64 = 1000;

/// Shows progress.
pub(super) enum ProgressDisplay {
    Bar(ProgressBar),
    Lines { said: Instant, part: f64, begun: Instant },
}

impl ProgressDisplay {
    pub(super) fn new(at: &BackfillProgress) -> ProgressDisplay {
        if !notes::can_animate() {
            return ProgressDisplay::Lines { said: Instant::now(), part: at.part, begun: Instant::now() };
        }
        let bar = ProgressBar::with_draw_target(Some(WHOLE), ProgressDrawTarget::stderr());
        // A template of ours cannot be wrong; if it were, there is a plain one.
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3} %  {msg}  {elapsed}, {eta} left") {
            bar.set_style(style.progress_chars("=> "));
        }
        let shown = ProgressDisplay::Bar(bar);
        if let ProgressDisplay::Bar(bar) = &shown {
            bar.set_position(thousandths(at.part));
            bar.reset_eta();
        }
        shown
    }

    pub(super) fn show(&mut self, at: &BackfillProgress) {
        match self {
            ProgressDisplay::Bar(bar) => {
                bar.set_position(thousandths(at.part));
                bar.set_message(numbers(at));
            }
            ProgressDisplay::Lines { said, part, .. } => {
                if said.elapsed() >= EVERY || at.part - *part >= EACH {
                    (*said, *part) = (Instant::now(), at.part);
                    note!("{:>3} %  {}", thousandths(at.part) / 10, numbers(at));
                }
            }
        }
    }

    /// Ends it; how long it took.
    pub(super) fn finish(self) -> Duration {
        match self {
            ProgressDisplay::Bar(bar) => {
                bar.finish_and_clear();
                bar.elapsed()
            }
            ProgressDisplay::Lines { begun, .. } => begun.elapsed(),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 1000")]
fn thousandths(part: f64) -> u64 {
    (part.clamp(0.0, 1.0) * WHOLE as f64) as u64
}

fn numbers(at: &BackfillProgress) -> String {
    let totals = &at.totals;
    format!(
        "{}, {}, {} rejected",
        counted(totals.events as usize, "event"),
        counted(totals.logs as usize, "log"),
        totals.rejected
    )
}
