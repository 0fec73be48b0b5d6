"""Metadata in records of its own, with moto for CloudWatch Logs: does a sandbox that knows nothing find it, and does it ask as it should?"""

import copy
import json
import secrets

from . import events
from .aws import ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN, Door, Moto
from .emulator import Emulator
from .intakes import Intake

EVENT = "once/checkout-app"
# The account of the functions in AWS's Runtime Interface Emulator.
OWN_ACCOUNT = "012345678912"
MISSING = "podferry_metadata:missing"
# Milliseconds.
MINUTE = 60_000


def run(checks, binaries):
    with checks.scenario("moto"), Moto() as moto:
        world = World(checks, binaries, moto)
        for scenario in (in_the_group, in_the_stream, nowhere, closed, another_account, turned_off):
            with checks.scenario(scenario.__name__.replace("_", " ")):
                moto.reset()
                scenario(world)


def is_metadata(message):
    return message.startswith('{"kubernetes":')


class World:
    """What every scenario needs: an event without its metadata, what CloudWatch Logs has of it, and a sandbox that is new."""

    def __init__(self, checks, binaries, moto):
        self.checks, self.binaries, self.moto = checks, binaries, moto
        self.whole = events.content(events.from_corpus(EVENT)) | {"owner": OWN_ACCOUNT}
        self.lines = copy.deepcopy(self.whole)
        self.lines["logEvents"] = [each for each in self.whole["logEvents"] if not is_metadata(each["message"])]

    def write(self, metadata_at):
        """Puts the lines into the log group, and the metadata at another time than theirs."""
        client = self.moto.client("logs")
        group, stream = self.whole["logGroup"], self.whole["logStream"]
        client.create_log_group(logGroupName=group)
        client.create_log_stream(logGroupName=group, logStreamName=stream)
        records = [
            {"timestamp": each["timestamp"] + (metadata_at if is_metadata(each["message"]) else 0), "message": each["message"]}
            for each in self.whole["logEvents"]
            if metadata_at is not None or not is_metadata(each["message"])
        ]
        client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=sorted(records, key=lambda each: each["timestamp"]))

    def sent(self, event, closed=(), **environment):
        """What the intake gets of an event, the calls of CloudWatch Logs, and what the function answered and said."""
        with Intake() as intake, Door(self.moto) as door:
            door.closed |= {*closed}
            settings = {
                "DD_URL": intake.url,
                "DD_API_KEY": secrets.token_hex(16),
                "DD_COMPRESSION": "gzip",
                "PODFERRY_METADATA_RECORDS": "true",
                "AWS_ENDPOINT_URL": door.url,
                "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
                "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
                "AWS_SESSION_TOKEN": SESSION_TOKEN,
            }
            with Emulator(self.binaries.function, **(settings | environment)) as function:
                answer = function.invoke(events.packed(json.dumps(event).encode()))
                logs = answer.body.get("logs")
                self.checks.that("metadata: each log arrives", logs and answer.body.get("delivered") == logs, answer.text + function.output()[-2000:])
                return {item["message"] + item["id"]: item for item in intake.accepted()}, door, function.output()

    def finds(self, what, operations):
        """The logs have what they would have if the event brought its metadata."""
        check = self.checks
        expected, door, _ = self.sent(self.whole)
        check.same(f"metadata: {what}: an event with its own asks nobody", door.operations(), [])
        found, door, output = self.sent(self.lines)
        check.that(f"metadata: {what}: the logs have tags", all(item["ddtags"] for item in found.values()) and found, found)
        check.same(f"metadata: {what}: the same logs with the same tags, service and masks", found, expected)
        check.same(f"metadata: {what}: after these calls", door.operations(), operations)
        check.that(f"metadata: {what}: signed as botocore would", all(call.is_signed for call in door.calls), door.calls)
        check.same(f"metadata: {what}: of the service logs", {(call.service, call.status) for call in door.calls}, {("logs", 200)})
        said = f'"metadata_lookup_calls":{len(operations)},"metadata_lookups":1,"metadata_lookups_found":1'
        check.that(f"metadata: {what}: the function says so", said in output, output)

    def misses(self, what, operations, event=None, closed=(), **environment):
        """The logs are sent all the same, and say that their metadata is not known."""
        found, door, output = self.sent(event or self.lines, closed, **environment)
        self.checks.that(f"metadata: {what}: the logs say so", found and all(MISSING in item["ddtags"] for item in found.values()), found)
        self.checks.same(f"metadata: {what}: after these calls", door.operations(), operations)
        return output


def in_the_group(world):
    world.write(metadata_at=0)
    world.finds("in the last seconds of the group", ["FilterLogEvents"])


def in_the_stream(world):
    world.write(metadata_at=-2 * MINUTE)
    world.finds("in the stream, some minutes ago", ["FilterLogEvents", "GetLogEvents"])
    world.moto.reset()
    world.write(metadata_at=-20 * MINUTE)
    world.finds("at the head of the stream", ["FilterLogEvents", "GetLogEvents", "GetLogEvents"])


def nowhere(world):
    world.write(metadata_at=None)
    calls = ["FilterLogEvents", "GetLogEvents", "GetLogEvents"]
    # The search of the group took the turn of the one by the pod's prefix.
    world.misses("nowhere", calls)
    world.moto.reset()
    world.misses("no such group", ["FilterLogEvents", "GetLogEvents"])


def closed(world):
    world.write(metadata_at=0)
    output = world.misses("CloudWatch Logs is down", ["FilterLogEvents", "GetLogEvents"], closed=["logs"])
    world.checks.that("metadata: CloudWatch Logs is down: is counted", '"metadata_lookup_calls_failed":2' in output, output)


def another_account(world):
    world.write(metadata_at=0)
    world.misses("another account's group", [], event=world.lines | {"owner": "111122223333"})


def turned_off(world):
    world.write(metadata_at=0)
    world.misses("turned off", [], PODFERRY_METADATA_LOOKUPS="0")
