//! What the beginning of a log looks like: timestamps, levels, names of exceptions.

/// Levels of warning and worse, as loggers spell them.
const BAD: [&str; 16] = [
    "ERROR",
    "WARN",
    "WARNING",
    "SEVERE",
    "FATAL",
    "CRITICAL",
    "CRIT",
    "ALERT",
    "EMERGENCY",
    "ERR",
    "PANIC",
    "error",
    "warn",
    "warning",
    "fatal",
    "critical",
];

/// The others.
const GOOD: [&str; 14] = [
    "INFO",
    "DEBUG",
    "TRACE",
    "NOTICE",
    "CONFIG",
    "FINE",
    "FINER",
    "FINEST",
    "VERBOSE",
    "info",
    "debug",
    "trace",
    "notice",
    "INFORMATION",
];

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// What loggers call their levels, in any case: the above, and the short ones of Serilog, zerolog, .NET, Winston and MariaDB.
fn levels_of_length(length: usize) -> &'static [&'static [u8]] {
    match length {
        3 => &[b"dbg", b"err", b"ftl", b"inf", b"log", b"trc", b"vrb", b"wrn"],
        4 => &[b"crit", b"dbug", b"debu", b"erro", b"fail", b"fata", b"fine", b"info", b"trac", b"trce", b"warn"],
        5 => &[b"alert", b"debug", b"emerg", b"error", b"fatal", b"finer", b"panic", b"silly", b"trace"],
        6 => &[b"config", b"finest", b"notice", b"severe"],
        7 => &[b"success", b"verbose", b"warning"],
        8 => &[b"critical"],
        9 => &[b"emergency"],
        11 => &[b"information"],
        _ => &[],
    }
}

/// Whether a word is a level of some logger, in whatever case.
pub(super) fn is_level(word: &[u8]) -> bool {
    levels_of_length(word.len()).iter().any(|level| level.eq_ignore_ascii_case(word))
}

/// How far into a line a level is looked for.
const LEVEL_WITHIN: usize = 120;

/// Whether a line looks like the beginning of a log: with a timestamp, a level, or an object.
pub(super) fn begins_log(line: &str) -> bool {
    let text = line.trim_start_matches(['[', '(', '<']);
    let bytes = text.as_bytes();
    match bytes.first() {
        None => false,
        Some(b'{') => true,
        Some(digit) if digit.is_ascii_digit() => is_timestamp(text),
        Some(letter) if letter.is_ascii_alphabetic() => {
            let word = word(text);
            BAD.contains(&word)
                || GOOD.contains(&word)
                || is_ruby_logger(text)
                || is_klog(bytes)
                || is_month(text)
                || ["time=", "ts=", "level=", "lvl="].iter().any(|key| text.starts_with(key))
        }
        Some(_) => false,
    }
}

/// Letters at the beginning.
fn word(text: &str) -> &str {
    let end = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    // `error_count` and `Information2` are no levels.
    let goes_on = text.as_bytes().get(end).is_some_and(|byte| byte.is_ascii_digit() || *byte == b'_');
    if goes_on { "" } else { text.get(..end).unwrap_or_default() }
}

/// `2026-11-22…`, `2026/11/22…`, `19:30:01…`, `22/Nov/2026…`, `1795379888…`.
fn is_timestamp(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = text.as_bytes().get(digits..).unwrap_or_default();
    let digit_at = |at: usize| rest.get(at).is_some_and(u8::is_ascii_digit);
    match (digits, rest.first()) {
        (4, Some(b'-' | b'/' | b'.')) => digit_at(1) && digit_at(2),
        (1 | 2, Some(b':')) => digit_at(1) && digit_at(2) && rest.get(3) == Some(&b':'),
        (1 | 2, Some(b'/' | b'-' | b'.' | b' ')) => {
            let month = text.get(digits + 1..digits + 4).unwrap_or_default();
            MONTHS.contains(&month) || (digit_at(1) && digit_at(2) && matches!(rest.get(3), Some(b'/' | b'-' | b'.')))
        }
        (8, Some(b' ' | b'T')) => digit_at(1) && digit_at(2),
        (10 | 13, _) => true,
        _ => false,
    }
}

/// `Nov 22 …`.
fn is_month(text: &str) -> bool {
    let is_name = text.get(..3).is_some_and(|name| MONTHS.contains(&name));
    is_name && text.get(3..).is_some_and(|rest| rest.trim_start().starts_with(|first: char| first.is_ascii_digit()))
}

/// Ruby's `E, [2026-11-22T…`.
fn is_ruby_logger(text: &str) -> bool {
    text.get(1..4) == Some(", [") && text.starts_with(['D', 'I', 'W', 'E', 'F', 'A'])
}

/// Kubernetes' `E1122 19:30:01.123456`.
pub(super) fn is_klog(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(b'I' | b'W' | b'E' | b'F'))
        && bytes.get(1..5).is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
        && bytes.get(5) == Some(&b' ')
}

/// Whether a line is a log with a level of warning or worse, as a logger writes it before a trace.
pub(super) fn is_bad_log(line: &str) -> bool {
    if line.starts_with('{') || !begins_log(line) {
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

/// Whether a line begins with the name of an exception: `x.y.SomeException: message`, `TypeError`, `Error: x`.
pub(super) fn is_header(line: &str) -> bool {
    let bytes = line.as_bytes();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'$' | b'/');
    let length = bytes.iter().take(200).take_while(|byte| is_name(byte)).count();
    let ends = match bytes.get(length) {
        None | Some(b':') => true,
        // Node.js: `TypeError [ERR_X]: message`; Rails: `KeyError (key not found: :b):`.
        Some(b' ') => match bytes.get(length + 1) {
            Some(b'[') => true,
            Some(b'(') => line.trim_ascii_end().ends_with("):"),
            _ => false,
        },
        Some(_) => false,
    };
    ends && is_exception_name(line.get(..length).unwrap_or_default())
}

fn is_exception_name(name: &str) -> bool {
    let last = name.rsplit(['.', '$']).next().unwrap_or_default();
    ["Exception", "Error", "Throwable"].iter().any(|end| last.ends_with(end))
        && last.starts_with(|first: char| first.is_ascii_uppercase())
}

/// Whether a line names an exception anywhere: `failed: TypeError: x`, `… ERROR … java.lang.Error: x`. Linear in the line: what stands
/// before a name is looked back over once, however often names follow.
pub(super) fn names_exception(line: &str) -> bool {
    const ENDS: [&str; 3] = ["Exception", "Error", "Throwable"];
    // Where the last part of the name begins, and up to where that is known.
    let (mut start, mut known) = (0, 0);
    memchr::memchr2_iter(b'E', b'T', line.as_bytes()).any(|at| {
        let rest = line.get(at..).unwrap_or_default();
        let Some(end) = ENDS.iter().find(|end| rest.starts_with(**end)) else { return false };
        let separator = line.get(known..at).unwrap_or_default().rfind([' ', '"', '(', '[', '.', '$']);
        start = separator.map_or(start, |separator| known + separator + 1);
        known = at;
        let is_end = matches!(line.as_bytes().get(at + end.len()), None | Some(b':'));
        is_end && line.as_bytes().get(start).is_some_and(u8::is_ascii_uppercase)
    })
}

/// The line that ends a trace of Python's: a name with a capital letter, or one that says its module, as `socket.gaierror`;
/// alone or with a message.
pub(super) fn is_python_exception(line: &str) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_') || !byte.is_ascii();
    let length = line.bytes().take_while(is_name).count();
    let name = line.get(..length).unwrap_or_default();
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_level = BAD.contains(&last) || GOOD.contains(&last);
    let ends = matches!(line.as_bytes().get(length..), Some([] | [b':'] | [b':', b' ', ..]));
    let is_class = last.starts_with(|first: char| first.is_uppercase() || first == '_');
    let is_of_module = || name.contains('.') && name.split('.').all(is_identifier);
    // `struct.error` is one of many.
    ends && (!is_level && is_class || (!is_level || last == "error") && is_of_module())
}

fn is_identifier(word: &str) -> bool {
    word.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// A log of .NET's console logger: `fail: Some.Category[13]`. Source: .NET, `SimpleConsoleFormatter`.
pub(super) fn is_console_log(line: &str) -> bool {
    const LEVELS: [&str; 6] = ["trce: ", "dbug: ", "info: ", "warn: ", "fail: ", "crit: "];
    let is_level = line.get(..6).is_some_and(|level| LEVELS.contains(&level));
    is_level && line.ends_with(']') && {
        let inside = line.rsplit('[').next().unwrap_or_default().trim_end_matches(']');
        !inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
    }
}

/// The first line of java.util.logging's default format: `Nov 22, 2026 7:30:54 PM Checkout charge`.
/// Source: Java, `SimpleFormatter`.
pub(super) fn is_java_logging(line: &str) -> bool {
    is_month(line) && {
        let head = line.get(..32.min(line.len())).unwrap_or_default();
        head.contains(", ") && (head.contains(" AM ") || head.contains(" PM "))
    }
}

/// The level of the second line of java.util.logging: whether it is warning or worse.
pub(super) fn level_of_java_logging(line: &str) -> Option<bool> {
    let (level, _) = line.split_once(": ").or_else(|| line.split_once(':'))?;
    match level {
        "SEVERE" | "WARNING" => Some(true),
        "INFO" | "CONFIG" | "FINE" | "FINER" | "FINEST" => Some(false),
        _ => None,
    }
}

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

    #[test]
    fn levels_in_any_case() {
        assert!([&b"ERROR"[..], b"warn", b"Information", b"wrn"].iter().all(|word| is_level(word)));
        assert!([&b"er"[..], b"order", b"", b"informational"].iter().all(|word| !is_level(word)));
    }

    #[test]
    fn exceptions_are_named_anywhere() {
        for line in ["x: java.lang.IllegalStateException: y", "TypeError", "failed: AxiosError: y", "a (IOException: y"]
        {
            assert!(names_exception(line), "{line}");
        }
        for line in ["an error: y", "Errors: y", "noError", "xException is none", ""] {
            assert!(!names_exception(line), "{line}");
        }
    }
}
