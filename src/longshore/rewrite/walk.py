"""Every file of a tree that git would not ignore, and what was left out. I/O.

Ignore files count at every level, as do those above a tree that is a part of a clone, and
`.git/info/exclude`; the user's own global excludes do not. A file that git tracks is there even
if a pattern names it. No link is followed. Submodules and other clones inside the tree are named,
and walked only when told. Whatever cannot be read is named too; nothing stops the walk.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from longshore.errors import FileError, Where
from longshore.rewrite.clones import Clone, clone_around, clone_at, rules_in
from longshore.rewrite.generated import is_generated, needs_a_look
from longshore.rewrite.ignore import Level, is_ignored, rules_of
from longshore.rewrite.skipped import Skipped, SkipReason
from longshore.text import tr


@dataclass(frozen=True)
class TreeOptions:
    """What is read. `skip` are patterns as in .gitignore, from the top of the tree.

    `nested`: submodules and other clones inside too. `generated`: vendored folders too. Files
    larger than `max_bytes` are named, not read. `actions` are folders outside the tree that hold
    actions of others.
    """

    skip: tuple[str, ...] = ()
    nested: bool = False
    generated: bool = False
    max_bytes: int = 8 * 1024 * 1024
    actions: tuple[str, ...] = ()


@dataclass
class Listing:
    """Paths relative to the tree, sorted; links with their targets in the tree; what was left out.

    `folders` is how many were looked into.
    """

    paths: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    folders: int = 0


@dataclass(frozen=True)
class _Folder:
    """A folder still to be looked into; in an ignored one only what is tracked counts."""

    path: str
    levels: tuple[Level, ...]
    clone: Clone
    only_tracked: bool = False


def walk(root: Path, options: TreeOptions | None = None) -> Listing:
    """List a tree. Raises FileError when the tree itself is no folder that can be read."""
    walker = _Walk(os.path.realpath(root), options or TreeOptions())
    walker.run()
    walker.listing.paths.sort()
    walker.listing.skipped.sort()
    return walker.listing


class _Walk:
    def __init__(self, root: str, options: TreeOptions) -> None:
        self._root = root
        self._options = options
        self._skip = (Level(rules_of(options.skip)),) if options.skip else ()
        self.listing = Listing()

    def run(self) -> None:
        try:
            os.scandir(self._root).close()
        except OSError as error:
            raise FileError(
                tr("cannot read {folder}: {why}", folder=self._root, why=error.strerror or error),
                tr("name a folder that you can read"),
                where=Where(file=self._root),
            ) from error
        clone = clone_around(self._root)
        todo = [_Folder("", clone.levels, clone)]
        while todo:
            todo.extend(self._look(todo.pop()))

    def _look(self, folder: _Folder) -> list[_Folder]:
        """Note the files of one folder; the folders in it to go on with."""
        place = os.path.join(self._root, folder.path) if folder.path else self._root
        try:
            with os.scandir(place) as listed:
                entries = list(listed)
        except OSError as error:
            self._leave(folder.path, _reason(error), error.strerror or "")
            return []
        self.listing.folders += 1
        names = {entry.name for entry in entries}
        name = folder.path.rpartition("/")[2]
        if self._left_out_as_generated(folder.path, name, names):
            return []
        start = f"{folder.path}/" if folder.path else ""
        levels = folder.levels
        if ".gitignore" in names:
            levels = (Level(rules_in(place), len(start)), *levels)
        inside = _Folder(folder.path, levels, folder.clone, folder.only_tracked)
        found = (self._take(entry, start + entry.name, inside) for entry in entries)
        return [one for one in found if one is not None]

    def _left_out_as_generated(self, path: str, name: str, names: set[str]) -> bool:
        if self._options.generated or not needs_a_look(name) or not is_generated(name, names):
            return False
        self._leave(path, "generated")
        return True

    def _take(self, entry: os.DirEntry[str], path: str, parent: _Folder) -> _Folder | None:
        """Note a file or link; give a folder back."""
        try:
            link, folder = entry.is_symlink(), entry.is_dir(follow_symlinks=False)
            regular = entry.is_file(follow_symlinks=False)
        except OSError as error:
            self._leave(path, _reason(error), error.strerror or "")
            return None
        ignored = self._is_ignored(path, folder, parent)
        if self._skip and is_ignored(self._skip, path, folder):
            return None
        if folder:
            return self._enter(path, entry.name, parent, ignored)
        if ignored and not parent.clone.holds(path):
            return None
        if link:
            self._note_link(path)
        elif regular:
            self.listing.paths.append(path)
        else:
            self._leave(path, "special")
        return None

    def _is_ignored(self, path: str, folder: bool, parent: _Folder) -> bool:
        return parent.only_tracked or is_ignored(parent.levels, path, folder)

    def _enter(self, path: str, name: str, parent: _Folder, ignored: bool) -> _Folder | None:
        """The folder to go on with, if any."""
        if name == ".git":
            return None
        if ignored and not parent.clone.inside(path) and not parent.clone.is_submodule(path):
            return None
        if not self._options.generated and is_generated(name):
            self._leave(path, "generated")
            return None
        own = os.path.join(self._root, path, ".git")
        submodule = parent.clone.is_submodule(path)
        if not submodule and not os.path.lexists(own):
            return _Folder(path, parent.levels, parent.clone, ignored)
        if not self._options.nested:
            outer = submodule or os.path.isfile(own)
            self._leave(path, "submodule" if outer else "clone")
            return None
        clone = clone_at(os.path.join(self._root, path), path)
        return _Folder(path, clone.levels, clone)

    def _note_link(self, path: str) -> None:
        target = os.path.realpath(os.path.join(self._root, path))
        inside = os.path.commonpath([self._root, target]) == self._root
        if inside and target != self._root:
            self.listing.links[path] = os.path.relpath(target, self._root).replace(os.sep, "/")
        self._leave(path, "symlink" if inside else "symlink-outside")

    def _leave(self, path: str, reason: SkipReason, detail: str = "") -> None:
        self.listing.skipped.append(Skipped(path, reason, detail))


def _reason(error: OSError) -> SkipReason:
    return "vanished" if isinstance(error, FileNotFoundError) else "unreadable"
