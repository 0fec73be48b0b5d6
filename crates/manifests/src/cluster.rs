//! What describes a cluster: the options that all of `podferry generate` share, from flags and from `podferry.yaml`.
//!
//! Reading them only records them ([`ClusterOptions`]); [`ClusterOptions::check`] looks at all values at once, and what a manifest
//! cannot do without is asked for by [`Cluster::need`], all of it in one error.

use serde::Deserialize;

use crate::preset::LoggingPreset;

/// The file that options are taken from where it exists.
pub const FILE: &str = "podferry.yaml";

/// Days that CloudWatch Logs keeps events for, as Fluent Bit's documentation allows them.
/// Source: Fluent Bit manual, "Amazon CloudWatch", `log_retention_days`.
pub(crate) const RETENTION_DAYS: [i64; 17] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653];

/// How long a cluster's name may be. Source: DataDog/helm-charts, `charts/datadog`, `clusterName`.
const MAX_CLUSTER_NAME: usize = 80;

/// The options, as they were given. Flags and file have the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterOptions {
    /// Name of the EKS cluster.
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// AWS region, such as eu-west-1.
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// AWS account, 12 digits.
    #[arg(long, value_name = "ID")]
    pub account: Option<String>,
    /// Namespace of pods on Fargate; may be given several times.
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
    /// How many days the log group keeps its events.
    #[arg(long, value_name = "DAYS")]
    pub retention_days: Option<i64>,
    /// How Fluent Bit writes logs [default: standard].
    #[arg(long, value_enum)]
    pub profile: Option<LoggingPreset>,
}

impl ClusterOptions {
    /// Reads a `podferry.yaml`.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn from_yaml(text: &str) -> Result<ClusterOptions, String> {
        if text.trim().is_empty() {
            return Ok(ClusterOptions::default());
        }
        serde_saphyr::from_str(text).map_err(|error| error.to_string())
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
            profile: self.profile.or(file.profile),
        }
    }

    /// Checks every value that is there.
    ///
    /// # Errors
    /// All mistakes, each with its option.
    pub fn check(self) -> Result<Cluster, Vec<String>> {
        let mut mistakes = Vec::new();
        let mut ask = |ok: bool, mistake: &str| {
            if !ok {
                mistakes.push(mistake.to_owned());
            }
        };
        let all = |value: &Option<String>, is: fn(&str) -> bool| value.as_deref().is_none_or(is);
        ask(
            all(&self.cluster, is_cluster),
            "--cluster: must be lower-case letters, digits, `-`, `_` and `.`, 80 at most: Datadog takes no other name",
        );
        ask(all(&self.region, is_region), "--region: must be a region of AWS, such as eu-west-1");
        ask(all(&self.account, is_account), "--account: must be the 12 digits of an AWS account");
        ask(
            self.namespaces.iter().all(|name| is_label(name)),
            "--namespace: must be a namespace's name: lower-case letters, digits and `-`",
        );
        ask(
            all(&self.service_account, is_name),
            "--service-account: must be a service account's name, without its namespace",
        );
        ask(
            all(&self.site, is_site),
            "--site: must be the name of a Datadog site, such as datadoghq.eu, without https:// and without app.",
        );
        ask(all(&self.log_group, is_log_group), "--log-group: must be the name of a log group, not its ARN");
        let days = self.retention_days.is_none_or(|days| RETENTION_DAYS.contains(&days));
        let allowed: Vec<String> = RETENTION_DAYS.iter().map(ToString::to_string).collect();
        ask(days, &format!("--retention-days: must be one of {}", allowed.join(", ")));
        if mistakes.is_empty() { Ok(Cluster { options: self }) } else { Err(mistakes) }
    }
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

    /// The cluster's name; empty where it was not [`Cluster::need`]ed.
    pub fn name(&self) -> &str {
        self.options.cluster.as_deref().unwrap_or_default()
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
    pub(crate) fn profile(&self) -> LoggingPreset {
        self.options.profile.unwrap_or_default()
    }

    /// The partition that the region is in, as ARNs have it. Source: botocore, `partitions.json`.
    pub(crate) fn partition(&self) -> &'static str {
        let region = self.region();
        if region.starts_with("cn-") {
            "aws-cn"
        } else if region.starts_with("us-gov-") {
            "aws-us-gov"
        } else {
            "aws"
        }
    }
}

/// A DNS label, as names of namespaces and containers are. Source: Kubernetes, "Object Names and IDs".
pub(crate) fn is_label(name: &str) -> bool {
    let is_inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&name.len()) && name.bytes().all(is_inside) && !name.starts_with('-') && !name.ends_with('-')
}

/// A DNS subdomain, as names of most objects are. Source: Kubernetes, "Object Names and IDs".
pub(crate) fn is_name(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_label)
}

/// A cluster's name as Datadog takes it. Source: DataDog/helm-charts, `charts/datadog`, the pattern of `clusterName`.
pub(crate) fn is_cluster(name: &str) -> bool {
    let is_edge = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_part = |part: &str| {
        part.bytes().all(|byte| is_edge(byte) || byte == b'-' || byte == b'_')
            && part.bytes().next().is_some_and(is_edge)
            && part.bytes().last().is_some_and(is_edge)
    };
    name.len() <= MAX_CLUSTER_NAME && name.split('.').all(is_part)
}

fn is_region(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let ends_in_number =
        parts.last().is_some_and(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    parts.len() >= 3 && parts[..parts.len() - 1].iter().all(is_word) && ends_in_number
}

fn is_account(id: &str) -> bool {
    id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_site(site: &str) -> bool {
    site.contains('.') && !site.starts_with("app.") && is_name(site)
}

/// Source: CloudWatch Logs API reference, CreateLogGroup, `logGroupName`.
fn is_log_group(name: &str) -> bool {
    let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || b"_/.#-".contains(&byte);
    (1..=512).contains(&name.len()) && name.bytes().all(is_inside)
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
        assert_eq!(cluster.profile(), LoggingPreset::Lean);
        assert!(ClusterOptions::from_yaml("clustre: x").unwrap_err().contains("clustre"));
        assert_eq!(ClusterOptions::from_yaml(" \n").unwrap(), ClusterOptions::default());
    }

    #[test]
    fn all_mistakes_and_all_that_is_missing_are_said_at_once() {
        let wrong = ClusterOptions {
            cluster: Some("Prod".into()),
            region: Some("europe".into()),
            account: Some("1234".into()),
            namespaces: vec!["a_b".into()],
            service_account: Some("A".into()),
            site: Some("https://datadoghq.eu".into()),
            log_group: Some("arn:aws:logs".into()),
            retention_days: Some(8),
            profile: None,
        };
        assert_eq!(wrong.check().unwrap_err().len(), 8);
        let missing = Cluster::default().need(&[Need::Cluster, Need::Region]).unwrap_err().to_string();
        assert!(missing.contains("--cluster") && missing.contains("--region") && !missing.contains("--account"));
    }

    #[test]
    fn names_at_their_edges() {
        let cluster = |length: usize| is_cluster(&"a".repeat(length));
        assert_eq!([79, 80, 81].map(cluster), [true, true, false]);
        let label = |length: usize| is_label(&"a".repeat(length));
        assert_eq!([0, 1, 63, 64].map(label), [false, true, true, false]);
        let group = |length: usize| is_log_group(&"a".repeat(length));
        assert_eq!([0, 1, 512, 513].map(group), [false, true, true, false]);
        for (name, ok) in [("a-b", true), ("-a", false), ("a-", false), ("a.b_c", true), ("a..b", false), ("", false)] {
            assert_eq!(is_cluster(name), ok, "{name}");
        }
        for (name, ok) in
            [("eu-west-1", true), ("us-gov-west-1", true), ("eu-west", false), ("eu-west-", false), ("", false)]
        {
            assert_eq!(is_region(name), ok, "{name}");
        }
    }
}
