"""Lines of an `.env` file: names and values with their places. Pure.

>>> file = read_source(".env", b"export DB='postgres:15' # base\\nTAG=$V # newest\\n")
>>> [(one.name, one.written) for one in assignments(file)]
[('DB', 'postgres:15'), ('TAG', '$V')]
>>> environment(file)["DB"]
'postgres:15'

Spec: compose's documentation, "Syntax of env files": quotes, `export`, comments, values over
several lines, variables of earlier lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from longshore.rewrite.mentions import OPEN
from longshore.rewrite.source import BOM, SourceFile, Span, read_source
from longshore.rewrite.syntax.interpolation import fill

__all__ = ["Assignment", "assignments", "environment", "read_source"]

_BEGIN = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*")
_LONGEST = 32_000


@dataclass(frozen=True)
class Assignment:
    """`name` is given what is `written` at `span` (without quotes); `quote` is "", "'" or '"'."""

    name: str
    written: str
    span: Span
    quote: str = ""


def assignments(file: SourceFile) -> tuple[Assignment, ...]:
    """Every line that gives a name a value, in order; parsed once a file."""
    return file.once("env-file", lambda one: tuple(_assignments(one.text)))


def environment(file: SourceFile) -> dict[str, str]:
    """Each name's last value, variables of earlier lines filled in (`OPEN` when unknown)."""
    known: dict[str, str] = {}
    for one in assignments(file):
        plain = one.quote == "'" or "$" not in one.written
        value = one.written if plain else fill(one.written, known).text
        known[one.name] = value if len(value) <= _LONGEST else OPEN
    return known


def _assignments(text: str) -> Iterator[Assignment]:
    at = 1 if text.startswith(BOM) else 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        found = _BEGIN.match(text, at, end)
        if found is None:
            at = end + 1
            continue
        start, stop, quote, at = _value(text, found.end(), end)
        yield Assignment(found[1], text[start:stop], Span(start, stop), quote)


def _value(text: str, start: int, end: int) -> tuple[int, int, str, int]:
    """Where the value begins and ends, its quote, and where the next line begins."""
    quote = text[start : start + 1]
    if quote in ("'", '"') and start < end:
        close = _closing(text, start + 1, quote)
        if 0 <= close - start <= _LONGEST:
            after = text.find("\n", close)
            return start + 1, close, quote, len(text) if after < 0 else after + 1
    line = text[start:end]
    comment = re.search(r"(?:^|[ \t])#", line)
    value = (line[: comment.start()] if comment else line).rstrip()
    return start, start + len(value), "", end + 1


def _closing(text: str, at: int, quote: str) -> int:
    limit = at + _LONGEST + 1
    while True:
        at = text.find(quote, at, limit)
        if at < 0 or quote == "'" or text[at - 1] != "\\":
            return at
        at += 1
