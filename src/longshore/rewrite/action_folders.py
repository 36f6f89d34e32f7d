"""Actions of others, checked out beside the tree: their metadata and Dockerfiles. I/O.

They are no files of the tree: they are read under a reserved prefix, never listed, looked into or
changed. A folder holds `OWNER/REPO/[PATH/]action.yml`, or `OWNER/REPO/REF/...` as runners keep
them; owner and repository are found in any case, as GitHub does.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import unquote

from longshore.rewrite.finders.workflow_actions import PREFIX
from longshore.rewrite.source import SourceFile, read_source

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MOST_BYTES = 1024 * 1024
_KEPT = 256


@dataclass
class ActionFolders:
    """Folders with other people's actions; safe to pickle."""

    folders: tuple[str, ...]
    _kept: dict[str, SourceFile | None] = field(default_factory=dict, repr=False)

    def file(self, path: str) -> SourceFile | None:
        """The file of a reserved path (`PREFIX + OWNER/REPO/REF/PATH`)."""
        if not self.folders:
            return None
        if path not in self._kept:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[path] = self._read(path)
        return self._kept[path]

    def _read(self, path: str) -> SourceFile | None:
        parts = path.removeprefix(PREFIX).split("/")
        if len(parts) < 4 or any(part in ("", ".", "..") for part in parts):
            return None
        owner, repository, ref, *rest = parts
        for folder in self.folders:
            for place in _checkouts(folder, owner, repository, unquote(ref)):
                data = _bytes_of(folder, os.path.join(place, *rest))
                if data is not None:
                    return read_source(path, data)
        return None


def _checkouts(folder: str, owner: str, repository: str, ref: str) -> Iterator[str]:
    """Where a repository may lie: by its version first."""
    for first in _named(folder, owner):
        for second in _named(first, repository):
            if ref and ".." not in ref.split("/"):
                yield os.path.join(second, *ref.split("/"))
            yield second


def _named(folder: str, name: str) -> Iterator[str]:
    """The folders of a name, in any case."""
    with suppress(OSError), os.scandir(folder) as listed:
        found = [one.path for one in listed if one.name.lower() == name.lower()]
        yield from sorted(found)


def _bytes_of(folder: str, place: str) -> bytes | None:
    """A file's bytes; None when it is none, too large, or leads out of the folder."""
    root = os.path.realpath(folder)
    real = os.path.realpath(place)
    if not real.startswith(root.rstrip("/") + "/"):
        return None
    try:
        handle = os.open(real, _OPEN)
    except OSError:
        return None
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_size > _MOST_BYTES:
            return None
        return os.read(handle, _MOST_BYTES)
    except OSError:
        return None
    finally:
        os.close(handle)
