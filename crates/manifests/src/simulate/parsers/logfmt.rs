//! Lines of `key=value key="a value"`.
//!
//! Source: fluent/fluent-bit, src/flb_parser_logfmt.c, at v1.9.10 and v5.1.1.

use super::pairs::Pair;
use crate::simulate::core::Core;
use crate::simulate::unescape;
use crate::simulate::value::Value;

/// The pairs of a line, in order; `None` if a key stands alone and may not.
pub(super) fn pairs(core: Core, text: &[u8], allows_bare: bool) -> Option<Vec<Pair<'_>>> {
    let mut pairs = Vec::new();
    let mut at = 0;
    let is_key = |at: usize| text.get(at).is_some_and(|byte| *byte > b' ' && !matches!(byte, b'=' | b'"'));
    while at < text.len() {
        while at < text.len() && !is_key(at) {
            at += 1;
        }
        let start = at;
        while is_key(at) {
            at += 1;
        }
        // The older core loses a key at the very end.
        if start == text.len() || (at == text.len() && core == Core::Older) {
            break;
        }
        let key = text.get(start..at).unwrap_or_default();
        let mut is_set = false;
        let (mut value, mut is_quoted) = (at..at, false);
        if text.get(at) == Some(&b'=') {
            is_set = true;
            at += 1;
            is_quoted = text.get(at) == Some(&b'"');
            (value, at) = if is_quoted { quoted(text, at + 1) } else { plain(at, is_key) };
        }
        let raw = text.get(value).unwrap_or_default();
        if raw.is_empty() && !is_set && !allows_bare && core == Core::Newer {
            return None;
        }
        pairs.push(Pair { key, raw, value: own_value(core, raw, is_quoted) });
        // The line ends.
        if matches!(text.get(at), Some(b'\r' | b'\n')) {
            break;
        }
    }
    Some(pairs)
}

/// A value between quotes, from behind the first, and where to go on.
fn quoted(text: &[u8], start: usize) -> (std::ops::Range<usize>, usize) {
    let mut at = start;
    loop {
        match text.get(at) {
            Some(b'\\') => at = (at + 2).min(text.len()),
            Some(b'"') => return (start..at, at + 1),
            None => return (start..at, at),
            Some(_) => at += 1,
        }
    }
}

fn plain(start: usize, is_key: impl Fn(usize) -> bool) -> (std::ops::Range<usize>, usize) {
    let mut at = start;
    while is_key(at) {
        at += 1;
    }
    (start..at, at)
}

fn own_value(core: Core, raw: &[u8], is_quoted: bool) -> Value {
    if raw.is_empty() {
        return match core {
            _ if is_quoted => Value::text(""),
            Core::Older => Value::Nil,
            Core::Newer => Value::Boolean(true),
        };
    }
    if is_quoted && raw.contains(&b'\\') {
        // It ends at a zero byte.
        let text = unescape::with_code_points(core, raw);
        return Value::text(text.split(|byte| *byte == 0).next().unwrap_or_default());
    }
    Value::text(raw)
}
