//! Text written as the inside of a JSON string: `"`, `\` and control characters are escaped, and nothing else.
//!
//! Eight bytes at once stay in a register while backslashes are put into them, so that a JSON object, in which every fifth byte is a quote, takes
//! hardly longer than other lines.

/// How many bytes of text room is made for at once. Room is for twice as many, and a line of megabytes shall not take that.
const BLOCK_BYTES: usize = 1024;

/// Eight bytes become sixteen at most, and a word is written behind them. So a place below 32 is always within the room.
const WORD_ROOM: usize = 40;

const BLANKS: u64 = 0x2020_2020_2020_2020;

/// Appends `text`, escaped.
pub(crate) fn write_escaped(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    loop {
        let taken = write_quoted(rest, out);
        let Some([control, behind @ ..]) = rest.get(taken..) else { return };
        rest = behind;
        match *control {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            control => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let digits = [HEX[(control >> 4) as usize], HEX[(control & 15) as usize]];
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&digits);
            }
        }
    }
}

/// Appends what comes before the first control character, with a backslash before each `"` and `\`. Returns how many bytes that are.
fn write_quoted(bytes: &[u8], out: &mut Vec<u8>) -> usize {
    let mut taken = 0;
    for block in bytes.chunks(BLOCK_BYTES) {
        let start = out.len();
        out.resize(start + 2 * block.len() + WORD_ROOM, 0);
        let (from, to) = quote(block, out.get_mut(start..).unwrap_or_default());
        out.truncate(start + to);
        taken += from;
        if from < block.len() {
            break;
        }
    }
    taken
}

/// The same for a block, into `room`. Returns how many bytes were read and how many written.
fn quote(block: &[u8], room: &mut [u8]) -> (usize, usize) {
    let (words, rest) = block.as_chunks::<8>();
    let (mut from, mut to) = (0, 0);
    for word in words {
        let read = quote_word(u64::from_le_bytes(*word), room, &mut to);
        from += read;
        if read < word.len() {
            return (from, to);
        }
    }
    if !rest.is_empty() {
        // Filled up with blanks, which are taken off again.
        let filler = 8 - rest.len();
        let last = match block.last_chunk::<8>() {
            Some(last) => u64::from_le_bytes(*last) >> (8 * filler) | BLANKS << (8 * rest.len()),
            None => rest.iter().rev().fold(BLANKS, |word, byte| word << 8 | u64::from(*byte)),
        };
        let read = quote_word(last, room, &mut to);
        if read < 8 {
            return (from + read, to);
        }
        to -= filler;
    }
    (block.len(), to)
}

/// The same for eight bytes, of which the first is the lowest, into `room` from `to` on. Returns how many bytes were read.
#[inline]
fn quote_word(mut word: u64, room: &mut [u8], to: &mut usize) -> usize {
    let mut found = escaped_bytes(word);
    let Some(room) = room.get_mut(*to..).and_then(|room| room.first_chunk_mut::<WORD_ROOM>()) else { return 0 };
    let mut put = |at: usize, word: u64| {
        let at = at & 0x1f;
        room[at..at + 8].copy_from_slice(&word.to_le_bytes());
    };
    put(0, word);
    if found == 0 {
        *to += 8;
        return 8;
    }
    let (mut left, mut at) = (8, 0);
    loop {
        let bits = found.trailing_zeros() & 56;
        let plain = bits as usize / 8;
        word >>= bits;
        (left, at) = (left - plain, at + plain);
        if word & 0xff < 0x20 {
            *to += at;
            return 8 - left;
        }
        put(at, word << 8 | u64::from(b'\\'));
        (left, at) = (left - 1, at + 2);
        word >>= 8;
        found = found >> bits >> 8;
        if found == 0 {
            break;
        }
    }
    put(at, word);
    *to += at + left;
    8
}

/// The top bit of each byte that is escaped.
#[inline]
fn escaped_bytes(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const TOP: u64 = 0x80 * EACH;
    // Bytes without their top bits cannot carry into the next: 0x7f more has the top bit unless the byte is zero, 0x60 more if it is 0x20 or more.
    let low = word & !TOP;
    let (quotes, slashes) = (low ^ (EACH * 0x22), low ^ (EACH * 0x5c));
    let others = (quotes + EACH * 0x7f) & (slashes + EACH * 0x7f) & (low + EACH * 0x60);
    !(others | word) & TOP
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> String {
        let mut out = b"before".to_vec();
        write_escaped(text, &mut out);
        String::from_utf8(out).unwrap().strip_prefix("before").unwrap().to_owned()
    }

    /// Byte by byte.
    fn plainly(text: &str) -> String {
        let escaped = |character| match character {
            '"' | '\\' => format!("\\{character}"),
            '\n' => "\\n".to_owned(),
            '\t' => "\\t".to_owned(),
            '\r' => "\\r".to_owned(),
            '\u{8}' => "\\b".to_owned(),
            '\u{c}' => "\\f".to_owned(),
            control if control < ' ' => format!("\\u{:04x}", u32::from(control)),
            other => other.to_string(),
        };
        text.chars().map(escaped).collect()
    }

    proptest! {
        #[test]
        fn it_is_what_is_written_character_by_character(text in "([ -~]|[\"\\\\#\\]]|[\u{0}-\u{20}]|[\"\\\\]{1,20}|[\u{7f}-\u{a3}]|[é😀]){0,80}") {
            prop_assert_eq!(written(&text), plainly(&text));
        }
    }

    #[test]
    fn blocks_end_anywhere() {
        for length in [BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES] {
            for text in
                ["x".repeat(length), "\"".repeat(length), "\n".repeat(length), format!("{}\u{1}", "\\".repeat(length))]
            {
                assert_eq!(written(&text), plainly(&text));
            }
        }
    }

    #[test]
    fn room_is_made_for_a_block_and_not_for_the_whole() {
        let mut out = Vec::with_capacity(1_000_000 + 3 * BLOCK_BYTES);
        write_escaped(&"x".repeat(1_000_000), &mut out);
        assert_eq!((out.len(), out.capacity()), (1_000_000, 1_000_000 + 3 * BLOCK_BYTES));
    }
}
