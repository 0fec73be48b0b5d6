//! What outputs send: events of CloudWatch Logs, records of Firehose and Kinesis, documents of Elasticsearch.
//!
//! Each output has a file, which names its source.

mod cloudwatch_logs;
mod elasticsearch;
mod firehose;
mod go;
mod message_pack;
mod murmur;
mod strftime;

use self::cloudwatch_logs::CloudWatchLogs;
use self::elasticsearch::Elasticsearch;
use self::firehose::Firehose;
use self::go::cloudwatch::CloudWatch;
use self::go::firehose::GoFirehose;
use self::go::kinesis::Kinesis;
use super::core::Core;
use super::not_started::NotStarted;
use super::parsers::time::Time;
use super::record::Record;
pub use super::sent::Sent;
use super::tag::TagMatch;
use super::unknown::Unknown;
use crate::fluent_bit::parse::ReadSection;

/// An output.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Output {
    pub(crate) name: String,
    pub(crate) tags: TagMatch,
    kind: OutputKind,
}

#[derive(Debug, Clone, PartialEq)]
enum OutputKind {
    CloudWatchLogs(CloudWatchLogs),
    Firehose(Firehose),
    Elasticsearch(Box<Elasticsearch>),
    CloudWatch(Box<CloudWatch>),
    GoFirehose(Box<GoFirehose>),
    Kinesis(Box<Kinesis>),
    NotModelled(Unknown),
}

impl Output {
    /// Reads a section.
    ///
    /// # Errors
    /// Where Fluent Bit does not start with it.
    pub(crate) fn new(core: Core, section: &ReadSection) -> Result<Output, NotStarted> {
        let name = section.value("Name").ok_or(NotStarted::because("an output has no name"))?.to_ascii_lowercase();
        let kind = match name.as_str() {
            "cloudwatch_logs" => OutputKind::CloudWatchLogs(CloudWatchLogs::new(core, section)?),
            "kinesis_firehose" => OutputKind::Firehose(Firehose::new(section)?),
            "es" => OutputKind::Elasticsearch(Box::new(Elasticsearch::new(core, section)?)),
            "cloudwatch" => OutputKind::CloudWatch(Box::new(CloudWatch::new(section)?)),
            "firehose" => OutputKind::GoFirehose(Box::new(GoFirehose::new(section)?)),
            "kinesis" => OutputKind::Kinesis(Box::new(Kinesis::new(section)?)),
            _ => OutputKind::NotModelled(Unknown("what this output sends is not modelled")),
        };
        Ok(Output { name, tags: TagMatch::new(core, section), kind })
    }

    /// What it makes of the records of a batch, each for itself.
    ///
    /// # Errors
    /// Of what Fluent Bit dies.
    pub(crate) fn send(
        &self,
        core: Core,
        tag: &[u8],
        records: &[&Record],
        read_at: Time,
    ) -> Result<Vec<Vec<Sent>>, &'static str> {
        Ok(match &self.kind {
            OutputKind::CloudWatchLogs(output) => output.send(core, tag, records, read_at),
            OutputKind::Firehose(output) => {
                records.iter().map(|record| output.send(core, record, record.time.unwrap_or(read_at))).collect()
            }
            OutputKind::Elasticsearch(output) => output.send(core, tag, records, read_at),
            OutputKind::CloudWatch(output) => output.send(tag, records)?,
            OutputKind::GoFirehose(output) => output.send(records, read_at)?,
            OutputKind::Kinesis(output) => output.send(records, read_at)?,
            OutputKind::NotModelled(unknown) => records.iter().map(|_| vec![Sent::Unknown(*unknown)]).collect(),
        })
    }
}
