//! What a line looks like by itself. Asked of every line, so the first bytes decide.
//!
//! Sources: what `Throwable.printStackTrace`, CPython's `traceback`, Go's `runtime`, V8, Ruby's `error.c` and .NET's
//! `Exception.ToString` print; `tests/fixtures/traces` has it.

use crate::multi_line::words;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Blank,
    /// `x.y.SomeException: message`, `TypeError: message`, `Unhandled exception. …`.
    Header,
    /// `Exception in thread "main" …`: a header that begins a log whatever stands before it.
    ThreadHeader,
    /// `\tat x.Y.z(Y.java:1)`, `    at f (/app/x.js:1:2)`; `opens` where a brace ends it.
    Frame {
        opens: bool,
    },
    /// `\t... 12 more`, `[CIRCULAR REFERENCE: …]`, `<asynchronous suspension>` of Dart's.
    More,
    /// `Caused by: …`, `Suppressed: …`, `Wrapped by: …`.
    Cause,
    /// ` ---> …`, `--- End of …`.
    DotNet,
    PythonStart,
    PythonFrame,
    /// `During handling of …`, `The above exception was …`.
    PythonLink,
    /// A line of the tree of an exception group.
    PythonGroup,
    GoPanic,
    /// `[signal …]`, `runtime stack:`, `...additional frames elided...`, registers.
    GoDetail,
    Goroutine,
    /// `main.f(0x1, 0x2)`, `created by main.main`.
    GoCall,
    /// `\t/app/main.go:12 +0x1d`.
    GoFile,
    /// `exit status 2`.
    GoExit,
    /// `Call stack:` and `Arguments: …`, behind an error of Python's logging itself.
    PythonCalls,
    PythonArguments,
    /// `stack traceback:` of Lua, `Stack trace:` of PHP, and others' behind the error.
    TraceFollows,
    /// `Process Resizer-7:` of Python's multiprocessing; any line that begins so is looked at again.
    Process,
    /// `Calls: …` and `Execution halted` behind an error of R's.
    REnd,
    /// `==12==ERROR: AddressSanitizer: …`, `WARNING: ThreadSanitizer: …`.
    Sanitizer,
    SanitizerSummary,
    /// `#0 /app/x.php(3): f()`, `#1  0x00007f…`.
    NumberedFrame,
    /// `(Use `node --trace-warnings …` to show where …)`.
    NodeHint,
    /// `Thread 0x… (most recent call first):`, as faulthandler writes.
    PythonThread,
    /// `thread 'main' panicked at …`.
    RustPanic,
    /// `stack backtrace:`.
    RustBacktrace,
    /// `note: run with …`.
    RustNote,
    /// `/app/x.js:12`.
    NodePlace,
    /// `[Error: ENOENT: no such file] {`: an error without frames, whose members come.
    NodeMembers,
    /// `Node.js v20.1.0`, `Bun v1.2.19 (Linux x64)`.
    NodeVersion,
    /// ``x.rb:3:in `f'…``.
    RubyPlace,
    /// ``\tfrom x.rb:3:in `f'``.
    RubyFrom,
    /// `fail: Some.Category[13]`.
    ConsoleLog,
    /// `Nov 22, 2026 7:30:54 PM Checkout charge`.
    TwoLineLog,
    /// Nothing but `^` and `~`.
    Caret,
    /// A closing bracket at the beginning.
    Close,
    Indented,
    Other,
}

pub(super) fn shape(line: &str) -> Shape {
    let Some(first) = line.as_bytes().first() else { return Shape::Blank };
    match first {
        b' ' | b'\t' => indented(line),
        b'}' | b']' => Shape::Close,
        b'{' | b'"' => Shape::Other,
        b'-' if line.starts_with("--- End of ") || line.starts_with("---> (Inner ") => Shape::DotNet,
        b'[' if line.starts_with("[eval]:") || line.starts_with("[stdin]:") => Shape::NodePlace,
        b'[' if line.starts_with("[signal ") => Shape::GoDetail,
        b'[' if line.ends_with("] {") && line.get(1..).is_some_and(words::is_header) => Shape::NodeMembers,
        b'[' if line.starts_with("[CIRCULAR REFERENCE:") => Shape::More,
        b'<' if line == "<asynchronous suspension>" => Shape::More,
        b'.' if line.starts_with("...additional frames elided") => Shape::GoDetail,
        b'+' | b'|' if line.starts_with("+ Exception Group") => Shape::PythonGroup,
        b'=' | b'W' if is_sanitizer(line) => Shape::Sanitizer,
        b'^' | b'~' if is_caret(line) => Shape::Caret,
        b'#' if is_numbered_frame(line) => Shape::NumberedFrame,
        b'(' if line.starts_with("(Use `") => Shape::NodeHint,
        0xe2 if line.starts_with(['╭', '┌']) && line.contains(" Traceback (most recent call last) ") => {
            Shape::PythonStart
        }
        b'/' | b'f' | b'n' if is_node_place(line) => Shape::NodePlace,
        _ => by_words(line, *first),
    }
}

/// Lines that begin with a letter or a digit, mostly.
fn by_words(line: &str, first: u8) -> Shape {
    if first.is_ascii_digit() {
        return if line.contains("http: panic serving ") { Shape::GoPanic } else { Shape::Other };
    }
    let beginnings: &[(&str, Shape)] = match first {
        b'-' => &[("--- Logging error ---", Shape::ThreadHeader)],
        b'A' => &[("Arguments: ", Shape::PythonArguments)],
        b'B' => &[("Bun v", Shape::NodeVersion)],
        b'C' => &[
            ("Caused by: ", Shape::Cause),
            ("Calls: ", Shape::REnd),
            ("Call stack:", Shape::PythonCalls),
            ("CallStack (from ", Shape::TraceFollows),
            ("Called from ", Shape::TraceFollows),
            ("Current thread 0x", Shape::PythonThread),
        ],
        b'D' => &[("During handling of the above exception", Shape::PythonLink)],
        b'E' => &[
            ("Exception in thread ", Shape::ThreadHeader),
            ("Exception ignored in", Shape::ThreadHeader),
            ("Execution halted", Shape::REnd),
        ],
        b'N' => &[("Node.js v", Shape::NodeVersion)],
        b'P' => &[("Process ", Shape::Process)],
        b'R' => &[
            ("Raised at ", Shape::TraceFollows),
            ("Raised by ", Shape::TraceFollows),
            ("Re-raised at ", Shape::TraceFollows),
        ],
        b'S' => &[
            ("Stack (most recent call last):", Shape::PythonStart),
            ("SUMMARY: ", Shape::SanitizerSummary),
            ("Stack trace:", Shape::TraceFollows),
            ("Stacktrace:", Shape::TraceFollows),
        ],
        b'T' => &[
            ("Traceback (most recent call last):", Shape::PythonStart),
            ("The above exception was the direct cause of", Shape::PythonLink),
            ("Thread 0x", Shape::PythonThread),
        ],
        b'U' => &[("Unhandled exception", Shape::ThreadHeader), ("Unhandled Exception", Shape::ThreadHeader)],
        b'W' => &[("Wrapped by: ", Shape::Cause)],
        b'f' => &[("fatal error: ", Shape::GoPanic)],
        b'n' => &[("note: ", Shape::RustNote)],
        b'p' => &[("panic: ", Shape::GoPanic)],
        b'r' => &[("runtime: goroutine stack exceeds", Shape::GoPanic), ("runtime stack:", Shape::GoDetail)],
        b's' => &[
            ("stack traceback:", Shape::TraceFollows),
            ("stack backtrace:", Shape::RustBacktrace),
            ("stack: frame=", Shape::GoDetail),
        ],
        b't' => &[("thread '", Shape::RustPanic)],
        b'u' => &[("unexpected fault address ", Shape::GoPanic)],
        _ => &[],
    };
    if let Some((_, shape)) = beginnings.iter().find(|(text, _)| line.starts_with(text)) {
        return match shape {
            Shape::Process if !is_process(line) => Shape::Other,
            shape => *shape,
        };
    }
    if let Some(creator) = line.strip_prefix("created by ") {
        let function = creator.split(" in goroutine ").next().unwrap_or_default();
        return if function.contains('.') && !function.contains(' ') { Shape::GoCall } else { Shape::Other };
    }
    if first.is_ascii_alphabetic() && line.trim_end_matches(':').ends_with(" (most recent call last)") {
        return Shape::PythonStart;
    }
    if first == b'S' && is_signal(line) {
        return Shape::GoPanic;
    }
    if line.strip_prefix("exit status ").is_some_and(|code| code.parse::<u8>().is_ok()) {
        return Shape::GoExit;
    }
    if first == b'g' && line.starts_with("goroutine ") && line.ends_with(":") && line.contains(" [") {
        return Shape::Goroutine;
    }
    if first.is_ascii_alphabetic() && words::is_console_log(line) {
        return Shape::ConsoleLog;
    }
    if first.is_ascii_uppercase() && words::is_java_logging(line) {
        return Shape::TwoLineLog;
    }
    if words::is_header(line) {
        return Shape::Header;
    }
    if is_ruby_place(line) {
        return Shape::RubyPlace;
    }
    if line.ends_with(')') && is_go_call(line) {
        return Shape::GoCall;
    }
    Shape::Other
}

/// `SIGQUIT: quit`, `SIGSEGV: segmentation violation`, as Go's runtime says.
fn is_signal(line: &str) -> bool {
    let name = line.bytes().take_while(u8::is_ascii_uppercase).count();
    line.starts_with("SIG") && line.get(name..).is_some_and(|rest| rest.starts_with(": "))
}

fn indented(line: &str) -> Shape {
    let text = line.trim_start();
    match text.as_bytes().first() {
        None => Shape::Blank,
        Some(b'a') if text.starts_with("at ") => frame(text),
        Some(b'.') if is_more(text) => Shape::More,
        Some(b'C') if text.starts_with("Caused by: ") => Shape::Cause,
        Some(b'S') if text.starts_with("Suppressed: ") => Shape::Cause,
        Some(b'[') if text.starts_with("[CIRCULAR REFERENCE:") => Shape::More,
        Some(b'F') if text.starts_with("File \"") && text.contains("\", line ") => Shape::PythonFrame,
        Some(b'f') if text.starts_with("from ") && text.contains(":in ") && has_number_before(text, ":in ") => {
            Shape::RubyFrom
        }
        Some(b'#') if is_numbered_frame(text) && text.contains("0x") => Shape::NumberedFrame,
        Some(b'-') if text.starts_with("---> ") || text.starts_with("--- End of ") => Shape::DotNet,
        Some(b'|' | b'+') if is_python_group(text) => Shape::PythonGroup,
        Some(b'^' | b'~') if is_caret(text) => Shape::Caret,
        Some(b'}' | b']') => Shape::Close,
        Some(b'g') if line == "\tgoroutine running on other thread; stack unavailable" => Shape::GoDetail,
        Some(b'p') if line.starts_with("\tpanic: ") => Shape::GoPanic,
        Some(b'/') if line.starts_with('\t') && is_go_file(text) => Shape::GoFile,
        _ => Shape::Indented,
    }
}

/// `... 12 more`, `... 3 common frames omitted`, `... 4 lines matching cause stack trace ...`.
fn is_more(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("... ") else { return false };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let what = rest.get(digits..).unwrap_or_default();
    digits > 0 && matches!(what, " more" | " common frames omitted" | " lines matching cause stack trace ...")
}

/// `at …`: a frame, if what follows is a method and not English.
fn frame(text: &str) -> Shape {
    let opens = text.ends_with(" {");
    let text = text.strip_suffix(" {").unwrap_or(text);
    let place = text.strip_prefix("at ").unwrap_or(text);
    let place = place.strip_prefix("async ").unwrap_or(place);
    let is_frame = match place.split_once('(') {
        Some((method, rest)) => {
            let method = method.trim_end();
            let method = method.strip_prefix("new ").unwrap_or(method);
            let method = method.split(" [as ").next().unwrap_or(method);
            let is_method = !method.is_empty() && !method.contains(' ');
            let is_place = rest.contains(')') && (method.contains('.') || rest.contains(':') || method.contains('/'));
            is_method && is_place
        }
        None => ends_in_place(place) && !place.contains(' '),
    };
    if is_frame { Shape::Frame { opens } } else { Shape::Indented }
}

/// `…:12:34`.
fn ends_in_place(text: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = text.rsplitn(3, ':');
    parts.next().is_some_and(number) && parts.next().is_some_and(number) && parts.next().is_some()
}

/// `Process Resizer-7:`, and nothing else.
fn is_process(line: &str) -> bool {
    line.strip_suffix(':').and_then(|line| line.rsplit_once('-')).is_some_and(|(_, number)| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b':')
    })
}

fn is_sanitizer(line: &str) -> bool {
    let is_report = line.starts_with("WARNING: ") || line.starts_with("==") && line.contains("==ERROR: ");
    is_report && line.contains("Sanitizer: ")
}

/// `#0 `, and what is there.
fn is_numbered_frame(line: &str) -> bool {
    let digits = line.bytes().skip(1).take_while(u8::is_ascii_digit).count();
    digits > 0 && line.as_bytes().get(digits + 1) == Some(&b' ')
}

fn is_caret(text: &str) -> bool {
    let text = text.trim_ascii();
    text.contains('^') && text.bytes().all(|byte| matches!(byte, b'^' | b'~' | b' '))
}

/// `/app/x.js:12` and nothing else; or a module of Node.js itself.
fn is_node_place(line: &str) -> bool {
    let Some((path, number)) = line.rsplit_once(':') else { return false };
    let is_path = path.starts_with('/') || path.starts_with("file:///") || path.starts_with("node:");
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // With a column it is the place in somebody's message.
    let has_column = path.rsplit_once(':').is_some_and(|(_, line)| is_number(line));
    is_path && is_number(number) && !has_column && !path.contains([' ', '('])
}

/// A number right before `mark`: `x.rb:3:in `.
fn has_number_before(text: &str, mark: &str) -> bool {
    let head = text.split(mark).next().unwrap_or_default();
    head.ends_with(|last: char| last.is_ascii_digit())
        && head.trim_end_matches(|last: char| last.is_ascii_digit()).ends_with(':')
}

fn is_ruby_place(line: &str) -> bool {
    // Asked of most lines: a short look for the mark.
    let mut colons = memchr::memchr_iter(b':', line.as_bytes());
    let Some(at) = colons.find(|at| line.get(*at..).is_some_and(|rest| rest.starts_with(":in "))) else { return false };
    let quoted = matches!(line.as_bytes().get(at + 4), Some(b'`' | b'\''));
    quoted && !line.get(..at).unwrap_or_default().contains(' ') && has_number_before(line, ":in ")
}

/// `main.f(0x1)`, `main.(*T).f(...)`, `net/http.HandlerFunc.ServeHTTP(...)`: no blank before the bracket.
fn is_go_call(line: &str) -> bool {
    let Some(open) = line.rfind('(') else { return false };
    let (name, arguments) = line.split_at(open);
    let is_argument = |byte: u8| byte.is_ascii_hexdigit() || b"(){}x, .?_".contains(&byte);
    (name.contains('.') || name == "panic") && !name.contains(' ') && arguments.bytes().all(is_argument)
}

fn is_go_file(text: &str) -> bool {
    text.find(".go:").is_some_and(|at| text.as_bytes().get(at + 4).is_some_and(u8::is_ascii_digit))
        || (text.contains(".s:") && text.contains(" +0x"))
}

/// `  | …`, `  + Exception Group Traceback`, `  +-+---- 1 ----`, `    +-----`.
fn is_python_group(text: &str) -> bool {
    text.starts_with("| ")
        || text == "|"
        || text.starts_with("+ Exception Group Traceback")
        || text.starts_with("+-+----------------")
        || text.starts_with("+----------------")
}
