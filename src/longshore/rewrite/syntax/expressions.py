"""GitHub's `${{ }}` expressions: the texts that a template can become, as far as is known. Pure.

A template gives several texts when a condition is open (`a && 'x' || 'y'`) or a name has several
values. Each text is made of fragments that remember where they stand, so that an edit finds its
way back to the matrix value or the `env:` line. What nobody knows here is the character OPEN.

>>> table = Table({"node": plain("18")})
>>> [one.text for one in texts_of("node:${{ matrix.node }}", {"matrix": table})]
['node:18']

Grammar: docs.github.com, "Evaluate expressions in workflows and actions".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from longshore.rewrite.mentions import OPEN
from longshore.rewrite.syntax.expression_grammar import (
    All,
    BadExpression,
    Binary,
    Call,
    Expression,
    Index,
    Literal,
    Name,
    Not,
    parse_expression,
    split_template,
)
from longshore.rewrite.syntax.yaml_nodes import Mapping as YamlMapping
from longshore.rewrite.syntax.yaml_nodes import Node, Scalar

MOST = 64
"""So many values of one template are followed."""
_DEEP = 40


@dataclass(frozen=True, eq=False)
class Fragment:
    """Characters of a text: `text` stands in `source.value` at `start` (None: nowhere)."""

    text: str
    source: Scalar | None = None
    start: int = 0
    needs: str = ""


@dataclass(frozen=True, eq=False)
class Text:
    """A scalar value. `kind`: string, number, boolean or null. Not `sure`: it may be absent."""

    fragments: tuple[Fragment, ...]
    kind: str = "string"
    sure: bool = True

    @property
    def text(self) -> str:
        """The characters, OPEN where they are unknown."""
        return "".join(one.text for one in self.fragments)

    @property
    def needs(self) -> tuple[str, ...]:
        """What would resolve the open parts."""
        return tuple(dict.fromkeys(one.needs for one in self.fragments if one.needs))

    @property
    def whole_source(self) -> Scalar | None:
        """The scalar that this text is the whole of, if there is one."""
        if len(self.fragments) != 1:
            return None
        one = self.fragments[0]
        whole = one.source is not None and one.start == 0 and one.source.value == one.text
        return one.source if whole else None


@dataclass(frozen=True, eq=False)
class Items:
    """A list."""

    items: tuple[Value, ...]


@dataclass(frozen=True, eq=False)
class Table:
    """A mapping; names are found in any case. A missing name is null, or unknown if `open`."""

    entries: Mapping[str, Value]
    open: bool = False

    def get(self, name: str) -> Value | None:
        """The value of a name, in any case."""
        if name in self.entries:
            return self.entries[name]
        wanted = name.lower()
        return next((one for key, one in self.entries.items() if key.lower() == wanted), None)


@dataclass(frozen=True, eq=False)
class Unknown:
    """A value that nobody knows here; `needs` is its name (`vars.REGISTRY`)."""

    needs: str = ""


@dataclass(frozen=True, eq=False)
class Choice:
    """One of several values."""

    options: tuple[Value, ...]


Value = Text | Items | Table | Unknown | Choice
Contexts = Mapping[str, Value]


def plain(text: str, kind: str = "string") -> Text:
    """A text that stands nowhere."""
    return Text((Fragment(text),), kind)


def written(scalar: Scalar) -> Text:
    """A scalar's own text, as it stands."""
    return Text((Fragment(scalar.value, scalar),), _kind_of(scalar))


def texts_of(
    template: Scalar | str, contexts: Contexts, start: int = 0, end: int | None = None
) -> list[Text]:
    """What a template (or a part of it) can become; the same text once. Never empty."""
    source = template if isinstance(template, Scalar) else None
    text = template.value if isinstance(template, Scalar) else template
    made: list[tuple[Fragment, ...]] = [()]
    for at, piece, is_expression in split_template(text[start:end]):
        if is_expression:
            options = [_fragments(one) for one in _values_at(piece, source, start + at, contexts)]
        else:
            options = [(Fragment(piece, source, start + at),)]
        made = [first + last for first in made for last in options][:MOST]
    found: dict[str, Text] = {}
    for fragments in made:
        one = Text(tuple(piece for piece in fragments if piece.text))
        found.setdefault(one.text, one)
    return list(found.values())


def values_of(node: Node, contexts: Contexts, depth: int = 0) -> list[Value]:
    """What a YAML node stands for: templates filled in, lists and mappings followed."""
    if depth > _DEEP:
        return [Unknown()]
    if isinstance(node, Scalar):
        return _scalar_values(node, contexts)
    if isinstance(node, YamlMapping):
        entries = {
            key.value: one_of(values_of(value, contexts, depth + 1)) for key, value in node.items()
        }
        return [Table(entries)]
    return [Items(tuple(one_of(values_of(item, contexts, depth + 1)) for item in node.items))]


def unsure(value: Value) -> Value:
    """The same value, which may also be absent."""
    return replace(value, sure=False) if isinstance(value, Text) else value


def one_of(values: Sequence[Value]) -> Value:
    """Several values as one."""
    return values[0] if len(values) == 1 else Choice(tuple(values))


def options_of(value: Value) -> Iterator[Value]:
    """The values that a value may be, choices opened."""
    if isinstance(value, Choice):
        for one in value.options:
            yield from options_of(one)
    else:
        yield value


def evaluate(text: str, contexts: Contexts) -> list[Value]:
    """The values of a bare expression (what stands between the braces, or in `if:`)."""
    return _values_at(text, None, 0, contexts)


def truth(value: Value) -> bool | None:
    """Whether a value counts as true; None when that is open."""
    if isinstance(value, (Items, Table)):
        return True
    if not isinstance(value, Text) or OPEN in value.text or not value.sure:
        return None
    if value.kind == "string":
        return value.text != ""
    return value.text not in ("", "0", "false", "null")


def bare(value: Value) -> Any:
    """A value as JSON's types, for comparison; texts as they are written."""
    if isinstance(value, Text):
        return value.text
    if isinstance(value, Items):
        return [bare(one) for one in value.items]
    if isinstance(value, Table):
        return {key: bare(one) for key, one in value.entries.items()}
    if isinstance(value, Choice):
        return [OPEN, *(bare(one) for one in value.options)]
    return OPEN


def _kind_of(scalar: Scalar) -> str:
    if scalar.style:
        return "string"
    if scalar.value in ("true", "false"):
        return "boolean"
    if scalar.value in ("", "null", "~"):
        return "null"
    return "number" if scalar.value.replace(".", "", 1).isdigit() else "string"


def _scalar_values(node: Scalar, contexts: Contexts) -> list[Value]:
    if "${{" not in node.value:
        return [written(node)]
    parts = [one for one in split_template(node.value) if one[2] or one[1].strip()]
    if len(parts) == 1 and parts[0][2]:
        return _values_at(parts[0][1], node, parts[0][0], contexts)
    return list(texts_of(node, contexts))


def _fragments(value: Value) -> tuple[Fragment, ...]:
    if isinstance(value, Text):
        return () if value.kind == "null" else value.fragments
    return (Fragment(OPEN, needs=value.needs if isinstance(value, Unknown) else ""),)


def _values_at(text: str, source: Scalar | None, start: int, contexts: Contexts) -> list[Value]:
    try:
        expression = parse_expression(text)
    except BadExpression:
        return [Unknown(text.strip())]
    return _Evaluation(contexts, source, start).of(expression)


@dataclass(frozen=True)
class _Evaluation:
    """Walks one parsed expression. `source` and `start` say where its text stands."""

    contexts: Contexts
    source: Scalar | None
    start: int
    functions: Mapping[str, Callable[[list[Value]], Value]] = field(default_factory=lambda: _KNOWN)

    def of(self, expression: Expression) -> list[Value]:
        """All values that the expression may have, at most MOST."""
        if isinstance(expression, Literal):
            at = Fragment(expression.text, self.source, self.start + expression.start)
            return [Text((at,), expression.kind)]
        if isinstance(expression, Name):
            found = self.contexts.get(expression.name.lower())
            return list(options_of(found if found is not None else Unknown(expression.name)))
        if isinstance(expression, Index):
            return self._index(expression)
        if isinstance(expression, All):
            return [_all_of(one) for one in self.of(expression.inner)]
        if isinstance(expression, Not):
            return [_boolean(_negated(truth(one))) for one in self.of(expression.inner)]
        if isinstance(expression, Call):
            return self._call(expression)
        return self._binary(expression)

    def _index(self, expression: Index) -> list[Value]:
        found: list[Value] = []
        for holder in self.of(expression.inner):
            for key in self.of(expression.key):
                name = key.text if isinstance(key, Text) else OPEN
                found += options_of(_member(holder, name, expression.written))
        return found[:MOST]

    def _call(self, expression: Call) -> list[Value]:
        name = expression.name.lower()
        if name == "case":
            return [
                one
                for arg in [*expression.args[1::2], *expression.args[-1:]]
                for one in self.of(arg)
            ]
        known = self.functions.get(name)
        if known is None:
            return [Unknown(f"{expression.name}()")]
        rows: list[list[Value]] = [[]]
        for arg in expression.args:
            rows = [[*row, one] for row in rows for one in self.of(arg)][:MOST]
        return [known(row) for row in rows]

    def _binary(self, expression: Binary) -> list[Value]:
        found: list[Value] = []
        for left in self.of(expression.left):
            if expression.operator in ("&&", "||"):
                found += self._either(left, expression)
            else:
                rights = self.of(expression.right)
                found += [_boolean(_compare(expression.operator, left, one)) for one in rights]
        return _distinct(found)[:MOST]

    def _either(self, left: Value, expression: Binary) -> list[Value]:
        is_true = truth(left)
        if is_true is None:
            other: list[Value] = [plain("")] if expression.operator == "&&" else [left]
            return [*self.of(expression.right), *other]
        if is_true == (expression.operator == "&&"):
            return self.of(expression.right)
        return [left]


def _distinct(values: list[Value]) -> list[Value]:
    found: dict[str, Value] = {}
    for number, one in enumerate(values):
        found.setdefault(one.text if isinstance(one, Text) else f"{OPEN}{number}", one)
    return list(found.values())


def _member(holder: Value, name: str, path: str) -> Value:
    if isinstance(holder, Table) and OPEN not in name:
        found = holder.get(name)
        if found is None:
            return Unknown(path) if holder.open else Text((), "null")
        return found if not isinstance(found, Unknown) or found.needs else Unknown(path)
    if isinstance(holder, Items) and name.isdigit():
        at = int(name)
        return holder.items[at] if at < len(holder.items) else Text((), "null")
    if isinstance(holder, Items):
        inner = [_member(one, name, path) for one in holder.items if isinstance(one, Table)]
        return Items(tuple(inner))
    return Text((), "null") if isinstance(holder, Text) and not holder.text else Unknown(path)


def _all_of(value: Value) -> Value:
    if isinstance(value, Table):
        return Items(tuple(value.entries.values()))
    return value


def _negated(known: bool | None) -> bool | None:
    return None if known is None else not known


def _boolean(known: bool | None) -> Value:
    return Unknown() if known is None else plain("true" if known else "false", "boolean")


def _compare(operator: str, left: Value, right: Value) -> bool | None:
    if not (isinstance(left, Text) and isinstance(right, Text)):
        return None
    first, second = left.text.lower(), right.text.lower()
    if OPEN in first or OPEN in second or not (left.sure and right.sure):
        return None
    if operator in ("==", "!="):
        return (first == second) == (operator == "==")
    try:
        numbers = float(first or 0), float(second or 0)
    except ValueError:
        return None
    return {
        "<": numbers[0] < numbers[1],
        "<=": numbers[0] <= numbers[1],
        ">": numbers[0] > numbers[1],
        ">=": numbers[0] >= numbers[1],
    }.get(operator)


def _format(args: list[Value]) -> Value:
    if not args or not isinstance(args[0], Text):
        return Unknown("format()")
    pattern = args[0].text
    fragments: list[Fragment] = []
    at = 0
    while at < len(pattern):
        if pattern[at : at + 2] in ("{{", "}}"):
            fragments.append(Fragment(pattern[at]))
            at += 2
            continue
        end = pattern.find("}", at) if pattern[at] == "{" else -1
        number = pattern[at + 1 : end] if end > 0 else ""
        if number.isdigit() and len(number) < 4 and int(number) + 1 < len(args):
            fragments += _fragments(args[int(number) + 1])
            at = end + 1
            continue
        stop = min(
            (i for i in (pattern.find("{", at + 1), pattern.find("}", at + 1)) if i > 0),
            default=len(pattern),
        )
        fragments.append(Fragment(pattern[at:stop]))
        at = stop
    return Text(tuple(fragments))


def _join(args: list[Value]) -> Value:
    if not args or not isinstance(args[0], Items):
        return args[0] if args else Unknown("join()")
    between = args[1] if len(args) > 1 else plain(",")
    fragments: list[Fragment] = []
    for number, one in enumerate(args[0].items):
        fragments += _fragments(between) if number else ()
        fragments += _fragments(one)
    return Text(tuple(fragments))


def _to_json(args: list[Value]) -> Value:
    if not args or isinstance(args[0], (Unknown, Choice)):
        return Unknown("toJSON()")
    return plain(json.dumps(bare(args[0]), ensure_ascii=False))


def _from_json(args: list[Value]) -> Value:
    if not args or not isinstance(args[0], Text) or OPEN in args[0].text:
        needs = args[0].needs if args and isinstance(args[0], (Text, Unknown)) else ""
        return Unknown(needs if isinstance(needs, str) else ", ".join(needs))
    text = args[0]
    try:
        read = json.loads(text.text)
    except (ValueError, RecursionError):
        return Unknown("fromJSON()")
    only = text.fragments[0] if len(text.fragments) == 1 else Fragment(text.text)
    return _JsonValues(only).of(read, 0)


class _JsonValues:
    """Parsed JSON as values; texts are looked up in order in the fragment they came from."""

    def __init__(self, whole: Fragment) -> None:
        self._whole = whole
        self._at = 0

    def of(self, read: Any, depth: int) -> Value:
        if depth > _DEEP:
            return Unknown()
        if isinstance(read, dict):
            entries: dict[str, Value] = {}
            for key, one in read.items():
                self._skip(str(key))
                entries[str(key)] = self.of(one, depth + 1)
            return Table(entries)
        if isinstance(read, list):
            return Items(tuple(self.of(one, depth + 1) for one in read))
        if isinstance(read, str):
            return self._text(read)
        kind = "boolean" if isinstance(read, bool) else "null" if read is None else "number"
        return plain("" if read is None else json.dumps(read), kind)

    def _skip(self, key: str) -> int:
        at = self._whole.text.find(f'"{key}"', self._at)
        if at >= 0:
            self._at = at + len(key) + 2
        return at

    def _text(self, read: str) -> Text:
        at = self._skip(read)
        if at < 0:
            return plain(read)
        return Text((Fragment(read, self._whole.source, self._whole.start + at + 1),))


def _test(name: str) -> Callable[[list[Value]], Value]:
    def look(args: list[Value]) -> Value:
        if len(args) != 2 or not isinstance(args[1], Text) or OPEN in args[1].text:
            return Unknown(f"{name}()")
        held, wanted = args[0], args[1].text.lower()
        if isinstance(held, Items) and name == "contains":
            texts = [one.text.lower() if isinstance(one, Text) else OPEN for one in held.items]
            return _boolean(True if wanted in texts else None if OPEN in texts else False)
        if not isinstance(held, Text) or OPEN in held.text:
            return Unknown(f"{name}()")
        text = held.text.lower()
        known = {
            "contains": wanted in text,
            "startsWith": text.startswith(wanted),
            "endsWith": text.endswith(wanted),
        }
        return _boolean(known[name])

    return look


_KNOWN: dict[str, Callable[[list[Value]], Value]] = {
    "format": _format,
    "join": _join,
    "tojson": _to_json,
    "fromjson": _from_json,
    "contains": _test("contains"),
    "startswith": _test("startsWith"),
    "endswith": _test("endsWith"),
}
