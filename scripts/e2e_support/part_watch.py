"""The forwarder under `cargo lambda watch`, as people run it on their own machine, in front of `podferry intake`."""

import json
import os
import subprocess

from . import events
from .intakes import PodferryIntake, tags
from .processes import Process, accepts, free_port

# An event of the corpus; the numbers that have to come back; source, service, and tags that every log has to have.
EXPECTED = [
    (
        "parsed/web-nginx", {"events": 54, "logs": 54, "blank": 0}, "nginx", "storefront",
        {"kube_cluster_name": "prod-eu", "kube_namespace": "shop", "pod_name": "web-6d4cf56db6-x7k2p", "kube_container_name": "nginx",
         "kube_deployment": "web", "env": "prod", "service": "storefront", "version": "1.4.2", "image_tag": "1.22.1",
         "tier": "edge", "team": "e2e"},
    ),
    # Its annotation has rules: a date begins a log, and card numbers are masked.
    (
        "parsed/checkout-app", {"events": 130, "logs": 30, "blank": 10, "joined": 90, "masked": 30}, "java", "checkout",
        {"kube_cluster_name": "prod-eu", "pod_name": "checkout-7f9c5d8b4d-q2wzr", "env": "prod", "service": "checkout",
         "version": "2026.11.3", "cost_center": "payments"},
    ),
    (
        "kept/api-api", {"events": 40, "logs": 40, "blank": 0}, "api", "api",
        {"kube_cluster_name": "prod-eu", "pod_name": "api-0", "kube_stateful_set": "api", "env": "prod", "service": "api"},
    ),
    # Half of its lines are of stack traces. Without the Kubernetes filter, the name of the log stream is all that is known; env comes from DD_ENV.
    (
        "bare/report-report", {"events": 30, "logs": 15, "blank": 0, "joined": 15}, "report", "report",
        {"kube_namespace": "batch", "pod_name": "report-29384160-4kq8z", "kube_container_name": "report", "env": "staging"},
    ),
    (
        "logkey/coredns-coredns", {"events": 11, "logs": 11, "blank": 0}, "coredns", "coredns",
        {"kube_cluster_name": "prod-eu", "kube_namespace": "kube-system", "pod_name": "coredns-7c5d8f6b9c-lm4xn", "env": "staging"},
    ),
]


class Watch(Process):
    """`cargo lambda watch`, and `cargo lambda invoke` to reach it."""

    def __init__(self, root, environment):
        self.root = root
        self.port = free_port()
        self.address = ["-A", "127.0.0.1", "-P", str(self.port)]
        command = ["cargo", "lambda", "watch", "--ignore-changes", *self.address]
        super().__init__(command, os.environ | environment, cwd=root)

    def invoke(self, event_file):
        """The answer, and whether the command called it a success."""
        command = ["cargo", "lambda", "invoke", *self.address, "forwarder", "--data-file", str(event_file)]
        done = subprocess.run(
            [*command, "--output-format", "json"],
            check=False, cwd=self.root, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
        )
        return done.returncode == 0, done.stdout if done.returncode == 0 else done.stdout + done.stderr


def run(checks, binaries):
    with checks.scenario("cargo lambda watch"), PodferryIntake(binaries.podferry) as intake:
        settings = {"DD_URL": intake.url, "DD_API_KEY": "e2e", "DD_ENV": "staging", "DD_TAGS": "team:e2e"}
        with Watch(binaries.root, settings) as watch:
            watch.wait_for(lambda: accepts(watch.port), 30, "its port")
            for name, numbers, source, service, expected_tags in EXPECTED:
                with checks.scenario(name):
                    one_event(checks, watch, intake, name, numbers, source, service, expected_tags)
            with checks.scenario("another event"):
                wrong = watch.out_path.parent / "wrong.json"
                wrong.write_text('{"Records": []}')
                good, text = watch.invoke(wrong)
                checks.that("watch: an event of another kind fails as EventUnknown", not good and "EventUnknown" in text, text)
                checks.same("watch: and ships nothing", intake.new(), [])


def one_event(checks, watch, intake, name, numbers, source, service, expected_tags):
    event = events.from_corpus(name)
    event_file = watch.out_path.parent / "event.json"
    event_file.write_bytes(event)
    good, text = watch.invoke(event_file)
    if not checks.that(f"watch: {name}: the invocation succeeds", good, text):
        return
    answer = json.loads(text)
    nothing = dict.fromkeys(["joined", "excluded", "sampled", "masked", "partial", "truncated", "duplicate", "late", "queued", "dead"], 0)
    wanted = nothing | numbers | {"delivered": numbers["logs"], "payloads": 1, "requests": 1}
    found = {key: answer.get(key) for key in wanted}
    checks.same(f"watch: {name}: the answer's numbers ({numbers['events']} events, {numbers['logs']} logs)", found, wanted)

    logs = intake.new()
    sent = events.ids(event)
    arrived = [log["id"] for log in logs]
    checks.that(
        f"watch: {name}: the intake got {numbers['logs']} logs, each id once and in order",
        len(arrived) == numbers["logs"] and arrived == [each for each in sent if each in set(arrived)],
        f"{len(arrived)} logs, {len(set(arrived))} ids",
    )
    checks.same(f"watch: {name}: source and service", {(log["ddsource"], log["service"]) for log in logs}, {(source, service)})
    wrong = {
        tag: log_tags.get(tag)
        for log_tags in map(tags, logs)
        for tag, value in expected_tags.items()
        if log_tags.get(tag) != {value}
    }
    checks.same(f"watch: {name}: the tags {', '.join(expected_tags)}", wrong, {})
