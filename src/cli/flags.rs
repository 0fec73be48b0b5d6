//! Flags that `generate` and `inject` share.

use clap::Args;

use manifests::agent::{self, Resources};
use manifests::sidecar::{NativeLogs, Sidecar};

/// What there is to choose about the Agent's container, however it gets into a pod.
#[derive(Debug, Clone, Args)]
#[group(id = "container_flags", multiple = true)]
pub(super) struct ContainerFlags {
    /// Connect to the Cluster Agent, given by service and namespace or by URL [without a value: datadog-cluster-agent.datadog].
    #[arg(
        long,
        value_name = "SERVICE.NAMESPACE|URL",
        num_args = 0..=1,
        default_missing_value = "datadog-cluster-agent.datadog",
        value_parser = agent::parse_cluster_agent
    )]
    cluster_agent: Option<String>,
    /// Collect the processes of all containers.
    #[arg(long)]
    processes: bool,
    /// Image of the Agent.
    #[arg(long, value_name = "NAME", default_value = agent::IMAGE)]
    image: String,
    /// Tag of the image, unless --image has one.
    #[arg(long, value_name = "TAG", default_value = agent::TAG)]
    image_tag: String,
    /// The old spelling of --image-tag.
    #[arg(long = "tag", value_name = "TAG", hide = true, conflicts_with = "image_tag")]
    old_tag: Option<String>,
    #[command(flatten)]
    logs: LogFlags,
    #[command(flatten)]
    size: SizeFlags,
}

impl ContainerFlags {
    /// The sidecar with what was chosen.
    pub(super) fn put_into(self, sidecar: Sidecar) -> Sidecar {
        Sidecar {
            image: agent::image(&self.image, self.old_tag.as_ref().unwrap_or(&self.image_tag)),
            cluster_agent_url: self.cluster_agent.or(sidecar.cluster_agent_url),
            processes: self.processes,
            native_logs: self.logs.native_logs,
            resources: self.size.resources().unwrap_or_default(),
            ..sidecar
        }
    }
}

/// Whether a sidecar collects logs.
#[derive(Debug, Clone, Args)]
#[group(id = "log_flags", multiple = true)]
pub(super) struct LogFlags {
    /// Let the Agent collect the pod's logs itself [without a value: all].
    #[arg(
        long,
        value_name = "WHICH",
        value_enum,
        num_args = 0..=1,
        require_equals = true,
        default_value_t,
        default_missing_value = "all"
    )]
    pub(super) native_logs: NativeLogs,
}

/// What a sidecar asks for.
#[derive(Debug, Clone, Args)]
#[group(id = "size_flags", multiple = true)]
pub(super) struct SizeFlags {
    /// CPU request and limit of a sidecar [default: 200m].
    #[arg(long, value_name = "AMOUNT")]
    cpu: Option<String>,
    /// Memory request and limit of a sidecar [default: 256Mi].
    #[arg(long, value_name = "AMOUNT")]
    memory: Option<String>,
}

impl SizeFlags {
    /// `None` if nothing was asked for.
    pub(super) fn resources(self) -> Option<Resources> {
        let default = Resources::default();
        match (self.cpu, self.memory) {
            (None, None) => None,
            (cpu, memory) => {
                Some(Resources { cpu: cpu.unwrap_or(default.cpu), memory: memory.unwrap_or(default.memory) })
            }
        }
    }
}

/// `NAME=VALUE`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() && !text.contains(['\n', '\r']) => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("must be NAME=VALUE".to_owned()),
    }
}
