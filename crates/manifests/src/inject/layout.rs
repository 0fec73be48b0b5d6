//! How new values are written: as the text around them is.

use crate::node::{Map, Node};
use crate::tree::{Tree, TreeKind};
use crate::yaml;

/// How a text is indented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlockStyle {
    /// From a name to the names under it.
    step: usize,
    /// From a name to the dashes under it; 0 where lists are not indented.
    dash: usize,
    /// From a dash to what is after it.
    gap: usize,
}

impl BlockStyle {
    /// The style that a value is written in, most of the time.
    pub(crate) fn of(text: &str, tree: &Tree) -> BlockStyle {
        let (mut steps, mut dashes, mut gaps) =
            (DistanceCounts::default(), DistanceCounts::default(), DistanceCounts::default());
        tree.walk(&mut |tree| {
            if tree.is_flow() {
                return;
            }
            for member in tree.members() {
                let key = column(text, member.key.start);
                let counts = match member.value.kind {
                    TreeKind::Map { flow: false, .. } => &mut steps,
                    TreeKind::List { flow: false, .. } => &mut dashes,
                    _ => continue,
                };
                let Some(own) = own_column(text, &member.value) else { continue };
                own.checked_sub(key).into_iter().for_each(|distance| counts.add(distance));
            }
            let dash = own_column(text, tree).filter(|_| matches!(tree.kind, TreeKind::List { .. }));
            for item in tree.items() {
                let distance = dash.and_then(|dash| column(text, item.start).checked_sub(dash));
                distance.into_iter().filter(|distance| *distance > 1).for_each(|distance| gaps.add(distance));
            }
        });
        let step = steps.most().unwrap_or(2).max(1);
        BlockStyle { step, dash: dashes.most().unwrap_or(step), gap: gaps.most().unwrap_or(2) }
    }

    /// A name with its value, as lines.
    pub(crate) fn member(self, name: &str, value: &Node, indent: usize) -> Vec<String> {
        let name = yaml::scalar(name);
        match value {
            Node::Map(map) if !map.is_empty() => {
                let head = format!("{}{name}:", blanks(indent));
                std::iter::once(head).chain(self.members(map, indent + self.step)).collect()
            }
            Node::List(items) if !items.is_empty() => {
                let head = format!("{}{name}:", blanks(indent));
                let items = items.iter().flat_map(|item| self.item(&item.value, indent + self.dash));
                std::iter::once(head).chain(items).collect()
            }
            simple => vec![format!("{}{name}: {}", blanks(indent), scalar(simple))],
        }
    }

    /// What is under a name.
    pub(crate) fn inside(self, value: &Node, indent: usize) -> Vec<String> {
        self.member("", value, indent).into_iter().skip(1).collect()
    }

    fn members(self, map: &Map, indent: usize) -> Vec<String> {
        map.entries().iter().flat_map(|entry| self.member(&entry.name, &entry.value, indent)).collect()
    }

    /// An element of a list, its dash at `indent`.
    pub(crate) fn item(self, value: &Node, indent: usize) -> Vec<String> {
        let mut lines = match value {
            Node::Map(map) if !map.is_empty() => self.members(map, indent + self.gap),
            simple => vec![format!("{}{}", blanks(indent + self.gap), scalar(simple))],
        };
        // The dash goes where the first line has spaces.
        if let Some(first) = lines.first_mut() {
            first.replace_range(indent..=indent, "-");
        }
        lines
    }
}

/// How often there is which distance.
#[derive(Default)]
struct DistanceCounts(Vec<(usize, usize)>);

impl DistanceCounts {
    fn add(&mut self, distance: usize) {
        match self.0.iter_mut().find(|(one, _)| *one == distance) {
            Some((_, count)) => *count += 1,
            None => self.0.push((distance, 1)),
        }
    }

    fn most(&self) -> Option<usize> {
        self.0.iter().max_by_key(|(_, count)| *count).map(|(distance, _)| *distance)
    }
}

/// How brackets and braces are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FlowStyle {
    /// Names and texts are in quotation marks: JSON.
    pub(crate) quoted: bool,
    /// No spaces after colons and commas.
    pub(crate) tight: bool,
    /// What one level is indented by, where each has a line of its own.
    pub(crate) step: String,
    pub(crate) newline: &'static str,
}

impl FlowStyle {
    pub(crate) fn comma(&self) -> &'static str {
        if self.tight { "," } else { ", " }
    }

    pub(crate) fn name(&self, name: &str) -> String {
        format!("{}:{}", self.scalar(&Node::from(name)), if self.tight { "" } else { " " })
    }

    pub(crate) fn scalar(&self, value: &Node) -> String {
        let is_simple = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
        match value {
            Node::Text(text) if self.quoted || !text.bytes().all(is_simple) => {
                serde_json::Value::from(text.as_str()).to_string()
            }
            other => scalar(other),
        }
    }

    /// A value; over several lines if `indent` says where its line begins.
    pub(crate) fn value(&self, value: &Node, indent: Option<&str>) -> String {
        let inner = indent.map(|indent| format!("{indent}{}", self.step));
        let inner = inner.as_deref();
        let (open, parts, close) = match value {
            Node::Map(map) if !map.is_empty() => {
                let member = |name: &str, value: &Node| format!("{}{}", self.name(name), self.value(value, inner));
                let members = map.entries().iter().map(|entry| member(&entry.name, &entry.value));
                ('{', members.collect::<Vec<_>>(), '}')
            }
            Node::List(items) if !items.is_empty() => {
                ('[', items.iter().map(|item| self.value(&item.value, inner)).collect(), ']')
            }
            simple => return self.scalar(simple),
        };
        match (indent, inner) {
            (Some(indent), Some(inner)) => {
                let newline = self.newline;
                let parts = parts.join(&format!(",{newline}{inner}"));
                format!("{open}{newline}{inner}{parts}{newline}{indent}{close}")
            }
            _ => format!("{open}{}{close}", parts.join(self.comma())),
        }
    }
}

/// A value without anything inside.
pub(super) fn scalar(value: &Node) -> String {
    match value {
        Node::Bool(value) => value.to_string(),
        Node::Number(value) => value.to_string(),
        Node::Text(text) => yaml::scalar(text),
        Node::List(_) => "[]".to_owned(),
        Node::Map(_) => "{}".to_owned(),
    }
}

fn blanks(count: usize) -> String {
    " ".repeat(count)
}

/// Where the line of a place begins.
pub(super) fn line_start(text: &str, place: usize) -> usize {
    text.get(..place).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1)
}

/// After the line break of a place's line.
pub(super) fn line_end(text: &str, place: usize) -> usize {
    text.get(place..).and_then(|rest| rest.find('\n')).map_or(text.len(), |at| place + at + 1)
}

pub(super) fn column(text: &str, place: usize) -> usize {
    place - line_start(text, place)
}

/// The column of a block's names, or of its dashes.
pub(super) fn own_column(text: &str, tree: &Tree) -> Option<usize> {
    match &tree.kind {
        TreeKind::Map { flow: false, members } => Some(column(text, members.first()?.key.start)),
        TreeKind::List { flow: false, items } => {
            let first = items.first()?;
            let is_dash = text.get(tree.start..).is_some_and(|rest| rest.starts_with('-')) && tree.start < first.start;
            if is_dash { Some(column(text, tree.start)) } else { dash_before(text, tree.start) }
        }
        _ => None,
    }
}

/// The column of the dash that is before a place; there may be comments between the two.
fn dash_before(text: &str, mut place: usize) -> Option<usize> {
    loop {
        let start = line_start(text, place);
        let before = text.get(start..place)?.trim_end();
        let content = before.trim_start_matches(' ');
        if !(content.is_empty() || content.starts_with('#')) {
            let is_first = content.starts_with("- ") && !before.ends_with('-');
            return if is_first { Some(before.len() - content.len()) } else { before.strip_suffix('-').map(str::len) };
        }
        place = start.checked_sub(1)?;
    }
}
