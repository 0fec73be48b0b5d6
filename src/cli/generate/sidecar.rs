//! `podferry generate sidecar`: its flags.

use clap::Args;

use super::common::CommonFlags;
use crate::cli::error::CommandError;
use crate::cli::flags::ContainerFlags;
use manifests::{sidecar, sidecar_patch};

/// Datadog Agent sidecar: a patch for a workload
#[derive(Debug, Clone, Args)]
pub(super) struct GenerateSidecarOptions {
    /// Expose the DogStatsD port, and let the Agent detect which container a metric comes from.
    #[arg(long)]
    dogstatsd: bool,
    /// Accept traces.
    #[arg(long)]
    apm: bool,
    /// Use sockets for DogStatsD and traces, as the Admission Controller does; needs --container.
    #[arg(long)]
    sockets: bool,
    /// With --sockets: name of an application container; repeatable.
    #[arg(long = "container", value_name = "NAME")]
    containers: Vec<String>,
    /// For Jobs: stop the Agent when all other containers have finished.
    #[arg(long)]
    job: bool,
    /// Tag for everything that the Agent sends; repeatable.
    #[arg(long = "tags", value_name = "NAME:VALUE")]
    tags: Vec<String>,
    #[command(flatten)]
    container: ContainerFlags,
    #[command(flatten)]
    common: CommonFlags,
}

impl GenerateSidecarOptions {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let cluster = self.common.cluster()?;
        let options = sidecar::Sidecar {
            tags: self.tags,
            dogstatsd: self.dogstatsd,
            apm: self.apm,
            sockets: self.sockets,
            ends_with_pod: self.job,
            ..self.container.put_into(sidecar::Sidecar::new(&cluster))
        };
        let file = sidecar_patch::generate(&cluster, &options, &self.containers).map_err(CommandError::refused)?;
        self.common.output.write(&[file], &[])
    }
}
