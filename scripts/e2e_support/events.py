"""Events as CloudWatch Logs sends them: out of the corpus, and made up after its shapes."""

import base64
import gzip
import json
import random
from pathlib import Path

CORPUS = Path(__file__).resolve().parent.parent.parent / "tests" / "fixtures" / "corpus"


def corpus_file(name):
    return CORPUS / f"{name}.event.json"


def from_corpus(name):
    return corpus_file(name).read_bytes()


def content(event):
    """What is inside an event."""
    return json.loads(gzip.decompress(base64.b64decode(json.loads(event)["awslogs"]["data"])))


def ids(event):
    return [each["id"] for each in content(event)["logEvents"]]


def packed(plain):
    """The event of some text."""
    return around(gzip.compress(plain, 6, mtime=0))


def around(compressed):
    return json.dumps({"awslogs": {"data": base64.b64encode(compressed).decode()}}).encode()


def control():
    """The event that CloudWatch Logs sends to see whether a destination answers."""
    message = {"id": "", "timestamp": 1432826855000, "message": "CWL CONTROL MESSAGE: Checking health of destination."}
    return packed(
        json.dumps(
            {
                "messageType": "CONTROL_MESSAGE",
                "owner": "CloudwatchLogs",
                "logGroup": "",
                "logStream": "",
                "subscriptionFilters": [],
                "logEvents": [message],
            }
        ).encode()
    )


def many(name, logs=None, inflated_bytes=None):
    """An event like that of the corpus, but longer: so many logs, or so many bytes once inflated.

    Every record says something a little different, as in life; the same call makes the same event.
    """
    original = content(from_corpus(name))
    chance = random.Random(name)
    records = [json.loads(each["message"]) for each in original["logEvents"]]
    start = original["logEvents"][0]["timestamp"]
    events, size = [], 0
    while (logs is not None and len(events) < logs) or (inflated_bytes is not None and size < inflated_bytes):
        number = len(events)
        record = dict(records[number % len(records)])
        if "log" in record:
            record["log"] += f" request_id={chance.getrandbits(128):032x} took={chance.uniform(0.1, 900):.3f}ms"
        else:
            record["request_id"] = f"{chance.getrandbits(128):032x}"
        message = json.dumps(record, separators=(",", ":"), ensure_ascii=False)
        event = {"id": f"{3 * 10**55 + number}", "timestamp": start + number, "message": message}
        events.append(event)
        # In the event, the record is a string in JSON: its quotes count twice.
        size += len(json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()) + 1
    whole = json.dumps(original | {"logEvents": events}, separators=(",", ":"), ensure_ascii=False).encode()
    return packed(whole), len(whole)
