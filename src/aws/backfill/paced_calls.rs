//! The pace of a command's calls, on the clock of this process. The quota is the account's, so all that a command reads shares one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::rate::Pace;

/// Lets calls wait for their time. A clone shares the pace.
#[derive(Debug, Clone)]
pub(crate) struct PacedCalls {
    pace: Arc<Mutex<Pace>>,
    begun: Instant,
}

impl PacedCalls {
    /// `most` calls a second; above 0.
    #[must_use]
    pub(crate) fn new(most: f64) -> PacedCalls {
        PacedCalls { pace: Arc::new(Mutex::new(Pace::new(most))), begun: Instant::now() }
    }

    /// Returns when the next call may be made.
    pub(crate) async fn wait(&self) {
        let wait = self.with(|pace, now| pace.take(now));
        tokio::time::sleep(wait).await;
    }

    /// AWS throttled a call.
    pub(crate) fn throttled(&self) {
        self.with(Pace::throttled);
    }

    /// AWS answered.
    pub(crate) fn answered(&self) {
        self.with(|pace, _| pace.answered());
    }

    fn with<T>(&self, change: impl FnOnce(&mut Pace, Duration) -> T) -> T {
        change(&mut self.pace.lock().unwrap_or_else(PoisonError::into_inner), self.begun.elapsed())
    }
}
