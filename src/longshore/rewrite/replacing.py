"""One file of a tree replaced by new bytes: whole or not at all, never through a link. I/O.

Each part of the path is opened below the one before without following links, and everything else
is done relative to that handle, so that nobody can lead a write elsewhere meanwhile. The new bytes
go to a temporary file beside the old one, with its mode, owner and extended attributes, and take
its place by a rename.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from longshore.errors import FileError, LongshoreError, RefusedError, Where
from longshore.rewrite.tree import read_all
from longshore.text import tr

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MOST = 1 << 31


@dataclass(frozen=True)
class Place:
    """A file that is there: its folder's handle, its name, its bytes and what the system says."""

    path: str
    folder: int
    name: str
    data: bytes
    status: os.stat_result


@contextmanager
def opened(root: Path, path: str) -> Iterator[Place]:
    """Read a file of the tree and hold its folder.

    Raises RefusedError when a part of the path is a link or leads out of the tree, FileError when
    the file is gone or cannot be read.
    """
    check_inside(path)
    folder = -1
    try:
        folder = _open_folder(root, path)
        name = path.rpartition("/")[2]
        data, status = _read_file(folder, name, path)
    except OSError as error:
        if folder >= 0:
            os.close(folder)
        raise turned(path, error, reading=True) from error
    except LongshoreError:
        os.close(folder)
        raise
    try:
        yield Place(path, folder, name, data, status)
    finally:
        os.close(folder)


def check_inside(path: str) -> None:
    """Raise RefusedError for a path that is not a plain one below the tree, or is git's own."""
    parts = path.split("/")
    if "\0" in path or any(part in ("", ".", "..") or part.lower() == ".git" for part in parts):
        raise RefusedError(
            tr("{file} is not a file of the tree", file=path),
            tr("name files by their path in the tree"),
            code="outside-tree",
            where=Where(file=path),
        )


def check_writable(place: Place) -> None:
    """Raise FileError when nobody is meant to write the file, even if the system would let us."""
    if not place.status.st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        raise FileError(
            tr("{file} is read-only", file=place.path),
            tr("make it writable with chmod u+w, or leave it out"),
            code="read-only-file",
            where=Where(file=place.path),
        )


def replace_file(place: Place, data: bytes) -> None:
    """Put new bytes in the file's place. Raises FileError, and RefusedError if it has changed."""
    temporary = temporary_name(place.path)
    try:
        remove_left_over(place.folder, temporary)
        _write_new(place, temporary, data)
        _check_same(place)
        os.replace(temporary, place.name, src_dir_fd=place.folder, dst_dir_fd=place.folder)
        os.fsync(place.folder)
    except OSError as error:
        remove_left_over(place.folder, temporary)
        raise turned(place.path, error) from error
    except BaseException:
        remove_left_over(place.folder, temporary)
        raise


def temporary_name(path: str) -> str:
    """The name under which a file's new bytes wait; always the same, so that it can be found."""
    return f".longshore-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}.new"


def remove_left_over(folder: int, temporary: str) -> None:
    """Remove the temporary file of a run that was killed."""
    with suppress(OSError):
        os.unlink(temporary, dir_fd=folder)


def _open_folder(root: Path, path: str) -> int:
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in path.split("/")[:-1]:
        try:
            inner = os.open(part, _READ | os.O_DIRECTORY, dir_fd=folder)
        except OSError as error:
            linked = _is_link(folder, part)
            os.close(folder)
            if linked:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from error
            raise
        os.close(folder)
        folder = inner
    return folder


def _is_link(folder: int, name: str) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except OSError:
        return False


def _read_file(folder: int, name: str, path: str) -> tuple[bytes, os.stat_result]:
    handle = os.open(name, _READ, dir_fd=folder)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise RefusedError(
                tr("{file} is not a regular file", file=path),
                tr("leave it out"),
                code="outside-tree",
                where=Where(file=path),
            )
        return read_all(handle, _MOST), status
    finally:
        os.close(handle)


def _write_new(place: Place, temporary: str, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(temporary, flags, 0o600, dir_fd=place.folder)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(handle, left) :]
        made = os.fstat(handle)
        owner = place.status.st_uid, place.status.st_gid
        if (made.st_uid, made.st_gid) != owner:
            os.fchown(handle, *owner)
        _copy_attributes(place, handle)
        os.fchmod(handle, stat.S_IMODE(place.status.st_mode))
        os.fsync(handle)
    finally:
        os.close(handle)


def _copy_attributes(place: Place, target: int) -> None:
    """Access lists and labels, where the system has them."""
    if not hasattr(os, "listxattr"):
        return
    source = os.open(place.name, _READ, dir_fd=place.folder)
    try:
        with suppress(OSError):
            for name in os.listxattr(source):
                os.setxattr(target, name, os.getxattr(source, name))
    finally:
        os.close(source)


def _check_same(place: Place) -> None:
    """Raise RefusedError when the file is not the one that was read."""
    now = os.stat(place.name, dir_fd=place.folder, follow_symlinks=False)
    was = place.status
    if (now.st_ino, now.st_dev, now.st_size, now.st_mtime_ns) != (
        was.st_ino,
        was.st_dev,
        was.st_size,
        was.st_mtime_ns,
    ):
        raise changed_meanwhile(place.path)


def changed_meanwhile(path: str) -> RefusedError:
    """The file holds something else than what the change was made for."""
    return RefusedError(
        tr("{file} has changed since it was read", file=path),
        tr("run the same command again; it looks at the file anew"),
        code="file-changed",
        where=Where(file=path),
    )


def turned(path: str, error: OSError, *, reading: bool = False) -> LongshoreError:
    """A system's error about a file of the tree in our words."""
    where = Where(file=path)
    if error.errno == errno.ELOOP:
        return RefusedError(
            tr("{file} is a symbolic link or lies behind one; it is not changed", file=path),
            tr("change the file that the link leads to"),
            code="symlink",
            where=where,
        )
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return FileError(
            tr("{file} is not there any more", file=path),
            tr("run the same command again; it looks at the tree anew"),
            code="vanished-file",
            where=where,
        )
    what = tr("cannot be read") if reading else tr("cannot be written")
    return FileError(
        tr("{file} {what}: {why}", file=path, what=what, why=error.strerror or error),
        tr("make room, or see to the permissions of the file and its folder; then run it again"),
        code="tree-file",
        where=where,
    )
