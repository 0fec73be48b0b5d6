//! `podferry preview`: what Datadog would get of an event file, sending nothing.

use std::io::{Read, Write};
use std::path::Path;

use serde_json::Value;

use super::demo::tag;
use super::{CommandError, show};
use crate::pipeline::compress::Compression;
use crate::pipeline::event::EventError;
use crate::pipeline::{self, PipelineSettings, Processed, json};
use crate::settings::{Environment, Settings};

const HINT: &str = "this is no event of CloudWatch Logs. Give the event of the function ({\"awslogs\":{\"data\":\"…\"}}), or its \
                    content once decoded ({\"messageType\":\"DATA_MESSAGE\",…,\"logEvents\":[…]})";

/// The ARN that a log bears when no function made it.
const NO_FUNCTION: &str = "arn:aws:lambda:region:account:function:podferry-preview";

pub(super) fn run(file: &Path, as_json: bool, logs: usize) -> Result<(), CommandError> {
    let path = file.display().to_string();
    let bytes = read(file).map_err(|error| CommandError::File { path: path.clone(), error })?;
    let settings = PipelineSettings { compression: Compression::None, ..Settings::read_pipeline(&Environment)? };
    let processed = process(&bytes, &settings).map_err(|error| match error {
        EventError::NotJson | EventError::Unknown => CommandError::NotAnEvent { path: path.clone(), hint: HINT },
        error => CommandError::Event { path: path.clone(), error },
    })?;
    let mut items: Vec<Value> = Vec::new();
    for payload in &processed.payloads {
        let plain = payload.plain().unwrap_or_default();
        let parsed: Vec<Value> = serde_json::from_slice(&plain)
            .map_err(|error| CommandError::Internal(format!("a payload is no JSON: {error}")))?;
        items.extend(parsed);
    }
    if as_json {
        return Ok(show::json(&Value::Array(items))?);
    }
    let mut out = anstream::stdout().lock();
    summary(&mut out, &processed, &items)?;
    for (number, item) in items.iter().take(logs).enumerate() {
        show::title(&mut out, &format!("log {} of {}", number + 1, items.len()))?;
        show::log(&mut out, item)?;
    }
    if items.len() > logs {
        writeln!(
            out,
            "\n{} in all; show them with --logs {} or --json.",
            show::counted(items.len(), "log"),
            items.len()
        )?;
    }
    Ok(())
}

fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    std::fs::read(file)
}

/// An event, or the content of one.
fn process(bytes: &[u8], settings: &PipelineSettings) -> Result<Processed, EventError> {
    let text = std::str::from_utf8(bytes).map_err(|_| EventError::NotJson)?;
    let mut is_content = false;
    let _ = json::each_member(text, |key, _| is_content |= key == "logEvents" || key == "messageType");
    if is_content {
        return pipeline::process_content(text, NO_FUNCTION, settings);
    }
    pipeline::process(bytes, NO_FUNCTION, settings)
}

fn summary(out: &mut impl Write, processed: &Processed, items: &[Value]) -> Result<(), CommandError> {
    if processed.control {
        return Ok(writeln!(
            out,
            "A control message: CloudWatch Logs checks that the function answers. It carries no logs."
        )?);
    }
    let counts = processed.counts;
    let plain: usize = processed.payloads.iter().map(|payload| payload.plain_bytes).sum();
    writeln!(
        out,
        "{} would become {} in {} of {plain} bytes before compression. Nothing was sent.\n",
        show::counted(counts.events, "event"),
        show::counted(counts.logs, "log"),
        show::counted(processed.payloads.len(), "request"),
    )?;
    let numbers = [counts.events, counts.logs, counts.blank, counts.joined, counts.partial, counts.truncated];
    show::table(
        out,
        &["events", "logs", "blank", "joined", "partial", "truncated"],
        &[numbers.map(|number| number.to_string()).to_vec()],
    )?;
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
