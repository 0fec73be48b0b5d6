//! What became of each line under one version of Fluent Bit, as values.

use std::collections::BTreeMap;

use jiff::Timestamp;
use manifests::lint::source::SourceFile;
use manifests::simulate::core::Core;
use manifests::simulate::invented::PodContainer;
use manifests::simulate::outputs::Sent;
use manifests::simulate::pods::Pods;
use manifests::simulate::router::{LogFile, StepAction};
use manifests::simulate::simulation::{ConfigurationTexts, Outcome, Simulation};
use manifests::simulate::starting::stopped;
use manifests::simulate::time::Time;
use serde_json::{Value, json};

use super::super::error::CommandError;
use super::super::shown_logs;
use pipeline::PipelineSettings;
use pipeline::known_metadata::KnownMetadata;

/// What CloudWatch Logs counts for an event beside its message, in bytes. Source: Amazon CloudWatch Logs API Reference, PutLogEvents.
const EVENT_OVERHEAD: usize = 26;

/// The ARN that a log has when no function made it.
const NO_FUNCTION: &str = "arn:aws:lambda:region:account:function:podferry-simulate";

/// What is sent on its way.
pub(super) struct Input {
    pub(super) container: PodContainer,
    pub(super) lines: Vec<Vec<u8>>,
    /// When the lines are read.
    pub(super) now: Timestamp,
}

/// What one version does.
pub(super) struct CoreReport {
    pub(super) core: Core,
    /// Why it does not run at all.
    pub(super) stopped: Option<String>,
    pub(super) lines: Vec<LineReport>,
}

/// What became of a line.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct LineReport {
    pub(super) fate: Fate,
    /// What filters did: `parser #1 changed it`.
    pub(super) steps: Vec<String>,
    pub(super) arrivals: Vec<ArrivalReport>,
}

/// How a line ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Fate {
    Delivered,
    #[default]
    Lost,
    Unknown,
}

impl Fate {
    pub(super) fn name(self) -> &'static str {
        match self {
            Fate::Delivered => "delivered",
            Fate::Lost => "lost",
            Fate::Unknown => "unknown",
        }
    }
}

/// What one output gets.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ArrivalReport {
    pub(super) output: String,
    pub(super) tag: String,
    pub(super) record: String,
    pub(super) sent: Vec<SentReport>,
}

/// What it makes of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum SentReport {
    Event(Box<EventReport>),
    /// A document of Elasticsearch with the line before it, or a record of Firehose.
    Document {
        text: String,
        bytes: usize,
    },
    /// Why nothing arrives, or why it is not known.
    Nothing {
        is_unknown: bool,
        reason: String,
    },
}

/// An event of CloudWatch Logs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct EventReport {
    pub(super) group: String,
    pub(super) stream: String,
    pub(super) message: String,
    /// In milliseconds since 1970.
    pub(super) timestamp: i64,
    /// With what CloudWatch counts for an event.
    pub(super) billed_bytes: usize,
    /// The log that Datadog gets; none where it is a part of another one, or is excluded.
    pub(super) datadog: Option<Value>,
}

/// Whether an event is a pod's metadata alone, as the preset `compact` writes it: a line has `log` or `stream` before it.
pub(super) fn is_metadata(event: &EventReport) -> bool {
    event.message.starts_with(r#"{"kubernetes":{"#)
}

impl CoreReport {
    /// The same with the function that belongs to the ConfigMap: where that writes records of metadata, the function reads them.
    pub(super) fn with_its_function(
        core: Core,
        manifest: &SourceFile,
        texts: &ConfigurationTexts,
        input: &Input,
        settings: &PipelineSettings,
    ) -> Result<CoreReport, CommandError> {
        let report = CoreReport::new(core, manifest, texts, input, settings)?;
        if settings.metadata_records.is_some() || !report.events().any(is_metadata) {
            return Ok(report);
        }
        let settings = PipelineSettings { metadata_records: Some(KnownMetadata::default()), ..settings.clone() };
        CoreReport::new(core, manifest, texts, input, &settings)
    }

    fn new(
        core: Core,
        manifest: &SourceFile,
        texts: &ConfigurationTexts,
        input: &Input,
        settings: &PipelineSettings,
    ) -> Result<CoreReport, CommandError> {
        let nothing = |reason: String| CoreReport { core, stopped: Some(reason), lines: Vec::new() };
        if let Some(stopped) = stopped(core, manifest) {
            return Ok(nothing(stopped.reason().to_owned()));
        }
        let simulation = match Simulation::new(core, texts) {
            Ok(simulation) => simulation,
            Err(reason) => return Ok(nothing(reason.to_string())),
        };
        let file = LogFile { tag: input.container.tag.clone(), lines: input.lines.clone() };
        let read_at = Time { seconds: input.now.as_second(), nanoseconds: i64::from(input.now.subsec_nanosecond()) };
        let outcome = simulation.run(&[file], &Pods::only([input.container.json.clone()]), read_at);
        if let Some(reason) = outcome.dies_of {
            return Ok(nothing(format!("Fluent Bit dies of {reason}")));
        }
        let filters: Vec<String> = simulation.filters().map(str::to_owned).collect();
        let outputs: Vec<String> = simulation.outputs().map(str::to_owned).collect();
        let mut lines = vec![LineReport::default(); input.lines.len()];
        steps(&outcome, &filters, &mut lines);
        arrivals(outcome, &outputs, read_at, &mut lines);
        datadog(&mut lines, settings)?;
        Ok(CoreReport { core, stopped: None, lines })
    }

    /// How many lines ended in some way.
    pub(super) fn count(&self, fate: Fate) -> usize {
        self.lines.iter().filter(|line| line.fate == fate).count()
    }

    /// The bytes that CloudWatch bills for all of them.
    pub(super) fn billed_bytes(&self) -> usize {
        self.events().map(|event| event.billed_bytes).sum()
    }

    pub(super) fn events(&self) -> impl Iterator<Item = &EventReport> {
        self.lines.iter().flat_map(LineReport::events)
    }
}

impl LineReport {
    fn events(&self) -> impl Iterator<Item = &EventReport> {
        self.arrivals.iter().flat_map(ArrivalReport::events)
    }
}

impl ArrivalReport {
    pub(super) fn events(&self) -> Vec<&EventReport> {
        let events = self.sent.iter().filter_map(|sent| match sent {
            SentReport::Event(event) => Some(&**event),
            SentReport::Document { .. } | SentReport::Nothing { .. } => None,
        });
        events.collect()
    }
}

fn steps(outcome: &Outcome, filters: &[String], lines: &mut [LineReport]) {
    for step in &outcome.steps {
        let Some(line) = lines.get_mut(step.line.line) else { continue };
        let by = match step.filter.and_then(|filter| Some((filter, filters.get(filter)?))) {
            Some((filter, name)) => format!("{name} #{}", filter + 1),
            None => "the router".to_owned(),
        };
        line.steps.push(match &step.action {
            StepAction::Changed => format!("{by} changed it"),
            StepAction::Dropped => format!("{by} dropped it"),
            StepAction::Throttled => format!("{by} drops it if all lines come at once"),
            StepAction::Endless => format!("{by} sends it round forever"),
            StepAction::Emitted { tag, keeps } => {
                let what = if *keeps { "a copy" } else { "it" };
                format!("{by} sends {what} on as {}", String::from_utf8_lossy(tag))
            }
            StepAction::Unknown(unknown) => {
                line.fate = Fate::Unknown;
                format!("{by}: unknown, {unknown}")
            }
        });
    }
}

fn arrivals(outcome: Outcome, outputs: &[String], read_at: Time, lines: &mut [LineReport]) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for delivery in outcome.deliveries {
        let Some(line) = lines.get_mut(delivery.line.line) else { continue };
        let timestamp = delivery.time.unwrap_or(read_at).milliseconds();
        let nothing = |reason: &str| SentReport::Nothing { is_unknown: false, reason: reason.to_owned() };
        let sent = |sent: Sent| match (sent.refused_name(), sent) {
            (Some(reason), _) | (None, Sent::Nothing(reason)) => nothing(reason),
            (None, Sent::Event { group, stream, message }) => SentReport::Event(Box::new(EventReport {
                group: text(&group),
                stream: text(&stream),
                billed_bytes: message.len() + EVENT_OVERHEAD,
                message: text(&message),
                timestamp,
                datadog: None,
            })),
            (None, Sent::Document(document)) => SentReport::Document { text: text(&document), bytes: document.len() },
            (None, Sent::Refused { .. }) => nothing("AWS refuses the call: its body is not JSON"),
            (None, Sent::Unknown(unknown)) => SentReport::Nothing { is_unknown: true, reason: unknown.to_string() },
        };
        let sent: Vec<SentReport> = delivery.sent.into_iter().map(sent).collect();
        for sent in &sent {
            line.fate = match (sent, line.fate) {
                (SentReport::Event(_) | SentReport::Document { .. }, _) => Fate::Delivered,
                (SentReport::Nothing { is_unknown: true, .. }, Fate::Lost) => Fate::Unknown,
                (SentReport::Nothing { .. }, fate) => fate,
            };
        }
        line.arrivals.push(ArrivalReport {
            output: outputs.get(delivery.output).cloned().unwrap_or_default(),
            tag: text(&delivery.tag),
            record: text(&delivery.record),
            sent,
        });
    }
}

/// What Datadog gets: each stream's events are an event of the function.
fn datadog(lines: &mut [LineReport], settings: &PipelineSettings) -> Result<(), CommandError> {
    let mut streams: BTreeMap<(String, String), Vec<&mut EventReport>> = BTreeMap::new();
    for line in lines {
        for sent in line.arrivals.iter_mut().flat_map(|arrival| &mut arrival.sent) {
            if let SentReport::Event(event) = sent {
                streams.entry((event.group.clone(), event.stream.clone())).or_default().push(event);
            }
        }
    }
    for ((group, stream), mut events) in streams {
        let log_event = |(number, event): (usize, &&mut EventReport)| json!({ "id": number.to_string(), "timestamp": event.timestamp, "message": event.message });
        let content = json!({
            "messageType": "DATA_MESSAGE",
            "owner": "111122223333",
            "logGroup": group,
            "logStream": stream,
            "subscriptionFilters": ["podferry"],
            "logEvents": events.iter().enumerate().map(log_event).collect::<Vec<Value>>(),
        });
        let processed = pipeline::explain_content(&content.to_string(), NO_FUNCTION, settings, None)
            .map_err(CommandError::internal)?;
        let items = shown_logs::items(&processed)?;
        for item in items {
            let number = item["id"].as_str().and_then(|id| id.parse::<usize>().ok());
            if let Some(event) = number.and_then(|number| events.get_mut(number)) {
                event.datadog = Some(item);
            }
        }
    }
    Ok(())
}

/// All of it for programs.
pub(super) fn json(input: &Input, reports: &[CoreReport]) -> Value {
    let line = |(number, line): (usize, &LineReport)| {
        json!({
            "line": number + 1,
            "text": input.lines.get(number).map(|text| String::from_utf8_lossy(text)),
            "fate": line.fate.name(),
            "steps": line.steps,
            "arrivals": line.arrivals.iter().map(arrival_json).collect::<Vec<Value>>(),
        })
    };
    let core = |report: &CoreReport| {
        json!({
            "core": report.core.version(),
            "runs": report.stopped.is_none(),
            "reason": report.stopped,
            "counts": {
                "lines": report.lines.len(),
                "delivered": report.count(Fate::Delivered),
                "lost": report.count(Fate::Lost),
                "unknown": report.count(Fate::Unknown),
                "billed_bytes": report.billed_bytes(),
            },
            "lines": report.lines.iter().enumerate().map(line).collect::<Vec<Value>>(),
        })
    };
    json!({ "tag": input.container.tag, "cores": reports.iter().map(core).collect::<Vec<Value>>() })
}

fn arrival_json(arrival: &ArrivalReport) -> Value {
    let sent = |sent: &SentReport| match sent {
        SentReport::Event(event) => json!({
            "group": event.group,
            "stream": event.stream,
            "timestamp": event.timestamp,
            "message": event.message,
            "billed_bytes": event.billed_bytes,
            "datadog": event.datadog,
        }),
        SentReport::Document { text, bytes } => json!({ "document": text, "document_bytes": bytes }),
        SentReport::Nothing { is_unknown, reason } => json!({ "unknown": is_unknown, "reason": reason }),
    };
    json!({
        "output": arrival.output,
        "tag": arrival.tag,
        "record": arrival.record,
        "sent": arrival.sent.iter().map(sent).collect::<Vec<Value>>(),
    })
}
