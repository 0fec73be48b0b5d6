//! `podferry preview`: its options, and what they lead to.

use std::path::PathBuf;

use clap::Args;

use crate::cli::account::AccountFlags;
use crate::cli::captured::Captured;
use crate::cli::page::PageFlag;
use pipeline::PipelineSettings;

/// How many events of a live group are read unless a flag says otherwise: enough to see what becomes of them, in a call or a few.
const MAX_EVENTS: usize = 5_000;

/// The ARN that a log has when no function made it.
pub(super) const NO_FUNCTION: &str = "arn:aws:lambda:region:account:function:podferry-preview";

/// Show what Datadog would receive for logs, without sending them
///
/// Takes what you have: the event that the function is invoked with ({"awslogs":{"data":"…"}}) or its decoded content, the output of `aws
/// logs filter-log-events`, `get-log-events` or `tail`, exports of Logs Insights (CSV, JSON), of the console and to S3, messages of podferry's
/// queues, log files of containers, plain lines; compressed or not. Or reads a log group with --group. Shows what would be sent now: logs that
/// are too old for Datadog have the time of sending. The forwarder's environment variables (DD_TAGS, DD_ENV, …) apply.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  podferry preview event.json
  DD_ENV=prod podferry preview event.json --logs 5
  podferry preview event.json --ui
  podferry preview event.json -o json --explain | jq '.logs[] | select(.shipped | not)'
  aws logs filter-log-events --log-group-name /aws/eks/prod/fargate --limit 100 | podferry preview - --log-group /aws/eks/prod/fargate
  podferry preview --group /aws/eks/prod/fargate --since 10m --function podferry")]
pub(crate) struct PreviewOptions {
    /// Files with logs, in any of these forms; `-` for standard input.
    #[arg(value_name = "FILE", required_unless_present = "group")]
    pub(super) files: Vec<PathBuf>,
    /// Name of the log group, where a file does not have it.
    #[arg(long, value_name = "NAME", requires = "files")]
    pub(super) log_group: Option<String>,
    /// Name of the log stream, where a file does not have it.
    #[arg(long, value_name = "NAME", requires = "files")]
    pub(super) log_stream: Option<String>,
    /// Show what was sent when the logs were new: none is too old.
    #[arg(long)]
    pub(super) as_new: bool,
    /// Read this log group instead of files, by name or ARN.
    #[arg(long, value_name = "NAME", conflicts_with = "files")]
    pub(super) group: Option<String>,
    /// With --group: a time, or an age such as 10m or 2h, to read from.
    #[arg(long, value_name = "TIME", default_value = "10m", requires = "group")]
    pub(super) since: String,
    /// With --group: read at most this many events.
    #[arg(long, value_name = "NUMBER", default_value_t = MAX_EVENTS, requires = "group")]
    pub(super) limit: usize,
    /// With --group: take the settings from this function, given by name or ARN, instead of the variables of this process.
    #[arg(long, value_name = "NAME|ARN", requires = "group")]
    pub(super) function: Option<String>,
    /// With `--output json`: list what happened to every log, including dropped ones, and why.
    #[arg(long)]
    pub(super) explain: bool,
    /// Number of logs to show in full [default: 1].
    #[arg(long, value_name = "NUMBER")]
    pub(super) logs: Option<usize>,
    #[command(flatten)]
    pub(super) page: PageFlag,
    #[command(flatten)]
    pub(super) aws: AccountFlags,
}

/// What is to be shown.
pub(super) struct Preview {
    pub(super) captured: Vec<Captured>,
    pub(super) settings: PipelineSettings,
    pub(super) function_arn: String,
}
