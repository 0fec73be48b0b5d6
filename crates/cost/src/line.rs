//! What each preset of `generate logging` writes of one line, in bytes as CloudWatch Logs bills them.
//!
//! The sizes are those of Fluent Bit's JSON: no spaces, the parser's members first, the Kubernetes filter's object behind the line, and
//! `cluster_name` last. `tests/integration/presets.rs` holds them to what a real Fluent Bit wrote of the same lines.

use pipeline::json;
use pipeline::record_parts::RecordParts;

/// What CloudWatch Logs bills for each event beside its message. Source: Amazon CloudWatch Logs API reference, PutLogEvents, and "Amazon
/// CloudWatch pricing": each event counts as its UTF-8 bytes and 26 more.
pub const EVENT_BYTES: u64 = 26;

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Preset {
    Standard,
    Lean,
    Merged,
    Seed,
    Compact,
}

impl Preset {
    pub const ALL: [Preset; 5] = [Preset::Standard, Preset::Compact, Preset::Lean, Preset::Merged, Preset::Seed];

    /// As `generate logging --preset` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Standard => "standard",
            Preset::Lean => "lean",
            Preset::Merged => "merged",
            Preset::Seed => "seed",
            Preset::Compact => "compact",
        }
    }
}

/// One line, billed, without the metadata that some presets add to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LineBytes {
    pub lean: u64,
    pub merged: u64,
    pub seed: u64,
}

/// `{"stream":"stdout","logtag":"F"}`; `stderr` is as long.
const PARSED: u64 = r#"{"stream":"stdout","logtag":"F"}"#.len() as u64;

/// `,"log":""`
const LOG: u64 = r#","log":"""#.len() as u64;

/// `{"log":"2026-11-22T20:37:50.251537818Z stderr F "}`: containerd's prefix stays in the text.
const UNPARSED: u64 = r#"{"log":"2026-11-22T20:37:50.251537818Z stderr F "}"#.len() as u64;

impl LineBytes {
    /// What is written of a line.
    pub fn of(parts: &RecordParts) -> LineBytes {
        let escaped = escaped(&parts.text);
        // Fluent Bit's parser leaves out what matched nothing.
        let log = if parts.text.is_empty() { 0 } else { LOG + escaped };
        let lean = EVENT_BYTES + PARSED + log;
        let merged = match object(&parts.text) {
            // Its members take the place of `log`, without the braces and with a comma before them.
            Some(object) => EVENT_BYTES + PARSED + (object - 2) + u64::from(object > 2),
            None => lean,
        };
        LineBytes { lean, merged, seed: EVENT_BYTES + UNPARSED + escaped }
    }
}

/// What the Kubernetes filter adds to a line: `,"kubernetes":{…}`, and `cluster_name` where a preset adds that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MetadataBytes {
    /// The object.
    pub kubernetes: u64,
    /// The name of the cluster.
    pub cluster: u64,
}

/// `,"kubernetes":`
const KUBERNETES: u64 = r#","kubernetes":"#.len() as u64;

/// `,"cluster_name":""`
const CLUSTER: u64 = r#","cluster_name":"""#.len() as u64;

impl MetadataBytes {
    /// Of a pod of which nothing is known: the mean of the pods of `tests/fixtures/corpus`, 840 bytes as a record of its own.
    pub const TYPICAL: MetadataBytes = MetadataBytes { kubernetes: 800, cluster: 7 };

    pub fn of(parts: &RecordParts) -> Option<MetadataBytes> {
        let kubernetes = parts.kubernetes.as_ref()?.len() as u64;
        Some(MetadataBytes { kubernetes, cluster: parts.cluster_name.as_ref().map_or(0, |name| escaped(name)) })
    }

    /// What a line of the preset `merged` has more.
    pub(crate) fn beside_line(self) -> u64 {
        KUBERNETES + self.kubernetes
    }

    /// `,"cluster_name":"…"`, which `standard` and `compact` write.
    pub(crate) fn cluster_member(self) -> u64 {
        CLUSTER + self.cluster
    }

    /// A record of its own, billed: `{"kubernetes":{…},"cluster_name":"…"}`.
    pub fn alone(self) -> u64 {
        // A brace where the comma is, and one at the end.
        EVENT_BYTES + self.beside_line() + self.cluster_member() + 1
    }
}

/// The bytes of a text within a JSON string, as Fluent Bit escapes it.
fn escaped(text: &str) -> u64 {
    let of = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..=0x1f | 0x7f => 6,
        _ => 1,
    };
    text.bytes().map(of).sum()
}

/// The bytes of a JSON object without the blanks between its parts; `None` if the text is none.
fn object(text: &str) -> Option<u64> {
    text.trim_start().starts_with('{').then(|| json::each_member(text, |_, _| ()).ok()).flatten()?;
    let (mut bytes, mut is_string, mut is_escaped) = (0, false, false);
    for byte in text.bytes() {
        if is_string || !byte.is_ascii_whitespace() {
            bytes += 1;
        }
        is_string ^= byte == b'"' && !is_escaped;
        is_escaped = is_string && byte == b'\\' && !is_escaped;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> LineBytes {
        LineBytes::of(&RecordParts {
            text: text.to_owned(),
            is_stderr: false,
            is_piece: false,
            kubernetes: None,
            cluster_name: None,
            is_metadata: false,
        })
    }

    #[test]
    fn lines_are_as_long_as_what_is_written() {
        let billed = |record: &str| record.len() as u64 + EVENT_BYTES;
        assert_eq!(line("a \"b\"\t").lean, billed(r#"{"stream":"stdout","logtag":"F","log":"a \"b\"\t"}"#));
        assert_eq!(line("").lean, billed(r#"{"stream":"stdout","logtag":"F"}"#));
        assert_eq!(line("x").seed, billed(r#"{"log":"2026-11-22T20:37:50.251537818Z stdout F x"}"#));
        assert_eq!(
            line(r#" {"a": "b c", "d\"": 1} "#).merged,
            billed(r#"{"stream":"stdout","logtag":"F","a":"b c","d\"":1}"#)
        );
        assert_eq!(line("{}").merged, billed(r#"{"stream":"stdout","logtag":"F"}"#));
        assert_eq!(line(r#"{"a":1}{"#).merged, line(r#"{"a":1}{"#).lean);
    }

    #[test]
    fn metadata_alone_is_as_long_as_its_record() {
        let record = r#"{"kubernetes":{"pod_name":"a"},"cluster_name":"prod"}"#;
        let metadata = MetadataBytes { kubernetes: r#"{"pod_name":"a"}"#.len() as u64, cluster: 4 };
        assert_eq!(metadata.alone(), record.len() as u64 + EVENT_BYTES);
        assert_eq!(MetadataBytes::TYPICAL.alone(), 840 + EVENT_BYTES);
    }
}
