"""Groovy text as words, signs and strings with positions; comments are left out. Pure.

Enough for pipelines: which words stand before a string, and in which blocks.

>>> [one.text for one in read_groovy("docker { image 'node:18' } // old: 'x'")]
['docker', '{', 'image', 'node:18', '}']

Rules: groovy-lang.org/syntax.html (strings, comments, slashy strings are not read).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"(?P<skip>\s+|//[^\n]*|#![^\n]*)"
    r"|(?P<block>/\*)"
    r"|(?P<quote>'''|\"\"\"|'|\")"
    r"|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<number>\d[\w.]*)"
    r"|(?P<sign>.)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Token:
    """`kind` is word, sign or string; a string's place is its content, `quote` what it is in."""

    kind: str
    text: str
    start: int
    end: int
    quote: str = ""

    @property
    def expands(self) -> bool:
        """Whether `$name` in the string is a variable of Groovy."""
        return self.quote.startswith('"')


def read_groovy(text: str) -> Iterator[Token]:
    """The tokens of a text; never raises."""
    at = 0
    while found := _TOKEN.match(text, at):
        kind, start = found.lastgroup or "", found.start()
        at = found.end()
        if kind == "block":
            closed = text.find("*/", at)
            at = closed + 2 if closed >= 0 else len(text)
        elif kind == "quote":
            end = _end_of_string(text, at, found[0])
            yield Token("string", text[at:end], at, end, found[0])
            at = min(end + len(found[0]), len(text))
        elif kind in {"word", "sign"}:
            yield Token(kind, found[0], start, at)


def _end_of_string(text: str, at: int, quote: str) -> int:
    """Where the closing quote stands; a short string ends with its line at the latest."""
    while at < len(text):
        if text.startswith(quote, at):
            return at
        if text[at] == "\n" and len(quote) == 1:
            return at
        at += 2 if text[at] == "\\" else 1
    return len(text)
