//! `podferry simulate`: what EKS' Fluent Bit would make of log lines under a ConfigMap, and what Datadog would get.
//!
//! The model is `manifests::simulate`, the rest of the way the pipeline. `report` works both out, `text` prints it for people.

mod report;
mod text;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use manifests::lint::source::SourceFile;
use manifests::simulate::config_map::configuration;
use manifests::simulate::core::Core;
use manifests::simulate::invented::PodContainer;
use manifests::simulate::lines::container_lines;
use manifests::simulate::simulation::ConfigurationTexts;

use self::report::{CoreReport, Input};
use super::error::CommandError;
use super::exit::Exit;
use super::input::read;
use super::named::named;
use super::notes::note;
use super::output::OutputFlag;
use super::show;
use forwarder::settings::{Environment, Settings};
use pipeline::PipelineSettings;
use pipeline::compress::Compression;

/// What is simulated where no lines are given: what applications commonly write.
const SAMPLES: &str = include_str!("samples.log");

/// Show what Fluent Bit would make of log lines under a ConfigMap
///
/// Runs an exact model of the router of EKS Fargate, in the two versions that may run: which filter changed or dropped a line, the record, the
/// log group and stream, the bytes that CloudWatch bills, and what Datadog gets of it. Lines come from a file or standard input: a container's
/// log file, the output of `kubectl logs`, with --timestamps or without. Without lines, it has some of its own. What the model does not know,
/// it says. The forwarder's environment variables (DD_TAGS, DD_ENV, …) apply.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  podferry simulate aws-logging.yaml
  kubectl logs web-6d4cf56db6-x7k2p --timestamps | podferry simulate aws-logging.yaml -
  podferry simulate aws-logging.yaml app.log --pod pod.yaml --core 5
  podferry simulate aws-logging.yaml app.log -o json | jq '.cores[].lines[] | select(.fate != \"delivered\")'")]
pub(super) struct SimulateOptions {
    /// File with the ConfigMap aws-logging; `-` for standard input.
    #[arg(value_name = "CONFIGMAP")]
    config_map: PathBuf,
    /// File with log lines; `-` for standard input.
    #[arg(value_name = "LINES")]
    lines: Option<PathBuf>,
    /// Only this version of Fluent Bit: 1.9 or 5.
    #[arg(long, value_enum, value_name = "VERSION")]
    core: Option<CoreVersion>,
    /// Manifest of the pod that writes the lines, YAML or JSON; without it, a pod is invented.
    #[arg(long, value_name = "FILE")]
    pod: Option<PathBuf>,
    /// The container of the pod; without it, the first.
    #[arg(long, value_name = "NAME", requires = "pod")]
    container: Option<String>,
    #[command(flatten)]
    output: OutputFlag,
    /// Number of lines to show [default: 10].
    #[arg(long, value_name = "NUMBER")]
    show: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CoreVersion {
    #[value(name = "1.9")]
    Older,
    #[value(name = "5", alias = "5.x")]
    Newer,
}

impl SimulateOptions {
    pub(super) fn run(self) -> Result<Exit, CommandError> {
        let as_json = self.output.is_json();
        if self.show.is_some() && as_json {
            return Err(CommandError::refused("--show: cannot be used with --output json, which prints all lines"));
        }
        if self.lines.as_deref() == Some(self.config_map.as_path()) {
            return Err(CommandError::refused("the ConfigMap and the lines cannot be the same file"));
        }
        let (manifest, texts) = config_map(&self.config_map)?;
        let input = self.input()?;
        let settings = PipelineSettings { compression: Compression::None, ..Settings::read_pipeline(&Environment)? };
        let cores = match self.core {
            Some(CoreVersion::Older) => vec![Core::Older],
            Some(CoreVersion::Newer) => vec![Core::Newer],
            None => Core::BOTH.to_vec(),
        };
        let reports = cores.into_iter().map(|core| CoreReport::new(core, &manifest, &texts, &input, &settings));
        let reports = reports.collect::<Result<Vec<CoreReport>, CommandError>>()?;
        if as_json {
            show::json(&report::json(&input, &reports))?;
        } else {
            text::print(&mut anstream::stdout().lock(), &input, &reports, self.show.unwrap_or(10))?;
        }
        Ok(Exit::of_findings(reports.iter().filter(|report| report.stopped.is_some()).count()))
    }

    fn input(&self) -> Result<Input, CommandError> {
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

fn config_map(path: &Path) -> Result<(SourceFile, ConfigurationTexts), CommandError> {
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
