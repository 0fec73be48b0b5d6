"""The tables that are printed, as Markdown, and what stands under them."""

import os
import shlex
import sys
from pathlib import Path

from measure_support import architectures, instructions
from measure_support.measured import binary_of
from measure_support.shapes import SHAPES, USUAL

# Events of so many records at most are measured more often, those of more than so many less often.
SMALL, LARGE = 1_000, 24_000
SMALL_ROUNDS, LARGE_ROUNDS = 41, 3
INSTRUCTION_RECORDS = 2_000


def table(head, rows):
    print(f"\n| {' | '.join(head)} |")
    print(f"| {' | '.join(['---'] + ['---:'] * (len(head) - 1))} |")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def report_events(measured, what, cases, rounds, usual_records):
    """A table of cases, each a label, a shape and a number of records. Returns of the first program, for each label, the ratio to the
    floor and the times that a record takes of one of the usual shape, measured in turns with it."""
    names = [name for name, _, _ in measured.programs]
    head = [what, "floor, µs a record"]
    for name in names:
        head += [f"{name}, / floor", "µs a record"]
    head.append("times the usual")
    rows, found = [], {}
    for label, shape, records in cases:
        small, large = records <= SMALL, records > LARGE
        often = max(rounds, SMALL_ROUNDS) if small else min(rounds, LARGE_ROUNDS) if large else rounds
        is_usual = shape is USUAL and records == usual_records
        spent, floor, times = measured.events(shape, records, often, 0 if small or is_usual else usual_records)
        row = [label, f"{floor / records * 1e6:.2f}"]
        for name in names:
            row += [f"{spent[name] / floor:.2f}", f"{spent[name] / records * 1e6:.2f}"]
        row.append("1.00" if is_usual else f"{times:.2f}" if times else "")
        print(f"  {label}: {', '.join(row[1:])}", file=sys.stderr, flush=True)
        found[label] = spent[names[0]] / floor, times or 1.0
        rows.append(row)
    table(head, rows)
    for remark in measured.remarks:
        print(remark)
    measured.remarks.clear()
    return found


def report_instructions(measured, shapes):
    """A table of instructions. Returns of the first program, for each shape, the times that a record takes of the usual shape."""
    counters = [(name, instructions.Counter(command, is_peer)) for name, command, is_peer in measured.programs if binary_of(command)]
    head = ["instructions a record"] + [word for name, _ in counters for word in (name, f"times '{USUAL.name}'")]
    rows, found, of_usual = [], {}, {}
    for shape in sorted(shapes, key=lambda shape: shape is not USUAL):
        row = [shape.name]
        for name, counter in counters:
            count = counter.per_record(shape, INSTRUCTION_RECORDS)
            times = count / of_usual.setdefault(name, count)
            found.setdefault(shape.name, times)
            row += [f"{count:,.0f}", f"{times:.2f}"]
        print(f"  {', '.join(row)}", file=sys.stderr, flush=True)
        rows.append(row)
    table(head, rows)
    return found


def name_cliffs(times, shapes, most):
    """Prints the shapes that take more than so many times the usual one, with their reasons. Returns those without one."""
    reasons = {shape.name: shape.why for shape in shapes}
    beyond = {name: times[name] for name in times if times[name] > most}
    for name, each in beyond.items():
        print(f"{name}: {each:.2f} times the usual shape, {reasons[name] or 'and no reason is given'}")
    return [f"'{name}' takes {each:.2f} times the usual shape, where {most} is the most" for name, each in beyond.items() if not reasons[name]]


def report_starts(measured):
    starts, nothing = measured.starts()
    table(
        ["start to the first /next", "median, ms", "worst, ms", "on a processor, ms"],
        [[f"{name}, {kind} file cache", *(f"{each:.2f}" for each in figures)] for (name, kind), figures in starts.items()]
        + [["`true` and its end", f"{nothing:.2f}", "", ""]],
    )


def report_peaks(measured):
    table(
        ["peak memory", "before events, MiB", "20 events of 10 MB, MiB"],
        [[name, f"{before / 2**20:.1f}", f"{after / 2**20:.1f}"] for name, (before, after) in measured.peaks().items()],
    )


def report_sizes(measured):
    files = [(name, binary_of(command)) for name, command, _ in measured.programs]
    table(["size", "bytes"], [[name, f"{path.stat().st_size:,}"] for name, path in files if path])


def report_arm64(measured, arm64, emulator):
    """Returns whether both send the same."""
    (_, native, _), floor = measured.programs[0], measured.floor
    different = architectures.differing(native, [*shlex.split(emulator), str(arm64.resolve())], SHAPES, floor.decompressed)
    here = os.uname().machine
    sizes = [(here, Path(native[-1])), ("arm64", arm64)]
    table(["size", "bytes"], [[name, f"{path.stat().st_size:,}"] for name, path in sizes])
    print(f"payloads of {len(SHAPES)} shapes by {here} and arm64: {'other bytes in ' + ', '.join(different) if different else 'the same bytes'}")
    return not different
