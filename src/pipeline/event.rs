//! What came in: tells the envelopes that Lambda may hand us apart, by their keys, from raw bytes.
//!
//! The event is taken as bytes, not through a deserialiser: whatever is wrong with it is then our own answer with a
//! stable type, and nothing of the sender's text gets into an error.

use std::borrow::Cow;

use super::json;

/// An event, recognised.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A CloudWatch Logs subscription: `{"awslogs":{"data":"<base64 of gzipped JSON>"}}`.
    /// Source: AWS, "Using Amazon CloudWatch Logs subscription filters", example with Lambda.
    AwsLogs {
        /// The base64 text.
        data: Cow<'a, str>,
    },
}

/// Why an event cannot be forwarded. No variant holds any of the event's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The bytes are no JSON object.
    #[error("the event is not a JSON object; the forwarder takes the events of a CloudWatch Logs subscription filter")]
    NotJson,
    /// JSON, but no envelope that we know.
    #[error(
        "the event has no `awslogs.data`; the forwarder takes the events of a CloudWatch Logs subscription filter: check \
         what is set up to invoke this function"
    )]
    Unknown,
    /// `awslogs.data` is not base64.
    #[error("`awslogs.data` is not valid base64")]
    Base64,
    /// The decoded data is no gzip, or ends before its end.
    #[error("`awslogs.data` is not a whole gzip stream: it is corrupt or was cut off")]
    Gzip,
    /// It inflates to more than is allowed.
    #[error(
        "the event inflates to more than {limit} bytes; raise PODFERRY_MAX_DECOMPRESSED_BYTES (and the function's memory) \
         if events of that size are expected"
    )]
    TooLarge {
        /// The cap, in bytes.
        limit: u64,
    },
    /// The inflated text is not what CloudWatch Logs sends.
    #[error("the content of the event is not the JSON that CloudWatch Logs sends (an object with `logEvents`)")]
    Content,
    /// The event comes from this function's own log group: forwarding it would make another, for ever.
    #[error(
        "the event comes from this function's own log group, which would feed itself for ever: remove the subscription \
         filter from that log group"
    )]
    OwnLogGroup,
}

impl EventError {
    /// The stable name that Lambda reports as `errorType`.
    pub fn error_type(&self) -> &'static str {
        match self {
            EventError::NotJson => "EventNotJson",
            EventError::Unknown => "EventUnknown",
            EventError::Base64 => "EventBase64Invalid",
            EventError::Gzip => "EventGzipInvalid",
            EventError::TooLarge { .. } => "EventTooLarge",
            EventError::Content => "EventContentInvalid",
            EventError::OwnLogGroup => "EventFromOwnLogGroup",
        }
    }
}

/// Recognises an event.
///
/// # Errors
/// [`EventError::NotJson`] and [`EventError::Unknown`].
pub fn recognise(bytes: &[u8]) -> Result<Event<'_>, EventError> {
    let text = std::str::from_utf8(bytes).map_err(|_| EventError::NotJson)?;
    let mut awslogs = None;
    json::each_member(text, |key, value| {
        if key == "awslogs" {
            awslogs = Some(value);
        }
    })
    .map_err(|_| EventError::NotJson)?;

    let mut data = None;
    // An `awslogs` that is no object leaves `data` empty, and that is the answer.
    let _ = json::each_member(awslogs.ok_or(EventError::Unknown)?, |key, value| {
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
    Ok(Event::AwsLogs { data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_event_is_recognised() {
        assert_eq!(
            recognise(br#" {"awslogs": {"data": "H4s="}, "more": [1]} "#),
            Ok(Event::AwsLogs { data: Cow::Borrowed("H4s=") })
        );
        assert_eq!(recognise(br#"{"awslogs":{"data":"a\/b="}}"#), Ok(Event::AwsLogs { data: Cow::Borrowed("a/b=") }));
    }

    #[test]
    fn anything_else_is_told_apart() {
        for bytes in [b"".as_slice(), b"x", b"{\"awslogs\":", b"\xff\xfe", b"[1]", b"null", b"\"awslogs\""] {
            assert_eq!(recognise(bytes), Err(EventError::NotJson), "{bytes:?}");
        }
        for bytes in [
            br#"{}"#.as_slice(),
            br#"{"Records":[]}"#,
            br#"{"awslogs":null}"#,
            br#"{"awslogs":"data"}"#,
            br#"{"awslogs":{"data":7}}"#,
            br#"{"awslogs":{}}"#,
        ] {
            assert_eq!(recognise(bytes), Err(EventError::Unknown), "{bytes:?}");
        }
    }
}
