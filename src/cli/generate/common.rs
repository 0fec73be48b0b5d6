//! What all kinds of manifests take: the options of the cluster, and where the files go.

use std::path::PathBuf;

use clap::Args;

use super::output::FilesOutput;
use crate::cli::error::CommandError;
use crate::cli::notes::note;
use crate::cli::project;
use manifests::cluster::{Cluster, ClusterOptions};

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Cluster and output")]
pub(super) struct CommonFlags {
    #[command(flatten)]
    cluster: ClusterOptions,
    /// File with these options; flags win [default: podferry.yaml, if it exists].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    pub(super) output: FilesOutput,
}

impl CommonFlags {
    /// The cluster that flags and file describe.
    pub(super) fn cluster(&self) -> Result<Cluster, CommandError> {
        let cluster = project::cluster(self.cluster.clone(), self.config.as_deref())?;
        cluster.name_note().iter().for_each(|text| note!("{text}"));
        Ok(cluster)
    }
}
