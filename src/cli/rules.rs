//! `podferry rules check`: compiles the rules of a manifest or an annotation, and runs them over sample lines.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::error::CommandError;
use super::exit::Exit;
use super::input::{read, standard_input};
use super::manifest::{self, Annotated};
use super::named::{is_standard_input, named};
use super::node_differences::{self, JoinedLog};
use super::output::OutputFlag;
use super::show;
use super::shown_logs::{self, Detail};
use forwarder::settings::{Environment, Settings};
use pipeline::autodiscovery::ContainerLogs;
use pipeline::compress::Compression;
use pipeline::processing::ProcessingSettings;
use pipeline::rules::{RuleAction, RuleError, RuleSet};
use pipeline::{self, PipelineSettings, Processed};

/// What the sample's lines are said to come from.
const POD: &str = "sample-6d4cf56db6-x7k2p";
const POD_UID: &str = "00000000-0000-0000-0000-000000000000";
const ID: &str = "0000000000000000000000000000000000000000000000000000000000000000";

#[derive(Debug, Subcommand)]
pub(super) enum RulesCommand {
    Check(RulesCheckOptions),
}

impl RulesCommand {
    pub(super) fn run(self) -> Result<Exit, CommandError> {
        match self {
            RulesCommand::Check(options) => check(&options),
        }
    }
}

/// Compile the rules of a manifest and run them on sample lines
///
/// Reads sample lines from standard input, as the container would write them. The forwarder's environment variables
/// (DD_LOGS_CONFIG_PROCESSING_RULES, PODFERRY_REDACT, …) apply to them.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  podferry rules check deployment.yaml < sample.log
  podferry rules check deployment.yaml --container web --sample sample.log --output json

Exit codes:
  0  all rules work
  1  a rule does not work
  2  a file could not be read, or an argument is wrong")]
pub(super) struct RulesCheckOptions {
    /// File with a manifest (YAML or JSON) of a pod or workload, or with the value of an annotation
    /// ad.datadoghq.com/<container>.logs or of DD_LOGS_CONFIG_PROCESSING_RULES; `-` for standard input (then pass samples with
    /// --sample).
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Check only the annotation of this container.
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
    /// Read the sample lines from this file instead.
    #[arg(long, value_name = "FILE")]
    sample: Option<PathBuf>,
    #[command(flatten)]
    output: OutputFlag,
}

/// Says what is wrong, and what the rules do to the sample. [`Exit::Findings`]: something does not work.
fn check(options: &RulesCheckOptions) -> Result<Exit, CommandError> {
    let path = named(&options.file);
    let bytes = read(&options.file)?;
    let text = String::from_utf8_lossy(&bytes);
    let mut all = manifest::find(&path, &text)?;
    if let Some(container) = &options.container {
        all.retain(|annotated| annotated.container == *container);
        if all.is_empty() {
            return Err(CommandError::NoContainer { path, container: container.clone() });
        }
    }
    let sample = sample(options)?;
    let settings = PipelineSettings { compression: Compression::None, ..Settings::read_pipeline(&Environment)? };
    let reports = all.iter().map(|annotated| RulesReport::new(annotated, &sample, &settings));
    let reports: Vec<RulesReport> = reports.collect::<Result<_, _>>()?;
    let findings = reports.iter().map(|report| report.problems.len()).sum();
    if options.output.is_json() {
        show::json(&Value::Array(reports.iter().map(RulesReport::json).collect()))?;
    } else {
        let mut out = anstream::stdout().lock();
        reports.iter().try_for_each(|report| report.print(&mut out, !sample.is_empty()))?;
    }
    Ok(Exit::of_findings(findings))
}

/// The lines to try: of `--sample`, or of standard input where that is no terminal and not the manifest.
fn sample(options: &RulesCheckOptions) -> Result<Vec<String>, CommandError> {
    let bytes = match &options.sample {
        Some(file) => read(file)?,
        None if is_standard_input(&options.file) || std::io::stdin().is_terminal() => Vec::new(),
        None => standard_input()?,
    };
    Ok(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
}

/// What is to be said of one container's rules.
struct RulesReport {
    title: String,
    /// Name, type, and whether it works.
    rules: Vec<[String; 3]>,
    problems: Vec<String>,
    /// What works, and not as it would on a node.
    warnings: Vec<String>,
    processed: Processed,
    logs: Vec<Value>,
}

impl RulesReport {
    fn new(annotated: &Annotated, sample: &[String], settings: &PipelineSettings) -> Result<RulesReport, CommandError> {
        let logs = ContainerLogs::parse(&annotated.json);
        let told = |error: &RuleError| match error.name {
            Some(_) => error.to_string(),
            None => format!("annotation: {error}"),
        };
        let mut problems: Vec<String> = logs.rules.errors.iter().map(told).collect();
        if !annotated.is_string {
            let advice = "is not a string, so Kubernetes refuses it: quote it, or put a `|` before it";
            problems.push(format!("annotation: {advice}"));
        }
        if let Some(containers) = annotated.containers.as_ref().filter(|known| !known.contains(&annotated.container)) {
            problems.push(format!(
                "the pod has no container `{}`: the annotation has no effect (containers: {})",
                annotated.container,
                containers.join(", ")
            ));
        }
        let processed = run(annotated, sample, settings)?;
        let joined = joined(annotated, sample, settings)?;
        let warnings = node_differences::warnings(&annotated.json, &logs, sample, &joined);
        let found = shown_logs::items(&processed)?;
        let owner = if annotated.owner.is_empty() { "annotation" } else { &annotated.owner };
        let title = format!("{owner}, container {}", annotated.container);
        Ok(RulesReport { title, rules: rules(&logs), problems, warnings, processed, logs: found })
    }

    fn print(&self, out: &mut impl Write, has_sample: bool) -> Result<(), CommandError> {
        show::title(out, &self.title)?;
        if !self.rules.is_empty() {
            let rows: Vec<Vec<String>> = self.rules.iter().map(|row| row.to_vec()).collect();
            show::table(out, &["rule", "type", ""], &rows)?;
        }
        for problem in &self.problems {
            show::finding(out, problem)?;
        }
        for warning in &self.warnings {
            show::warning(out, warning)?;
        }
        if self.rules.is_empty() && self.problems.is_empty() {
            writeln!(out, "  No rules.")?;
        }
        if has_sample {
            shown_logs::counts(out, &self.processed.counts)?;
            shown_logs::outcomes(out, &self.processed.outcomes, &self.logs, Detail::Message)?;
        }
        Ok(())
    }

    fn json(&self) -> Value {
        let rules: Vec<Value> = self
            .rules
            .iter()
            .map(|[name, kind, state]| json!({ "name": name, "type": kind, "works": state == WORKS }))
            .collect();
        json!({
            "title": self.title, "rules": rules, "problems": self.problems, "warnings": self.warnings, "counts": self.processed.counts,
            "logs": shown_logs::outcomes_json(&self.processed.outcomes, &self.logs),
        })
    }
}

const WORKS: &str = "works";

fn rules(logs: &ContainerLogs) -> Vec<[String; 3]> {
    let row = |name: &str, kind: &str, state: &str| [name.to_owned(), kind.to_owned(), state.to_owned()];
    let mut rows: Vec<_> = logs.rules.multi_line.iter().map(|rule| row(&rule.name, "multi_line", WORKS)).collect();
    rows.extend(logs.rules.rules.iter().map(|rule| match rule.action {
        RuleAction::Exclude(_) => row(&rule.name, "exclude_at_match", WORKS),
        RuleAction::Include(_) => row(&rule.name, "include_at_match", WORKS),
        RuleAction::Mask(..) => row(&rule.name, "mask_sequences", WORKS),
        RuleAction::ExcludeTruncated => row(&rule.name, "exclude_truncated", WORKS),
        RuleAction::Scrub(_) => row(&rule.name, "scrubber", WORKS),
        RuleAction::BrokenMask => row(&rule.name, "mask_sequences", "broken: all text is withheld"),
    }));
    rows
}

/// The sample's logs that are joined, as only what joins lines leaves them.
fn joined(
    annotated: &Annotated,
    sample: &[String],
    settings: &PipelineSettings,
) -> Result<Vec<JoinedLog>, CommandError> {
    let mut annotated = annotated.clone();
    for value in annotated.annotations.values_mut() {
        if let Some(only) = value.as_str().and_then(only_multi_line) {
            *value = Value::from(only);
        }
    }
    let mut settings = settings.clone();
    let first = &settings.processing.first;
    settings.processing = ProcessingSettings {
        first: Arc::new(RuleSet { multi_line: first.multi_line.clone(), ..RuleSet::default() }),
        auto_multi_line: settings.processing.auto_multi_line,
        ..ProcessingSettings::default()
    };
    let processed = run(&annotated, sample, &settings)?;
    let items = shown_logs::items(&processed)?;
    let logs = processed.outcomes.iter().zip(&items).enumerate();
    Ok(logs
        .filter(|(_, (outcome, _))| outcome.lines > 1)
        .map(|(at, (_, item))| JoinedLog {
            number: at + 1,
            text: item["message"].as_str().unwrap_or_default().to_owned(),
        })
        .collect())
}

/// An annotation for logs with no rules but those that join lines.
fn only_multi_line(json: &str) -> Option<String> {
    let mut value: Value = serde_json::from_str(json).ok()?;
    let config = if value.is_array() { value.get_mut(0)? } else { &mut value };
    let rules = config.get_mut("log_processing_rules")?.as_array_mut()?;
    rules.retain(|rule| rule["type"] == "multi_line");
    Some(value.to_string())
}

/// When the sample's lines are written: no rule asks for the time.
const SAMPLE_MS: i64 = 0;

/// Runs the lines as if the container had written them: the whole way that a log takes, the forwarder's settings too.
fn run(annotated: &Annotated, sample: &[String], settings: &PipelineSettings) -> Result<Processed, CommandError> {
    let namespace = annotated.namespace.as_deref().unwrap_or("default");
    let kubernetes = json!({
        "pod_name": POD, "namespace_name": namespace, "pod_id": POD_UID, "container_name": annotated.container,
        "annotations": annotated.annotations,
    });
    let events: Vec<Value> = sample
        .iter()
        .enumerate()
        .map(|(number, line)| {
            let record = json!({ "log": line, "stream": "stdout", "logtag": "F", "kubernetes": kubernetes });
            json!({ "id": format!("{number:056}"), "timestamp": SAMPLE_MS, "message": record.to_string() })
        })
        .collect();
    let content = json!({
        "messageType": "DATA_MESSAGE", "owner": "", "logGroup": "/aws/eks/sample/fargate",
        "logStream": format!("kube.var.log.containers.{POD}_{namespace}_{}-{ID}.log", annotated.container),
        "subscriptionFilters": [], "logEvents": events,
    });
    pipeline::explain_content(&content.to_string(), "", settings, None)
        .map_err(|error| CommandError::Internal(format!("the sample could not be read: {error}")))
}
