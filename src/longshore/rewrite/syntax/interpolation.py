"""Compose's way of filling variables into text, with the place of every character. Pure.

`$V ${V} ${V:-d} ${V-d} ${V:?e} ${V?e} ${V:+r} ${V+r}`, nested, and `$$` for a dollar. A name that
nobody sets and that has no default becomes `OPEN`. A set of `guesses` (a sample file) is asked
only for what would stay open.

>>> fill("${REGISTRY:-docker.io}/shop:${TAG}", {}).text
'docker.io/shop:\\ufffc'
>>> fill("${A:+set}${B-unset}$$", {"A": "1"}).text
'setunset$'

Spec: compose-spec, "Interpolation".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from longshore.rewrite.mentions import OPEN

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":?[-?+]")
_EXPRESSION = re.compile(r"\$\{\{([^}]{0,300})\}\}")
_NAME_AFTER = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*[/:]|[a-z0-9]{3,}")
_NOTHING: Mapping[str, str] = {}
_MAX_DEPTH = 20


@dataclass(frozen=True)
class Segment:
    """Some characters of the result, and what they are made of.

    Without `variable` they stand in the text itself, at `start` to `end` (as themselves, or as a
    default). With it they are that variable's value, and `start` to `end` is the whole expression.
    """

    text: str
    start: int
    end: int
    variable: str = ""


@dataclass(frozen=True)
class Filled:
    """A text with its variables filled in. `unset` are the names that stay open."""

    text: str
    unset: tuple[str, ...]
    segments: tuple[Segment, ...]


def fill(text: str, variables: Mapping[str, str], guesses: Mapping[str, str] = _NOTHING) -> Filled:
    """The text with its variables filled in."""
    if "$" not in text:
        return Filled(text, (), (Segment(text, 0, len(text)),) if text else ())
    segments, _ = _Reader(text, variables, guesses).read(0, 0)
    unset = [one.variable for one in segments if one.text == OPEN and one.variable]
    return Filled(
        "".join(one.text for one in segments), tuple(dict.fromkeys(unset)), tuple(segments)
    )


def without_open_prefix(filled: Filled) -> Filled:
    """A name before which an unset variable stands, with nothing between: `${REGISTRY}acme/shop`.

    Such a variable brings its own slash or is empty, as it is here where nobody sets it.
    """
    if len(filled.segments) < 2:
        return filled
    first, second = filled.segments[:2]
    if first.text != OPEN or not first.variable or not _NAME_AFTER.match(second.text):
        return filled
    empty = Segment("", first.start, first.end, first.variable)
    rest = filled.segments[1:]
    return Filled("".join(one.text for one in rest), filled.unset, (empty, *rest))


def names_in(text: str) -> Iterator[str]:
    """The names of all variables that a text asks for, at any depth, as often as it does."""
    for found in re.finditer(r"\$(?:\$|\{?([A-Za-z_][A-Za-z0-9_]*))", text):
        if found[1]:
            yield found[1]


class _Reader:
    """Reads a text from left to right, once."""

    def __init__(self, text: str, variables: Mapping[str, str], guesses: Mapping[str, str]) -> None:
        self._text = text
        self._variables = variables
        self._guesses = guesses
        self._last_brace = text.rfind("}")

    def read(self, at: int, depth: int) -> tuple[list[Segment], int]:
        """Segments up to the brace that closes this depth, or to the end."""
        text, found = self._text, list[Segment]()
        while at < len(text):
            if depth and text[at] == "}":
                return found, at
            stop = self._plain_until(at, depth)
            if stop > at:
                found.append(Segment(text[at:stop], at, stop))
                at = stop
                continue
            made, at = self._dollar(at, depth)
            found += made
        return found, at

    def _plain_until(self, at: int, depth: int) -> int:
        text, stop = self._text, at
        while stop < len(text) and text[stop] != "$" and not (depth and text[stop] == "}"):
            stop += 1
        return stop

    def _dollar(self, at: int, depth: int) -> tuple[list[Segment], int]:
        text = self._text
        if text.startswith("$$", at):
            return [Segment("$", at, at + 2)], at + 2
        if foreign := _EXPRESSION.match(text, at):
            return [Segment(OPEN, at, foreign.end(), foreign[1].strip() or "?")], foreign.end()
        braced = text.startswith("${", at)
        name = _NAME.match(text, at + (2 if braced else 1))
        if name is None:
            return [Segment("$", at, at + 1)], at + 1
        if not braced:
            return [self._value(name[0], at, name.end())], name.end()
        return self._braced(name[0], at, name.end(), depth)

    def _braced(self, name: str, at: int, rest: int, depth: int) -> tuple[list[Segment], int]:
        text = self._text
        if text.startswith("}", rest):
            return [self._value(name, at, rest + 1)], rest + 1
        if rest > self._last_brace:
            return [Segment(text[at:], at, len(text))], len(text)
        operator = _OPERATOR.match(text, rest)
        if operator is None or depth >= _MAX_DEPTH:
            end = text.find("}", rest) + 1
            return [Segment(OPEN, at, end, name)], end
        operand, close = self.read(operator.end(), depth + 1)
        if close >= len(text):
            return [Segment(text[at:], at, len(text))], len(text)
        return self._chosen(name, operator[0], operand, at, close + 1), close + 1

    def _chosen(
        self, name: str, operator: str, operand: list[Segment], start: int, end: int
    ) -> list[Segment]:
        known = self._variables.get(name)
        is_set = bool(known) if ":" in operator else known is not None
        if operator.endswith("+"):
            return operand if is_set else []
        if is_set and known is not None:
            return [Segment(known, start, end, name)]
        if operator.endswith("?"):
            return [Segment(self._guesses.get(name) or OPEN, start, end, name)]
        return operand

    def _value(self, name: str, start: int, end: int) -> Segment:
        known = self._variables.get(name)
        if known is None:
            known = self._guesses.get(name) or OPEN
        return Segment(known, start, end, name)
