//! Booleans as Fluent Bit reads them.

/// Source: fluent/fluent-bit, src/flb_utils.c, `flb_utils_bool`.
pub(crate) fn boolean(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" => Some(true),
        "off" | "false" | "no" => Some(false),
        _ => None,
    }
}
