//! Findings as a compiler writes them: what, where, the line with the part that is meant, why, and what to do.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Element, Level, Renderer, Snippet};

use super::LintReport;
use crate::lint::finding::Finding;
use crate::lint::rule::{RuleEdits, Severity};
use crate::lint::secrets;
use crate::lint::source::{Place, SourceFile};
use pipeline::counted::counted;

/// How it is shown.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// With colours; who writes it takes them out where nobody sees them.
    pub colours: bool,
    /// How many columns there are.
    pub width: usize,
}

/// All findings, without the last line.
pub fn findings(report: &LintReport, sources: &[SourceFile], style: Style) -> String {
    let masked: Vec<String> =
        sources.iter().enumerate().map(|(number, source)| secrets::mask(source, number, &report.secrets)).collect();
    let renderer = if style.colours { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(style.width).decor_style(DecorStyle::Ascii);
    let mut out = String::new();
    for finding in &report.findings {
        out.push_str(&renderer.render(&[group(finding, sources, &masked)]));
        out.push_str("\n\n");
    }
    out
}

fn group<'a>(finding: &'a Finding, sources: &'a [SourceFile], masked: &'a [String]) -> annotate_snippets::Group<'a> {
    let rule = finding.rule;
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut elements: Vec<Element<'a>> = Vec::new();
    let snippet = |place: &Place| {
        let text = masked.get(place.source).map_or("", String::as_str);
        let name = sources.get(place.source).map_or("", |source| source.name.as_str());
        Snippet::source(text).path(name)
    };
    let mut main = snippet(&finding.place).annotation(AnnotationKind::Primary.span(visible(finding.place, masked)));
    let mut elsewhere = Vec::new();
    for (place, text) in &finding.related {
        let annotation = AnnotationKind::Context.span(visible(*place, masked)).label(text.as_str());
        if place.source == finding.place.source {
            main = main.annotation(annotation);
        } else {
            elsewhere.push(snippet(place).annotation(annotation));
        }
    }
    elements.push(main.into());
    elements.extend(elsewhere.into_iter().map(Element::from));
    elements.push(Level::NOTE.with_name("why").message(rule.why).into());
    let automatic = match finding.rule_edits() {
        RuleEdits::None => "",
        RuleEdits::Safe => " (`--fix` does this)",
        RuleEdits::Suggested => " (`--fix --suggested` does this; look at what it changes)",
    };
    elements.push(Level::HELP.with_name("fix").message(format!("{}{automatic}", finding.advice())).into());
    level.primary_title(finding.message.as_str()).id(rule.code).elements(elements)
}

/// The part to underline: within the text, of one line, at least one character.
fn visible(place: Place, masked: &[String]) -> std::ops::Range<usize> {
    let text = masked.get(place.source).map_or("", String::as_str);
    let start = (0..=place.span.start.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    let line = text.get(start..).map_or("", |rest| rest.split(['\n', '\r']).next().unwrap_or_default());
    let wanted = place.span.end.saturating_sub(start).clamp(1, line.len().max(1));
    let end = (start + wanted..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    start..end
}

/// `2 errors, 1 warning in 3 files`.
pub fn summary(report: &LintReport, files: usize) -> String {
    let mut parts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Note]
        .into_iter()
        .filter_map(|severity| {
            let count = report.count(severity);
            (count > 0).then(|| counted(count, severity.word()))
        })
        .collect();
    let unread = match report.unread.len() {
        0 => String::new(),
        count => format!("; {} could not be read", counted(count, "file")),
    };
    if parts.is_empty() {
        // That nothing is found where nothing is known says nothing.
        if files == 0 && !report.unread.is_empty() {
            return unread.trim_start_matches("; ").to_owned();
        }
        if report.documents == 0 {
            return format!("nothing recognised in {}{unread}", counted(files, "file"));
        }
        parts.push("nothing found".to_owned());
    }
    let allowed = if report.allowed > 0 { format!(", {} allowed", report.allowed) } else { String::new() };
    let preview = match report.in_preview {
        0 => String::new(),
        count => format!(", {count} of preview rules (`--preview` shows them)"),
    };
    let documents = counted(report.documents, "document");
    format!("{}{allowed}{preview} in {documents} of {}{unread}", parts.join(", "), counted(files, "file"))
}
