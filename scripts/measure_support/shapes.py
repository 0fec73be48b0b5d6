"""Events of every shape whose speed is promised, made up after the corpus, with times of now and ids that never come twice."""

import dataclasses
import itertools
import json
import random
import time
from pathlib import Path

CORPUS = Path(__file__).resolve().parent.parent.parent / "tests" / "fixtures" / "corpus" / "kept" / "web-nginx.json"
# A function does not send a log twice, so each log has a number of its own.
IDS = itertools.count(37_000_000)
CLOUDWATCH_WRITES = (",", ":")
STREAM = "from-fluent-bit-kube.var.log.containers.web-6d4cf56db6-x7k2p_shop_nginx-c638f7633696e2ea7142f48455be2c0a28b602caec1dd0c822831ad5e7fcc004.log"
# A name that tells nothing of a pod, as where all pods of a namespace write to one stream.
SHARED_STREAM = "shop"
# Datadog takes logs of the last 18 hours; Lambda and CloudWatch bring what is older, too.
LATE_SECONDS = 20 * 3600


@dataclasses.dataclass
class Shape:
    """How an event differs from the usual one: nginx's and JSON lines of one pod, with the Kubernetes filter's object in each."""

    name: str
    record: object = lambda record, number: record
    event: object = lambda event, number: event
    line: object = None
    outer: object = lambda outer: outer
    separators: tuple = CLOUDWATCH_WRITES
    stream: str = STREAM
    age: int = 0
    variables: dict = dataclasses.field(default_factory=dict)
    logs: int = 8_000
    # How many records become one log, and how many logs of all are sent.
    joined: int = 1
    share: float = 1.0
    # Why it may take more than twice the time of the usual shape; docs/performance.md has the same sentence.
    why: str = ""

    def content(self, logs):
        """The inflated text of an event of about so many records."""
        kubernetes = metadata()
        start = time.time() - self.age - 2
        chance = random.Random(logs)
        events = []
        for number in range(logs):
            at = start + number / 50_000
            line = (self.line or usual_line)(number, chance)
            record = {"time": written_time(at), "stream": "stdout", "logtag": "F", "log": line, "kubernetes": kubernetes, "cluster_name": "prod-eu"}
            message = self.record(record, number)
            if not isinstance(message, str):
                message = json.dumps(message, separators=CLOUDWATCH_WRITES, ensure_ascii=False)
            events.append(self.event({"id": f"{next(IDS):056}", "timestamp": int(at * 1000), "message": message}, number))
        outer = {
            "messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "/aws/eks/prod-eu/fargate", "logStream": self.stream,
            "subscriptionFilters": ["podferry"], "logEvents": events,
        }
        return json.dumps(self.outer(outer), separators=self.separators, ensure_ascii=False)

    def expected(self, logs):
        """How many logs are to arrive, at least and at most."""
        most = -(-logs // self.joined)
        return (most, most) if self.share == 1 else (0, most)


def metadata():
    return json.loads(json.loads(CORPUS.read_text())["logEvents"][0]["message"])["kubernetes"]


def written_time(at):
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(at))}.{int(at % 1 * 1e9):09}Z"


def usual_line(number, chance):
    return json_line(number, chance) if number % 4 == 0 else nginx_line(number, chance)


def nginx_line(_number, chance):
    return (
        f'10.0.{chance.randrange(256)}.{chance.randrange(256)} - - [22/Nov/2026:19:30:{chance.randrange(60):02} +0000] '
        f'"GET /cart?id={chance.randrange(100_000)} HTTP/1.1" 200 {chance.randrange(9000)} "-" '
        f'"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 v{chance.randrange(40)}"'
    )


def json_line(number, chance):
    return json.dumps(
        {
            "level": "info", "ts": 1795376000 + number / 1000, "msg": "request served", "path": f"/v1/orders/{chance.randrange(100_000)}",
            "status": 200, "duration_ms": chance.randrange(400_000) / 1000, "dd.trace_id": str(chance.getrandbits(63)),
            "user": {"id": chance.getrandbits(40), "roles": ["buyer"]},
        },
        separators=CLOUDWATCH_WRITES,
    )


def trace_line(number, chance):
    """Ten lines of a log with a stack trace of Java."""
    if number % 10 == 0:
        return f"2026-11-22 19:30:{number // 10 % 60:02} ERROR order {chance.randrange(100_000)} failed: java.lang.IllegalStateException: no stock"
    return f"\tat com.example.shop.Orders{chance.randrange(9)}.reserve(Orders.java:{chance.randrange(900)})"


def by_name(members):
    return dict(sorted(members.items()))


def without(*names):
    return lambda record, _number: {name: value for name, value in record.items() if name not in names}


def lifted(record, _number):
    lifted_members = {f"kubernetes_{name}": value for name, value in record["kubernetes"].items()}
    return {**without("kubernetes", "cluster_name")(record, 0), **lifted_members, "cluster_name": record["cluster_name"]}


def merged(record, _number):
    """As `Merge_Log On` with `Keep_Log Off` writes what was JSON."""
    members = json.loads(record["log"])
    return {**without("log", "kubernetes", "cluster_name")(record, 0), **members, "kubernetes": record["kubernetes"], "cluster_name": "prod-eu"}


def unparsed(record, _number):
    """As the `tail` input writes it when no filter follows: containerd's line as it stands."""
    return {"log": f"{record['time']} {record['stream']} {record['logtag']} {record['log']}"}


def lifted_bare(record, _number):
    return {**without("kubernetes", "cluster_name")(record, 0), **record["kubernetes"], "cluster_name": record["cluster_name"]}


def other_output(record, number):
    return {**record, "stream": ("stdout", "stderr")[number % 2]}


def fifty_pods(record, number):
    pod = number % 50
    kubernetes = {**record["kubernetes"], "pod_name": f"web-6d4cf56db6-{pod:05}", "pod_id": f"afeef0ea-fc79-43a3-a6f7-{pod:012}", "docker_id": f"{pod:064}"}
    return {**record, "kubernetes": kubernetes}


def extracted(event, number):
    return {**event, "extractedFields": {"status": str(number % 500), "path": "/cart"}}


MASK = {"type": "mask_sequences", "name": "token", "pattern": "token=[A-Za-z0-9]+", "replace_placeholder": "token=***"}
RULES = json.dumps([
    MASK,
    {"type": "exclude_at_match", "name": "health", "pattern": "GET /health"},
    {"type": "exclude_at_match", "name": "debug", "pattern": r"\bDEBUG\b"},
    {"type": "mask_sequences", "name": "address", "pattern": r"(\d{1,3}\.\d{1,3})\.\d{1,3}\.\d{1,3}", "replace_placeholder": "$1.x.x"},
    {"type": "mask_sequences", "name": "card", "pattern": r"\b4\d{3}(-?\d{4}){3}\b", "replace_placeholder": "[card]"},
])

# Of a log of `trace_line`, which begins with a date where its other lines begin with a tab.
MULTI_LINE_RULE = json.dumps([{"type": "multi_line", "name": "date", "pattern": r"\d{4}-\d{2}-\d{2}"}])

USUAL = Shape("usual")
SHAPES = [
    USUAL,
    Shape("white space", separators=(", ", ": ")),
    Shape("frame in another order", outer=by_name, event=lambda event, _: by_name(event)),
    Shape(
        "record in another order", record=lambda record, _: by_name(record),
        why="because what its records share is not at their end, so each of them is read as a whole",
    ),
    Shape("extractedFields", event=extracted),
    Shape("lifted by nest", record=lifted),
    Shape(
        "lifted, no prefix", record=lifted_bare,
        why="because only reading all members tells what `nest` lifted from what an application wrote",
    ),
    Shape("no filter", record=without("kubernetes", "cluster_name")),
    Shape("no time kept", record=without("time")),
    Shape("no parser", record=unparsed),
    Shape("log_key", record=lambda record, _: record["log"]),
    Shape("JSON as text", line=json_line),
    Shape("JSON merged", line=json_line, record=merged),
    Shape("a mask", variables={"DD_LOGS_CONFIG_PROCESSING_RULES": json.dumps([MASK])}),
    Shape("five rules", variables={"DD_LOGS_CONFIG_PROCESSING_RULES": RULES}),
    Shape("seven scrubbers", variables={"PODFERRY_REDACT": "email,ipv4,ipv6,credit_card,aws_access_key,jwt,bearer"}),
    Shape("a tenth, sampled", variables={"PODFERRY_SAMPLE": '{"rate":0.1}'}, share=0.1),
    Shape("multi-line off", variables={"DD_LOGS_CONFIG_AUTO_MULTI_LINE_DETECTION": "false"}),
    Shape("traces, joined", line=trace_line, joined=10),
    Shape("multi_line rule", line=trace_line, joined=10, variables={"DD_LOGS_CONFIG_PROCESSING_RULES": MULTI_LINE_RULE}),
    Shape("late", age=LATE_SECONDS),
    Shape("over 32 MiB", logs=24_000),
    Shape("both outputs", record=other_output),
    Shape("50 pods in a stream", record=fifty_pods, stream=SHARED_STREAM),
]
COUNTS = [1, 50, 1_000, 8_000, 50_000, 100_000]
