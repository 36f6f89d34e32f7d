"""Files of the user: written whole or not at all, never through a link; read within limits. I/O."""

from __future__ import annotations

import errno
import os
import select
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from longshore.errors import FileError, RefusedError, Where
from longshore.text import tr

# How long a pipe may have no writer, and how long a writer may be silent: `<(aws ecr ...)` answers
# at its end only.
_NO_WRITER, _SILENT = 10.0, 600.0


def read_at_most(path: str | Path, most: int, *, waits: tuple[float, float] | None = None) -> bytes:
    """The first bytes of a file. Gives up on a pipe that nobody writes into. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb", buffering=0) as stream:
        if stat.S_ISFIFO(os.fstat(handle).st_mode):
            return _from_pipe(handle, most, waits or (_NO_WRITER, _SILENT))
        os.set_blocking(handle, True)
        content = bytearray()
        while len(content) < most and (more := stream.read(most - len(content))):
            content += more
        return bytes(content)


def _from_pipe(handle: int, most: int, waits: tuple[float, float]) -> bytes:
    poller = select.poll()
    poller.register(handle, select.POLLIN)
    content = bytearray()
    opened = False
    while len(content) < most:
        try:
            more = os.read(handle, min(most - len(content), 1 << 16))
        except BlockingIOError:
            more, opened = None, True
        if more:
            content, opened = content + more, True
        elif more is not None and opened:
            break
        elif not (ready := poller.poll(waits[opened] * 1000)):
            raise OSError(errno.ETIMEDOUT, tr("it is a pipe, and nothing comes out of it"))
        else:
            opened = opened or bool(ready)
    return bytes(content)


def refuse_existing(todo: Iterable[Path], force: bool) -> None:
    """Raise RefusedError for a link, and for a file that is there unless `force`."""
    for path in todo:
        if path.is_symlink():
            raise RefusedError(
                tr("{file} is a symbolic link; nothing is written through it", file=path),
                tr("remove the link, or name another folder"),
                code="symlink",
                where=Where(file=str(path)),
            )
        if path.exists() and not force:
            raise RefusedError(
                tr("{file} is there already", file=path),
                tr("replace it with --force, or name another one"),
                code="file-exists",
                where=Where(file=str(path)),
            )


def check_writable(path: Path) -> None:
    """Raise FileError now when a file could not be written there after a long run."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".longshore-")
        os.close(handle)
        Path(temporary).unlink()
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    except OSError as error:
        raise _not_writable(path, error) from error


def write_file(path: Path, content: str, *, executable: bool = False) -> None:
    """Write by a temporary file in the same folder and a rename. Raises FileError.

    Foreign bytes that were no text stand as surrogates in `content`, and come out as read.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".longshore-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content.encode("utf-8", "surrogateescape"))
            mode = stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IROTH
            os.chmod(temporary, mode | (0o111 if executable else 0))
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _not_writable(path, error) from error


def append_text(path: Path, content: str) -> None:
    """Add to a file that another program reads, such as $GITHUB_OUTPUT. Raises FileError."""
    refuse_existing([path], force=True)
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(content)
    except OSError as error:
        raise _not_writable(path, error) from error


def _not_writable(path: Path, error: OSError) -> FileError:
    return FileError(
        tr("{file} cannot be written: {why}", file=path, why=error.strerror or error),
        tr("make room, or name a file in a folder that you can write"),
        where=Where(file=str(path)),
    )
