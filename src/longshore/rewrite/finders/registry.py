"""Which finder takes which file, in order. Pure.

Exact names come before patterns, patterns before whole languages; YAML that nobody claims by
name is looked into last.
"""

from __future__ import annotations

from collections.abc import Iterable

from longshore.rewrite.finders import (
    ci_kinds,
    dockerfile,
    earthfile,
    hcl_kinds,
    manifest_kinds,
    workflow,
)
from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.mentions import Sighting
from longshore.rewrite.source import SourceFile

FINDERS: tuple[Finder, ...] = (
    dockerfile.FINDER,
    earthfile.FINDER,
    *workflow.FINDERS,
    *ci_kinds.NAMED,
    *manifest_kinds.NAMED,
    *hcl_kinds.FINDERS,
    *manifest_kinds.LATE,
    *ci_kinds.LATE,
    *ci_kinds.LAST,
)


def finders_for(path: str) -> list[Finder]:
    """The finders that may take a file of this path, in order."""
    return [finder for finder in FINDERS if finder.takes(path)]


def sightings(file: SourceFile, tree: Tree, finders: Iterable[Finder]) -> Iterable[Sighting]:
    """What the first finder that knows this file finds in it."""
    for finder in finders:
        found = finder.find(file, tree) if finder.may_find(file.data) else None
        if found is not None:
            return found
    return ()
