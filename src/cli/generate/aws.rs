//! `podferry generate iam`, `subscription` and `monitor`: their flags.

use clap::Args;

use super::common::CommonFlags;
use crate::cli::error::CommandError;
use manifests::{iam, monitor, subscription};

/// Policy of the pod execution role: what Fluent Bit may write to
#[derive(Debug, Clone, Args)]
pub(super) struct GenerateIamOptions {
    /// Form of the policy.
    #[arg(long = "as", value_enum, default_value_t)]
    form: iam::PolicyForm,
    /// Name of the pod execution role.
    #[arg(long, value_name = "NAME")]
    role: Option<String>,
    /// Allow Fluent Bit to write its own log, too.
    #[arg(long)]
    process_logs: bool,
    /// Amazon Data Firehose stream to allow; repeatable.
    #[arg(long = "firehose", value_name = "STREAM")]
    firehose_streams: Vec<String>,
    /// Name of an OpenSearch domain to allow; repeatable.
    #[arg(long = "opensearch-domain", value_name = "NAME")]
    opensearch_domains: Vec<String>,
    #[command(flatten)]
    common: CommonFlags,
}

impl GenerateIamOptions {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let GenerateIamOptions { common, form, role, process_logs, firehose_streams, opensearch_domains } = self;
        let options = iam::PolicyOptions { form, role, process_logs, firehose_streams, opensearch_domains };
        let file = iam::generate(&common.cluster()?, &options).map_err(CommandError::refused)?;
        common.output.write(&[file], &[])
    }
}

/// CloudFormation template with subscription filters for log groups
#[derive(Debug, Clone, Args)]
pub(super) struct GenerateSubscriptionOptions {
    /// Log groups to subscribe [default: the cluster's].
    #[arg(value_name = "GROUP")]
    log_groups: Vec<String>,
    /// The old spelling of GROUP.
    #[arg(long = "group", value_name = "NAME", hide = true, conflicts_with = "log_groups")]
    old_log_groups: Vec<String>,
    /// ARN of the forwarder [default: a parameter of the template].
    #[arg(long, value_name = "ARN")]
    forwarder_arn: Option<String>,
    /// CloudWatch Logs filter pattern; the empty pattern matches all events.
    #[arg(long, value_name = "PATTERN", default_value = "")]
    filter_pattern: String,
    /// Let each event say which account and region it came from, for log groups that centralize those of others.
    #[arg(long)]
    emit_system_fields: bool,
    #[command(flatten)]
    common: CommonFlags,
}

impl GenerateSubscriptionOptions {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let GenerateSubscriptionOptions {
            log_groups,
            old_log_groups,
            common,
            forwarder_arn,
            filter_pattern,
            emit_system_fields,
        } = self;
        let log_groups = [log_groups, old_log_groups].concat();
        let options =
            subscription::SubscriptionOptions { log_groups, forwarder_arn, filter_pattern, emit_system_fields };
        let cluster = common.cluster()?;
        let note = subscription::note(&cluster, &options).map(str::to_owned);
        let file = subscription::generate(&cluster, &options).map_err(CommandError::refused)?;
        common.output.write(&[file], &Vec::from_iter(note))
    }
}

/// Datadog monitors (no Agent reports, a namespace's logs stop, dead letters), and a dashboard of the log pipeline
#[derive(Debug, Clone, Args)]
pub(super) struct GenerateMonitorOptions {
    /// Handle to notify, such as @slack-ops; repeatable.
    #[arg(long, value_name = "HANDLE")]
    notify: Vec<String>,
    /// Name of the forwarder's function, for the dashboard and the queue of dead letters.
    #[arg(long = "function", value_name = "NAME")]
    function_name: Option<String>,
    #[command(flatten)]
    common: CommonFlags,
}

impl GenerateMonitorOptions {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let GenerateMonitorOptions { common, notify, function_name } = self;
        let options = monitor::MonitorOptions { notify, function_name };
        let files = monitor::generate(&common.cluster()?, &options).map_err(CommandError::refused)?;
        common.output.write(&files, &[])
    }
}
