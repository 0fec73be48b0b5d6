"""Tries what needs no program: the floor, the made-up events, and that a cliff is noticed."""

import contextlib
import json
import sys

from measure_support.program import packed
from measure_support.shapes import SHAPES, USUAL, Shape
from measure_support.tables import name_cliffs


def self_test(floor):
    """The events are what CloudWatch Logs sends, and the floor does its work or says that it did not."""
    failures = []
    ids = []
    for shape in SHAPES:
        content = shape.content(20)
        event = json.loads(content)
        ids += [each["id"] for each in event["logEvents"]]
        if [len(each["id"]) for each in event["logEvents"]] != [56] * 20 or not all(each["message"] for each in event["logEvents"]):
            failures.append(f"'{shape.name}' is no event of CloudWatch Logs")
        data = packed(content.encode())[1]
        if floor.prepared(data, len(content.encode()), [content.encode()])() < 0:
            failures.append("the floor took no time")
        for wrong in (len(content.encode()) - 1, len(content.encode()) + 1):
            try:
                floor.prepared(data, wrong, [])()
                failures.append(f"the floor inflates {wrong} bytes of {len(content.encode())}")
            except ValueError:
                pass
    if len(set(ids)) != len(ids):
        failures.append("ids come twice")
    for text in (b"x", b"log " * 300_000):
        if floor.decompressed(floor.compressed(text)) != text:
            failures.append(f"{len(text)} bytes do not come back")
    for wrong in (b"", b"no frame of zstd"):
        try:
            floor.decompressed(wrong)
            failures.append(f"{wrong} is taken for a frame of zstd")
        except ValueError:
            pass
    reasons = [Shape("slow"), Shape("slow, and why", why="since it has to be"), USUAL]
    with contextlib.redirect_stdout(None):
        named = name_cliffs({"slow": 2.1, "slow, and why": 2.1, "usual": 2.0}, reasons, 2.0)
    if len(named) != 1 or "'slow'" not in named[0]:
        failures.append(f"of three shapes one takes more than is allowed without a reason, not {named}")
    for failure in failures:
        print(f"self-test: {failure}", file=sys.stderr)
    print(f"self-test: {len(SHAPES)} shapes, {len(failures)} failures")
    return 1 if failures else 0
