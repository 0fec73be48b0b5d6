//! `podferry generate rbac`: its flags.

use clap::Args;

use super::common::CommonFlags;
use crate::cli::error::CommandError;
use manifests::rbac;

/// ClusterRole, ClusterRoleBinding and ServiceAccounts: what the Agent in a pod may read
#[derive(Debug, Clone, Args)]
pub(super) struct GenerateRbacOptions {
    /// Also bind this service account, if its pods have a sidecar; repeatable.
    #[arg(long = "subject", value_name = "NAMESPACE/SERVICE-ACCOUNT", value_parser = rbac::subject)]
    subjects: Vec<(String, String)>,
    /// Leave out the ServiceAccounts, if something else creates them.
    #[arg(long)]
    without_service_accounts: bool,
    #[command(flatten)]
    common: CommonFlags,
}

impl GenerateRbacOptions {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let options =
            rbac::RbacOptions { subjects: self.subjects, without_service_accounts: self.without_service_accounts };
        let file = rbac::generate(&self.common.cluster()?, &options).map_err(CommandError::refused)?;
        self.common.output.write(&[file], &[])
    }
}
