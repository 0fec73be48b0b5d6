//! A value of a YAML document as rules look at it: aliases and merge keys are followed, and every value knows its place.

use std::collections::HashMap;

use granit_parser::ScalarStyle;

use super::source::{Place, Span};
use crate::manifests::tree::{Document, Kind, Member, Tree};

/// The values of a document that have an anchor, by the anchor's number.
pub type Anchors<'a> = HashMap<usize, &'a Tree>;

/// How many merge keys within merge keys are followed.
const MERGE_DEPTH: usize = 16;

/// A value and where it is written.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    /// As written, maybe an alias.
    written: &'a Tree,
    anchors: &'a Anchors<'a>,
    source: usize,
    /// How many bytes stand before the text that was parsed: a byte order mark.
    before: usize,
}

/// A member of a map.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    pub name: &'a str,
    pub key: Place,
    pub value: Node<'a>,
}

/// What a scalar is to Kubernetes, whose YAML still reads `yes`, `no`, `on` and `off` as booleans.
///
/// Source: kubernetes-sigs/yaml (go-yaml v2, YAML 1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar<'a> {
    Null,
    Boolean(bool),
    Number(&'a str),
    Text(&'a str),
}

/// The anchors of a document.
pub fn anchors(document: &Document) -> Anchors<'_> {
    let mut anchors = Anchors::new();
    document.root.walk(&mut |tree| {
        if tree.anchor != 0 {
            anchors.insert(tree.anchor, tree);
        }
    });
    anchors
}

impl<'a> Node<'a> {
    pub fn new(written: &'a Tree, anchors: &'a Anchors<'a>, source: usize, before: usize) -> Node<'a> {
        Node { written, anchors, source, before }
    }

    fn of(self, written: &'a Tree) -> Node<'a> {
        Node { written, ..self }
    }

    /// What an alias stands for.
    pub fn tree(self) -> &'a Tree {
        match self.written.kind {
            Kind::Alias(anchor) => self.anchors.get(&anchor).copied().unwrap_or(self.written),
            _ => self.written,
        }
    }

    /// Where it is written; of an alias, where the alias is.
    pub fn place(self) -> Place {
        self.place_of(self.written)
    }

    /// Where the value is; of an alias, what it stands for.
    pub fn value_place(self) -> Place {
        self.place_of(self.tree())
    }

    fn place_of(self, tree: &Tree) -> Place {
        Place { source: self.source, span: Span { start: tree.start + self.before, end: tree.end + self.before } }
    }

    /// Whether it is an alias, so that a change would be one elsewhere.
    pub fn is_alias(self) -> bool {
        matches!(self.written.kind, Kind::Alias(_))
    }

    /// A value of a kind of its own, such as CloudFormation's `!Ref`: nothing can be said of it.
    pub fn is_tagged(self) -> bool {
        self.tree().tagged
    }

    pub fn is_map(self) -> bool {
        matches!(self.tree().kind, Kind::Map { .. })
    }

    pub fn is_list(self) -> bool {
        matches!(self.tree().kind, Kind::List { .. })
    }

    /// Written with braces or brackets, as all of JSON is.
    pub fn is_flow(self) -> bool {
        self.tree().is_flow()
    }

    /// How its text is written; `None` for a map or a list.
    pub fn style(self) -> Option<ScalarStyle> {
        match self.tree().kind {
            Kind::Scalar { style, .. } => Some(style),
            _ => None,
        }
    }

    /// The text of a scalar, whatever it means; `None` for a map, a list or something tagged.
    pub fn text(self) -> Option<&'a str> {
        self.tree().text().filter(|_| !self.is_tagged())
    }

    /// What the scalar is to Kubernetes.
    pub fn scalar(self) -> Option<Scalar<'a>> {
        let text = self.text()?;
        Some(if self.style() == Some(ScalarStyle::Plain) { plain(text) } else { Scalar::Text(text) })
    }

    /// The text, if Kubernetes takes it for one.
    pub fn string(self) -> Option<&'a str> {
        match self.scalar()? {
            Scalar::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is `true`, quoted or not.
    pub fn is_true(self) -> bool {
        match self.scalar() {
            Some(Scalar::Boolean(value)) => value,
            Some(Scalar::Text(text)) => text == "true",
            _ => false,
        }
    }

    /// Whether nothing was written, or null.
    pub fn is_null(self) -> bool {
        self.scalar() == Some(Scalar::Null)
    }

    pub fn items(self) -> impl Iterator<Item = Node<'a>> {
        self.tree().items().iter().map(move |item| self.of(item))
    }

    /// The members that are written here, in order; not those of merge keys.
    pub fn entries(self) -> impl Iterator<Item = Entry<'a>> {
        self.tree().members().iter().filter_map(move |member| self.entry_of(member))
    }

    fn entry_of(self, member: &'a Member) -> Option<Entry<'a>> {
        let name = member.key.text()?;
        Some(Entry { name, key: self.place_of(&member.key), value: self.of(&member.value) })
    }

    /// The member of this name; the last, as Kubernetes takes it, and only then one of a merge key.
    pub fn entry(self, name: &str) -> Option<Entry<'a>> {
        self.entry_within(name, MERGE_DEPTH)
    }

    fn entry_within(self, name: &str, depth: usize) -> Option<Entry<'a>> {
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
    pub fn get(self, name: &str) -> Option<Node<'a>> {
        self.entry(name).map(|entry| entry.value)
    }

    /// The value at the end of these names.
    pub fn path(self, names: &[&str]) -> Option<Node<'a>> {
        names.iter().try_fold(self, |node, name| node.get(name))
    }

    /// The items of a list of this name; none where there is no list.
    pub fn list(self, name: &str) -> impl Iterator<Item = Node<'a>> {
        self.get(name).into_iter().flat_map(Node::items)
    }

    /// The entry of the last of these names that exists; for pointing at what lacks the next.
    pub fn deepest(self, names: &[&str]) -> Option<Entry<'a>> {
        let (mut node, mut found) = (self, None);
        for name in names {
            let Some(entry) = node.entry(name) else { break };
            (node, found) = (entry.value, Some(entry));
        }
        found
    }
}

fn plain(text: &str) -> Scalar<'_> {
    let is = |words: &[&str]| words.contains(&text);
    if is(&["", "~", "null", "Null", "NULL"]) {
        return Scalar::Null;
    }
    if is(&["true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"]) {
        return Scalar::Boolean(true);
    }
    if is(&["false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"]) {
        return Scalar::Boolean(false);
    }
    let digits = text.trim_start_matches(['-', '+']);
    let is_number = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && (digits.parse::<f64>().is_ok()
            || digits.strip_prefix("0x").is_some_and(|hex| u64::from_str_radix(hex, 16).is_ok())
            || digits.strip_prefix("0o").is_some_and(|octal| u64::from_str_radix(octal, 8).is_ok()));
    if is_number { Scalar::Number(text) } else { Scalar::Text(text) }
}
