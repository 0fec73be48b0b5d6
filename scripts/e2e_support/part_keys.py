"""Where the API key may come from, with moto for AWS: is the right one sent, how often is it fetched, is it ever shown?"""

import base64
import contextlib
import json
import secrets
import socket

from . import events
from .aws import ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN, Door, Moto
from .emulator import FUNCTION_NAME, Emulator
from .intakes import Intake
from .processes import until

EVENT = "parsed/coredns-coredns"
LOGS = 11
# More logs than two requests may hold, so that several payloads are refused at once.
MANY_LOGS = 2500
# Seconds that Lambda gives where something never answers.
SHORT_TIMEOUT = 5


def run(checks, binaries):
    with checks.scenario("moto"), Moto() as moto:
        world = World(checks, binaries, moto)
        for scenario in (secrets_manager, parameter_store, kms, precedence, another_region, own_endpoint, rotation, missing, silence, plain):
            with checks.scenario(scenario.__name__.replace("_", " ")):
                moto.reset()
                scenario(world)


class World:
    """What every scenario needs: a fresh intake, a door to moto and a function, and the keys that must never be shown."""

    def __init__(self, checks, binaries, moto):
        self.checks, self.binaries, self.moto = checks, binaries, moto

    def key(self):
        """A new API key, as Datadog's look."""
        return secrets.token_hex(16)

    @contextlib.contextmanager
    def function(self, what, *never_shown, behave=lambda arrival: 202, **environment):
        with Intake(behave) as intake, Door(self.moto) as door:
            settings = {
                "DD_URL": intake.url,
                "DD_COMPRESSION": "gzip",
                "AWS_ENDPOINT_URL": door.url,
                "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
                "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
                "AWS_SESSION_TOKEN": SESSION_TOKEN,
            }
            with Emulator(self.binaries.function, **(settings | environment)) as function:
                # Answers are part of what is shown.
                answers = []
                invoke = function.invoke
                function.invoke = lambda event: answers.append(invoke(event)) or answers[-1]
                yield function, intake, door
                shown = function.output() + "".join(answer.text for answer in answers)
                words = [*never_shown, SECRET_ACCESS_KEY, SESSION_TOKEN]
                words += [base64.b64encode(word.encode()).decode() for word in words]
                self.checks.that(f"keys: {what}: no key in the function's output", shown and not any(word in shown for word in words), shown)

    def delivers(self, what, key, operations, regions=("us-east-1",), others=(), **environment):
        """The key arrives with the logs; a second invocation does not ask for it again; the calls are signed as they should be."""
        check = self.checks
        with self.function(what, key, *others, **environment) as (function, intake, door):
            answer = function.invoke(events.from_corpus(EVENT))
            check.that(f"keys: {what}: the logs arrive", answer.body.get("delivered") == len(intake.accepted()) == LOGS, answer.text)
            check.same(f"keys: {what}: with that key", {*intake.keys()}, {key})
            check.same(f"keys: {what}: after the calls {', '.join(operations) or 'none'}", door.operations(), operations)
            if operations:
                check.that(f"keys: {what}: signed as botocore would", all(call.is_signed for call in door.calls), door.calls)
                check.same(f"keys: {what}: in the region {', '.join(regions)}", {call.region for call in door.calls}, {*regions})
            answer = function.invoke(events.from_corpus(EVENT))
            again = door.operations()[len(operations) :]
            check.that(f"keys: {what}: the next invocation has it", answer.body.get("delivered") == LOGS and not again, f"{answer.text} {again}")
            return door.calls


def secrets_manager(world):
    client = world.moto.client("secretsmanager")
    makers = [
        ("a secret of plain text", lambda key: {"SecretString": key}),
        ("a secret of plain text with a newline", lambda key: {"SecretString": f"{key}\n"}),
        ("a secret with api_key", lambda key: {"SecretString": json.dumps({"api_key": key, "app_key": "other"})}),
        ("a secret with dd_api_key", lambda key: {"SecretString": json.dumps({"dd_api_key": key})}),
        ("a secret with apiKey", lambda key: {"SecretString": json.dumps({"apiKey": key})}),
        ("a binary secret", lambda key: {"SecretBinary": key.encode()}),
    ]
    for number, (what, content) in enumerate(makers):
        key = world.key()
        arn = client.create_secret(Name=f"datadog/{number}", **content(key))["ARN"]
        world.delivers(what, key, ["GetSecretValue"], DD_API_KEY_SECRET_ARN=arn)


def parameter_store(world):
    client = world.moto.client("ssm")
    key = world.key()
    client.put_parameter(Name="/datadog/key", Value=key, Type="SecureString")
    arn = client.get_parameter(Name="/datadog/key")["Parameter"]["ARN"]
    calls = world.delivers("a parameter by name", key, ["GetParameter"], DD_API_KEY_SSM_NAME="/datadog/key")
    world.checks.that("keys: a parameter by name: asked for decrypted", calls[0].request.get("WithDecryption") is True, calls)
    world.delivers("a parameter by ARN", key, ["GetParameter"], DD_API_KEY_SSM_NAME=arn)


def kms(world):
    client = world.moto.client("kms")
    key_id = client.create_key()["KeyMetadata"]["KeyId"]
    key = world.key()

    def encrypted(**context):
        return base64.b64encode(client.encrypt(KeyId=key_id, Plaintext=key.encode(), **context)["CiphertextBlob"]).decode()

    world.delivers("KMS without a context", key, ["Decrypt"], DD_KMS_API_KEY=encrypted())
    context = {"LambdaFunctionName": FUNCTION_NAME}
    with_context = encrypted(EncryptionContext=context)
    calls = world.delivers("KMS with Lambda's context", key, ["Decrypt", "Decrypt"], DD_KMS_API_KEY=with_context)
    contexts = [call.request.get("EncryptionContext") for call in calls]
    world.checks.same("keys: KMS with Lambda's context: which comes second", contexts, [None, context])


def precedence(world):
    keys = {name: world.key() for name in ("secret", "parameter", "kms", "plain")}
    key_id = world.moto.client("kms").create_key()["KeyMetadata"]["KeyId"]
    ciphertext = world.moto.client("kms").encrypt(KeyId=key_id, Plaintext=keys["kms"].encode())["CiphertextBlob"]
    world.moto.client("ssm").put_parameter(Name="dd", Value=keys["parameter"], Type="SecureString")
    sources = {
        "secret": ("DD_API_KEY_SECRET_ARN", world.moto.client("secretsmanager").create_secret(Name="dd", SecretString=keys["secret"])["ARN"]),
        "parameter": ("DD_API_KEY_SSM_NAME", "dd"),
        "kms": ("DD_KMS_API_KEY", base64.b64encode(ciphertext).decode()),
        "plain": ("DD_API_KEY", keys["plain"]),
    }
    operations = {"secret": ["GetSecretValue"], "parameter": ["GetParameter"], "kms": ["Decrypt"], "plain": []}
    names = list(sources)
    for first, name in enumerate(names[:-1]):
        environment = dict(sources[each] for each in names[first:])
        what = f"{sources[name][0]} before {', '.join(sources[each][0] for each in names[first + 1 :])}"
        world.delivers(what, keys[name], operations[name], others=keys.values(), **environment)


def another_region(world):
    key, decoy = world.key(), world.key()
    world.moto.client("secretsmanager").create_secret(Name="dd", SecretString=decoy)
    arn = world.moto.client("secretsmanager", "eu-central-1").create_secret(Name="dd", SecretString=key)["ARN"]
    world.delivers("a secret in another region", key, ["GetSecretValue"], ["eu-central-1"], [decoy], DD_API_KEY_SECRET_ARN=arn)
    world.moto.client("ssm").put_parameter(Name="/dd", Value=decoy, Type="SecureString")
    client = world.moto.client("ssm", "eu-central-1")
    client.put_parameter(Name="/dd", Value=key, Type="SecureString")
    arn = client.get_parameter(Name="/dd")["Parameter"]["ARN"]
    world.delivers("a parameter in another region", key, ["GetParameter"], ["eu-central-1"], [decoy], DD_API_KEY_SSM_NAME=arn)


def own_endpoint(world):
    """`AWS_ENDPOINT_URL_SSM` goes before `AWS_ENDPOINT_URL`."""
    key = world.key()
    world.moto.client("ssm").put_parameter(Name="dd", Value=key, Type="SecureString")
    with Door(world.moto) as own:
        world.delivers("an endpoint of its own", key, [], DD_API_KEY_SSM_NAME="dd", AWS_ENDPOINT_URL_SSM=own.url)
        world.checks.same("keys: an endpoint of its own: is the one that is asked", own.operations(), ["GetParameter"])


def rotation(world):
    """The key is changed while the function holds the old one: the invocation that finds out does not fail."""
    check = world.checks
    old, new = world.key(), world.key()
    client = world.moto.client("secretsmanager")
    arn = client.create_secret(Name="dd", SecretString=old)["ARN"]
    valid = {old}

    def behave(arrival):
        return 202 if arrival.key in valid else 403

    def rotate():
        client.put_secret_value(SecretId=arn, SecretString=new)
        valid.clear()
        valid.add(new)

    with world.function("rotation", old, new, behave=behave, DD_API_KEY_SECRET_ARN=arn) as (function, intake, door):
        function.invoke(events.from_corpus(EVENT))
        check.same("keys: rotation: the old key serves first", {*intake.keys()}, {old})
        rotate()
        event, _ = events.many(EVENT, logs=MANY_LOGS)
        answer = function.invoke(event)
        check.same("keys: rotation: the same invocation succeeds with the new key", answer.body.get("delivered"), MANY_LOGS)
        refused = [arrival for arrival in intake.arrivals if arrival.status == 403]
        check.that(f"keys: rotation: {len(refused)} payloads were refused with the old key", len(refused) >= 2)
        arrived = [item["id"] for item in intake.accepted()[LOGS:]]
        check.same("keys: rotation: each log arrived once", sorted(arrived), sorted(events.ids(event)))
        check.same("keys: rotation: the key was fetched once more only", door.operations(), ["GetSecretValue"] * 2)
        answer = function.invoke(events.from_corpus(EVENT))
        check.same("keys: rotation: the new key is kept", (answer.body.get("requests"), len(door.calls)), (1, 2))
        # A key that stays wrong: asked for once more, then it is over.
        valid.clear()
        answer = function.invoke(events.from_corpus(EVENT))
        check.same("keys: a key that is refused for good: LogsUndelivered", answer.error_type, "LogsUndelivered")
        check.that("keys: a key that is refused for good: the message says so", "API key" in answer.message and "403" in answer.message, answer.text)
        check.same("keys: a key that is refused for good: is fetched once more only", len(door.calls), 3)


def missing(world):
    gone = "arn:aws:secretsmanager:us-east-1:123456789012:secret:gone-AbCdEf"
    cases = [
        ("a missing secret", {"DD_API_KEY_SECRET_ARN": gone}, "ResourceNotFound"),
        ("a missing parameter", {"DD_API_KEY_SSM_NAME": "/gone"}, "ParameterNotFound"),
        ("a secret that is no key", {"DD_API_KEY_SECRET_ARN": "no-key"}, "api_key"),
    ]
    world.moto.client("secretsmanager").create_secret(Name="no-key", SecretString=json.dumps({"password": "not-for-logs"}))
    for what, environment, word in cases:
        [variable] = environment
        with world.function(what, "not-for-logs", **environment) as (function, intake, door):
            answer = function.invoke(events.from_corpus(EVENT))
            world.checks.same(f"keys: {what}: ApiKeyUnavailable", answer.error_type, "ApiKeyUnavailable")
            world.checks.that(f"keys: {what}: the message says {variable} and {word}", variable in answer.message and word in answer.message, answer.text)
            world.checks.same(f"keys: {what}: nothing is sent", intake.arrivals, [])
            answer = function.invoke(events.control())
            world.checks.that(f"keys: {what}: a control message is still answered", answer.body.get("control") is True, answer.text)
    # Once it is there, nobody has to restart the function. A failure may be remembered for a moment.
    with world.function("a secret that comes later", DD_API_KEY_SECRET_ARN="later") as (function, _intake, door):
        function.invoke(events.from_corpus(EVENT))
        world.checks.same("keys: a secret that comes later: is asked for once while it is missing", door.operations(), ["GetSecretValue"])
        pid = function.pid()
        world.moto.client("secretsmanager").create_secret(Name="later", SecretString=world.key())
        until(lambda: function.invoke(events.from_corpus(EVENT)).body.get("delivered") == LOGS, 10, "the secret that is there now")
        world.checks.same("keys: a secret that comes later: is then found by the same process", function.pid(), pid)


def silence(world):
    """An AWS that never answers, as in a VPC without a way to it: the invocation ends in order, before Lambda ends it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        # It takes connections, because the system does, and says nothing.
        environment = {"DD_API_KEY_SECRET_ARN": "dd", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        with world.function("a silent AWS", timeout=SHORT_TIMEOUT, **environment) as (function, _intake, _door):
            answer = function.invoke(events.from_corpus(EVENT))
            world.checks.that(
                f"keys: a silent AWS: the invocation fails after {answer.seconds:.1f} s, before Lambda's {SHORT_TIMEOUT} s are over",
                answer.error_type in ("ApiKeyUnavailable", "LogsUndelivered") and answer.seconds < SHORT_TIMEOUT and not function.was_killed(),
                answer.text,
            )


def plain(world):
    key = world.key()
    world.delivers("DD_API_KEY alone", key, [], DD_API_KEY=key)
