//! A time at the head of a line, in whatever form a logger writes it: with a date before it or without, in brackets or not.

/// How far into a line a time of day can begin: a date and the words in it are not longer.
const MAX_DATE: usize = 36;

/// What follows the time at the beginning of `text`, and whether a bracket before the time is still open (`[12:34:56 INF] …`); `None`
/// where there is no time.
pub(crate) fn behind(text: &str) -> Option<(&str, bool)> {
    let (text, is_open) = match text.strip_prefix('[') {
        Some(inside) => (inside, true),
        None => (text, false),
    };
    let bytes = text.as_bytes();
    let is_start =
        |at: &usize| !at.checked_sub(1).is_some_and(|before| bytes.get(before).is_some_and(u8::is_ascii_digit));
    let mut starts = (0..text.len().min(MAX_DATE)).filter(is_start);
    let (at, rest) = starts.find_map(|at| Some((at, time_of_day(text.get(at..)?)?)))?;
    if !is_date(text.get(..at)?) {
        return None;
    }
    let rest = zone(rest);
    let closed = || rest.trim_start().strip_prefix(']').or_else(|| behind_year(rest)?.strip_prefix(']'));
    match closed().filter(|_| is_open) {
        Some(rest) => Some((rest, false)),
        // A word must not begin within the time.
        None if rest.starts_with(|character: char| character.is_ascii_alphanumeric()) => None,
        None => Some((rest, is_open)),
    }
}

/// Apache has the year behind the time.
fn behind_year(text: &str) -> Option<&str> {
    let (year, rest) = text.strip_prefix(' ')?.split_at_checked(4)?;
    year.bytes().all(|byte| byte.is_ascii_digit()).then_some(rest)
}

/// What follows `10:15`, `10:15:30`, `10:15:30.123`, `10:15AM`; the hour may have one digit.
pub(crate) fn time_of_day(text: &str) -> Option<&str> {
    let pair = |text: &str, most: usize| {
        let count = text.bytes().take_while(u8::is_ascii_digit).count();
        (count == 2 || (count == 1 && most == 1)).then_some(count)
    };
    let rest = text.get(pair(text, 1)?..)?.strip_prefix(':')?;
    let mut rest = rest.get(pair(rest, 2)?..)?;
    let seconds = rest.strip_prefix(':').and_then(|rest| rest.get(pair(rest, 2)?..));
    if let Some(behind) = seconds {
        rest = behind
            .strip_prefix(['.', ','])
            .map_or(behind, |digits| digits.trim_start_matches(|digit: char| digit.is_ascii_digit()));
    }
    let half = ["AM", "PM", " AM", " PM"].into_iter().find_map(|half| rest.strip_prefix(half));
    // Hours and minutes alone are a time only with their half of the day: `10:15` is also a place in a file.
    if seconds.is_none() { half } else { Some(half.unwrap_or(rest)) }
}

/// What stands before a time of day: nothing, or digits with the signs of a date and the names of days and months.
fn is_date(text: &str) -> bool {
    const NAMES: [&str; 20] = [
        "mon", "tue", "wed", "thu", "fri", "sat", "sun", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep",
        "oct", "nov", "dec", "t",
    ];
    let is_sign = |character: char| character.is_ascii_digit() || " -/.,:".contains(character);
    let mut words = text.split(is_sign).filter(|word| !word.is_empty());
    let has_digits = text.is_empty() || text.contains(|character: char| character.is_ascii_digit());
    has_digits && words.all(|word| NAMES.iter().any(|name| name.eq_ignore_ascii_case(word)))
}

/// Skips the zone of a time: `Z`, `+02:00`, ` +0000`, ` UTC`.
fn zone(text: &str) -> &str {
    const NAMES: [&str; 15] =
        ["UTC", "GMT", "CET", "CEST", "WET", "EET", "EEST", "BST", "EST", "EDT", "CST", "CDT", "PST", "PDT", "JST"];
    if let Some(rest) = text.strip_prefix('Z') {
        return rest;
    }
    let spaced = text.strip_prefix(' ').unwrap_or(text);
    if let Some(offset) = spaced.strip_prefix(['+', '-']) {
        let digits = offset.trim_start_matches(|character: char| character.is_ascii_digit() || character == ':');
        if [2, 4, 5].contains(&(offset.len() - digits.len())) {
            return digits;
        }
    }
    let name = NAMES.into_iter().find_map(|name| spaced.strip_prefix(name));
    name.filter(|rest| !rest.starts_with(|character: char| character.is_ascii_alphanumeric())).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_where_they_begin_the_text() {
        for (text, rest) in [
            ("10:15:30 x", Some((" x", false))),
            ("10:15:30.123456789Z x", Some((" x", false))),
            ("3:04PM x", Some((" x", false))),
            ("2026-11-22T10:15:30+02:00 x", Some((" x", false))),
            ("2026-11-22 10:15:30,123 UTC x", Some((" x", false))),
            ("[2026-11-22 10:15:30 +0000] x", Some((" x", false))),
            ("[Sun Nov 22 10:15:30.123456 2026] x", Some((" x", false))),
            ("[10:15:30 INF] x", Some((" INF] x", true))),
            ("22-Nov-2026 10:15:30 x", Some((" x", false))),
            ("10:15:30", Some(("", false))),
            ("10:15 x", None),
            ("10:15:30x", None),
            ("a 10:15:30 x", None),
            ("main.c:10:15: x", None),
            ("2026-11-22 x", None),
            ("", None),
            ("[", None),
            ("ä10:15:30", None),
        ] {
            assert_eq!(behind(text), rest, "{text}");
        }
    }
}
