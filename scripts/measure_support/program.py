"""A forwarder as a process, between a runtime API and an intake that live in this program, and what it takes of the machine."""

import base64
import contextlib
import gzip
import json
import os
import queue
import subprocess
import tempfile
import time
from pathlib import Path

from e2e_support.loopback import Loopback, reply

# An event of 100,000 logs takes a slow peer on a busy machine minutes.
PATIENCE = 600
# What CloudWatch Logs compresses with is not said; 6 is gzip's own default.
GZIP_LEVEL = 6


class Stopped(Exception):
    """The forwarder ended, or said nothing for too long."""


class RuntimeApi(Loopback):
    """Lambda's runtime API: AWS, "Using the Lambda runtime API for custom runtimes"."""

    def __init__(self):
        super().__init__()
        self.events, self.calls = queue.Queue(), queue.Queue()

    def answer(self, handler, body):
        if handler.path.endswith("/invocation/next"):
            self.calls.put(("next", time.monotonic(), b""))
            event = self.events.get()
            if event is not None:
                reply(
                    handler, 200, "application/json", event,
                    Lambda_Runtime_Aws_Request_Id="8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                    Lambda_Runtime_Deadline_Ms=str(int((time.time() + PATIENCE) * 1000)),
                    Lambda_Runtime_Invoked_Function_Arn="arn:aws:lambda:eu-west-1:111122223333:function:forwarder",
                    Lambda_Runtime_Trace_Id="Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
                )
            return
        kind = "error" if handler.path.endswith("/error") else "response"
        # Noted first: the next request may come before this thread goes on.
        self.calls.put((kind, time.monotonic(), body))
        reply(handler, 202, "application/json", b"{}")


class Intake(Loopback):
    """Takes whatever comes, and keeps it."""

    def __init__(self):
        super().__init__()
        self.bodies = []

    def answer(self, handler, body):
        if handler.command == "POST":
            self.bodies.append((handler.headers.get("Content-Encoding", ""), body))
            reply(handler, 202, "application/json", b"{}")
        else:
            # Datadog's forwarder asks whether its key is valid.
            reply(handler, 200, "application/json", b'{"valid":true}')


class Program:
    """Use it with `with`. It runs in a process of its own and is ended at the end."""

    def __init__(self, command, variables, is_peer=False):
        self.command, self.variables, self.is_peer = command, variables, is_peer

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        self.api, self.intake = self.stack.enter_context(RuntimeApi()), self.stack.enter_context(Intake())
        # Before the servers end, so that nothing waits for them.
        self.stack.callback(self.stop)
        self.output = self.stack.enter_context(tempfile.TemporaryFile())
        environment = {
            **(os.environ if self.is_peer else {}),
            "AWS_LAMBDA_RUNTIME_API": self.api.url.removeprefix("http://"),
            "AWS_LAMBDA_FUNCTION_NAME": "forwarder", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
            "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1",
            "DD_API_KEY": "0123456789abcdef0123456789abcdef",
            **(self.as_datadogs() if self.is_peer else {"DD_URL": self.intake.url}),
            **self.variables,
        }
        self.started = time.monotonic()
        try:
            self.process = subprocess.Popen(
                self.command, env=environment, stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT
            )
            self.to_next = self.wait("next")[0] - self.started
        except BaseException:
            self.stack.close()
            raise
        return self

    def as_datadogs(self):
        """What DataDog/datadog-serverless-functions wants to send in the clear to this place; the rest as its template has it."""
        host, port = self.intake.url.removeprefix("http://").split(":")
        return {
            "DD_URL": host, "DD_PORT": port, "DD_NO_SSL": "true", "DD_API_URL": self.intake.url, "DD_FETCH_LAMBDA_TAGS": "false",
            "DD_FETCH_LOG_GROUP_TAGS": "false", "DD_ENHANCED_METRICS": "false", "DD_TRACE_ENABLED": "false", "DD_LOG_LEVEL": "WARN",
        }

    def __exit__(self, *_exception):
        self.stack.close()

    def stop(self):
        process = getattr(self, "process", None)
        if process and process.poll() is None:
            process.kill()
            process.wait()
        self.api.events.put(None)

    def wait(self, wanted):
        """The next call of the forwarder, which has to be this one: when it came, and its body."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                kind, at, body = self.api.calls.get(timeout=0.2)
            except queue.Empty:
                if self.process.poll() is None and time.monotonic() < end:
                    continue
                self.output.seek(0)
                words = self.output.read().decode(errors="replace")[-1500:]
                raise Stopped(f"{self.command[0]} ended or is silent; its last words: {words}") from None
            if kind != wanted:
                raise Stopped(f"{self.command[0]} answered with {kind}: {body[:500]!r}")
            return at, body

    def invoke(self, event):
        """The seconds that it takes on a processor for an event, from asking for it to asking for the next, and what the intake got."""
        self.intake.bodies.clear()
        before = self.processor_seconds()
        self.api.events.put(event)
        self.wait("response")
        self.wait("next")
        return self.processor_seconds() - before, list(self.intake.bodies)

    def processor_seconds(self):
        """What the scheduler has counted for all threads of the process, those that have ended too, to the nanosecond.

        The number of a process's clock: Linux, include/linux/posix-timers_types.h, `make_process_cpuclock` with CPUCLOCK_SCHED.
        """
        return time.clock_gettime((~self.process.pid << 3) | 2)

    def peak_bytes(self):
        """The most that was ever resident."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        return 0


def packed(content):
    """The event of some content, and its data."""
    data = base64.b64encode(gzip.compress(content, GZIP_LEVEL))
    return json.dumps({"awslogs": {"data": data.decode()}}).encode(), data
