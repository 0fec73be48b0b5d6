//! Manifests that are templates still: of Helm, of Jinja, of ytt and their like. Some are not YAML yet. Others are, by chance: `{{ x }}` is
//! a map whose name is a map, which no manifest has. What is found in such a document may be wrong, and what would fix it would damage the
//! template; so it is only said that it is one.

use super::node::YamlNode;
use super::source::{Place, SourceFile, Span};
use crate::tree::{Document, ScalarStyle, Tree, TreeKind};

/// What a template is written in, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TemplateLanguage {
    Helm,
    Ytt,
    /// Jinja's, or another one with braces or percent signs.
    Other,
}

/// A document that is a template, though it can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnrenderedDocument {
    pub(crate) language: TemplateLanguage,
    /// The first part that is to be filled in.
    pub(crate) mark: Place,
    /// The document.
    span: Span,
    /// Texts in lines in which nothing but values is filled in, so that their other lines are as they will be.
    texts: Vec<Span>,
}

/// How parts that are filled in begin and end.
const MARKS: [(&str, &str); 4] = [("{{", "}}"), ("{%", "%}"), ("<%", "%>"), ("%{ ", "}")];

/// What only templates of Helm say between braces. Source: Helm documentation, "Built-in Objects", "Template Function List".
const HELM: [&str; 9] =
    [".Values", ".Release.", ".Chart.", ".Capabilities.", ".Files.", ".Template.", "include \"", "toYaml ", "tpl ("];

/// What is a template in a text that is not YAML: certainly, if a part of it is as only Helm has it; or if one stands, outside quotes
/// and comments, where the text stops being YAML.
pub(crate) fn in_text(text: &str, error: usize) -> Option<TemplateLanguage> {
    if parts(text).any(is_helm) {
        return Some(TemplateLanguage::Helm);
    }
    // An error is often seen in the line after.
    let end = text.get(error..).and_then(|rest| rest.find('\n')).map_or(text.len(), |at| error + at);
    let lines = text.get(..end)?.lines().rev().filter(|line| !line.trim().is_empty()).take(2);
    lines.into_iter().any(is_filled_in).then_some(TemplateLanguage::Other)
}

/// Whether a source has anything that a template could have. Most have not.
pub(crate) fn may_be_unrendered(source: &SourceFile) -> bool {
    ["{{", "{%", "#@"].iter().any(|mark| source.text.contains(mark))
}

/// What is between marks.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")).map(|(part, _)| part)
}

fn is_helm(part: &str) -> bool {
    HELM.iter().any(|word| part.contains(word))
}

/// Whether a line has a mark outside of quotes and comments.
fn is_filled_in(line: &str) -> bool {
    let first = MARKS.iter().filter_map(|(open, close)| line.find(open).filter(|at| line[*at..].contains(close))).min();
    let before = first.map_or("", |at| line.get(..at).unwrap_or_default());
    let is_quoted = ['"', '\''].iter().any(|quote| before.matches(*quote).count() % 2 == 1);
    first.is_some() && !is_quoted && !before.trim_start().starts_with('#') && !before.contains(" #")
}

/// Whether a line of a text is one of the template: a condition, a loop, or something of several lines that is filled in.
fn is_control(line: &str) -> bool {
    MARKS.iter().any(|(open, close)| line.trim_start().starts_with(open) && line.contains(close))
}

fn has_mark(text: &str) -> bool {
    MARKS.iter().take(2).any(|(open, close)| text.find(open).is_some_and(|at| text[at..].contains(close)))
}

impl UnrenderedDocument {
    /// The document of a source, if it is a template. In `texts` are those in which braces mean nothing else, such as Fluent Bit's
    /// configurations.
    pub(crate) fn new(
        document: &Document,
        root: YamlNode<'_>,
        source: &SourceFile,
        texts: &[Span],
    ) -> Option<UnrenderedDocument> {
        let before = root.place().span.start.saturating_sub(document.root.start);
        let place = |tree: &Tree| Span { start: tree.start + before, end: tree.end + before };
        let is_kubernetes = root.get("apiVersion").is_some() && root.get("kind").is_some();
        let mut first: Option<(TemplateLanguage, Span)> = None;
        let (mut blocks, mut has_control) = (Vec::new(), false);
        document.root.walk(&mut |tree| {
            let span = place(tree);
            let language = match &tree.kind {
                TreeKind::Map { .. } => map_mark(tree, source, before),
                TreeKind::Scalar { text, style } => {
                    if *style == ScalarStyle::Literal {
                        blocks.push(span);
                    }
                    let is_embedded = texts.contains(&span);
                    // Several lines may be a template that the cluster is to have, as Istio's injector has one.
                    let is_helms = is_kubernetes && !text.contains('\n') && parts(text).any(is_helm);
                    let is_others = is_embedded && has_mark(text);
                    has_control |= is_others && text.lines().any(is_control);
                    match is_helms || (is_embedded && parts(text).any(is_helm)) {
                        true => Some((TemplateLanguage::Helm, span)),
                        false => is_others.then_some((TemplateLanguage::Other, span)),
                    }
                }
                _ => None,
            };
            if first.is_none() {
                first = language;
            }
        });
        let (language, span) = first?;
        let mark = narrowed(span, source);
        Some(UnrenderedDocument {
            language,
            mark: Place { source: root.place().source, span: mark },
            span: Span { start: document.start + before, end: document.end + before },
            texts: if has_control { Vec::new() } else { blocks },
        })
    }

    /// Its source and where it begins, to look it up by.
    pub(crate) fn start(&self) -> (usize, usize) {
        (self.mark.source, self.span.start)
    }

    /// Whether what is found here cannot be believed. Lines of a text without anything to fill in can.
    pub(crate) fn is_open(&self, place: Place, source: &SourceFile) -> bool {
        let start = place.span.start;
        let is_inside = |span: &Span| span.start <= start && start < span.end;
        // What is missing may be missed at the end of the text.
        let is_here = is_inside(&self.span) || (start == self.span.end && start == source.text.len());
        if place.source != self.mark.source || !is_here {
            return false;
        }
        let line_start = source.text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let line = source.text.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        !self.texts.iter().any(is_inside) || has_mark(line)
    }
}

/// `{{ x }}` in the place of a value or of a name; `name: #@ x`.
fn map_mark(tree: &Tree, source: &SourceFile, before: usize) -> Option<(TemplateLanguage, Span)> {
    let span = |tree: &Tree| Span { start: tree.start + before, end: tree.end + before };
    tree.members().iter().find_map(|member| {
        if matches!(member.key.kind, TreeKind::Map { .. }) {
            // All of it, where it is a value.
            let mark = span(if tree.is_flow() { tree } else { &member.key });
            let written = source.slice(mark);
            let language = if is_helm(written) { TemplateLanguage::Helm } else { TemplateLanguage::Other };
            return written.starts_with("{{").then_some((language, mark));
        }
        let end = member.value.end + before;
        let line = source.text.get(end..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let is_ytt = member.value.is_nothing() && line.trim_start().starts_with("#@ ");
        is_ytt.then_some((TemplateLanguage::Ytt, Span { start: end, end: end + line.len() }))
    })
}

/// The first mark in a text that has some, or all of it.
fn narrowed(span: Span, source: &SourceFile) -> Span {
    let text = source.slice(span);
    let found = MARKS.iter().filter_map(|(open, close)| {
        let start = text.find(open)?;
        let length = text.get(start..)?.find(close)? + close.len();
        Some(Span { start: span.start + start, end: span.start + start + length })
    });
    found.min_by_key(|mark| mark.start).unwrap_or(span)
}
