"""Files that longshore writes for the user: whole or not at all, never through a link. I/O."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from longshore.errors import FileError, RefusedError, Where
from longshore.text import tr


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
                tr("replace it with --force, or look at --dry-run"),
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
