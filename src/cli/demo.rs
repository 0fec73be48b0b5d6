//! `podferry demo`: the bundled sample events through the code of the Lambda, to an intake on loopback.
//!
//! The samples keep their days, and Datadog takes logs of the last hours only. So their times are moved to now, as if the
//! pods ran at this moment: those that CloudWatch and the container runtime wrote, and nothing that an application wrote.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use clap::Args;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::{SignedDuration, Timestamp};
use regex::{Captures, Regex};
use serde_json::{Value, json};

use super::block_on::block_on;
use super::error::CommandError;
use super::exit::Exit;
use super::output::OutputFlag;
use super::show;
use forwarder::lambda::handler::Handler;
use forwarder::lambda::invocation::{Delivered, Invocation};
use forwarder::settings::Settings;
use intake::StandIn;
use pipeline::decode::{self, EventMessage};
use pipeline::event::{self, InvocationEvent};
use pipeline::{DEFAULT_MAX_DECOMPRESSED_BYTES, inflate, json as members};

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
struct DemoSample {
    config_map: &'static str,
    delivered: Delivered,
    event_bytes: usize,
    /// The message as CloudWatch held it.
    before: String,
    log: Value,
}

/// Send bundled sample events through the forwarder and show what arrives
///
/// Runs the same code as the Lambda, against an intake on the loopback interface. Nothing leaves this machine, and your environment
/// variables are not read.
#[derive(Debug, Args)]
pub(super) struct DemoOptions {
    #[command(flatten)]
    output: OutputFlag,
}

impl DemoOptions {
    pub(super) fn run(self) -> Result<Exit, CommandError> {
        block_on(demonstrate(self.output.is_json()))
    }
}

async fn demonstrate(as_json: bool) -> Result<Exit, CommandError> {
    let intake = StandIn::start().await.map_err(CommandError::internal)?;
    let settings: HashMap<String, String> =
        [("DD_URL", intake.url()), ("DD_API_KEY", "demo".to_owned()), ("DD_CLUSTER_NAME", "prod-eu".to_owned())]
            .map(|(name, value)| (name.to_owned(), value))
            .into();
    let handler = Handler::new(Settings::read(&settings)?).map_err(CommandError::internal)?;
    let invocation = Invocation {
        function_arn: "arn:aws:lambda:eu-west-1:111122223333:function:podferry".to_owned(),
        ..Invocation::default()
    };

    let started = Instant::now();
    let mut shown = Vec::new();
    for sample in SAMPLES {
        let before = intake.accepted().len();
        let event =
            moved(sample.event, Timestamp::now()).ok_or_else(|| CommandError::internal("a sample is not an event"))?;
        let (config_map, event_bytes, message) = (sample.config_map, event.len(), first_message(&event));
        let delivered = handler.handle(Bytes::from(event), &invocation).await?;
        let log = intake.accepted().into_iter().nth(before).unwrap_or_default();
        shown.push(DemoSample { config_map, delivered, event_bytes, before: message, log });
    }
    let took = started.elapsed();
    let arrivals = intake.arrivals();

    if as_json {
        let samples: Vec<Value> = shown
            .iter()
            .map(
                |shown| json!({ "config_map": shown.config_map, "delivered": shown.delivered, "first_log": shown.log }),
            )
            .collect();
        let all = json!({ "samples": samples, "requests": arrivals.len(), "logs": intake.accepted().len() });
        show::json(&all)?;
        return Ok(Exit::Done);
    }
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "Sent {} sample events through the forwarder to an intake at {} in {:.1} ms.\nTheir timestamps were moved to now. Nothing left this machine.\n",
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
            &format!("{} ({}): the first log in Datadog", tag(&shown.log, "pod_name"), shown.config_map),
        )?;
        show::part(&mut out, "CloudWatch", &shown.before)?;
        show::log(&mut out, &shown.log)?;
    }
    writeln!(out, "\nNext: run `podferry preview EVENT.json` with an event of your own.")?;
    Ok(Exit::Done)
}

/// What is inside an event; empty should the event be no event.
fn content(event: &[u8]) -> Cow<'static, str> {
    let Ok(InvocationEvent::AwsLogs { data }) = event::recognise(event) else { return Cow::default() };
    inflate::inflate(&data, DEFAULT_MAX_DECOMPRESSED_BYTES).map(inflate::text).unwrap_or_default().into()
}

/// The event with its newest log at `now`, and the others as long before that as they were. `None` should it be no event.
fn moved(event: &[u8], now: Timestamp) -> Option<Vec<u8>> {
    let content = content(event);
    let of_cloudwatch = Regex::new(r#""timestamp": ?([0-9]{13})"#).ok()?;
    // As containerd writes it, before a line or in the member that Fluent Bit's parser makes of it.
    let of_runtime = Regex::new(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{1,9}Z").ok()?;
    let milliseconds = |found: &Captures| found[1].parse::<i64>().unwrap_or_default();
    let newest = of_cloudwatch.captures_iter(&content).map(|found| milliseconds(&found)).max()?;
    let by = now.as_millisecond() - newest;
    let content =
        of_cloudwatch.replace_all(&content, |found: &Captures| format!("\"timestamp\":{}", milliseconds(found) + by));
    let content = of_runtime.replace_all(&content, |found: &Captures| {
        let time = found[0].parse::<Timestamp>().and_then(|time| time.checked_add(SignedDuration::from_millis(by)));
        time.map_or_else(|_| found[0].to_owned(), |time| time.to_string())
    });
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content.as_bytes()).ok()?;
    let data = STANDARD.encode(encoder.finish().ok()?);
    Some(json!({ "awslogs": { "data": data } }).to_string().into_bytes())
}

/// The first message of an event; empty should the event be no event.
fn first_message(event: &[u8]) -> String {
    let content = content(event);
    let batch = decode::read(&content).unwrap_or_default();
    let mut text = String::new();
    if let Some(EventMessage::Escaped(escaped)) = batch.events.first().map(|event| event.message) {
        members::unescape_into(escaped, &mut text);
    }
    show::shortened(&text, 300)
}

fn rows(shown: &[DemoSample]) -> Vec<Vec<String>> {
    let row = |shown: &DemoSample| {
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
