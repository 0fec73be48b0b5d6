//! Stack traces: which line goes on with the ones before it.
//!
//! A small machine for each group of lines. [`shape`] says what a line looks like by itself, [`Trace::next`] whether it may
//! follow; [`words`] knows what the beginning of a log looks like. Where it is not clear, lines stay apart: two logs in one
//! are worse than one log in two. `crates/pipeline/tests/integration/traces.rs` runs it over what real runtimes printed.

mod shape;
mod words;

use shape::Shape;

/// What a line is to the group of lines before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Begins a log of its own.
    New,
    /// Belongs to the group, and so do the lines that were held as `Maybe` before it.
    Joins,
    /// Belongs to the group if a later line says `Joins`; else the group ended before it.
    Maybe,
}

use Verdict::{Joins, Maybe, New};

/// A group of lines: what has been seen of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trace(TraceState);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TraceState {
    /// One line that says nothing.
    Line,
    /// A trace that has said its last line.
    Done,
    /// The name of an exception and its message, whose frames may come.
    Header,
    /// Frames of Java, .NET or Node.js.
    Frames,
    /// `Caused by: …`, whose frames may come.
    Cause,
    /// Node.js: the members of an error, in braces.
    Members,
    /// Python: frames, and their code.
    PythonFrames,
    /// Python: the exception itself, which ends the trace unless another one follows.
    PythonEnd,
    /// Python: `During handling of the above exception, …`.
    PythonChain,
    /// Python: an exception group, drawn as a tree.
    PythonGroup,
    /// Go: `panic: …`.
    GoPanic,
    /// Go: goroutines and their frames.
    GoStack,
    /// Node.js: the place of an uncaught error; its source line and the carets come.
    NodePlace,
    /// Node.js: what follows the carets.
    NodeError,
    /// Ruby: the error, with its place.
    RubyError,
    /// Ruby: its frames.
    RubyFrames,
    /// .NET: a log of the console logger, whose text is indented.
    ConsoleLog,
    /// java.util.logging: the first of its two lines.
    TwoLineLog,
    /// The second, with a level of warning or worse, or not.
    TwoLineText { is_bad: bool },
}

impl Trace {
    /// A group that begins with this line.
    pub(crate) fn begin(line: &str) -> Trace {
        Trace(match shape::shape(of_terminal(line)) {
            Shape::Header | Shape::ThreadHeader => TraceState::Header,
            Shape::Frame { opens: false } | Shape::More => TraceState::Frames,
            Shape::Frame { opens: true } | Shape::NodeMembers => TraceState::Members,
            Shape::Cause => TraceState::Cause,
            Shape::PythonStart | Shape::PythonFrame => TraceState::PythonFrames,
            Shape::PythonGroup => TraceState::PythonGroup,
            Shape::PythonLink => TraceState::PythonChain,
            Shape::GoPanic => TraceState::GoPanic,
            Shape::Goroutine | Shape::GoFile | Shape::GoCall => TraceState::GoStack,
            Shape::NodePlace => TraceState::NodePlace,
            Shape::RubyPlace => TraceState::RubyError,
            Shape::RubyFrom => TraceState::RubyFrames,
            Shape::ConsoleLog => TraceState::ConsoleLog,
            Shape::TwoLineLog => TraceState::TwoLineLog,
            _ => TraceState::Line,
        })
    }

    /// Looks at the next line of the same output. `first` is the group's first line.
    pub(crate) fn next(&mut self, first: &str, line: &str) -> Verdict {
        let (first, line) = (of_terminal(first), of_terminal(line));
        let shape = shape::shape(line);
        let (verdict, state) = follow(self.0, shape, first, line);
        if verdict != New {
            self.0 = state;
        }
        verdict
    }
}

/// Containers with `tty: true` end their lines in `\r\n`, of which containerd takes only the last.
fn of_terminal(line: &str) -> &str {
    line.strip_suffix('\r').unwrap_or(line)
}

/// What a line is, and the state behind it unless it is new.
fn follow(state: TraceState, shape: Shape, first: &str, line: &str) -> (Verdict, TraceState) {
    // What never begins a log, and what always does.
    match shape {
        Shape::Frame { opens } => {
            let is_inside = opens || state == TraceState::Members;
            return (Joins, if is_inside { TraceState::Members } else { TraceState::Frames });
        }
        Shape::RubyFrom => return (Joins, TraceState::RubyFrames),
        Shape::NodeMembers if state == TraceState::NodeError => return (Joins, TraceState::Members),
        Shape::NodePlace | Shape::NodeMembers | Shape::ConsoleLog | Shape::ThreadHeader => return (New, state),
        _ => {}
    }
    match state {
        TraceState::Done => (New, state),
        TraceState::Line | TraceState::TwoLineText { .. } => after_line(state, shape, first, line),
        TraceState::Header | TraceState::Cause => after_header(state, shape, first, line),
        TraceState::Frames | TraceState::Members => after_frame(state, shape, line),
        TraceState::PythonFrames | TraceState::PythonEnd | TraceState::PythonChain | TraceState::PythonGroup => {
            python(state, shape, line)
        }
        TraceState::GoPanic | TraceState::GoStack => go(state, shape, first, line),
        TraceState::NodePlace | TraceState::NodeError => node(state, shape, line),
        TraceState::RubyError | TraceState::RubyFrames => ruby(state, shape, line),
        TraceState::ConsoleLog => match shape {
            Shape::Blank => (Maybe, state),
            _ if line.starts_with("      ") => (Joins, state),
            _ => (New, state),
        },
        TraceState::TwoLineLog => match words::level_of_java_logging(line) {
            Some(is_bad) => (Joins, TraceState::TwoLineText { is_bad }),
            None => (New, state),
        },
    }
}

/// A log line: a trace directly behind one of level warning or worse is its own.
fn after_line(state: TraceState, shape: Shape, first: &str, line: &str) -> (Verdict, TraceState) {
    let is_bad = || match state {
        TraceState::TwoLineText { is_bad } => is_bad,
        _ => words::is_bad_log(first),
    };
    let speaks_of_panic = || ["panic", "fatal error", "recover", "SIGQUIT"].iter().any(|word| first.contains(word));
    match shape {
        // Its frames must follow.
        Shape::Header if is_bad() => (Maybe, TraceState::Header),
        Shape::Blank if is_bad() => (Maybe, state),
        Shape::Cause if is_bad() || words::names_exception(first) => (Joins, TraceState::Cause),
        Shape::More | Shape::DotNet if words::names_exception(first) => (Joins, TraceState::Frames),
        Shape::PythonStart if is_bad() => (Joins, TraceState::PythonFrames),
        Shape::PythonGroup if is_bad() && line.contains("Exception Group Traceback") => {
            (Joins, TraceState::PythonGroup)
        }
        Shape::Goroutine if speaks_of_panic() || is_bad() => (Joins, TraceState::GoStack),
        Shape::RubyPlace if first.starts_with("#<Thread:") || is_bad() => (Maybe, TraceState::RubyError),
        // A message of several lines, with its exception in the first of them.
        Shape::Blank | Shape::Indented | Shape::Other if words::names_exception(first) && goes_on(line) => {
            (Maybe, state)
        }
        _ => (New, state),
    }
}

/// Whether a line may be the next one of a message.
fn goes_on(line: &str) -> bool {
    !words::begins_log(line)
}

fn after_header(state: TraceState, shape: Shape, first: &str, line: &str) -> (Verdict, TraceState) {
    match shape {
        Shape::Cause => (Joins, TraceState::Cause),
        Shape::More | Shape::DotNet => (Joins, TraceState::Frames),
        // `Exception in thread worker:` of Python's.
        Shape::PythonStart if first.starts_with("Exception in thread ") => (Joins, TraceState::PythonFrames),
        Shape::Blank | Shape::Indented | Shape::Close | Shape::Caret => (Maybe, state),
        Shape::Other if goes_on(line) => (Maybe, state),
        _ => (New, state),
    }
}

fn after_frame(state: TraceState, shape: Shape, line: &str) -> (Verdict, TraceState) {
    match (shape, state) {
        (Shape::Cause, _) => (Joins, TraceState::Cause),
        (Shape::More | Shape::DotNet, _) => (Joins, state),
        (Shape::NodeVersion, _) => (Joins, TraceState::Done),
        (Shape::Close, TraceState::Members) if !line.starts_with([' ', '\t']) => (Joins, TraceState::Frames),
        (Shape::Blank, _) => (Maybe, state),
        // Between the braces everything is indented.
        (_, TraceState::Members) if line.starts_with(' ') => (Joins, state),
        _ => (New, state),
    }
}

fn python(state: TraceState, shape: Shape, line: &str) -> (Verdict, TraceState) {
    match (state, shape) {
        (TraceState::PythonGroup, Shape::PythonGroup) => (Joins, state),
        (TraceState::PythonGroup, Shape::PythonLink) | (TraceState::PythonEnd, Shape::PythonLink) => {
            (Joins, TraceState::PythonChain)
        }
        (TraceState::PythonGroup | TraceState::PythonEnd, Shape::Blank) => (Maybe, state),
        (TraceState::PythonFrames, Shape::PythonFrame | Shape::Caret | Shape::More | Shape::DotNet) => (Joins, state),
        (TraceState::PythonFrames, _) if line.starts_with("  ") => (Joins, state),
        (TraceState::PythonFrames, Shape::PythonStart) => (New, state),
        (TraceState::PythonFrames, _) if words::is_python_exception(line) => (Joins, TraceState::PythonEnd),
        // More of the message, if another exception follows.
        (TraceState::PythonEnd, Shape::Indented | Shape::Other) if goes_on(line) => (Maybe, state),
        (TraceState::PythonChain, Shape::Blank) => (Maybe, state),
        (TraceState::PythonChain, Shape::PythonStart) => (Joins, TraceState::PythonFrames),
        (TraceState::PythonChain, Shape::PythonGroup) => (Joins, TraceState::PythonGroup),
        _ => (New, state),
    }
}

fn go(state: TraceState, shape: Shape, first: &str, line: &str) -> (Verdict, TraceState) {
    match (state, shape) {
        (_, Shape::Goroutine | Shape::GoFile) => (Joins, TraceState::GoStack),
        (_, Shape::Blank | Shape::GoCall) => (Maybe, state),
        (TraceState::GoPanic, Shape::GoDetail) => (Joins, state),
        (TraceState::GoPanic, Shape::GoPanic) if line.starts_with(['\t', 'p']) || line == first => (Joins, state),
        (TraceState::GoPanic, Shape::Indented | Shape::Other) if goes_on(line) => (Maybe, state),
        (TraceState::GoStack, Shape::GoDetail) => (Joins, state),
        (TraceState::GoStack, Shape::GoExit) => (Joins, TraceState::Done),
        _ => (New, state),
    }
}

fn node(state: TraceState, shape: Shape, line: &str) -> (Verdict, TraceState) {
    match (state, shape) {
        (TraceState::NodePlace, Shape::Caret) => (Joins, TraceState::NodeError),
        // The source line; the carets must come right behind it.
        (TraceState::NodePlace, Shape::Blank) => (New, state),
        (TraceState::NodePlace, _) => (Maybe, state),
        (_, Shape::NodeVersion) => (Joins, TraceState::Done),
        (_, Shape::Blank | Shape::Indented | Shape::Header | Shape::Close | Shape::Caret) => (Maybe, state),
        (_, Shape::Other) if goes_on(line) || line.starts_with("[Unhandled") => (Maybe, state),
        _ => (New, state),
    }
}

fn ruby(state: TraceState, shape: Shape, line: &str) -> (Verdict, TraceState) {
    match (state, shape) {
        // The cause, or a frame where the logger wrote them without `from`.
        (_, Shape::RubyPlace) => (Joins, TraceState::RubyFrames),
        (TraceState::RubyError, Shape::Caret) => (Joins, state),
        (TraceState::RubyError, Shape::Blank | Shape::Indented) => (Maybe, state),
        (TraceState::RubyError, Shape::Other) if goes_on(line) => (Maybe, state),
        _ => (New, state),
    }
}
