# Written by scripts/terraform_module from template.yaml: change that, and run the script.

variable "stack_name" {
  description = "Name of the CloudFormation stack. The function's name begins with it."
  type        = string
  default     = "podferry"
  nullable    = false
}

variable "template_url" {
  description = "https address, in S3, of the template as plain CloudFormation, as scripts/plain_template writes it. Of the same version as the zip."
  type        = string
  nullable    = false
}

variable "tags" {
  description = "Tags of the stack, which CloudFormation puts on all of its resources that can have any."
  type        = map(string)
  default     = {}
  nullable    = false
}

# The parameters of the template. null leaves one to the template's default.

variable "code_bucket" {
  description = "Bucket of the function's zip, in the region of the stack. With a hyphen at its end, the region follows by itself: logs-code- is logs-code-eu-west-1 in eu-west-1, for a stack set of several regions."
  type        = string
  nullable    = false
}

variable "code_key" {
  description = "Key of the function's zip in that bucket. Give each version a key of its own: CloudFormation does not look into a zip, and updates the function only where the key is another."
  type        = string
  nullable    = false
}

variable "api_key_secret_arn" {
  description = "Full ARN of the Secrets Manager secret that holds the API key. The recommended way. For Route firehose it has to be JSON, {\"api_key\":\"...\"}; otherwise plain text is good too."
  type        = string
  default     = null
}

variable "api_key_ssm_name" {
  description = "Name (with or without the leading slash) or full ARN of the SSM SecureString parameter that holds the API key."
  type        = string
  default     = null
}

variable "api_key_kms" {
  description = "The API key encrypted with KMS, in base64 as `aws kms encrypt` prints it. Needs KmsKeyArn."
  type        = string
  default     = null
}

variable "api_key" {
  description = "The API key itself. The stack puts it into a separate Secrets Manager secret, never into the function's environment."
  type        = string
  default     = null
  sensitive   = true
}

variable "kms_key_arn" {
  description = "ARN of the KMS key that encrypts the API key: for ApiKeyKms, and for a secret or a parameter that has a customer managed key. With ApiKey, the stack encrypts its secret with this key."
  type        = string
  default     = null
}

variable "site" {
  description = "Datadog site: datadoghq.com, us3.datadoghq.com, us5.datadoghq.com, datadoghq.eu, ap1.datadoghq.com, ap2.datadoghq.com, uk1.datadoghq.com, ddog-gov.com, us2.ddog-gov.com, or another. Default: datadoghq.com."
  type        = string
  default     = null
}

variable "cluster_name" {
  description = "Name of the EKS cluster, for the tag kube_cluster_name (DD_CLUSTER_NAME)."
  type        = string
  default     = null
}

variable "env" {
  description = "Value of the tag env for pods that do not set it themselves (DD_ENV)."
  type        = string
  default     = null
}

variable "datadog_service" {
  description = "Service of every log (DD_SERVICE). Empty takes it from the pod."
  type        = string
  default     = null
}

variable "datadog_source" {
  description = "Source of every log (DD_SOURCE). Empty takes it from the pod."
  type        = string
  default     = null
}

variable "datadog_tags" {
  description = "More tags on every log, such as team:payments,region:eu (DD_TAGS)."
  type        = string
  default     = null
}

variable "log_group_name" {
  description = "CloudWatch log group of the Fargate pods, in this account and region. Empty makes no subscription. After a change, the new group is subscribed from then on; podferry backfill sends what was written to it before."
  type        = string
  default     = null
}

variable "second_log_group_name" {
  description = "A second log group, for instance of another cluster. Empty makes no subscription."
  type        = string
  default     = null
}

variable "third_log_group_name" {
  description = "A third log group. Empty makes no subscription."
  type        = string
  default     = null
}

variable "filter_pattern" {
  description = "CloudWatch filter pattern for the subscriptions. Empty sends everything."
  type        = string
  default     = null
}

variable "emit_system_fields" {
  description = "Whether each event says which account and region it came from, for log groups that centralize those of other accounts. They become the tags aws_account and region. Default: false; one of false, true."
  type        = string
  default     = null
}

variable "log_group_prefix" {
  description = "Only log groups whose name begins with this may invoke the function. Empty means the one group that is given above, or any group of this account and region if there are several or none. A change of this, or of how many groups are given, can take the permission from groups that were subscribed in another way: their logs are then skipped, and only podferry doctor says so."
  type        = string
  default     = null
}

variable "container_exclude_logs" {
  description = "Containers whose logs are left out (DD_CONTAINER_EXCLUDE_LOGS), each by name:, image: or kube_namespace: and a pattern, separated by spaces, such as kube_namespace:^dev- name:^istio-proxy$"
  type        = string
  default     = null
}

variable "container_include_logs" {
  description = "Containers whose logs are sent although they are excluded (DD_CONTAINER_INCLUDE_LOGS), written the same way."
  type        = string
  default     = null
}

variable "exclude_at_match" {
  description = "Logs that match this pattern anywhere are left out (EXCLUDE_AT_MATCH)."
  type        = string
  default     = null
}

variable "include_at_match" {
  description = "Only logs that match this pattern anywhere are sent (INCLUDE_AT_MATCH). Exclusion wins."
  type        = string
  default     = null
}

variable "processing_rules" {
  description = "Rules for the logs of all containers, as the Agent takes them in DD_LOGS_CONFIG_PROCESSING_RULES, a JSON array. Lambda allows 4 KB for all variables of a function together, names and values; rules for one container fit better into its annotation."
  type        = string
  default     = null
}

variable "redact_ip" {
  description = "Replace what looks like an IPv4 address with xxx.xxx.xxx.xxx (REDACT_IP). Empty means false."
  type        = string
  default     = null
}

variable "redact_email" {
  description = "Replace what looks like an e-mail address with xxxxx@xxxxx.com (REDACT_EMAIL). Empty means false."
  type        = string
  default     = null
}

variable "scrubbing_rule" {
  description = "Replace the matches of this pattern in the text of a log (DD_SCRUBBING_RULE)."
  type        = string
  default     = null
}

variable "scrubbing_rule_replacement" {
  description = "What replaces the matches of ScrubbingRule (DD_SCRUBBING_RULE_REPLACEMENT); \\1 is what its first group matched. Empty removes the match."
  type        = string
  default     = null
}

variable "redact" {
  description = "Scrubbers by name (PODFERRY_REDACT), separated by commas: email, ipv4, ipv6, credit_card, aws_access_key, jwt, bearer."
  type        = string
  default     = null
}

variable "auto_multi_line_detection" {
  description = "Join lines that a program wrote as one log, such as a stack trace (DD_LOGS_CONFIG_AUTO_MULTI_LINE_DETECTION). Empty means true."
  type        = string
  default     = null
}

variable "multiline_log_regex_pattern" {
  description = "A line that begins with a match of this pattern begins a log, and other lines continue it (DD_MULTILINE_LOG_REGEX_PATTERN). For containers whose annotation has no multi_line rule."
  type        = string
  default     = null
}

variable "sample" {
  description = "Send a share of the logs (PODFERRY_SAMPLE), such as [{\"kube_namespace\":\"dev\",\"status\":\"info\",\"rate\":0.1}]. The first rule that matches decides."
  type        = string
  default     = null
}

variable "status_from_text" {
  description = "true takes the status of a plain line from a level at its beginning, such as INFO: or [warn], not from stdout or stderr (PODFERRY_STATUS_FROM_TEXT). Empty means false."
  type        = string
  default     = null
}

variable "metadata_records" {
  description = "true takes a pod's metadata from separate records, for a ConfigMap that writes such records (PODFERRY_METADATA_RECORDS). Empty means false."
  type        = string
  default     = null
}

variable "metadata_wait" {
  description = "With MetadataRecords, how many seconds logs wait in the queue if their pod's metadata is not known, 0 to 1800 (PODFERRY_METADATA_WAIT). Their texts are not masked there. Empty means 600."
  type        = string
  default     = null
}

variable "metadata_unknown" {
  description = "What happens to logs whose metadata was not found in that time (PODFERRY_METADATA_UNKNOWN): ship sends them without their pod's tags and masks, with the tag podferry_metadata:missing; keep moves them to the dead-letter queue. Empty means ship."
  type        = string
  default     = null
}

variable "metadata_lookups" {
  description = "With MetadataRecords: how many calls a minute a sandbox may make to look up a pod's metadata in CloudWatch Logs, 0 to 600 (PODFERRY_METADATA_LOOKUPS). Empty means 60. 0 means none; then the function may not read log groups."
  type        = string
  default     = null
}

variable "forward_log" {
  description = "false sends no log at all; what comes in is only counted (DD_FORWARD_LOG). Empty means true."
  type        = string
  default     = null
}

variable "compression" {
  description = "How logs are compressed on their way to Datadog (DD_COMPRESSION). Empty means zstd."
  type        = string
  default     = null
}

variable "compression_level" {
  description = "Level of the compression (DD_COMPRESSION_LEVEL). Empty means 1 for zstd and 6 for gzip."
  type        = string
  default     = null
}

variable "max_workers" {
  description = "How many requests to Datadog run at once, 1 to 64 (DD_MAX_WORKERS). Empty means 8."
  type        = string
  default     = null
}

variable "https_proxy" {
  description = "Proxy between the function and Datadog and AWS (HTTPS_PROXY), such as http://proxy.example.com:3128, for a VPC that lets nothing else out (docs/vpc.md). Anyone who may read the function's settings can read a password in it."
  type        = string
  default     = null
}

variable "no_proxy" {
  description = "Hosts to reach without HttpsProxy (NO_PROXY), separated by commas, such as .amazonaws.com where there are VPC endpoints."
  type        = string
  default     = null
}

variable "ca_bundle" {
  description = "Path, within the function, of a PEM file with root certificates that are trusted in addition to Mozilla's (PODFERRY_CA_BUNDLE), for a proxy that ends TLS. /opt/ca.pem is the file ca.pem of the layer CaBundleLayerArn."
  type        = string
  default     = null
}

variable "ca_bundle_layer_arn" {
  description = "ARN of the version of a Lambda layer that has the file of CaBundle. Empty adds no layer."
  type        = string
  default     = null
}

variable "undelivered_queue_enabled" {
  description = "Whether logs that could not be delivered are tried again. false only pauses reading the queue; logs that fail still go into it, and stay there for 14 days. Default: true; one of true, false."
  type        = string
  default     = null
}

variable "undelivered_queue_concurrency" {
  description = "How many invocations may read the queue at the same time. More of them empty it faster after a long outage. With ReservedConcurrency, keep this well below it. Default: 2."
  type        = number
  default     = null
}

variable "undelivered_kms_key_arn" {
  description = "ARN of your KMS key that encrypts the queues and buckets for what could not be delivered. Its policy has to allow s3.amazonaws.com kms:GenerateDataKey and kms:Decrypt, or S3 cannot notify the queue of an object. Empty uses keys of SQS and S3. After a change, what waits is still encrypted with the old key, which the function may no longer use: let the queues run empty first."
  type        = string
  default     = null
}

variable "subscribed_alias" {
  description = "Name of an alias of the function (or number of a version), if log groups are subscribed to that instead of the function itself, as with podferry subscribe --function NAME:ALIAS. Each alias has its own destination for failed events; without this parameter, failed events of the alias are dropped. The alias has to exist already."
  type        = string
  default     = null
}

variable "alarm_topic_arn" {
  description = "ARN of an SNS topic that the alarms notify. Empty makes the same alarms, but they notify nobody."
  type        = string
  default     = null
}

variable "route" {
  description = "How the logs of the log groups go to Datadog. lambda: the function sends them. firehose: a Firehose stream lets the function transform them, and itself sends, retries and backs up; it needs ApiKeySecretArn or ApiKey, and a Timeout of at most 300. A change from firehose to lambda deletes the stream with what it still holds: a minute of logs, or two hours of them if Datadog did not answer. Default: lambda; one of lambda, firehose."
  type        = string
  default     = null
}

variable "kinesis_stream_arn" {
  description = "ARN of a Kinesis data stream that CloudWatch Logs writes to, also from other accounts. The function reads it in addition to the log groups above, so do not name a group there that is subscribed to the stream too. Empty reads none. Each new mapping begins with the oldest record that the stream keeps: removing the stream and adding it again sends all of these twice."
  type        = string
  default     = null
}

variable "kinesis_kms_key_arn" {
  description = "ARN of your KMS key that encrypts the Kinesis data stream. Empty if the stream has no key, or AWS's key."
  type        = string
  default     = null
}

variable "kinesis_parallelization_factor" {
  description = "How many invocations may read one shard of the stream at the same time. Raise it if the age of its records grows. Default: 1."
  type        = number
  default     = null
}

variable "architecture" {
  description = "Processor architecture. It must be the one that the code was built for. Default: arm64; one of arm64, x86_64."
  type        = string
  default     = null
}

variable "memory_size" {
  description = "Memory in MB. Lambda gives processor time in proportion to it. Default: 256."
  type        = number
  default     = null
}

variable "timeout" {
  description = "Seconds that one invocation may take. Default: 120."
  type        = number
  default     = null
}

variable "reserved_concurrency" {
  description = "How many invocations may run at the same time. -1 sets no limit; 0 stops the function. Default: -1."
  type        = number
  default     = null
}

variable "log_level" {
  description = "How much the function says in its own log (DD_LOG_LEVEL). Empty means info. Metrics are written at every level."
  type        = string
  default     = null
}

variable "retention_in_days" {
  description = "Days that the function's own log is kept. The pods' log groups are not touched. Default: 14; one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653."
  type        = number
  default     = null
}

variable "function_name" {
  description = "Name of the function. Empty lets CloudFormation choose one, which begins with the stack's name. A change creates another function and deletes the old one: events that it has not handled yet are lost with it, and filters that the stack did not make lead nowhere until podferry subscribe makes them again."
  type        = string
  default     = null
}

variable "subnet_ids" {
  description = "Private subnets of your VPC for the function, separated by commas. Datadog and the AWS services that the function calls must be reachable from them (docs/vpc.md). Empty leaves the function outside of any VPC, which is simpler and just as safe. Needs SecurityGroupIds."
  type        = string
  default     = null
}

variable "security_group_ids" {
  description = "Security groups of the function in these subnets, separated by commas. They must allow outbound traffic to port 443. Needs SubnetIds."
  type        = string
  default     = null
}

variable "permissions_boundary_arn" {
  description = "ARN of the permissions boundary of every role of the stack, if your organization requires one. It has to allow what the roles may do (docs/security.md), or the function fails."
  type        = string
  default     = null
}

variable "role_path" {
  description = "Path of every role of the stack, such as /platform/logs/, if your organization requires one. Empty means /. A change creates new roles: allow the new ARN (the output ForwarderRoleArn) wherever one of your policies names the old one."
  type        = string
  default     = null
}

variable "own_log_kms_key_arn" {
  description = "ARN of your KMS key that encrypts the function's own log (and Firehose's). Its policy has to allow logs.REGION.amazonaws.com to encrypt and decrypt, or the stack fails. Empty uses a key of CloudWatch Logs. The pods' log groups are not touched."
  type        = string
  default     = null
}
