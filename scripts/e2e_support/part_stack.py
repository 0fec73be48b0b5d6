"""template.yaml deployed into a stand-in for AWS, by the runbook: logs flow, Datadog fails, the stack is updated and rolled back, nothing is lost.

Numbered lines flow into the log group all the time. In the end every one of them has to have come, and those that came twice with the same id.
"""

import collections
import dataclasses
import itertools
import json
import re
import subprocess
import threading
import time

from . import events, handbook, messages
from .cloud import Cloud
from .intakes import Intake, tags
from .loopback import reply
from .processes import until
from .released import GROUPS, Release
from .runbook import APPLICATION_KEY, KEY, Deployer, Runbook
from .stack_template import Version, read, without_what_came_last

CLUSTER, GROUP = "prod", "/aws/eks/prod/fargate"
POD, NAMESPACE, CONTAINER = "api-7f9c5d8b4d-q2wzr", "shop", "api"
STREAM = f"from-fluent-bit-kube.var.log.containers.{POD}_{NAMESPACE}_{CONTAINER}-{'9b1c' * 16}.log"
# Lines a call, and seconds between two calls.
LINES, PAUSE = 10, 0.5
# Longer than the 15 s in which an invocation tries again (docs/reliability.md), so that its logs go to the queue at once.
RETRY_AFTER = 16
# Of a loaded machine: what takes a second alone may take ten.
SOON, LATER = 60, 180
REFUSED = "refused by Datadog"

# A function that does not start, as one for the other architecture would not.
BROKEN = b"#!/bin/sh\nexit 1\n"


def run(checks, binaries):
    with checks.scenario("stack"), Cloud(binaries.root) as cloud, Datadog() as datadog:
        now = Version("now", binaries.forwarder.read_bytes(), read(binaries.root / "template.yaml"))
        template = read(binaries.before_template) if binaries.before_template else without_what_came_last(now.template)
        before = Version("before", binaries.before.read_bytes(), template)
        with Deployer(cloud, before, {"DD_URL": datadog.url}) as deployer:
            world = World(checks, binaries, cloud, datadog, deployer, before, now)
            # Each goes on where the one before ended.
            create(world)
            with world.flow:
                for scenario in (all_is_well, outage_and_update, dead_letters, outage_and_rollback, messages_of_other_versions):
                    scenario(world)
            nothing_was_lost(world)
            by_the_handbook(world)


class Datadog(Intake):
    """The intake, and the rest of its API that podferry or the runbook calls."""

    def __init__(self):
        super().__init__(self.judge)
        self.is_down, self.refuses = False, False
        self.made, self.keys_of_makers = [], set()

    def answer(self, handler, body):
        if made := re.match(r"/api/v1/(monitor|dashboard)", handler.path):
            self.make(handler, made[1], body)
        elif handler.path.startswith("/api/v1/validate"):
            reply(handler, 200, "application/json", b'{"valid":true}')
        else:
            arrival = self.read(handler, body)
            headers = {"Retry_After": str(RETRY_AFTER)} if arrival.status == 503 else {}
            reply(handler, arrival.status, "application/json", b"{}", **headers)

    def make(self, handler, kind, body):
        """Takes a monitor or a dashboard, and lists those of its kind."""
        self.keys_of_makers.add((handler.headers["DD-API-KEY"], handler.headers["DD-APPLICATION-KEY"]))
        if handler.command == "POST":
            self.made.append((kind, json.loads(body)))
        listed = [each for other, each in self.made if other == kind]
        reply(handler, 200, "application/json", json.dumps(listed, separators=(",", ":")).encode())

    def judge(self, arrival):
        if self.is_down:
            return 503
        return 400 if self.refuses and any(REFUSED in item["message"] for item in arrival.items) else 202


class Flow:
    """Numbered lines of a pod, as Fluent Bit writes them, until it is told to stop."""

    def __init__(self, cloud):
        self.logs, self.count, self.ends, self.error = cloud.client("logs"), 0, threading.Event(), None
        self.thread = threading.Thread(target=self.write)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_exception):
        self.ends.set()
        self.thread.join()

    def write(self):
        while not self.ends.wait(PAUSE):
            try:
                put(self.logs, [f"request {self.count + place} took 7 ms" for place in range(LINES)])
            except Exception as error:
                self.error = error
                return
            self.count += LINES


def put(logs, texts, group=GROUP):
    """Writes lines into the pod's log stream, in one call."""
    kubernetes = {"pod_name": POD, "namespace_name": NAMESPACE, "container_name": CONTAINER, "labels": {"app": "api"}}
    now = int(time.time() * 1000)
    records = [{"stream": "stdout", "logtag": "F", "log": text, "kubernetes": kubernetes} for text in texts]
    events = [{"timestamp": now, "message": json.dumps(record)} for record in records]
    logs.put_log_events(logGroupName=group, logStreamName=STREAM, logEvents=events)


class World:
    def __init__(self, checks, binaries, cloud, datadog, deployer, before, now):
        self.checks, self.binaries, self.cloud, self.datadog, self.deployer = checks, binaries, cloud, datadog, deployer
        self.before, self.now = before, now
        self.logs, self.sqs, self.functions = cloud.client("logs"), cloud.client("sqs"), cloud.client("lambda")
        self.runbook = Runbook(binaries, cloud, datadog.url, ["--cluster", CLUSTER, "--namespace", NAMESPACE, "--namespace", "batch"])
        self.flow = Flow(cloud)
        self.readable, self.unreadable = messages.readable(), messages.unreadable()

    def that(self, what, holds, otherwise=""):
        return self.checks.that(f"stack: {what}", holds, otherwise)

    def same(self, what, found, wanted):
        return self.checks.same(f"stack: {what}", found, wanted)

    def code(self):
        return self.functions.get_function_configuration(FunctionName=self.deployer.resources["Forwarder"])["CodeSha256"]

    def depth(self, queue):
        """How many messages are in a queue of the stack, in whatever state."""
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.deployer.resources[queue], AttributeNames=["All"])["Attributes"]
        return sum(int(attributes[name]) for name in names)

    def numbers(self):
        """How often each line of the flow arrived, and the ids that it came with."""
        found = collections.defaultdict(list)
        for item in self.datadog.accepted():
            if line := re.fullmatch(r"request (\d+) took 7 ms", item["message"]):
                found[int(line[1])].append(item["id"])
        return found

    def wait_for_lines(self, what, seconds):
        """Until all lines have arrived that were written before this call."""
        count = self.flow.count
        return self.wait(f"{what}: all {count} lines of before arrive", lambda: set(range(count)) <= set(self.numbers()), seconds)

    def wait(self, what, condition, seconds):
        began = time.monotonic()
        until(lambda: time.sleep(0.2) or condition() or self.flow.error, seconds, what)
        return self.that(f"{what} (after {time.monotonic() - began:.0f} s)", condition(), self.flow.error)

    def podferry(self, *arguments):
        """The exit code, and what the command printed as JSON."""
        environment = {"PATH": "/usr/bin:/bin", "HOME": self.cloud.folder.name} | self.cloud.environment()
        command = [self.binaries.podferry, *arguments, "--output", "json"]
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LATER, check=False)
        try:
            return done.returncode, json.loads(done.stdout)
        except ValueError:
            raise AssertionError(f"podferry {' '.join(arguments)}: {done.returncode}: {done.stdout}{done.stderr}") from None

    def own_log(self, level):
        """What the function says of itself at this level."""
        found = self.logs.filter_log_events(logGroupName=self.deployer.resources["ForwarderLogs"])["events"]
        return [each["message"] for each in found if level in each["message"]][-5:]

    def dead_letters(self):
        """The reasons of dead letters, once for each log, or for the message where that holds none; by `podferry redrive`."""
        _, told = self.podferry("redrive")
        return sorted(each["message"]["reason"] for each in told["messages"] for _ in range(each["message"]["logs"] or 1))


def create(world):
    """An operator follows the runbook, from an empty account on."""
    began, steps = time.monotonic(), world.runbook.steps
    done = world.runbook.follow(world.deployer)
    seconds = time.monotonic() - began
    world.that(f"all commands of the runbook's {len(steps)} steps succeed (in {seconds:.0f} s)", done.returncode == 0, f"{done.stdout[-1500:]}{done.stderr[-3000:]}")
    for title, why in world.runbook.left_out.items():
        print(f"left out: {title}: {why}")
    for number, (title, step) in enumerate(steps.items()):
        shown = world.runbook.shown(number)
        world.that(f"{title}: what is shown says that it worked", step.worked(shown), f"wanted {step.wanted}, found {shown}")
    world.that(f"the template makes {len(world.deployer.resources)} resources", "Forwarder" in world.deployer.resources)
    kinds = sorted({kind for kind, _ in world.datadog.made})
    wanted = (["dashboard", "monitor"], {(KEY, APPLICATION_KEY)})
    world.same("monitors and dashboards are made, with both keys", (kinds, world.datadog.keys_of_makers), wanted)
    world.logs.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)


def all_is_well(world):
    world.wait("logs come through the subscription", lambda: world.numbers(), SOON)
    item = next(item for item in world.datadog.accepted() if "request" in item["message"])
    wanted = {"kube_cluster_name": {CLUSTER}, "kube_namespace": {NAMESPACE}, "pod_name": {POD}, "kube_container_name": {CONTAINER}}
    world.same("with the tags of their pod", {name: tags(item).get(name) for name in wanted}, wanted)
    world.same("with the key of the secret", set(world.datadog.keys()), {KEY})
    code, told = world.podferry("doctor", "--no-kubectl", "--datadog-url", world.datadog.url)
    complaints = [each for each in told["findings"] if each["severity"] not in ("ok", "skipped")] and [told["findings"], world.own_log("ERROR")]
    world.that(f"doctor finds nothing to complain of in {len(told['findings'])} checks", code == 0 and not complaints, (code, complaints))
    code, told = world.podferry("status")
    world.that("nor does status", code == 0 and not told["findings"], (code, told["findings"]))


def outage_and_update(world):
    """Datadog fails while the version before is there; the one that comes sends what that one left."""
    world.datadog.is_down = True
    world.wait("Datadog is down: logs wait in the queue", lambda: world.depth("UndeliveredQueue"), LATER)
    code, resources = world.code(), set(world.deployer.resources)
    world.deployer.deploy(world.now)
    came, went = set(world.deployer.resources) - resources, resources - set(world.deployer.resources)
    world.that(f"the stack is updated meanwhile, to other code and with {', '.join(sorted(came))}", world.code() != code and came and not went, (code, came, went))
    world.datadog.is_down, world.datadog.refuses = False, True
    put(world.logs, [f"{REFUSED} {number}" for number in range(3)])
    # What was told to wait does so meanwhile.
    deploy_a_release(world)
    world.wait_for_lines("Datadog is back", LATER)


def deploy_a_release(world):
    """Its files, in another account, by the commands of install.md and roll-back.md."""
    with Release(world.binaries, world.cloud, world.now, KEY) as release:
        for what, folder, block in release.commands():
            began = time.monotonic()
            done = release.type(folder, block)
            seconds = time.monotonic() - began
            world.that(f"{what}, as the documents say it (in {seconds:.0f} s)", done.returncode == 0, f"{done.stdout[-1500:]}{done.stderr[-1500:]}")
        logs = release.client("logs")
        for cluster, function, wanted, found in release.functions():
            world.same(f"{cluster}: the code is that of the zip", found, wanted)
            release.point_to(function, world.datadog.url)
            logs.create_log_stream(logGroupName=GROUPS[cluster], logStreamName=STREAM)
            put(logs, [f"from {cluster}"], GROUPS[cluster])

        def arrived():
            return {(item["message"], *tags(item)["kube_cluster_name"]) for item in world.datadog.accepted()}

        wanted = {(f"from {cluster}", cluster) for cluster in GROUPS}
        world.wait("logs come through the functions of a release", lambda: wanted <= arrived(), SOON)


def dead_letters(world):
    world.wait("what Datadog refuses becomes dead letters", lambda: len(world.dead_letters()) == 3, SOON)
    world.same("redrive says why", world.dead_letters(), 3 * ["IntakeAnswered400"])
    code, told = world.podferry("status")
    wrong = [each["what"] for each in told["findings"] if each["severity"] == "wrong"]
    world.that("status calls it wrong, and nothing else", code == 1 and len(wrong) == 1 and "DeadLetter" in wrong[0], (code, told["findings"]))
    world.datadog.refuses = False
    code, _ = world.podferry("redrive", "--send", "--reason", "IntakeAnswered400", "--yes")
    world.same("redrive sends them again", (code, world.depth("DeadLetterQueue")), (0, 0))

    def arrived():
        return {item["message"] for item in world.datadog.accepted() if REFUSED in item["message"]}

    world.wait("and they arrive", lambda: len(arrived()) == 3, SOON)
    world.wait("the queue is empty again", lambda: world.depth("UndeliveredQueue") == 0, LATER)


def outage_and_rollback(world):
    """Datadog fails again, and the update turns out to be bad: one that does not start, and then the version before."""
    world.datadog.is_down = True
    world.wait("Datadog is down again: logs of the new version wait", lambda: world.depth("UndeliveredQueue"), SOON)
    world.deployer.deploy(dataclasses.replace(world.now, name="broken", program=BROKEN))
    bucket, s3 = world.deployer.resources["FailedEventsBucket"], world.cloud.client("s3")
    world.wait("events that a broken version fails on go to the bucket", lambda: s3.list_objects_v2(Bucket=bucket)["KeyCount"], SOON)
    world.deployer.deploy(dataclasses.replace(world.before, name="before-again"))
    for message in world.readable:
        world.sqs.send_message(QueueUrl=world.deployer.resources["UndeliveredQueue"], MessageBody=message.body)
    world.datadog.is_down = False
    follow(world, "alarms.md", {"function=podferry": f"function={world.deployer.resources['Forwarder']}", "GROUP": GROUP})
    world.wait_for_lines("rolled back, and Datadog is back", LATER)


def messages_of_other_versions(world):
    """In the queue of a stack that is rolled back there is what newer versions wrote."""
    wanted = {each for message in world.readable for each in message.ids}
    world.wait(
        f"{len(wanted)} logs in messages of other versions arrive",
        lambda: wanted <= {item["id"] for item in world.datadog.accepted()}, LATER,
    )
    unread = world.unreadable
    for message in unread:
        world.sqs.send_message(QueueUrl=world.deployer.resources["UndeliveredQueue"], MessageBody=message.body)
    world.wait("what it cannot read is kept as dead letters", lambda: world.depth("DeadLetterQueue") == len(unread), LATER)
    told = world.dead_letters()
    world.that("which redrive knows", any(told == sorted(each) for each in itertools.product(*(message.reasons for message in unread))), told)
    found = world.sqs.receive_message(QueueUrl=world.deployer.resources["DeadLetterQueue"], MaxNumberOfMessages=10, VisibilityTimeout=0)["Messages"]
    world.same("each as it was written", {each["Body"] for each in found}, {message.body for message in unread})


def nothing_was_lost(world):
    world.wait_for_lines("the flow has ended", LATER)
    world.wait("the queue of undelivered logs is empty", lambda: world.depth("UndeliveredQueue") == 0, LATER)
    numbers = world.numbers()
    missing = sorted(set(range(world.flow.count)) - set(numbers))
    repeats = sum(len(ids) - 1 for ids in numbers.values())
    world.that(f"of {world.flow.count} lines none is lost", not missing, f"{len(missing)}, such as {missing[:5]}")
    several = {number: ids for number, ids in numbers.items() if len(set(ids)) > 1}
    world.that(f"{repeats} came twice, each with the id that it had", not several, several)
    ids = [ids[0] for ids in numbers.values()]
    world.same("and no two lines have the same id", len(set(ids)), len(ids))


def by_the_handbook(world):
    """The commands of operating.md, some of which end it all."""
    world.logs.create_log_group(logGroupName="/aws/eks/test/fargate", tags={"team": "shop"})
    (world.runbook.folder / "podferry.yaml").write_text(f"log_groups: [{GROUP}]\n")
    (world.runbook.folder / "event.json").write_bytes(events.plain(["a log"])[0])
    # One that nobody reads but the document.
    queue = world.sqs.create_queue(QueueName="to-look-into")["QueueUrl"]
    world.sqs.send_message(QueueUrl=queue, MessageBody=world.readable[0].body)
    # A log to explain, in an event that a broken version failed on.
    name, event_id = failed_event(world)
    arrived = next(item for item in world.datadog.accepted() if item["id"] == event_id)
    (world.runbook.folder / "log.json").write_text(json.dumps(arrived))
    # The ids of LocalStack's events contain no time, as those of CloudWatch do.
    words = {'"$ID" --group': '"$ID" --since 1h --group'}
    # backfill takes its settings from variables.
    follow(
        world, "operating.md", words, FUNCTION=world.deployer.resources["Forwarder"], URL=queue, DD_API_KEY=KEY, DD_URL=world.datadog.url, DD_COMPRESSION="gzip",
        OBJECT=name, ID=event_id,
    )


def failed_event(world):
    """An object of the bucket for failed events, as `aws s3 cp` takes its name, and the id of a log in it."""
    bucket, s3 = world.deployer.resources["FailedEventsBucket"], world.cloud.client("s3")
    key = s3.list_objects_v2(Bucket=bucket)["Contents"][0]["Key"]
    record = json.load(s3.get_object(Bucket=bucket, Key=key)["Body"])
    return f"s3://{bucket}/{key}", events.ids(json.dumps(record["requestPayload"]))[0]


def follow(world, name, words, **variables):
    """Types the commands of a document."""
    # Without a cluster there is no canary.
    lines = [line for line in handbook.commands(world.binaries.root / "docs" / name) if "canary" not in line]
    bad = handbook.run(lines, world.runbook, words, variables)
    world.that(f"the {len(lines)} commands of docs/{name} do what they should", lines and not bad, "\n".join(bad))
