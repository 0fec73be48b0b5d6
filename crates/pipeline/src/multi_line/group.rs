//! The lines that are one log so far, and those that may turn out to be part of it.

use super::super::line::{HeldLine, LogLine};
use super::super::rules::pattern::{Pattern, Spent, Work};
use super::block::opens_record;
use super::form::is_same;
use super::head::{Head, head, is_uvicorn};
use super::heads::Heads;
use super::json_lines::{JsonLines, JsonProgress};
use super::margin;
use super::pace::{Clock, Moment, Pace};
use super::structure::{Continuation, SeenLine, Structure, Surroundings, TracePhase};
use super::trace::{LinePlace, Trace, TraceStep, Verdict};
use super::visible::{leaves_coloured, seen_of};
use super::words;
use super::written_line::WrittenLine;

/// How large a joined log may grow, with the attributes that its first line did not have; the next line then begins another.
/// Source: DataDog/datadog-agent, `logs_config.max_message_size_bytes`.
pub(super) const MAX_BYTES: usize = 900_000;

/// How many lines a joined log may have. Java prints at most 1,024 frames of each cause (`-XX:MaxJavaStackTraceDepth`).
pub(super) const MAX_LINES: usize = 5_000;

/// How many lines may wait for one that says whether they belong to a log.
const MAX_WAITING: usize = 32;

/// Lines that are one log so far, and those that may turn out to be part of it.
#[derive(Debug)]
pub(super) struct LineGroup<'e> {
    /// Which log of the event it is, by its beginning.
    pub(super) number: usize,
    pub(super) head: Box<HeldLine<'e>>,
    first: FirstLine,
    /// How long the margin is that its lines have; 0 until its second line has the same as its first.
    margin: usize,
    /// When its last line was written, as far as it is not blank.
    last: Moment,
    pub(super) waiting: Vec<Box<HeldLine<'e>>>,
    waiting_bytes: usize,
    /// A colour is on behind its last line.
    is_in_colour: bool,
    pub(super) kind: GroupKind,
}

#[derive(Debug)]
pub(super) enum GroupKind {
    /// By a rule of the user's.
    Pattern,
    /// Whole lines of JSON.
    Json(JsonLines),
    /// By what the lines look like: so far one line, which has this head. Most logs are no more, and what they look like is not asked.
    Line(Option<Head>),
    /// The same, of a line that was looked at for the one behind it.
    Lines(Box<LinesKind>),
}

#[derive(Debug)]
pub(super) struct LinesKind {
    trace: Trace,
    structure: Structure,
    /// Among the lines that wait is one that only a trace could take.
    is_unsure: bool,
    /// The last line that waits belongs to the log if the next one is indented.
    awaits_indented: bool,
    is_behind_blank: bool,
}

/// What a line is to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    Joins,
    Waits,
    /// It is the last one.
    Ends,
    No,
}

impl GroupKind {
    /// The kind of a log that begins with this line.
    pub(super) fn of(seen: SeenLine, may_be_json: bool) -> GroupKind {
        let json = if may_be_json { JsonLines::begin(seen.text) } else { None };
        json.map_or(GroupKind::Line(seen.head), GroupKind::Json)
    }
}

impl<'e> LineGroup<'e> {
    /// A group that begins with this line.
    pub(super) fn new(head: Box<HeldLine<'e>>, kind: GroupKind, number: usize) -> LineGroup<'e> {
        LineGroup {
            number,
            first: FirstLine::of(&head),
            is_in_colour: is_left_coloured(&head),
            margin: 0,
            last: head.moment(),
            waiting: Vec::new(),
            waiting_bytes: 0,
            head,
            kind,
        }
    }

    /// Begins the next log where this one stands, whose line went out and behind which nothing waits. All fields are named here, so that
    /// none of the log before is left over.
    pub(super) fn begin_again(&mut self, line: &LogLine<'e, '_>, is_plain: bool, kind: GroupKind, number: usize) {
        let LineGroup {
            number: own_number,
            head,
            first,
            margin,
            last,
            waiting: _,
            waiting_bytes,
            is_in_colour,
            kind: own_kind,
        } = self;
        head.overwrite(line, is_plain);
        (*own_number, *own_kind) = (number, kind);
        (*first, *is_in_colour) = (FirstLine::of(head), is_left_coloured(head));
        (*margin, *last) = (0, head.moment());
        *waiting_bytes = 0;
    }

    /// Whether it is read as JSON.
    pub(super) fn is_json(&self) -> bool {
        matches!(self.kind, GroupKind::Json(_))
    }

    /// The time of its last line, in milliseconds since 1970.
    pub(super) fn last_ms(&self) -> Option<i64> {
        let waiting = self.waiting.last().and_then(|held| held.timestamp);
        waiting.or(self.last.milliseconds)
    }

    /// Where it is read as JSON, it is not any more: the lines that waited are given back, to be looked at as others are.
    pub(super) fn give_up_json(&mut self) -> Vec<Box<HeldLine<'e>>> {
        if !self.is_json() {
            return Vec::new();
        }
        self.kind = GroupKind::of(SeenLine::new(&seen_of(&self.head), None), false);
        self.last = self.head.moment();
        self.waiting_bytes = 0;
        std::mem::take(&mut self.waiting)
    }

    /// Holds a line back.
    pub(super) fn wait(&mut self, held: Box<HeldLine<'e>>) {
        self.waiting_bytes += held.text.len() + 1;
        self.is_in_colour = leaves_coloured(&held.text).unwrap_or(self.is_in_colour);
        if !held.is_blank() {
            self.last = held.moment();
        }
        self.waiting.push(held);
    }

    /// Takes a line, and those that waited before it; gives them to `spare`.
    pub(super) fn join(&mut self, line: Box<HeldLine<'e>>, spare: &mut Vec<Box<HeldLine<'e>>>) {
        self.waiting_bytes = 0;
        self.last = line.moment();
        self.is_in_colour = leaves_coloured(&line.text).unwrap_or(self.is_in_colour);
        let mut waiting = std::mem::take(&mut self.waiting);
        for held in waiting.drain(..).chain(Some(line)) {
            append(&mut self.head, &held.line());
            spare.push(held);
        }
        self.waiting = waiting;
    }

    /// What a line is to a group of a rule.
    pub(super) fn fit_rule(&self, line: &HeldLine, pattern: &Pattern, work: &Work) -> Fit {
        let written = WrittenLine::of(&line.line(), &line.text);
        match self.kind {
            GroupKind::Pattern if self.has_room(&written) && self.pace(&written, &Clock::default()) < Pace::Paused => {
                match begins(pattern, work, &line.text) {
                    true => Fit::No,
                    false if line.is_blank() => Fit::Waits,
                    false => Fit::Joins,
                }
            }
            _ => Fit::No,
        }
    }

    /// What a line is to a group that is recognised.
    pub(super) fn fit_lines(&mut self, line: &WrittenLine, seen: SeenLine, clock: &Clock, heads: &Heads) -> Fit {
        if self.is_behind_one_line(line, seen, clock) {
            return Fit::No;
        }
        let pace = self.pace(line, clock);
        // What a filter put beside one line alone says that it is another log.
        if !self.has_room(line) || pace == Pace::Paused || line.attributes != self.head.attributes.as_deref() {
            return Fit::No;
        }
        let may_wait = self.waiting.len() < MAX_WAITING;
        if let GroupKind::Line(head) = self.kind
            && !(line.merged || self.head.merged)
        {
            self.kind = GroupKind::Lines(Box::new(LinesKind::begin(SeenLine::new(&seen_of(&self.head), head))));
        }
        let around = Surroundings {
            pace,
            heads,
            is_in_colour: self.is_in_colour && !line.text.starts_with('\u{1b}'),
            is_behind_margin: false,
            is_behind_blank: false,
            trace: TracePhase::NoTrace,
        };
        match &mut self.kind {
            GroupKind::Pattern => Fit::No,
            GroupKind::Json(json) => match json.next(seen.text) {
                JsonProgress::More => Fit::Waits,
                JsonProgress::Whole => Fit::Ends,
                JsonProgress::Broken => Fit::No,
            },
            // An object that Fluent Bit had parsed was one line, and one log.
            GroupKind::Line(_) => Fit::No,
            GroupKind::Lines(_) if line.merged || self.head.merged => Fit::No,
            GroupKind::Lines(lines) => {
                let whole = self.first.seen(&self.head.text);
                if self.margin == 0 && self.head.lines == 1 && self.waiting.is_empty() && seen.head.is_none() {
                    self.margin = margin::shared(whole, seen.text);
                    if let Some(first) = margin::behind(whole, whole, self.margin).filter(|_| self.margin > 0) {
                        **lines = LinesKind::begin(SeenLine::new(first, head(first, false)));
                    }
                }
                let Some((first, seen)) = behind_margin(whole, seen, self.margin) else { return Fit::No };
                let around = Surroundings { is_behind_margin: self.margin > 0, ..around };
                let is_margin_alone = seen.is_blank() && !line.is_blank();
                match lines.fit(first, seen, around) {
                    Fit::Waits if is_margin_alone && lines.structure.is_one_write(pace) => Fit::Joins,
                    Fit::Waits if !may_wait => Fit::No,
                    fit => fit,
                }
            }
        }
    }

    /// Whether a line with a head begins a log for certain, since the log so far is one line, which has a head too: what [`LinesKind::fit`]
    /// would say, without looking at all of both. Nearly every line is such a one.
    fn is_behind_one_line(&self, line: &WrittenLine, seen: SeenLine, clock: &Clock) -> bool {
        if !matches!(self.kind, GroupKind::Line(Some(_))) || seen.head.is_none() {
            return false;
        }
        let first = self.first.seen(&self.head.text);
        !opens_record(first) && !words::is_java_logging(first) && !repeats_word(first, seen, || self.pace(line, clock))
    }

    fn has_room(&self, line: &WrittenLine) -> bool {
        let lines = self.head.lines + self.waiting.len();
        let bytes = self.head.text.len() + self.waiting_bytes + 1 + line.text.len();
        lines < MAX_LINES && bytes + self.head.further_attribute_bytes(line.attributes) <= MAX_BYTES
    }

    fn pace(&self, line: &WrittenLine, clock: &Clock) -> Pace {
        Pace::between(self.last, line.moment, clock)
    }
}

fn is_left_coloured(line: &HeldLine) -> bool {
    !line.is_plain && leaves_coloured(&line.text).unwrap_or(false)
}

/// The first line of a log and the next one behind the margin that both have; `None` if the next one has another, or begins a log behind it.
fn behind_margin<'t>(first: &'t str, seen: SeenLine<'t>, length: usize) -> Option<(&'t str, SeenLine<'t>)> {
    if seen.is_blank() {
        return Some((margin::behind(first, first, length)?, seen));
    }
    if length == 0 {
        let is_of_another = seen.head.is_none() && margin::are_of_two(first, seen.text);
        return (!is_of_another).then_some((first, seen));
    }
    let text = margin::behind(first, seen.text, length)?;
    let begins = seen.head.is_none() && head(text, false).is_some();
    (!begins).then(|| Some((margin::behind(first, first, length)?, SeenLine::new(text, seen.head))))?
}

/// How much of a first line is looked at again for each line behind it, in bytes. What a head and the name of an exception need is
/// at its beginning, and the work stays linear however long it is.
const FIRST_WITHIN: usize = 4_096;

/// The first line of a log, as it is seen.
#[derive(Debug)]
enum FirstLine {
    /// So many bytes of the text.
    Begins(usize),
    /// It looks otherwise than its text begins: it has colours, or something was drawn over.
    Looks(String),
}

impl FirstLine {
    fn of(line: &HeldLine) -> FirstLine {
        let (text, seen) = (line.text.as_str(), seen_of(line));
        if line.is_plain {
            return FirstLine::Begins(text.floor_char_boundary(FIRST_WITHIN));
        }
        let length = seen.floor_char_boundary(FIRST_WITHIN);
        let seen = seen.get(..length).unwrap_or_default();
        match text.get(..length) == Some(seen) {
            true => FirstLine::Begins(length),
            false => FirstLine::Looks(seen.to_owned()),
        }
    }

    fn seen<'t>(&'t self, text: &'t str) -> &'t str {
        match self {
            FirstLine::Begins(length) => text.get(..*length).unwrap_or_default(),
            FirstLine::Looks(seen) => seen,
        }
    }
}

impl LinesKind {
    fn begin(seen: SeenLine) -> LinesKind {
        LinesKind {
            trace: Trace::begin(seen.text),
            structure: Structure::begin(seen),
            is_unsure: false,
            awaits_indented: false,
            is_behind_blank: false,
        }
    }

    fn fit(&mut self, first: &str, line: SeenLine, around: Surroundings) -> Fit {
        let pace = around.pace;
        if line.is_blank() {
            self.trace.next(
                first,
                line.text,
                LinePlace {
                    is_behind_blank: self.is_behind_blank,
                    is_at_once: false,
                    is_soon: false,
                    is_behind_waiting: self.is_unsure,
                },
            );
            self.is_behind_blank = true;
            return Fit::Waits;
        }
        let is_taken =
            self.trace.awaits_level() || self.structure.takes_heads(line) || repeats_word(first, line, || pace);
        if line.head.is_some() && !is_taken {
            return Fit::No;
        }
        if self.structure.is_whole(first) {
            return Fit::No;
        }
        let trace = self.trace.phase();
        let step = self.trace.next(
            first,
            line.text,
            LinePlace {
                is_behind_blank: self.is_behind_blank,
                is_at_once: self.structure.is_one_write(pace),
                is_soon: pace.is_within(Pace::Soon),
                is_behind_waiting: self.is_unsure,
            },
        );
        let around = Surroundings { is_behind_blank: self.is_behind_blank, trace, ..around };
        let fit = self.decide(first, line, around, step);
        if fit != Fit::No {
            self.structure.take(first, line, pace, self.is_behind_blank);
            if step.is_frame {
                self.structure.take_frame(line);
            }
            self.is_behind_blank = false;
        }
        if fit == Fit::Joins {
            (self.is_unsure, self.awaits_indented) = (false, false);
        }
        fit
    }

    fn decide(&mut self, first: &str, line: SeenLine, around: Surroundings, step: TraceStep) -> Fit {
        // A trace opens right behind its log; then the frames themselves say that they go on.
        let bound = match step {
            TraceStep { may_be_strangers: true, .. } => Pace::Border,
            TraceStep { is_opening: true, .. } => Pace::Soon,
            _ => Pace::Apart,
        };
        let is_timed = around.pace.is_within(bound) && (!step.is_guessed || self.structure.is_one_write(around.pace));
        // Whether a message goes on is guessed at the finest times only.
        let is_timed = is_timed && (!step.is_guessed || step.verdict == Verdict::Joins || around.pace == Pace::Write);
        if self.awaits_indented {
            let joins = line.is_indented() && self.structure.is_one_write(around.pace);
            return if joins { Fit::Joins } else { Fit::No };
        }
        // The error of Ruby's that caused another has the same form; but the same error again is another log.
        if step.begins_error && is_same(first, line.text) {
            return Fit::No;
        }
        if step.verdict == Verdict::Joins && is_timed {
            return Fit::Joins;
        }
        let is_expected = step.verdict == Verdict::Maybe && is_timed;
        let continuation = match self.is_unsure {
            true => Continuation::No,
            false => self.structure.next(first, line, around),
        };
        match continuation {
            Continuation::Joins => {
                if step.verdict == Verdict::New {
                    self.trace.restart(line.text);
                }
                Fit::Joins
            }
            _ if is_expected => {
                self.is_unsure = true;
                Fit::Waits
            }
            Continuation::WithIndented => {
                self.awaits_indented = true;
                Fit::Waits
            }
            Continuation::No => Fit::No,
        }
    }
}

/// `Warning:    more of it` behind `Warning: x:`: the word is at the margin of each line of one message.
fn repeats_word(first: &str, line: SeenLine, pace: impl FnOnce() -> Pace) -> bool {
    let length = memchr::memchr(b':', line.text.as_bytes()).unwrap_or_default();
    let is_indented = line.text.get(length..).is_some_and(|rest| rest.starts_with(":   "));
    is_indented && pace() == Pace::Write && !is_uvicorn(line.text) && first.get(..=length) == line.text.get(..=length)
}

/// Whether a line begins a log. So does each for which there is no budget left to find that out: nothing is hidden by that.
fn begins(pattern: &Pattern, work: &Work, text: &str) -> bool {
    work.begin_log();
    pattern.is_match(text, work).unwrap_or_else(|Spent| {
        work.count_unjoined();
        true
    })
}

fn append(head: &mut HeldLine, line: &LogLine) {
    head.text.push('\n');
    head.text.push_str(line.text);
    head.lines += line.lines;
    head.events.1 = line.events.1;
    head.partial |= line.partial;
    head.truncated |= line.truncated;
    head.merged = false;
    head.add_attributes(line);
}
