"""Variables in Dockerfile words, filled in as BuildKit does; every part keeps its place. Pure.

`$a ${a} ${a:-b} ${a-b} ${a:+b} ${a+b} ${a:?e} ${a?e} ${a#p} ${a##p} ${a%p} ${a%%p} ${a/p/r}
${a//p/r}`, quotes and escapes. A variable that nobody sets is `OPEN` where its value is wanted, and
unset for `-` and `+`.

>>> expand(made("node:${V:-18}"), {}).text
'node:18'

Rules: BuildKit's frontend/dockerfile/shell/lex.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from longshore.rewrite.mentions import OPEN
from longshore.rewrite.syntax.traced import UNKNOWN, Traced, cut, joined, made

_NAME = re.compile(r"[^\W\d]\w*|\d+|[@*#?$!-]")
_MAX_DEPTH = 12
_MAX_LENGTH = 2000
_MAX_PATTERN = (128, 2)

Scope = Mapping[str, Traced]


class BadSubstitution(ValueError):
    """A `${` that BuildKit refuses."""


@dataclass
class Expansion:
    """A word filled in. `missing` are the variables without a value, in order."""

    value: Traced
    missing: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return self.value.text


def expand(word: Traced, scope: Scope, escape: str = "\\") -> Expansion:
    """A word with its variables filled in. Raises BadSubstitution."""
    if len(word.text) > _MAX_LENGTH:
        return Expansion(UNKNOWN)
    lexer = _Lexer(word, scope, escape)
    value = lexer.read("", False, 0)
    if len(value.text) > _MAX_LENGTH:
        value = UNKNOWN
    return Expansion(value, list(dict.fromkeys(lexer.missing)))


class _Lexer:
    """One pass over a word."""

    def __init__(self, word: Traced, scope: Scope, escape: str) -> None:
        self._word = word
        self._text = word.text
        self._scope = scope
        self._escape = escape
        self._at = 0
        self.missing: list[str] = []

    def read(self, stop: str, raw: bool, depth: int) -> Traced:
        """The text up to the character `stop`, or the end; `raw` keeps escape characters."""
        if depth > _MAX_DEPTH:
            raise BadSubstitution
        found: list[Traced] = []
        while self._at < len(self._text):
            char = self._text[self._at]
            if char == stop:
                self._at += 1
                return joined(found)
            if char == "'":
                found.append(self._single())
            elif char == '"':
                found.append(self._double(depth))
            elif char == "$":
                found.append(self._dollar(depth))
            elif char == self._escape:
                if raw:
                    found.append(self._take(1))
                else:
                    self._at += 1
                found.append(self._take(1))
            else:
                found.append(self._take(1))
        if stop:
            raise BadSubstitution
        return joined(found)

    def _take(self, count: int) -> Traced:
        taken = cut(self._word, self._at, self._at + count)
        self._at += count
        return taken

    def _single(self) -> Traced:
        end = self._text.find("'", self._at + 1)
        if end < 0:
            raise BadSubstitution
        taken = cut(self._word, self._at + 1, end)
        self._at = end + 1
        return taken

    def _double(self, depth: int) -> Traced:
        self._at += 1
        found: list[Traced] = []
        while self._at < len(self._text):
            char = self._text[self._at]
            if char == '"':
                self._at += 1
                return joined(found)
            if char == "$":
                found.append(self._dollar(depth))
                continue
            if char == self._escape and self._text[self._at + 1 : self._at + 2] in (
                *('"', "$"),
                self._escape,
            ):
                self._at += 1
            found.append(self._take(1))
        raise BadSubstitution

    def _dollar(self, depth: int) -> Traced:
        if self._text[self._at + 1 : self._at + 2] != "{":
            name = self._name(self._at + 1)
            return self._wanted(name) if name else self._take(1)
        self._at += 2
        name = self._name(self._at)
        if not name:
            raise BadSubstitution
        mark = self._text[self._at : self._at + 1]
        self._at += 1
        if mark == "}":
            return self._wanted(name)
        if mark == "/":
            return self._replaced(name, depth)
        null_is_unset = mark == ":"
        if null_is_unset:
            mark = self._text[self._at : self._at + 1]
            self._at += 1
        if mark not in ("-", "+", "?", "#", "%") or (null_is_unset and mark in "#%"):
            raise BadSubstitution
        return self._modified(name, mark, null_is_unset, depth)

    def _name(self, at: int) -> str:
        found = _NAME.match(self._text, at)
        if found is None:
            return ""
        self._at = found.end()
        return found[0]

    def _wanted(self, name: str) -> Traced:
        value = self._scope.get(name)
        if value is None or value.is_open:
            self.missing.append(name)
        return UNKNOWN if value is None else value

    def _modified(self, name: str, mark: str, null_is_unset: bool, depth: int) -> Traced:
        before = len(self.missing)
        word = self.read("}", mark in "#%", depth + 1)
        value = self._scope.get(name)
        missed_in_word = self.missing[before:]
        del self.missing[before:]
        is_set = value is not None and not (null_is_unset and not value.text)
        if (mark == "-" and not is_set) or (mark == "+" and is_set):
            self.missing += missed_in_word
            return word
        if mark == "+":
            return made("")
        if mark in "-?":
            return self._wanted(name)
        self.missing += missed_in_word
        return _trimmed(self._wanted(name), mark, word.text)

    def _replaced(self, name: str, depth: int) -> Traced:
        every = self._text.startswith("/", self._at)
        self._at += every
        pattern = self.read("/", True, depth + 1).text
        replacement = self.read("}", True, depth + 1).text
        value = self._wanted(name)
        if OPEN in value.text + pattern + replacement or not _is_small(pattern, value.text):
            return UNKNOWN
        compiled = _pattern(pattern, True)
        new = compiled.sub(lambda _: replacement, value.text, count=0 if every else 1)
        return value if new == value.text else made(new)


def _trimmed(value: Traced, mark: str, pattern: str) -> Traced:
    greedy = pattern.startswith(mark)
    pattern = pattern[1:] if greedy else pattern
    text = value.text
    if OPEN in text + pattern or not _is_small(pattern, text):
        return UNKNOWN
    compiled = _pattern(pattern, greedy)
    if mark == "#":
        found = compiled.match(text)
        return cut(value, found.end(), len(text)) if found else value
    starts = range(len(text) + 1) if greedy else range(len(text), -1, -1)
    start = next((at for at in starts if compiled.fullmatch(text, at)), len(text))
    return cut(value, 0, start)


def _is_small(pattern: str, text: str) -> bool:
    length, stars = _MAX_PATTERN
    return len(text) <= length and len(pattern) <= length and pattern.count("*") <= stars


def _pattern(pattern: str, greedy: bool) -> re.Pattern[str]:
    """A shell pattern as an expression: `*` and `?`, and escaped characters as they are."""
    made_of, at = [], 0
    while at < len(pattern):
        char = pattern[at]
        if char == "*":
            made_of.append(".*" if greedy else ".*?")
        elif char == "?":
            made_of.append(".")
        else:
            if char == "\\" and at + 1 < len(pattern):
                at += 1
            made_of.append(re.escape(pattern[at]))
        at += 1
    return re.compile("".join(made_of), re.DOTALL)
