//! What each variable means, for people: the README's table and `podferry settings` are made from this.

/// A variable of the forwarder.
#[derive(Debug, Clone, Copy)]
pub struct ForwarderVariable {
    pub name: &'static str,
    /// What holds without it.
    pub(crate) default: &'static str,
    pub meaning: &'static str,
}

const fn variable(name: &'static str, default: &'static str, meaning: &'static str) -> ForwarderVariable {
    ForwarderVariable { name, default, meaning }
}

/// Every variable that the forwarder reads and a user may set.
pub const VARIABLES: [ForwarderVariable; 53] = [
    variable(
        "DD_API_KEY_SECRET_ARN",
        "–",
        "API key: the ARN of a secret in Secrets Manager; plain text, or JSON with `api_key`, `dd_api_key`, `apiKey` or `DD_API_KEY`",
    ),
    variable("DD_API_KEY_SSM_NAME", "–", "API key: the name or ARN of a SecureString in the Parameter Store"),
    variable("DD_KMS_API_KEY", "–", "API key: encrypted by KMS, in base64"),
    variable("DD_API_KEY", "–", "API key in plain text. The first of these four that is set is used"),
    variable("DD_SITE", "`datadoghq.com`", "Datadog site"),
    variable("DD_URL", "from `DD_SITE`", "Intake: a bare host, or a whole URL such as `http://127.0.0.1:8080`"),
    variable("DD_PORT", "the scheme's", "Port of the intake"),
    variable("DD_NO_SSL", "`false`", "`true`: http instead of https"),
    variable("DD_SKIP_SSL_VALIDATION", "`false`", "`true`: the intake's certificate is not verified"),
    variable(
        "PODFERRY_CA_BUNDLE",
        "–",
        "Path of a file with root certificates in PEM, such as `/opt/ca.pem` of a layer: they count besides Mozilla's, for Datadog and AWS",
    ),
    variable("HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "–", "Proxy, and the hosts to reach without it"),
    variable("DD_MAX_WORKERS", "`8`", "How many requests run at once, 1 to 64"),
    variable("DD_COMPRESSION", "`zstd`", "`zstd`, `gzip` or `none`"),
    variable(
        "DD_COMPRESSION_LEVEL",
        "`1` (gzip: `6`)",
        "0 (for zstd the same as 1) to 9, for the compression that `DD_COMPRESSION` selects",
    ),
    variable("DD_USE_COMPRESSION", "`true`", "`false`: no compression, even if `DD_COMPRESSION` is set"),
    variable("DD_TAGS", "–", "Tags for every log, separated by commas, or by spaces if there is no comma"),
    variable("DD_ENV", "–", "`env` for pods without the label `tags.datadoghq.com/env`"),
    variable("DD_SERVICE", "from the pod", "Service of every log"),
    variable("DD_SOURCE", "from the pod", "Source of every log"),
    variable("DD_CLUSTER_NAME", "from the log group", "`kube_cluster_name`, if the record has no `cluster_name`"),
    variable(
        "DD_KUBERNETES_POD_LABELS_AS_TAGS",
        "–",
        "Pod labels to turn into tags: `{\"app\":\"kube_app\",\"team-*\":\"%%label%%\"}`",
    ),
    variable("DD_KUBERNETES_POD_ANNOTATIONS_AS_TAGS", "–", "The same for pod annotations"),
    variable(
        "DD_KUBERNETES_NAMESPACE_LABELS_AS_TAGS",
        "–",
        "The same for the namespace's labels (needs `namespace_labels On` in the Kubernetes filter of a Fluent Bit of your own: the router of EKS Fargate does not start with it)",
    ),
    variable(
        "DD_CONTAINER_EXCLUDE_LOGS",
        "–",
        "Containers whose logs are left out: patterns, each after `name:`, `image:` or `kube_namespace:`, separated by spaces: `kube_namespace:^dev- name:^istio-proxy$`",
    ),
    variable("DD_CONTAINER_INCLUDE_LOGS", "–", "Containers whose logs are kept even if excluded; same syntax"),
    variable(
        "DD_LOGS_CONFIG_PROCESSING_RULES",
        "–",
        "The Agent's rules for the logs of all containers, applied before those in the pod's annotation: `[{\"type\":\"mask_sequences\",\"name\":…,\"pattern\":…,\"replace_placeholder\":…}]`",
    ),
    variable(
        "DD_LOGS_CONFIG_AUTO_MULTI_LINE_DETECTION",
        "`true`",
        "Lines that a program wrote as one log (stack traces, messages of several lines, JSON, tables, …) become one log. A pod's annotation overrides this for one container",
    ),
    variable(
        "DD_MULTILINE_LOG_REGEX_PATTERN",
        "–",
        "A line that starts with a match of this pattern starts a log, other lines continue it; for containers whose annotation has no `multi_line` rule",
    ),
    variable("EXCLUDE_AT_MATCH", "–", "Logs that contain a match of this pattern (Python syntax) are left out"),
    variable(
        "INCLUDE_AT_MATCH",
        "–",
        "Only logs that contain a match of this pattern (Python syntax) are sent; exclusion wins",
    ),
    variable("REDACT_IP", "`false`", "`true`: what looks like an IPv4 address becomes `xxx.xxx.xxx.xxx`"),
    variable("REDACT_EMAIL", "`false`", "`true`: what looks like an e-mail address becomes `xxxxx@xxxxx.com`"),
    variable("DD_SCRUBBING_RULE", "–", "Replaces what this pattern (Python syntax) matches in the text"),
    variable(
        "DD_SCRUBBING_RULE_REPLACEMENT",
        "empty",
        "What `DD_SCRUBBING_RULE` puts in its place; `\\1` and `\\g<name>` insert what a group matched",
    ),
    variable(
        "PODFERRY_REDACT",
        "–",
        "Scrubbers by name, separated by commas: `email`, `ipv4`, `ipv6`, `credit_card`, `aws_access_key`, `jwt`, `bearer`",
    ),
    variable(
        "PODFERRY_SAMPLE",
        "–",
        "Sends only a share of the logs; the first rule that matches decides: `[{\"kube_namespace\":\"dev\",\"status\":\"info\",\"rate\":0.1}]`, also by `kube_container_name`",
    ),
    variable(
        "PODFERRY_STATUS_FROM_TEXT",
        "`false`",
        "`true`: a plain line whose head is a level (`INFO:`, `[warn]`, a time and `ERROR`, klog's `W1122`, `level=error`) has that status instead of the one by stdout or stderr",
    ),
    variable("DD_FORWARD_LOG", "`true`", "`false`: no log is sent; all are counted as `excluded`"),
    variable(
        "PODFERRY_HOSTNAME",
        "`none`",
        "`node`: send the Fargate node's name as `hostname`. Each node then counts as a host",
    ),
    variable(
        "PODFERRY_MERGE_LOG_KEY",
        "–",
        "The filter's `Merge_Log_Key`, if it is used with `Keep_Log Off` (`log_obj`, `log_processed`, `log_parsed` and `log_json` are known)",
    ),
    variable(
        "PODFERRY_METADATA_RECORDS",
        "`false`",
        "`true`: a record that is a pod's metadata and nothing else tells the tags and rules of its stream's lines. Only for a ConfigMap that writes such records, without `log_key`",
    ),
    variable(
        "PODFERRY_METADATA_LOOKUPS",
        "`60`",
        "With `PODFERRY_METADATA_RECORDS`: how many calls a minute a sandbox may make to look a pod's metadata up in CloudWatch Logs, 0 to 600; `0`: none",
    ),
    variable(
        "PODFERRY_METADATA_WAIT",
        "`600`",
        "With `PODFERRY_METADATA_RECORDS`: for how many seconds logs wait in the queue if nothing is known of their pod's metadata, and so of the masks in its annotations; 0 (send at once) to 1800. Without a queue they are sent at once",
    ),
    variable(
        "PODFERRY_METADATA_UNKNOWN",
        "`ship`",
        "What becomes of logs that waited in vain. `ship`: they are sent without their pod's tags and masks, with the tag `podferry_metadata:missing`; `keep`: they go to the dead-letter queue",
    ),
    variable(
        "PODFERRY_MAX_DECOMPRESSED_BYTES",
        "a quarter of the memory, at most `268435456`",
        "An event that inflates to more is refused",
    ),
    variable(
        "PODFERRY_UNDELIVERED_QUEUE_URL",
        "–",
        "SQS queue for logs that could not be delivered; an event source mapping must bring them back to the function. Without a queue, the invocation fails",
    ),
    variable(
        "PODFERRY_DEAD_LETTER_QUEUE_URL",
        "–",
        "SQS queue for what can never be delivered: logs that Datadog rejects, events that cannot be read",
    ),
    variable(
        "PODFERRY_REMEMBERED_LOGS",
        "`100000`",
        "How many delivered logs a sandbox remembers, to avoid sending one twice; `0`: none",
    ),
    variable("DD_LOG_LEVEL", "`INFO`", "Level of the function's own log: `DEBUG`, `INFO`, `WARN`, `ERROR` or `OFF`"),
    variable(
        "AWS_ENDPOINT_URL",
        "the region's",
        "Where to reach AWS; also per service: `AWS_ENDPOINT_URL_SECRETS_MANAGER`, `_SSM`, `_KMS`, `_SQS`, `_S3`, `_CLOUDWATCH_LOGS`",
    ),
    variable(
        "AWS_LAMBDA_LOG_LEVEL, AWS_LAMBDA_LOG_FORMAT",
        "set by Lambda",
        "Level of the function's own log, unless `DD_LOG_LEVEL` is set; format: `JSON` or `Text`",
    ),
    variable(
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "set by Lambda",
        "The function's own log group: events from it are refused, as they would create an endless loop",
    ),
    variable(
        "AWS_LAMBDA_MAX_CONCURRENCY",
        "set by Lambda",
        "How many requests a sandbox of Lambda Managed Instances gets at once: with more than 1 the function does not start",
    ),
];

/// The table as Markdown.
pub fn markdown() -> String {
    let mut out = String::from("| variable | default | meaning |\n| --- | --- | --- |\n");
    for ForwarderVariable { name, default, meaning } in VARIABLES {
        let name = name.split(", ").map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let meaning = meaning.replace('|', "\\|");
        out.push_str(&format!("| {name} | {default} | {meaning} |\n"));
    }
    out
}
