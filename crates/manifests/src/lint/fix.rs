//! `--fix`: the changes of findings, made in the text. What is not changed stays byte for byte.

use super::finding::{Finding, FixEdit};

/// A text with the changes of findings in it, and how many findings were fixed. A finding is fixed with all of its changes or with
/// none: if one would touch a place that another finding has changed, it is left for the next round.
pub fn apply<'a>(text: &str, findings: impl IntoIterator<Item = &'a Finding>) -> (String, usize) {
    let (mut edits, mut fixed): (Vec<&FixEdit>, usize) = (Vec::new(), 0);
    for finding in findings.into_iter().filter(|finding| !finding.edits.is_empty()) {
        // Two findings may want the same, and it is done once.
        let new: Vec<&FixEdit> = finding.edits.iter().filter(|edit| !edits.contains(edit)).collect();
        let is_free =
            |edit: &&FixEdit| edits.iter().all(|other| !touches(edit, other)) && text.get(edit.span.range()).is_some();
        if new.iter().all(is_free) {
            edits.extend(new);
            fixed += 1;
        }
    }
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for edit in edits {
        // Two changes of one finding could still overlap; the first wins.
        let Some(before) = text.get(at..edit.span.start) else { continue };
        out.push_str(before);
        out.push_str(&edit.text);
        at = edit.span.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    (out, fixed)
}

fn touches(one: &FixEdit, other: &FixEdit) -> bool {
    one.span.start <= other.span.end && other.span.start <= one.span.end
}
