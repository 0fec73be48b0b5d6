//! What the heads of the stream, the time and the shape of a log say of the next line: whether it goes on.
//!
//! It knows no vocabulary; the runtimes' own is [`super::trace`]'s, which is asked first. A line is joined only where two
//! signals agree: it follows within one write and its shape goes on, or it follows within one write and has no head where
//! logs have one. Where they do not agree, lines stay apart.

use super::announcement::{Announcement, announcement, is_place};
use super::block::{Block, begins_section, is_clause, is_sql, opens_record};
use super::brackets::Brackets;
use super::form::{
    is_annotation, is_excerpt, is_function, is_named_value, is_prose, is_python_frame, is_request, is_row_count,
    is_sentence, repeats,
};
use super::head::{Head, HeadKind, is_object, is_timed_object};
use super::heads::{Custom, Heads};
use super::pace::Pace;
use super::{failure, words};

/// A line as it is seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct SeenLine<'t> {
    /// Without colours.
    pub(super) text: &'t str,
    /// Its head, if heads of this class begin logs in this stream.
    pub(super) head: Option<Head>,
    /// Blanks before the first character; a tab counts as one.
    pub(super) indentation: usize,
}

impl<'t> SeenLine<'t> {
    pub(super) fn new(text: &'t str, head: Option<Head>) -> SeenLine<'t> {
        let indentation = text.len() - text.trim_ascii_start().len();
        SeenLine { text, head, indentation }
    }

    pub(super) fn is_indented(self) -> bool {
        self.indentation > 0
    }

    pub(super) fn is_blank(self) -> bool {
        self.indentation == self.text.len()
    }

    fn closes(self) -> bool {
        self.text.as_bytes().get(self.indentation).is_some_and(|byte| matches!(byte, b'}' | b']' | b')'))
    }
}

/// What stands around the next line, besides the log's own shape.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings<'h> {
    pub(super) pace: Pace,
    /// What logs of this output begin with.
    pub(super) heads: &'h Heads,
    /// A blank line lies between.
    pub(super) is_behind_blank: bool,
    /// Both have the same margin.
    pub(super) is_behind_margin: bool,
    /// The line before has a colour that is still on.
    pub(super) is_in_colour: bool,
    /// What the log is to [`super::trace`].
    pub(super) trace: TracePhase,
}

/// How far the log is in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TracePhase {
    /// It is none.
    NoTrace,
    /// The name of an exception, say: frames have to follow.
    Begun,
    /// Among frames, or behind them.
    Frames,
    /// Among Python's frames.
    PythonFrames,
    /// Python's last line, which may have more of its message.
    Message,
}

/// What the structure says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Continuation {
    No,
    Joins,
    /// It does if the next line is indented.
    WithIndented,
}

/// The shape of a log so far.
#[derive(Debug, Clone)]
pub(super) struct Structure {
    head: Option<Head>,
    /// The block that it is in, once that has been asked.
    block: Option<Block>,
    brackets: Brackets,
    /// Blanks before the first line.
    first_indentation: usize,
    begins_with_place: bool,
    /// It begins as a runtime's report does.
    is_report: bool,
    /// The two are known.
    is_looked_at: bool,
    /// The least indentation of a line that went on, and of a frame.
    indentation: Option<usize>,
    frame_indentation: Option<usize>,
    lines: usize,
    last_indentation: usize,
    last_length: usize,
    last_byte: u8,
    /// The last line closed the brackets that were open.
    has_closed: bool,
    /// A line that ended with a colon has been continued.
    is_listing: bool,
    /// A border between milliseconds lies within.
    has_border: bool,
    speaks_of_failure: Option<bool>,
}

/// A line this long breaks off in the middle of a sentence, where one does.
const LONG_SENTENCE: usize = 60;

impl Structure {
    /// A log that begins with this line.
    pub(super) fn begin(line: SeenLine) -> Structure {
        let mut structure = Structure {
            head: line.head,
            // Below a head no other block is looked for.
            block: line.head.filter(|_| !opens_record(line.text)).map(|_| Block::None),
            brackets: Brackets::default(),
            first_indentation: line.indentation,
            begins_with_place: false,
            is_report: false,
            is_looked_at: line.head.is_some(),
            indentation: None,
            frame_indentation: None,
            lines: 0,
            last_indentation: 0,
            last_length: 0,
            last_byte: 0,
            has_closed: false,
            is_listing: false,
            has_border: false,
            speaks_of_failure: None,
        };
        structure.look_at(line);
        structure
    }

    /// Takes a line into the log, or one that waits.
    pub(super) fn take(&mut self, first: &str, line: SeenLine, pace: Pace, is_behind_blank: bool) {
        self.has_border |= pace == Pace::Border;
        if line.is_indented() {
            self.indentation = Some(self.indentation.map_or(line.indentation, |least| least.min(line.indentation)));
        } else {
            self.is_listing |= self.last_byte == b':';
        }
        let block = self.block(first);
        if line.is_indented() && block == Block::None && line.text.trim_ascii() == "---" {
            self.block = Some(Block::Document { indentation: line.indentation });
        } else if !line.is_indented() || block.counts_indented() {
            self.block = Some(block.next(line.text, is_behind_blank).unwrap_or(block));
        }
        self.look_at(line);
    }

    /// Says that the line was a frame of a trace.
    pub(super) fn take_frame(&mut self, line: SeenLine) {
        self.frame_indentation.get_or_insert(line.indentation);
    }

    fn look_at(&mut self, line: SeenLine) {
        let were_open = self.brackets.are_open();
        self.brackets.read(line.text);
        self.has_closed = were_open && !self.brackets.are_open();
        self.is_listing &= !self.has_closed;
        self.lines += 1;
        self.last_indentation = line.indentation;
        self.last_length = line.text.len();
        self.last_byte = line.text.trim_ascii_end().as_bytes().last().copied().unwrap_or(0);
    }

    /// Whether both were written at once, as far as the time tells.
    pub(super) fn is_one_write(&self, pace: Pace) -> bool {
        matches!(pace, Pace::Write | Pace::SameMillisecond) || pace == Pace::Border && !self.has_border
    }

    /// Whether the line goes on with the log. `first` is the log's first line, as it is seen.
    pub(super) fn next(&mut self, first: &str, line: SeenLine, around: Surroundings) -> Continuation {
        // Right behind the first line the border is more often one between two writes.
        let is_one_write = self.is_one_write(around.pace) && (around.pace != Pace::Border || self.lines > 2);
        let is_near = around.pace.is_within(Pace::Soon) || line.is_indented() || self.brackets.are_open();
        if !around.pace.is_within(Pace::Throttled) || !is_near {
            return Continuation::No;
        }
        // A prefix that stands on each line, alone: as a blank line.
        if is_one_write && line.text.ends_with(']') && line.text.starts_with('[') && first.starts_with(line.text) {
            return Continuation::Joins;
        }
        if self.head.is_none() && around.is_behind_blank && begins_section(line.text) {
            return Continuation::No;
        }
        if self.goes_on_in_block(first, line, around) || self.goes_on_in_brackets(line, around.pace) {
            return Continuation::Joins;
        }
        if !is_one_write && !line.is_indented() && !self.head.is_some_and(|head| head.is_bare) {
            return Continuation::No;
        }
        self.look_at_first(first);
        if self.is_strangers(first, line) || repeats(first, line.text) {
            return Continuation::No;
        }
        if around.is_in_colour && is_one_write && around.trace == TracePhase::NoTrace {
            return Continuation::Joins;
        }
        if line.is_indented() || self.is_gutter(line) {
            return match self.goes_on_indented(first, line, around) {
                true => Continuation::Joins,
                false => Continuation::No,
            };
        }
        self.goes_on_unindented(first, line, around, is_one_write)
    }

    /// An object on one line, pairs, or a line of an access log: nothing goes on with them.
    pub(super) fn is_whole(&self, first: &str) -> bool {
        self.lines == 1
            && match self.head.map(|head| head.kind) {
                Some(HeadKind::Json | HeadKind::Pairs) => true,
                Some(HeadKind::Time) => is_request(first),
                _ => false,
            }
    }

    /// Whether the next line belongs to it even if it has a head.
    pub(super) fn takes_heads(&self, line: SeenLine) -> bool {
        self.block.is_some_and(|block| block.takes_heads(line.text))
    }

    fn block(&mut self, first: &str) -> Block {
        *self.block.get_or_insert_with(|| Block::begin(first))
    }

    fn look_at_first(&mut self, first: &str) {
        if !self.is_looked_at {
            self.is_looked_at = true;
            self.begins_with_place = is_place(first);
            self.is_report = announcement(first).is_some();
        }
    }

    fn goes_on_in_block(&mut self, first: &str, line: SeenLine, around: Surroundings) -> bool {
        let pace = around.pace;
        let block = self.block(first);
        let bound = match block {
            Block::None => return false,
            Block::Armour | Block::Record | Block::Document { .. } => pace.is_within(Pace::Soon),
            Block::Wrapped { .. } => pace != Pace::Unknown && pace.is_within(Pace::Near),
            // Symbols are looked up between two frames.
            Block::Numbered { length, .. } if line.text.get(length..).is_some_and(|text| text.starts_with("   ")) => {
                pace != Pace::Unknown && pace.is_within(Pace::Soon)
            }
            _ => self.is_one_write(pace),
        };
        bound && block.next(line.text, around.is_behind_blank).is_some()
    }

    fn goes_on_in_brackets(&self, line: SeenLine, pace: Pace) -> bool {
        self.brackets.are_open() && (line.is_indented() || line.closes() || self.is_one_write(pace))
    }

    /// A report of somebody else's: a runtime's, or a trace behind a log that speaks of no failure.
    fn is_strangers(&mut self, first: &str, line: SeenLine) -> bool {
        match announcement(line.text) {
            None => false,
            Some(Announcement::Runtimes) => true,
            Some(Announcement::Report) if self.begins_with_place => false,
            // No runtime indents it.
            Some(Announcement::Report)
                if self.head.is_some() && line.text.trim_ascii_start().starts_with("Traceback ") =>
            {
                !line.is_indented() && !self.speaks_of_failure(first)
            }
            Some(Announcement::Report) => self.head.is_none() || !self.speaks_of_failure(first),
        }
    }

    fn speaks_of_failure(&mut self, first: &str) -> bool {
        *self.speaks_of_failure.get_or_insert_with(|| failure::speaks_of_failure(first))
    }

    /// A sign at the margin, and the text behind a gap: `>   def f():`, `E   AssertionError`.
    fn is_gutter(&self, line: SeenLine) -> bool {
        let mut characters = line.text.chars();
        let is_sign = characters.next().is_some_and(|sign| !sign.is_ascii_lowercase() && !sign.is_ascii_digit());
        // `12 | let x = 1;` of a compiler, `12 │ …`.
        let behind_number = line.text.trim_start_matches(|digit: char| digit.is_ascii_digit()).trim_ascii_start();
        let is_numbered = behind_number.len() < line.text.len() && behind_number.starts_with(['|', '│']);
        is_sign && characters.as_str().starts_with("   ") || is_numbered && self.indentation.is_some()
    }

    fn goes_on_indented(&self, first: &str, line: SeenLine, around: Surroundings) -> bool {
        let bound = match self.indentation {
            // As deep as others of this log were.
            Some(least) if line.indentation >= least => Pace::Throttled,
            _ if self.head.is_some() => Pace::Near,
            _ if line.text.trim_ascii() == "---" => Pace::Soon,
            _ => Pace::Write,
        };
        // Fortran begins each line that it prints with one blank.
        if self.head.is_none()
            && self.first_indentation == 1
            && line.indentation == 1
            && line.text.as_bytes().get(1).is_some_and(u8::is_ascii_alphanumeric)
            && around.trace == TracePhase::NoTrace
        {
            return false;
        }
        // A statement has ended, and its table comes.
        if self.last_byte == b';' && self.head.is_none() && is_sql(first) {
            return false;
        }
        let is_timed = self.is_one_write(around.pace) || around.pace != Pace::Unknown && around.pace.is_within(bound);
        is_timed
            && match around.trace {
                TracePhase::NoTrace => !is_python_frame(line.text) || self.head.is_some() && self.lines > 1,
                TracePhase::Begun => self.head.is_some(),
                TracePhase::Frames => {
                    self.head.is_some() || self.frame_indentation.is_some_and(|frames| line.indentation >= frames)
                }
                TracePhase::PythonFrames | TracePhase::Message => true,
            }
    }

    /// What never begins a log, whatever the stream is like.
    fn goes_on_by_form(&self, first: &str, line: SeenLine) -> bool {
        let text = line.text.trim_ascii_end();
        let warns = || self.lines == 1 && self.last_byte == b':' && failure::warns(first);
        is_annotation(text)
            || is_row_count(text)
            // What `print_r` opens.
            || text == "("
            // Tcl: what was executed.
            || self.last_indentation > 0 && text.starts_with('"')
            // Below the head of a table.
            || self.last_indentation > 0 && text.len() >= 3 && text.bytes().all(|byte| matches!(byte, b'-' | b'+'))
            || is_excerpt(first, text)
            || warns()
    }

    /// A line without a head, right behind a log that has one. That it has none says that it goes on, as far as logs of this output
    /// have heads and the head is a logger's. Where that is not sure, it has to look like no log of its own.
    fn goes_on_under_head(&self, first: &str, head: Head, line: SeenLine, around: Surroundings) -> bool {
        // Who tags each line says nothing by a head that is missing.
        let custom = if around.is_behind_margin { Custom::Mixed } else { around.heads.custom() };
        if head.kind == HeadKind::Json || custom == Custom::Rare {
            return false;
        }
        let is_of_logger = around.heads.is_of_logger(head);
        let is_led_to = matches!(self.last_byte, b':' | b',' | b'=') || self.lines == 1 && first.ends_with(' ');
        if matches!(line.text.trim_ascii_end(), "[" | "{") {
            // So begins what is printed by itself, too.
            return is_led_to || is_of_logger && custom == Custom::Usual && around.pace == Pace::Write;
        }
        let may_be_own = match custom {
            _ if is_timed_object(line.text) || !is_of_logger && is_object(line.text) => true,
            _ if around.heads.is_printed(line.text) => true,
            // What was indented has ended, or between brackets.
            Custom::Usual if head.kind != HeadKind::Word && (self.last_indentation > 0 || self.has_closed) => {
                is_prose(line.text) && !is_clause(line.text) && announcement(line.text).is_none()
            }
            // Who says that all is well says it in one line, mostly.
            Custom::Usual if is_of_logger => {
                is_prose(line.text) && !is_clause(line.text) && failure::says_that_all_is_well(first)
            }
            Custom::Usual if head.kind != HeadKind::Word => {
                self.lines == 1 && is_sentence(line.text) && !failure::speaks_of_failure(first)
            }
            _ => {
                line.text.starts_with(char::is_alphanumeric)
                    && !(words::is_header(line.text) && failure::speaks_of_failure(first))
            }
        };
        is_led_to || !may_be_own
    }

    fn goes_on_unindented(
        &self,
        first: &str,
        line: SeenLine,
        around: Surroundings,
        is_one_write: bool,
    ) -> Continuation {
        if !is_one_write {
            // The head says a time and nothing else.
            let is_bare = self.head.is_some_and(|head| head.is_bare) && self.lines == 1;
            let goes_on = is_bare && around.pace != Pace::Unknown && around.pace.is_within(Pace::Soon);
            return if goes_on { Continuation::Joins } else { Continuation::No };
        }
        if self.head.is_some_and(|head| self.goes_on_under_head(first, head, line, around)) {
            return Continuation::Joins;
        }
        let is_plain = around.trace == TracePhase::NoTrace;
        if self.goes_on_by_form(first, line) && is_plain {
            return Continuation::Joins;
        }
        let goes_on = around.heads.custom() > Custom::Rare
            && !around.heads.is_printed(line.text)
            && (around.trace == TracePhase::Message
                || is_plain
                    && (around.is_behind_blank && self.is_report
                        || self.last_byte == b':'
                        || self.is_listing
                        || is_named_value(line.text)))
            || is_plain
                && self.is_report
                && self.breaks_off()
                && line.text.starts_with(|first: char| first.is_ascii_lowercase());
        if goes_on {
            return Continuation::Joins;
        }
        // Places, and the error behind them.
        if is_plain && self.begins_with_place && (is_place(line.text) || words::is_header(line.text)) {
            return Continuation::Joins;
        }
        // A name of a function, and its place on the next line: `main.run`, `\t/app/main.go:12`.
        if is_plain && is_function(line.text) {
            return Continuation::WithIndented;
        }
        let opens_list = line.text.trim_ascii_end().ends_with(':');
        let is_between = is_plain
            && (around.is_behind_blank && opens_list
                || self.last_indentation > 0 && (self.first_indentation > 0 || opens_list)
                || self.is_report && self.lines == 1);
        if is_between { Continuation::WithIndented } else { Continuation::No }
    }

    /// The last line ended in the middle of a sentence.
    fn breaks_off(&self) -> bool {
        self.last_length >= LONG_SENTENCE && (self.last_byte.is_ascii_lowercase() || self.last_byte == b',')
    }
}
