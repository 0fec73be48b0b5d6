//! Recognises, from raw bytes, what invoked the function: events are told apart by their keys.
//!
//! The event is taken as bytes, not through a deserialiser: so whatever is wrong with it becomes an error of our own with a
//! stable type, and none of the sender's text gets into it. Envelopes of many records are in [`super::records`].

use std::borrow::Cow;

use super::json;
use super::records;

pub use super::envelope::InvocationEvent;
pub use super::event_error::EventError;

/// The members that tell events apart, as raw JSON.
#[derive(Default)]
struct EnvelopeKeys<'a> {
    awslogs: Option<&'a str>,
    podferry: bool,
    request_payload: Option<&'a str>,
    payload: Option<&'a str>,
    records: Option<&'a str>,
    firehose_records: Option<&'a str>,
    delivery_stream: bool,
    is_test_of_s3: bool,
}

/// Recognises an event.
///
/// # Errors
/// [`EventError::NotJson`] and [`EventError::Unknown`].
pub fn recognise(bytes: &[u8]) -> Result<InvocationEvent<'_>, EventError> {
    let text = std::str::from_utf8(bytes).map_err(|_| EventError::NotJson)?;
    match usual_data(text) {
        Some(data) => Ok(InvocationEvent::AwsLogs { data: Cow::Borrowed(data) }),
        None => recognise_any(text),
    }
}

/// The data of an event as Lambda writes it for a subscription, `{"awslogs":{"data":"…"}}`: half a megabyte of base64, which the general way
/// walks over three times.
fn usual_data(text: &str) -> Option<&str> {
    let data = text.strip_prefix(r#"{"awslogs":{"data":""#)?.strip_suffix(r#""}}"#)?;
    // All bytes, whatever the first say: so the compiler makes sixteen comparisons at once of it.
    let has_other = data.bytes().fold(false, |found, byte| found | (byte == b'"') | (byte == b'\\') | (byte < b' '));
    (!has_other).then_some(data)
}

fn recognise_any(text: &str) -> Result<InvocationEvent<'_>, EventError> {
    let mut keys = EnvelopeKeys::default();
    json::each_member(text, |key, value| match key {
        "awslogs" => keys.awslogs = Some(value),
        "podferry" => keys.podferry = true,
        "requestPayload" => keys.request_payload = Some(value),
        "payload" => keys.payload = Some(value),
        "Records" => keys.records = Some(value),
        "records" => keys.firehose_records = Some(value),
        "deliveryStreamArn" => keys.delivery_stream = true,
        "Event" => keys.is_test_of_s3 = value == "\"s3:TestEvent\"",
        _ => {}
    })
    .map_err(|_| EventError::NotJson)?;
    if let Some(awslogs) = keys.awslogs {
        return aws_logs(awslogs);
    }
    if keys.podferry {
        return Ok(InvocationEvent::Undelivered(text));
    }
    // An asynchronous invocation's; of a stream's mapping, `payload` in an object of S3, as a string.
    if let Some(failed) = keys.request_payload.or(keys.payload) {
        return Ok(InvocationEvent::Failed(json::string(failed).map_or(Cow::Borrowed(failed), Cow::Owned)));
    }
    if let Some(records) = keys.records {
        return records::recognise(records);
    }
    if let Some(records) = keys.firehose_records.filter(|_| keys.delivery_stream) {
        return records::firehose(records).map(InvocationEvent::Firehose);
    }
    if keys.is_test_of_s3 { Ok(InvocationEvent::S3(Vec::new())) } else { Err(EventError::Unknown) }
}

fn aws_logs(awslogs: &str) -> Result<InvocationEvent<'_>, EventError> {
    let mut data = None;
    // If `awslogs` is not an object, `data` stays empty, which is an error below.
    let _ = json::each_member(awslogs, |key, value| {
        if key == "data" {
            data = json::unquoted(value);
        }
    });
    let data = data.ok_or(EventError::Unknown)?;
    let data = if data.contains('\\') {
        let mut plain = String::with_capacity(data.len());
        json::unescape_into(data, &mut plain);
        Cow::Owned(plain)
    } else {
        Cow::Borrowed(data)
    };
    Ok(InvocationEvent::AwsLogs { data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_event_is_recognised() {
        assert_eq!(
            recognise(br#" {"awslogs": {"data": "H4s="}, "more": [1]} "#),
            Ok(InvocationEvent::AwsLogs { data: Cow::Borrowed("H4s=") })
        );
        assert_eq!(
            recognise(br#"{"awslogs":{"data":"a\/b="}}"#),
            Ok(InvocationEvent::AwsLogs { data: Cow::Borrowed("a/b=") })
        );
    }

    #[test]
    fn an_event_as_lambda_writes_it_is_read_as_any_other() {
        let contents = [
            "",
            "H4s=",
            r"a\/b=",
            r"a\u0062",
            r"\",
            r#"""#,
            r#"","x":""#,
            r#""},"podferry":{"a":""#,
            "a\nb",
            "a\u{1f}",
            " ",
            "é",
            "\u{7f}",
        ];
        for data in contents {
            let usual = format!(r#"{{"awslogs":{{"data":"{data}"}}}}"#);
            for text in [
                usual.clone(),
                format!("{usual} "),
                usual.replace(':', ": "),
                usual.replacen('}', "", 1),
                format!("{usual}}}"),
            ] {
                assert_eq!(recognise(text.as_bytes()), recognise_any(&text), "{text}");
            }
        }
    }

    #[test]
    fn what_failed_is_inside_of_what_a_destination_got() {
        let inside = r#"{"awslogs":{"data":"H4s="}}"#;
        let of_lambda = format!(
            r#"{{"version":"1.0","requestContext":{{"condition":"RetriesExhausted"}},"requestPayload":{inside},"responsePayload":{{}}}}"#
        );
        assert_eq!(recognise(of_lambda.as_bytes()), Ok(InvocationEvent::Failed(inside.into())));
        let of_a_stream = format!(r#"{{"requestContext":{{}},"payload":{}}}"#, serde_json::Value::from(inside));
        assert_eq!(recognise(of_a_stream.as_bytes()), Ok(InvocationEvent::Failed(inside.into())));
        let own = br#"{"podferry":{"schema":1},"data":""}"#;
        assert!(matches!(recognise(own), Ok(InvocationEvent::Undelivered(text)) if text.as_bytes() == own));
        let test = br#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}"#;
        assert_eq!(recognise(test), Ok(InvocationEvent::S3(Vec::new())));
    }

    #[test]
    fn anything_else_is_told_apart() {
        for bytes in [b"".as_slice(), b"x", b"{\"awslogs\":", b"\xff\xfe", b"[1]", b"null", b"\"awslogs\""] {
            assert_eq!(recognise(bytes), Err(EventError::NotJson), "{bytes:?}");
        }
        for bytes in [
            br#"{}"#.as_slice(),
            br#"{"Records":[]}"#,
            br#"{"Records":7}"#,
            br#"{"Records":[{"eventSource":"aws:dynamodb"}]}"#,
            br#"{"records":[{"recordId":"1","data":""}]}"#,
            br#"{"retry":true}"#,
            br#"{"awslogs":null}"#,
            br#"{"awslogs":"data"}"#,
            br#"{"awslogs":{"data":7}}"#,
            br#"{"awslogs":{}}"#,
        ] {
            assert_eq!(recognise(bytes), Err(EventError::Unknown), "{bytes:?}");
        }
    }
}
