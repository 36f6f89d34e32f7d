"""A tree that is opened: its files, read one by one and soon forgotten. I/O.

Never through a link. A few files stay in memory, for finders that look at each other's.
"""

from __future__ import annotations

import os
import stat
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from longshore.rewrite.action_folders import ActionFolders
from longshore.rewrite.finders.workflow_actions import PREFIX
from longshore.rewrite.mentions import BuildArgument
from longshore.rewrite.skipped import Skipped
from longshore.rewrite.source import SourceFile, read_source
from longshore.rewrite.walk import Listing, TreeOptions, walk

_KEPT_FILES = 64
_KEPT_BYTES = 32 * 1024 * 1024
_LINKS_AT_MOST = 8
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass
class OpenTree:
    """The `Tree` that finders and checks are given. Made by `open_tree`; safe to pickle."""

    root: Path
    listing: Listing
    options: TreeOptions = field(default_factory=TreeOptions)
    arguments: Mapping[str, Mapping[str, BuildArgument]] = field(default_factory=dict)
    _kept: OrderedDict[str, SourceFile | None] = field(default_factory=OrderedDict, repr=False)

    @cached_property
    def paths(self) -> frozenset[str]:
        """Every file that is not ignored; links are not among them."""
        return frozenset(self.listing.paths)

    @cached_property
    def actions(self) -> ActionFolders:
        """Actions of others, given beside the tree."""
        return ActionFolders(self.options.actions)

    def file(self, path: str) -> SourceFile | None:
        """That file; through links inside the tree it is the file that they lead to."""
        if path.startswith(PREFIX):
            return self.actions.file(path)
        real = self._followed(path)
        if real is None:
            return None
        if real in self._kept:
            self._kept.move_to_end(real)
            return self._kept[real]
        data = self.read(real)
        found = None if isinstance(data, Skipped) else read_source(real, data)
        self._keep(real, found)
        return found

    def build_arguments(self, dockerfile: str) -> Mapping[str, BuildArgument]:
        """What other files give this Dockerfile's ARGs, as far as the scan has seen them."""
        return self.arguments.get(dockerfile, {})

    def read(self, path: str) -> bytes | Skipped:
        """The bytes of a listed file, or why there are none."""
        try:
            handle = os.open(f"{self.root}/{path}", _OPEN)
        except FileNotFoundError:
            return Skipped(path, "vanished")
        except OSError as error:
            return Skipped(path, "unreadable", error.strerror or "")
        try:
            return self._read(handle, path)
        except OSError as error:
            return Skipped(path, "unreadable", error.strerror or "")
        finally:
            os.close(handle)

    def _read(self, handle: int, path: str) -> bytes | Skipped:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            return Skipped(path, "special")
        if found.st_size > self.options.max_bytes:
            return Skipped(path, "too-large", str(found.st_size))
        data = os.read(handle, found.st_size + 1)
        if len(data) != found.st_size:
            data += read_all(handle, self.options.max_bytes + 1 - len(data))
        if len(data) > self.options.max_bytes:
            return Skipped(path, "too-large", str(len(data)))
        return data

    def _followed(self, path: str) -> str | None:
        for _ in range(_LINKS_AT_MOST):
            if path in self.paths:
                return path
            parts = path.split("/")
            for number in range(len(parts), 0, -1):
                target = self.listing.links.get("/".join(parts[:number]))
                if target is not None:
                    path = "/".join([target, *parts[number:]])
                    break
            else:
                return None
        return None

    def _keep(self, path: str, found: SourceFile | None) -> None:
        self._kept[path] = found
        size = sum(len(one.data) for one in self._kept.values() if one is not None)
        while len(self._kept) > _KEPT_FILES or (size > _KEPT_BYTES and len(self._kept) > 1):
            _, dropped = self._kept.popitem(last=False)
            size -= len(dropped.data) if dropped is not None else 0


def open_tree(root: Path, options: TreeOptions | None = None) -> OpenTree:
    """List a tree. Raises FileError when it is no folder that can be read."""
    options = options or TreeOptions()
    return OpenTree(Path(os.path.realpath(root)), walk(root, options), options)


def read_all(handle: int, most: int) -> bytes:
    """What can be read from a handle, up to a size."""
    parts, left = [], most
    while left > 0 and (part := os.read(handle, min(left, 1024 * 1024))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
