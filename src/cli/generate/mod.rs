//! `podferry generate`: the list of what there is; each kind of manifest has a file with its flags.
//!
//! What stands in the files is the work of the crate `manifests`.

mod all;
mod annotations;
mod aws;
mod common;
mod fargate_profile;
mod injection;
mod logging;
mod output;
mod rbac;
mod secret;
mod sidecar;

use clap::{Args, Subcommand};

use super::error::CommandError;
use super::exit::Exit;

/// Generate manifests for Kubernetes, AWS and Datadog
///
/// Options that describe the cluster come from flags, or from podferry.yaml in the current folder. Manifests go to standard output, or
/// to files with --out.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  podferry generate logs --out prod
  podferry generate logs --agent --out prod
  podferry generate rbac --cluster prod --namespace shop --output json
  podferry generate logging --cluster prod --region eu-west-1 --preset lean | kubectl apply -f -")]
pub(super) struct GenerateOptions {
    #[command(subcommand)]
    kind: GenerateKind,
}

/// What to generate.
#[derive(Debug, Subcommand)]
enum GenerateKind {
    Logging(logging::GenerateLoggingOptions),
    Iam(aws::GenerateIamOptions),
    Subscription(aws::GenerateSubscriptionOptions),
    Monitor(aws::GenerateMonitorOptions),
    Rbac(rbac::GenerateRbacOptions),
    Secret(secret::GenerateSecretOptions),
    Sidecar(sidecar::GenerateSidecarOptions),
    /// Values for Datadog's Helm chart: the Cluster Agent, which injects sidecars
    HelmValues(injection::GenerateInjectionOptions),
    /// DatadogAgent resource for the Datadog Operator, equivalent to helm-values
    Operator(injection::GenerateInjectionOptions),
    Annotations(annotations::GenerateAnnotationsOptions),
    FargateProfile(fargate_profile::GenerateFargateProfileOptions),
    Logs(all::GenerateLogsOptions),
    All(all::GenerateAllOptions),
}

impl GenerateOptions {
    pub(super) fn run(self) -> Result<Exit, CommandError> {
        match self.kind {
            GenerateKind::Logging(options) => options.run(),
            GenerateKind::Iam(options) => options.run(),
            GenerateKind::Subscription(options) => options.run(),
            GenerateKind::Monitor(options) => options.run(),
            GenerateKind::Rbac(options) => options.run(),
            GenerateKind::Secret(options) => options.run(),
            GenerateKind::Sidecar(options) => options.run(),
            GenerateKind::HelmValues(options) => options.helm_values(),
            GenerateKind::Operator(options) => options.operator(),
            GenerateKind::Annotations(options) => options.run(),
            GenerateKind::FargateProfile(options) => options.run(),
            GenerateKind::Logs(options) => options.run(),
            GenerateKind::All(options) => options.run(),
        }?;
        Ok(Exit::Done)
    }
}
