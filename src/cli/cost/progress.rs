//! How far a sample is, on standard error: a bar on a terminal, nothing elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::notes;

/// Shows progress.
pub(super) struct SampleProgress(Option<ProgressBar>);

impl SampleProgress {
    pub(super) fn new(group: &str, windows: u32) -> SampleProgress {
        if !notes::can_animate() {
            return SampleProgress(None);
        }
        let bar = ProgressBar::with_draw_target(Some(u64::from(windows)), ProgressDrawTarget::stderr());
        // A template of ours cannot be wrong; if it were, there is a plain one.
        if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} samples  {msg}  {eta} left") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(group.to_owned());
        SampleProgress(Some(bar))
    }

    #[expect(clippy::cast_precision_loss, reason = "for people")]
    pub(super) fn show(&mut self, windows: u32, bytes: u64) {
        if let Some(bar) = &self.0 {
            bar.set_position(u64::from(windows));
            bar.set_message(format!("{:.1} MB", bytes as f64 / 1e6));
        }
    }

    pub(super) fn finish(self) {
        if let Some(bar) = self.0 {
            bar.finish_and_clear();
        }
    }
}
