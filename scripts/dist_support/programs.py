"""Builds the programs of a release, so that nothing of this machine is left in them."""

import dataclasses
import os
import re
import shutil
from pathlib import Path

from .failed import Failed, run
from .toolchain import ROOT, TARGETS

# Beside .ci/run's own builds, which another compiler may have made.
TARGET_DIRECTORY = ROOT / "target" / "dist"


@dataclasses.dataclass(frozen=True)
class Program:
    package: str
    architecture: str

    @property
    def name(self):
        return f"{self.package}-{self.architecture}"

    @property
    def target(self):
        return TARGETS[self.architecture]

    @property
    def glibc(self):
        """The newest version of glibc that it may need."""
        return GLIBC[self.package]


# Amazon Linux 2023, which provided.al2023 is, has 2.34. The command also runs where people work: 2.28 is that of RHEL 8, Debian 10 and Ubuntu 18.10.
GLIBC = {"forwarder": "2.34", "podferry": "2.28"}
PROGRAMS = [Program(package, architecture) for package in GLIBC for architecture in TARGETS]

# What each processor of Lambda has, as cargo-lambda builds for it too: Graviton2, and AVX2.
PROCESSOR = {"arm64": "neoverse-n1", "x86_64": "haswell"}


def flags(program, toolchain):
    """What rustc is told: for which processor, and which names the folders of this machine have in a panic's place."""
    registry = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo")) / "registry" / "src"
    # The last that fits counts. The name of an index has a hash in it that depends on where crates come from.
    names = [(ROOT, "/podferry"), *((each, "/crates") for each in sorted(registry.glob("*")))]
    names.append((Path(toolchain.sysroot()) / "lib/rustlib/src/rust", f"/rustc/{toolchain.commit()}"))
    processor = [f"-Ctarget-cpu={PROCESSOR[program.architecture]}"] if program.package == "forwarder" else []
    return [*processor, *(f"--remap-path-prefix={path}={name}" for path, name in names)]


def build(program, toolchain, offline):
    """Builds a program, looks at what came out, and returns its path."""
    environment = os.environ | {
        "RUSTC": str(toolchain.rustc),
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags(program, toolchain)),
        "CARGO_TARGET_DIR": str(TARGET_DIRECTORY),
    }
    # Flags and profiles are those of the repository, whatever the environment says.
    for name in list(environment):
        if name == "RUSTFLAGS" or name == "CARGO_BUILD_RUSTFLAGS" or name.startswith("CARGO_PROFILE_"):
            del environment[name]
    command = ["cargo", "zigbuild", "--release", "--locked", "-p", program.package, "--bin", program.package]
    command += ["--target", f"{program.target}.{program.glibc}", *(["--offline"] if offline else [])]
    run(command, cwd=ROOT, env=environment)
    path = TARGET_DIRECTORY / program.target / "release" / program.package
    check(program, path.read_bytes())
    return path


# The machine type in the header of an ELF file.
MACHINE = {"x86_64": 0x3E, "arm64": 0xB7}


def check(program, data):
    """Fails where a program is not what it should be."""
    if data[:4] != b"\x7fELF" or int.from_bytes(data[18:20], "little") != MACHINE[program.architecture]:
        raise Failed(f"{program.name} is no program for {program.architecture}")
    needed = newest_glibc(data)
    if needed > version(program.glibc):
        raise Failed(f"{program.name} needs glibc {'.'.join(map(str, needed))}, and may need {program.glibc} at most")
    homes = [str(ROOT), str(Path.home()), os.environ.get("CARGO_HOME")]
    # A home of `/` is in every path.
    left = [home for home in homes if home and len(home) > 1 and re.search(re.escape(home.encode()) + rb"/", data)]
    if left:
        raise Failed(f"{program.name} has paths of this machine in it: {left[0]}")


def newest_glibc(data):
    return max((version(each.decode()) for each in re.findall(rb"GLIBC_(2\.\d+(?:\.\d+)?)", data)), default=(0,))


def version(text):
    return tuple(int(part) for part in text.split("."))


def tools():
    """The versions of what builds, for whoever builds it again."""
    zig = shutil.which("python-zig")
    return {
        "cargo": run(["cargo", "--version"], cwd=ROOT).strip(),
        "cargo-zigbuild": run(["cargo-zigbuild", "--version"]).strip().split()[-1],
        "zig": run([zig, "version"]).strip() if zig else run(["zig", "version"]).strip(),
    }
