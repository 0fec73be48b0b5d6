//! Changes of a text: only what has to be is touched, and what is new looks like what is there.

use std::collections::BTreeSet;
use std::ops::Range;

use super::change::{Change, PathStep};
use super::hindrance::LeftAloneReason;
use super::layout::{BlockStyle, FlowStyle, column, line_end, line_start, own_column};
use crate::node::Node;
use crate::tree::{Tree, TreeKind, TreeMember};

/// A place of the text, and what will be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TextEdit {
    range: Range<usize>,
    text: String,
    /// Of two at the same place the deeper one comes first.
    depth: usize,
}

/// A document, to be changed.
pub(super) struct Editor<'a> {
    text: &'a str,
    root: &'a Tree,
    /// Anchors that something refers to.
    aliased: BTreeSet<usize>,
    newline: &'static str,
}

/// A part of a text with its edits; `None` if they are in each other's way.
pub(super) fn apply(text: &str, part: Range<usize>, mut edits: Vec<TextEdit>) -> Option<String> {
    edits.sort_by_key(|edit| (edit.range.start, std::cmp::Reverse(edit.depth)));
    let (mut out, mut at) = (String::with_capacity(part.len() + 4096), part.start);
    for edit in &edits {
        out.push_str(text.get(at..edit.range.start)?);
        out.push_str(&edit.text);
        at = edit.range.end;
    }
    out.push_str(text.get(at..part.end)?);
    Some(out)
}

/// Where a change goes: the value, and how braces are written around it.
struct EditPlace<'a> {
    tree: &'a Tree,
    quoted: bool,
    tight: bool,
}

impl<'a> Editor<'a> {
    pub(crate) fn new(text: &'a str, root: &'a Tree) -> Editor<'a> {
        let mut aliased = BTreeSet::new();
        root.walk(&mut |tree| {
            if let TreeKind::Alias(target) = tree.kind {
                aliased.insert(target);
            }
        });
        let newline = match text.find('\n') {
            Some(at) if text[..at].ends_with('\r') => "\r\n",
            _ => "\n",
        };
        Editor { text, root, aliased, newline }
    }

    /// The edits for an object's changes.
    ///
    /// # Errors
    /// Why the text cannot be changed there.
    pub(crate) fn edits(&self, changes: &[Change], object: &Tree) -> Result<Vec<TextEdit>, LeftAloneReason> {
        let block = BlockStyle::of(self.text, object);
        let mut edits = Vec::new();
        for change in changes {
            let place = self.find(change.at())?;
            let depth = change.at().len();
            match change {
                Change::Set { value, .. } => {
                    let range = place.tree.start..place.tree.end;
                    let written = self.text.get(range.clone()).unwrap_or_default();
                    let text = match value {
                        Node::Text(text) if written.starts_with('"') => {
                            serde_json::Value::from(text.as_str()).to_string()
                        }
                        Node::Text(text) if written.starts_with('\'') => format!("'{}'", text.replace('\'', "''")),
                        value => self.flow(&place, None).scalar(value),
                    };
                    edits.push(TextEdit { range, text, depth });
                }
                Change::Append { value, .. } if place.tree.is_flow() => {
                    edits.extend(self.append_in_flow(&place, value, depth));
                }
                Change::Append { value, .. } => {
                    let column = own_column(self.text, place.tree).ok_or_else(unusual)?;
                    let at = self.behind(place.tree, column, self.is_under_its_name(change.at(), column));
                    edits.push(self.lines(at, &block.item(value, column), depth));
                }
                Change::Prepend { values, .. } if place.tree.is_flow() => {
                    edits.extend(self.prepend_in_flow(&place, values, depth));
                }
                Change::Prepend { values, .. } => {
                    let column = own_column(self.text, place.tree).ok_or_else(unusual)?;
                    // Directly below the name: a comment above the first element stays with it.
                    let name = self.member_at(change.at()).ok_or_else(unusual)?;
                    let lines: Vec<String> = values.iter().flat_map(|value| block.item(value, column)).collect();
                    edits.push(self.lines(line_end(self.text, name.key.end), &lines, depth));
                }
                Change::Add { name, value, .. } => match place.tree.member(name) {
                    Some(member) => edits.extend(self.fill(&place, member, value, block, depth)?),
                    None if place.tree.is_flow() => edits.extend(self.add_in_flow(&place, name, value, depth)),
                    None => {
                        let column = own_column(self.text, place.tree).ok_or_else(unusual)?;
                        let at = self.behind(place.tree, column, false);
                        edits.push(self.lines(at, &block.member(name, value, column), depth));
                    }
                },
            }
        }
        Ok(edits)
    }

    fn find(&self, path: &[PathStep]) -> Result<EditPlace<'a>, LeftAloneReason> {
        let mut place = EditPlace { tree: self.root, quoted: false, tight: false };
        let mut shown = String::new();
        self.allow(place.tree, "the document")?;
        for step in path {
            if let Some(first) = place.tree.members().first().filter(|_| place.tree.is_flow()) {
                self.look(&mut place, first);
            }
            match step {
                PathStep::Name(name) if shown.is_empty() => shown.push_str(name),
                PathStep::Name(name) => shown.push_str(&format!(".{name}")),
                PathStep::Index(index) => shown.push_str(&format!("[{index}]")),
            }
            let Some(tree) = step.of(place.tree) else {
                return Err(LeftAloneReason::new(&format!("its {shown} comes from a merge key (<<)"), WRITE_OUT));
            };
            place.tree = tree;
            self.allow(tree, &shown)?;
        }
        if let Some(first) = place.tree.members().first().filter(|_| place.tree.is_flow()) {
            self.look(&mut place, first);
        }
        Ok(place)
    }

    fn look(&self, place: &mut EditPlace<'a>, member: &TreeMember) {
        place.quoted = self.text.get(member.key.start..).is_some_and(|text| text.starts_with('"'));
        let between = self.text.get(member.key.end..member.value.start).unwrap_or_default();
        place.tight = place.quoted && between == ":";
    }

    /// Whether what is written here is nowhere else, too.
    fn allow(&self, tree: &Tree, shown: &str) -> Result<(), LeftAloneReason> {
        if matches!(tree.kind, TreeKind::Alias(_)) {
            return Err(LeftAloneReason::new(
                &format!("its {shown} is an alias (*) of something written elsewhere"),
                WRITE_OUT,
            ));
        }
        if self.aliased.contains(&tree.anchor) {
            let what = format!("its {shown} has an anchor (&) that an alias refers to");
            return Err(LeftAloneReason::new(&what, WRITE_OUT));
        }
        Ok(())
    }

    /// The name at the end of a path, with its value.
    fn member_at(&self, path: &[PathStep]) -> Option<&'a TreeMember> {
        let (PathStep::Name(name), above) = path.split_last()? else { return None };
        above.iter().try_fold(self.root, |tree, step| step.of(tree))?.member(name)
    }

    /// Whether the dashes of a list are in the column of its name.
    fn is_under_its_name(&self, path: &[PathStep], dash: usize) -> bool {
        self.member_at(path).is_some_and(|member| column(self.text, member.key.start) == dash)
    }

    /// Where something new goes that follows a block: after its comments, too.
    fn behind(&self, tree: &Tree, indent: usize, only_deeper: bool) -> usize {
        let is_line_start = self.text.get(..tree.end).is_some_and(|before| before.ends_with('\n'));
        let mut place = if is_line_start { tree.end } else { line_end(self.text, tree.end) };
        let mut scanned = place;
        while scanned < self.text.len() {
            let end = line_end(self.text, scanned);
            let line = self.text.get(scanned..end).unwrap_or_default();
            let comment = line.trim_start_matches(' ');
            let is_own = line.len() - comment.len() >= indent + usize::from(only_deeper);
            if comment.starts_with('#') && is_own {
                place = end;
            } else if !comment.trim().is_empty() {
                break;
            }
            scanned = end;
        }
        place
    }

    fn lines(&self, at: usize, lines: &[String], depth: usize) -> TextEdit {
        let lines = lines.join(self.newline);
        // The last line of a text may have no line break. It gets none.
        let ends = self.text.get(..at).is_none_or(|before| before.is_empty() || before.ends_with('\n'));
        let text = if ends { format!("{lines}{}", self.newline) } else { format!("{}{lines}", self.newline) };
        TextEdit { range: at..at, text, depth }
    }

    /// A member that is there, but empty.
    fn fill(
        &self,
        place: &EditPlace<'_>,
        member: &TreeMember,
        value: &Node,
        block: BlockStyle,
        depth: usize,
    ) -> Result<Vec<TextEdit>, LeftAloneReason> {
        let there = &member.value;
        let shown = member.key.text().unwrap_or_default();
        self.allow(there, shown)?;
        if there.tagged || there.anchor != 0 {
            return Err(unusual());
        }
        let is_scalar = !matches!(value, Node::List(_) | Node::Map(_));
        let has_comment = self.text.get(there.start..there.end).is_some_and(|text| text.contains('#'));
        if place.tree.is_flow() || is_scalar || has_comment {
            let own = self.starts_line(member.key.start);
            let mut text = self.flow(place, Some(member.key.start)).value(value, own);
            if there.start == there.end {
                text.insert(0, ' ');
            }
            return Ok(vec![TextEdit { range: there.start..there.end, text, depth }]);
        }
        let indent = column(self.text, member.key.start);
        let from = self.text.get(..there.start).map_or(there.start, |before| before.trim_end().len());
        let remove = TextEdit { range: from..there.end, text: String::new(), depth };
        let fill = self.lines(line_end(self.text, there.end), &block.inside(value, indent), depth + 1);
        Ok(vec![remove, fill])
    }

    fn add_in_flow(&self, place: &EditPlace<'_>, name: &str, value: &Node, depth: usize) -> Option<TextEdit> {
        let Some(last) = place.tree.members().last() else {
            let flow = self.flow(place, None);
            let text = format!("{}{}", flow.name(name), flow.value(value, None));
            return Some(TextEdit { range: place.tree.start + 1..place.tree.start + 1, text, depth });
        };
        let own = self.starts_line(last.key.start);
        let flow = self.flow(place, Some(last.key.start));
        let before = own.map_or_else(|| flow.comma().to_owned(), |own| format!(",{}{own}", self.newline));
        let text = format!("{before}{}{}", flow.name(name), flow.value(value, own));
        Some(TextEdit { range: last.value.end..last.value.end, text, depth })
    }

    fn append_in_flow(&self, place: &EditPlace<'_>, value: &Node, depth: usize) -> Option<TextEdit> {
        let last = place.tree.items().last()?;
        let (comma, value) = self.beside_in_flow(place, last, value);
        Some(TextEdit { range: last.end..last.end, text: format!("{comma}{value}"), depth })
    }

    fn prepend_in_flow(&self, place: &EditPlace<'_>, values: &[Node], depth: usize) -> Option<TextEdit> {
        let first = place.tree.items().first()?;
        let text = values.iter().map(|value| self.beside_in_flow(place, first, value));
        let text = text.map(|(comma, value)| format!("{value}{comma}")).collect();
        Some(TextEdit { range: first.start..first.start, text, depth })
    }

    /// An element written as the one that it goes beside, and what divides the two.
    fn beside_in_flow(&self, place: &EditPlace<'_>, other: &Tree, value: &Node) -> (String, String) {
        // Elements have their own way of writing names.
        let mut place = EditPlace { tree: place.tree, quoted: place.quoted, tight: place.tight };
        other.members().first().into_iter().for_each(|first| self.look(&mut place, first));
        let is_long = self.text.get(other.start..other.end).is_some_and(|text| text.contains('\n'));
        let own = self.starts_line(other.start);
        let mut flow = self.flow(&place, Some(other.start));
        let inner = other.members().first().map(|member| self.indentation(member.key.start));
        let step = inner.and_then(|inner| inner.strip_prefix(self.indentation(other.start)));
        step.filter(|step| !step.is_empty()).into_iter().for_each(|step| flow.step = step.to_owned());
        let comma = own.map_or_else(|| flow.comma().to_owned(), |own| format!(",{}{own}", self.newline));
        let closing = self.indentation(other.end);
        let value = flow.value(value, is_long.then_some(own.unwrap_or(closing)));
        (comma, value)
    }

    /// The style of what is inside `place`, of which `inner` is the place of something.
    fn flow(&self, place: &EditPlace<'_>, inner: Option<usize>) -> FlowStyle {
        let outer = self.indentation(place.tree.start);
        let step = inner.and_then(|inner| self.indentation(inner).strip_prefix(outer)).filter(|step| !step.is_empty());
        let step = step.unwrap_or("  ").to_owned();
        FlowStyle { quoted: place.quoted, tight: place.tight, step, newline: self.newline }
    }

    fn indentation(&self, place: usize) -> &'a str {
        let line = self.text.get(line_start(self.text, place)..).unwrap_or_default();
        let length = line.len() - line.trim_start_matches([' ', '\t']).len();
        line.get(..length).unwrap_or_default()
    }

    /// The indentation of what begins a line; `None` if it does not.
    fn starts_line(&self, place: usize) -> Option<&'a str> {
        let own = self.indentation(place);
        (line_start(self.text, place) + own.len() == place).then_some(own)
    }
}

const WRITE_OUT: &str = "write it out in full, or add the sidecar by hand";

pub(super) fn unusual() -> LeftAloneReason {
    LeftAloneReason::new("podferry does not edit manifests written this way", "add the sidecar by hand")
}
