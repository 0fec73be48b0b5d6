//! The events in a file: JSON documents, one after the other, each read and forgotten.
//!
//! A document is what the function is invoked with, the decoded content of that, what `aws logs filter-log-events` prints, or a single event
//! with its stream. The events of `filter-log-events` are handed over one by one: it prints whole days.

use std::fmt;
use std::io::Read;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::cli::captured::TooManyParts;
use pipeline::PipelineSettings;

/// An event of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileEvent<'a> {
    /// Empty where the file does not say.
    pub(super) group: &'a str,
    pub(super) stream: &'a str,
    /// Milliseconds since 1970; zero where the file does not say.
    pub(super) timestamp: i64,
    pub(super) message: &'a str,
}

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum EventsError {
    #[error(transparent)]
    Read(std::io::Error),
    /// No JSON, or none that holds events.
    #[error("not events")]
    NotEvents,
    #[error(transparent)]
    Event(#[from] pipeline::event::EventError),
    #[error(transparent)]
    TooManyParts(#[from] TooManyParts),
}

/// Hands over the events of all documents.
pub(super) fn each(input: impl Read, take: &mut dyn FnMut(FileEvent)) -> Result<(), EventsError> {
    let mut documents = Documents(serde_json::Deserializer::from_reader(std::io::BufReader::new(input)));
    while let Some(document) = documents.next(take)? {
        of_document(document, take)?;
    }
    Ok(())
}

/// Documents one after the other: `StreamDeserializer` takes no seed.
struct Documents<R: Read>(serde_json::Deserializer<serde_json::de::IoRead<R>>);

impl<R: Read> Documents<R> {
    fn next(&mut self, take: &mut dyn FnMut(FileEvent)) -> Result<Option<Map<String, Value>>, EventsError> {
        match self.0.end() {
            Ok(()) => return Ok(None),
            Err(error) if error.is_io() => return Err(EventsError::Read(error.into())),
            // More follows.
            Err(_) => {}
        }
        let document = DocumentSeed(take).deserialize(&mut self.0);
        document
            .map(Some)
            .map_err(|error| if error.is_io() { EventsError::Read(error.into()) } else { EventsError::NotEvents })
    }
}

/// Reads a document, and hands over the events of its member `events` at once.
struct DocumentSeed<'t>(&'t mut dyn FnMut(FileEvent));

impl<'de> DeserializeSeed<'de> for DocumentSeed<'_> {
    type Value = Map<String, Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

/// That `events` was there: nothing else is asked of a document then.
const EVENTS: &str = "events";

impl<'de> Visitor<'de> for DocumentSeed<'_> {
    type Value = Map<String, Value>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an object with events")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == EVENTS {
                map.next_value_seed(EventsSeed(&mut *self.0))?;
                members.insert(key, Value::Bool(true));
            } else if ["awslogs", "messageType", "logGroup", "logStream", "logEvents", "timestamp", "message"]
                .contains(&key.as_str())
            {
                members.insert(key, map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(members)
    }
}

struct EventsSeed<'t>(&'t mut dyn FnMut(FileEvent));

impl<'de> DeserializeSeed<'de> for EventsSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for EventsSeed<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut events: A) -> Result<(), A::Error> {
        while let Some(event) = events.next_element::<Value>()? {
            if let Some(message) = event["message"].as_str() {
                let stream = event["logStreamName"].as_str().unwrap_or_default();
                let timestamp = event["timestamp"].as_i64().unwrap_or_default();
                (self.0)(FileEvent { group: "", stream, timestamp, message });
            }
        }
        Ok(())
    }
}

fn of_document(document: Map<String, Value>, take: &mut dyn FnMut(FileEvent)) -> Result<(), EventsError> {
    let text = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default();
    if document.contains_key("awslogs") {
        let event = Value::Object(document).to_string();
        let content = pipeline::content(event.as_bytes(), &PipelineSettings::default())?;
        return each(content.as_bytes(), take);
    }
    if text("messageType") == "CONTROL_MESSAGE" || document.contains_key(EVENTS) {
        return Ok(());
    }
    let (group, stream) = (text("logGroup"), text("logStream"));
    let mut one = |event: &Value, message: &str| {
        take(FileEvent { group, stream, timestamp: event.as_i64().unwrap_or_default(), message });
    };
    if let Some(events) = document.get("logEvents").and_then(Value::as_array) {
        for event in events {
            event["message"].as_str().into_iter().for_each(|message| one(&event["timestamp"], message));
        }
        return Ok(());
    }
    let message = document.get("message").and_then(Value::as_str).ok_or(EventsError::NotEvents)?;
    one(document.get("timestamp").unwrap_or(&Value::Null), message);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &str) -> Result<Vec<String>, EventsError> {
        let mut found = Vec::new();
        each(input.as_bytes(), &mut |event| {
            found.push(format!("{} {} {} {}", event.group, event.stream, event.timestamp, event.message));
        })?;
        Ok(found)
    }

    #[test]
    fn documents_of_all_kinds_one_after_the_other() {
        let input = r#"
            {"events":[{"logStreamName":"s","timestamp":1,"message":"a"},{"timestamp":2}],"searchedLogStreams":[]}
            {"messageType":"DATA_MESSAGE","logGroup":"/g","logStream":"t","logEvents":[{"id":"1","timestamp":3,"message":"b\nc"}]}
            {"logGroup":"/g","logStream":"u","timestamp":4,"message":"d"}{"messageType":"CONTROL_MESSAGE","logEvents":[]}
        "#;
        assert_eq!(read(input).unwrap(), [" s 1 a", "/g t 3 b\nc", "/g u 4 d"]);
        assert_eq!(read("").unwrap(), [""; 0]);
    }

    #[test]
    fn what_holds_no_events_is_said() {
        for input in ["x", "[]", "{}", "{\"a\":1}", "{\"events\":1}", "{\"message\":1}", "{\"logEvents\":"] {
            assert!(matches!(read(input), Err(EventsError::NotEvents)), "{input}");
        }
        assert!(matches!(read(r#"{"awslogs":{"data":"?"}}"#), Err(EventsError::Event(_))));
    }
}
