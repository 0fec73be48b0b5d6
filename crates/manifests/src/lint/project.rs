//! All that is checked together: the documents of all sources, told apart by what they are for. Rules that look across files look
//! here.

use super::chart::Charts;
use super::logging::LoggingConfigMap;
use super::node::{Anchors, YamlNode};
use super::object::{DocumentKind, ManifestObject};
pub(crate) use super::parsed::Parsed;
use super::pod::PodTemplate;
use super::source::{Place, SourceFile, Span};
use super::unrendered::{UnrenderedDocument, may_be_unrendered};

/// What else is known of where the manifests go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExpectedTarget {
    /// Where the function is.
    pub region: Option<String>,
    pub account: Option<String>,
    pub cluster: Option<String>,
    pub log_group: Option<String>,
    /// Of the pods.
    pub namespaces: Vec<String>,
}

/// All that is checked together.
#[derive(Debug)]
pub(crate) struct Project<'a> {
    pub(crate) sources: &'a [SourceFile],
    pub(crate) parsed: &'a [Parsed],
    pub(crate) objects: Vec<ManifestObject<'a>>,
    /// ConfigMaps for EKS' Fluent Bit.
    pub(crate) logging: Vec<LoggingConfigMap<'a>>,
    /// Values of the chart inside of others.
    pub(crate) charts: &'a Charts,
    /// Documents that are templates still, in order.
    pub(crate) unrendered: Vec<UnrenderedDocument>,
    pub(crate) expected: &'a ExpectedTarget,
}

/// The objects of all sources.
pub(crate) fn objects<'a>(parsed: &'a [Parsed], anchors: &'a [Vec<Anchors<'a>>]) -> Vec<ManifestObject<'a>> {
    let mut objects = Vec::new();
    for (number, (one, anchors)) in parsed.iter().zip(anchors).enumerate() {
        for (document, anchors) in one.documents.iter().zip(anchors) {
            let node = YamlNode::new(&document.root, anchors, number, one.before);
            if node.is_list() {
                // An array of objects is a list without a kind.
                node.items().for_each(|item| ManifestObject::add(item, number, &mut objects));
            } else {
                ManifestObject::add(node, number, &mut objects);
            }
        }
    }
    objects
}

impl<'a> Project<'a> {
    /// `objects` are those of the sources, `charts` what stands inside of them, with its own anchors.
    pub(crate) fn new(
        sources: &'a [SourceFile],
        (parsed, anchors): (&'a [Parsed], &'a [Vec<Anchors<'a>>]),
        mut objects: Vec<ManifestObject<'a>>,
        (charts, chart_anchors): (&'a Charts, &'a [Anchors<'a>]),
        expected: &'a ExpectedTarget,
    ) -> Project<'a> {
        for object in &mut objects {
            if object.what == DocumentKind::HelmValues && charts.is_of_other(object.source) {
                object.what = DocumentKind::Other;
            }
        }
        objects.extend(charts.values.iter().zip(chart_anchors).map(|(values, anchors)| {
            let node = YamlNode::new(&values.root, anchors, values.source, values.before);
            let (what, source) = (DocumentKind::HelmValues, values.source);
            ManifestObject { node, what, source, kind: "", version: "", is_within: values.is_within }
        }));
        let logging: Vec<LoggingConfigMap<'a>> =
            objects.iter().filter_map(|object| LoggingConfigMap::new(*object, sources)).collect();
        let mut project = Project { sources, parsed, objects, logging, charts, unrendered: Vec::new(), expected };
        project.unrendered = project.find_unrendered(anchors);
        project
    }

    /// Documents that are templates still.
    fn find_unrendered(&self, anchors: &[Vec<Anchors<'a>>]) -> Vec<UnrenderedDocument> {
        let mut found = Vec::new();
        for (number, ((one, anchors), source)) in self.parsed.iter().zip(anchors).zip(self.sources).enumerate() {
            if !may_be_unrendered(source) {
                continue;
            }
            let parts =
                self.logging.iter().filter(|logging| logging.object.source == number).flat_map(|one| &one.parts);
            let texts: Vec<Span> = parts.map(|part| part.entry.value.value_place().span).collect();
            let known =
                self.objects.iter().filter(|object| object.source == number && object.what != DocumentKind::Other);
            let mut starts: Vec<usize> = known.map(|object| object.node.place().span.start).collect();
            starts.sort_unstable();
            for (document, anchors) in one.documents.iter().zip(anchors) {
                let root = YamlNode::new(&document.root, anchors, number, one.before);
                let span = root.place().span;
                // Templates of anything else are nobody's business here.
                let first = starts.get(starts.partition_point(|start| *start < span.start));
                if first.is_none_or(|first| *first > span.end) {
                    continue;
                }
                found.extend(UnrenderedDocument::new(document, root, source, &texts));
            }
        }
        found
    }

    /// Whether what is found here cannot be believed, since the document is a template still.
    pub(crate) fn is_open(&self, place: Place) -> bool {
        let key = (place.source, place.span.start);
        let number = self.unrendered.partition_point(|document| document.start() <= key);
        let document = number.checked_sub(1).and_then(|number| self.unrendered.get(number));
        document.is_some_and(|document| document.is_open(place, self.source(place)))
    }

    /// Whether a place is in a document that is not YAML.
    pub(crate) fn is_unread(&self, place: Place) -> bool {
        self.parsed.get(place.source).is_some_and(|parsed| {
            let at = place.span.start.saturating_sub(parsed.before);
            parsed.unread.iter().any(|document| document.start <= at && at < document.end)
        })
    }

    /// The source that a place is in.
    pub(crate) fn source(&self, place: Place) -> &'a SourceFile {
        // A place is made from a source's number, always.
        &self.sources[place.source.min(self.sources.len().saturating_sub(1))]
    }

    /// Objects of Kubernetes of a kind.
    pub(crate) fn of_kind(&self, kind: &str) -> impl Iterator<Item = ManifestObject<'a>> {
        self.objects.iter().copied().filter(move |object| object.kind == kind)
    }

    /// Documents that are for the same.
    pub(crate) fn of_what(&self, what: DocumentKind) -> impl Iterator<Item = ManifestObject<'a>> {
        self.objects.iter().copied().filter(move |object| object.what == what)
    }

    /// All pods and templates of pods.
    pub(crate) fn pods(&self) -> impl Iterator<Item = PodTemplate<'a>> {
        self.objects.iter().filter_map(|object| object.pod())
    }
}
