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
pub const VARIABLES: [ForwarderVariable; 46] = [
    variable(
        "DD_API_KEY_SECRET_ARN",
        "–",
        "API key: a secret in Secrets Manager, by ARN; plain text, or JSON with `api_key`, `dd_api_key`, `apiKey` or `DD_API_KEY`",
    ),
    variable("DD_API_KEY_SSM_NAME", "–", "API key: a SecureString in the Parameter Store, by name or ARN"),
    variable("DD_KMS_API_KEY", "–", "API key: base64 of the key as KMS encrypted it"),
    variable("DD_API_KEY", "–", "API key, plain. Of these four, the first that is set is used"),
    variable("DD_SITE", "`datadoghq.com`", "Datadog site"),
    variable("DD_URL", "from `DD_SITE`", "Intake: a bare host, or a whole URL such as `http://127.0.0.1:8080`"),
    variable("DD_PORT", "of the scheme", "Port of the intake"),
    variable("DD_NO_SSL", "`false`", "`true`: http instead of https"),
    variable("DD_SKIP_SSL_VALIDATION", "`false`", "`true`: take any certificate from the intake"),
    variable("HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "–", "Proxy, and hosts to reach without it"),
    variable("DD_MAX_WORKERS", "`8`", "How many requests are under way at once, 1 to 64"),
    variable("DD_COMPRESSION", "`zstd`", "`zstd`, `gzip` or `none`"),
    variable(
        "DD_COMPRESSION_LEVEL",
        "`1` (gzip: `6`)",
        "0 (for zstd the same as 1) to 9, of whichever `DD_COMPRESSION` says",
    ),
    variable("DD_USE_COMPRESSION", "`true`", "`false`: no compression, whatever `DD_COMPRESSION` says"),
    variable("DD_TAGS", "–", "Tags for every log, separated by commas; by spaces where there is no comma"),
    variable("DD_ENV", "–", "`env` of pods that have no label `tags.datadoghq.com/env`"),
    variable("DD_SERVICE", "from the pod", "Service of every log"),
    variable("DD_SOURCE", "from the pod", "Source of every log"),
    variable("DD_CLUSTER_NAME", "from the log group", "`kube_cluster_name`, where the record has no `cluster_name`"),
    variable(
        "DD_KUBERNETES_POD_LABELS_AS_TAGS",
        "–",
        "Pod labels to make tags of: `{\"app\":\"kube_app\",\"team-*\":\"%%label%%\"}`",
    ),
    variable("DD_KUBERNETES_POD_ANNOTATIONS_AS_TAGS", "–", "The same for annotations"),
    variable(
        "DD_KUBERNETES_NAMESPACE_LABELS_AS_TAGS",
        "–",
        "The same for the namespace's labels (needs `namespace_labels On` in the filter)",
    ),
    variable(
        "DD_CONTAINER_EXCLUDE_LOGS",
        "–",
        "Containers whose logs are left out: `name:`, `image:` or `kube_namespace:` and a pattern each, separated by spaces: `kube_namespace:^dev- name:^istio-proxy$`",
    ),
    variable("DD_CONTAINER_INCLUDE_LOGS", "–", "Containers whose logs are taken all the same; written the same way"),
    variable(
        "DD_LOGS_CONFIG_PROCESSING_RULES",
        "–",
        "The Agent's rules for the logs of all containers, applied before those of the pod's annotation: `[{\"type\":\"mask_sequences\",\"name\":…,\"pattern\":…,\"replace_placeholder\":…}]`",
    ),
    variable(
        "DD_LOGS_CONFIG_AUTO_MULTI_LINE_DETECTION",
        "`true`",
        "Stack traces, and JSON over several lines, become one log. A pod's annotation says it for one container",
    ),
    variable(
        "DD_MULTILINE_LOG_REGEX_PATTERN",
        "–",
        "A line that begins with this begins a log, others go on with it; for containers whose annotation has no `multi_line` rule",
    ),
    variable("EXCLUDE_AT_MATCH", "–", "Logs whose text this pattern (Python's) finds something in are left out"),
    variable(
        "INCLUDE_AT_MATCH",
        "–",
        "Only logs whose text this pattern (Python's) finds something in are sent; exclusion wins",
    ),
    variable("REDACT_IP", "`false`", "`true`: what looks like an IPv4 address becomes `xxx.xxx.xxx.xxx`"),
    variable("REDACT_EMAIL", "`false`", "`true`: what looks like an e-mail address becomes `xxxxx@xxxxx.com`"),
    variable("DD_SCRUBBING_RULE", "–", "What this pattern (Python's) finds in a text is replaced"),
    variable(
        "DD_SCRUBBING_RULE_REPLACEMENT",
        "nothing",
        "What `DD_SCRUBBING_RULE` puts there; `\\1` and `\\g<name>` are what a group found",
    ),
    variable(
        "PODFERRY_REDACT",
        "–",
        "Scrubbers by name, separated by commas: `email`, `ipv4`, `ipv6`, `credit_card`, `aws_access_key`, `jwt`, `bearer`",
    ),
    variable(
        "PODFERRY_SAMPLE",
        "–",
        "Sends a share of the logs; the first rule that fits decides: `[{\"kube_namespace\":\"dev\",\"status\":\"info\",\"rate\":0.1}]`, also by `kube_container_name`",
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
        "The filter's `Merge_Log_Key`, where it is used with `Keep_Log Off` (`log_obj`, `log_processed`, `log_parsed` and `log_json` are known)",
    ),
    variable(
        "PODFERRY_MAX_DECOMPRESSED_BYTES",
        "a quarter of the memory, at most `268435456`",
        "An event that inflates to more is refused",
    ),
    variable(
        "PODFERRY_UNDELIVERED_QUEUE_URL",
        "–",
        "Queue of SQS for logs that could not be delivered; its messages have to come back to the function. Without it the invocation fails",
    ),
    variable(
        "PODFERRY_DEAD_LETTER_QUEUE_URL",
        "–",
        "Queue of SQS for what can never be delivered: logs that Datadog refuses, events that cannot be read",
    ),
    variable(
        "PODFERRY_REMEMBERED_LOGS",
        "`100000`",
        "How many delivered logs a sandbox remembers, so as not to send one twice; `0`: none",
    ),
    variable("DD_LOG_LEVEL", "`INFO`", "Of the function's own log: `DEBUG`, `INFO`, `WARN`, `ERROR` or `OFF`"),
    variable(
        "AWS_ENDPOINT_URL",
        "of the region",
        "Where to reach AWS; also per service: `AWS_ENDPOINT_URL_SECRETS_MANAGER`, `_SSM`, `_KMS`, `_SQS`, `_S3`",
    ),
    variable(
        "AWS_LAMBDA_LOG_LEVEL, AWS_LAMBDA_LOG_FORMAT",
        "set by Lambda",
        "Level of the function's own log, unless `DD_LOG_LEVEL` says it; `Text` instead of `JSON`",
    ),
    variable(
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "set by Lambda",
        "The function's own log group: events from it are refused, they would feed themselves",
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
