//! `podferry generate logging`: its flags.

use clap::Args;

use super::common::CommonFlags;
use crate::cli::error::CommandError;
use manifests::logging;

/// Namespace aws-observability and ConfigMap aws-logging: how Fluent Bit writes the pods' logs
#[derive(Debug, Clone, Args)]
pub(super) struct GenerateLoggingOptions {
    #[command(flatten)]
    logging: LoggingFlags,
    #[command(flatten)]
    common: CommonFlags,
}

#[derive(Debug, Clone, Args)]
pub(super) struct LoggingFlags {
    /// Let Fluent Bit write its own log, too.
    #[arg(long)]
    process_logs: bool,
    /// Drop all lines of a namespace at the source; repeatable.
    #[arg(long = "drop-namespace", value_name = "NAME")]
    drop_namespaces: Vec<String>,
    /// Drop all lines of containers with this name; repeatable.
    #[arg(long = "drop-container", value_name = "NAME")]
    drop_containers: Vec<String>,
    /// Drop lines that match this regular expression; repeatable.
    #[arg(long = "drop-pattern", value_name = "REGEX")]
    drop_patterns: Vec<String>,
    /// Also write to this Amazon Data Firehose stream; repeatable.
    #[arg(long = "firehose", value_name = "STREAM")]
    firehose_streams: Vec<String>,
    /// Also write to this OpenSearch domain; repeatable.
    #[arg(long = "opensearch", value_name = "HOST")]
    opensearch_hosts: Vec<String>,
    /// Seconds between records of a pod's metadata, on average, with the preset compact [default: 15].
    #[arg(long, value_name = "SECONDS")]
    metadata_interval: Option<u64>,
}

impl GenerateLoggingOptions {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let GenerateLoggingOptions { common, logging } = self;
        let cluster = common.cluster()?;
        let (file, characters) = logging::generate(&cluster, &logging.into()).map_err(CommandError::refused)?;
        let mut notes = vec![format!("{characters} of {} characters used", logging::MAX_CHARACTERS)];
        notes.extend(logging::note(&cluster).map(str::to_owned));
        common.output.write(&[file], &notes)
    }
}

impl From<LoggingFlags> for logging::LoggingOptions {
    fn from(flags: LoggingFlags) -> logging::LoggingOptions {
        logging::LoggingOptions {
            process_logs: flags.process_logs,
            drop_namespaces: flags.drop_namespaces,
            drop_containers: flags.drop_containers,
            drop_patterns: flags.drop_patterns,
            firehose_streams: flags.firehose_streams,
            opensearch_hosts: flags.opensearch_hosts,
            metadata_interval: flags.metadata_interval,
        }
    }
}
