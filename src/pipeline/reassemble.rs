//! Puts lines together again that containerd cut into pieces: `P`, `P`, … and the `F` that ends them.
//!
//! containerd cuts at 16 KiB, and each piece is an event of its own. Pieces of stdout and stderr may lie between one
//! another, so each has its own buffer; and in a stream that several pods share, each pod has.
//!
//! What a joined line bears of time, id and identity is its last piece's, as with the Agent.

use super::cri::Output;
use super::record::Record;

/// A whole line, or as much of one as there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'r> {
    pub text: &'r str,
    /// An application's object that a filter had parsed.
    pub merged: bool,
    /// CloudWatch's id of the (last) event.
    pub id: &'r str,
    /// Milliseconds since 1970, if known.
    pub timestamp: Option<i64>,
    pub output: Option<Output>,
    /// Which identity wrote it: the caller's number.
    pub identity: usize,
    /// Whose pieces it belongs to: the caller's number. One, where the stream is one container's.
    pub writer: usize,
    pub attributes: Option<&'r str>,
    /// The end never came.
    pub partial: bool,
    /// Cut off before it reached us.
    pub truncated: bool,
}

impl<'r> Line<'r> {
    /// The line of one record.
    pub fn of(record: &'r Record, id: &'r str, event_ms: Option<i64>, identity: usize, writer: usize) -> Line<'r> {
        Line {
            text: &record.text,
            merged: record.merged,
            id,
            timestamp: record.time_ms.or(event_ms),
            output: record.output,
            identity,
            writer,
            attributes: record.attributes.as_deref(),
            partial: false,
            truncated: record.truncated,
        }
    }
}

/// Pieces that wait for the end of their line.
#[derive(Debug)]
struct Pending<'a> {
    text: String,
    id: &'a str,
    timestamp: Option<i64>,
    output: Option<Output>,
    identity: usize,
    writer: usize,
    attributes: Option<String>,
    truncated: bool,
}

impl Pending<'_> {
    fn line(&self, partial: bool) -> Line<'_> {
        Line {
            text: &self.text,
            merged: false,
            id: self.id,
            timestamp: self.timestamp,
            output: self.output,
            identity: self.identity,
            writer: self.writer,
            attributes: self.attributes.as_deref(),
            partial,
            truncated: self.truncated,
        }
    }
}

/// The buffers of one event.
#[derive(Debug, Default)]
pub struct Reassembler<'a> {
    pending: Vec<Pending<'a>>,
    joined: usize,
}

impl<'a> Reassembler<'a> {
    /// Takes a line or a piece of one; gives whole lines to `emit`.
    pub fn push(&mut self, line: Line<'_>, id: &'a str, is_piece: bool, mut emit: impl FnMut(Line<'_>)) {
        let same = |pending: &Pending| pending.output == line.output && pending.writer == line.writer;
        let at = self.pending.iter().position(same);
        match at {
            // The end of a line that Merge_Log took for an object of its own: the pieces before it stay without one.
            Some(at) if line.merged => {
                let pending = self.pending.remove(at);
                emit(pending.line(true));
                emit(line);
            }
            Some(at) => {
                self.joined += 1;
                let pending = &mut self.pending[at];
                pending.text.push_str(line.text);
                pending.id = id;
                pending.timestamp = line.timestamp;
                pending.identity = line.identity;
                pending.truncated |= line.truncated;
                if !is_piece {
                    let pending = self.pending.remove(at);
                    emit(pending.line(false));
                }
            }
            None if is_piece => self.pending.push(Pending {
                text: line.text.to_owned(),
                id,
                timestamp: line.timestamp,
                output: line.output,
                identity: line.identity,
                writer: line.writer,
                attributes: line.attributes.map(str::to_owned),
                truncated: line.truncated,
            }),
            None => emit(line),
        }
    }

    /// How many events became part of a line that another one began.
    pub fn joined(&self) -> usize {
        self.joined
    }

    /// Gives what is still open at the end of the event.
    pub fn finish(self, mut emit: impl FnMut(Line<'_>)) {
        for pending in &self.pending {
            emit(pending.line(true));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `(output, text, is a piece, merged)` through and shows `text` or `text…` for what stayed partial.
    fn run(pieces: &[(Output, &str, bool, bool)]) -> Vec<String> {
        let mut out = Vec::new();
        let mut show = |line: Line<'_>| out.push(format!("{}{}", line.text, if line.partial { "…" } else { "" }));
        let mut reassembler = Reassembler::default();
        for (output, text, is_piece, merged) in pieces {
            let record = Record { merged: *merged, output: Some(*output), ..Record::as_is(*text) };
            reassembler.push(Line::of(&record, "id", None, 0, 0), "id", *is_piece, &mut show);
        }
        reassembler.finish(&mut show);
        out
    }

    use Output::{Stderr, Stdout};

    #[test]
    fn pieces_are_joined_with_their_end() {
        assert_eq!(
            run(&[(Stdout, "a", true, false), (Stdout, "b", true, false), (Stdout, "c", false, false)]),
            ["abc"]
        );
    }

    #[test]
    fn stdout_and_stderr_do_not_mix() {
        assert_eq!(
            run(&[
                (Stdout, "a", true, false),
                (Stderr, "x", true, false),
                (Stderr, "y", false, false),
                (Stdout, "b", false, false)
            ]),
            ["xy", "ab"]
        );
    }

    #[test]
    fn an_empty_end_ends_a_line() {
        assert_eq!(
            run(&[(Stdout, "a", true, false), (Stdout, "", false, false), (Stdout, "b", false, false)]),
            ["a", "b"]
        );
    }

    #[test]
    fn a_merged_end_stands_alone() {
        assert_eq!(run(&[(Stdout, "a", true, false), (Stdout, "{}", false, true)]), ["a…", "{}"]);
    }

    #[test]
    fn what_never_ends_is_given_at_the_end() {
        assert_eq!(run(&[(Stdout, "a", true, false), (Stderr, "b", true, false)]), ["a…", "b…"]);
    }
}
