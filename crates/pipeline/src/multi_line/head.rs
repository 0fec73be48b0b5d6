//! The head of a line: what a logger puts in front of each log.
//!
//! A head is told by its form, not by its words: a timestamp in any format with little before it, a level that stands out,
//! an object of JSON, `key=value` pairs. Heads of the same form are of one class. Whether a class begins logs in this
//! stream is learned elsewhere ([`super::heads`]); this file only reads.

use super::words;

/// What kind of head it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeadKind {
    /// `2026-11-22 19:30:01`, `[22/Nov/2026:…`, `I1122 19:30:01`, and what stands before it.
    Time,
    /// `INFO `, `[warn]`, `INFO:shop.orders:`.
    Level,
    /// `Warning: `: a level and a colon, as loggers write it and anybody who prints.
    Word,
    /// An object on one line. It is whole.
    Json,
    /// `level=info …`. It is whole: a value of several lines is quoted.
    Pairs,
}

/// A head and the form it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) kind: HeadKind,
    /// The same for heads of the same form.
    pub(super) class: u32,
    /// Nothing stands behind it.
    pub(super) is_bare: bool,
}

impl Head {
    /// The head of a line that begins a log and has no form of those above: it is whole.
    pub(super) const WITHOUT_FORM: Head = Head { kind: HeadKind::Pairs, class: u32::MAX, is_bare: false };
}

/// How far into a line a timestamp may begin: behind an address, a process, a thread.
const TIME_WITHIN: usize = 48;

/// The head of a line, as it is seen; `is_coloured` if it had colours.
pub(super) fn head(line: &str, is_coloured: bool) -> Option<Head> {
    let first = *line.as_bytes().first()?;
    match first {
        b'\t' => None,
        b' ' => level_in_column(line),
        b'{' => json(line),
        _ => {
            time(line).or_else(|| level(line, is_coloured)).or_else(|| pairs(line)).or_else(|| level_behind_name(line))
        }
    }
}

fn json(line: &str) -> Option<Head> {
    is_object(line).then_some(Head { kind: HeadKind::Json, class: 0, is_bare: false })
}

/// An object of JSON on one line that says when it was: an access log's, say.
pub(super) fn is_timed_object(line: &str) -> bool {
    let keys = ["\"time\":", "\"time_", "\"timestamp\":", "\"@timestamp\":", "\"ts\":"];
    is_object(line) && keys.iter().any(|key| line.contains(key))
}

/// An object of JSON on one line.
pub(super) fn is_object(line: &str) -> bool {
    let mut quotes = memchr::memchr_iter(b'"', line.as_bytes());
    line.starts_with("{\"")
        && line.ends_with('}')
        && line.len() > 10
        && quotes.any(|at| line.as_bytes().get(at + 1) == Some(&b':'))
}

/// `time=…`, `ts=…`, `level=…`, as logfmt begins.
fn pairs(line: &str) -> Option<Head> {
    let is_pairs = ["time=", "ts=", "t=", "level=", "lvl=", "at=", "severity="].iter().any(|key| line.starts_with(key));
    is_pairs.then_some(Head { kind: HeadKind::Pairs, class: 0, is_bare: false })
}

/// A timestamp near the beginning.
fn time(line: &str) -> Option<Head> {
    let bytes = line.as_bytes();
    let mut class = Class::default();
    let (mut at, mut words) = (0, 0);
    while at < bytes.len().min(TIME_WITHIN) {
        let rest = bytes.get(at..)?;
        match *rest.first()? {
            b'0'..=b'9' => {
                let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                if let Some((form, length)) = time_at(rest, digits) {
                    class.add(form);
                    let rest = rest.get(length..).unwrap_or_default();
                    // A date alone is another form than one with a time of day.
                    let day = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                    let behind_day = rest.get(day..).unwrap_or_default();
                    if let [b' ' | b'T' | b':', b'0'..=b'9', ..] | [b' ', b' ', b'0'..=b'9', ..] = behind_day {
                        class.add(b't');
                    }
                    return Some(Head { kind: HeadKind::Time, class: class.0, is_bare: has_no_words(rest) });
                }
                at += digits;
                class.add(b'0');
            }
            byte if byte.is_ascii_alphabetic() => {
                let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
                if let Some(form) = month_at(rest).or_else(|| klog_at(rest).filter(|_| at == 0)) {
                    class.add(form);
                    return Some(Head { kind: HeadKind::Time, class: class.0, is_bare: false });
                }
                let word = rest.get(..length)?;
                // Prose: `Updated 2026-11-22`, `at 12:00:00`. A level, a weekday or `Date:` is none.
                let ends = rest.get(length);
                words += 1;
                let is_prose = matches!(ends, Some(b' ' | b'.' | b'/'))
                    && (at == 0 || words > 2)
                    && !words::is_level(word)
                    && !is_weekday(word);
                if is_prose {
                    return None;
                }
                at += length;
                class.add(b'a');
            }
            // What messages hold and heads do not: quotes, and a value behind its name.
            b'"' | b'\'' | b'{' => return None,
            b'=' if at > 0
                && bytes.get(at - 1).is_some_and(u8::is_ascii_alphanumeric)
                && rest.get(1) != Some(&b'=') =>
            {
                return None;
            }
            // How many blanks align a column says nothing.
            b' ' => {
                at += rest.iter().take_while(|byte| **byte == b' ').count();
                class.add(b' ');
            }
            other => {
                at += 1;
                class.add(other);
            }
        }
    }
    None
}

/// Whether there are no letters but those of a time, `T` and `Z`.
fn has_no_words(text: &[u8]) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let is_of_time = |byte: &u8| !byte.is_ascii_alphabetic() || matches!(byte, b'T' | b'Z');
    // Eight bytes at once. Without its top bit a byte has the top bit set by what is added if it is `a` or more, or more than `z`.
    let has_letter = |eight: &[u8; 8]| {
        let word = u64::from_le_bytes(*eight);
        let small = (word | (EACH * 0x20)) & (EACH * 0x7f);
        let from_a = small + EACH * (0x80 - u64::from(b'a'));
        let beyond_z = small + EACH * (0x80 - u64::from(b'z') - 1);
        from_a & !beyond_z & !word & (EACH * 0x80) != 0
    };
    let (words, rest) = text.as_chunks::<8>();
    words.iter().all(|eight| !has_letter(eight) || eight.iter().all(is_of_time)) && rest.iter().all(is_of_time)
}

/// A hash of the form: FNV-1a, over what each run of letters or digits is shortened to.
#[derive(Debug, Clone, Copy)]
struct Class(u32);

impl Default for Class {
    fn default() -> Class {
        Class(0x811c_9dc5)
    }
}

impl Class {
    fn add(&mut self, byte: u8) {
        self.0 = (self.0 ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
}

/// A timestamp that begins with so many digits: its form, and how long its first part is.
fn time_at(bytes: &[u8], digits: usize) -> Option<(u8, usize)> {
    let rest = bytes.get(digits..)?;
    let digit = |at: usize| rest.get(at).is_some_and(u8::is_ascii_digit);
    let separator = *rest.first().unwrap_or(&b' ');
    match (digits, separator) {
        // `2026-11-22`
        (4, b'-' | b'/' | b'.') if digit(1) => {
            let second = 1 + usize::from(digit(2));
            (rest.get(1 + second) == Some(&separator) && digit(2 + second)).then_some((separator, digits + 2 + second))
        }
        // `19:30:01`
        (1 | 2, b':') if digit(1) && digit(2) && rest.get(3) == Some(&b':') && digit(4) && digit(5) => {
            Some((b':', digits + 6))
        }
        // `1.7957544e+09`, zap's default.
        (1, b'.') if digit(1) && rest.get(1..rest.len().min(16))?.windows(4).any(|four| four == b"e+09") => {
            Some((b'e', digits + 1))
        }
        // `22/11/2026`, `26/11/22 19:30:01`, `22/Nov/2026`, `22 Nov 2026`
        (1 | 2, b'/' | b'-' | b'.' | b' ') => {
            let is_month = is_month(rest.get(1..4).unwrap_or_default()) && rest.get(4) == Some(&separator);
            let numbers = separator != b' ' && digit(1);
            let second = 1 + usize::from(digit(2));
            let is_date = is_month && digit(5)
                || numbers && rest.get(1 + second) == Some(&separator) && digit(2 + second) && digit(3 + second);
            is_date.then_some((b'd', digits + if is_month { 5 } else { 2 + second }))
        }
        // `20261122T193001`, `261122 19:30:01`
        (6 | 8, b' ' | b'T') if (digit(1) || rest.get(1) == Some(&b' ')) && digit(2) => Some((b'8', digits)),
        // Seconds or milliseconds since 1970.
        (10, b'.' | b' ' | b',') | (13, b' ' | b',') => Some((b'e', digits)),
        _ => None,
    }
}

/// `Nov 22 19:30:01`, `Nov 22, 2026 …`.
fn month_at(bytes: &[u8]) -> Option<u8> {
    if !is_month(bytes.get(..3)?) || bytes.get(3) != Some(&b' ') {
        return None;
    }
    let rest = bytes.get(4..)?.trim_ascii_start();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let behind = rest.get(digits..)?;
    let is_time = matches!(behind, [b' ' | b',', b' ', b'0'..=b'9', ..] | [b' ', b'0'..=b'9', ..]);
    ((1..=2).contains(&digits) && is_time).then_some(b'm')
}

/// Kubernetes' `I1122 19:30:01.123456`.
pub(super) fn klog_at(bytes: &[u8]) -> Option<u8> {
    (words::is_klog(bytes) && bytes.get(6).is_some_and(u8::is_ascii_digit)).then_some(b'k')
}

fn is_month(name: &[u8]) -> bool {
    matches!(
        name,
        b"Jan" | b"Feb" | b"Mar" | b"Apr" | b"May" | b"Jun" | b"Jul" | b"Aug" | b"Sep" | b"Oct" | b"Nov" | b"Dec"
    )
}

fn is_weekday(name: &[u8]) -> bool {
    const DAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    DAYS.contains(&name)
}

/// A level that stands out: in brackets, in capitals, in colour, or before a colon.
fn level(line: &str, is_coloured: bool) -> Option<Head> {
    let bytes = line.as_bytes();
    let bracket = *bytes.first().filter(|byte| matches!(byte, b'[' | b'(' | b'<' | b'|')).unwrap_or(&b' ');
    let text = if bracket == b' ' { bytes } else { bytes.get(1..)?.trim_ascii_start() };
    let length = text.iter().take(12).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let word = text.get(..length)?;
    if !words::is_level(word) {
        return None;
    }
    let behind = text.get(length..)?;
    let closing = behind.trim_ascii_start().first();
    let is_capital = word.iter().all(u8::is_ascii_uppercase);
    let stands_out = match behind.first() {
        _ if bracket != b' ' => matches!(closing, Some(b']' | b')' | b'>' | b'|')),
        // `Error: x` is the name of an exception and its message.
        Some(b':') => word != b"Error",
        None | Some(b'[' | b'>' | b'|') => is_capital || is_coloured || behind.first() == Some(&b'['),
        Some(b' ' | b'\t') => is_capital || is_coloured || behind.starts_with(b"  "),
        Some(_) => false,
    };
    let form = if bracket == b' ' { *behind.first().unwrap_or(&b' ') } else { bracket };
    let is_word = form == b':' && behind.get(1).is_none_or(|byte| *byte == b' ') && !is_uvicorn(line);
    let kind = if is_word && !is_coloured { HeadKind::Word } else { HeadKind::Level };
    stands_out.then_some(Head { kind, class: u32::from(form), is_bare: false })
}

/// How wide uvicorn makes its level, with the colon.
const UVICORN_COLUMN: usize = 10;

/// `INFO:     10.0.0.1:513 - "GET / HTTP/1.1" 200 OK`: the level in a column. `ERROR:  x` of a database has no such column.
pub(super) fn is_uvicorn(line: &str) -> bool {
    let bytes = line.as_bytes();
    let word = bytes.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let blanks = bytes.get(word + 1..).unwrap_or_default().iter().take_while(|byte| **byte == b' ').count();
    bytes.get(word) == Some(&b':') && blanks > 1 && word + 1 + blanks == UVICORN_COLUMN
}

/// How far into a line a level in capitals may stand, behind the name of a thread or a logger.
const LEVEL_WITHIN: usize = 40;

/// `[main] INFO …`, `svc - ERROR - …`, `[app] [warn] …`: a name, and a level in capitals or in brackets.
fn level_behind_name(line: &str) -> Option<Head> {
    let bytes = line.as_bytes().get(..line.len().min(LEVEL_WITHIN))?;
    // Most lines: no capitals and no brackets, so no level.
    if !bytes.iter().any(|byte| byte.is_ascii_uppercase() || *byte == b'[') {
        return None;
    }
    let mut class = Class::default();
    let (mut at, mut words) = (0, 0);
    while at < bytes.len() {
        let rest = bytes.get(at..)?;
        let byte = *rest.first()?;
        if byte.is_ascii_alphabetic() {
            let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
            let word = rest.get(..length)?;
            let before = at.checked_sub(1).and_then(|before| bytes.get(before));
            let behind = rest.get(length);
            let is_capital =
                word.iter().all(u8::is_ascii_uppercase) && matches!(behind, Some(b' ' | b'\t' | b':' | b']' | b'|'));
            let is_bracketed = before == Some(&b'[') && behind == Some(&b']');
            if words > 0 && (is_capital || is_bracketed) && words::is_level(word) {
                return Some(Head { kind: HeadKind::Level, class: class.0, is_bare: false });
            }
            words += 1;
            // The third word is prose.
            if words > 2 {
                return None;
            }
            at += length;
            class.add(b'a');
        } else if byte.is_ascii_digit() {
            at += rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            class.add(b'0');
        } else if matches!(byte, b' ' | b'\t') {
            at += rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            class.add(b' ');
        } else if matches!(
            byte,
            b'[' | b']' | b'(' | b')' | b'|' | b'-' | b'.' | b'/' | b'_' | b'#' | b':' | b'$' | b'@'
        ) {
            at += 1;
            class.add(byte);
        } else {
            return None;
        }
    }
    None
}

/// A level in a column of its own, where the time is left out as it is the line's before: `           ERROR    failed`.
fn level_in_column(line: &str) -> Option<Head> {
    let text = line.trim_start_matches(' ').as_bytes();
    let length = text.iter().take(12).take_while(|byte| byte.is_ascii_uppercase()).count();
    let is_column = text.get(length..)?.starts_with(b"  ") || length == 8 && text.get(length) == Some(&b' ');
    (is_column && words::is_level(text.get(..length)?)).then_some(Head {
        kind: HeadKind::Level,
        class: u32::from(b'i'),
        is_bare: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(line: &str) -> Option<HeadKind> {
        head(line, false).map(|head| head.kind)
    }

    #[test]
    fn timestamps_in_any_format() {
        for line in [
            "2026-11-22 19:30:01,123 INFO x",
            "2026-11-22T19:30:01.123456Z x",
            "[2026-11-22 19:30:01 +0000] [7] [INFO] x",
            "2026/11/22 19:30:01 x",
            "26/11/22 19:30:01 WARN x",
            "19:30:01.123 [main] x",
            "[08:45:08 FTL] x",
            "10.0.0.1 - - [22/Nov/2026:19:30:01 +0000] \"GET / HTTP/1.1\" 200 2",
            "[Fri Nov 27 04:52:42 2026] x",
            "Fri Nov 27 04:52:42 2026 x",
            "Nov 22, 2026 7:30:54 PM Checkout charge",
            "09-Jul-2020 12:46:08.643 SEVERE [main] x",
            "[Nest] 1  - 11/22/2026, 10:15:30 AM   ERROR x",
            "I1122 19:30:01.123456       7 x.go:3] x",
            "1795754470.77 x",
            "1.7957544e+09\tinfo\tx",
            "[E 261127 10:38:36 web:2108] x",
            "1:M 27 Nov 2026 10:39:37.782 * x",
            "=ERROR REPORT==== 27-Nov-2026::10:38:55.490931 ===",
            "ERROR [2026-11-27 04:33:57,131] com.shop.App: x",
            "# Time: 261127  4:39:42",
        ] {
            assert_eq!(kind(line), Some(HeadKind::Time), "{line}");
        }
    }

    #[test]
    fn levels_that_stand_out() {
        for line in [
            "WARN  x",
            "INFO:shop.orders:up",
            "[error    ] x",
            "[warn] x",
            "<info> x",
            "INFO:     x",
            "info[0001] x",
            "[main] INFO com.shop.App - x",
            "svc - ERROR - x",
            "[app] [warn] x",
            "           ERROR    x",
        ] {
            assert_eq!(kind(line), Some(HeadKind::Level), "{line}");
        }
        for line in ["ERROR: x", "ERROR:  x", "info: x", "Warning: x"] {
            assert_eq!(kind(line), Some(HeadKind::Word), "{line}");
        }
        assert_eq!(head("INFO x", true).map(|head| head.kind), Some(HeadKind::Level));
        assert_eq!(head("info x", true).map(|head| head.kind), Some(HeadKind::Level));
    }

    #[test]
    fn objects_and_pairs() {
        assert_eq!(kind(r#"{"level":"info","msg":"x"}"#), Some(HeadKind::Json));
        assert_eq!(kind("level=info msg=x"), Some(HeadKind::Pairs));
        assert_eq!(kind("ts=2026-11-22T19:30:01Z caller=x"), Some(HeadKind::Pairs));
    }

    #[test]
    fn what_is_no_head() {
        for line in [
            "",
            "x",
            "Error: x",
            "info x",
            "at 12:00:01 the shop opens",
            "Updated 2026-11-22 by hand",
            "  2026-11-22 19:30:01 x",
            "key=2026-11-22 19:30:01",
            "java.lang.IllegalStateException: x",
            "{",
            "{}",
            "12 items in cart",
            "    ERROR x",
            "the second word is ERROR here",
        ] {
            assert_eq!(kind(line), None, "{line}");
        }
    }

    #[test]
    fn letters_are_found_at_any_place_and_no_other_byte_is_one() {
        for length in 1..=20 {
            for at in 0..length {
                for byte in 0..=255_u8 {
                    let mut text = vec![b'0'; length];
                    text[at] = byte;
                    let is_word = byte.is_ascii_alphabetic() && !matches!(byte, b'T' | b'Z');
                    assert_eq!(has_no_words(&text), !is_word, "{byte} at {at} of {length}");
                    let next = (at + 1) % length;
                    if next != at {
                        text[next] = b'T';
                        assert_eq!(has_no_words(&text), !is_word, "{byte} at {at} of {length}, with a `T`");
                    }
                }
            }
        }
    }

    #[test]
    fn one_form_is_one_class() {
        let class = |line: &str| head(line, false).map(|head| head.class);
        assert_eq!(class("2026-11-22 19:30:01 x"), class("2027-01-02 00:00:00 other"));
        assert_eq!(class("[12] 2026-11-22 x"), class("[12345] 2026-11-22 x"));
        assert_ne!(class("2026-11-22 19:30:01 x"), class("[2026-11-22 19:30:01] x"));
        assert_ne!(class("2026-11-22 19:30:01 x"), class("22/Nov/2026 19:30:01 x"));
        assert!(head("2026-11-22 19:30:01", false).unwrap().is_bare && !head("2026-11-22 up", false).unwrap().is_bare);
    }
}
