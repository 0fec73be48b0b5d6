//! What characters do in a terminal, besides being shown.

/// Whether a terminal would take it as a command, or show what follows it in another order than it was written.
/// Source: Unicode Standard Annex 9, "Directional Formatting Characters".
pub(super) fn is_command(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
