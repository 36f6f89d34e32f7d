"""A file of lines that one process at a time appends to, each on disk before it counts. I/O.

What a journal's lines say is its own; here is how they get there: the file is opened without
following a link, locked, and a line that a kill cut off is closed, so that the next one stands by
itself.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from longshore.errors import FileError, RefusedError, Where
from longshore.text import tr


@dataclass(frozen=True)
class Words:
    """What is said when another process has the file, and when it cannot be written."""

    busy: str
    broken: str
    stopped: str


class LineFile:
    """The open file. Use it as a context manager.

    Raises RefusedError when another process has it open, FileError when it cannot be written.
    """

    def __init__(self, path: Path, words: Words) -> None:
        self.path = path
        self._words = words
        self._file = self._opened()

    def __enter__(self) -> Self:
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

    def read(self) -> Iterator[bytes]:
        """All lines, oldest first."""
        self._file.seek(0)
        yield from self._file

    def append(self, text: str) -> None:
        """Write whole lines; they are on disk when this returns."""
        try:
            self._file.seek(0, os.SEEK_END)
            self._file.write(text.encode())
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._cannot(error) from None

    def _opened(self) -> IO[bytes]:
        path = self.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            file = os.fdopen(os.open(path, flags, 0o600), "r+b")
        except OSError as error:
            raise self._cannot(error) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _end_with_newline(file)
        except BlockingIOError:
            file.close()
            raise RefusedError(
                self._words.busy,
                tr("wait until it is done, then run the same command again"),
                code="already-running",
                where=Where(str(path)),
            ) from None
        except OSError as error:
            file.close()
            raise self._cannot(error) from None
        return file

    def _cannot(self, error: OSError) -> FileError:
        return FileError(
            f"{self._words.broken}: {error.strerror or error}",
            self._words.stopped,
            code="journal",
            where=Where(str(self.path)),
        )


def _end_with_newline(file: IO[bytes]) -> None:
    """Close a line that a kill cut off, so that the next one stands by itself."""
    if file.seek(0, os.SEEK_END):
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")
