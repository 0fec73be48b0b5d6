//! A source, parsed: its documents, and those that are not YAML.

use super::node::{self, Anchors};
use super::source::{Place, SourceFile, Span};
use crate::tree::Document;
use crate::tree::readable::{UnreadDocument, readable_documents};

/// A source, parsed.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) documents: Vec<Document>,
    /// What of it is not YAML.
    pub(crate) unread: Vec<UnreadDocument>,
    /// How many bytes are before what was parsed: a byte order mark.
    pub(crate) before: usize,
}

impl Parsed {
    pub(crate) fn new(source: &SourceFile) -> Parsed {
        let body = source.text.trim_start_matches('\u{feff}');
        let before = source.text.len() - body.len();
        let (documents, mut unread) = readable_documents(body);
        if is_json_of_others(source) {
            unread.clear();
        }
        Parsed { documents, unread, before }
    }

    /// The anchors of each document.
    pub(crate) fn anchors(&self) -> Vec<Anchors<'_>> {
        self.documents.iter().map(node::anchors).collect()
    }

    /// Where a document stops being YAML.
    pub(crate) fn error_place(&self, document: &UnreadDocument, source: usize) -> Place {
        let start = document.error.offset + self.before;
        Place { source, span: Span { start, end: start + 1 } }
    }

    /// A document as it is written.
    pub(crate) fn unread_text<'s>(&self, document: &UnreadDocument, source: &'s SourceFile) -> &'s str {
        source.slice(Span { start: document.start + self.before, end: document.end + self.before })
    }
}

/// Whether a file in JSON, if it cannot be read, is none of those that are checked: many programs' files in JSON have comments in them.
fn is_json_of_others(source: &SourceFile) -> bool {
    /// A name that each kind of document has which is looked at.
    const NAMES: [&str; 6] =
        ["apiVersion", "AWSTemplateFormatVersion", "Resources", "Statement", "datadog", "clusterAgent"];
    let is_json = source.name.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case("json"));
    is_json && !NAMES.iter().any(|name| source.text.contains(&format!("\"{name}\"")))
}
