//! Lines that are one log: traces, JSON and other texts printed over lines, and what a `multi_line` rule says.
//!
//! containerd makes a record of every line. [`Joiner`] stands behind [`super::reassemble`] and gives logs: one group of
//! lines a container's stdout, one its stderr. Where nothing is to be joined the caller leaves it out.
//!
//! A joined log bears id, time and identity of its first line, and the attributes of all. Lines are joined by a newline;
//! blank lines inside of a log stay, those behind its end are not part of it. Nothing is lost or reordered within an
//! output, and logs of stdout and stderr come in the order in which they began, as far as [`MAX_LATE`] allows.
//!
//! What is recognised rests on three signals. [`head`] and [`heads`]: what logs of this output begin with. [`pace`]: how
//! much time lies between two lines. [`structure`], with [`block`], [`brackets`] and [`announcement`]: what the lines look like,
//! behind what somebody put before each ([`margin`]). [`trace`] has the words of the runtimes, [`failure`] what a log says of how it went,
//! and [`json_lines`] knows JSON. Decision 0010 tells why.

#![expect(clippy::vec_box, reason = "a line that waits goes from one list to another, and is moved by its address")]

mod announcement;
mod block;
mod brackets;
mod certain;
mod failure;
mod form;
mod group;
mod head;
mod heads;
mod json_lines;
mod margin;
mod output;
mod pace;
mod structure;
mod trace;
mod visible;
mod words;
mod written_line;

use std::collections::VecDeque;

use group::{Fit, GroupKind, LineGroup};
use head::Head;
use output::{Output, Place};
use visible::{is_plain, seen, seen_of};
use written_line::WrittenLine;

use super::line::{HeldLine, LineOutput, LogLine};
use super::rules::pattern::{Pattern, Work};

/// How many whole logs wait for one that began before them on the other output.
const MAX_LATE: usize = 64;

/// How many lines at the beginning of an event are held back to learn from, and how many bytes.
const MAX_LEARNED: usize = 128;
const MAX_LEARNED_BYTES: usize = 64 * 1024;

/// How the lines of a container are joined.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode<'s> {
    /// Every line is a log.
    Off,
    /// A line that this matches begins a log; others go on with the one before.
    Pattern(&'s Pattern, &'s Work),
    /// Logs of several lines are recognised.
    Auto,
}

/// The groups of one event.
#[derive(Debug, Default)]
pub(crate) struct Joiner<'e> {
    outputs: Vec<Output<'e>>,
    /// Lines from the beginning of the event, until there are enough to learn from; each with what looks like its head.
    window: VecDeque<(Box<HeldLine<'e>>, Option<Head>)>,
    window_bytes: usize,
    has_learned: bool,
    /// Whole logs, by number, that wait for those that began before them.
    late: Vec<(usize, Box<HeldLine<'e>>)>,
    /// Lines that are done with, to be used again.
    spare: Vec<Box<HeldLine<'e>>>,
    begun: usize,
}

type Emit<'f, 'e> = &'f mut dyn FnMut(&LogLine<'e, '_>);

impl<'e> Joiner<'e> {
    /// Takes a line; gives logs that are whole to `emit`.
    pub(crate) fn push(&mut self, line: &LogLine<'e, '_>, mode: Mode, emit: Emit<'_, 'e>) {
        if let Mode::Auto = mode {
            return self.push_to_recognise(line, emit);
        }
        self.catch_up(&|| false, emit);
        let is_known = self.outputs.iter().any(|output| output.output == line.line_output());
        match mode {
            Mode::Off if !is_known => emit(line),
            Mode::Off => {
                let at = self.output_of(line.line_output());
                self.close_all(at, &|| false, emit);
                emit(line);
            }
            Mode::Auto => {}
            Mode::Pattern(pattern, work) => {
                let held = HeldLine::keep(line, is_plain(line.text), self.spare.pop());
                self.feed_rule(held, pattern, work, emit);
            }
        }
    }

    /// Takes a line whose mode is [`Mode::Auto`]. The first ones of an event are held back until there are enough to learn
    /// from. Then those that were held back are decided on little by little, so that no single line makes many logs.
    fn push_to_recognise(&mut self, line: &LogLine<'e, '_>, emit: Emit<'_, 'e>) {
        let is_plain = is_plain(line.text);
        let seen = seen(line.text, is_plain);
        let written = WrittenLine::of(line, &seen);
        let head = written.head();
        if self.has_learned {
            let at = self.output_of(line.line_output());
            self.learn(at, &written, head);
            if self.window.is_empty() {
                return self.pass(at, line, is_plain, &written, head, emit);
            }
        } else {
            self.window_bytes += line.text.len();
        }
        let held = HeldLine::keep(line, is_plain, self.spare.pop());
        self.window.push_back((held, head));
        if !self.has_learned && (self.window.len() >= MAX_LEARNED || self.window_bytes >= MAX_LEARNED_BYTES) {
            self.learn_from_window();
        }
        if self.has_learned {
            for _ in 0..2 {
                self.feed_first(emit);
            }
        }
    }

    fn learn_from_window(&mut self) {
        let window = std::mem::take(&mut self.window);
        for (held, _) in &window {
            let at = self.output_of(held.line_output());
            if let Some(output) = self.outputs.get_mut(at) {
                output.watch(&WrittenLine::of(&held.line(), &seen_of(held)));
            }
        }
        for (held, head) in &window {
            let at = self.output_of(held.line_output());
            if let Some(output) = self.outputs.get_mut(at) {
                output.learn(&WrittenLine::of(&held.line(), &seen_of(held)), *head);
            }
        }
        self.window = window;
        self.has_learned = true;
    }

    /// Decides on the first line that was held back.
    fn feed_first(&mut self, emit: Emit<'_, 'e>) {
        if let Some((held, head)) = self.window.pop_front() {
            let at = self.output_of(held.line_output());
            self.feed(at, held, head, true, emit);
        }
    }

    /// Decides on the lines that were held back to learn from. `false` if it had to stop before the last.
    pub(crate) fn catch_up(&mut self, should_stop: &dyn Fn() -> bool, emit: Emit<'_, 'e>) -> bool {
        if !self.has_learned {
            self.learn_from_window();
            // What comes behind teaches, too, but is not waited for.
        }
        while !self.window.is_empty() {
            if should_stop() {
                return false;
            }
            self.feed_first(emit);
        }
        true
    }

    /// The outputs of which a log is open or a line is held back, each with the place of its first event.
    pub(crate) fn open(&self) -> impl Iterator<Item = (LineOutput, usize)> {
        let groups = self.outputs.iter().filter_map(|output| output.group.as_ref()).map(|group| &group.head);
        let held = groups.chain(self.window.iter().map(|(held, _)| held));
        held.map(|held| (held.line_output(), held.events.0))
    }

    /// The first event of what is still open, as far as its last line is not older than `since_ms`.
    pub(crate) fn open_since(&self, since_ms: i64) -> Option<usize> {
        let groups = self.outputs.iter().filter_map(|output| output.group.as_ref());
        let open = groups.filter(|group| group.last_ms().is_none_or(|time| time >= since_ms));
        open.map(|group| group.head.events.0).min()
    }

    /// Gives what is still open at the end of the event, log by log. `false` if it had to stop before the last.
    pub(crate) fn finish(&mut self, should_stop: &dyn Fn() -> bool, emit: Emit<'_, 'e>) -> bool {
        let is_whole =
            self.catch_up(should_stop, emit) && (0..self.outputs.len()).all(|at| self.close_all(at, should_stop, emit));
        if is_whole {
            // Writers may be numbered otherwise from here on.
            self.outputs.clear();
            self.has_learned = false;
            self.window_bytes = 0;
        }
        is_whole
    }

    /// Gives the logs that are whole, also those that wait for one that is not.
    pub(crate) fn release_all(&mut self, emit: Emit<'_, 'e>) {
        for (_, held) in self.late.drain(..) {
            emit(&held.line());
        }
    }

    fn output_of(&mut self, line_output: LineOutput) -> usize {
        let known = self.outputs.iter().position(|output| output.output == line_output);
        known.unwrap_or_else(|| {
            self.outputs.push(Output::new(line_output));
            self.outputs.len() - 1
        })
    }

    fn learn(&mut self, at: usize, line: &WrittenLine, head: Option<Head>) {
        if let Some(output) = self.outputs.get_mut(at) {
            output.watch_and_learn(line, head);
        }
    }

    /// Takes a line behind which none is held back, with what looks like its head. Nearly every line begins a log, and ends the one before:
    /// then one takes the place of the other, and nothing is moved.
    fn pass(
        &mut self,
        at: usize,
        line: &LogLine<'e, '_>,
        is_plain: bool,
        written: &WrittenLine,
        head: Option<Head>,
        emit: Emit<'_, 'e>,
    ) {
        let is_alone = self.is_alone();
        let Some(output) = self.outputs.get_mut(at) else { return };
        match (output.place(written, head, true), output.group.as_mut()) {
            (Place::Begins(kind), Some(group)) if is_alone => {
                group.head.end();
                emit(&group.head.line());
                self.begun += 1;
                group.begin_again(line, is_plain, kind, self.begun);
            }
            (place, _) => {
                let held = HeldLine::keep(line, is_plain, self.spare.pop());
                self.put(at, held, head, place, true, emit);
            }
        }
    }

    /// Takes a line whose mode is [`Mode::Auto`], with what looks like its head; it begins JSON only if `may_be_json`.
    fn feed(&mut self, at: usize, line: Box<HeldLine<'e>>, head: Option<Head>, may_be_json: bool, emit: Emit<'_, 'e>) {
        let Some(output) = self.outputs.get_mut(at) else { return };
        let place = output.place(&WrittenLine::of(&line.line(), &seen_of(&line)), head, may_be_json);
        self.put(at, line, head, place, may_be_json, emit);
    }

    /// Puts a line where it belongs.
    fn put(
        &mut self,
        at: usize,
        line: Box<HeldLine<'e>>,
        head: Option<Head>,
        place: Place<'e>,
        may_be_json: bool,
        emit: Emit<'_, 'e>,
    ) {
        let Some(output) = self.outputs.get_mut(at) else { return };
        match place {
            Place::Waits => {
                if let Some(group) = output.group.as_mut() {
                    group.wait(line);
                }
            }
            Place::Joins { ends } => {
                if let Some(group) = output.group.as_mut() {
                    group.join(line, &mut self.spare);
                }
                if ends {
                    self.close(at, may_be_json, emit);
                }
            }
            Place::Begins(kind) => {
                if output.group.is_some() {
                    self.close(at, may_be_json, emit);
                }
                self.begin(at, line, kind);
            }
            Place::Blank => self.emit_alone(line, emit),
            Place::Later => {
                self.close(at, may_be_json, emit);
                self.feed(at, line, head, may_be_json, emit);
            }
            // What was taken for JSON is lines like others, and each is looked at again, once.
            Place::NoJson(waited) => {
                for held in waited {
                    self.feed_again(at, held, false, emit);
                }
                self.feed(at, line, head, may_be_json, emit);
            }
        }
    }

    /// Takes a line that waited.
    fn feed_again(&mut self, at: usize, line: Box<HeldLine<'e>>, may_be_json: bool, emit: Emit<'_, 'e>) {
        let head = WrittenLine::of(&line.line(), &seen_of(&line)).head();
        self.feed(at, line, head, may_be_json, emit);
    }

    fn feed_rule(&mut self, line: Box<HeldLine<'e>>, pattern: &Pattern, work: &Work, emit: Emit<'_, 'e>) {
        let at = self.output_of(line.line_output());
        let group = self.outputs.get_mut(at).and_then(|output| output.group.as_mut());
        match group.map_or((Fit::No, None), |group| (group.fit_rule(&line, pattern, work), Some(group))) {
            (Fit::Waits, Some(group)) => group.wait(line),
            (Fit::Joins, Some(group)) => group.join(line, &mut self.spare),
            _ => {
                self.close_all(at, &|| false, emit);
                match line.is_blank() {
                    true => self.emit_alone(line, emit),
                    false => self.begin(at, line, GroupKind::Pattern),
                }
            }
        }
    }

    fn emit_alone(&mut self, line: Box<HeldLine<'e>>, emit: Emit<'_, 'e>) {
        emit(&line.line());
        self.spare.push(line);
    }

    fn begin(&mut self, at: usize, line: Box<HeldLine<'e>>, kind: GroupKind) {
        self.begun += 1;
        if let Some(output) = self.outputs.get_mut(at) {
            output.group = Some(LineGroup::new(line, kind, self.begun));
        }
    }

    /// Whether logs come in the order in which they end: there is one output, and none waits for another.
    fn is_alone(&self) -> bool {
        self.outputs.len() == 1 && self.late.is_empty()
    }

    /// Ends a group: its log, then the lines that waited for nothing, each as if it came now.
    fn close(&mut self, at: usize, may_be_json: bool, emit: Emit<'_, 'e>) {
        let Some(mut group) = self.outputs.get_mut(at).and_then(|output| output.group.take()) else { return };
        group.head.end();
        if self.is_alone() {
            emit(&group.head.line());
            self.spare.push(group.head);
        } else {
            self.release(group.number, group.head);
        }
        for held in group.waiting {
            match group.kind {
                // Blank ones, which are no part of a log.
                GroupKind::Pattern => self.release(group.number, held),
                GroupKind::Json(_) | GroupKind::Line(_) | GroupKind::Lines(_) => {
                    self.feed_again(at, held, may_be_json, emit)
                }
            }
        }
        self.pass_on(emit);
    }

    /// Ends whatever is open on an output. `false` if it had to stop before the last log.
    fn close_all(&mut self, at: usize, should_stop: &dyn Fn() -> bool, emit: Emit<'_, 'e>) -> bool {
        while let Some(group) = self.outputs.get_mut(at).and_then(|output| output.group.as_mut()) {
            if should_stop() {
                return false;
            }
            for held in group.give_up_json() {
                self.feed_again(at, held, false, emit);
            }
            // What waits is fed again, as long as there is some.
            self.close(at, false, emit);
        }
        true
    }

    /// Puts a log behind those that began before it.
    fn release(&mut self, number: usize, held: Box<HeldLine<'e>>) {
        let at = self.late.partition_point(|(other, _)| *other <= number);
        self.late.insert(at, (number, held));
    }

    /// Gives the logs for which no other has to be waited.
    fn pass_on(&mut self, emit: Emit<'_, 'e>) {
        if self.late.is_empty() {
            return;
        }
        let groups = self.outputs.iter().filter_map(|output| output.group.as_ref());
        let open = groups.map(|group| group.number).min().unwrap_or(usize::MAX);
        let ready = self.late.partition_point(|(number, _)| *number < open);
        let over = self.late.len().saturating_sub(MAX_LATE);
        for (_, held) in self.late.drain(..ready.max(over)) {
            emit(&held.line());
            self.spare.push(held);
        }
    }
}
