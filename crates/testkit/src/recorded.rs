//! Texts of recordings, which are JSON, though what was recorded may not be UTF-8.

/// The bytes of a recorded text: those that are no UTF-8 stand as characters of the last plane.
pub fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for letter in text.chars() {
        match u32::from(letter) {
            code @ 0x10_ff80..=0x10_ffff => out.push(u8::try_from(code - 0x10_ff00).unwrap()),
            _ => out.extend(letter.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    out
}
