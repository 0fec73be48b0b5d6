"""How many instructions a program carries out for an event, as valgrind counts them: the same on a busy machine as on an idle one.

What the kernel does for the program is not counted.
"""

import re
import shutil
import signal
import tempfile
from pathlib import Path

from measure_support.program import Program, packed

EVENTS = 2
# Under valgrind a program takes some fifty times as long; its end does not.
PATIENCE_AT_END = 60


def can_count():
    return shutil.which("valgrind") is not None


class Counter:
    """Counts for one program, whose start is counted once."""

    def __init__(self, command, is_peer):
        self.command, self.is_peer, self.start = command, is_peer, None

    def per_record(self, shape, records):
        """Instructions for each record of events of this shape, without those of the start."""
        if self.start is None:
            self.start = self.whole_life(shape, [])
        contents = [shape.content(records) for _ in range(EVENTS)]
        return (self.whole_life(shape, contents) - self.start) / (EVENTS * records)

    def whole_life(self, shape, contents):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out"
            command = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}", *self.command]
            with Program(command, shape.variables, self.is_peer) as program:
                for content in contents:
                    program.invoke(packed(content.encode())[0])
                program.process.send_signal(signal.SIGTERM)
                program.process.wait(PATIENCE_AT_END)
            return int(re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.MULTILINE).group(1))
