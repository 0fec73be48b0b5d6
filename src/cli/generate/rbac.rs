//! `podferry generate rbac`: its flags.

use clap::Args;

use super::{Common, refused};
use crate::cli::CommandError;
use manifests::rbac;

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Rbac {
    #[command(flatten)]
    common: Common,
    /// Another service account with pods that have a sidecar; may be given several times.
    #[arg(long = "subject", value_name = "NAMESPACE/SERVICE-ACCOUNT", value_parser = rbac::subject)]
    subjects: Vec<(String, String)>,
    /// Leave the ServiceAccounts out: something else makes them.
    #[arg(long)]
    without_service_accounts: bool,
}

impl Rbac {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let options =
            rbac::RbacOptions { subjects: self.subjects, without_service_accounts: self.without_service_accounts };
        let file = rbac::generate(&self.common.cluster()?, &options).map_err(refused)?;
        self.common.output.write(&[file], &[])
    }
}
