"""Files of a layout: in a folder or inside a tar, never through a symlink, never outside. I/O.

Two holders with the same abilities: `Folder`, and `Archive` for plain tar files, whose members are
found by name and read in place. In an archive a link counts only when it names another member.
"""

from __future__ import annotations

import os
import posixpath
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from longshore.errors import FileError
from longshore.oci.store import CHUNK
from longshore.text import tr

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAX_MEMBERS = 1_000_000


class Slice:
    """A stretch of an open file as a BlobStream; closes the file."""

    def __init__(self, descriptor: int, path: Path, start: int, size: int) -> None:
        self.size: int | None = size
        self._descriptor: int | None = descriptor
        self._path = path
        self._start = start
        self._size = size

    def chunks(self) -> Iterator[memoryview]:
        """Pieces of at most CHUNK bytes; less in all when the file shrank. Raises FileError."""
        place, end = self._start, self._start + self._size
        try:
            while place < end and self._descriptor is not None:
                piece = os.pread(self._descriptor, min(end - place, CHUNK), place)
                if not piece:
                    return
                place += len(piece)
                yield memoryview(piece)
        except OSError as error:
            raise unreadable(self._path, error) from None
        finally:
            self.close()

    def close(self) -> None:
        """Close the file; safe to call twice."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


class Files(Protocol):
    """What a layout is read from."""

    @property
    def path(self) -> Path:
        """The folder or archive."""
        ...

    def size(self, name: str) -> int | None:
        """How long a file is; None when there is no regular file of that name."""
        ...

    def open(self, name: str, offset: int = 0) -> Slice:
        """A file's bytes from `offset` on. Raises FileNotFoundError."""
        ...

    def read(self, name: str, limit: int) -> bytes:
        """A whole file of at most `limit` bytes. Raises FileNotFoundError, FileError."""
        ...


@dataclass(frozen=True)
class Folder:
    """Files below a folder. The folder itself is as the user named it; below it, no symlinks."""

    path: Path

    def size(self, name: str) -> int | None:
        """How long a file is; None when there is no regular file of that name."""
        try:
            descriptor, size = self._open(name)
        except FileNotFoundError:
            return None
        os.close(descriptor)
        return size

    def open(self, name: str, offset: int = 0) -> Slice:
        """A file's bytes from `offset` on. Raises FileNotFoundError."""
        descriptor, size = self._open(name)
        return Slice(descriptor, self.path / name, offset, max(size - offset, 0))

    def read(self, name: str, limit: int) -> bytes:
        """A whole file of at most `limit` bytes. Raises FileNotFoundError, FileError."""
        return read_slice(self.open(name), self.path / name, limit)

    def enter(self, parts: tuple[str, ...], *, create: bool = False) -> int:
        """An open descriptor of a folder below this one. Raises OSError."""
        here = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in parts:
                if create:
                    _make(part, here)
                there = os.open(part, _FOLDER, dir_fd=here)
                os.close(here)
                here = there
        except OSError:
            os.close(here)
            raise
        return here

    def _open(self, name: str) -> tuple[int, int]:
        *parents, last = name.split("/")
        try:
            folder = self.enter(tuple(parents))
            try:
                descriptor = os.open(last, _FILE, dir_fd=folder)
            finally:
                os.close(folder)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise unreadable(self.path / name, error) from None
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            raise FileNotFoundError(name)
        return descriptor, found.st_size


class Archive:
    """Members of a plain tar file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._members = _members(path)

    def names(self) -> set[str]:
        """The names of all files and links."""
        return set(self._members)

    def size(self, name: str) -> int | None:
        """How long a file is; None when there is no regular file of that name."""
        found = self._resolve(name)
        return None if found is None else found.size

    def open(self, name: str, offset: int = 0) -> Slice:
        """A file's bytes from `offset` on. Raises FileNotFoundError."""
        found = self._resolve(name)
        if found is None:
            raise FileNotFoundError(name)
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise unreadable(self.path, error) from None
        return Slice(descriptor, self.path, found.start + offset, max(found.size - offset, 0))

    def read(self, name: str, limit: int) -> bytes:
        """A whole file of at most `limit` bytes. Raises FileNotFoundError, FileError."""
        return read_slice(self.open(name), self.path, limit)

    def _resolve(self, name: str) -> _Member | None:
        found = self._members.get(name)
        for _ in range(2):  # `docker save` links a repeated layer to the first; no chains
            if found is None or found.link is None:
                return found
            found = self._members.get(found.link)
        return None


@dataclass(frozen=True)
class _Member:
    start: int
    size: int
    link: str | None = None


def _members(path: Path) -> dict[str, _Member]:
    found: dict[str, _Member] = {}
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                name = _clean(member.name)
                if name is None or len(found) >= _MAX_MEMBERS:
                    continue
                if member.isreg() and not member.issparse():
                    found[name] = _Member(member.offset_data, member.size)
                elif member.issym() or member.islnk():
                    base = posixpath.dirname(name) if member.issym() else ""
                    link = _clean(posixpath.join(base, member.linkname))
                    if link is not None:
                        found[name] = _Member(0, 0, link)
    except tarfile.ReadError as error:
        raise FileError(
            tr("{file} is not a plain tar archive ({why})", file=path, why=error),
            tr("unpack a compressed one first, for example with gunzip"),
            code="not-an-archive",
        ) from None
    except (OSError, tarfile.TarError) as error:
        raise unreadable(path, error) from None
    return found


def _clean(name: str) -> str | None:
    """A member's name in normal form; None when it leads out of the archive."""
    normal = posixpath.normpath(name)
    outside = normal == ".." or normal.startswith(("/", "../"))
    return None if outside else normal


def _make(name: str, folder: int) -> None:
    try:
        os.mkdir(name, 0o755, dir_fd=folder)
    except FileExistsError:
        return


def read_slice(piece: Slice, path: Path, limit: int) -> bytes:
    """All bytes of a file that may have at most `limit`."""
    if (piece.size or 0) > limit:
        piece.close()
        raise FileError(
            tr("{file} has more than {limit} bytes", file=path, limit=limit),
            tr("it is not what it should be; make the layout anew"),
            code="file-too-large",
        )
    return b"".join(bytes(one) for one in piece.chunks())


def unreadable(path: Path, error: BaseException) -> FileError:
    """The error for a file or folder that the system refuses."""
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return FileError(
        tr("{file} cannot be used: {why}", file=path, why=why),
        tr("check the path and its permissions; symlinks inside a layout are not followed"),
        code="file-unusable",
    )
