//! How logs and what became of them look in a terminal: counts, rules, and a log part by part.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::error::CommandError;
use super::show::{part, shortened, table, title};
use pipeline::rules::{RuleEffect, Withheld};
use pipeline::tags::tag_set::TagOrigin;
use pipeline::{LogCounts, LogOutcome, Processed, StatusSource};

/// The value of a tag of a log.
pub(super) fn tag(log: &Value, name: &str) -> String {
    let tags = log["ddtags"].as_str().unwrap_or_default().split(',');
    let found = tags.filter_map(|tag| tag.split_once(':')).find(|(key, _)| *key == name);
    found.map_or("–", |(_, value)| value).to_owned()
}

/// The logs of what was processed, as they would be sent.
pub(super) fn items(processed: &Processed) -> Result<Vec<Value>, CommandError> {
    let mut items: Vec<Value> = Vec::new();
    for payload in &processed.payloads {
        let plain = payload.plain().unwrap_or_default();
        let parsed: Vec<Value> = serde_json::from_slice(&plain)
            .map_err(|error| CommandError::Internal(format!("a payload is not valid JSON: {error}")))?;
        items.extend(parsed);
    }
    Ok(items)
}

/// What became of the events, in numbers. What did not happen is left out.
pub(super) fn counts(out: &mut impl Write, counts: &LogCounts) -> io::Result<()> {
    let always = ["events", "logs"];
    let columns = [
        ("events", counts.events),
        ("logs", counts.logs),
        ("blank", counts.blank),
        ("joined", counts.joined),
        ("unjoined", counts.unjoined),
        ("excluded", counts.excluded),
        ("sampled", counts.sampled),
        ("masked", counts.masked),
        ("withheld", counts.withheld),
        ("partial", counts.partial),
        ("truncated", counts.truncated),
        ("duplicate", counts.duplicate),
        ("late", counts.late),
        ("early", counts.early),
        ("metadata", counts.metadata),
    ];
    let listed: Vec<(&str, usize)> =
        columns.into_iter().filter(|(name, number)| *number > 0 || always.contains(name)).collect();
    let heading: Vec<&str> = listed.iter().map(|(name, _)| *name).collect();
    table(out, &heading, &[listed.iter().map(|(_, number)| number.to_string()).collect()])
}

/// What rules did, a row each; nothing if they did nothing.
pub(super) fn rules(out: &mut impl Write, outcomes: &[LogOutcome]) -> io::Result<()> {
    let mut rows: Vec<(String, [usize; 3])> = Vec::new();
    let mut add = |name: &str, column: usize| {
        let at = rows.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            rows.push((name.to_owned(), [0; 3]));
            rows.len() - 1
        });
        rows[at].1[column] += 1;
    };
    for outcome in outcomes {
        outcome.joined_by.iter().for_each(|name| add(name, 2));
        outcome.left_out.iter().for_each(|name| add(name, 0));
        for applied in &outcome.applied {
            add(&applied.rule, usize::from(applied.effect != RuleEffect::Excluded));
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    let row = |(name, numbers): (String, [usize; 3])| {
        std::iter::once(name).chain(numbers.map(|number| number.to_string())).collect::<Vec<_>>()
    };
    let rows: Vec<Vec<String>> = rows.into_iter().map(row).collect();
    table(out, &["rule", "left out", "masked", "joined"], &rows)
}

/// How much of a log to show.
#[derive(Debug, Clone, Copy)]
pub(super) enum Detail {
    Whole,
    Message,
}

/// What became of each log; `items` are those that are shipped, in the same order. The text of others is not shown: no
/// rule may have masked it.
pub(super) fn outcomes(
    out: &mut impl Write,
    outcomes: &[LogOutcome],
    items: &[Value],
    detail: Detail,
) -> io::Result<()> {
    let mut items = items.iter();
    for (number, outcome) in outcomes.iter().enumerate() {
        title(out, &format!("log {}", number + 1))?;
        part(out, "rules", &outcome_text(outcome))?;
        match (items.next_if_shipped(outcome), detail) {
            (Some(item), Detail::Whole) => log_with(out, item, Some(outcome))?,
            (Some(item), Detail::Message) => message(out, item)?,
            (None, _) => {}
        }
    }
    Ok(())
}

/// The same for programs.
pub(super) fn outcomes_json(outcomes: &[LogOutcome], items: &[Value]) -> Vec<Value> {
    let mut items = items.iter();
    let one = |outcome: &LogOutcome| {
        let rules: Vec<Value> = outcome
            .applied
            .iter()
            .map(|applied| {
                let (effect, why) = match applied.effect {
                    RuleEffect::Excluded => ("excluded", None),
                    RuleEffect::Masked => ("masked", None),
                    RuleEffect::Withheld(Withheld::MaskBroken) => ("withheld", Some("does not work")),
                    RuleEffect::Withheld(Withheld::TooMuchWork) => ("withheld", Some("took too much work")),
                };
                match why {
                    None => json!({ "rule": applied.rule, "effect": effect }),
                    Some(why) => json!({ "rule": applied.rule, "effect": effect, "why": why }),
                }
            })
            .collect();
        let log = items.next_if_shipped(outcome);
        let tags: Option<Map<String, Value>> = log.map(|log| {
            let tags = tags_from(log, outcome).into_iter();
            tags.map(|(tag, origin)| (tag.to_owned(), Value::from(origin.to_string()))).collect()
        });
        json!({
            "id": outcome.id, "shipped": outcome.shipped, "lines": outcome.lines, "joined_by": outcome.joined_by, "rules": rules,
            "left_out_by": outcome.left_out, "status_from": outcome.status_from.map(|from| from.to_string()), "tags_from": tags, "log": log,
        })
    };
    outcomes.iter().map(one).collect()
}

trait NextIfShipped<'v> {
    /// The log that an outcome tells of, if it was shipped.
    fn next_if_shipped(&mut self, outcome: &LogOutcome) -> Option<&'v Value>;
}

impl<'v> NextIfShipped<'v> for std::slice::Iter<'v, Value> {
    fn next_if_shipped(&mut self, outcome: &LogOutcome) -> Option<&'v Value> {
        if outcome.shipped { self.next() } else { None }
    }
}

/// `joined from 5 lines by auto multi-line; masked by token; kept`.
pub(super) fn outcome_text(outcome: &LogOutcome) -> String {
    let mut parts = Vec::new();
    if let Some(rule) = &outcome.joined_by {
        parts.push(format!("joined from {} lines by {rule}", outcome.lines));
    }
    for applied in &outcome.applied {
        parts.push(match applied.effect {
            RuleEffect::Excluded => format!("excluded by {}", applied.rule),
            RuleEffect::Masked => format!("masked by {}", applied.rule),
            RuleEffect::Withheld(Withheld::MaskBroken) => format!("withheld: {} does not work", applied.rule),
            RuleEffect::Withheld(Withheld::TooMuchWork) => format!("withheld: {} took too much work", applied.rule),
        });
    }
    parts.extend(outcome.left_out.as_ref().map(|why| format!("left out by {why}")));
    if outcome.shipped {
        parts.push("kept".to_owned());
    }
    parts.join("; ")
}

/// One log of Datadog's, part by part.
pub(super) fn log(out: &mut impl Write, log: &Value) -> io::Result<()> {
    log_with(out, log, None)
}

/// The same, and what its status and its tags come from, where that is known.
pub(super) fn log_with(out: &mut impl Write, log: &Value, outcome: Option<&LogOutcome>) -> io::Result<()> {
    let status_from = outcome.and_then(|outcome| outcome.status_from);
    let text = |name: &str| log[name].as_str().unwrap_or("–").to_owned();
    let time = log["timestamp"].as_i64().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    message(out, log)?;
    part(out, "time", &time.map_or_else(|| "–".to_owned(), |time| time.to_string()))?;
    let status = log["status"].as_str().unwrap_or("(set by Datadog, from the log)");
    part(out, "status", &status_from.map_or_else(|| status.to_owned(), |from| status_text(status, log, from)))?;
    part(out, "source", &text("ddsource"))?;
    part(out, "service", &text("service"))?;
    if let Some(hostname) = log["hostname"].as_str() {
        part(out, "hostname", hostname)?;
    }
    if !log["fluent_bit"].is_null() {
        part(out, "fluent_bit", &log["fluent_bit"].to_string())?;
    }
    match outcome {
        None => part(out, "tags", &text("ddtags").replace(',', " ")),
        Some(outcome) => part(out, "tags", &tags_by_origin(&tags_from(log, outcome))),
    }
}

/// The tags of a log, and what each was taken from: marks of a single log are podferry's own.
pub(super) fn tags_from<'l>(log: &'l Value, outcome: &LogOutcome) -> Vec<(&'l str, TagOrigin)> {
    let tags = log["ddtags"].as_str().unwrap_or_default().split(',').filter(|tag| !tag.is_empty());
    let origin = |tag: &str| outcome.tags.iter().find(|(known, _)| known == tag).map(|(_, origin)| *origin);
    tags.map(|tag| (tag, origin(tag).unwrap_or_default())).collect()
}

/// A line for each that tags were taken from, in their order: `pod label: env:prod version:1.4.2`.
fn tags_by_origin(tags: &[(&str, TagOrigin)]) -> String {
    let mut lines: Vec<(TagOrigin, String)> = Vec::new();
    for (tag, origin) in tags {
        match lines.iter_mut().find(|(known, _)| known == origin) {
            Some((_, line)) => *line += &format!(" {tag}"),
            None => lines.push((*origin, format!("{origin}: {tag}"))),
        }
    }
    lines.into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("\n")
}

/// `error, by stderr`.
fn status_text(status: &str, log: &Value, from: StatusSource) -> String {
    match (log["status"].as_str(), from) {
        (None, StatusSource::Nothing) => "(none is sent: it is not known)".to_owned(),
        (None, from) => format!("(set by Datadog, from {from})"),
        (Some(_), from) => format!("{status}, by {from}"),
    }
}

fn message(out: &mut impl Write, log: &Value) -> io::Result<()> {
    part(out, "message", &shortened(log["message"].as_str().unwrap_or("–"), 600))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_happen_is_left_out() {
        let shown = |counts: LogCounts| {
            let mut out = Vec::new();
            super::counts(&mut out, &counts).unwrap();
            let text = String::from_utf8(out).unwrap();
            ["unjoined", "withheld", "logs"].map(|name| text.contains(name))
        };
        assert_eq!(shown(LogCounts::default()), [false, false, true]);
        assert_eq!(shown(LogCounts { unjoined: 1, ..LogCounts::default() }), [true, false, true]);
        assert_eq!(shown(LogCounts { withheld: 1, ..LogCounts::default() }), [false, true, true]);
    }

    #[test]
    fn what_is_withheld_is_shown_with_the_reason() {
        for (withheld, why) in [(Withheld::MaskBroken, "does not work"), (Withheld::TooMuchWork, "took too much work")]
        {
            let applied =
                vec![pipeline::rules::AppliedRule { rule: "r".to_owned(), effect: RuleEffect::Withheld(withheld) }];
            let id = "1".to_owned();
            let outcome = LogOutcome {
                id,
                events: (0, 0),
                lines: 1,
                joined_by: None,
                applied,
                left_out: None,
                shipped: true,
                status_from: None,
                status: None,
                tags: Vec::new(),
            };
            assert_eq!(outcome_text(&outcome), format!("withheld: r {why}; kept"));
            let shown = outcomes_json(&[outcome], &[json!({})]);
            assert_eq!(shown[0]["rules"], json!([{ "rule": "r", "effect": "withheld", "why": why }]));
        }
    }
}
