"""The sets of parameters that are tried, and what each has to lead to."""

import dataclasses
import re
from pathlib import Path

from template_support.stack import ACCOUNT, PARTITIONS, STACK

LOGS = "arn:{partition}:logs:{region}:{account}:log-group:"
SECRET = "arn:{partition}:secretsmanager:{region}:{account}:secret:datadog/key-AbCdEf"
PARAMETER = "arn:{partition}:ssm:{region}:{account}:parameter/datadog/key"
KEY = "arn:{partition}:kms:{region}:{account}:key/0123abcd-0123-0123-0123-0123456789ab"
UNDELIVERED_KEY = "arn:{partition}:kms:{region}:{account}:key/undelivered"
KINESIS_KEY = "arn:{partition}:kms:{region}:{account}:key/kinesis"
KINESIS = "arn:{partition}:kinesis:{region}:{account}:stream/pod-logs"
TOPIC = "arn:{partition}:sns:{region}:{account}:on-call"
OWN_LOG_KEY = "arn:{partition}:kms:{region}:{account}:key/own-log"
BOUNDARY = "arn:{partition}:iam::{account}:policy/platform/roles"
SUBNETS, SECURITY_GROUPS = ["subnet-0123456789abcdef0", "subnet-0aaaabbbbccccdddd"], ["sg-0123456789abcdef0"]
LAYER = "arn:{partition}:lambda:{region}:{account}:layer:roots:3"


@dataclasses.dataclass
class Case:
    """Parameters, and what they have to lead to. `{partition}`, `{region}` and `{account}` are filled in."""

    name: str
    parameters: dict
    environment: dict  # besides ENVIRONMENT
    may: dict  # what the function's role may do besides MAY: action to resource, or to several
    source_arn: str = LOGS + "*:*"
    groups: tuple = ()
    function: dict = dataclasses.field(default_factory=dict)  # properties that are not the default

    def filled_in(self, partition):
        words = {"partition": partition, "region": PARTITIONS[partition][0], "account": ACCOUNT}

        def fill(value):
            if isinstance(value, str):
                # Not `format`: rules are full of braces.
                return re.sub(r"\{(partition|region|account)}", lambda found: words[found[1]], value)
            if isinstance(value, dict):
                return {key: fill(each) for key, each in value.items()}
            if isinstance(value, (tuple, list)):
                return type(value)(map(fill, value))
            return value

        return Case(**{field.name: fill(getattr(self, field.name)) for field in dataclasses.fields(self)})


# What the function has in every stack, and DD_SITE.
ENVIRONMENT = {
    "PODFERRY_UNDELIVERED_QUEUE_URL": "<UndeliveredQueue>",
    "PODFERRY_DEAD_LETTER_QUEUE_URL": "<DeadLetterQueue>",
}

# What its role may do in every stack.
MAY = {
    "logs:CreateLogStream": "<ForwarderLogs.Arn>",
    "logs:PutLogEvents": "<ForwarderLogs.Arn>",
    "sqs:SendMessage": ("<UndeliveredQueue.Arn>", "<DeadLetterQueue.Arn>"),
    "sqs:ReceiveMessage": "<UndeliveredQueue.Arn>",
    "sqs:DeleteMessage": "<UndeliveredQueue.Arn>",
    "sqs:GetQueueAttributes": "<UndeliveredQueue.Arn>",
    "sqs:ChangeMessageVisibility": "<UndeliveredQueue.Arn>",
    "s3:PutObject": "<FailedEventsBucket.Arn>/*",
    "s3:ListBucket": "<FailedEventsBucket.Arn>",
    "s3:GetObject": "<FailedEventsBucket.Arn>/aws/lambda/*",
}

def may_look_up(*groups):
    """What the role may do where metadata comes in records of its own, in groups of these names; a star is a part of one."""
    return dict.fromkeys(["logs:GetLogEvents", "logs:FilterLogEvents"], tuple(LOGS + group + ":*" for group in groups))


# Parameters that are passed on as they are, and only if they are set: the variable, and a value that says nothing by itself.
PASSED_ON = {
    "ClusterName": ("DD_CLUSTER_NAME", "prod"),
    "Env": ("DD_ENV", "live"),
    "Service": ("DD_SERVICE", "shop"),
    "Source": ("DD_SOURCE", "cloudwatch"),
    "Tags": ("DD_TAGS", "team:a,b:c"),
    "ContainerExcludeLogs": ("DD_CONTAINER_EXCLUDE_LOGS", "kube_namespace:^dev- name:^istio-proxy$"),
    "ContainerIncludeLogs": ("DD_CONTAINER_INCLUDE_LOGS", '["image:nginx$"]'),
    "ExcludeAtMatch": ("EXCLUDE_AT_MATCH", r"GET /health|^\s*$"),
    "IncludeAtMatch": ("INCLUDE_AT_MATCH", '"level":"(warn|error)"'),
    "ProcessingRules": ("DD_LOGS_CONFIG_PROCESSING_RULES", r'[{"type":"exclude_at_match","name":"a","pattern":"\\d"}]'),
    "RedactIp": ("REDACT_IP", "true"),
    "RedactEmail": ("REDACT_EMAIL", "false"),
    "ScrubbingRule": ("DD_SCRUBBING_RULE", r"(token)=\w+"),
    "ScrubbingRuleReplacement": ("DD_SCRUBBING_RULE_REPLACEMENT", r"\1=***"),
    "Redact": ("PODFERRY_REDACT", "email,credit_card"),
    "AutoMultiLineDetection": ("DD_LOGS_CONFIG_AUTO_MULTI_LINE_DETECTION", "false"),
    "MultilineLogRegexPattern": ("DD_MULTILINE_LOG_REGEX_PATTERN", r"\d{4}-\d{2}-\d{2}"),
    "Sample": ("PODFERRY_SAMPLE", '[{"status":"info","rate":0.1}]'),
    "StatusFromText": ("PODFERRY_STATUS_FROM_TEXT", "true"),
    "MetadataRecords": ("PODFERRY_METADATA_RECORDS", "true"),
    "MetadataWait": ("PODFERRY_METADATA_WAIT", "1800"),
    "MetadataUnknown": ("PODFERRY_METADATA_UNKNOWN", "keep"),
    "MetadataLookups": ("PODFERRY_METADATA_LOOKUPS", "30"),
    "ForwardLog": ("DD_FORWARD_LOG", "false"),
    "Compression": ("DD_COMPRESSION", "gzip"),
    "CompressionLevel": ("DD_COMPRESSION_LEVEL", "0"),
    "MaxWorkers": ("DD_MAX_WORKERS", "64"),
    "HttpsProxy": ("HTTPS_PROXY", "http://proxy.example.com:3128"),
    "NoProxy": ("NO_PROXY", ".amazonaws.com,10.0.0.1"),
    "CaBundle": ("PODFERRY_CA_BUNDLE", "/var/task/roots/ca.pem"),
    "LogLevel": ("DD_LOG_LEVEL", "warn"),
}

# The groups that are promised to people who know the settings of Datadog's forwarder or of the Agent.
GROUPS = {
    "What is left out, masked and joined": [
        *("ContainerExcludeLogs", "ContainerIncludeLogs", "ExcludeAtMatch", "IncludeAtMatch", "ProcessingRules"),
        *("RedactIp", "RedactEmail", "ScrubbingRule", "ScrubbingRuleReplacement", "Redact"),
        *("AutoMultiLineDetection", "MultilineLogRegexPattern", "Sample", "StatusFromText", "MetadataRecords"),
        *("MetadataWait", "MetadataUnknown", "MetadataLookups", "ForwardLog"),
    ],
    "How logs are sent": [
        *("Compression", "CompressionLevel", "MaxWorkers", "HttpsProxy", "NoProxy", "CaBundle", "CaBundleLayerArn"),
    ],
    "What could not be delivered": [
        *("UndeliveredQueueEnabled", "UndeliveredQueueConcurrency", "UndeliveredKmsKeyArn", "SubscribedAlias", "AlarmTopicArn"),
    ],
    "What an organization asks for (all may stay empty)": [
        *("FunctionName", "SubnetIds", "SecurityGroupIds", "PermissionsBoundaryArn", "RolePath", "OwnLogKmsKeyArn"),
    ],
    "Other ways to the function": ["Route", "KinesisStreamArn", "KinesisKmsKeyArn", "KinesisParallelizationFactor"],
}

# Parameters of which a change can lose logs or send them twice, and a word of what their Description has to say of it.
WARNED_OF = {
    "LogGroupName": "backfill",
    "LogGroupPrefix": "skipped",
    "Route": "deletes the stream",
    "KinesisStreamArn": "twice",
    "UndeliveredKmsKeyArn": "run empty",
    "SubscribedAlias": "dropped",
    "FunctionName": "are lost",
}

# Source: AWS CloudFormation User Guide, "CloudFormation quotas": parameters of a template, and bytes of a description.
MAX_PARAMETERS = 200
MAX_DESCRIPTION = 4000
# The same quotas: a template of which CloudFormation is given the address in S3, as SAM does.
MAX_TEMPLATE = 1_000_000
# Source: Amazon CloudWatch API Reference, PutMetricAlarm: the length of an AlarmDescription.
MAX_ALARM_DESCRIPTION = 1024
# Source: AWS Lambda Developer Guide, "Lambda quotas": all environment variables of a function together.
MAX_ENVIRONMENT = 4096

# The variables that the function reads, from the table of the code.
TABLE = Path(__file__).parent.parent.parent / "crates/forwarder/src/settings/table.rs"
KNOWN_VARIABLES = {name for names in re.findall(r'variable\(\s*"([\w, ]+)"', TABLE.read_text()) for name in names.split(", ")}

FROM_SECRET = {"ApiKeySecretArn": SECRET}
PLAINEST, EVERYTHING = "a secret and one group", "everything at once"
CASES = [
    Case(
        PLAINEST,
        FROM_SECRET | {"LogGroupName": "/eks/prod", "ClusterName": "prod", "Env": "live", "Tags": "team:a,b:c"},
        {"DD_API_KEY_SECRET_ARN": SECRET, "DD_CLUSTER_NAME": "prod", "DD_ENV": "live", "DD_TAGS": "team:a,b:c"},
        {"secretsmanager:GetSecretValue": SECRET},
        source_arn=LOGS + "/eks/prod:*",
        groups=("/eks/prod",),
    ),
    Case(
        "every setting that is passed on",
        FROM_SECRET | {name: value for name, (_, value) in PASSED_ON.items()},
        {"DD_API_KEY_SECRET_ARN": SECRET} | dict(PASSED_ON.values()),
        {"secretsmanager:GetSecretValue": SECRET} | may_look_up("*"),
    ),
    Case(
        "a secret with a key of its own, and no group",
        FROM_SECRET | {"KmsKeyArn": KEY},
        {"DD_API_KEY_SECRET_ARN": SECRET},
        {"secretsmanager:GetSecretValue": SECRET, "kms:Decrypt": KEY},
    ),
    Case(
        "a parameter, named with a slash",
        {"ApiKeySsmName": "/datadog/key"},
        {"DD_API_KEY_SSM_NAME": "/datadog/key"},
        {"ssm:GetParameter": PARAMETER},
    ),
    Case(
        "a parameter, named without a slash",
        {"ApiKeySsmName": "datadog-key"},
        {"DD_API_KEY_SSM_NAME": "datadog-key"},
        {"ssm:GetParameter": "arn:{partition}:ssm:{region}:{account}:parameter/datadog-key"},
    ),
    Case(
        "a parameter, named by its ARN",
        {"ApiKeySsmName": PARAMETER, "KmsKeyArn": KEY},
        {"DD_API_KEY_SSM_NAME": PARAMETER},
        {"ssm:GetParameter": PARAMETER, "kms:Decrypt": KEY},
    ),
    Case(
        "KMS ciphertext",
        {"ApiKeyKms": "AQICAHh+/w==", "KmsKeyArn": KEY},
        {"DD_KMS_API_KEY": "AQICAHh+/w=="},
        {"kms:Decrypt": KEY},
    ),
    Case(
        "the key itself",
        {"ApiKey": "0123456789abcdef0123456789abcdef"},
        {"DD_API_KEY_SECRET_ARN": "<ApiKeySecret>"},
        {"secretsmanager:GetSecretValue": "<ApiKeySecret>"},
    ),
    Case(
        "the key itself, and a KMS key for its secret",
        {"ApiKey": "0123456789abcdef0123456789abcdef", "KmsKeyArn": KEY, "Site": "datadoghq.eu"},
        {"DD_API_KEY_SECRET_ARN": "<ApiKeySecret>"},
        {"secretsmanager:GetSecretValue": "<ApiKeySecret>", "kms:Decrypt": KEY},
    ),
    Case(
        "three groups, and every setting of the function",
        FROM_SECRET
        | {"LogGroupName": "a", "SecondLogGroupName": "b", "ThirdLogGroupName": "c"}
        | {"Architecture": "x86_64", "MemorySize": "512", "Timeout": "60", "ReservedConcurrency": "5"},
        {"DD_API_KEY_SECRET_ARN": SECRET},
        {"secretsmanager:GetSecretValue": SECRET},
        groups=("a", "b", "c"),
        function={"Architectures": ["x86_64"], "MemorySize": "512", "Timeout": "60", "ReservedConcurrentExecutions": "5"},
    ),
    Case(
        "a group and a prefix",
        FROM_SECRET | {"LogGroupName": "/eks/prod", "LogGroupPrefix": "/eks/"},
        {"DD_API_KEY_SECRET_ARN": SECRET},
        {"secretsmanager:GetSecretValue": SECRET},
        source_arn=LOGS + "/eks/*:*",
        groups=("/eks/prod",),
    ),
]

# What the role may do with a Kinesis stream, and with a key of one's own for what was not delivered.
MAY_KINESIS = dict.fromkeys(
    ["kinesis:" + name for name in "DescribeStream DescribeStreamSummary GetRecords GetShardIterator ListShards".split()], KINESIS
)
IN_VPC = {"SubnetIds": ",".join(SUBNETS), "SecurityGroupIds": ",".join(SECURITY_GROUPS)}
MAY_UNDELIVERED_KEY = {"kms:GenerateDataKey": UNDELIVERED_KEY, "kms:Decrypt": UNDELIVERED_KEY}

CASES += [
    Case(
        "a key of one's own for the queues, which are not read, and a topic",
        FROM_SECRET | {"UndeliveredKmsKeyArn": UNDELIVERED_KEY, "UndeliveredQueueEnabled": "false", "AlarmTopicArn": TOPIC},
        {"DD_API_KEY_SECRET_ARN": SECRET},
        {"secretsmanager:GetSecretValue": SECRET} | MAY_UNDELIVERED_KEY,
    ),
    Case(
        "a root of one's own, in a layer",
        FROM_SECRET | {"CaBundle": "/opt/ca.pem", "CaBundleLayerArn": LAYER},
        {"DD_API_KEY_SECRET_ARN": SECRET, "PODFERRY_CA_BUNDLE": "/opt/ca.pem"},
        {"secretsmanager:GetSecretValue": SECRET},
        function={"Layers": [LAYER]},
    ),
    Case(
        "a VPC",
        FROM_SECRET | IN_VPC | {"LogGroupName": "a"},
        {"DD_API_KEY_SECRET_ARN": SECRET},
        {"secretsmanager:GetSecretValue": SECRET},
        source_arn=LOGS + "a:*",
        groups=("a",),
        function={"VpcConfig": {"SubnetIds": SUBNETS, "SecurityGroupIds": SECURITY_GROUPS}},
    ),
    Case(
        "a name of one's own",
        FROM_SECRET | {"FunctionName": "logs-to-datadog"},
        {"DD_API_KEY_SECRET_ARN": SECRET},
        {"secretsmanager:GetSecretValue": SECRET},
        function={"FunctionName": "logs-to-datadog"},
    ),
    Case(
        "a boundary",
        FROM_SECRET | {"PermissionsBoundaryArn": BOUNDARY},
        {"DD_API_KEY_SECRET_ARN": SECRET},
        {"secretsmanager:GetSecretValue": SECRET},
    ),
    Case(
        "a path of the roles, and Firehose",
        FROM_SECRET | {"RolePath": "/platform/logs/", "Route": "firehose"},
        {"DD_API_KEY_SECRET_ARN": SECRET},
        {"secretsmanager:GetSecretValue": SECRET},
    ),
    Case(
        "a key of one's own for the function's log",
        FROM_SECRET | {"OwnLogKmsKeyArn": OWN_LOG_KEY},
        {"DD_API_KEY_SECRET_ARN": SECRET},
        {"secretsmanager:GetSecretValue": SECRET},
    ),
    Case(
        "an alias that log groups are subscribed to",
        FROM_SECRET | {"SubscribedAlias": "live"},
        {"DD_API_KEY_SECRET_ARN": SECRET},
        {"secretsmanager:GetSecretValue": SECRET},
    ),
    Case(
        "a Kinesis stream",
        FROM_SECRET | {"KinesisStreamArn": KINESIS, "UndeliveredQueueConcurrency": "7"},
        {"DD_API_KEY_SECRET_ARN": SECRET},
        {"secretsmanager:GetSecretValue": SECRET} | MAY_KINESIS,
    ),
    Case(
        "a Kinesis stream with a key of its own",
        FROM_SECRET | {"KinesisStreamArn": KINESIS, "KinesisKmsKeyArn": KINESIS_KEY, "KinesisParallelizationFactor": "4"},
        {"DD_API_KEY_SECRET_ARN": SECRET},
        {"secretsmanager:GetSecretValue": SECRET, "kms:Decrypt": KINESIS_KEY} | MAY_KINESIS,
    ),
    Case(
        "Firehose, and a secret",
        FROM_SECRET | {"Route": "firehose", "LogGroupName": "/eks/prod", "SecondLogGroupName": "b", "Site": "us3.datadoghq.com"},
        {"DD_API_KEY_SECRET_ARN": SECRET},
        {"secretsmanager:GetSecretValue": SECRET},
        groups=("/eks/prod", "b"),
    ),
    Case(
        EVERYTHING,
        {"ApiKey": "0123456789abcdef0123456789abcdef", "KmsKeyArn": KEY, "UndeliveredKmsKeyArn": UNDELIVERED_KEY}
        | {"LogGroupName": "a", "SecondLogGroupName": "b", "ThirdLogGroupName": "c", "AlarmTopicArn": TOPIC, "Route": "firehose"}
        | {"KinesisStreamArn": KINESIS, "KinesisKmsKeyArn": KINESIS_KEY, "LogLevel": "trace"}
        | {"CaBundle": "/opt/ca.pem", "CaBundleLayerArn": LAYER, "SubscribedAlias": "7", "EmitSystemFields": "true"}
        | {"FunctionName": "podferry", "PermissionsBoundaryArn": BOUNDARY, "RolePath": "/logs/", "OwnLogKmsKeyArn": OWN_LOG_KEY}
        | {"MetadataRecords": "true"}
        | IN_VPC,
        {"DD_API_KEY_SECRET_ARN": "<ApiKeySecret>", "DD_LOG_LEVEL": "trace", "PODFERRY_CA_BUNDLE": "/opt/ca.pem"}
        | {"PODFERRY_METADATA_RECORDS": "true"},
        {"secretsmanager:GetSecretValue": "<ApiKeySecret>"}
        | MAY_KINESIS
        | MAY_UNDELIVERED_KEY
        | may_look_up("a", "b", "c")
        | {"kms:Decrypt": (KEY, UNDELIVERED_KEY, KINESIS_KEY)},
        groups=("a", "b", "c"),
        function={
            "Layers": [LAYER],
            "FunctionName": "podferry",
            "VpcConfig": {"SubnetIds": SUBNETS, "SecurityGroupIds": SECURITY_GROUPS},
        },
    ),
]
# Lambda's own filter never goes above INFO, where it would drop the metrics.
CASES += [
    Case(
        f"log level {level}",
        FROM_SECRET | {"LogLevel": level},
        {"DD_API_KEY_SECRET_ARN": SECRET, "DD_LOG_LEVEL": level},
        {"secretsmanager:GetSecretValue": SECRET},
    )
    for level in ("debug", "info", "error")
]

# Metadata in records of its own: the function may read the groups that it gets events of, as far as the stack knows them.
IN_RECORDS = {"PODFERRY_METADATA_RECORDS": "true"}
CASES += [
    Case(
        f"metadata in records of its own, of {name}",
        FROM_SECRET | {"MetadataRecords": "true"} | parameters,
        {"DD_API_KEY_SECRET_ARN": SECRET} | environment,
        {"secretsmanager:GetSecretValue": SECRET} | may,
        source_arn=source_arn,
        groups=tuple(value for name, value in parameters.items() if name.endswith("LogGroupName")),
    )
    for name, parameters, environment, may, source_arn in (
        ("a group", {"LogGroupName": "/eks/prod"}, IN_RECORDS, may_look_up("/eks/prod"), LOGS + "/eks/prod:*"),
        (
            "three groups",
            {"LogGroupName": "a", "SecondLogGroupName": "b", "ThirdLogGroupName": "c"},
            IN_RECORDS,
            may_look_up("a", "b", "c"),
            LOGS + "*:*",
        ),
        (
            "a group and a prefix",
            {"LogGroupName": "/eks/prod", "LogGroupPrefix": "/aws/eks/", "MetadataLookups": "600"},
            IN_RECORDS | {"PODFERRY_METADATA_LOOKUPS": "600"},
            may_look_up("/eks/prod", "/aws/eks/*"),
            LOGS + "/aws/eks/*:*",
        ),
        (
            "a group, and not looked up",
            {"LogGroupName": "/eks/prod", "MetadataLookups": "0"},
            IN_RECORDS | {"PODFERRY_METADATA_LOOKUPS": "0"},
            {},
            LOGS + "/eks/prod:*",
        ),
    )
]
CASES.append(
    Case(
        "no metadata in records of its own",
        FROM_SECRET | {"MetadataRecords": "false", "MetadataLookups": "60"},
        {"DD_API_KEY_SECRET_ARN": SECRET, "PODFERRY_METADATA_RECORDS": "false", "PODFERRY_METADATA_LOOKUPS": "60"},
        {"secretsmanager:GetSecretValue": SECRET},
    )
)

# Any two settings are apart in one of these: none may hang on another.
for bit in range(len(PASSED_ON).bit_length()):
    some = {name: PASSED_ON[name] for index, name in enumerate(PASSED_ON) if index >> bit & 1}
    CASES.append(
        Case(
            f"some settings ({bit})",
            FROM_SECRET | {name: value for name, (_, value) in some.items()},
            {"DD_API_KEY_SECRET_ARN": SECRET} | dict(some.values()),
            {"secretsmanager:GetSecretValue": SECRET} | (may_look_up("*") if "MetadataRecords" in some else {}),
        )
    )

# Parameters that a rule has to refuse before anything is made.
REFUSED_BY_RULE = [
    ("ApiKeyIsGiven", {}),
    ("ApiKeyIsGiven", {"KmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/1"}),
    ("ApiKeyIsGivenOnce", {"ApiKey": "k", "ApiKeySsmName": "n"}),
    ("ApiKeyIsGivenOnce", {"ApiKeyKms": "k", "ApiKeySecretArn": "n"}),
    ("ApiKeyIsGivenOnce", {"ApiKeyKms": "k", "ApiKeySecretArn": "n", "ApiKeySsmName": "n", "ApiKey": "k"}),
    ("KmsCiphertextHasItsKey", {"ApiKeyKms": "AQ=="}),
    ("LogGroupsDiffer", {"LogGroupName": "a", "SecondLogGroupName": "a"}),
    ("LogGroupsDiffer", {"LogGroupName": "a", "ThirdLogGroupName": "a"}),
    ("LogGroupsDiffer", {"SecondLogGroupName": "b", "ThirdLogGroupName": "b"}),
    ("FirehoseHasItsSecret", {"Route": "firehose", "ApiKeySsmName": "n"}),
    ("FirehoseHasItsSecret", {"Route": "firehose", "ApiKeyKms": "AQ==", "KmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/1"}),
    ("KinesisKeyHasItsStream", {"KinesisKmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/1"}),
    ("LayerHasItsFile", {"CaBundleLayerArn": "arn:aws:lambda:eu-west-1:123456789012:layer:roots:3"}),
    ("VpcIsWhole", {"SubnetIds": SUBNETS[0]}),
    ("VpcIsWhole", {"SecurityGroupIds": SECURITY_GROUPS[0]}),
]

# Values that a parameter's own declaration has to refuse.
REFUSED_VALUES = [
    ("ApiKeySecretArn", "datadog-key"),
    ("ApiKeySecretArn", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:datadog"),
    ("ApiKeySsmName", "datadog-key:3"),
    ("ApiKeySsmName", "arn:aws:ssm:eu-west-1:123456789012:parameter/*"),
    ("ApiKeySsmName", "arn:aws:ssm:eu-west-1:123456789012:parameterkey"),
    ("ApiKey", "key with spaces"),
    ("KmsKeyArn", "*"),
    ("KmsKeyArn", "arn:aws:kms:eu-west-1:123456789012:alias/mine"),
    ("Site", ""),
    ("Site", "https://datadoghq.eu"),
    ("LogGroupName", f"/podferry/{STACK}"),
    ("SecondLogGroupName", f"/podferry/{STACK}"),
    ("ThirdLogGroupName", f"/podferry/{STACK}"),
    ("LogGroupName", "/eks/*"),
    ("LogGroupPrefix", "*"),
    ("Architecture", "mips"),
    ("MemorySize", "64"),
    ("Timeout", "901"),
    ("RetentionInDays", "2"),
    ("ContainerExcludeLogs", "istio-proxy"),
    ("ContainerIncludeLogs", "namespace:dev"),
    ("ProcessingRules", '{"type":"exclude_truncated","name":"a"}'),
    ("ProcessingRules", "exclude_truncated"),
    ("RedactIp", "yes"),
    ("RedactEmail", "True"),
    ("AutoMultiLineDetection", "auto"),
    ("ForwardLog", "0"),
    ("Redact", '["email"]'),
    ("Sample", "0.1"),
    ("EmitSystemFields", "@aws.account"),
    *(("MetadataLookups", value) for value in ("601", "-1", "007", "1.5", "none")),
    ("Compression", "brotli"),
    ("CompressionLevel", "-1"),
    ("CompressionLevel", "10"),
    ("MaxWorkers", "0"),
    ("MaxWorkers", "65"),
    ("MaxWorkers", "8.5"),
    ("HttpsProxy", "proxy.example.com:3128"),
    ("HttpsProxy", "socks5://proxy.example.com"),
    ("CaBundle", "ca.pem"),
    ("CaBundle", "/tmp/ca.pem"),
    ("CaBundle", "/opt/"),
    ("CaBundle", "-----BEGIN CERTIFICATE-----"),
    ("CaBundleLayerArn", "arn:aws:lambda:eu-west-1:123456789012:layer:roots"),
    ("CaBundleLayerArn", "roots"),
    ("SubscribedAlias", "$LATEST"),
    ("SubscribedAlias", "podferry:live"),
    ("SubscribedAlias", "arn:aws:lambda:eu-west-1:123456789012:function:podferry:live"),
    ("MetadataWait", "1801"),
    ("MetadataWait", "-1"),
    ("MetadataUnknown", "drop"),
    ("LogLevel", "verbose"),
    ("LogLevel", "INFO"),
    ("UndeliveredQueueEnabled", ""),
    ("UndeliveredQueueConcurrency", "1"),
    ("UndeliveredQueueConcurrency", "1001"),
    ("UndeliveredKmsKeyArn", "arn:aws:kms:eu-west-1:123456789012:alias/mine"),
    ("AlarmTopicArn", "on-call"),
    ("AlarmTopicArn", "arn:aws:sns:eu-west-1:123456789012:on-call.fifo"),
    ("Route", "kinesis"),
    ("KinesisStreamArn", "pod-logs"),
    ("KinesisStreamArn", "*"),
    ("KinesisStreamArn", "arn:aws:kinesis:eu-west-1:123456789012:stream/*"),
    ("KinesisStreamArn", "arn:aws:kinesis:eu-west-1:123456789012:stream/a/consumer/b:1"),
    ("KinesisKmsKeyArn", "*"),
    ("FunctionName", "arn:aws:lambda:eu-west-1:123456789012:function:podferry"),
    ("FunctionName", "podferry:live"),
    ("FunctionName", "a" * 65),
    ("SubnetIds", "vpc-0123456789abcdef0"),
    ("SubnetIds", f"{SUBNETS[0]}, {SUBNETS[1]}"),
    ("SubnetIds", f"{SUBNETS[0]},"),
    ("SubnetIds", ",".join(SUBNETS[:1] * 17)),
    ("SecurityGroupIds", SUBNETS[0]),
    ("SecurityGroupIds", ",".join(SECURITY_GROUPS * 6)),
    ("PermissionsBoundaryArn", "boundary"),
    ("PermissionsBoundaryArn", "arn:aws:iam::123456789012:role/boundary"),
    ("RolePath", "logs"),
    ("RolePath", "/logs"),
    ("RolePath", "logs/"),
    ("RolePath", f"/{'a' * 511}/"),
    ("OwnLogKmsKeyArn", "arn:aws:kms:eu-west-1:123456789012:alias/mine"),
    ("KinesisParallelizationFactor", "0"),
    ("KinesisParallelizationFactor", "11"),
]

ACCEPTED_VALUES = [
    ("Site", site)
    for site in "datadoghq.com us3.datadoghq.com us5.datadoghq.com datadoghq.eu ap1.datadoghq.com ap2.datadoghq.com "
    "uk1.datadoghq.com ddog-gov.com us2.ddog-gov.com new.example".split()
]
ACCEPTED_VALUES += [("Architecture", "arm64"), ("Architecture", "x86_64"), ("LogGroupName", "/aws/eks/prod_1.2#x-y")]
ACCEPTED_VALUES += [(name, "") for name in PASSED_ON]
ACCEPTED_VALUES += [("MaxWorkers", str(number)) for number in range(1, 65)]
ACCEPTED_VALUES += [("MetadataLookups", str(number)) for number in range(601)]
ACCEPTED_VALUES += [("CompressionLevel", str(number)) for number in range(10)]
ACCEPTED_VALUES += [(name, value) for name in ("RedactIp", "RedactEmail", "ForwardLog") for value in ("true", "false")]
ACCEPTED_VALUES += [
    ("ContainerExcludeLogs", "name:a\nimage:b"),
    ("ProcessingRules", "\n[]\n"),
    ("Sample", '{\n"rate":1}\n'),
    ("Redact", "email, ipv4"),
    ("Compression", "none"),
    *(("LogLevel", level) for level in ("trace", "debug", "info", "warn", "error")),
    ("UndeliveredQueueConcurrency", "2"),
    ("UndeliveredQueueConcurrency", "1000"),
    ("KinesisStreamArn", "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/pod_logs.1"),
    ("KinesisParallelizationFactor", "10"),
    ("AlarmTopicArn", ""),
    ("CaBundle", "/opt/etc/my-ca_1.pem"),
    ("CaBundleLayerArn", "arn:aws-cn:lambda:cn-north-1:123456789012:layer:my_roots-1:12"),
    ("SubscribedAlias", "live_1-a"),
    ("SubscribedAlias", "12"),
    ("FunctionName", "a" * 64),
    ("SubnetIds", ",".join(SUBNETS[:1] * 16)),
    ("SubnetIds", "subnet-12345678"),
    ("SecurityGroupIds", ",".join(SECURITY_GROUPS * 5)),
    ("PermissionsBoundaryArn", "arn:aws-cn:iam::123456789012:policy/platform/logs"),
    ("PermissionsBoundaryArn", "arn:aws:iam::aws:policy/PowerUserAccess"),
    ("RolePath", "/"),
    ("RolePath", f"/{'a' * 510}/"),
]
