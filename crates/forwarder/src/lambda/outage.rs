//! What a sandbox remembers of an outage of the intake: so that the next invocation asks with one payload before it sends the rest.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// How long an outage is remembered. A sandbox that was idle for so long begins as a new one would.
pub(super) const MEMORY: Duration = Duration::from_secs(300);

/// When the intake was last seen to be down, if it was not seen to be well since.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    since: Mutex<Option<SystemTime>>,
}

impl Outage {
    /// Takes note of how the intake is now, as far as a delivery could tell.
    pub(crate) fn note(&self, is_down: Option<bool>, now: SystemTime) {
        if let Some(is_down) = is_down {
            *self.since.lock().unwrap_or_else(PoisonError::into_inner) = is_down.then_some(now);
        }
    }

    /// Whether the intake was down the last time, and not long ago. By the wall clock: the other one may stand still while the
    /// sandbox is frozen.
    pub(crate) fn is_remembered(&self, now: SystemTime) -> bool {
        let since = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was put back says nothing.
        since.and_then(|since| now.duration_since(since).ok()).is_some_and(|age| age < MEMORY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_remembered_for_a_while_and_until_the_intake_is_well() {
        let outage = Outage::default();
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        assert!(!outage.is_remembered(start));
        outage.note(Some(true), start);
        // A delivery that sent nothing says nothing.
        outage.note(None, start);
        for (milliseconds, is_remembered) in [(0, true), (299_999, true), (300_000, false), (300_001, false)] {
            assert_eq!(outage.is_remembered(start + Duration::from_millis(milliseconds)), is_remembered);
        }
        assert!(!outage.is_remembered(start - Duration::from_secs(1)));
        outage.note(Some(false), start);
        assert!(!outage.is_remembered(start));
    }
}
