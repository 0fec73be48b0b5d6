//! Rewrites logs whose time Datadog does not take, after they waited in the queue of undelivered logs: see
//! [`super::accepted_times`].
//!
//! A payload is parsed only if it has such a log.

use super::accepted_times::{NewTime, OutOfRange};
use super::batch::{Batcher, Payload, PayloadLog};
use super::json;
use super::limits::{Limits, RESTAMP_BYTES};

/// How many logs got another time, by why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RestampCounts {
    pub late: usize,
    pub early: usize,
}

/// Returns payloads with the same logs that can be sent at `now_ms`, and how many of the logs got another time.
pub fn restamp(payloads: impl IntoIterator<Item = Payload>, now_ms: i64) -> (Vec<Payload>, RestampCounts) {
    let (mut fit, mut counts) = (Vec::new(), RestampCounts::default());
    for payload in payloads {
        let here = counted(&payload, now_ms);
        match if here == RestampCounts::default() { None } else { payload.plain() } {
            Some(plain) => fit.extend(rewritten(&payload, &plain, now_ms)),
            None => fit.push(payload),
        }
        counts.late += here.late;
        counts.early += here.early;
    }
    (fit, counts)
}

/// When its event came is not known of a log that waited: the time of sending is what it gets.
fn new_time(log: &PayloadLog, now_ms: i64) -> Option<NewTime> {
    NewTime::of(log.timestamp, None, now_ms)
}

fn counted(payload: &Payload, now_ms: i64) -> RestampCounts {
    let why = payload.logs().iter().filter_map(|log| new_time(log, now_ms)).map(|new| new.why);
    why.fold(RestampCounts::default(), |counts, why| match why {
        OutOfRange::Late => RestampCounts { late: counts.late + 1, ..counts },
        OutOfRange::Early => RestampCounts { early: counts.early + 1, ..counts },
    })
}

/// Rewrites a payload. Logs with another time are longer, so it may become two.
fn rewritten(payload: &Payload, plain: &[u8], now_ms: i64) -> Vec<Payload> {
    let mut batcher = Batcher::new(Limits::default(), payload.compression).with_attempts(payload.attempts);
    for (log, piece) in payload.logs().iter().zip(payload.pieces(plain)) {
        let new = new_time(log, now_ms).zip(std::str::from_utf8(piece).ok());
        match new.and_then(|(new, text)| Some((new, restamped(text, new)?))) {
            Some((new, text)) => batcher.add_written(text.as_bytes(), log.record, log.mark, Some(new.time_ms)),
            None => batcher.add_written(piece, log.record, log.mark, log.timestamp),
        }
    }
    batcher.finish()
}

/// Rewrites one log; its members keep their order and spelling.
fn restamped(log: &str, new: NewTime) -> Option<String> {
    // Only the log's own member counts: an application may have one of that name among its attributes.
    let mut has_original = false;
    json::each_member(log, |name, _| has_original |= name == "original_timestamp").ok()?;
    let mut out = String::with_capacity(log.len() + RESTAMP_BYTES);
    json::each_member(log, |name, value| {
        out.push_str(if out.is_empty() { "{\"" } else { ",\"" });
        out.push_str(name);
        out.push_str("\":");
        match name {
            "timestamp" if has_original => out.push_str(&new.time_ms.to_string()),
            "timestamp" => out.push_str(&new.timestamps(value)),
            "ddtags" => {
                out.push('"');
                out.push_str(&new.tagged(json::unquoted(value).unwrap_or_default()));
                out.push('"');
            }
            _ => out.push_str(value),
        }
    })
    .ok()?;
    out.push('}');
    Some(out)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::accepted_times::{EARLY_AFTER_MS, LATE_AFTER_MS};
    use crate::compress::Compression;
    use crate::limits::MAX_PAYLOAD_BYTES;

    const NOW: i64 = 1_795_379_888_236;

    fn payload(times: &[i64]) -> Payload {
        let mut batcher = Batcher::new(Limits::default(), Compression::Zstd(1)).with_attempts(2);
        for time in times {
            let log = format!(
                r#"{{"message":"{{\"timestamp\":1,\"ddtags\":\"x\"}}","timestamp":{time},"ddtags":"a:b","id":"1"}}"#
            );
            batcher.add_written(log.as_bytes(), 0, None, Some(*time));
        }
        batcher.finish().remove(0)
    }

    fn logs(payloads: &[Payload]) -> Vec<Value> {
        let plain = |payload: &Payload| serde_json::from_slice::<Vec<Value>>(&payload.plain().unwrap()).unwrap();
        payloads.iter().flat_map(plain).collect()
    }

    fn counts(late: usize, early: usize) -> RestampCounts {
        RestampCounts { late, early }
    }

    #[test]
    fn the_edges_are_exact() {
        let (late, early) = (NOW - LATE_AFTER_MS, NOW + EARLY_AFTER_MS);
        for (time, expected) in [
            (late + 1, counts(0, 0)),
            (late, counts(0, 0)),
            (late - 1, counts(1, 0)),
            (early - 1, counts(0, 0)),
            (early, counts(0, 0)),
            (early + 1, counts(0, 1)),
        ] {
            let before = payload(&[time, NOW]);
            let (payloads, found) = restamp([before.clone()], NOW);
            assert_eq!(found, expected);
            assert_eq!(payloads == [before], expected == counts(0, 0));
        }
    }

    #[test]
    fn an_early_log_that_waits_until_it_is_late_keeps_its_first_time() {
        let ahead = NOW + 9 * 3_600_000;
        let (payloads, found) = restamp([payload(&[ahead, NOW])], NOW);
        let first = logs(&payloads);
        assert_eq!(found, counts(0, 1));
        assert_eq!((&first[0]["timestamp"], &first[0]["original_timestamp"]), (&NOW.into(), &ahead.into()));
        assert_eq!((&first[0]["ddtags"], &first[1]["ddtags"]), (&"a:b,early:true".into(), &"a:b".into()));
        // Its own time lies in the past by then, and the one that it was given is too old.
        let later = NOW + LATE_AFTER_MS + 1;
        let (payloads, found) = restamp(payloads, later);
        let second = logs(&payloads);
        assert_eq!(found, counts(2, 0));
        assert_eq!((&second[0]["timestamp"], &second[0]["original_timestamp"]), (&later.into(), &ahead.into()));
        assert_eq!(second[0]["ddtags"], "a:b,early:true,late:true");
    }

    #[test]
    fn a_late_log_has_both_times_and_the_tag() {
        let (payloads, late) = restamp([payload(&[5, NOW - 1])], NOW);
        let logs = logs(&payloads);
        assert_eq!((late, payloads[0].attempts, payloads[0].times()), (counts(1, 0), 2, Some((NOW - 1, NOW))));
        assert_eq!(logs[0]["timestamp"], NOW);
        assert_eq!(logs[0]["original_timestamp"], 5);
        assert_eq!(logs[0]["ddtags"], "a:b,late:true");
        assert_eq!(logs[0]["message"], r#"{"timestamp":1,"ddtags":"x"}"#);
        assert_eq!((&logs[1]["timestamp"], &logs[1]["original_timestamp"]), (&Value::from(NOW - 1), &Value::Null));
        // Late again, a day later: the true time stays.
        let (payloads, late) = restamp(payloads, NOW + 86_400_000);
        let logs = self::logs(&payloads);
        assert_eq!(late, counts(2, 0));
        assert_eq!((&logs[0]["original_timestamp"], &logs[0]["ddtags"]), (&5.into(), &"a:b,late:true".into()));
        assert_eq!(logs[1]["original_timestamp"], NOW - 1);
    }

    #[test]
    fn a_name_within_an_attribute_is_none_of_the_logs_own() {
        let log = r#"{"message":"x","timestamp":5,"ddtags":"","fluent_bit":{"original_timestamp":1}}"#;
        let expected = r#"{"message":"x","timestamp":9,"original_timestamp":5,"ddtags":"late:true","fluent_bit":{"original_timestamp":1}}"#;
        assert_eq!(restamped(log, NewTime { why: OutOfRange::Late, time_ms: 9 }).unwrap(), expected);
    }

    #[test]
    fn a_payload_that_was_full_becomes_two() {
        let mut batcher = Batcher::new(Limits::default(), Compression::None);
        // A thousand logs of 4,998 bytes, with commas and brackets: 5 MB less 999 bytes.
        let log = format!(r#"{{"message":"{}","timestamp":5,"ddtags":""}}"#, "x".repeat(4_958));
        (0..1000).for_each(|_| batcher.add_written(log.as_bytes(), 0, None, Some(5)));
        let before = batcher.finish().remove(0);
        assert_eq!((before.plain_bytes, before.items()), (MAX_PAYLOAD_BYTES - 999, 1000));
        let (payloads, late) = restamp([before], NOW);
        let items = payloads.iter().map(Payload::items).sum::<usize>();
        assert_eq!((late, payloads.len(), items), (counts(1000, 0), 2, 1000));
        assert!(payloads.iter().all(|payload| payload.plain_bytes <= MAX_PAYLOAD_BYTES));
    }

    #[test]
    fn a_log_grows_by_no_more_than_is_kept_free() {
        for time in [i64::MIN, -1, 1, NOW - LATE_AFTER_MS - 1, i64::MAX] {
            let log = format!(r#"{{"message":"x","timestamp":{time},"ddtags":"a:b"}}"#);
            let early = restamped(&log, NewTime { why: OutOfRange::Early, time_ms: i64::MIN }).unwrap();
            let both = restamped(&early, NewTime { why: OutOfRange::Late, time_ms: i64::MIN }).unwrap();
            assert!(early.len() < both.len() && both.len() <= log.len() + RESTAMP_BYTES);
        }
    }
}
