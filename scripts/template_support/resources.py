"""What has to be true of the stack that comes out of a template, resource by resource."""

import json
import re

from template_support.cases import ENVIRONMENT, KNOWN_VARIABLES, MAX_ALARM_DESCRIPTION, MAX_ENVIRONMENT, MAY, TABLE
from template_support.stack import ACCOUNT, STACK, STACK_ID

FUNCTION_ARN = "<Forwarder.Arn>"
DAY = 86400
KEPT = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
PRIVATE = dict.fromkeys(["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"], True)

# Everything that a stack is made of, so that nothing comes in unseen.
ALWAYS = {
    "Forwarder": "AWS::Lambda::Function",
    "ForwarderEventInvokeConfig": "AWS::Lambda::EventInvokeConfig",
    "ForwarderLogs": "AWS::Logs::LogGroup",
    "ForwarderRole": "AWS::IAM::Role",
    "LogsMayInvoke": "AWS::Lambda::Permission",
    "UndeliveredQueue": "AWS::SQS::Queue",
    "UndeliveredQueuePolicy": "AWS::SQS::QueuePolicy",
    "UndeliveredQueueMapping": "AWS::Lambda::EventSourceMapping",
    "DeadLetterQueue": "AWS::SQS::Queue",
    "DeadLetterQueuePolicy": "AWS::SQS::QueuePolicy",
    "FailedEventsBucket": "AWS::S3::Bucket",
    "FailedEventsBucketPolicy": "AWS::S3::BucketPolicy",
    "Dashboard": "AWS::CloudWatch::Dashboard",
}
WITH_KINESIS = {"KinesisMapping": "AWS::Lambda::EventSourceMapping"}
WITH_FIREHOSE = {
    "FirehoseStream": "AWS::KinesisFirehose::DeliveryStream",
    "FirehoseLogs": "AWS::Logs::LogGroup",
    "FirehoseLogStream": "AWS::Logs::LogStream",
    "FirehoseBackupBucket": "AWS::S3::Bucket",
    "FirehoseBackupBucketPolicy": "AWS::S3::BucketPolicy",
    "FirehoseRole": "AWS::IAM::Role",
    "SubscriptionRole": "AWS::IAM::Role",
}
# Only these, and both on everything: EC2 knows no narrower resource for most of them.
VPC_ACTIONS = [
    *("ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"),
    *("ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"),
]
SUBSCRIPTIONS = ("Subscription", "SecondSubscription", "ThirdSubscription")

# The alarms: namespace and metric, dimension, statistic, and what the value is not to exceed.
OF_FUNCTION = {"FunctionName": "<Forwarder>"}
OF_STREAM = {"DeliveryStreamName": "<FirehoseStream>"}
ALARMS = {
    "UndeliveredAgeAlarm": (
        ("AWS/SQS", "ApproximateAgeOfOldestMessage", {"QueueName": "<UndeliveredQueue.QueueName>"}, "Maximum", 3600)
    ),
    "DeadLettersAlarm": (
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "<DeadLetterQueue.QueueName>"}, "Maximum", 0)
    ),
    "DeadLettersExpireAlarm": (
        ("AWS/SQS", "ApproximateAgeOfOldestMessage", {"QueueName": "<DeadLetterQueue.QueueName>"}, "Maximum", 10 * DAY)
    ),
    "ErrorsAlarm": ("AWS/Lambda", "Errors", OF_FUNCTION, "Sum", 0),
    "ThrottlesAlarm": ("AWS/Lambda", "Throttles", OF_FUNCTION, "Sum", 0),
    "EventsDroppedAlarm": ("AWS/Lambda", "AsyncEventsDropped", OF_FUNCTION, "Sum", 0),
    "DestinationFailuresAlarm": ("AWS/Lambda", "DestinationDeliveryFailures", OF_FUNCTION, "Sum", 0),
    "KeyRefusedAlarm": ("podferry", "KeyRefused", OF_FUNCTION, "Sum", 0),
    "UnexpectedAnswersAlarm": ("podferry", "UnexpectedAnswers", OF_FUNCTION, "Sum", 0),
}
ALARMS_WITH_KINESIS = {"IteratorAgeAlarm": ("AWS/Lambda", "IteratorAge", OF_FUNCTION, "Maximum", 3_600_000)}
ALARMS_WITH_FIREHOSE = {
    "FirehoseAgeAlarm": ("AWS/Firehose", "DeliveryToHttpEndpoint.DataFreshness", OF_STREAM, "Maximum", 3600),
    "FirehoseBackupAlarm": ("AWS/Firehose", "BackupToS3.Records", OF_STREAM, "Sum", 0),
}

# The alarm that adds three numbers of the queue, for an hour; and the one that looks at a week.
WAITING_ALARM = "UndeliveredWaitingAlarm"
LEFT_ALARM = "DeadLettersLeftAlarm"

# What the dashboard has to show. Those of podferry are what the function writes for each cluster.
SHOWN = {
    "podferry": {
        *("LogsReceived", "LogsDelivered", "LogsExcluded", "LogsSampled", "LogsBlank", "LogsJoined", "LogsTruncated", "LogsLate"),
        *("LogsEarly", "LogsUnread", "LogsWaiting", "ProcessingFailed"),
        *("LogsDuplicate", "LogsQueued", "LogsDead", "BytesIn", "BytesOut", "Requests", "Retries", "RetriesRateLimited"),
        *("RetriesServerError", "RetriesTimeout", "RetriesConnection", "IntakeLatency", "OldestLogAge", "KeyRefused"),
        *("UnexpectedAnswers", "LogsWithheld", "MetadataLookups", "MetadataLookupsThrottled", "MetadataLookupsDenied"),
    },
    "AWS/Lambda": {
        *("Invocations", "Errors", "Throttles", "AsyncEventsDropped", "DestinationDeliveryFailures", "Duration"),
        "ConcurrentExecutions",
    },
    "AWS/SQS": {
        *("ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"),
        "ApproximateAgeOfOldestMessage",
    },
}
SEARCH = r"SEARCH\('\{podferry,FunctionName,ClusterName} FunctionName=\"<Forwarder>\" MetricName=(.+)', '(Sum|Maximum|p50|p99)'\)"


def some(**properties):
    """Properties without those that are None."""
    return {name: value for name, value in properties.items() if value is not None}


def listed(value):
    return value if isinstance(value, list) else [value]


class Resources:
    """A stack, what is wanted of it, and the ways to say what is not so."""

    def __init__(self, stack, wanted, check):
        self.stack, self.wanted, self.check = stack, wanted, check
        self.parameters = wanted.parameters
        self.partition, self.region = stack.values["AWS::Partition"], stack.values["AWS::Region"]
        self.site = self.parameters.get("Site", "datadoghq.com")
        self.has_kinesis = bool(self.parameters.get("KinesisStreamArn"))
        self.by_firehose = self.parameters.get("Route") == "firehose"
        self.undelivered_key = self.parameters.get("UndeliveredKmsKeyArn")
        self.alias = self.parameters.get("SubscribedAlias")
        self.in_vpc = bool(self.parameters.get("SubnetIds"))
        self.own_log_key = self.parameters.get("OwnLogKmsKeyArn")

    def arn(self, service, rest):
        return f"arn:{self.partition}:{service}:{self.region}:{ACCOUNT}:{rest}"

    def same(self, got, expected, what):
        self.check(got == expected, f"{what} is {json.dumps(got)}, and has to be {json.dumps(expected)}")

    def properties(self, name):
        return self.stack.resources.get(name, {}).get("Properties", {})

    def has(self, name, **expected):
        """The resource has these properties and no others."""
        found = self.properties(name)
        for each in sorted(set(found) | set(expected)):
            self.same(found.get(each), expected.get(each), f"{each} of {name}")

    def is_kept(self, name):
        resource = self.stack.resources.get(name, {})
        self.same({key: resource.get(key) for key in KEPT}, KEPT, f"what becomes of {name} when the stack goes")

    def role(self, name, service, condition, expected):
        """The role can be taken by this service only, and may do this and nothing else."""
        properties = self.properties(name)
        self.same(properties.get("ManagedPolicyArns", []), [], f"the managed policies of {name}")
        self.same(properties.get("Path"), self.parameters.get("RolePath"), f"the path of {name}")
        self.same(properties.get("PermissionsBoundary"), self.parameters.get("PermissionsBoundaryArn"), f"the boundary of {name}")
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
        trust |= {"Condition": condition} if condition else {}
        self.same(properties.get("AssumeRolePolicyDocument", {}).get("Statement"), [trust], f"who may take the role {name}")
        may, sids = {}, []
        for policy in properties.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                extra = sorted(set(statement) - {"Sid", "Effect", "Action", "Resource"})
                self.check(not extra, f"the role {name} has a statement with {extra}")
                self.same(statement.get("Effect"), "Allow", f"the effect of a statement of {name}")
                sids.append(statement.get("Sid"))
                for resource in listed(statement.get("Resource")):
                    # Only what is in a bucket of the stack is named with a star, and what is in a log group, or in groups by their prefix.
                    starred = r"[^*]*|<\w+Bucket.Arn>/[\w/]*\*|arn:[^*]*:logs:[^*]+:log-group:[^*]*\*?:\*"
                    self.check(re.fullmatch(starred, str(resource)), f"the role {name} has a statement on {resource}")
                    for action in listed(statement.get("Action", [])):
                        self.check(resource not in may.setdefault(action, []), f"the role {name} names {action} twice")
                        may[action].append(resource)
        self.check(None not in sids and len(sids) == len(set(sids)), f"the statements of {name} need a Sid each, and have {sids}")
        got = {action: sorted(resources) for action, resources in sorted(may.items())}
        self.same(got, {action: sorted(resources) for action, resources in sorted(expected.items())}, f"what the role {name} may do")


def check_stack(stack, wanted, check):
    resources = Resources(stack, wanted, check)
    check_what_there_is(resources)
    check_function(resources)
    check_function_role(resources)
    if resources.in_vpc:
        check_vpc_policy(resources)
    check_secret(resources)
    check_subscriptions(resources)
    check_failed_events(resources)
    check_queues(resources)
    if resources.has_kinesis:
        check_kinesis(resources)
    if resources.by_firehose:
        check_firehose(resources)
    check_alarms(resources)
    check_dashboard(resources)
    check_outputs(resources)


def alarms_of(of):
    """The names of the alarms, each with what it looks at."""
    return {WAITING_ALARM: None, LEFT_ALARM: None} | simple_alarms_of(of)


def simple_alarms_of(of):
    return ALARMS | (ALARMS_WITH_KINESIS if of.has_kinesis else {}) | (ALARMS_WITH_FIREHOSE if of.by_firehose else {})


def check_what_there_is(of):
    expected = ALWAYS | (WITH_KINESIS if of.has_kinesis else {}) | (WITH_FIREHOSE if of.by_firehose else {})
    expected |= dict.fromkeys(alarms_of(of), "AWS::CloudWatch::Alarm")
    expected |= {"AliasEventInvokeConfig": "AWS::Lambda::EventInvokeConfig"} if of.alias else {}
    expected |= {"VpcPolicy": "AWS::IAM::Policy"} if of.in_vpc else {}
    expected |= {"ApiKeySecret": "AWS::SecretsManager::Secret"} if of.parameters.get("ApiKey") else {}
    expected |= dict.fromkeys(SUBSCRIPTIONS[: len(of.wanted.groups)], "AWS::Logs::SubscriptionFilter")
    found = {name: resource["Type"] for name, resource in of.stack.resources.items()}
    for name in sorted(set(found) | set(expected)):
        of.same(found.get(name), expected.get(name), f"the resource {name}")


def check_function(of):
    level = of.parameters.get("LogLevel", "")
    settings = {
        "Runtime": "provided.al2023",
        "Handler": "bootstrap",
        "Architectures": ["arm64"],
        "MemorySize": "256",
        "Timeout": "120",
        "Role": "<ForwarderRole.Arn>",
        "LoggingConfig": {
            "LogGroup": "<ForwarderLogs>",
            "LogFormat": "JSON",
            "ApplicationLogLevel": level.upper() if level in {"trace", "debug"} else "INFO",
            "SystemLogLevel": "INFO",
        },
        "ReservedConcurrentExecutions": None,
        "Layers": None,
        "FunctionName": None,
        "VpcConfig": None,
    }
    properties = of.properties("Forwarder")
    for name, expected in (settings | of.wanted.function).items():
        of.same(properties.get(name), expected, f"the function's {name}")
    environment = properties.get("Environment", {}).get("Variables", {})
    of.same(environment, ENVIRONMENT | of.wanted.environment | {"DD_SITE": of.site}, "the function's environment")
    unknown = sorted(set(environment) - KNOWN_VARIABLES)
    of.check(not unknown, f"the function does not read {unknown}, says {TABLE.name}")
    # Also with a value of every variable there is room for rules.
    size = sum(len(name) + len(str(value)) for name, value in environment.items())
    of.check(size <= MAX_ENVIRONMENT // 2, f"the function's environment has {size} bytes without long values, of {MAX_ENVIRONMENT}")

    of.has("ForwarderLogs", **some(LogGroupName=f"/podferry/{STACK}", RetentionInDays="14", KmsKeyId=of.own_log_key))


def check_function_role(of):
    may = {action: listed_tuple(MAY.get(action)) + listed_tuple(of.wanted.may.get(action)) for action in MAY | of.wanted.may}
    # The same name in every partition.
    of.role("ForwarderRole", "lambda.amazonaws.com", None, may)


def check_vpc_policy(of):
    """Lambda may attach the function to the VPC; the function's own code may not touch a network interface."""
    by_the_code = {"ArnLike": {"lambda:SourceFunctionArn": of.arn("lambda", "function:*")}}
    statements = [
        {"Sid": "AttachToVpc", "Effect": "Allow", "Action": VPC_ACTIONS, "Resource": "*"},
        {"Sid": "NotByTheCode", "Effect": "Deny", "Action": VPC_ACTIONS, "Resource": "*", "Condition": by_the_code},
    ]
    of.has(
        "VpcPolicy",
        PolicyName="vpc",
        Roles=["<ForwarderRole>"],
        PolicyDocument={"Version": "2012-10-17", "Statement": statements},
    )
    # By a reference in the subnets, as they are written.
    written = of.stack.template["Resources"]["Forwarder"]["Properties"].get("VpcConfig")
    of.check('{"Ref": "VpcPolicy"}' in json.dumps(written), "Forwarder does not wait for the policy that lets Lambda put it into the VPC")


def listed_tuple(value):
    return () if value is None else value if isinstance(value, tuple) else (value,)


def check_secret(of):
    if not of.parameters.get("ApiKey"):
        return
    # As Firehose wants it, and as the function takes it too.
    secret = of.properties("ApiKeySecret")
    of.same(json.loads(secret.get("SecretString") or "null"), {"api_key": of.parameters["ApiKey"]}, "the secret")
    of.same(secret.get("KmsKeyId"), of.parameters.get("KmsKeyArn"), "the secret's KMS key")


def check_subscriptions(of):
    """Who may invoke the function, and what is subscribed."""
    of.has(
        "LogsMayInvoke",
        Action="lambda:InvokeFunction",
        FunctionName="<Forwarder>",
        Principal="logs.amazonaws.com",
        SourceAccount=ACCOUNT,
        SourceArn=of.wanted.source_arn,
    )
    for name, group in zip(SUBSCRIPTIONS, of.wanted.groups):
        of.has(
            name,
            **some(
                LogGroupName=group,
                FilterPattern="",
                DestinationArn="<FirehoseStream.Arn>" if of.by_firehose else FUNCTION_ARN,
                RoleArn="<SubscriptionRole.Arn>" if of.by_firehose else None,
                EmitSystemFields=["@aws.account", "@aws.region"] if of.parameters.get("EmitSystemFields") == "true" else None,
            ),
        )
        depends = listed(of.stack.resources.get(name, {}).get("DependsOn", []))
        of.check("LogsMayInvoke" in depends, f"{name} does not depend on the permission LogsMayInvoke")


def check_failed_events(of):
    """What Lambda does with an event that failed, and how the function gets it back."""
    qualifiers = {"ForwarderEventInvokeConfig": "$LATEST"} | ({"AliasEventInvokeConfig": of.alias} if of.alias else {})
    for name, qualifier in qualifiers.items():
        of.has(
            name,
            FunctionName="<Forwarder>",
            Qualifier=qualifier,
            MaximumRetryAttempts=2,
            MaximumEventAgeInSeconds=21600,
            DestinationConfig={"OnFailure": {"Destination": "<FailedEventsBucket.Arn>"}},
        )
    notification = {
        "Event": "s3:ObjectCreated:*",
        "Queue": "<UndeliveredQueue.Arn>",
        # Lambda's own prefix, for asynchronous events and for streams.
        "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": "aws/lambda/"}]}},
    }
    check_bucket(
        of,
        "FailedEventsBucket",
        14,
        BucketName=f"podferry-failed-{STACK_ID}",
        NotificationConfiguration={"QueueConfigurations": [notification]},
    )
    depends = listed(of.stack.resources.get("FailedEventsBucket", {}).get("DependsOn", []))
    of.check("UndeliveredQueuePolicy" in depends, "FailedEventsBucket does not wait for the policy of its queue")


def check_bucket(of, name, days, **more):
    key = of.undelivered_key
    encryption = some(SSEAlgorithm="aws:kms" if key else "AES256", KMSMasterKeyID=key)
    of.has(
        name,
        PublicAccessBlockConfiguration=PRIVATE,
        OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        BucketEncryption={
            "ServerSideEncryptionConfiguration": [
                some(ServerSideEncryptionByDefault=encryption, BucketKeyEnabled=True if key else None),
            ],
        },
        LifecycleConfiguration={
            "Rules": [
                {
                    "Id": "DropByAge",
                    "Status": "Enabled",
                    "ExpirationInDays": days,
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
                },
            ],
        },
        **more,
    )
    of.is_kept(name)
    of.has(
        f"{name}Policy",
        Bucket=f"<{name}>",
        PolicyDocument={"Version": "2012-10-17", "Statement": [only_tls("s3:*", [f"<{name}.Arn>", f"<{name}.Arn>/*"])]},
    )


def only_tls(action, resource):
    return {
        "Sid": "OnlyTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resource,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def check_queues(of):
    # The most that SQS has: 14 days and 1 MiB.
    common = some(
        SqsManagedSseEnabled=None if of.undelivered_key else True,
        KmsMasterKeyId=of.undelivered_key,
        MessageRetentionPeriod=14 * DAY,
        MaximumMessageSize=1 << 20,
    )
    longest_timeout = of.stack.template["Parameters"]["Timeout"]["MaxValue"]
    queue_name = f"podferry-undelivered-{STACK_ID}"
    of.has(
        "UndeliveredQueue",
        QueueName=queue_name,
        VisibilityTimeout=6 * longest_timeout,
        RedrivePolicy={"deadLetterTargetArn": "<DeadLetterQueue.Arn>", "maxReceiveCount": 50},
        **common,
    )
    # Also if every attempt ends in the longest wait, a message is in the dead-letter queue while SQS still keeps it.
    redrive = of.properties("UndeliveredQueue").get("RedrivePolicy", {}).get("maxReceiveCount", 0)
    longest = redrive * of.properties("UndeliveredQueue").get("VisibilityTimeout", 0)
    of.check(longest <= 7 * DAY, f"UndeliveredQueue: {redrive} attempts may take {longest} s, more than half of what SQS keeps a message")
    allowed = {"redrivePermission": "byQueue", "sourceQueueArns": [of.arn("sqs", queue_name)]}
    of.has("DeadLetterQueue", RedriveAllowPolicy=allowed, **common)

    from_bucket = {
        "Sid": "NotesOfFailedEvents",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": "<UndeliveredQueue.Arn>",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnEquals": {"aws:SourceArn": f"arn:{of.partition}:s3:::podferry-failed-{STACK_ID}"},
        },
    }
    for name, more in (("UndeliveredQueue", [from_bucket]), ("DeadLetterQueue", [])):
        of.is_kept(name)
        statements = [only_tls("sqs:*", f"<{name}.Arn>"), *more]
        of.has(f"{name}Policy", Queues=[f"<{name}>"], PolicyDocument={"Version": "2012-10-17", "Statement": statements})

    of.has(
        "UndeliveredQueueMapping",
        EventSourceArn="<UndeliveredQueue.Arn>",
        FunctionName="<Forwarder>",
        Enabled=of.parameters.get("UndeliveredQueueEnabled", "true"),
        FunctionResponseTypes=["ReportBatchItemFailures"],
        BatchSize=10,
        MaximumBatchingWindowInSeconds=5,
        ScalingConfig={"MaximumConcurrency": of.parameters.get("UndeliveredQueueConcurrency", "2")},
    )


def check_kinesis(of):
    of.has(
        "KinesisMapping",
        EventSourceArn=of.parameters["KinesisStreamArn"],
        FunctionName="<Forwarder>",
        StartingPosition="TRIM_HORIZON",
        BatchSize=100,
        MaximumBatchingWindowInSeconds=1,
        ParallelizationFactor=of.parameters.get("KinesisParallelizationFactor", "1"),
        FunctionResponseTypes=["ReportBatchItemFailures"],
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=10,
        # Below the 24 hours that a stream keeps its records at the least.
        MaximumRecordAgeInSeconds=21600,
        DestinationConfig={"OnFailure": {"Destination": "<FailedEventsBucket.Arn>"}},
    )


def check_firehose(of):
    secret = of.parameters.get("ApiKeySecretArn") or "<ApiKeySecret>"
    role = "<FirehoseRole.Arn>"
    logging = {"Enabled": True, "LogGroupName": "<FirehoseLogs>", "LogStreamName": "<FirehoseLogStream>"}
    processor = {"LambdaArn": FUNCTION_ARN, "RoleArn": role, "BufferSizeInMBs": "0.2", "BufferIntervalInSeconds": "10"}
    expected = {
        "EndpointConfiguration": {"Name": "Datadog", "Url": f"https://aws-kinesis-http-intake.logs.{of.site}/v1/input"},
        "SecretsManagerConfiguration": {"Enabled": True, "RoleARN": role, "SecretARN": secret},
        "RoleARN": role,
        "RequestConfiguration": {"ContentEncoding": "GZIP"},
        "BufferingHints": {"SizeInMBs": 4, "IntervalInSeconds": 60},
        "RetryOptions": {"DurationInSeconds": 7200},
        "ProcessingConfiguration": {
            "Enabled": True,
            # One, and no decompression before it.
            "Processors": [
                {
                    "Type": "Lambda",
                    "Parameters": [{"ParameterName": name, "ParameterValue": value} for name, value in processor.items()],
                },
            ],
        },
        "S3BackupMode": "FailedDataOnly",
        "S3Configuration": {
            "BucketARN": "<FirehoseBackupBucket.Arn>",
            "RoleARN": role,
            "CompressionFormat": "GZIP",
            "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 300},
            "CloudWatchLoggingOptions": logging,
        },
        "CloudWatchLoggingOptions": logging,
    }
    destination = of.properties("FirehoseStream").get("HttpEndpointDestinationConfiguration", {})
    for name in sorted(set(expected) | set(destination)):
        of.same(destination.get(name), expected.get(name), f"{name} of FirehoseStream")
    of.has(
        "FirehoseStream",
        DeliveryStreamType="DirectPut",
        DeliveryStreamEncryptionConfigurationInput={"KeyType": "AWS_OWNED_CMK"},
        HttpEndpointDestinationConfiguration=destination,
    )
    of.has("FirehoseLogs", **some(LogGroupName=f"/podferry/{STACK}/firehose", RetentionInDays="14", KmsKeyId=of.own_log_key))
    of.has("FirehoseLogStream", LogGroupName="<FirehoseLogs>", LogStreamName="delivery")
    check_bucket(of, "FirehoseBackupBucket", 30)

    function, bucket, objects = [FUNCTION_ARN, f"{FUNCTION_ARN}:$LATEST"], ["<FirehoseBackupBucket.Arn>"], ["<FirehoseBackupBucket.Arn>/*"]
    keys = [key for key in (of.parameters.get("KmsKeyArn"), of.undelivered_key) if key]
    may = {
        "lambda:InvokeFunction": function,
        "lambda:GetFunctionConfiguration": function,
        "secretsmanager:GetSecretValue": [secret],
        "s3:GetBucketLocation": bucket,
        "s3:ListBucket": bucket,
        "s3:ListBucketMultipartUploads": bucket,
        "s3:AbortMultipartUpload": objects,
        "s3:GetObject": objects,
        "s3:PutObject": objects,
        "logs:PutLogEvents": ["<FirehoseLogs.Arn>"],
    }
    may |= {"kms:Decrypt": keys} if keys else {}
    may |= {"kms:GenerateDataKey": [of.undelivered_key]} if of.undelivered_key else {}
    of.role("FirehoseRole", "firehose.amazonaws.com", {"StringEquals": {"sts:ExternalId": ACCOUNT}}, may)
    condition = {"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnLike": {"aws:SourceArn": of.arn("logs", "*")}}
    put = dict.fromkeys(["firehose:PutRecord", "firehose:PutRecordBatch"], ["<FirehoseStream.Arn>"])
    of.role("SubscriptionRole", "logs.amazonaws.com", condition, put)


def check_alarms(of):
    topic = of.parameters.get("AlarmTopicArn")
    for name, (namespace, metric, dimensions, statistic, threshold) in simple_alarms_of(of).items():
        description = of.properties(name).get("AlarmDescription", "")
        of.has(
            name,
            **some(
                # Only its length, and that it says something to do.
                AlarmDescription=description,
                Namespace=namespace,
                MetricName=metric,
                Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
                Statistic=statistic,
                Period=300,
                EvaluationPeriods=1,
                ComparisonOperator="GreaterThanThreshold",
                Threshold=threshold,
                TreatMissingData="notBreaching",
                AlarmActions=[topic] if topic else None,
            ),
        )
    # Only of messages that were received less than three times does SQS tell the age, so the others are counted.
    visible = "ApproximateNumberOfMessagesVisible"
    counted = {"visible": visible, "hidden": "ApproximateNumberOfMessagesNotVisible", "delayed": "ApproximateNumberOfMessagesDelayed"}
    metrics = [{"Id": "waiting", "Expression": " + ".join(counted), "Label": "Messages in the undelivered queue"}]
    for identity, metric in counted.items():
        dimensions = [{"Name": "QueueName", "Value": "<UndeliveredQueue.QueueName>"}]
        # A minute: in a longer period a message goes from one of the three to the other, and each has a minimum of 0.
        stat = {"Metric": {"Namespace": "AWS/SQS", "MetricName": metric, "Dimensions": dimensions}, "Stat": "Minimum", "Period": 60}
        metrics.append({"Id": identity, "ReturnData": False, "MetricStat": stat})
    dead = [{"Name": "QueueName", "Value": "<DeadLetterQueue.QueueName>"}]
    left = {"Namespace": "AWS/SQS", "MetricName": visible, "Dimensions": dead, "Statistic": "Minimum", "Period": 3600}
    lasting = {
        WAITING_ALARM: {"Metrics": metrics, "EvaluationPeriods": 60, "DatapointsToAlarm": 55},
        LEFT_ALARM: left | {"EvaluationPeriods": 7 * 24, "DatapointsToAlarm": 160},
    }
    for name, expected in lasting.items():
        of.has(
            name,
            **some(
                AlarmDescription=of.properties(name).get("AlarmDescription", ""),
                **expected,
                ComparisonOperator="GreaterThanThreshold",
                Threshold=0,
                TreatMissingData="notBreaching",
                AlarmActions=[topic] if topic else None,
            ),
        )
    for name in alarms_of(of):
        length = len(of.properties(name).get("AlarmDescription", ""))
        of.check(100 <= length <= MAX_ALARM_DESCRIPTION, f"{name} has to say what it means and what to do, in 1,024 characters")


def check_dashboard(of):
    of.same(of.properties("Dashboard").get("DashboardName"), f"{STACK}-{of.region}", "the name of the dashboard")
    try:
        widgets = json.loads(of.properties("Dashboard").get("DashboardBody", ""))["widgets"]
    except (ValueError, KeyError) as error:
        of.check(False, f"the dashboard is no JSON with widgets: {error}")
        return
    shown = {}
    places = set()
    for widget in widgets:
        kind, properties = widget["type"], widget["properties"]
        places |= {(x, y) for x in range(widget["x"], widget["x"] + widget["width"]) for y in range(widget["y"], widget["y"] + widget["height"])}
        if kind == "alarm":
            arns = [f"<{name}.Arn>" for name in alarms_of(of)]
            of.same(sorted(properties.get("alarms", [])), sorted(arns), "the alarms of the dashboard")
            continue
        title = properties.get("title")
        of.same(properties.get("region"), of.region, f"the region of {title!r} on the dashboard")
        for metric in properties["metrics"]:
            if isinstance(metric[0], dict):
                search = re.fullmatch(SEARCH, metric[0].get("expression", ""))
                of.check(search, f"a search of {title!r} on the dashboard is not as it has to be")
                # Two lines of the same name would be of two clusters.
                of.check("${PROP('Dim.ClusterName')}" in metric[0].get("label", ""), f"a label of {title!r} names no cluster")
                shown.setdefault("podferry", set()).update(re.findall(r'"(\w+)"', search[1]) if search else ())
            else:
                namespace, name, dimension, value, options = metric
                shown.setdefault(namespace, set()).add(name)
                of.check("stat" in options, f"{name} of {title!r} on the dashboard has no stat")
                owners = {"FunctionName": {"<Forwarder>"}, "QueueName": {"<UndeliveredQueue.QueueName>", "<DeadLetterQueue.QueueName>"}}
                of.check(value in owners.get(dimension, ()), f"{name} of {title!r} on the dashboard is of {dimension} {value}")
    area = sum(widget["width"] * widget["height"] for widget in widgets)
    of.check(len(places) == area and max(x for x, _ in places) < 24, "the widgets of the dashboard overlap or stand out")
    for namespace in sorted(set(SHOWN) | set(shown)):
        of.same(sorted(shown.get(namespace, ())), sorted(SHOWN.get(namespace, ())), f"what the dashboard shows of {namespace}")


def check_outputs(of):
    expected = {
        "ForwarderArn": FUNCTION_ARN,
        "ForwarderLogGroupName": "<ForwarderLogs>",
        "ForwarderRoleArn": "<ForwarderRole.Arn>",
        "UndeliveredQueueUrl": "<UndeliveredQueue>",
        "UndeliveredQueueArn": "<UndeliveredQueue.Arn>",
        "DeadLetterQueueUrl": "<DeadLetterQueue>",
        "DeadLetterQueueArn": "<DeadLetterQueue.Arn>",
        "FailedEventsBucketName": "<FailedEventsBucket>",
        "DashboardName": "<Dashboard>",
    }
    if of.by_firehose:
        expected |= {"FirehoseStreamName": "<FirehoseStream>", "FirehoseBackupBucketName": "<FirehoseBackupBucket>"}
    outputs = {name: output["Value"] for name, output in of.stack.outputs.items()}
    for name in sorted(set(outputs) | set(expected)):
        of.same(outputs.get(name), expected.get(name), f"the output {name}")
