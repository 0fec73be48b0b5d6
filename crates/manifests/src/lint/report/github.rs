//! Findings as commands of GitHub Actions, which show them beside the lines of a pull request.
//!
//! Source: GitHub documentation, "Workflow commands for GitHub Actions"; how values are escaped: actions/toolkit,
//! `packages/core/src/command.ts`.

use std::fmt::Write;

use super::LintReport;
use crate::lint::positions::Positions;
use crate::lint::rule::Severity;
use crate::lint::source::SourceFile;

/// One line for each finding, and for each file that could not be read.
pub fn github(report: &LintReport, sources: &[SourceFile]) -> String {
    let (mut out, positions) = (String::new(), Positions::new(sources));
    for file in &report.unread {
        let _ =
            writeln!(out, "::error file={}::The file was not checked: {}.", property(&file.name), data(&file.problem));
    }
    for finding in &report.findings {
        let place = sources.get(finding.place.source).zip(positions.of(finding.place));
        let Some((source, (start, end))) = place else { continue };
        let command = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let mut properties = format!("file={},line={}", property(&source.name), start.line);
        // Columns mean something within one line only.
        let _ = match start.line == end.line {
            true => write!(properties, ",col={},endColumn={}", start.column, end.column),
            false => write!(properties, ",endLine={}", end.line),
        };
        let title = property(&format!("{} {}", finding.rule.code, finding.rule.name));
        let text = format!("{}. {} {}", finding.message, finding.rule.why, finding.advice());
        let _ = writeln!(out, "::{command} {properties},title={title}::{}", data(&text));
    }
    out
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
