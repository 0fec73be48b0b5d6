//! `podferry diff`: what two ConfigMaps make of the same lines: logs and tags that are lost or won, bytes, streams.
//!
//! `comparison` holds the two against each other, `diff_text` prints it.

use std::path::PathBuf;

use clap::Args;
use manifests::simulate::core::Core;
use serde_json::Value;

use super::comparison::Comparison;
use super::diff_text;
use super::input::{InputFlags, config_map};
use super::report::{CoreReport, Input};
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::named::named;
use crate::cli::output::OutputFlag;
use crate::cli::show;
use forwarder::settings::{Environment, Settings};
use pipeline::PipelineSettings;
use pipeline::compress::Compression;

/// Compare what two ConfigMaps make of the same log lines
///
/// Runs both through the model of `podferry simulate`, in the two versions of Fluent Bit that may run, and says which logs and tags are lost or gained, what
/// CloudWatch bills, and which log streams change. Lines come from a file or standard input, as for `simulate`; if you give none, it uses samples.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  podferry diff aws-logging.yaml aws-logging.new.yaml
  kubectl logs web-6d4cf56db6-x7k2p --timestamps | podferry diff old.yaml new.yaml - --pod pod.yaml
  podferry diff old.yaml new.yaml app.log --markdown >> \"$GITHUB_STEP_SUMMARY\"

Exit codes:
  0  no logs and no tags are lost
  1  some are lost, or it is not known
  2  it failed")]
pub(crate) struct DiffOptions {
    /// File with the current ConfigMap aws-logging.
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// File with the ConfigMap as it is to be.
    #[arg(value_name = "NEW")]
    new: PathBuf,
    #[command(flatten)]
    input: InputFlags,
    /// Print Markdown, for the comment of a pull request.
    #[arg(long, conflicts_with = "format")]
    markdown: bool,
    #[command(flatten)]
    output: OutputFlag,
}

impl DiffOptions {
    pub(crate) fn run(self) -> Result<Exit, CommandError> {
        let input = self.input.read()?;
        let comparisons = self
            .input
            .cores()
            .into_iter()
            .map(|core| {
                let old = side(core, &self.old, &input)?;
                let new = side(core, &self.new, &input)?;
                Ok(Comparison::new(core, &old, &new))
            })
            .collect::<Result<Vec<Comparison>, CommandError>>()?;
        let names = (named(&self.old), named(&self.new));
        let mut out = anstream::stdout().lock();
        if self.output.is_json() {
            show::json(&Value::Array(comparisons.iter().map(Comparison::json).collect()))?;
        } else if self.markdown {
            diff_text::markdown(&mut out, &names, input.lines.len(), &comparisons)?;
        } else {
            diff_text::text(&mut out, &names, input.lines.len(), &comparisons)?;
        }
        Ok(Exit::of_findings(comparisons.iter().filter(|one| one.is_worse()).count()))
    }
}

fn side(core: Core, path: &std::path::Path, input: &Input) -> Result<CoreReport, CommandError> {
    let (manifest, texts) = config_map(path)?;
    let settings = PipelineSettings { compression: Compression::None, ..Settings::read_pipeline(&Environment)? };
    CoreReport::with_its_function(core, &manifest, &texts, input, &settings)
}
