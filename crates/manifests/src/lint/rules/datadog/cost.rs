//! What a configuration costs, as facts: how many of EKS' characters it takes, and about how many bytes a log takes besides its text.

use super::{copies, cri_parser, is_of_lines, kubernetes};
use crate::lint::cloudwatch;
use crate::lint::finding::Findings;
use crate::lint::logging::{LoggingConfigMap, PlacedSection};
use crate::lint::node::YamlNode;
use crate::lint::project::Project;
use crate::lint::rule::LintRule;
use crate::logging::MAX_CHARACTERS;

/// Facts only.
pub(crate) static RULES: &[&LintRule] = &[];

/// Bytes of a record besides the text, for a pod with seven labels, three annotations and names of usual length:
/// tests/fixtures/corpus/shapes, where a test counts them.
mod bytes {
    /// `{"log":"…"}` with containerd's prefix of time, output and flag.
    pub(crate) const BARE: usize = 50;
    /// `{"stream":…,"logtag":…,"log":"…"}`.
    pub(crate) const PARSED: usize = 41;
    /// `,"kubernetes":{…}` without labels and annotations.
    pub(crate) const METADATA: usize = 464;
    pub(crate) const LABELS: usize = 246;
    pub(crate) const ANNOTATIONS: usize = 163;
}

pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    for logging in &project.logging {
        let data = logging.object.node.get("data");
        let values = data.into_iter().flat_map(YamlNode::entries).filter_map(|entry| entry.value.text());
        let characters: usize = values.map(|text| text.chars().count()).sum();
        if characters == 0 {
            continue;
        }
        let mut text = format!("{characters} of {MAX_CHARACTERS} characters used");
        if cloudwatch::outputs(logging).any(|output| output.writes_records()) {
            text.push_str(&format!("; each log takes about {} bytes on top of its text", estimate(logging)));
            if metadata_of_lines(logging).is_some() {
                text.push_str(" if its pod has seven labels and three annotations");
            }
        }
        findings.push_fact(logging.object.place(), text);
    }
}

/// The Kubernetes filter, if lines have its metadata when they are written.
fn metadata_of_lines<'b, 'a>(logging: &'b LoggingConfigMap<'a>) -> Option<PlacedSection<'b, 'a>> {
    let filter = kubernetes(logging).filter(|filter| is_of_lines(logging, filter))?;
    let is_taken_off = || copies::find(logging).is_some_and(|copies| copies.lines_lose("kubernetes"));
    (!is_taken_off()).then_some(filter)
}

/// How many bytes a log takes besides its text, about.
fn estimate(logging: &LoggingConfigMap<'_>) -> usize {
    let line = if cri_parser(logging).is_some() { bytes::PARSED } else { bytes::BARE };
    let Some(filter) = metadata_of_lines(logging) else { return line };
    let optional = |option: &str, size: usize| if filter.is_on(option) == Some(false) { 0 } else { size };
    line + bytes::METADATA + optional("Labels", bytes::LABELS) + optional("Annotations", bytes::ANNOTATIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of all samples.
    const TEXT: usize = "hello world".len();

    #[test]
    fn the_estimates_are_those_of_real_records() {
        let length = |lines: &str| {
            let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
            first["message"].as_str().unwrap().len() - TEXT
        };
        let shape = |name: &str| match name {
            "bare" => length(include_str!("../../../../../../tests/fixtures/corpus/shapes/01_no_filters.jsonl")),
            "parsed" => length(include_str!("../../../../../../tests/fixtures/corpus/shapes/02_parser_crio.jsonl")),
            _ => length(include_str!("../../../../../../tests/fixtures/corpus/shapes/09_recommended_merge_off.jsonl")),
        };
        assert_eq!(shape("bare"), bytes::BARE);
        assert_eq!(shape("parsed"), bytes::PARSED);
        assert_eq!(shape("all"), bytes::PARSED + bytes::METADATA + bytes::LABELS + bytes::ANNOTATIONS);
    }
}
