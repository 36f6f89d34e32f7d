"""The images that a parsed Dockerfile names: FROM, COPY --from, RUN --mount from, syntax. Pure.

Stages are no images: a name or number of the file's own stages, also when a variable chooses among
them (`FROM base-${TARGETOS}`). Neither are named contexts that the tree gives at build time, nor
`scratch`. A context that stands in for a whole reference (`alpine:3`) hides it in one build only.

A stage that the last one does not need is not pulled by BuildKit: its mentions say so.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace

from longshore.rewrite.finders.dockerfile_run import images_run
from longshore.rewrite.finders.dockerfile_scope import (
    PLATFORM_ARGUMENTS,
    Home,
    Variables,
    global_variables,
    stage_variables,
)
from longshore.rewrite.mentions import OPEN, Mention
from longshore.rewrite.source import Span
from longshore.rewrite.syntax.dockerfile import Dockerfile, Instruction, Stage, Word
from longshore.rewrite.syntax.traced import Traced, made, pieces_of
from longshore.text import tr

MARKERS = re.compile(r"\{\{|\}\}|\{%|<%|%>|%%\w+%%|\[\[|\$\{\{|#\{|@\w+@|<\w")
_IMAGE_WORDS = ("IMAGE", "BASE", "FROM", "REGISTRY", "REPO", "IMG")
_REGISTRY_WORDS = ("REGISTRY", "PREFIX", "REPO", "MIRROR", "PROXY", "HUB", "HOST", "ORG")
_NAMED = re.compile(r"[A-Za-z][A-Za-z0-9._-]*\Z")
_ODD_VARIABLE = re.compile(r"\$\{[^{}$]*\}")
_VARIABLE = re.compile(r"\$(?:\{[^{}]*\}|\w+)")


@dataclass(frozen=True)
class Place:
    """One image position: the word, its instruction, the stage that it belongs to."""

    kind: str
    one: Instruction
    word: Word
    stage: Stage


def images_in(dockerfile: Dockerfile, home: Home) -> list[Mention]:
    """Every image that a Dockerfile names, in the order of the text."""
    found = list(_syntax(dockerfile, home))
    reader = _Reader(dockerfile, home)
    needed = reader.needed()
    for stage in dockerfile.stages:
        for place in places_of(stage):
            mention = reader.mention(place)
            if mention is None:
                continue
            if stage.index not in needed:
                remark = tr("only when stage {name} is asked for", name=stage.label)
                mention = replace(mention, condition=remark)
            found.append(mention)
    return found + images_run(dockerfile, home, reader.variables)


def needed_stages(dockerfile: Dockerfile) -> set[int]:
    """The numbers of the stages that the last one is made of, itself included."""
    return _Reader(dockerfile, Home("", Span)).needed()


def places_of(stage: Stage) -> Iterator[Place]:
    """Where a stage names images or other stages."""
    if stage.base is not None and _is_from(stage.start):
        yield Place("dockerfile-from", stage.start, stage.base, stage)
    for instruction in stage.instructions:
        one = instruction.trigger or instruction
        if one.keyword == "COPY":
            word = one.flag("from")
            if word is not None and (not instruction.trigger or is_full(word.text)):
                yield Place("dockerfile-copy-from", one, word, stage)
        elif one.keyword == "RUN":
            for flag in one.flags:
                if flag.name == "mount" and flag.value is not None:
                    word = _mount_from(flag.value)
                    if word is not None:
                        yield Place("dockerfile-mount-from", one, word, stage)


def _syntax(dockerfile: Dockerfile, home: Home) -> Iterator[Mention]:
    for one in dockerfile.directives:
        span = home.locate(one.span.start, one.span.end) if one.name == "syntax" else None
        if span is not None and not MARKERS.search(one.value):
            yield Mention("dockerfile-syntax", "pull", span, one.value, pulled="build")


def _is_from(one: Instruction) -> bool:
    words = one.words
    return len(words) == 1 or words[1].text.upper() == "AS" or words[1].text.startswith("#")


def is_full(text: str) -> bool:
    """Whether a name is surely an image's: a bare one may be a stage that is written elsewhere."""
    return any(mark in text for mark in "/:@")


def _mount_from(options: Word) -> Word | None:
    """The value of `from` in `type=bind,from=image,…`."""
    at = options.at
    for part in options.text.split(","):
        bare = part.lstrip("\"' ")
        key, equals, value = bare.partition("=")
        if equals and key.strip().lower() == "from":
            start = at + len(part) - len(value)
            return _unquoted(Word(value.rstrip("\"'"), start))
        at += len(part) + 1
    return None


def _unquoted(word: Word) -> Word:
    text = word.text
    if len(text) >= 2 and text[0] in "\"'" and text[-1] == text[0]:
        return Word(text[1:-1], word.at + 1)
    return word


class _Reader:
    """A Dockerfile with its variables: tells images from stages."""

    def __init__(self, dockerfile: Dockerfile, home: Home) -> None:
        self._file = dockerfile
        self._home = home
        self._globals = global_variables(dockerfile, home)
        self._by_stage: dict[int, Variables] = {}
        self._names = [(stage.name, stage.index) for stage in dockerfile.stages if stage.name]
        self._by_name: dict[str, list[int]] = {}
        for name, index in self._names:
            self._by_name.setdefault(name, []).append(index)

    def mention(self, place: Place) -> Mention | None:
        """The image that a place names; None when it names none."""
        word = _unquoted(place.word)
        if not word.text or MARKERS.search(word.text) or self._stages(place):
            return None
        value, missing = self._value(place, word)
        if not value.text or value.text.lower() == "scratch" or self._home.has_context(value.text):
            return None
        there = self._there(place.one, word)
        if there is None:
            return None
        span, text = there
        composed = "$" in word.text or value.text != text
        return Mention(
            place.kind,
            "pull",
            span,
            text,
            value.text if composed else None,
            "build",
            place.stage.label,
            pieces=pieces_of(value) if composed else (),
            needs=_needs(missing),
        )

    def needed(self) -> set[int]:
        """The stages that the last one is made of, itself included."""
        if not self._file.stages:
            return set()
        wanted = [self._file.stages[-1].index]
        found: set[int] = set()
        while wanted:
            index = wanted.pop()
            if index in found:
                continue
            found.add(index)
            for place in places_of(self._file.stages[index]):
                wanted += self._stages(place)
        return found

    def _value(self, place: Place, word: Word) -> tuple[Traced, list[str]]:
        traced = self._home.trace(place.one, word)
        is_from = place.kind == "dockerfile-from"
        variables = self._globals if is_from else self.variables(place.stage)
        found = variables.fill(traced, place.one.escape)
        if found:
            return found.value, found.missing
        return made(_ODD_VARIABLE.sub(OPEN, word.text)), []

    def variables(self, stage: Stage) -> Variables:
        """What the ARGs hold inside a stage."""
        if stage.index not in self._by_stage:
            self._by_stage[stage.index] = stage_variables(stage, self._globals)
        return self._by_stage[stage.index]

    def _stages(self, place: Place) -> list[int]:
        """The stages that a place may mean; none when it names an image."""
        word = _unquoted(place.word)
        is_from = place.kind == "dockerfile-from"
        if not is_from and word.text.isascii() and word.text.isdigit():
            return [int(word.text[:6])] if int(word.text[:6]) < len(self._file.stages) else [-1]
        below = place.stage.index if is_from else len(self._file.stages)
        if "$" not in word.text:
            return self._named(word.text.lower(), below)
        return self._chosen(place, word, below)

    def _named(self, name: str, below: int) -> list[int]:
        """The last stage of that name before stage `below`."""
        indices = self._by_name.get(name, [])
        at = bisect_left(indices, below)
        return indices[at - 1 : at] if at else []

    def _chosen(self, place: Place, word: Word, below: int) -> list[int]:
        value, _ = self._value(place, word)
        text = value.text.lower()
        exact = self._named(text, below)
        if exact:
            return exact
        names = self._names[: bisect_left(self._names, below, key=lambda one: one[1])]
        asked = word.text.upper()
        if text == OPEN:
            is_image = any(one in asked for one in _IMAGE_WORDS)
            return [] if is_image else [index for _, index in names]
        if "/" in text or ":" in text or "@" in text:
            return []
        if asked.startswith("$") and any(one in asked for one in _REGISTRY_WORDS):
            return []
        open_name = _matching(text.split(OPEN), names) if OPEN in text else []
        return open_name or _matching(_VARIABLE.split(word.text.lower()), names)

    def _there(self, one: Instruction, word: Word) -> tuple[Span, str] | None:
        runs = [run for run in self._home.trace(one, word).runs if run.file]
        if not runs:
            return None
        return Span(runs[0].start, runs[0].start + len(runs[0].text)), runs[0].text


def _matching(literals: list[str], names: list[tuple[str, int]]) -> list[int]:
    """Stages whose name fits what is literal, with anything between."""
    if len("".join(literals).strip("-_.")) < 1 or not all(
        not one or _NAMED.match("a" + one) for one in literals
    ):
        return []
    fits = re.compile(".*".join(re.escape(one) for one in literals[:6]), re.DOTALL)
    return [index for name, index in names if fits.fullmatch(name[:200])]


def _needs(missing: list[str]) -> str:
    if not missing:
        return ""
    if PLATFORM_ARGUMENTS.issuperset(missing):
        return tr("the platform of the build ({names})", names=", ".join(missing))
    return tr("build argument {names}", names=", ".join(missing))
