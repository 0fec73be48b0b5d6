//! `podferry init`: writes `podferry.yaml`, from flags, and on a terminal by asking for what they do not say.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::error::CommandError;
use super::exit::Exit;
use super::notes::note;
use super::project;
use manifests::cluster::{Cluster, ClusterOptions, FILE, Need};
use manifests::node::{Map, Node};
use manifests::yaml;

/// Write podferry.yaml, which describes the cluster to the other commands
///
/// `generate`, `inject`, `lint` and the commands that call AWS read the file in the current folder. On a terminal, asks for whatever
/// the options leave out.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  podferry init
  podferry init --cluster prod --region eu-west-1 --account 111122223333 --namespace shop --function podferry-Forwarder-1A")]
pub(super) struct InitOptions {
    /// Log groups for the commands that call AWS, by name or ARN [default: the --log-group].
    #[arg(value_name = "GROUP")]
    log_groups: Vec<String>,
    #[command(flatten)]
    cluster: ClusterOptions,
    /// The forwarder's function, by name or ARN.
    #[arg(long, value_name = "NAME|ARN")]
    function: Option<String>,
    /// File to write.
    #[arg(long, value_name = "FILE", default_value = FILE)]
    out: PathBuf,
    /// Overwrite an existing file.
    #[arg(long)]
    force: bool,
}

impl InitOptions {
    pub(super) fn run(self) -> Result<Exit, CommandError> {
        let InitOptions { log_groups, cluster, function, out, force } = self;
        let given = ClusterOptions { function, log_groups, ..cluster };
        if out.exists() && !force {
            return Err(CommandError::Refused(format!("{} already exists; --force overwrites it", out.display())));
        }
        let answered = if io::stdin().is_terminal() {
            ask(given, &mut io::stdin().lock(), &mut anstream::stderr())?
        } else {
            given
        };
        let cluster = project::check(answered.clone())?;
        cluster.need(&[Need::Cluster, Need::Region]).map_err(CommandError::refused)?;
        write(&out, &cluster, &answered)?;
        cluster.name_note().iter().for_each(|text| note!("{text}"));
        note!("{}\nNext: {}", out.display(), next(&cluster));
        Ok(Exit::Done)
    }
}

/// The command that takes the file up, and what it lacks for that.
fn next(cluster: &Cluster) -> String {
    const COMMAND: &str = "`podferry generate all --out DIR`";
    let is_there = |need| cluster.need(&[need]).is_ok();
    let lacking = match (is_there(Need::Account), is_there(Need::Namespace)) {
        (true, true) => return COMMAND.to_owned(),
        (false, true) => "`account`",
        (true, false) => "`namespaces`",
        (false, false) => "`account` and `namespaces`",
    };
    format!("add {lacking} to the file, then {COMMAND}")
}

fn write(path: &Path, cluster: &Cluster, options: &ClusterOptions) -> Result<(), CommandError> {
    let text = yaml::write(
        "Describes this cluster to podferry, when it runs in this folder. Flags win.",
        &[document(cluster, options)],
    );
    std::fs::write(path, text).map_err(|error| CommandError::file(path, error))
}

fn document(cluster: &Cluster, options: &ClusterOptions) -> Map {
    let list = |names: &[String]| (!names.is_empty()).then(|| Node::list(names.iter().cloned()));
    Map::new()
        .with("cluster", cluster.name())
        .with("region", cluster.region())
        .with_some("account", options.account.clone())
        .with_some("namespaces", list(&options.namespaces))
        .with_some("service_account", options.service_account.clone())
        .with("site", cluster.site())
        .with("log_group", cluster.log_group())
        .with("retention_days", cluster.retention_days())
        .with_some("preset", options.preset.map(|preset| preset.to_string()))
        .with_some("function", options.function.clone())
        .with_some("log_groups", list(&options.log_groups))
}

/// A question: its words, and how its answer is kept.
type Question = (&'static str, fn(&mut ClusterOptions, &str));

/// Asks for what flags did not say; an empty answer leaves it out. A wrong answer is asked for again.
fn ask(
    mut options: ClusterOptions,
    input: &mut impl BufRead,
    out: &mut impl Write,
) -> Result<ClusterOptions, CommandError> {
    let mut questions: Vec<Question> = Vec::new();
    let mut missing = |is_there: bool, question: Question| {
        if !is_there {
            questions.push(question);
        }
    };
    missing(options.cluster.is_some(), ("Name of the EKS cluster", |all, text| all.cluster = Some(text.into())));
    missing(options.region.is_some(), ("AWS region (eu-west-1, …)", |all, text| all.region = Some(text.into())));
    missing(options.account.is_some(), ("AWS account ID, 12 digits", |all, text| all.account = Some(text.into())));
    missing(
        !options.namespaces.is_empty(),
        ("Namespaces with pods on Fargate, separated by spaces", |all, text| {
            all.namespaces = text.split([' ', ',']).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        }),
    );
    missing(options.site.is_some(), ("Datadog site [datadoghq.com]", |all, text| all.site = Some(text.into())));
    missing(
        options.function.is_some(),
        ("The forwarder's function, if it is deployed", |all, text| all.function = Some(text.into())),
    );
    for (question, keep) in questions {
        loop {
            write!(out, "{question}: ")?;
            out.flush()?;
            let mut line = String::new();
            if input.read_line(&mut line)? == 0 {
                return Ok(options);
            }
            let mut with = options.clone();
            if !line.trim().is_empty() {
                keep(&mut with, line.trim());
            }
            match with.clone().check() {
                Ok(_) => {
                    options = with;
                    break;
                }
                Err(mistakes) => writeln!(out, "{}", mistakes.join("\n"))?,
            }
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_command_is_one_that_works() {
        let next = |account: Option<&str>, namespaces: &[&str]| {
            let (account, namespaces) =
                (account.map(str::to_owned), namespaces.iter().map(|&name| name.into()).collect());
            next(&ClusterOptions { account, namespaces, ..ClusterOptions::default() }.check().unwrap())
        };
        assert_eq!(next(Some("111122223333"), &["shop"]), "`podferry generate all --out DIR`");
        assert!(next(None, &["shop"]).starts_with("add `account` to the file, then `podferry"));
        assert!(next(Some("111122223333"), &[]).starts_with("add `namespaces` to"));
        assert!(next(None, &[]).starts_with("add `account` and `namespaces` to"));
    }

    #[test]
    fn answers_are_kept_and_wrong_ones_asked_for_again() {
        let preset = Some(manifests::preset::LoggingPreset::Merged);
        let given = ClusterOptions { region: Some("eu-west-1".into()), preset, ..ClusterOptions::default() };
        let mut out = Vec::new();
        let answers = "prod.eu\nprod\n\nshop, web\ndatadoghq.eu\npodferry\n";
        let options = ask(given, &mut answers.as_bytes(), &mut out).unwrap();
        assert_eq!((options.cluster.as_deref(), options.account.as_deref()), (Some("prod"), None));
        assert_eq!((options.namespaces.len(), options.site.as_deref()), (2, Some("datadoghq.eu")));
        let asked = String::from_utf8(out).unwrap();
        assert!(asked.matches("Name of the EKS cluster: ").count() == 2 && !asked.contains("AWS region"), "{asked}");
        // What is written can be read again, and says the same.
        let cluster = options.clone().check().unwrap();
        let again = ClusterOptions::from_yaml(&yaml::document(&document(&cluster, &options))).unwrap();
        assert_eq!((again.cluster, again.namespaces, again.preset), (options.cluster, options.namespaces, preset));
        assert_eq!((again.log_group.as_deref(), again.retention_days), (Some("/aws/eks/prod/fargate"), Some(7)));
        assert_eq!(again.function.as_deref(), Some("podferry"));
    }
}
