//! Heads that begin a log whatever else the output has: forms that loggers and access logs write and that stand in no message.
//!
//! What logs of an output begin with is learned from where its writes begin ([`super::heads`]). But a server's access line is often
//! written right behind the application's log, and so never begins a write. An exclude rule for health checks would then take the
//! log before it along. So a form that can be nothing else is believed at once.
//!
//! Sources of the forms: nginx and Apache, "Common Log Format"; morgan, `dev`, `tiny` and `short`; uvicorn, gin, klog, logfmt.

use super::form::is_request;
use super::head::{Head, HeadKind, is_uvicorn, klog_at};
use super::words;

/// How far behind the beginning of a line a level is looked for.
const LEVEL_WITHIN: usize = 64;

/// Whether a line that has this head, or none, begins a log for certain. It is not indented.
pub(super) fn begins_log(line: &str, head: Option<Head>) -> bool {
    match head {
        None => is_morgan(line),
        Some(Head { is_bare: true, .. }) => false,
        Some(Head { kind: HeadKind::Time, .. }) => {
            let is_klog = klog_at(line.as_bytes()).is_some() && line.contains("] ");
            is_request(line) || line.starts_with("[GIN] ") || is_klog || has_level(line)
        }
        Some(Head { kind: HeadKind::Level, .. }) => is_bracketed(line) || is_uvicorn(line),
        Some(Head { kind: HeadKind::Word, .. }) => false,
        Some(Head { kind: HeadKind::Pairs, .. }) => [" level=", " lvl=", " msg="].iter().any(|key| line.contains(key)),
        Some(Head { kind: HeadKind::Json, .. }) => {
            [r#""level":"#, r#""severity":"#, r#""levelname":"#, r#""log.level":"#].iter().any(|key| line.contains(key))
        }
    }
}

/// `GET /health 200 0.4 ms - 2`, and what `short` puts in front of it is a head of its own.
fn is_morgan(line: &str) -> bool {
    const METHODS: [&str; 7] = ["GET", "POST", "PUT", "HEAD", "PATCH", "DELETE", "OPTIONS"];
    let Some((method, rest)) = line.split_once(' ') else { return false };
    let Some(path) = rest.strip_prefix('/').filter(|_| METHODS.contains(&method)) else { return false };
    let mut parts = path.split(' ').skip(1);
    let is_number = |part: Option<&str>| {
        part.is_some_and(|part| !part.is_empty() && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-')))
    };
    let status = parts.next();
    let is_status = status.is_some_and(|status| status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit()));
    // `tiny` has the length before the time.
    is_status && (path.contains(" ms") && is_number(parts.next()))
}

/// A level in capitals, or in brackets, close behind the time or before it.
fn has_level(line: &str) -> bool {
    let near = line.as_bytes().get(..line.len().min(LEVEL_WITHIN)).unwrap_or_default();
    let is_around = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
    near.chunk_by(|one, other| one.is_ascii_alphabetic() == other.is_ascii_alphabetic())
        .scan(0, |at, word| {
            let start = *at;
            *at += word.len();
            Some((start, word))
        })
        .any(|(start, word)| {
            let before = start.checked_sub(1).and_then(|before| near.get(before));
            let behind = near.get(start + word.len());
            let is_bracketed = before == Some(&b'[') && behind == Some(&b']');
            let is_capital = word.iter().all(u8::is_ascii_uppercase);
            (is_capital || is_bracketed) && is_around(before) && is_around(behind) && words::is_level(word)
        })
}

/// `[warn] x`, `[error    ] x`.
fn is_bracketed(line: &str) -> bool {
    line.starts_with('[')
}

#[cfg(test)]
mod tests {
    use super::super::head::head;
    use super::*;

    fn certain(line: &str) -> bool {
        begins_log(line, head(line, false))
    }

    #[test]
    fn lines_of_access_logs_and_loggers_begin_logs() {
        for line in [
            "10.0.0.4 - - [27/Nov/2026:10:15:30 +0000] \"GET /health HTTP/1.1\" 200 50",
            "[GIN] 2026/11/27 - 10:15:30 | 200 |  1.2ms |  10.0.0.4 | GET \"/health\"",
            "I1127 10:15:30.123456       1 main.go:12] served",
            "[2026-11-27 10:15:30 +0000] [7] [INFO] served",
            "INFO:     10.0.0.4:513 - \"GET /health HTTP/1.1\" 200 OK",
            "level=info msg=served",
            "ts=2026-11-27T10:15:30Z level=info msg=served",
            "[warn] slow",
            "{\"level\":\"info\",\"msg\":\"served\"}",
            "10:15:30.123 [main] INFO com.shop.App - served",
            "2026-11-27 10:15:30 ERROR not paid",
            "GET /health 200 0.4 ms - 2",
            "GET /health 200 2 - 0.4 ms",
            "POST /orders 500 12.1 ms - 40",
        ] {
            assert!(certain(line), "{line}");
        }
    }

    #[test]
    fn what_may_stand_in_a_message_begins_none() {
        for line in [
            "2026-11-27 10:15:30",
            "2026-11-27 10:15:30 the shop opens",
            "ERROR:  column \"nope\" does not exist",
            "WARNING: DATA RACE",
            "{\"ok\":true,\"id\":7}",
            "GET /health",
            "GET the order 200 times",
            "get /health 200 0.4 ms",
            "Error: not paid",
            "DETAIL:  Key (mail)=(a) already exists.",
            "next",
            "",
        ] {
            assert!(!certain(line), "{line}");
        }
    }
}
