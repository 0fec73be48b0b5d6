"""What is wrong with a template."""

import copy
import json
import re

from template_support.cases import (
    ACCEPTED_VALUES,
    CASES,
    GROUPS,
    MAX_DESCRIPTION,
    MAX_PARAMETERS,
    MAX_TEMPLATE,
    PASSED_ON,
    REFUSED_BY_RULE,
    REFUSED_VALUES,
    WARNED_OF,
)
from template_support.resources import check_stack
from template_support.stack import PARTITIONS, Broken, Stack, translate


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
    check(len(json.dumps(plain)) <= MAX_TEMPLATE, f"template: CloudFormation takes {MAX_TEMPLATE} bytes at most")

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
    for name, word in WARNED_OF.items():
        description = str(parameters.get(name, {}).get("Description"))
        check(word in description, f"parameters: the Description of {name} has to say what a change of it does to logs ({word!r})")
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
