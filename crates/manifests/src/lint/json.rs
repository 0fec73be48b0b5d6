//! A JSON text inside a manifest, such as an annotation's, and where each value in it is written.

use serde_json::Value;

use super::embedded::Embedded;
use super::node::YamlNode;
use super::source::{Place, SourceFile, Span};
use crate::tree::parse::documents;
use crate::tree::{Document, Tree};

/// A JSON text, read.
#[derive(Debug)]
pub(crate) struct JsonText<'a> {
    pub(crate) value: Value,
    text: Embedded<'a>,
    /// JSON is YAML, whose parser knows places. `None` for the rare text that only one of the two takes.
    document: Option<Document>,
}

impl<'a> JsonText<'a> {
    /// Reads the text of a scalar.
    ///
    /// # Errors
    /// Where it is not JSON, and why; nothing of the text itself.
    pub(crate) fn new(node: YamlNode<'a>, source: &SourceFile) -> Result<JsonText<'a>, (Place, String)> {
        let Some(text) = Embedded::new(node, source) else { return Err((node.place(), "it is not text".to_owned())) };
        let value = match serde_json::from_str(text.text) {
            Ok(value) => value,
            Err(error) => {
                let start = offset(text.text, error.line(), error.column());
                let message = error.to_string();
                let problem = message.rsplit_once(" at line ").map_or(message.as_str(), |(problem, _)| problem);
                let letter = text.text.get(start..).and_then(|rest| rest.chars().next());
                let end = start + letter.map_or(0, char::len_utf8);
                return Err((text.span(Span { start, end }), problem.to_owned()));
            }
        };
        let document = documents(text.text).ok().and_then(|mut documents| documents.pop());
        Ok(JsonText { value, text, document })
    }

    /// Where the value at the end of these names and numbers is written, or as far as they lead.
    pub(crate) fn place(&self, path: &[&str]) -> Place {
        let whole = || self.text.span(Span { start: 0, end: self.text.text.trim_end().len() });
        let Some(document) = &self.document else { return whole() };
        let mut tree = &document.root;
        for step in path {
            let Some(next) = child(tree, step) else { break };
            tree = next;
        }
        self.text.span(Span { start: tree.start, end: tree.end })
    }

    /// Where a member's name is written; the map if it has no such member.
    pub(crate) fn name_place(&self, path: &[&str], name: &str) -> Place {
        let map = self
            .document
            .as_ref()
            .and_then(|document| path.iter().try_fold(&document.root, |tree, step| child(tree, step)));
        match map.and_then(|map| map.member(name)) {
            Some(member) => self.text.span(Span { start: member.key.start, end: member.key.end }),
            None => self.place(path),
        }
    }
}

fn child<'t>(tree: &'t Tree, step: &str) -> Option<&'t Tree> {
    let member = tree.member(step).map(|member| &member.value);
    member.or_else(|| tree.items().get(step.parse::<usize>().ok()?))
}

/// The byte that serde_json's line and column, which counts bytes, are for.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let at = (start + column.saturating_sub(1)).min(text.trim_end().len().saturating_sub(1));
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::node::anchors;
    use crate::lint::project::Parsed;

    /// What is written where `path` leads in the JSON of `a`, or where the JSON is broken.
    fn written<'y>(yaml: &'y str, path: &[&str]) -> &'y str {
        let source = SourceFile::new("one.yaml", yaml);
        let parsed = Parsed::new(&source);
        let anchors = anchors(&parsed.documents[0]);
        let node = YamlNode::new(&parsed.documents[0].root, &anchors, 0, 0).get("a").unwrap();
        let place = match JsonText::new(node, &source) {
            Ok(json) => json.place(path),
            Err((place, _)) => place,
        };
        &yaml[place.span.range()]
    }

    #[test]
    fn values_are_found_however_the_text_is_written() {
        let block = "a: |\n  [{\"b\": \"é\",\n    \"c\": [1, {\"d\": true}]}]\n";
        let single = "a: '[{\"b\": \"é\", \"c\": [1, {\"d\": true}]}]'\n";
        let double = r#"{"a": "[{\"b\": \"é\", \"c\": [1, {\"d\": true}]}]"}"#;
        for yaml in [block, single, double] {
            assert_eq!(written(yaml, &["0", "c", "1", "d"]), "true", "{yaml}");
            assert_eq!(written(yaml, &["0", "c", "0"]), "1", "{yaml}");
            // As far as it leads.
            assert_eq!(written(yaml, &["0", "c", "0", "x"]), "1", "{yaml}");
        }
    }

    #[test]
    fn where_json_is_broken() {
        assert_eq!(written("a: '{\"b\": ä}'\n", &[]), "ä");
        assert_eq!(written("a: |\n  {\n    \"b\": 1,\n  }\n", &[]), "}");
        assert_eq!(written("a: '{\"b\": 1'\n", &[]), "1");
        assert_eq!(written("a: ''\n", &[]), "");
    }
}
