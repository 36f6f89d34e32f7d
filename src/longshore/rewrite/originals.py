"""What `rewrite` has changed in one tree, and the files as they were. I/O.

A folder outside the tree (owner-only):

    lock                    held (flock) while a process writes or takes back
    records/<hash>.json     one for each changed file: its path, what it was, all that we wrote
    originals/<sha256>      the bytes as they were

A record is there before the file changes, so a kill at any moment leaves a truth to go on from:
the file's own hash says whether the change has happened.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from longshore.errors import FileError, RefusedError
from longshore.text import tr


@dataclass(frozen=True)
class Record:
    """A changed file: the hash of what it was, and of everything that was written to it.

    `earlier` are hashes of what it was before changes that somebody else's came after.
    """

    path: str
    before: str
    written: tuple[str, ...]
    earlier: tuple[str, ...] = ()


class Originals:
    """The state folder of one tree."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the only writer. Raises RefusedError when another process is, FileError."""
        with _turning(self.folder):
            for name in ("", "records", "originals"):
                (self.folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise RefusedError(
                    tr("another process is changing this tree"),
                    tr("wait until it has ended, then run the same command again"),
                    code="already-running",
                ) from None
            self.sweep()
            yield
        finally:
            os.close(handle)

    def records(self) -> list[Record]:
        """All records, by path; a damaged one is left out."""
        return sorted((one for one in self._parsed() if one), key=lambda one: one.path)

    def _parsed(self) -> list[Record | None]:
        with _turning(self.folder):
            folder = self.folder / "records"
            names = sorted(folder.glob("*.json")) if folder.is_dir() else []
            return [_parse(name.read_bytes()) for name in names]

    def record_of(self, path: str) -> Record | None:
        """What was done to a file."""
        with _turning(self.folder):
            try:
                return _parse(self._record(path).read_bytes())
            except FileNotFoundError:
                return None

    def note(self, path: str, before: bytes, after: bytes) -> None:
        """Keep the original, then the record, before the file is changed from one to the other."""
        old, new = hash_of(before), hash_of(after)
        known = self.record_of(path)
        if known is not None and old in (*known.written, known.before):
            written = tuple(dict.fromkeys((*known.written, new)))
            made = Record(path, known.before, written, known.earlier)
        else:
            earlier = (*known.earlier, known.before) if known is not None else ()
            made = Record(path, old, (new,), earlier)
            with _turning(self.folder):
                _write_whole(self.folder / "originals" / old, before)
        with _turning(self.folder):
            _write_whole(self._record(path), json.dumps(asdict(made)).encode())

    def original(self, record: Record) -> bytes | None:
        """The bytes as they were; None when they are lost or damaged."""
        try:
            data = (self.folder / "originals" / record.before).read_bytes()
        except OSError:
            return None
        return data if hash_of(data) == record.before else None

    def forget(self, record: Record) -> None:
        """The file is as it was; its original goes with the next `sweep`."""
        with _turning(self.folder):
            self._record(record.path).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove originals that no record names; none while a record cannot be read."""
        known = self._parsed()
        named = {name for one in known if one for name in (one.before, *one.earlier)}
        if None in known:
            return
        with _turning(self.folder):
            for place in (self.folder / "originals").iterdir():
                if place.name not in named:
                    place.unlink(missing_ok=True)
            for place in (self.folder / "records").glob(".*.new"):
                place.unlink(missing_ok=True)

    def _record(self, path: str) -> Path:
        name = hashlib.sha256(os.fsencode(path)).hexdigest()[:32]
        return self.folder / "records" / f"{name}.json"


def hash_of(data: bytes) -> str:
    """sha256 in hex."""
    return hashlib.sha256(data).hexdigest()


def _parse(data: bytes) -> Record | None:
    try:
        found = json.loads(data)
        written, earlier = tuple(found["written"]), tuple(found["earlier"])
        return Record(str(found["path"]), str(found["before"]), written, earlier)
    except (ValueError, KeyError, TypeError):
        return None


def _write_whole(path: Path, data: bytes) -> None:
    """By a temporary file, safely on the disk before it is named."""
    temporary = path.with_name(f".{path.name}.new")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _turning(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FileError(
            tr("cannot use the state folder {folder}: {why}", folder=folder, why=error),
            tr("set LONGSHORE_STATE_DIR to a folder that you can write"),
            code="state-folder",
        ) from error
