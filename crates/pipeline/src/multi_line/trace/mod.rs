//! Stack traces: which line goes on with the ones before it.
//!
//! A small machine for each group of lines. [`shape`] says what a line looks like by itself, [`follow`] whether it may follow what [`state`]
//! says; [`words`] knows what the beginning of a log looks like. `crates/pipeline/tests/integration/traces.rs` runs it over what real
//! runtimes printed.

mod follow;
mod shape;
mod state;

pub(super) use state::{LinePlace, Verdict};

use super::structure::TracePhase;
use super::{failure, words};
use follow::{follow, speaks_of_panic};
use shape::Shape;
use state::TraceState;
use state::Verdict::{Maybe, New};

/// A group of lines: what has been seen of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trace(TraceState);

impl Trace {
    /// A group that begins with this line.
    pub(super) fn begin(line: &str) -> Trace {
        Trace(match shape::shape(line) {
            Shape::Header | Shape::ThreadHeader | Shape::Process => TraceState::Header,
            Shape::Sanitizer => TraceState::Sanitizer,
            Shape::NumberedFrame => TraceState::Numbered,
            Shape::Frame { opens: false } | Shape::More => TraceState::Frames,
            Shape::Frame { opens: true } | Shape::NodeMembers => TraceState::Members,
            Shape::Cause => TraceState::Cause,
            Shape::PythonStart | Shape::PythonFrame => TraceState::PythonFrames,
            Shape::PythonGroup => TraceState::PythonGroup,
            Shape::PythonLink => TraceState::PythonChain,
            Shape::GoPanic => TraceState::GoPanic,
            Shape::Goroutine | Shape::GoFile | Shape::GoCall => TraceState::GoStack,
            Shape::RustPanic if line.ends_with(':') => TraceState::RustPlace,
            Shape::RustPanic => TraceState::RustPanic,
            Shape::NodePlace => TraceState::NodePlace,
            Shape::RubyPlace => TraceState::RubyError,
            Shape::RubyFrom => TraceState::RubyFrames,
            Shape::ConsoleLog => TraceState::ConsoleLog,
            Shape::TwoLineLog => TraceState::TwoLineLog,
            _ => TraceState::Line,
        })
    }

    /// Looks at the next line of the same output. `first` is the group's first line; both as they are seen.
    pub(super) fn next(&mut self, first: &str, line: &str, place: LinePlace) -> TraceStep {
        let shape = shape::shape(line);
        let is_opening = matches!(self.0, TraceState::Line | TraceState::TwoLineText { .. });
        let was = self.0;
        let (verdict, state) = match shape {
            // Dumps that follow one another; in one dump a blank line stands between two.
            Shape::Goroutine if self.0 == TraceState::GoStack && !place.is_behind_blank => (New, self.0),
            _ => follow(self.0, shape, first, line, place),
        };
        if verdict != New {
            self.0 = state;
        }
        let is_report = matches!(shape, Shape::PythonStart | Shape::Goroutine);
        let is_message = shape == Shape::Other && verdict == Maybe && !words::names_exception(first);
        let is_guessed = was == TraceState::Line
            && verdict != New
            && (is_report || is_message)
            && !failure::is_bad_log(first)
            && !speaks_of_panic(first);
        let begins_error = was == TraceState::RubyFrames && shape == Shape::RubyPlace && line.ends_with(')');
        let is_frame = matches!(shape, Shape::Frame { .. } | Shape::RubyFrom | Shape::GoFile | Shape::PythonFrame);
        let may_be_strangers = is_opening
            && matches!(
                shape,
                Shape::Header | Shape::PythonStart | Shape::PythonGroup | Shape::Goroutine | Shape::RubyPlace
            );
        TraceStep { verdict, is_opening: is_opening && !is_frame, may_be_strangers, is_guessed, is_frame, begins_error }
    }

    /// A line that was joined for other reasons, where no trace had begun: it may begin one.
    pub(super) fn restart(&mut self, line: &str) {
        if let begun @ Trace(state) = Trace::begin(line)
            && state != TraceState::Line
            && self.phase() == TracePhase::NoTrace
        {
            *self = begun;
        }
    }

    /// How far it is.
    pub(super) fn phase(self) -> TracePhase {
        match self.0 {
            TraceState::Line | TraceState::TwoLineText { .. } | TraceState::ConsoleLog | TraceState::TwoLineLog => {
                TracePhase::NoTrace
            }
            TraceState::Header
            | TraceState::Cause
            | TraceState::GoPanic
            | TraceState::RustPanic
            | TraceState::RustPlace
            | TraceState::NodePlace
            | TraceState::NodeError
            | TraceState::RubyError => TracePhase::Begun,
            TraceState::Done
            | TraceState::Frames
            | TraceState::Sanitizer
            | TraceState::SanitizerSummary
            | TraceState::Numbered
            | TraceState::Members
            | TraceState::GoStack
            | TraceState::RustFrames
            | TraceState::RubyFrames => TracePhase::Frames,
            TraceState::PythonFrames | TraceState::PythonChain | TraceState::PythonGroup => TracePhase::PythonFrames,
            TraceState::PythonEnd => TracePhase::Message,
        }
    }

    /// Whether the next line is its own even if it begins with a level: the second line of java.util.logging.
    pub(super) fn awaits_level(self) -> bool {
        self.0 == TraceState::TwoLineLog
    }
}

/// What a line was to a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TraceStep {
    pub(super) verdict: Verdict,
    /// There was no trace before: the line opens one, or none.
    pub(super) is_opening: bool,
    /// It is one that may as well begin a report of somebody else's.
    pub(super) may_be_strangers: bool,
    /// Only the words of the line before say that it announces this one.
    pub(super) is_guessed: bool,
    /// The line is a frame.
    pub(super) is_frame: bool,
    /// Behind frames the line begins an error, with its place and its message.
    pub(super) begins_error: bool,
}
