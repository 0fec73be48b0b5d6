//! The namespace and the ConfigMap that EKS reads, as `kubectl get … -o json` shows them; and why something of a cluster cannot be seen.

use serde_json::Value;

use super::finding::{HealthArea, HealthFinding};
use manifests::fluent_bit::parse;
use manifests::lint;
use manifests::lint::project::ExpectedTarget;
use manifests::lint::report::LintReport;
use manifests::lint::rule::Severity;
use manifests::lint::source::SourceFile;

/// Where EKS looks. Source: Amazon EKS User Guide, "Start AWS Fargate logging for your cluster".
pub(crate) const NAMESPACE: &str = "aws-observability";
pub(crate) const CONFIG_MAP: &str = "aws-logging";

/// The command that creates both.
const GENERATE: &str = "podferry generate logging | kubectl apply -f -";

/// Why something could not be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ClusterUnknown {
    /// The cluster answers that it does not exist.
    NotFound,
    /// The cluster does not let the user see it: the cluster's words.
    Forbidden(String),
    /// This could not be asked: a sentence.
    Failed(String),
    /// `kubectl` could not be run, or does not answer, and would not if it were asked for more: a sentence.
    Lost(String),
}

impl ClusterUnknown {
    /// A sentence without a full stop.
    #[must_use]
    pub(crate) fn why(&self) -> &str {
        match self {
            ClusterUnknown::NotFound => "it does not exist",
            ClusterUnknown::Forbidden(why) | ClusterUnknown::Failed(why) | ClusterUnknown::Lost(why) => why,
        }
    }

    /// The same, for checks that say so in one line.
    #[must_use]
    pub(super) fn not_checked(&self) -> String {
        format!("not checked: {}", self.why())
    }
}

/// The namespace.
#[must_use]
pub(crate) fn namespace(seen: Result<&Value, &ClusterUnknown>) -> HealthFinding {
    let name = &format!("namespace {NAMESPACE}");
    match seen {
        Err(ClusterUnknown::NotFound) => {
            HealthFinding::wrong(HealthArea::Cluster, name, "it does not exist, so EKS logs no pod on Fargate")
                .fix(GENERATE)
        }
        Err(unknown) => HealthFinding::unknown(HealthArea::Cluster, name, unknown.why()),
        Ok(object) if object["metadata"]["labels"][NAMESPACE] != "enabled" => {
            let problem = format!("it has no label {NAMESPACE}=enabled, so EKS ignores it");
            HealthFinding::wrong(HealthArea::Cluster, name, problem)
                .fix(format!("kubectl label namespace {NAMESPACE} {NAMESPACE}=enabled --overwrite"))
        }
        Ok(_) => HealthFinding::ok(HealthArea::Cluster, name, format!("exists, with the label {NAMESPACE}=enabled")),
    }
}

/// What `podferry lint` finds in the ConfigMap. `expected` is known from the function.
#[must_use]
pub(crate) fn config_map(seen: Result<&str, &ClusterUnknown>, expected: &ExpectedTarget) -> Vec<HealthFinding> {
    let name = &format!("configmap {CONFIG_MAP}");
    let text = match seen {
        Err(ClusterUnknown::NotFound) => {
            return vec![
                HealthFinding::wrong(HealthArea::Cluster, name, "it does not exist, so EKS logs no pod on Fargate")
                    .fix(GENERATE),
            ];
        }
        Err(unknown) => return vec![HealthFinding::unknown(HealthArea::Cluster, name, unknown.why())],
        Ok(text) => text,
    };
    let sources = [SourceFile::new(&format!("configmap {NAMESPACE}/{CONFIG_MAP}"), text)];
    let report = lint::lint(&sources, expected, &[]).without_preview();
    let mut found = of_lint(name, &report, &sources);
    if found.is_empty() {
        found.push(HealthFinding::ok(HealthArea::Cluster, name, "podferry lint finds nothing"));
    }
    found
}

/// What the ConfigMap says that is looked for in the account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LoggingSeen {
    pub(crate) writes_own_log: bool,
    /// The groups that outputs name, by the region that they name.
    log_groups: Vec<(String, String)>,
}

impl LoggingSeen {
    /// Reads a ConfigMap.
    #[must_use]
    pub(crate) fn read(config_map: &Value) -> LoggingSeen {
        let outputs = parse::parse(config_map["data"]["output.conf"].as_str().unwrap_or_default());
        let group = |section: &parse::ReadSection| {
            let is_plugin = ["cloudwatch", "cloudwatch_logs"].contains(&section.value("name")?.to_lowercase().as_str());
            let name = section.value("log_group_name")?;
            // Others are made from records.
            let is_written_out = is_plugin && !name.is_empty() && !name.contains('$');
            is_written_out.then(|| Some((section.value("region")?.to_owned(), name.to_owned()))).flatten()
        };
        let mut log_groups: Vec<(String, String)> = outputs.sections.iter().filter_map(group).collect();
        log_groups.sort();
        log_groups.dedup();
        LoggingSeen { writes_own_log: writes_own_log(config_map), log_groups }
    }

    /// The names of the groups in a region.
    #[must_use]
    pub(crate) fn log_groups_in(&self, region: &str) -> Vec<String> {
        let of_region = self.log_groups.iter().filter(|(other, _)| other == region);
        of_region.map(|(_, name)| name.clone()).collect()
    }
}

/// Whether Fluent Bit writes its own log, by the ConfigMap. Source: Amazon EKS User Guide, "Start AWS Fargate logging for your cluster",
/// "Fluent Bit process logs".
fn writes_own_log(config_map: &Value) -> bool {
    config_map["data"]["flb_log_cw"] == "true"
}

fn of_lint(name: &str, report: &LintReport, sources: &[SourceFile]) -> Vec<HealthFinding> {
    let judged = |finding: &lint::finding::Finding| {
        let place = sources.get(finding.place.source).map(|source| source.position(finding.place.span.start));
        let place = place.map(|place| format!("{}:{}: ", place.line, place.column)).unwrap_or_default();
        let said = format!("{place}{}: {}", finding.rule.code, finding.message);
        let judged = if finding.severity == Severity::Error {
            HealthFinding::wrong(HealthArea::Cluster, name, said)
        } else {
            HealthFinding::note(HealthArea::Cluster, name, said)
        };
        judged.fix(finding.advice())
    };
    report.findings.iter().map(judged).collect()
}

#[cfg(test)]
mod tests {
    use super::super::finding::HealthSeverity;
    use super::*;
    use serde_json::json;

    #[test]
    fn namespaces_and_config_maps() {
        let label = |value: &str| json!({ "metadata": { "labels": { "aws-observability": value } } });
        assert_eq!(namespace(Ok(&label("enabled"))).severity, HealthSeverity::Ok);
        assert!(namespace(Ok(&label("true"))).fix.unwrap().starts_with("kubectl label"));
        assert_eq!(namespace(Err(&ClusterUnknown::NotFound)).severity, HealthSeverity::Wrong);
        for unknown in [ClusterUnknown::Failed, ClusterUnknown::Forbidden, ClusterUnknown::Lost] {
            assert_eq!(namespace(Err(&unknown("x".into()))).severity, HealthSeverity::Unknown);
        }
        let of = |text: &str| config_map(Ok(text), &ExpectedTarget::default()).remove(0);
        assert!(of("{ no json").why.contains("PF00"));
        assert_eq!(
            config_map(Err(&ClusterUnknown::NotFound), &ExpectedTarget::default())[0].severity,
            HealthSeverity::Wrong
        );
        let switch = |value: Value| writes_own_log(&json!({ "data": { "flb_log_cw": value } }));
        assert_eq!([json!("true"), json!("false"), json!(true), Value::Null].map(switch), [true, false, false, false]);
    }

    #[test]
    fn groups_that_outputs_name() {
        let output = |name: &str, region: &str, group: &str| {
            format!("[OUTPUT]\n Name {name}\n Region {region}\n log_group_name {group}\n")
        };
        let text = [
            output("cloudwatch_logs", "eu-west-1", "/a"),
            output("cloudwatch", "eu-west-1", "/b"),
            output("cloudwatch_logs", "eu-west-1", "/a"),
            output("cloudwatch_logs", "us-east-1", "/c"),
            output("cloudwatch", "eu-west-1", "/$(kubernetes['namespace_name'])"),
            output("es", "eu-west-1", "/d"),
            "[OUTPUT]\n Name cloudwatch_logs\n log_group_name /e\n".to_owned(),
        ];
        let seen = LoggingSeen::read(&json!({ "data": { "output.conf": text.concat() } }));
        assert_eq!(seen.log_groups_in("eu-west-1"), ["/a", "/b"]);
        assert_eq!(seen.log_groups_in("us-east-1"), ["/c"]);
        assert_eq!(LoggingSeen::read(&Value::Null), LoggingSeen::default());
    }
}
