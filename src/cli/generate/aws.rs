//! The flags of `podferry generate iam`, `subscription` and `monitor`.

use clap::Args;

use manifests::{iam, monitor, subscription};

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct IamOptions {
    /// How the policy is written.
    #[arg(long = "as", value_enum, default_value_t)]
    form: iam::PolicyForm,
    /// Name of the pod execution role.
    #[arg(long, value_name = "NAME")]
    role: Option<String>,
    /// Fluent Bit writes its own log, too.
    #[arg(long)]
    process_logs: bool,
    /// A stream of Amazon Data Firehose that is written to; may be given several times.
    #[arg(long = "firehose", value_name = "STREAM")]
    firehose_streams: Vec<String>,
    /// The name of a domain of OpenSearch that is written to; may be given several times.
    #[arg(long = "opensearch-domain", value_name = "NAME")]
    opensearch_domains: Vec<String>,
}

impl From<IamOptions> for iam::PolicyOptions {
    fn from(options: IamOptions) -> iam::PolicyOptions {
        let IamOptions { form, role, process_logs, firehose_streams, opensearch_domains } = options;
        iam::PolicyOptions { form, role, process_logs, firehose_streams, opensearch_domains }
    }
}

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct SubscriptionOptions {
    /// A log group; may be given several times [default: the cluster's].
    #[arg(long = "group", value_name = "NAME")]
    log_groups: Vec<String>,
    /// ARN of the forwarder; without it the template asks for it.
    #[arg(long, value_name = "ARN")]
    forwarder_arn: Option<String>,
    /// Filter pattern of CloudWatch Logs; without it everything is taken.
    #[arg(long, value_name = "PATTERN", default_value = "")]
    filter_pattern: String,
}

impl From<SubscriptionOptions> for subscription::SubscriptionOptions {
    fn from(options: SubscriptionOptions) -> subscription::SubscriptionOptions {
        let SubscriptionOptions { log_groups, forwarder_arn, filter_pattern } = options;
        subscription::SubscriptionOptions { log_groups, forwarder_arn, filter_pattern }
    }
}

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct MonitorOptions {
    /// Whom to tell, such as @slack-ops; may be given several times.
    #[arg(long, value_name = "HANDLE")]
    notify: Vec<String>,
    /// The forwarder's function name, for the dashboard.
    #[arg(long = "function", value_name = "NAME")]
    function_name: Option<String>,
}

impl From<MonitorOptions> for monitor::MonitorOptions {
    fn from(options: MonitorOptions) -> monitor::MonitorOptions {
        let MonitorOptions { notify, function_name } = options;
        monitor::MonitorOptions { notify, function_name }
    }
}
