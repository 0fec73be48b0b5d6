//! How long work takes on the processor. Whatever else runs on the machine makes a clock on the wall go further, and not this one.

use std::time::{Duration, Instant};

/// The scheduler counts a running thread's time at its ticks; this is the slowest usual one (`CONFIG_HZ=100`).
const TICK: Duration = Duration::from_millis(10);

/// How long this thread has been on a processor. Source: Linux, Documentation/scheduler/sched-stats.rst, "/proc/<pid>/schedstat". `None` where
/// there is no such file.
fn on_processor() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?))
}

/// The time that this thread spent on `work`, and a tick at most that is not told yet, but no more than the time that passed; that alone where
/// the system does not tell.
pub fn spent(work: impl FnOnce()) -> Duration {
    let (start, clock) = (on_processor(), Instant::now());
    work();
    let passed = clock.elapsed();
    let on_processor = start.zip(on_processor()).and_then(|(start, end)| end.checked_sub(start));
    on_processor.map_or(passed, |time| passed.min(time + TICK))
}

#[cfg(test)]
mod tests {
    use super::spent;
    use std::time::Duration;

    #[test]
    fn work_takes_time_and_waiting_does_not() {
        let turns = spent(|| {
            std::hint::black_box((0..20_000_000_u64).fold(0, |sum: u64, turn| std::hint::black_box(sum ^ turn)));
        });
        let waiting = spent(|| {
            let (sender, receiver) = std::sync::mpsc::channel::<()>();
            let waited = receiver.recv_timeout(Duration::from_millis(200));
            drop(sender);
            assert!(waited.is_err());
        });
        assert!(turns > Duration::from_millis(1), "{turns:?}");
        assert!(!cfg!(target_os = "linux") || waiting < Duration::from_millis(100), "{waiting:?}");
    }
}
