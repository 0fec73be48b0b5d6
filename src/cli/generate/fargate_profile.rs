//! `podferry generate fargate-profile`: its flags.

use clap::Args;

use super::{Common, refused};
use crate::cli::CommandError;
use crate::cli::flags::pair;
use manifests::fargate_profile;

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct FargateProfile {
    #[command(flatten)]
    common: Common,
    /// The profile's name.
    #[arg(long, value_name = "NAME", default_value = "pods")]
    name: String,
    /// Only pods with this label; may be given several times.
    #[arg(long = "label", value_name = "LABEL=VALUE", value_parser = pair)]
    labels: Vec<(String, String)>,
    /// The pod execution role, if there is one already.
    #[arg(long, value_name = "ARN")]
    pod_execution_role: Option<String>,
    /// There are no other nodes: the Cluster Agent and Kubernetes' own pods have to run on Fargate, too.
    #[arg(long)]
    fargate_only: bool,
}

impl FargateProfile {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let cluster = self.common.cluster()?;
        let more_namespaces = if self.fargate_only { fargate_profile::OF_A_CLUSTER.as_slice() } else { &[] };
        let options = fargate_profile::FargateProfileOptions {
            name: self.name,
            labels: self.labels,
            pod_execution_role: self.pod_execution_role,
            more_namespaces: more_namespaces.iter().map(|name| (*name).to_owned()).collect(),
        };
        let file = fargate_profile::generate(&cluster, &options).map_err(refused)?;
        self.common.output.write(&[file], &[])
    }
}
