//! What a file that a command was given is called in messages; `-` is standard input.

use std::path::Path;

/// Whether a path means standard input.
pub(super) fn is_standard_input(file: &Path) -> bool {
    file == Path::new("-")
}

/// The file's name, for people.
pub(super) fn named(file: &Path) -> String {
    if is_standard_input(file) { "standard input".to_owned() } else { file.display().to_string() }
}
