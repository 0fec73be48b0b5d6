"""Runs arm64 programs of Linux on a machine that is not arm64, under QEMU's user mode.

Debian's qemu-user-static and its glibc for arm64 (libc6-arm64-cross) are unpacked into a folder and not installed.
"""

import platform
import shutil

from .debian import Packages
from .failed import Failed
from .toolchain import ROOT

FOLDER = ROOT / "target" / "arm64"
QEMU = FOLDER / "root/usr/bin/qemu-aarch64-static"
LIBRARIES = FOLDER / "root/usr/aarch64-linux-gnu"


def is_arm64(program):
    """Whether a program is for arm64, by the header of its file; a script is not."""
    with open(program, "rb") as file:
        head = file.read(20)
    return head[:4] == b"\x7fELF" and int.from_bytes(head[18:20], "little") == 0xB7


def emulator():
    """What has to stand before the program; gets it if need be."""
    if platform.machine() in ("aarch64", "arm64"):
        return []
    done = FOLDER / "done"
    if not done.exists():
        shutil.rmtree(FOLDER, ignore_errors=True)
        packages = Packages(FOLDER / "apt")
        packages.update()
        packages.unpack(["qemu-user-static", "libc6-arm64-cross", "libgcc-s1-arm64-cross"], FOLDER / "root")
        shutil.rmtree(FOLDER / "apt")
        for each in (QEMU, LIBRARIES / "lib/ld-linux-aarch64.so.1", LIBRARIES / "lib/libgcc_s.so.1"):
            if not each.exists():
                raise Failed(f"the packages have no {each.relative_to(FOLDER / 'root')}")
        # Last, so that what is half made is made again.
        done.touch()
    return [str(QEMU), "-L", str(LIBRARIES)]
