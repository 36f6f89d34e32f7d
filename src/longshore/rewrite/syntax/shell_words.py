"""A shell word in its parts: text, variables, and what only a run could tell. Pure.

Quotes and escapes are taken off, every part keeps its place. A word is read by itself, so that
the same rules serve shell texts, Makefile recipes and nested scripts.

>>> read_word('"$REG"/app:${TAG:-1}', 0, 20)[0].name
'REG'

Spec: POSIX.1 Shell Command Language, 2.2 (quoting) and 2.6 (expansions); Bash manual 3.5.3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from longshore.rewrite.syntax.templates import COVER

_NAME = re.compile(rf"{COVER}*([A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-])")
_EXPANSION = re.compile(rf"{COVER}*([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])(\[[^\]\n]{{0,80}}\])?")
_OPERATOR = re.compile(r":?[-=+?]|%%?|##?|//?|\^\^?|,,?|:|@")
_PLAIN = re.compile(rf"[^\\'\"$`{COVER}]+")
_IN_QUOTES = re.compile(rf"[^\\\"$`{COVER}]+")
_IN_RAW = re.compile(rf"[^{COVER}]+")
_HEREDOC_ESCAPE = re.compile(r"\\([$`\\])")
_ESCAPABLE = '\\"$`\n'
_MAX_DEPTH = 30


@dataclass(frozen=True)
class Text:
    """Characters that mean themselves. `start` to `end` is their place, escapes included."""

    text: str
    start: int
    end: int
    quoted: bool = False


@dataclass(frozen=True)
class Variable:
    """`$NAME`, `${NAME}`, `${NAME:-argument}`; `index` is what stands in `[ ]`.

    A template's expression (`${{ matrix.node }}`) is a variable of that name.
    """

    name: str
    start: int
    end: int
    quoted: bool = False
    index: str = ""
    operator: str = ""
    argument: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Unknown:
    """What nobody can tell without running it: `$( )`, backticks, arithmetic."""

    start: int
    end: int
    quoted: bool = False
    inner: str = ""


Part = Text | Variable | Unknown


Marks = Mapping[int, tuple[int, str]]


def read_word(text: str, start: int, end: int, marks: Marks = {}) -> tuple[Part, ...]:  # noqa: B006
    """The parts of the word that stands at these characters of a text; `marks` as `cover` gave."""
    return _Reader(text, end, marks, 0).read(start)


def closing(text: str, start: int, end: int, nested: int = 0) -> int:
    """The offset behind the bracket that closes the one at `start`, quotes respected."""
    opened = text[start]
    wanted = {"(": ")", "{": "}", "[": "]"}[opened]
    depth, at = 0, start
    while at < end:
        sign = text[at]
        if sign == "\\":
            at += 1
        elif sign == "'" and opened == "(":
            at = _find(text, "'", at + 1, end)
        elif sign == '"':
            at = _closing_quote(text, at, end, nested)
        elif sign == opened:
            depth += 1
        elif sign == wanted:
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    return end


def _find(text: str, sign: str, start: int, end: int) -> int:
    found = text.find(sign, start, end)
    return end if found < 0 else found


def _closing_quote(text: str, start: int, end: int, nested: int = 0) -> int:
    """Where a double quote ends; what stands in `$( )` and `${ }` has quotes of its own."""
    at = start + 1
    looking = nested < _MAX_DEPTH
    while at < end and text[at] != '"':
        if looking and text[at] == "$" and text[at + 1 : at + 2] in {"(", "{"}:
            stop = closing(text, at + 1, end, nested + 1)
            looking = stop < end
            at = stop if looking else at + 1
            continue
        at += 2 if text[at] == "\\" else 1
    return min(at, end)


def inner_text(text: str, parts: tuple[Part, ...]) -> tuple[int, str]:
    """Where a word's content begins, and the content as a script of its own.

    It has the length of what is written: quotes and escapes that are taken off leave `COVER`.
    """
    if not parts:
        return 0, ""
    first, made, at = parts[0].start, [], parts[0].start
    for part in parts:
        made.append(COVER * (part.start - at))
        if isinstance(part, Text):
            made.append(COVER * (part.end - part.start - len(part.text)) + part.text)
        else:
            made.append(text[part.start : part.end])
        at = part.end
    return first, "".join(made)


def without_escapes(text: str) -> str:
    """A heredoc's lines as the shell passes them on, of the same length."""
    return _HEREDOC_ESCAPE.sub(COVER + r"\1", text)


class _Reader:
    """Reads parts from left to right."""

    def __init__(self, text: str, end: int, marks: Marks, depth: int) -> None:
        self._text = text
        self._end = end
        self._marks = marks
        self._depth = depth
        self._parts: list[Part] = []

    def read(self, start: int, quoted: bool = False) -> tuple[Part, ...]:
        at = start
        while at < self._end:
            at = self._one(at, quoted)
        return tuple(self._parts)

    def _one(self, at: int, quoted: bool) -> int:
        sign = self._text[at]
        if sign == "$":
            return self._dollar(at, quoted)
        if sign == "`":
            end = min(_find(self._text, "`", at + 1, self._end) + 1, self._end)
            self._parts.append(Unknown(at, end, quoted, self._text[at + 1 : end - 1]))
            return end
        if sign == "\\":
            return self._escape(at, quoted)
        if sign == '"' and not quoted:
            end = _closing_quote(self._text, at, self._end)
            inner = _Reader(self._text, end, self._marks, self._depth)
            self._parts += inner.read(at + 1, True) or (Text("", at + 1, at + 1, True),)
            return end + 1
        if sign == "'" and not quoted:
            end = _find(self._text, "'", at + 1, self._end)
            self._raw(at + 1, end)
            return end + 1
        if sign == COVER:
            return self._mark(at, quoted)
        found = (_IN_QUOTES if quoted else _PLAIN).match(self._text, at, self._end)
        end = found.end() if found else at + 1
        self._parts.append(Text(self._text[at:end], at, end, quoted))
        return end

    def _raw(self, at: int, end: int) -> None:
        if at == end:
            self._parts.append(Text("", at, at, True))
        while at < end:
            if self._text[at] == COVER:
                at = self._mark(at, True)
            elif found := _IN_RAW.match(self._text, at, end):
                self._parts.append(Text(found[0], at, found.end(), True))
                at = found.end()

    def _mark(self, at: int, quoted: bool) -> int:
        end, said = self._marks.get(at, (at + 1, ""))
        end = min(end, self._end)
        if said:
            self._parts.append(Variable(said, at, end, quoted, operator="{{"))
        return end

    def _escape(self, at: int, quoted: bool) -> int:
        end = min(at + 2, self._end)
        if self._text.startswith("\r\n", at + 1) and at + 3 <= self._end:
            return at + 3
        sign = self._text[at + 1 : end]
        if quoted and sign not in _ESCAPABLE:
            self._parts.append(Text(self._text[at:end], at, end, True))
        elif sign != "\n":
            self._parts.append(Text(sign, at, end, quoted))
        return end

    def _dollar(self, at: int, quoted: bool) -> int:
        text, end = self._text, self._end
        follower = text[at + 1 : min(at + 2, end)]
        if follower == "(":
            stop = closing(text, at + 1, end)
            self._parts.append(Unknown(at, stop, quoted, text[at + 2 : stop - 1]))
            return stop
        if follower == "{":
            stop = closing(text, at + 1, end)
            self._parts.append(self._expansion(at, stop, quoted))
            return stop
        if follower in {"'", '"'} and not quoted:
            return at + 1
        found = _NAME.match(text, at + 1, end)
        if found is None:
            self._parts.append(Text("$", at, at + 1, quoted))
            return at + 1
        self._parts.append(Variable(found[1], at, found.end(), quoted))
        return found.end()

    def _expansion(self, at: int, stop: int, quoted: bool) -> Part:
        text, last = self._text, stop - 1 if self._text[stop - 1] == "}" else stop
        found = _EXPANSION.match(text, at + 2, last)
        if found is None or self._depth > _MAX_DEPTH:
            return Unknown(at, stop, quoted, text[at + 2 : last])
        name, index = found[1], (found[2] or "")[1:-1]
        if found.end() == last:
            return Variable(name, at, stop, quoted, index)
        operator = _OPERATOR.match(text, found.end(), last)
        if operator is None or name == "#":
            return Unknown(at, stop, quoted, text[at + 2 : last])
        inner = _Reader(text, last, self._marks, self._depth + 1)
        argument = inner.read(operator.end(), False)
        return Variable(name, at, stop, quoted, index, operator[0], argument)
