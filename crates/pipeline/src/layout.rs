//! The one layout in which CloudWatch Logs writes its events, read without a general parser.
//!
//! `[{"id":"…","timestamp":…,"message":"…"},…]`, no white space, these members, this order; behind the message there may be
//! `"extractedFields":{…}` of plain strings. Anything else gives `None`, and `decode` reads it with `serde_json`. Worth a second way because this is most of the bytes: the messages
//! of one stream end in the same kilobyte of metadata, and comparing that takes a fortieth of the time of scanning it.

use super::cloudwatch_id;
use super::lane::{self, Lane};
use super::lane_text::KeptTexts;
use super::log_event::{EventMessage, LogEvent};
use super::runs;

/// The events of an array, how many bytes it takes, and the texts that were kept.
type EventsRead<'a> = (Vec<LogEvent<'a>>, usize, KeptTexts);

/// Reads the array at the beginning of `text`; `None`, too, where it has more events than `limit`.
pub(crate) fn events(text: &str, limit: usize) -> Option<EventsRead<'_>> {
    let mut reader = Layout { text, at: 0, suffix: "", lane: Lane::new(text.len()) };
    let mut events = Vec::new();
    reader.expect("[")?;
    loop {
        events.push(reader.event().filter(|_| events.len() < limit)?);
        if events.len() == 1 {
            // As many as there are if all are like the first, and some more.
            let alike = text.len() / reader.at.max(LEAST_EXPECTED_BYTES);
            events.reserve(alike + alike / 8);
        }
        match reader.byte()? {
            b',' => reader.at += 1,
            b']' => return Some((events, reader.at + 1, reader.lane.into_texts())),
            _ => return None,
        }
    }
}

/// Room is made for no more events than a text of such has: what the metadata takes, mostly. The first one may be short.
const LEAST_EXPECTED_BYTES: usize = 1024;

/// All numbers of so many digits are an `i64`. A time in milliseconds has thirteen.
const MAX_TIMESTAMP_DIGITS: usize = 18;

struct Layout<'a> {
    text: &'a str,
    at: usize,
    /// The end that messages share: from [`lane::metadata_at`] to the closing quote and beyond it.
    suffix: &'a str,
    lane: Lane<'a>,
}

impl<'a> Layout<'a> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn expect(&mut self, literal: &str) -> Option<()> {
        self.text.as_bytes()[self.at..].starts_with(literal.as_bytes()).then(|| self.at += literal.len())
    }

    fn event(&mut self) -> Option<LogEvent<'a>> {
        self.expect("{\"id\":\"")?;
        let id = self.id()?;
        self.expect("\",\"timestamp\":")?;
        let timestamp = self.timestamp()?;
        self.expect(",\"message\":\"")?;
        let (message, head) = match self.lane.message(self.text.get(self.at..)?) {
            Some((head, length)) => {
                let message = self.text.get(self.at..self.at + length)?;
                self.at += length + 1;
                (message, Some(head))
            }
            None => {
                let start = self.at;
                let (message, has_learned) = self.string()?;
                // With a suffix that was just learned it can be read.
                let again = self.text.get(start..).filter(|_| has_learned);
                (message, again.and_then(|text| self.lane.message(text)).map(|(head, _)| head))
            }
        };
        let extracted_fields = match self.byte()? {
            b',' => Some(self.extracted_fields()?),
            _ => None,
        };
        self.expect("}")?;
        let message = EventMessage::Escaped(message);
        Some(LogEvent { id, timestamp: Some(timestamp), message, extracted_fields, head })
    }

    /// A number, which may not begin with a zero, nor be longer than a time is.
    fn timestamp(&mut self) -> Option<i64> {
        let bytes = self.text.as_bytes().get(self.at..)?;
        let mut number = 0;
        let mut length = 0;
        while let Some(digit @ b'0'..=b'9') = bytes.get(length) {
            (length < MAX_TIMESTAMP_DIGITS).then_some(())?;
            number = number * 10 + i64::from(digit - b'0');
            length += 1;
        }
        self.at += length;
        (length > 0 && bytes.first() != Some(&b'0')).then_some(number)
    }

    /// CloudWatch's digits, or any other letters and digits.
    fn id(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes().get(self.at..)?;
        if let Some(digits) = cloudwatch_id::leading(bytes).filter(|digits| bytes.get(digits.len()) == Some(&b'"')) {
            self.at += digits.len();
            return self.text.get(self.at - digits.len()..self.at);
        }
        self.run(|byte| byte.is_ascii_alphanumeric())
    }

    /// An object of strings without escapes.
    fn extracted_fields(&mut self) -> Option<&'a str> {
        self.expect(",\"extractedFields\":")?;
        let start = self.at;
        self.expect("{")?;
        if self.byte()? != b'}' {
            loop {
                self.plain_string()?;
                self.expect(":")?;
                self.plain_string()?;
                if self.expect(",").is_none() {
                    break;
                }
            }
        }
        self.expect("}")?;
        self.text.get(start..self.at)
    }

    fn plain_string(&mut self) -> Option<()> {
        self.expect("\"")?;
        self.run(|byte| !STOPS[*byte as usize])?;
        self.expect("\"")
    }

    fn run(&mut self, belongs: fn(&u8) -> bool) -> Option<&'a str> {
        let start = self.at;
        let length = self.text.as_bytes()[start..].iter().position(|byte| !belongs(byte))?;
        self.at += length;
        self.text.get(start..self.at)
    }

    /// The inside of a string, behind its opening quote, and whether it has a suffix that was learned; goes on behind its closing quote.
    fn string(&mut self) -> Option<(&'a str, bool)> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut at = start;
        loop {
            at += runs::plain_length(bytes.get(at..)?);
            match *bytes.get(at)? {
                b'"' => break,
                b'\\' => {
                    // Between two escapes, so the same bytes mean the same as they did before.
                    if at > start && bytes[at - 1] == b',' && self.is_suffix(&bytes[at - 1..]) {
                        let end = at + self.suffix.len() - 2;
                        let inside = self.text.get(start..end)?;
                        self.at = end + 1;
                        return Some((inside, false));
                    }
                    at += escape_length(&bytes[at..])?;
                }
                // A control character must be escaped.
                _ => return None,
            }
        }
        let inside = self.text.get(start..at)?;
        self.at = at + 1;
        let mut has_learned = false;
        if let Some(found) = lane::metadata_at(inside) {
            self.suffix = self.text.get(start + found..=at)?;
            has_learned = self.lane.learn(self.suffix);
        }
        Some((inside, has_learned))
    }

    fn is_suffix(&self, bytes: &[u8]) -> bool {
        !self.suffix.is_empty() && bytes.starts_with(self.suffix.as_bytes())
    }
}

/// How long the escape is that `bytes` begins with; `None` if there is no such escape.
fn escape_length(bytes: &[u8]) -> Option<usize> {
    match bytes.get(1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' => bytes.get(2..6)?.iter().all(u8::is_ascii_hexdigit).then_some(6),
        _ => None,
    }
}

/// Bytes at which a string cannot simply go on.
const STOPS: [bool; 256] = {
    let mut stops = [false; 256];
    let mut control = 0;
    while control < 0x20 {
        stops[control] = true;
        control += 1;
    }
    stops[b'"' as usize] = true;
    stops[b'\\' as usize] = true;
    stops
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    const MANY: usize = 100;

    #[test]
    fn events_beyond_the_limit_are_not_kept() {
        let event = r#"{"id":"","timestamp":1,"message":""}"#;
        for (count, is_read) in [(2, true), (3, true), (4, false)] {
            assert_eq!(events(&format!("[{}]", vec![event; count].join(",")), 3).is_some(), is_read, "{count}");
        }
    }

    #[test]
    fn any_other_layout_is_left_to_the_general_parser() {
        assert!(events(r#"[{"id":"1","timestamp":2,"message":"x"}] "#, MANY).is_some());
        for (digits, is_time) in [(17, true), (18, true), (19, false), (40, false)] {
            let text = format!(r#"[{{"id":"1","timestamp":{},"message":"x"}}]"#, "9".repeat(digits));
            let found = events(&text, MANY).and_then(|(found, ..)| found[0].timestamp);
            assert_eq!(found, is_time.then(|| "9".repeat(digits).parse().unwrap()), "{digits}");
        }
        for fields in ["{}", r#"{"a":"b"}"#, r#"{"@aws.account":"111122223333","@aws.region":"eu-west-1"}"#] {
            let text = format!(r#"[{{"id":"1","timestamp":2,"message":"x","extractedFields":{fields}}}]"#);
            let (found, length, _) = events(&text, MANY).unwrap();
            assert_eq!((found[0].extracted_fields, length), (Some(fields), text.len()));
        }
        for text in [
            "",
            "[",
            "[]",
            r#"[{"id":"1","timestamp":2,"message":"x"}"#,
            r#"[{"id":"1","timestamp":2,"message":"x"},]"#,
            r#"[{"id":"1", "timestamp":2,"message":"x"}]"#,
            r#"[{"id":"1","timestamp":2,"message":"x","extractedFields":{"a":1}}]"#,
            r#"[{"id":"1","timestamp":2,"message":"x","extractedFields":{"a":"b",}}]"#,
            r#"[{"id":"1","timestamp":2,"message":"x","extractedFields":{"a":"\n"}}]"#,
            r#"[{"id":"1","timestamp":2,"message":"x","extractedFields":{"a":"b"}"#,
            r#"[{"id":"1","timestamp":2,"message":"x","extractedFields":null}]"#,
            r#"[{"id":"1","timestamp":2,"message":"x","other":{}}]"#,
            r#"[{"id":"1","timestamp":02,"message":"x"}]"#,
            r#"[{"id":"1","timestamp":2,"message":"\x"}]"#,
            r#"[{"id":"1","timestamp":2,"message":"\u00g0"}]"#,
            r#"[{"id":"1","timestamp":2,"message":"x\"}]"#,
            "[{\"id\":\"1\",\"timestamp\":2,\"message\":\"\n\"}]",
        ] {
            assert_eq!(events(text, MANY), None, "{text}");
        }
    }

    /// Messages that share an end, nearly share it, or only hold something like it.
    fn message() -> impl Strategy<Value = String> {
        let end = prop_oneof![
            Just(r#","kubernetes":{"pod_name":"web","labels":{"a":"b"}}}"#.to_owned()),
            Just(r#","kubernetes":{"pod_name":"api"}}"#.to_owned()),
            Just(r#","kubernetes":{"pod_name":"web"#.to_owned()),
            Just(r#"\","kubernetes":{"pod_name":"web","labels":{"a":"b"}}}""#.to_owned()),
            any::<String>(),
        ];
        (any::<String>(), end).prop_map(|(head, end)| format!("{{\"log\":{}{end}", Value::from(head)))
    }

    const FIELDS: &str = r#","extractedFields":{"@aws.account":"111122223333","@aws.region":"eu-west-1"}"#;

    fn array(messages: &[String]) -> String {
        // Every other event has fields of a centralised log.
        let fields = |message: &String| if message.len().is_multiple_of(2) { "" } else { FIELDS };
        let event = |message: &String| {
            format!(r#"{{"id":"1","timestamp":2,"message":{}{}}}"#, Value::from(message.as_str()), fields(message))
        };
        format!("[{}]", messages.iter().map(event).collect::<Vec<_>>().join(","))
    }

    proptest! {
        #[test]
        fn it_agrees_with_serde_json(messages in prop::collection::vec(message(), 1..12)) {
            let text = array(&messages);
            let (found, length, _) = events(&text, MANY).unwrap();
            prop_assert_eq!(length, text.len());
            prop_assert_eq!(found.len(), messages.len());
            for (event, message) in found.iter().zip(&messages) {
                let EventMessage::Escaped(escaped) = event.message else { panic!("not a string") };
                prop_assert_eq!(&serde_json::from_str::<String>(&format!("\"{escaped}\"")).unwrap(), message);
                prop_assert_eq!(event.extracted_fields.is_some(), !message.len().is_multiple_of(2));
            }
        }

        #[test]
        fn a_changed_byte_never_panics(
            messages in prop::collection::vec(message(), 1..4), place in any::<prop::sample::Index>(), byte in 0_u8..128,
        ) {
            let mut bytes = array(&messages).into_bytes();
            let at = place.index(bytes.len());
            bytes[at] = byte;
            if let Ok(text) = String::from_utf8(bytes)
                && let Some((found, length, _)) = events(&text, MANY)
            {
                let same: Vec<Value> = serde_json::from_str(&text[..length]).unwrap();
                prop_assert_eq!(found.len(), same.len());
            }
        }
    }
}
