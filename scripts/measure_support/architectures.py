"""The same function, built for another architecture and run by an emulator, beside the one for this machine.

Times mean nothing under an emulator. What counts is that both send the same, and how large they are.
"""

from measure_support.program import Program, packed

LOGS = 500


def differing(native, emulated, shapes, decompressed):
    """The names of the shapes of which the two do not send the same payloads, to the byte; each program is a command."""
    names = []
    for shape in shapes:
        event = packed(shape.content(LOGS).encode())[0]
        sent = []
        for command in (native, emulated):
            with Program(command, shape.variables) as program:
                _, bodies = program.invoke(event)
                sent.append(sorted((encoding, body, decompressed(body)) for encoding, body in bodies))
        if sent[0] != sent[1]:
            names.append(shape.name)
    return names
