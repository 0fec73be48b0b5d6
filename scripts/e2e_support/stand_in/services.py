"""What the other services of LocalStack do not answer, or answer otherwise than AWS in a way that podferry would notice."""

import base64
import fnmatch
import gzip
import json
import re
import time
import types

import cbor2
from localstack.aws.connect import connect_to
from localstack.http import Response
from localstack.services.edge import ROUTER
from localstack.services.iam.provider import IamProvider
from localstack.services.lambda_.event_source_mapping.pollers import sqs_poller
from localstack.services.logs import provider as logs_provider


def put_in_place():
    logs_provider.MotoLogStream.put_log_events = put_log_events
    logs_provider.MotoLogGroup.create_log_stream = create_log_stream
    for operation in (put_account_policy, describe_account_policies, delete_account_policy):
        setattr(logs_provider.LogsProvider, operation.__name__, operation)
    IamProvider.build_evaluation_result = staticmethod(simulate)
    ROUTER.add("/service/GraniteServiceVersion20100801/operation/GetMetricData", get_metric_data, methods=["POST"])
    # LocalStack reads the body of each message and writes it again in its own manner; Lambda hands on the text that was sent.
    sqs_poller.json = types.SimpleNamespace(loads=as_it_was_sent, dumps=json.dumps, JSONDecodeError=json.JSONDecodeError)


def put_log_events(stream, log_events):
    """CloudWatch Logs invokes a function as an event; LocalStack waits for its answer, and drops what fails."""
    stream.last_ingestion_time = int(time.time() * 1000)
    stream.stored_bytes += sum(len(each["message"]) for each in log_events)
    events = [logs_provider.LogEvent(stream.last_ingestion_time, each) for each in log_events]
    stream.events += events
    stream.upload_sequence_token += 1
    for subscription in stream.log_group.subscription_filters.values():
        data = {
            "messageType": "DATA_MESSAGE", "owner": stream.account_id, "logGroup": stream.log_group.name, "logStream": stream.log_stream_name,
            "subscriptionFilters": [subscription.name],
            "logEvents": [{"id": f"{event.event_id:056}", "timestamp": event.timestamp, "message": event.message} for event in events],
        }
        packed = base64.b64encode(gzip.compress(json.dumps(data).encode())).decode()
        functions = connect_to(aws_access_key_id=stream.account_id, region_name=stream.region).lambda_
        functions.invoke(FunctionName=subscription.destination_arn, InvocationType="Event", Payload=json.dumps({"awslogs": {"data": packed}}))
    return f"{stream.upload_sequence_token:056d}"


def create_log_stream(group, name):
    """LocalStack fails at a stream that comes after a filter."""
    group.streams[name] = logs_provider.MotoLogStream(log_group=group, name=name)


# By name. That of a subscription is kept, and brings no logs.
account_policies = {}


def put_account_policy(_provider, context, policy_name, policy_document, policy_type, **more):
    selection = {"selectionCriteria": more["selection_criteria"]} if more.get("selection_criteria") else {}
    policy = {"policyName": policy_name, "policyDocument": policy_document, "policyType": policy_type, "accountId": context.account_id, **selection}
    account_policies[policy_name] = policy
    return {"accountPolicy": policy}


def describe_account_policies(_provider, **_more):
    return {"accountPolicies": list(account_policies.values())}


def delete_account_policy(_provider, policy_name, **_more):
    del account_policies[policy_name]


def simulate(action, resource, statements):
    """IAM's simulator, which knows `*` and `?`. LocalStack looks for the text of one in the other."""

    def of(statement, name):
        value = statement.get(name, [])
        return value if isinstance(value, list) else [value]

    def covers(statement):
        return any(fnmatch.fnmatchcase(action, each) for each in of(statement, "Action")) and any(
            fnmatch.fnmatchcase(resource, each) for each in of(statement, "Resource")
        )

    effects = {statement["Effect"] for statement in statements if covers(statement)}
    decision = "explicitDeny" if "Deny" in effects else "allowed" if effects else "implicitDeny"
    return {"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": decision, "MatchedStatements": []}


def get_metric_data(request):
    """CloudWatch's protocol of today, in front of the one that LocalStack knows. Source: Smithy, "Smithy RPC v2 CBOR protocol".

    LocalStack fails at an expression. Those of podferry search its own metrics, which the function writes into its log and LocalStack does not read:
    such a search has no result.
    """
    account, region = re.search(r"Credential=([^/]+)/\d+/([^/]+)/", request.headers["Authorization"]).groups()
    asked = cbor2.loads(request.get_data())
    asked["MetricDataQueries"] = [each for each in asked["MetricDataQueries"] if "SEARCH(" not in each.get("Expression", "")]
    answer = {"MetricDataResults": [], "Messages": []}
    if asked["MetricDataQueries"]:
        answer = connect_to(aws_access_key_id=account, region_name=region).cloudwatch.get_metric_data(**asked)
        answer.pop("ResponseMetadata")
    body = cbor2.dumps(answer, datetime_as_timestamp=True)
    return Response(body, 200, {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"})


def as_it_was_sent(_text):
    raise json.JSONDecodeError("not to be read", "", 0)
