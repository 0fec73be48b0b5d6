//! Findings for programs. The form is stable: members may be added, and `version` counts what is not compatible.

use serde_json::{Value, json};

use super::LintReport;
use crate::lint::positions::Positions;
use crate::lint::rule::Severity;
use crate::lint::source::{Place, SourceFile};

/// The version of the form.
pub(crate) const VERSION: u32 = 1;

/// All findings, facts and counts.
pub fn json(report: &LintReport, sources: &[SourceFile]) -> Value {
    let positions = Positions::new(sources);
    let findings: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| {
            let rule = finding.rule;
            let related: Vec<Value> = finding
                .related
                .iter()
                .map(|(place, text)| with_place(json!({ "message": text }), *place, sources, &positions))
                .collect();
            let value = json!({
                "code": rule.code,
                "name": rule.name,
                "severity": finding.severity.word(),
                "message": finding.message,
                "why": rule.why,
                "fix": finding.advice(),
                "automatic": !finding.edits.is_empty(),
                "edits": finding.rule_edits().word(),
                "preview": rule.is_preview,
                "related": related,
            });
            with_place(value, finding.place, sources, &positions)
        })
        .collect();
    let facts: Vec<Value> = report
        .facts
        .iter()
        .map(|fact| with_place(json!({ "message": fact.text }), fact.place, sources, &positions))
        .collect();
    let unread: Vec<Value> =
        report.unread.iter().map(|file| json!({ "file": file.name, "problem": file.problem })).collect();
    let unrecognised: Vec<&str> =
        report.unrecognised.iter().filter_map(|number| Some(sources.get(*number)?.name.as_str())).collect();
    json!({
        "version": VERSION,
        "findings": findings,
        "unread": unread,
        "unrecognised": unrecognised,
        "facts": facts,
        "summary": {
            "errors": report.count(Severity::Error),
            "warnings": report.count(Severity::Warning),
            "notes": report.count(Severity::Note),
            "allowed": report.allowed,
            "preview": report.in_preview,
            "documents": report.documents,
            "files": sources.len(),
        },
    })
}

fn with_place(mut value: Value, place: Place, sources: &[SourceFile], positions: &Positions<'_>) -> Value {
    let source = sources.get(place.source).zip(positions.of(place));
    if let (Some(object), Some((source, (start, end)))) = (value.as_object_mut(), source) {
        object.insert("file".to_owned(), json!(source.name));
        object.insert("line".to_owned(), json!(start.line));
        object.insert("column".to_owned(), json!(start.column));
        object.insert("endLine".to_owned(), json!(end.line));
        object.insert("endColumn".to_owned(), json!(end.column));
    }
    value
}
