"""Small trees as values, and what the finders see in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from longshore.rewrite.finders.finder import TreeOfTexts
from longshore.rewrite.finders.registry import finders_for, sightings
from longshore.rewrite.judge import judge
from longshore.rewrite.mentions import OPEN, BuildArgument, Mention
from longshore.rewrite.source import SourceFile, read_source
from longshore.rewrite.survey import judge_sightings


@dataclass(frozen=True)
class Seen:
    """One mention, as tests read it; `_` in a value is an open part."""

    line: int
    text: str
    value: str
    kind: str
    role: str
    mention: Mention


def tree_of(files: dict[str, str]) -> TreeOfTexts:
    """A tree of these texts."""
    made: dict[str, SourceFile] = {}
    for path, text in files.items():
        file = read_source(path, text.encode("utf-8", "surrogateescape"))
        if file is not None:
            made[path] = file
    return TreeOfTexts(made, {})


def look(files: dict[str, str], path: str | None = None) -> list[Seen]:
    """What is seen in the last (or named) file, in the order of the text; places are checked."""
    tree = tree_of(files)
    file = tree.files[path or list(files)[-1]]
    seen = []
    for one in sightings(file, tree, finders_for(file.path)):
        if isinstance(one, Mention):
            assert file.cut(one.span) == one.text, one
            if judge(one, file) is None:
                continue
            value = one.expanded.replace(OPEN, "_")
            line = file.place(one.span.start)[0]
            seen.append(Seen(line, one.text, value, one.kind, one.role, one))
            for piece in one.pieces:
                assert tree.files[piece.file].cut(piece.span) == piece.text, piece
    assert len(judge_sightings(file, [one.mention for one in seen])) == len(seen), "seen twice"
    return sorted(seen, key=lambda one: one.mention.span)


def values(files: dict[str, str], path: str | None = None) -> list[str]:
    """The values of what is seen."""
    return [one.value for one in look(files, path)]


def arguments(files: dict[str, str]) -> list[BuildArgument]:
    """The build arguments that the last file gives."""
    tree = tree_of(files)
    file = tree.files[list(files)[-1]]
    found: Any = sightings(file, tree, finders_for(file.path))
    return [one for one in found if isinstance(one, BuildArgument)]
