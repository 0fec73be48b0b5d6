//! A text that is checked: its name for people, its bytes, and lines and columns.

use std::ops::Range;

use crate::tree::parse::documents;

/// A part of a source, in bytes.
pub(crate) use crate::fluent_bit::parse::Span;

impl Span {
    /// The same, as a range.
    pub(crate) fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

/// A file, or standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// As people gave it; `<stdin>` for standard input.
    pub name: String,
    pub text: String,
}

/// A place, counted from 1, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineAndColumn {
    pub line: usize,
    pub column: usize,
}

/// A part of one of several sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its number in the list of sources.
    pub source: usize,
    pub span: Span,
}

impl SourceFile {
    pub fn new(name: &str, text: &str) -> SourceFile {
        SourceFile { name: name.to_owned(), text: text.to_owned() }
    }

    /// Whether there is nothing in it but comments and blanks.
    pub fn is_empty(&self) -> bool {
        documents(self.text.trim_start_matches('\u{feff}'))
            .is_ok_and(|documents| documents.iter().all(|document| document.root.is_nothing()))
    }

    /// Where a byte is.
    pub fn position(&self, offset: usize) -> LineAndColumn {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let in_line = before.get(line_start..).unwrap_or_default();
        // A byte order mark takes no column.
        LineAndColumn { line, column: in_line.trim_start_matches('\u{feff}').chars().count() + 1 }
    }

    /// What is in a part of it.
    pub(crate) fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }
}
