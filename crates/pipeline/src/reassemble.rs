//! Puts lines together again that containerd cut into pieces: `P`, `P`, … and the `F` that ends them.
//!
//! containerd cuts at 16 KiB, and each piece is an event of its own. Pieces of stdout and stderr may lie between one
//! another, so each has its own buffer; and in a stream that several pods share, each pod has.
//!
//! A character that the cut went through becomes one U+FFFD (`cut_character`).
//!
//! What a joined line bears of time, id and identity is its last piece's, as with the Agent; its attributes are those of all pieces.

use super::cut_character;
use super::line::{HeldLine, LineOutput, LogLine};

/// The buffers of one event.
#[derive(Debug, Default)]
pub(crate) struct Reassembler<'e> {
    pending: Vec<HeldLine<'e>>,
}

impl<'e> Reassembler<'e> {
    /// Takes a line or a piece of one; gives whole lines to `emit`.
    pub(crate) fn push(&mut self, line: &LogLine<'e, '_>, is_piece: bool, mut emit: impl FnMut(&LogLine<'e, '_>)) {
        match self.pending.iter().position(|pending| line.is_beside(pending)) {
            // The end of a line that Merge_Log took for an object of its own: the pieces before it stay without one.
            Some(at) if line.merged => {
                let mut unfinished = self.pending.remove(at);
                unfinished.end();
                emit(&LogLine { partial: true, ..unfinished.line() });
                emit(line);
            }
            Some(at) => {
                let pending = &mut self.pending[at];
                match line.cut_rest {
                    0 => pending.text.push_str(line.text),
                    rest => cut_character::join(&mut pending.text, line.text, rest),
                }
                pending.id = line.id;
                (pending.timestamp, pending.nanoseconds) = (line.timestamp, line.nanoseconds);
                pending.event_ms = line.event_ms;
                pending.events.1 = line.events.1;
                pending.identity = line.identity;
                pending.truncated |= line.truncated;
                pending.add_attributes(line);
                if !is_piece {
                    let mut whole = self.pending.remove(at);
                    whole.end();
                    emit(&whole.line());
                }
            }
            None if is_piece => {
                let piece = LogLine { merged: false, ..line.clone() };
                self.pending.push(*HeldLine::keep(&piece, false, None));
            }
            None => emit(line),
        }
    }

    /// The outputs of which a line is open, each with the place of its first event.
    pub(crate) fn open(&self) -> impl Iterator<Item = (LineOutput, usize)> {
        self.pending.iter().map(|pending| (pending.line_output(), pending.events.0))
    }

    /// The first event of what is still open, as far as a piece of it is not older than `since_ms`.
    pub(crate) fn open_since(&self, since_ms: i64) -> Option<usize> {
        let is_young = |pending: &&HeldLine| pending.timestamp.is_none_or(|time| time >= since_ms);
        self.pending.iter().filter(is_young).map(|pending| pending.events.0).min()
    }

    /// Gives what is still open at the end of the event.
    pub(crate) fn finish(self, mut emit: impl FnMut(&LogLine<'e, '_>)) {
        for mut pending in self.pending {
            pending.end();
            emit(&LogLine { partial: true, ..pending.line() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cri::OutputStream;
    use crate::record::LogRecord;
    use crate::writer::{IdentityNumber, Writer};

    /// Runs `(output, text, is a piece, merged)` through and shows `text` or `text…` for what stayed partial.
    fn run(pieces: &[(OutputStream, &str, bool, bool)]) -> Vec<String> {
        let mut out = Vec::new();
        let mut show =
            |line: &LogLine<'_, '_>| out.push(format!("{}{}", line.text, if line.partial { "…" } else { "" }));
        let mut reassembler = Reassembler::default();
        for (output, text, is_piece, merged) in pieces {
            let record = LogRecord { merged: *merged, output: Some(*output), ..LogRecord::as_is(*text) };
            reassembler.push(
                &LogLine::of(&record, "id", None, IdentityNumber::at(0), Writer::StreamsContainer),
                *is_piece,
                &mut show,
            );
        }
        reassembler.finish(&mut show);
        out
    }

    use OutputStream::{Stderr, Stdout};

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
