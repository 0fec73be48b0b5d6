"""template.yaml as the stand-in for AWS takes it. Every difference to what CloudFormation gets is made here, and has its reason."""

import json

from .cloud import CODE_BUCKET

# As long as it takes until a message comes again that a function died with; the template has 90 minutes. More than the timeout below.
VISIBILITY_SECONDS = 40
# The least that doctor finds enough.
TIMEOUT_SECONDS = 30


def for_stand_in(template_file, given, code_key, variables):
    """The template as JSON, and the parameters. `variables` are added to the function's: the addresses of the stand-ins."""
    from samtranslator.yaml_helper import yaml_parse
    from template_support.stack import Stack, translate

    sam = yaml_parse(template_file.read_text())
    # gzip, because Python's own library cannot read zstd.
    given = {"Compression": "gzip", "Timeout": str(TIMEOUT_SECONDS)} | given
    parameters = {name: str(each.get("Default", "")) for name, each in sam["Parameters"].items()} | given
    # LocalStack refuses a reference to a resource behind a condition that is false, which CloudFormation takes.
    stack = Stack(translate(sam, parameters), parameters)
    template = stack.template_of_it()
    # LocalStack takes the escape ${!...} for a reference, so there is no dashboard.
    resources = template["Resources"]
    resources.pop("Dashboard")
    template["Outputs"] = {name: {"Value": stack.decide(stack.template["Outputs"][name]["Value"])} for name in stack.outputs if name != "DashboardName"}
    # What AWS answers as the ARN of a log group ends in :*, and the role may write to the streams below.
    for role in resources.values():
        for policy in role["Properties"].get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                if statement["Resource"] == {"Fn::GetAtt": ["ForwarderLogs", "Arn"]}:
                    statement["Resource"] = {"Fn::Sub": "${ForwarderLogs.Arn}:*"}
    resources["UndeliveredQueue"]["Properties"]["VisibilityTimeout"] = VISIBILITY_SECONDS
    function = resources["Forwarder"]["Properties"]
    function["Code"] = {"S3Bucket": CODE_BUCKET, "S3Key": code_key}
    function["Environment"]["Variables"] |= variables
    return json.dumps(template), {name: value for name, value in given.items() if name in template["Parameters"]}
