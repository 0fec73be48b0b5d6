//! Lines that are one log: stack traces, JSON printed over lines, and what a `multi_line` rule says.
//!
//! containerd makes a record of every line. [`Joiner`] stands behind [`super::reassemble`] and gives logs: one group of
//! lines a container's stdout, one its stderr. Where nothing is to be joined the caller leaves it out.
//!
//! A joined log bears id, time and identity of its first line, and the attributes of all. Lines are joined by a newline;
//! blank lines inside of a log stay, those behind its end are not part of it. Nothing is lost or reordered within an
//! output, and logs of stdout and stderr come in the order in which they began, as far as [`MAX_LATE`] allows.

mod json_lines;
pub(crate) mod trace;

use json_lines::{JsonLines, JsonProgress};
use trace::{Trace, Verdict};

use super::line::{HeldLine, LineOutput, LogLine};
use super::rules::pattern::{Pattern, Spent, Work};

/// How large a joined log may grow, with the attributes that its first line did not have; the next line then begins another.
/// Source: DataDog/datadog-agent, `logs_config.max_message_size_bytes`.
pub(crate) const MAX_BYTES: usize = 900_000;

/// How many lines a joined log may have. Java prints at most 1,024 frames of each cause (`-XX:MaxJavaStackTraceDepth`).
pub(crate) const MAX_LINES: usize = 5_000;

/// How many lines may wait for one that says whether they belong to a trace.
const MAX_WAITING: usize = 32;

/// What is written at once is not further apart than this.
/// Source: DataDog/datadog-agent, `logs_config.aggregation_timeout`, one second.
const MAX_PAUSE_MS: u64 = 1_000;

/// How many whole logs wait for one that began before them on the other output.
const MAX_LATE: usize = 64;

/// How the lines of a container are joined.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode<'s> {
    /// Every line is a log.
    Off,
    /// A line that this matches begins a log; others go on with the one before.
    Pattern(&'s Pattern, &'s Work),
    /// Stack traces and JSON are recognised.
    Auto,
}

/// Lines that are one log so far, and those that may turn out to be part of it.
#[derive(Debug)]
struct LineGroup<'e> {
    /// Which log of the event it is, by its beginning.
    number: usize,
    head: HeldLine<'e>,
    /// Where the first line ends in the text.
    first: usize,
    last_ms: Option<i64>,
    waiting: Vec<HeldLine<'e>>,
    waiting_bytes: usize,
    kind: GroupKind,
}

#[derive(Debug)]
enum GroupKind {
    Pattern,
    Trace(Trace),
    Json(JsonLines),
}

enum Fit {
    Joins,
    Waits,
    /// It is the last one.
    Ends,
    No,
}

/// The groups of one event.
#[derive(Debug, Default)]
pub(crate) struct Joiner<'e> {
    groups: Vec<LineGroup<'e>>,
    /// Whole logs, by number, that wait for those that began before them.
    late: Vec<(usize, HeldLine<'e>)>,
    /// Strings to be used again.
    spare: Vec<String>,
    begun: usize,
}

type Emit<'f, 'e> = &'f mut dyn FnMut(LogLine<'e, '_>);

impl<'e> Joiner<'e> {
    /// Takes a line; gives logs that are whole to `emit`.
    pub(crate) fn push(&mut self, line: LogLine<'e, '_>, mode: Mode, emit: Emit<'_, 'e>) {
        let at = self.groups.iter().position(|group| line.is_beside(&group.head));
        let Some(at) = at else {
            return match mode {
                Mode::Off => emit(line),
                mode => self.begin(line, mode, emit),
            };
        };
        match self.groups[at].fit(&line, mode) {
            Fit::Joins => self.join(at, &line),
            Fit::Ends => {
                self.join(at, &line);
                self.close(at, mode, emit);
            }
            Fit::Waits => {
                let held = HeldLine::keep(&line, self.spare.pop().unwrap_or_default());
                self.groups[at].wait(held);
            }
            // Most lines: the one before was alone, and so may this one be. Its buffer serves again.
            Fit::No if self.is_simple(at) && matches!(mode, Mode::Auto) && !line.is_blank() => {
                self.begun += 1;
                let group = &mut self.groups[at];
                emit(group.head.line());
                let buffer = std::mem::take(&mut group.head.text);
                *group = LineGroup::new(HeldLine::keep(&line, buffer), Mode::Auto, self.begun);
            }
            Fit::No => {
                self.close(at, mode, emit);
                self.push(line, mode, emit);
            }
        }
    }

    /// The outputs of which a log is open, each with the place of its first event.
    pub(crate) fn open(&self) -> impl Iterator<Item = (LineOutput, usize)> {
        self.groups.iter().map(|group| (group.head.line_output(), group.head.events.0))
    }

    /// The first event of what is still open, as far as its last line is not older than `since_ms`.
    pub(crate) fn open_since(&self, since_ms: i64) -> Option<usize> {
        let is_young = |group: &&LineGroup| group.last_ms.is_none_or(|time| time >= since_ms);
        self.groups.iter().filter(is_young).map(|group| group.head.events.0).min()
    }

    /// Gives what is still open at the end of the event, log by log. `false` if it had to stop before the last.
    pub(crate) fn finish(&mut self, should_stop: &dyn Fn() -> bool, emit: Emit<'_, 'e>) -> bool {
        while !self.groups.is_empty() {
            if should_stop() {
                return false;
            }
            // What waits is fed again, as long as there is some.
            self.close(0, Mode::Auto, emit);
        }
        true
    }

    /// Gives the logs that are whole, also those that wait for one that is not.
    pub(crate) fn release_all(&mut self, emit: Emit<'_, 'e>) {
        for (_, held) in self.late.drain(..) {
            emit(held.line());
        }
    }

    fn begin(&mut self, line: LogLine<'e, '_>, mode: Mode, emit: Emit<'_, 'e>) {
        if line.is_blank() {
            return emit(line);
        }
        self.begun += 1;
        let held = HeldLine::keep(&line, self.spare.pop().unwrap_or_default());
        self.groups.push(LineGroup::new(held, mode, self.begun));
    }

    /// Whether a group is all that there is, and nothing waits.
    fn is_simple(&self, at: usize) -> bool {
        self.groups.len() == 1 && self.late.is_empty() && self.groups.get(at).is_some_and(|one| one.waiting.is_empty())
    }

    fn join(&mut self, at: usize, line: &LogLine<'e, '_>) {
        let Some(group) = self.groups.get_mut(at) else { return };
        group.waiting_bytes = 0;
        for held in group.waiting.drain(..) {
            append(&mut group.head, &held.line());
            self.spare.push(held.text);
        }
        append(&mut group.head, line);
        group.last_ms = line.timestamp;
    }

    /// Ends a group: its log, then the lines that waited for nothing, each as if it came now.
    fn close(&mut self, at: usize, mode: Mode, emit: Emit<'_, 'e>) {
        let mut group = self.groups.remove(at);
        group.head.end();
        self.release(group.number, group.head);
        for held in group.waiting {
            match group.kind {
                // Lines of JSON that never became whole are nothing else either; blank ones are no part of a log.
                GroupKind::Json(_) | GroupKind::Pattern => self.release(group.number, held),
                GroupKind::Trace(_) => {
                    self.push(held.line(), mode, emit);
                    self.spare.push(held.text);
                }
            }
        }
        self.pass_on(emit);
    }

    /// Puts a log behind those that began before it.
    fn release(&mut self, number: usize, held: HeldLine<'e>) {
        let at = self.late.partition_point(|(other, _)| *other <= number);
        self.late.insert(at, (number, held));
    }

    /// Gives the logs for which no other has to be waited.
    fn pass_on(&mut self, emit: Emit<'_, 'e>) {
        let open = self.groups.iter().map(|group| group.number).min().unwrap_or(usize::MAX);
        let ready = self.late.partition_point(|(number, _)| *number < open);
        let over = self.late.len().saturating_sub(MAX_LATE);
        for (_, held) in self.late.drain(..ready.max(over)) {
            emit(held.line());
            self.spare.push(held.text);
        }
    }
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

impl<'e> LineGroup<'e> {
    fn new(head: HeldLine<'e>, mode: Mode, number: usize) -> LineGroup<'e> {
        let kind = match mode {
            Mode::Pattern(..) => GroupKind::Pattern,
            Mode::Auto | Mode::Off => match JsonLines::begin(&head.text).filter(|_| !head.merged) {
                Some(json) => GroupKind::Json(json),
                None => GroupKind::Trace(Trace::begin(&head.text)),
            },
        };
        LineGroup {
            number,
            first: head.text.len(),
            last_ms: head.timestamp,
            head,
            waiting: Vec::new(),
            waiting_bytes: 0,
            kind,
        }
    }

    fn wait(&mut self, held: HeldLine<'e>) {
        self.waiting_bytes += held.text.len() + 1;
        self.last_ms = held.timestamp;
        self.waiting.push(held);
    }

    /// What a line is to this group.
    fn fit(&mut self, line: &LogLine, mode: Mode) -> Fit {
        let lines = self.head.lines + self.waiting.len();
        let bytes = self.head.text.len() + self.waiting_bytes + 1 + line.text.len();
        let bytes = bytes + self.head.further_attribute_bytes(line);
        if lines >= MAX_LINES || bytes > MAX_BYTES {
            return Fit::No;
        }
        let first = self.head.text.get(..self.first).unwrap_or_default();
        match (&mut self.kind, mode) {
            (GroupKind::Pattern, Mode::Pattern(pattern, work)) => match begins(pattern, work, line) {
                true => Fit::No,
                false if line.is_blank() => Fit::Waits,
                false => Fit::Joins,
            },
            (GroupKind::Pattern, _) | (_, Mode::Off | Mode::Pattern(..)) => Fit::No,
            // What a filter put beside one line alone says that it is another log.
            _ if line.attributes != self.head.attributes.as_deref() || paused(self.last_ms, line.timestamp) => Fit::No,
            (GroupKind::Json(json), Mode::Auto) => match json.next(line.text) {
                JsonProgress::More => Fit::Waits,
                JsonProgress::Whole => Fit::Ends,
                JsonProgress::Broken => Fit::No,
            },
            // An object that Fluent Bit had parsed was one line, and one log.
            (GroupKind::Trace(_), Mode::Auto) if line.merged => Fit::No,
            (GroupKind::Trace(trace), Mode::Auto) => match trace.next(first, line.text) {
                Verdict::New => Fit::No,
                Verdict::Joins => Fit::Joins,
                Verdict::Maybe if self.waiting.len() >= MAX_WAITING => Fit::No,
                Verdict::Maybe => Fit::Waits,
            },
        }
    }
}

/// Whether a line begins a log. So does each for which there is no budget left to find that out: nothing is hidden by that.
fn begins(pattern: &Pattern, work: &Work, line: &LogLine) -> bool {
    work.begin_log();
    pattern.is_match(line.text, work).unwrap_or_else(|Spent| {
        work.count_unjoined();
        true
    })
}

/// Whether more time passed between two lines than within one log.
fn paused(before: Option<i64>, now: Option<i64>) -> bool {
    matches!((before, now), (Some(before), Some(now)) if before.abs_diff(now) > MAX_PAUSE_MS)
}
