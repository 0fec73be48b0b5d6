//! JSON that applications write, read as each core reads it.

mod newer;
mod object;
mod older;

use super::core::Core;
use super::unknown::Unknown;
pub(crate) use object::JsonObject;

/// Reads a text that is to be one object.
///
/// # Errors
/// Where it is nested too deeply.
pub(crate) fn read(core: Core, text: &[u8]) -> Result<JsonObject, Unknown> {
    match core {
        Core::Older => older::read(text),
        Core::Newer => newer::read(text),
    }
}

/// The text that stands between two quotes of a JSON; `None` if it is none.
pub(crate) fn between_quotes(text: &[u8]) -> Option<Vec<u8>> {
    newer::between_quotes(text)
}
