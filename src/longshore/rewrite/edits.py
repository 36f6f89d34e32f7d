"""Edits by position: characters of a file change, every other byte stays. Pure.

`apply_edits` splices; `render_patch` (in `patch`) shows the result. Whether a change is right is
not decided here, only that what is to be replaced stands there, and that edits do not overlap.

>>> from longshore.rewrite.source import Span, read_source
>>> file = read_source("Dockerfile", b"FROM node:18\\r\\n")
>>> edit = Edit("Dockerfile", Span(5, 12), "node:18", "mirror.example/node:18")
>>> apply_edits(file, [edit]).after
b'FROM mirror.example/node:18\\r\\n'
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from longshore.errors import LongshoreError, RefusedError, Where
from longshore.rewrite.source import SourceFile, Span
from longshore.text import tr


@dataclass(frozen=True, order=True)
class Edit:
    """In `file` (a path of the tree), the characters of `span`, which are `old`, become `new`."""

    file: str
    span: Span
    old: str
    new: str


@dataclass(frozen=True)
class ChangedFile:
    """A file before and after its edits. `edits` are in order; those that change nothing left."""

    path: str
    before: bytes
    after: bytes
    edits: tuple[Edit, ...] = ()
    ranges: tuple[tuple[int, int, int, int], ...] = ()

    @property
    def changed(self) -> bool:
        """Whether a byte differs."""
        return self.before != self.after


def apply_edits(file: SourceFile, edits: Iterable[Edit]) -> ChangedFile:
    """The file with its edits. The same edit twice counts once.

    Raises RefusedError when an edit is another file's, does not fit the text, overlaps another, or
    cannot be written in the file's encoding.
    """
    wanted = sorted({one for one in edits if one.old != one.new})
    for one in wanted:
        _check(file, one)
    for first, second in pairwise(wanted):
        if second.span.start < first.span.end or first.span == second.span:
            raise _refused(
                file, second, "edit-overlap", tr("two changes touch the same characters")
            )
    return _spliced(file, wanted)


def apply_all(files: Mapping[str, SourceFile], edits: Iterable[Edit]) -> list[ChangedFile]:
    """Every file that changes, by path. Raises as `apply_edits`; KeyError for an absent file."""
    by_file: dict[str, list[Edit]] = {}
    for one in edits:
        by_file.setdefault(one.file, []).append(one)
    made = [apply_edits(files[path], some) for path, some in sorted(by_file.items())]
    return [one for one in made if one.changed]


def _check(file: SourceFile, edit: Edit) -> None:
    span = edit.span
    fits = edit.file == file.path and 0 <= span.start <= span.end <= len(file.text)
    if not fits or file.cut(span) != edit.old:
        raise _refused(
            file, edit, "edit-mismatch", tr("what is to be changed does not stand there")
        )


def _spliced(file: SourceFile, wanted: list[Edit]) -> ChangedFile:
    """Bytes put together piece by piece: what lies between edits is copied, never encoded anew."""
    parts: list[bytes] = []
    ranges: list[tuple[int, int, int, int]] = []
    at = before = after = 0
    for edit in wanted:
        between = len(file.encode(file.text[at : edit.span.start]))
        old = len(file.encode(edit.old))
        try:
            new = file.encode(edit.new)
        except UnicodeEncodeError:
            why = tr("the new text cannot be written in the file's encoding")
            raise _refused(file, edit, "edit-mismatch", why) from None
        parts += [file.data[before : before + between], new]
        before += between
        after += between
        ranges.append((before, before + old, after, after + len(new)))
        before, after, at = before + old, after + len(new), edit.span.end
    parts.append(file.data[before:])
    return ChangedFile(file.path, file.data, b"".join(parts), tuple(wanted), tuple(ranges))


def _refused(file: SourceFile, edit: Edit, code: str, why: str) -> LongshoreError:
    line, column = file.place(max(0, min(edit.span.start, len(file.text))))
    return RefusedError(
        tr("{file} is not changed: {why}", file=file.path, why=why),
        tr("look at the tree again with `longshore assess`, then run the same command"),
        code=code,
        where=Where(file.path, line, column),
    )
