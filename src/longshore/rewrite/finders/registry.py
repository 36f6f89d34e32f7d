"""Which finder takes which file, in order. Pure.

Exact names come before patterns, patterns before whole languages; YAML that nobody claims by
name is looked into last.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from longshore.rewrite.finders import (
    api_descriptions,
    ci_kinds,
    code_kinds,
    dockerfile,
    earthfile,
    hcl_kinds,
    manifest_kinds,
    odd_kinds,
    script_kinds,
    workflow,
)
from longshore.rewrite.finders.asking import BY_WORD, NOT_FOR_CODE, TELLING, WORD, is_code
from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.mentions import Sighting
from longshore.rewrite.source import SourceFile

FINDERS: tuple[Finder, ...] = (
    dockerfile.FINDER,
    earthfile.FINDER,
    *odd_kinds.HOSTS,
    *script_kinds.NAMED,
    *workflow.FINDERS,
    *ci_kinds.NAMED,
    *manifest_kinds.NAMED,
    *hcl_kinds.FINDERS,
    *code_kinds.FINDERS,
    *odd_kinds.FINDERS,
    api_descriptions.FINDER,
    *manifest_kinds.LATE,
    *ci_kinds.LATE,
    *ci_kinds.LAST,
    dockerfile.BY_CONTENT,
    *script_kinds.SHELL,
)


def finders_for(path: str) -> list[Finder]:
    """The finders that may take a file of this path, in order."""
    if not is_code(path):
        asked = FINDERS
    else:
        folder, _, name = path.rpartition("/")
        said = _said(folder) | _said(name)
        asked = _asked_about_code(FINDERS, "word" if said & _A_WORD else "none")
        if not said:
            return list(_of_ending(asked, path[path.rfind(".") :]))
    return [finder for finder in asked if finder.takes(path)]


_A_WORD, _TELLS = 1, 2


@lru_cache(maxsize=2048)
def _said(part: str) -> int:
    """Which words a folder or a name holds; files of one folder come one after the other."""
    return (WORD.search(part) is not None) * _A_WORD | (TELLING.search(part) is not None) * _TELLS


def _of_ending(asked: tuple[Finder, ...], ending: str) -> tuple[Finder, ...]:
    found = _by_ending.get(ending)
    if found is None:
        found = _by_ending[ending] = tuple(one for one in asked if one.takes("x" + ending))
    return found


_told_apart: dict[str, tuple[Finder, ...]] = {}
_by_ending: dict[str, tuple[Finder, ...]] = {}


def _asked_about_code(finders: tuple[Finder, ...], which: str) -> tuple[Finder, ...]:
    """Those that may take code, with one of the words in its path or none; told apart once."""
    if _told_apart.get("all") is not finders:
        word = tuple(one for one in finders if one.name not in NOT_FOR_CODE)
        none = tuple(one for one in word if one.name not in BY_WORD)
        _by_ending.clear()
        _told_apart.update({"all": finders, "word": word, "none": none})
    return _told_apart[which]


def sightings(file: SourceFile, tree: Tree, finders: Iterable[Finder]) -> Iterable[Sighting]:
    """What the first finder that knows this file finds in it."""
    for finder in finders:
        found = finder.find(file, tree) if finder.may_find(file.data) else None
        if found is not None:
            return found
    return ()
