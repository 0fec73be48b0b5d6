//! Whose regular expressions a pattern is written in.

/// Whose patterns they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The Agent's: Go's `regexp`, RE2 syntax. Classes as `\d` and `\w` are ASCII's.
    Go,
    /// Datadog's forwarder's: Python's `re`, on text. Classes are Unicode's. `$` does not match before a newline at the
    /// end as it does in Python: a log's text has none.
    Python,
}
