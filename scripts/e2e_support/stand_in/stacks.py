"""CloudFormation in the stand-in: what LocalStack does otherwise with a template, so that template.yaml and podferry.json deploy as they are."""

import re

from localstack.services.cloudformation.v2 import provider
from localstack.services.logs.resource_providers.aws_logs_loggroup import LogsLogGroupProvider

from template_support.stack import Stack

# How long a change of a stack may take until its call is answered anyway.
STACK_SECONDS = 20
start_worker = provider.start_worker_thread
set_up = provider.CloudformationProviderV2._setup_change_set_model.__func__
create_log_group = LogsLogGroupProvider.create


def put_in_place():
    provider.start_worker_thread = work_to_the_end
    provider.CloudformationProviderV2._setup_change_set_model = classmethod(set_up_decided)
    LogsLogGroupProvider.create = create_with_arn


def work_to_the_end(change):
    """A stack is there when the call is answered. AWS's command looks at once, and then only after half a minute."""
    start_worker(change).join(STACK_SECONDS)


def set_up_decided(cls, change_set, after_template, after_parameters, **before):
    """CloudFormation decides conditions first; LocalStack refuses a reference to a resource whose condition is false."""
    if after_template:
        after_template = escaped(decided(after_template, after_parameters))
        change_set.template = after_template
    set_up(cls, change_set, after_template=after_template, after_parameters=after_parameters, **before)


def decided(template, parameters):
    """The template without conditions, for these parameters."""
    if "Conditions" not in template:
        return template
    stack = Stack(template, parameters)
    decided = {key: value for key, value in template.items() if key not in {"Conditions", "Rules"}}
    for section, there in (("Resources", stack.resources), ("Outputs", stack.outputs)):
        each_of = {name: template[section][name] for name in there}
        decided[section] = {
            name: {key: stack.decide(value) for key, value in each.items() if key != "Condition"} for name, each in each_of.items()
        }
    return decided


def escaped(value):
    """LocalStack takes the escape ${!...} of Fn::Sub for a reference. A variable with the text in it is the same."""
    if isinstance(value, list):
        return [escaped(each) for each in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Fn::Sub"}:
        text, variables = value["Fn::Sub"] if isinstance(value["Fn::Sub"], list) else (value["Fn::Sub"], {})
        literals = {f"Literal{number}": literal for number, literal in enumerate(dict.fromkeys(re.findall(r"\$\{!([^}]+)}", text)))}
        for name, literal in literals.items():
            text = text.replace(f"${{!{literal}}}", f"${{{name}}}")
        literals = {name: f"${{{literal}}}" for name, literal in literals.items()}
        return {"Fn::Sub": [text, escaped(variables) | literals] if variables or literals else text}
    return {key: escaped(each) for key, each in value.items()}


def create_with_arn(resource, request):
    """What AWS answers as the ARN of a log group ends in :*, and the role may write to the streams below."""
    done = create_log_group(resource, request)
    done.resource_model["Arn"] = f"{done.resource_model['Arn'].removesuffix(':*')}:*"
    return done
