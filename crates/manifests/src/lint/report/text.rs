//! Findings as a compiler writes them: what, where, the line with the part that is meant, why, and what to do.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Element, Level, Renderer, Snippet};

use super::LintReport;
use crate::lint::finding::Finding;
use crate::lint::positions::Positions;
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
    let shown = Shown { sources, masked: &masked, positions: Positions::new(sources) };
    let mut out = String::new();
    for finding in &report.findings {
        out.push_str(&renderer.render(&[group(finding, &shown)]));
        out.push_str("\n\n");
    }
    out
}

fn group<'a>(finding: &'a Finding, shown: &Shown<'a>) -> annotate_snippets::Group<'a> {
    let rule = finding.rule;
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut elements: Vec<Element<'a>> = Vec::new();
    let (here, elsewhere): (Vec<_>, Vec<_>) =
        finding.related.iter().partition(|(place, _)| shown.are_near(*place, finding.place));
    let places: Vec<Place> = here.iter().map(|(place, _)| *place).chain([finding.place]).collect();
    let (snippet, start) = shown.snippet(&places);
    let mut main = snippet.annotation(AnnotationKind::Primary.span(shown.visible(finding.place, start)));
    for (place, text) in here {
        main = main.annotation(AnnotationKind::Context.span(shown.visible(*place, start)).label(text.as_str()));
    }
    let elsewhere = elsewhere.into_iter().map(|(place, text)| {
        let (snippet, start) = shown.snippet(&[*place]);
        Element::from(
            snippet.annotation(AnnotationKind::Context.span(shown.visible(*place, start)).label(text.as_str())),
        )
    });
    elements.push(main.into());
    elements.extend(elsewhere);
    elements.push(Level::NOTE.with_name("why").message(rule.why).into());
    let automatic = match finding.rule_edits() {
        RuleEdits::None => "",
        RuleEdits::Safe => " (`--fix` does this)",
        RuleEdits::Suggested => " (`--fix --suggested` does this; look at what it changes)",
    };
    elements.push(Level::HELP.with_name("fix").message(format!("{}{automatic}", finding.advice())).into());
    level.primary_title(finding.message.as_str()).id(rule.code).elements(elements)
}

/// What is drawn.
struct Shown<'a> {
    sources: &'a [SourceFile],
    /// Their texts without secrets.
    masked: &'a [String],
    positions: Positions<'a>,
}

/// How many lines a place may be away to be shown in one piece with another: of all lines between them some are drawn, but each is read.
const FAR: usize = 1000;

impl<'a> Shown<'a> {
    /// Whether two places are shown in one piece.
    fn are_near(&self, one: Place, other: Place) -> bool {
        let line = |place: Place| self.positions.line(place.source, place.span.start).map_or(0, |(line, _)| line);
        one.source == other.source && line(one).abs_diff(line(other)) <= FAR
    }

    /// The lines of a source that these places are in, and where they begin: a whole file for each finding would take long.
    fn snippet<T: Clone>(&self, places: &[Place]) -> (Snippet<'a, T>, usize) {
        let number = places.first().map_or(0, |place| place.source);
        let text = self.masked.get(number).map_or("", String::as_str);
        let visible = || places.iter().map(|place| self.visible(*place, 0));
        let first = visible().map(|range| range.start).min().unwrap_or_default();
        let last = visible().map(|range| range.end).max().unwrap_or_default();
        let (line, start) = self.positions.line(number, first).unwrap_or((1, 0));
        let end = text.get(last..).and_then(|rest| rest.find('\n')).map_or(text.len(), |at| last + at + 1);
        let name = self.sources.get(number).map_or("", |source| source.name.as_str());
        (Snippet::source(text.get(start..end).unwrap_or_default()).path(name).line_start(line), start)
    }

    /// The part to underline, from where the lines begin: within the text, of one line, at least one character.
    fn visible(&self, place: Place, lines: usize) -> std::ops::Range<usize> {
        let text = self.masked.get(place.source).map_or("", String::as_str);
        let start =
            (0..=place.span.start.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        let line = text.get(start..).map_or("", |rest| rest.split(['\n', '\r']).next().unwrap_or_default());
        let wanted = place.span.end.saturating_sub(start).clamp(1, line.len().max(1));
        let end = (start + wanted..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        start.saturating_sub(lines)..end.saturating_sub(lines)
    }
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
