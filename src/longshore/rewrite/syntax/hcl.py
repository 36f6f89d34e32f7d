"""HCL (Terraform, Bake, Nomad, Packer) as values with exact positions. Pure.

tree-sitter reads the text; what it gives in bytes becomes characters here. Nothing is evaluated:
a string is a `Template` of texts and expressions, `var.image` is a `Reach`. What is broken costs
the expression around it, never the file.

>>> body = parse_hcl('target "x" { tags = ["a:${V}"] }')
>>> body.blocks[0].labels, body.blocks[0].body.attributes[0].name
(('x',), 'tags')

Spec: github.com/hashicorp/hcl, hclsyntax/spec.md.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from longshore.rewrite.source import BOM, SourceFile, Span

_WIDE = re.compile(r"[^\x00-\x7f]")
_MAX_DEPTH = 120


@dataclass(frozen=True)
class Text:
    """Characters of a string that mean themselves (escapes are left as they are)."""

    text: str
    span: Span


@dataclass(frozen=True)
class Template:
    """A string: `span` is its content, without quotes or heredoc marks."""

    span: Span
    parts: tuple[Text | Expression, ...]
    heredoc: bool = False

    @property
    def literal(self) -> str | None:
        """The whole text, when nothing in it is an expression."""
        texts = [one.text for one in self.parts if isinstance(one, Text)]
        return "".join(texts) if len(texts) == len(self.parts) else None


@dataclass(frozen=True)
class Reach:
    """`var.images["web"].tag`: names and keys; an index that is not known is `*`."""

    span: Span
    path: tuple[str, ...]


@dataclass(frozen=True)
class Call:
    """A function call."""

    span: Span
    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class Listing:
    """`[a, b]`."""

    span: Span
    items: tuple[Expression, ...]


@dataclass(frozen=True)
class Entry:
    """`key = value` of an object; `key` is empty when it is computed."""

    key: str
    key_span: Span
    value: Expression


@dataclass(frozen=True)
class Object:
    """`{ key = value }`."""

    span: Span
    entries: tuple[Entry, ...]

    def get(self, key: str) -> Expression | None:
        """The value of a key; the last one when it is written twice."""
        return next((one.value for one in reversed(self.entries) if one.key == key), None)


@dataclass(frozen=True)
class Choice:
    """`condition ? yes : no`."""

    span: Span
    options: tuple[Expression, ...]


@dataclass(frozen=True)
class Other:
    """Numbers, operations, `for`: what holds no text of its own. `inner` is what stands in it."""

    span: Span
    inner: tuple[Expression, ...] = ()
    text: str = ""


Expression = Template | Reach | Call | Listing | Object | Choice | Other


@dataclass(frozen=True)
class Attribute:
    """`name = value`."""

    name: str
    span: Span
    value: Expression


@dataclass(frozen=True)
class Block:
    """`type "label" { … }`."""

    type: str
    labels: tuple[str, ...]
    span: Span
    body: Body


@dataclass(frozen=True)
class Body:
    """The attributes and blocks between two braces, or of a whole file."""

    attributes: tuple[Attribute, ...] = ()
    blocks: tuple[Block, ...] = field(default=())

    def get(self, name: str) -> Expression | None:
        """The value of an attribute."""
        return next((one.value for one in self.attributes if one.name == name), None)

    def text(self, name: str) -> str | None:
        """The value of an attribute when it is a plain string."""
        value = self.get(name)
        return value.literal if isinstance(value, Template) else None

    def all(self, type: str) -> Iterator[Block]:
        """The blocks of a type, at this level."""
        return (one for one in self.blocks if one.type == type)


def hcl(file: SourceFile) -> Body:
    """A file's content, parsed once."""
    return file.once("hcl", lambda one: parse_hcl(one.text))


def parse_hcl(text: str) -> Body:
    """The content of a text; spans are offsets into it."""
    readable = " " + text[1:] if text.startswith(BOM) else text
    data = readable.encode("utf-8", "surrogateescape")
    root = _parser().parse(data).root_node
    return _Reader(text, _characters(readable)).body(root.children, 0)


def walk(expression: Expression) -> Iterator[Expression]:
    """The expression and all in it, from left to right."""
    stack = [expression]
    while stack:
        one = stack.pop()
        yield one
        stack.extend(reversed(_inner(one)))


def _inner(one: Expression) -> list[Expression]:
    match one:
        case Template():
            return [part for part in one.parts if not isinstance(part, Text)]
        case Call():
            return list(one.arguments)
        case Listing():
            return list(one.items)
        case Object():
            return [entry.value for entry in one.entries]
        case Choice():
            return list(one.options)
        case Other():
            return list(one.inner)
        case _:
            return []


@lru_cache(maxsize=1)
def _parser() -> Any:
    import tree_sitter
    import tree_sitter_hcl

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_hcl.language()))


def _characters(text: str) -> Callable[[int], int]:
    """From offsets in bytes to offsets in characters."""
    if text.isascii():
        return lambda offset: offset
    ends, extra = [0], [0]
    for found in _WIDE.finditer(text):
        more = len(found[0].encode("utf-8", "surrogateescape")) - 1
        extra.append(extra[-1] + more)
        ends.append(found.end() + extra[-1])
    return lambda offset: offset - extra[bisect_right(ends, offset) - 1]


class _Reader:
    """Values from tree-sitter's nodes."""

    def __init__(self, text: str, characters: Callable[[int], int]) -> None:
        self._text = text
        self._characters = characters

    def body(self, nodes: list[Any], depth: int) -> Body:
        attributes: list[Attribute] = []
        blocks: list[Block] = []
        stack = [(node, depth) for node in reversed(nodes)]
        while stack:
            node, level = stack.pop()
            if level > _MAX_DEPTH:
                continue
            if node.type == "attribute":
                made = self._attribute(node, level + 1)
                if made is not None:
                    attributes.append(made)
            elif node.type == "block":
                blocks.append(self._block(node, level + 1))
            elif node.type in ("body", "ERROR", "config_file"):
                stack.extend((child, level + 1) for child in reversed(node.children))
        return Body(tuple(attributes), tuple(blocks))

    def _attribute(self, node: Any, depth: int) -> Attribute | None:
        children = node.children
        value = next((one for one in children if one.type == "expression"), None)
        if not children or children[0].type != "identifier" or value is None:
            return None
        span = self._span(children[0])
        return Attribute(self._cut(span), span, self.expression(value, depth))

    def _block(self, node: Any, depth: int) -> Block:
        names: list[str] = []
        rest: list[Any] = []
        for child in node.children:
            if child.type == "identifier":
                names.append(self._cut(self._span(child)))
            elif child.type == "string_lit":
                names.append(self._cut(self._content(child)))
            else:
                rest.append(child)
        span = self._span(node)
        return Block(names[0] if names else "", tuple(names[1:]), span, self.body(rest, depth))

    def expression(self, node: Any, depth: int) -> Expression:
        """The value of an `expression` node, or of what stands in one."""
        span = self._span(node)
        if depth > _MAX_DEPTH:
            return Other(span)
        match node.type:
            case "expression":
                return self._chain(node, depth)
            case "literal_value" | "template_expr" | "collection_value" | "operation":
                children = node.named_children
                return self.expression(children[0], depth + 1) if children else Other(span)
            case "for_expr":
                return Other(span, self._expressions(node, depth))
            case "string_lit" | "quoted_template" | "heredoc_template":
                return self._template(node, depth)
            case "variable_expr":
                return Reach(span, (self._cut(span),))
            case "function_call":
                return self._call(node, span, depth)
            case "tuple":
                items = [one for one in node.named_children if one.type == "expression"]
                return Listing(span, tuple(self.expression(one, depth + 1) for one in items))
            case "object":
                return self._object(node, span, depth)
            case "conditional":
                options = self._expressions(node, depth)
                return Choice(span, options[1:]) if len(options) == 3 else Other(span, options)
            case "numeric_lit" | "bool_lit" | "null_lit":
                return Other(span, text=self._cut(span))
            case _:
                return Other(span, self._expressions(node, depth))

    def _expressions(self, node: Any, depth: int) -> tuple[Expression, ...]:
        return tuple(
            self.expression(one, depth + 1)
            for one in node.named_children
            if one.type not in ("identifier", "comment", "for_intro", "object_start", "tuple_start")
        )

    def _chain(self, node: Any, depth: int) -> Expression:
        """A value, and what is taken from it with dots and brackets."""
        children = [one for one in node.named_children if one.type != "comment"]
        if not children:
            return Other(self._span(node))
        value = self.expression(children[0], depth + 1)
        if len(children) == 1:
            return value
        if not isinstance(value, Reach):
            return Other(self._span(node), (value,))
        steps = tuple(self._step(one, depth) for one in children[1:])
        return Reach(self._span(node), value.path + steps)

    def _step(self, node: Any, depth: int) -> str:
        found = node
        while found.named_children and found.type in (
            "get_attr",
            "index",
            "new_index",
            "expression",
        ):
            found = found.named_children[0]
        if found.type == "identifier":
            return self._cut(self._span(found))
        if found.type == "literal_value":
            value = self.expression(found, depth + 1)
            if isinstance(value, Template):
                return value.literal or "*"
            return value.text if isinstance(value, Other) else "*"
        return "*"

    def _call(self, node: Any, span: Span, depth: int) -> Call:
        name, arguments = "", []
        for child in node.named_children:
            if child.type == "identifier":
                name = self._cut(self._span(child))
            elif child.type == "function_arguments":
                arguments = [one for one in child.named_children if one.type == "expression"]
        return Call(span, name, tuple(self.expression(one, depth + 1) for one in arguments))

    def _object(self, node: Any, span: Span, depth: int) -> Object:
        entries = []
        for element in node.named_children:
            pair = [one for one in element.named_children if one.type == "expression"]
            if element.type != "object_elem" or len(pair) != 2:
                continue
            key = self.expression(pair[0], depth + 1)
            text = ""
            if isinstance(key, Reach) and len(key.path) == 1:
                text = key.path[0]
            elif isinstance(key, Template):
                text = key.literal or ""
            entries.append(Entry(text, key.span, self.expression(pair[1], depth + 1)))
        return Object(span, tuple(entries))

    def _template(self, node: Any, depth: int) -> Template:
        heredoc = node.type == "heredoc_template"
        span = self._heredoc(node) if heredoc else self._content(node)
        parts: list[Text | Expression] = []
        at = span.start
        for child in node.named_children:
            if child.type not in ("template_interpolation", "template_directive"):
                continue
            place = self._span(child)
            if place.start > at:
                parts.append(self._words(at, place.start))
            inner = [one for one in child.named_children if one.type == "expression"]
            directive = child.type == "template_directive" or not inner
            made = Other(place) if directive else self.expression(inner[0], depth + 1)
            parts.append(made)
            at = place.end
        if at < span.end:
            parts.append(self._words(at, span.end))
        return Template(span, tuple(parts), heredoc)

    def _words(self, start: int, end: int) -> Text:
        return Text(self._text[start:end], Span(start, end))

    def _content(self, node: Any) -> Span:
        """Between the quotes."""
        span = self._span(node)
        closed = self._text[span.end - 1 : span.end] == '"' and span.end - span.start > 1
        return Span(span.start + 1, span.end - 1 if closed else span.end)

    def _heredoc(self, node: Any) -> Span:
        """From the line after the opening mark to the line of the closing one."""
        marks = [one for one in node.children if one.type == "heredoc_identifier"]
        span = self._span(node)
        start = self._text.find("\n", self._span(marks[0]).end if marks else span.start)
        end = self._span(marks[-1]).start if len(marks) > 1 else span.end
        end = max(self._text.rfind("\n", 0, end) + 1, 0) if len(marks) > 1 else end
        start = start + 1 if 0 <= start < end else end
        return Span(start, end)

    def _span(self, node: Any) -> Span:
        return Span(self._characters(node.start_byte), self._characters(node.end_byte))

    def _cut(self, span: Span) -> str:
        return self._text[span.start : span.end]
