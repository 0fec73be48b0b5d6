//! `podferry init`: writes `podferry.yaml`, from flags, and on a terminal by asking for what they do not say.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::CommandError;
use manifests::cluster::{Cluster, ClusterOptions, Need};
use manifests::node::{Map, Node};
use manifests::yaml;

pub(super) struct Options {
    pub(crate) cluster: ClusterOptions,
    pub(crate) out: PathBuf,
    pub(crate) force: bool,
}

pub(super) fn run(options: Options) -> Result<(), CommandError> {
    let Options { cluster, out, force } = options;
    if out.exists() && !force {
        return Err(CommandError::Refused(format!("{} is there already; --force writes over it", out.display())));
    }
    let answered = if io::stdin().is_terminal() {
        ask(cluster, &mut io::stdin().lock(), &mut anstream::stderr())?
    } else {
        cluster
    };
    let cluster = answered.clone().check().map_err(|mistakes| CommandError::Refused(mistakes.join("\n       ")))?;
    cluster.need(&[Need::Cluster, Need::Region]).map_err(|missing| CommandError::Refused(missing.to_string()))?;
    write(&out, &cluster, &answered)?;
    anstream::eprintln!("{}\nNext: `podferry generate all --out DIR`", out.display());
    Ok(())
}

fn write(path: &Path, cluster: &Cluster, options: &ClusterOptions) -> Result<(), CommandError> {
    let text = yaml::write(
        "What `podferry generate` and `podferry inject` know of this cluster. Flags win.",
        &[document(cluster, options)],
    );
    std::fs::write(path, text).map_err(|error| CommandError::File { path: path.display().to_string(), error })
}

fn document(cluster: &Cluster, options: &ClusterOptions) -> Map {
    let namespaces = (!options.namespaces.is_empty()).then(|| Node::list(options.namespaces.iter().cloned()));
    Map::new()
        .with("cluster", cluster.name())
        .with("region", cluster.region())
        .with_some("account", options.account.clone())
        .with_some("namespaces", namespaces)
        .with_some("service_account", options.service_account.clone())
        .with("site", cluster.site())
        .with("log_group", cluster.log_group())
        .with("retention_days", cluster.retention_days())
        .with_some("profile", options.profile.map(|profile| profile.to_string()))
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
    missing(options.account.is_some(), ("AWS account, 12 digits", |all, text| all.account = Some(text.into())));
    missing(
        !options.namespaces.is_empty(),
        ("Namespaces of pods on Fargate, separated by blanks", |all, text| {
            all.namespaces = text.split([' ', ',']).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        }),
    );
    missing(options.site.is_some(), ("Datadog site [datadoghq.com]", |all, text| all.site = Some(text.into())));
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
    fn answers_are_kept_and_wrong_ones_asked_for_again() {
        let profile = Some(manifests::preset::LoggingPreset::Merged);
        let given = ClusterOptions { region: Some("eu-west-1".into()), profile, ..ClusterOptions::default() };
        let mut out = Vec::new();
        let answers = "Prod\nprod\n\nshop, web\ndatadoghq.eu\n";
        let options = ask(given, &mut answers.as_bytes(), &mut out).unwrap();
        assert_eq!((options.cluster.as_deref(), options.account.as_deref()), (Some("prod"), None));
        assert_eq!((options.namespaces.len(), options.site.as_deref()), (2, Some("datadoghq.eu")));
        let asked = String::from_utf8(out).unwrap();
        assert!(asked.matches("Name of the EKS cluster: ").count() == 2 && !asked.contains("AWS region"), "{asked}");
        // What is written can be read again, and says the same.
        let cluster = options.clone().check().unwrap();
        let again = ClusterOptions::from_yaml(&yaml::document(&document(&cluster, &options))).unwrap();
        assert_eq!((again.cluster, again.namespaces, again.profile), (options.cluster, options.namespaces, profile));
        assert_eq!((again.log_group.as_deref(), again.retention_days), (Some("/aws/eks/prod/fargate"), Some(7)));
    }
}
