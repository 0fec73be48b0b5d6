//! What one sees of a line on a terminal: without its colours, and without what a `\r` went back over.
//!
//! Only for looking at: the text that is shipped stays as it was written.

use std::borrow::Cow;

use super::super::line::HeldLine;

const ESCAPE: u8 = 0x1b;

/// Whether a text has nothing that a terminal would not show: no escape and no carriage return. Nearly all have none.
pub(super) fn is_plain(text: &str) -> bool {
    memchr::memchr2(ESCAPE, b'\r', text.as_bytes()).is_none()
}

/// A text as a terminal would show it; `is_plain` if that is known.
#[inline]
pub(super) fn seen(text: &str, is_plain: bool) -> Cow<'_, str> {
    if is_plain { Cow::Borrowed(text) } else { visible(text) }
}

/// A line's text as a terminal would show it, as long as nothing was joined to it.
pub(super) fn seen_of<'l>(line: &'l HeldLine) -> Cow<'l, str> {
    seen(&line.text, line.is_plain)
}

/// The text as a terminal would show it.
fn visible(text: &str) -> Cow<'_, str> {
    let text = text.strip_suffix('\r').unwrap_or(text);
    // A progress bar is drawn over and over, and the next line may begin where it ended.
    let text = match memchr::memrchr(b'\r', text.as_bytes()) {
        Some(at) => text.get(at + 1..).unwrap_or(text),
        None => text,
    };
    if memchr::memchr(ESCAPE, text.as_bytes()).is_none() { Cow::Borrowed(text) } else { Cow::Owned(uncoloured(text)) }
}

/// Whether a colour is still on behind the text; `None` where it sets none. Who colours a message of several lines as a whole leaves it on.
pub(super) fn leaves_coloured(text: &str) -> Option<bool> {
    let at = memchr::memrchr(ESCAPE, text.as_bytes())?;
    let (parameters, _) = text.get(at + 1..)?.strip_prefix('[')?.split_once('m')?;
    let is_colour = parameters.bytes().all(|byte| byte.is_ascii_digit() || byte == b';');
    // Source: ECMA-48, Select Graphic Rendition: off is 0, or one of those below.
    let is_off =
        parameters.split(';').all(|one| matches!(one, "" | "0" | "00" | "22" | "23" | "24" | "27" | "39" | "49"));
    is_colour.then_some(!is_off)
}

/// Leaves out `ESC [ … letter`. Source: ECMA-48, control sequences.
fn uncoloured(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split('\u{1b}');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let Some(sequence) = part.strip_prefix('[') else {
            out.push_str(part);
            continue;
        };
        let parameters = sequence.bytes().take_while(|byte| matches!(byte, 0x20..=0x3f)).count();
        let is_ended = matches!(sequence.as_bytes().get(parameters), Some(0x40..=0x7e));
        out.push_str(sequence.get(parameters + usize::from(is_ended)..).unwrap_or_default());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_looked_past() {
        assert_eq!(visible("\u{1b}[32mINFO\u{1b}[0m:  \u{1b}[1;38;5;3mup\u{1b}[0m"), "INFO:  up");
        assert_eq!(visible("\u{1b}[0m\u{1b}[34;1m\"a\"\u{1b}[0m"), "\"a\"");
        assert_eq!(visible("\u{1b}x \u{1b}[3é"), "x é");
        assert_eq!(visible("\u{1b}["), "");
    }

    #[test]
    fn a_colour_that_is_still_on() {
        assert_eq!(leaves_coloured("\u{1b}[32mINFO\u{1b}[0m \u{1b}[34mconfig is"), Some(true));
        assert_eq!(leaves_coloured("\u{1b}[1;31merror"), Some(true));
        for off in ["\u{1b}[32mINFO\u{1b}[0m x", "\u{1b}[32mINFO\u{1b}[m x", "\u{1b}[32mINFO\u{1b}[39;49m x"] {
            assert_eq!(leaves_coloured(off), Some(false), "{off}");
        }
        for none in ["plain", "\u{1b}[2K", "\u{1b}", "\u{1b}[3"] {
            assert_eq!(leaves_coloured(none), None, "{none}");
        }
    }

    #[test]
    fn what_was_drawn_over_is_gone() {
        assert_eq!(visible("\r[1/2]\r[2/2]\rdone"), "done");
        assert_eq!(visible("of a terminal\r"), "of a terminal");
        assert_eq!(visible("plain"), "plain");
    }
}
