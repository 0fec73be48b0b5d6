//! A text inside YAML or JSON, such as a configuration of Fluent Bit in a ConfigMap, and where each part of it is written: after
//! indentation in a block, after backslashes between quotes.

use super::finding::FixEdit;
use super::node::YamlNode;
use super::source::{Place, SourceFile, Span};
use crate::tree::ScalarStyle;

/// A text, and where it is written.
#[derive(Debug, Clone)]
pub(crate) struct Embedded<'a> {
    pub(crate) text: &'a str,
    /// All of it, with its quotes; of a block, its lines.
    pub(crate) place: Place,
    style: ScalarStyle,
    /// In order, without gaps in the text.
    pieces: Vec<WrittenPiece>,
}

/// A part of the text that is written in one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct WrittenPiece {
    /// Where it begins in the text.
    at: usize,
    /// Where it is written, in the source.
    written: Span,
    /// Byte for byte as it is in the text; else it can only be taken whole: an escape.
    is_verbatim: bool,
}

impl<'a> Embedded<'a> {
    /// The text of a scalar.
    pub(crate) fn new(node: YamlNode<'a>, source: &SourceFile) -> Option<Embedded<'a>> {
        let (text, style, mut place) = (node.text()?, node.style()?, node.value_place());
        if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
            // The lines after the one that ends in `|` or `>`, empty ones too.
            let header = source.text.get(..place.span.start)?.trim_end().len();
            place.span.start = header + source.text.get(header..)?.find('\n')? + 1;
        }
        let written = source.slice(place.span);
        let pieces = match style {
            ScalarStyle::Literal => literal(text, written),
            ScalarStyle::DoubleQuoted => double_quoted(text, written),
            _ => aligned(text, written),
        };
        let whole = || {
            vec![WrittenPiece { at: 0, written: Span { start: 0, end: written.len() }, is_verbatim: text == written }]
        };
        let mut pieces = pieces.unwrap_or_else(whole);
        for piece in &mut pieces {
            piece.written.start += place.span.start;
            piece.written.end += place.span.start;
        }
        Some(Embedded { text, place, style, pieces })
    }

    /// Where a part of the text is written. A line's end is not part of what is underlined.
    pub(crate) fn span(&self, part: Span) -> Place {
        let start = self.locate(part.start, false);
        let end = if part.end > part.start { self.locate(part.end, true) } else { start };
        Place { source: self.place.source, span: Span { start, end: end.max(start) } }
    }

    /// Where a byte is written; with `is_end`, where the byte before it ends.
    fn locate(&self, at: usize, is_end: bool) -> usize {
        let wanted = if is_end { at.saturating_sub(1) } else { at };
        let index = self.pieces.partition_point(|piece| piece.at <= wanted);
        let Some(piece) = index.checked_sub(1).and_then(|index| self.pieces.get(index)) else {
            return self.place.span.start;
        };
        if !piece.is_verbatim {
            return if is_end { piece.written.end } else { piece.written.start };
        }
        (piece.written.start + (at - piece.at)).min(piece.written.end)
    }

    /// The change that puts `new` in the place of a part; `None` if that cannot be written there without touching more.
    pub(crate) fn replace(&self, part: Span, new: &str) -> Option<FixEdit> {
        let written = self.span(part).span;
        let is_one_line = !new.contains(['\n', '\r']);
        let text = match self.style {
            ScalarStyle::DoubleQuoted => {
                let quoted = serde_json::Value::from(new).to_string();
                quoted.get(1..quoted.len() - 1)?.to_owned()
            }
            ScalarStyle::SingleQuoted if is_one_line => new.replace('\'', "''"),
            // In a block each line stands for itself. A plain text could become something else.
            ScalarStyle::Literal if is_one_line => new.to_owned(),
            _ => return None,
        };
        // Only where the text is known to be written that way: its pieces cover it exactly.
        self.is_exact(part).then_some(FixEdit { span: written, text })
    }

    /// Whether a part lies in pieces that are written one after the other.
    fn is_exact(&self, part: Span) -> bool {
        if self.style == ScalarStyle::DoubleQuoted {
            return self.pieces.len() > 1 || self.pieces.first().is_some_and(|piece| piece.is_verbatim);
        }
        let first = self.pieces.partition_point(|piece| piece.at <= part.start);
        let piece = first.checked_sub(1).and_then(|index| self.pieces.get(index));
        let length = |piece: &WrittenPiece| piece.written.end - piece.written.start;
        piece.is_some_and(|piece| piece.is_verbatim && part.end <= piece.at + length(piece))
    }

    /// The change that removes the lines which a part of the text is in; `None` where it is not written in lines.
    pub(crate) fn remove_lines(&self, part: Span, source: &SourceFile) -> Option<FixEdit> {
        if self.style != ScalarStyle::Literal {
            return None;
        }
        let span = self.span(part).span;
        let start = source.text.get(..span.start)?.rfind('\n').map_or(0, |at| at + 1);
        let rest = source.text.get(span.end..)?;
        let end = rest.find('\n').map_or(source.text.len(), |at| span.end + at + 1);
        Some(FixEdit { span: Span { start, end }, text: String::new() })
    }

    /// The changes that put what begins at `from` and ends with its line on a line of its own, above the line's content at `line`; `None`
    /// where the text is not written in lines.
    pub(crate) fn move_above(&self, line: usize, from: Span, source: &SourceFile) -> Option<[FixEdit; 2]> {
        let moved = self.text.get(from.range()).filter(|_| self.style == ScalarStyle::Literal)?;
        let before = self.text.get(..from.start)?;
        let removed = self.replace(Span { start: before.trim_end().len(), end: from.end }, "")?;
        let start = self.span(Span { start: line, end: line + 1 }).span.start;
        let indentation = source.text.get(..start)?;
        let indentation = indentation.get(indentation.rfind('\n').map_or(0, |at| at + 1)..)?;
        // A place that is not the first of its line is none for a line.
        indentation.trim().is_empty().then_some(())?;
        let above = FixEdit { span: Span { start, end: start }, text: format!("{moved}\n{indentation}") };
        Some([above, removed])
    }
}

/// A block after `|`: the same lines, each after the block's indentation.
fn literal(text: &str, written: &str) -> Option<Vec<WrittenPiece>> {
    let lines: Vec<&str> = written.split_inclusive('\n').collect();
    let mut at_source = 0;
    let content = |line: &str| line.trim_end_matches(['\n', '\r']).len();
    // The indentation is what the first line with text has more in the source.
    let first = text.split('\n').position(|line| !line.trim().is_empty())?;
    let own = text.split('\n').nth(first)?;
    let indent = content(lines.get(first)?).checked_sub(own.trim_end_matches('\r').len())?;
    let (mut pieces, mut at) = (Vec::new(), 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let Some(source_line) = lines.get(number) else { break };
        // Lines without text may be shorter than the indentation.
        let skipped = indent.min(content(source_line));
        let (inside, kept) = (source_line.get(skipped..)?, line.trim_end_matches(['\n', '\r']));
        if !inside.starts_with(kept) {
            return None;
        }
        let start = at_source + skipped;
        let end = start + kept.len().max(inside.len().min(line.len()));
        pieces.push(WrittenPiece { at, written: Span { start, end }, is_verbatim: true });
        at += line.len();
        at_source += source_line.len();
    }
    Some(pieces)
}

/// A text between double quotes, as JSON has it, or over several lines: escapes and ends of lines are pieces of their own.
fn double_quoted(text: &str, written: &str) -> Option<Vec<WrittenPiece>> {
    let inside = written.strip_prefix('"')?.strip_suffix('"')?;
    let (mut pieces, mut at, mut source) = (Vec::new(), 0, 0);
    while source < inside.len() {
        let rest = inside.get(source..)?;
        let start = source + 1;
        let plain = rest.find(['\\', '\n', '\r']).unwrap_or(rest.len());
        let special = rest.get(plain..)?;
        // Blanks at the end of a line mean nothing.
        let before = rest.get(..plain)?;
        let kept = if is_line_end(special) { before.trim_end_matches(BLANKS).len() } else { plain };
        if kept > 0 {
            if !text.get(at..)?.starts_with(before.get(..kept)?) {
                return None;
            }
            pieces.push(WrittenPiece { at, written: Span { start, end: start + kept }, is_verbatim: true });
            at += kept;
        }
        source += plain;
        if special.is_empty() {
            break;
        }
        let (length, made) = if is_line_end(special) {
            let (length, empty_lines) = line_ends(special);
            // The lines are joined by a blank; empty ones between them are the breaks.
            (length, empty_lines.max(1))
        } else if is_line_end(special.get(1..)?) {
            let (length, empty_lines) = line_ends(special.get(1..)?);
            (1 + length, empty_lines)
        } else {
            let mut length = escape_length(special)?;
            // Two halves of one character.
            if special.starts_with("\\u") && is_high_half(special.get(2..6)?) {
                length += escape_length(special.get(length..)?)?;
            }
            (length, text.get(at..)?.chars().next()?.len_utf8())
        };
        if made > 0 {
            let written = Span { start: source + 1, end: source + 1 + length };
            pieces.push(WrittenPiece { at, written, is_verbatim: false });
        }
        (at, source) = (at + made, source + length);
    }
    (at == text.len()).then_some(pieces)
}

/// What may stand around a line without being part of it.
const BLANKS: [char; 2] = [' ', '\t'];

fn is_line_end(text: &str) -> bool {
    text.starts_with(['\n', '\r'])
}

/// How long the ends of lines are that a text begins with, with the blanks before the next word; and how many empty lines are among
/// them.
fn line_ends(text: &str) -> (usize, usize) {
    let (mut rest, mut ends) = (text, 0);
    while let Some(after) = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix(['\n', '\r'])) {
        rest = after.trim_start_matches(BLANKS);
        ends += 1;
    }
    (text.len() - rest.len(), ends.max(1) - 1)
}

fn escape_length(rest: &str) -> Option<usize> {
    Some(match rest.as_bytes().get(1)? {
        b'x' => 4,
        b'u' => 6,
        b'U' => 10,
        _ => 1 + rest.get(1..)?.chars().next()?.len_utf8(),
    })
}

fn is_high_half(digits: &str) -> bool {
    u32::from_str_radix(digits, 16).is_ok_and(|unit| (0xd800..0xdc00).contains(&unit))
}

/// Any other way of writing: what is not white space comes in the same order.
fn aligned(text: &str, written: &str) -> Option<Vec<WrittenPiece>> {
    let quote = written.chars().next().filter(|first| *first == '\'');
    let (mut pieces, mut source): (Vec<WrittenPiece>, usize) = (Vec::new(), quote.map_or(0, char::len_utf8));
    for (at, letter) in text.char_indices() {
        let rest = written.get(source..)?;
        let mut start = source;
        if !letter.is_whitespace() {
            start += rest.len() - rest.trim_start().len();
        }
        let is_here = written.get(start..)?.starts_with(letter);
        if !is_here && !letter.is_whitespace() {
            return None;
        }
        let end = start + if is_here { letter.len_utf8() } else { 0 };
        // A quote between quotes is written twice.
        let end = end + usize::from(quote == Some(letter));
        source = end;
        let joins = pieces.last().is_some_and(|last| last.written.end == start && last.is_verbatim);
        match pieces.last_mut().filter(|_| joins && is_here && quote != Some(letter)) {
            Some(last) => last.written.end = end,
            None => {
                let is_verbatim = is_here && quote != Some(letter);
                pieces.push(WrittenPiece { at, written: Span { start, end }, is_verbatim });
            }
        }
    }
    Some(pieces)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lint::node::anchors;
    use crate::lint::project::Parsed;

    /// Where `wanted` of the text of `data.c` is written.
    fn written<'a>(yaml: &'a str, wanted: &str) -> &'a str {
        let source = SourceFile::new("one.yaml", yaml);
        let parsed = Parsed::new(&source);
        let anchors = anchors(&parsed.documents[0]);
        let node = YamlNode::new(&parsed.documents[0].root, &anchors, 0, 0).path(&["data", "c"]).unwrap();
        let embedded = Embedded::new(node, &source).unwrap();
        let start = embedded.text.find(wanted).unwrap();
        let span = embedded.span(Span { start, end: start + wanted.len() }).span;
        &yaml[span.range()]
    }

    #[test]
    fn a_part_is_found_however_it_is_written() {
        let block = "data:\n  c: |\n    [OUTPUT]\n        Name é\n\n        Match x.*\n";
        let indicated = "data:\n  c: |2-\n      [OUTPUT]\n        Match x.*";
        let windows = "data:\r\n  c: |\r\n    [OUTPUT]\r\n        Match x.*\r\n";
        let json = r#"{"data": {"c": "[OUTPUT]\n\tName \u00e9\ud83d\ude00\n    Match x.*\n"}}"#;
        let single = "data:\n  c: '[OUTPUT]\n\n    Name it''s\n\n    Match x.*'\n";
        let folded = "data:\n  c: >\n    [OUTPUT]\n      Match x.*\n";
        let long = "data:\n  c: \"[OUTPUT]\\n\n    \\    Name é\\n \\\n\n    \\    Match\n    x.*  \\n\"\n";
        for yaml in [block, indicated, windows, json, single, folded, long] {
            assert_eq!(written(yaml, "x.*"), "x.*", "{yaml}");
            assert_eq!(written(yaml, "[OUTPUT]"), "[OUTPUT]", "{yaml}");
        }
        assert_eq!(written(block, "é"), "é");
        assert_eq!(written(json, "é"), "\\u00e9");
        assert_eq!(written(json, "😀"), "\\ud83d\\ude00");
        assert_eq!(written(single, "it's"), "it''s");
    }

    /// Blanks at the ends of lines, and lines of nothing else, are part of the text.
    #[test]
    fn blanks_do_not_hide_the_places() {
        for end in [
            "",
            " ",
            "\t",
            " \t ",
            "\n",
            " \n",
            "\t\n",
            "  \r\n",
            "\n\n",
            " \n\n\n",
            "\n      \n",
            "\n      \n  \n \n",
            "\u{a0}\n",
        ] {
            for header in ["|", "|-", "|+", "|2", ">", "| # comment"] {
                let yaml = format!("data:\n  c: {header}\n    [OUTPUT] \n \n      \n        Match x.*{end}");
                assert_eq!(written(&yaml, "x.*"), "x.*", "{yaml:?}");
                assert_eq!(written(&yaml, "[OUTPUT]"), "[OUTPUT]", "{yaml:?}");
                let followed = format!("{yaml}\n  d: e\n");
                assert_eq!(written(&followed, "Match"), "Match", "{followed:?}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        /// Whatever the lines of a block are: each letter is where it is said to be.
        #[test]
        fn every_letter_of_a_block_is_found(
            lines in prop::collection::vec("[a\\[#é \t]{0,6}", 1..6),
            header in prop::sample::select(vec!["|2", "|2-", "|2+"]),
            end in prop::sample::select(vec!["\n", "\r\n"]),
            is_ended: bool,
        ) {
            let written: Vec<String> = lines.iter().map(|line| format!("    {line}")).collect();
            let tail = if is_ended { end } else { "" };
            let yaml = format!("data:{end}  c: {header}{end}{}{tail}", written.join(end));
            let source = SourceFile::new("one.yaml", &yaml);
            let parsed = Parsed::new(&source);
            prop_assume!(parsed.unread.is_empty());
            let anchors = anchors(&parsed.documents[0]);
            let node = YamlNode::new(&parsed.documents[0].root, &anchors, 0, 0).path(&["data", "c"]).unwrap();
            let Some(embedded) = Embedded::new(node, &source).filter(|one| !one.text.trim().is_empty()) else { return Ok(()) };
            for (start, letter) in embedded.text.char_indices().filter(|(_, letter)| *letter != '\n') {
                let part = Span { start, end: start + letter.len_utf8() };
                prop_assert_eq!(source.slice(embedded.span(part).span), letter.to_string(), "{:?} {:?}", yaml, embedded.text);
            }
        }
    }

    #[test]
    fn what_is_replaced_is_written_as_its_surroundings() {
        let replaced = |yaml: &str, wanted: &str, new: &str| {
            let source = SourceFile::new("one.yaml", yaml);
            let parsed = Parsed::new(&source);
            let anchors = anchors(&parsed.documents[0]);
            let node = YamlNode::new(&parsed.documents[0].root, &anchors, 0, 0).path(&["data", "c"]).unwrap();
            let embedded = Embedded::new(node, &source).unwrap();
            let start = embedded.text.find(wanted).unwrap();
            let edit = embedded.replace(Span { start, end: start + wanted.len() }, new)?;
            let mut text = yaml.to_owned();
            text.replace_range(edit.span.range(), &edit.text);
            Some(text)
        };
        assert_eq!(replaced("data:\n  c: |\n    a b\n", "b", "\"c\"").unwrap(), "data:\n  c: |\n    a \"c\"\n");
        assert_eq!(replaced(r#"{"data":{"c":"a\nb"}}"#, "b", "\"").unwrap(), r#"{"data":{"c":"a\n\""}}"#);
        assert_eq!(replaced("data:\n  c: 'a b'\n", "b", "it's").unwrap(), "data:\n  c: 'a it''s'\n");
        assert_eq!(replaced("data:\n  c: a b\n", "b", "x: y"), None);
    }
}
