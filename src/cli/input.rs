//! Reading a file that a command was given; `-` is standard input.

use std::io::{IsTerminal, Read};
use std::path::Path;

use super::error::CommandError;
use super::named::is_standard_input;
use super::notes::note;

/// The bytes of a file, or of standard input.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, CommandError> {
    let bytes = if is_standard_input(file) { standard_input() } else { std::fs::read(file) };
    bytes.map_err(|error| CommandError::file(file, error))
}

/// All of standard input. Who types nothing would otherwise wonder why nothing happens.
pub(super) fn standard_input() -> std::io::Result<Vec<u8>> {
    let mut stdin = std::io::stdin().lock();
    if stdin.is_terminal() {
        note!("reading standard input…");
    }
    let mut bytes = Vec::new();
    stdin.read_to_end(&mut bytes)?;
    Ok(bytes)
}
