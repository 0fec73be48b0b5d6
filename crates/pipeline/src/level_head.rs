//! The level that a plain line says of itself at its head, in the forms that loggers write: `[warn]`, `INFO:`, a time and `ERROR`,
//! klog's `W1122`, `level=error`. For programs that log everything to stderr.
//!
//! A line that only speaks of an error has none. So a level counts where only a logger puts one: in brackets, before a colon or a bar, or
//! behind a time. Capitals count in all these places, small letters only where what follows shows that it is no sentence. What is
//! recognised, and what must not be: `tests/fixtures/status/heads.tsv`.

use super::head_time;
use super::status_remapper;

/// How far into a line a level is looked for, in bytes.
const MAX_HEAD: usize = 256;

/// How many parts (a thread, a logger, a number) may stand between the time and the level.
const MAX_PARTS: usize = 4;

/// The status that the head of `text` gives.
pub(crate) fn status(text: &str) -> Option<&'static str> {
    let word = level(text)?;
    // Words that the remapper knows by their beginning as something else, or not at all.
    Some(match word.to_ascii_uppercase().as_str() {
        "SEVERE" | "FAIL" => "error",
        "PANIC" | "PANI" | "PNC" => "emergency",
        _ => status_remapper::remapped(word),
    })
}

/// The level at the head of `text`, as it is written.
fn level(text: &str) -> Option<&str> {
    let head = Head::new(text);
    klog(head).or_else(|| ruby(head)).or_else(|| tornado(head)).or_else(|| logfmt(head)).or_else(|| {
        let (rest, is_timed) = match behind_time(head) {
            Some(rest) => (rest, true),
            None => (head, false),
        };
        if is_timed { behind_parts(rest) } else { rest.bracketed().or_else(|| rest.alone()).or_else(|| rest.named()) }
    })
}

/// What is left of a line's head. Colours are looked past wherever a part begins.
#[derive(Debug, Clone, Copy)]
struct Head<'t> {
    text: &'t str,
    /// Whether blanks began the line: so do the members of a printed object.
    is_indented: bool,
    /// Whether a bracket before the time is still open: `[12:34:56 INF] …`.
    is_open: bool,
}

impl<'t> Head<'t> {
    fn new(text: &'t str) -> Head<'t> {
        let mut end = text.len().min(MAX_HEAD);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let line = text.get(..end).unwrap_or_default();
        let line = line.split('\n').next().unwrap_or_default();
        Head { text: line, is_indented: line.starts_with([' ', '\t']), is_open: false }.begin()
    }

    fn with(self, text: &'t str) -> Head<'t> {
        Head { text, ..self }
    }

    /// Skips blanks and colours.
    fn begin(self) -> Head<'t> {
        let mut text = self.text;
        loop {
            text = text.trim_start_matches([' ', '\t']);
            match behind_colour(text) {
                Some(rest) => text = rest,
                None => return self.with(text),
            }
        }
    }

    fn strip(self, prefix: &str) -> Option<Head<'t>> {
        self.text.strip_prefix(prefix).map(|text| self.with(text))
    }

    /// The word at the beginning, of letters only, and what follows.
    fn word(self) -> (&'t str, Head<'t>) {
        let end = self.text.find(|character: char| !character.is_ascii_alphabetic()).unwrap_or(self.text.len());
        let (word, rest) = self.text.split_at(end);
        (word, self.with(rest))
    }

    /// What stands between brackets of this kind, and what follows.
    fn group(self, open: char, close: char) -> Option<(&'t str, Head<'t>)> {
        let (inside, rest) = self.text.strip_prefix(open)?.split_once(close)?;
        Some((inside, self.with(rest)))
    }

    /// `[warn]`, `[ WARN]`, `[core:error]`.
    fn bracketed(self) -> Option<&'t str> {
        let (inside, _) = self.group('[', ']')?;
        let inside = self.with(inside).begin();
        let inside = inside.text.rsplit(':').next()?;
        let (word, rest) =
            inside.split_at(inside.find(|character: char| !character.is_ascii_alphabetic()).unwrap_or(inside.len()));
        let is_all = rest.trim_end().is_empty() || rest.starts_with('\u{1b}');
        (is_all && (is_level(word) || is_short(word) || word.eq_ignore_ascii_case("note"))).then_some(word)
    }

    /// A level that begins the line, without a time before it.
    fn alone(self) -> Option<&'t str> {
        let (word, rest) = self.word();
        let rest = rest.without_colour();
        if is_upper(word) && is_level(word) {
            let is_before =
                |sign: &str| rest.begin().text.starts_with(sign) && rest.begin().text.len() < rest.text.len();
            let is_timed = || behind_time(rest.begin()).is_some() && rest.begin().text.len() < rest.text.len();
            let is_logrus = || rest.group('[', ']').is_some_and(|(time, _)| is_logrus_time(time));
            let is_head = rest.text.starts_with(':')
                || is_logrus()
                || is_before("[")
                || is_before("- ")
                || is_before("| ")
                || is_timed();
            return is_head.then_some(word);
        }
        if LOGRUS.contains(&word) {
            return rest.group('[', ']').filter(|(time, _)| is_logrus_time(time)).map(|_| word);
        }
        // As npm's loggers write them, and .NET's console, whose words for it are its own.
        let behind = rest.strip(":").filter(|rest| rest.text.starts_with(' ') && !rest.is_indented)?;
        match word {
            "trce" | "dbug" | "fail" | "crit" => is_category(behind.begin().text).then_some(word),
            _ => SMALL.contains(&word).then_some(word),
        }
    }

    /// A level behind the logger's name, which begins the line: `proxy:INFO: …`, `shop.cart - INFO - …`.
    fn named(self) -> Option<&'t str> {
        let is_of_name = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
        let (name, rest) = self.text.split_at(self.text.find(|character| !is_of_name(character))?);
        if self.is_indented || !name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
            return None;
        }
        let (before, behind) = if rest.starts_with(':') { (":", ": ") } else { (" - ", " - ") };
        let (word, rest) = self.with(rest.strip_prefix(before)?).begin().word();
        (is_upper(word) && is_level(word) && rest.without_colour().text.starts_with(behind)).then_some(word)
    }

    /// A level behind a time.
    fn timed(self) -> Option<&'t str> {
        if let Some(level) = self.bracketed() {
            return Some(level);
        }
        // ClickHouse's brackets.
        if let Some((word, _)) = self.group('<', '>') {
            return is_level(word).then_some(word);
        }
        let (word, rest) = self.word();
        let rest = rest.without_colour();
        let next = rest.text.chars().next();
        let is_end = matches!(next, None | Some(' ' | '\t' | ':' | '|' | '>'))
            || (self.is_open && matches!(next, Some(']' | '/')));
        if is_upper(word) && is_end {
            let is_log = word == "LOG" && (rest.text.starts_with(": ") || rest.begin().text.starts_with('['));
            return (is_level(word) || is_short(word) || is_log).then_some(word);
        }
        let is_fenced = rest.text.starts_with(": ") || rest.text.starts_with('\t') || rest.text.starts_with('|');
        if is_lower(word) && is_level(word) && is_fenced {
            return Some(word);
        }
        // Monolog: a channel before it.
        let (channel, _) = self.text.split_once(": ")?;
        let (_, word) = channel.rsplit_once('.')?;
        (!channel.contains(' ') && is_upper(word) && is_level(word)).then_some(word)
    }

    fn without_colour(self) -> Head<'t> {
        behind_colour(self.text).map_or(self, |rest| self.with(rest).without_colour())
    }
}

/// What follows `ESC [ 1 ; 31 m`. Source: ECMA-48, Select Graphic Rendition.
fn behind_colour(text: &str) -> Option<&str> {
    let (code, rest) = text.strip_prefix("\u{1b}[")?.split_once('m')?;
    code.bytes().all(|byte| byte.is_ascii_digit() || byte == b';').then_some(rest)
}

/// The words for levels that loggers write out. `SEVERE` is `java.util.logging`'s.
const LEVELS: [&str; 18] = [
    "TRACE",
    "DEBUG",
    "VERBOSE",
    "INFO",
    "INFORMATION",
    "NOTICE",
    "WARN",
    "WARNING",
    "ERROR",
    "ERR",
    "SEVERE",
    "CRITICAL",
    "CRIT",
    "ALERT",
    "EMERG",
    "EMERGENCY",
    "FATAL",
    "PANIC",
];

/// The short words of Serilog, zerolog and others: too short to count anywhere but in brackets or behind a time.
const SHORT: [&str; 11] = ["TRC", "VRB", "DBG", "INF", "WRN", "ERR", "FTL", "PNC", "CRT", "WAR", "FAT"];

/// logrus's words on a terminal: four letters, and a time in brackets without a blank between.
const LOGRUS: [&str; 5] = ["TRAC", "DEBU", "ERRO", "FATA", "PANI"];

/// Seconds since the start, or a time.
fn is_logrus_time(text: &str) -> bool {
    text.len() >= 4 && text.bytes().take(4).all(|byte| byte.is_ascii_digit())
}

/// The words that count in small letters at the beginning of a line: `fatal: ` and `panic: ` are a program's last words, no logger's.
const SMALL: [&str; 8] = ["trace", "debug", "verbose", "info", "notice", "warn", "warning", "error"];

fn is_level(word: &str) -> bool {
    LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word))
}

fn is_short(word: &str) -> bool {
    SHORT.contains(&word)
}

fn is_upper(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn is_lower(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// `Microsoft.Hosting.Lifetime[14]`.
fn is_category(text: &str) -> bool {
    let Some((name, rest)) = text.split_once('[') else { return false };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._`+".contains(&byte);
    let is_number = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    !name.is_empty() && name.bytes().all(is_name) && rest.split_once(']').is_some_and(|(id, _)| is_number(id))
}

/// The level behind the time, or behind parts that follow it: `[main]`, `{file.py:12}`, `123`, `- name -`.
fn behind_parts(mut head: Head<'_>) -> Option<&str> {
    for _ in 0..=MAX_PARTS {
        head = head.begin();
        while let Some(rest) = ["- ", "-- ", "| ", "|", ": ", ":", ", "].iter().find_map(|sign| head.strip(sign)) {
            head = rest.begin();
        }
        if let Some(level) = head.timed().or_else(|| logfmt(head)) {
            return Some(level);
        }
        head = part(head)?;
    }
    None
}

/// Skips one part that is no level.
fn part(head: Head) -> Option<Head> {
    if let Some((_, rest)) = head.group('[', ']').or_else(|| head.group('{', '}')).or_else(|| head.group('(', ')')) {
        return Some(rest);
    }
    let (token, rest) = head.text.split_once(' ')?;
    let is_number = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit());
    // Python's usual format: a logger's name between dashes, or an address between bars, or before a level and a colon.
    let next = rest.trim_start();
    let (word, behind) = head.with(next).word();
    let is_fenced = next.starts_with("- ") || next.starts_with("| ");
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_named = is_upper(word) && is_level(word) && behind.text.starts_with(':') && token.bytes().all(is_name);
    // Go's place in a file, and PostgreSQL's user and database.
    let is_place = token.strip_suffix(':').is_some_and(|place| place.contains('.') && place.contains(':'));
    let is_user = token.contains('@');
    // Sidekiq's pairs.
    let is_pair = token
        .split_once('=')
        .is_some_and(|(key, _)| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
    (is_number || is_fenced || is_named || is_place || is_user || is_pair).then(|| head.with(rest))
}

/// Source: Kubernetes, klog's header: `Lmmdd hh:mm:ss.uuuuuu threadid file:line]`; the same of glog, which may have the year, and of CockroachDB.
fn klog(head: Head<'_>) -> Option<&str> {
    let (level, rest) = head.text.split_at_checked(1)?;
    let (date, rest) = rest.split_once(' ')?;
    let is_date = [4, 6, 8].contains(&date.len()) && date.bytes().all(|byte| byte.is_ascii_digit());
    let (place, _) = head_time::time_of_day(rest)?.split_once(']')?;
    let is_place = place.contains(':') && place.contains('.');
    ("IWEF".contains(level) && is_date && is_place).then_some(level)
}

/// Ruby's `Logger`: `E, [2024-01-01T10:00:00.123456 #1] ERROR -- : …`.
fn ruby(head: Head<'_>) -> Option<&str> {
    let (level, rest) = head.text.split_at_checked(1)?;
    let (_, rest) = head.with(rest.strip_prefix(", ")?).group('[', ']')?;
    let (word, rest) = rest.begin().word();
    let is_known = is_level(word) || word == "ANY" || word == "UNKNOWN";
    ("DIWEFA".contains(level) && is_known && rest.text.starts_with(" -- ")).then_some(word)
}

/// Tornado's and Jupyter's: `[W 240101 10:00:00 web:2345] …`.
fn tornado(head: Head<'_>) -> Option<&str> {
    let (inside, _) = head.group('[', ']')?;
    let (level, rest) = inside.split_at_checked(1)?;
    let is_timed = rest.starts_with(' ') && behind_time(head.with(rest)).is_some();
    ("DIWEC".contains(level) && is_timed).then_some(level)
}

/// `level=error` among pairs that begin the line, as logfmt writes them.
fn logfmt(head: Head<'_>) -> Option<&str> {
    let mut rest = head.text;
    loop {
        let (key, value) = rest.split_once('=')?;
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-@".contains(&byte)) {
            return None;
        }
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => value.split_once(' ').unwrap_or((value, "")),
        };
        if ["level", "lvl", "severity"].contains(&key) {
            // log15's words have four letters.
            return (is_level(value) || ["dbug", "eror"].contains(&value)).then_some(value);
        }
        rest = after.trim_start();
    }
}

/// What follows a time at the head; `None` where there is none. A date may stand before it, and before both what a process says of itself:
/// `[Nest] 1  - `.
fn behind_time(head: Head) -> Option<Head> {
    let mut head = head;
    for _ in 0..3 {
        if let Some((rest, is_open)) = head_time::behind(head.text) {
            return Some(Head { is_open, ..head.with(rest) });
        }
        let before = match head.group('[', ']') {
            Some((inside, rest)) if is_plain(inside) => rest,
            _ => {
                let digits = head.text.find(|character: char| !character.is_ascii_digit()).filter(|end| *end > 0)?;
                head.with(head.text.get(digits..)?)
            }
        };
        head = before.begin();
        while let Some(rest) = head.strip("- ") {
            head = rest.begin();
        }
    }
    None
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !is_level(text) && !is_short(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `level`, a tab, the line; `-` for a line that has none. `\t`, `\e` and `\n` stand for what they are.
    const SAMPLES: &str = include_str!("../../../tests/fixtures/status/heads.tsv");

    #[test]
    fn the_labelled_samples() {
        let samples = SAMPLES.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let mut wrong = Vec::new();
        let (mut hits, mut misses) = (0, 0);
        for sample in samples {
            let (expected, line) = sample.split_once('\t').unwrap();
            let line = line.replace("\\t", "\t").replace("\\e", "\u{1b}").replace("\\n", "\n");
            let found = status(&line).unwrap_or("-");
            if expected == "-" {
                misses += 1
            } else {
                hits += 1
            }
            if found != expected {
                wrong.push(format!("{found} instead of {expected}: {line}"));
            }
        }
        assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
        assert!(hits >= 100 && misses >= 60, "{hits} {misses}");
    }

    proptest! {
        #[test]
        fn no_line_is_too_strange(line in any::<String>()) {
            let _ = level(&line);
        }

        #[test]
        fn nothing_made_of_parts_is_too_strange(line in "(\\[|\\]|[0-9]{1,2}:|INFO|warn|level=|\"|é|\u{1b}\\[3|m| |- |\\.|,|T|Z|\\+0){0,14}") {
            let _ = level(&line);
        }
    }
}
