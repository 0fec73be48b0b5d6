"""Counts checks and prints one line for each."""

import contextlib
import traceback


class Checks:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def that(self, what, holds, otherwise=""):
        """`what` is true if `holds` is; `otherwise` tells what was found instead."""
        if holds:
            self.passed += 1
            print(f"ok    {what}", flush=True)
        else:
            self.failed += 1
            print(f"FAIL  {what}{': ' if otherwise else ''}{otherwise}", flush=True)
        return bool(holds)

    def same(self, what, found, wanted):
        return self.that(what, found == wanted, f"wanted {shortened(wanted)}, found {shortened(found)}")

    @contextlib.contextmanager
    def scenario(self, name):
        """What goes wrong inside counts as one failed check, and the next scenario goes on."""
        try:
            yield
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            self.that(f"{name} runs to its end", False, f"{type(error).__name__}: {error} ({place.filename}:{place.lineno})")


def shortened(value, limit=600):
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"
