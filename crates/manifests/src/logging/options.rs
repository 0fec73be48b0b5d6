//! What there is to choose of `aws-logging`, and what of it cannot be.

use super::compact;
use crate::cluster::{Missing, is_label};
use crate::preset::LoggingPreset;

/// How many characters EKS takes. Source: Amazon EKS User Guide, "Fargate logging", considerations.
pub const MAX_CHARACTERS: usize = 5300;

/// What there is to choose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoggingOptions {
    /// Whether Fluent Bit writes its own log, too.
    pub process_logs: bool,
    pub drop_namespaces: Vec<String>,
    pub drop_containers: Vec<String>,
    /// Regular expressions; lines that one matches are dropped.
    pub drop_patterns: Vec<String>,
    /// Streams of Amazon Data Firehose to write to as well.
    pub firehose_streams: Vec<String>,
    /// Hosts of OpenSearch to write to as well.
    pub opensearch_hosts: Vec<String>,
    /// With the preset `compact`: seconds from one record of metadata of a pod to the next, on average.
    pub metadata_interval: Option<u64>,
}

/// Why no manifest can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoggingError {
    #[error(transparent)]
    Missing(#[from] Missing),
    #[error(
        "the ConfigMap would have {0} characters, but EKS allows {MAX_CHARACTERS}: drop fewer namespaces, containers or patterns, or merge several \
         patterns into one"
    )]
    TooLong(usize),
    #[error("{option}: {problem}")]
    Value { option: &'static str, problem: &'static str },
}

/// Whether what is chosen can be written: in a value, or with a preset, it may not.
///
/// # Errors
/// The option, and why.
pub(super) fn check(preset: LoggingPreset, options: &LoggingOptions) -> Result<(), LoggingError> {
    let wrong = |option, problem| Err(LoggingError::Value { option, problem });
    let is_name = |name: &String| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte)) && !name.is_empty()
    };
    if !options.drop_namespaces.iter().all(is_name) {
        return wrong("--drop-namespace", "must be the name of a namespace; for a pattern use --drop-pattern");
    }
    if !options.drop_containers.iter().all(is_name) {
        return wrong("--drop-container", "must be the name of a container; for a pattern use --drop-pattern");
    }
    let without_metadata = matches!(preset, LoggingPreset::Lean | LoggingPreset::Seed);
    if without_metadata && !options.drop_containers.is_empty() {
        return wrong(
            "--drop-container",
            "needs the Kubernetes filter: use the preset standard, compact or merged, or drop a namespace",
        );
    }
    if let Some(seconds) = options.metadata_interval {
        if preset != LoggingPreset::Compact {
            return wrong("--metadata-interval", "only the preset compact writes metadata records");
        }
        if !compact::INTERVALS.contains(&seconds) {
            return wrong(
                "--metadata-interval",
                "must be a number of seconds from 1 to 300, as the metadata is read again every 300 seconds",
            );
        }
    }
    let is_line = |text: &String| !text.trim().is_empty() && text.trim() == text && !text.contains(['\n', '\r']);
    if !options.drop_patterns.iter().all(is_line) {
        return wrong("--drop-pattern", "must be a regular expression on one line, without spaces around it");
    }
    // EKS refuses a ConfigMap with it: it looks like a variable. Source: Amazon EKS User Guide, "Fargate logging".
    if options.drop_patterns.iter().any(|pattern| pattern.contains("${")) {
        return wrong("--drop-pattern", "must not contain `${`: EKS treats it as a variable and rejects it");
    }
    if !options.drop_namespaces.iter().all(|name| is_label(name)) {
        return wrong("--drop-namespace", "must be the name of a namespace: lower-case letters, digits and `-`");
    }
    if !options.firehose_streams.iter().all(is_name) {
        return wrong("--firehose", "must be the name of an Amazon Data Firehose stream, not its ARN");
    }
    if !options.opensearch_hosts.iter().all(is_name) {
        return wrong("--opensearch", "must be the host of an OpenSearch domain, without https://");
    }
    Ok(())
}
