"""Ways to break the template, to see that each is noticed."""

import copy

from template_support.checks import problems

REMOVED = object()


def put(path, value=REMOVED):
    """A change of the template: what is at `path`, a dotted one, becomes `value` or goes away."""

    def change(template):
        *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        for step in way:
            template = template[step]
        if value is REMOVED:
            del template[last]
        else:
            template[last] = value

    return change


def changed(path, old, new):
    """A change of a text in the template."""

    def change(template):
        *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        for step in way:
            template = template[step]
        assert old in template[last], f"{path} has no {old!r} to change"
        template[last] = template[last].replace(old, new)

    return change


def copied(name, new_name):
    def change(template):
        template["Resources"][new_name] = copy.deepcopy(template["Resources"][name])

    return change


FUNCTION = "Resources.Forwarder.Properties."
STATEMENTS = "Resources.ForwarderRole.Properties.Policies.0.PolicyDocument.Statement."
PERMISSION = "Resources.LogsMayInvoke.Properties."
INVOKE = "Resources.ForwarderEventInvokeConfig.Properties."
QUEUE = "Resources.UndeliveredQueue.Properties."
QUEUE_POLICY = "Resources.UndeliveredQueuePolicy.Properties.PolicyDocument.Statement."
BUCKET = "Resources.FailedEventsBucket.Properties."
KINESIS = "Resources.KinesisMapping.Properties."
FIREHOSE = "Resources.FirehoseStream.Properties.HttpEndpointDestinationConfiguration."
FIREHOSE_STATEMENTS = "Resources.FirehoseRole.Properties.Policies.0.PolicyDocument.Statement."
IN_ANY_VPC = {name: {"Fn::Split": [",", {"Ref": name}]} for name in ("SubnetIds", "SecurityGroupIds")}
VPC_STATEMENTS = "Resources.VpcPolicy.Properties.PolicyDocument.Statement."
DASHBOARD = "Resources.Dashboard.Properties.DashboardBody.Fn::Sub.0"
# What is broken, how, and a part of the message that has to come.
BREAKS = [
    ("a second permission", copied("LogsMayInvoke", "Other"), "the resource Other"),
    ("no permission", put("Resources.LogsMayInvoke"), "the resource LogsMayInvoke"),
    ("no SourceAccount", put(PERMISSION + "SourceAccount"), "SourceAccount of LogsMayInvoke"),
    ("another principal", put(PERMISSION + "Principal", "*"), "Principal of LogsMayInvoke"),
    ("a permission for every ARN", put(PERMISSION + "SourceArn", "*"), "SourceArn of LogsMayInvoke"),
    ("a role that writes to every log", put(STATEMENTS + "0.Resource", "*"), "statement on *"),
    ("a role that reads every secret", put(STATEMENTS + "1.Fn::If.1.Resource", "*"), "statement on *"),
    ("a role that may make groups", put(STATEMENTS + "0.Action", ["logs:CreateLogGroup"]), "what the role ForwarderRole may do"),
    ("a role that may do every log action", put(STATEMENTS + "0.Action", "logs:*"), "what the role ForwarderRole may do"),
    ("the other's secret", put(STATEMENTS + "1.Fn::If.1.Resource", {"Ref": "KmsKeyArn"}), "what the role ForwarderRole may do"),
    ("decryption without a key", put(STATEMENTS + "3", {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}), "statement on *"),
    (
        "a parameter's name as it is",
        put(STATEMENTS + "2.Fn::If.1.Resource", {"Fn::Sub": "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/${ApiKeySsmName}"}),
        "what the role ForwarderRole may do",
    ),
    ("NotAction", put(STATEMENTS + "0.NotAction", "iam:*"), "ForwarderRole has a statement with ['NotAction']"),
    ("a managed policy", put("Resources.ForwarderRole.Properties.ManagedPolicyArns", ["x"]), "managed policies of ForwarderRole"),
    ("SAM's own role", put(FUNCTION + "Role"), "DuplicateLogicalId"),
    ("a role that all may take", put("Resources.ForwarderRole.Properties.AssumeRolePolicyDocument.Statement.0.Principal", "*"), "who may take the role ForwarderRole"),
    ("a filter with a role", put("Resources.Subscription.Properties.RoleArn", {"Fn::GetAtt": ["ForwarderRole", "Arn"]}), "RoleArn of Subscription"),
    ("fields that nobody asked for", put("Resources.Subscription.Properties.EmitSystemFields", ["@aws.account"]), "EmitSystemFields of Subscription"),
    ("a filter without its fields", put("Resources.ThirdSubscription.Properties.EmitSystemFields"), "EmitSystemFields of ThirdSubscription"),
    ("a filter before the permission", put("Resources.ThirdSubscription.DependsOn"), "does not depend on the permission"),
    ("a filter to elsewhere", put("Resources.SecondSubscription.Properties.DestinationArn", "x"), "DestinationArn of SecondSubscription"),
    ("a filter that is always made", put("Resources.SecondSubscription.Condition"), "the resource SecondSubscription"),
    ("no retention", put("Resources.ForwarderLogs.Properties.RetentionInDays"), "RetentionInDays of ForwarderLogs"),
    ("a log group that can be subscribed", put("Resources.ForwarderLogs.Properties.LogGroupName", "/eks/prod"), "LogGroupName of ForwarderLogs"),
    ("a pattern that lets the own group in", put("Parameters.LogGroupName.AllowedPattern", ".*"), "LogGroupName has to refuse"),
    ("no LoggingConfig", put(FUNCTION + "LoggingConfig"), "LoggingConfig"),
    ("another runtime", put(FUNCTION + "Runtime", "provided.al2"), "Runtime"),
    ("a fixed architecture", put(FUNCTION + "Architectures", ["arm64"]), "Architectures"),
    ("a fixed memory", put(FUNCTION + "MemorySize", 256), "MemorySize"),
    ("another default timeout", put("Parameters.Timeout.Default", 3), "Timeout"),
    ("a concurrency of -1", put(FUNCTION + "ReservedConcurrentExecutions", {"Ref": "ReservedConcurrency"}), "ReservedConcurrent"),
    ("an empty variable", put(FUNCTION + "Environment.Variables.DD_TAGS", {"Ref": "Tags"}), "the function's environment"),
    ("an empty list of rules", put(FUNCTION + "Environment.Variables.DD_LOGS_CONFIG_PROCESSING_RULES", {"Ref": "ProcessingRules"}), "the function's environment"),
    ("a setting that is lost", put(FUNCTION + "Environment.Variables.REDACT_IP"), "the function's environment"),
    ("settings that are swapped", put(FUNCTION + "Environment.Variables.REDACT_IP.Fn::If.1", {"Ref": "RedactEmail"}), "the function's environment"),
    ("a condition on another parameter", put("Conditions.HasSample.Fn::Not.0.Fn::Equals.0", {"Ref": "Redact"}), "the function's environment"),
    ("a misspelt variable", put(FUNCTION + "Environment.Variables.DD_REDACT_IP", "true"), "does not read ['DD_REDACT_IP']"),
    ("an environment without room", put(FUNCTION + "Environment.Variables.DD_TAGS", "x" * 2048), "bytes without long values"),
    ("a default beside the function's", put("Parameters.MaxWorkers.Default", "8"), "MaxWorkers has to be empty by default"),
    ("a parameter that hides its variable", put("Parameters.RedactIp.Description", "Masks."), "RedactIp has to name REDACT_IP"),
    ("a limit that is not told", put("Parameters.ProcessingRules.Description", "DD_LOGS_CONFIG_PROCESSING_RULES"), "limit of 4 KB"),
    ("a description without end", put("Parameters.Sample.Description", "PODFERRY_SAMPLE" * 300), "Sample is too long"),
    ("any number of workers", put("Parameters.MaxWorkers.AllowedPattern", "^[0-9]*$"), "MaxWorkers has to refuse '0'"),
    ("any level", put("Parameters.CompressionLevel.AllowedValues"), "CompressionLevel has to refuse '10'"),
    ("a level that is missing", put("Parameters.CompressionLevel.AllowedValues.1"), "CompressionLevel has to take '0'"),
    ("rules that are no list", put("Parameters.ProcessingRules.AllowedPattern"), "ProcessingRules has to refuse"),
    ("a flag of any word", put("Parameters.RedactIp.AllowedValues"), "RedactIp has to refuse 'yes'"),
    ("a group with another name", put("Metadata.AWS::CloudFormation::Interface.ParameterGroups.3.Label.default", "Rules"), "the group 'What is left"),
    ("the key in the environment", put(FUNCTION + "Environment.Variables.DD_API_KEY", {"Ref": "ApiKey"}), "ApiKey may be used in the secret only"),
    ("the key in an output", put("Outputs.Key", {"Value": {"Fn::Sub": "${ApiKey}"}}), "ApiKey may be used in the secret only"),
    ("a key that echoes", put("Parameters.ApiKey.NoEcho"), "NoEcho"),
    ("a literal partition", put(PERMISSION + "SourceArn.Fn::If.2", "arn:aws:logs:*:*:*"), "does not use ${AWS::Partition}"),
    ("a literal partition elsewhere", put("Resources.ForwarderRole.Properties.Description", "arn:aws:x"), "literal arn:aws:"),
    ("a literal region", put(PERMISSION + "SourceArn.Fn::If.2", {"Fn::Sub": "arn:${AWS::Partition}:logs:us-east-1:*:*"}), "SourceArn of LogsMayInvoke"),
    ("no retries", put(INVOKE + "MaximumRetryAttempts", 0), "MaximumRetryAttempts of ForwarderEventInvokeConfig"),
    ("a short life of events", put(INVOKE + "MaximumEventAgeInSeconds", 3600), "MaximumEventAgeInSeconds of Forwarder"),
    ("no asynchronous settings", put("Resources.ForwarderEventInvokeConfig"), "the resource ForwarderEventInvokeConfig"),
    ("two asynchronous settings", put(FUNCTION + "EventInvokeConfig", {"MaximumRetryAttempts": 1}), "DuplicateLogicalId"),
    ("no destination of what fails", put(INVOKE + "DestinationConfig"), "DestinationConfig of ForwarderEventInvokeConfig"),
    (
        "a destination that cuts",
        put(INVOKE + "DestinationConfig.OnFailure.Destination.Fn::GetAtt.0", "UndeliveredQueue"),
        "DestinationConfig of ForwarderEventInvokeConfig",
    ),
    ("an alias that drops", put("Resources.AliasEventInvokeConfig.Properties.DestinationConfig"), "DestinationConfig of AliasEventInvokeConfig"),
    ("another alias", put("Resources.AliasEventInvokeConfig.Properties.Qualifier", "live"), "Qualifier of AliasEventInvokeConfig"),
    ("an alias that nobody named", put("Resources.AliasEventInvokeConfig.Condition"), "the resource AliasEventInvokeConfig"),
    ("a layer that is always there", put(FUNCTION + "Layers", [{"Ref": "CaBundleLayerArn"}]), "the function's Layers"),
    ("a file without its layer", put(FUNCTION + "Layers"), "the function's Layers"),
    ("no rule about the layer", put("Rules.LayerHasItsFile"), "LayerHasItsFile has to refuse"),
    ("no rule about the key", put("Rules.ApiKeyIsGiven"), "ApiKeyIsGiven has to refuse"),
    ("a rule that is always true", put("Rules.LogGroupsDiffer.Assertions.1.Assert", {"Fn::Equals": ["", ""]}), "LogGroupsDiffer has to refuse"),
    ("a rule that is never true", put("Rules.ApiKeyIsGivenOnce.Assertions.0.Assert", {"Fn::Equals": ["", "x"]}), "refused by the rules"),
    ("a change that nobody is warned of", put("Parameters.Route.Description", "How the logs go to Datadog."), "what a change of it does"),
    ("a parameter without a word", put("Parameters.Env.Description"), "Env has no Description"),
    ("a parameter without a group", put("Metadata.AWS::CloudFormation::Interface.ParameterGroups.1.Parameters.0"), "exactly one group"),
    ("a site that is refused", put("Parameters.Site.AllowedPattern", "datadoghq.com"), "Site has to take"),
    ("another binary", put("Resources.Forwarder.Metadata.BuildProperties.Binary", "podferry"), "build:"),
    ("a misspelt parameter", put(FUNCTION + "Timeout", {"Ref": "TimeOut"}), "nothing with the name TimeOut"),
    ("a misspelt condition", put("Resources.Subscription.Condition", "HasLogGrup"), "no condition HasLogGrup"),
    ("an output that is lost", put("Outputs.ForwarderArn"), "the output ForwarderArn"),
    # what could not be delivered
    ("no queue for the function", put(FUNCTION + "Environment.Variables.PODFERRY_UNDELIVERED_QUEUE_URL"), "the function's environment"),
    ("the queues swapped", put(FUNCTION + "Environment.Variables.PODFERRY_DEAD_LETTER_QUEUE_URL.Ref", "UndeliveredQueue"), "environment"),
    ("a queue that is read by nobody", put("Resources.UndeliveredQueueMapping"), "the resource UndeliveredQueueMapping"),
    ("a queue in plain text", put(QUEUE + "SqsManagedSseEnabled", False), "SqsManagedSseEnabled of UndeliveredQueue"),
    ("a queue without its key", put(QUEUE + "KmsMasterKeyId"), "KmsMasterKeyId of UndeliveredQueue"),
    ("a dead-letter queue in plain text", put("Resources.DeadLetterQueue.Properties.SqsManagedSseEnabled"), "of DeadLetterQueue"),
    ("a queue that forgets", put(QUEUE + "MessageRetentionPeriod", 345600), "MessageRetentionPeriod of UndeliveredQueue"),
    ("a dead-letter queue that forgets", put("Resources.DeadLetterQueue.Properties.MessageRetentionPeriod"), "of DeadLetterQueue"),
    ("small messages", put(QUEUE + "MaximumMessageSize", 262144), "MaximumMessageSize of UndeliveredQueue"),
    ("a visibility shorter than an invocation", put(QUEUE + "VisibilityTimeout", 30), "VisibilityTimeout of UndeliveredQueue"),
    ("a longer timeout beside the same visibility", put("Parameters.Timeout.MaxValue", 901), "VisibilityTimeout of UndeliveredQueue"),
    ("messages that go round for ever", put(QUEUE + "RedrivePolicy"), "RedrivePolicy of UndeliveredQueue"),
    ("messages that are dropped before they are dead", put(QUEUE + "RedrivePolicy.maxReceiveCount", 1000), "more than half of what SQS keeps"),
    ("a queue that goes with the stack", put("Resources.UndeliveredQueue.DeletionPolicy"), "what becomes of UndeliveredQueue"),
    ("a dead-letter queue that is replaced", put("Resources.DeadLetterQueue.UpdateReplacePolicy"), "what becomes of DeadLetterQueue"),
    ("a dead-letter queue for all", put("Resources.DeadLetterQueue.Properties.RedriveAllowPolicy"), "RedriveAllowPolicy of DeadLetterQueue"),
    ("a queue of another name", put(QUEUE + "QueueName"), "QueueName of UndeliveredQueue"),
    ("a queue without TLS", put(QUEUE_POLICY + "0"), "PolicyDocument of UndeliveredQueuePolicy"),
    ("a dead-letter queue without TLS", put("Resources.DeadLetterQueuePolicy"), "the resource DeadLetterQueuePolicy"),
    ("a queue for everybody's buckets", put(QUEUE_POLICY + "1.Condition"), "PolicyDocument of UndeliveredQueuePolicy"),
    ("a queue for other accounts' buckets", put(QUEUE_POLICY + "1.Condition.StringEquals"), "PolicyDocument of UndeliveredQueuePolicy"),
    ("a queue that S3 may not use", put(QUEUE_POLICY + "1"), "PolicyDocument of UndeliveredQueuePolicy"),
    ("whole batches again", put("Resources.UndeliveredQueueMapping.Properties.FunctionResponseTypes"), "of UndeliveredQueueMapping"),
    ("a backlog that takes everything", put("Resources.UndeliveredQueueMapping.Properties.ScalingConfig"), "of UndeliveredQueueMapping"),
    ("a queue that cannot be paused", put("Resources.UndeliveredQueueMapping.Properties.Enabled", True), "Enabled of UndeliveredQueueMapping"),
    ("a reader of every queue", put(STATEMENTS + "5.Resource", "*"), "statement on *"),
    ("a role that may purge", put(STATEMENTS + "5.Action", ["sqs:*"]), "what the role ForwarderRole may do"),
    ("a role that cannot put off", put(STATEMENTS + "5.Action.3"), "what the role ForwarderRole may do"),
    ("a role that cannot bury", put(STATEMENTS + "4.Resource.1"), "what the role ForwarderRole may do"),
    ("a role that reads the whole bucket", put(STATEMENTS + "8.Resource", {"Fn::Sub": "${FailedEventsBucket.Arn}/*"}), "may do"),
    ("a role that may delete", put(STATEMENTS + "8.Action", ["s3:GetObject", "s3:DeleteObject"]), "what the role ForwarderRole may do"),
    ("Lambda cannot list", put(STATEMENTS + "7"), "what the role ForwarderRole may do"),
    ("a statement without a name", put(STATEMENTS + "6.Sid"), "the statements of ForwarderRole need a Sid"),
    ("the queues' key without its parameter", put(STATEMENTS + "9.Fn::If.0", "HasKmsKey"), "what the role ForwarderRole may do"),
    ("a bucket without encryption", put(BUCKET + "BucketEncryption"), "BucketEncryption of FailedEventsBucket"),
    ("a public bucket", put(BUCKET + "PublicAccessBlockConfiguration.BlockPublicPolicy", False), "PublicAccessBlockConfiguration of Failed"),
    ("a bucket with lists of access", put(BUCKET + "OwnershipControls"), "OwnershipControls of FailedEventsBucket"),
    ("a bucket that keeps for ever", put(BUCKET + "LifecycleConfiguration"), "LifecycleConfiguration of FailedEventsBucket"),
    ("a bucket that nobody hears of", put(BUCKET + "NotificationConfiguration"), "NotificationConfiguration of FailedEventsBucket"),
    (
        "only asynchronous events",
        put(BUCKET + "NotificationConfiguration.QueueConfigurations.0.Filter.S3Key.Rules.0.Value", "aws/lambda/async/"),
        "NotificationConfiguration of FailedEventsBucket",
    ),
    ("a bucket of any name", put(BUCKET + "BucketName"), "BucketName of FailedEventsBucket"),
    ("a bucket before the policy of its queue", put("Resources.FailedEventsBucket.DependsOn"), "does not wait for the policy"),
    ("a bucket without TLS", put("Resources.FailedEventsBucketPolicy"), "the resource FailedEventsBucketPolicy"),
    ("a bucket that goes with the stack", put("Resources.FailedEventsBucket.DeletionPolicy", "Delete"), "what becomes of FailedEventsBucket"),
    # the function's own log
    ("lines of text", put(FUNCTION + "LoggingConfig.LogFormat", "Text"), "the function's LoggingConfig"),
    ("a filter that drops the metrics", put(FUNCTION + "LoggingConfig.ApplicationLogLevel", "WARN"), "the function's LoggingConfig"),
    ("a filter that knows no debug", put(FUNCTION + "LoggingConfig.ApplicationLogLevel", "INFO"), "log level debug"),
    ("Lambda without its reports", put(FUNCTION + "LoggingConfig.SystemLogLevel", "WARN"), "the function's LoggingConfig"),
    # Kinesis
    ("a mapping without a stream", put("Resources.KinesisMapping.Condition"), "the resource KinesisMapping"),
    ("only what comes later", put(KINESIS + "StartingPosition", "LATEST"), "StartingPosition of KinesisMapping"),
    ("a poison record that blocks", put(KINESIS + "MaximumRetryAttempts"), "MaximumRetryAttempts of KinesisMapping"),
    ("records that grow old", put(KINESIS + "MaximumRecordAgeInSeconds", -1), "MaximumRecordAgeInSeconds of KinesisMapping"),
    ("a batch that is not halved", put(KINESIS + "BisectBatchOnFunctionError"), "BisectBatchOnFunctionError of KinesisMapping"),
    ("records that are read again", put(KINESIS + "FunctionResponseTypes"), "FunctionResponseTypes of KinesisMapping"),
    ("records that are lost", put(KINESIS + "DestinationConfig"), "DestinationConfig of KinesisMapping"),
    ("a reader of every stream", put(STATEMENTS + "10.Fn::If.1.Resource", "*"), "statement on *"),
    ("a writer of the stream", put(STATEMENTS + "10.Fn::If.1.Action.0", "kinesis:PutRecord"), "what the role ForwarderRole may do"),
    ("a stream that cannot be decrypted", put(STATEMENTS + "11"), "what the role ForwarderRole may do"),
    ("a reader of every log", put(STATEMENTS + "12.Fn::If.1.Resource", "*"), "statement on *"),
    ("a reader of logs whatever the preset", put(STATEMENTS + "12.Fn::If.0", "HasLogGroup"), "what the role ForwarderRole may do"),
    ("a reader of logs that are not looked up", put("Conditions.LooksMetadataUp.Fn::And.1"), "broken"),
    ("a reader of other groups", put(STATEMENTS + "12.Fn::If.1.Resource.3.Fn::If.0", "HasLogGroup"), "what the role ForwarderRole may do"),
    ("a look-up that misses a group", put(STATEMENTS + "12.Fn::If.1.Resource.2"), "what the role ForwarderRole may do"),
    ("a look-up that deletes", put(STATEMENTS + "12.Fn::If.1.Action.1", "logs:DeleteLogStream"), "what the role ForwarderRole may do"),
    ("no rule about the stream's key", put("Rules.KinesisKeyHasItsStream"), "KinesisKeyHasItsStream has to refuse"),
    # Firehose
    ("a stream that is always made", put("Conditions.ByFirehose", {"Fn::Equals": ["", ""]}), "the resource FirehoseStream"),
    ("a filter past the stream", put("Resources.Subscription.Properties.DestinationArn", {"Fn::GetAtt": ["Forwarder", "Arn"]}), "of Subscription"),
    ("a filter without its role", put("Resources.ThirdSubscription.Properties.RoleArn"), "RoleArn of ThirdSubscription"),
    ("another intake", put(FIREHOSE + "EndpointConfiguration.Url", "https://http-intake.logs.datadoghq.com"), "EndpointConfiguration of Fire"),
    ("the key in the stream", put(FIREHOSE + "EndpointConfiguration.AccessKey", {"Ref": "ApiKey"}), "ApiKey may be used in the secret only"),
    ("a key that Firehose cannot read", put("Resources.ApiKeySecret.Properties.SecretString", '{"key":"x"}'), "the secret is"),
    ("logs that the function does not see", put(FIREHOSE + "ProcessingConfiguration.Enabled", False), "ProcessingConfiguration of Fire"),
    (
        "logs without their group",
        put(FIREHOSE + "ProcessingConfiguration.Processors.0", {"Type": "Decompression"}),
        "ProcessingConfiguration of FirehoseStream",
    ),
    (
        "answers that are too large",
        put(FIREHOSE + "ProcessingConfiguration.Processors.0.Parameters.2.ParameterValue", "3"),
        "ProcessingConfiguration of FirehoseStream",
    ),
    ("a stream that gives up", put(FIREHOSE + "RetryOptions.DurationInSeconds", 300), "RetryOptions of FirehoseStream"),
    ("requests that are too large", put(FIREHOSE + "BufferingHints.SizeInMBs", 64), "BufferingHints of FirehoseStream"),
    ("a stream in plain text", put("Resources.FirehoseStream.Properties.DeliveryStreamEncryptionConfigurationInput"), "EncryptionConfig"),
    ("a backup that is public", put("Resources.FirehoseBackupBucket.Properties.PublicAccessBlockConfiguration"), "of FirehoseBackupBucket"),
    ("a backup without TLS", put("Resources.FirehoseBackupBucketPolicy"), "the resource FirehoseBackupBucketPolicy"),
    ("a stream that invokes anything", put(FIREHOSE_STATEMENTS + "0.Resource", "*"), "role FirehoseRole has a statement on *"),
    ("a stream that reads every secret", put(FIREHOSE_STATEMENTS + "1.Resource", "*"), "role FirehoseRole has a statement on *"),
    ("a role for everybody's streams", put("Resources.FirehoseRole.Properties.AssumeRolePolicyDocument.Statement.0.Condition"), "take the role Fire"),
    ("a role for everybody's groups", put("Resources.SubscriptionRole.Properties.AssumeRolePolicyDocument.Statement.0.Condition"), "take the role Subs"),
    ("a stream without a log", put("Resources.FirehoseLogStream"), "nothing with the name FirehoseLogStream"),
    ("no rule about Firehose's key", put("Rules.FirehoseHasItsSecret"), "FirehoseHasItsSecret has to refuse"),
    ("a third route", put("Parameters.Route.AllowedValues"), "Route has to refuse"),
    # what an organization asks for
    ("a name that nobody gave", put(FUNCTION + "FunctionName", "podferry"), "the function's FunctionName"),
    ("a name that is lost", put(FUNCTION + "FunctionName"), "the function's FunctionName"),
    ("a function that is always in a VPC", put("Conditions.InVpc", {"Fn::Equals": ["", ""]}), "the resource VpcPolicy"),
    ("a proxy of everybody", put(FUNCTION + "Environment.Variables.HTTPS_PROXY", {"Ref": "HttpsProxy"}), "the function's environment"),
    ("a VPC that is lost", put(FUNCTION + "VpcConfig"), "the function's VpcConfig"),
    ("subnets that are one", put(FUNCTION + "VpcConfig.Fn::If.1.SubnetIds", [{"Ref": "SubnetIds"}]), "the function's VpcConfig"),
    ("a function before its policy", put(FUNCTION + "VpcConfig.Fn::If.1", IN_ANY_VPC), "does not wait for the policy"),
    ("a VPC without its policy", put("Resources.VpcPolicy"), "nothing with the name VpcPolicy"),
    ("a policy of every action of EC2", put(VPC_STATEMENTS + "0.Action", "ec2:*"), "PolicyDocument of VpcPolicy"),
    ("code that touches the network", put(VPC_STATEMENTS + "1"), "PolicyDocument of VpcPolicy"),
    ("Lambda that may not either", put(VPC_STATEMENTS + "1.Condition"), "PolicyDocument of VpcPolicy"),
    ("no rule about the VPC", put("Rules.VpcIsWhole"), "VpcIsWhole has to refuse"),
    ("half a rule about the VPC", put("Rules.VpcIsWhole.Assertions.1"), "VpcIsWhole has to refuse"),
    ("a role without its boundary", put("Resources.ForwarderRole.Properties.PermissionsBoundary"), "the boundary of ForwarderRole"),
    ("another role without its boundary", put("Resources.SubscriptionRole.Properties.PermissionsBoundary"), "the boundary of SubscriptionRole"),
    ("a role without its path", put("Resources.FirehoseRole.Properties.Path"), "the path of FirehoseRole"),
    ("a path that replaces roles", put("Resources.ForwarderRole.Properties.Path", {"Ref": "RolePath"}), "the path of ForwarderRole"),
    ("a log without its key", put("Resources.ForwarderLogs.Properties.KmsKeyId"), "KmsKeyId of ForwarderLogs"),
    ("Firehose's log without its key", put("Resources.FirehoseLogs.Properties.KmsKeyId"), "KmsKeyId of FirehoseLogs"),
    # what people see
    ("an alarm that is lost", put("Resources.DeadLettersAlarm"), "nothing with the name DeadLettersAlarm"),
    ("an alarm of something else", put("Resources.KeyRefusedAlarm.Properties.MetricName", "KeysRefused"), "MetricName of KeyRefusedAlarm"),
    ("an alarm that never rings", put("Resources.ErrorsAlarm.Properties.Threshold", 1000), "Threshold of ErrorsAlarm"),
    ("an alarm that rings for nothing", put("Resources.ThrottlesAlarm.Properties.TreatMissingData"), "TreatMissingData of ThrottlesAlarm"),
    ("an alarm that tells nobody", put("Resources.UndeliveredAgeAlarm.Properties.AlarmActions"), "AlarmActions of UndeliveredAgeAlarm"),
    ("an alarm without a word", put("Resources.EventsDroppedAlarm.Properties.AlarmDescription", "Dropped."), "EventsDroppedAlarm has to say"),
    ("an alarm that forgets what is tried", put("Resources.UndeliveredWaitingAlarm.Properties.Metrics.0.Expression", "visible"), "Metrics of UndeliveredWaitingAlarm"),
    (
        "an alarm that forgets what is held back",
        put("Resources.UndeliveredWaitingAlarm.Properties.Metrics.0.Expression", "visible + hidden"),
        "Metrics of UndeliveredWaitingAlarm",
    ),
    (
        "an alarm that misses what moves",
        put("Resources.UndeliveredWaitingAlarm.Properties.Metrics.1.MetricStat.Period", 300),
        "Metrics of UndeliveredWaitingAlarm",
    ),
    ("an alarm when it is too late", put("Resources.DeadLettersExpireAlarm.Properties.Threshold", 1209600), "Threshold of DeadLettersExpireAlarm"),
    ("an alarm that a look silences", put("Resources.DeadLettersLeftAlarm.Properties.DatapointsToAlarm"), "DatapointsToAlarm of DeadLettersLeft"),
    ("a week that is a day", put("Resources.DeadLettersLeftAlarm.Properties.Period", 300), "Period of DeadLettersLeftAlarm"),
    ("an alarm of one bad minute", put("Resources.UndeliveredWaitingAlarm.Properties.EvaluationPeriods", 1), "EvaluationPeriods of Undelivered"),
    ("an alarm without a stream", put("Resources.IteratorAgeAlarm.Condition"), "the resource IteratorAgeAlarm"),
    ("a dashboard that is no JSON", changed(DASHBOARD, '"widgets": [', '"widgets": ['[:-1]), "the dashboard is no JSON"),
    ("a metric that is not shown", changed(DASHBOARD, ' OR \\"LogsDead\\"', ""), "what the dashboard shows of podferry"),
    ("a metric that nobody writes", changed(DASHBOARD, "BytesIn", "BytesInto"), "what the dashboard shows of podferry"),
    ("every function's metrics", changed(DASHBOARD, 'FunctionName=\\"${Forwarder}\\" MetricName=\\"Oldest', 'MetricName=\\"Oldest'), "is not as it has to be"),
    ("clusters that cannot be told apart", changed(DASHBOARD, " ${!PROP('Dim.ClusterName')}", ""), "names no cluster"),
    ("an alarm that is not shown", changed(DASHBOARD, '"${DeadLettersAlarm.Arn}",', ""), "the alarms of the dashboard"),
    ("widgets that overlap", changed(DASHBOARD, '"x": 12, "y": 3', '"x": 11, "y": 3'), "overlap or stand out"),
    ("another region's metrics", changed(DASHBOARD, '"region": "${AWS::Region}"', '"region": "us-east-1"'), "the region of 'Logs'"),
    ("a dashboard of all regions", put("Resources.Dashboard.Properties.DashboardName", {"Fn::Sub": "${AWS::StackName}"}), "name of the dashboard"),
]


def missed(sam):
    """The breaks that are not noticed, or not for the right reason."""
    for what, change, message in BREAKS:
        broken = copy.deepcopy(sam)
        change(broken)
        found = problems(broken, until=message)
        if not any(message in each for each in found):
            yield f"{what}: nothing says {message!r}, only {found[:3]}"
