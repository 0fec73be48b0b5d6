//! Logs that waited in the queue of undelivered logs and have become too old there: made fit to be sent now, as [`super::late`] says.
//!
//! A payload is only parsed again if one of its logs is too old.

use super::batch::{Batcher, Payload};
use super::json;
use super::late;
use super::limits::{LATE_BYTES, Limits};

/// Payloads made fit to be sent at `now_ms`: themselves, or others of the same logs, and how many of the logs are late.
pub fn restamp(payloads: impl IntoIterator<Item = Payload>, now_ms: i64) -> (Vec<Payload>, usize) {
    let (mut fit, mut late) = (Vec::new(), 0);
    for payload in payloads {
        let late_here = payload.logs().iter().filter(|log| late::is_late(log.timestamp, now_ms)).count();
        match if late_here == 0 { None } else { payload.plain() } {
            Some(plain) => fit.extend(rewritten(&payload, &plain, now_ms)),
            None => fit.push(payload),
        }
        late += late_here;
    }
    (fit, late)
}

/// The logs of a payload in new ones: they may have become too large for one.
fn rewritten(payload: &Payload, plain: &[u8], now_ms: i64) -> Vec<Payload> {
    let mut batcher = Batcher::new(Limits::default(), payload.compression).with_attempts(payload.attempts);
    for (log, piece) in payload.logs().iter().zip(payload.pieces(plain)) {
        let text = std::str::from_utf8(piece).ok().filter(|_| late::is_late(log.timestamp, now_ms));
        match text.and_then(|text| restamped(text, now_ms)) {
            Some(restamped) => batcher.add_written(restamped.as_bytes(), log.record, log.mark, Some(now_ms)),
            None => batcher.add_written(piece, log.record, log.mark, log.timestamp),
        }
    }
    batcher.finish()
}

/// One log with another time; its members stay in order and as they are spelled.
fn restamped(log: &str, now_ms: i64) -> Option<String> {
    // Only the log's own member counts: an application may have one of that name among its attributes.
    let mut was_late = false;
    json::each_member(log, |name, _| was_late |= name == "original_timestamp").ok()?;
    let mut out = String::with_capacity(log.len() + LATE_BYTES);
    json::each_member(log, |name, value| {
        out.push_str(if out.is_empty() { "{\"" } else { ",\"" });
        out.push_str(name);
        out.push_str("\":");
        match name {
            "timestamp" if was_late => out.push_str(&now_ms.to_string()),
            "timestamp" => out.push_str(&late::timestamps(now_ms, value)),
            "ddtags" => {
                out.push('"');
                out.push_str(&late::tagged(json::unquoted(value).unwrap_or_default()));
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
    use crate::compress::Compression;
    use crate::late::LATE_AFTER_MS;
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

    #[test]
    fn the_edge_is_exact() {
        let edge = NOW - LATE_AFTER_MS;
        for (time, expected) in [(edge + 1, 0), (edge, 0), (edge - 1, 1)] {
            let before = payload(&[time, NOW]);
            let (payloads, late) = restamp([before.clone()], NOW);
            assert_eq!(late, expected);
            assert_eq!(payloads == [before], expected == 0);
        }
    }

    #[test]
    fn a_late_log_has_both_times_and_the_tag() {
        let (payloads, late) = restamp([payload(&[5, NOW - 1])], NOW);
        let logs = logs(&payloads);
        assert_eq!((late, payloads[0].attempts, payloads[0].times()), (1, 2, Some((NOW - 1, NOW))));
        assert_eq!(logs[0]["timestamp"], NOW);
        assert_eq!(logs[0]["original_timestamp"], 5);
        assert_eq!(logs[0]["ddtags"], "a:b,late:true");
        assert_eq!(logs[0]["message"], r#"{"timestamp":1,"ddtags":"x"}"#);
        assert_eq!((&logs[1]["timestamp"], &logs[1]["original_timestamp"]), (&Value::from(NOW - 1), &Value::Null));
        // Late again, a day later: the true time stays.
        let (payloads, late) = restamp(payloads, NOW + 86_400_000);
        let logs = self::logs(&payloads);
        assert_eq!((late, &logs[0]["original_timestamp"], &logs[0]["ddtags"]), (2, &5.into(), &"a:b,late:true".into()));
        assert_eq!(logs[1]["original_timestamp"], NOW - 1);
    }

    #[test]
    fn a_name_within_an_attribute_is_none_of_the_logs_own() {
        let log = r#"{"message":"x","timestamp":5,"ddtags":"","fluent_bit":{"original_timestamp":1}}"#;
        let expected = r#"{"message":"x","timestamp":9,"original_timestamp":5,"ddtags":"late:true","fluent_bit":{"original_timestamp":1}}"#;
        assert_eq!(restamped(log, 9).unwrap(), expected);
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
        assert_eq!((late, payloads.len(), payloads.iter().map(Payload::items).sum::<usize>()), (1000, 2, 1000));
        assert!(payloads.iter().all(|payload| payload.plain_bytes <= MAX_PAYLOAD_BYTES));
    }

    #[test]
    fn a_log_grows_by_no_more_than_is_kept_free() {
        for time in [i64::MIN, -1, 1, NOW - LATE_AFTER_MS - 1] {
            let log = format!(r#"{{"message":"x","timestamp":{time},"ddtags":"a:b"}}"#);
            assert!(restamped(&log, i64::MAX).unwrap().len() <= log.len() + LATE_BYTES);
        }
    }
}
