//! `podferry.yaml`: what describes a cluster, for commands that are run in its folder. Flags win.

use std::path::Path;

use super::error::CommandError;
use manifests::cluster::{Cluster, ClusterOptions, FILE};

/// What a file says; without one, `podferry.yaml` of the current folder, where it exists.
pub(super) fn read(config: Option<&Path>) -> Result<ClusterOptions, CommandError> {
    match config {
        Some(path) => read_file(path),
        None if Path::new(FILE).exists() => read_file(Path::new(FILE)),
        None => Ok(ClusterOptions::default()),
    }
}

fn read_file(path: &Path) -> Result<ClusterOptions, CommandError> {
    let text = std::fs::read_to_string(path).map_err(|error| CommandError::file(path, error))?;
    ClusterOptions::from_yaml(&text).map_err(|mistakes| {
        let lines = mistakes.iter().map(|mistake| format!("{}:{}: {}", path.display(), mistake.line, mistake.problem));
        refused_lines(lines.collect())
    })
}

/// The cluster that flags and a file describe.
pub(super) fn cluster(flags: ClusterOptions, config: Option<&Path>) -> Result<Cluster, CommandError> {
    check(flags.or(read(config)?))
}

/// Options whose values are right.
pub(super) fn check(options: ClusterOptions) -> Result<Cluster, CommandError> {
    options.check().map_err(refused_lines)
}

/// Several mistakes, below one another after `error: `.
fn refused_lines(mistakes: Vec<String>) -> CommandError {
    CommandError::Refused(mistakes.join("\n       "))
}
