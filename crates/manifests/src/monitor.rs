//! For Datadog: monitors that tell when no pod of a cluster runs an Agent any more, when a namespace's logs stop, and when there are dead
//! letters; and a dashboard of the way that logs take. All are what Datadog's API takes.
//!
//! Source: Datadog API reference, "Create a monitor" (query types, `on_missing_data`, `group_retention_duration`) and "Create a new
//! dashboard"; Datadog documentation, "Logs Monitor"; DataDog/integrations-core, `eks_fargate`, whose check sends
//! `eks.fargate.pods.running` from each Agent; Datadog's integrations for AWS Lambda and SQS.

use crate::cluster::{Cluster, Missing, Need};
use crate::file::GeneratedFile;
use crate::node::{Map, Node};

/// What there is to choose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MonitorOptions {
    /// Whom to tell, such as `@slack-ops`.
    pub notify: Vec<String>,
    /// The forwarder's function name, where it is known: for the dashboard, and for the queue of dead letters.
    pub function_name: Option<String>,
}

/// The monitors' files, in the order in which they are made.
pub(crate) const MONITORS: [&str; 3] = [HEARTBEAT, "monitor-logs-stopped.json", "monitor-dead-letters.json"];
/// Of these, the one that is about Agents.
pub(crate) const HEARTBEAT: &str = "monitor.json";
pub(crate) const DASHBOARD: &str = "dashboard.json";

/// Monitors and dashboard.
///
/// # Errors
/// [`Missing`] options.
pub fn generate(cluster: &Cluster, options: &MonitorOptions) -> Result<Vec<GeneratedFile>, Missing> {
    cluster.need(&[Need::Cluster])?;
    let json = |map: &Map| serde_json::to_string_pretty(map).unwrap_or_default() + "\n";
    let monitors = [heartbeat(cluster), logs_stopped(cluster), dead_letters(cluster, options)];
    let monitors = MONITORS.iter().zip(monitors).map(|(file, monitor)| (*file, monitor.map(cluster, options)));
    let files = monitors.chain([(DASHBOARD, dashboard(cluster, options))]);
    Ok(files.map(|(file, map)| GeneratedFile::text(file, json(&map))).collect())
}

/// What one monitor has that others have not.
struct Monitor {
    name: String,
    /// Datadog's name of it.
    kind: &'static str,
    query: String,
    message: String,
    options: Map,
}

impl Monitor {
    fn map(self, cluster: &Cluster, options: &MonitorOptions) -> Map {
        let message = [&[self.message][..], &options.notify].concat().join(" ");
        let tags = [format!("kube_cluster_name:{}", cluster.datadog_name()), "generated:podferry".to_owned()];
        Map::new()
            .with("name", self.name)
            .with("type", self.kind)
            .with("query", self.query)
            .with("message", message)
            .with("tags", Node::list(tags))
            .with("options", self.options.with("include_tags", true))
    }
}

fn heartbeat(cluster: &Cluster) -> Monitor {
    let (name, tag) = (cluster.name(), cluster.datadog_name());
    Monitor {
        name: format!("EKS Fargate: no Agent reports from {name}"),
        kind: "metric alert",
        // Each Agent sends 1, with the name of its pod.
        query: format!("sum(last_10m):sum:eks.fargate.pods.running{{kube_cluster_name:{tag}}} < 1"),
        message: format!(
            "No Agent on EKS Fargate in cluster {name} reports any more (metric eks.fargate.pods.running). Check the Agents in the pods: \
             Secret datadog-secret, RBAC, DD_KUBERNETES_KUBELET_NODENAME."
        ),
        options: Map::new()
            .with("thresholds", Map::new().with("critical", 1))
            .with("notify_no_data", true)
            .with("no_data_timeframe", 20),
    }
}

/// A namespace that had logs in the last two days and none in the last hour. One that never had any is unknown to Datadog.
fn logs_stopped(cluster: &Cluster) -> Monitor {
    let name = cluster.name();
    let namespaces = match cluster.namespaces() {
        [] => String::new(),
        namespaces => format!(" kube_namespace:({})", namespaces.join(" OR ")),
    };
    let search = format!("kube_cluster_name:{}{namespaces}", cluster.datadog_name());
    Monitor {
        name: format!("EKS Fargate: logs of a namespace of {name} stopped"),
        kind: "log alert",
        query: format!(r#"logs("{search}").index("*").rollup("count").by("kube_namespace").last("1h") < 1"#),
        message: format!(
            "Namespace {{{{kube_namespace.name}}}} in cluster {name} has sent no log for an hour. If its pods run and should have something \
             to say, run `podferry doctor`: it checks the way from Fluent Bit to Datadog. If they are gone, this ends by itself two days \
             after the last log."
        ),
        options: Map::new()
            .with("thresholds", Map::new().with("critical", 1))
            // Of a count: none is 0, and below the threshold.
            .with("on_missing_data", "default")
            .with("group_retention_duration", "2d"),
    }
}

fn dead_letters(cluster: &Cluster, options: &MonitorOptions) -> Monitor {
    // CloudFormation names the queue after the stack, and so it does the function: `STACK-Forwarder-…`, where it has no name of its own.
    let stack = options.function_name.as_deref().and_then(|name| name.rsplit_once("-Forwarder-"));
    let queue =
        stack.map_or_else(|| "*-deadletterqueue-*".to_owned(), |(stack, _)| format!("{stack}-DeadLetterQueue-*"));
    let queue = queue.to_lowercase();
    Monitor {
        name: format!("EKS Fargate: dead letters of podferry ({})", cluster.name()),
        kind: "metric alert",
        query: format!(
            "max(last_15m):max:aws.sqs.approximate_number_of_messages_visible{{queuename:{queue}}} by {{queuename}} > 0"
        ),
        message: "Logs are in the dead-letter queue {{queuename.name}}: Datadog refused them for good, or 50 attempts failed. SQS drops them \
                  14 days after they were queued. `podferry redrive` says what and why; fix the cause, then `podferry redrive --send`."
            .to_owned(),
        options: Map::new()
            .with("thresholds", Map::new().with("critical", 0))
            .with("notify_no_data", false)
            .with("require_full_window", false)
            // CloudWatch's metrics come to Datadog some minutes late.
            .with("evaluation_delay", 900),
    }
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
