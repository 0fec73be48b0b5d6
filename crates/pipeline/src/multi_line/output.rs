//! One output of one writer: what was learned of it, the log that is open, and where the next line belongs.

use super::super::line::{HeldLine, LineOutput};
use super::announcement::announcement;
use super::certain;
use super::group::{Fit, GroupKind, LineGroup};
use super::head::Head;
use super::heads::Heads;
use super::margin;
use super::pace::{Clock, Moment, Pace};
use super::structure::SeenLine;
use super::written_line::WrittenLine;

/// One output of one writer.
#[derive(Debug)]
pub(super) struct Output<'e> {
    pub(super) output: LineOutput,
    heads: Heads,
    /// When the last line was written that was learned from.
    learned: Moment,
    clock: Clock,
    pub(super) group: Option<LineGroup<'e>>,
}

/// Where a line belongs.
pub(super) enum Place<'e> {
    Waits,
    Joins {
        ends: bool,
    },
    /// Behind the group, which has nothing that waits.
    Begins(GroupKind),
    /// There is no group, and nothing in the line.
    Blank,
    /// First the lines that wait have to be placed.
    Later,
    /// The group is no JSON: these lines were only waiting.
    NoJson(Vec<Box<HeldLine<'e>>>),
}

impl<'e> Output<'e> {
    pub(super) fn new(output: LineOutput) -> Output<'e> {
        Output { output, heads: Heads::default(), learned: Moment::default(), clock: Clock::default(), group: None }
    }

    /// Learns what the times of this output are worth.
    #[inline]
    pub(super) fn watch(&mut self, line: &WrittenLine) {
        if !line.is_blank() {
            self.clock.watch(line.moment, line.is_indented());
        }
    }

    /// Learns all that a line teaches: [`Output::watch`] and [`Output::learn`], which the first lines of an event go through one after the other.
    pub(super) fn watch_and_learn(&mut self, line: &WrittenLine, head: Option<Head>) {
        self.watch(line);
        self.learn(line, head);
    }

    /// Learns what logs begin with.
    pub(super) fn learn(&mut self, line: &WrittenLine, head: Option<Head>) {
        if line.is_blank() {
            return;
        }
        let begins_write = Pace::between(self.learned, line.moment, &self.clock).begins_write();
        self.learned = line.moment;
        if head.is_none() && line.is_indented() {
            return;
        }
        if head.is_none() && begins_write {
            // What a runtime reports and a server says of its requests tells nothing of what the program itself writes.
            let text = margin::behind_timed(line.seen);
            if announcement(text).is_some() || certain::begins_log(text, None) {
                return;
            }
            self.heads.learn_printed(text);
        }
        self.heads.learn(head, begins_write);
    }

    /// Where a line belongs that has this head; it begins JSON only if `may_be_json`.
    pub(super) fn place(&mut self, line: &WrittenLine, head: Option<Head>, may_be_json: bool) -> Place<'e> {
        let text = line.seen;
        let learned = head.filter(|head| self.heads.begin_with(*head));
        let is_certain = learned.is_none()
            && !text.starts_with([' ', '\t'])
            && certain::begins_log(margin::behind_timed(text), head);
        let head = learned.or_else(|| is_certain.then(|| head.unwrap_or(Head::WITHOUT_FORM)));
        let seen = SeenLine::new(text, head);
        let begins = || GroupKind::of(seen, may_be_json && !line.merged);
        let Some(group) = self.group.as_mut() else {
            return if line.is_blank() { Place::Blank } else { Place::Begins(begins()) };
        };
        match group.fit_lines(line, seen, &self.clock, &self.heads) {
            Fit::Waits => Place::Waits,
            Fit::Joins => Place::Joins { ends: false },
            Fit::Ends => Place::Joins { ends: true },
            Fit::No if group.is_json() => Place::NoJson(group.give_up_json()),
            Fit::No if group.waiting.is_empty() && !line.is_blank() => Place::Begins(begins()),
            Fit::No => Place::Later,
        }
    }
}
