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
    places: dict[str, int] = {}
    with suppress(RecursionError):
        _value(text, _after_blank(text, start), "", places)
    return places


def nearest_place(places: dict[str, int], path: str) -> int:
    """The offset of the path, or of the nearest member that holds it."""
    while path and path not in places:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return places.get(path, 0)


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _value(text: str, at: int, path: str, places: dict[str, int]) -> int:
    """Note the places of a value and below it; the offset behind it."""
    places.setdefault(path, at)
    if text[at] in "{[":
        return _members(text, at, path, places)
    return _end(_STRING if text[at] == '"' else _WORD, text, at)


def _members(text: str, at: int, path: str, places: dict[str, int]) -> int:
    is_object, number = text[at] == "{", 0
    at = _after_blank(text, at + 1)
    while text[at] not in "}]":
        member = f"{path}[{number}]"
        if is_object:
            start, at = at, _end(_STRING, text, at)
            member = f"{path}.{json.loads(text[start:at])}".lstrip(".")
            places[member] = start  # of a name that is given twice, JSON takes the last
            at = _after_blank(text, _after_blank(text, at) + 1)
        at = _after_blank(text, _value(text, at, member, places))
        number += 1
        if text[at] == ",":
            at = _after_blank(text, at + 1)
    return at + 1


def _end(kind: re.Pattern[str], text: str, at: int) -> int:
    found = kind.match(text, at)
    return found.end() if found else at + 1


def _after_blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at
