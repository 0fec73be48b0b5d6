"""Packages of Debian, unpacked into a folder of ours: nothing is installed, and neither root nor a change of the system is needed.

apt checks the signatures of the archive as always. Its lists and packages lie below the folder too, so that the system's own stay as they
are, and so that packages of another architecture can be had without `dpkg --add-architecture`.
"""

import os
import shutil
import subprocess

from .failed import Failed, run


class Packages:
    """What is fetched and unpacked below one folder."""

    def __init__(self, folder, architecture="amd64"):
        self.folder, self.lists, self.cache = folder, folder / "lists", folder / "cache"
        for tool in ("apt-get", "dpkg"):
            if not shutil.which(tool):
                raise Failed(f"{tool} is not there: this is no Debian")
        own = run(["dpkg", "--print-architecture"]).strip()
        if own != architecture:
            raise Failed(f"this machine is {own}, and the packages are looked for on {architecture} only")
        for each in (self.lists / "partial", self.cache / "archives" / "partial"):
            each.mkdir(parents=True, exist_ok=True)
        settings = {
            "Dir::State::lists": self.lists,
            "Dir::Cache": self.cache,
            "Debug::NoLocking": "true",
            # As root, apt would become another user, who may not write here.
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
        }
        self.options = [f"-o{name}={value}" for name, value in settings.items()]
        self.options += ["-oAPT::Architectures::=amd64", "-oAPT::Architectures::=arm64"]

    def apt(self, program, *arguments):
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
        return run([program, *self.options, *arguments], cwd=self.cache, env=environment, stderr=subprocess.PIPE)

    def update(self):
        # A source that does not answer may be one that nothing here comes from: what is missing shows below.
        subprocess.run(["apt-get", *self.options, "-qq", "update"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)

    def version(self, package):
        """The version that apt would take; `None` if there is none."""
        for line in self.apt("apt-cache", "policy", package).splitlines():
            name, _, value = line.strip().partition(": ")
            if name == "Candidate" and value != "(none)":
                return value
        return None

    def depends(self, package):
        lines = self.apt("apt-cache", "depends", package).splitlines()
        return [line.split(": ", 1)[1] for line in lines if line.strip().startswith("Depends: ")]

    def unpack(self, packages, into, missing_for=()):
        """Unpacks packages; and of what other packages need, what this machine does not have."""
        archives = self.cache / "archives"
        self.apt("apt-get", "-qq", "download", *packages)
        if missing_for:
            self.apt("apt-get", "-qq", "--yes", "--no-install-recommends", "--download-only", "install", *missing_for)
        into.mkdir(parents=True, exist_ok=True)
        for each in sorted([*self.cache.glob("*.deb"), *archives.glob("*.deb")]):
            run(["dpkg", "-x", each, into])
            each.unlink()
