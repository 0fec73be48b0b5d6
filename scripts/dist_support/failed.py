"""The one way in which a part of scripts/dist gives up: a line that says what is missing, and what to do."""

import subprocess
from pathlib import Path


class Failed(Exception):
    """Its text is all that the user is told."""


def run(command, **options):
    """The output of a program that has to succeed; its errors go to the terminal unless they are caught."""
    try:
        done = subprocess.run([str(part) for part in command], check=True, text=True, stdout=subprocess.PIPE, **options)
    except FileNotFoundError:
        raise Failed(f"{command[0]} is not on PATH") from None
    except OSError as error:
        raise Failed(f"{command[0]} cannot be run here: {error.strerror}") from None
    except subprocess.CalledProcessError as error:
        last = (error.stderr or "").strip().splitlines()
        what = " ".join([Path(command[0]).name, *(str(part) for part in command[1:] if not str(part).startswith("-"))][:3])
        raise Failed(f"{what} failed with {error.returncode}{': ' + last[-1] if last else ''}") from None
    return done.stdout
