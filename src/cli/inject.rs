//! `podferry inject`: its options, and where manifests, differences and the report go. What is changed is the work of
//! `manifests::inject`.

use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::error::CommandError;
use super::exit::Exit;
use super::flags::{ContainerFlags, pair};
use super::input::read;
use super::named::{is_standard_input, named};
use super::output::OutputFlag;
use super::{notes, project, replace};
use manifests::agent::{SIDECAR_LABEL, check_labels};
use manifests::cluster::{ClusterOptions, Need};
use manifests::inject::{self, InjectOutcome, InjectRequest, InjectedObject};
use manifests::sidecar::Sidecar;

/// Add the Datadog Agent sidecar to manifests
///
/// Adds the sidecar, or only its label (--label-only), as the Admission Controller would. Takes YAML or JSON with Pods, Deployments,
/// StatefulSets, ReplicaSets, ReplicationControllers, Jobs, CronJobs and Lists of them. Everything else stays as it is, including comments, order and layout.
/// A second run changes nothing. The manifests go to standard output, or back into their files with --write. The report of what
/// was changed, and what could not be and why, goes to standard error.
#[derive(Debug, Clone, Args)]
#[command(mut_arg("format", |format| format.help("Format of the report on standard error")))]
#[command(after_long_help = "Examples:
  podferry inject --cluster prod -f web.yaml --diff
  podferry inject --cluster prod -f web.yaml --write
  helm template shop ./shop | podferry inject --cluster prod | kubectl apply -f -

Exit codes:
  0  all pods have the Agent
  1  a pod was left alone and has no Agent
  2  nothing was done, because a file or an option is wrong")]
pub(super) struct InjectOptions {
    /// File with manifests; `-` for standard input; repeatable.
    #[arg(short = 'f', long = "file", value_name = "FILE", default_value = "-")]
    files: Vec<PathBuf>,
    /// Write the manifests back to their files.
    #[arg(long)]
    write: bool,
    /// Print a unified diff instead of the manifests.
    #[arg(long)]
    diff: bool,
    #[command(flatten)]
    output: OutputFlag,
    /// Set only the label by which the Admission Controller selects pods.
    #[arg(long, conflicts_with_all = ["container_flags", "log_flags", "size_flags"])]
    label_only: bool,
    /// With --label-only: set this label instead, for a custom selector; repeatable.
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = pair, requires = "label_only")]
    labels: Vec<(String, String)>,
    /// Name of the EKS cluster.
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// Datadog site, such as datadoghq.eu.
    #[arg(long, value_name = "SITE")]
    site: Option<String>,
    /// Service account for pods that have none.
    #[arg(long, value_name = "NAME", conflicts_with = "label_only")]
    service_account: Option<String>,
    /// File with cluster, site and service account; flags win [default: podferry.yaml, if it exists].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    container: ContainerFlags,
    /// Run the Agent without a Cluster Agent. Otherwise it connects to --cluster-agent, or to datadog-cluster-agent.datadog.
    #[arg(long, conflicts_with_all = ["cluster_agent", "label_only"])]
    no_cluster_agent: bool,
    /// Run the Agent as user 100, for pods that set another user. With --label-only: assume that the Admission Controller's
    /// profile does this.
    #[arg(long)]
    run_as_agent: bool,
    /// Environment variable of the Agent; repeatable.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair, conflicts_with = "label_only")]
    env: Vec<(String, String)>,
}

/// A text that was read, and what it becomes.
struct Manifests<'a> {
    file: &'a Path,
    before: String,
    after: String,
    objects: Vec<InjectedObject>,
}

impl InjectOptions {
    pub(super) fn run(self) -> Result<Exit, CommandError> {
        inject_all(&self)
    }
}

fn inject_all(options: &InjectOptions) -> Result<Exit, CommandError> {
    let want = want(options)?;
    let standard_inputs = options.files.iter().filter(|file| is_standard_input(file)).count();
    if options.write && standard_inputs > 0 {
        return Err(CommandError::Refused("--write: standard input cannot be written; give a file with -f".to_owned()));
    }
    if standard_inputs > 1 {
        return Err(CommandError::Refused("-f -: standard input can only be read once".to_owned()));
    }
    // All are read before any is written.
    let all: Vec<_> = options.files.iter().map(|file| manifests(file, &want)).collect::<Result<_, _>>()?;
    if options.diff {
        write_diff(&all)?;
    } else if !options.write {
        write_text(&all)?;
    }
    if options.write {
        for one in all.iter().filter(|one| one.before != one.after) {
            replace::replace(one.file, one.after.as_bytes()).map_err(|error| CommandError::file(one.file, error))?;
        }
    }
    report(&all, options.output.is_json())?;
    let objects = all.iter().flat_map(|one| &one.objects);
    Ok(Exit::of_findings(objects.filter(|object| matches!(object.outcome, InjectOutcome::LeftAlone(_))).count()))
}

fn want(options: &InjectOptions) -> Result<InjectRequest, CommandError> {
    if options.label_only {
        let (name, value) = SIDECAR_LABEL;
        let usual = || vec![(name.to_owned(), value.to_owned())];
        let labels = if options.labels.is_empty() { usual() } else { options.labels.clone() };
        check_labels(&labels).map_err(CommandError::refused)?;
        return Ok(InjectRequest::Labels { labels, own_user: options.run_as_agent });
    }
    let flags = ClusterOptions {
        cluster: options.cluster.clone(),
        site: options.site.clone(),
        service_account: options.service_account.clone(),
        ..ClusterOptions::default()
    };
    let cluster = project::cluster(flags, options.config.as_deref())?;
    cluster.need(&[Need::Cluster]).map_err(CommandError::refused)?;
    // A report as JSON stands alone on standard error.
    let note = cluster.name_note().filter(|_| !options.output.is_json());
    note.iter().for_each(|text| notes::note!("{text}"));
    let mut sidecar = options.container.clone().put_into(Sidecar::injected(&cluster));
    sidecar.own_user = options.run_as_agent;
    sidecar.env.clone_from(&options.env);
    if options.no_cluster_agent {
        sidecar.cluster_agent_url = None;
    }
    sidecar.check().map_err(CommandError::refused)?;
    let service_account = cluster.given_service_account().map(str::to_owned);
    Ok(InjectRequest::Sidecar { sidecar: Box::new(sidecar), service_account })
}

fn manifests<'a>(file: &'a Path, want: &InjectRequest) -> Result<Manifests<'a>, CommandError> {
    let bytes = read(file)?;
    let refused = |problem: String| CommandError::Manifest { path: named(file), problem };
    let before = String::from_utf8(bytes).map_err(|error| refused(error.to_string()))?;
    let injected = inject::inject(&before, want).map_err(refused)?;
    Ok(Manifests { file, before, after: injected.text, objects: injected.objects })
}

fn write_text(all: &[Manifests<'_>]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for (number, one) in all.iter().enumerate() {
        // Several files become one stream of documents; one alone stays as it is.
        if number > 0 && !one.after.starts_with("---") {
            out.write_all(b"---\n")?;
        }
        out.write_all(one.after.as_bytes())?;
        if number + 1 < all.len() && !one.after.ends_with('\n') {
            out.write_all(b"\n")?;
        }
    }
    out.flush()
}

fn write_diff(all: &[Manifests<'_>]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let has_colours = anstream::AutoStream::choice(&out) != anstream::ColorChoice::Never;
    for one in all.iter().filter(|one| one.before != one.after) {
        let diff = similar::TextDiff::from_lines(&one.before, &one.after);
        let name = shown(one.file);
        let name = name.trim_start_matches('/');
        let (old, new) = (format!("a/{name}"), format!("b/{name}"));
        let text = diff.unified_diff().context_radius(3).header(&old, &new).to_string();
        for line in text.split_inclusive('\n') {
            let style = match line.as_bytes() {
                [b'+', ..] => anstyle::AnsiColor::Green.on_default(),
                [b'-', ..] => anstyle::AnsiColor::Red.on_default(),
                [b'@', ..] => anstyle::AnsiColor::Cyan.on_default(),
                _ => anstyle::Style::new(),
            };
            if has_colours {
                write!(out, "{style}{line}{}", style.render_reset())?;
            } else {
                out.write_all(line.as_bytes())?;
            }
        }
    }
    out.flush()
}

fn report(all: &[Manifests<'_>], as_json: bool) -> std::io::Result<()> {
    let objects = || all.iter().flat_map(|one| one.objects.iter().map(move |object| (one.file, object)));
    let mut out = anstream::stderr().lock();
    if as_json {
        let objects: Vec<Value> = objects().map(|(file, object)| as_value(file, object)).collect();
        return writeln!(out, "{:#}", json!({ "objects": objects }));
    }
    // What has no Agent is a finding; the rest is for information.
    let is_shown =
        |object: &InjectedObject| !notes::is_quiet() || matches!(object.outcome, InjectOutcome::LeftAlone(_));
    for (file, object) in objects().filter(|(_, object)| is_shown(object)) {
        writeln!(out, "{}", as_line(file, object))?;
    }
    if notes::is_quiet() {
        return Ok(());
    }
    for one in all.iter().filter(|one| one.objects.is_empty()) {
        writeln!(out, "{}: contains nothing that creates pods", named(one.file))?;
    }
    Ok(())
}

fn as_line(file: &Path, object: &InjectedObject) -> String {
    let place = format!("{}:{}", named(file), object.line);
    let namespace = object.namespace.iter().map(|namespace| format!("{namespace}/")).collect::<String>();
    let mut line = format!("{place}: {} {namespace}{} (document {}): ", object.kind, object.name, object.document);
    // Writing to a string cannot fail.
    let _ = match &object.outcome {
        InjectOutcome::Changed(notes) => {
            write!(line, "injected{}", notes.iter().map(|note| format!("; {note}")).collect::<String>())
        }
        InjectOutcome::Already(what) => write!(line, "nothing to do: {what}"),
        InjectOutcome::LeftAlone(reason) => write!(line, "left alone: {}; {}", reason.what, reason.advice),
    };
    line
}

fn as_value(file: &Path, object: &InjectedObject) -> Value {
    let (outcome, reason, advice, notes) = match &object.outcome {
        InjectOutcome::Changed(notes) => ("injected", None, None, notes.clone()),
        InjectOutcome::Already(what) => ("already", Some(what), None, Vec::new()),
        InjectOutcome::LeftAlone(reason) => ("left_alone", Some(&reason.what), Some(&reason.advice), Vec::new()),
    };
    json!({
        "file": shown(file), "document": object.document, "line": object.line, "kind": object.kind,
        "namespace": object.namespace, "name": object.name, "outcome": outcome, "reason": reason, "advice": advice,
        "notes": notes,
    })
}

fn shown(file: &Path) -> String {
    file.display().to_string()
}
