//! `podferry rules check`: compiles the rules of a manifest or an annotation, and runs them over sample lines.

use std::io::{IsTerminal, Read, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::exit::Exit;
use super::manifest::{self, Annotated};
use super::show::Detail;
use super::{CommandError, read, show};
use forwarder::settings::{Environment, Settings};
use pipeline::autodiscovery::ContainerLogs;
use pipeline::compress::Compression;
use pipeline::rules::{RuleAction, RuleError};
use pipeline::{self, PipelineSettings, Processed};

/// What the sample's lines are said to come from.
const POD: &str = "sample-6d4cf56db6-x7k2p";
const ID: &str = "0000000000000000000000000000000000000000000000000000000000000000";

pub(super) struct Options<'a> {
    pub(crate) file: &'a Path,
    pub(crate) container: Option<&'a str>,
    pub(crate) sample: Option<&'a Path>,
    pub(crate) json: bool,
}

/// Says what is wrong, and what the rules do to the sample. [`Exit::Findings`]: something does not work.
pub(super) fn check(options: &Options) -> Result<Exit, CommandError> {
    let path = options.file.display().to_string();
    let bytes = read(options.file).map_err(|error| CommandError::File { path: path.clone(), error })?;
    let text = String::from_utf8_lossy(&bytes);
    let mut all = manifest::find(&path, &text)?;
    if let Some(container) = options.container {
        all.retain(|annotated| annotated.container == container);
        if all.is_empty() {
            return Err(CommandError::NoContainer { path, container: container.to_owned() });
        }
    }
    let sample = sample(options)?;
    let settings = PipelineSettings { compression: Compression::None, ..Settings::read_pipeline(&Environment)? };
    let reports = all.iter().map(|annotated| Report::new(annotated, &sample, &settings));
    let reports: Vec<Report> = reports.collect::<Result<_, _>>()?;
    let findings = reports.iter().map(|report| report.problems.len()).sum();
    if options.json {
        show::json(&Value::Array(reports.iter().map(Report::json).collect()))?;
    } else {
        let mut out = anstream::stdout().lock();
        reports.iter().try_for_each(|report| report.print(&mut out, !sample.is_empty()))?;
    }
    Ok(Exit::of_findings(findings))
}

/// The lines to try: of `--sample`, or of standard input where that is no terminal and not the manifest.
fn sample(options: &Options) -> Result<Vec<String>, CommandError> {
    let bytes = match options.sample {
        Some(file) => read(file).map_err(|error| CommandError::File { path: file.display().to_string(), error })?,
        None if options.file == Path::new("-") || std::io::stdin().is_terminal() => Vec::new(),
        None => {
            let mut bytes = Vec::new();
            std::io::stdin().lock().read_to_end(&mut bytes)?;
            bytes
        }
    };
    Ok(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
}

/// What is to be said of one container's rules.
struct Report {
    title: String,
    /// Name, type, and whether it works.
    rules: Vec<[String; 3]>,
    problems: Vec<String>,
    processed: Processed,
    logs: Vec<Value>,
}

impl Report {
    fn new(annotated: &Annotated, sample: &[String], settings: &PipelineSettings) -> Result<Report, CommandError> {
        let logs = ContainerLogs::parse(&annotated.json);
        let told = |error: &RuleError| match error.name {
            Some(_) => error.to_string(),
            None => format!("annotation: {error}"),
        };
        let mut problems: Vec<String> = logs.rules.errors.iter().map(told).collect();
        if !annotated.is_string {
            let advice = "is no string, and Kubernetes refuses it: put quotes around it, or a `|` before it";
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
        let found = show::items(&processed)?;
        let owner = if annotated.owner.is_empty() { "annotation" } else { &annotated.owner };
        let title = format!("{owner}, container {}", annotated.container);
        Ok(Report { title, rules: rules(&logs), problems, processed, logs: found })
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
        if self.rules.is_empty() && self.problems.is_empty() {
            writeln!(out, "  No rules.")?;
        }
        if has_sample {
            show::counts(out, &self.processed.counts)?;
            show::outcomes(out, &self.processed.outcomes, &self.logs, Detail::Message)?;
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
            "title": self.title, "rules": rules, "problems": self.problems, "counts": self.processed.counts,
            "logs": show::outcomes_json(&self.processed.outcomes, &self.logs),
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
        RuleAction::BrokenMask => row(&rule.name, "mask_sequences", "broken: every text is withheld"),
    }));
    rows
}

/// When the sample's lines are written and sent: no rule asks for the time.
const SAMPLE_MS: i64 = 0;

/// Runs the lines as if the container had written them: the whole way that a log takes, the forwarder's settings too.
fn run(annotated: &Annotated, sample: &[String], settings: &PipelineSettings) -> Result<Processed, CommandError> {
    let namespace = annotated.namespace.as_deref().unwrap_or("default");
    let kubernetes = json!({
        "pod_name": POD, "namespace_name": namespace, "container_name": annotated.container,
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
    pipeline::explain_content(&content.to_string(), "", settings, SAMPLE_MS)
        .map_err(|error| CommandError::Internal(format!("the sample could not be read: {error}")))
}
