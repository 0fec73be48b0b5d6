//! Words that say by themselves what a line is: levels, names of exceptions, and the heads of loggers that write a log in two lines.

/// Levels of warning and worse, as loggers spell them.
pub(super) const BAD: [&str; 16] = [
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
pub(super) const GOOD: [&str; 14] = [
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

/// `Nov 22 …`.
fn is_month(text: &str) -> bool {
    // Asked of nearly every line, and nearly none begins with a capital letter.
    let is_name = || text.get(..3).is_some_and(|name| MONTHS.contains(&name));
    text.starts_with(|first: char| first.is_ascii_uppercase())
        && is_name()
        && text.get(3..).is_some_and(|rest| rest.trim_start().starts_with(|first: char| first.is_ascii_digit()))
}

/// Kubernetes' `E1122 19:30:01.123456`.
pub(super) fn is_klog(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(b'I' | b'W' | b'E' | b'F'))
        && bytes.get(1..5).is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
        && bytes.get(5) == Some(&b' ')
}

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
