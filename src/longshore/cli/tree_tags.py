"""The tags and branches of the tree, read from git's own files; no program is run. I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from longshore.text import tr

_TAGS, _HEADS, _REMOTES = "refs/tags/", "refs/heads/", "refs/remotes/"
_NO_TAGS = re.compile(r"^\s*tagopt\s*=\s*--no-tags\s*$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class TreeTags:
    """What was found. `state` tells a whole list of tags from one that may lack some.

    `home` is the folder with git's objects, None outside of a tree.
    """

    names: tuple[str, ...] = ()
    state: Literal["whole", "partial", "no-tree"] = "whole"
    why: str = ""
    branches: tuple[str, ...] = ()
    home: Path | None = None


def read_tree_tags(folder: Path) -> TreeTags:
    """The tags and branches of the git tree that the folder is in."""
    home = _git_folder(folder.resolve())
    if home is None:
        return TreeTags(state="no-tree", why=tr("this is not a git tree"))
    try:
        refs = _packed(home) | _loose(home)
        settings = (home / "config").read_text("utf-8") if (home / "config").is_file() else ""
    except (OSError, UnicodeDecodeError):
        why = tr("the tree's tags could not be read")
        return TreeTags(state="partial", why=why, home=home)
    names = tuple(sorted(ref.removeprefix(_TAGS) for ref in refs if ref.startswith(_TAGS)))
    why = _why_partial(home, names, settings)
    return TreeTags(names, "partial" if why else "whole", why, _branches(refs), home)


def _why_partial(home: Path, names: tuple[str, ...], settings: str) -> str:
    if (home / "shallow").exists():
        return tr("this is a shallow clone, which may lack tags: check out with fetch-depth: 0")
    if (home / "reftable").exists():
        return tr("git keeps this tree's tags in a reftable")
    if not names and _NO_TAGS.search(settings):
        return tr("this clone was made without tags")
    return ""


def _branches(refs: set[str]) -> tuple[str, ...]:
    here = {ref.removeprefix(_HEADS) for ref in refs if ref.startswith(_HEADS)}
    there = {ref.removeprefix(_REMOTES) for ref in refs if ref.startswith(_REMOTES)}
    named = {name.partition("/")[2] for name in there if not name.startswith("pull/")}
    return tuple(sorted((here | named) - {"", "HEAD"}))


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
    return {pair[1] for pair in words if len(pair) == 2 and pair[1].startswith("refs/")}


def _loose(home: Path) -> set[str]:
    return {
        file.relative_to(home).as_posix()
        for kind in (_TAGS, _HEADS, _REMOTES)
        for file in (home / kind).rglob("*")
        if file.is_file() and not file.name.endswith(".lock")
    }
