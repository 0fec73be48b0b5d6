//! How Fluent Bit writes logs: the presets that people choose from.

use std::fmt;

/// How logs are to be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LoggingPreset {
    /// Every line whole, and all that tags are made of.
    #[default]
    Standard,
    /// No metadata: the cheapest. Pod, namespace and container come from the stream's name.
    Lean,
    /// As the Amazon EKS guide has it: JSON logs are taken apart.
    Merged,
    /// As Datadog's page has it, for comparison.
    Seed,
}

impl fmt::Display for LoggingPreset {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            LoggingPreset::Standard => "standard",
            LoggingPreset::Lean => "lean",
            LoggingPreset::Merged => "merged",
            LoggingPreset::Seed => "seed",
        })
    }
}
