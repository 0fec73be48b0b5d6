//! `podferry generate annotations`: its flags, and the files that it reads.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;

use crate::cli::error::CommandError;
use crate::cli::input::read;
use crate::cli::named::named;
use manifests::{annotations, annotations_v1};

/// Autodiscovery v2 annotations: what the Agent checks in a container
#[derive(Debug, Clone, Args)]
pub(super) struct GenerateAnnotationsOptions {
    /// Name of the container in the pod.
    #[arg(long, value_name = "NAME", required_unless_present = "from_v1")]
    container: Option<String>,
    /// Integration to run, such as redisdb.
    #[arg(long, value_name = "NAME", required_unless_present = "from_v1")]
    check: Option<String>,
    /// Instance of the check; repeatable.
    #[arg(long = "instance", value_name = "JSON", required_unless_present_any = ["file", "from_v1"])]
    instances: Vec<String>,
    /// Configuration that all instances share.
    #[arg(long, value_name = "JSON")]
    init_config: Option<String>,
    /// Take instances and init_config from an Agent check file (conf.yaml); `-` for standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["instances", "init_config"])]
    file: Option<PathBuf>,
    /// Convert the v1 annotations (check_names, init_configs, instances) of these manifests; `-` for standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["container", "check", "instances", "init_config", "file"])]
    from_v1: Option<PathBuf>,
    #[command(flatten)]
    output: super::output::FilesOutput,
}

impl GenerateAnnotationsOptions {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let (file, notes) = match &self.from_v1 {
            Some(path) => annotations_v1::convert(&documents(path)?).map_err(CommandError::refused)?,
            None => (annotations::generate(&[self.checks()?]), Vec::new()),
        };
        self.output.write(&[file], &notes)
    }

    fn checks(&self) -> Result<annotations::Checks, CommandError> {
        let (container, check) =
            (self.container.as_deref().unwrap_or_default(), self.check.as_deref().unwrap_or_default());
        let checks = match &self.file {
            Some(path) => {
                let documents = documents(path)?;
                annotations::check_of_file(container, check, documents.first().unwrap_or(&Value::Null))
            }
            None => annotations::check(container, check, self.init_config.as_deref(), &self.instances),
        };
        checks.map_err(CommandError::refused)
    }
}

/// The documents of a file of YAML or JSON.
fn documents(path: &Path) -> Result<Vec<Value>, CommandError> {
    let bytes = read(path)?;
    let documents = serde_saphyr::from_multiple(&String::from_utf8_lossy(&bytes));
    documents.map_err(|error| CommandError::Manifest { path: named(path), problem: error.to_string() })
}
