"""Linters of other people asked about edited files: before the edit, and after it. I/O.

hadolint, actionlint, zizmor and check-jsonschema are run when they are installed, on copies outside
of the tree, with configs switched off, without credentials, offline and bounded in time. Nothing
that the tree names is run. An edit that adds an error to a file is refused, in the linter's words;
errors that were there before stay the team's own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from longshore.rewrite.check import Failed
from longshore.rewrite.edits import ChangedFile
from longshore.rewrite.lint_rules import LINTERS, Complaint, Linter

LIMIT_S = 60.0
_MOST_FILES = 400
_SIDES = ("before", "after")

Outcome = Literal["ran", "timeout", "failed"]


@dataclass(frozen=True)
class Ran:
    """One linter: how many files it saw, and whether it came to an end."""

    name: str
    files: int
    outcome: Outcome

    def as_json(self) -> dict[str, Any]:
        """One entry of `linters` (longshore.rewrite/1)."""
        return {"name": self.name, "files": self.files, "outcome": self.outcome}


@dataclass(frozen=True)
class Linted:
    """Which linters ran, and the files to which an edit adds an error."""

    ran: tuple[Ran, ...] = ()
    failed: tuple[Failed, ...] = ()


def lint(
    changes: Sequence[ChangedFile], root: Path, environ: Mapping[str, str], limit_s: float = LIMIT_S
) -> Linted:
    """Ask every linter that is installed about the files that it knows."""
    least = _environ(environ)
    ran: dict[str, Ran] = {}
    failed: dict[str, Failed] = {}
    with tempfile.TemporaryDirectory(prefix="longshore-lint-") as name:
        folder = Path(name)
        for linter in LINTERS:
            program = find_program(linter.program, root, environ)
            files = [one for one in changes if linter.takes(one.path)][:_MOST_FILES]
            if program is None or not files:
                continue
            found, outcome = _run(linter, program, files, folder, least, limit_s)
            known = ran.get(linter.program)
            both = known.outcome if known is not None and known.outcome != "ran" else outcome
            count = len(files) + (known.files if known is not None else 0)
            ran[linter.program] = Ran(linter.program, count, both)
            for one in _new(found):
                why = f"{linter.program}: {one.text}"
                failed.setdefault(one.file, Failed(one.file, one.line, why))
    return Linted(tuple(ran.values()), tuple(failed.values()))


def find_program(name: str, root: Path, environ: Mapping[str, str]) -> str | None:
    """A program beside the running interpreter or on PATH, never one inside the tree."""
    inside = os.path.realpath(root)
    folders = [str(Path(sys.executable).parent), *environ.get("PATH", "").split(os.pathsep)]
    for folder in folders:
        if not os.path.isabs(folder):
            continue
        found = shutil.which(name, path=folder)
        if found is not None and os.path.commonpath([os.path.realpath(found), inside]) != inside:
            return found
    return None


def _run(
    linter: Linter,
    program: str,
    files: Sequence[ChangedFile],
    folder: Path,
    environ: Mapping[str, str],
    limit_s: float,
) -> tuple[list[Complaint], Outcome]:
    """What a linter says of both versions; nothing when it does not come to an end."""
    place = folder / linter.folder
    paths = [path for one in files for path in _copies(place, one)]
    empty = folder / "empty"
    empty.mkdir(exist_ok=True)
    homes = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"), str(empty))
    try:
        done = subprocess.run(
            [program, *linter.arguments, *paths],
            cwd=empty,
            env={**environ, **homes},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [], "timeout"
    except OSError:
        return [], "failed"
    found = linter.read(done.stdout.decode("utf-8", "replace"), str(place))
    return (found, "ran") if found is not None else ([], "failed")


def _copies(place: Path, change: ChangedFile) -> Iterable[str]:
    for side, data in zip(_SIDES, (change.before, change.after), strict=True):
        path = place / side / change.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        yield str(path)


def _environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Enough to start a program, and nothing of the user's."""
    kept = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "LANG")
    found = {name: environ[name] for name in kept if name in environ}
    return {**found, "NO_COLOR": "1"}


def _new(found: Sequence[Complaint]) -> list[Complaint]:
    """What is said of the edited file more often than of the file as it was."""
    before = Counter((one.file, one.rule) for one in found if one.side == _SIDES[0])
    new: list[Complaint] = []
    for one in (one for one in found if one.side == _SIDES[1]):
        before[one.file, one.rule] -= 1
        if before[one.file, one.rule] < 0:
            new.append(one)
    return new
