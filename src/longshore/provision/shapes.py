"""Shapes that single values of a document must have, and how reading notes problems. Pure.

Lists and mappings are in `structures`. A shape's `read` gives the value, or None after noting a
problem, so that all mistakes of a file come out at once. `schema` describes the same shape
for editors.

>>> from longshore.provision.document import parse_document
>>> node, _ = parse_document("yes", "x.yaml")
>>> reading = Reading({})
>>> Flag().read(node, reading), reading.problems[0].message
(None, "wants true or false, not 'yes'")
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Generic, TypeVar

from longshore.errors import Problem, UsageError, Where
from longshore.provision import document
from longshore.provision.document import Node, Scalar
from longshore.provision.settings import Expanded
from longshore.text import tr

T = TypeVar("T")
Schema = dict[str, Any]

_VARIABLE = re.compile(r"\$\$\{|\$\{(?P<body>[^}]*)\}?")
_VARIABLE_BODY = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>.*))?\Z", re.S)
_BY_REFERENCE: Schema = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}"}


@dataclass
class Reading:
    """One pass over a document: the environment that `${ENV}` asks, and the problems found."""

    environ: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)

    def fail(
        self, where: Where, message: str, hint: str = "", code: str = "config-invalid"
    ) -> None:
        """Note a problem."""
        self.problems.append(Problem(where, message, code, hint))

    def expand(self, node: Scalar) -> str | None:
        """The text with `${ENV}` filled in; `$${` stands for `${`. None when that fails."""
        if "${" not in node.text:
            return node.text
        failed = False

        def fill(match: re.Match[str]) -> str:
            nonlocal failed
            if match[0] == "$${":
                return "${"
            value = self._variable(match, node.where)
            failed = failed or value is None
            return value or ""

        text = _VARIABLE.sub(fill, node.text)
        return None if failed else Expanded(text, node.text)

    def _variable(self, match: re.Match[str], where: Where) -> str | None:
        body = _VARIABLE_BODY.match(match["body"])
        if body is None or not match[0].endswith("}"):
            message = tr("'{text}' is not a variable", text=match[0])
            self.fail(where, message, tr("write ${NAME} or ${NAME:-default}"))
            return None
        default: str | None = body["default"]
        value = self.environ.get(body["name"]) or default
        if value is None:
            message = tr("the variable {name} is not set", name=body["name"])
            hint = tr("set it, or write ${{{name}:-default}}", name=body["name"])
            self.fail(where, message, hint, "config-variable")
        return value


class Shape(Generic[T]):
    """What a value must look like."""

    wanted = ""

    def read(self, node: Node, reading: Reading) -> T | None:
        """The value, or None after noting why not."""
        raise NotImplementedError

    def schema(self) -> Schema:
        """The shape in JSON Schema."""
        raise NotImplementedError

    def mismatch(self, node: Node, reading: Reading, hint: str = "") -> None:
        """Note that the value is of another kind than wanted."""
        message = tr("wants {wanted}, not {found}", wanted=self.wanted, found=_found(node))
        reading.fail(node.where, message, hint)


class Text(Shape[str]):
    """Words. `pattern` must match all of it; `what` says in words what is wanted."""

    def __init__(self, what: str = "", pattern: str = "", *, example: str = "") -> None:
        self.wanted = what or tr("text")
        self.pattern = pattern
        self.example = example

    def read(self, node: Node, reading: Reading) -> str | None:
        text = read_text(self, node, reading)
        if text is None or not self.pattern or re.fullmatch(self.pattern, text):
            return text
        reading.fail(node.where, not_what(text, self.wanted), self._hint())
        return None

    def _hint(self) -> str:
        return tr("for example {example}", example=self.example) if self.example else ""

    def schema(self) -> Schema:
        if not self.pattern:
            return {"type": "string"}
        return {"anyOf": [{"type": "string", "pattern": f"^(?:{self.pattern})$"}, _BY_REFERENCE]}


class Parsed(Shape[T]):
    """Text that a function of ours reads; its UsageError becomes the problem."""

    def __init__(self, what: str, parse: Callable[[str], T]) -> None:
        self.wanted = what
        self.parse = parse

    def read(self, node: Node, reading: Reading) -> T | None:
        text = read_text(self, node, reading)
        if text is None:
            return None
        try:
            return self.parse(text)
        except UsageError as error:
            filled = isinstance(text, Expanded)
            message = not_what(text, self.wanted) if filled else error.what
            reading.fail(node.where, message, error.hint)
            return None

    def schema(self) -> Schema:
        return {"type": "string"}


class Word(Shape[str]):
    """One of a few words."""

    def __init__(self, *words: str) -> None:
        self.words = words
        self.wanted = one_of(words)

    def read(self, node: Node, reading: Reading) -> str | None:
        text = read_text(self, node, reading)
        if text is None or text in self.words:
            return text
        reading.fail(node.where, not_what(text, self.wanted), did_you_mean(text, self.words))
        return None

    def schema(self) -> Schema:
        return {"anyOf": [{"enum": list(self.words)}, _BY_REFERENCE]}


class Flag(Shape[bool]):
    """true or false."""

    def __init__(self) -> None:
        self.wanted = tr("true or false")

    def read(self, node: Node, reading: Reading) -> bool | None:
        text = _expanded(node, reading, {"boolean"})
        if isinstance(text, str) and text.lower() in {"true", "false"}:
            return text.lower() == "true"
        if text is not None:
            hint = tr("write true or false, without quotes")
            self.mismatch(node, reading, hint if isinstance(node, Scalar) else "")
        return None

    def schema(self) -> Schema:
        return {"anyOf": [{"type": "boolean"}, _BY_REFERENCE]}


class Whole(Shape[int]):
    """A whole number within bounds."""

    def __init__(self, least: int = 0, most: int = 10**9) -> None:
        self.least, self.most = least, most
        self.wanted = tr("a whole number from {least} to {most}", least=least, most=most)

    def read(self, node: Node, reading: Reading) -> int | None:
        text = _expanded(node, reading, {"integer"})
        if isinstance(text, str) and re.fullmatch(r"\+?[0-9]{1,18}", text):
            value = int(text)
            if self.least <= value <= self.most:
                return value
        if text is not None:
            quoted = isinstance(node, Scalar) and node.kind == "text" and node.text.isdecimal()
            self.mismatch(node, reading, tr("write it without quotes") if quoted else "")
        return None

    def schema(self) -> Schema:
        number = {"type": "integer", "minimum": self.least, "maximum": self.most}
        return {"anyOf": [number, _BY_REFERENCE]}


class Number(Shape[float]):
    """A number of zero or more."""

    def __init__(self) -> None:
        self.wanted = tr("a number")

    def read(self, node: Node, reading: Reading) -> float | None:
        text = _expanded(node, reading, {"integer", "number"})
        if isinstance(text, str) and re.fullmatch(r"\+?[0-9]{1,15}(\.[0-9]{0,15})?", text):
            return float(text)
        if text is not None:
            self.mismatch(node, reading)
        return None

    def schema(self) -> Schema:
        return {"anyOf": [{"type": "number", "minimum": 0}, _BY_REFERENCE]}


class NumberOr(Shape[int | str]):
    """A whole number, or one of a few words."""

    def __init__(self, number: Whole, words: Word) -> None:
        self.number, self.words = number, words
        self.wanted = tr("{number} or {words}", number=number.wanted, words=words.wanted)

    def read(self, node: Node, reading: Reading) -> int | str | None:
        if isinstance(node, Scalar) and node.kind == "text":
            text = reading.expand(node)
            if text is None or not re.fullmatch("[0-9]+", text):
                return None if text is None else self.words.read(node, reading)
        return self.number.read(node, reading)

    def schema(self) -> Schema:
        return {"anyOf": [*self.number.schema()["anyOf"], {"enum": list(self.words.words)}]}


def read_text(shape: Shape[Any], node: Node, reading: Reading) -> str | None:
    """The node's text, variables filled in; a number or boolean is told to be quoted."""
    if isinstance(node, Scalar) and node.kind == "text":
        text = reading.expand(node)
        if text is not None and any(ord(mark) < 32 and mark not in "\t\n\r" for mark in text):
            reading.fail(node.where, tr("a control character stands in the value"))
            return None
        return text
    if isinstance(node, Scalar) and node.kind != "nothing":
        message = tr(
            "wants {wanted}, but YAML reads {text} as {kind}",
            wanted=shape.wanted,
            text=node.text,
            kind=_kind_name(node),
        )
        reading.fail(node.where, message, tr('write it in quotes: "{text}"', text=node.text))
        return None
    shape.mismatch(node, reading)
    return None


def not_what(text: str, wanted: str) -> str:
    """The sentence for a value that is not what is wanted; variables are not filled in."""
    if isinstance(text, Expanded):
        return tr("the value of {raw} is not {wanted}", raw=text.raw, wanted=wanted)
    return tr("'{text}' is not {wanted}", text=text, wanted=wanted)


def one_of(words: Iterable[str]) -> str:
    """The words as a choice."""
    return tr("one of: {words}", words=", ".join(words))


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that looks most like this one, or nothing."""
    near = get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return near[0] if near else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint with the nearest known word, or nothing."""
    near = nearest(word, known)
    return tr("did you mean '{word}'?", word=near) if near else ""


def _expanded(node: Node, reading: Reading, kinds: set[str]) -> str | bool | None:
    """The text of a scalar of these kinds or with a variable; False when it is another kind."""
    if not isinstance(node, Scalar):
        return False
    if node.kind in kinds:
        return node.text
    return reading.expand(node) if node.kind == "text" and "${" in node.text else False


def _kind_name(node: Scalar) -> str:
    return tr("true or false") if node.kind == "boolean" else tr("a number")


def _found(node: Node) -> str:
    if isinstance(node, document.Mapping):
        return tr("a mapping")
    if isinstance(node, document.Sequence):
        return tr("a list")
    return tr("nothing") if node.kind == "nothing" else f"'{shown(node)}'"


def shown(node: Node) -> str:
    """The value as a message may quote it: a scalar, cut; nothing for the rest."""
    text = node.text if isinstance(node, Scalar) else ""
    return text if len(text) <= 60 else f"{text[:57]}..."
