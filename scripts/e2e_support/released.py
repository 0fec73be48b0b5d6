"""The files of a release, deployed by the commands of docs/install.md and docs/roll-back.md as they stand there.

SAM and `scripts/deploy` are the real ones, and the templates are those of a release, unchanged. Rust is not to be had. All of it is in an account
beside that of the runbook, since both call their stack podferry.
"""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

from dist_support import arm64
from dist_support.archives import zip_of

from . import handbook
from .cloud import REGION
from .loopback import Loopback, reply

ACCOUNT = "444455556666"
# The name of the cluster that the document gives, and the one that is answered to scripts/deploy; and their log groups.
CLUSTER, CLUSTER_OF_URL = "prod", "by-url"
GROUPS = {cluster: f"/aws/eks/{cluster}/fargate" for cluster in (CLUSTER, CLUSTER_OF_URL)}
BUCKET = "example-code"
# Of a loaded machine, for one deployment.
SECONDS = 300


class Release(Loopback):
    """The downloads of a release, and somebody who deploys them. Use it with `with`."""

    def __init__(self, binaries, cloud, version, key):
        super().__init__()
        self.root, self.cloud, self.folder = binaries.root, cloud, Path(cloud.folder.name) / "release"
        self.architecture = "arm64" if arm64.is_arm64(binaries.forwarder) else "x86_64"
        self.zip = f"forwarder-{self.architecture}.zip"
        self.files = self.of_release("now", version.program)
        self.earlier = self.of_release("earlier", version.program)
        self.secret = self.client("secretsmanager").create_secret(Name="datadog", SecretString=key)["ARN"]
        self.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        for group in GROUPS.values():
            self.client("logs").create_log_group(logGroupName=group)
        self.answers = f"{CLUSTER_OF_URL}\n{REGION}\n\n{self.secret}\n{CLUSTER_OF_URL}\n{GROUPS[CLUSTER_OF_URL]}\n"
        self.put_programs()

    def of_release(self, name, program):
        """The zip and its sum."""
        packed = zip_of({"bootstrap": (program, True), "version": (name.encode(), False)})
        return {self.zip: packed, "SHA256SUMS": f"{hashlib.sha256(packed).hexdigest()}  {self.zip}\n".encode()}

    def answer(self, handler, _body):
        file = self.files.get(handler.path.rpartition("/")[2])
        reply(handler, 200 if file else 404, "application/octet-stream", file or b"")

    def client(self, service):
        return self.cloud.client(service, ACCOUNT)

    def put_programs(self):
        programs = self.folder / "programs"
        programs.mkdir(parents=True)
        (programs / "aws").symlink_to(self.cloud.aws)
        (programs / "sam").symlink_to(Path(shutil.which("sam")).absolute())
        for name in ("cargo", "cargo-lambda", "rustc"):
            (programs / name).write_text(f"#!/bin/sh\necho {name} is not to be used >&2\nexit 1\n")
            (programs / name).chmod(0o755)

    def commands(self):
        """Blocks of the documents: what each is about, the folder that it is typed in, and the text."""
        from samtranslator.yaml_helper import yaml_parse
        from template_support.plain import plain

        documents = self.root / "docs"
        section = re.search(r"^## Deploy a release$.*?(?=^## )", (documents / "install.md").read_text(), re.MULTILINE | re.DOTALL)[0]
        by_url, packaged = handbook.blocks(section)
        back = handbook.blocks((documents / "roll-back.md").read_text())[0].splitlines()[0]
        # The archive of the command has these two.
        archive = self.folder / re.search(r"^cd (\S+)$", by_url, re.MULTILINE)[1]
        (archive / "scripts").mkdir(parents=True)
        for name in ("template.yaml", "scripts/deploy"):
            shutil.copy(self.root / name, archive / name)
        template = plain(yaml_parse((self.root / "template.yaml").read_text()))
        for folder, files in ((self.folder, self.files | {"podferry.json": json.dumps(template).encode()}), (archive, self.earlier)):
            for name, data in files.items():
                (folder / name).write_bytes(data)
        return (
            ("scripts/deploy --release URL", self.folder, by_url),
            ("sam deploy of the packaged template", self.folder, packaged),
            ("scripts/deploy --release FILE of an earlier release", archive, back),
        )

    def type(self, folder, block):
        """Runs a block, with what stands for something else in its place."""
        words = {
            r"https://\S*/forwarder-arm64\.zip": f"{self.url}/{self.zip}",
            r"forwarder-arm64\.zip": self.zip,
            r"\bARN\b": f"{self.secret} Architecture={self.architecture}",
        }
        for word, value in words.items():
            block = re.sub(word, value, block)
        environment = self.cloud.environment() | {
            "PATH": f"{self.folder}/programs:/usr/bin:/bin", "HOME": str(self.folder), "LANG": "C.UTF-8", "SAM_CLI_TELEMETRY": "0",
            # Seconds between two looks at the stack; as it comes, five.
            "AWS_ACCESS_KEY_ID": ACCOUNT, "SAM_CLI_POLL_DELAY": "0.5",
        }
        return subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", block], cwd=folder, env=environment, input=self.answers,
            capture_output=True, text=True, timeout=SECONDS, check=False,
        )

    def functions(self):
        """Of each cluster: its function, the sum of the zip that it should have, and of the one that it has."""
        for stack, cluster, files in ((CLUSTER_OF_URL, CLUSTER_OF_URL, self.files), ("podferry", CLUSTER, self.earlier)):
            resource = self.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId="Forwarder")
            name = resource["StackResourceDetail"]["PhysicalResourceId"]
            found = self.client("lambda").get_function_configuration(FunctionName=name)["CodeSha256"]
            yield cluster, name, base64.b64encode(hashlib.sha256(files[self.zip]).digest()).decode(), found

    def point_to(self, name, url):
        """Has a function send to the stand-in for Datadog, which cannot read zstd. The templates have no parameter for an address."""
        functions = self.client("lambda")
        variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables | {"DD_URL": url, "DD_COMPRESSION": "gzip"}})
        functions.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": SECONDS})
