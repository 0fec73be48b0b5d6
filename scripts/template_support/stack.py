"""From a SAM template to a stack: the translation to plain CloudFormation, and the values that come out of it."""

import copy
import logging
import os
import re

# samtranslator asks boto3 for a region; no call is made to it.
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform

# It warns of metrics of its own that nobody collects here.
logging.getLogger("samtranslator").setLevel(logging.ERROR)

ACCOUNT = "123456789012"
STACK = "podferry"
STACK_ID = "51af3dc0-da77-11e4-872e-1234567abcde"
# A region and the URL suffix of each partition.
PARTITIONS = {
    "aws": ("eu-west-1", "amazonaws.com"),
    "aws-cn": ("cn-north-1", "amazonaws.com.cn"),
    "aws-us-gov": ("us-gov-west-1", "amazonaws.com"),
}
NO_VALUE = object()


class Broken(Exception):
    """The template cannot be worked out at all."""


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
            "AWS::StackId": f"arn:{partition}:cloudformation:{region}:{ACCOUNT}:stack/{STACK}/{STACK_ID}",
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
        self.outputs = self.work_out(
            {
                name: output
                for name, output in template.get("Outputs", {}).items()
                if "Condition" not in output or self.condition(output["Condition"])
            }
        )

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
            case "Fn::Sub":
                text, own = (argument, {}) if isinstance(argument, str) else argument
                own = {name: str(self.work_out(value)) for name, value in own.items()}
                text = re.sub(r"\$\{([^!}]+)}", lambda found: self.substitute(found[1], own), text)
                return text.replace("${!", "${")
            case "Fn::Join":
                glue, parts = argument
                return glue.join(map(str, self.work_out(parts)))
            case "Fn::Split":
                return self.work_out(argument[1]).split(argument[0])
            case "Fn::Select":
                return self.work_out(argument[1])[int(argument[0])]
        raise Broken(f"{function} is not known to this check")

    def substitute(self, name, own):
        if name in own:
            return own[name]
        return self.resource(*name.split(".", 1)) if "." in name else str(self.ref(name))

    def template_of_it(self):
        """The template with only its conditions decided, for a tool that does not decide them. References stay."""
        template = {key: value for key, value in self.template.items() if key not in {"Conditions", "Rules", "Outputs"}}
        template["Parameters"] = {
            name: parameter | {"Default": self.values[name]} for name, parameter in self.template["Parameters"].items()
        }
        resources = {name: self.template["Resources"][name] for name in self.resources}
        template["Resources"] = {
            name: {key: self.decide(value) for key, value in resource.items() if key != "Condition"}
            for name, resource in resources.items()
        }
        return template

    def decide(self, value):
        if isinstance(value, list):
            return [each for each in map(self.decide, value) if each is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if value == {"Ref": "AWS::NoValue"}:
            return NO_VALUE
        if set(value) == {"Fn::If"}:
            name, yes, no = value["Fn::If"]
            return self.decide(yes if self.condition(name) else no)
        decided = {key: self.decide(each) for key, each in value.items()}
        return {key: each for key, each in decided.items() if each is not NO_VALUE}
