//! What somebody who passes a program's lines on puts before each of them: `[pod container] `, `web.1  | `, PHP-FPM's
//! `… said into stderr: "`. Behind it the lines look as the program wrote them.
//!
//! A margin counts only where the line before has the same one: then nothing but what stands behind it tells whether a log goes on.
//! One with a time of its own is looked past for heads, too, since else each line of a trace would begin a log.
//!
//! Sources of the forms: `kubectl logs --prefix`, skaffold and stern; Docker Compose; foreman and honcho; syslog's tags; PHP-FPM,
//! `fpm_stdio.c`.

use super::super::head_time;

/// How long a margin may be.
const MAX_LENGTH: usize = 128;

/// What PHP-FPM writes before a worker's line, which it puts in quotes.
const WORKERS: [&str; 2] = [" said into stderr: \"", " said into stdout: \""];

/// How long the margin is that both lines have; numbers in a time may differ.
pub(super) fn shared(one: &str, other: &str) -> usize {
    let length = length(one);
    if length > 0 && behind(one, other, length).is_some() { length } else { 0 }
}

/// Whether the second line has a margin that says that somebody else wrote it.
pub(super) fn are_of_two(one: &str, other: &str) -> bool {
    timed_length(other) > 0 || length(one) > 0 && length(other) > 0 && shared(one, other) == 0
}

/// What stands behind the margin of `one`, which is `length` bytes long, in a line that has the same; `None` if it has not.
pub(super) fn behind<'t>(one: &str, line: &'t str, length: usize) -> Option<&'t str> {
    let margin = one.get(..length)?;
    let Some(found) = line.get(..length) else {
        // A line with nothing behind it.
        return (line.trim_ascii_end() == margin.trim_ascii_end()).then_some("");
    };
    let has_time = timed_length(margin) > 0;
    let is_same = margin
        .bytes()
        .zip(found.bytes())
        .all(|(one, other)| one == other || has_time && one.is_ascii_digit() && other.is_ascii_digit());
    is_same.then(|| without_quote(line, length))
}

/// The line behind a margin that has a time; the line itself where it has none such.
pub(super) fn behind_timed(line: &str) -> &str {
    match timed_length(line) {
        0 => line,
        length => without_quote(line, length),
    }
}

fn without_quote(line: &str, length: usize) -> &str {
    let text = line.get(length..).unwrap_or_default();
    let is_quoted = line.get(..length).is_some_and(|margin| margin.ends_with('"'));
    if is_quoted { text.strip_suffix('"').unwrap_or(text) } else { text }
}

/// How long the margin of a line is; 0 where it has none.
fn length(line: &str) -> usize {
    match timed_length(line) {
        0 => bracket(line).or_else(|| tag(line)).or_else(|| column(line)).unwrap_or(0),
        length => length,
    }
}

/// The same, for margins that have a time.
fn timed_length(line: &str) -> usize {
    let near = || line.get(..line.floor_char_boundary(MAX_LENGTH)).unwrap_or_default();
    let length = match line.as_bytes() {
        [b'[', ..] => WORKERS.iter().find_map(|said| near().find(said).map(|at| at + said.len())),
        // The hour of a time.
        [b'0'..=b'9', b':', ..] | [b'0'..=b'9', b'0'..=b'9', b':', ..] => {
            head_time::time_of_day(near()).and_then(|rest| {
                let name = rest.strip_prefix(' ')?;
                Some(near().len() - name.len() + column(name)?)
            })
        }
        _ => None,
    };
    length.unwrap_or(0)
}

/// `[pod container] `: a name and no date.
fn bracket(line: &str) -> Option<usize> {
    let inside = line.strip_prefix('[')?;
    let end = inside.bytes().take(MAX_LENGTH).position(|byte| byte == b']')?;
    let is_name = inside.starts_with(|first: char| first.is_ascii_alphabetic())
        && inside.get(..end)?.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./: ".contains(&byte));
    (is_name && inside.get(end + 1..)?.starts_with(' ')).then_some(end + 3)
}

/// `cart[12]: `.
fn tag(line: &str) -> Option<usize> {
    let name = name(line)?;
    let rest = line.get(name..)?.strip_prefix('[')?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0 && rest.get(digits..)?.starts_with("]: ")).then_some(name + 1 + digits + 3)
}

/// `web.1    | `.
fn column(line: &str) -> Option<usize> {
    let name = name(line)?;
    let rest = line.get(name..)?;
    let bar = rest.trim_start_matches(' ').strip_prefix('|')?;
    let is_column = rest.starts_with(' ') && (bar.is_empty() || bar.starts_with(' '));
    is_column.then(|| line.len() - bar.len() + usize::from(!bar.is_empty()))
}

/// How long the name at the beginning is, of a process or a pod.
fn name(line: &str) -> Option<usize> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let length = line.bytes().take(MAX_LENGTH).take_while(is_name).count();
    (line.starts_with(|first: char| first.is_ascii_alphabetic())).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_lines_have_the_same_margin() {
        for (one, other, text) in [
            ("[cart-7c9-x server] Traceback:", "[cart-7c9-x server]   File \"x\"", "  File \"x\""),
            ("[pod/cart-7/server] a", "[pod/cart-7/server] \tat b", "\tat b"),
            ("web.1    | a", "web.1    |   b", "  b"),
            ("cart  | a", "cart  |", ""),
            ("04:43:02 web.1    | a", "04:43:03 web.1    |   b", "  b"),
            ("cart[12]: a", "cart[12]:   b", "  b"),
            (
                "[27-Nov-2026 10:24:31] WARNING: [pool www] child 40 said into stderr: \"a\"",
                "[27-Nov-2026 10:24:32] WARNING: [pool www] child 40 said into stderr: \"#0 b\"",
                "#0 b",
            ),
        ] {
            assert_eq!(behind(one, other, shared(one, other)), Some(text), "{other}");
            assert!(shared(one, other) > 0, "{other}");
        }
    }

    #[test]
    fn other_margins_and_none() {
        for (one, other) in [
            ("[cart] a", "[mail] a"),
            ("[2026-11-22 19:30:01] a", "[2026-11-22 19:30:02] a"),
            ("web.1 | a", "web.2 | a"),
            ("cart[12]: a", "cart[13]: a"),
            ("a | b", "a || b"),
            ("| a | b |", "| a | c |"),
            ("[] a", "[] b"),
            ("x: a", "x: b"),
            ("", ""),
            ("[é] a", "[é] b"),
        ] {
            assert_eq!(shared(one, other), 0, "{one}");
        }
    }

    #[test]
    fn a_margin_with_a_time_is_looked_past() {
        assert_eq!(behind_timed("04:43:02 web.1    | INFO up"), "INFO up");
        assert_eq!(
            behind_timed("[27-Nov-2026 10:24:31] WARNING: child 40 said into stderr: \"PHP Notice: x\""),
            "PHP Notice: x"
        );
        for line in ["web.1 | INFO up", "04:43:02 INFO up", "[main] INFO up", "2026-11-22 10:00:00 | INFO | x"] {
            assert_eq!(behind_timed(line), line);
        }
    }
}
