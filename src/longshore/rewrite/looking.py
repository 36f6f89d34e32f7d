"""One file of a tree looked into: which finders take it, what they say, how it is judged. I/O.

A file is read only if a finder may take it, and parsed only if it holds one of that finder's
marks. Whatever a finder raises is a mistake of ours: the file is named, the scan goes on.
"""

from __future__ import annotations

import gc
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.registry import finders_for, sightings
from longshore.rewrite.mentions import OPEN, BuildArgument, Sighting
from longshore.rewrite.skipped import Skipped
from longshore.rewrite.source import SourceFile, read_source
from longshore.rewrite.survey import judge_sightings
from longshore.rewrite.tree import OpenTree
from longshore.rewrite.uses import Use

Arguments = Mapping[str, Mapping[str, BuildArgument]]


@dataclass(frozen=True)
class Found:
    """What stands in one file. `uses` are its mentions, each judged by the file alone."""

    path: str
    sightings: tuple[Sighting, ...]
    uses: tuple[Use, ...]


@dataclass
class Looked:
    """What some files gave. `deferred` wait for build arguments from all other files."""

    found: list[Found] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    deferred: list[str] = field(default_factory=list)
    read: int = 0
    read_bytes: int = 0
    parsed: int = 0

    def add(self, other: Looked) -> None:
        """Take over what other files gave."""
        self.found += other.found
        self.skipped += other.skipped
        self.deferred += other.deferred
        self.read += other.read
        self.read_bytes += other.read_bytes
        self.parsed += other.parsed


def look_at_all(tree: OpenTree, paths: Iterable[str], *, last: bool) -> Looked:
    """Look into files one after the other. `last`: build arguments are known, nothing waits."""
    looked = Looked()
    with _seldom_collecting():
        for path in paths:
            _look_at(tree, path, looked, last=last)
    return looked


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Nodes are many, and freed by counting; looking for cycles all the time takes a third."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def find_uses(file: SourceFile, tree: Tree) -> list[Use]:
    """The judged uses of one text, whether or not it is what the tree holds."""
    return judge_sightings(file, sightings(file, tree, finders_for(file.path)))


def _look_at(tree: OpenTree, path: str, looked: Looked, *, last: bool) -> None:
    try:
        finders = finders_for(path)
        if not finders:
            return
        if not last and any(finder.late for finder in finders):
            looked.deferred.append(path)
            return
        data = tree.read(path)
        if isinstance(data, Skipped):
            looked.skipped.append(data)
            return
        looked.read += 1
        looked.read_bytes += len(data)
        finders = [finder for finder in finders if finder.may_find(data)]
        file = read_source(path, data) if finders else None
        if file is None:
            looked.skipped += [Skipped(path, "binary")] if finders else []
            return
        looked.parsed += 1
        said = tuple(sightings(file, tree, finders))
        if said:
            looked.found.append(Found(path, said, tuple(judge_sightings(file, said))))
    except Exception:  # noqa: BLE001 - a finder's mistake must not cost the other files
        looked.skipped.append(Skipped(path, "bug", _last_lines(traceback.format_exc())))


def _last_lines(text: str) -> str:
    return "\n".join(text.rstrip().splitlines()[-7:])


def merge_arguments(found: Iterable[Found]) -> dict[str, dict[str, BuildArgument]]:
    """What files give Dockerfiles, by path of the file; a value that is known whole wins."""
    merged: dict[str, dict[str, BuildArgument]] = {}
    for one in _arguments(found):
        known = merged.setdefault(one.dockerfile, {})
        if one.name not in known or (OPEN in known[one.name].value and OPEN not in one.value):
            known[one.name] = one
    return merged


def _arguments(found: Iterable[Found]) -> Iterator[BuildArgument]:
    for one in sorted(found, key=lambda one: one.path):
        for sighting in one.sightings:
            if isinstance(sighting, BuildArgument):
                yield sighting
