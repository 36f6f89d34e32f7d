"""What the finders say of small trees, as lines that are easy to compare."""

from __future__ import annotations

from longshore.rewrite.finders.finder import TreeOfTexts
from longshore.rewrite.finders.registry import finders_for, sightings
from longshore.rewrite.judge import judge
from longshore.rewrite.mentions import OPEN, BuildArgument, Mention
from longshore.rewrite.source import SourceFile, read_source


def tree_of(files: dict[str, str]) -> TreeOfTexts:
    """A tree of texts."""
    made = {path: read_source(path, text.encode()) for path, text in files.items()}
    return TreeOfTexts({path: one for path, one in made.items() if one is not None}, {})


def mentions(path: str, text: str, others: dict[str, str] | None = None) -> list[Mention]:
    """The mentions of one file of a tree; every position is checked."""
    tree = tree_of({**(others or {}), path: text})
    file = tree.files[path]
    found = [one for one in sightings(file, tree, finders_for(path)) if isinstance(one, Mention)]
    for one in found:
        assert file.cut(one.span) == one.text, one
    return found


def arguments(path: str, text: str) -> list[str]:
    """The build arguments of one file: `Dockerfile NAME=value`."""
    tree = tree_of({path: text})
    said = sightings(tree.files[path], tree, finders_for(path))
    return [
        f"{one.dockerfile} {one.name}={one.value}" for one in said if isinstance(one, BuildArgument)
    ]


def found(path: str, text: str, others: dict[str, str] | None = None) -> list[str]:
    """`line role text` of each judged mention, and ` = value` where it differs."""
    file = read_source(path, text.encode())
    assert file is not None
    return [_line(file, one) for one in mentions(path, text, others) if judge(one, file)]


def _line(file: SourceFile, one: Mention) -> str:
    line = f"{file.place(one.span.start)[0]} {one.role} {one.text}"
    if one.expanded != one.text:
        line += f" = {one.expanded}".replace(OPEN, "?")
    return line
