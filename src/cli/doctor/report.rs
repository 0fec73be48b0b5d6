//! How the doctor's findings look: the way of a log as a chain, where it breaks at a glance, then a line for each finding; or JSON.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use crate::aws::health::finding::{HealthArea, HealthFinding, HealthSeverity};
use crate::cli::error::CommandError;
use crate::cli::output::Output;
use crate::cli::show;

/// The version of the JSON: members may be added; incompatible changes raise it.
const VERSION: u32 = 2;

/// The links of the way, in its order, and the areas that tell of each.
const CHAIN: [(&str, &[HealthArea]); 6] = [
    ("ConfigMap", &[HealthArea::Cluster]),
    ("Fluent Bit", &[HealthArea::FluentBit]),
    ("log groups", &[HealthArea::LogGroups]),
    ("function", &[HealthArea::Account, HealthArea::Function, HealthArea::Role, HealthArea::LastHour]),
    ("key", &[HealthArea::Key]),
    ("Datadog", &[HealthArea::Test, HealthArea::Queues, HealthArea::Canary]),
];

/// All findings so far.
#[derive(Debug)]
pub(super) struct DoctorReport {
    output: Output,
    /// With signs, not words.
    is_utf8: bool,
    findings: Vec<HealthFinding>,
    /// What the canary showed, for programs.
    pub(super) canary: Option<Value>,
}

impl DoctorReport {
    pub(super) fn new(output: Output, is_utf8: bool) -> DoctorReport {
        DoctorReport { output, is_utf8, findings: Vec::new(), canary: None }
    }

    /// Takes findings.
    pub(super) fn add(&mut self, findings: impl IntoIterator<Item = HealthFinding>) {
        self.findings.extend(findings);
    }

    fn count(&self, severity: HealthSeverity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// How many findings a person has to look at.
    pub(super) fn problems(&self) -> usize {
        self.findings.iter().filter(|finding| finding.severity.is_problem()).count()
    }

    /// The chain, the findings and the totals; or everything as JSON.
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
            let mut report = json!({ "version": VERSION, "findings": self.findings, "summary": totals });
            if let Some(canary) = &self.canary {
                report["canary"] = canary.clone();
            }
            return Ok(show::json(&report)?);
        }
        let mut out = anstream::stdout().lock();
        self.show_chain(&mut out)?;
        let mut before = None;
        for finding in &self.findings {
            self.show(&mut out, (before != Some(finding.area)).then_some(finding.area), finding)?;
            before = Some(finding.area);
        }
        let totals: Vec<String> = ALL
            .iter()
            .filter(|severity| self.count(**severity) > 0)
            .map(|severity| format!("{} {}", self.count(*severity), severity.word()))
            .collect();
        Ok(writeln!(out, "\n{}", totals.join(", "))?)
    }

    /// The way of a log, each link with the worst that was found in it: `ConfigMap ✓ → Fluent Bit ? → log groups ✓ → …`.
    fn show_chain(&self, out: &mut impl Write) -> Result<(), CommandError> {
        let links: Vec<String> = CHAIN
            .iter()
            .map(|(name, areas)| {
                let severity = self.worst_of(areas);
                let style = style(severity);
                format!("{name} {style}{}{style:#}", self.sign(severity))
            })
            .collect();
        Ok(writeln!(out, "{}", links.join(&format!(" {} ", self.arrow())))?)
    }

    /// Of several findings a problem counts; what is right counts before what was not looked at.
    fn worst_of(&self, areas: &[HealthArea]) -> HealthSeverity {
        let found = |severity| {
            self.findings.iter().any(|finding| finding.severity == severity && areas.contains(&finding.area))
        };
        let order = [HealthSeverity::Wrong, HealthSeverity::Unknown, HealthSeverity::Note, HealthSeverity::Ok];
        order.into_iter().find(|severity| found(*severity)).unwrap_or(HealthSeverity::Skipped)
    }

    fn arrow(&self) -> &'static str {
        if self.is_utf8 { "→" } else { "->" }
    }

    fn sign(&self, severity: HealthSeverity) -> &'static str {
        if self.is_utf8 { sign(severity) } else { severity.word() }
    }

    fn show(
        &self,
        out: &mut impl Write,
        heading: Option<HealthArea>,
        finding: &HealthFinding,
    ) -> Result<(), CommandError> {
        if let Some(area) = heading {
            show::title(out, area.title())?;
        }
        let (style, arrow) = (style(finding.severity), self.arrow());
        let sign = if self.is_utf8 {
            self.sign(finding.severity).to_owned()
        } else {
            format!("{:<7}", finding.severity.word())
        };
        let indent = 3 + sign.chars().count();
        let code = finding.code.map(|code| format!(" [{code}]")).unwrap_or_default();
        let text = format!("{}{code}: {}", finding.what, finding.why);
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
