//! What templates look like in a text: parts that are filled in, of Helm, of Jinja, of Terraform and their like.

use super::source::Span;

/// What a template is written in, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TemplateLanguage {
    Helm,
    Ytt,
    /// Jinja's, or another one with braces or percent signs.
    Other,
}

/// How parts that are filled in begin and end.
const MARKS: [(&str, &str); 4] = [("{{", "}}"), ("{%", "%}"), ("<%", "%>"), ("%{ ", "}")];

/// How long a part that is filled in may be, in bytes: the longest of Istio's, of several lines, has some hundreds.
const LONGEST: usize = 2048;

/// How many marks are held against what is before them in their line, which may be as long as the file.
const LOOKED_AT: usize = 200;

/// What only templates of Helm say between braces; a comment is one of Go's templates. Source: Helm documentation, "Built-in Objects",
/// "Template Function List".
const HELM: [&str; 9] =
    [".Values", ".Release.", ".Chart.", ".Capabilities.", ".Files.", ".Template.", "include \"", "toYaml ", "tpl ("];

/// What is a template in a text that is not YAML: certainly, if a part of it is as only Helm has it, or a line of it is one of a template;
/// or if one stands, outside quotes and comments, where the text stops being YAML.
pub(crate) fn in_text(text: &str, error: usize) -> Option<TemplateLanguage> {
    if has_helm(text) {
        return Some(TemplateLanguage::Helm);
    }
    let is_found = text.lines().any(is_statement) || is_filled_in_at(text, error) || is_variable(text, error);
    is_found.then_some(TemplateLanguage::Other)
}

/// Whether a text, of a file that has templates, is one, too.
pub(crate) fn has_open_mark(text: &str) -> bool {
    spans(text).take(LOOKED_AT).any(|span| is_open(text, span))
}

/// Whether a part of the text is as only Helm has it.
pub(crate) fn has_helm(text: &str) -> bool {
    parts(text).any(is_helm)
}

/// What is between marks.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")).map(|(part, _)| part)
}

pub(crate) fn is_helm(part: &str) -> bool {
    let is_comment = part.trim_start_matches("- ").starts_with("/*");
    is_comment || HELM.iter().any(|word| part.contains(word))
}

/// All marks, those of one language after those of another.
fn spans(text: &str) -> impl Iterator<Item = Span> {
    MARKS.iter().flat_map(move |(open, close)| {
        text.match_indices(open).filter_map(move |(start, _)| {
            let limit = (start..=text.len().min(start + LONGEST)).rev().find(|at| text.is_char_boundary(*at))?;
            let length = text.get(start..limit)?.find(close)? + close.len();
            Some(Span { start, end: start + length })
        })
    })
}

/// Whether a mark is outside of quotes and comments.
fn is_open(text: &str, mark: Span) -> bool {
    let before = text.get(..mark.start).unwrap_or_default();
    let before = before.get(before.rfind('\n').map_or(0, |at| at + 1)..).unwrap_or_default();
    let is_quoted = ['"', '\''].iter().any(|quote| before.matches(*quote).count() % 2 == 1);
    !is_quoted && !before.trim_start().starts_with('#') && !before.contains(" #")
}

/// Whether something is filled in where the text stops being YAML: in that line, or in the one before, where an error is often not seen yet.
fn is_filled_in_at(text: &str, error: usize) -> bool {
    let end = text.get(error..).and_then(|rest| rest.find('\n')).map_or(text.len(), |at| error + at);
    let mut lines = text.get(..end).unwrap_or_default().rmatch_indices('\n').map(|(at, _)| at + 1).chain([0]);
    let mut line_end = end;
    let mut left = 2;
    let start = lines.find(|start| {
        let is_blank = text.get(*start..line_end).is_none_or(|line| line.trim().is_empty());
        line_end = start.saturating_sub(1);
        left -= usize::from(!is_blank);
        left == 0
    });
    let start = start.unwrap_or_default();
    let here = spans(text).filter(|mark| mark.start < end && mark.end > start);
    here.take(LOOKED_AT).any(|mark| is_open(text, mark))
}

/// Whether a line is a condition or a loop, and nothing else. Those of Helm are found by what is in them.
fn is_statement(line: &str) -> bool {
    let line = line.trim();
    MARKS.iter().skip(1).any(|(open, close)| line.starts_with(open) && line.ends_with(close))
}

/// Whether the text stops being YAML at `%NAME%` or `%s`, which no value can begin with, or at Terraform's `${…}` beside or around quotes.
fn is_variable(text: &str, error: usize) -> bool {
    let rest = text.get(error..).unwrap_or_default();
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    if let Some(name) = rest.strip_prefix('%') {
        let name = name.trim_start_matches('%');
        let after = name.trim_start_matches(is_name);
        return after.len() < name.len() && (after.starts_with('%') || name.len() - after.len() == 1);
    }
    if rest.starts_with("${") {
        return true;
    }
    let start = text.get(..error).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let before = text.get(start..error).unwrap_or_default();
    // The quotes are inside of the braces.
    before.rfind("${").is_some_and(|at| {
        let is_around = before.get(at..).is_some_and(|inside| !inside.contains('}'));
        is_around
            && is_open(text, Span { start: start + at, end: error })
            && rest.lines().next().is_some_and(|line| line.contains('}'))
    })
}

/// Whether a line of a text is one of the template: a condition, a loop, or something of several lines that is filled in.
pub(crate) fn is_control(line: &str) -> bool {
    MARKS.iter().any(|(open, close)| line.trim_start().starts_with(open) && line.contains(close))
}

/// Whether something is filled in, by Helm's or Jinja's marks.
pub(crate) fn has_mark(text: &str) -> bool {
    MARKS.iter().take(2).any(|(open, close)| text.find(open).is_some_and(|at| text[at..].contains(close)))
}

/// The first mark of all.
pub(crate) fn first_mark(text: &str) -> Option<Span> {
    let found = MARKS.iter().filter_map(|(open, close)| {
        let start = text.find(open)?;
        let end = start + text.get(start..)?.find(close)? + close.len();
        Some(Span { start, end })
    });
    found.min_by_key(|mark| mark.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_text_stops_being_yaml() {
        for (text, at) in [
            ("a: %NAME%\n", "%NAME"),
            ("a: %s\n", "%s"),
            ("a: %%host%%\n", "%%host"),
            ("a: \"x\"${y}\n", "${y}"),
            ("a:\n  - ${b ? \"x\" : \"y\"}\n", "\"y\""),
            ("a:\n  {{ x\n    .y\n    (z) }}\n", ".y"),
            ("a: {{ x }}\n\nb: c: d\n", ": d"),
            ("a:\n  {{x \"{{ y }}\" }}\n  b: 1\n", "b: 1"),
            ("{% if x %}\n[OUTPUT]\n  a b\n  c d\n{% endif %}\n", "c d"),
        ] {
            let error = text.find(at).unwrap();
            assert_eq!(in_text(text, error), Some(TemplateLanguage::Other), "{text}");
        }
        for (text, at) in [
            ("a: 50%\nb: c: d\n", ": d"),
            ("a: %\n", "%\n"),
            ("a: ${x}\nb: c: d\n", ": d"),
            ("a: \"${x\" y}\n", "y}"),
            ("a: {{ x }}\nb: 1\nc: 2\nd: e: f\n", ": f"),
            ("a: '{{ x }}'\nb: c: d\n", ": d"),
            ("# {{ x }}\nb: c: d\n", ": d"),
        ] {
            assert_eq!(in_text(text, text.find(at).unwrap()), None, "{text}");
        }
        assert_eq!(in_text("{{/*\n \"a\": \"b\"\n*/}}\n", 9), Some(TemplateLanguage::Helm));
    }
}
