//! What Go's reader makes of a record. Of members of the same name, each is read into what the one before left: texts and lists keep the
//! longer rest, maps become one, and where the kinds differ, reading fails: then this record and the rest of its chunk are lost.
//!
//! Source: fluent/fluent-bit-go, output/decoder.go, `GetRecord`; ugorji/go, codec/decode.go and codec/fast-path.generated.go, at v1.1.7
//! and v1.2.6. Where these two differ, it is not known.

use crate::simulate::record::Record;
use crate::simulate::sent::Sent;
use crate::simulate::unknown::Unknown;
use crate::simulate::value::{Key, Map, Value};

/// Why a record is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unread {
    /// Reading fails, and the rest of the chunk is not read either.
    Lost,
    /// The plugin crashes, and Fluent Bit with it.
    Dies(&'static str),
    /// It is not known what this record becomes, nor whether the rest of the chunk is read.
    Unknown(Unknown),
}

/// Both versions read this deep. Source: ugorji/go, codec/decode.go, `decDefMaxDepth`, less what is around a record.
const DEEPEST: usize = 1000;

const KINDS: Unknown =
    Unknown("two members have the same name, and one is a list or a text that Go may read into the other");

/// What a plugin makes of the records of a chunk, each read.
///
/// # Errors
/// Of what Fluent Bit dies.
pub(super) fn each(
    records: &[&Record],
    send: impl Fn(&Record, Map) -> Result<Sent, &'static str>,
) -> Result<Vec<Vec<Sent>>, &'static str> {
    const LOST: &str = "two members of this record, or of one before it, have the same name and are of different kinds: AWS's \
                        plugin reads no further";
    let mut rest = None;
    let mut of = |record: &&Record| {
        if let Some(rest) = &rest {
            return Ok(vec![Sent::clone(rest)]);
        }
        let (sent, is_last) = match map(&record.map, 0) {
            Ok(map) => (send(record, map)?, false),
            Err(Unread::Dies(reason)) => return Err(reason),
            Err(Unread::Unknown(unknown)) => (Sent::Unknown(unknown), true),
            Err(Unread::Lost) => (Sent::Nothing(LOST), true),
        };
        if is_last {
            rest = Some(sent.clone());
        }
        Ok(vec![sent])
    };
    records.iter().map(&mut of).collect()
}

/// A map, without names that stand in it twice.
fn map(read: &Map, depth: usize) -> Result<Map, Unread> {
    let mut made = Map::default();
    merge_map(&mut made, read, depth)?;
    Ok(made)
}

fn merge_map(made: &mut Map, read: &Map, depth: usize) -> Result<(), Unread> {
    if depth > DEEPEST {
        return Err(Unread::Unknown(Unknown("a record is nested deeper than Go may read")));
    }
    for (key, value) in &read.members {
        let Key::Text(name) = key else {
            return Err(Unread::Dies("a member without a name, at which AWS's plugins crash"));
        };
        match made.members.iter_mut().find(|(known, _)| known.is(name)) {
            Some((_, known)) => merge(known, value, depth + 1)?,
            None => made.push(name, fresh(value, depth + 1)?),
        }
    }
    Ok(())
}

fn fresh(value: &Value, depth: usize) -> Result<Value, Unread> {
    Ok(match value {
        Value::Map(read) => Value::Map(map(read, depth)?),
        Value::List(values) => {
            if depth > DEEPEST {
                return Err(Unread::Unknown(Unknown("a record is nested deeper than Go may read")));
            }
            Value::List(values.iter().map(|value| fresh(value, depth + 1)).collect::<Result<Vec<Value>, Unread>>()?)
        }
        value => value.clone(),
    })
}

/// Reads a value into what another left.
fn merge(known: &mut Value, value: &Value, depth: usize) -> Result<(), Unread> {
    let made = match (&mut *known, value) {
        (Value::Nil, value) => fresh(value, depth)?,
        (_, Value::Nil) => {
            return Err(Unread::Unknown(Unknown("two members have the same name, and the second is null")));
        }
        (Value::Boolean(_), Value::Boolean(_)) => value.clone(),
        // Source: ugorji/go, codec/msgpack.go, `DecodeBool`.
        (Value::Boolean(_), Value::Integer(number @ (0 | 1))) => Value::Boolean(*number == 1),
        (Value::Integer(known), Value::Integer(value)) => Value::Integer(integer(*known, *value)?),
        (Value::Integer(_), Value::Float(value)) if value.fract() == 0.0 => {
            return Err(Unread::Unknown(Unknown(
                "two members have the same name, and of their numbers one has a fraction of zero",
            )));
        }
        (Value::Float(_), Value::Float(_)) => value.clone(),
        #[expect(clippy::cast_precision_loss, reason = "as Go converts it")]
        (Value::Float(_), Value::Integer(value)) => Value::Float(wrapped(*value) as f64),
        (Value::Text(known), Value::Text(value)) => {
            for (known, value) in known.iter_mut().zip(value) {
                *known = *value;
            }
            return Ok(());
        }
        (Value::List(known), Value::List(values)) => {
            for (known, value) in known.iter_mut().zip(values) {
                merge(known, value, depth + 1)?;
            }
            return Ok(());
        }
        (Value::Map(known), Value::Map(value)) => return merge_map(known, value, depth),
        (Value::Text(_) | Value::List(_), Value::List(_) | Value::Map(_)) => return Err(Unread::Unknown(KINDS)),
        _ => return Err(Unread::Lost),
    };
    *known = made;
    Ok(())
}

/// A whole number is one with a sign if it is below zero or fits seven bits, as MessagePack has it, and keeps that.
fn integer(known: i128, value: i128) -> Result<i128, Unread> {
    const UNSIGNED: i128 = 128;
    match known >= UNSIGNED {
        true if value < 0 => Err(Unread::Lost),
        true => Ok(value),
        false => Ok(i128::from(wrapped(value))),
    }
}

/// As 64 bits with a sign hold it.
fn wrapped(value: i128) -> i64 {
    u64::try_from(value).map_or_else(|_| i64::try_from(value).unwrap_or(i64::MIN), u64::cast_signed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::core::Core;
    use crate::simulate::json::{JsonObject, read};
    use crate::simulate::outputs::go::json;
    use crate::simulate::record::LinePlace;

    /// What becomes of records, as Go writes what it reads.
    fn read_by_go(records: &[&str]) -> Vec<String> {
        let record = |text: &&str| {
            let JsonObject::Read(map) = read(Core::Newer, text.as_bytes()).unwrap() else { panic!("{text}") };
            Record { line: LinePlace { file: 0, line: 0 }, time: None, map }
        };
        let records: Vec<Record> = records.iter().map(record).collect();
        let send = |_: &Record, map: Map| Ok(Sent::Document(json::record(&map).unwrap()));
        let shown = |sent: &Sent| match sent {
            Sent::Document(document) => String::from_utf8(document.clone()).unwrap(),
            Sent::Nothing(_) => "lost".to_owned(),
            _ => "unknown".to_owned(),
        };
        each(&records.iter().collect::<Vec<_>>(), send).unwrap().iter().flatten().map(shown).collect()
    }

    /// The expected are what the plugin read.
    #[test]
    fn members_of_the_same_name_are_read_into_each_other() {
        for (record, expected) in [
            (r#"{"a":"xyz","a":"y"}"#, r#"{"a":"yyz"}"#),
            (r#"{"a":"x","a":"abc"}"#, r#"{"a":"a"}"#),
            (r#"{"a":{"b":1,"c":"x"},"a":{"b":2,"d":3}}"#, r#"{"a":{"b":2,"c":"x","d":3}}"#),
            (r#"{"a":[1,2,3],"a":[9]}"#, r#"{"a":[9,2,3]}"#),
            (r#"{"a":null,"a":{"b":1}}"#, r#"{"a":{"b":1}}"#),
            (r#"{"a":5,"a":9223372036854775807}"#, r#"{"a":9223372036854775807}"#),
            (r#"{"a":1.5,"a":2}"#, r#"{"a":2}"#),
            (r#"{"a":true,"a":false}"#, r#"{"a":false}"#),
            (r#"{"a":true,"a":0}"#, r#"{"a":false}"#),
            (r#"{"a":true,"a":2}"#, "lost"),
            (r#"{"a":"x","a":1}"#, "lost"),
            (r#"{"a":1,"a":"x"}"#, "lost"),
            (r#"{"a":300,"a":-1}"#, "lost"),
            (r#"{"a":1,"a":1.5}"#, "lost"),
            (r#"{"a":true,"a":null}"#, "unknown"),
            (r#"{"a":1,"a":2.0}"#, "unknown"),
            (r#"{"a":"x","a":[1]}"#, "unknown"),
        ] {
            assert_eq!(read_by_go(&[record])[0], expected, "{record}");
        }
    }

    #[test]
    fn what_cannot_be_read_takes_the_rest_of_its_chunk_along() {
        assert_eq!(read_by_go(&["{}", r#"{"a":"x","a":1}"#, "{}"]), ["{}", "lost", "lost"]);
        assert_eq!(read_by_go(&["{}", r#"{"a":"x","a":null}"#, "{}"]), ["{}", "unknown", "unknown"]);
        let deep = |depth: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        assert_eq!(read_by_go(&[&deep(20)])[0], deep(20));
    }
}
