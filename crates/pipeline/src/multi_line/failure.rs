//! What a log says of how it went: by its level, or where that is harmless, by a word of its message.

use super::form::is_request;
use super::head::head;
use super::words::{BAD, GOOD, is_klog, is_level};

/// How far into a line a level is looked for.
const LEVEL_WITHIN: usize = 120;

/// Whether a line looks like the beginning of a log: it has a head, or begins an object.
pub(super) fn begins_log(line: &str) -> bool {
    line.starts_with('{') || head(line, false).is_some()
}

/// Ruby's `E, [2026-11-22T…`.
fn is_ruby_logger(text: &str) -> bool {
    text.get(1..4) == Some(", [") && text.starts_with(['D', 'I', 'W', 'E', 'F', 'A'])
}

/// Whether a line is a log with a level of warning or worse, as a logger writes it before a trace.
pub(super) fn is_bad_log(line: &str) -> bool {
    if line.starts_with('{') || !begins_log(line) || is_request(line) {
        return false;
    }
    if is_ruby_logger(line) || is_klog(line.as_bytes()) {
        return line.starts_with(['W', 'E', 'F', 'A']);
    }
    let head = line.as_bytes().get(..line.len().min(LEVEL_WITHIN)).unwrap_or_default();
    // The first level counts: the message may hold the words, too.
    let words = head.split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
    for word in words {
        let Ok(word) = std::str::from_utf8(word) else { continue };
        if BAD.contains(&word) {
            return true;
        }
        if GOOD.contains(&word) {
            return false;
        }
    }
    false
}

/// Whether a log has a level that is harmless, and speaks of no failure either.
pub(super) fn says_that_all_is_well(line: &str) -> bool {
    let head = line.as_bytes().get(..line.len().min(LEVEL_WITHIN)).unwrap_or_default();
    let mut words = head.split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
    let level = words.find(|word| is_level(word)).and_then(|word| std::str::from_utf8(word).ok());
    level.is_some_and(|level| GOOD.contains(&level) || ["DBG", "INF", "TRC"].contains(&level)) && !warns(line)
}

/// Whether a log speaks of a failure: by its level, or where that is harmless, by a word of its message. So a trace right
/// behind it may be its own. A line of an access log never is followed by the trace that its request caused.
pub(super) fn speaks_of_failure(line: &str) -> bool {
    const STEMS: [&str; 22] = [
        "abort",
        "cannot",
        "caught",
        "could not",
        "couldn't",
        "crash",
        "critical",
        "died",
        "err",
        "exception",
        "fail",
        "fatal",
        "invalid",
        "killed",
        "panic",
        "recover",
        "reject",
        "traceback",
        "unable",
        "uncaught",
        "unexpected",
        "unhandled",
    ];
    if is_bad_log(line) {
        return true;
    }
    let head = line.get(..line.floor_char_boundary(FAILURE_WITHIN)).unwrap_or(line).to_ascii_lowercase();
    // A word begins with it; `[SQL: …]` or `interrupt` do not hold one.
    let begins_word = |at: usize| !head.as_bytes().get(at.wrapping_sub(1)).is_some_and(u8::is_ascii_alphanumeric);
    !head.contains(" http/1.")
        && !head.contains(" http/2")
        && STEMS.iter().any(|stem| head.match_indices(stem).any(|(at, _)| begins_word(at) || stem.len() > 6))
}

/// Whether a line warns, or speaks of a failure.
pub(super) fn warns(line: &str) -> bool {
    line.contains("arning") || speaks_of_failure(line)
}

/// How far into a line a word of failure is looked for.
const FAILURE_WITHIN: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_speaks_of_failure_by_its_level_or_in_words() {
        for line in [
            "2026-11-22 19:30:01 ERROR x",
            "2026-11-22 19:30:01 INFO job 3 failed",
            "Internal Server Error: /bad",
            "recovered: boom",
            "Task exception was never retrieved",
            "E1122 19:30:01.123456 7 x.go:3] x",
        ] {
            assert!(speaks_of_failure(line), "{line}");
        }
        for line in [
            "2026-11-22 19:30:01 INFO up",
            "job 1 took 3 s",
            "10.0.0.1 - - [22/Nov/2026:19:30:01 +0000] \"GET /error HTTP/1.1\" 500 2",
            "interrupted by nobody",
        ] {
            assert!(!speaks_of_failure(line), "{line}");
        }
    }

    #[test]
    fn a_log_says_that_all_is_well_by_its_level() {
        for line in ["2026-11-22 19:30:01 INFO up", "[main] DEBUG x - y", "19:30 INF up", "[info] up"] {
            assert!(says_that_all_is_well(line), "{line}");
        }
        for line in ["2026-11-22 19:30:01 up", "2026-11-22 19:30:01 WARN up", "19:30 WRN up", "[info] job 3 failed", ""]
        {
            assert!(!says_that_all_is_well(line), "{line}");
        }
    }
}
