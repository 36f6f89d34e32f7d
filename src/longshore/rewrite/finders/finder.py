"""What a finder is, and what it may look at. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from longshore.rewrite.mentions import BuildArgument, Sighting
from longshore.rewrite.source import SourceFile


class Tree(Protocol):
    """The files of a tree, as a finder may read them: by path relative to the tree, slashes."""

    @property
    def paths(self) -> frozenset[str]:
        """Every file that is not ignored."""

    def file(self, path: str) -> SourceFile | None:
        """That file; None when it is absent, outside, binary, too large or unreadable."""

    def build_arguments(self, dockerfile: str) -> Mapping[str, BuildArgument]:
        """What other files give this Dockerfile's ARGs, by name (empty for other finders)."""


@dataclass(frozen=True)
class Finder:
    """One kind of file. `late` finders run after the others: they are told build arguments."""

    name: str
    takes: Callable[[str], bool]
    find: Callable[[SourceFile, Tree], Iterable[Sighting] | None]
    marks: tuple[bytes, ...] = ()
    late: bool = False

    def may_find(self, data: bytes) -> bool:
        """Whether a file of these bytes is worth parsing; UTF-16 is, for no mark shows there."""
        for mark in self.marks:
            if mark in data:
                return True
        return not self.marks or data[:2] in (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class TreeOfTexts:
    """A tree that is given as values: for tests, and for texts that are not files yet."""

    files: Mapping[str, SourceFile]
    arguments: Mapping[str, Mapping[str, BuildArgument]]

    @property
    def paths(self) -> frozenset[str]:
        return frozenset(self.files)

    def file(self, path: str) -> SourceFile | None:
        return self.files.get(path)

    def build_arguments(self, dockerfile: str) -> Mapping[str, BuildArgument]:
        return self.arguments.get(dockerfile, {})
