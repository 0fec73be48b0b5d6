//! `podferry lint`: which files are read, what is printed, and what `--fix` writes back. What is found is the work of `lint`.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::error::CommandError;
use super::exit::Exit;
use super::lint_files::{LintedFile, LintedFiles};
use super::notes::note;
use super::{project, replace, show};
use manifests::cluster::ClusterOptions;
use manifests::lint::finding::{Fact, Finding};
use manifests::lint::project::ExpectedTarget;
use manifests::lint::report::{LintReport, explain, github, json, sarif, text};
use manifests::lint::rule::{RuleEdits, Severity};
use manifests::lint::source::SourceFile;
use manifests::lint::{self, fix, rules};
use pipeline::counted::counted;

/// How often `--fix` looks again: a change may uncover another.
const ROUNDS: usize = 10;

/// How wide findings are, in characters: a line of a manifest beside more than that is no longer read as one.
const MOST_WIDTH: usize = 110;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LintFormat {
    /// Plain text.
    Text,
    /// JSON.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations for GitHub Actions.
    Github,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Error,
    Warning,
    Note,
    /// Exit with code 0 whatever is found.
    Never,
}

/// Find mistakes in manifests that EKS, Fluent Bit or Datadog would reject or silently ignore
///
/// Takes YAML and JSON: the ConfigMap aws-logging and its namespace, pods with the Agent, RBAC, secrets, values of Datadog's Helm
/// chart (also inside Argo CD's Applications, Flux's HelmReleases and umbrella charts), the Operator's resources, IAM policies, CloudFormation and SAM templates, Fargate profiles of eksctl. Checks all files
/// together, against one another. The comment `# podferry: allow PF301 reason`, at the end of a line or on the line above, suppresses
/// that rule there; `reason` is your text.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "Examples:
  podferry lint deploy/
  podferry lint --fix deploy/
  podferry lint --output github --fail-on warning deploy/
  podferry lint --explain PF301

Exit codes:
  0  no findings at or above --fail-on; with --diff: --fix would change nothing
  1  findings at or above --fail-on; with --diff: --fix would change something
  2  a file could not be read (the others are still checked), or an argument is wrong")]
pub(super) struct LintOptions {
    /// Files to check, or folders with files that end in .yaml, .yml or .json; `-` for standard input [default: this folder].
    #[arg(value_name = "FILE|FOLDER")]
    paths: Vec<PathBuf>,
    /// Output format.
    #[arg(short = 'o', long = "output", alias = "format", value_name = "FORMAT", value_enum, default_value_t = LintFormat::Text)]
    format: LintFormat,
    /// Fix what can be fixed safely, in the files; comments and layout stay.
    #[arg(long)]
    fix: bool,
    /// With --fix or --diff: also make the suggested changes, which alter what a manifest means.
    #[arg(long)]
    suggested: bool,
    /// Print what --fix would change as a unified diff, without changing anything; the exit code is 1 if there is something.
    #[arg(long, conflicts_with_all = ["fix", "fail_on", "format"])]
    diff: bool,
    /// Lowest severity that makes the exit code 1.
    #[arg(long, value_enum, default_value_t = FailOn::Error, value_name = "SEVERITY")]
    fail_on: FailOn,
    /// Do not report this rule, given by code or name; repeatable.
    #[arg(long, value_name = "CODE")]
    allow: Vec<String>,
    /// Also report what preview rules find: new ones, which may still be wrong.
    #[arg(long)]
    preview: bool,
    /// Explain a rule, given by code or name; `all` prints docs/lint-rules.md.
    #[arg(long, value_name = "CODE", conflicts_with_all = ["paths", "format", "fix", "diff", "fail_on", "allow", "preview", "suggested", "region", "log_group", "config"])]
    explain: Option<String>,
    /// Region of the forwarder.
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Log group that the forwarder is subscribed to.
    #[arg(long, value_name = "NAME")]
    log_group: Option<String>,
    /// File with cluster, region, account, namespaces and log group, to check the manifests against; flags win [default: podferry.yaml, if it exists].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl LintOptions {
    pub(super) fn run(self) -> Result<Exit, CommandError> {
        lint_all(&self)
    }
}

fn lint_all(options: &LintOptions) -> Result<Exit, CommandError> {
    if let Some(code) = &options.explain {
        return explain(code);
    }
    if options.suggested && !options.fix && !options.diff {
        return Err(CommandError::Refused("--suggested: it only means something with --fix or --diff".to_owned()));
    }
    let allowed = options.allow.iter().map(|code| known(code)).collect::<Result<Vec<_>, _>>()?;
    let expected = expected(options)?;
    let paths = if options.paths.is_empty() { vec![PathBuf::from(".")] } else { options.paths.clone() };
    let LintedFiles { files, mut sources, unread } = LintedFiles::read(&paths);
    let ended = |exit| if unread.is_empty() { exit } else { Exit::Failed };
    for file in &unread {
        show::error(&CommandError::Refused(format!("{}: {}", file.name, file.problem)));
    }
    if files.is_empty() && unread.is_empty() {
        return Err(CommandError::Refused(
            "no files to check: the folder has none that end in .yaml, .yml or .json".to_owned(),
        ));
    }
    if files.iter().zip(&sources).any(|(file, source)| file.is_standard_input() && source.is_empty()) {
        // A command before the pipe has failed, most likely.
        return Err(CommandError::Refused("standard input contains no documents".to_owned()));
    }
    let look = |sources: &[SourceFile]| {
        let mut report = lint::lint(sources, &expected, &allowed);
        report.unread.clone_from(&unread);
        if options.preview { report } else { report.without_preview() }
    };
    let mut report = look(&sources);
    if options.diff {
        let after = fixed(&sources, &report, options.suggested, look).0;
        return write_diff(&sources, &after).map(ended);
    }
    if options.fix {
        if files.iter().any(LintedFile::is_standard_input) {
            return Err(CommandError::Refused(
                "--fix: standard input cannot be written; give a file, or use --diff".to_owned(),
            ));
        }
        let (after, fixed) = fixed(&sources, &report, options.suggested, look);
        for ((file, before), after) in files.iter().zip(&sources).zip(&after) {
            if before.text != after.text {
                replace::replace(&file.path, after.text.as_bytes())
                    .map_err(|error| CommandError::File { path: file.name(), error })?;
            }
        }
        note!("fixed {}", counted(fixed, "finding"));
        sources = after;
        report = look(&sources);
        let left = report.findings.iter().filter(|finding| finding.rule_edits() == RuleEdits::Suggested).count();
        if left > 0 {
            note!(
                "{} more can be changed by --suggested, which alters what the manifests mean",
                counted(left, "finding")
            );
        }
    }
    write(&report, &sources, options.format)?;
    tell_unrecognised(&report, &files, &sources);
    Ok(ended(match options.fail_on {
        FailOn::Error => Exit::of_findings(report.at_least(Severity::Error)),
        FailOn::Warning => Exit::of_findings(report.at_least(Severity::Warning)),
        FailOn::Note => Exit::of_findings(report.at_least(Severity::Note)),
        FailOn::Never => Exit::Done,
    }))
}

/// Says which of the files that were named have nothing that is checked: that nothing was found in them says nothing.
fn tell_unrecognised(report: &LintReport, files: &[LintedFile], sources: &[SourceFile]) {
    for (number, file) in files.iter().enumerate().filter(|(_, file)| file.is_named) {
        let name = file.name();
        if !report.unrecognised.contains(&number) || sources.get(number).is_none_or(SourceFile::is_empty) {
            continue;
        }
        let reason = match file.path.extension().and_then(std::ffi::OsStr::to_str) {
            Some("tf" | "hcl") => "Terraform's language is not read; check the manifests and policies that it makes",
            _ => "it has no manifest, policy or template that podferry checks",
        };
        note!("{name}: nothing in it was recognised: {reason}");
    }
}

fn explain(code: &str) -> Result<Exit, CommandError> {
    let page = if code.eq_ignore_ascii_case("all") { explain::page() } else { explain::plain(rule(code)?) };
    std::io::stdout().lock().write_all(page.as_bytes())?;
    Ok(Exit::Done)
}

fn rule(code: &str) -> Result<&'static manifests::lint::rule::LintRule, CommandError> {
    let unknown = || {
        CommandError::Refused(format!(
            "{code}: no rule has this code or name; `podferry lint --explain all` lists them"
        ))
    };
    rules::find(code).ok_or_else(unknown)
}

fn known(code: &str) -> Result<String, CommandError> {
    rule(code).map(|rule| rule.code.to_owned())
}

fn expected(options: &LintOptions) -> Result<ExpectedTarget, CommandError> {
    let flags = ClusterOptions {
        region: options.region.clone(),
        log_group: options.log_group.clone(),
        ..ClusterOptions::default()
    };
    let cluster = project::cluster(flags, options.config.as_deref())?;
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Ok(ExpectedTarget {
        region: given(cluster.region()),
        account: given(cluster.account()),
        cluster: given(cluster.name()),
        log_group: cluster.given_log_group().map(str::to_owned),
        namespaces: cluster.namespaces().to_vec(),
    })
}

/// What the sources become, and how many findings were fixed.
fn fixed(
    sources: &[SourceFile],
    report: &LintReport,
    suggested: bool,
    look: impl Fn(&[SourceFile]) -> LintReport,
) -> (Vec<SourceFile>, usize) {
    let is_wanted = |finding: &&Finding| match finding.rule_edits() {
        RuleEdits::None => false,
        RuleEdits::Safe => true,
        RuleEdits::Suggested => suggested,
    };
    let (mut sources, mut report, mut count) = (sources.to_vec(), report.clone(), 0);
    for _ in 0..ROUNDS {
        let mut now = 0;
        for (number, source) in sources.iter_mut().enumerate() {
            let own = report.findings.iter().filter(|finding| finding.place.source == number).filter(is_wanted);
            let (text, applied) = fix::apply(&source.text, own);
            (source.text, now) = (text, now + applied);
        }
        if now == 0 {
            break;
        }
        count += now;
        report = look(&sources);
    }
    (sources, count)
}

fn write(report: &LintReport, sources: &[SourceFile], format: LintFormat) -> Result<(), CommandError> {
    let pretty = |value: &serde_json::Value| format!("{value:#}\n");
    let written = match format {
        LintFormat::Text => {
            let style = text::Style { colours: true, width: show::width().min(MOST_WIDTH) };
            let findings = text::findings(report, sources, style);
            let summary = text::summary(report, sources.len());
            // Findings and their count belong together; colours are taken out where they are not wanted.
            return Ok(writeln!(anstream::stdout().lock(), "{findings}{}{summary}", facts(report, sources))?);
        }
        LintFormat::Json => pretty(&json::json(report, sources)),
        LintFormat::Sarif => pretty(&sarif::sarif(report, sources)),
        LintFormat::Github => github::github(report, sources),
    };
    std::io::stdout().lock().write_all(written.as_bytes())?;
    Ok(())
}

/// Facts, each with its place: a file may have several ConfigMaps, and a parser's is not that of its ConfigMap.
fn facts(report: &LintReport, sources: &[SourceFile]) -> String {
    let line = |fact: &Fact| match sources.get(fact.place.source) {
        Some(source) => {
            format!("{}:{}: {}.\n", source.name, source.position(fact.place.span.start).line, fact.text)
        }
        None => format!("{}.\n", fact.text),
    };
    report.facts.iter().map(line).collect()
}

fn write_diff(before: &[SourceFile], after: &[SourceFile]) -> Result<Exit, CommandError> {
    let mut out = std::io::stdout().lock();
    let mut changed = 0;
    for (before, after) in before.iter().zip(after).filter(|(before, after)| before.text != after.text) {
        changed += 1;
        let diff = similar::TextDiff::from_lines(&before.text, &after.text);
        let (old, new) = (format!("a/{}", before.name), format!("b/{}", before.name));
        out.write_all(diff.unified_diff().header(&old, &new).to_string().as_bytes())?;
    }
    Ok(Exit::of_findings(changed))
}
