//! `podferry logs decode`: the logs in an event, a record or a message, as lines of JSON.

mod envelopes;

use std::io::{BufWriter, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::value::RawValue;

use super::exit::Exit;
use super::{CommandError, read, show};
use envelopes::Inside;
use forwarder::delivery::undelivered::Head;
use forwarder::settings::{Environment, Settings};
use pipeline::batch::Payload;
use pipeline::decode::{self, EventMessage, LogEvent};
use pipeline::event::EventError;
use pipeline::json;

const HINT: &str = "nothing in it is of CloudWatch Logs or of podferry's queue. Give an event of the function, a record of Kinesis or \
                    Firehose, a message of a queue, or what `aws sqs receive-message` or `aws kinesis get-records` print";

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

pub(super) fn decode(file: &Path) -> Result<Exit, CommandError> {
    let path = file.display().to_string();
    let bytes = read(file).map_err(|error| CommandError::File { path: path.clone(), error })?;
    let settings = Settings::read_pipeline(&Environment)?;
    let mut opened = envelopes::open(&bytes, &settings);
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut read = 0;
    for (number, inside) in (1..).zip(std::mem::take(&mut opened.inside)) {
        match print(&mut out, &inside) {
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
                anstream::eprintln!("{}problem:{} number {number}: {error}", show::ERROR, show::ERROR.render_reset());
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

fn print(out: &mut impl Write, inside: &Inside) -> Result<(), Unprinted> {
    match inside {
        Inside::Content(content) => print_events(out, content),
        Inside::Saved(head, payloads) => print_saved(out, head, payloads),
        Inside::Object(object) => {
            anstream::eprintln!(
                "An event that failed is in a bucket: `aws s3 cp 's3://{}/{}' - | podferry logs decode -`",
                object.bucket,
                object.key.escape_default()
            );
            Ok(())
        }
    }
}

fn print_events(out: &mut impl Write, content: &str) -> Result<(), Unprinted> {
    let batch = decode::read(content)?;
    if batch.control {
        anstream::eprintln!(
            "A control message: CloudWatch Logs checks that the destination answers. It carries no logs."
        );
    }
    let mut text = String::new();
    for LogEvent { id, timestamp, message } in &batch.events {
        text.clear();
        match message {
            EventMessage::Escaped(escaped) => json::unescape_into(escaped, &mut text),
            EventMessage::Raw(raw) => text.push_str(raw),
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
fn print_saved(out: &mut impl Write, head: &Head, payloads: &[Payload]) -> Result<(), Unprinted> {
    let Head { logs, attempts, reason, .. } = head;
    let (logs, times) = (show::counted(*logs, "log"), if *attempts == 1 { "once" } else { "times" });
    let attempts = if *attempts == 1 { String::new() } else { format!("{attempts} ") };
    anstream::eprintln!(
        "A message of the queue: {logs}, given up {attempts}{times}, the last time for {}",
        reason.escape_default()
    );
    for payload in payloads {
        let plain = payload.plain().ok_or(EventError::Message)?;
        let all: Vec<&RawValue> = serde_json::from_slice(&plain).map_err(|_| EventError::Message)?;
        for log in all {
            out.write_all(log.get().replace('\n', " ").as_bytes())?;
            out.write_all(b"\n")?;
        }
    }
    Ok(())
}
