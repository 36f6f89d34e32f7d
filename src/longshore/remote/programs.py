"""Runs a program of the user's and takes what it prints: kubectl, or a command of the config. I/O.

A list of arguments, no shell, no input, an end after some time, and an end to how much is taken.
Only `apply`, `deploy` and `lifecycle apply` may run what a config names.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from longshore.facts import InUse, Unread, UsesSeen
from longshore.remote.refusals import shown_text
from longshore.remote.workloads import Watched, seen_uses
from longshore.text import tr

COMMAND = "command"
_MAX_BYTES = 256 * 1024**2
_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Printed:
    """What a program printed; `why` says why that is not all, and is empty when it is."""

    stdout: str
    why: str = ""


def run_program(
    argv: Sequence[str], environ: Mapping[str, str], folder: str, timeout_s: float
) -> Printed:
    """Run it in the folder. What goes wrong is in the answer's `why`."""
    name = argv[0]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            done = subprocess.run(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=dict(environ),
                cwd=folder,
                timeout=timeout_s,
                check=False,
            )
        except FileNotFoundError:
            return Printed("", tr("the program {name} is not there", name=name))
        except subprocess.TimeoutExpired:
            seconds = int(timeout_s)
            return Printed("", tr("{name} did not end within {count} s", name=name, count=seconds))
        except (OSError, ValueError) as error:
            return Printed("", tr("{name} cannot be run: {why}", name=name, why=error))
        out.seek(0)
        err.seek(0)
        text = out.read(_MAX_BYTES + 1)
        complaint = shown_text(err.read(4096).decode(errors="replace"))
    if len(text) > _MAX_BYTES:
        return Printed("", tr("{name} printed more than can be taken", name=name))
    if not done.returncode:
        return Printed(text.decode(errors="replace"))
    failed = tr("{name} ended with {code}", name=name, code=done.returncode)
    why = f"{failed}: {complaint}" if complaint else failed
    return Printed(text.decode(errors="replace"), why)


def read_printed_images(
    argv: Sequence[str], environ: Mapping[str, str], folder: str, watched: Watched
) -> UsesSeen:
    """The images that a command prints, one a line; blank lines and those with # do not count."""
    done = run_program(argv, environ, folder, _TIMEOUT_S)
    uses: list[InUse | None] = []
    unread = [Unread(COMMAND, argv[0], done.why)] if done.why else []
    for number, line in enumerate(done.stdout.splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        where = tr("{command}, line {number}", command=argv[0], number=number)
        if len(words) > 1 or not watched.reads(words[0]):
            why = tr("that is not one image: {line}", line=shown_text(line[:100]))
            unread.append(Unread(COMMAND, where, why))
        else:
            uses.append(watched.use(words[0], COMMAND, where))
    return seen_uses(uses) + UsesSeen(unread=tuple(unread))
