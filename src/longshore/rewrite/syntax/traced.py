"""Text that remembers where each part of it was written. Pure.

A name composed of variables is decided by characters in several places: the default of an ARG, a
line of another file, the literal rest. A `Traced` keeps them apart, in the order of the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from longshore.rewrite.mentions import OPEN, Part, Piece
from longshore.rewrite.source import Span


@dataclass(frozen=True)
class Run:
    """Characters, and their place; `file` is empty when they stand nowhere as they are."""

    text: str
    file: str = ""
    start: int = -1


@dataclass(frozen=True)
class Traced:
    """A text made of runs; neighbours that stand side by side are one run."""

    runs: tuple[Run, ...] = ()

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(run.text for run in self.runs)

    @property
    def is_open(self) -> bool:
        """Whether a part of it is not known."""
        return any(OPEN in run.text for run in self.runs)

    @property
    def is_placed(self) -> bool:
        """Whether every character stands somewhere as it is."""
        return all(run.file for run in self.runs)


UNKNOWN = Traced((Run(OPEN),))


def made(text: str) -> Traced:
    """A text that stands nowhere."""
    return Traced((Run(text),) if text else ())


def placed(text: str, file: str, start: int) -> Traced:
    """A text that stands at a place of a file."""
    return Traced((Run(text, file, start),) if text else ())


def joined(parts: Iterable[Traced]) -> Traced:
    """Texts one after the other."""
    found: list[Run] = []
    for run in (run for part in parts for run in part.runs):
        last = found[-1] if found else None
        if (
            last
            and last.file == run.file
            and (not run.file or last.start + len(last.text) == run.start)
        ):
            found[-1] = Run(last.text + run.text, last.file, last.start)
        else:
            found.append(run)
    return Traced(tuple(found))


def cut(value: Traced, start: int, end: int) -> Traced:
    """Characters `start` to `end` of a text."""
    found, at = [], 0
    for run in value.runs:
        first, last = max(start - at, 0), min(end - at, len(run.text))
        if first < last:
            place = run.start + first if run.file else -1
            found.append(Run(run.text[first:last], run.file, place))
        at += len(run.text)
    return Traced(tuple(found))


def pieces_of(value: Traced) -> tuple[Piece, ...]:
    """Where the characters of an image name stand, in order; what stands nowhere is left out.

    A piece that holds the whole name is the `reference`; one that begins in the tag or the digest
    is that; one that ends before the last part of the path is the `registry` (with whatever
    namespace follows it); the rest is the `repository`.
    """
    text = value.text
    body, at, _ = text.partition("@")
    slash = body.rfind("/")
    colon = body.find(":", slash + 1)
    tag = colon if colon >= 0 else len(text) + 1
    digest = len(body) if at else len(text) + 1
    return tuple(_pieces(value, slash, tag, digest))


def _pieces(value: Traced, slash: int, tag: int, digest: int) -> Iterator[Piece]:
    at, whole = 0, len(value.text)
    for run in value.runs:
        end = at + len(run.text)
        part: Part = "repository"
        if at == 0 and end == whole:
            part = "reference"
        elif at >= digest:
            part = "digest"
        elif at >= tag:
            part = "tag"
        elif end <= slash + 1:
            part = "registry"
        if run.file and run.text:
            yield Piece(run.file, Span(run.start, run.start + len(run.text)), run.text, part)
        at = end
