"""Shapes of lists and mappings: made of smaller shapes, each value read with its place. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from longshore.errors import UsageError
from longshore.provision import document
from longshore.provision.document import Node, Scalar
from longshore.provision.shapes import Reading, Schema, Shape, did_you_mean, nearest, shown
from longshore.text import tr

T = TypeVar("T")


class ListOf(Shape[tuple[T, ...]]):
    """A list of values of one shape."""

    def __init__(self, item: Shape[T], *, least: int = 0, most: int = 10_000) -> None:
        self.item, self.least, self.most = item, least, most
        self.wanted = tr("a list")

    def read(self, node: Node, reading: Reading) -> tuple[T, ...] | None:
        if not isinstance(node, document.Sequence):
            hint = tr("put it in brackets: [{value}]", value=shown(node))
            self.mismatch(node, reading, hint if isinstance(node, Scalar) else "")
            return None
        if not self.least <= len(node.items) <= self.most:
            most, count = self.most, len(node.items)
            message = (
                tr("{count} entries; at most {most} are allowed", count=count, most=most)
                if count > most
                else tr("the list is empty")
            )
            reading.fail(node.items[most].where if count > most else node.where, message)
            return None
        values = [self.item.read(item, reading) for item in node.items]
        good = tuple(value for value in values if value is not None)
        return good if len(good) == len(values) else None

    def schema(self) -> Schema:
        limits = {"minItems": self.least} if self.least else {}
        limits |= {"maxItems": self.most} if self.most < 10_000 else {}
        return {"type": "array", "items": self.item.schema(), **limits}


class MapOf(Shape[tuple[tuple[str, T], ...]]):
    """Names of the user's choice, each with a value of one shape.

    `check` says what is wrong with a name, as message and hint.
    """

    def __init__(
        self,
        value: Shape[T],
        check: Callable[[str], tuple[str, str] | None] = lambda _: None,
        *,
        least: int = 0,
        most: int = 10_000,
    ) -> None:
        self.value, self.check, self.least, self.most = value, check, least, most
        self.wanted = tr("a mapping of names to values")

    def read(self, node: Node, reading: Reading) -> tuple[tuple[str, T], ...] | None:
        if not isinstance(node, document.Mapping):
            self.mismatch(node, reading)
            return None
        if len(node.entries) < self.least:
            reading.fail(node.where, tr("at least one entry is needed"))
            return None
        if len(node.entries) > self.most:
            where = node.entries[self.most].where
            reading.fail(where, tr("at most {most} entries are allowed", most=self.most))
            return None
        found: list[tuple[str, T]] = []
        for entry in node.entries:
            bad = self.check(entry.key)
            if bad:
                reading.fail(entry.where, *bad)
            value = self.value.read(entry.value, reading)
            if value is not None and not bad:
                found.append((entry.key, value))
        return tuple(found) if len(found) == len(node.entries) else None

    def schema(self) -> Schema:
        limits = {"minProperties": self.least} if self.least else {}
        limits |= {"maxProperties": self.most} if self.most < 10_000 else {}
        return {"type": "object", "additionalProperties": self.value.schema(), **limits}


@dataclass(frozen=True)
class Key(Generic[T]):
    """A key of a Struct: its shape, whether it must be there, and the argument it becomes."""

    shape: Shape[T]
    doc: str
    required: bool = False
    argument: str = ""


class Struct(Shape[T]):
    """Fixed keys. `build` gets the values as arguments, and `where` when `placed`."""

    def __init__(
        self, build: Callable[..., T], keys: Mapping[str, Key[Any]], *, placed: bool = False
    ) -> None:
        self.build, self.keys, self.placed = build, keys, placed
        self.wanted = tr("a mapping")

    def read(self, node: Node, reading: Reading) -> T | None:
        if not isinstance(node, document.Mapping):
            self.mismatch(node, reading, tr("it may have: {keys}", keys=", ".join(self.keys)))
            return None
        before = len(reading.problems)
        values: dict[str, Any] = {}
        guessed: set[str] = set()
        for entry in node.entries:
            key = self.keys.get(entry.key)
            if key is None:
                guessed.add(self._unknown(entry, reading))
            else:
                values[key.argument or entry.key] = key.shape.read(entry.value, reading)
        self._require(node, reading, guessed)
        if len(reading.problems) > before:
            return None
        return self._built(node, values, reading)

    def _built(self, node: Node, values: dict[str, Any], reading: Reading) -> T | None:
        try:
            return self.build(**values, **({"where": node.where} if self.placed else {}))
        except UsageError as error:
            reading.fail(node.where, error.what, error.hint)
            return None

    def _unknown(self, entry: document.Entry, reading: Reading) -> str:
        """Note the key; the known key that it was probably meant to be."""
        near = nearest(entry.key, self.keys)
        hint = tr("here may stand: {keys}", keys=", ".join(self.keys))
        message = tr("unknown key '{key}'", key=entry.key)
        hint = did_you_mean(entry.key, self.keys) or hint
        reading.fail(entry.where, message, hint, "config-unknown-key")
        return near

    def _require(self, node: document.Mapping, reading: Reading, guessed: set[str]) -> None:
        written = {entry.key for entry in node.entries} | guessed
        for name, key in self.keys.items():
            if key.required and name not in written:
                message = tr("the key '{key}' is missing", key=name)
                reading.fail(node.where, message, code="config-missing-key")

    def schema(self) -> Schema:
        properties = {
            name: {**key.shape.schema(), "description": key.doc} for name, key in self.keys.items()
        }
        required = [name for name, key in self.keys.items() if key.required]
        return {
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
            **({"required": required} if required else {}),
        }


class Either(Shape[T]):
    """A word, a list or a mapping: the kind of the value says which shape it must have."""

    def __init__(
        self,
        *,
        scalar: Shape[Any] | None = None,
        sequence: Shape[Any] | None = None,
        mapping: Shape[Any] | None = None,
        then: Callable[[Any], T],
    ) -> None:
        self.shapes = {Scalar: scalar, document.Sequence: sequence, document.Mapping: mapping}
        self.then = then
        self.wanted = tr(" or ").join(shape.wanted for shape in self.shapes.values() if shape)

    def read(self, node: Node, reading: Reading) -> T | None:
        shape = self.shapes[type(node)]
        if shape is None:
            self.mismatch(node, reading)
            return None
        value = shape.read(node, reading)
        return None if value is None else self.then(value)

    def schema(self) -> Schema:
        return {"anyOf": [shape.schema() for shape in self.shapes.values() if shape]}
