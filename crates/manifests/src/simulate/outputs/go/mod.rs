//! AWS's plugins in Go: `cloudwatch`, `firehose` and `kinesis`. Both of AWS's lines of images have them, 2.x with Fluent Bit 1.9 and 3.x
//! with 5.x; neither takes one for the plugin in C that has replaced it.
//!
//! They read a chunk and write JSON with Go's libraries, so that keys are sorted, numbers and escapes look otherwise than Fluent Bit's own,
//! and of members of the same name something else becomes.
//!
//! Source: aws/amazon-cloudwatch-logs-for-fluent-bit at v1.9.4, aws/amazon-kinesis-firehose-for-fluent-bit at v1.7.2,
//! aws/amazon-kinesis-streams-for-fluent-bit at v1.10.2, and what they use; each file names the rest.

pub(super) mod cloudwatch;
mod cut;
pub(super) mod firehose;
mod json;
pub(super) mod kinesis;
mod log_key;
mod option;
mod reading;
mod record_options;
mod template;
mod time;

#[cfg(test)]
mod recorded;
