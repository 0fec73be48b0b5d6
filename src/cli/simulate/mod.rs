//! `podferry simulate`: what EKS' Fluent Bit would make of log lines under a ConfigMap, and what Datadog would get.
//!
//! The model is `manifests::simulate`, the rest of the way the pipeline. `input` reads ConfigMaps and lines, `report` works both out, `text` prints it
//! for people. `diff` holds two ConfigMaps against each other: `podferry diff`.

mod comparison;
pub(super) mod diff;
mod diff_text;
mod input;
mod report;
mod text;

use std::path::PathBuf;

use clap::Args;

use self::input::{InputFlags, config_map};
use self::report::{CoreReport, is_metadata};
use super::error::CommandError;
use super::exit::Exit;
use super::notes::note;
use super::output::OutputFlag;
use super::show;
use forwarder::settings::{Environment, Settings};
use pipeline::PipelineSettings;
use pipeline::compress::Compression;

/// Show what Fluent Bit would make of log lines under a ConfigMap
///
/// Runs an exact model of the router of EKS Fargate, in the two versions that may run: which filter changed or dropped a line, the record, the
/// log group and stream, the bytes that CloudWatch bills, and what reaches Datadog. Lines come from a file or standard input: a container's
/// log file, or the output of `kubectl logs`, with or without --timestamps. If you give none, it uses samples. Where the model does not know,
/// it says so. The forwarder's environment variables (DD_TAGS, DD_ENV, …) apply.
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
    #[command(flatten)]
    input: InputFlags,
    #[command(flatten)]
    output: OutputFlag,
    /// Number of lines to show [default: 10].
    #[arg(long, value_name = "NUMBER")]
    show: Option<usize>,
}

impl SimulateOptions {
    pub(super) fn run(self) -> Result<Exit, CommandError> {
        let as_json = self.output.is_json();
        if self.show.is_some() && as_json {
            return Err(CommandError::refused("--show: cannot be used with --output json, which prints all lines"));
        }
        if self.input.lines.as_deref() == Some(self.config_map.as_path()) {
            return Err(CommandError::refused("the ConfigMap and the lines cannot be the same file"));
        }
        let (manifest, texts) = config_map(&self.config_map)?;
        let input = self.input.read()?;
        let settings = PipelineSettings { compression: Compression::None, ..Settings::read_pipeline(&Environment)? };
        let report = |core| CoreReport::with_its_function(core, &manifest, &texts, &input, &settings);
        let reports = self.input.cores().into_iter().map(report).collect::<Result<Vec<CoreReport>, CommandError>>()?;
        if settings.metadata_records.is_none() && reports.iter().any(|report| report.events().any(is_metadata)) {
            note!("the function is taken to have PODFERRY_METADATA_RECORDS=true, which this ConfigMap needs");
        }
        if as_json {
            show::json(&report::json(&input, &reports))?;
        } else {
            text::print(&mut anstream::stdout().lock(), &input, &reports, self.show.unwrap_or(10))?;
        }
        Ok(Exit::of_findings(reports.iter().filter(|report| report.stopped.is_some()).count()))
    }
}
