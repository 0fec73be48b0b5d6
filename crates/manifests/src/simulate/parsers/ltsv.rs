//! Lines of `label:value`, parted by tabs.
//!
//! Source: fluent/fluent-bit, src/flb_parser_ltsv.c.

use super::pairs::Pair;
use crate::simulate::value::Value;

/// The pairs of a line, in order.
pub(super) fn pairs(text: &[u8]) -> Vec<Pair<'_>> {
    let mut pairs = Vec::new();
    let mut at = 0;
    let is_label = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let is_field = |byte: u8| !matches!(byte, 0 | b'\t' | b'\n' | b'\r' | 0x0e);
    let run = |start: usize, is_in: &dyn Fn(u8) -> bool| {
        let mut end = start;
        while text.get(end).is_some_and(|byte| is_in(*byte)) {
            end += 1;
        }
        end
    };
    while at < text.len() {
        let end = run(at, &is_label);
        let key = text.get(at..end).unwrap_or_default();
        if text.get(end) != Some(&b':') {
            break;
        }
        at = run(end + 1, &is_field);
        let raw = text.get(end + 1..at).unwrap_or_default();
        if !key.is_empty() {
            pairs.push(Pair { key, raw, value: Value::text(raw) });
        }
        if text.get(at) == Some(&b'\t') {
            at += 1;
        }
        if matches!(text.get(at), Some(b'\r' | b'\n')) {
            break;
        }
    }
    pairs
}
