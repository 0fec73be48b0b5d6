"""Stand-ins for Datadog's log intake: one that misbehaves on demand, and `podferry intake`."""

import dataclasses
import gzip
import json
import re
import threading

from .loopback import Loopback, reply
from .processes import Process

# For a request that is never answered, in the place of a status.
SILENCE = None


@dataclasses.dataclass
class Arrival:
    """A request as it came."""

    path: str
    key: str
    items: list
    status: object = SILENCE


class Intake(Loopback):
    """Answers what `behave` says of a request: a status, or SILENCE. It reads gzip and plain text, not zstd."""

    def __init__(self, behave=lambda arrival: 202):
        super().__init__()
        self.behave = behave
        self.arrivals = []
        self.lock = threading.Lock()
        self.ends = threading.Event()

    def __exit__(self, *exception):
        self.ends.set()
        super().__exit__(*exception)

    def read(self, handler, body):
        """A request, with what is to become of it."""
        if handler.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        items = json.loads(body)
        # An object only asks whether the key is accepted.
        arrival = Arrival(handler.path, handler.headers.get("DD-API-KEY", ""), items if isinstance(items, list) else [])
        # One after the other: what a behaviour changes, it changes once.
        with self.lock:
            self.arrivals.append(arrival)
            arrival.status = self.behave(arrival)
        return arrival

    def answer(self, handler, body):
        arrival = self.read(handler, body)
        if arrival.status is SILENCE:
            self.ends.wait()
            handler.close_connection = True
        else:
            reply(handler, arrival.status, "application/json", b"{}")

    def accepted(self):
        """The logs of all requests that were answered with 202."""
        with self.lock:
            return [item for arrival in self.arrivals if arrival.status == 202 for item in arrival.items]

    def keys(self):
        """The API keys, in the order of arrival."""
        with self.lock:
            return [arrival.key for arrival in self.arrivals]


class PodferryIntake:
    """`podferry intake --output json`, which accepts all that is in order and prints every log."""

    def __init__(self, podferry):
        self.process = Process([podferry, "intake", "--output", "json", "--listen", "127.0.0.1:0"], {"PATH": "/usr/bin:/bin"})
        self.read = 0
        self.url = ""

    def __enter__(self):
        try:
            self.process.wait_for(lambda: "DD_URL=" in self.process.err(), 10, "its address")
            self.url = re.search(r"DD_URL=(\S+)", self.process.err())[1]
        except BaseException:
            self.process.stop()
            raise
        return self

    def __exit__(self, *_exception):
        self.process.stop()

    def new(self):
        """The logs that came since the last call. It prints them before it answers, so none is missing."""
        lines = self.process.out().splitlines()
        new, self.read = lines[self.read :], len(lines)
        return [json.loads(line) for line in new]


def tags(item):
    """The tags of a log: a name may have several values."""
    found = {}
    for tag in item["ddtags"].split(","):
        name, _, value = tag.partition(":")
        found.setdefault(name, set()).add(value)
    return found
