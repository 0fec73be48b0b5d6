#!/usr/bin/env python3
"""The programs of the runbook that have no account and no cluster here: kubectl, eksctl, helm, sam, and what scripts/deploy looks for.

Called by the name of one of them, from a folder of copies of this file. What they were told is kept in a file, RUNBOOK_STATE, so that what is asked
for later is there only if it was made before. A command that is not known fails.
"""

import json
import os
import re
import sys
import time
import urllib.request
from pathlib import Path

import yaml

# Made by EKS with the cluster.
POD_ROLE = "arn:aws:iam::111122223333:role/pods-of-prod"


def main(name, arguments):
    kept = Path(os.environ["RUNBOOK_STATE"])
    before = kept.read_text() if kept.exists() else json.dumps({"objects": [], "profiles": {}, "restarted": [], "charts": []})
    state = json.loads(before)
    program = {"kubectl": kubectl, "eksctl": eksctl, "helm": helm, "aws": aws, "sam": sam, "rustc": rustc, "cargo-lambda": lambda *_: None}[name]
    program(state, arguments)
    # In one step: the programs of a pipe run at the same time.
    if (after := json.dumps(state)) != before:
        new = kept.with_suffix(f".{os.getpid()}")
        new.write_text(after)
        new.replace(kept)


def unknown(arguments):
    sys.exit(f"{Path(sys.argv[0]).name}: not known to this stand-in: {' '.join(arguments)}")


def options(arguments, *names):
    """The values of options, in the order of their names; empty where one is missing."""
    return [arguments[arguments.index(name) + 1] if name in arguments else "" for name in names]


def kubectl(state, arguments):
    namespace, selector = options(arguments, "-n", "--field-selector")
    objects = state["objects"]
    words = [word for word in arguments if word not in ("-n", namespace)]
    match words:
        case ["apply", "-f", file]:
            for each in yaml.safe_load_all(sys.stdin.read() if file == "-" else Path(file).read_text()):
                objects.append(each)
                print(f"{each['kind'].lower()}/{each['metadata']['name']} created")
        case ["create", "namespace", name, "--dry-run=client", "-o", "yaml"]:
            print(yaml.safe_dump({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))
        case ["get", "configmap", name]:
            print(one(objects, "ConfigMap", namespace, name)["metadata"]["name"])
        case ["get", "secrets", "--all-namespaces", "--field-selector", _]:
            name = selector.removeprefix("metadata.name=")
            found = [each["metadata"] for each in objects if each["kind"] == "Secret" and each["metadata"]["name"] == name]
            for each in found:
                one(objects, "Namespace", "", each["namespace"])
                print(each["namespace"], each["name"])
        case ["auth", "can-i", verb, resource, *_] if "--as" in words:
            account, subresource = options(words, "--as", "--subresource=")[0], next(word for word in words if word.startswith("--subresource="))
            allowed = can(objects, account.split(":")[2:], verb, f"{resource}/{subresource.partition('=')[2]}")
            print("yes" if allowed else "no")
            sys.exit(not allowed)
        case ["wait", "pod", *_] if state["charts"]:
            print("pod/datadog-cluster-agent-7c5d8f6b9c-lm4xn condition met")
        case ["rollout", "restart", "deployment"]:
            state["restarted"].append(namespace)
            print("deployment.apps/api restarted")
        case ["get", "events", "--field-selector", "reason=LoggingEnabled"] if namespace in state["restarted"]:
            one(objects, "ConfigMap", "aws-observability", "aws-logging")
            print("LoggingEnabled")
        case _:
            unknown(arguments)


def one(objects, kind, namespace, name):
    for each in objects:
        if (each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]) == (kind, namespace, name):
            return each
    sys.exit(f"Error from server (NotFound): {kind} {namespace}/{name}")


def can(objects, account, verb, resource):
    """Whether a ClusterRoleBinding gives the service account this right."""
    namespace, name = account
    for binding in (each for each in objects if each["kind"] == "ClusterRoleBinding"):
        subjects = [(each["kind"], each.get("namespace"), each["name"]) for each in binding["subjects"]]
        rules = one(objects, "ClusterRole", "", binding["roleRef"]["name"])["rules"]
        if ("ServiceAccount", namespace, name) in subjects and any(verb in rule["verbs"] and resource in rule.get("resources", []) for rule in rules):
            return True
    return False


def eksctl(state, arguments):
    match arguments:
        case ["create", "fargateprofile", "-f", file]:
            config = yaml.safe_load(Path(file).read_text())
            for profile in config["fargateProfiles"]:
                state["profiles"][f"{config['metadata']['name']}/{profile['name']}"] = profile
        case _:
            unknown(arguments)


def helm(state, arguments):
    match arguments:
        case ["repo", "add", _, _]:
            pass
        case ["upgrade", "--install", name, chart, *_]:
            yaml.safe_load(Path(options(arguments, "-f")[0]).read_text())
            state["charts"].append([name, chart])
        case _:
            unknown(arguments)


def aws(state, arguments):
    """AWS's own command in its version 1, which is in PyPI, but for what version 2 has more, and for EKS, which the stand-in for AWS has not."""
    if arguments[:2] == ["logs", "tail"]:
        minutes, pattern = options(arguments, "--since", "--filter-pattern")
        since = int((time.time() - 60 * int(minutes[:-1]) * {"m": 1, "h": 60}[minutes[-1]]) * 1000)
        arguments = ["logs", "filter-log-events", "--log-group-name", arguments[2], "--start-time", str(since), "--filter-pattern", pattern]
    if arguments[:1] != ["eks"]:
        # For SQS, version 1 does not take the variable.
        os.execv(os.environ["RUNBOOK_AWS"], ["aws", "--endpoint-url", os.environ["AWS_ENDPOINT_URL"], *arguments])
    cluster, profile, query = options(arguments, "--cluster-name", "--fargate-profile-name", "--query")
    if arguments[1] != "describe-fargate-profile" or f"{cluster}/{profile}" not in state["profiles"]:
        unknown(arguments)
    print({"fargateProfile.status": "ACTIVE", "fargateProfile.podExecutionRoleArn": POD_ROLE}[query])


def sam(_state, arguments):
    """Builds a file with the head of a program for arm64; has the stack made by the part of scripts/e2e that runs this."""
    if arguments[0] == "build":
        built = Path(".aws-sam/build/Forwarder")
        built.mkdir(parents=True)
        (built / "bootstrap").write_bytes(bytes(18) + b"\xb7" + bytes(9))
        return
    parameters = dict(re.fullmatch(r'(\w+)="(.*)"', word).groups() for word in arguments if re.fullmatch(r'\w+=".*"', word))
    stack, region = options(arguments, "--stack-name", "--region")
    body = json.dumps({"stack": stack, "region": region, "parameters": parameters}).encode()
    with urllib.request.urlopen(urllib.request.Request(os.environ["RUNBOOK_DEPLOY"], data=body), timeout=300) as answer:
        if error := answer.read().decode():
            sys.exit(f"sam deploy: {error}")


def rustc(_state, _arguments):
    print("/")


if __name__ == "__main__":
    main(Path(sys.argv[0]).name, sys.argv[1:])
