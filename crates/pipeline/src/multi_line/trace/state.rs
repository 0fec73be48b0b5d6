//! How far a trace is, what is known of the next line, and what it turns out to be.

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

/// How far a trace is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TraceState {
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
    /// Rust: the panic's place, whose message comes; and the message.
    RustPlace,
    RustPanic,
    /// Rust: frames, and places.
    RustFrames,
    /// Node.js: the place of an uncaught error; its source line and the carets come.
    NodePlace,
    /// Node.js: what follows the carets.
    NodeError,
    /// What a sanitizer reports, and what it adds behind its summary.
    Sanitizer,
    SanitizerSummary,
    /// `stack traceback:`, and frames that are numbered or indented.
    Numbered,
    /// Ruby: the error, with its place.
    RubyError,
    /// Ruby: its frames.
    RubyFrames,
    /// .NET: a log of the console logger, whose text is indented.
    ConsoleLog,
    /// java.util.logging: the first of its two lines.
    TwoLineLog,
    /// The second, with a level of warning or worse, or not.
    TwoLineText {
        is_bad: bool,
    },
}

/// What else is known of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LinePlace {
    /// A blank line lies between it and the one before.
    pub(crate) is_behind_blank: bool,
    /// Both were written at once.
    pub(crate) is_at_once: bool,
    /// It came soon enough to open a trace.
    pub(crate) is_soon: bool,
    /// Lines wait between it and the log.
    pub(crate) is_behind_waiting: bool,
}
