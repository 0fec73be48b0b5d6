"""template.yaml as the stand-in for AWS takes it. Every difference to what CloudFormation gets is made here, and has its reason."""

import copy
import dataclasses
import json

from .cloud import CODE_BUCKET

# As long as it takes until a message comes again that a function died with; the template has 90 minutes. More than the timeout below.
VISIBILITY_SECONDS = 32
# The least that doctor finds enough.
TIMEOUT_SECONDS = 30
# What a version may bring: resources with their outputs, and parameters with their conditions and variables of the function.
LATER_RESOURCES = {"Dashboard": "DashboardName", "DeadLettersLeftAlarm": None}
LATER_PARAMETERS = {"HttpsProxy": ("HasHttpsProxy", "HTTPS_PROXY"), "NoProxy": ("HasNoProxy", "NO_PROXY")}


@dataclasses.dataclass(frozen=True)
class Version:
    """What is deployed: a program, and a template of SAM."""

    name: str
    program: bytes
    template: dict


def read(template_file):
    from samtranslator.yaml_helper import yaml_parse

    return yaml_parse(template_file.read_text())


def without_what_came_last(template):
    """A template as a version before may have had it."""
    template = copy.deepcopy(template)
    for resource, output in LATER_RESOURCES.items():
        del template["Resources"][resource]
        if output:
            del template["Outputs"][output]
    for parameter, (condition, variable) in LATER_PARAMETERS.items():
        del template["Parameters"][parameter], template["Conditions"][condition]
        del template["Resources"]["Forwarder"]["Properties"]["Environment"]["Variables"][variable]
    return template


def for_stand_in(sam, given, code_key, variables):
    """The template as JSON, and the parameters. `variables` are added to the function's: the addresses of the stand-ins."""
    from template_support.stack import translate

    # gzip, because Python's own library cannot read zstd.
    given = {"Compression": "gzip", "Timeout": str(TIMEOUT_SECONDS)} | given
    template = translate(sam, {name: str(each.get("Default", "")) for name, each in sam["Parameters"].items()} | given)
    resources = template["Resources"]
    resources["UndeliveredQueue"]["Properties"]["VisibilityTimeout"] = VISIBILITY_SECONDS
    function = resources["Forwarder"]["Properties"]
    function["Code"] = {"S3Bucket": CODE_BUCKET, "S3Key": code_key}
    function["Environment"]["Variables"] |= variables
    return json.dumps(template), given
