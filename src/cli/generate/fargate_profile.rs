//! `podferry generate fargate-profile`: its flags.

use clap::Args;

use super::common::CommonFlags;
use crate::cli::error::CommandError;
use crate::cli::flags::pair;
use manifests::fargate_profile;

/// Fargate profiles for eksctl: which pods run on Fargate
#[derive(Debug, Clone, Args)]
pub(super) struct GenerateFargateProfileOptions {
    /// Name of the profile.
    #[arg(long, value_name = "NAME", default_value = "pods")]
    name: String,
    /// Select only pods with this label; repeatable.
    #[arg(long = "label", value_name = "LABEL=VALUE", value_parser = pair)]
    labels: Vec<(String, String)>,
    /// Existing pod execution role.
    #[arg(long, value_name = "ARN")]
    pod_execution_role: Option<String>,
    /// The cluster has only Fargate nodes, so the Cluster Agent and the system pods run there, too.
    #[arg(long)]
    fargate_only: bool,
    #[command(flatten)]
    common: CommonFlags,
}

impl GenerateFargateProfileOptions {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let cluster = self.common.cluster()?;
        let more_namespaces = if self.fargate_only { fargate_profile::OF_A_CLUSTER.as_slice() } else { &[] };
        let options = fargate_profile::FargateProfileOptions {
            name: self.name,
            labels: self.labels,
            pod_execution_role: self.pod_execution_role,
            more_namespaces: more_namespaces.iter().map(|name| (*name).to_owned()).collect(),
        };
        let file = fargate_profile::generate(&cluster, &options).map_err(CommandError::refused)?;
        let notes = Vec::from_iter(fargate_profile::note(&cluster, &options));
        self.common.output.write(&[file], &notes)
    }
}
