"""What a prune is about to take away, and what it took: one JSON object a line. I/O.

Each image stands here, with its manifest's own text when it is to be deleted, on disk before ECR is
asked. So a kill at any moment leaves a line that says what may be gone, and what is gone can be
put back for as long as ECR has its layers. One file per repository; while it is open no second
process can open it.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal

from longshore.errors import FileError, RefusedError, Where
from longshore.text import tr

Word = Literal["intend", "settle", "restore"]


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
class Restored:
    """A tag that was put back."""

    digest: str
    tag: str


@dataclass(frozen=True)
class Line:
    """One line of the record."""

    word: Word
    run: str
    at: str
    what: Removal | Outcome | Restored


class PruneRecord:
    """The record of one repository. Use it as a context manager.

    Raises RefusedError when another process has it open, FileError when it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = _opened(path)

    def __enter__(self) -> PruneRecord:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def intend(self, run: str, removals: Iterable[Removal]) -> None:
        """Say what is about to be taken away."""
        self._write("intend", run, removals)

    def settle(self, run: str, outcomes: Iterable[Outcome]) -> None:
        """Say what came of it."""
        self._write("settle", run, outcomes)

    def restore(self, run: str, tags: Iterable[Restored]) -> None:
        """Say what of a run was put back."""
        self._write("restore", run, tags)

    def lines(self) -> Iterator[Line]:
        """All that is written, oldest first; a line that was cut off is left out."""
        self._file.seek(0)
        for line in self._file:
            if found := _line(line):
                yield found

    def unsettled(self) -> dict[tuple[str, str], Removal]:
        """What was begun and has no outcome, by run and digest: done, half done, or not at all."""
        found: dict[tuple[str, str], Removal] = {}
        for line in self.lines():
            key = (line.run, line.what.digest)
            if isinstance(line.what, Removal):
                found[key] = line.what
            elif isinstance(line.what, Outcome):
                found.pop(key, None)
        return found

    def _write(
        self, word: Word, run: str, what: Iterable[Removal] | Iterable[Outcome] | Iterable[Restored]
    ) -> None:
        head = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "run": run}
        text = "".join(f"{json.dumps({**head, 'word': word, **asdict(one)})}\n" for one in what)
        try:
            self._file.seek(0, os.SEEK_END)
            self._file.write(text.encode())
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _cannot(self.path, error) from None


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
        if word == "settle":
            return Line("settle", run, at, _outcome(found))
        return Line("restore", run, at, Restored(str(found["digest"]), str(found["tag"])))
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
            tr("another longshore is pruning this repository: {path} is in use", path=path),
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


def _cannot(path: Path, error: OSError) -> FileError:
    return FileError(
        tr("the record {path} cannot be written: {why}", path=path, why=error.strerror or error),
        tr("nothing further was deleted; make room or rights, then run the same command again"),
        code="journal",
        where=Where(str(path)),
    )
