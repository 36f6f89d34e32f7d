"""A journal of steps that change something: one JSON object a line, on disk before the step. I/O.

Each line is flushed to the disk before `begin` or `done` returns, so that after a kill the file
says which step may be half done, with what its beginner wanted to remember. A line that was cut
off is ignored. While a journal is open no second process can open it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from longshore.provision.line_file import LineFile, Words
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


class Journal(LineFile):
    """An append-only file. Use it as a context manager.

    Raises RefusedError when another process has it open, FileError when it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        words = Words(
            tr("another longshore is applying a plan here: {path} is in use", path=path),
            tr("the journal {path} cannot be written", path=path),
            tr("nothing further was changed; make room or rights, then run the same command again"),
        )
        super().__init__(path, words)

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
        return tuple(entry for line in self.read() if (entry := _entry(line)))

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
        self.append(json.dumps(line) + "\n")


def _entry(line: bytes) -> Entry | None:
    try:
        found: Any = json.loads(line)
        words = [str(found[name]) for name in ("run", "resource", "action", "at")]
        step: Step = "done" if found["step"] == "done" else "begin"
        memory = dict(found.get("memory") or {})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return Entry(words[0], step, words[1], words[2], words[3], memory)
