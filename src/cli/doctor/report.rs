//! How the doctor's findings look: a line each as soon as it is known, or JSON at the end.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use crate::aws::health::finding::{HealthArea, HealthFinding, HealthSeverity};
use crate::cli::error::CommandError;
use crate::cli::output::Output;
use crate::cli::show;

/// The version of the JSON: members may be added; incompatible changes raise it.
const VERSION: u32 = 2;

/// All findings so far.
#[derive(Debug)]
pub(super) struct DoctorReport {
    output: Output,
    /// With signs, not words.
    is_utf8: bool,
    findings: Vec<HealthFinding>,
}

impl DoctorReport {
    pub(super) fn new(output: Output, is_utf8: bool) -> DoctorReport {
        DoctorReport { output, is_utf8, findings: Vec::new() }
    }

    /// Takes findings, and shows them to people.
    pub(super) fn add(&mut self, findings: impl IntoIterator<Item = HealthFinding>) -> Result<(), CommandError> {
        for finding in findings {
            if self.output == Output::Text {
                let is_same = self.findings.last().is_some_and(|before| before.area == finding.area);
                self.show((!is_same).then_some(finding.area), &finding)?;
            }
            self.findings.push(finding);
        }
        Ok(())
    }

    fn count(&self, severity: HealthSeverity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// How many findings a person has to look at.
    pub(super) fn problems(&self) -> usize {
        self.findings.iter().filter(|finding| finding.severity.is_problem()).count()
    }

    /// The totals, or everything as JSON.
    pub(super) fn end(&self) -> Result<(), CommandError> {
        const ALL: [HealthSeverity; 5] = [
            HealthSeverity::Ok,
            HealthSeverity::Note,
            HealthSeverity::Wrong,
            HealthSeverity::Unknown,
            HealthSeverity::Skipped,
        ];
        if self.output == Output::Json {
            let totals: serde_json::Map<String, Value> =
                ALL.iter().map(|severity| (severity.word().to_owned(), self.count(*severity).into())).collect();
            return Ok(show::json(&json!({ "version": VERSION, "findings": self.findings, "summary": totals }))?);
        }
        let totals: Vec<String> = ALL
            .iter()
            .filter(|severity| self.count(**severity) > 0)
            .map(|severity| format!("{} {}", self.count(*severity), severity.word()))
            .collect();
        Ok(writeln!(anstream::stdout().lock(), "\n{}", totals.join(", "))?)
    }

    fn show(&self, heading: Option<HealthArea>, finding: &HealthFinding) -> Result<(), CommandError> {
        let mut out = anstream::stdout().lock();
        match heading {
            Some(area) if self.findings.is_empty() => show::first_title(&mut out, area.title())?,
            Some(area) => show::title(&mut out, area.title())?,
            None => {}
        }
        let (style, arrow) = (style(finding.severity), if self.is_utf8 { "→" } else { "->" });
        let sign =
            if self.is_utf8 { sign(finding.severity).to_owned() } else { format!("{:<7}", finding.severity.word()) };
        let indent = 3 + sign.chars().count();
        let text = format!("{}: {}", finding.what, finding.why);
        let mut lines = show::wrapped(&text, show::width().saturating_sub(indent)).into_iter();
        writeln!(out, "  {style}{sign}{style:#} {}", lines.next().unwrap_or_default())?;
        for line in lines {
            writeln!(out, "{:indent$}{line}", "")?;
        }
        if let Some(fix) = &finding.fix {
            // On one line, so that a command can be copied.
            writeln!(out, "{:indent$}{arrow} {}", "", show::harmless(fix))?;
        }
        Ok(())
    }
}

/// For terminals that show more than ASCII.
fn sign(severity: HealthSeverity) -> &'static str {
    match severity {
        HealthSeverity::Ok => "✓",
        HealthSeverity::Note => "!",
        HealthSeverity::Wrong => "✗",
        HealthSeverity::Unknown => "?",
        HealthSeverity::Skipped => "–",
    }
}

fn style(severity: HealthSeverity) -> Style {
    match severity {
        HealthSeverity::Ok => AnsiColor::Green.on_default(),
        HealthSeverity::Note | HealthSeverity::Unknown => AnsiColor::Yellow.on_default(),
        HealthSeverity::Wrong => show::ERROR,
        HealthSeverity::Skipped => Style::new().dimmed(),
    }
}
