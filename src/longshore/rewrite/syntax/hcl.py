"""HCL (Terraform, Bake, Nomad, Packer) as values with exact positions. Pure.

Nothing is evaluated: a string is a `Template` of texts and expressions, `var.image` is a `Reach`.
What is broken costs the line around it, never the file. `hcl_reader` reads the text.

>>> name = Template(Span(1, 7), (Text("node:", Span(1, 6)), Reach(Span(8, 9), ("V",))))
>>> name.literal is None
True

Spec: github.com/hashicorp/hcl, hclsyntax/spec.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from longshore.rewrite.source import Span


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
    blocks: tuple[Block, ...] = ()

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
