//! Whether a key begins with a text, as Fluent Bit finds out by C's `strncmp`: it does not stop at the key's end, but compares what stands
//! behind it in memory.
//!
//! Source: fluent/fluent-bit, plugins/filter_nest/nest.c, `is_kv_to_nest`, and plugins/filter_modify/modify.c,
//! `helper_msgpack_object_matches_wildcard`, at v1.9.10 and v5.1.1; msgpack/msgpack-c, unpack_template.h: an empty key points anywhere.

use crate::simulate::value::{Key, Value};

/// Whether a key begins with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beginning {
    Yes,
    No,
    /// What stands behind the key may be the rest of the text, or surely is: a small number is one byte.
    Overruns,
}

/// Whether a key begins with a text; behind it stands its value.
pub(super) fn beginning(key: &Key, value: &Value, text: &[u8]) -> Beginning {
    let Some(key) = key.as_text() else { return Beginning::No };
    if key.starts_with(text) {
        return Beginning::Yes;
    }
    match text.strip_prefix(key) {
        None => Beginning::No,
        Some(_) if key.is_empty() => Beginning::Overruns,
        Some([next, ..]) if !next.is_ascii() => Beginning::Overruns,
        Some([next]) if *value == Value::Integer(i128::from(*next)) => Beginning::Overruns,
        // What follows a small number is no character of ASCII, and neither is what other values begin with.
        Some(_) => Beginning::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A real 1.9.10 compared `l`, and in another case `kube`, with what stood behind an empty key, and found it.
    #[test]
    fn what_stands_behind_a_shorter_key_is_compared() {
        let of = |key: &str, value: Value, text: &str| beginning(&Key::Text(key.into()), &value, text.as_bytes());
        for (key, value, text, expected) in [
            ("log", Value::Nil, "log", Beginning::Yes),
            ("logs", Value::Nil, "log", Beginning::Yes),
            ("x", Value::Nil, "", Beginning::Yes),
            ("lo", Value::Integer(103), "log", Beginning::Overruns),
            ("lo", Value::Integer(104), "log", Beginning::No),
            ("lo", Value::text("g"), "log", Beginning::No),
            ("l", Value::Integer(111), "log", Beginning::No),
            ("", Value::Nil, "log", Beginning::Overruns),
            ("caf", Value::Nil, "café", Beginning::Overruns),
            ("x", Value::Nil, "log", Beginning::No),
        ] {
            assert_eq!(of(key, value.clone(), text), expected, "{key} {value:?} {text}");
        }
    }
}
