//! What AWS's plugins made of hostile records, held against the model.
//!
//! `tests/fixtures/go_plugins/recorded.jsonl.zst` has a line for each chunk: plugin, options, tag, time, the records as MessagePack, and what
//! the plugin's own functions made of each: group, stream and message, or the data. `otherwise` is what they made of it with the other
//! version of the library that reads MessagePack.

use serde_json::Value as Json;
use testkit::recorded::bytes;

use crate::fluent_bit::parse::{ReadSection, parse};
use crate::simulate::core::Core;
use crate::simulate::not_started::NotStarted;
use crate::simulate::outputs::{Output, Sent};
use crate::simulate::parsers::time::Time;
use crate::simulate::record::{LinePlace, Record};
use crate::simulate::value::{Key, Map, Value};

/// The recording.
const RECORDED: &[u8] = include_bytes!("../../../../../../tests/fixtures/go_plugins/recorded.jsonl.zst");

/// Reads MessagePack, as far as Fluent Bit writes it.
struct MessagePack<'b>(&'b [u8]);

impl MessagePack<'_> {
    fn take(&mut self, count: usize) -> Vec<u8> {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken.to_vec()
    }

    fn number(&mut self, size: usize) -> u64 {
        self.take(size).into_iter().fold(0, |number, byte| (number << 8) | u64::from(byte))
    }

    fn length(&mut self, size: usize) -> usize {
        usize::try_from(self.number(size)).unwrap()
    }

    fn map(&mut self, count: usize) -> Map {
        let key = |value: Value| if let Value::Text(text) = value { Key::Text(text) } else { Key::Nil };
        Map { members: (0..count).map(|_| (key(self.value()), self.value())).collect() }
    }

    fn list(&mut self, count: usize) -> Value {
        Value::List((0..count).map(|_| self.value()).collect())
    }

    fn value(&mut self) -> Value {
        let mark = self.take(1)[0];
        let signed = |number: u64, bits: u32| i128::from(number.cast_signed() << (64 - bits) >> (64 - bits));
        match mark {
            0..0x80 => Value::Integer(i128::from(mark)),
            0x80..0x90 => Value::Map(self.map(usize::from(mark & 15))),
            0x90..0xa0 => self.list(usize::from(mark & 15)),
            0xa0..0xc0 => Value::Text(self.take(usize::from(mark & 31))),
            0xc0 => Value::Nil,
            0xc2 | 0xc3 => Value::Boolean(mark == 0xc3),
            0xcb => Value::Float(f64::from_bits(self.number(8))),
            0xcc..=0xcf => Value::Integer(i128::from(self.number(1 << (mark - 0xcc)))),
            0xd0..=0xd3 => {
                let size = 1 << (mark - 0xd0);
                Value::Integer(signed(self.number(size), u32::try_from(size * 8).unwrap()))
            }
            0xd9..=0xdb => {
                let length = self.length(1 << (mark - 0xd9));
                Value::Text(self.take(length))
            }
            0xdc => {
                let count = self.length(2);
                self.list(count)
            }
            0xde => {
                let count = self.length(2);
                Value::Map(self.map(count))
            }
            0xe0.. => Value::Integer(i128::from(mark.cast_signed())),
            _ => panic!("{mark:x}"),
        }
    }
}

fn record(hex: &str, time: Time) -> Record {
    let bytes: Vec<u8> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
    let Value::Map(map) = MessagePack(&bytes).value() else { panic!("{hex}") };
    Record { line: LinePlace { file: 0, line: 0 }, time: Some(time), map }
}

/// What was recorded of a record: nothing, or its texts.
type Recorded = Option<Vec<Vec<u8>>>;

/// What a plugin did: an error, or what came of each record; what it did not read has nothing.
fn recorded(value: &Json, count: usize) -> Result<Vec<Recorded>, String> {
    if let Some(error) = value.as_str() {
        return Err(error.to_owned());
    }
    let texts = |value: &Json| -> Recorded {
        Some(value.as_array()?.iter().map(|text| bytes(text.as_str().unwrap())).collect())
    };
    let mut all: Vec<Recorded> = value.as_array().unwrap().iter().map(texts).collect();
    all.resize(count, None);
    Ok(all)
}

fn section(line: &Json) -> ReadSection {
    let mut text = format!("[OUTPUT]\n    Name {}\n    Match *\n", line["plugin"].as_str().unwrap());
    for (name, value) in line["options"].as_object().unwrap() {
        text += &format!("    {name} {}\n", value.as_str().unwrap());
    }
    parse(&text).sections.remove(0)
}

/// Whether the model says what was recorded of a record. `None` if it does not know.
fn agrees(sent: &Sent, recorded: &Recorded) -> Option<bool> {
    Some(match (sent, recorded.as_deref()) {
        (Sent::Unknown(_), _) => return None,
        (Sent::Nothing(_), None) => true,
        (Sent::Event { group, stream, message }, Some([one, two, three])) => {
            (group, stream, message) == (one, two, three)
        }
        // `kinesis` has the partition key behind it.
        (Sent::Document(document), Some([data, ..])) => document == data,
        _ => false,
    })
}

#[test]
fn what_the_plugins_made_is_what_the_model_makes() {
    let text = String::from_utf8(zstd::decode_all(RECORDED).unwrap()).unwrap();
    let (mut known, mut unknown, mut died, mut stopped) = (0, 0, 0, 0);
    let mut different = Vec::new();
    for line in text.lines() {
        let line: Json = serde_json::from_str(line).unwrap();
        let part = |at: usize| line["time"][at].as_i64().unwrap();
        let time = Time { seconds: part(0), nanoseconds: part(1) };
        let records: Vec<Record> =
            line["records"].as_array().unwrap().iter().map(|hex| record(hex.as_str().unwrap(), time)).collect();
        let mut all = vec![recorded(&line["out"], records.len())];
        all.extend(line.get("otherwise").map(|value| recorded(value, records.len())));
        let mut differs = |why: &str| {
            let shown: String = format!("{why}: {line}").chars().take(2500).collect();
            different.push(shown);
        };
        let output = match Output::new(Core::Older, &section(&line)) {
            Ok(output) => output,
            Err(NotStarted::Because(_)) => {
                stopped += 1;
                if !matches!(&all[0], Err(error) if error != "crash" && !error.starts_with("panic")) {
                    differs("it starts");
                }
                continue;
            }
            Err(NotStarted::Unknown(unknown)) => panic!("{unknown}"),
        };
        let sent = output.send(
            Core::Older,
            line["tag"].as_str().unwrap().as_bytes(),
            &records.iter().collect::<Vec<_>>(),
            time,
        );
        for recorded in &all {
            match (&sent, recorded) {
                (Err(_), Err(error)) if error == "crash" || error.starts_with("panic") => died += 1,
                (Ok(sent), Ok(recorded)) => {
                    for (place, (sent, recorded)) in sent.iter().flatten().zip(recorded).enumerate() {
                        match agrees(sent, recorded) {
                            Some(true) => known += 1,
                            None => unknown += 1,
                            Some(false) => differs(&format!("record {place}, {sent:?} and not {recorded:?}")),
                        }
                    }
                }
                // Whether it gets as far as where it crashes is not known either.
                (Ok(sent), Err(_)) if sent.iter().flatten().any(|sent| matches!(sent, Sent::Unknown(_))) => {
                    unknown += 1
                }
                _ => differs(&format!("{sent:?} and not {recorded:?}")),
            }
        }
    }
    assert!(different.is_empty(), "{} differ\n{}", different.len(), different[..different.len().min(12)].join("\n\n"));
    assert!(known > 2000 && died > 3 && stopped > 20, "{known} known, {died} died, {stopped} stopped");
    assert!(unknown * 6 < known, "{unknown} unknown, {known} known");
}
