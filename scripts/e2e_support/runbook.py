"""The runbook that `podferry generate all` writes, followed as it stands there: all its blocks in one shell, against a stand-in for AWS.

Nothing of it is repeated here. Only the variables that say where podferry's sources and Datadog are get other values.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from . import runbook_tools
from .cloud import ACCOUNT, CREDENTIALS, REGION
from .loopback import Loopback, reply
from .stack_template import for_stand_in

TOOLS = ("kubectl", "eksctl", "helm", "aws", "sam", "rustc", "cargo-lambda")
# Of the API, and of an application. They are typed where the runbook asks: for the secret, then for monitors and dashboard.
KEY, APPLICATION_KEY = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210fedcba98"
ANSWERS = f"{KEY}\n{KEY}\n{APPLICATION_KEY}\n"
# Of a loaded machine.
SECONDS = 300
# The steps that are not followed, and why.
LEFT_OUT = {"Canary": "there is no cluster here that could run its pod"}


class Step:
    """What to type, and what shows that it worked."""

    def __init__(self, text, what, shows):
        self.what, self.shows = what, shows
        sentence = re.search(r"It worked if (.*?):\n", text)[1]
        # What the sentence quotes as printed, and the things that it names.
        quoted = [each for pair in re.findall(r"prints? `([^`]+)`|event `([^`]+)`", sentence) for each in pair if each]
        named = {"ARN": "arn:aws:", "ConfigMap": "aws-logging", "the days": r"\b7\b", "their names": '"name":"', "a Secret": "datadog-secret"}
        self.wanted = [re.escape(each) for each in quoted] + [pattern for word, pattern in named.items() if word in sentence]

    def worked(self, shown):
        return shown is not None and all(re.search(pattern, shown) for pattern in self.wanted)


class Deployer(Loopback):
    """Makes the stack that `sam deploy` is told to make, of this version."""

    def __init__(self, cloud, version, variables):
        super().__init__()
        self.cloud, self.version, self.variables = cloud, version, variables
        self.stack, self.parameters, self.resources = "", {}, {}

    def answer(self, handler, body):
        asked = json.loads(body)
        error = "" if asked["region"] == REGION else f"not the region of the log group: {asked['region']}"
        self.stack, self.parameters = asked["stack"], asked["parameters"]
        try:
            self.deploy(self.version)
        except Exception as failed:
            error = f"{type(failed).__name__}: {failed}"
        reply(handler, 200, "text/plain", error.encode())

    def deploy(self, version):
        """The stack with the parameters that it was first given."""
        key = self.cloud.upload(version.program, version.name)
        self.resources = self.cloud.stack(self.stack, *for_stand_in(version.template, self.parameters, key, self.variables))


class Runbook:
    """The runbook of a cluster, and a shell that can follow it."""

    def __init__(self, binaries, cloud, datadog_url, arguments):
        self.binaries, self.cloud, self.datadog_url = binaries, cloud, datadog_url
        self.folder = Path(cloud.folder.name) / "runbook"
        command = [binaries.podferry, "generate", "all", "--region", REGION, "--account", ACCOUNT, *arguments, "--api-key-file", "/dev/stdin", "--out", self.folder]
        subprocess.run(command, input=KEY, env={"PATH": "/usr/bin:/bin"}, check=True, capture_output=True, text=True)
        head, *sections = re.split(r"^## ", (self.folder / "README.md").read_text(), flags=re.MULTILINE)
        blocks = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
        [self.variables] = blocks.findall(head)
        # Those without blocks only explain.
        named = {section.partition("\n")[0]: section for section in sections if "```sh" in section}
        self.left_out = {title: why for title in named for name, why in LEFT_OUT.items() if title.endswith(name)}
        self.steps = {title: Step(section, *blocks.findall(section)) for title, section in named.items() if title not in self.left_out}
        # The profile that docs/alarms.md uses.
        aws = self.folder / ".aws"
        aws.mkdir()
        (aws / "config").write_text("[profile prod]\n" + "".join(f"{name.lower()} = {value}\n" for name, value in CREDENTIALS.items()))
        # EKS makes it with the cluster.
        cloud.client("iam").create_role(RoleName=runbook_tools.POD_ROLE.rpartition("/")[2], AssumeRolePolicyDocument="{}")

    def environment(self, **more):
        return self.cloud.environment() | {
            "PATH": f"{self.folder}/programs:/usr/bin:/bin", "HOME": str(self.folder), "LANG": "C.UTF-8", "AWS_PAGER": "",
            "RUNBOOK_AWS": str(self.cloud.aws), "RUNBOOK_STATE": str(self.folder / "state.json"),
        } | more

    def follow(self, deployer):
        """All blocks in one shell, since its variables live on. What each check shows goes into a file."""
        self.put_programs()
        sources = self.folder / "sources"
        (sources / "scripts").mkdir(parents=True)
        shutil.copy(self.binaries.root / "scripts/deploy", sources / "scripts/deploy")
        # By this it knows sources from a released archive.
        (sources / "crates/forwarder").mkdir(parents=True)
        script = [self.variables, f"podferry_folder={sources}\ndatadog_api={self.datadog_url}\n"]
        script += [f"{step.what}\n{{\n{step.shows}\n}} > shown.{number}\n" for number, step in enumerate(self.steps.values())]
        (self.folder / "script").write_text("\n".join(script))
        return subprocess.run(
            ["bash", "-e", "-o", "pipefail", "script"], cwd=self.folder, env=self.environment(RUNBOOK_DEPLOY=deployer.url), input=ANSWERS,
            capture_output=True, text=True, timeout=SECONDS, check=False,
        )

    def put_programs(self):
        """The stand-ins for other programs, and podferry, into a folder for PATH."""
        programs = self.folder / "programs"
        programs.mkdir()
        for name in TOOLS:
            (programs / name).write_text(f"#!{sys.executable} -B\n" + Path(runbook_tools.__file__).read_text().partition("\n")[2])
            (programs / name).chmod(0o755)
        # Datadog's stand-in is at no site's address, so the doctor has to be told where the key is tried.
        doctor = f'[ "$1" != doctor ] || set -- "$@" --datadog-url {self.datadog_url}'
        (programs / "podferry").write_text(f'#!/bin/sh\n{doctor}\nexec {self.binaries.podferry} "$@"\n')
        (programs / "podferry").chmod(0o755)

    def shown(self, number):
        file = self.folder / f"shown.{number}"
        return file.read_text() if file.exists() else None
