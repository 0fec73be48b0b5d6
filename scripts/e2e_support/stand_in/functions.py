"""Lambda in the stand-in: functions run as processes, under AWS's Runtime Interface Emulator, where LocalStack wants Docker.

What else differs from LocalStack: an update loses no event and ends no invocation, and a failed event goes to a bucket.
"""

import concurrent.futures
import datetime
import json
import stat
import threading
import time
import uuid
from pathlib import Path

from localstack.services.lambda_.invocation import runtime_executor

from .. import emulator

# How long a call waits for a function that is being updated, and how soon it looks again.
PATIENCE, TICK = 60, 0.1
# Lambda waits a minute before the second attempt and two before the third (Lambda Developer Guide, "How Lambda handles errors and retries with
# asynchronous invocation").
RETRY_SECONDS = 1


class Sandbox(runtime_executor.RuntimeExecutor):
    """One execution environment: a process of the emulator, and the function below it."""

    def __init__(self, name, function_version):
        super().__init__(name, function_version)
        self.function, self.lock, self.told = None, threading.Lock(), 0

    @classmethod
    def prepare_version(cls, function_version):
        function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version):
        pass

    def start(self, env_vars):
        config = self.function_version.config
        bootstrap = Path(config.code.get_unzipped_code_location()) / "bootstrap"
        bootstrap.chmod(bootstrap.stat().st_mode | stat.S_IXUSR)
        environment = {name: str(value) for name, value in env_vars.items()}
        self.function = emulator.Emulator(bootstrap, config.timeout, **environment).__enter__()

    def stop(self):
        # Not before the invocation that is under way has its end.
        with self.lock:
            if self.function:
                self.function.__exit__()
                self.function = None

    def invoke(self, payload):
        with self.lock:
            answer = self.function.invoke((payload["payload"] or "null").encode())
            output = self.function.process.out()
        new, self.told = output[self.told :], len(output)
        failed = answer.error_type is not None or "not JSON" in answer.body
        body = json.dumps(answer.body) if failed else answer.text
        return lambda_models.InvocationResult(payload["invoke-id"], body.encode(), is_error=failed, logs=new)

    def get_address(self):
        return "127.0.0.1"

    def get_endpoint_from_executor(self):
        return "127.0.0.1"

    def get_runtime_endpoint(self):
        return ""

    def get_logs(self):
        return ""


runtime_executor.get_runtime_executor = lambda: Sandbox

# Their modules take the name above when they are imported, so not before.
from localstack.aws.connect import connect_to
from localstack.services.lambda_.invocation import execution_environment, lambda_models, models
from localstack.services.lambda_.invocation.lambda_service import LambdaService
from localstack.services.lambda_.provider import LambdaProvider

pool = concurrent.futures.ThreadPoolExecutor(32)
invoke_once = LambdaService.invoke


def put_in_place(rie):
    emulator.rie = lambda: rie
    LambdaService.invoke = invoke
    # It refuses a bucket as the destination of failed events, which Lambda takes.
    LambdaProvider._validate_destination_config = lambda *_arguments: None
    # It writes the function's own log into /aws/lambda/..., whatever LoggingConfig says.
    execution_environment.ExecutionEnvironment.get_log_group_name = lambda self: self.function_version.config.logging_config["LogGroup"]


def invoke(service, **call):
    """As an event, or for an answer. LocalStack keeps events for a version of a function, and loses them when there is another."""
    if call["invocation_type"] == "Event":
        pool.submit(invoke_as_event, service, call | {"invocation_type": "RequestResponse"})
        return None
    return invoke_patiently(service, call)


def invoke_patiently(service, call):
    """During an update LocalStack's old version may be gone and the new one not there yet. In Lambda one of them always is."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return invoke_once(service, **call)
        except Exception as error:
            if time.monotonic() > end or type(error).__name__ == "ResourceNotFoundException":
                raise
            time.sleep(TICK)


def invoke_as_event(service, call):
    """With retries, and in the end with a record in the bucket of failed events."""
    function = models.lambda_stores[call["account_id"]][call["region"]].functions[call["function_name"]]
    config = function.event_invoke_configs["$LATEST"]
    for attempt in range(1 + config.maximum_retry_attempts):
        time.sleep(attempt * RETRY_SECONDS)
        result = invoke_patiently(service, call)
        if not result.is_error:
            return
    now = datetime.datetime.now(datetime.UTC)
    # Form and key: AWS, Lambda Developer Guide, "Capturing records of Lambda asynchronous invocations".
    record = {
        "version": "1.0", "timestamp": f"{now:%Y-%m-%dT%H:%M:%S}.000Z",
        "requestContext": {
            "requestId": call["request_id"], "functionArn": function.latest().qualified_arn,
            "condition": "RetriesExhausted", "approximateInvokeCount": attempt + 1,
        },
        "requestPayload": json.loads(call["payload"]),
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": json.loads(result.payload),
    }
    bucket = config.destination_config["OnFailure"]["Destination"].rpartition(":")[2]
    key = f"aws/lambda/async/{call['function_name']}/{now:%Y/%m/%d}/{now:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
    s3 = connect_to(aws_access_key_id=call["account_id"], region_name=call["region"]).s3
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(record).encode())
