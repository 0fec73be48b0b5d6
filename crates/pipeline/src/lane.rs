//! The lane: a second, quicker reader for the messages that are most of the bytes. It finds the end of a message and what stands where in it
//! in one walk over the text of the event, in which the message is escaped once and the application's text within it twice (`lane_text`).
//!
//! It knows these messages and no other, without white space, each member once:
//!
//! ```text
//! {"time":T,"stream":"stdout","logtag":"F","log":"…"}          T or no time, stdout or stderr, F or P; "log" or the application's
//! {"time":T,"stream":"stdout","logtag":"F","a":1,"b":[…]} S    members; nothing behind it, or a suffix S that was seen before
//! {"log":"…"} S
//! ```
//!
//! It decides nothing that the general readers (`layout`, `record_reader`, `roles`, `shape`) would not: anything unexpected gives none, and
//! they read the message. A suffix, `,"kubernetes":{…}` and whatever follows, is compared and never looked into. What it means is known from
//! the general reader, which had to read one of its records first (`lane_reader::Licence`). What `nest` lifted into the record is such a
//! suffix, too, from the filter's first member on: `,"k8s_pod_name":…`.
//!
//! Why a second reader is worth it, and what it costs: `docs/architecture.md`. That both read the same: `record_reader`'s tests,
//! `tests/integration/lane.rs` and the fuzz target `lane`.

use super::cri::OutputStream;
use super::lane_text::{self, KeptTexts, TextPlace, TextWalk};
use super::runs;

/// How many suffixes are told apart in one event: the pods of a stream that several share. Further ones are read the general way.
const MAX_SUFFIXES: usize = 64;

/// Where the metadata begins in an escaped message.
const METADATA: &str = r#",\"kubernetes\":"#;

/// How the name of the first member ends that the Kubernetes filter writes, and so the first that `nest` lifts with a prefix.
/// Source: Fluent Bit, `plugins/filter_kubernetes/kube_meta.c`.
pub(crate) const FIRST_LIFTED: &str = "pod_name";

/// How deep the values of an application's members may be nested. The walk is recursive; logs are rarely nested deeper than five.
const MAX_DEPTH: usize = 32;

/// What stands where in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) body: Body,
    /// Where the body is in the escaped message.
    start: u32,
    end: u32,
    pub(crate) output: OutputStream,
    pub(crate) partial: bool,
    /// Where the body is, unescaped, if it is a text that was kept.
    pub(crate) text: Option<TextPlace>,
    /// The record begins with its time.
    is_timed: bool,
    pub(crate) suffix: Option<SuffixNumber>,
}

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// The text of `log`, which a parser has taken containerd's prefix off; escaped twice.
    Line,
    /// The text of `log`, alone: with containerd's prefix, if it is one; escaped twice. Output and partial say nothing.
    Whole,
    /// The application's members, two or more, without braces; escaped once as a whole.
    Members,
}

/// The number of a suffix: its place among those of its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SuffixNumber(u8);

impl SuffixNumber {
    pub(crate) fn place(self) -> usize {
        usize::from(self.0)
    }
}

impl Head {
    /// The body, as it is spelled in the message.
    pub(crate) fn body_of<'t>(&self, escaped: &'t str) -> &'t str {
        escaped.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// What follows the body, without the closing quote of the message.
    pub(crate) fn suffix_of<'t>(&self, escaped: &'t str) -> &'t str {
        let quote = if self.body == Body::Members { "" } else { QUOTE };
        escaped.get(self.end as usize + quote.len()..).unwrap_or_default()
    }

    /// The value of `time`, if the record begins with it.
    pub(crate) fn time_of<'t>(&self, escaped: &'t str) -> Option<&'t str> {
        let behind = escaped.get(TIME.len()..).filter(|_| self.is_timed)?;
        behind.get(..runs::plain_length(behind.as_bytes()))
    }
}

/// Reads the messages of one event.
#[derive(Debug)]
pub(crate) struct Lane<'a> {
    /// Each with the closing quote of the message.
    suffixes: Vec<&'a str>,
    /// The place of the last one that was found.
    last: usize,
    texts: TextWalk,
}

/// Where in a message, without its opening quote, the metadata begins: at the last [`METADATA`], or where `nest` lifted the filter's members.
pub(crate) fn metadata_at(message: &str) -> Option<usize> {
    message.rfind(METADATA).or_else(|| {
        message.trim_end_matches('"').ends_with('}').then_some(())?;
        let name_end = memchr::memmem::rfind(message.as_bytes(), LIFTED_END.as_bytes())?;
        let before = message.get(..name_end)?;
        before.rfind(r#",\""#).filter(|at| !before.get(at + 3..).is_some_and(|name| name.contains('"')))
    })
}

/// [`FIRST_LIFTED`], with what follows it in a message.
const LIFTED_END: &str = r#"pod_name\":"#;

/// The quote that begins and ends a string of the message.
const QUOTE: &str = r#"\""#;

const TIME: &str = r#"{\"time\":\""#;
const LOG: &str = r#"\"log\":\""#;
const WHOLE: &str = r#"{\"log\":\""#;

/// What a parser's members are, behind the brace or the time.
const PARSED: [(&str, OutputStream, bool); 4] = [
    (r#"\"stream\":\"stdout\",\"logtag\":\"F\","#, OutputStream::Stdout, false),
    (r#"\"stream\":\"stderr\",\"logtag\":\"F\","#, OutputStream::Stderr, false),
    (r#"\"stream\":\"stdout\",\"logtag\":\"P\","#, OutputStream::Stdout, true),
    (r#"\"stream\":\"stderr\",\"logtag\":\"P\","#, OutputStream::Stderr, true),
];

impl<'a> Lane<'a> {
    /// For the messages of an event with so many bytes of content.
    pub(crate) fn new(content_bytes: usize) -> Lane<'a> {
        Lane { suffixes: Vec::new(), last: 0, texts: TextWalk::new(content_bytes) }
    }

    /// Reads the message at the beginning of `text`, behind its opening quote: what stands where, and how long it is.
    pub(crate) fn message(&mut self, text: &'a str) -> Option<(Head, usize)> {
        let before = self.texts.kept_bytes();
        let found = self.head(text);
        if found.is_none() {
            self.texts.forget_from(before);
        }
        found
    }

    fn head(&mut self, text: &'a str) -> Option<(Head, usize)> {
        let mut walk = Walk { bytes: text.as_bytes(), at: 0 };
        if walk.skip(WHOLE) {
            let (body, text) = self.text(&mut walk, Body::Whole)?;
            return self.end(walk, body, text, (OutputStream::Stdout, false), false);
        }
        let is_timed = walk.skip(TIME);
        if is_timed {
            walk.at += runs::plain_length(walk.rest());
            (walk.skip(r#"\","#)).then_some(())?;
        } else {
            walk.skip("{").then_some(())?;
        }
        let (_, output, partial) = PARSED.into_iter().find(|(parsed, ..)| walk.skip(parsed))?;
        if walk.skip(LOG) {
            let (body, text) = self.text(&mut walk, Body::Line)?;
            return self.end(walk, body, text, (output, partial), is_timed);
        }
        let start = walk.at;
        self.members(&mut walk)?;
        let end = walk.at;
        self.end(walk, (Body::Members, start, end), None, (output, partial), is_timed)
    }

    /// Goes behind a text, from behind its opening quote: where it is, and where it was kept.
    fn text(&mut self, walk: &mut Walk<'a>, body: Body) -> Option<((Body, usize, usize), Option<TextPlace>)> {
        let start = walk.at;
        let (length, text) = self.texts.text(walk.rest())?;
        walk.at += length + QUOTE.len();
        Some(((body, start, start + length), text))
    }

    /// The texts that heads name.
    pub(crate) fn into_texts(self) -> KeptTexts {
        self.texts.finish()
    }

    /// What follows the body: nothing, or a suffix.
    fn end(
        &mut self,
        walk: Walk<'a>,
        (body, start, end): (Body, usize, usize),
        text: Option<TextPlace>,
        (output, partial): (OutputStream, bool),
        is_timed: bool,
    ) -> Option<(Head, usize)> {
        const NOTHING: &str = "}\"";
        let rest = walk.rest();
        let (suffix, length) = match rest.starts_with(NOTHING.as_bytes()) {
            // Only the Kubernetes filter parses an application's object, and it adds its own.
            true if body == Body::Members => return None,
            true => (None, NOTHING.len()),
            false => self.suffix(rest).map(|(number, length)| (Some(number), length))?,
        };
        let (start, end) = (u32::try_from(start).ok()?, u32::try_from(end).ok()?);
        let head = Head { body, start, end, text, output, partial, is_timed, suffix };
        // Without the closing quote.
        Some((head, walk.at + length - 1))
    }

    /// Walks over an application's members, up to a known suffix.
    fn members(&mut self, walk: &mut Walk<'a>) -> Option<()> {
        let (mut all, mut surely_its_own) = (0, 0);
        // The comma before the next member.
        let mut before = walk.at;
        let is_surely_merged = |all, surely_its_own| {
            // One member alone may be what `Merge_Log_Key` names.
            (all > 1 && surely_its_own > 0).then_some(())
        };
        loop {
            walk.skip(r#"\""#).then_some(())?;
            let start = walk.at;
            let end = walk.string()?;
            let is_lifted = walk.bytes.get(start..end)?.ends_with(FIRST_LIFTED.as_bytes());
            if is_lifted && self.suffix(walk.bytes.get(before..)?).is_some() {
                walk.at = before;
                return is_surely_merged(all, surely_its_own);
            }
            match walk.bytes.get(start..end)? {
                // Names that the parser's and the filter's members have, too: what they are depends on more than is looked at here.
                b"log" | b"stream" | b"logtag" | b"kubernetes" | b"kubernetes_namespace" | b"cluster_name" => {
                    return None;
                }
                // These are the application's where it has others besides.
                b"time" | b"message" => {}
                _ => surely_its_own += 1,
            }
            walk.skip(":").then_some(())?;
            walk.value(MAX_DEPTH)?;
            all += 1;
            if walk.rest().starts_with(METADATA.as_bytes()) {
                return is_surely_merged(all, surely_its_own);
            }
            before = walk.at;
            walk.skip(",").then_some(())?;
        }
    }

    /// The suffix that `bytes` begin with, if it is a known one, and its length. Pods that share a stream take turns, so the next one is
    /// looked for behind the last one. To tell two apart takes as long as what their first bytes have in common, which ends in the pod's name.
    fn suffix(&mut self, bytes: &[u8]) -> Option<(SuffixNumber, usize)> {
        let (before, from_last) = self.suffixes.split_at_checked(self.last)?;
        let found = from_last.iter().chain(before).position(|suffix| bytes.starts_with(suffix.as_bytes()))?;
        self.last = (self.last + found) % self.suffixes.len().max(1);
        Some((SuffixNumber(u8::try_from(self.last).ok()?), self.suffixes.get(self.last)?.len()))
    }

    /// Learns the suffix of a message that was read otherwise, from [`metadata_at`] to the closing quote, if it is new and there is room.
    pub(crate) fn learn(&mut self, suffix: &'a str) -> bool {
        let is_new = self.suffixes.len() < MAX_SUFFIXES && self.suffix(suffix.as_bytes()).is_none();
        self.suffixes.extend(is_new.then_some(suffix));
        is_new
    }
}

/// A strict walk over JSON that is escaped once, so that a string begins and ends with `\"`.
#[derive(Debug, Clone, Copy)]
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, literal: &str) -> bool {
        let is_here = self.rest().starts_with(literal.as_bytes());
        self.at += if is_here { literal.len() } else { 0 };
        is_here
    }

    /// Goes behind a string, from behind its opening quote. Returns where its inside ends.
    fn string(&mut self) -> Option<usize> {
        let end = self.at + lane_text::length(self.rest())?;
        self.at = end + QUOTE.len();
        Some(end)
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        match self.rest() {
            [b'\\', b'"', ..] => {
                self.at += 2;
                self.string().map(|_| ())
            }
            [b'{', ..] => self.elements(depth.checked_sub(1)?, b'}', |walk, depth| {
                walk.skip(r#"\""#).then_some(())?;
                walk.string()?;
                walk.skip(":").then_some(())?;
                walk.value(depth)
            }),
            [b'[', ..] => self.elements(depth.checked_sub(1)?, b']', Walk::value),
            [b'-' | b'0'..=b'9', ..] => self.number(),
            _ => ["true", "false", "null"].into_iter().any(|word| self.skip(word)).then_some(()),
        }
    }

    /// The inside of an object or an array, and its brackets.
    fn elements(&mut self, depth: usize, close: u8, element: fn(&mut Self, usize) -> Option<()>) -> Option<()> {
        self.at += 1;
        if self.rest().first() == Some(&close) {
            self.at += 1;
            return Some(());
        }
        loop {
            element(self, depth)?;
            let next = *self.rest().first()?;
            self.at += 1;
            match next {
                b',' => {}
                next if next == close => return Some(()),
                _ => return None,
            }
        }
    }

    /// A number by JSON's grammar: no zero in front of other digits, digits on both sides of a point and behind an `e`.
    fn number(&mut self) -> Option<()> {
        self.skip("-");
        let is_zero = self.rest().first() == Some(&b'0');
        let whole = self.digits()?;
        (!is_zero || whole == 1).then_some(())?;
        if self.skip(".") {
            self.digits()?;
        }
        if self.skip("e") || self.skip("E") {
            _ = self.skip("+") || self.skip("-");
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<usize> {
        let count = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        (count > 0).then_some(count)
    }
}

/// Appends the object that [`Body::Members`] are the inside of.
pub(crate) fn push_object(members: &str, out: &mut Vec<u8>) -> Option<()> {
    out.reserve(members.len() + 2);
    out.push(b'{');
    let mut rest = members.as_bytes();
    loop {
        let plain = runs::plain_length(rest);
        runs::push_run(rest, plain, out);
        rest = rest.get(plain..)?;
        // The walk left no other escapes than these two.
        match rest {
            [] => break,
            [b'\\', byte @ (b'"' | b'\\'), ..] => out.push(*byte),
            _ => return None,
        }
        rest = rest.get(2..)?;
    }
    out.push(b'}');
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_message_that_it_cannot_read_nothing_is_kept() {
        let message = |suffix: &str| {
            let record = format!(r#"{{\"stream\":\"stdout\",\"logtag\":\"F\",\"log\":\"some text\"{suffix}}}"#);
            record + r#""},{"id":"…"}"#
        };
        let (known, unknown) = (message(""), message(r#",\"kubernetes\":{}"#));
        let mut lane = Lane::new(0);
        assert!(lane.message(&unknown).is_none() && lane.message(&known).is_some() && lane.message(&unknown).is_none());
        let texts = lane.into_texts();
        let mut alone = Lane::new(0);
        let (head, _) = alone.message(&known).unwrap();
        assert_eq!((&texts, head.text.and_then(|place| texts.get(place))), (&alone.into_texts(), Some("some text")));
    }
}
