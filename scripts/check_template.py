#!/usr/bin/env python3
"""Checks what template.yaml promises, offline.

    python scripts/check_template.py [--template FILE] [--out PLAIN.json] [--self-test]

Needs a Python with aws-sam-cli, for its `samtranslator`; neither credentials nor a network.

`sam validate --lint` does not look inside AWS::Serverless::Function. So the template is translated to plain CloudFormation, as
the service does it, and then worked out for several sets of parameters and for every partition: conditions, rules, patterns and
intrinsic functions. The checks look at the stack that comes out. `--out` keeps the translation, for cfn-lint. `--self-test`
breaks the template in memory, one way after the other, and fails if a break is not noticed.
"""

import argparse
import copy
import dataclasses
import json
import logging
import os
import re
import sys
from pathlib import Path

# samtranslator asks boto3 for a region; no call is made to it.
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

# It warns of metrics of its own that nobody collects here.
logging.getLogger("samtranslator").setLevel(logging.ERROR)

ACCOUNT = "123456789012"
STACK = "podferry"
# A region and the URL suffix of each partition.
PARTITIONS = {
    "aws": ("eu-west-1", "amazonaws.com"),
    "aws-cn": ("cn-north-1", "amazonaws.com.cn"),
    "aws-us-gov": ("us-gov-west-1", "amazonaws.com"),
}
NO_VALUE = object()
ABSENT = "nothing"


class Broken(Exception):
    """The template cannot be worked out at all."""


# ---------------------------------------------------------------------------------------------------------------------------
# From SAM to a stack
# ---------------------------------------------------------------------------------------------------------------------------


class NoManagedPolicies:
    """Stands in for an IAM client. The template uses no managed policy, so there is none to look up."""

    def get_paginator(self, _operation):
        return self

    def paginate(self, **_arguments):
        return []


def translate(sam, parameters):
    """The plain CloudFormation that the SAM transform makes of the template."""
    sam = copy.deepcopy(sam)
    sam["Resources"]["Forwarder"]["Properties"]["CodeUri"] = "s3://bucket-name/key"
    try:
        return transform(sam, dict(parameters), ManagedPolicyLoader(NoManagedPolicies()))
    except Exception as error:
        raise Broken(f"SAM does not translate it: {getattr(error, 'causes', None) or error}") from error


class Stack:
    """A template worked out for one set of parameters in one partition."""

    def __init__(self, template, given, partition="aws"):
        region, suffix = PARTITIONS[partition]
        self.template = template
        self.values = {
            "AWS::AccountId": ACCOUNT,
            "AWS::NoValue": NO_VALUE,
            "AWS::Partition": partition,
            "AWS::Region": region,
            "AWS::StackName": STACK,
            "AWS::URLSuffix": suffix,
        }
        declared = template.get("Parameters", {})
        if unknown := set(given) - set(declared):
            raise Broken(f"there are no parameters {sorted(unknown)}")
        for name, parameter in declared.items():
            self.values[name] = str(given.get(name, parameter.get("Default", "")))
        self.resources = {
            name: self.work_out({key: value for key, value in resource.items() if key != "Metadata"})
            for name, resource in template["Resources"].items()
            if "Condition" not in resource or self.condition(resource["Condition"])
        }
        self.outputs = self.work_out(template.get("Outputs", {}))

    def of_type(self, kind):
        return {name: resource for name, resource in self.resources.items() if resource["Type"] == kind}

    def refused_parameters(self):
        """The parameters whose value their own declaration refuses."""
        refused = set()
        for name, parameter in self.template["Parameters"].items():
            value = self.values[name]
            if not re.fullmatch(parameter.get("AllowedPattern", "(?s:.*)"), value):
                refused.add(name)
            if "AllowedValues" in parameter and value not in map(str, parameter["AllowedValues"]):
                refused.add(name)
            if parameter["Type"] == "Number":
                low, high = parameter.get("MinValue", float("-inf")), parameter.get("MaxValue", float("inf"))
                if not float(low) <= float(value) <= float(high):
                    refused.add(name)
        return refused

    def broken_rules(self):
        return {
            name
            for name, rule in self.template.get("Rules", {}).items()
            if self.truth(rule.get("RuleCondition", True))
            and not all(self.truth(each["Assert"]) for each in rule["Assertions"])
        }

    def condition(self, name):
        try:
            return self.truth(self.template["Conditions"][name])
        except KeyError:
            raise Broken(f"there is no condition {name}") from None

    def truth(self, expression):
        if isinstance(expression, bool):
            return expression
        [(function, value)] = expression.items()
        match function:
            case "Condition":
                return self.condition(value)
            case "Fn::Equals":
                left, right = map(self.work_out, value)
                return str(left) == str(right)
            case "Fn::Not":
                return not self.truth(value[0])
            case "Fn::And" | "Fn::Or":
                if not 2 <= len(value) <= 10:
                    raise Broken(f"{function} takes two to ten conditions")
                return (all if function == "Fn::And" else any)([self.truth(each) for each in value])
        raise Broken(f"{function} is no condition")

    def work_out(self, value):
        if isinstance(value, list):
            return [each for each in map(self.work_out, value) if each is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(function, argument)] = value.items()
            if function == "Ref":
                return self.ref(argument)
            if function.startswith("Fn::"):
                return self.call(function, argument)
        worked_out = {key: self.work_out(each) for key, each in value.items()}
        return {key: each for key, each in worked_out.items() if each is not NO_VALUE}

    def ref(self, name):
        if name in self.values:
            return self.values[name]
        return self.resource(name)

    def resource(self, name, attribute=""):
        """A mark in the place of what only AWS knows, such as `<Forwarder.Arn>`."""
        declared = self.template["Resources"].get(name)
        if declared is None:
            raise Broken(f"there is nothing with the name {name}")
        if "Condition" in declared and not self.condition(declared["Condition"]):
            raise Broken(f"{name} is referred to, but its condition {declared['Condition']} is false")
        return f"<{name}{attribute and '.'}{attribute}>"

    def call(self, function, argument):
        match function:
            case "Fn::If":
                name, yes, no = argument
                return self.work_out(yes if self.condition(name) else no)
            case "Fn::GetAtt":
                return self.resource(*argument)
            case "Fn::Sub" if isinstance(argument, str):
                return re.sub(r"\$\{([^!}]+)}", lambda found: self.substitute(found[1]), argument)
            case "Fn::Join":
                glue, parts = argument
                return glue.join(map(str, self.work_out(parts)))
            case "Fn::Split":
                return self.work_out(argument[1]).split(argument[0])
            case "Fn::Select":
                return self.work_out(argument[1])[int(argument[0])]
        raise Broken(f"{function} is not known to this check")

    def substitute(self, name):
        return self.resource(*name.split(".", 1)) if "." in name else str(self.ref(name))


# ---------------------------------------------------------------------------------------------------------------------------
# What has to come out
# ---------------------------------------------------------------------------------------------------------------------------

LOGS = "arn:{partition}:logs:{region}:{account}:log-group:"
SECRET = "arn:{partition}:secretsmanager:{region}:{account}:secret:datadog/key-AbCdEf"
PARAMETER = "arn:{partition}:ssm:{region}:{account}:parameter/datadog/key"
KEY = "arn:{partition}:kms:{region}:{account}:key/0123abcd-0123-0123-0123-0123456789ab"


@dataclasses.dataclass
class Case:
    """Parameters, and what they have to lead to. `{partition}`, `{region}` and `{account}` are filled in."""

    name: str
    parameters: dict
    environment: dict  # besides DD_SITE
    may: dict  # what the role may do besides writing its own log: action to resource
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
            return value

        return Case(**{field.name: fill(getattr(self, field.name)) for field in dataclasses.fields(self)})


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
    "ForwardLog": ("DD_FORWARD_LOG", "false"),
    "Compression": ("DD_COMPRESSION", "gzip"),
    "CompressionLevel": ("DD_COMPRESSION_LEVEL", "0"),
    "MaxWorkers": ("DD_MAX_WORKERS", "64"),
}

# The groups that are promised to people who know the settings of Datadog's forwarder or of the Agent.
GROUPS = {
    "What is left out, masked and joined": [
        *("ContainerExcludeLogs", "ContainerIncludeLogs", "ExcludeAtMatch", "IncludeAtMatch", "ProcessingRules"),
        *("RedactIp", "RedactEmail", "ScrubbingRule", "ScrubbingRuleReplacement", "Redact"),
        *("AutoMultiLineDetection", "MultilineLogRegexPattern", "Sample", "ForwardLog"),
    ],
    "How logs are sent": ["Compression", "CompressionLevel", "MaxWorkers"],
}

# Source: AWS CloudFormation User Guide, "CloudFormation quotas": parameters of a template, and bytes of a description.
MAX_PARAMETERS = 200
MAX_DESCRIPTION = 4000
# Source: AWS Lambda Developer Guide, "Lambda quotas": all environment variables of a function together.
MAX_ENVIRONMENT = 4096

# The variables that the function reads, from the table of the code.
TABLE = Path(__file__).parent.parent / "src/settings/table.rs"
KNOWN_VARIABLES = set(re.findall(r'variable\(\s*"(\w+)"', TABLE.read_text()))

FROM_SECRET = {"ApiKeySecretArn": SECRET}
CASES = [
    Case(
        "a secret and one group",
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
        {"secretsmanager:GetSecretValue": SECRET},
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

# Any two settings are apart in one of these: none may hang on another.
for bit in range(len(PASSED_ON).bit_length()):
    some = {name: PASSED_ON[name] for index, name in enumerate(PASSED_ON) if index >> bit & 1}
    CASES.append(
        Case(
            f"some settings ({bit})",
            FROM_SECRET | {name: value for name, (_, value) in some.items()},
            {"DD_API_KEY_SECRET_ARN": SECRET} | dict(some.values()),
            {"secretsmanager:GetSecretValue": SECRET},
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
    ("Compression", "brotli"),
    ("CompressionLevel", "-1"),
    ("CompressionLevel", "10"),
    ("MaxWorkers", "0"),
    ("MaxWorkers", "65"),
    ("MaxWorkers", "8.5"),
]

ACCEPTED_VALUES = [
    ("Site", site)
    for site in "datadoghq.com us3.datadoghq.com us5.datadoghq.com datadoghq.eu ap1.datadoghq.com ap2.datadoghq.com "
    "uk1.datadoghq.com ddog-gov.com us2.ddog-gov.com new.example".split()
]
ACCEPTED_VALUES += [("Architecture", "arm64"), ("Architecture", "x86_64"), ("LogGroupName", "/aws/eks/prod_1.2#x-y")]
ACCEPTED_VALUES += [(name, "") for name in PASSED_ON]
ACCEPTED_VALUES += [("MaxWorkers", str(number)) for number in range(1, 65)]
ACCEPTED_VALUES += [("CompressionLevel", str(number)) for number in range(10)]
ACCEPTED_VALUES += [(name, value) for name in ("RedactIp", "RedactEmail", "ForwardLog") for value in ("true", "false")]
ACCEPTED_VALUES += [
    ("ContainerExcludeLogs", "name:a\nimage:b"),
    ("ProcessingRules", "\n[]\n"),
    ("Sample", '{\n"rate":1}\n'),
    ("Redact", "email, ipv4"),
    ("Compression", "none"),
]


def problems(sam):
    """Everything that is wrong with a SAM template, in words."""
    found = []

    def check(good, message):
        if not good and message not in found:
            found.append(message)

    try:
        plain = translate(sam, {})
        check_as_written(sam, plain, check)
        for case in CASES:
            # The transform is the slow part, and knows of no partition.
            case_plain = translate(sam, case.filled_in("aws").parameters)
            for partition in PARTITIONS:
                where = f"{case.name} ({partition}): "
                wanted = case.filled_in(partition)
                stack = Stack(case_plain, wanted.parameters, partition)
                refused, broken = stack.refused_parameters(), stack.broken_rules()
                check(not refused, f"{where}refuses a good value of {sorted(refused)}")
                check(not broken, f"{where}refused by the rules {sorted(broken)}")
                check_stack(stack, wanted, lambda good, message, where=where: check(good, where + message))
        for rule, parameters in REFUSED_BY_RULE:
            # Only the rules matter here, and not what a stack of it would be.
            broken = Stack(plain | {"Resources": {}, "Outputs": {}}, parameters).broken_rules()
            check(rule in broken, f"rules: {rule} has to refuse {sorted(parameters) or 'a stack without a key'}")
        for accepted, values in ((False, REFUSED_VALUES), (True, ACCEPTED_VALUES)):
            for name, value in values:
                refused = Stack(plain | {"Resources": {}, "Outputs": {}}, {name: value}).refused_parameters()
                check((name not in refused) is accepted, f"parameters: {name} has to {'take' if accepted else 'refuse'} {value!r}")
    except Broken as broken:
        check(False, f"broken: {broken}")
    return found


def strings_in(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from strings_in(key)
            yield from strings_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings_in(each)


def check_as_written(sam, plain, check):
    """What can be seen only in the text, and not in the stack that comes out."""
    for section in ("Resources", "Outputs", "Conditions"):
        for text in strings_in(plain.get(section, {})):
            if re.search(r"\barn:", text):
                check("arn:${AWS::Partition}:" in text, f"partition: {text!r} does not use ${{AWS::Partition}}")
            check("amazonaws.com" not in text or text.count(".") == 2, f"partition: {text!r} has a fixed URL suffix")
    check("arn:aws:" not in json.dumps(plain), "partition: there is a literal arn:aws:")

    parameters = plain["Parameters"]
    interface = plain.get("Metadata", {}).get("AWS::CloudFormation::Interface", {})
    grouped = [name for group in interface.get("ParameterGroups", []) for name in group["Parameters"]]
    check(sorted(grouped) == sorted(parameters), "parameters: every one has to be in exactly one group of the interface")
    for label, names in GROUPS.items():
        found = next((each["Parameters"] for each in interface.get("ParameterGroups", []) if each["Label"]["default"] == label), [])
        check(found == names, f"parameters: the group {label!r} has to be {names}")
    check(len(parameters) <= MAX_PARAMETERS, f"parameters: CloudFormation takes {MAX_PARAMETERS} at most")
    for name, parameter in parameters.items():
        description = parameter.get("Description")
        check(description, f"parameters: {name} has no Description")
        check(len((description or "").encode()) <= MAX_DESCRIPTION, f"parameters: the Description of {name} is too long")
    for name, (variable, _) in PASSED_ON.items():
        parameter = parameters.get(name, {})
        check(parameter.get("Default") == "", f"parameters: {name} has to be empty by default, the function has the defaults")
        check(variable in str(parameter.get("Description")) or name in {"Env", "Tags"}, f"parameters: {name} has to name {variable}")
    check(
        "4 KB" in str(parameters.get("ProcessingRules", {}).get("Description")),
        "parameters: the Description of ProcessingRules has to name Lambda's limit of 4 KB",
    )
    check(parameters.get("ApiKey", {}).get("NoEcho") is True, "parameters: ApiKey has to be NoEcho")

    elsewhere = copy.deepcopy(plain["Resources"])
    elsewhere.get("ApiKeySecret", {}).get("Properties", {}).pop("SecretString", None)
    check(
        not re.search(r'"Ref": "ApiKey"|\$\{ApiKey}', json.dumps([elsewhere, plain.get("Outputs")])),
        "key: ApiKey may be used in the secret only",
    )

    forwarder = sam["Resources"]["Forwarder"]
    build = {"BuildMethod": "rust-cargolambda", "BuildProperties": {"Binary": "forwarder"}}
    check(forwarder.get("Metadata") == build, f"build: the Metadata of Forwarder has to be {build}")


def check_stack(stack, wanted, check):
    """What has to be true of the stack that comes out."""

    def same(got, expected, what):
        check(got == expected, f"{what} is {json.dumps(got)}, and has to be {json.dumps(expected)}")

    def the_only(kind):
        of_kind = stack.of_type(kind)
        check(len(of_kind) == 1, f"there has to be exactly one {kind}, and not {sorted(of_kind)}")
        return next(iter(of_kind.items()), (ABSENT, {"Properties": {}}))

    function_name, function = the_only("AWS::Lambda::Function")
    role_name, role = the_only("AWS::IAM::Role")
    group_name, group = the_only("AWS::Logs::LogGroup")
    permission_name, permission = the_only("AWS::Lambda::Permission")
    _, invoke = the_only("AWS::Lambda::EventInvokeConfig")
    for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"):
        same(sorted(stack.of_type(kind)), [], kind)

    # the function
    properties = function["Properties"]
    settings = {
        "Runtime": "provided.al2023",
        "Handler": "bootstrap",
        "Architectures": ["arm64"],
        "MemorySize": "256",
        "Timeout": "120",
        "Role": f"<{role_name}.Arn>",
        "LoggingConfig": {"LogGroup": f"<{group_name}>"},
        "ReservedConcurrentExecutions": None,
    }
    for name, expected in (settings | wanted.function).items():
        same(properties.get(name), expected, f"the function's {name}")
    environment = properties.get("Environment", {}).get("Variables", {})
    site = {"DD_SITE": wanted.parameters.get("Site", "datadoghq.com")}
    same(environment, wanted.environment | site, "the function's environment")
    unknown = sorted(set(environment) - KNOWN_VARIABLES)
    check(not unknown, f"the function does not read {unknown}, says {TABLE.name}")
    # Also with a value of every variable there is room for rules.
    size = sum(len(name) + len(str(value)) for name, value in environment.items())
    check(size <= MAX_ENVIRONMENT // 2, f"the function's environment has {size} bytes without long values, of {MAX_ENVIRONMENT}")

    # its own log
    own_group = group["Properties"].get("LogGroupName", "")
    same(own_group, f"/podferry/{STACK}", "the name of the own log group")
    same(group["Properties"].get("RetentionInDays"), "14", "the retention of the own log group")

    # its role
    same(role["Properties"].get("ManagedPolicyArns", []), [], "the role's managed policies")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    same(role["Properties"].get("AssumeRolePolicyDocument", {}).get("Statement"), [trust], "who may take the role")
    may = {}
    for policy in role["Properties"].get("Policies", []):
        for statement in policy["PolicyDocument"]["Statement"]:
            extra = sorted(set(statement) - {"Sid", "Effect", "Action", "Resource"})
            check(not extra, f"the role has a statement with {extra}")
            same(statement.get("Effect"), "Allow", "the effect of a statement of the role")
            actions = statement.get("Action", [])
            for action in [actions] if isinstance(actions, str) else actions:
                check(action not in may, f"the role names {action} twice")
                may[action] = statement.get("Resource")
                check("*" not in str(may[action]), f"the role may do {action} on {may[action]}")
    own = f"<{group_name}.Arn>"
    same(may, {"logs:CreateLogStream": own, "logs:PutLogEvents": own} | wanted.may, "what the role may do")

    # its secret, if it makes one
    secrets = stack.of_type("AWS::SecretsManager::Secret")
    same(sorted(secrets), ["ApiKeySecret"] if wanted.parameters.get("ApiKey") else [], "the secrets of the stack")
    for secret in secrets.values():
        same(secret["Properties"].get("SecretString"), wanted.parameters["ApiKey"], "the secret")
        same(secret["Properties"].get("KmsKeyId"), wanted.parameters.get("KmsKeyArn"), "the secret's KMS key")

    # who may invoke it, and who does
    expected = {
        "Action": "lambda:InvokeFunction",
        "FunctionName": f"<{function_name}>",
        "Principal": "logs.amazonaws.com",
        "SourceAccount": ACCOUNT,
        "SourceArn": wanted.source_arn,
    }
    same(permission["Properties"], expected, "the permission")
    filters = stack.of_type("AWS::Logs::SubscriptionFilter")
    subscribed = sorted(each["Properties"].get("LogGroupName", ABSENT) for each in filters.values())
    same(subscribed, sorted(wanted.groups), "the subscribed groups")
    for name, each in filters.items():
        same(each["Properties"].get("DestinationArn"), f"<{function_name}.Arn>", f"the destination of {name}")
        same(each["Properties"].get("FilterPattern"), "", f"the pattern of {name}")
        check("RoleArn" not in each["Properties"], f"{name} has a RoleArn, which is not for a Lambda destination")
        depends = each.get("DependsOn", [])
        depends = [depends] if isinstance(depends, str) else depends
        check(permission_name in depends, f"{name} does not depend on the permission {permission_name}")

    # what Lambda does with an event that failed
    same(invoke["Properties"].get("FunctionName"), f"<{function_name}>", "the function of the asynchronous settings")
    same(invoke["Properties"].get("MaximumRetryAttempts"), 2, "MaximumRetryAttempts")
    same(invoke["Properties"].get("MaximumEventAgeInSeconds"), 21600, "MaximumEventAgeInSeconds")

    outputs = {name: output["Value"] for name, output in stack.outputs.items()}
    expected = {
        "ForwarderArn": f"<{function_name}.Arn>",
        "ForwarderLogGroupName": f"<{group_name}>",
        "ForwarderRoleArn": f"<{role_name}.Arn>",
    }
    for name, value in expected.items():
        same(outputs.get(name), value, f"the output {name}")


# ---------------------------------------------------------------------------------------------------------------------------
# Does it notice?
# ---------------------------------------------------------------------------------------------------------------------------

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
        found = problems(broken)
        if not any(message in each for each in found):
            yield f"{what}: nothing says {message!r}, only {found[:3]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--template", type=Path, default=Path(__file__).parent.parent / "template.yaml")
    parser.add_argument("--out", type=Path, help="write the plain CloudFormation here, as JSON")
    parser.add_argument("--self-test", action="store_true", help="break the template in memory and see that it is noticed")
    arguments = parser.parse_args()

    sam = yaml_parse(arguments.template.read_text())
    try:
        if arguments.out:
            arguments.out.write_text(json.dumps(translate(sam, {}), indent=2) + "\n")
    except Broken as broken:
        sys.exit(f"{arguments.template}: {broken}")
    found = problems(sam)
    for problem in found:
        print(f"{arguments.template}: {problem}", file=sys.stderr)
    if found:
        sys.exit(1)
    print(f"{arguments.template}: good, in {len(CASES)} sets of parameters and {len(PARTITIONS)} partitions")
    if arguments.self_test:
        not_noticed = list(missed(sam))
        for each in not_noticed:
            print(f"self-test: {each}", file=sys.stderr)
        if not_noticed:
            sys.exit(1)
        print(f"self-test: all {len(BREAKS)} breaks are noticed")


if __name__ == "__main__":
    main()
