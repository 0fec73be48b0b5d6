//! Every setting of Datadog's own Lambda forwarder, and what it does here, for people who switch: from this
//! `docs/from-datadog-forwarder.md`, `podferry settings --forwarder` and the warnings at the start are made.
//!
//! Source: DataDog/datadog-serverless-functions, `aws/logs_monitoring`, `settings.py` and `template.yaml` of version 5.4.11.

use super::reader::VariableReader;

/// What a setting of Datadog's forwarder does here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingEffect {
    /// What it does there, or more.
    Same,
    /// Its purpose is kept, its meaning not quite.
    Differs,
    /// Nothing.
    NoEffect,
    /// It stops the start: without what it asks for, somebody would miss logs.
    Refused,
}

impl SettingEffect {
    fn word(self) -> &'static str {
        match self {
            SettingEffect::Same => "same",
            SettingEffect::Differs => "differs",
            SettingEffect::NoEffect => "no effect",
            SettingEffect::Refused => "refused",
        }
    }
}

/// A setting of Datadog's forwarder: variables that belong together, and the parameters of its template that set them.
#[derive(Debug, Clone, Copy)]
pub struct ForwarderSetting {
    /// None, where it is a parameter of the deployment only.
    pub variables: &'static [&'static str],
    pub(crate) parameters: &'static [&'static str],
    pub effect: SettingEffect,
    pub(crate) note: &'static str,
    /// Values for which nothing is missed without an effect; the forwarder's template sets some of them always.
    harmless: &'static [&'static str],
}

impl ForwarderSetting {
    const fn harmless(self, harmless: &'static [&'static str]) -> ForwarderSetting {
        ForwarderSetting { harmless, ..self }
    }
}

const fn setting(
    variables: &'static [&'static str],
    parameters: &'static [&'static str],
    effect: SettingEffect,
    note: &'static str,
) -> ForwarderSetting {
    ForwarderSetting { variables, parameters, effect, note, harmless: &[] }
}

const OFF: &[&str] = &["false", "0", "no", "off"];
const ON: &[&str] = &["true", "1", "yes", "on"];
const ON_OR_OFF: &[&str] = &["true", "1", "yes", "on", "false", "0", "no", "off"];

/// All of them, in the order of its documentation.
pub const FORWARDER_SETTINGS: &[ForwarderSetting] = &[
    setting(
        &["DD_API_KEY_SECRET_ARN"],
        &["DdApiKeySecretArn"],
        SettingEffect::Same,
        "The first of the four ways to give the key. In JSON the name may also be `api_key`, `dd_api_key` or `apiKey`. A key \
         that Datadog rejects is fetched again, so a new one needs no restart.",
    ),
    setting(
        &["DD_API_KEY_SSM_NAME"],
        &["DdApiKeySsmParameterName"],
        SettingEffect::Same,
        "The second. A name, or an ARN, also of another region; plain text, or JSON as above.",
    ),
    setting(
        &["DD_KMS_API_KEY"],
        &[],
        SettingEffect::Differs,
        "The third. What KMS decrypts must be text: other bytes are an error, and are not converted to base64.",
    ),
    setting(
        &["DD_API_KEY"],
        &["DdApiKey"],
        SettingEffect::Same,
        "The last. The parameter `ApiKey` stores it as a secret, as there. It need not have 32 characters.",
    ),
    setting(&["DD_SITE"], &["DdSite"], SettingEffect::Same, "Determines the host of the log intake. No other Datadog endpoint is called."),
    setting(
        &["DD_URL"],
        &["DdUrl"],
        SettingEffect::Differs,
        "A host, as there, or a whole URL, whose scheme, port and path then apply. Without a path, logs go to `/api/v2/logs`.",
    ),
    setting(
        &["DD_PORT"],
        &["DdPort"],
        SettingEffect::Differs,
        "Without it, the scheme's port is used: with `DD_NO_SSL` that is 80; there it is 443.",
    ),
    setting(&["DD_NO_SSL"], &["DdNoSsl"], SettingEffect::Same, "A scheme in `DD_URL` takes precedence."),
    setting(
        &["DD_SKIP_SSL_VALIDATION"],
        &["DdSkipSslValidation"],
        SettingEffect::Same,
        "It applies to the intake only: AWS's certificates are always verified. Behind a proxy that ends TLS, name its root with `PODFERRY_CA_BUNDLE` instead.",
    ),
    setting(
        &["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"],
        &["DdHttpProxyURL", "DdNoProxy"],
        SettingEffect::Same,
        "Calls to AWS use them too. Lower-case names take precedence.",
    ),
    setting(
        &["DD_API_URL"],
        &["DdApiUrl"],
        SettingEffect::NoEffect,
        "The key is not validated at the start, and no metrics are sent. A key that Datadog keeps rejecting fails the invocation.",
    ),
    setting(&["DD_TRACE_INTAKE_URL"], &["DdTraceIntakeUrl"], SettingEffect::NoEffect, "Only logs are sent, no traces."),
    setting(
        &["DD_TAGS"],
        &["DdTags"],
        SettingEffect::Differs,
        "Tags are written as Datadog stores them: in lower case, other characters as `_`. A `service:` among them stays a tag: \
         set `DD_SERVICE`. `forwardername` and `forwarder_version` are not added.",
    ),
    setting(
        &["DD_SOURCE"],
        &["DdSource"],
        SettingEffect::Differs,
        "The source of every log. The service stays the pod's, and there is no tag `source_overridden`.",
    ),
    setting(
        &["DD_FORWARD_LOG"],
        &["DdForwardLog"],
        SettingEffect::Differs,
        "`false` leaves out every log, and counts it as `excluded`. No metrics or traces are made of logs.",
    ),
    setting(
        &["DD_USE_COMPRESSION"],
        &["DdUseCompression"],
        SettingEffect::Differs,
        "`false` sends without compression. Otherwise it uses zstd; set `DD_COMPRESSION=gzip` for gzip.",
    ),
    setting(
        &["DD_COMPRESSION_LEVEL"],
        &["DdCompressionLevel"],
        SettingEffect::Differs,
        "The level of zstd, unless `DD_COMPRESSION=gzip`; 0 counts as 1 for zstd. Must be 0 to 9. Default: 1 for zstd, 6 \
         for gzip.",
    ),
    setting(
        &["DD_MAX_WORKERS"],
        &["DdMaxWorkers"],
        SettingEffect::Differs,
        "It really is the number of requests that run at once. Must be 1 to 64. Default: 8.",
    ),
    setting(
        &["INCLUDE_AT_MATCH", "EXCLUDE_AT_MATCH"],
        &["IncludeAtMatch", "ExcludeAtMatch"],
        SettingEffect::Differs,
        "They are matched against the text that the application wrote, once its lines are joined, not against Fluent Bit's \
         JSON around it. Exclusion wins. The patterns use Python syntax; lookaround and backreferences are refused at the start.",
    ),
    setting(
        &["REDACT_IP", "REDACT_EMAIL"],
        &["RedactIp", "RedactEmail"],
        SettingEffect::Differs,
        "The same patterns and replacements, in the log's text and in the attributes that filters added; tags and ARNs stay unchanged.",
    ),
    setting(
        &["DD_SCRUBBING_RULE", "DD_SCRUBBING_RULE_REPLACEMENT"],
        &["DdScrubbingRule", "DdScrubbingRuleReplacement"],
        SettingEffect::Differs,
        "It applies to text and attributes, not to the JSON of the whole batch with its tags, account ids and ARNs. The \
         replacement is empty by default, as there. Lookaround and backreferences in the pattern are refused.",
    ),
    setting(
        &["DD_MULTILINE_LOG_REGEX_PATTERN"],
        &["DdMultilineLogRegexPattern"],
        SettingEffect::Differs,
        "There it is for S3 objects only. Here it is for the lines of each container, unless its annotation has a rule of its \
         own. Stack traces need none.",
    ),
    setting(
        &["DD_ENRICH_CLOUDWATCH_TAGS"],
        &["DdEnrichCloudwatchTags"],
        SettingEffect::NoEffect,
        "Datadog is always asked to add the log group's tags, as with `true`.",
    )
    .harmless(ON),
    setting(&["DD_ENRICH_S3_TAGS"], &["DdEnrichS3Tags"], SettingEffect::NoEffect, "No logs come from S3.").harmless(ON_OR_OFF),
    setting(
        &["DD_FETCH_LOG_GROUP_TAGS"],
        &["DdFetchLogGroupTags"],
        SettingEffect::NoEffect,
        "Datadog adds the log group's tags itself where its AWS integration collects them; otherwise, add them to `DD_TAGS`.",
    )
    .harmless(OFF),
    setting(
        &["DD_FETCH_S3_TAGS", "DD_FETCH_LAMBDA_TAGS", "DD_FETCH_STEP_FUNCTIONS_TAGS"],
        &["DdFetchS3Tags", "DdFetchLambdaTags", "DdFetchStepFunctionsTags"],
        SettingEffect::NoEffect,
        "They do not concern pod logs. Keep Datadog's forwarder for buckets, functions and state machines.",
    )
    .harmless(OFF),
    setting(
        &["DD_TAGS_CACHE_TTL_SECONDS"],
        &["TagsCacheTTLSeconds"],
        SettingEffect::NoEffect,
        "No tags are fetched, so none are cached.",
    )
    .harmless(&["300"]),
    setting(
        &["DD_S3_BUCKET_NAME"],
        &["DdForwarderBucketName", "DdForwarderExistingBucketName", "DdForwarderBucketsAccessLogsTarget"],
        SettingEffect::NoEffect,
        "No bucket is needed for logs. `template.yaml` creates one for events whose invocation failed.",
    ),
    setting(
        &["DD_STORE_FAILED_EVENTS"],
        &["DdStoreFailedEvents"],
        SettingEffect::NoEffect,
        "What could not be delivered is always kept: in the queue of `PODFERRY_UNDELIVERED_QUEUE_URL`, which `template.yaml` \
         creates. Without the queue, the invocation fails, and Lambda tries twice more.",
    )
    .harmless(OFF),
    setting(
        &["DD_SQS_QUEUE_URL"],
        &["DdSqsQueueUrl"],
        SettingEffect::NoEffect,
        "Set `PODFERRY_UNDELIVERED_QUEUE_URL`. Let the old queue run empty first: its messages have another format.",
    ),
    setting(
        &[],
        &["DdScheduleRetryFailedEvents", "DdScheduleRetryInterval"],
        SettingEffect::NoEffect,
        "The queue redelivers its messages by itself, with longer waits each time. The event `{\"retry\": true}` is refused.",
    ),
    setting(
        &["DD_ADDITIONAL_TARGET_LAMBDAS"],
        &["AdditionalTargetLambdaArns"],
        SettingEffect::Refused,
        "A log group takes two subscription filters: give the other function one of its own, or let a filter write to a Kinesis \
         stream that all of them read.",
    ),
    setting(
        &["DD_USE_VPC"],
        &["DdUseVPC", "VPCSecurityGroupIds", "VPCSubnetIds"],
        SettingEffect::NoEffect,
        "The function works in a VPC without it. The parameters are `SubnetIds` and `SecurityGroupIds`; podferry's `docs/vpc.md` says \
         what the VPC needs.",
    )
    .harmless(OFF),
    setting(
        &["DD_USE_PRIVATE_LINK", "DD_USE_TCP"],
        &["DdUsePrivateLink", "DdUseTcp"],
        SettingEffect::NoEffect,
        "From older versions. Logs are sent by HTTPS; for another endpoint set `DD_URL`.",
    )
    .harmless(OFF),
    setting(
        &["DD_LOG_LEVEL"],
        &["DdLogLevel"],
        SettingEffect::Same,
        "It takes precedence over Lambda's `AWS_LAMBDA_LOG_LEVEL`. At no level does the function's own log contain any of your logs.",
    ),
    setting(
        &["DD_TRACE_ENABLED", "DD_ENHANCED_METRICS", "DD_STEP_FUNCTIONS_TRACE_ENABLED"],
        &["DdTraceEnabled", "DdEnhancedMetrics", "DdStepFunctionsTraceEnabled"],
        SettingEffect::NoEffect,
        "No traces and no metrics are sent, neither of the function itself nor of others.",
    )
    .harmless(OFF),
    setting(
        &[],
        &["MemorySize", "Timeout", "ReservedConcurrency"],
        SettingEffect::Same,
        "With the same names. The default of 256 MB is enough; for no reserved concurrency, `ReservedConcurrency` is -1, not empty.",
    ),
    setting(&[], &["LogRetentionInDays"], SettingEffect::Same, "Its name is `RetentionInDays`; 14 days by default."),
    setting(
        &[],
        &["FunctionName", "IamRolePath", "PermissionsBoundaryArn"],
        SettingEffect::Same,
        "The path is `RolePath`, the others have the same names. Path and boundary hold for every role of the stack.",
    ),
    setting(
        &[],
        &["S3BucketArnList", "SqsQueueArnList", "KmsKeyList"],
        SettingEffect::NoEffect,
        "The role may only do what the function needs. For a KMS key there is `KmsKeyArn`.",
    ),
    setting(
        &[],
        &["InstallAsLayer", "LayerARN", "SourceZipUrl"],
        SettingEffect::NoEffect,
        "`scripts/deploy` builds the function from the source, or takes a [released](install.md#deploy-a-release) one.",
    ),
];

/// Warns of settings that are set and do nothing here.
pub(super) fn warn(reader: &mut VariableReader) {
    for setting in FORWARDER_SETTINGS.iter().filter(|setting| setting.effect == SettingEffect::NoEffect) {
        for name in setting.variables {
            let Some(value) = reader.get(name) else { continue };
            if !setting.harmless.iter().any(|harmless| value.eq_ignore_ascii_case(harmless)) {
                reader
                    .warnings
                    .push(format!("{name}, a setting of Datadog's forwarder, has no effect: {}", setting.note));
            }
        }
    }
}

/// The table as Markdown.
pub fn forwarder_markdown() -> String {
    let names = |names: &[&str]| match names {
        [] => "–".to_owned(),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    };
    let mut out =
        String::from("| variable | parameter there | here | what it does here |\n| --- | --- | --- | --- |\n");
    for ForwarderSetting { variables, parameters, effect, note, .. } in FORWARDER_SETTINGS {
        let (variables, parameters, note) = (names(variables), names(parameters), note.replace('|', "\\|"));
        out.push_str(&format!("| {variables} | {parameters} | {} | {note} |\n", effect.word()));
    }
    out
}
