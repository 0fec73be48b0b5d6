//! The form in which a payload waits in the queue of undelivered logs: a message that says itself what it is.
//!
//! ```json
//! {"podferry":{"schema":1,"version":"0.1.0","logs":2,"first_ms":…,"last_ms":…,"attempts":1,"reason":"IntakeAnswered503",
//!  "saved_ms":…,"not_before_ms":…,"dead":true,"encoding":"zstd"},"data":"<base64>"}
//! ```
//!
//! `data` is the JSON array that the intake is to get. A log that is larger compressed and in base64 than as it is goes as
//! `"encoding":"json"` and `"payload":[…]`.
//!
//! A stack can be rolled back, and then an older podferry reads what a newer one wrote. So within a schema the head only gains
//! members, and what they say is advice: who does not know them passes over them, and loses no log by that. Those of the second
//! line above came after the first release; a message may lack them.
//!
//! The form is made here and read here, and nothing else is: `lambda::queue` does the sending.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use pipeline::batch::{Batcher, Limits, MAX_ITEMS, MAX_PAYLOAD_BYTES, Payload};
use pipeline::compress::{Compression, Compressor, decompress_up_to};
use pipeline::event::EventError;
use pipeline::json;
use pipeline::recent::Mark;

/// How large a message is, unless it is one log that does not fit: what every queue takes, also one that was made before
/// August 2025. Source: AWS, "Amazon SQS message quotas", before and after the raise to 1 MiB.
pub(crate) const MESSAGE_BYTES: usize = 262_144;

/// How large a message can be. Source: AWS, "Amazon SQS message quotas": 1 MiB. A log has at most a million bytes, so one
/// always fits.
pub const MAX_MESSAGE_BYTES: usize = 1_048_576;

/// The version of the form. A message of a higher one is left to a newer podferry.
const SCHEMA: u32 = 1;

/// How much of a reason is kept.
const MAX_REASON: usize = 64;

/// What a message says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub(crate) schema: u32,
    /// Of the podferry that wrote it.
    #[serde(default)]
    pub(crate) version: String,
    pub logs: usize,
    /// The time of the oldest and of the newest log, in milliseconds since 1970.
    pub first_ms: Option<i64>,
    pub last_ms: Option<i64>,
    /// How often it was given up on. Failures for want of a key do not count.
    pub attempts: u32,
    /// Why, the last time.
    pub reason: String,
    /// When it was saved, in milliseconds since 1970. The same logs saved again are thereby another text: see [`Mark`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) saved_ms: Option<i64>,
    /// Before this time, in milliseconds since 1970, the intake does not want to see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before_ms: Option<i64>,
    /// It was sent to the dead-letter queue. If it is found in the other one, somebody wants it to be tried again, from the
    /// start: `attempts` is what it had before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) dead: bool,
    pub(crate) encoding: Encoding,
}

/// How the logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encoding {
    Zstd,
    Gzip,
    Json,
}

/// What a message is to say of its payload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SaveNote {
    /// Why the payload was not delivered: a short stable name.
    pub reason: String,
    /// How often it was given up on, this time included.
    pub attempts: u32,
    /// When it is saved, and from when on it may be sent; in milliseconds since 1970.
    pub saved_ms: Option<i64>,
    pub not_before_ms: Option<i64>,
    /// Whether it goes to the dead-letter queue.
    pub dead: bool,
}

impl SaveNote {
    pub fn new(reason: &str, attempts: u32) -> SaveNote {
        SaveNote { reason: reason.to_owned(), attempts, ..SaveNote::default() }
    }
}

#[derive(Deserialize)]
struct QueueMessage<'a> {
    podferry: Head,
    #[serde(borrow, default)]
    data: Cow<'a, str>,
    #[serde(borrow, default)]
    payload: Option<&'a RawValue>,
}

/// A message to be sent, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    pub body: String,
    pub logs: usize,
    /// What its logs are remembered by.
    pub(crate) marks: Vec<Mark>,
}

impl Saved {
    fn new(body: String, payload: &Payload) -> Saved {
        Saved { body, logs: payload.items(), marks: payload.logs().iter().filter_map(|log| log.mark).collect() }
    }
}

/// The messages of a payload, in the order of its logs.
pub fn messages(payload: &Payload, note: &SaveNote) -> Vec<Saved> {
    let whole = compressed(payload, note);
    if whole.len() <= MESSAGE_BYTES {
        return vec![Saved::new(whole, payload)];
    }
    if let Some((first, second)) = payload.split() {
        let mut all = messages(&first, note);
        all.extend(messages(&second, note));
        return all;
    }
    // One log, and one that hardly compresses.
    let plain = plain(payload, note).filter(|plain| plain.len() < whole.len());
    vec![Saved::new(plain.unwrap_or(whole), payload)]
}

fn head(payload: &Payload, note: &SaveNote, encoding: Encoding) -> String {
    let times = payload.times();
    let head = Head {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        logs: payload.items(),
        first_ms: times.map(|(first, _)| first),
        last_ms: times.map(|(_, last)| last),
        attempts: note.attempts,
        reason: note.reason.chars().take(MAX_REASON).collect(),
        saved_ms: note.saved_ms,
        not_before_ms: note.not_before_ms,
        dead: note.dead,
        encoding,
    };
    // A struct of numbers and strings cannot fail to be written.
    format!("{{\"podferry\":{}", serde_json::to_string(&head).unwrap_or_default())
}

fn compressed(payload: &Payload, note: &SaveNote) -> String {
    let (body, compression) = match payload.compression {
        Compression::None => {
            let (body, compression) = Compressor::new(Compression::default()).compress(&payload.body);
            (Cow::Owned(body), compression)
        }
        compression => (Cow::Borrowed(payload.body.as_ref()), compression),
    };
    let encoding = match compression {
        Compression::Gzip(_) => Encoding::Gzip,
        Compression::Zstd(_) => Encoding::Zstd,
        Compression::None => return plain(payload, note).unwrap_or_default(),
    };
    let mut out = head(payload, note, encoding);
    out.push_str(",\"data\":\"");
    STANDARD.encode_string(&body, &mut out);
    out.push_str("\"}");
    out
}

fn plain(payload: &Payload, note: &SaveNote) -> Option<String> {
    let plain = String::from_utf8(payload.plain()?).ok()?;
    let mut out = head(payload, note, Encoding::Json);
    out.push_str(",\"payload\":");
    // The two characters that SQS does not take and JSON does not escape; they can only be inside of strings.
    // Source: Amazon SQS API reference, SendMessage, `MessageBody`.
    if plain.contains(['\u{fffe}', '\u{ffff}']) {
        out.push_str(&plain.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff"));
    } else {
        out.push_str(&plain);
    }
    out.push('}');
    Some(out)
}

/// What a message says of itself, without a look at its logs.
///
/// # Errors
/// [`EventError::Message`]: it is damaged, or of a higher schema.
pub fn read_head(text: &str) -> Result<Head, EventError> {
    #[derive(Deserialize)]
    struct HeadOnly {
        podferry: Head,
    }
    let HeadOnly { podferry } = serde_json::from_str(text).map_err(|_| EventError::Message)?;
    if podferry.schema == SCHEMA { Ok(podferry) } else { Err(EventError::Message) }
}

/// Reads a message: its payloads (one, as it was written here), to be sent with `compression`. Their logs bear `record`.
///
/// # Errors
/// [`EventError::Message`]: it is damaged, or of a higher schema.
pub fn read(text: &str, record: u32, compression: Compression) -> Result<(Head, Vec<Payload>), EventError> {
    let message: QueueMessage = serde_json::from_str(text).map_err(|_| EventError::Message)?;
    if message.podferry.schema != SCHEMA {
        return Err(EventError::Message);
    }
    let plain = match (message.podferry.encoding, message.payload) {
        (Encoding::Json, Some(payload)) => Cow::Borrowed(payload.get()),
        (Encoding::Json, None) => return Err(EventError::Message),
        (Encoding::Zstd, _) => Cow::Owned(decoded(&message.data, Compression::Zstd(1))?),
        (Encoding::Gzip, _) => Cow::Owned(decoded(&message.data, Compression::Gzip(1))?),
    };
    let logs: Vec<&RawValue> = serde_json::from_str(&plain).map_err(|_| EventError::Message)?;
    // None has more, and what is known of a log takes more memory than `{}`.
    if logs.len() > MAX_ITEMS {
        return Err(EventError::Message);
    }
    let mut batcher = Batcher::new(Limits::default(), compression).with_attempts(message.podferry.attempts);
    for log in logs {
        let mut timestamp = None;
        json::each_member(log.get(), |name, value| {
            if name == "timestamp" {
                timestamp = value.parse().ok();
            }
        })
        .map_err(|_| EventError::Message)?;
        batcher.add_written(log.get().as_bytes(), record, None, timestamp);
    }
    Ok((message.podferry, batcher.finish()))
}

fn decoded(data: &str, compression: Compression) -> Result<String, EventError> {
    let bytes = STANDARD.decode(data).map_err(|_| EventError::Message)?;
    // What the form of the plain text may add to the limit is nothing: it was within it when it was written.
    let plain = decompress_up_to(&bytes, compression, MAX_PAYLOAD_BYTES).ok_or(EventError::Message)?;
    String::from_utf8(plain).map_err(|_| EventError::Message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use pipeline::entry::MAX_ITEM_BYTES;

    fn payload(texts: &[String], compression: Compression) -> Payload {
        let mut batcher = Batcher::new(Limits::default(), compression);
        for (time, text) in (100..).zip(texts) {
            let log = format!(r#"{{"message":{},"timestamp":{time},"id":"1"}}"#, Value::from(text.as_str()));
            batcher.add_written(log.as_bytes(), 0, None, Some(time));
        }
        batcher.finish().remove(0)
    }

    fn note(reason: &str, attempts: u32) -> SaveNote {
        SaveNote::new(reason, attempts)
    }

    /// A text that no compressor makes much smaller.
    fn noise(length: usize) -> String {
        let mut state = 7_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // All that is printable and that JSON does not escape.
            let character = char::from(b' ' + ((state >> 33) % 95) as u8);
            if matches!(character, '"' | '\\') { '!' } else { character }
        };
        (0..length).map(|_| next()).collect()
    }

    #[test]
    fn a_message_says_what_it_is() {
        let payload = payload(&["x".to_owned(), "y".to_owned()], Compression::Zstd(1));
        let [Saved { body: message, logs: 2, .. }] = &messages(&payload, &note("IntakeAnswered503", 3))[..] else {
            panic!("more than one")
        };
        let value: Value = serde_json::from_str(message).unwrap();
        let head = &value["podferry"];
        assert_eq!((&head["schema"], &head["logs"], &head["attempts"]), (&1.into(), &2.into(), &3.into()));
        assert_eq!((&head["first_ms"], &head["last_ms"]), (&100.into(), &101.into()));
        assert_eq!((&head["reason"], &head["encoding"]), (&"IntakeAnswered503".into(), &"zstd".into()));
        assert_eq!(super::read_head(message).unwrap().reason, "IntakeAnswered503");
        assert_eq!(super::read_head(&message.replace("\"schema\":1", "\"schema\":2")), Err(EventError::Message));
        let (read, payloads) = read(message, 5, Compression::None).unwrap();
        assert_eq!((read.attempts, payloads[0].attempts, payloads[0].logs()[0].record), (3, 3, 5));
        assert_eq!(payloads[0].body, payload.plain().unwrap());
        assert_eq!(payloads[0].times(), Some((100, 101)));
    }

    /// The head as podferry 0.1.0 reads it: whoever rolls a stack back has that one.
    #[derive(Deserialize)]
    struct OldHead {
        schema: u32,
        logs: usize,
        attempts: u32,
        reason: String,
        encoding: Encoding,
    }

    #[test]
    fn an_older_podferry_reads_a_new_head_and_this_one_an_old_one() {
        let payload = payload(&["x".to_owned()], Compression::Zstd(1));
        let plain = messages(&payload, &note("x", 3)).remove(0).body;
        let head = read_head(&plain).unwrap();
        assert_eq!((head.saved_ms, head.not_before_ms, head.dead), (None, None, false));
        // What is not there is not written either: to the byte what 0.1.0 wrote.
        assert!(plain.contains(r#""attempts":3,"reason":"x","encoding":"zstd"},"data":""#));
        let said = SaveNote { saved_ms: Some(5), not_before_ms: Some(7), dead: true, ..note("x", 3) };
        let full = messages(&payload, &said).remove(0).body;
        let head = read(&full, 0, Compression::None).unwrap().0;
        assert_eq!((head.saved_ms, head.not_before_ms, head.dead, head.attempts), (Some(5), Some(7), true, 3));
        let value: Value = serde_json::from_str(&full).unwrap();
        let old: OldHead = serde_json::from_value(value["podferry"].clone()).unwrap();
        assert_eq!((old.schema, old.logs, old.attempts, old.reason.as_str()), (1, 1, 3, "x"));
        assert_eq!(old.encoding, Encoding::Zstd);
    }

    #[test]
    fn what_does_not_fit_is_split_and_one_log_always_fits() {
        let logs = payload(&vec![noise(100_000); 20], Compression::Gzip(1));
        let all = messages(&logs, &note("x", 0));
        assert!(all.len() > 1 && all.iter().all(|message| message.body.len() <= MESSAGE_BYTES));
        assert_eq!(all.iter().map(|message| message.logs).sum::<usize>(), 20);
        let overhead = r#"{"message":"","timestamp":100,"id":"1"}"#.len();
        for compression in [Compression::Zstd(1), Compression::Gzip(6), Compression::None] {
            let longest = SaveNote {
                saved_ms: Some(i64::MIN),
                not_before_ms: Some(i64::MIN),
                dead: true,
                ..note(&"r".repeat(200), u32::MAX)
            };
            let largest = payload(&[noise(MAX_ITEM_BYTES - overhead)], compression);
            let all = messages(&largest, &longest);
            assert_eq!(all.len(), 1);
            assert!(all[0].body.len() <= MAX_MESSAGE_BYTES, "{}", all[0].body.len());
            assert!(all[0].body.contains("\"encoding\":\"json\""));
            let (_, again) = read(&all[0].body, 0, compression).unwrap();
            assert_eq!(again[0].plain(), largest.plain());
        }
    }

    #[test]
    fn a_message_that_was_tampered_with_is_refused() {
        let whole = messages(&payload(&["x".to_owned()], Compression::Zstd(1)), &note("x", 0)).remove(0).body;
        let many = |logs: usize| {
            let head =
                r#"{"schema":1,"logs":1,"first_ms":null,"last_ms":null,"attempts":0,"reason":"","encoding":"json"}"#;
            format!(r#"{{"podferry":{head},"payload":[{}]}}"#, vec!["{}"; logs].join(","))
        };
        let bomb = Compressor::new(Compression::Zstd(1)).compress(&vec![b' '; MAX_PAYLOAD_BYTES + 1]).0;
        let bomb = format!(
            r#"{{"podferry":{{"schema":1,"logs":1,"first_ms":null,"last_ms":null,"attempts":0,"reason":"","encoding":"zstd"}},"data":"{}"}}"#,
            STANDARD.encode(bomb)
        );
        for message in [
            whole.replace("\"schema\":1", "\"schema\":2"),
            whole.replace("\"data\":\"", "\"data\":\"%"),
            whole.replace("\"data\":\"KL", "\"data\":\"AA"),
            whole.replace("zstd", "json"),
            whole.replace("\"attempts\":0", "\"attempts\":-1"),
            r#"{"podferry":{"schema":1,"logs":1,"first_ms":null,"last_ms":null,"attempts":0,"reason":"","encoding":"json"},"payload":[7]}"#.to_owned(),
            many(MAX_ITEMS + 1),
            bomb,
            String::new(),
        ] {
            assert_eq!(read(&message, 0, Compression::None), Err(EventError::Message));
        }
        assert_eq!(read(&many(MAX_ITEMS), 0, Compression::None).unwrap().1[0].items(), MAX_ITEMS);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_written_is_read(texts in prop::collection::vec(any::<String>(), 1..20), which in 0..3_usize) {
            let compression = [Compression::Zstd(1), Compression::Gzip(6), Compression::None][which];
            let before = payload(&texts, compression);
            let written = messages(&before, &note("x", 1));
            let plain = plain(&before, &note("x", 1)).unwrap();
            for message in written.iter().map(|message| &message.body).chain([&plain]) {
                let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
                prop_assert!(message.chars().all(allowed));
                let (_, after) = read(message, 0, compression).unwrap();
                let logs = |payload: &Payload| serde_json::from_slice::<Value>(&payload.plain().unwrap()).unwrap();
                prop_assert_eq!(logs(&after[0]), logs(&before));
            }
        }

        #[test]
        fn any_text_is_survived(text in any::<String>()) {
            let _ = read(&text, 0, Compression::None);
        }
    }
}
