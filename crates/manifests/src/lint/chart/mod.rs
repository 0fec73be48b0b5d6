//! Values of Datadog's Helm chart that stand inside something else: below the chart's name in the values of a chart that depends on it, in
//! an Application of Argo CD, in a HelmRelease of Flux and their like ([`holders`]), as a map, as a text or as single parameters
//! ([`parameters`]). Rules see them as if they were a file of values, at the places where they are written.

mod holders;
mod parameters;

use std::collections::{HashMap, HashSet};

use super::embedded::Embedded;
use super::finding::FixEdit;
use super::node::{self, Anchors, YamlEntry, YamlNode};
use super::object::{DocumentKind, ManifestObject, is_helm_values, is_surely_helm_values};
use super::parsed::Parsed;
use super::source::{Place, SourceFile, Span};
use crate::tree::parse::documents;
use crate::tree::{ScalarStyle, Tree, TreeKind};
use holders::{CHART, HeldValues, is_known_version};

/// Values of the chart, as they will be: a copy, in which parameters are filled in.
#[derive(Debug)]
pub(crate) struct ChartValues {
    pub(crate) source: usize,
    pub(crate) before: usize,
    pub(crate) root: Tree,
    /// What aliases in it mean is in this document of the source; `None` if they are its own.
    document: Option<usize>,
    /// The object that they are in, if that is one of Kubernetes: both together are one document for people.
    pub(crate) is_within: bool,
    /// A text that they are written in.
    text: Option<HeldText>,
    /// Parameters, which are texts in their own way.
    parameters: Vec<Span>,
}

/// A text of values.
#[derive(Debug, Clone, Copy)]
struct HeldText {
    span: Span,
    /// In a block, a line can be changed as it stands.
    is_block: bool,
}

/// A text of values that is not YAML.
#[derive(Debug)]
pub(crate) struct BrokenValues {
    pub(crate) place: Place,
    pub(crate) problem: String,
}

/// What is known of charts.
#[derive(Debug, Default)]
pub(crate) struct Charts {
    pub(crate) values: Vec<ChartValues>,
    pub(crate) broken: Vec<BrokenValues>,
    /// Sources that are values of another chart, as the `Chart.yaml` beside or above them says.
    others: HashSet<usize>,
}

/// What a `Chart.yaml` says.
#[derive(Debug, Default)]
struct ChartFolder {
    /// It is Datadog's chart itself, or a copy.
    is_datadog: bool,
    /// It depends on Datadog's chart.
    is_wrapper: bool,
    /// What Datadog's chart is called below it, where its version is one whose values are known.
    names: Vec<String>,
}

impl Charts {
    /// All values of the chart that stand inside of these objects.
    pub(crate) fn find(objects: &[ManifestObject<'_>], sources: &[SourceFile], parsed: &[Parsed]) -> Charts {
        let folders = folders(objects, sources);
        let mut charts = Charts::default();
        for object in objects {
            let Some(source) = sources.get(object.source) else { continue };
            for held in holders::held(object).into_iter().filter(|held| held.is_known_version) {
                charts.add_held(&held, object, source, parsed);
            }
            if !matches!(object.what, DocumentKind::Other | DocumentKind::HelmValues) {
                continue;
            }
            let (folder, is_beside) = folder_of(&source.name, &folders);
            // In the same folder, `values.yaml` and its like are the values of that chart.
            let is_own = is_beside && folder_and_name(&source.name).1.starts_with("values");
            let is_other =
                |folder: &ChartFolder| !folder.is_datadog && (folder.is_wrapper || !is_surely_helm_values(object.node));
            if is_own && folder.is_some_and(is_other) {
                charts.others.insert(object.source);
            }
            let is_named = |entry: &YamlEntry<'_>| match folder {
                Some(folder) if is_own || !folder.names.is_empty() => {
                    folder.names.iter().any(|name| name == entry.name)
                }
                _ => object.what == DocumentKind::Other && is_held(entry),
            };
            for entry in object.node.entries().filter(is_named).filter(|entry| entry.value.is_map()) {
                let (map, before) = (entry.value, parsed.get(object.source).map_or(0, |one| one.before));
                let root = without_switch(map.tree());
                charts.values.push(ChartValues::new(object, before, root, document_of(map, parsed), None));
            }
        }
        charts
    }

    /// Whether a source is known to be values of another chart, whatever it looks like.
    pub(crate) fn is_of_other(&self, source: usize) -> bool {
        self.others.contains(&source)
    }

    fn add_held(&mut self, held: &HeldValues<'_>, object: &ManifestObject<'_>, source: &SourceFile, parsed: &[Parsed]) {
        // Values of another chart can hold those of Datadog's.
        let parts = |root: YamlNode<'_>| -> Vec<Tree> {
            if held.is_datadog || is_helm_values(root) {
                return vec![root.tree().clone()];
            }
            root.entries().filter(is_held).map(|entry| without_switch(entry.value.tree())).collect()
        };
        let before = parsed.get(object.source).map_or(0, |one| one.before);
        let at = self.values.len();
        if let Some(map) = held.map.filter(|map| map.is_map()) {
            let document = document_of(map, parsed);
            self.values
                .extend(parts(map).into_iter().map(|root| ChartValues::new(object, before, root, document, None)));
        } else if let Some(text) = held.text {
            self.add_text(text, object, source, before, &parts);
        }
        let first = held.parameters.first().filter(|_| held.is_datadog && self.values.len() == at);
        if let Some(first) = first {
            let start = first.name.place().span.start.saturating_sub(before);
            self.values.push(ChartValues::new(object, before, parameters::empty(start), None, None));
        }
        for values in self.values.iter_mut().skip(at).filter(|_| held.is_datadog) {
            for parameter in &held.parameters {
                values.parameters.extend(parameters::fill(&mut values.root, parameter, source, before));
            }
        }
    }

    /// Values of a chart that are written as a text.
    fn add_text(
        &mut self,
        text: YamlNode<'_>,
        object: &ManifestObject<'_>,
        source: &SourceFile,
        before: usize,
        parts: &dyn Fn(YamlNode<'_>) -> Vec<Tree>,
    ) {
        let Some(embedded) = Embedded::new(text, source) else { return };
        let read = match documents(embedded.text) {
            Ok(read) => read,
            Err(error) => {
                // Another program fills something in first.
                if !embedded.text.contains("{{") {
                    let span = Span { start: error.offset, end: error.offset + 1 };
                    let place = embedded.span(span);
                    self.broken.push(BrokenValues { place, problem: error.problem });
                }
                return;
            }
        };
        let Some(mut document) = read.into_iter().next() else { return };
        let mut is_filled_in = false;
        document.root.walk(&mut |tree| {
            let is_map = |key: &Tree| matches!(key.kind, TreeKind::Map { .. });
            is_filled_in |= tree.members().iter().any(|member| is_map(&member.key));
        });
        if is_filled_in {
            return;
        }
        document.root.move_to(&|start, end| {
            let span = embedded.span(Span { start, end }).span;
            (span.start.saturating_sub(before), span.end.saturating_sub(before))
        });
        let anchors = node::anchors(&document);
        let root = YamlNode::new(&document.root, &anchors, object.source, before);
        let is_block = text.style() == Some(ScalarStyle::Literal);
        let held = HeldText { span: embedded.place.span, is_block };
        // Aliases of a part may mean what is elsewhere in the text.
        for part in parts(root) {
            let has_own = !has_alias(&part) || anchors_of(&part).len() == anchors.len();
            if has_own {
                self.values.push(ChartValues::new(object, before, part, None, Some(held)));
            }
        }
    }

    /// What aliases mean in each of the values.
    pub(crate) fn anchors<'c>(&'c self, of_documents: &[Vec<Anchors<'c>>]) -> Vec<Anchors<'c>> {
        let own = |values: &'c ChartValues| anchors_of(&values.root);
        let of = |values: &'c ChartValues| match values.document {
            Some(document) => of_documents.get(values.source).and_then(|all| all.get(document)).cloned(),
            None => Some(own(values)),
        };
        self.values.iter().map(|values| of(values).unwrap_or_default()).collect()
    }

    /// Whether a change can be made as it is: not in a text that has its own way of writing, nor in several lines of one.
    pub(crate) fn is_editable(&self, source: usize, edit: &FixEdit) -> bool {
        let touches = |span: Span| edit.span.start < span.end && span.start < edit.span.end.max(edit.span.start + 1);
        self.values.iter().filter(|values| values.source == source).all(|values| {
            let is_in_text = values.text.filter(|text| touches(text.span));
            is_in_text.is_none_or(|text| text.is_block && !edit.text.contains('\n'))
                && !values.parameters.iter().any(|span| touches(*span))
        })
    }
}

impl ChartValues {
    fn new(
        object: &ManifestObject<'_>,
        before: usize,
        root: Tree,
        document: Option<usize>,
        text: Option<HeldText>,
    ) -> ChartValues {
        let is_within = object.what == DocumentKind::Kubernetes;
        ChartValues { source: object.source, before, root, document, is_within, text, parameters: Vec::new() }
    }
}

/// The document that a value is in.
fn document_of(node: YamlNode<'_>, parsed: &[Parsed]) -> Option<usize> {
    let (place, one) = (node.value_place(), parsed.get(node.value_place().source)?);
    let start = place.span.start.saturating_sub(one.before);
    one.documents.partition_point(|document| document.start <= start).checked_sub(1)
}

fn anchors_of(tree: &Tree) -> Anchors<'_> {
    let mut anchors = Anchors::new();
    tree.walk(&mut |inside| {
        if inside.anchor != 0 {
            anchors.insert(inside.anchor, inside);
        }
    });
    anchors
}

fn has_alias(tree: &Tree) -> bool {
    let mut found = false;
    tree.walk(&mut |inside| found |= matches!(inside.kind, TreeKind::Alias(_)));
    found
}

/// Without `enabled`, by which a chart takes another one or leaves it out: it is not the other one's.
fn without_switch(tree: &Tree) -> Tree {
    let mut copy = tree.clone();
    if let TreeKind::Map { members, .. } = &mut copy.kind {
        members.retain(|member| member.key.text() != Some("enabled"));
    }
    copy
}

/// Whether a value of another chart holds values of Datadog's: by what is in it, since any name can be chosen.
fn is_held(entry: &YamlEntry<'_>) -> bool {
    let value = entry.value;
    let has = |names: &[&str]| names.iter().filter(|name| value.get(name).is_some_and(YamlNode::is_map)).count();
    let is_sure = value.path(&["clusterAgent", "admissionController"]).is_some()
        || (has(&["datadog"]) == 1 && has(&["clusterAgent", "agents", "clusterChecksRunner"]) > 0);
    value.is_map() && (is_sure || (entry.name.contains(CHART) && is_helm_values(value)))
}

/// What each `Chart.yaml` says, by its folder.
fn folders<'s>(objects: &[ManifestObject<'_>], sources: &'s [SourceFile]) -> HashMap<&'s str, ChartFolder> {
    let mut folders: HashMap<&str, ChartFolder> = HashMap::new();
    for object in objects.iter().filter(|object| object.what == DocumentKind::Chart) {
        let Some(source) = sources.get(object.source) else { continue };
        let folder = folders.entry(folder_and_name(&source.name).0).or_default();
        let text = |node: YamlNode<'_>, name| node.get(name).and_then(YamlNode::text).map(str::to_owned);
        let mut is_wrapper = false;
        for dependency in object.node.list("dependencies") {
            if text(dependency, "name").as_deref() != Some(CHART) {
                continue;
            }
            is_wrapper = true;
            if dependency.get("version").and_then(YamlNode::text).is_none_or(is_known_version) {
                folder.names.push(text(dependency, "alias").unwrap_or_else(|| CHART.to_owned()));
            }
        }
        folder.is_wrapper |= is_wrapper;
        folder.is_datadog |= !is_wrapper && text(object.node, "name").as_deref() == Some(CHART);
    }
    folders
}

fn folder_and_name(path: &str) -> (&str, &str) {
    path.rsplit_once(['/', '\\']).unwrap_or(("", path))
}

/// What the `Chart.yaml` beside or above a file says, and whether it is beside.
fn folder_of<'f>(path: &str, folders: &'f HashMap<&str, ChartFolder>) -> (Option<&'f ChartFolder>, bool) {
    let own = folder_and_name(path).0;
    let mut folder = own;
    loop {
        if let Some(found) = folders.get(folder) {
            return (Some(found), folder == own);
        }
        if folder.is_empty() {
            return (None, false);
        }
        folder = folder_and_name(folder).0;
    }
}
