//! `podferry demo`: the bundled sample events through the code of the Lambda, to an intake on loopback.

use std::collections::HashMap;
use std::io::Write;
use std::time::Instant;

use bytes::Bytes;
use serde_json::Value;

use super::{CommandError, show};
use crate::lambda::handler::{Delivered, Handler, Invocation};
use crate::pipeline::decode::{self, Message};
use crate::pipeline::event::{self, Event};
use crate::pipeline::{DEFAULT_MAX_DECOMPRESSED_BYTES, json};
use crate::settings::Settings;
use crate::stand_in::StandIn;

/// A sample: how the ConfigMap was, and the event as CloudWatch Logs hands it over. Real Fluent Bit wrote them.
struct Sample {
    config_map: &'static str,
    event: &'static [u8],
}

macro_rules! sample {
    ($config_map:literal, $file:literal) => {
        Sample { config_map: $config_map, event: include_bytes!(concat!("../../tests/fixtures/corpus/", $file)) }
    };
}

const SAMPLES: [Sample; 5] = [
    sample!("no filters", "bare/checkout-app.event.json"),
    sample!("Merge_Log On", "parsed/web-nginx.event.json"),
    sample!("Merge_Log Off", "kept/api-api.event.json"),
    sample!("Merge_Log On", "parsed/report-report.event.json"),
    sample!("log_key", "logkey/coredns-coredns.event.json"),
];

/// What became of a sample.
struct Shown {
    config_map: &'static str,
    delivered: Delivered,
    event_bytes: usize,
    /// The message as CloudWatch held it.
    before: String,
    log: Value,
}

pub(super) async fn run(as_json: bool) -> Result<(), CommandError> {
    let intake = StandIn::start().await.map_err(|error| CommandError::Internal(error.to_string()))?;
    let settings: HashMap<String, String> =
        [("DD_URL", intake.url()), ("DD_API_KEY", "demo".to_owned()), ("DD_CLUSTER_NAME", "prod-eu".to_owned())]
            .map(|(name, value)| (name.to_owned(), value))
            .into();
    let handler =
        Handler::new(Settings::read(&settings)?).map_err(|error| CommandError::Internal(error.to_string()))?;
    let invocation = Invocation {
        function_arn: "arn:aws:lambda:eu-west-1:111122223333:function:podferry".to_owned(),
        ..Invocation::default()
    };

    let started = Instant::now();
    let mut shown = Vec::new();
    for sample in SAMPLES {
        let before = intake.accepted().len();
        let delivered = handler.handle(Bytes::from_static(sample.event), &invocation).await?;
        let log = intake.accepted().into_iter().nth(before).unwrap_or_default();
        let (config_map, event_bytes) = (sample.config_map, sample.event.len());
        shown.push(Shown { config_map, delivered, event_bytes, before: first_message(sample.event), log });
    }
    let took = started.elapsed();
    let arrivals = intake.arrivals();

    if as_json {
        let samples: Vec<Value> = shown
            .iter()
            .map(
                |shown| serde_json::json!({ "config_map": shown.config_map, "delivered": shown.delivered, "first_log": shown.log }),
            )
            .collect();
        let all =
            serde_json::json!({ "samples": samples, "requests": arrivals.len(), "logs": intake.accepted().len() });
        return Ok(show::json(&all)?);
    }
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{} sample events went through the forwarder to an intake at {} in {:.1} ms.\nNothing left this machine.\n",
        shown.len(),
        intake.url(),
        took.as_secs_f64() * 1000.0
    )?;
    show::table(
        &mut out,
        &["ConfigMap", "container", "events", "logs", "blank", "joined", "requests", "event bytes", "bytes sent"],
        &rows(&shown),
    )?;
    for shown in &shown {
        show::title(
            &mut out,
            &format!("{} ({}): its first log in Datadog", tag(&shown.log, "pod_name"), shown.config_map),
        )?;
        show::part(&mut out, "CloudWatch", &shown.before)?;
        show::log(&mut out, &shown.log)?;
    }
    writeln!(out, "\nNext: `podferry preview EVENT.json` shows the same of an event of yours.")?;
    Ok(())
}

/// The first message of an event; empty should the event be no event.
fn first_message(event: &[u8]) -> String {
    let Ok(Event::AwsLogs { data }) = event::recognise(event) else { return String::new() };
    let content = decode::inflate(&data, DEFAULT_MAX_DECOMPRESSED_BYTES).map(decode::text).unwrap_or_default();
    let batch = decode::read(&content).unwrap_or_default();
    let mut text = String::new();
    if let Some(Message::Escaped(escaped)) = batch.events.first().map(|event| event.message) {
        json::unescape_into(escaped, &mut text);
    }
    show::shortened(&text, 300)
}

fn rows(shown: &[Shown]) -> Vec<Vec<String>> {
    let row = |shown: &Shown| {
        let Delivered { counts, requests, bytes, .. } = shown.delivered;
        let container = format!("{}/{}", tag(&shown.log, "kube_namespace"), tag(&shown.log, "kube_container_name"));
        let mut row = vec![shown.config_map.to_owned(), container];
        let numbers = [counts.events, counts.logs, counts.blank, counts.joined, requests, shown.event_bytes, bytes];
        row.extend(numbers.map(|number| number.to_string()));
        row
    };
    shown.iter().map(row).collect()
}

/// The value of a tag of a log.
pub(super) fn tag(log: &Value, name: &str) -> String {
    let tags = log["ddtags"].as_str().unwrap_or_default().split(',');
    let found = tags.filter_map(|tag| tag.split_once(':')).find(|(key, _)| *key == name);
    found.map_or("–", |(_, value)| value).to_owned()
}
