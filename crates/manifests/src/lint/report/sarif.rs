//! Findings as SARIF, for code scanning.
//!
//! Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0"; GitHub documentation, "SARIF support for code
//! scanning".

use serde_json::{Value, json};

use super::LintReport;
use super::explain;
use crate::lint::finding::Finding;
use crate::lint::positions::Positions;
use crate::lint::rule::{LintRule, Severity};
use crate::lint::rules;
use crate::lint::source::{Place, SourceFile};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// One run with all findings, and the rules that they are of.
pub fn sarif(report: &LintReport, sources: &[SourceFile]) -> Value {
    let rules: Vec<&LintRule> = rules::all();
    let positions = Positions::new(sources);
    let results: Vec<Value> =
        report.findings.iter().map(|finding| result(finding, &rules, sources, &positions)).collect();
    let described: Vec<Value> = rules.iter().map(|rule| descriptor(rule)).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "podferry",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": described,
            } },
            "invocations": [invocation(report)],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// That all files were looked at, or which were not.
fn invocation(report: &LintReport) -> Value {
    let notifications: Vec<Value> = report
        .unread
        .iter()
        .map(|file| {
            json!({
                "level": "error",
                "message": { "text": format!("The file was not checked: {}.", file.problem) },
                "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri(&file.name) } } }],
            })
        })
        .collect();
    let mut value = json!({ "executionSuccessful": notifications.is_empty() });
    if !notifications.is_empty() {
        value["toolExecutionNotifications"] = json!(notifications);
    }
    value
}

fn level(severity: Severity) -> &'static str {
    severity.word()
}

fn descriptor(rule: &LintRule) -> Value {
    json!({
        "id": rule.code,
        "name": rule.name,
        "shortDescription": { "text": format!("{}.", rule.title) },
        "fullDescription": { "text": rule.why },
        "help": { "text": explain::plain(rule), "markdown": explain::markdown(rule) },
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": { "tags": ["kubernetes", "logging"] },
    })
}

fn result(finding: &Finding, rules: &[&LintRule], sources: &[SourceFile], positions: &Positions<'_>) -> Value {
    let index = rules.iter().position(|rule| *rule == finding.rule);
    let related: Vec<Value> = finding
        .related
        .iter()
        .map(|(place, text)| {
            let mut value = location(*place, sources, positions);
            value["message"] = json!({ "text": text });
            value
        })
        .collect();
    let mut value = json!({
        "ruleId": finding.rule.code,
        "level": level(finding.severity),
        "message": { "text": format!("{}. {}", finding.message, finding.advice()) },
        "locations": [location(finding.place, sources, positions)],
    });
    if let Some(index) = index {
        value["ruleIndex"] = json!(index);
    }
    if !related.is_empty() {
        value["relatedLocations"] = json!(related);
    }
    value
}

fn location(place: Place, sources: &[SourceFile], positions: &Positions<'_>) -> Value {
    let found = sources.get(place.source).zip(positions.of(place));
    let Some((source, (start, end))) = found else { return json!({}) };
    json!({ "physicalLocation": {
        "artifactLocation": { "uri": uri(&source.name) },
        "region": {
            "startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column,
        },
    } })
}

/// A path as a reference: `/` between folders, and percent signs for what an URI cannot hold. Source: RFC 3986, 3.3.
fn uri(name: &str) -> String {
    let mut out = String::new();
    for byte in name.replace('\\', "/").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
