"""The same function, built for another architecture and run by an emulator, beside the one for this machine.

Times mean nothing under an emulator. What counts is that both send the same, and how large they are.
"""

import re

from measure_support.program import Program, packed

RECORDS = 500
# A log that is too late gets the time of its sending (docs/operating.md), which is not the same for two programs.
TIME_OF_SENDING = re.compile(rb'"timestamp":\d+,(?="original_timestamp":)')


def differing(native, emulated, shapes, decompressed):
    """The names of the shapes of which the two do not send the same payloads, to the byte; each program is a command."""
    return [shape.name for shape in shapes if sent(native, shape, event := event_of(shape), decompressed) != sent(emulated, shape, event, decompressed)]


def event_of(shape):
    return packed(shape.content(RECORDS).encode())[0]


def sent(command, shape, event, decompressed):
    with Program(command, shape.variables) as program:
        _, bodies = program.invoke(event)
    if shape.age:
        return sorted(TIME_OF_SENDING.sub(b"", decompressed(body)) for _, body in bodies)
    return sorted(bodies)
