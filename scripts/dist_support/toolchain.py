"""The compiler of a release: the one on PATH where it has the standard libraries that are wanted, else Debian's.

rustup brings every target, but only over the network of rust-lang.org. Debian has a current compiler (`rustc-web`, which its browsers are built with)
and its standard library for arm64 among its packages. It is unpacked into a folder and not installed, since it would take rustup's place. The
linker is zig in either case, which cargo-lambda brings along: it links against the oldest glibc that is allowed, whatever this machine has.
"""

import dataclasses
import os
import re
import shutil
import tomllib
from pathlib import Path

from .debian import Packages
from .failed import Failed, run

ROOT = Path(__file__).resolve().parent.parent.parent
# Of each architecture, as Lambda calls it.
TARGETS = {"arm64": "aarch64-unknown-linux-gnu", "x86_64": "x86_64-unknown-linux-gnu"}
WRAPPER = """#!/bin/sh
LD_LIBRARY_PATH={libraries} exec {rustc} "$@"
"""


@dataclasses.dataclass(frozen=True)
class Toolchain:
    rustc: Path
    # The first line of `rustc --version`, and where it comes from.
    version: str
    origin: str

    def has(self, target):
        """Whether its standard library for the target is there, and not only the place for it."""
        libraries = Path(run([self.rustc, "--print", "target-libdir", "--target", target]).strip())
        return any(libraries.glob("libstd-*.rlib"))

    def sysroot(self):
        return run([self.rustc, "--print", "sysroot"]).strip()

    def commit(self):
        return re.search(r"^commit-hash: (\S+)", run([self.rustc, "-vV"]), re.MULTILINE)[1]


def find(targets, folder):
    """The compiler for the targets; what has to be fetched for it is kept in the folder."""
    own = shutil.which(os.environ.get("RUSTC", "rustc"))
    if own:
        toolchain = Toolchain(Path(own), run([own, "--version"], cwd=ROOT).strip(), "PATH")
        missing = [target for target in targets if not toolchain.has(target)]
        if not missing:
            return toolchain
        wanted = f"Rust's standard library for {' and '.join(missing)} is missing (rustup target add {' '.join(missing)})"
    else:
        wanted = "rustc is not on PATH"
    try:
        toolchain = debian(folder)
        lacking = [target for target in targets if not toolchain.has(target)]
        if lacking:
            raise Failed(f"it has none for {' and '.join(lacking)}")
        return toolchain
    except Failed as failed:
        raise Failed(f"{wanted}, and Debian's compiler cannot be had: {failed}") from None


def debian(folder):
    """Debian's compiler, with the standard libraries of both architectures."""
    root, wrapper, version = folder / "root", folder / "rustc", folder / "version"
    if not version.exists():
        shutil.rmtree(folder, ignore_errors=True)
        packages = Packages(folder / "apt")
        packages.update()
        compiler = packages.version("rustc-web")
        if compiler is None:
            raise Failed("there is no package rustc-web")
        found = re.match(r"[0-9.]+", compiler)[0]
        least = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["rust-version"]
        if [int(part) for part in found.strip(".").split(".")] < [int(part) for part in least.split(".")]:
            raise Failed(f"rustc-web is {found}, and {least} is needed")
        other = packages.version("libstd-rust-web-dev:arm64")
        if other != compiler:
            raise Failed(f"rustc-web is {compiler}, but libstd-rust-web-dev:arm64 is {other}")
        [driver] = [each for each in packages.depends("libstd-rust-web-dev") if each.startswith("libstd-rust-web-")]
        [llvm] = [each for each in packages.depends(driver) if each.startswith("libllvm")]
        packages.unpack(["rustc-web", driver, "libstd-rust-web-dev", "libstd-rust-web-dev:arm64", llvm], root, [llvm])
        shutil.rmtree(folder / "apt")
        # The second holds what Debian keeps outside of /usr.
        libraries = f"{root}/usr/lib/x86_64-linux-gnu:{root}/lib/x86_64-linux-gnu"
        wrapper.write_text(WRAPPER.format(libraries=libraries, rustc=root / "usr/bin/rustc"))
        wrapper.chmod(0o755)
        # Last, so that what is half made is made again.
        version.write_text(compiler)
    return Toolchain(wrapper, run([wrapper, "--version"]).strip(), f"Debian's rustc-web {version.read_text()}")
