"""YAML text as a tree of values with their places. Pure.

YAML 1.2's core schema: only `true` and `false` are booleans, so `yes`, `no`, `on` and `off` stay
words. Anchors and merge keys work. Duplicate keys, foreign tags and documents that are too long,
too deep or unfold too far (alias bombs) are problems. What the values mean is decided in `shapes`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import yaml

from longshore.errors import Problem, Where
from longshore.text import tr

MAX_CHARACTERS = 512 * 1024
MAX_DEPTH = 32
MAX_VALUES = 50_000

ScalarKind = Literal["text", "integer", "number", "boolean", "nothing"]


@dataclass(frozen=True)
class Scalar:
    """One value, as written; `kind` is what YAML takes it for."""

    text: str
    kind: ScalarKind
    where: Where


@dataclass(frozen=True)
class Entry:
    """A key and its value."""

    key: str
    where: Where
    value: Node


@dataclass(frozen=True)
class Mapping:
    """Keys with values, merges unfolded, no key twice."""

    entries: tuple[Entry, ...]
    where: Where


@dataclass(frozen=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    where: Where


Node = Scalar | Mapping | Sequence

_PREFIX = "tag:yaml.org,2002:"
_KINDS: dict[str, ScalarKind] = {
    _PREFIX + "str": "text",
    _PREFIX + "int": "integer",
    _PREFIX + "float": "number",
    _PREFIX + "bool": "boolean",
    _PREFIX + "null": "nothing",
}
_RESOLVERS = (
    ("null", r"(?:~|null|Null|NULL|)\Z", ["~", "n", "N", ""]),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)\Z", list("tTfF")),
    ("int", r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z", list("-+0123456789")),
    (
        "float",
        r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z",
        list("-+.0123456789"),
    ),
    ("merge", r"<<\Z", ["<"]),
)


class _Stop(Exception):
    """Reading cannot go on."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012
    filename = ""
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: object) -> yaml.Node | None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            where = _where(self.filename, self.peek_event().start_mark)  # type: ignore[no-untyped-call]
            raise _Stop(Problem(where, tr("more than {most} levels deep", most=MAX_DEPTH)))
        try:
            return super().compose_node(parent, index)  # type: ignore[arg-type]
        finally:
            self.depth -= 1


for _name, _pattern, _first in _RESOLVERS:
    _Loader.add_implicit_resolver(_PREFIX + _name, re.compile(_pattern), _first)


def parse_document(text: str, filename: str) -> tuple[Node | None, list[Problem]]:
    """The document, or None when it cannot be read at all, and every problem in it."""
    try:
        root = _compose(text, filename)
        unfolding = _Unfolding(filename)
        return unfolding.node(root, 0), unfolding.problems
    except _Stop as stop:
        return None, [stop.problem]


def _compose(text: str, filename: str) -> yaml.Node:
    if len(text) > MAX_CHARACTERS:
        message = tr("longer than {most} characters", most=MAX_CHARACTERS)
        raise _Stop(Problem(Where(filename), message))
    try:
        loader = _Loader(text)
        loader.filename = filename
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        raise _Stop(_syntax_problem(error, text, filename)) from None
    except yaml.reader.ReaderError as error:
        where = _where_of_offset(text, int(error.position), filename)
        raise _Stop(Problem(where, tr("a character that YAML does not allow"))) from None
    except (ValueError, OverflowError):
        raise _Stop(Problem(Where(filename), tr("this is not YAML"))) from None
    if root is None:
        raise _Stop(
            Problem(
                Where(filename, 1, 1),
                tr("the file is empty"),
                hint=tr("`longshore init --force` writes one"),
            )
        )
    return root


def _syntax_problem(error: yaml.MarkedYAMLError, text: str, filename: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    where = _where(filename, mark) if mark else Where(filename)
    problem = str(error.problem or error.context or "")
    if mark and text[mark.index : mark.index + 1] == "\t":
        hint = tr("YAML indents with spaces only")
        return Problem(where, tr("a tab where YAML wants spaces"), "config-syntax", hint)
    if "expected a single document" in str(error.context):
        return Problem(where, tr("a second document begins here"), "config-syntax")
    context = f"{error.context}: " if error.context and error.problem else ""
    message = tr("the YAML cannot be read: {problem}", problem=context + problem)
    return Problem(where, message, "config-syntax")


def _where(filename: str, mark: yaml.Mark) -> Where:
    return Where(filename, mark.line + 1, mark.column + 1)


def _where_of_offset(text: str, offset: int, filename: str) -> Where:
    before = text[:offset]
    return Where(filename, before.count("\n") + 1, offset - before.rfind("\n"))


class _Unfolding:
    """Turns YAML's nodes into ours, following aliases and merges within a budget."""

    def __init__(self, filename: str) -> None:
        self.filename = filename
        self.problems: list[Problem] = []
        self.values = 0

    def node(self, node: yaml.Node, depth: int) -> Node:
        where = _where(self.filename, node.start_mark)
        self.values += 1
        if depth > MAX_DEPTH or self.values > MAX_VALUES:
            message = tr("aliases unfold to more than the file may hold")
            raise _Stop(Problem(where, message))
        if isinstance(node, yaml.MappingNode):
            self._check_tag(node, "map", where)
            return Mapping(tuple(self._entries(node, depth)), where)
        if isinstance(node, yaml.SequenceNode):
            self._check_tag(node, "seq", where)
            return Sequence(tuple(self.node(item, depth + 1) for item in node.value), where)
        if node.tag not in _KINDS and node.tag != _PREFIX + "merge":
            self._foreign_tag(node, where)
        return Scalar(str(node.value), _KINDS.get(node.tag, "text"), where)

    def _entries(self, node: yaml.MappingNode, depth: int) -> Iterator[Entry]:
        seen: dict[str, Where] = {}
        merged: list[Entry] = []
        for key, value in node.value:
            where = _where(self.filename, key.start_mark)
            if key.tag == _PREFIX + "merge":
                merged += self._merged(value, depth + 1)
            elif not isinstance(key, yaml.ScalarNode):
                self._problem(where, tr("a key must be a word, not a list or a mapping"))
            elif key.value in seen:
                first = seen[key.value].line
                self._problem(
                    where,
                    tr("'{key}' stands twice, first in line {line}", key=key.value, line=first),
                    "config-duplicate-key",
                )
            else:
                seen[key.value] = where
                yield Entry(str(key.value), where, self.node(value, depth + 1))
        for entry in merged:
            if entry.key not in seen:
                seen[entry.key] = entry.where
                yield entry

    def _merged(self, value: yaml.Node, depth: int) -> list[Entry]:
        parts = value.value if isinstance(value, yaml.SequenceNode) else [value]
        found: list[Entry] = []
        for part in parts:
            node = self.node(part, depth)
            if isinstance(node, Mapping):
                found += node.entries
            else:
                self._problem(node.where, tr("'<<' merges mappings only"))
        return found

    def _check_tag(self, node: yaml.Node, wanted: str, where: Where) -> None:
        if node.tag != _PREFIX + wanted:
            self._foreign_tag(node, where)

    def _foreign_tag(self, node: yaml.Node, where: Where) -> None:
        self._problem(where, tr("the YAML tag '{tag}' has no meaning here", tag=node.tag))

    def _problem(self, where: Where, message: str, code: str = "config-invalid") -> None:
        self.problems.append(Problem(where, message, code))
