"""What a prune is about to take away, and what it took: one JSON object a line. I/O.

Each image stands here, with its manifest's own text when it is to be deleted, on disk before ECR is
asked. So a kill at any moment leaves a line that says what may be gone, and what is gone can be
put back for as long as ECR has its layers. One file per repository; while it is open no second
process can open it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from longshore.provision.line_file import LineFile, Words
from longshore.text import tr

Word = Literal["intend", "settle"]


@dataclass(frozen=True)
class Removal:
    """What one image is to lose. `manifest` is its text when the image itself is to go."""

    digest: str
    tags: tuple[str, ...]
    deletes_image: bool
    rule: str = ""
    reason: str = ""
    size: int = 0
    pushed_at: str = ""
    media_type: str = ""
    manifest: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What one image lost. `left` are tags that stayed, each with why; `deleted`: the image went.

    `earlier` says that it was found so after a run that had been stopped, `failed` that ECR refused
    for a reason that is not a change since the plan.
    """

    digest: str
    removed: tuple[str, ...] = ()
    left: tuple[tuple[str, str], ...] = ()
    deleted: bool = False
    earlier: bool = False
    failed: bool = False


@dataclass(frozen=True)
class Line:
    """One line of the record."""

    word: Word
    run: str
    at: str
    what: Removal | Outcome


class PruneRecord(LineFile):
    """The record of one repository. Use it as a context manager.

    Raises RefusedError when another process has it open, FileError when it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        words = Words(
            tr("another longshore is pruning this repository: {path} is in use", path=path),
            tr("the record {path} cannot be written", path=path),
            tr("nothing further was deleted; make room or rights, then run the same command again"),
        )
        super().__init__(path, words)

    def intend(self, run: str, removals: Iterable[Removal]) -> None:
        """Say what is about to be taken away."""
        self._write("intend", run, removals)

    def settle(self, run: str, outcomes: Iterable[Outcome]) -> None:
        """Say what came of it."""
        self._write("settle", run, outcomes)

    def lines(self) -> Iterator[Line]:
        """All that is written, oldest first; a line that was cut off is left out."""
        for line in self.read():
            if found := _line(line):
                yield found

    def unsettled(self) -> dict[tuple[str, str], Removal]:
        """What was begun and has no outcome, by run and digest: done, half done, or not at all."""
        found: dict[tuple[str, str], Removal] = {}
        for line in self.lines():
            key = (line.run, line.what.digest)
            if isinstance(line.what, Removal):
                found[key] = line.what
            else:
                found.pop(key, None)
        return found

    def _write(self, word: Word, run: str, what: Iterable[Removal] | Iterable[Outcome]) -> None:
        head = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "run": run}
        text = "".join(f"{json.dumps({**head, 'word': word, **asdict(one)})}\n" for one in what)
        self.append(text)


def has_unsettled(path: Path) -> bool:
    """Whether a record is there and names something that was begun and not ended."""
    if not path.is_file():
        return False
    with PruneRecord(path) as record:
        return bool(record.unsettled())


def _line(text: bytes) -> Line | None:
    try:
        found: Any = json.loads(text)
        word, run, at = str(found["word"]), str(found["run"]), str(found["at"])
        if word == "intend":
            return Line("intend", run, at, _removal(found))
        return Line("settle", run, at, _outcome(found)) if word == "settle" else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _removal(found: Mapping[str, Any]) -> Removal:
    manifest = found.get("manifest")
    return Removal(
        str(found["digest"]),
        tuple(str(tag) for tag in found["tags"]),
        bool(found["deletes_image"]),
        str(found.get("rule", "")),
        str(found.get("reason", "")),
        int(found.get("size", 0)),
        str(found.get("pushed_at", "")),
        str(found.get("media_type", "")),
        None if manifest is None else str(manifest),
    )


def _outcome(found: Mapping[str, Any]) -> Outcome:
    return Outcome(
        str(found["digest"]),
        tuple(str(tag) for tag in found["removed"]),
        tuple((str(tag), str(why)) for tag, why in found["left"]),
        bool(found["deleted"]),
        bool(found.get("earlier")),
        bool(found.get("failed")),
    )
