//! `cloudwatch`: events of CloudWatch Logs, and their groups and streams.
//!
//! Source: aws/amazon-cloudwatch-logs-for-fluent-bit at v1.9.4, cloudwatch/cloudwatch.go, `AddEvent`, `processRecord` and
//! `setGroupStreamNames`, and fluent-bit-cloudwatch.go.

use super::cut;
use super::log_key::data;
use super::option;
use super::reading::each;
use super::template::{NameTemplate, NotFilled};
use crate::fluent_bit::parse::ReadSection;
use crate::simulate::not_started::NotStarted;
use crate::simulate::record::Record;
use crate::simulate::sent::Sent;
use crate::simulate::unknown::Unknown;
use crate::simulate::value::Map;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CloudWatch {
    group: NameTemplate,
    default_group: String,
    stream: StreamName,
    default_stream: String,
    log_key: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
enum StreamName {
    Template(NameTemplate),
    /// Before the tag.
    Prefix(String),
}

/// How long an event may be, with what CloudWatch counts for it. Source: cloudwatch.go, `maximumBytesPerEvent` and `perEventBytes`.
const LONGEST: usize = 256 * 1024;
const PER_EVENT: usize = 26;
/// Source: cloudwatch.go, `maxGroupStreamLength`.
const LONGEST_NAME: usize = 512;

impl CloudWatch {
    pub(crate) fn new(section: &ReadSection) -> Result<CloudWatch, NotStarted> {
        let value = |name: &str| option::value(section, name);
        let template = |text: &str| {
            NameTemplate::new(text).ok_or(NotStarted::because("a name of `cloudwatch` has a variable without an end"))
        };
        if value("region").is_none() {
            return Err(NotStarted::because("an output has no region"));
        }
        let stream = match (value("log_stream_name"), value("log_stream_prefix")) {
            (Some(_), Some(_)) => {
                return Err(NotStarted::because("an output has both log_stream_name and log_stream_prefix"));
            }
            (Some(name), None) => StreamName::Template(template(name)?),
            (None, Some(prefix)) => StreamName::Prefix(prefix.to_owned()),
            (None, None) => return Err(NotStarted::because("an output has no log_stream_name or log_stream_prefix")),
        };
        let or = |option: &str, otherwise: &str| value(option).unwrap_or(otherwise).to_owned();
        Ok(CloudWatch {
            group: template(value("log_group_name").ok_or(NotStarted::because("an output has no log_group_name"))?)?,
            default_group: or("default_log_group_name", "fluentbit-default"),
            stream,
            default_stream: or("default_log_stream_name", "/fluentbit-default"),
            log_key: value("log_key").map(str::to_owned),
        })
    }

    /// # Errors
    /// Of what Fluent Bit dies.
    pub(crate) fn send(&self, tag: &[u8], records: &[&Record]) -> Result<Vec<Vec<Sent>>, &'static str> {
        each(records, |_, record| self.event(tag, &record))
    }

    fn event(&self, tag: &[u8], record: &Map) -> Result<Sent, &'static str> {
        let message = match data(self.log_key.as_deref(), record) {
            Ok(data) => shortened(data),
            Err(nothing) => return Ok(nothing),
        };
        let has_text = !message.trim_ascii().is_empty();
        let message = String::from_utf8(message).ok();
        let message = message.as_deref().map(str::trim);
        if !has_text || message == Some("") {
            return Ok(Sent::Nothing(
                "the message is empty, as it is where `log_key` names what AWS's plugin cannot write",
            ));
        }
        let group = name(self.group.fill(tag, record, in_group), &self.default_group);
        let stream = match &self.stream {
            StreamName::Prefix(prefix) => Ok([prefix.as_bytes(), tag].concat()),
            StreamName::Template(template) => name(template.fill(tag, record, in_stream), &self.default_stream),
        };
        let (group, stream) = match (group, stream) {
            (Ok(group), Ok(stream)) => (group, stream),
            (Err(NotFilled::Dies(reason)), _) | (_, Err(NotFilled::Dies(reason))) => return Err(reason),
            (Err(NotFilled::Unknown(unknown)), _) | (_, Err(NotFilled::Unknown(unknown))) => {
                return Ok(Sent::Unknown(unknown));
            }
            _ => return Ok(Sent::Unknown(Unknown("a name has no default"))),
        };
        Ok(match (message, std::str::from_utf8(&stream)) {
            (Some(message), Ok(_)) => Sent::Event { group, stream, message: message.as_bytes().to_vec() },
            (None, _) => Sent::Unknown(Unknown(
                "the message has bytes that are no text, and what CloudWatch makes of them is not known",
            )),
            (_, Err(_)) => Sent::Unknown(Unknown("the name of a stream has bytes that are no text")),
        })
    }
}

/// What stands in the name of a log group for a byte.
fn in_group(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'/' | b'_') { byte } else { b'.' }
}

/// What stands in the name of a stream for a byte.
fn in_stream(byte: u8) -> u8 {
    if matches!(byte, b'*' | b':') { b'.' } else { byte }
}

/// A name that is filled in, not too long; the default where something is missing or nothing is left.
fn name(filled: Result<Vec<u8>, NotFilled>, default: &str) -> Result<Vec<u8>, NotFilled> {
    match filled {
        Err(NotFilled::Missing) => Ok(default.as_bytes().to_vec()),
        Ok(filled) if filled.is_empty() => Ok(default.as_bytes().to_vec()),
        Ok(mut filled) => {
            filled.truncate(LONGEST_NAME);
            Ok(filled)
        }
        not_filled => not_filled,
    }
}

/// The data, cut where it is too long with the newline that it has at this point, and not within a character.
fn shortened(mut data: Vec<u8>) -> Vec<u8> {
    if data.len() + 1 + PER_EVENT > LONGEST {
        let mut end = LONGEST - PER_EVENT - cut::MARK.len();
        while end > 0 && data.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
            end -= 1;
        }
        cut::cut(&mut data, end + cut::MARK.len());
    }
    data
}
