//! An application's text within a message of the lane, where it is escaped twice: where it ends, and what it stands for.
//!
//! Both are found in one walk, and what the text stands for is kept until the message is read. Reading follows when all messages of an event
//! have been walked over; by then the bytes have left the processor's caches, and fetching 300 of each 1,500 of them again takes longer than
//! unescaping them. What is kept is bounded. A text that is longer, or beyond the bound, or spelled as nobody spells it, is unescaped when it is read.

use super::runs;

/// How many bytes of texts are kept for an event: those of some 25,000 lines.
const MAX_KEPT_BYTES: usize = 4 * 1024 * 1024;

/// The longest text that is kept. Most lines have 100 to 500 bytes.
const LINE_BYTES: usize = 4096;

/// How many bytes are looked at, and copied, at once.
const STEP: usize = 16;

/// A quote of the application's.
const QUOTE: &[u8; 4] = br#"\\\""#;

/// The quote that ends the text.
const END: &[u8; 2] = br#"\""#;

/// Where a text is among those that were kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TextPlace {
    start: u32,
    length: u32,
}

/// Texts of an event's messages, unescaped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KeptTexts(String);

impl KeptTexts {
    /// The text that was kept at this place, among these texts.
    pub(crate) fn get(&self, place: TextPlace) -> Option<&str> {
        let start = place.start as usize;
        self.0.get(start..start + place.length as usize)
    }
}

/// Walks over texts, and keeps what they stand for.
#[derive(Debug)]
pub(crate) struct TextWalk {
    /// The text that is walked over, with room for a last step.
    line: Box<[u8; LINE_BYTES + STEP]>,
    kept: Vec<u8>,
}

impl TextWalk {
    /// For the texts of a content of so many bytes.
    pub(crate) fn new(content_bytes: usize) -> TextWalk {
        // Room that is not used is no memory that is taken: nothing touches it.
        TextWalk { line: Box::new([0; LINE_BYTES + STEP]), kept: Vec::with_capacity(content_bytes.min(MAX_KEPT_BYTES)) }
    }

    /// Walks over the text that `bytes` begin with: its length, and where what it stands for is kept. `None` if it does not end, or is not
    /// spelled as the lane knows it.
    pub(crate) fn text(&mut self, bytes: &[u8]) -> Option<(usize, Option<TextPlace>)> {
        let line = &mut *self.line;
        let (mut at, mut to) = (0, 0);
        while let Some(step) = bytes.get(at..).and_then(<[u8]>::first_chunk::<STEP>)
            && let Some(room) = line.get_mut(to..).and_then(<[u8]>::first_chunk_mut::<STEP>)
        {
            *room = *step;
            let plain = runs::plain_of_sixteen(step);
            (at, to) = (at + plain, to + plain);
            if plain == STEP {
                continue;
            }
            let rest = bytes.get(at..)?;
            // By one comparison: most of what stops here is that.
            if rest.first_chunk() == Some(QUOTE) {
                *line.get_mut(to)? = b'"';
                (at, to) = (at + QUOTE.len(), to + 1);
                continue;
            }
            if rest.starts_with(END) {
                return Some((at, self.keep(to)));
            }
            let Some((character, length)) = unescaped(rest) else { break };
            let Some(room) = line.get_mut(to..).and_then(<[u8]>::first_chunk_mut::<4>) else { break };
            to += character.encode_utf8(room).len();
            at += length;
        }
        Some((at + length(bytes.get(at..)?)?, None))
    }

    /// Keeps the first `length` bytes of the line.
    fn keep(&mut self, length: usize) -> Option<TextPlace> {
        let start = self.kept.len();
        if length > LINE_BYTES || start + length > MAX_KEPT_BYTES {
            return None;
        }
        self.kept.extend_from_slice(self.line.get(..length)?);
        Some(TextPlace { start: u32::try_from(start).ok()?, length: u32::try_from(length).ok()? })
    }

    pub(crate) fn kept_bytes(&self) -> usize {
        self.kept.len()
    }

    /// Forgets the texts behind the first so many bytes.
    pub(crate) fn forget_from(&mut self, bytes: usize) {
        self.kept.truncate(bytes);
    }

    /// All texts that were kept.
    pub(crate) fn finish(self) -> KeptTexts {
        // Text, without its escapes, is text.
        KeptTexts(String::from_utf8(self.kept).unwrap_or_default())
    }
}

/// How long the text is that `bytes` begin with, up to its closing quote.
pub(crate) fn length(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += runs::plain_length(bytes.get(at..)?);
        let rest = bytes.get(at..)?;
        if rest.first_chunk() == Some(QUOTE) {
            at += QUOTE.len();
            continue;
        }
        at += match rest {
            [b'\\', b'"', ..] => return Some(at),
            [b'\\', b'\\', b'\\', b'\\', ..] => 4,
            [b'\\', b'\\', b'n' | b't' | b'r' | b'b' | b'f' | b'/', ..] => 3,
            [b'\\', b'\\', b'u', hex @ ..] if hex.get(..4)?.iter().all(u8::is_ascii_hexdigit) => 7,
            // The end of the message, a control character, or an escape that nobody writes here.
            _ => return None,
        };
    }
}

/// What the escape stands for that `bytes` begin with, and its length. `None` for half of a surrogate pair, too: what becomes of it the general
/// reader knows.
fn unescaped(bytes: &[u8]) -> Option<(char, usize)> {
    let character = match bytes {
        [b'\\', b'\\', b'\\', b'\\', ..] => return Some(('\\', 4)),
        [b'\\', b'\\', b'\\', b'"', ..] => return Some(('"', 4)),
        [b'\\', b'\\', b'n', ..] => '\n',
        [b'\\', b'\\', b't', ..] => '\t',
        [b'\\', b'\\', b'r', ..] => '\r',
        [b'\\', b'\\', b'b', ..] => '\u{8}',
        [b'\\', b'\\', b'f', ..] => '\u{c}',
        [b'\\', b'\\', b'/', ..] => '/',
        [b'\\', b'\\', b'u', hex @ ..] => {
            let digit = |digit: &u8| char::from(*digit).to_digit(16);
            let number = hex.get(..4)?.iter().try_fold(0, |sum, byte| Some(sum * 16 + digit(byte)?))?;
            return Some((char::from_u32(number)?, 7));
        }
        _ => return None,
    };
    Some((character, 3))
}

/// Appends what a whole text stands for.
pub(crate) fn unescape(escaped: &str, out: &mut Vec<u8>) -> Option<()> {
    out.reserve(escaped.len());
    let mut rest = escaped.as_bytes();
    loop {
        let plain = runs::plain_length(rest);
        runs::push_run(rest, plain, out);
        rest = rest.get(plain..)?;
        if rest.is_empty() {
            return Some(());
        }
        let (character, length) = unescaped(rest)?;
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        rest = rest.get(length..)?;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json;

    /// A text as it is spelled in a message, with what follows it.
    fn escaped_twice(text: &str) -> String {
        let once = |text: &str| {
            let mut out = Vec::new();
            json::write_escaped(text, &mut out);
            String::from_utf8(out).unwrap()
        };
        once(&once(text)) + r#"\",\"kubernetes\":{}}"#
    }

    fn walk() -> TextWalk {
        TextWalk::new(0)
    }

    proptest! {
        #[test]
        fn what_is_kept_is_the_text(texts in prop::collection::vec("([ -~]|[\"\\\\/]{1,9}|[\u{0}-\u{1f}]|[é😀\u{2028}]){0,60}", 1..6)) {
            let mut walk = walk();
            let places: Vec<_> = texts.iter().map(|text| walk.text(escaped_twice(text).as_bytes()).unwrap()).collect();
            let kept = walk.finish();
            for (text, (length, place)) in texts.iter().zip(places) {
                prop_assert_eq!(place.and_then(|place| kept.get(place)), Some(text.as_str()));
                prop_assert!(escaped_twice(text)[length..].starts_with(r#"\",\"k"#));
            }
        }

        #[test]
        fn both_walks_end_at_the_same_place_and_both_readers_read_the_same(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "a", "say ", "é", r"\\\\", r"\\n", r"\\/", r"\\u0041", r"\\ud83d", r"\\u12g4", r#"\\\""#, r"\\x", r#"\""#, r"\\", "\"", "\n", r"\n",
            ]), 0..12),
        ) {
            let bytes = format!("{}\\\" and more of it", pieces.concat());
            let mut walk = walk();
            let found = walk.text(bytes.as_bytes());
            prop_assert_eq!(found.map(|(length, _)| length), length(bytes.as_bytes()));
            if let Some((length, place)) = found {
                let mut out = Vec::new();
                let read = unescape(&bytes[..length], &mut out).map(|()| String::from_utf8(out).unwrap());
                prop_assert_eq!(place.and_then(|place| walk.finish().get(place).map(str::to_owned)), read);
            }
        }
    }

    #[test]
    fn a_line_is_kept_up_to_a_length() {
        for text in ["x", "\"", "\u{1}"] {
            for (length, is_kept) in [(LINE_BYTES - 1, true), (LINE_BYTES, true), (LINE_BYTES + 1, false)] {
                let escaped = escaped_twice(&text.repeat(length));
                let (found, place) = walk().text(escaped.as_bytes()).unwrap();
                assert_eq!(
                    (place.is_some(), found),
                    (is_kept, escaped.find(r#"\",\"kubernetes"#).unwrap()),
                    "{length} {text:?}"
                );
            }
        }
    }

    #[test]
    fn texts_are_kept_up_to_a_number_of_bytes() {
        let kept_of = |last: usize| {
            let mut walk = walk();
            let escaped = escaped_twice(&"x".repeat(LINE_BYTES));
            for _ in 1..MAX_KEPT_BYTES / LINE_BYTES {
                assert!(walk.text(escaped.as_bytes()).unwrap().1.is_some());
            }
            assert!(walk.text(escaped_twice(&"x".repeat(last)).as_bytes()).unwrap().1.is_some());
            walk.text(escaped_twice("xx").as_bytes()).unwrap().1.is_some()
        };
        assert_eq!([3, 2, 1, 0].map(|left| kept_of(LINE_BYTES - left)), [true, true, false, false]);
    }
}
