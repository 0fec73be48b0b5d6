//! What the next line is to a trace, by how far it is and what the line looks like: a machine for each runtime.
//!
//! Where it is not clear, lines stay apart: two logs in one are worse than one log in two.

use super::super::{failure, words};
use super::shape::Shape;
use super::state::Verdict::{Joins, Maybe, New};
use super::state::{LinePlace, TraceState, Verdict};

/// What a line is, and the state behind it unless it is new.
pub(super) fn follow(
    state: TraceState,
    shape: Shape,
    first: &str,
    line: &str,
    place: LinePlace,
) -> (Verdict, TraceState) {
    // What never begins a log, and what always does.
    match shape {
        Shape::Frame { opens } => {
            if state == TraceState::RustFrames {
                return (Joins, state);
            }
            let is_inside = opens || state == TraceState::Members;
            return (Joins, if is_inside { TraceState::Members } else { TraceState::Frames });
        }
        Shape::RubyFrom => return (Joins, TraceState::RubyFrames),
        Shape::NodeHint if first.starts_with("(node:") => return (Joins, TraceState::Frames),
        Shape::TraceFollows if state != TraceState::Done => return (Joins, TraceState::Numbered),
        Shape::PythonCalls if state == TraceState::PythonEnd => return (Joins, TraceState::PythonFrames),
        Shape::PythonArguments if state == TraceState::PythonEnd => return (Joins, state),
        Shape::Sanitizer if first.starts_with("=====") => return (Joins, TraceState::Sanitizer),
        Shape::REnd if first.starts_with("Error") => return (Joins, state),
        Shape::NumberedFrame if state == TraceState::Sanitizer => return (Joins, state),
        Shape::NumberedFrame if line.starts_with(' ') || matches!(state, TraceState::Numbered | TraceState::Header) => {
            return (Joins, TraceState::Numbered);
        }
        Shape::NodeMembers if state == TraceState::NodeError => return (Joins, TraceState::Members),
        Shape::NodePlace | Shape::NodeMembers | Shape::ConsoleLog | Shape::ThreadHeader | Shape::RustPanic => {
            return (New, state);
        }
        _ => {}
    }
    match state {
        TraceState::Done => (New, state),
        TraceState::Line | TraceState::TwoLineText { .. } => after_line(state, shape, first, line, place),
        TraceState::Header | TraceState::Cause => after_header(state, shape, first, line),
        TraceState::Frames | TraceState::Members => after_frame(state, shape, line),
        TraceState::PythonFrames | TraceState::PythonEnd | TraceState::PythonChain | TraceState::PythonGroup => {
            python(state, shape, line)
        }
        TraceState::GoPanic | TraceState::GoStack => go(state, shape, first, line),
        TraceState::RustPlace | TraceState::RustPanic | TraceState::RustFrames => rust(state, shape, line),
        TraceState::NodePlace | TraceState::NodeError => node(state, shape, line),
        TraceState::RubyError | TraceState::RubyFrames => ruby(state, shape, line),
        TraceState::Sanitizer => match shape {
            Shape::Blank => (Maybe, state),
            Shape::SanitizerSummary => (Joins, TraceState::SanitizerSummary),
            _ if line.starts_with("=====") => (Joins, TraceState::Done),
            _ => (Joins, state),
        },
        TraceState::SanitizerSummary => match shape {
            Shape::Indented => (Joins, state),
            _ if line.ends_with("==ABORTING") || line.starts_with("=====") => (Joins, TraceState::Done),
            _ if line.starts_with("Shadow ") || line.starts_with("=>") => (Joins, state),
            _ => (New, state),
        },
        TraceState::Numbered => match shape {
            Shape::Blank => (Maybe, state),
            Shape::Indented | Shape::Caret | Shape::Close | Shape::More => (Joins, state),
            Shape::Cause => (Joins, TraceState::Cause),
            // PHP: the exception that had this one as its cause.
            Shape::Other if line.starts_with("Next ") || line.starts_with("in expression starting at ") => {
                (Joins, state)
            }
            _ => (New, state),
        },
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
fn after_line(state: TraceState, shape: Shape, first: &str, line: &str, place: LinePlace) -> (Verdict, TraceState) {
    let is_bad = || match state {
        TraceState::TwoLineText { is_bad } => is_bad,
        _ => failure::is_bad_log(first),
    };
    // Without a level, but in words: both must have been written at once.
    let announces = || {
        place.is_at_once
            && (failure::speaks_of_failure(first) || first.ends_with([':', ' ']) || first.starts_with("--- "))
    };
    match shape {
        // Its frames must follow.
        Shape::Header if is_bad() => (Maybe, TraceState::Header),
        Shape::Blank if is_bad() => (Maybe, state),
        Shape::Cause if is_bad() || words::names_exception(first) => (Joins, TraceState::Cause),
        Shape::More | Shape::DotNet if words::names_exception(first) => (Joins, TraceState::Frames),
        Shape::PythonThread if first.starts_with("Timeout (") || first.starts_with("Fatal Python error") => {
            (Joins, TraceState::PythonFrames)
        }
        Shape::PythonFrame if first.ends_with("(most recent call last):") => (Joins, TraceState::PythonFrames),
        // `Object allocated at (most recent call last):` below a warning of Python's.
        Shape::PythonStart if place.is_at_once && first.contains("Warning: ") && !line.starts_with("Traceback ") => {
            (Joins, TraceState::PythonFrames)
        }
        Shape::PythonFrame if place.is_at_once && !place.is_behind_waiting && is_bad() => {
            (Joins, TraceState::PythonFrames)
        }
        Shape::PythonStart if is_bad() || announces() => (Joins, TraceState::PythonFrames),
        Shape::PythonGroup if is_bad() && line.contains("Exception Group Traceback") => {
            (Joins, TraceState::PythonGroup)
        }
        Shape::Goroutine if is_bad() || !place.is_behind_waiting && (speaks_of_panic(first) || announces()) => {
            (Joins, TraceState::GoStack)
        }
        Shape::RubyPlace if first.starts_with("#<Thread:") => (Joins, TraceState::RubyError),
        Shape::RubyPlace if is_bad() => (Maybe, TraceState::RubyError),
        // What is to be done instead, above the hint.
        Shape::Other if place.is_at_once && first.starts_with("(node:") => (Maybe, state),
        // A message of two lines, and the exception that caused it.
        Shape::Other if place.is_at_once && line.contains(" ---> ") => (Maybe, state),
        // A message of several lines, and a trace behind it.
        Shape::Other if place.is_at_once && goes_on(line) && (is_bad() || failure::speaks_of_failure(first)) => {
            (Maybe, state)
        }
        // A message of several lines, with its exception in the first of them.
        Shape::Blank | Shape::Indented | Shape::Other
            if place.is_soon && words::names_exception(first) && goes_on(line) =>
        {
            (Maybe, state)
        }
        _ => (New, state),
    }
}

/// Whether a goroutine's stack may be behind it.
pub(super) fn speaks_of_panic(first: &str) -> bool {
    ["panic", "fatal error", "recover", "SIGQUIT"].iter().any(|word| first.contains(word))
}

/// Whether a line may be the next one of a message.
fn goes_on(line: &str) -> bool {
    !failure::begins_log(line)
}

fn after_header(state: TraceState, shape: Shape, first: &str, line: &str) -> (Verdict, TraceState) {
    match shape {
        Shape::Cause => (Joins, TraceState::Cause),
        Shape::More | Shape::DotNet => (Joins, TraceState::Frames),
        // `Exception in thread worker:` of Python's.
        Shape::PythonStart
            if ["Exception in thread ", "Exception ignored in", "Process ", "--- "]
                .iter()
                .any(|begin| first.starts_with(begin)) =>
        {
            (Joins, TraceState::PythonFrames)
        }
        Shape::Blank | Shape::Indented | Shape::Close | Shape::Caret => (Maybe, state),
        // Dart and Mono have the exception on a line of its own.
        Shape::Header if first.starts_with("Unhandled ") && first.ends_with(':') => (Joins, state),
        // What Rails prints between the name of the exception and its frames is nothing.
        Shape::RubyPlace => (Joins, TraceState::RubyFrames),
        // Frames behind a line that names an exception itself are that line's.
        Shape::Other if goes_on(line) && !words::names_exception(line) => (Maybe, state),
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
        (TraceState::PythonFrames, Shape::PythonThread) => (Joins, state),
        (TraceState::PythonFrames, Shape::PythonFrame | Shape::Caret | Shape::More | Shape::DotNet) => (Joins, state),
        (TraceState::PythonFrames, _) if line.starts_with("  ") => (Joins, state),
        (TraceState::PythonFrames, Shape::PythonStart) => (New, state),
        (TraceState::PythonFrames, _) if words::is_python_exception(line) => (Joins, TraceState::PythonEnd),
        // More of the message, if another exception follows.
        (TraceState::PythonEnd, Shape::Indented | Shape::Caret | Shape::Other) if goes_on(line) => (Maybe, state),
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

fn rust(state: TraceState, shape: Shape, line: &str) -> (Verdict, TraceState) {
    match (state, shape) {
        // The message stands on a line of its own.
        (TraceState::RustPlace, Shape::Blank) => (New, state),
        (TraceState::RustPlace, _) => (Joins, TraceState::RustPanic),
        (_, Shape::RustBacktrace) => (Joins, TraceState::RustFrames),
        (_, Shape::RustNote) => (Joins, TraceState::Done),
        // The message: a note or a backtrace must follow.
        (TraceState::RustPanic, Shape::Blank | Shape::Indented | Shape::Caret | Shape::Close) => (Maybe, state),
        (TraceState::RustPanic, Shape::Other | Shape::Header) if goes_on(line) => (Maybe, state),
        (TraceState::RustFrames, _) if is_rust_frame(line) => (Joins, state),
        _ => (New, state),
    }
}

/// `   0: core::panicking::panic_fmt`, `             at /rustc/…/panicking.rs:80:14`.
fn is_rust_frame(line: &str) -> bool {
    let text = line.trim_ascii_start();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text.len() < line.len() && (text.starts_with("at ") || digits > 0 && text.as_bytes().get(digits) == Some(&b':'))
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
