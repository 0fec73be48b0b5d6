//! The documents of a text as tools of Kubernetes read them: each by itself, so that a broken one does not hide the others, and with what
//! their readers take though YAML does not have it: tabs between braces, and JSON values one after the other.

use std::ops::Range;

use serde::de::IgnoredAny;

use super::parse::{NotYaml, documents};
use super::{Document, Tree, TreeKind};

/// A part of a text that is not YAML, from its first line (`---`, if it has one) to the next document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnreadDocument {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) error: NotYaml,
}

/// The documents of a text that are YAML, and those that are not.
///
/// Source: Kubernetes, `apimachinery/pkg/util/yaml`, `splitYAMLDocument`: kubectl, too, looks at each document by itself.
pub(crate) fn readable_documents(text: &str) -> (Vec<Document>, Vec<UnreadDocument>) {
    let whole = match documents(text) {
        Ok(documents) => return (documents, Vec::new()),
        Err(error) => error,
    };
    if let Some(documents) = json_values(text) {
        return (documents, Vec::new());
    }
    let starts: Vec<usize> = std::iter::once(0).chain(separators(text)).collect();
    let (mut found, mut broken) = (Vec::new(), Vec::new());
    for (number, start) in starts.iter().copied().enumerate() {
        let end = starts.get(number + 1).copied().unwrap_or(text.len());
        match documents_with_tabs(text.get(start..end).unwrap_or_default()) {
            Ok(documents) => found.extend(documents.into_iter().map(|document| moved(document, start))),
            Err(error) => {
                broken.push(UnreadDocument { start, end, error: error.moved(start) });
            }
        }
    }
    if broken.is_empty() && documents_with_tabs(text).is_err() {
        // Each is right by itself; what is wrong is between them.
        broken.push(UnreadDocument { start: 0, end: text.len(), error: whole });
    }
    (found, broken)
}

fn moved(mut document: Document, by: usize) -> Document {
    (document.start, document.end) = (document.start + by, document.end + by);
    document.root.move_to(&|from, to| (from + by, to + by));
    document
}

/// Where lines of three dashes begin, but for the first line.
fn separators(text: &str) -> impl Iterator<Item = usize> {
    text.match_indices("\n---").map(|(at, _)| at + 1).filter(|start| {
        let rest = text.get(start + 3..).unwrap_or_default();
        rest.is_empty() || rest.starts_with(char::is_whitespace)
    })
}

/// Several JSON values, one after the other, as a log has them and as kubectl takes them.
///
/// Source: Kubernetes, `apimachinery/pkg/util/yaml`, `YAMLOrJSONDecoder`.
fn json_values(text: &str) -> Option<Vec<Document>> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let (mut found, mut start) = (Vec::new(), 0);
    while let Some(value) = values.next() {
        value.ok()?;
        let end = values.byte_offset();
        let read = documents(text.get(start..end)?).ok()?;
        found.extend(read.into_iter().map(|document| moved(document, start)));
        start = end;
    }
    Some(found)
}

/// All documents of a text in which tabs may be blanks at the beginning of a line, between braces or brackets.
///
/// Source: yaml/go-yaml, `scannerc.go`, `yaml_parser_scan_to_next_token`, which takes them there.
fn documents_with_tabs(text: &str) -> Result<Vec<Document>, NotYaml> {
    let error = match documents(text) {
        Err(error) if error.problem.starts_with("tabs disallowed") => error,
        other => return other,
    };
    let tabs = leading_tabs(text);
    // Where braces and brackets are, once tabs are no matter.
    let Ok(guessed) = documents(&without_tabs(text, &tabs, std::slice::from_ref(&(0..text.len())))) else {
        return Err(error);
    };
    let mut flows: Vec<Range<usize>> = Vec::new();
    guessed.iter().for_each(|document| flow_ranges(&document.root, &mut flows));
    documents(&without_tabs(text, &tabs, &flows)).map_err(|_| error)
}

/// Where tabs stand before anything else of a line.
fn leading_tabs(text: &str) -> Vec<usize> {
    let (mut found, mut is_leading) = (Vec::new(), true);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'\n' => is_leading = true,
            b'\t' if is_leading => found.push(at),
            b' ' => {}
            _ => is_leading = false,
        }
    }
    found
}

/// The text with a blank for each of these tabs that is in one of the ranges, which are in order.
fn without_tabs(text: &str, tabs: &[usize], ranges: &[Range<usize>]) -> String {
    let (mut out, mut done, mut ranges) = (String::with_capacity(text.len()), 0, ranges.iter().peekable());
    for tab in tabs {
        while ranges.next_if(|range| range.end <= *tab).is_some() {}
        if ranges.peek().is_some_and(|range| range.contains(tab)) {
            out.push_str(text.get(done..*tab).unwrap_or_default());
            out.push(' ');
            done = tab + 1;
        }
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

/// The outermost maps and lists with braces or brackets, in order.
fn flow_ranges(tree: &Tree, found: &mut Vec<Range<usize>>) {
    if tree.is_flow() {
        found.push(tree.start..tree.end);
        return;
    }
    match &tree.kind {
        TreeKind::List { items, .. } => items.iter().for_each(|item| flow_ranges(item, found)),
        TreeKind::Map { members, .. } => {
            for member in members {
                flow_ranges(&member.key, found);
                flow_ranges(&member.value, found);
            }
        }
        TreeKind::Scalar { .. } | TreeKind::Alias(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tabs_between_braces_are_blanks() {
        let text = "items:\n- {\n\t\t\"kind\": \"Service\",\n\t\"a\": [\n\t1]\n\t}\n";
        let (found, broken) = readable_documents(text);
        assert!(broken.is_empty(), "{broken:?}");
        let item = &found[0].root.member("items").unwrap().value.items()[0];
        let kind = &item.member("kind").unwrap().value;
        assert_eq!((kind.text(), &text[kind.start..kind.end]), (Some("Service"), "\"Service\""));
    }

    #[test]
    fn tabs_elsewhere_are_none() {
        for text in ["a:\n\tb: 1\n", "a: {\n\tb: 1}\nc:\n\td: 1\n"] {
            assert_eq!(readable_documents(text).1.len(), 1, "{text:?}");
        }
    }

    #[test]
    fn tabs_of_a_block_of_text_stay() {
        let text = "a: |\n  x\n  \ty\nb:\n- {\n\tc: 1\n\t}\n";
        let (found, broken) = readable_documents(text);
        assert!(broken.is_empty(), "{broken:?}");
        assert_eq!(found[0].root.member("a").unwrap().value.text(), Some("x\n\ty\n"));
    }

    #[test]
    fn json_values_one_after_the_other() {
        let text = "{\"kind\": \"Pod\"}\n{\"kind\": \"Job\"} {}\n";
        let (found, broken) = readable_documents(text);
        assert!(broken.is_empty(), "{broken:?}");
        let kind = &found[1].root.member("kind").unwrap().value;
        assert_eq!((found.len(), &text[kind.start..kind.end]), (3, "\"Job\""));
        assert_eq!(readable_documents("{\"kind\": 1}\n{\"kind\"").1.len(), 1);
    }
}
