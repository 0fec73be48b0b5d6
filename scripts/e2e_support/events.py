"""Events as CloudWatch Logs sends them: out of the corpus, and made up after its shapes."""

import base64
import calendar
import gzip
import itertools
import json
import random
import re
import time
from pathlib import Path

CORPUS = Path(__file__).resolve().parent.parent.parent / "tests" / "fixtures" / "corpus"


# A function that is warm does not send a log a second time, so no two events have the same ids.
NUMBERS = itertools.count(1)

# As CloudWatch and as the container runtime write them.
OF_CLOUDWATCH = re.compile(r'(?<!\\)"timestamp":(\d{10})(\d{3})')
OF_RUNTIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9}Z)")
RUNTIME_FORMAT = "%Y-%m-%dT%H:%M:%S"


def from_corpus(name):
    """An event of the corpus as if it came at this moment: its times are moved to now, and its ids are new."""
    event = content((CORPUS / f"{name}.event.json").read_bytes())
    for each in event["logEvents"]:
        each["id"] = new_id(each["id"])
    text = written(event)
    shift = int(time.time()) - max(int(found[1]) for found in OF_CLOUDWATCH.finditer(text))
    text = OF_CLOUDWATCH.sub(lambda found: f'"timestamp":{int(found[1]) + shift}{found[2]}', text)
    text = OF_RUNTIME.sub(lambda found: moved(found[1], shift) + found[2], text)
    return packed(text.encode())


def new_id(old):
    return f"{next(NUMBERS):09}{old[9:]}"


def moved(runtime_time, seconds):
    old = calendar.timegm(time.strptime(runtime_time, RUNTIME_FORMAT))
    return time.strftime(RUNTIME_FORMAT, time.gmtime(old + seconds))


def written(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


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


def plain(texts, ahead=0):
    """An event of a stream that says nothing of a pod: a log of each text, so many seconds ahead. And the ids, in order."""
    now = int((time.time() + ahead) * 1000)
    logs = [{"id": new_id(f"{number:056}"), "timestamp": now, "message": text} for number, text in enumerate(texts)]
    frame = {
        "messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "my-app", "logStream": "a-stream",
        "subscriptionFilters": ["podferry"], "logEvents": logs,
    }
    return packed(written(frame).encode()), [log["id"] for log in logs]


def many(name, logs=None, inflated_bytes=None):
    """An event like that of the corpus, but longer: so many logs, or so many bytes once inflated.

    Every record says something a little different, as in life; the same call makes the same event but for ids and times.
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
        event = {"id": new_id(f"{3 * 10**55 + number}"), "timestamp": start, "message": written(record)}
        events.append(event)
        # In the event, the record is a string in JSON: its quotes count twice.
        size += len(written(event).encode()) + 1
    whole = written(original | {"logEvents": events}).encode()
    return packed(whole), len(whole)
