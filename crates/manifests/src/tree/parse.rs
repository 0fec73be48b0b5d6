//! Reads YAML, and JSON with it, into a [`Tree`]. Only this file knows the parser that does it; `readable` knows what more is taken.

use granit_parser::{Event, Parser, ScalarStyle as ParserStyle, ScanError, Span, StructureStyle, options};

use super::{Document, ScalarStyle, Tree, TreeKind, TreeMember};

type Events<'input> = dyn Iterator<Item = Result<(Event<'input>, Span), ScanError>> + 'input;

/// Where and why a text is not YAML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct NotYaml {
    /// In bytes.
    pub(crate) offset: usize,
    /// Without the place.
    pub(crate) problem: String,
    message: String,
}

impl NotYaml {
    /// The same, in a text that begins so many bytes earlier.
    pub(super) fn moved(self, by: usize) -> NotYaml {
        NotYaml { offset: self.offset + by, ..self }
    }

    fn unfinished(offset: usize) -> NotYaml {
        NotYaml { offset, problem: UNFINISHED.to_owned(), message: UNFINISHED.to_owned() }
    }
}

/// All documents of a text.
///
/// # Errors
/// [`NotYaml`].
pub(crate) fn documents(text: &str) -> Result<Vec<Document>, NotYaml> {
    let options = options! { emit_comments: false };
    let mut events: Box<Events<'_>> = Box::new(Parser::new_from_str_with_options(text, options));
    let mut found: Vec<Document> = Vec::new();
    while let Some((event, span)) = next(events.as_mut())? {
        let Event::DocumentStart(is_explicit, _) = event else { continue };
        let start = offset(&span).0;
        // Comments between two documents without a line of dashes belong to the one that follows.
        let start = if is_explicit { start } else { found.last().map_or(0, |last| last.root.end) };
        let Some((event, span)) = next(events.as_mut())? else { break };
        let root = tree(text, event, &span, events.as_mut())?;
        found.push(Document { start: if found.is_empty() { 0 } else { start }, end: text.len(), root });
    }
    for number in 1..found.len() {
        found[number - 1].end = found[number].start;
    }
    Ok(found)
}

fn next<'input>(events: &mut Events<'input>) -> Result<Option<(Event<'input>, Span)>, NotYaml> {
    events.next().transpose().map_err(|error| NotYaml {
        offset: error.marker().byte_offset().unwrap_or_default(),
        problem: error.info(),
        message: error.to_string(),
    })
}

fn offset(span: &Span) -> (usize, usize) {
    span.byte_range().map_or((0, 0), |range| (range.start, range.end))
}

fn tree<'input>(text: &str, event: Event<'input>, span: &Span, events: &mut Events<'input>) -> Result<Tree, NotYaml> {
    let (start, end) = offset(span);
    let of = |kind, end, anchor, tagged| Tree { kind, start, end, anchor, tagged };
    Ok(match event {
        Event::Scalar(value, style, anchor, tag) => {
            let style = scalar_style(style);
            let end = match style {
                ScalarStyle::Literal | ScalarStyle::Folded => end_of_block(text, start, end, &value),
                _ => end,
            };
            of(TreeKind::Scalar { text: value.into_owned(), style }, end, anchor, tag.is_some())
        }
        Event::Alias(target) => of(TreeKind::Alias(target), end, 0, false),
        Event::SequenceStart(style, anchor, tag) => {
            let flow = style == StructureStyle::Flow;
            let mut items: Vec<Tree> = Vec::new();
            let closed = loop {
                match next(events)? {
                    Some((Event::SequenceEnd, span)) => break offset(&span).1,
                    Some((event, span)) => items.push(tree(text, event, &span, events)?),
                    None => return Err(NotYaml::unfinished(text.len())),
                }
            };
            let last = items.last().map_or(start, |item| item.end);
            of(TreeKind::List { flow, items }, if flow { closed } else { last }, anchor, tag.is_some())
        }
        Event::MappingStart(style, anchor, tag) => {
            let flow = style == StructureStyle::Flow;
            let mut members: Vec<TreeMember> = Vec::new();
            let closed = loop {
                let key = match next(events)? {
                    Some((Event::MappingEnd, span)) => break offset(&span).1,
                    Some((event, span)) => tree(text, event, &span, events)?,
                    None => return Err(NotYaml::unfinished(text.len())),
                };
                let Some((event, span)) = next(events)? else { return Err(NotYaml::unfinished(text.len())) };
                let mut value = tree(text, event, &span, events)?;
                if value.is_nothing() {
                    // The parser sees it at various places; it is after the colon.
                    value.end = behind_colon(text, key.end);
                    value.start = value.end;
                }
                members.push(TreeMember { key, value });
            };
            let last = members.last().map_or(start, |member| member.value.end);
            of(TreeKind::Map { flow, members }, if flow { closed } else { last }, anchor, tag.is_some())
        }
        _ => return Err(NotYaml::unfinished(text.len())),
    })
}

const UNFINISHED: &str = "the document is not complete";

fn behind_colon(text: &str, key_end: usize) -> usize {
    let rest = text.get(key_end..).unwrap_or_default();
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    if rest.get(blanks..).is_some_and(|rest| rest.starts_with(':')) { key_end + blanks + 1 } else { key_end }
}

/// The end of a block of text: of the last line that is part of it, with the blanks at that line's end, or of all its lines where
/// empty ones count.
fn end_of_block(text: &str, start: usize, end: usize, value: &str) -> usize {
    let written = text.get(start..end).unwrap_or_default();
    let keeps = value.ends_with("\n\n") || (value == "\n");
    if keeps {
        return start + written.rfind('\n').map_or(0, |at| at + 1);
    }
    // Lines of blanks that are longer than the indentation are text, too.
    let content = value.trim_end_matches('\n');
    let blank_lines = content.get(content.trim_end().len()..).unwrap_or_default().matches('\n').count();
    let visible = written.trim_end().len();
    let lines = written.get(visible..).unwrap_or_default().split('\n').take(blank_lines + 1);
    let length = lines.map(str::len).sum::<usize>() + blank_lines;
    let inside = written.get(..visible + length).unwrap_or(written);
    start + inside.strip_suffix('\r').unwrap_or(inside).len()
}

fn scalar_style(style: ParserStyle) -> ScalarStyle {
    match style {
        ParserStyle::Plain => ScalarStyle::Plain,
        ParserStyle::SingleQuoted => ScalarStyle::SingleQuoted,
        ParserStyle::DoubleQuoted => ScalarStyle::DoubleQuoted,
        ParserStyle::Literal => ScalarStyle::Literal,
        ParserStyle::Folded => ScalarStyle::Folded,
    }
}
