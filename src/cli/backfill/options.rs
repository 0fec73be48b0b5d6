//! `podferry backfill`: its options.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::aws::backfill::cost::{INDEXED_PER_MILLION, INGESTED_PER_GB};
use crate::aws::backfill::rate::DEFAULT_RATE;
use crate::cli::account::AccountFlags;
use crate::cli::error::CommandError;
use crate::cli::selection::groups_of;

/// Send past logs from CloudWatch Logs to Datadog
///
/// Reads log groups with FilterLogEvents, within the account's quota, and processes the events as the function would (joined, tagged,
/// masked), with the settings of this process (DD_API_KEY, DD_SITE, DD_TAGS, …) or of a function (--function). Shows what it would
/// send, and asks. If it is interrupted, run the same command again: it continues from a checkpoint file, and sends at most one
/// page of events twice.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "Examples:
  podferry backfill /aws/eks/prod/fargate --from 6h --dry-run
  podferry backfill /aws/eks/prod/fargate --from 3d --to 2d --late-as original_timestamp

Exit codes:
  0    everything is in Datadog
  1    Datadog rejected some logs, which are now in a file
  2    it failed, or stopped before the end
  130  you pressed Ctrl-C")]
pub(crate) struct BackfillOptions {
    /// Log groups, by name or ARN [default: log_groups in podferry.yaml].
    #[arg(value_name = "GROUP")]
    pub(super) groups: Vec<String>,
    /// The old spelling of GROUP.
    #[arg(long = "group", value_name = "NAME", hide = true, conflicts_with = "groups")]
    old_groups: Vec<String>,
    /// Only log streams whose names begin with this text.
    #[arg(long, value_name = "TEXT")]
    pub(super) stream_prefix: Option<String>,
    /// Start: a time such as 2026-11-20T08:00:00Z, or an age such as 90m, 2h or 3d.
    #[arg(long, value_name = "TIME")]
    pub(super) from: String,
    /// End, exclusive: a time or an age, as for --from.
    #[arg(long, value_name = "TIME", default_value = "now")]
    pub(super) to: String,
    /// Only events that match this CloudWatch Logs filter pattern.
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    pub(super) filter_pattern: Option<String>,
    /// Take the settings from this function, given by name or ARN [default: podferry.yaml, then the variables of this process].
    #[arg(long, value_name = "NAME|ARN")]
    pub(super) function: Option<String>,
    /// Also send logs older than 18 hours, which Datadog would drop: with the current time, and their own time in this
    /// attribute.
    #[arg(long, value_name = "ATTRIBUTE")]
    pub(super) late_as: Option<LateAs>,
    /// Checkpoint file, which records what was sent [default: podferry-backfill-<hash of the query>.json].
    #[arg(long, value_name = "FILE")]
    pub(super) checkpoint: Option<PathBuf>,
    /// File for logs that Datadog rejects permanently [default: next to the checkpoint].
    #[arg(long, value_name = "FILE")]
    pub(super) rejected: Option<PathBuf>,
    /// FilterLogEvents calls per second; the quota is five, shared by everyone in the account and region.
    #[arg(long, value_name = "NUMBER", default_value_t = DEFAULT_RATE, value_parser = rate)]
    pub(super) rate: f64,
    /// Number of time ranges to read at once.
    #[arg(long, value_name = "NUMBER", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=32))]
    pub(super) concurrency: u8,
    /// Read and count events without sending anything, whatever --yes says.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Start without asking.
    #[arg(long)]
    pub(super) yes: bool,
    /// Price in dollars of ingesting a gigabyte of logs, for estimates.
    #[arg(long, value_name = "DOLLARS", default_value_t = INGESTED_PER_GB, value_parser = price)]
    pub(super) price_per_gb: f64,
    /// Price in dollars of indexing a million logs, for estimates.
    #[arg(long, value_name = "DOLLARS", default_value_t = INDEXED_PER_MILLION, value_parser = price)]
    pub(super) price_per_million: f64,
    #[command(flatten)]
    pub(super) aws: AccountFlags,
}

/// What to do with logs that are too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LateAs {
    #[value(name = "original_timestamp")]
    OriginalTimestamp,
}

fn rate(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|rate| (0.01..=1000.0).contains(rate))
        .ok_or_else(|| "must be from 0.01 to 1000".to_owned())
}

fn price(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|price| (0.0..=1e6).contains(price))
        .ok_or_else(|| "must be an amount in dollars, such as 0.1".to_owned())
}

impl BackfillOptions {
    /// Takes from the file what the flags do not say.
    pub(super) fn fill(&mut self) -> Result<(), CommandError> {
        let file = self.aws.read_file()?;
        self.groups.append(&mut self.old_groups);
        if self.groups.is_empty() {
            self.groups = groups_of(&file);
        }
        if self.groups.is_empty() {
            let problem = "which log groups? Give their names, or write `log_groups` or `log_group` into podferry.yaml";
            return Err(CommandError::refused(problem));
        }
        self.function = self.function.take().or(file.function);
        Ok(())
    }
}
