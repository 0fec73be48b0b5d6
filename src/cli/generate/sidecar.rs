//! `podferry generate sidecar`: its flags.

use clap::Args;

use super::{Common, refused};
use crate::cli::CommandError;
use crate::cli::flags::ContainerFlags;
use manifests::{sidecar, sidecar_patch};

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Sidecar {
    #[command(flatten)]
    common: Common,
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
    /// For Jobs: the Agent ends when all other containers have.
    #[arg(long)]
    job: bool,
    /// Tag of all that the Agent sends; may be given several times.
    #[arg(long = "tags", value_name = "NAME:VALUE")]
    tags: Vec<String>,
    #[command(flatten)]
    container: ContainerFlags,
}

impl Sidecar {
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
        let file = sidecar_patch::generate(&cluster, &options, &self.containers).map_err(refused)?;
        self.common.output.write(&[file], &[])
    }
}
