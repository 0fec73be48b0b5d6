"""The stand-in for AWS as the parts that deploy the template use it: its start, its clients, the function's zip, and stacks.

It is LocalStack, in a Python of its own: its dependencies are older than those of the tools beside which this program runs.
"""

import io
import os
import tempfile
import time
import zipfile
from pathlib import Path

from .emulator import rie
from .processes import NeverHappened, start_listening, until

REGION = "eu-west-1"
# LocalStack takes an access key id of twelve digits for the number of the account.
ACCOUNT = "111122223333"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "any"}
CODE_BUCKET = "code-of-the-function"
# Of a loaded machine. Alone it starts in 10 s, and makes the stack in 6 s.
START_SECONDS, STACK_SECONDS = 120, 180

STAND_IN = Path(__file__).resolve().parent / "stand_in" / "run.py"


def python_of_stand_in(root):
    """The Python that has LocalStack; `None` if there is none."""
    python = Path(os.environ.get("PODFERRY_STACK_PYTHON") or root / "target/ci-stack/bin/python")
    found = list(python.parent.parent.glob("lib/python3*/site-packages/localstack/services/lambda_"))
    return python.absolute() if found and os.access(python, os.X_OK) else None


class StackFailed(Exception):
    """CloudFormation did not make or change the stack."""


class Cloud:
    """Use it with `with`: at the end nothing of it is left."""

    def __init__(self, root):
        self.root, self.folder, self.port, self.process = root, None, 0, None

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="podferry-e2e-")
        place = self.folder.name
        environment = {"PATH": os.environ["PATH"], "HOME": place, "TMPDIR": place, "LOCALSTACK_VOLUME_DIR": f"{place}/volume"}

        def command(port):
            return [python_of_stand_in(self.root), STAND_IN, port, rie()]

        try:
            self.port, self.process = start_listening(command, environment, START_SECONDS, "LocalStack's port")
            self.process.wait_for(lambda: "Ready." in self.process.out(), START_SECONDS, "that LocalStack is ready")
            where = {"LocationConstraint": REGION}
            self.client("s3").create_bucket(Bucket=CODE_BUCKET, CreateBucketConfiguration=where)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception):
        if self.process:
            # It takes 10 s to say good-bye, and nothing of it is kept.
            self.process.stop(patience=0)
        self.folder.cleanup()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def aws(self):
        """AWS's command; LocalStack brings it."""
        return python_of_stand_in(self.root).parent / "aws"

    def environment(self):
        """The variables by which AWS's tools and podferry come here, and nowhere else."""
        return CREDENTIALS | {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": self.url, "AWS_EC2_METADATA_DISABLED": "true"}

    def client(self, service, account=ACCOUNT):
        import boto3

        return boto3.client(
            service, region_name=REGION, endpoint_url=self.url,
            aws_access_key_id=account, aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )

    def upload(self, program, version):
        """The function's zip, as this version; the key that it has in the bucket."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            info = zipfile.ZipInfo("bootstrap")
            info.external_attr = 0o755 << 16
            archive.writestr(info, program, zipfile.ZIP_DEFLATED, 1)
            # Another zip, also where the program is the same.
            archive.writestr("version", version)
        key = f"{version}.zip"
        self.client("s3").put_object(Bucket=CODE_BUCKET, Key=key, Body=buffer.getvalue())
        return key

    def stack(self, name, template, parameters):
        """Makes the stack, or changes it, and waits for the end. Its resources: from logical to physical ids."""
        body = f"{name}.json"
        self.client("s3").put_object(Bucket=CODE_BUCKET, Key=body, Body=template.encode())
        cloudformation = self.client("cloudformation")
        there = any(each["StackName"] == name for each in cloudformation.describe_stacks()["Stacks"])
        put = cloudformation.update_stack if there else cloudformation.create_stack
        put(
            StackName=name, TemplateURL=f"{self.url}/{CODE_BUCKET}/{body}", Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        )

        def status():
            return cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]

        try:
            until(lambda: time.sleep(0.2) or not status().endswith("IN_PROGRESS"), STACK_SECONDS, f"the stack {name}")
        except NeverHappened as error:
            raise StackFailed(f"{error}; LocalStack: {self.process.out()[-2000:]}") from None
        if status() != ("UPDATE_COMPLETE" if there else "CREATE_COMPLETE"):
            events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
            reasons = [f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason', '')}" for each in events if "FAILED" in each["ResourceStatus"]]
            raise StackFailed(f"{status()}: {'; '.join(reasons)}; LocalStack: {self.process.out()[-2000:]}")
        resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        return {each["LogicalResourceId"]: each.get("PhysicalResourceId") for each in resources}
