//! Datadog's status remapper: a word or a number as one of Datadog's statuses.

/// The statuses that stand for syslog's severities 0 to 7.
const SYSLOG: [&str; 8] = ["emergency", "alert", "critical", "error", "warn", "notice", "info", "debug"];

/// How a word begins, and its status; the first that fits counts. Any other word is `info`.
const BEGINNINGS: [(&str, &str); 13] = [
    ("emerg", "emergency"),
    ("f", "emergency"),
    ("a", "alert"),
    ("c", "critical"),
    ("e", "error"),
    ("w", "warn"),
    ("n", "notice"),
    ("i", "info"),
    ("d", "debug"),
    ("t", "debug"),
    ("v", "debug"),
    ("o", "ok"),
    ("s", "ok"),
];

/// The status of a word, or of a number written in digits.
///
/// Source: Datadog, "Log Status Remapper". That page now says `err` where its older versions, and that of events, say `e`. Here `e` counts:
/// should Datadog take a level of `E` for info, one info is kept too many; the other way round an error would be sampled away.
pub(crate) fn remapped(word: &str) -> &'static str {
    let word = word.trim();
    if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()) {
        return word.parse::<usize>().ok().and_then(|severity| SYSLOG.get(severity)).copied().unwrap_or("info");
    }
    let begins =
        |beginning: &str| word.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning));
    BEGINNINGS.iter().find(|(beginning, _)| begins(beginning)).map_or("info", |(_, status)| status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::sample::STATUSES;

    #[test]
    fn words_and_numbers_are_what_datadog_makes_of_them() {
        for (word, status) in [
            ("0", "emergency"),
            ("3", "error"),
            ("7", "debug"),
            ("8", "info"),
            ("30", "info"),
            ("-1", "info"),
            ("99999999999999999999", "info"),
            ("emerg", "emergency"),
            ("Emergency", "emergency"),
            ("FATAL", "emergency"),
            ("Alert", "alert"),
            ("crit", "critical"),
            ("ERR", "error"),
            ("error", "error"),
            ("E", "error"),
            ("WARNING", "warn"),
            ("Notice", "notice"),
            ("information", "info"),
            ("dbug", "debug"),
            ("t", "debug"),
            ("trace", "debug"),
            ("v", "debug"),
            ("Verbose", "debug"),
            ("o", "ok"),
            ("OK", "ok"),
            ("s", "ok"),
            ("Success", "ok"),
            ("silly", "ok"),
            ("panic", "info"),
            ("http", "info"),
            ("", "info"),
            (" warn ", "warn"),
            ("ärger", "info"),
        ] {
            assert_eq!(remapped(word), status, "{word}");
            assert!(STATUSES.contains(&status));
        }
    }
}
