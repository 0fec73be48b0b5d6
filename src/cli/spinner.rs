//! A sign of life on a terminal while a call takes long.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::notes;

/// Most calls answer sooner; a spinner for those would only flicker.
const PATIENCE: Duration = Duration::from_millis(500);

const TICK: Duration = Duration::from_millis(100);

/// Waits for `work`, which must not print: the spinner has the line to itself.
pub(super) async fn during<T>(doing: &'static str, work: impl Future<Output = T>) -> T {
    if !notes::can_animate() {
        return work.await;
    }
    let mut work = std::pin::pin!(work);
    if let Ok(result) = tokio::time::timeout(PATIENCE, &mut work).await {
        return result;
    }
    let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
        .with_style(ProgressStyle::default_spinner())
        .with_message(doing);
    spinner.enable_steady_tick(TICK);
    let result = work.await;
    spinner.finish_and_clear();
    result
}
