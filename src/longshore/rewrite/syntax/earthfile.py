"""Earthfiles as recipes: the base recipe, targets and functions, with their commands. Pure.

The same logical lines as a Dockerfile's, without heredocs. A recipe begins with `name:` at the left
edge; what stands before the first one is the base recipe. A word that begins with `#` ends the
line.

>>> [recipe.name for recipe in parse_earthfile("VERSION 0.8\\nFROM a\\nb:\\n  FROM +base\\n")]
['base', 'b']

Rules: docs.earthly.dev/docs/earthfile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from longshore.rewrite.syntax.dockerfile import Instruction, Word, instruction_of
from longshore.rewrite.syntax.dockerfile_words import quoted_words
from longshore.rewrite.syntax.logical_lines import LineReader

_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9._-]*):[ \t]*(?:#.*)?\Z")
_ESCAPE = "\\"


@dataclass(frozen=True)
class Recipe:
    """One target, function, or the base recipe (named `base`)."""

    name: str
    commands: tuple[Instruction, ...]

    @property
    def is_function(self) -> bool:
        """Functions are written in capitals; their ARGs come from the caller."""
        return self.name.isupper()


def parse_earthfile(text: str) -> tuple[Recipe, ...]:
    """The recipes of a text; all places are offsets into it."""
    names, groups = ["base"], [[]]  # type: tuple[list[str], list[list[Instruction]]]
    for line in LineReader(text, _ESCAPE):
        header = _HEADER.match(line.text) if not line.indent else None
        if header is None:
            groups[-1].append(instruction_of(line, 0, _ESCAPE))
        else:
            names.append(header[1])
            groups.append([])
    return tuple(Recipe(name, tuple(group)) for name, group in zip(names, groups, strict=True))


def words_of(command: Instruction) -> list[Word]:
    """The arguments, blanks inside quotes kept, up to a comment; `( … )` is one word."""
    text, at = command.arguments.text, command.arguments.at
    found: list[Word] = []
    depth, begin = 0, 0
    for start, end in quoted_words(text, _ESCAPE):
        word = text[start:end]
        if not depth:
            if word.startswith("#"):
                break
            begin = start
        depth = max(0, depth + word.count("(") - word.count(")"))
        if not depth:
            found.append(Word(text[begin:end], at + begin))
    if depth:
        found.append(Word(text[begin:], at + begin))
    return found
