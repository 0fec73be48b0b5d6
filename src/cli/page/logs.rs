//! Logs as the page shows them: each with the records that it came from, where each tag is from, and the rules that hit.

use serde_json::Value;

use crate::cli::error::CommandError;
use crate::cli::shown_logs;
use page::{LogRecord, RecordSide, RuleHit, ShownLog, ShownTag};
use pipeline::decode::{self, Batch, EventMessage};
use pipeline::record_parts::{self, RecordParts};
use pipeline::rules::RuleEffect;
use pipeline::{LogOutcome, Processed, json as members};

/// How many records of a log are looked for. A trace has some hundred lines; what follows is counted as others.
const MOST_RECORDS: usize = 1_000;

/// A log of which nothing but itself is known, for the reason `why`.
pub(crate) fn of_item(item: Value, why: &'static str) -> ShownLog {
    let tags = text(&item, "ddtags").unwrap_or_default();
    let tags = tags.split(',').filter(|tag| !tag.is_empty());
    let tags = tags.map(|tag| ShownTag { tag: tag.to_owned(), origin: None }).collect();
    ShownLog { tags, record: RecordSide::Unknown(why), ..shown(item) }
}

/// The logs of one content, as CloudWatch Logs sends it, and what became of it; left out ones too.
pub(crate) fn of_content(content: &str, processed: &Processed) -> Result<Vec<ShownLog>, CommandError> {
    let batch = decode::read(content).map_err(CommandError::internal)?;
    let records = Records::new(&batch, &processed.outcomes);
    let mut items = shown_logs::items(processed)?.into_iter();
    let mut all = Vec::with_capacity(processed.outcomes.len());
    for outcome in &processed.outcomes {
        let places = records.places(outcome);
        let mut log = if outcome.shipped { shown(items.next().unwrap_or_default()) } else { records.left_out(&places) };
        let origins = |(tag, origin): (&str, _)| ShownTag { tag: tag.to_owned(), origin: Some(format!("{origin}")) };
        log.tags = match &log.log {
            Some(item) => shown_logs::tags_from(item, outcome).into_iter().map(origins).collect(),
            None => outcome.tags.iter().map(|(tag, origin)| origins((tag.as_str(), *origin))).collect(),
        };
        log.status = outcome.status.map(str::to_owned);
        log.status_from = outcome.status_from.map(|from| from.to_string());
        log.rules = rules(outcome);
        log.left_out = reason(outcome);
        log.record = records.side(&places);
        all.push(log);
    }
    complete(&mut all, &processed.outcomes);
    Ok(all)
}

/// What a log that is sent says of itself.
fn shown(item: Value) -> ShownLog {
    ShownLog {
        message: text(&item, "message").unwrap_or_default().to_owned(),
        timestamp_ms: item["timestamp"].as_i64(),
        status: text(&item, "status").map(str::to_owned),
        service: text(&item, "service").map(str::to_owned),
        source: text(&item, "ddsource").map(str::to_owned),
        log: Some(item),
        ..ShownLog::default()
    }
}

fn text<'i>(item: &'i Value, name: &str) -> Option<&'i str> {
    item[name].as_str()
}

/// Service and source of logs that were left out, by those of the same container that were not.
fn complete(logs: &mut [ShownLog], outcomes: &[LogOutcome]) {
    let mut known: Vec<(usize, &LogOutcome)> = Vec::new();
    for (place, outcome) in outcomes.iter().enumerate().filter(|(_, outcome)| outcome.shipped) {
        if !known.iter().any(|(_, one)| one.tags == outcome.tags) {
            known.push((place, outcome));
        }
    }
    for (place, outcome) in outcomes.iter().enumerate().filter(|(_, outcome)| !outcome.shipped) {
        let Some((same, _)) = known.iter().find(|(_, one)| one.tags == outcome.tags) else { continue };
        let (service, source) = (logs[*same].service.clone(), logs[*same].source.clone());
        (logs[place].service, logs[place].source) = (service, source);
    }
}

fn rules(outcome: &LogOutcome) -> Vec<RuleHit> {
    let joined = outcome.joined_by.iter().map(|rule| RuleHit { rule: rule.clone(), effect: "joined" });
    let applied = outcome.applied.iter().map(|applied| RuleHit {
        rule: applied.rule.clone(),
        effect: match applied.effect {
            RuleEffect::Excluded => "excluded",
            RuleEffect::Masked => "masked",
            RuleEffect::Withheld(_) => "withheld",
        },
    });
    let left_out = outcome.left_out.iter().map(|rule| RuleHit { rule: rule.clone(), effect: "left out" });
    joined.chain(applied).chain(left_out).collect()
}

/// Why a log is not sent.
fn reason(outcome: &LogOutcome) -> Option<String> {
    let excluding = outcome.applied.iter().find(|applied| applied.effect == RuleEffect::Excluded);
    match (&outcome.left_out, excluding) {
        _ if outcome.shipped => None,
        (Some(why), _) => Some(why.clone()),
        (None, Some(applied)) => Some(format!("rule {}", applied.rule)),
        (None, None) => Some("a rule".to_owned()),
    }
}

/// The records of a content, to find those of a log.
struct Records<'a> {
    batch: &'a Batch<'a>,
    /// Of each event, whether a log begins or ends with it.
    is_end: Vec<bool>,
}

impl<'a> Records<'a> {
    fn new(batch: &'a Batch<'a>, outcomes: &[LogOutcome]) -> Records<'a> {
        let mut is_end = vec![false; batch.events.len()];
        for place in outcomes.iter().flat_map(|outcome| [outcome.events.0, outcome.events.1]) {
            if let Some(end) = is_end.get_mut(place) {
                *end = true;
            }
        }
        Records { batch, is_end }
    }

    /// The places of the events that a log came from: from its first to its last those that were written to the same output, and that are
    /// not the ends of other logs.
    fn places(&self, outcome: &LogOutcome) -> Vec<usize> {
        let (first, last) = outcome.events;
        if first == last {
            return vec![first];
        }
        let is_stderr = self.parts(first).is_stderr;
        let belongs = |place: &usize| {
            let is_own_end = *place == first || *place == last;
            let is_an_end = self.is_end.get(*place).is_some_and(|end| *end);
            let is_of_output = || {
                let parts = self.parts(*place);
                !parts.is_metadata && parts.is_stderr == is_stderr
            };
            is_own_end || (!is_an_end && is_of_output())
        };
        (first..=last).filter(belongs).take(MOST_RECORDS).collect()
    }

    fn parts(&self, place: usize) -> RecordParts {
        let timestamp = self.batch.events.get(place).and_then(|event| event.timestamp);
        record_parts::parts(&self.batch.log_group, &self.batch.log_stream, timestamp, &self.message(place))
    }

    fn message(&self, place: usize) -> String {
        let mut text = String::new();
        match self.batch.events.get(place).map(|event| event.message) {
            Some(EventMessage::Escaped(escaped)) => members::unescape_into(escaped, &mut text),
            Some(EventMessage::Raw(raw)) => text.push_str(raw),
            None => {}
        }
        text
    }

    /// A log that is not sent has no text but the one in its records.
    fn left_out(&self, places: &[usize]) -> ShownLog {
        let lines: Vec<String> = places.iter().map(|place| self.parts(*place).text).collect();
        let event = places.first().and_then(|first| self.batch.events.get(*first));
        ShownLog {
            message: lines.join("\n"),
            timestamp_ms: event.and_then(|event| event.timestamp),
            ..ShownLog::default()
        }
    }

    fn side(&self, places: &[usize]) -> RecordSide {
        let record = |place: &usize| {
            let event = self.batch.events.get(*place)?;
            Some(LogRecord { id: event.id.to_owned(), timestamp: event.timestamp, message: self.message(*place) })
        };
        RecordSide::Known {
            log_group: self.batch.log_group.to_string(),
            log_stream: self.batch.log_stream.to_string(),
            records: places.iter().filter_map(record).collect(),
        }
    }
}
