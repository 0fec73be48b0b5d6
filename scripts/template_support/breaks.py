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


def copied(name, new_name):
    def change(template):
        template["Resources"][new_name] = copy.deepcopy(template["Resources"][name])

    return change


FUNCTION = "Resources.Forwarder.Properties."
STATEMENTS = "Resources.ForwarderRole.Properties.Policies.0.PolicyDocument.Statement."
PERMISSION = "Resources.LogsMayInvoke.Properties."
# What is broken, how, and a part of the message that has to come.
BREAKS = [
    ("a second permission", copied("LogsMayInvoke", "Other"), "exactly one AWS::Lambda::Permission"),
    ("no permission", put("Resources.LogsMayInvoke"), "exactly one AWS::Lambda::Permission"),
    ("no SourceAccount", put(PERMISSION + "SourceAccount"), "the permission is"),
    ("another principal", put(PERMISSION + "Principal", "*"), "the permission is"),
    ("a permission for every ARN", put(PERMISSION + "SourceArn", "*"), "the permission is"),
    ("a role that writes to every log", put(STATEMENTS + "0.Resource", "*"), "on *"),
    ("a role that reads every secret", put(STATEMENTS + "1.Fn::If.1.Resource", "*"), "GetSecretValue on *"),
    ("a role that may make groups", put(STATEMENTS + "0.Action", ["logs:CreateLogGroup"]), "what the role may do"),
    ("a role that may do every log action", put(STATEMENTS + "0.Action", "logs:*"), "what the role may do"),
    ("the other's secret", put(STATEMENTS + "1.Fn::If.1.Resource", {"Ref": "KmsKeyArn"}), "what the role may do"),
    ("decryption without a key", put(STATEMENTS + "3", {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}), "on *"),
    (
        "a parameter's name as it is",
        put(STATEMENTS + "2.Fn::If.1.Resource", {"Fn::Sub": "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/${ApiKeySsmName}"}),
        "what the role may do",
    ),
    ("NotAction", put(STATEMENTS + "0.NotAction", "iam:*"), "a statement with ['NotAction']"),
    ("a managed policy", put("Resources.ForwarderRole.Properties.ManagedPolicyArns", ["x"]), "managed policies"),
    ("SAM's own role", put(FUNCTION + "Role"), "DuplicateLogicalId"),
    ("a role that all may take", put("Resources.ForwarderRole.Properties.AssumeRolePolicyDocument.Statement.0.Principal", "*"), "who may take"),
    ("a filter with a role", put("Resources.Subscription.Properties.RoleArn", {"Fn::GetAtt": ["ForwarderRole", "Arn"]}), "has a RoleArn"),
    ("a filter before the permission", put("Resources.ThirdSubscription.DependsOn"), "does not depend on the permission"),
    ("a filter to elsewhere", put("Resources.SecondSubscription.Properties.DestinationArn", "x"), "the destination of"),
    ("a filter that is always made", put("Resources.SecondSubscription.Condition"), "the subscribed groups"),
    ("no retention", put("Resources.ForwarderLogs.Properties.RetentionInDays"), "the retention"),
    ("a log group that can be subscribed", put("Resources.ForwarderLogs.Properties.LogGroupName", "/eks/prod"), "name of the own log group"),
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
    ("a literal region", put(PERMISSION + "SourceArn.Fn::If.2", {"Fn::Sub": "arn:${AWS::Partition}:logs:us-east-1:*:*"}), "the permission is"),
    ("no retries", put(FUNCTION + "EventInvokeConfig.MaximumRetryAttempts", 0), "MaximumRetryAttempts"),
    ("no asynchronous settings", put(FUNCTION + "EventInvokeConfig"), "AWS::Lambda::EventInvokeConfig"),
    ("no rule about the key", put("Rules.ApiKeyIsGiven"), "ApiKeyIsGiven has to refuse"),
    ("a rule that is always true", put("Rules.LogGroupsDiffer.Assertions.1.Assert", {"Fn::Equals": ["", ""]}), "LogGroupsDiffer has to refuse"),
    ("a rule that is never true", put("Rules.ApiKeyIsGivenOnce.Assertions.0.Assert", {"Fn::Equals": ["", "x"]}), "refused by the rules"),
    ("a parameter without a word", put("Parameters.Env.Description"), "Env has no Description"),
    ("a parameter without a group", put("Metadata.AWS::CloudFormation::Interface.ParameterGroups.1.Parameters.0"), "exactly one group"),
    ("a site that is refused", put("Parameters.Site.AllowedPattern", "datadoghq.com"), "Site has to take"),
    ("another binary", put("Resources.Forwarder.Metadata.BuildProperties.Binary", "podferry"), "build:"),
    ("a misspelt parameter", put(FUNCTION + "Timeout", {"Ref": "TimeOut"}), "nothing with the name TimeOut"),
    ("a misspelt condition", put("Resources.Subscription.Condition", "HasLogGrup"), "no condition HasLogGrup"),
    ("an output that is lost", put("Outputs.ForwarderArn"), "the output ForwarderArn"),
]


def missed(sam):
    """The breaks that are not noticed, or not for the right reason."""
    for what, change, message in BREAKS:
        broken = copy.deepcopy(sam)
        change(broken)
        found = problems(broken, until=message)
        if not any(message in each for each in found):
            yield f"{what}: nothing says {message!r}, only {found[:3]}"
