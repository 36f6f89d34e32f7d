"""Terraform written as JSON, in the shapes of HCL. Pure.

Objects at the top (`resource`, `variable`, ...) become blocks, as Terraform reads them; what is
below stays objects.

Spec: developer.hashicorp.com/terraform/language/syntax/json.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.hcl import (
    Attribute,
    Block,
    Body,
    Entry,
    Expression,
    Listing,
    Object,
    Other,
    Reach,
    Template,
    Text,
)
from longshore.rewrite.syntax.json_nodes import json_documents
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence

_LABELS = {"resource": 2, "data": 2, "variable": 1, "module": 1, "locals": 0, "provider": 1}
_LABELS |= {"output": 1, "terraform": 0, "target": 1, "group": 1, "function": 1, "job": 1}
_INSIDE = re.compile(r"\$\{\s{0,9}(?P<path>[A-Za-z_][\w.-]{0,200})\s{0,9}\}|\$\{[^{}]{0,1000}\}")


def hcl_of_json(file: SourceFile) -> Body:
    """A JSON file's content as blocks and attributes."""
    roots = [one for one in json_documents(file).documents if isinstance(one, Mapping)]
    attributes: list[Attribute] = []
    blocks: list[Block] = []
    for root in roots:
        for key, value in root.items():
            labels = _LABELS.get(key.value)
            if labels is None:
                attributes.append(Attribute(key.value, key.span, _expression(value)))
            else:
                blocks += _blocks(key.value, (), value, labels)
    return Body(tuple(attributes), tuple(blocks))


def _blocks(type: str, labels: tuple[str, ...], node: Node, left: int) -> Iterator[Block]:
    if isinstance(node, Sequence):
        for item in node.items:
            yield from _blocks(type, labels, item, left)
    elif isinstance(node, Mapping) and left:
        for key, value in node.items():
            yield from _blocks(type, (*labels, key.value), value, left - 1)
    elif isinstance(node, Mapping):
        made = tuple(Attribute(k.value, k.span, _expression(v)) for k, v in node.items())
        yield Block(type, labels, node.span, Body(made))


def _expression(node: Node) -> Expression:
    if isinstance(node, Mapping):
        made = [Entry(key.value, key.span, _expression(value)) for key, value in node.items()]
        return Object(node.span, tuple(made))
    if isinstance(node, Sequence):
        return Listing(node.span, tuple(_expression(one) for one in node.items))
    return _scalar(node)


def _scalar(node: Scalar) -> Expression:
    if not node.style:
        return Other(node.span, text=node.value)
    start, at = node.span.start, 0
    parts: list[Text | Expression] = []
    for found in _INSIDE.finditer(node.raw):
        if found.start() > at:
            parts.append(_text(node.raw, at, found.start(), start))
        span = Span(found.start() + 2, found.end() - 1).moved(start)
        path = found["path"]
        parts.append(Reach(span, tuple(path.split("."))) if path else Other(span))
        at = found.end()
    if at < len(node.raw):
        parts.append(_text(node.raw, at, len(node.raw), start))
    return Template(node.span, tuple(parts))


def _text(raw: str, start: int, end: int, base: int) -> Text:
    return Text(raw[start:end], Span(start, end).moved(base))
