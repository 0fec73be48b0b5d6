"""AWS's services on loopback: moto, and a door before it that notes which calls came and checks their signatures.

moto takes any signature and does not say what it was asked, so the function goes through the door.
"""

import contextlib
import dataclasses
import http.client
import json
import re
import sys
import tempfile
import threading
from pathlib import Path

from .loopback import Loopback, reply
from .processes import start_listening

# What the function is given, as Lambda would.
ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN = "AKIDEXAMPLE", "secret-access-key-of-the-test", "session-token-of-the-test"


class Moto:
    """`moto_server`; `reset` makes it forget everything, `put_forward` lets the queues think that time has passed."""

    def __init__(self):
        self.port, self.process = 0, None
        self.folder = tempfile.TemporaryDirectory(prefix="podferry-e2e-")
        self.clock, self.ahead, self.lock = Path(self.folder.name) / "clock", 0, threading.RLock()
        self.clock.write_text("0")

    def __enter__(self):
        def command(port):
            return [sys.executable, Path(__file__).parent / "moto_clock.py", self.clock, "-H", "127.0.0.1", "-p", port]

        self.port, self.process = start_listening(command, {"PATH": "/usr/bin:/bin"}, 60, "moto's port")
        return self

    def __exit__(self, *_exception):
        self.process.stop()
        self.folder.cleanup()

    def put_forward(self, seconds):
        with self.lock:
            self.ahead += seconds
            # In one step: it may be read at any time.
            new = self.clock.with_suffix(".new")
            new.write_text(str(self.ahead))
            new.replace(self.clock)

    @contextlib.contextmanager
    def clock_held(self):
        """Nobody else puts the clock forward meanwhile."""
        with self.lock:
            yield

    def client(self, service, region="us-east-1"):
        import boto3

        return boto3.client(
            service, region_name=region, endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id="setup", aws_secret_access_key="setup",
        )

    def reset(self):
        self.post("/moto-api/reset", b"", {})

    def post(self, path, body, headers):
        return self.send("POST", path, body, headers)

    def send(self, method, path, body, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.getheader("Content-Type", ""), response.read()
        finally:
            connection.close()


@dataclasses.dataclass
class Call:
    """A call as it came through the door."""

    operation: str
    service: str
    region: str
    request: dict
    is_signed: bool
    status: int


class Door(Loopback):
    """Hands calls on to moto, and keeps them. Those to a service of `closed` are answered with 503 instead."""

    def __init__(self, moto):
        super().__init__()
        self.moto = moto
        self.calls = []
        self.closed = set()

    def answer(self, handler, body):
        headers = {name.lower(): value for name, value in handler.headers.items()}
        credential = re.search(r"Credential=[^/]*/\d+/([^/]+)/([^/]+)/aws4_request", headers.get("authorization", ""))
        region, service = credential.groups() if credential else ("", "")
        if service in self.closed:
            status, kind, answer = 503, "application/x-amz-json-1.0", b'{"__type":"ServiceUnavailable"}'
        else:
            status, kind, answer = self.moto.send(handler.command, handler.path, body, headers)
        operation = headers.get("x-amz-target", handler.command).rpartition(".")[2]
        signed = is_signed(handler.command, headers, handler.path, body, region, service)
        self.calls.append(Call(operation, service, region, json.loads(body or "{}"), signed, status))
        reply(handler, status, kind, answer)

    def operations(self):
        return [call.operation for call in self.calls]


def is_signed(method, headers, path, body, region, service):
    """Whether the signature is the one that AWS's own library computes for the request, and covers what it should."""
    from botocore.auth import S3SigV4Auth, SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    found = re.search(r"Credential=([^/]+)/.*SignedHeaders=([^,]+), *Signature=([0-9a-f]{64})$", headers.get("authorization", ""))
    if not found:
        return False
    access_key_id, names, signature = found[1], found[2].split(";"), found[3]
    own = "x-amz-content-sha256" if service == "s3" else "x-amz-target"
    if access_key_id != ACCESS_KEY_ID or not {"host", "x-amz-date", "x-amz-security-token", own} <= set(names):
        return False
    request = AWSRequest(
        method, url=f"http://{headers['host']}{path}", data=body,
        headers={name: headers[name] for name in names if name != "host"},
    )
    request.context["timestamp"] = headers["x-amz-date"]
    # The paths of S3 are signed as they are.
    kind = S3SigV4Auth if service == "s3" else SigV4Auth
    signer = kind(Credentials(ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN), service, region)
    expected = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    return headers["x-amz-security-token"] == SESSION_TOKEN and signature == expected
