"""YAML as nodes with exact positions; nothing is resolved into Python types. Pure.

PyYAML's C parser gives the events; nodes are built from them, so that duplicate keys, several
documents, anchors used twice, merge keys and the plain key `on` stay as they are written. All
scalars are text.

>>> file = read_source("a.yml", b"image: &i 'node:18' # base")
>>> node = documents(file).documents[0].get("image")
>>> node.value, file.cut(node.span)
('node:18', 'node:18')

Spec: yaml.org/spec/1.1; merge keys: yaml.org/type/merge.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import yaml

from longshore.rewrite.source import BOM, SourceFile, Span, read_source

__all__ = [
    "Mapping",
    "Node",
    "Scalar",
    "Sequence",
    "YamlFile",
    "documents",
    "parse_yaml",
    "read_source",
    "walk",
]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_SEPARATOR = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_PROPERTY = re.compile(r"(?:[&!][^\s,\[\]{}]*[ \t\r\n]+)+")
_ESCAPE = re.compile(r"\\(?:x..|u....|U........|\r?\n[ \t]*|.)", re.DOTALL)
_MAX_DEPTH = 200


@dataclass(eq=False)
class Scalar:
    """One scalar. `span` is its content: without quotes, anchor, tag; a block without its header.

    `style` is YAML's mark: "" (plain), "'", '"', "|" or ">".
    """

    value: str
    span: Span
    style: str
    raw: str = field(repr=False)
    tag: str = ""

    def locate(self, start: int, end: int) -> Span | None:
        """Where characters `start` to `end` of `value` stand in the file; None when unclear."""
        if self.raw == self.value:
            return Span(self.span.start + start, self.span.start + end)
        if self.style == "|":
            return self._locate_literal(start, end)
        if self.style == "'" and "\n" not in self.raw:
            first = start + self.value[:start].count("'")
            last = end + self.value[:end].count("'")
            return Span(self.span.start + first, self.span.start + last)
        return self._search(start, end)

    def _locate_literal(self, start: int, end: int) -> Span | None:
        line = self.value.count("\n", 0, start)
        if "\n" in self.value[start:end]:
            return self._search(start, end)
        column = start - (self.value.rfind("\n", 0, start) + 1)
        at = 0
        for _ in range(line):
            at = self.raw.find("\n", at) + 1
            if at == 0:
                return None
        wanted = self.value[start:end]
        whole = self.value.split("\n")[line]
        stop = self.raw.find("\n", at)
        written = self.raw[at : stop if stop >= 0 else len(self.raw)].rstrip("\r")
        indent = len(written) - len(whole)
        if indent < 0 or not written.endswith(whole):
            return self._search(start, end)
        at += indent + column
        if self.raw[at : at + len(wanted)] != wanted:
            return None
        return Span(self.span.start + at, self.span.start + at + len(wanted))

    def _search(self, start: int, end: int) -> Span | None:
        """The only occurrence of these characters, or the one of the same rank."""
        wanted = self.value[start:end]
        if not wanted or "\n" in wanted:
            return None
        rank = self.value.count(wanted, 0, start)
        if self.raw.count(wanted) != self.value.count(wanted):
            return None
        at = -1
        for _ in range(rank + 1):
            at = self.raw.find(wanted, at + 1)
        if at < 0:
            return None
        return Span(self.span.start + at, self.span.start + at + len(wanted))


@dataclass(eq=False)
class Sequence:
    """A sequence of nodes."""

    items: list[Node]
    span: Span
    tag: str = ""


@dataclass(eq=False)
class Mapping:
    """A mapping, pairs as written; `get` looks through merge keys too."""

    pairs: list[tuple[Node, Node]]
    span: Span
    tag: str = ""

    def keys(self) -> list[str]:
        """The scalar keys, as written, without those that are merged in."""
        return [key.value for key, _ in self.pairs if isinstance(key, Scalar)]

    def items(self) -> Iterator[tuple[Scalar, Node]]:
        """Pairs with a scalar key; merged pairs after them, unless overridden."""
        yield from _items(self, set(), 0)

    def get(self, name: str) -> Node | None:
        """The value of a key (the last one, as parsers take it), or what is merged in."""
        found = self._by_key.get(name)
        return found[1] if found is not None else None

    def key(self, name: str) -> Scalar | None:
        """The key's own node."""
        found = self._by_key.get(name)
        return found[0] if found is not None else None

    @cached_property
    def _by_key(self) -> dict[str, tuple[Scalar, Node]]:
        """Each key as first written, with the value that counts; made when first asked for."""
        own = {key.value: value for key, value in self.pairs if isinstance(key, Scalar)}
        found: dict[str, tuple[Scalar, Node]] = {}
        for key, value in self.items():
            found.setdefault(key.value, (key, own.get(key.value, value)))
        return found

    def text(self, name: str) -> str | None:
        """The value of a key when it is a scalar."""
        found = self.get(name)
        return found.value if isinstance(found, Scalar) else None

    def mapping(self, name: str) -> Mapping:
        """The value of a key when it is a mapping; else an empty one."""
        found = self.get(name)
        return found if isinstance(found, Mapping) else Mapping([], self.span)

    def sequence(self, name: str) -> list[Node]:
        """The items of a key when it is a sequence; else none."""
        found = self.get(name)
        return found.items if isinstance(found, Sequence) else []


Node = Scalar | Sequence | Mapping


@dataclass(frozen=True)
class YamlFile:
    """All documents that could be read, and why the rest could not (line from 1)."""

    documents: tuple[Node, ...]
    problem: str = ""
    problem_line: int = 0


def documents(file: SourceFile) -> YamlFile:
    """The documents of a file, parsed once. A broken document does not hide the others."""
    return file.once("yaml", lambda one: parse_yaml(one.text))


def parse_yaml(text: str) -> YamlFile:
    """The documents of a text; spans are offsets into it."""
    start = 1 if text.startswith(BOM) else 0
    body = _UNPRINTABLE.sub("?", text[start:])
    try:
        return YamlFile(tuple(_Builder(body, start).documents()))
    except (yaml.YAMLError, RecursionError) as error:
        return _piecewise(body, start, error)


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, each once, in the order of the text."""
    seen: set[int] = set()
    stack: list[Node] = [node]
    while stack:
        one = stack.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, Sequence):
            stack.extend(reversed(one.items))
        elif isinstance(one, Mapping):
            for key, value in reversed(one.pairs):
                stack.extend((value, key))


def _items(node: Mapping, seen: set[str], depth: int) -> Iterator[tuple[Scalar, Node]]:
    merged: list[Node] = []
    for key, value in node.pairs:
        if not isinstance(key, Scalar):
            continue
        if key.value == "<<" and not key.style:
            merged += value.items if isinstance(value, Sequence) else [value]
        elif depth == 0 or key.value not in seen:
            seen.add(key.value)
            yield key, value
    for one in merged:
        if isinstance(one, Mapping) and depth < _MAX_DEPTH:
            yield from _items(one, seen, depth + 1)


def _piecewise(body: str, start: int, error: Exception) -> YamlFile:
    """Each document by itself, so that one broken document does not hide the others."""
    marks = [0, *(found.start() for found in _SEPARATOR.finditer(body) if found.start()), len(body)]
    found: list[Node] = []
    for first, last in pairwise(marks):
        try:
            found += _Builder(body[first:last], start + first).documents()
        except (yaml.YAMLError, RecursionError):
            continue
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or "too deep"
    return YamlFile(tuple(found), str(said), mark.line + 1 if mark is not None else 1)


class _Builder:
    """Nodes from PyYAML's events, one after the other: much of a scan's time passes here."""

    def __init__(self, text: str, shift: int) -> None:
        self._text = text
        self._shift = shift
        self._next: Callable[[], Any] = _LOADER(text).get_event
        self._anchors: dict[str, Node] = {}
        self._open: list[tuple[Sequence | Mapping, list[Node]]] = []

    def documents(self) -> list[Node]:
        found: list[Node] = []
        while (event := self._next()) is not None:
            if event.__class__ is yaml.DocumentStartEvent:
                self._anchors = {}
                found.append(self._document())
        return found

    def _document(self) -> Node:
        """The node at the top. All below it is put into the last collection that is open."""
        root = self._node(self._next())
        opened = self._open
        while opened:
            event = self._next()
            kind = event.__class__
            if kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._close(event.end_mark.index + self._shift)
            else:
                inner = opened[-1][1]
                if len(opened) > _MAX_DEPTH:
                    raise RecursionError
                inner.append(self._node(event))
        return root

    def _node(self, event: Any) -> Node:
        kind = event.__class__
        made: Node
        if kind is yaml.ScalarEvent:
            made = self._scalar(event)
        elif kind is yaml.AliasEvent:
            known = self._anchors.get(event.anchor or "")
            if known is None:
                raise yaml.YAMLError("undefined alias")
            return known
        elif kind is yaml.SequenceStartEvent:
            made = Sequence([], self._span(event), event.tag or "")
            self._open.append((made, made.items))
        else:
            made = Mapping([], self._span(event), event.tag or "")
            self._open.append((made, []))
        if event.anchor:
            self._anchors[event.anchor] = made
        return made

    def _close(self, end: int) -> None:
        node, inner = self._open.pop()
        node.span = Span(node.span.start, end)
        if node.__class__ is Mapping:
            node.pairs.extend(zip(inner[::2], inner[1::2], strict=False))

    def _span(self, event: Any) -> Span:
        return Span(event.start_mark.index + self._shift, event.end_mark.index + self._shift)

    def _scalar(self, event: Any) -> Scalar:
        start, end = event.start_mark.index, event.end_mark.index
        tag = event.tag or ""
        if (tag or event.anchor) and (found := _PROPERTY.match(self._text, start, end)):
            start = found.end()
        style = event.style or ""
        if style:
            if style in "'\"":
                quote = self._text.find(style, start, end)
                start, end = quote + 1, end - 1
            else:
                header = self._text.find("\n", start, end)
                start = header + 1 if header >= 0 else end
        span = Span(start + self._shift, end + self._shift)
        return Scalar(event.value, span, style, self._text[start:end], tag)
