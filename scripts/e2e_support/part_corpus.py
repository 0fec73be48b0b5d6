"""The whole corpus, and events at the limits, through the function as it is: what arrives at the intake is what `podferry preview` shows.

The preview is the same code, built for this machine by another compiler. So a forwarder that was built for another processor is held to it
log by log.
"""

import contextlib
import json
import subprocess
import tempfile
from pathlib import Path

from . import events
from .checks import shortened
from .emulator import Emulator
from .intakes import Intake

SETTINGS = {"DD_CLUSTER_NAME": "blue", "DD_ENV": "staging", "DD_TAGS": "team:e2e"}
# crates/pipeline/src/limits.rs: logs in a request, bytes of one before it is compressed, bytes of a log.
MAX_ITEMS, MAX_PAYLOAD_BYTES, MAX_ITEM_BYTES = 1000, 5_000_000, 1_000_000 - 96
# Of a message that is cut, this much is there in any case. Where exactly it is cut depends on the function's name.
SURELY_KEPT = 900_000
# Nothing in it is escaped.
LETTER = "x"
# Three bytes and three; a cut must not go through one.
SHIP = "⛴️"


def run(checks, binaries):
    # A sandbox remembers what it learned of a pod: each configuration of Fluent Bit, in which the pods are the same, has one for itself.
    for folder, names in corpus().items():
        with checks.scenario(f"corpus: {folder}"), world(binaries) as (function, intake):
            for name in names:
                one_event(checks, binaries, function, intake, f"corpus: {folder}/{name}", events.from_corpus(f"{folder}/{name}"))
    with checks.scenario("corpus: shapes"), world(binaries) as (function, intake):
        for path in sorted((events.CORPUS / "shapes").glob("*.jsonl")):
            event, _ = events.plain([line for line in path.read_text().splitlines() if line])
            one_event(checks, binaries, function, intake, f"corpus: shapes/{path.stem}", event)
    with checks.scenario("limits"), world(binaries) as (function, intake):
        limits(checks, binaries, function, intake)


@contextlib.contextmanager
def world(binaries):
    with Intake() as intake:
        settings = {"DD_URL": intake.url, "DD_API_KEY": "k", "DD_COMPRESSION": "gzip", **SETTINGS}
        with Emulator(binaries.function, **settings) as function:
            yield function, intake


def corpus():
    """The names of its events, by folder."""
    found = {}
    for path in sorted(events.CORPUS.rglob("*.event.json")):
        found.setdefault(path.parent.name, []).append(path.name.removesuffix(".event.json"))
    if not found:
        raise FileNotFoundError("the corpus has no events")
    return found


def one_event(checks, binaries, function, intake, what, event, payloads=None):
    """Returns the logs that arrived."""
    before = len(intake.accepted())
    answer = function.invoke(event)
    came = intake.accepted()[before:]
    arrived = [shown(log) for log in came]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "event.json"
        file.write_bytes(event)
        command = [binaries.podferry, "preview", file, "--output", "json"]
        preview = subprocess.run(command, env={"PATH": "/usr/bin:/bin", **SETTINGS}, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    wanted = [shown(log) for log in json.loads(preview.stdout)]
    # Several payloads are under way at once.
    arrived.sort(key=lambda log: log["id"])
    wanted.sort(key=lambda log: log["id"])
    different = [
        {name: (shortened(one.get(name), 80), shortened(other.get(name), 80)) for name in one.keys() | other.keys() if one.get(name) != other.get(name)}
        for one, other in zip(arrived, wanted)
        if one != other
    ]
    checks.that(
        f"{what}: {len(wanted)} logs arrive as the preview shows them",
        wanted and len(arrived) == len(wanted) and not different,
        f"{len(arrived)} of {len(wanted)} arrived, {len(different)} otherwise: {different[:1]}; {answer.text[:300]}",
    )
    if payloads is not None:
        checks.same(f"{what}: in so many payloads", answer.body.get("payloads"), payloads)
    return came


def shown(log):
    """A log without what names the function, and what its name leaves room for."""
    aws = {name: value for name, value in log["aws"].items() if name != "invoked_function_arn"}
    return log | {"aws": aws, "message": log["message"][:SURELY_KEPT], "ddtags": log["ddtags"].removesuffix(",truncated:true")}


def limits(checks, binaries, function, intake):
    for number, payloads in ((MAX_ITEMS - 1, 1), (MAX_ITEMS, 1), (MAX_ITEMS + 1, 2)):
        event, _ = events.plain([f"log {each}" for each in range(number)])
        one_event(checks, binaries, function, intake, f"limits: {number} logs", event, payloads)
    # What a log has besides its text, in bytes of its JSON.
    [bare] = one_event(checks, binaries, function, intake, "limits: one letter", events.plain([LETTER])[0], 1)
    besides = len(events.written(bare).encode()) - len(LETTER)
    for bytes_of_log in (MAX_ITEM_BYTES - 1, MAX_ITEM_BYTES, MAX_ITEM_BYTES + 1):
        event, _ = events.plain([LETTER * (bytes_of_log - besides)])
        what = f"limits: a log of {bytes_of_log} bytes"
        [log] = one_event(checks, binaries, function, intake, what, event, 1) or [{}]
        is_whole = log.get("message") == LETTER * (bytes_of_log - besides)
        checks.same(f"{what}: it arrives whole", is_whole, bytes_of_log <= MAX_ITEM_BYTES)
    event, _ = events.plain([SHIP * (MAX_ITEM_BYTES // len(SHIP.encode()) + 1)])
    one_event(checks, binaries, function, intake, "limits: a cut between characters", event, 1)
    # Five that fit into a payload to the byte, with brackets and commas; and one byte more.
    each = (MAX_PAYLOAD_BYTES - 2 - 5) // 6
    for more, payloads in ((0, 1), (1, 2)):
        rest = MAX_PAYLOAD_BYTES - 2 - 5 - 5 * each
        event, _ = events.plain([LETTER * (each - besides)] * 5 + [LETTER * (rest - besides + more)])
        one_event(checks, binaries, function, intake, f"limits: a payload of {MAX_PAYLOAD_BYTES + more} bytes", event, payloads)
