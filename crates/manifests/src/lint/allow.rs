//! Comments that allow what a rule would find: `# podferry: allow PF301 the reason`.
//!
//! At the end of a line it is for that line; on a line of its own for the next line that is not a comment. They work in YAML, and on
//! lines of their own in Fluent Bit's configuration inside of it, which has no comments behind values. JSON has no comments: there, use
//! `--allow`.

use std::collections::BTreeMap;

use super::finding::Finding;
use super::source::{SourceFile, Span};

const MARK: &str = "podferry: allow";

/// A comment that allows something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allow {
    pub(crate) code: String,
    pub(crate) has_reason: bool,
    /// The comment.
    pub(crate) span: Span,
    /// The line that it is for, from its first byte to after its last.
    line: Span,
}

/// All of a source.
pub(crate) fn allows(source: &SourceFile) -> Vec<Allow> {
    if !source.text.contains(MARK) {
        return Vec::new();
    }
    let mut lines = Vec::new();
    let mut start = 0;
    for line in source.text.split_inclusive('\n') {
        lines.push(Span { start, end: start + line.len() });
        start += line.len();
    }
    let is_comment = |line: &Span| matches!(source.slice(*line).trim_start().bytes().next(), None | Some(b'#'));
    let mut found = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let text = source.slice(*line);
        let Some((comment, words)) = comment(text) else { continue };
        let (code, reason) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
        let target = if is_comment(line) { lines[number..].iter().find(|line| !is_comment(line)) } else { Some(line) };
        let end = line.start + text.trim_end().len();
        found.push(Allow {
            code: code.trim_end_matches(':').to_ascii_uppercase(),
            has_reason: !reason.trim().is_empty(),
            span: Span { start: line.start + comment, end },
            line: target.copied().unwrap_or(*line),
        });
    }
    found
}

/// The numbers of comments by the first byte of the line that they are for.
pub(crate) fn by_line(allows: &[Allow]) -> BTreeMap<usize, Vec<usize>> {
    let mut lines: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (number, allow) in allows.iter().enumerate() {
        lines.entry(allow.line.start).or_default().push(number);
    }
    lines
}

/// Where the comment begins, and what is after the mark.
fn comment(line: &str) -> Option<(usize, &str)> {
    let mark = line.find(MARK)?;
    let before = line.get(..mark)?.trim_end();
    let comment = before.strip_suffix('#')?;
    // `a#b` is not a comment.
    (comment.is_empty() || comment.ends_with([' ', '\t'])).then_some(())?;
    Some((comment.len(), line.get(mark + MARK.len()..)?.trim()))
}

impl Allow {
    /// Whether it is for this finding, which is in the same source.
    pub(crate) fn covers(&self, finding: &Finding) -> bool {
        let start = finding.place.span.start;
        self.code == finding.rule.code && self.line.start <= start && start < self.line.end.max(self.line.start + 1)
    }
}
