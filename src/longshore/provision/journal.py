"""A journal of steps that change something: one JSON object a line, on disk before the step. I/O.

Each line is flushed to the disk before `begin` or `done` returns, so that after a kill the file
says which step may be half done, with what its beginner wanted to remember. A line that was cut
off is ignored. While a journal is open no second process can open it.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal

from longshore.errors import FileError, RefusedError, Where
from longshore.text import tr

Step = Literal["begin", "done"]


@dataclass(frozen=True)
class Entry:
    """One line: which run (a plan's checksum), which step, on what, with which action."""

    run: str
    step: Step
    resource: str
    action: str
    at: str
    memory: Mapping[str, Any] = field(default_factory=dict)


class Journal:
    """An append-only file. Use it as a context manager.

    Raises RefusedError when another process has it open, FileError when it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = _opened(path)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let others have it."""
        self._file.close()

    def begin(
        self, run: str, resource: str, action: str, memory: Mapping[str, Any] | None = None
    ) -> None:
        """Say that a step is about to change something; `memory` is what a resume needs."""
        self._write("begin", run, resource, action, memory or {})

    def done(self, run: str, resource: str, action: str) -> None:
        """Say that the step is complete."""
        self._write("done", run, resource, action, {})

    def entries(self) -> tuple[Entry, ...]:
        """All that is written, oldest first."""
        self._file.seek(0)
        return tuple(entry for line in self._file if (entry := _entry(line)))

    def interrupted(self) -> tuple[Entry, ...]:
        """Steps whose last word is `begin`, oldest first: they may be done, half done or not."""
        last: dict[tuple[str, str], Entry] = {}
        for entry in self.entries():
            last.pop((entry.resource, entry.action), None)
            if entry.step == "begin":
                last[entry.resource, entry.action] = entry
        return tuple(last.values())

    def _write(
        self, step: Step, run: str, resource: str, action: str, memory: Mapping[str, Any]
    ) -> None:
        line = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "run": run,
            "step": step,
            "resource": resource,
            "action": action,
            **({"memory": memory} if memory else {}),
        }
        try:
            self._file.seek(0, os.SEEK_END)
            self._file.write(json.dumps(line).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _cannot(self.path, error) from None


def _opened(path: Path) -> IO[bytes]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.fdopen(os.open(path, flags, 0o600), "r+b")
    except OSError as error:
        raise _cannot(path, error) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _end_with_newline(file)
    except BlockingIOError:
        file.close()
        raise RefusedError(
            tr("another longshore is applying a plan here: {path} is in use", path=path),
            tr("wait until it is done, then run the same command again"),
            code="already-running",
            where=Where(str(path)),
        ) from None
    except OSError as error:
        file.close()
        raise _cannot(path, error) from None
    return file


def _end_with_newline(file: IO[bytes]) -> None:
    """Close a line that a kill cut off, so that the next one stands by itself."""
    if file.seek(0, os.SEEK_END):
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")


def _entry(line: bytes) -> Entry | None:
    try:
        found: Any = json.loads(line)
        words = [str(found[name]) for name in ("run", "resource", "action", "at")]
        step: Step = "done" if found["step"] == "done" else "begin"
        memory = dict(found.get("memory") or {})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return Entry(words[0], step, words[1], words[2], words[3], memory)


def _cannot(path: Path, error: OSError) -> FileError:
    return FileError(
        tr("the journal {path} cannot be written: {why}", path=path, why=error.strerror or error),
        tr("nothing further was changed; make room or rights, then run the same command again"),
        code="journal",
        where=Where(str(path)),
    )
