//! What each variable means, for people: `docs/settings.md` and `podferry settings` are made from this.

/// A variable of the forwarder.
#[derive(Debug, Clone, Copy)]
pub struct ForwarderVariable {
    pub name: &'static str,
    /// What applies when it is not set.
    pub(crate) default: &'static str,
    pub meaning: &'static str,
}

const fn variable(name: &'static str, default: &'static str, meaning: &'static str) -> ForwarderVariable {
    ForwarderVariable { name, default, meaning }
}

/// Variables that belong together, under one heading.
#[derive(Debug, Clone, Copy)]
struct VariableGroup {
    title: &'static str,
    variables: &'static [ForwarderVariable],
}

/// Every variable that the forwarder reads and a user may set, in the order in which somebody would look for it.
const GROUPS: [VariableGroup; 7] = [
    VariableGroup {
        title: "API key",
        variables: &[
            variable(
                "DD_API_KEY_SECRET_ARN",
                "–",
                "ARN of a secret in Secrets Manager that holds the key: plain text, or JSON with `api_key`, `dd_api_key`, `apiKey` or `DD_API_KEY`",
            ),
            variable(
                "DD_API_KEY_SSM_NAME",
                "–",
                "Name or ARN of a SecureString in the Parameter Store that holds the key",
            ),
            variable("DD_KMS_API_KEY", "–", "The key, encrypted with KMS, in base64"),
            variable("DD_API_KEY", "–", "The key in plain text. Of these four, the first that is set is used"),
        ],
    },
    VariableGroup {
        title: "Where logs go",
        variables: &[
            variable("DD_SITE", "`datadoghq.com`", "Datadog site"),
            variable(
                "DD_URL",
                "from `DD_SITE`",
                "Address of the intake: a host name, or a URL such as `http://127.0.0.1:8080`",
            ),
            variable("DD_PORT", "the scheme's", "Port of the intake"),
            variable("DD_NO_SSL", "`false`", "`true`: http instead of https"),
            variable("DD_SKIP_SSL_VALIDATION", "`false`", "`true`: the intake's certificate is not verified"),
            variable(
                "PODFERRY_CA_BUNDLE",
                "–",
                "Path of a PEM file with root certificates, such as `/opt/ca.pem` in a layer. They are trusted in addition to Mozilla's, for Datadog and for AWS",
            ),
            variable("HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "–", "Proxy, and the hosts that are reached without it"),
            variable("DD_MAX_WORKERS", "`8`", "How many requests to Datadog run at the same time, 1 to 64"),
            variable("DD_COMPRESSION", "`zstd`", "`zstd`, `gzip` or `none`"),
            variable(
                "DD_COMPRESSION_LEVEL",
                "`1` (gzip: `6`)",
                "0 to 9, for the compression that `DD_COMPRESSION` selects; for zstd, 0 means 1",
            ),
            variable("DD_USE_COMPRESSION", "`true`", "`false`: no compression, even if `DD_COMPRESSION` is set"),
        ],
    },
    VariableGroup {
        title: "Tags and attributes",
        variables: &[
            variable("DD_TAGS", "–", "Tags for every log, separated by commas, or by spaces if there is no comma"),
            variable("DD_ENV", "–", "`env` for pods without the label `tags.datadoghq.com/env`"),
            variable("DD_SERVICE", "from the pod", "Service of every log"),
            variable("DD_SOURCE", "from the pod", "Source of every log"),
            variable("DD_CLUSTER_NAME", "from the log group", "`kube_cluster_name` for records without `cluster_name`"),
            variable(
                "DD_KUBERNETES_POD_LABELS_AS_TAGS",
                "–",
                "Pod labels to turn into tags: `{\"app\":\"kube_app\",\"team-*\":\"%%label%%\"}`",
            ),
            variable("DD_KUBERNETES_POD_ANNOTATIONS_AS_TAGS", "–", "The same for pod annotations"),
            variable(
                "DD_KUBERNETES_NAMESPACE_LABELS_AS_TAGS",
                "–",
                "The same for labels of the namespace. Needs `namespace_labels On` in the Kubernetes filter, which only a Fluent Bit that you run yourself can have: the one on EKS Fargate does not start with it",
            ),
            variable(
                "PODFERRY_STATUS_FROM_TEXT",
                "`false`",
                "`true`: a line that begins with a level (`INFO:`, `[warn]`, a time and `ERROR`, klog's `W1122`, `level=error`) gets its status from that level, not from stdout or stderr",
            ),
            variable(
                "PODFERRY_HOSTNAME",
                "`none`",
                "`node`: sends the name of the Fargate node as `hostname`. Datadog then counts each node as a host",
            ),
            variable(
                "PODFERRY_MERGE_LOG_KEY",
                "–",
                "`Merge_Log_Key` of the Kubernetes filter, if it has `Keep_Log Off` too. `log_obj`, `log_processed`, `log_parsed` and `log_json` are recognized without it",
            ),
        ],
    },
    VariableGroup {
        title: "Which logs are sent, and what is masked",
        variables: &[
            variable(
                "DD_CONTAINER_EXCLUDE_LOGS",
                "–",
                "Containers whose logs are not sent: patterns, each after `name:`, `image:` or `kube_namespace:`, separated by spaces: `kube_namespace:^dev- name:^istio-proxy$`",
            ),
            variable(
                "DD_CONTAINER_INCLUDE_LOGS",
                "–",
                "Exceptions from `DD_CONTAINER_EXCLUDE_LOGS`, in the same syntax",
            ),
            variable(
                "DD_LOGS_CONFIG_PROCESSING_RULES",
                "–",
                "The Agent's rules for the logs of all containers, applied before those in the pod's annotation: `[{\"type\":\"mask_sequences\",\"name\":…,\"pattern\":…,\"replace_placeholder\":…}]`",
            ),
            variable(
                "DD_LOGS_CONFIG_AUTO_MULTI_LINE_DETECTION",
                "`true`",
                "Joins the lines of one log: stack traces, messages of several lines, JSON, tables. An annotation of the pod overrides this for one container",
            ),
            variable(
                "DD_MULTILINE_LOG_REGEX_PATTERN",
                "–",
                "A line that starts with a match of this pattern starts a log; other lines continue it. For containers whose annotation has no `multi_line` rule",
            ),
            variable("EXCLUDE_AT_MATCH", "–", "Logs that contain a match of this pattern (Python syntax) are not sent"),
            variable(
                "INCLUDE_AT_MATCH",
                "–",
                "Only logs that contain a match of this pattern (Python syntax) are sent; `EXCLUDE_AT_MATCH` wins",
            ),
            variable("REDACT_IP", "`false`", "`true`: what looks like an IPv4 address becomes `xxx.xxx.xxx.xxx`"),
            variable("REDACT_EMAIL", "`false`", "`true`: what looks like an e-mail address becomes `xxxxx@xxxxx.com`"),
            variable("DD_SCRUBBING_RULE", "–", "Pattern (Python syntax) whose matches in the text are replaced"),
            variable(
                "DD_SCRUBBING_RULE_REPLACEMENT",
                "empty",
                "What replaces the matches of `DD_SCRUBBING_RULE`; `\\1` and `\\g<name>` insert what a group matched",
            ),
            variable(
                "PODFERRY_REDACT",
                "–",
                "Scrubbers by name, separated by commas: `email`, `ipv4`, `ipv6`, `credit_card`, `aws_access_key`, `jwt`, `bearer`",
            ),
            variable(
                "PODFERRY_SAMPLE",
                "–",
                "Sends only a share of the logs. The first rule that matches decides: `[{\"kube_namespace\":\"dev\",\"status\":\"info\",\"rate\":0.1}]`, also by `kube_container_name`",
            ),
            variable("DD_FORWARD_LOG", "`true`", "`false`: no log is sent; all are counted as `excluded`"),
        ],
    },
    VariableGroup {
        title: "Metadata in separate records",
        variables: &[
            variable(
                "PODFERRY_METADATA_RECORDS",
                "`false`",
                "`true`: tags and rules come from records that hold a pod's metadata and nothing else. Only for a ConfigMap that writes such records (preset `compact`), without `log_key`",
            ),
            variable(
                "PODFERRY_METADATA_LOOKUPS",
                "`60`",
                "How many calls a minute a sandbox may make to look up a pod's metadata in CloudWatch Logs, 0 to 600; `0`: none",
            ),
            variable(
                "PODFERRY_METADATA_WAIT",
                "`600`",
                "How many seconds logs wait in the queue while their pod's metadata is not known, since its annotations may hold masks; 0 to 1800. With 0, or without a queue, they are sent immediately",
            ),
            variable(
                "PODFERRY_METADATA_UNKNOWN",
                "`ship`",
                "What happens to logs whose metadata was not found in that time. `ship`: they are sent without their pod's tags and masks, with the tag `podferry_metadata:missing`. `keep`: they go to the dead-letter queue",
            ),
        ],
    },
    VariableGroup {
        title: "Limits and queues",
        variables: &[
            variable(
                "PODFERRY_MAX_DECOMPRESSED_BYTES",
                "a quarter of the memory, at most `268435456`",
                "Limit for an event after decompression. A larger one is refused",
            ),
            variable(
                "PODFERRY_UNDELIVERED_QUEUE_URL",
                "–",
                "SQS queue for logs that could not be delivered. An event source mapping must hand them back to the function. Without a queue, the invocation fails",
            ),
            variable(
                "PODFERRY_DEAD_LETTER_QUEUE_URL",
                "–",
                "SQS queue for what can never be delivered: logs that Datadog rejects, events that cannot be read",
            ),
            variable(
                "PODFERRY_REMEMBERED_LOGS",
                "`100000`",
                "How many delivered logs a sandbox remembers, so that it does not send one twice; `0`: none",
            ),
        ],
    },
    VariableGroup {
        title: "The function itself",
        variables: &[
            variable(
                "DD_LOG_LEVEL",
                "`INFO`",
                "Level of the function's own log: `DEBUG`, `INFO`, `WARN`, `ERROR` or `OFF`",
            ),
            variable(
                "AWS_ENDPOINT_URL",
                "the region's",
                "Endpoint for AWS; also per service: `AWS_ENDPOINT_URL_SECRETS_MANAGER`, `_SSM`, `_KMS`, `_SQS`, `_S3`, `_CLOUDWATCH_LOGS`",
            ),
            variable(
                "AWS_LAMBDA_LOG_LEVEL, AWS_LAMBDA_LOG_FORMAT",
                "set by Lambda",
                "Level of the function's own log, unless `DD_LOG_LEVEL` is set, and its format: `JSON` or `Text`",
            ),
            variable(
                "AWS_LAMBDA_LOG_GROUP_NAME",
                "set by Lambda",
                "Log group of the function itself. Events from it are refused, since they would create an endless loop",
            ),
            variable(
                "AWS_LAMBDA_MAX_CONCURRENCY",
                "set by Lambda",
                "How many requests a sandbox of Lambda Managed Instances gets at the same time. With more than 1, the function does not start",
            ),
        ],
    },
];

/// Every variable, without the headings.
pub fn variables() -> impl Iterator<Item = &'static ForwarderVariable> {
    GROUPS.iter().flat_map(|group| group.variables)
}

/// The tables as Markdown, each under its heading.
pub fn markdown() -> String {
    let mut out = String::new();
    for VariableGroup { title, variables } in GROUPS {
        let gap = if out.is_empty() { "" } else { "\n" };
        out.push_str(&format!("{gap}## {title}\n\n| variable | default | meaning |\n| --- | --- | --- |\n"));
        for ForwarderVariable { name, default, meaning } in variables {
            let name = name.split(", ").map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let meaning = meaning.replace('|', "\\|");
            out.push_str(&format!("| {name} | {default} | {meaning} |\n"));
        }
    }
    out
}
