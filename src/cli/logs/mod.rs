//! `podferry logs decode`: the logs in an event, a record or a message, as lines of JSON.

pub(super) mod envelopes;

use std::io::{BufWriter, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::error::CommandError;
use super::exit::Exit;
use super::input::read;
use super::named::named;
use super::notes::note;
use super::output::Output;
use super::show;
use crate::aws::health::advice::quoted;
use envelopes::Inside;
use forwarder::delivery::undelivered::Head;
use forwarder::settings::{Environment, Settings};
use pipeline::batch::Payload;
use pipeline::counted::counted;
use pipeline::decode::{self, EventMessage, LogEvent};
use pipeline::event::EventError;
use pipeline::json;

const HINT: &str = "contains nothing from CloudWatch Logs or from podferry's queue. Give an event of the function, a record of Kinesis or \
                    Firehose, a message of a queue, or the output of `aws sqs receive-message` or `aws kinesis get-records`";

#[derive(Debug, Subcommand)]
pub(super) enum LogsCommand {
    Decode(DecodeOptions),
}

impl LogsCommand {
    pub(super) fn run(self) -> Result<Exit, CommandError> {
        match self {
            LogsCommand::Decode(options) => decode(&options),
        }
    }
}

/// Print the logs in an event, a record or a queue message
///
/// Takes events of the function (CloudWatch Logs, SQS, Kinesis, Firehose), single records, messages of podferry's queues, failed
/// events saved to S3, the output of `aws sqs receive-message` and `aws kinesis get-records`. Input may be gzipped or base64-encoded,
/// and may contain several items in a row. Prints CloudWatch's logs with group, stream, ID, time and message, and the queue's logs as Datadog would receive them.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  podferry logs decode event.json
  aws sqs receive-message --queue-url \"$QUEUE\" | podferry logs decode --output text

Exit codes:
  0  everything was decoded
  1  a part could not be read
  2  the file could not be read, or contains no logs")]
pub(super) struct DecodeOptions {
    /// File to decode; `-` for standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// Output format: one line of JSON for each log, or only its message.
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = Output::Json)]
    output: Output,
}

/// One event of CloudWatch Logs as a line.
#[derive(Serialize)]
struct Line<'a> {
    group: &'a str,
    stream: &'a str,
    id: &'a str,
    /// RFC 3339; null if the event has no time.
    time: Option<String>,
    /// Milliseconds since 1970.
    timestamp: Option<i64>,
    message: &'a str,
}

fn decode(options: &DecodeOptions) -> Result<Exit, CommandError> {
    let path = named(&options.file);
    let bytes = read(&options.file)?;
    let settings = Settings::read_pipeline(&Environment)?;
    let mut opened = envelopes::open(&bytes, &settings);
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut read = 0;
    for (number, inside) in (1..).zip(std::mem::take(&mut opened.inside)) {
        match print(&mut out, &inside, options.output) {
            Ok(()) => read += 1,
            Err(Unprinted::Event(error)) => opened.problems.push((number, error)),
            Err(Unprinted::Output(error)) => return Err(error.into()),
        }
    }
    out.flush()?;
    let problems = opened.problems;
    match (read, problems.as_slice()) {
        (0, [] | [(_, EventError::NotJson | EventError::Unknown), ..]) => {
            Err(CommandError::NotAnEvent { path, hint: HINT })
        }
        (0, [(_, error), ..]) => Err(CommandError::Event { path, error: *error }),
        _ => {
            for (number, error) in &problems {
                show::error(&format!("item {number}: {error}"));
            }
            Ok(Exit::of_findings(problems.len()))
        }
    }
}

enum Unprinted {
    Event(EventError),
    Output(std::io::Error),
}

impl From<EventError> for Unprinted {
    fn from(error: EventError) -> Unprinted {
        Unprinted::Event(error)
    }
}

impl From<std::io::Error> for Unprinted {
    fn from(error: std::io::Error) -> Unprinted {
        Unprinted::Output(error)
    }
}

fn print(out: &mut impl Write, inside: &Inside, output: Output) -> Result<(), Unprinted> {
    match inside {
        Inside::Content(content) => print_events(out, content, output),
        Inside::Saved(head, payloads) => print_saved(out, head, payloads, output),
        Inside::Object(object) => {
            note!(
                "A failed event is in a bucket; decode it with `aws s3 cp {} - | podferry logs decode -`",
                quoted(&format!("s3://{}/{}", object.bucket, object.key))
            );
            Ok(())
        }
    }
}

fn print_events(out: &mut impl Write, content: &str, output: Output) -> Result<(), Unprinted> {
    let batch = decode::read(content)?;
    if batch.control {
        note!("This is a control message: CloudWatch Logs checks that the destination answers. It carries no logs.");
    }
    let mut text = String::new();
    for LogEvent { id, timestamp, message, .. } in &batch.events {
        text.clear();
        match message {
            EventMessage::Escaped(escaped) => json::unescape_into(escaped, &mut text),
            EventMessage::Raw(raw) => text.push_str(raw),
        }
        if output == Output::Text {
            writeln!(out, "{}", show::harmless(&text))?;
            continue;
        }
        let time = timestamp.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        let line = Line {
            group: &batch.log_group,
            stream: &batch.log_stream,
            id,
            time: time.map(|time| format!("{time:.3}")),
            timestamp: *timestamp,
            message: &text,
        };
        serde_json::to_writer(&mut *out, &line).map_err(std::io::Error::from)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// The logs of a message of ours, as Datadog would get them.
fn print_saved(out: &mut impl Write, head: &Head, payloads: &[Payload], output: Output) -> Result<(), Unprinted> {
    let Head { logs, attempts, reason, .. } = head;
    let (logs, attempts) = (counted(*logs, "log"), counted(*attempts as usize, "failed attempt"));
    note!("A message of the queue: {logs}, {attempts}, the last one because of {}", reason.escape_default());
    for payload in payloads {
        let plain = payload.plain().ok_or(EventError::Message)?;
        let all: Vec<&RawValue> = serde_json::from_slice(&plain).map_err(|_| EventError::Message)?;
        for log in all {
            if output == Output::Text {
                let log: Value = serde_json::from_str(log.get()).map_err(|_| EventError::Message)?;
                writeln!(out, "{}", show::harmless(log["message"].as_str().unwrap_or_default()))?;
                continue;
            }
            out.write_all(log.get().replace('\n', " ").as_bytes())?;
            out.write_all(b"\n")?;
        }
    }
    Ok(())
}
