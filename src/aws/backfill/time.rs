//! The times that people give a backfill: RFC 3339, or how long ago.

use jiff::{Span, SpanRelativeTo, Timestamp, Unit};

/// Milliseconds since 1970 of a time such as `2026-11-20T08:00:00Z`, `2026-11-20T09:00:00+01:00`, or `3d` for three days before
/// `now`. A day has 24 hours.
///
/// # Errors
/// What is allowed instead.
pub(crate) fn parse(text: &str, now: Timestamp) -> Result<i64, String> {
    let text = text.trim();
    if text == "now" {
        return Ok(now.as_millisecond());
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.as_millisecond());
    }
    let ago: Option<i64> = text.parse::<Span>().ok().filter(|span| !span.is_negative()).and_then(|span| {
        let milliseconds = span.total((Unit::Millisecond, SpanRelativeTo::days_are_24_hours())).ok()?;
        // More than jiff's calendar has is before 1970 anyway.
        Some(milliseconds as i64)
    });
    ago.map(|ago| now.as_millisecond().saturating_sub(ago)).filter(|time| *time >= 0).ok_or_else(|| {
        "must be a time with a zone, such as 2026-11-20T08:00:00Z, or how long ago, such as 90m, 2h or 3d".to_owned()
    })
}

/// `2026-11-20T08:00:00Z`
#[must_use]
pub(crate) fn shown(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_how_long_ago() {
        let now: Timestamp = "2026-11-20T08:00:00Z".parse().unwrap();
        let at = |text: &str| parse(text, now).map(shown);
        for (text, expected) in [
            ("2026-11-19T08:00:00Z", "2026-11-19T08:00:00Z"),
            ("2026-11-19T09:00:00+01:00", "2026-11-19T08:00:00Z"),
            ("2026-11-19T08:00:00.250Z", "2026-11-19T08:00:00.25Z"),
            ("now", "2026-11-20T08:00:00Z"),
            ("2h", "2026-11-20T06:00:00Z"),
            ("90m", "2026-11-20T06:30:00Z"),
            ("3d", "2026-11-17T08:00:00Z"),
            ("1d 12h", "2026-11-18T20:00:00Z"),
            ("2w", "2026-11-06T08:00:00Z"),
        ] {
            assert_eq!(at(text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["", "yesterday", "2026-11-19", "2026-11-19T08:00:00", "-2h", "3", "1969-01-01", "999y"] {
            assert!(at(text).is_err(), "{text}");
        }
    }
}
