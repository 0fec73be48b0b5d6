//! Lines with which a runtime, not a logger, begins a report of its own: a trace, a panic, a warning of an interpreter.
//!
//! Behind a log that speaks of no failure such a line is a stranger's, however close it follows: interpreters write to
//! stderr whenever they must. Some end the program, and are nobody's continuation.

use super::words;

/// What a line announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Announcement {
    /// A report that a logger may have been given, too: a trace.
    Report,
    /// The end of the program, or a warning of its runtime: no logger writes it.
    Runtimes,
}

/// What the line announces, if anything. Indented lines are looked at, too.
pub(super) fn announcement(line: &str) -> Option<Announcement> {
    const RUNTIMES: [&str; 24] = [
        "panic: ",
        "fatal error: ",
        "thread '",
        "terminate called ",
        "Fatal Python error: ",
        "Exception in thread ",
        "Exception ignored in",
        "Unhandled ",
        "Uncaught ",
        "Segmentation fault",
        "Aborted",
        "Killed",
        "Timeout (0:",
        "PHP Fatal error: ",
        "Fatal error: ",
        "SIGQUIT: ",
        "SIGSEGV: ",
        "SIGABRT: ",
        "#<Thread:",
        "PHP Warning: ",
        "PHP Notice: ",
        "PHP Deprecated: ",
        "lua: ",
        "unexpected fault address ",
    ];
    const REPORTS: [&str; 6] = [
        "Traceback (most recent call last)",
        "goroutine ",
        "+ Exception Group Traceback",
        "Thread 0x",
        "Current thread 0x",
        "Backtrace:",
    ];
    let text = line.trim_ascii_start();
    let first = *text.as_bytes().first()?;
    let begins =
        |list: &[&str]| list.iter().any(|begin| begin.as_bytes().first() == Some(&first) && text.starts_with(begin));
    if begins(&REPORTS) {
        return Some(Announcement::Report);
    }
    // What is indented begins nothing else.
    if text.len() < line.len() {
        return None;
    }
    if begins(&RUNTIMES) || is_of_perl(text) || is_of_sanitizer(text) || is_warning(text) {
        return Some(Announcement::Runtimes);
    }
    (words::is_header(text) || is_place(text)).then_some(Announcement::Report)
}

/// `… at /app/x.pl line 3.`, as Perl ends what `die` and `warn` say.
fn is_of_perl(text: &str) -> bool {
    if !text.ends_with('.') {
        return false;
    }
    // `, <STDIN> line 3.` says what was read last.
    let text = text.split(", <").next().unwrap_or_default();
    let Some((before, number)) = text.trim_end_matches('.').rsplit_once(" line ") else { return false };
    let place = before.rsplit_once(" at ").map(|(_, place)| place);
    let is_file = place
        .is_some_and(|place| !place.contains(' ') && place.contains(['.', '/', '-']) || place.starts_with("(eval "));
    is_file && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// `==12==ERROR: AddressSanitizer: …`, `x.cpp:13:50: runtime error: …`, `WARNING: DATA RACE`.
fn is_of_sanitizer(text: &str) -> bool {
    text.starts_with("==") && text.contains("==ERROR: ")
        || text.contains(": runtime error: ")
        || text == "WARNING: DATA RACE"
}

/// `/app/x.py:12: DeprecationWarning: …`, as Python's `warnings` writes.
fn is_warning(text: &str) -> bool {
    let Some(at) = text.find("Warning: ") else { return false };
    let before = text.get(..at).unwrap_or_default();
    before.rsplit_once(": ").is_some_and(|(place, _)| place.ends_with(|last: char| last.is_ascii_digit()))
}

/// A place in a source and nothing before it: `/app/x.js:12`, `/app/x.nim(15) name`, `(node:12) …`.
pub(super) fn is_place(text: &str) -> bool {
    if text.starts_with("(node:") {
        return true;
    }
    let is_path = text.starts_with('/') || text.starts_with("file:///") || text.starts_with("node:");
    is_path && {
        let path = text.split([' ', '(']).next().unwrap_or_default();
        let numbered = path
            .rsplit(':')
            .next()
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
        let bracketed = text.as_bytes().get(path.len()) == Some(&b'(')
            && text.as_bytes().get(path.len() + 1).is_some_and(u8::is_ascii_digit);
        numbered || bracketed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_of_runtimes() {
        for line in [
            "panic: x",
            "thread 'main' panicked at src/main.rs:1:2:",
            "terminate called after throwing an instance of 'x'",
            "Exception in thread \"main\" java.lang.Error: x",
            "Unhandled Rejection at: Promise {",
            "who calls at /app/x.pl line 6.",
            "broken at x.pl line 6, <STDIN> line 3.",
            "x.cpp:13:50: runtime error: store to null pointer",
            "==12==ERROR: AddressSanitizer: heap-use-after-free",
            "/app/x.py:12: DeprecationWarning: old",
        ] {
            assert_eq!(announcement(line), Some(Announcement::Runtimes), "{line}");
        }
    }

    #[test]
    fn reports_that_a_logger_may_have_been_given() {
        for line in [
            "Traceback (most recent call last):",
            "  + Exception Group Traceback (most recent call last):",
            "goroutine 1 [running]:",
            "TypeError: x",
            "java.lang.IllegalStateException: x",
            "/app/x.js:12",
            "/app/x.nim(15) app",
            "(node:12) Warning: x",
        ] {
            assert_eq!(announcement(line), Some(Announcement::Report), "{line}");
        }
    }

    #[test]
    fn messages_announce_nothing() {
        for line in [
            "",
            "x",
            "  TypeError: x",
            "Reason: Not Found",
            "/orders/7 was charged",
            "meet at the line 3.",
            "kind: Pod",
        ] {
            assert_eq!(announcement(line), None, "{line}");
        }
    }
}
