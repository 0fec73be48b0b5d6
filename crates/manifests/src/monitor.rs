//! For Datadog: a monitor that tells when no pod of a cluster runs an Agent any more, and a dashboard of the way that logs take.
//! Both are what Datadog's API takes.
//!
//! Source: Datadog API reference, "Create a monitor" and "Create a new dashboard"; DataDog/integrations-core, `eks_fargate`, whose
//! check sends `eks.fargate.pods.running` from each Agent; Datadog's integrations for AWS Lambda and SQS.

use crate::cluster::{Cluster, Missing, Need};
use crate::file::GeneratedFile;
use crate::node::{Map, Node};

/// What there is to choose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MonitorOptions {
    /// Whom to tell, such as `@slack-ops`.
    pub notify: Vec<String>,
    /// The forwarder's function name, where it is known: for the dashboard.
    pub function_name: Option<String>,
}

/// Monitor and dashboard.
///
/// # Errors
/// [`Missing`] options.
pub fn generate(cluster: &Cluster, options: &MonitorOptions) -> Result<Vec<GeneratedFile>, Missing> {
    cluster.need(&[Need::Cluster])?;
    let json = |map: &Map| serde_json::to_string_pretty(map).unwrap_or_default() + "\n";
    Ok(vec![
        GeneratedFile::text("monitor.json", json(&monitor(cluster, options))),
        GeneratedFile::text("dashboard.json", json(&dashboard(cluster, options))),
    ])
}

fn monitor(cluster: &Cluster, options: &MonitorOptions) -> Map {
    let (name, tag) = (cluster.name(), cluster.datadog_name());
    let mut message = format!(
        "No Agent on EKS Fargate in cluster {name} reports any more (metric eks.fargate.pods.running). Check the Agents in the pods: Secret \
         datadog-secret, RBAC, DD_KUBERNETES_KUBELET_NODENAME."
    );
    options.notify.iter().for_each(|handle| message.push_str(&format!(" {handle}")));
    Map::new()
        .with("name", format!("EKS Fargate: no Agent reports from {name}"))
        .with("type", "metric alert")
        // Each Agent sends 1, with the name of its pod.
        .with("query", format!("sum(last_10m):sum:eks.fargate.pods.running{{kube_cluster_name:{tag}}} < 1"))
        .with("message", message)
        .with("tags", Node::list([format!("kube_cluster_name:{tag}"), "generated:podferry".to_owned()]))
        .with(
            "options",
            Map::new()
                .with("thresholds", Map::new().with("critical", 1))
                .with("notify_no_data", true)
                .with("no_data_timeframe", 20)
                .with("include_tags", true),
        )
}

fn dashboard(cluster: &Cluster, options: &MonitorOptions) -> Map {
    let (name, tag) = (cluster.name(), cluster.datadog_name());
    let logs = format!("kube_cluster_name:{tag}");
    let function = match &options.function_name {
        Some(function) => format!("functionname:{}", function.to_lowercase()),
        None => "functionname:*podferry*".to_owned(),
    };
    let widgets = [
        logs_widget("Logs by namespace", &logs, "kube_namespace"),
        logs_widget("Logs by status", &logs, "status"),
        // The forwarder gives both another time. Source: crates/pipeline, `accepted_times`.
        logs_widget("Late and early logs", &format!("{logs} (late:true OR early:true)"), "service"),
        logs_widget("Truncated logs", &format!("{logs} truncated:true"), "service"),
        logs_widget("Invalid annotations", &format!("{logs} podferry_rule_error:*"), "podferry_rule_error"),
        metric_widget("Invocations", &format!("sum:aws.lambda.invocations{{{function}}}.as_count()")),
        metric_widget("Errors", &format!("sum:aws.lambda.errors{{{function}}}.as_count()")),
        metric_widget("Duration", &format!("max:aws.lambda.duration.maximum{{{function}}}")),
        metric_widget(
            "Undelivered messages and dead letters",
            "sum:aws.sqs.approximate_number_of_messages_visible{queuename:*podferry*} by {queuename}",
        ),
        metric_widget("Agents on Fargate", &format!("sum:eks.fargate.pods.running{{kube_cluster_name:{tag}}}")),
    ];
    Map::new()
        .with("title", format!("EKS Fargate logs of {name} (podferry)"))
        .with("description", "From CloudWatch Logs to Datadog: what arrives, and how the forwarder is doing.")
        .with("layout_type", "ordered")
        .with("widgets", Node::list(widgets))
}

fn logs_widget(title: &str, query: &str, facet: &str) -> Map {
    let group = Map::new()
        .with("facet", facet)
        .with("limit", 10)
        .with("sort", Map::new().with("aggregation", "count").with("order", "desc"));
    let search = Map::new()
        .with("data_source", "logs")
        .with("name", "a")
        .with("search", Map::new().with("query", query))
        .with("indexes", Node::list(["*"]))
        .with("compute", Map::new().with("aggregation", "count"))
        .with("group_by", Node::list([group]));
    timeseries(title, search)
}

fn metric_widget(title: &str, query: &str) -> Map {
    timeseries(title, Map::new().with("data_source", "metrics").with("name", "a").with("query", query))
}

fn timeseries(title: &str, query: Map) -> Map {
    let request = Map::new()
        .with("response_format", "timeseries")
        .with("queries", Node::list([query]))
        .with("formulas", Node::list([Map::new().with("formula", "a")]))
        .with("display_type", "bars");
    let definition = Map::new().with("type", "timeseries").with("title", title).with("requests", Node::list([request]));
    Map::new().with("definition", definition)
}
