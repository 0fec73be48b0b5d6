//! `podferry preview`: what Datadog would get of an event file, sending nothing.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::demo::tag;
use super::error::CommandError;
use super::exit::Exit;
use super::input::read;
use super::named::named;
use super::output::OutputFlag;
use super::show;
use super::show::Detail;
use forwarder::settings::{Environment, Settings};
use pipeline::accepted_times::{OutOfRange, out_of_range};
use pipeline::compress::Compression;
use pipeline::counted::counted;
use pipeline::event::EventError;
use pipeline::{self, PipelineSettings, Processed};

const HINT: &str = "not an event from CloudWatch Logs. Give the event of the function ({\"awslogs\":{\"data\":\"…\"}}), or its \
                    decoded content ({\"messageType\":\"DATA_MESSAGE\",…,\"logEvents\":[…]})";

/// The ARN that a log bears when no function made it.
const NO_FUNCTION: &str = "arn:aws:lambda:region:account:function:podferry-preview";

/// Show what Datadog would receive for an event, without sending it
///
/// Takes the event that the function is invoked with ({"awslogs":{"data":"…"}}), or its decoded content
/// ({"messageType":"DATA_MESSAGE",…}). The forwarder's environment variables (DD_TAGS, DD_ENV, …) apply.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  podferry preview event.json
  DD_ENV=prod podferry preview event.json --logs 5
  podferry preview event.json -o json --explain | jq '.logs[] | select(.shipped | not)'")]
pub(super) struct PreviewOptions {
    /// File with the event; `-` for standard input.
    #[arg(value_name = "EVENT.json")]
    file: PathBuf,
    #[command(flatten)]
    output: OutputFlag,
    /// With `--output json`: list what happened to every log, including dropped ones, and why.
    #[arg(long)]
    explain: bool,
    /// Number of logs to show in full [default: 1].
    #[arg(long, value_name = "NUMBER")]
    logs: Option<usize>,
}

impl PreviewOptions {
    pub(super) fn run(self) -> Result<Exit, CommandError> {
        let as_json = self.output.is_json();
        if self.explain && !as_json {
            return Err(CommandError::refused("--explain: needs --output json"));
        }
        if self.logs.is_some() && as_json {
            return Err(CommandError::refused("--logs: cannot be used with --output json, which prints all logs"));
        }
        preview(&self.file, as_json, self.explain, self.logs.unwrap_or(1))?;
        Ok(Exit::Done)
    }
}

fn preview(file: &Path, as_json: bool, explain: bool, logs: usize) -> Result<(), CommandError> {
    let path = named(file);
    let bytes = read(file)?;
    let settings = PipelineSettings { compression: Compression::None, ..Settings::read_pipeline(&Environment)? };
    let processed = process(&bytes, &settings).map_err(|error| match error {
        EventError::NotJson | EventError::Unknown => CommandError::NotAnEvent { path: path.clone(), hint: HINT },
        error => CommandError::Event { path: path.clone(), error },
    })?;
    let items = show::items(&processed)?;
    if as_json && explain {
        let outcomes = show::outcomes_json(&processed.outcomes, &items);
        return Ok(show::json(&json!({ "counts": processed.counts, "logs": outcomes }))?);
    }
    if as_json {
        return Ok(show::json(&Value::Array(items))?);
    }
    let mut out = anstream::stdout().lock();
    summary(&mut out, &processed, &items)?;
    show::rules(&mut out, &processed.outcomes)?;
    show::outcomes(&mut out, processed.outcomes.get(..logs).unwrap_or(&processed.outcomes), &items, Detail::Whole)?;
    let all = processed.outcomes.len();
    if all > logs {
        writeln!(out, "\n{} in all; show them with --logs {all} or --output json.", counted(all, "log"))?;
    }
    Ok(())
}

/// An event, or the content of one.
fn process(bytes: &[u8], settings: &PipelineSettings) -> Result<Processed, EventError> {
    let text = std::str::from_utf8(bytes).map_err(|_| EventError::NotJson)?;
    // As it was sent when it was new: a captured event is looked at days later, and what it shows must not depend on when.
    let now_ms = None;
    let mut is_content = false;
    let _ = pipeline::json::each_member(text, |key, _| is_content |= key == "logEvents" || key == "messageType");
    if is_content {
        return pipeline::explain_content(text, NO_FUNCTION, settings, now_ms);
    }
    pipeline::explain_content(&pipeline::content(bytes, settings)?, NO_FUNCTION, settings, now_ms)
}

fn summary(out: &mut impl Write, processed: &Processed, items: &[Value]) -> Result<(), CommandError> {
    if processed.control {
        return Ok(writeln!(
            out,
            "This is a control message: CloudWatch Logs checks that the function answers. It carries no logs."
        )?);
    }
    let counts = processed.counts;
    let plain: usize = processed.payloads.iter().map(|payload| payload.plain_bytes).sum();
    writeln!(
        out,
        "{} would become {} in {} of {plain} bytes before compression. Nothing was sent.\n",
        counted(counts.events, "event"),
        counted(counts.logs, "log"),
        counted(processed.payloads.len(), "request"),
    )?;
    show::counts(out, &counts)?;
    let now_ms = jiff::Timestamp::now().as_millisecond();
    for (why, what, tag) in [
        (OutOfRange::Late, "Too old for Datadog (18 hours)", "late:true"),
        (OutOfRange::Early, "Too far in the future for Datadog (2 hours)", "early:true"),
    ] {
        let found = items.iter().filter(|item| out_of_range(item["timestamp"].as_i64(), now_ms) == Some(why)).count();
        if found > 0 {
            writeln!(
                out,
                "\n{what}: {}. Sent now, each would have another time, its own in `original_timestamp`, and the tag `{tag}`.\n",
                counted(found, "log")
            )?;
        }
    }
    // Who wrote, and how much: one row a container.
    let mut containers: Vec<(String, usize)> = Vec::new();
    for item in items {
        let name =
            format!("{}/{}/{}", tag(item, "kube_namespace"), tag(item, "pod_name"), tag(item, "kube_container_name"));
        match containers.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => containers.push((name, 1)),
        }
    }
    let rows: Vec<Vec<String>> = containers.into_iter().map(|(name, count)| vec![name, count.to_string()]).collect();
    if !rows.is_empty() {
        show::table(out, &["namespace/pod/container", "logs"], &rows)?;
    }
    Ok(())
}
