//! How Fluent Bit writes logs: the presets that people choose from.

use std::fmt;

/// How logs are to be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LoggingPreset {
    /// Whole lines, with all the metadata that tags need.
    #[default]
    Standard,
    /// All tags at a fraction of the bytes: lines without metadata, and the metadata in separate records. Needs
    /// PODFERRY_METADATA_RECORDS.
    Compact,
    /// No metadata, lowest cost; pod, namespace and container come from the name of the log stream.
    Lean,
    /// As in the Amazon EKS guide: JSON logs are parsed into fields.
    Merged,
    /// As in Datadog's documentation, for comparison.
    Seed,
}

impl fmt::Display for LoggingPreset {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            LoggingPreset::Standard => "standard",
            LoggingPreset::Compact => "compact",
            LoggingPreset::Lean => "lean",
            LoggingPreset::Merged => "merged",
            LoggingPreset::Seed => "seed",
        })
    }
}
