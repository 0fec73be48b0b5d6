//! What `simulate` and `diff` are given: ConfigMaps, lines, and the pod that writes them.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use manifests::lint::source::SourceFile;
use manifests::simulate::config_map::configuration;
use manifests::simulate::core::Core;
use manifests::simulate::invented::PodContainer;
use manifests::simulate::lines::container_lines;
use manifests::simulate::simulation::ConfigurationTexts;

use super::report::Input;
use crate::cli::error::CommandError;
use crate::cli::input::read;
use crate::cli::named::named;
use crate::cli::notes::note;

/// What is simulated where no lines are given: what applications commonly write.
const SAMPLES: &str = include_str!("samples.log");

/// Lines, and what writes and reads them.
#[derive(Debug, Args)]
pub(super) struct InputFlags {
    /// File with log lines; `-` for standard input.
    #[arg(value_name = "LINES")]
    pub(super) lines: Option<PathBuf>,
    /// Only this version of Fluent Bit: 1.9 or 5.
    #[arg(long, value_enum, value_name = "VERSION")]
    core: Option<CoreVersion>,
    /// Manifest of the pod that writes the lines, YAML or JSON; without it, a pod is invented.
    #[arg(long, value_name = "FILE")]
    pod: Option<PathBuf>,
    /// The container of the pod; without it, the first.
    #[arg(long, value_name = "NAME", requires = "pod")]
    container: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CoreVersion {
    #[value(name = "1.9")]
    Older,
    #[value(name = "5", alias = "5.x")]
    Newer,
}

impl InputFlags {
    /// The versions to run.
    pub(super) fn cores(&self) -> Vec<Core> {
        match self.core {
            Some(CoreVersion::Older) => vec![Core::Older],
            Some(CoreVersion::Newer) => vec![Core::Newer],
            None => Core::BOTH.to_vec(),
        }
    }

    pub(super) fn read(&self) -> Result<Input, CommandError> {
        let container = match &self.pod {
            None => PodContainer::invented(),
            Some(path) => {
                let text = String::from_utf8_lossy(&read(path)?).into_owned();
                let pod = serde_saphyr::from_str(&text)
                    .map_err(|_| CommandError::refused(format!("{}: it is neither YAML nor JSON", named(path))))?;
                PodContainer::of_pod(pod, self.container.as_deref())
                    .map_err(|problem| CommandError::refused(format!("{}: {problem}", named(path))))?
            }
        };
        let now = Timestamp::now();
        let bytes = match &self.lines {
            Some(path) => read(path)?,
            None => SAMPLES.as_bytes().to_vec(),
        };
        // To nanoseconds, as containerd writes them: other forms do not fit every Time_Format.
        let (lines, form) = container_lines(&bytes, &format!("{now:.9}"));
        match &self.lines {
            Some(path) => note!("{}: these are {}.", named(path), form.name()),
            None => note!("no lines are given; these are samples."),
        }
        Ok(Input { container, lines, now })
    }
}

pub(super) fn config_map(path: &Path) -> Result<(SourceFile, ConfigurationTexts), CommandError> {
    let text = String::from_utf8_lossy(&read(path)?).into_owned();
    let manifest = SourceFile::new(&named(path), &text);
    let texts = configuration(&manifest).ok_or_else(|| {
        CommandError::refused(format!(
            "{}: it has no ConfigMap aws-logging. EKS takes one of this name in the namespace aws-observability; `podferry generate logging` \
             writes one",
            named(path)
        ))
    })?;
    Ok((manifest, texts))
}
