//! `podferry generate sidecar`: its flags.

use clap::Args;

use super::{Common, SidecarSize, refused};
use crate::cli::CommandError;
use crate::manifests::sidecar::{self, NativeLogs};
use crate::manifests::sidecar_patch;

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Sidecar {
    #[command(flatten)]
    common: Common,
    /// Talk to the Cluster Agent: its service and namespace, or its URL.
    #[arg(
        long,
        value_name = "SERVICE.NAMESPACE|URL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "datadog-cluster-agent.datadog",
        value_parser = sidecar::parse_cluster_agent
    )]
    cluster_agent: Option<String>,
    /// Name DogStatsD's port, and let the Agent know which container a metric is from.
    #[arg(long)]
    dogstatsd: bool,
    /// Take traces.
    #[arg(long)]
    apm: bool,
    /// DogStatsD and traces through sockets, as the Admission Controller sets them up; needs --container.
    #[arg(long)]
    sockets: bool,
    /// With --sockets: a container of the application, by name; may be given several times.
    #[arg(long = "container", value_name = "NAME")]
    containers: Vec<String>,
    /// Collect the processes of all containers.
    #[arg(long)]
    processes: bool,
    /// Let the Agent collect the pod's logs itself.
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_value_t, default_missing_value = "all")]
    native_logs: NativeLogs,
    /// For Jobs: the Agent ends when all other containers have.
    #[arg(long)]
    job: bool,
    /// Tag of all that the Agent sends; may be given several times.
    #[arg(long = "tags", value_name = "NAME:VALUE")]
    tags: Vec<String>,
    /// The Agent's image.
    #[arg(long, value_name = "NAME", default_value = sidecar::IMAGE)]
    image: String,
    /// The image's tag.
    #[arg(long, value_name = "TAG", default_value = sidecar::TAG)]
    tag: String,
    #[command(flatten)]
    size: SidecarSize,
}

impl Sidecar {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let cluster = self.common.cluster()?;
        let options = sidecar::Sidecar {
            image: sidecar::image(&self.image, &self.tag),
            cluster_agent_url: self.cluster_agent,
            tags: self.tags,
            dogstatsd: self.dogstatsd,
            apm: self.apm,
            sockets: self.sockets,
            processes: self.processes,
            native_logs: self.native_logs,
            ends_with_pod: self.job,
            resources: self.size.resources().unwrap_or_default(),
            ..sidecar::Sidecar::new(&cluster)
        };
        let file = sidecar_patch::generate(&cluster, &options, &self.containers).map_err(refused)?;
        self.common.output.write(&[file], &[])
    }
}
