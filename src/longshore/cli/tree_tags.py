"""The tags of the tree, read from git's own files; no program is run. I/O."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from longshore.text import tr

_REFS = "refs/tags/"


@dataclass(frozen=True)
class TreeTags:
    """The tags that were found. `state` tells a whole list from one that may lack some."""

    names: tuple[str, ...] = ()
    state: Literal["whole", "partial", "no-tree"] = "whole"
    why: str = ""


def read_tree_tags(folder: Path) -> TreeTags:
    """The tags of the git tree that the folder is in."""
    home = _git_folder(folder.resolve())
    if home is None:
        return TreeTags(state="no-tree", why=tr("this is not a git tree"))
    try:
        names = tuple(sorted(_packed(home) | _loose(home)))
    except (OSError, UnicodeDecodeError):
        return TreeTags(state="partial", why=tr("the tree's tags could not be read"))
    if (home / "shallow").exists():
        why = tr("this is a shallow clone, which may lack tags: check out with fetch-depth: 0")
        return TreeTags(names, "partial", why)
    if (home / "reftable").exists():
        return TreeTags(names, "partial", tr("git keeps this tree's tags in a reftable"))
    return TreeTags(names)


def _git_folder(folder: Path) -> Path | None:
    """The folder with the refs; a worktree's leads to the main one's."""
    for place in (folder, *folder.parents):
        found = place / ".git"
        try:
            if found.is_file():
                found = place / found.read_text("utf-8").strip().removeprefix("gitdir: ")
            common = found / "commondir"
            if common.is_file():
                found = found / common.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return None
        if (found / "HEAD").is_file():
            return found
    return None


def _packed(home: Path) -> set[str]:
    file = home / "packed-refs"
    if not file.is_file():
        return set()
    words = (line.split(" ", 1) for line in file.read_text("utf-8").splitlines())
    refs = (pair[1] for pair in words if len(pair) == 2)
    return {ref.removeprefix(_REFS) for ref in refs if ref.startswith(_REFS)}


def _loose(home: Path) -> set[str]:
    folder = home / "refs" / "tags"
    return {
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*")
        if file.is_file() and not file.name.endswith(".lock")
    }
