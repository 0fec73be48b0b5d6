"""The licences of what is linked into a program, as their texts ask: with each copy of it."""

import re

from .failed import Failed
from .toolchain import ROOT

NAMES = re.compile(r"(?i)^(un)?licen[cs]e|^copying|^notice|^copyright")
# Of a crate's folder, what is not linked.
NOT_LINKED = {"tests", "benches", "examples", "fuzz"}
RULE = "-" * 100
# Crates that have no file with their licence: the text that the name in their Cargo.toml stands for.
MIT = """MIT License

Copyright (c) the authors of {name}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS
FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY,
WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""
STANDARD_LIBRARY = "Rust's standard library (https://github.com/rust-lang/rust), of the Rust Project's developers: MIT OR Apache-2.0, the texts as below."


def texts(crate):
    """The texts of its licences, in the order of their files' names; those of C sources that it brings along, too."""
    found = []
    for path in sorted(crate.folder.rglob("*")):
        parts = path.relative_to(crate.folder).parts
        if path.is_file() and NAMES.match(path.name) and not NOT_LINKED & set(parts[:-1]):
            # A rule of Git for its own files may have made a licence a link to nothing.
            text = path.read_text(errors="replace").replace("\r\n", "\n").strip()
            if text:
                found.append(text)
    if found:
        return found
    if "Apache-2.0" in crate.license:
        return [(ROOT / "LICENSE").read_text().strip()]
    if crate.license == "MIT":
        return [MIT.format(name=crate.name).strip()]
    raise Failed(f"{crate.name} {crate.version} has no file with its licence, and {crate.license} has no text here")


def notices(program, crates):
    """One text: each licence once, after the crates that have it."""
    holders = {}
    foreign = [crate for crate in crates if not crate.is_own]
    for crate in foreign:
        for text in texts(crate):
            holders.setdefault(text, []).append(f"{crate.name} {crate.version}")
    parts = [
        f"{program} is licensed under Apache-2.0: see LICENSE. It is made of the following crates of crates.io, too, and of\n{STANDARD_LIBRARY}",
        "\n".join(f"{crate.name} {crate.version}: {crate.license}{' ' + crate.repository if crate.repository else ''}" for crate in foreign),
    ]
    for text, names in sorted(holders.items(), key=lambda each: (each[1], each[0])):
        parts.append(f"{RULE}\n{', '.join(names)}\n{RULE}\n\n{text}")
    return "\n\n".join(parts) + "\n"
