"""Starts processes, waits until they are ready, and ends them with all that they started."""

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

# Between two looks at something that is waited for.
TICK = 0.02


class NeverHappened(Exception):
    """What was waited for did not come."""


def until(condition, seconds, what):
    """Asks until the answer is true, and gives it."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise NeverHappened(f"waited {seconds} s for {what}")
        time.sleep(TICK)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class Process:
    """A process with its output in files. Use it with `with`: at the end nothing of it is left, whatever happened."""

    def __init__(self, command, environment, cwd=None):
        self.folder = tempfile.TemporaryDirectory(prefix="podferry-e2e-")
        self.out_path = Path(self.folder.name) / "out"
        self.err_path = Path(self.folder.name) / "err"
        with self.out_path.open("wb") as out, self.err_path.open("wb") as err:
            self.popen = subprocess.Popen(
                [str(part) for part in command],
                env=environment, cwd=cwd or self.folder.name, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                start_new_session=True,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.stop()

    def out(self):
        return self.out_path.read_text(errors="replace")

    def err(self):
        return self.err_path.read_text(errors="replace")

    def runs(self):
        return self.popen.poll() is None

    def wait_for(self, condition, seconds, what):
        """Waits until it is ready; a process that has ended will never be."""

        def ready_or_dead():
            return condition() or not self.runs()

        try:
            until(ready_or_dead, seconds, what)
            if condition():
                return
            raise NeverHappened(f"it ended with {self.popen.returncode} before {what}")
        except NeverHappened as error:
            raise NeverHappened(f"{error}; its last words: {self.err()[-1500:]}") from None

    def stop(self, patience=10):
        # Children may have sessions of their own, so they are noted before their parent goes.
        family = descendants(self.popen.pid)
        if self.runs():
            self.popen.send_signal(signal.SIGINT)
            try:
                self.popen.wait(patience)
            except subprocess.TimeoutExpired:
                family += descendants(self.popen.pid)
                self.popen.kill()
                self.popen.wait()
        for pid, start in family:
            # The same process, not another that was given its number.
            if started(pid) == start:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.folder.cleanup()


def stat(pid):
    """What /proc says of a process, from its state on; `None` if it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()


def started(pid):
    fields = stat(pid)
    return fields and fields[19]


def descendants(pid):
    """All processes below one, each with the time of its start."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := stat(entry.name)):
            parents.setdefault(int(fields[1]), []).append((int(entry.name), fields[19]))
    found, look_at = [], [pid]
    while look_at:
        children = parents.get(look_at.pop(), [])
        found += children
        look_at += [child for child, _ in children]
    return found


def start_listening(command_for, environment, seconds, what):
    """Starts what `command_for(port)` says, on a free port, and waits until it listens. Returns the port and the process."""
    # Another process may take a port between looking for one and using it.
    for attempts_left in (2, 1, 0):
        port = free_port()
        process = Process(command_for(port), environment)
        try:
            process.wait_for(lambda: accepts(port), seconds, what)
            return port, process
        except BaseException as error:
            process.stop()
            if attempts_left == 0 or not isinstance(error, NeverHappened):
                raise
