//! `podferry cost`: its options.

use clap::Args;

use crate::aws::backfill::cost::{INDEXED_PER_MILLION, INGESTED_PER_GB};
use crate::cli::account::AccountFlags;
use crate::cli::error::CommandError;
use crate::cli::selection::groups_of;
use manifests::cluster::ClusterOptions;

/// Show what log groups cost a month, which pods cause it, and what would cost less
///
/// Reads files with events, or samples live log groups: short windows spread over a period (FilterLogEvents, at most two calls a second).
/// Dollars are estimates by list prices. Shows only patterns of lines, without numbers, quoted text and addresses. Changes nothing.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "Examples:
  podferry cost /aws/eks/prod/fargate
  podferry cost event.json --gb-per-month 500 --region eu-west-1
  aws logs filter-log-events --log-group-name /aws/eks/prod/fargate | podferry cost -
  podferry cost /aws/eks/prod/fargate --datadog-ingest -o json | jq '.groups[].savings[] | .what, .aws'
  podferry cost --curve")]
pub(crate) struct CostOptions {
    /// Log groups, by name or ARN, or files: events of the function ({"awslogs":…}), their decoded content, output of `aws logs
    /// filter-log-events`, one document or many, and whatever `podferry preview` opens; `-` for standard input [default: log_groups in podferry.yaml].
    #[arg(value_name = "GROUP|FILE")]
    pub(super) inputs: Vec<String>,
    /// Sample log groups from this time on: a time such as 2026-11-20T08:00:00Z, or an age such as 6h or 7d.
    #[arg(long, value_name = "TIME", default_value = "24h")]
    pub(super) since: String,
    /// Number of windows to read in each log group.
    #[arg(long, value_name = "NUMBER", default_value_t = 48, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(super) samples: u32,
    /// Gigabytes that are ingested a month, if you know better than CloudWatch's metrics or the file's span.
    #[arg(long, value_name = "GB", value_parser = amount)]
    pub(super) gb_per_month: Option<f64>,
    /// Price in dollars of ingesting a gigabyte into CloudWatch Logs [default: the region's list price].
    #[arg(long, value_name = "DOLLARS", value_parser = amount)]
    pub(super) price: Option<f64>,
    /// Of files: days that the log group keeps its events [default: retention_days in podferry.yaml, then 7].
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i64).range(1..=3653))]
    pub(super) retention_days: Option<i64>,
    /// Of files: the log group is of the Infrequent Access class.
    #[arg(long)]
    pub(super) infrequent_access: bool,
    /// Include what Datadog asks for ingesting and indexing all of the logs.
    #[arg(long)]
    pub(super) datadog_ingest: bool,
    /// Price in dollars of ingesting a gigabyte into Datadog.
    #[arg(long, value_name = "DOLLARS", default_value_t = INGESTED_PER_GB, value_parser = amount)]
    pub(super) price_per_gb: f64,
    /// Price in dollars of indexing a million logs in Datadog.
    #[arg(long, value_name = "DOLLARS", default_value_t = INDEXED_PER_MILLION, value_parser = amount)]
    pub(super) price_per_million: f64,
    /// Number of containers and of patterns to show.
    #[arg(long, value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) top: u16,
    /// Show how the preset compact compares with standard by lines a minute, and nothing else.
    #[arg(long, conflicts_with = "inputs")]
    pub(super) curve: bool,
    #[command(flatten)]
    pub(super) aws: AccountFlags,
}

fn amount(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|amount| (0.0..=1e9).contains(amount))
        .ok_or_else(|| "must be a number, such as 0.1".to_owned())
}

impl CostOptions {
    /// Takes from the file what the flags do not say.
    pub(super) fn fill(&mut self) -> Result<ClusterOptions, CommandError> {
        let file = self.aws.read_file()?;
        if self.inputs.is_empty() {
            self.inputs = groups_of(&file);
        }
        if self.inputs.is_empty() {
            let problem = "what of? Give log groups or files, or write `log_groups` or `log_group` into podferry.yaml";
            return Err(CommandError::refused(problem));
        }
        self.retention_days = self.retention_days.or(file.retention_days);
        Ok(file)
    }
}
