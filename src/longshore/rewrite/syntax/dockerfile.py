"""Dockerfiles as instructions and stages, with the place of every word. Pure.

A scanner of logical lines, after BuildKit's own parser: directives at the very top, continued
lines with comments inside, flags, heredocs (also behind ONBUILD), stages. Nothing is expanded here
(`dockerfile_variables` does) and nothing is refused: a line that is no instruction is kept as one
whose keyword nobody knows.

>>> made = parse_text("ARG V=18\\nFROM node:$V AS build\\nRUN <<EOF\\nFROM x\\nEOF\\n")
>>> [(stage.name, stage.base.text) for stage in made.stages]
[('build', 'node:$V')]

Rules: BuildKit's frontend/dockerfile/parser and frontend/dockerfile/instructions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.dockerfile_directives import Directive, parse_directives
from longshore.rewrite.syntax.dockerfile_words import heredoc_words, quoted_words, read_flags
from longshore.rewrite.syntax.logical_lines import Heredoc, Line, LineReader

_KEYWORD = re.compile(r"[^\t\v\f\r ]+")
_WORD = re.compile(r"[^\t\v\f\r ]+")
_HEREDOC_KEYWORDS = frozenset({"RUN", "COPY", "ADD"})


@dataclass(frozen=True)
class Word:
    """Characters of a logical line, as written; `at` is their offset in its text."""

    text: str
    at: int

    @property
    def end(self) -> int:
        """The offset after its last character."""
        return self.at + len(self.text)


@dataclass(frozen=True)
class Flag:
    """`--name=value`; value is None when there is no equals sign."""

    name: str
    value: Word | None


@dataclass(frozen=True)
class Assignment:
    """`name=value` of ARG, ENV or LABEL; value is None when only the name is given."""

    name: Word
    value: Word | None


@dataclass(frozen=True)
class Instruction:
    """One instruction. `arguments` follow keyword and flags; `span` includes its heredocs."""

    keyword: str
    line: Line = field(repr=False)
    flags: tuple[Flag, ...]
    arguments: Word
    span: Span
    heredocs: tuple[Heredoc, ...] = ()
    trigger: Instruction | None = None
    escape: str = "\\"

    @property
    def words(self) -> tuple[Word, ...]:
        """The arguments, divided at blanks as FROM, COPY and ADD do."""
        text, at = self.arguments.text, self.arguments.at
        return tuple(Word(found[0], at + found.start()) for found in _WORD.finditer(text))

    @property
    def json(self) -> tuple[str, ...] | None:
        """The arguments when they are a JSON array of strings."""
        return _json_words(self.arguments.text)

    @property
    def assignments(self) -> tuple[Assignment, ...]:
        """What ARG, ENV or LABEL sets."""
        return tuple(_assignments(self))

    def flag(self, name: str) -> Word | None:
        """The value of the first flag of that name."""
        return next((one.value for one in self.flags if one.name == name), None)

    def locate(self, word: Word) -> Span | None:
        """Where a word stands; None when a line end lies inside it."""
        return self.line.locate(word.at, word.end)


@dataclass(frozen=True)
class Stage:
    """What one FROM begins. `name` is lower case, empty when it has none."""

    index: int
    name: str
    base: Word | None
    start: Instruction
    instructions: tuple[Instruction, ...]

    @property
    def label(self) -> str:
        """Its name, or its number."""
        return self.name or str(self.index)


@dataclass(frozen=True)
class Dockerfile:
    """A whole Dockerfile. `heads` are the instructions before the first FROM."""

    directives: tuple[Directive, ...]
    instructions: tuple[Instruction, ...]
    heads: tuple[Instruction, ...]
    stages: tuple[Stage, ...]

    def stage(self, name: str) -> Stage | None:
        """The stage of that name or number, in any case; the last one of a name that is double."""
        if name.isascii() and name.isdigit():
            number = int(name[:9])
            return self.stages[number] if number < len(self.stages) else None
        wanted = name.lower()
        return next((one for one in reversed(self.stages) if one.name == wanted), None)


def parse_dockerfile(file: SourceFile) -> Dockerfile:
    """The Dockerfile that a file holds, parsed once."""
    return file.once("dockerfile", lambda one: parse_text(one.text))


def parse_text(text: str) -> Dockerfile:
    """The Dockerfile that a text holds; all places are offsets into it."""
    directives, escape = parse_directives(text)
    reader = LineReader(text, escape)
    instructions = tuple(_instructions(reader))
    heads: list[Instruction] = []
    groups: list[list[Instruction]] = []
    for one in instructions:
        if one.keyword == "FROM":
            groups.append([one])
        else:
            (groups[-1] if groups else heads).append(one)
    stages = tuple(_stage(number, group) for number, group in enumerate(groups))
    return Dockerfile(directives, instructions, tuple(heads), stages)


def _stage(index: int, group: list[Instruction]) -> Stage:
    words = group[0].words
    named = len(words) >= 3 and words[1].text.upper() == "AS"
    name = words[2].text.lower() if named else ""
    return Stage(index, name, words[0] if words else None, group[0], tuple(group[1:]))


def _instructions(reader: LineReader) -> Iterator[Instruction]:
    for line in reader:
        plain = instruction_of(line, 0, reader.escape)
        inner = plain.trigger or plain
        if inner.keyword not in _HEREDOC_KEYWORDS or "<<" not in line.text or inner.json:
            yield plain
            continue
        found = []
        for word in heredoc_words(line.text):
            taken = reader.heredoc(word.name, word.chomp, word.expand)
            if taken is not None:
                found.append(taken)
        span = Span(plain.span.start, max(plain.span.end, reader.taken))
        yield _with_heredocs(plain, tuple(found), span)


def _with_heredocs(one: Instruction, heredocs: tuple[Heredoc, ...], span: Span) -> Instruction:
    inner = one.trigger
    if inner is not None:
        inner = _with_heredocs(inner, heredocs, Span(inner.span.start, span.end))
    return Instruction(
        one.keyword, one.line, one.flags, one.arguments, span, heredocs, inner, one.escape
    )


def instruction_of(line: Line, at: int, escape: str) -> Instruction:
    """The instruction that begins at an offset of a logical line."""
    found = _KEYWORD.search(line.text, at)
    start, after = found.span() if found else (at, at)
    keyword = line.text[start:after].upper()
    flags, rest = read_flags(line.text, after, escape)
    text = line.text[rest:]
    arguments = Word(text.rstrip(), rest)
    trigger = None
    if keyword == "ONBUILD" and at == 0 and arguments.text:
        trigger = instruction_of(line, rest, escape)
    return Instruction(
        keyword,
        line,
        tuple(Flag(one.name, _word(line, one.value)) for one in flags),
        arguments,
        Span(line.place(start), line.end),
        (),
        trigger,
        escape,
    )


def _word(line: Line, span: Span | None) -> Word | None:
    return None if span is None else Word(line.text[span.start : span.end], span.start)


def _json_words(text: str) -> tuple[str, ...] | None:
    if not text.startswith("["):
        return None
    try:
        made = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(made, list) and all(isinstance(one, str) for one in made):
        return tuple(made)
    return None


def _assignments(one: Instruction) -> Iterator[Assignment]:
    spans = quoted_words(one.arguments.text, one.escape)
    words = [Word(one.arguments.text[a:b], one.arguments.at + a) for a, b in spans]
    if not words:
        return
    if one.keyword != "ARG" and "=" not in words[0].text:
        first = one.words[0]
        rest = one.line.text[first.end : one.arguments.end]
        value = rest.lstrip()
        yield Assignment(first, Word(value, one.arguments.end - len(value)) if value else None)
        return
    for word in words:
        name, equals, value = word.text.partition("=")
        made = Word(value, word.at + len(name) + 1) if equals else None
        yield Assignment(Word(name, word.at), made)
