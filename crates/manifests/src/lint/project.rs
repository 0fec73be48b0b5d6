//! All that is checked together: the documents of all sources, told apart by what they are for. Rules that look across files look
//! here.

use super::logging::LoggingConfigMap;
use super::node::{self, Anchors, YamlNode};
use super::object::{DocumentKind, ManifestObject};
use super::pod::PodTemplate;
use super::source::{Place, SourceFile, Span};
use crate::tree::Document;
use crate::tree::parse::{NotYaml, documents};

/// A source, parsed.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) documents: Vec<Document>,
    /// Why it is not YAML, if it is not.
    pub(crate) error: Option<NotYaml>,
    /// How many bytes are before what was parsed: a byte order mark.
    before: usize,
}

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
    pub(crate) expected: &'a ExpectedTarget,
}

impl Parsed {
    pub(crate) fn new(source: &SourceFile) -> Parsed {
        let body = source.text.trim_start_matches('\u{feff}');
        let before = source.text.len() - body.len();
        match documents(body) {
            Ok(documents) => Parsed { documents, error: None, before },
            Err(error) => Parsed { documents: Vec::new(), error: Some(error), before },
        }
    }

    /// The anchors of each document.
    pub(crate) fn anchors(&self) -> Vec<Anchors<'_>> {
        self.documents.iter().map(node::anchors).collect()
    }

    /// Where it stops being YAML.
    pub(crate) fn error_place(&self, source: usize) -> Option<Place> {
        let start = self.error.as_ref()?.offset + self.before;
        Some(Place { source, span: Span { start, end: start + 1 } })
    }
}

impl<'a> Project<'a> {
    pub(crate) fn new(
        sources: &'a [SourceFile],
        parsed: &'a [Parsed],
        anchors: &'a [Vec<Anchors<'a>>],
        expected: &'a ExpectedTarget,
    ) -> Project<'a> {
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
        let logging = objects.iter().filter_map(|object| LoggingConfigMap::new(*object, sources)).collect();
        Project { sources, parsed, objects, logging, expected }
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
