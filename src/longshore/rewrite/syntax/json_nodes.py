"""JSON as the same nodes as YAML, with positions; comments and trailing commas pass. Pure.

A tolerant scanner of its own: what is broken costs the value around it, never the whole file.
Single quotes and bare keys (JSON5) are read too.

>>> root = parse_json('{"image": "node:18", /* base */ }').documents[0]
>>> root.get("image").value
'node:18'
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence, YamlFile, documents

_TOKEN = re.compile(
    r"(?P<string>\"(?:[^\"\\\n]|\\.)*+\"?|'(?:[^'\\\n]|\\.)*+'?)"
    r"|(?P<mark>[{}\[\]:])"
    r"|(?P<skip>[\s,\ufeff]+|//[^\n]*)"
    r"|(?P<block>/\*)"
    r"|(?P<word>(?:[^\s,{}\[\]:\"'/]|/(?![/*]))+)",
    re.DOTALL,
)
_MAX_DEPTH = 200


def json_documents(file: SourceFile) -> YamlFile:
    """The document of a JSON file, parsed once."""
    return file.once("json", lambda one: parse_json(one.text))


def data_documents(file: SourceFile) -> YamlFile:
    """The documents of a file by its name: JSON for .json and .jsonc, else YAML."""
    name = file.name.lower()
    return json_documents(file) if name.endswith((".json", ".jsonc")) else documents(file)


def parse_json(text: str) -> YamlFile:
    """The values of a text; spans are offsets into it."""
    builder = _Builder()
    for kind, start, end in _tokens(text):
        if kind == "mark":
            builder.mark(text[start], start)
        elif not builder.full:
            builder.scalar(_scalar(text, kind, start, end))
    return YamlFile(tuple(builder.finish(len(text))))


def _tokens(text: str) -> Iterator[tuple[str, int, int]]:
    at = 0
    while found := _TOKEN.match(text, at):
        at, kind = found.end(), found.lastgroup
        if kind == "block":
            close = text.find("*/", at)
            at = close + 2 if close >= 0 else len(text)
        elif kind is not None and kind != "skip":
            yield kind, found.start(), found.end()


def _scalar(text: str, kind: str, start: int, end: int) -> Scalar:
    if kind == "word":
        raw = text[start:end]
        return Scalar(raw, Span(start, end), "", raw)
    quote = text[start]
    close = end - 1 if end - start > 1 and text[end - 1] == quote else end
    raw = text[start + 1 : close]
    return Scalar(_unescaped(raw), Span(start + 1, close), quote, raw)


def _unescaped(raw: str) -> str:
    if "\\" not in raw:
        return raw
    try:
        value = json.loads(f'"{raw}"', strict=False)
    except ValueError:
        return raw
    return value if isinstance(value, str) else raw


class _Builder:
    """Nodes from tokens, with a stack of its own: nesting never recurses."""

    def __init__(self) -> None:
        self._roots: list[Node] = []
        self._open: list[Mapping | Sequence] = []
        self._keys: list[tuple[Scalar | None, bool]] = []

    @property
    def full(self) -> bool:
        return len(self._open) > _MAX_DEPTH

    def mark(self, mark: str, at: int) -> None:
        if mark == ":":
            if self._keys and self._keys[-1][0] is not None:
                self._keys[-1] = (self._keys[-1][0], True)
        elif mark in "{[":
            span = Span(at, at)
            made: Mapping | Sequence = Mapping([], span) if mark == "{" else Sequence([], span)
            if not self.full:
                self._add(made)
            self._open.append(made)
            self._keys.append((None, False))
        else:
            self._close(Mapping if mark == "}" else Sequence, at + 1)

    def scalar(self, scalar: Scalar) -> None:
        if self._open and isinstance(self._open[-1], Mapping) and not self._keys[-1][1]:
            self._keys[-1] = (scalar, False)
        else:
            self._add(scalar)

    def finish(self, end: int) -> list[Node]:
        for one in self._open:
            one.span = Span(one.span.start, end)
        return self._roots

    def _add(self, node: Node) -> None:
        if not self._open:
            self._roots.append(node)
            return
        parent = self._open[-1]
        if isinstance(parent, Sequence):
            parent.items.append(node)
            return
        key, certain = self._keys[-1]
        self._keys[-1] = (None, False)
        if key is not None and certain:
            parent.pairs.append((key, node))

    def _close(self, kind: type[Mapping] | type[Sequence], end: int) -> None:
        if not self._open or not isinstance(self._open[-1], kind):
            return
        one = self._open.pop()
        self._keys.pop()
        one.span = Span(one.span.start, end)
