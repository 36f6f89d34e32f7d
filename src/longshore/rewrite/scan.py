"""All that the finders say about a tree. I/O.

Two passes: first every file but those whose finders wait for build arguments (Dockerfiles), then
these. Large trees are shared among processes. What was not looked into is part of the result.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from longshore.rewrite.looking import Arguments, Found, Looked, look_at_all, merge_arguments
from longshore.rewrite.mentions import BuildArgument, Sighting
from longshore.rewrite.processes import Workers
from longshore.rewrite.skipped import Skipped
from longshore.rewrite.survey import settle
from longshore.rewrite.tree import OpenTree
from longshore.rewrite.uses import Use

SMALL_TREE = 2000  # files; fewer than these are not worth another process
_IN_STEPS_OF = 500

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ScanCounts:
    """`files` and `folders` of the tree; those read, their bytes, and those parsed."""

    files: int
    folders: int
    read: int
    read_bytes: int
    parsed: int


@dataclass(frozen=True)
class ScanResult:
    """What stands in each file (paths in order), what was left out and why, and how much it was.

    `judged` are uses by their own file alone; `uses` adds what only the tree knows.
    """

    found: Mapping[str, Found]
    arguments: Mapping[str, Mapping[str, BuildArgument]]
    skipped: tuple[Skipped, ...]
    counts: ScanCounts

    @property
    def sightings(self) -> dict[str, tuple[Sighting, ...]]:
        """By path: what finders said, not judged."""
        return {path: one.sightings for path, one in self.found.items()}

    @property
    def judged(self) -> list[Use]:
        """All uses, each judged by its own file."""
        return [use for one in self.found.values() for use in one.uses]

    @property
    def uses(self) -> list[Use]:
        """All uses, settled: those that the tree builds itself are local."""
        return settle(self.judged)


def scan(tree: OpenTree, workers: int = 0, progress: Progress | None = None) -> ScanResult:
    """Look into every file of a tree. `workers` 0: as many as there are processors, if it is large.

    The tree knows its build arguments afterwards. `progress` is told files done, of how many.
    """
    paths = tree.listing.paths
    count = workers or (processors() if len(paths) >= SMALL_TREE else 1)
    told = _Told(len(paths), progress)
    looked = _alone(tree, told) if count == 1 else _together(tree, count, told)
    found = {one.path: one for one in sorted(looked.found, key=lambda one: one.path)}
    counts = ScanCounts(
        len(paths), tree.listing.folders, looked.read, looked.read_bytes, looked.parsed
    )
    skipped = tuple(sorted({*tree.listing.skipped, *looked.skipped}))
    return ScanResult(found, tree.arguments, skipped, counts)


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass
class _Told:
    """How far it is."""

    total: int
    progress: Progress | None
    done: int = 0

    def __call__(self, more: int) -> None:
        self.done += more
        if self.progress is not None:
            self.progress(min(self.done, self.total), self.total)


def _alone(tree: OpenTree, told: _Told) -> Looked:
    paths = tree.listing.paths
    looked = Looked()
    for start in range(0, len(paths), _IN_STEPS_OF):
        some = paths[start : start + _IN_STEPS_OF]
        looked.add(look_at_all(tree, some, last=False))
        told(len(some))
    tree.arguments = merge_arguments(looked.found)
    looked.add(look_at_all(tree, looked.deferred, last=True))
    return looked


def _together(tree: OpenTree, count: int, told: _Told) -> Looked:
    nothing: Arguments = {}
    with Workers(tree, count) as workers:
        looked = workers.look(tree.listing.paths, nothing, last=False, progress=told)
        tree.arguments = merge_arguments(looked.found)
        looked.add(workers.look(looked.deferred, tree.arguments, last=True, progress=told))
    return looked
