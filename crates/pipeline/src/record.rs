//! One message of Fluent Bit, whatever its shape, understood: what the application wrote, where and when, and what
//! the router knew of the pod.
//!
//! `record_reader` makes records of the events of CloudWatch Logs; `shape` recognises the shapes.

use std::borrow::Cow;

use super::cri::OutputStream;
use super::lane::SuffixNumber;

/// One message, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogRecord<'r> {
    /// What the application wrote: a plain line to the byte, or its JSON object as JSON.
    pub(crate) text: Cow<'r, str>,
    /// The text is a JSON object that a filter had parsed, so never a piece of a longer line.
    pub(crate) merged: bool,
    pub(crate) output: Option<OutputStream>,
    /// A piece of a longer line: more follows.
    pub(crate) partial: bool,
    /// The line's own time in milliseconds since 1970, where the record has one.
    pub(crate) time_ms: Option<i64>,
    /// What that time has beyond its milliseconds, where it was written so finely.
    pub(crate) nanoseconds: Option<u32>,
    pub(crate) metadata: Metadata<'r>,
    /// If the second reader read it, and nothing but the record tells its metadata: all records of its event with this number have the same.
    pub(crate) suffix: Option<SuffixNumber>,
    /// Members that a filter added beside the text and that stand for nothing we know: a JSON object.
    pub(crate) attributes: Option<String>,
    /// Fluent Bit or CloudWatch cut the message off within the text.
    pub(crate) truncated: bool,
    /// How many bytes at its beginning stand for the rest of a character that the piece before had begun: see `cut_character`.
    pub(crate) cut_rest: usize,
}

/// What a record says about its pod, as far as it can be trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Metadata<'r> {
    /// The `kubernetes` object, raw JSON.
    pub kubernetes: Option<Cow<'r, str>>,
    /// The `kubernetes_namespace` object, raw JSON.
    pub namespace: Option<Cow<'r, str>>,
    /// `cluster_name`, put there by a `record_modifier`.
    pub cluster_name: Option<Cow<'r, str>>,
    /// The account and the region that a centralised log came from: CloudWatch Logs says so, not the record.
    pub account: Option<Cow<'r, str>>,
    pub region: Option<Cow<'r, str>>,
}

impl Metadata<'_> {
    /// How many bytes of text it has.
    pub(crate) fn len(&self) -> usize {
        let Metadata { kubernetes, namespace, cluster_name, account, region } = self;
        [kubernetes, namespace, cluster_name, account, region].into_iter().flatten().map(|text| text.len()).sum()
    }

    /// The same, borrowing nothing.
    pub(crate) fn into_owned(self) -> Metadata<'static> {
        let owned = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        Metadata {
            kubernetes: owned(self.kubernetes),
            namespace: owned(self.namespace),
            cluster_name: owned(self.cluster_name),
            account: owned(self.account),
            region: owned(self.region),
        }
    }
}

impl<'r> LogRecord<'r> {
    /// A message that is the application's as a whole.
    pub(crate) fn as_is(text: impl Into<Cow<'r, str>>) -> LogRecord<'r> {
        LogRecord {
            text: text.into(),
            merged: false,
            output: None,
            partial: false,
            time_ms: None,
            nanoseconds: None,
            metadata: Metadata::default(),
            suffix: None,
            attributes: None,
            truncated: false,
            cut_rest: 0,
        }
    }
}
