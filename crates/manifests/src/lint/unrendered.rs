//! Manifests that are templates still: of Helm, of Jinja, of ytt and their like. Some are not YAML yet. Others are, by chance: `{{ x }}` is
//! a map whose name is a map, which no manifest has. What is found in such a document may be wrong, and what would fix it would damage the
//! template; so it is only said that it is one.

use super::node::YamlNode;
use super::source::{Place, SourceFile, Span};
use super::template_marks::{TemplateLanguage, first_mark, has_helm, has_mark, is_control, is_helm};
use crate::tree::{Document, ScalarStyle, Tree, TreeKind, TreeMember};
use crate::workload::group_of;

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

/// Whether a source has anything that a template could have. Most have not.
pub(crate) fn may_be_unrendered(source: &SourceFile) -> bool {
    ["{{", "{%", "#@", "? "].iter().any(|mark| source.text.contains(mark))
}

/// Groups of kinds that hand values on to charts, whose templates may fill in their texts.
const OF_CHARTS: [&str; 4] = ["helm.toolkit.fluxcd.io", "argoproj.io", "helm.cattle.io", "helm.crossplane.io"];

/// What those values are called there.
const VALUES: [&str; 6] = ["values", "valuesObject", "valuesContent", "set", "parameters", "helm"];

/// The values for a chart that a document holds, in order: what stands in braces there is for the cluster.
fn handed_on(document: &Document, root: YamlNode<'_>) -> Vec<Span> {
    let mut found: Vec<Span> = Vec::new();
    let version = root.get("apiVersion").and_then(YamlNode::text).unwrap_or_default();
    if OF_CHARTS.contains(&group_of(version)) {
        document.root.walk(&mut |tree| {
            let values = tree.members().iter().filter(|member| {
                member.key.text().is_some_and(|name| VALUES.contains(&name)) && !member.value.is_nothing()
            });
            found.extend(values.map(|member| Span { start: member.value.start, end: member.value.end }));
        });
        found.sort_by_key(|span| span.start);
        // Only the outermost, so that one look tells.
        let mut end = 0;
        found.retain(|span| {
            let is_outside = span.start >= end;
            end = end.max(span.end);
            is_outside
        });
    }
    found
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
        let handed_on = handed_on(document, root);
        let is_handed_on = |tree: &Tree| {
            let number = handed_on.partition_point(|span| span.start <= tree.start);
            number.checked_sub(1).and_then(|number| handed_on.get(number)).is_some_and(|span| tree.start < span.end)
        };
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
                    let is_helms = is_kubernetes && !text.contains('\n') && has_helm(text) && !is_handed_on(tree);
                    let is_others = is_embedded && has_mark(text);
                    has_control |= is_others && text.lines().any(is_control);
                    match is_helms || (is_embedded && has_helm(text)) {
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
            let is_mark = written.starts_with("{{") || is_written_again(tree, member);
            return is_mark.then_some((language, mark));
        }
        let end = member.value.end + before;
        let line = source.text.get(end..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let is_ytt = member.value.is_nothing() && line.trim_start().starts_with("#@ ");
        is_ytt.then_some((TemplateLanguage::Ytt, Span { start: end, end: end + line.len() }))
    })
}

/// `? {x: ''}\n: ''`: what a program that reads YAML and writes it again makes of `{{ x }}`.
fn is_written_again(tree: &Tree, member: &TreeMember) -> bool {
    let is_blank = |tree: &Tree| matches!(tree.text(), Some("" | "null" | "~"));
    let [inner] = member.key.members() else { return false };
    tree.members().len() == 1 && is_blank(&inner.value) && is_blank(&member.value)
}

/// The first mark in a text that has some, or all of it.
fn narrowed(span: Span, source: &SourceFile) -> Span {
    let mark = first_mark(source.slice(span));
    mark.map_or(span, |mark| Span { start: span.start + mark.start, end: span.start + mark.end })
}
