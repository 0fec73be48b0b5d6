"""The forwarder under AWS's Runtime Interface Emulator, which comes with the SAM CLI.

It has Lambda's deadlines, kills a function that overruns its time, and starts it again. A function's error is answered with
HTTP 200, so only the body counts. It takes one request at a time.
"""

import dataclasses
import importlib.util
import json
import os
import platform
import re
import time
import urllib.error
import urllib.request
from pathlib import Path

from .processes import descendants, free_port, start_listening

FUNCTION_NAME = "forwarder"


def rie():
    """The emulator's binary; `None` if it is not installed."""
    package = importlib.util.find_spec("samcli")
    if package is None:
        return None
    processor = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    binary = Path(package.submodule_search_locations[0]) / "local" / "rapid" / f"aws-lambda-rie-{processor}"
    return binary if binary.is_file() else None


@dataclasses.dataclass
class Answer:
    text: str
    seconds: float

    @property
    def body(self):
        try:
            return json.loads(self.text)
        except ValueError:
            return {"not JSON": self.text}

    @property
    def error_type(self):
        return self.body.get("errorType")

    @property
    def message(self):
        return self.body.get("errorMessage", "")


class Emulator:
    """One sandbox, with nothing in its environment but what is given. `function` is a program, or what runs it and the program."""

    def __init__(self, function, timeout=30, **environment):
        before, self.function = function if isinstance(function, tuple) else ((), function)
        self.before, self.function = before, Path(self.function).resolve()
        self.environment = {
            "PATH": "/usr/bin:/bin",
            "AWS_LAMBDA_FUNCTION_NAME": FUNCTION_NAME,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_REGION": "us-east-1",
        } | environment
        self.process = None
        self.port = 0

    def __enter__(self):
        def command(port):
            addresses = ["--runtime-interface-emulator-address", f"127.0.0.1:{port}", "--runtime-api-address", f"127.0.0.1:{free_port()}"]
            return [rie(), "--log-level", "debug", *addresses, *self.before, self.function]

        self.port, self.process = start_listening(command, self.environment, 10, "the emulator's port")
        return self

    def __exit__(self, *_exception):
        self.process.stop()

    def invoke(self, event):
        url = f"http://127.0.0.1:{self.port}/2015-03-31/functions/function/invocations"
        started = time.monotonic()
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data=event), timeout=60) as response:
                text = response.read().decode()
        except urllib.error.HTTPError as error:
            # The answer where the function did not start.
            text = error.read().decode()
        return Answer(text, time.monotonic() - started)

    def output(self):
        """What the function wrote, and what the emulator says of it."""
        return self.process.out() + self.process.err()

    def was_killed(self):
        return "timed out" in self.output() or "Reset initiated: Timeout" in self.output()

    def init_milliseconds(self):
        found = re.search(r"INIT REPORT\(durationMs: ([0-9.]+)", self.output())
        return float(found[1]) if found else None

    def pid(self):
        """The function's process; `None` if there is none."""
        for pid, _ in descendants(self.process.popen.pid):
            try:
                if Path(os.readlink(f"/proc/{pid}/exe")) == self.function:
                    return pid
                # What runs it is the program then, and has the function among its arguments.
                if self.before and os.fsencode(self.function) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                    return pid
            except OSError:
                continue
        return None

    def peak_memory(self):
        """The most memory that the function's process ever held, in bytes."""
        status = Path(f"/proc/{self.pid()}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024
