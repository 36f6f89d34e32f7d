"""Texts inside HCL: heredocs of JSON, YAML, shell or HCL, with the way back to the file. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from longshore.rewrite.finders.embedded_data import (
    Spot,
    escaped_spots,
    json_spots,
    line_spots,
    yaml_spots,
)
from longshore.rewrite.finders.hcl_values import Lookup, values
from longshore.rewrite.finders.readings import Value, mention
from longshore.rewrite.finders.shell_commands import Script, mentions_in
from longshore.rewrite.mentions import OPEN, Mention, Part, Piece, Pulled
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.hcl import Expression, Template, Text

_SHELL = re.compile(r"\b(?:docker|podman|nerdctl|ctr|crictl|skopeo|crane)\b")
_YAML_IMAGE = re.compile(r"^[ \t]*(?:-[ \t]+)?[\"']?image[\"']?[ \t]*:", re.MULTILINE)


@dataclass(frozen=True)
class Inner:
    """A template's text, its expressions covered, and what each of them stands for."""

    file: SourceFile
    template: Template
    lookup: Lookup

    @cached_property
    def text(self) -> str:
        """The text of the same length, with OPEN for the characters of expressions."""
        parts, at = [], self.template.span.start
        for span, _ in self._gaps:
            parts += [self.file.text[at : span.start], OPEN * (span.end - span.start)]
            at = span.end
        parts.append(self.file.text[at : self.template.span.end])
        return "".join(parts)

    @cached_property
    def _gaps(self) -> list[tuple[Span, tuple[Expression, ...]]]:
        found: list[tuple[Span, tuple[Expression, ...]]] = []
        waiting: list[Expression] = []
        at = self.template.span.start
        for part in self.template.parts:
            if isinstance(part, Text):
                if waiting:
                    found.append((Span(at, part.span.start), tuple(waiting)))
                at, waiting = part.span.end, []
            else:
                waiting.append(part)
        if waiting:
            found.append((Span(at, self.template.span.end), tuple(waiting)))
        return found

    def place(self, start: int, end: int) -> Span | None:
        """The file's span for characters of the text."""
        return Span(start, end).moved(self.template.span.start)

    def value(self, span: Span) -> Value:
        """What characters of the file mean, with the expressions in them filled in."""
        made, at = Value(""), span.start
        for gap, expressions in self._gaps:
            if gap.end <= span.start or gap.start >= span.end:
                continue
            one = Value(OPEN)
            if len(expressions) == 1 and gap.start >= span.start and gap.end <= span.end:
                options = values(expressions[0], self.file.path, self.lookup)
                one = options[0] if len(options) == 1 else Value(OPEN, missing=("expression",))
            before = self.file.text[at : gap.start]
            first = not made.text and not before
            made = Value(
                made.text + before + one.text,
                _kept(one, self.file.text[gap.end : span.end]) if first else made.pieces,
                made.missing + one.missing,
                made.used + one.used,
            )
            at = max(at, gap.end)
        return replace(made, text=made.text + self.file.text[at : span.end])


def inner_mentions(
    inner: Inner, kind: str, pulled: Pulled, data: bool, job: str = ""
) -> Iterator[Mention]:
    """The images that a text names: as data when `data` (or when it is YAML), as shell always."""
    text = inner.text
    begin = text.lstrip()[:1]
    spots: Iterator[Spot] = iter(())
    if data and begin in ("[", "{"):
        spots = json_spots(text)
    elif '\\"image\\"' in text:
        spots = escaped_spots(text)
    elif "\n" in text and _YAML_IMAGE.search(text):
        spots = yaml_spots(text) if data else line_spots(text)
    for spot in spots:
        yield from _at_spot(inner, spot, kind, pulled, job)
    if _SHELL.search(text) and begin not in ("[", "{"):
        yield from _shell(inner, kind, pulled, job)


def _at_spot(inner: Inner, spot: Spot, kind: str, pulled: Pulled, job: str) -> Iterator[Mention]:
    base = inner.template.span.start
    span = spot.image.moved(base)
    value = inner.value(span)
    pieces: list[Piece] = []
    text = value.text
    for part, one in (("registry", spot.registry), ("tag", spot.tag)):
        if one is None:
            continue
        other = inner.value(one.moved(base)).text
        pieces.append(Piece(inner.file.path, one.moved(base), inner.file.cut(one.moved(base))))
        if part == "registry":
            text = f"{other}/{text}"
            pieces[-1] = replace(pieces[-1], part="registry")
        else:
            text += f"@{other}" if other.startswith("sha256:") else f":{other}"
            pieces[-1] = replace(pieces[-1], part="tag")
    if pieces:
        here = Piece(inner.file.path, span, inner.file.cut(span), "repository")
        value = replace(value, text=text, pieces=(here, *pieces))
    yield mention(inner.file, kind, span, value, pulled=pulled, job=job)


def _shell(inner: Inner, kind: str, pulled: Pulled, job: str) -> Iterator[Mention]:
    for one in mentions_in(Script(inner.text, inner.place, kind, pulled, job)):
        if inner.file.cut(one.span) == one.text:
            yield one
        elif one.role != "login" and OPEN in one.text:
            value = inner.value(one.span)
            text = inner.file.cut(one.span)
            yield replace(one, text=text, value=value.text, needs=", ".join(value.missing))


def _kept(value: Value, rest: str) -> tuple[Piece, ...]:
    part: Part = "registry" if rest.startswith("/") else "repository" if rest else "reference"
    return tuple(replace(one, part=part) for one in value.pieces[:1])
