"""The commands in a document of docs/, typed line for line in one shell: whether each does something in an account where podferry runs."""

import contextlib
import os
import pty
import re
import subprocess

# Of a loaded machine, for all of them.
SECONDS = 300


def commands(document):
    """The lines of its blocks marked `sh`, each once; what a backslash breaks is one line."""
    return list(dict.fromkeys(line for block in blocks(document.read_text()) for line in block.replace("\\\n", " ").splitlines() if line.strip()))


def blocks(text):
    """The blocks marked `sh`."""
    return re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run(lines, runbook, words, variables):
    """Those that did not do what they should, each with what it said.

    `words` are those of the document that stand for something else, and what that is here. podferry's exit code 1 is an answer, such as that
    something is wrong; 2 is a failure.
    """
    folder = runbook.folder / f"typed.{len(list(runbook.folder.glob('typed.*')))}"
    folder.mkdir()
    script = ["set -o pipefail"]
    for number, line in enumerate(lines):
        for word, value in words.items():
            line = re.sub(rf"(?<![\w$-]){re.escape(word)}\b", lambda _: value, line)
        script.append(f"{{\n{line}\n}} > {folder}/{number}.said 2>&1; echo $? > {folder}/{number}.code")
    # Where there is a question it gets a yes, and from a terminal: a pipe would not be asked.
    ours, theirs = pty.openpty()
    os.write(ours, b"yes\n" * len(lines))
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(
            ["bash", "-c", "\n".join(script)], cwd=runbook.folder, env=runbook.environment(**variables), stdin=theirs, timeout=SECONDS, check=False,
        )
    os.close(ours)
    os.close(theirs)
    bad = []
    for number, line in enumerate(lines):
        code, said = (file.read_text().strip() if file.exists() else "" for file in (folder / f"{number}.code", folder / f"{number}.said"))
        if code not in (("0", "1") if line.startswith("podferry") else ("0",)):
            bad.append(f"{line}: {code or 'not reached'}: {said[-600:]}")
    return bad
