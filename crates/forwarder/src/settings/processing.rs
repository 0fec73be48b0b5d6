//! What is left out, masked, joined and sampled: the Agent's settings, those of Datadog's forwarder, and our own.
//!
//! The Agent's patterns are Go's, the forwarder's are Python's: each is compiled as the product that it comes from would.

use std::sync::Arc;

use super::reader::VariableReader;
use pipeline::processing::ProcessingSettings;
use pipeline::rules::container_filter::{ContainerFilter, FilterList};
use pipeline::rules::pattern::{Dialect, Pattern, Replacement};
use pipeline::rules::sample::Sampling;
use pipeline::rules::scrub::Scrubber;
use pipeline::rules::{MultiLine, ProcessingRule, RuleAction, RuleSet, parse};

/// What `REDACT_IP` and `REDACT_EMAIL` replace, and by what.
/// Source: DataDog/datadog-serverless-functions, `aws/logs_monitoring/settings.py`, `SCRUBBING_RULE_CONFIGS`.
const REDACT_IP: (&str, &str) = (r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}", "xxx.xxx.xxx.xxx");
const REDACT_EMAIL: (&str, &str) = (r"[a-zA-Z0-9_.+-]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9-.]+", "xxxxx@xxxxx.com");

pub(super) fn read(reader: &mut VariableReader) -> ProcessingSettings {
    refuse_additional_targets(reader);
    ProcessingSettings {
        first: Arc::new(first(reader)),
        last: Arc::new(last(reader)),
        containers: ContainerFilter {
            include: filter(reader, "DD_CONTAINER_INCLUDE_LOGS"),
            exclude: filter(reader, "DD_CONTAINER_EXCLUDE_LOGS"),
        },
        auto_multi_line: reader.flag_or("DD_LOGS_CONFIG_AUTO_MULTI_LINE_DETECTION", true),
        sampling: sampling(reader),
        status_from_text: reader.flag("PODFERRY_STATUS_FROM_TEXT"),
        forward_log: reader.flag_or("DD_FORWARD_LOG", true),
    }
}

/// The rules before the container's own. Datadog's forwarder filters what is not scrubbed yet, and exclusion wins.
fn first(reader: &mut VariableReader) -> RuleSet {
    let mut rules = Vec::new();
    for (name, action) in [
        ("EXCLUDE_AT_MATCH", RuleAction::Exclude as fn(Pattern) -> RuleAction),
        ("INCLUDE_AT_MATCH", RuleAction::Include as fn(Pattern) -> RuleAction),
    ] {
        rules.extend(
            python(reader, name).map(|pattern| ProcessingRule { name: name.to_owned(), action: action(pattern) }),
        );
    }
    let mut set = agent_rules(reader);
    rules.append(&mut set.rules);
    if let Some(text) = reader.exact("DD_MULTILINE_LOG_REGEX_PATTERN") {
        let name = "DD_MULTILINE_LOG_REGEX_PATTERN";
        match Pattern::anchored(&text, Dialect::Python) {
            Ok(_) if set.multi_line.is_some() => {
                reader
                    .mistake(name, "cannot be combined with a `multi_line` rule in `DD_LOGS_CONFIG_PROCESSING_RULES`");
            }
            Ok(pattern) => set.multi_line = Some(MultiLine { name: name.to_owned(), pattern }),
            Err(error) => reader.mistake(name, format!("does not compile: {error}")),
        }
    }
    RuleSet { rules, ..set }
}

fn agent_rules(reader: &mut VariableReader) -> RuleSet {
    const NAME: &str = "DD_LOGS_CONFIG_PROCESSING_RULES";
    let set = reader.get(NAME).map(|json| parse::text(&json)).unwrap_or_default();
    for error in &set.errors {
        reader.mistake(NAME, error.to_string());
    }
    set
}

/// The masks after the container's own, in the order of Datadog's forwarder; ours come last.
fn last(reader: &mut VariableReader) -> RuleSet {
    let mut rules = Vec::new();
    for (name, (pattern, placeholder)) in [("REDACT_IP", REDACT_IP), ("REDACT_EMAIL", REDACT_EMAIL)] {
        if reader.flag(name) {
            // They compile: a test holds them.
            rules.extend(
                Pattern::new(pattern, Dialect::Python).ok().and_then(|pattern| mask(name, pattern, placeholder).ok()),
            );
        }
    }
    // A blank is a replacement, too.
    let replacement = reader.source.get("DD_SCRUBBING_RULE_REPLACEMENT").unwrap_or_default();
    if let Some(pattern) = python(reader, "DD_SCRUBBING_RULE") {
        match mask("DD_SCRUBBING_RULE", pattern, &replacement) {
            Ok(rule) => rules.push(rule),
            Err(problem) => reader.mistake("DD_SCRUBBING_RULE_REPLACEMENT", problem),
        }
    }
    rules.extend(scrubbers(reader));
    RuleSet { rules, ..RuleSet::default() }
}

fn mask(name: &str, pattern: Pattern, placeholder: &str) -> Result<ProcessingRule, String> {
    let replacement = Replacement::new(placeholder, &pattern, Dialect::Python).map_err(|error| error.to_string())?;
    Ok(ProcessingRule { name: name.to_owned(), action: RuleAction::Mask(pattern, replacement) })
}

fn python(reader: &mut VariableReader, name: &'static str) -> Option<Pattern> {
    let text = reader.exact(name)?;
    let compiled = Pattern::new(&text, Dialect::Python);
    compiled.map_err(|error| reader.mistake(name, format!("does not compile: {error}"))).ok()
}

fn scrubbers(reader: &mut VariableReader) -> Vec<ProcessingRule> {
    let list = reader.get("PODFERRY_REDACT").unwrap_or_default();
    let names = list.split([',', ' ']).map(str::trim).filter(|name| !name.is_empty());
    let (mut rules, mut unknown) = (Vec::<ProcessingRule>::new(), false);
    for name in names {
        match Scrubber::named(name) {
            Some(scrubber) if rules.iter().any(|rule| rule.name.ends_with(scrubber.name())) => {}
            Some(scrubber) => rules.push(ProcessingRule {
                name: format!("PODFERRY_REDACT {}", scrubber.name()),
                action: RuleAction::Scrub(scrubber),
            }),
            None => unknown = true,
        }
    }
    if unknown {
        let names = Scrubber::ALL.map(Scrubber::name).join(", ");
        reader.mistake("PODFERRY_REDACT", format!("must be a list of: {names}"));
    }
    rules
}

fn filter(reader: &mut VariableReader, name: &'static str) -> FilterList {
    let list = reader.get(name).unwrap_or_default();
    FilterList::parse(&list).unwrap_or_else(|errors| {
        errors.into_iter().for_each(|error| reader.mistake(name, error.to_string()));
        FilterList::default()
    })
}

fn sampling(reader: &mut VariableReader) -> Sampling {
    let Some(json) = reader.get("PODFERRY_SAMPLE") else { return Sampling::default() };
    Sampling::parse(&json).unwrap_or_else(|problems| {
        problems.into_iter().for_each(|problem| reader.mistake("PODFERRY_SAMPLE", problem));
        Sampling::default()
    })
}

fn refuse_additional_targets(reader: &mut VariableReader) {
    if reader.get("DD_ADDITIONAL_TARGET_LAMBDAS").is_some() {
        reader.mistake(
            "DD_ADDITIONAL_TARGET_LAMBDAS",
            "is not supported. A log group takes two subscription filters: give the other function one of its own, or let the \
             filter write to a Kinesis stream that both functions read. Then remove the variable",
        );
    }
}
