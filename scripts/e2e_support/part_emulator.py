"""The forwarder under AWS's Runtime Interface Emulator: good and bad events, deadlines, wrong settings, memory."""

import gzip
import json
import sys

from . import events
from .emulator import Emulator
from .intakes import SILENCE, Intake, PodferryIntake, tags
from .processes import Process

KEY = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
# In every malformed event, and to be seen nowhere else.
MARK = "private-text-of-a-customer"
# Events in the corpus that are smaller and larger than the cap that is set for them.
CAP = 40_000
SMALL, LARGE = "parsed/coredns-coredns", "parsed/web-nginx"

MAX_PEAK_MEMORY = 64 * 1024 * 1024
BIG_EVENT = 10_000_000

# Seconds that Lambda gives the function where the intake is of no use, and how soon before them it has to have ended.
TIMEOUT = 5
MARGIN = 0.2


def run(checks, binaries):
    for scenario in (good_events, malformed_events, own_log_group, a_kill_is_seen, useless_intakes, wrong_settings, big_event):
        with checks.scenario(scenario.__name__.replace("_", " ")):
            scenario(checks, binaries)


def settings(url):
    # gzip, because Python's own library cannot read zstd.
    return {"DD_URL": url, "DD_API_KEY": KEY, "DD_COMPRESSION": "gzip"}


def good_events(checks, binaries):
    with (
        PodferryIntake(binaries.podferry) as intake,
        Emulator(binaries.function, DD_URL=intake.url, DD_API_KEY=KEY, DD_CLUSTER_NAME="blue") as function,
    ):
        event = events.from_corpus("bare/web-nginx")
        answer = function.invoke(event)
        wanted = {"events": 54, "logs": 54, "delivered": 54, "late": 0, "requests": 1, "control": False}
        checks.same("emulator: a good event is answered with its numbers", {key: answer.body.get(key) for key in wanted}, wanted)
        logs = intake.new()
        checks.same("emulator: the intake got each of its logs once", [log["id"] for log in logs], events.ids(event))
        clusters = [tags(log).get("kube_cluster_name") for log in logs]
        checks.that("emulator: with the cluster of DD_CLUSTER_NAME", clusters and all(each == {"blue"} for each in clusters), clusters)

        answer = function.invoke(events.control())
        wanted = {"control": True, "logs": 0, "delivered": 0, "requests": 0}
        checks.same("emulator: a control message is answered well", {key: answer.body.get(key) for key in wanted}, wanted)
        checks.same("emulator: and ships nothing", intake.new(), [])
        check_metrics(checks, function.process.out())
        checks.that("emulator: the key of DD_API_KEY is not in the function's output", KEY not in function.output())
        milliseconds = function.init_milliseconds()
        checks.that(f"emulator: the start took {milliseconds} ms", milliseconds is not None)


def check_metrics(checks, output):
    """One line an invocation that CloudWatch makes metrics of: of the event, and of the control message."""
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{") and '"_aws"' in line]
    told = [(line.get("LogsReceived"), line.get("LogsDelivered"), line.get("ClusterName")) for line in lines]
    checks.same("emulator: one line of metrics for each invocation", told, [(54, 54, "blue"), (0, 0, "unknown")])


def malformed_events(checks, binaries):
    plain = json.dumps(events.content(events.from_corpus(SMALL)) | {"logGroup": MARK}).encode()
    compressed = gzip.compress(plain)
    flipped = bytearray(compressed)
    flipped[-6] ^= 0xFF  # in the checksum
    malformed = [
        ("that is not JSON", MARK.encode(), "EventNotJson"),
        ("of JSON that is cut off", b'{"awslogs":{"data":"' + MARK.encode(), "EventNotJson"),
        ("that is not UTF-8", b'{"awslogs":{"data":"\xff' + MARK.encode() + b'"}}', "EventNotJson"),
        ("without a known key", json.dumps({"Records": [{"body": MARK}]}).encode(), "EventUnknown"),
        ("with data that is no text", json.dumps({"awslogs": {"data": {"x": MARK}}}).encode(), "EventUnknown"),
        ("with bad base64", json.dumps({"awslogs": {"data": f"%%{MARK}%%"}}).encode(), "EventBase64Invalid"),
        ("without gzip", events.around(MARK.encode()), "EventGzipInvalid"),
        ("with truncated gzip", events.around(compressed[: len(compressed) // 2]), "EventGzipInvalid"),
        ("with a wrong checksum", events.around(bytes(flipped)), "EventGzipInvalid"),
        ("with bad JSON inside", events.packed(plain[:-20]), "EventContentInvalid"),
        ("with other JSON inside", events.packed(json.dumps([MARK]).encode()), "EventContentInvalid"),
        ("over the cap", events.packed(plain + b" " * CAP), "EventTooLarge"),
    ]
    with Intake() as intake, Emulator(binaries.function, PODFERRY_MAX_DECOMPRESSED_BYTES=str(CAP), **settings(intake.url)) as function:
        number = len(events.ids(events.from_corpus(SMALL)))
        function.invoke(events.from_corpus(SMALL))
        pid, expected = function.pid(), number
        for what, event, error_type in malformed:
            answer = function.invoke(event)
            checks.that(
                f"emulator: an event {what}: {error_type}, and none of its text",
                answer.error_type == error_type and answer.message and MARK not in answer.text,
                answer.text,
            )
            answer = function.invoke(events.from_corpus(SMALL))
            expected += number
            checks.that(
                "emulator:     the same process then serves a good event",
                answer.body.get("delivered") == number and len(intake.accepted()) == expected and function.pid() == pid,
                f"{answer.text}; {len(intake.accepted())} of {expected} logs; process {pid}, now {function.pid()}",
            )
        answer = function.invoke(events.from_corpus(LARGE))
        checks.same("emulator: a real event over the cap is EventTooLarge", answer.error_type, "EventTooLarge")
        checks.that("emulator: which names the setting", "PODFERRY_MAX_DECOMPRESSED_BYTES" in answer.message, answer.text)
        checks.that("emulator: the function's output has none of the malformed events' text", MARK not in function.output())


def own_log_group(checks, binaries):
    event = events.from_corpus(SMALL)
    group = events.content(event)["logGroup"]
    with Intake() as intake, Emulator(binaries.function, AWS_LAMBDA_LOG_GROUP_NAME=group, **settings(intake.url)) as function:
        answer = function.invoke(event)
        checks.same("emulator: an event from the function's own log group is refused", answer.error_type, "EventFromOwnLogGroup")
        checks.same("emulator: and nothing of it is sent", intake.arrivals, [])
        answer = function.invoke(events.from_corpus("bare/coredns-coredns"))
        checks.same("emulator: one from another group is delivered", answer.body.get("delivered"), 11)


# A function that takes an event and never answers.
SLEEPER = """
import os, time, urllib.request
urllib.request.urlopen(f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation/next").read()
time.sleep(60)
"""


def a_kill_is_seen(checks, _binaries):
    """The next checks rest on that a kill at the timeout would be noticed."""
    with Process(["true"], {"PATH": "/usr/bin:/bin"}) as folder_only:
        function_file = folder_only.out_path.parent / "sleeper"
        function_file.write_text(f"#!{sys.executable}\n{SLEEPER}")
        function_file.chmod(0o755)
        with Emulator(function_file, timeout=1) as function:
            answer = function.invoke(b"{}")
            checks.that("emulator: a function that overruns its time is killed, and the checks see that", function.was_killed(), answer.text)


def useless_intakes(checks, binaries):
    for what, behave, message in [
        ("an intake that never answers", lambda arrival: SILENCE, "did not answer in time"),
        ("an intake that always answers 503", lambda arrival: 503, "503"),
    ]:
        with Intake(behave) as intake, Emulator(binaries.function, timeout=TIMEOUT, **settings(intake.url)) as function:
            event = events.from_corpus(SMALL)
            answer = function.invoke(event)
            checks.same(f"emulator: {what}: LogsUndelivered", answer.error_type, "LogsUndelivered")
            # Rarely, a wait ends so close to the deadline that there is no time for one more request, and that is then the reason.
            says_why = message in answer.message or "no time left" in answer.message
            checks.that("emulator:     which says why, and how many", says_why and "11 of 11" in answer.message, answer.text)
            seconds = answer.seconds - (function.init_milliseconds() or 0) / 1000
            checks.that(
                f"emulator:     after {seconds:.1f} s, before Lambda's {TIMEOUT} s are over",
                seconds < TIMEOUT - MARGIN and not function.was_killed(),
                function.output()[-1500:],
            )
            if message == "503":
                checks.that(f"emulator:     having tried {len(intake.arrivals)} times", len(intake.arrivals) >= 3)
            pid = function.pid()
            intake.behave = lambda arrival: 202
            answer = function.invoke(event)
            checks.that(
                "emulator:     once the intake is well, the same process delivers",
                answer.body.get("delivered") == 11 and function.pid() == pid and len(intake.accepted()) == 11,
                answer.text,
            )


def wrong_settings(checks, binaries):
    with Emulator(binaries.function, DD_API_KEY=KEY, DD_PORT="x", DD_COMPRESSION="y") as function:
        answer = function.invoke(events.from_corpus(SMALL))
        checks.same("emulator: wrong settings fail the start as SettingsInvalid", answer.error_type, "SettingsInvalid")
        checks.that(
            "emulator: the message names both settings and what they may be",
            all(word in answer.message for word in ("DD_PORT", "65535", "DD_COMPRESSION", "zstd")),
            answer.text,
        )
        checks.that("emulator: the function's log says the same", "DD_PORT" in function.process.out() and "DD_COMPRESSION" in function.process.out())


def big_event(checks, binaries):
    event, inflated = events.many("parsed/web-nginx", inflated_bytes=BIG_EVENT)
    sent = events.ids(event)
    with PodferryIntake(binaries.podferry) as intake, Emulator(binaries.function, DD_URL=intake.url, DD_API_KEY=KEY) as function:
        answer = function.invoke(event)
        checks.same(
            f"emulator: an event of {inflated / 1e6:.1f} MB ({len(event) / 1e6:.1f} MB as it comes) is delivered: {len(sent)} logs in {answer.seconds:.2f} s",
            answer.body.get("delivered"), len(sent),
        )
        # Another processor's stand-in has memory of its own.
        if not binaries.run_by:
            peak = function.peak_memory()
            checks.that(
                f"emulator: with at most {peak / 2**20:.1f} MiB of memory, of {MAX_PEAK_MEMORY // 2**20} allowed",
                peak < MAX_PEAK_MEMORY,
            )
        arrived = [log["id"] for log in intake.new()]
        # Under QEMU an answer may come too late for one attempt, and a payload is sent again.
        came = sorted(set(arrived) if binaries.run_by else arrived)
        checks.that("emulator: the intake got each of them once", came == sorted(sent), f"{len(arrived)} logs, {len(set(arrived))} ids")
