"""What git knows of a folder of files: ignore rules and tracked paths, read without git. I/O.

git is not asked, for the settings of a foreign clone can name programs that git then runs. Only
regular files are read, never through a link; a worktree's or submodule's `.git` file is not
followed, so nothing is known to be tracked there.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field

from longshore.rewrite.git_index import Tracked, parse_index
from longshore.rewrite.ignore import IgnoreRules, Level, parse_ignore

_IGNORE_FILE_BYTES = 1024 * 1024
_INDEX_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True)
class Clone:
    """`cut` and `added` make a path of the tree one of the clone, as in `Level`."""

    tracked: Tracked = field(default_factory=Tracked)
    levels: tuple[Level, ...] = ()
    cut: int = 0
    added: str = ""

    def holds(self, path: str) -> bool:
        """Whether git tracks this file of the tree."""
        return self.tracked.holds(self._name(path))

    def inside(self, path: str) -> bool:
        """Whether git tracks something in this folder of the tree."""
        return self.tracked.inside(self._name(path))

    def is_submodule(self, path: str) -> bool:
        """Whether git has a commit of another clone there."""
        return self._name(path) in self.tracked.submodules

    def _name(self, path: str) -> bytes:
        return os.fsencode(self.added + path[self.cut :])


def clone_around(root: str) -> Clone:
    """The clone that holds the tree, with the ignore rules from above the tree's own folder."""
    top = root
    while not os.path.lexists(os.path.join(top, ".git")):
        parent = os.path.dirname(top)
        if parent == top:
            return Clone()
        top = parent
    inner = os.path.relpath(root, top)
    parts = [] if inner == os.curdir else inner.split(os.sep)
    levels = [Level(rules_in(top, ".git/info/exclude"), 0, _joined(parts))]
    for number in range(len(parts)):
        folder = os.path.join(top, *parts[:number])
        levels.insert(0, Level(rules_in(folder), 0, _joined(parts[number:])))
    return Clone(_tracked(top), _that_say_something(levels), 0, _joined(parts))


def clone_at(folder: str, path: str) -> Clone:
    """Another clone inside the tree: `folder` is its place, `path` that in the tree."""
    cut = len(path) + 1
    exclude = Level(rules_in(folder, ".git/info/exclude"), cut)
    return Clone(_tracked(folder), _that_say_something([exclude]), cut)


def rules_in(folder: str, name: str = ".gitignore") -> IgnoreRules:
    """The rules of a folder's ignore file; none when it is absent, a link or absurdly large."""
    return parse_ignore(_read(os.path.join(folder, name), _IGNORE_FILE_BYTES))


def _tracked(top: str) -> Tracked:
    return parse_index(_read(os.path.join(top, ".git", "index"), _INDEX_BYTES))


def _joined(parts: list[str]) -> str:
    return "".join(f"{part}/" for part in parts)


def _that_say_something(levels: list[Level]) -> tuple[Level, ...]:
    return tuple(level for level in levels if level.rules)


def _read(path: str, most: int) -> bytes:
    """A small regular file's bytes; empty when it is none."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_size > most:
            return b""
        with os.fdopen(os.dup(handle), "rb") as file:
            return file.read(most)
    except OSError:
        return b""
    finally:
        os.close(handle)
