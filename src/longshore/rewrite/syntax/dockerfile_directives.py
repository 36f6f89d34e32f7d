"""Parser directives of a Dockerfile: syntax, escape, check. Pure.

They count only at the very top, before any other comment, blank line or instruction; a byte order
mark and a shebang may stand before them (after a shebang, only `syntax` and `check` count).
`syntax` is also read from `// syntax=` and from a file that is a JSON object.

>>> [one.value for one in parse_directives("# syntax = docker/dockerfile:1 x\\n")[0]]
['docker/dockerfile:1']

Rules: BuildKit's frontend/dockerfile/parser/directives.go.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from longshore.rewrite.source import BOM, Span

_DIRECTIVE = re.compile(r"[ \t]*([A-Za-z][A-Za-z0-9]*)[ \t]*=[ \t]*([^\r\n]*)")
_NAMES = frozenset({"syntax", "escape", "check"})
_JSON_SYNTAX = re.compile(r'"syntax"[ \t\r\n]*:[ \t\r\n]*"([^"\\\r\n]*)"')


@dataclass(frozen=True)
class Directive:
    """One directive: `name` in lower case, `value` up to its first blank, and its place."""

    name: str
    value: str
    span: Span


def parse_directives(text: str) -> tuple[tuple[Directive, ...], str]:
    """The directives, and the escape character that they choose."""
    start = len(BOM) if text.startswith(BOM) else 0
    first = start
    if text.startswith("#!", start):
        first = text.find("\n", start) + 1 or len(text)
    found = _read(text, first, "#")
    if not any(one.name == "syntax" for one in found):
        found += [one for one in _read(text, first, "//") if one.name == "syntax"]
        found = found or _from_json(text, first)
    escape = next((one.value for one in found if one.name == "escape"), "\\")
    usable = escape in ("\\", "`") and first == start
    return tuple(found), escape if usable else "\\"


def _read(text: str, at: int, mark: str) -> list[Directive]:
    found: list[Directive] = []
    while text.startswith(mark, at):
        match = _DIRECTIVE.match(text, at + len(mark))
        name = match[1].lower() if match else ""
        value = match[2].rstrip() if match else ""
        if match is None or not value or name not in _NAMES:
            break
        if any(one.name == name for one in found):
            break
        value = value.partition(" ")[0]
        found.append(Directive(name, value, Span(match.start(2), match.start(2) + len(value))))
        at = text.find("\n", match.end()) + 1
        if at == 0:
            break
    return found


def _from_json(text: str, start: int) -> list[Directive]:
    if not text.startswith("{", start):
        return []
    try:
        made = json.loads(text[start:])
    except (ValueError, RecursionError):
        return []
    value = made.get("syntax") if isinstance(made, dict) else None
    match = next((one for one in _JSON_SYNTAX.finditer(text) if one[1] == value), None)
    return [Directive("syntax", match[1], Span(*match.span(1)))] if match else []
