//! A value of a YAML document as rules look at it: aliases and merge keys are followed, and every value knows its place.

use std::collections::HashMap;

use super::finding::FixEdit;
use super::source::{Place, SourceFile, Span};
pub(crate) use crate::scalar::Scalar;
use crate::scalar::{is_text_to_all, plain};
use crate::tree::{Document, ScalarStyle, Tree, TreeKind, TreeMember};

/// The values of a document that have an anchor, by the anchor's number.
pub(crate) type Anchors<'a> = HashMap<usize, &'a Tree>;

/// How many merge keys within merge keys are followed.
const MERGE_DEPTH: usize = 16;

/// A value and where it is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct YamlNode<'a> {
    /// As written, maybe an alias.
    written: &'a Tree,
    anchors: &'a Anchors<'a>,
    source: usize,
    /// How many bytes are before the text that was parsed: a byte order mark.
    before: usize,
}

/// A member of a map.
#[derive(Debug, Clone, Copy)]
pub(crate) struct YamlEntry<'a> {
    pub(crate) name: &'a str,
    pub(crate) key: Place,
    pub(crate) value: YamlNode<'a>,
}

/// The anchors of a document.
pub(crate) fn anchors(document: &Document) -> Anchors<'_> {
    let mut anchors = Anchors::new();
    document.root.walk(&mut |tree| {
        if tree.anchor != 0 {
            anchors.insert(tree.anchor, tree);
        }
    });
    anchors
}

impl<'a> YamlNode<'a> {
    pub(crate) fn new(written: &'a Tree, anchors: &'a Anchors<'a>, source: usize, before: usize) -> YamlNode<'a> {
        YamlNode { written, anchors, source, before }
    }

    fn of(self, written: &'a Tree) -> YamlNode<'a> {
        YamlNode { written, ..self }
    }

    /// What an alias stands for.
    pub(crate) fn tree(self) -> &'a Tree {
        match self.written.kind {
            TreeKind::Alias(anchor) => self.anchors.get(&anchor).copied().unwrap_or(self.written),
            _ => self.written,
        }
    }

    /// Where it is written; of an alias, where the alias is.
    pub(crate) fn place(self) -> Place {
        self.place_of(self.written)
    }

    /// Where the value is; of an alias, what it stands for.
    pub(crate) fn value_place(self) -> Place {
        self.place_of(self.tree())
    }

    fn place_of(self, tree: &Tree) -> Place {
        Place { source: self.source, span: Span { start: tree.start + self.before, end: tree.end + self.before } }
    }

    /// Whether it is an alias, so that a change would be one elsewhere.
    pub(crate) fn is_alias(self) -> bool {
        matches!(self.written.kind, TreeKind::Alias(_))
    }

    /// A value with a tag, such as CloudFormation's `!Ref`: nothing is known of it.
    pub(crate) fn is_tagged(self) -> bool {
        self.tree().tagged
    }

    pub(crate) fn is_map(self) -> bool {
        matches!(self.tree().kind, TreeKind::Map { .. })
    }

    pub(crate) fn is_list(self) -> bool {
        matches!(self.tree().kind, TreeKind::List { .. })
    }

    /// Written with braces or brackets, as all of JSON is.
    pub(crate) fn is_flow(self) -> bool {
        self.tree().is_flow()
    }

    /// How its text is written; `None` for a map or a list.
    pub(crate) fn style(self) -> Option<ScalarStyle> {
        match self.tree().kind {
            TreeKind::Scalar { style, .. } => Some(style),
            _ => None,
        }
    }

    /// The text of a scalar, whatever it means; `None` for a map, a list or something tagged.
    pub(crate) fn text(self) -> Option<&'a str> {
        self.tree().text().filter(|_| !self.is_tagged())
    }

    /// What the scalar is to Kubernetes.
    pub(crate) fn scalar(self) -> Option<Scalar<'a>> {
        let text = self.text()?;
        Some(if self.style() == Some(ScalarStyle::Plain) { plain(text) } else { Scalar::Text(text) })
    }

    /// The text, if Kubernetes takes it for one.
    pub(crate) fn string(self) -> Option<&'a str> {
        match self.scalar()? {
            Scalar::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is `true`, quoted or not.
    pub(crate) fn is_true(self) -> bool {
        match self.scalar() {
            Some(Scalar::Boolean(value)) => value,
            Some(Scalar::Text(text)) => text == "true",
            _ => false,
        }
    }

    /// Whether nothing was written, or null.
    pub(crate) fn is_null(self) -> bool {
        self.scalar() == Some(Scalar::Null)
    }

    pub(crate) fn items(self) -> impl Iterator<Item = YamlNode<'a>> {
        self.tree().items().iter().map(move |item| self.of(item))
    }

    /// The members that are written here, in order; not those of merge keys.
    pub(crate) fn entries(self) -> impl Iterator<Item = YamlEntry<'a>> {
        self.tree().members().iter().filter_map(move |member| self.entry_of(member))
    }

    fn entry_of(self, member: &'a TreeMember) -> Option<YamlEntry<'a>> {
        let name = member.key.text()?;
        Some(YamlEntry { name, key: self.place_of(&member.key), value: self.of(&member.value) })
    }

    /// The member of this name; the last, as Kubernetes takes it, and only then one of a merge key.
    pub(crate) fn entry(self, name: &str) -> Option<YamlEntry<'a>> {
        self.entry_within(name, MERGE_DEPTH)
    }

    fn entry_within(self, name: &str, depth: usize) -> Option<YamlEntry<'a>> {
        let own = self.tree().members().iter().rev().find(|member| member.key.text() == Some(name));
        if let Some(member) = own {
            return self.entry_of(member);
        }
        let depth = depth.checked_sub(1)?;
        let merged = self.tree().members().iter().find(|member| member.key.text() == Some("<<"))?;
        let merged = self.of(&merged.value);
        if merged.is_list() {
            return merged.items().find_map(|map| map.entry_within(name, depth));
        }
        merged.entry_within(name, depth)
    }

    /// The value of this name.
    pub(crate) fn get(self, name: &str) -> Option<YamlNode<'a>> {
        self.entry(name).map(|entry| entry.value)
    }

    /// The value at the end of these names.
    pub(crate) fn path(self, names: &[&str]) -> Option<YamlNode<'a>> {
        names.iter().try_fold(self, |node, name| node.get(name))
    }

    /// The items of a list of this name; none where there is no list.
    pub(crate) fn list(self, name: &str) -> impl Iterator<Item = YamlNode<'a>> {
        self.get(name).into_iter().flat_map(YamlNode::items)
    }

    /// The change that puts another text in the place of a scalar, between quotes where it needs some. `None` for an alias, whose text
    /// is elsewhere, and for blocks.
    pub(crate) fn rewrite(self, new: &str, source: &SourceFile) -> Option<FixEdit> {
        let style = self.style().filter(|_| !self.is_alias() && !new.contains(['\n', '\r']))?;
        let span = self.place().span;
        let text = match style {
            ScalarStyle::Plain if is_plain(new) => new.to_owned(),
            ScalarStyle::SingleQuoted => format!("'{}'", new.replace('\'', "''")),
            ScalarStyle::Plain | ScalarStyle::DoubleQuoted => serde_json::Value::from(new).to_string(),
            _ => return None,
        };
        // Only where all of it is known to be there.
        let written = source.slice(span);
        let is_whole = match style {
            ScalarStyle::Plain => Some(written) == self.text(),
            _ => written.len() >= 2 && written.starts_with(['"', '\'']) && written.ends_with(['"', '\'']),
        };
        is_whole.then_some(FixEdit { span, text })
    }

    /// The change that turns another value into a string: what is written, between quotes. `None` for an alias, and for what takes
    /// several lines.
    pub(crate) fn quote(self, source: &SourceFile) -> Option<FixEdit> {
        let span = self.place().span;
        let written = source.slice(span);
        let is_one_line = !written.is_empty() && !written.contains(['\n', '\r']);
        let is_value = self.style() == Some(ScalarStyle::Plain) || self.is_flow();
        let quoted = match self.style() {
            Some(_) => serde_json::Value::from(written).to_string(),
            // JSON has double quotes of its own; in JSON, which knows no single ones, they need backslashes.
            None if source.text.trim_start().starts_with(['{', '[']) => serde_json::Value::from(written).to_string(),
            None => format!("'{}'", written.replace('\'', "''")),
        };
        (is_one_line && is_value && !self.is_alias() && !self.is_tagged()).then_some(FixEdit { span, text: quoted })
    }
}

/// Whether a text is the same text without quotes: only letters, digits and what has no meaning in YAML.
fn is_plain(text: &str) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:@".contains(&byte);
    text.bytes().all(is_usual) && !text.ends_with(':') && is_text_to_all(text)
}
