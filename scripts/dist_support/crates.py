"""Which crates a program is made of, as cargo says, and what is known of each."""

import dataclasses
import functools
import json
import tomllib
from pathlib import Path

from .failed import Failed, run
from .toolchain import ROOT


@dataclasses.dataclass(frozen=True, order=True)
class Crate:
    name: str
    version: str
    license: str
    repository: str
    # SHA-256 of the archive that crates.io has; empty for a crate of this workspace.
    checksum: str
    folder: Path
    # Names and versions of the crates below it, of those that are linked.
    below: tuple

    @property
    def is_own(self):
        return not self.checksum


def options(offline):
    return ["--locked", *(["--offline"] if offline else [])]


@functools.cache
def resolved(target, offline):
    command = ["cargo", "metadata", *options(offline), "--format-version", "1", "--filter-platform", target]
    return json.loads(run(command, cwd=ROOT))


@functools.cache
def linked(package, target, offline):
    """The crates that are linked into a program for a target, the package itself among them."""
    tree = ["cargo", "tree", *options(offline), "-p", package, "-e", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}", "--target", target]
    lines = run(tree, cwd=ROOT).splitlines()
    # `name v1.2.3`, then a path or `(*)`. What macros are made of runs in the compiler and is not linked.
    pairs = {tuple(line.split()[:2]) for line in lines if line}
    metadata = resolved(target, offline)
    checksums = {(each["name"], each["version"]): each.get("checksum", "") for each in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]}
    by_id = {each["id"]: each for each in metadata["packages"]}
    depends = {node["id"]: node["deps"] for node in metadata["resolve"]["nodes"]}
    wanted = {key: each for key, each in by_id.items() if (each["name"], f"v{each['version']}") in pairs}
    if len(wanted) != len(pairs):
        raise Failed(f"cargo tree names {len(pairs)} crates for {package}, cargo metadata knows {len(wanted)} of them")
    return sorted(
        Crate(
            each["name"],
            each["version"],
            each["license"] or "",
            each["repository"] or "",
            checksums[each["name"], each["version"]],
            Path(each["manifest_path"]).parent,
            tuple(sorted((by_id[dep["pkg"]]["name"], by_id[dep["pkg"]]["version"]) for dep in depends[key] if dep["pkg"] in wanted and is_normal(dep))),
        )
        for key, each in wanted.items()
    )


def is_normal(dependency):
    return any(kind["kind"] is None for kind in dependency["dep_kinds"])


def of_all_targets(by_target):
    """The crates of several targets, each once, with what is below it anywhere."""
    merged = {}
    for crate in (crate for crates in by_target.values() for crate in crates):
        known = merged.setdefault((crate.name, crate.version), crate)
        merged[crate.name, crate.version] = dataclasses.replace(known, below=tuple(sorted({*known.below, *crate.below})))
    return sorted(merged.values())
