"""What compose puts in place of variables: the project's `.env`, then sample files. Pure.

The shell's own variables are unknown here. A value of `.env` wins over a default in the compose
file, as compose has it; a sample (`.env.example`) or a `.env` further up only fills what would
stay open.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.mentions import Part, Piece
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.env_file import Assignment, assignments, environment
from longshore.rewrite.syntax.interpolation import Filled, fill

SAMPLES = (
    *(".env.example", ".env.sample", ".env.dist", ".env.template", ".env.default", ".env.defaults"),
    *("env.example", "example.env", "sample.env", "env.sample", ".env.prod", ".env.production"),
    *(".env.local", ".env.dev", ".env.development", "default.env", ".env-example", ".env_example"),
    *("env.template", "env", ".example.env"),
)


@dataclass(frozen=True)
class Variables:
    """Names with their values, and where those are written."""

    known: Mapping[str, str]
    guesses: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, tuple[str, Assignment]] = field(default_factory=dict)

    def fill(self, text: str) -> Filled:
        """A text with its variables filled in."""
        return fill(text, self.known, self.guesses)

    def pieces(self, filled: Filled, file: SourceFile, start: int) -> tuple[Piece, ...]:
        """Where an edit of a filled text belongs, if not in the text itself.

        `start` is the text's place in its file. Only what begins a reference matters: its
        registry, its name, or the whole.
        """
        if not filled.segments:
            return ()
        first = filled.segments[0]
        rest = "".join(one.text for one in filled.segments[1:])
        part: Part = "reference"
        if rest and not rest.startswith((":", "@")):
            part = "registry" if rest.startswith("/") else "repository"
        elif rest:
            part = "repository"
        if first.variable:
            place = self.places.get(first.variable)
            if place is None:
                return ()
            return (Piece(place[0], place[1].span, place[1].written, part),)
        if first.start == 0:
            return ()
        span = Span(start + first.start, start + first.end)
        return (Piece(file.path, span, file.cut(span), part),)


def variables_for(file: SourceFile, tree: Tree) -> Variables:
    """The variables of the compose project that a file belongs to."""
    return file.once("compose-variables", lambda one: _variables(one, tree))


def _variables(file: SourceFile, tree: Tree) -> Variables:
    known: dict[str, str] = {}
    guesses: dict[str, str] = {}
    places: dict[str, tuple[str, Assignment]] = {}
    for one in _env_files(file.folder, tree):
        into = known if one.path == posixpath.join(file.folder, ".env") else guesses
        found = environment(one)
        new = found.keys() - known.keys() - guesses.keys()
        into.update({name: found[name] for name in new})
        places.update(
            {each.name: (one.path, each) for each in assignments(one) if each.name in new}
        )
    return Variables(known, guesses, places)


def _env_files(folder: str, tree: Tree) -> Iterator[SourceFile]:
    """The project's `.env`, then samples beside it, then the same further up."""
    while True:
        for name in (".env", *SAMPLES):
            path = posixpath.join(folder, name)
            if path in tree.paths:
                file = tree.file(path)
                if file is not None:
                    yield file
        if not folder:
            return
        folder = posixpath.dirname(folder)
