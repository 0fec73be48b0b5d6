"""What is wrong with a template."""

import copy
import json
import re

from template_support.cases import (
    ACCEPTED_VALUES,
    CASES,
    GROUPS,
    KNOWN_VARIABLES,
    MAX_DESCRIPTION,
    MAX_ENVIRONMENT,
    MAX_PARAMETERS,
    PASSED_ON,
    REFUSED_BY_RULE,
    REFUSED_VALUES,
    TABLE,
)
from template_support.stack import ACCOUNT, PARTITIONS, STACK, Broken, Stack, translate

ABSENT = "nothing"

class Found(Exception):
    """What was looked for is found; the rest need not be known."""


def problems(sam, until=None):
    """Everything that is wrong with a SAM template, in words; or what there is up to the first that says `until`."""
    found = []

    def check(good, message):
        if not good and message not in found:
            found.append(message)
            if until is not None and until in message:
                raise Found

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
        found.append(f"broken: {broken}")
    except Found:
        pass
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
