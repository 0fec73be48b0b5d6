//! A line on its way from record to entry: borrowed where it just passes, owned where it waits for others.

use super::cri::OutputStream;
use super::joined_attributes::JoinedAttributes;
use super::record::LogRecord;
use super::writer::{IdentityNumber, Writer};

/// A whole line, or as much of one as there is. `'e` is the event's, `'r` the text's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogLine<'e, 'r> {
    pub(crate) text: &'r str,
    /// An application's object that a filter had parsed.
    pub(crate) merged: bool,
    /// CloudWatch's id of the event: of the last where pieces were joined, of the first where lines were.
    pub(crate) id: &'e str,
    /// Which events of its batch it came from, by place: the first and the last of them.
    pub(crate) events: (usize, usize),
    /// Milliseconds since 1970, if known: the record's own time, or else the event's.
    pub(crate) timestamp: Option<i64>,
    /// The event's, which stands in for a time that Datadog does not take.
    pub(crate) event_ms: Option<i64>,
    /// What that time has beyond its milliseconds, where it was written so finely.
    pub(crate) nanoseconds: Option<u32>,
    pub(crate) output: Option<OutputStream>,
    /// The identity of who wrote it.
    pub(crate) identity: IdentityNumber,
    /// Whose pieces and lines it belongs to.
    pub(crate) writer: Writer,
    pub(crate) attributes: Option<&'r str>,
    /// The last piece is missing.
    pub(crate) partial: bool,
    /// Truncated before it reached us.
    pub(crate) truncated: bool,
    /// How many bytes at its beginning stand for the rest of a cut character, if it goes on with a piece: see `cut_character`.
    pub(crate) cut_rest: usize,
    /// How many lines it was joined from.
    pub(crate) lines: usize,
    /// The rule for which its text is withheld, if it is to be named in the log's tags.
    pub(crate) rule_error: Option<&'r str>,
}

impl<'e, 'r> LogLine<'e, 'r> {
    /// The line of one record. It came from the first event, unless its field says otherwise.
    pub(crate) fn of(
        record: &'r LogRecord,
        id: &'e str,
        event_ms: Option<i64>,
        identity: IdentityNumber,
        writer: Writer,
    ) -> LogLine<'e, 'r> {
        LogLine {
            text: &record.text,
            merged: record.merged,
            id,
            events: (0, 0),
            timestamp: record.time_ms.or(event_ms),
            event_ms,
            nanoseconds: record.nanoseconds,
            output: record.output,
            identity,
            writer,
            attributes: record.attributes.as_deref(),
            partial: false,
            truncated: record.truncated,
            cut_rest: record.cut_rest,
            lines: 1,
            rule_error: None,
        }
    }

    /// Whether there is nothing in it to ship.
    pub(crate) fn is_blank(&self) -> bool {
        self.attributes.is_none() && is_blank(self.text)
    }

    pub(crate) fn line_output(&self) -> LineOutput {
        LineOutput { output: self.output, writer: self.writer }
    }

    /// Whether both came from the same container's same output.
    pub(crate) fn is_beside(&self, held: &HeldLine) -> bool {
        self.line_output() == held.line_output()
    }
}

/// Whether a text is white space, or nothing. Nearly all begin with a letter, a digit or a sign, which is asked first.
pub(crate) fn is_blank(text: &str) -> bool {
    !text.as_bytes().first().is_some_and(u8::is_ascii_graphic) && text.trim().is_empty()
}

/// What a line was written to: one output of one writer. Only lines of the same are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LineOutput {
    output: Option<OutputStream>,
    writer: Writer,
}

impl LineOutput {
    /// Stands for an event that has no line.
    pub(crate) fn of_no_line() -> LineOutput {
        LineOutput { output: None, writer: Writer::StreamsContainer }
    }
}

/// A line that waits. Its text is its own.
#[derive(Debug, Clone)]
pub(crate) struct HeldLine<'e> {
    pub(crate) text: String,
    /// Whether it is known that the text, when it was kept, had nothing that a terminal would not show.
    pub(crate) is_plain: bool,
    pub(crate) merged: bool,
    pub(crate) id: &'e str,
    pub(crate) events: (usize, usize),
    pub(crate) timestamp: Option<i64>,
    pub(crate) event_ms: Option<i64>,
    pub(crate) nanoseconds: Option<u32>,
    pub(crate) output: Option<OutputStream>,
    pub(crate) identity: IdentityNumber,
    pub(crate) writer: Writer,
    /// The first line's; with [`HeldLine::end`], all lines'.
    pub(crate) attributes: Option<String>,
    /// Those of all lines, once one had others than the first.
    joined_attributes: Option<Box<JoinedAttributes>>,
    pub(crate) partial: bool,
    pub(crate) truncated: bool,
    pub(crate) lines: usize,
}

impl<'e> HeldLine<'e> {
    /// Keeps a line; `is_plain` as in the field. `old` is one that is done with, whose memory is used again.
    pub(crate) fn keep(line: &LogLine<'e, '_>, is_plain: bool, old: Option<Box<HeldLine<'e>>>) -> Box<HeldLine<'e>> {
        let mut held = old.unwrap_or_else(|| Box::new(HeldLine::empty()));
        held.overwrite(line, is_plain);
        held
    }

    fn empty() -> HeldLine<'e> {
        HeldLine {
            text: String::new(),
            is_plain: true,
            merged: false,
            id: "",
            events: (0, 0),
            timestamp: None,
            event_ms: None,
            nanoseconds: None,
            output: None,
            identity: IdentityNumber::at(0),
            writer: Writer::StreamsContainer,
            attributes: None,
            joined_attributes: None,
            partial: false,
            truncated: false,
            lines: 1,
        }
    }

    /// Becomes another line. All fields are named here, so that none of the line before is left over.
    pub(crate) fn overwrite(&mut self, line: &LogLine<'e, '_>, is_plain: bool) {
        let HeldLine {
            text,
            is_plain: own_is_plain,
            merged,
            id,
            events,
            timestamp,
            event_ms,
            nanoseconds,
            output,
            identity,
            writer,
            attributes,
            joined_attributes,
            partial,
            truncated,
            lines,
        } = self;
        text.clear();
        text.push_str(line.text);
        *own_is_plain = is_plain;
        (*merged, *id, *events) = (line.merged, line.id, line.events);
        (*timestamp, *event_ms, *nanoseconds) = (line.timestamp, line.event_ms, line.nanoseconds);
        (*output, *identity, *writer) = (line.output, line.identity, line.writer);
        *attributes = line.attributes.map(str::to_owned);
        *joined_attributes = None;
        (*partial, *truncated, *lines) = (line.partial, line.truncated, line.lines);
    }

    pub(crate) fn line_output(&self) -> LineOutput {
        LineOutput { output: self.output, writer: self.writer }
    }

    /// Adds the attributes of a line that was joined to this one.
    pub(crate) fn add_attributes(&mut self, line: &LogLine) {
        let Some(attributes) = line.attributes.filter(|attributes| self.attributes.as_deref() != Some(*attributes))
        else {
            return;
        };
        let first = self.attributes.as_deref();
        let joined = self.joined_attributes.get_or_insert_with(|| {
            let mut joined = JoinedAttributes::default();
            first.into_iter().for_each(|first| joined.add(first));
            Box::new(joined)
        });
        joined.add(attributes);
    }

    /// How many bytes the attributes of all lines would have beyond those of the first, with those of a further line among them.
    pub(crate) fn further_attribute_bytes(&self, attributes: Option<&str>) -> usize {
        let first = self.attributes.as_deref();
        let joined = self.joined_attributes.as_deref();
        let is_known =
            |attributes: &&str| first == Some(*attributes) || joined.is_some_and(|joined| joined.has(attributes));
        let line_bytes = attributes.filter(|attributes| !is_known(attributes)).map_or(0, str::len);
        joined.map_or(0, |joined| joined.bytes() - first.map_or(0, str::len)) + line_bytes
    }

    /// No further line is joined to it: its attributes are those of all its lines from here on.
    pub(crate) fn end(&mut self) {
        if let Some(joined) = self.joined_attributes.take() {
            self.attributes = joined.object();
        }
    }

    /// Whether there is nothing in it to ship.
    pub(crate) fn is_blank(&self) -> bool {
        self.attributes.is_none() && is_blank(&self.text)
    }

    /// The line as it is passed on.
    pub(crate) fn line(&self) -> LogLine<'e, '_> {
        LogLine {
            text: &self.text,
            merged: self.merged,
            id: self.id,
            events: self.events,
            timestamp: self.timestamp,
            event_ms: self.event_ms,
            nanoseconds: self.nanoseconds,
            output: self.output,
            identity: self.identity,
            writer: self.writer,
            attributes: self.attributes.as_deref(),
            partial: self.partial,
            truncated: self.truncated,
            cut_rest: 0,
            lines: self.lines,
            rule_error: None,
        }
    }
}

#[cfg(test)]
impl<'t> LogLine<'t, 't> {
    /// A line for tests: nothing is known of it but its id and its text.
    pub(crate) fn sample(id: &'t str, text: &'t str) -> LogLine<'t, 't> {
        LogLine {
            text,
            merged: false,
            id,
            events: (0, 0),
            timestamp: None,
            event_ms: None,
            nanoseconds: None,
            output: None,
            identity: IdentityNumber::at(0),
            writer: Writer::StreamsContainer,
            attributes: None,
            partial: false,
            truncated: false,
            cut_rest: 0,
            lines: 1,
            rule_error: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_over_of_the_line_whose_memory_is_used_again() {
        let full = LogLine {
            merged: true,
            events: (3, 9),
            timestamp: Some(1),
            event_ms: Some(2),
            nanoseconds: Some(3),
            output: Some(OutputStream::Stderr),
            identity: IdentityNumber::at(7),
            writer: Writer::Identity(IdentityNumber::at(7)),
            attributes: Some(r#"{"a":1}"#),
            partial: true,
            truncated: true,
            lines: 5,
            ..LogLine::sample("1", "a long text")
        };
        let next = LogLine::sample("2", "next");
        let mut old = HeldLine::keep(&full, false, None);
        assert_eq!(old.line(), full);
        old.add_attributes(&LogLine { attributes: Some(r#"{"b":2}"#), ..next.clone() });
        let mut held = HeldLine::keep(&next, true, Some(old));
        assert!(held.is_plain && held.further_attribute_bytes(None) == 0);
        held.end();
        assert_eq!(held.line(), next);
    }
}
