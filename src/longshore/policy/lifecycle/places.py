"""Where the members of a JSON text stand, so that a finding can point at them. Pure.

The text must be JSON already (`json.loads` took it). Paths are written as in `grammar.Flaw`.

>>> places_of('{"rules": [{"rulePriority": 1}]}')["rules[0].rulePriority"]
12
>>> line_and_column("{\\n  1}", 4)
(2, 3)
"""

from __future__ import annotations

import json
import re
from contextlib import suppress

_BLANK = re.compile(r"[ \t\n\r]*")
_WORD = re.compile(r"[^\s,\]}]+")
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def places_of(text: str, start: int = 0) -> dict[str, int]:
    """The offset of every member by its path: of the name in an object, of the value in a list.

    The path of the whole document (or of the value at `start`) is "". What is nested too deeply to
    be read is left out.
    """
    return _walked(text, start).places


def repeated_members(text: str) -> tuple[tuple[str, int], ...]:
    """Path and offset of each name that its object has already."""
    return tuple(_walked(text, 0).repeated)


def nearest_place(places: dict[str, int], path: str) -> int:
    """The offset of the path, or of the nearest member that holds it."""
    while path and path not in places:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return places.get(path, 0)


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


class _Walk:
    """Notes places while it goes over the text, once."""

    def __init__(self, text: str) -> None:
        self.places: dict[str, int] = {}
        self.repeated: list[tuple[str, int]] = []
        self._text = text

    def value(self, at: int, path: str) -> int:
        """Note the places of a value and below it; the offset behind it."""
        self.places.setdefault(path, at)
        if self._text[at] == "{":
            return self._object(at, path)
        if self._text[at] == "[":
            return self._list(at, path)
        return _end(_STRING if self._text[at] == '"' else _WORD, self._text, at)

    def _object(self, at: int, path: str) -> int:
        text = self._text
        names: set[str] = set()
        at = _after_blank(text, at + 1)
        while text[at] != "}":
            start, at = at, _end(_STRING, text, at)
            name = json.loads(text[start:at])
            member = f"{path}.{name}" if path else name
            if name in names:
                self.repeated.append((member, start))
            names.add(name)
            self.places[member] = start  # of a name that is given twice, JSON takes the last
            at = _after_blank(text, _after_blank(text, at) + 1)
            at = self._after_member(at, member)
        return at + 1

    def _list(self, at: int, path: str) -> int:
        number = 0
        at = _after_blank(self._text, at + 1)
        while self._text[at] != "]":
            at = self._after_member(at, f"{path}[{number}]")
            number += 1
        return at + 1

    def _after_member(self, at: int, member: str) -> int:
        """The offset of the next member, or of the closing bracket."""
        at = _after_blank(self._text, self.value(at, member))
        return _after_blank(self._text, at + 1) if self._text[at] == "," else at


def _walked(text: str, start: int) -> _Walk:
    walk = _Walk(text)
    with suppress(RecursionError):
        walk.value(_after_blank(text, start), "")
    return walk


def _end(kind: re.Pattern[str], text: str, at: int) -> int:
    found = kind.match(text, at)
    return found.end() if found else at + 1


def _after_blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at
