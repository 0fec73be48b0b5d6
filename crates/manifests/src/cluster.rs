//! What describes a cluster: the options that `podferry generate` takes, and all that `podferry.yaml` may say.
//!
//! Flags are only recorded ([`ClusterOptions`]); [`ClusterOptions::check`] looks at all values at once, and what a manifest cannot do
//! without is asked for by [`Cluster::need`], all of it in one error. A file is checked as it is read, so that each mistake has its line.

use serde::Deserialize;

pub(crate) use crate::names::is_label;
pub use crate::names::is_name;
use crate::names::{datadog_cluster, is_account, is_eks_cluster, is_log_group, is_site};
use crate::preset::LoggingPreset;
use pipeline::partition::{self, is_region};

/// The file that options are taken from where it exists.
pub const FILE: &str = "podferry.yaml";

/// Days that CloudWatch Logs keeps events for. Fluent Bit hands any number on to it.
/// Source: Amazon CloudWatch Logs API reference, `PutRetentionPolicy`, `retentionInDays`; fluent/fluent-bit,
/// `plugins/out_cloudwatch_logs/cloudwatch_api.c`.
pub(crate) const RETENTION_DAYS: [i64; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// The options, as they were given. Flags and file have the same, but for those that only the file has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterOptions {
    /// Name of the EKS cluster. Datadog shows it in lower case, cut to 80 characters.
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// AWS region, such as eu-west-1.
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// AWS account ID, 12 digits.
    #[arg(long, value_name = "ID")]
    pub account: Option<String>,
    /// Namespace with pods on Fargate; repeatable.
    #[arg(long = "namespace", value_name = "NAME")]
    #[serde(rename = "namespaces")]
    pub namespaces: Vec<String>,
    /// Service account of the pods.
    #[arg(long, value_name = "NAME")]
    pub service_account: Option<String>,
    /// Datadog site, such as datadoghq.eu.
    #[arg(long, value_name = "SITE")]
    pub site: Option<String>,
    /// CloudWatch log group of the pods [default: /aws/eks/<cluster>/fargate].
    #[arg(long, value_name = "NAME")]
    pub log_group: Option<String>,
    /// Number of days that the log group keeps its events [default: 7].
    #[arg(long, value_name = "DAYS")]
    pub retention_days: Option<i64>,
    /// How Fluent Bit writes logs [default: standard].
    #[arg(long, value_enum, alias = "profile")]
    #[serde(alias = "profile")]
    pub preset: Option<LoggingPreset>,
    /// The forwarder's function, by name or ARN. Flags for it belong to the commands that call AWS.
    #[arg(skip)]
    pub function: Option<String>,
    /// The log groups that are operated on, by name or ARN; without any, `log_group`.
    #[arg(skip)]
    pub log_groups: Vec<String>,
}

/// Something that is wrong in a `podferry.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMistake {
    /// From 1.
    pub line: u64,
    pub problem: String,
}

/// A value that cannot be right.
struct ValueMistake {
    /// `--region`; empty for what has no flag.
    flag: &'static str,
    /// Its name in the file.
    key: &'static str,
    problem: String,
}

/// What the parser says of a value of another kind, for people who have never heard of its kinds.
fn in_words(problem: &str) -> Option<&'static str> {
    [
        ("expected mapping start", "expected names and values, such as `cluster: prod`"),
        ("expected string scalar", "expected a text, such as `cluster: prod`"),
        ("expected sequence start", "expected a list, such as `namespaces: [shop, payments]`"),
    ]
    .into_iter()
    .find(|(begin, _)| problem.starts_with(begin))
    .map(|(_, words)| words)
}

impl ClusterOptions {
    /// Reads a `podferry.yaml`, and checks every value in it.
    ///
    /// # Errors
    /// What is wrong with it, in the order of the lines.
    pub fn from_yaml(text: &str) -> Result<ClusterOptions, Vec<FileMistake>> {
        if text.trim().is_empty() {
            return Ok(ClusterOptions::default());
        }
        let options: ClusterOptions = serde_saphyr::from_str(text).map_err(|error| {
            let line = error.location().map_or(1, |location| location.line());
            let problem = error.without_snippet().to_string();
            // The line stands before it.
            let problem = problem.split(" at line ").next().unwrap_or_default();
            vec![FileMistake { line, problem: in_words(problem).unwrap_or(problem).to_owned() }]
        })?;
        let mut mistakes: Vec<FileMistake> = options
            .mistakes()
            .into_iter()
            .map(|ValueMistake { key, problem, .. }| FileMistake {
                line: line_of(text, key),
                problem: format!("{key}: {problem}"),
            })
            .collect();
        mistakes.sort_by_key(|mistake| mistake.line);
        if mistakes.is_empty() { Ok(options) } else { Err(mistakes) }
    }

    /// These options, and where they say nothing those of `file`.
    #[must_use]
    pub fn or(self, file: ClusterOptions) -> ClusterOptions {
        ClusterOptions {
            cluster: self.cluster.or(file.cluster),
            region: self.region.or(file.region),
            account: self.account.or(file.account),
            namespaces: if self.namespaces.is_empty() { file.namespaces } else { self.namespaces },
            service_account: self.service_account.or(file.service_account),
            site: self.site.or(file.site),
            log_group: self.log_group.or(file.log_group),
            retention_days: self.retention_days.or(file.retention_days),
            preset: self.preset.or(file.preset),
            function: self.function.or(file.function),
            log_groups: if self.log_groups.is_empty() { file.log_groups } else { self.log_groups },
        }
    }

    /// Checks every value that is there.
    ///
    /// # Errors
    /// All mistakes, each with its option.
    pub fn check(self) -> Result<Cluster, Vec<String>> {
        let mistakes = self.mistakes();
        if mistakes.is_empty() {
            return Ok(Cluster { options: self });
        }
        Err(mistakes.into_iter().map(|ValueMistake { flag, problem, .. }| format!("{flag}: {problem}")).collect())
    }

    fn mistakes(&self) -> Vec<ValueMistake> {
        let mut mistakes = Vec::new();
        let mut ask = |ok: bool, flag: &'static str, key: &'static str, problem: &str| {
            if !ok {
                mistakes.push(ValueMistake { flag, key, problem: problem.to_owned() });
            }
        };
        let all = |value: &Option<String>, is: fn(&str) -> bool| value.as_deref().is_none_or(is);
        ask(
            all(&self.cluster, is_eks_cluster),
            "--cluster",
            "cluster",
            "must be the EKS cluster's name: letters, digits, `-` and `_`, at most 100, beginning with a letter or digit",
        );
        ask(all(&self.region, is_region), "--region", "region", "must be an AWS region, such as eu-west-1");
        ask(all(&self.account, is_account), "--account", "account", "must be the 12 digits of an AWS account");
        ask(
            self.namespaces.iter().all(|name| is_label(name)),
            "--namespace",
            "namespaces",
            "must be the name of a namespace: lower-case letters, digits and `-`",
        );
        ask(
            all(&self.service_account, is_name),
            "--service-account",
            "service_account",
            "must be the name of a service account, without its namespace",
        );
        ask(
            all(&self.site, is_site),
            "--site",
            "site",
            "must be the name of a Datadog site, such as datadoghq.eu, without https:// and without app.",
        );
        let log_group = "must be the name of a log group, not its ARN";
        ask(all(&self.log_group, is_log_group), "--log-group", "log_group", log_group);
        let days = self.retention_days.is_none_or(|days| RETENTION_DAYS.contains(&days));
        let allowed: Vec<String> = RETENTION_DAYS.iter().map(ToString::to_string).collect();
        ask(days, "--retention-days", "retention_days", &format!("must be one of {}", allowed.join(", ")));
        let is_named = |name: &String| is_log_group(name) || name.starts_with("arn:");
        ask(self.log_groups.iter().all(is_named), "", "log_groups", "must be names or ARNs of log groups");
        mistakes
    }
}

/// The line of a key. The file is one flat mapping, so a key begins its line; 1 for one that is written in another way.
fn line_of(text: &str, key: &str) -> u64 {
    let is_it = |line: &str| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':'));
    (1..).zip(text.lines()).find(|(_, line)| is_it(line)).map_or(1, |(number, _)| number)
}

/// Options that are right as far as they go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cluster {
    options: ClusterOptions,
}

/// An option that a manifest cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    Cluster,
    Region,
    Account,
    Namespace,
}

/// Options that are missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("missing: {}", .0.iter().map(|need| need.ask()).collect::<Vec<_>>().join("; "))]
pub struct Missing(pub Vec<Need>);

/// Why a manifest cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Missing(#[from] Missing),
    /// The option, and what it must be.
    #[error("{0}")]
    Value(&'static str),
}

impl Need {
    fn ask(self) -> &'static str {
        match self {
            Need::Cluster => "--cluster (the name of the EKS cluster; `cluster:` in podferry.yaml)",
            Need::Region => "--region (the AWS region, such as eu-west-1; `region:` in podferry.yaml)",
            Need::Account => "--account (the AWS account, 12 digits; `account:` in podferry.yaml)",
            Need::Namespace => "--namespace (a namespace of pods on Fargate; `namespaces:` in podferry.yaml)",
        }
    }
}

impl Cluster {
    /// Makes sure that options are there.
    ///
    /// # Errors
    /// All that are not.
    pub fn need(&self, needs: &[Need]) -> Result<(), Missing> {
        let options = &self.options;
        let is_missing = |need: &Need| match need {
            Need::Cluster => options.cluster.is_none(),
            Need::Region => options.region.is_none(),
            Need::Account => options.account.is_none(),
            Need::Namespace => options.namespaces.is_empty(),
        };
        let missing: Vec<Need> = needs.iter().copied().filter(is_missing).collect();
        if missing.is_empty() { Ok(()) } else { Err(Missing(missing)) }
    }

    /// The cluster's name in EKS; empty where it was not [`Cluster::need`]ed.
    pub fn name(&self) -> &str {
        self.options.cluster.as_deref().unwrap_or_default()
    }

    /// The cluster's name in Datadog: the value of the tag `kube_cluster_name`.
    pub(crate) fn datadog_name(&self) -> String {
        datadog_cluster(self.name())
    }

    /// What people should know of the two names, where they differ.
    pub fn name_note(&self) -> Option<String> {
        let (eks, datadog) = (self.name(), self.datadog_name());
        (eks != datadog).then(|| {
            format!(
                "Datadog does not accept the cluster's name `{eks}`; there it is called `{datadog}`, also in the tag kube_cluster_name"
            )
        })
    }

    /// The region; empty where it was not needed.
    pub fn region(&self) -> &str {
        self.options.region.as_deref().unwrap_or_default()
    }

    /// The account; empty where it was not needed.
    pub fn account(&self) -> &str {
        self.options.account.as_deref().unwrap_or_default()
    }

    /// Namespaces of pods on Fargate.
    pub fn namespaces(&self) -> &[String] {
        &self.options.namespaces
    }

    /// The service account of the pods: `default`, as Kubernetes has it, unless another is given.
    pub(crate) fn service_account(&self) -> &str {
        self.given_service_account().unwrap_or("default")
    }

    /// The service account, if one was given.
    pub fn given_service_account(&self) -> Option<&str> {
        self.options.service_account.as_deref()
    }

    /// The Datadog site.
    pub fn site(&self) -> &str {
        self.options.site.as_deref().unwrap_or(pipeline::site::SITES[0])
    }

    /// The log group of the pods.
    pub fn log_group(&self) -> String {
        self.given_log_group().map_or_else(|| format!("/aws/eks/{}/fargate", self.name()), str::to_owned)
    }

    /// The log group, if one was given.
    pub fn given_log_group(&self) -> Option<&str> {
        self.options.log_group.as_deref()
    }

    /// How long the log group keeps events: 7 days, unless another number is given.
    pub fn retention_days(&self) -> i64 {
        self.options.retention_days.unwrap_or(7)
    }

    /// How Fluent Bit writes logs.
    pub(crate) fn preset(&self) -> LoggingPreset {
        self.options.preset.unwrap_or_default()
    }

    /// The partition that the region is in, as ARNs have it: `aws`.
    pub(crate) fn partition(&self) -> &'static str {
        partition::of_region(self.region()).id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_file() {
        let file = ClusterOptions::from_yaml(
            "cluster: prod\nregion: eu-west-1\nprofile: lean\nnamespaces: [a, b]\naccount: '111122223333'\n",
        )
        .unwrap();
        let flags = ClusterOptions {
            region: Some("us-east-1".into()),
            namespaces: vec!["c".into()],
            ..ClusterOptions::default()
        };
        let cluster = flags.or(file).check().unwrap();
        assert_eq!(
            (cluster.name(), cluster.region(), cluster.namespaces()),
            ("prod", "us-east-1", &["c".to_owned()][..])
        );
        assert_eq!((cluster.log_group().as_str(), cluster.retention_days()), ("/aws/eks/prod/fargate", 7));
        assert_eq!(cluster.preset(), LoggingPreset::Lean);
        // The key has had another name.
        assert_eq!(ClusterOptions::from_yaml("preset: lean").unwrap().preset, Some(LoggingPreset::Lean));
        assert_eq!(ClusterOptions::from_yaml(" \n").unwrap(), ClusterOptions::default());
    }

    #[test]
    fn all_mistakes_and_all_that_is_missing_are_said_at_once() {
        let wrong = ClusterOptions {
            cluster: Some("prod.eu".into()),
            region: Some("europe".into()),
            account: Some("1234".into()),
            namespaces: vec!["a_b".into()],
            service_account: Some("A".into()),
            site: Some("https://datadoghq.eu".into()),
            log_group: Some("arn:aws:logs".into()),
            retention_days: Some(8),
            ..ClusterOptions::default()
        };
        assert_eq!(wrong.check().unwrap_err().len(), 8);
        let missing = Cluster::default().need(&[Need::Cluster, Need::Region]).unwrap_err().to_string();
        assert!(missing.contains("--cluster") && missing.contains("--region") && !missing.contains("--account"));
    }

    #[test]
    fn datadog_has_a_name_of_its_own_where_eks_has_another() {
        let cluster = |name: &str| ClusterOptions { cluster: Some(name.into()), ..ClusterOptions::default() }.check();
        let prod = cluster("Prod_EU").unwrap();
        assert_eq!((prod.name(), prod.datadog_name().as_str()), ("Prod_EU", "prod_eu"));
        assert_eq!(prod.log_group(), "/aws/eks/Prod_EU/fargate");
        assert!(prod.name_note().unwrap().contains("`prod_eu`"));
        assert_eq!(cluster("prod").unwrap().name_note(), None);
        assert_eq!(Cluster::default().name_note(), None);
        assert!(cluster(&"a".repeat(100)).is_ok() && cluster(&"a".repeat(101)).is_err() && cluster("a.b").is_err());
    }

    #[test]
    fn partitions_of_regions() {
        for (region, partition) in [
            ("eu-west-1", "aws"),
            ("us-west-2", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1", "aws-iso-f"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            let options = ClusterOptions { region: Some(region.into()), ..ClusterOptions::default() };
            assert_eq!(options.check().unwrap().partition(), partition, "{region}");
        }
    }

    #[test]
    fn days_that_cloudwatch_knows() {
        let is = |days: i64| ClusterOptions { retention_days: Some(days), ..ClusterOptions::default() }.check().is_ok();
        for days in [1, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653] {
            assert!(is(days) && !is(days + 1), "{days}");
        }
        assert!(!is(0) && !is(-1) && !is(2));
    }

    #[test]
    fn mistakes_in_a_file_have_their_lines() {
        let mistakes = |text: &str| {
            let mistakes = ClusterOptions::from_yaml(text).unwrap_err();
            mistakes.into_iter().map(|mistake| (mistake.line, mistake.problem)).collect::<Vec<_>>()
        };
        let [(line, problem)] = &mistakes("region: eu-west-1\nclustre: x\n")[..] else { panic!() };
        assert!(*line == 2 && problem.contains("clustre"), "{problem}");
        let [(line, problem)] = &mistakes("region: eu-west-1\n\npreset: leen\n")[..] else { panic!() };
        assert!(*line == 3 && problem.contains("leen"), "{problem}");
        assert!(mistakes("preset: lean\nprofile: lean\n")[0].1.contains("preset"));
        for text in ["foo", "- a\n", "cluster: [\n", "namespaces: {a: b}\n"] {
            let problem = &mistakes(text)[0].1;
            assert!(problem.contains("such as `"), "{text}: {problem}");
        }
        let [first, second] = &mistakes("# a\nlog_groups: ['a b']\nregion: Europe\naccount: '111122223333'\n")[..]
        else {
            panic!()
        };
        assert_eq!((first.0, second.0), (2, 3));
        assert!(first.1.starts_with("log_groups: must be") && second.1.starts_with("region: must be"));
        let options = ClusterOptions::from_yaml("function: podferry\nlog_groups: [/a, 'arn:aws:logs:x']\n").unwrap();
        assert_eq!((options.function.as_deref(), options.log_groups.len()), (Some("podferry"), 2));
    }
}
