//! What people have at hand when they want to see logs, opened: events of the function, records of streams, messages of queues, what
//! AWS's own command prints of them, and all of these in one another or in a row. Pure.
//!
//! The envelopes of the function are read by the very code of the function. Only what is never handed to it is read here: the
//! answers of `aws sqs receive-message` and `aws kinesis get-records`, single records, base64 or gzip without anything around it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;

use forwarder::delivery::undelivered::{self, Head};
use forwarder::delivery::waiting;
use pipeline::batch::Payload;
use pipeline::compress::Compression;
use pipeline::event::{self, EventError, InvocationEvent};
use pipeline::records::S3Object;
use pipeline::{PipelineSettings, inflated, json};

/// How deep envelopes may stand in one another.
const MAX_NESTING: usize = 8;

/// Source: RFC 1952, section 2.3.1.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What was inside, in order.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    pub(crate) inside: Vec<Inside>,
    /// What could not be read: which of the envelopes, from 1, and why.
    pub(crate) problems: Vec<(usize, EventError)>,
    /// Envelopes so far.
    envelopes: usize,
}

/// One thing that was inside.
#[derive(Debug)]
pub(crate) enum Inside {
    /// What CloudWatch Logs sends, inflated.
    Content(String),
    /// A message of the queue of undelivered logs.
    Saved(Head, Vec<Payload>),
    /// A note that something is in a bucket.
    Object(S3Object),
}

/// Opens whatever it is.
pub(crate) fn open(bytes: &[u8], settings: &PipelineSettings) -> Opened {
    let mut opened = Opened::default();
    if bytes.starts_with(&GZIP) {
        opened.data(&STANDARD.encode(bytes), settings, 1);
        return opened;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => opened.text(text, settings, 1),
        Err(_) => opened.problem(EventError::NotJson),
    }
    opened
}

impl Opened {
    fn problem(&mut self, error: EventError) {
        self.envelopes += 1;
        self.problems.push((self.envelopes, error));
    }

    fn found(&mut self, inside: Inside) {
        self.envelopes += 1;
        self.inside.push(inside);
    }

    /// JSON, one after the other; or base64.
    fn text(&mut self, text: &str, settings: &PipelineSettings, depth: usize) {
        let text = text.trim();
        if depth > MAX_NESTING {
            return self.problem(EventError::Unknown);
        }
        if !text.starts_with(['{', '[', '"']) {
            return match text.is_empty() {
                true => self.problem(EventError::NotJson),
                false => self.data(text, settings, depth),
            };
        }
        for value in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
            match value {
                Ok(value) => self.value(value.get(), settings, depth),
                // Where the next one would begin is not known.
                Err(_) => return self.problem(EventError::NotJson),
            }
        }
    }

    fn value(&mut self, value: &str, settings: &PipelineSettings, depth: usize) {
        if value.starts_with('"') {
            return self.text(&json::string(value).unwrap_or_default(), settings, depth + 1);
        }
        if value.starts_with('[') {
            return self.each(value, settings, depth);
        }
        match event::recognise(value.as_bytes()) {
            Ok(event) => self.event(event, settings, depth),
            Err(error) => self.other(value, error, settings, depth),
        }
    }

    fn each(&mut self, array: &str, settings: &PipelineSettings, depth: usize) {
        let values: Vec<&RawValue> = serde_json::from_str(array).unwrap_or_default();
        values.into_iter().for_each(|value| self.value(value.get(), settings, depth + 1));
    }

    fn event(&mut self, event: InvocationEvent, settings: &PipelineSettings, depth: usize) {
        if depth > MAX_NESTING {
            return self.problem(EventError::Unknown);
        }
        match event {
            InvocationEvent::AwsLogs { data } => self.data(&data, settings, depth),
            // People look at a message with `jq`, so it need not be written as the function writes it.
            InvocationEvent::Undelivered(text) => match waiting::read(text) {
                Ok((_, data)) => self.data(&data, settings, depth),
                Err(_) => match undelivered::read(text, 0, Compression::None) {
                    Ok((head, payloads)) => self.found(Inside::Saved(head, payloads)),
                    Err(error) => self.problem(error),
                },
            },
            InvocationEvent::Failed(inside) => self.text(&inside, settings, depth + 1),
            InvocationEvent::Sqs(records) => records.iter().for_each(|one| self.text(&one.body, settings, depth + 1)),
            InvocationEvent::Kinesis(records) => records.iter().for_each(|one| self.data(&one.data, settings, depth)),
            InvocationEvent::Firehose(event) => {
                event.records.iter().for_each(|one| self.data(&one.data, settings, depth))
            }
            InvocationEvent::S3(objects) => objects.into_iter().for_each(|object| self.found(Inside::Object(object))),
        }
    }

    /// What is never handed to the function.
    fn other(&mut self, object: &str, error: EventError, settings: &PipelineSettings, depth: usize) {
        let (mut is_content, mut inside, mut data) = (false, None, None);
        let _ = json::each_member(object, |key, value| match key {
            "logEvents" | "messageType" => is_content = true,
            // `aws sqs receive-message`, `aws kinesis get-records`, `podferry redrive --output json`; a record of an event.
            "Messages" | "Records" | "records" | "kinesis" | "body" | "Body" => inside = Some(value),
            "data" | "Data" => data = json::string(value),
            _ => {}
        });
        match (is_content, inside, data) {
            (true, ..) => self.found(Inside::Content(object.to_owned())),
            (_, Some(inside), _) if depth <= MAX_NESTING => self.value(inside, settings, depth + 1),
            (_, _, Some(data)) => self.data(&data, settings, depth),
            _ => self.problem(error),
        }
    }

    /// base64 of gzip, or of text; Firehose's objects hold several contents in a row.
    fn data(&mut self, data: &str, settings: &PipelineSettings, depth: usize) {
        match inflated(data, settings) {
            Ok(text) if text.trim_start().starts_with('{') => self.text(&text, settings, depth + 1),
            Ok(_) => self.problem(EventError::Content),
            Err(EventError::Gzip) => match STANDARD.decode(data.trim()).map(String::from_utf8) {
                // Who puts an event into a stream by hand does not compress it.
                Ok(Ok(text)) if text.trim_start().starts_with('{') => self.text(&text, settings, depth + 1),
                _ => self.problem(EventError::Gzip),
            },
            Err(error) => self.problem(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const CONTENT: &str = r#"{"messageType":"DATA_MESSAGE","logGroup":"g","logStream":"s","logEvents":[{"id":"1","timestamp":5,"message":"m"}]}"#;

    fn data() -> String {
        let (gzip, _) = pipeline::compress::Compressor::new(Compression::Gzip(1)).compress(CONTENT.as_bytes());
        STANDARD.encode(gzip)
    }

    fn contents(text: &str) -> (usize, usize) {
        let opened = open(text.as_bytes(), &PipelineSettings::default());
        let contents = opened.inside.iter().filter(|inside| matches!(inside, Inside::Content(text) if text == CONTENT));
        (contents.count(), opened.problems.len())
    }

    #[test]
    fn all_that_holds_a_content() {
        let data = data();
        let event = json!({ "awslogs": { "data": data } });
        let head = json!({ "kind": "metadata", "events": 1, "first_ms": 5, "last_ms": 5, "since_ms": 6, "rounds": 1, "reason": "MetadataUnknown" });
        let waiting = format!(r#"{{"podferry":{{"schema":2,{},"data":"{data}"}}"#, &head.to_string()[1..]);
        assert_eq!(contents(&waiting), (1, 0), "{waiting}");
        let indented = serde_json::to_string_pretty(&serde_json::from_str::<Value>(&waiting).unwrap()).unwrap();
        assert_eq!(contents(&indented), (1, 0), "{indented}");
        assert_eq!(contents(&waiting.replace("\"metadata\"", "\"other\"")), (0, 1));
        let envelopes: [Value; 11] = [
            event.clone(),
            json!({ "requestPayload": event }),
            json!({ "Records": [{ "eventSource": "aws:kinesis", "kinesis": { "data": data } }] }),
            json!({ "kinesis": { "data": data } }),
            json!({ "Records": [{ "SequenceNumber": "1", "Data": data }] }),
            json!({ "deliveryStreamArn": "a", "records": [{ "recordId": "1", "data": data }] }),
            json!({ "recordId": "1", "data": data }),
            json!({ "Records": [{ "eventSource": "aws:sqs", "body": event.to_string() }] }),
            json!({ "Messages": [{ "MessageId": "1", "Body": event.to_string() }] }),
            json!([event]),
            json!(event.to_string()),
        ];
        for envelope in envelopes {
            assert_eq!(contents(&envelope.to_string()), (1, 0), "{envelope}");
        }
        assert_eq!(contents(&data), (1, 0));
        assert_eq!(contents(CONTENT), (1, 0));
        assert_eq!(contents(&STANDARD.encode(CONTENT)), (1, 0));
        assert_eq!(contents(&format!("{event}\n{CONTENT}{CONTENT}\n")), (3, 0), "one after the other");
    }

    #[test]
    fn one_that_cannot_be_read_does_not_cost_the_others() {
        let records = json!({ "Records": [{ "eventSource": "aws:kinesis", "kinesis": { "data": "%" } }, { "kinesis": { "data": data() } }] });
        let opened = open(records.to_string().as_bytes(), &PipelineSettings::default());
        assert_eq!((opened.inside.len(), opened.problems), (1, vec![(1, EventError::Base64)]));
        for text in ["", "{}", "[7]", "{", "no base64!", "{\"body\":7}"] {
            let (contents, _) = contents(text);
            assert_eq!(contents, 0, "{text}");
        }
    }

    #[test]
    fn what_stands_in_itself_for_ever_ends() {
        let mut text = CONTENT.to_owned();
        for _ in 0..20 {
            text = json!({ "requestPayload": text }).to_string();
        }
        assert_eq!(contents(&text), (0, 1));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = open(&bytes, &PipelineSettings::default());
        }
    }
}
