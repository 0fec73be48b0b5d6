"""Messages of the queue of undelivered logs as other versions of podferry write them.

Forms: crates/forwarder/src/delivery/undelivered.rs (schema 1) and waiting.rs (schema 2).
"""

import base64
import dataclasses
import gzip
import json
import time

from . import events


@dataclasses.dataclass(frozen=True)
class Message:
    body: str
    # Of the logs in it, where they can be read.
    ids: tuple = ()
    # Why it is a dead letter, where not. One of these: which it is depends on what the version knows.
    reasons: tuple = ()


def readable():
    """What every version since the first can read, and sends."""
    return (
        # As the first version wrote it: without the times of saving and of the next attempt.
        logs_message("first", gzipped, version="0.1.0"),
        # A log that is smaller as it is.
        logs_message("first-plain", plain, version="0.1.0"),
        # Within a schema the head only gains members. What a version does not know of them is passed over.
        logs_message("newer", gzipped, version="9.9.9", saved_ms=now(), not_before_ms=None, priority="high", route={"by": "another way"}),
    )


def unreadable():
    """What has to be kept for another version, as it is."""
    waiting = {"schema": 2, "kind": "metadata", "version": "9.9.9", "events": 1, "first_ms": now(), "last_ms": now(), "since_ms": now(), "rounds": 1}
    waiting["reason"] = "MetadataUnknown"
    event = json.loads(events.plain(["not to be sent without the masks of its pod"])[0])["awslogs"]["data"]
    return (
        # A form that no version knows yet.
        dataclasses.replace(logs_message("next", gzipped, schema=3, version="9.9.9"), ids=(), reasons=("EventMessageInvalid",)),
        # An event that waits for the metadata of its pod, where the stack does not read such. The versions before do not know it at all.
        Message(written({"podferry": waiting, "data": event}), reasons=("EventMetadataOff", "EventMessageInvalid")),
    )


def logs_message(name, packed, schema=1, **head):
    logs = [
        {"message": f"{name} {number}", "id": f"message-{name}-{number}", "timestamp": now(), "ddsource": "api", "service": "api", "ddtags": "env:prod"}
        for number in range(2)
    ]
    encoding, rest = packed(logs)
    podferry = {"schema": schema, "logs": len(logs), "first_ms": now(), "last_ms": now(), "attempts": 1, "reason": "IntakeAnswered503"}
    return Message(written({"podferry": podferry | head | {"encoding": encoding}, **rest}), ids=tuple(log["id"] for log in logs))


def gzipped(logs):
    return "gzip", {"data": base64.b64encode(gzip.compress(written(logs).encode())).decode()}


def plain(logs):
    return "json", {"payload": logs}


def written(value):
    return json.dumps(value, separators=(",", ":"))


def now():
    return int(time.time() * 1000)
