//! YAML as it is written: every value with its place, style and anchor. Nothing is resolved here; `parse` reads it, `readable` reads what is not all right.

pub(crate) mod parse;
pub(crate) mod readable;

/// One document of a text, by bytes. From its first line (`---`, if it has one) to the next document.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) root: Tree,
}

/// A value.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    pub(crate) kind: TreeKind,
    /// Where it begins, after its tag and its anchor; a block of text with its first line, after `|` or `>`.
    pub(crate) start: usize,
    /// After its last character that means something.
    pub(crate) end: usize,
    /// The number of its anchor; 0 for none.
    pub(crate) anchor: usize,
    pub(crate) tagged: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum TreeKind {
    Scalar {
        text: String,
        style: ScalarStyle,
    },
    /// The number of the anchor.
    Alias(usize),
    List {
        flow: bool,
        items: Vec<Tree>,
    },
    Map {
        flow: bool,
        members: Vec<TreeMember>,
    },
}

#[derive(Debug, Clone)]
pub(crate) struct TreeMember {
    pub(crate) key: Tree,
    pub(crate) value: Tree,
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScalarStyle {
    /// Without quotes.
    Plain,
    SingleQuoted,
    DoubleQuoted,
    /// A block after `|`.
    Literal,
    /// A block after `>`.
    Folded,
}

impl Tree {
    /// A plain value without any text.
    pub(crate) fn is_nothing(&self) -> bool {
        matches!(self.kind, TreeKind::Scalar { style: ScalarStyle::Plain, .. }) && self.start == self.end
    }

    pub(crate) fn members(&self) -> &[TreeMember] {
        match &self.kind {
            TreeKind::Map { members, .. } => members,
            _ => &[],
        }
    }

    pub(crate) fn items(&self) -> &[Tree] {
        match &self.kind {
            TreeKind::List { items, .. } => items,
            _ => &[],
        }
    }

    pub(crate) fn is_flow(&self) -> bool {
        matches!(self.kind, TreeKind::Map { flow: true, .. } | TreeKind::List { flow: true, .. })
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            TreeKind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The member of this name.
    pub(crate) fn member(&self, name: &str) -> Option<&TreeMember> {
        self.members().iter().find(|member| member.key.text() == Some(name))
    }

    /// Says of this value and all inside that they are written elsewhere: `place` makes the new start and end of the old.
    pub(crate) fn move_to(&mut self, place: &impl Fn(usize, usize) -> (usize, usize)) {
        (self.start, self.end) = place(self.start, self.end);
        match &mut self.kind {
            TreeKind::List { items, .. } => items.iter_mut().for_each(|item| item.move_to(place)),
            TreeKind::Map { members, .. } => {
                for member in members {
                    member.key.move_to(place);
                    member.value.move_to(place);
                }
            }
            TreeKind::Scalar { .. } | TreeKind::Alias(_) => {}
        }
    }

    /// Calls `visit` with this value and all inside.
    pub(crate) fn walk<'tree>(&'tree self, visit: &mut impl FnMut(&'tree Tree)) {
        visit(self);
        self.items().iter().for_each(|item| item.walk(visit));
        for member in self.members() {
            member.key.walk(visit);
            member.value.walk(visit);
        }
    }
}
