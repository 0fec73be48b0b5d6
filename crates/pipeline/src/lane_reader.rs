//! Makes records of the messages that the lane has read, without looking at their suffixes again.
//!
//! What a suffix says is known from the general way: it has to have read one record with it first, and to have found the filter's members
//! in it, trusted, and nothing else. Then the rest of a record decides nothing about these, nor they about the rest; that is what
//! [`Licence`] stands for. A message whose text would be read by more than its own bytes gives none.

use std::borrow::Cow;

use super::cri::{self, Moments, OutputStream};
use super::cut_character;
use super::filter_members;
use super::json;
use super::lane::{self, Body, Head, SuffixNumber};
use super::lane_text::{self, KeptTexts, TextPlace};
use super::log_event::LogEvent;
use super::members::RecordMembers;
use super::record::{LogRecord, Metadata};
use super::stream::StreamOrigin;

/// Makes records of the messages of one event that have a [`Head`].
#[derive(Debug)]
pub(crate) struct LaneReader<'a> {
    /// A message of an AWS service is text, whatever it looks like.
    is_open: bool,
    /// By the numbers of the suffixes.
    licences: Vec<Licence>,
    moments: Moments,
    /// Those that the heads of this event name.
    texts: Option<&'a KeptTexts>,
    /// A text that was not kept.
    text: String,
}

/// What the general way has found a suffix to be.
#[derive(Debug, Clone, Default)]
enum Licence {
    #[default]
    Unknown,
    /// It has other members, too, or none that are trusted: what a record says may depend on more than the lane looks at.
    Refused,
    /// The filter's members and nothing else, with what they say.
    Granted(Metadata<'static>),
}

/// What a record says. Its text is where it was kept, or in the reader, from `text_at` on; its metadata is what its suffix says.
#[derive(Debug)]
pub(crate) struct LaneRecord {
    suffix: Option<SuffixNumber>,
    kept: Option<TextPlace>,
    text_at: usize,
    merged: bool,
    output: OutputStream,
    partial: bool,
    time_ms: Option<i64>,
    nanoseconds: Option<u32>,
}

impl<'a> LaneReader<'a> {
    pub(crate) fn new(origin: &StreamOrigin) -> LaneReader<'a> {
        let is_open = !matches!(origin, StreamOrigin::Service(_));
        LaneReader { is_open, licences: Vec::new(), moments: Moments::default(), texts: None, text: String::new() }
    }

    /// The texts that the heads of its events name; without them, each text is unescaped here.
    pub(crate) fn with_texts(self, texts: &'a KeptTexts) -> LaneReader<'a> {
        LaneReader { texts: Some(texts), ..self }
    }

    fn kept(&self, place: Option<TextPlace>) -> Option<&'a str> {
        self.texts?.get(place?)
    }

    /// Reads a message; `None` where the general way has to.
    pub(crate) fn read(&mut self, event: &LogEvent, escaped: &str) -> Option<LaneRecord> {
        let head = event.head.filter(|_| self.is_open)?;
        if let Some(number) = head.suffix {
            matches!(self.licences.get(number.place()), Some(Licence::Granted(_))).then_some(())?;
        }
        let text = match self.kept(head.text) {
            Some(text) => text,
            None => {
                let mut bytes = std::mem::take(&mut self.text).into_bytes();
                bytes.clear();
                self.text = write_text(&head, escaped, bytes)?;
                &self.text
            }
        };
        understand(&head, escaped, text, &mut self.moments)
    }

    /// The record of the message that was read last.
    pub(crate) fn record(&self, read: LaneRecord) -> LogRecord<'_> {
        let text = self.kept(read.kept).unwrap_or(&self.text);
        let licence = read.suffix.and_then(|number| self.licences.get(number.place()));
        LogRecord {
            text: Cow::Borrowed(text.get(read.text_at..).unwrap_or_default()),
            merged: read.merged,
            output: Some(read.output),
            partial: read.partial,
            time_ms: read.time_ms,
            nanoseconds: read.nanoseconds,
            metadata: match licence {
                Some(Licence::Granted(metadata)) => borrowed(metadata),
                _ => Metadata::default(),
            },
            suffix: read.suffix,
            attributes: None,
            truncated: false,
            cut_rest: 0,
        }
    }

    /// Learns what the general way found in a message that has a head.
    pub(crate) fn learn(&mut self, head: &Head, escaped: &str, found: &Metadata) {
        let Some(number) = head.suffix else { return };
        if self.licences.len() <= number.place() {
            self.licences.resize(number.place() + 1, Licence::Unknown);
        }
        if let Some(licence @ Licence::Unknown) = self.licences.get_mut(number.place()) {
            *licence = match is_filters_alone(head.suffix_of(escaped), found) {
                true => Licence::Granted(found.clone().into_owned()),
                false => Licence::Refused,
            };
        }
    }
}

/// Whether a suffix is the members of which the general way has made this metadata, each once, and whole.
fn is_filters_alone(suffix: &str, found: &Metadata) -> bool {
    let mut text = String::with_capacity(suffix.len());
    json::unescape_into(suffix, &mut text);
    if !text.starts_with(',') {
        return false;
    }
    text.replace_range(..1, "{");
    let Some(RecordMembers(members)) = RecordMembers::read(&text) else { return false };
    let Some(((first, _), further)) = members.split_first() else { return false };
    let prefix = first.key.strip_suffix(lane::FIRST_LIFTED).filter(|prefix| !prefix.is_empty());
    let is_object = match prefix {
        None => first.key == "kubernetes" && found.kubernetes.as_deref() == Some(first.value),
        // The last of all that may be the first of the filter's, and so the first that is asked about.
        Some(prefix) => found.kubernetes.as_deref() == Some(filter_members::lifted_object(&members, prefix).as_str()),
    };
    // Without a prefix nothing tells what `nest` lifted from what an application wrote, but that the record has a `logtag`.
    let is_lifted = |key: &str| {
        prefix.is_some_and(|prefix| key.starts_with(prefix))
            && key != "kubernetes"
            && !key.ends_with(lane::FIRST_LIFTED)
    };
    let mut others: Vec<&str> = further.iter().map(|(member, _)| member.key).filter(|key| !is_lifted(key)).collect();
    let mut known = vec![];
    known.extend(found.namespace.is_some().then_some("kubernetes_namespace"));
    known.extend(found.cluster_name.is_some().then_some("cluster_name"));
    others.sort_unstable();
    known.sort_unstable();
    is_object && others == known
}

/// A message's text, with containerd's prefix where it has it, written into an old buffer.
fn write_text(head: &Head, escaped: &str, mut out: Vec<u8>) -> Option<String> {
    let body = head.body_of(escaped);
    match head.body {
        Body::Members => lane::push_object(body, &mut out)?,
        Body::Line | Body::Whole => lane_text::unescape(body, &mut out)?,
    }
    String::from_utf8(out).ok()
}

/// What a message with this text says; `None` where it takes more than the lane looks at to tell.
fn understand(head: &Head, escaped: &str, text: &str, moments: &mut Moments) -> Option<LaneRecord> {
    if head.body == Body::Whole {
        let line = cri::parse(text)?;
        return (cut_character::rest(line.text) == 0).then_some(LaneRecord {
            suffix: head.suffix,
            kept: head.text,
            text_at: text.len() - line.text.len(),
            merged: false,
            output: line.output,
            partial: line.partial,
            time_ms: Some(line.time_ms),
            nanoseconds: line.nanoseconds,
        });
    }
    // A prefix that the parser left standing, or that the application printed; the rest of a character that was cut.
    if head.body == Body::Line && (cut_character::rest(text) > 0 || cri::parse(text).is_some()) {
        return None;
    }
    // What is no time is no parser's member.
    let moment = match head.time_of(escaped) {
        Some(time) => Some(moments.read(time)?),
        None => None,
    };
    let merged = head.body == Body::Members;
    Some(LaneRecord {
        suffix: head.suffix,
        kept: head.text,
        text_at: 0,
        merged,
        output: head.output,
        partial: head.partial && !merged,
        time_ms: moment.map(|(milliseconds, _)| milliseconds),
        nanoseconds: moment.and_then(|(_, nanoseconds)| nanoseconds),
    })
}

/// The same metadata, borrowed.
fn borrowed<'r>(metadata: &'r Metadata<'static>) -> Metadata<'r> {
    let borrow = |text: &'r Option<Cow<'static, str>>| text.as_deref().map(Cow::Borrowed);
    Metadata {
        kubernetes: borrow(&metadata.kubernetes),
        namespace: borrow(&metadata.namespace),
        cluster_name: borrow(&metadata.cluster_name),
        account: borrow(&metadata.account),
        region: borrow(&metadata.region),
    }
}
