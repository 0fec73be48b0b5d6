//! One object, which is all that is wanted of JSON here.

use crate::simulate::unknown::Unknown;
use crate::simulate::value::Map;

/// What a text is as JSON.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum JsonObject {
    /// One object.
    Read(Map),
    /// No JSON, or something else than one object.
    Not,
    /// What the older core takes for one object, and cannot unpack again: `{"a"}`.
    Hollow,
}

/// Values nested deeper than this are not looked at: how deep Fluent Bit's MessagePack goes depends on how it was built.
pub(super) const DEEPEST: usize = 30;

/// Why deep values are not known.
pub(super) fn too_deep() -> Unknown {
    Unknown("the JSON is nested more than 30 levels deep")
}
