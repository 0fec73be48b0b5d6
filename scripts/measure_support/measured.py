"""What is measured of several programs, in turns: the time for events of a shape, the start, and memory."""

import contextlib
import gzip
import os
import statistics
import subprocess
import time
from pathlib import Path

from measure_support.program import Program, packed
from measure_support.shapes import USUAL

STARTS = 21
# RFC 1952 and RFC 8878.
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
MEMORY_EVENTS, MEMORY_RECORDS = 20, 6_450


def median(values):
    return statistics.median(values)


class Measured:
    """The programs that are measured, each with its name and command."""

    def __init__(self, programs, floor):
        self.programs, self.floor = programs, floor
        # What peers sent that are not asked for exactly as many logs as podferry.
        self.remarks = []

    def events(self, shape, records, rounds, usual_records):
        """The seconds of each program for an event, those of the floor, and how many times as long a record takes the first program as one
        of the usual shape does, in events of so many records; none, and that is not measured."""
        with contextlib.ExitStack() as stack:
            running = [(name, stack.enter_context(Program(command, shape.variables, is_peer))) for name, command, is_peer in self.programs]
            _, command, is_peer = self.programs[0]
            usual = stack.enter_context(Program(command, USUAL.variables, is_peer)) if usual_records else None
            spent, floors, spent_usual = {name: [] for name, _ in running}, [], []
            for round_number in range(rounds + 1):
                content = shape.content(records).encode()
                event, data = packed(content)
                floor = None
                for name, program in running:
                    seconds, bodies = program.invoke(event)
                    if floor is None:
                        payloads = self.payloads(name, shape, records, bodies)
                        floor = self.floor.prepared(data, len(content), payloads)
                        # So that its memory is not new, either.
                        floor()
                    elif round_number == 0:
                        self.remark(name, shape, records, bodies)
                    of_floor = floor()
                    if round_number > 0:
                        spent[name].append(seconds)
                        floors.append(of_floor)
                if usual:
                    seconds, _ = usual.invoke(packed(USUAL.content(usual_records).encode())[0])
                    if round_number > 0:
                        spent_usual.append(seconds)
            spent = {name: median(seconds) for name, seconds in spent.items()}
            first = next(iter(spent.values()))
            times = first / records / (median(spent_usual) / usual_records) if usual else None
            return spent, median(floors), times

    def payloads(self, name, shape, logs, bodies):
        """What the first program sent, as it was before compression; it has to be all."""
        encodings = {encoding for encoding, _ in bodies}
        if encodings - {"zstd"}:
            raise SystemExit(f"scripts/measure: {name} has to compress with zstd, not with {encodings}")
        payloads = [self.floor.decompressed(body) for _, body in bodies]
        arrived = number_of_logs(payloads)
        least, most = shape.expected(logs)
        if not least <= arrived <= most:
            raise SystemExit(f"scripts/measure: of {logs} records of '{shape.name}', {arrived} logs arrived, not {least} to {most}")
        return payloads

    def remark(self, name, shape, logs, bodies):
        """A peer may make something else of the records; who compares has to know."""
        arrived = number_of_logs(self.plain(body) for _, body in bodies)
        least, most = shape.expected(logs)
        if not least <= arrived <= most:
            self.remarks.append(f"of {logs:,} records of '{shape.name}', {name} sent {arrived:,} logs, where {most:,} at most were to be sent")

    def plain(self, body):
        """The text of a body, told by its first bytes; Datadog's forwarder sends metrics about itself, too, by other compressions."""
        if body.startswith(GZIP):
            return gzip.decompress(body)
        return self.floor.decompressed(body) if body.startswith(ZSTD) else body

    def starts(self):
        """Milliseconds to the first request for an event, warm and cold, of the programs in turns: median, worst, and what of the median
        was spent on a processor. Cold is measured only of what is one file."""
        kinds = [
            (name, command, is_peer, kind)
            for kind in ("warm", "cold")
            for name, command, is_peer in self.programs
            if kind == "warm" or binary_of(command)
        ]
        times = {(name, kind): [] for name, _, _, kind in kinds}
        nothing = []
        for _ in range(STARTS):
            for name, command, is_peer, kind in kinds:
                if kind == "cold":
                    forget(binary_of(command))
                with Program(command, {}, is_peer) as program:
                    times[name, kind].append((program.to_next * 1e3, program.processor_seconds() * 1e3))
            began = time.monotonic()
            subprocess.run(["true"], check=True)
            nothing.append((time.monotonic() - began) * 1e3)
        results = {}
        for key, pairs in times.items():
            walls, processor = zip(*pairs)
            results[key] = median(walls), max(walls), median(processor)
        return results, median(nothing)

    def peaks(self):
        results = {}
        for name, command, is_peer in self.programs:
            with Program(command, {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256"}, is_peer) as program:
                before = program.peak_bytes()
                for _ in range(MEMORY_EVENTS):
                    program.invoke(packed(USUAL.content(MEMORY_RECORDS).encode())[0])
                results[name] = (before, program.peak_bytes())
        return results


def number_of_logs(payloads):
    return sum(payload.count(b'"ddsource":') for payload in payloads)


def binary_of(command):
    """The file, if the command is one program for this machine, and not something that an interpreter or an emulator runs."""
    path = Path(command[0])
    return path if len(command) == 1 and path.is_file() and path.read_bytes()[:4] == b"\x7fELF" else None


def forget(path):
    """Takes a file out of the file cache, as far as no process has it mapped."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)
