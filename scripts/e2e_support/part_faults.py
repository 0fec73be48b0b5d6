"""The fault matrix with the real queues' protocol: the forwarder under AWS's Runtime Interface Emulator, SQS, S3 and the secret
in moto, and what comes out of the queues taken by boto3.

The faults are those of crates/forwarder/tests/deadlines/faults, which has no moto, and the outcome has to be that of docs/reliability.md, row by row.
After it come the back-off, the redrive policy, failed events that wait in a bucket, and batches of which a part cannot be read.
"""

import collections
import concurrent.futures
import contextlib
import dataclasses
import itertools
import json
import os
import signal
import socket
import struct
import time
from pathlib import Path

from . import events
from .aws import ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN, Door, Moto
from .emulator import Emulator
from .intakes import Intake
from .loopback import reply
from .processes import until
from .queues import REGION, Queues, logs

DOCS = Path(__file__).resolve().parent.parent.parent / "docs" / "reliability.md"
HEAD = "| fault | event | sent | accepted | queued | dead | Lambda has it | lost | twice | s |"

# Most of a row's time is waiting.
ROWS_AT_ONCE = 6
# How many logs a payload carries; of so many payloads one is hit, where the fault is an answer to a payload.
PAYLOAD, EVERY = 1000, 4
# The place of the log that a firewall dislikes.
DISLIKED = 3


@dataclasses.dataclass(frozen=True)
class Size:
    name: str
    logs: int
    timeout: int

    @property
    def payloads(self):
        return -(-self.logs // PAYLOAD)


SIZES = (Size("5 logs", 5, 3), Size("20 payloads", 20 * PAYLOAD, 10))


@dataclasses.dataclass(frozen=True)
class Fault:
    name: str
    # What is done with a payload that is hit.
    status: int = 202
    retry_after: str = ""
    # Only the first time that a payload is sent.
    once: bool = False
    does: str = ""
    # Whether the function is told of all that the intake takes.
    told: bool = True
    # How far ahead the logs' times are, in seconds.
    ahead: int = 0


FAULTS = (
    Fault("202"),
    Fault("200 with a page of HTML", 200, does="page"),
    Fault("302", 302),
    Fault("400", 400),
    Fault("401, then the key that was rotated", 401, does="rotate"),
    Fault("403, the key is wrong", 403, does="wrong key"),
    Fault("403 for one log", 403, does="dislike"),
    Fault("404", 404),
    Fault("408", 408),
    Fault("413 until it is split", 413, does="split"),
    Fault("415, then gzip", 415, does="gzip only"),
    Fault("429, `Retry-After: 1`, then 202", 429, "1", once=True),
    Fault("429, `Retry-After: 60`", 429, "60"),
    Fault("429 without `Retry-After`", 429),
    Fault("500", 500),
    Fault("502", 502),
    Fault("503", 503),
    Fault("503, then 202", 503, once=True),
    Fault("503, `Retry-After: 3600`", 503, "3600"),
    Fault("reset before the request is read", does="reset before"),
    Fault("reset after the body, not taken", 0, does="reset"),
    Fault("reset after the body, taken", once=True, does="reset", told=False),
    Fault("taken, and never answered", does="silence", told=False),
    Fault("slow drip, in time", does="fast drip"),
    Fault("slow drip, not in time", does="slow drip", told=False),
    Fault("DNS: no such host", does="dns"),
    Fault("TLS: no TLS there", does="tls"),
    Fault("503, and the queue is down", 503, does="queue down"),
    Fault("process killed in mid-send", 0, does="kill", told=False),
    Fault("the logs' clock is 9 h ahead", ahead=9 * 3600),
)

# Faults that are told by how long something takes: a slow machine makes another fault of them.
TIMED = ("taken, and never answered", "slow drip, in time", "slow drip, not in time")
# Several times as slow, so several times as long.
EMULATED_PATIENCE = 4

# How far ahead a log may be, in seconds: the intake answers 202 to others, and drops them. Source: Datadog, "Log Date Remapper".
MOST_AHEAD = 2 * 3600

# Seconds before each byte of an answer.
DRIP = {"fast drip": 0.002, "slow drip": 0.2}


class FaultyIntake(Intake):
    def __init__(self, fault, places):
        super().__init__(self.judge)
        self.fault, self.places, self.is_well = fault, places, False
        self.valid_key = None
        self.seen = collections.Counter()

    def take(self, handler):
        if self.fault.does == "reset before" and not self.is_well:
            # To close with nothing left to say: a reset.
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.close_connection = True
            return
        super().take(handler)

    def judge(self, arrival):
        """What becomes of a request, as a status; 0 if it is not taken and not answered."""
        fault, first = self.fault, self.first(arrival)
        self.seen[first] += 1
        if self.valid_key and arrival.key != self.valid_key:
            return fault.status
        is_hit = self.is_hit(arrival)
        if self.is_well or not is_hit or fault.does in ("rotate", "wrong key") or fault.once and self.seen[first] > 1:
            return 202
        if fault.does == "split" and len(arrival.items) * 2 <= min(len(self.places), PAYLOAD):
            return 202
        return fault.status

    def answer(self, handler, body):
        does = self.fault.does if not self.is_well else ""
        if does == "gzip only" and handler.headers.get("Content-Encoding") != "gzip":
            # Nobody here can read it.
            reply(handler, self.fault.status, "application/json", b"{}")
            return
        # Only this is told by the status: what is done with the connection is told by the fault.
        arrival = self.read(handler, body)
        first = self.first(arrival)
        is_hit = not self.is_well and self.is_hit(arrival) and not (self.fault.once and self.seen[first] > 1)
        if does == "reset" and is_hit:
            handler.close_connection = True
        elif does in ("silence", "kill") and is_hit:
            self.ends.wait()
            handler.close_connection = True
        elif does in DRIP:
            self.drip(handler, DRIP[does])
        elif does == "page" and is_hit:
            reply(handler, arrival.status, "text/html", b"<!DOCTYPE html><html><title>Sign in</title></html>")
        else:
            headers = {"Retry_After": self.fault.retry_after} if self.fault.retry_after and arrival.status != 202 else {}
            reply(handler, arrival.status, "application/json", b"{}", **headers)

    def first(self, arrival):
        """The place of its first log, if it holds any."""
        return self.places.get(arrival.items[0]["id"], 0) if arrival.items else -1

    def is_hit(self, arrival):
        """Whether the fault is what is answered to it."""
        if self.fault.does == "gzip only" or not arrival.items:
            return False
        if self.fault.does == "dislike":
            return any(self.places.get(item["id"]) == DISLIKED for item in arrival.items)
        return self.first(arrival) // PAYLOAD % EVERY == 0

    def drip(self, handler, seconds):
        for byte in b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}":
            if self.ends.wait(seconds):
                break
            handler.wfile.write(bytes([byte]))

    def counts(self):
        """How often each log was accepted, of those that the row is about."""
        most = (time.time() + MOST_AHEAD) * 1000
        taken = (item for item in self.accepted() if item.get("timestamp", 0) <= most)
        return collections.Counter(item["id"] for item in taken if item["id"] in self.places)


class Row:
    """One event under one fault."""

    def __init__(self, binaries, moto, fault, size, patience=1):
        self.binaries, self.moto, self.fault, self.size, self.patience = binaries, moto, fault, size, patience
        self.name = f"faults: {fault.name}, {size.name}"
        self.key = (fault.name, size.name)
        self.results = []
        self.cells, self.seconds, self.has_lost = "", 0.0, False

    def that(self, what, holds, otherwise=""):
        self.results.append((f"{self.name}: {what}", bool(holds), otherwise))

    def same(self, what, found, wanted):
        self.that(what, found == wanted, f"wanted {wanted}, found {found}")

    def run(self):
        """Plays the row."""
        try:
            self.play()
        except Exception as error:
            self.that("runs to its end", False, f"{type(error).__name__}: {error}")
        return self

    def play(self):
        fault, size = self.fault, self.size
        event, ids = events.plain((f"log {number}" for number in range(size.logs)), fault.ahead)
        name = f"row-{FAULTS.index(fault)}-{SIZES.index(size)}-{self.patience}"
        with (
            FaultyIntake(fault, {each: place for place, each in enumerate(ids)}) as intake,
            Door(self.moto) as door,
            contextlib.ExitStack() as stack,
        ):
            queues = Queues(self.moto, name)
            environment = queues.variables() | settings(intake.url, door)
            if fault.does in ("rotate", "wrong key"):
                secrets = self.moto.client("secretsmanager", REGION)
                arn = secrets.create_secret(Name=name, SecretString="first")["ARN"]
                environment = {**environment, "DD_API_KEY_SECRET_ARN": arn}
                intake.valid_key = "second"
            if fault.does == "gzip only":
                environment["DD_COMPRESSION"] = "zstd"
            environment["DD_URL"] = {"dns": "http://intake.invalid", "tls": intake.url.replace("http:", "https:")}.get(fault.does, intake.url)
            if fault.does == "queue down":
                door.closed = {"sqs"}
            function = stack.enter_context(Emulator(self.binaries.function, timeout=size.timeout * self.patience, **environment))
            if fault.does == "rotate":
                # The function holds the first key when it is changed.
                intake.valid_key = "first"
                function.invoke(events.plain(["before"])[0])
                intake.valid_key = "second"
                secrets.put_secret_value(SecretId=arn, SecretString="second")

            if fault.does == "kill":
                answer = self.kill_in_mid_send(function, intake, event)
            else:
                answer = function.invoke(event)
            self.seconds = answer.seconds
            is_lambdas = "errorType" in answer.body
            accepted = intake.counts()
            door.closed = set()
            queued, dead = queues.take(queues.undelivered), queues.take(queues.dead)
            in_queue = {log["id"] for message in queued for log in logs(message)}
            in_dead = {log["id"] for message in dead for log in logs(message)}
            self.that("nothing is killed by its timeout", not function.was_killed(), function.output()[-500:])
            lost = [each for each in ids if not (each in accepted or each in in_queue or each in in_dead or is_lambdas)]
            self.has_lost = bool(lost)
            self.same("nothing is lost", lost[:5], [])
            if fault.told:
                self.same("nothing that was accepted is in a queue", len(accepted.keys() & (in_queue | in_dead)), 0)
            sizes = [len(message["Body"]) for message in queued + dead]
            self.that("no message is larger than any queue takes", all(each <= 262_144 for each in sizes), sizes)

            # All is well again.
            intake.is_well, intake.valid_key = True, None
            if fault.does in ("dns", "tls"):
                function = stack.enter_context(Emulator(self.binaries.function, timeout=60, **environment | {"DD_URL": intake.url}))
            if is_lambdas:
                again = function.invoke(event)
                self.that("Lambda's next attempt succeeds", "errorType" not in again.body, again.text)
            queues.drain(function, queued)
            known = {message["MessageId"] for message in dead}
            more = [message for message in queues.take(queues.dead) if message["MessageId"] not in known]
            self.same("nothing more becomes a dead letter", more, [])
            queues.redrive(dead)
            queues.drain(function)
            arrived = intake.counts()
            twice = [each for each, count in arrived.items() if count > 1]
            self.same("each log arrives in the end", len(arrived), size.logs)
            if fault.told:
                self.same("and none twice", len(twice), 0)
            self.that("every call is signed as botocore would", all(call.is_signed for call in door.calls), [call for call in door.calls if not call.is_signed][:1])
            numbers = [size.logs, len(accepted), len(in_queue), len(in_dead), size.logs if is_lambdas else 0, len(lost), len(twice)]
            self.cells = f"| {fault.name} | {size.name} | {' | '.join(map(str, numbers))} |"

    def kill_in_mid_send(self, function, intake, event):
        """SIGKILL, when all payloads were sent and those that are not hit were answered."""
        hit = -(-self.size.payloads // EVERY)

        def is_mid_send():
            with intake.lock:
                statuses = [arrival.status for arrival in intake.arrivals]
            return len(statuses) == self.size.payloads and statuses.count(202) == self.size.payloads - hit

        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            answer = pool.submit(function.invoke, event)
            until(is_mid_send, 60, "the requests to be under way")
            os.kill(function.pid(), signal.SIGKILL)
            return answer.result()


def settings(url, door):
    # gzip, because Python's own library cannot read zstd.
    return {
        "DD_URL": url, "DD_API_KEY": "k", "DD_COMPRESSION": "gzip", "AWS_ENDPOINT_URL": door.url, "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY, "AWS_SESSION_TOKEN": SESSION_TOKEN,
    }


def run(checks, binaries):
    with checks.scenario("moto"), Moto() as moto:
        matrix(checks, binaries, moto)
        for scenario in (back_off, redrive, failed_events, poison):
            with checks.scenario(scenario.__name__.replace("_", " ")):
                scenario(World(checks, binaries, moto, scenario.__name__.replace("_", "-")))


def matrix(checks, binaries, moto):
    # The small ones first: the large ones take all processors.
    # Under QEMU the large event takes too long for its faults to be what they are.
    sizes, patience = (SIZES[:1], EMULATED_PATIENCE) if binaries.run_by else (SIZES, 1)
    rows = [Row(binaries, moto, fault, size, patience) for size in sizes for fault in FAULTS if not (binaries.run_by and fault.name in TIMED)]
    with concurrent.futures.ThreadPoolExecutor(ROWS_AT_ONCE) as pool:
        list(pool.map(Row.run, rows))
    documented = dict(docs_table())
    # A machine that has much else to do makes answers late that were in time, which is another fault. Then once more, alone, and
    # with more time. A loss is a loss all the same.
    rows = [
        row if row.cells == documented.get(row.key) or row.has_lost else Row(binaries, moto, row.fault, row.size, patience * 4).run()
        for row in rows
    ]
    rows.sort(key=lambda row: (FAULTS.index(row.fault), row.size.logs))
    for row in rows:
        for result in row.results:
            checks.that(*result)
        checks.same(f"{row.name}: as docs/reliability.md says", row.cells, documented.get(row.key))
    if not binaries.run_by:
        checks.same("faults: docs/reliability.md has no other rows", len(documented), len(rows))
    print("\n".join([HEAD, *(f"{row.cells} {row.seconds:.1f} |" for row in rows)]), flush=True)


def docs_table():
    """The rows of the table, without the seconds, by fault and event."""
    lines = iter(DOCS.read_text().splitlines())
    for line in lines:
        if line == HEAD:
            next(lines)
            break
    for line in itertools.takewhile(lambda line: line.startswith("|"), lines):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        yield tuple(cells[:2]), f"| {' | '.join(cells[:-1])} |"


class World:
    """A function with its intake and queues; the intake answers what `status` says."""

    def __init__(self, checks, binaries, moto, name):
        self.checks, self.binaries, self.moto, self.name = checks, binaries, moto, name
        self.status = 202

    @contextlib.contextmanager
    def function(self, **queue_settings):
        queues = Queues(self.moto, self.name, **queue_settings)
        with Intake(lambda arrival: self.status) as intake, Door(self.moto) as door:
            timeout = 2 * (EMULATED_PATIENCE if self.binaries.run_by else 1)
            with Emulator(self.binaries.function, timeout=timeout, **queues.variables(), **settings(intake.url, door)) as function:
                yield function, intake, door, queues
            self.checks.that(f"faults: {self.name}: every call is signed as botocore would", all(call.is_signed for call in door.calls), door.calls)


def hidden(door):
    return [call.request["VisibilityTimeout"] for call in door.calls if call.operation == "ChangeMessageVisibility"]


def back_off(world):
    """Each round a message stays away for twice as long, and SQS sees to it."""
    check = world.checks
    with world.function() as (function, intake, door, queues):
        world.status = 503
        event, ids = events.plain(["a", "b"])
        answer = function.invoke(event)
        check.same("faults: back-off: what the intake does not take is in the queue", (answer.body.get("queued"), answer.error_type), (2, None))
        for seconds in (30, 60, 120, 240):
            # The message was put away for so long, so it is not there before, and is after.
            world.moto.put_forward(seconds - 10)
            check.same(f"faults: back-off: {seconds} s: the message is not there 10 s before", queues.receive(), [])
            world.moto.put_forward(11)
            messages = queues.receive()
            if not check.same(f"faults: back-off: {seconds} s: and is 1 s after", len(messages), 1):
                return
            _, named = queues.hand_out(function, messages)
            check.same(f"faults: back-off: {seconds} s: the function gives it back", named, [messages[0]["MessageId"]])
        check.same("faults: back-off: having hidden it for longer each time", hidden(door), [60, 120, 240, 480])
        world.status = 202
        queues.drain(function)
        check.same("faults: back-off: each log arrives once", sorted(item["id"] for item in intake.accepted()), sorted(ids))


def redrive(world):
    """A message that comes back too often is moved by SQS itself, and says why it is there."""
    check = world.checks
    with world.function(max_receives=3) as (function, intake, door, queues):
        world.status = 503
        event, ids = events.plain(["a", "b"])
        function.invoke(event)
        rounds = queues.drain(function)
        dead = queues.take(queues.dead)
        check.same("faults: redrive: after three rounds the message is in the dead-letter queue", (rounds, len(dead)), (3, 1))
        head = json.loads(dead[0]["Body"])["podferry"]
        said = {name: head[name] for name in ("schema", "logs", "reason")}
        check.same("faults: redrive: and says what it is and why", said, {"schema": 1, "logs": 2, "reason": "IntakeAnswered503"})
        check.same("faults: redrive: with the logs in it", [log["id"] for log in logs(dead[0])], ids)
        # A wrong key is nobody's fault but its own: it goes round as new messages, which SQS has never handed out.
        world.status = 403
        queues.redrive(dead)
        messages = queues.take(queues.undelivered)
        for _ in range(5):
            _, named = queues.hand_out(function, messages)
            messages = queues.take(queues.undelivered)
            counts = [int(message["Attributes"]["ApproximateReceiveCount"]) for message in messages]
            check.same("faults: redrive: a refused key burns no attempts", (named, counts, queues.take(queues.dead)), ([], [1], []))
        world.status = 202
        queues.drain(function, messages)
        check.same("faults: redrive: each log arrives once in the end", sorted(item["id"] for item in intake.accepted()), sorted(ids))


def failed_events(world):
    """Lambda gave an event up: it lies in a bucket, or in the queue; a note or the record itself comes."""
    check = world.checks
    with world.function() as (function, intake, door, queues):
        s3 = world.moto.client("s3", REGION)
        s3.create_bucket(Bucket="failed-events")
        sent = []

        def record(**more):
            event, ids = events.plain(["a", "b", "c"])
            sent.extend(ids)
            context = {"requestId": "x", "condition": "RetriesExhausted", "approximateInvokeCount": 3}
            return json.dumps({"version": "1.0", "requestContext": context, "requestPayload": json.loads(event), **more})

        # S3 writes keys into notes as a form of HTML does.
        key = "aws/lambda/async/forwarder/2026/11/25/a b+c(d)ä"
        s3.put_object(Bucket="failed-events", Key=key, Body=record().encode())
        queues.put(note(key.replace("+", "%2B").replace(" ", "+").replace("ä", "%C3%A4")))
        queues.put(record(responsePayload={"errorType": "LogsUndelivered"}))
        bare, ids = events.plain(["by hand"])
        sent.extend(ids)
        queues.put(bare.decode())
        queues.put(json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "failed-events"}))
        messages = queues.receive()
        _, named = queues.hand_out(function, messages)
        check.same("faults: failed events: four messages of four kinds are done at once", (len(messages), named), (4, []))
        check.same("faults: failed events: each log arrives once", sorted(item["id"] for item in intake.accepted()), sorted(sent))
        check.same("faults: failed events: the object was fetched once", [call.service for call in door.calls], ["s3"])
        # One that is not there is kept as a note, with the reason.
        gone = note("gone")
        queues.put(gone)
        _, named = queues.hand_out(function, queues.receive())
        dead = queues.take(queues.dead)
        reasons = [message["MessageAttributes"]["podferry_reason"]["StringValue"] for message in dead]
        check.same("faults: failed events: a note of an object that is gone is a dead letter", (named, reasons), ([], ["EventObjectMissing"]))
        records = json.loads(dead[0]["Body"])["Records"]
        check.same("faults: failed events: which names the object", records[0]["s3"]["object"]["key"], "gone")
        # S3 does not answer: the message stays.
        door.closed = {"s3"}
        queues.put(note(key))
        messages = queues.receive()
        _, named = queues.hand_out(function, messages)
        check.same("faults: failed events: while S3 is down the message stays", named, [messages[0]["MessageId"]])


def note(key):
    entity = {"bucket": {"name": "failed-events"}, "object": {"key": key}}
    return json.dumps({"Records": [{"eventSource": "aws:s3", "awsRegion": REGION, "eventName": "ObjectCreated:Put", "s3": entity}]})


def poison(world):
    """What cannot be read costs only itself, and lies among the dead letters with its reason."""
    check = world.checks
    with world.function() as (function, intake, _door, queues):
        good, ids = events.plain(["good"])
        no_gzip = '{"awslogs":{"data":"bm8gZ3ppcA=="}}'
        for body in ("nonsense", good.decode(), no_gzip, '{"podferry":{"schema":9}}'):
            queues.put(body)
        messages = queues.receive()
        _, named = queues.hand_out(function, messages)
        check.same("faults: poison: the function names none of a batch of four", (len(messages), named), (4, []))
        check.same("faults: poison: the good one arrives", [item["id"] for item in intake.accepted()], ids)
        dead = {message["MessageAttributes"]["podferry_reason"]["StringValue"]: message["Body"] for message in queues.take(queues.dead)}
        wanted = {"EventNotJson": "nonsense", "EventGzipInvalid": no_gzip, "EventMessageInvalid": '{"podferry":{"schema":9}}'}
        check.same("faults: poison: the others are dead letters, whole, each with its reason", dead, wanted)
