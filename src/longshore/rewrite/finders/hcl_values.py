"""What an HCL expression names: variables, locals and simple functions filled in. Pure.

One expression can give several readings: the branches of a condition, the arguments of `coalesce`.
A reading stands where its characters are used; what a variable's default decides is a piece.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from longshore.rewrite.finders.readings import Value
from longshore.rewrite.mentions import OPEN, Part, Piece
from longshore.rewrite.syntax.hcl import (
    Call,
    Choice,
    Entry,
    Expression,
    Listing,
    Object,
    Other,
    Reach,
    Template,
    Text,
)

_MAX_DEPTH = 12
_MOST = 16
_FIRST_KNOWN = {"coalesce", "try", "nonsensitive", "sensitive", "tostring", "trimspace", "lower"}
_FORMAT = re.compile(r"%(?:%|[-+ 0#]*\d*(?:\.\d+)?[a-zA-Z])")
_REGISTRIES = {
    ("aws_ecr_repository", "repository_url"): f"{OPEN}.dkr.ecr.{OPEN}.amazonaws.com/{OPEN}",
    ("aws_ecrpublic_repository", "repository_uri"): f"public.ecr.aws/{OPEN}",
    ("azurerm_container_registry", "login_server"): f"{OPEN}.azurecr.io",
}


@dataclass(frozen=True)
class Defined:
    """A name's value, and the path of the file that gives it."""

    file: str
    value: Expression


Lookup = Callable[[tuple[str, ...]], Sequence[Defined]]


def nothing_defined(_path: tuple[str, ...]) -> Sequence[Defined]:
    """The lookup of a file that defines no names."""
    return ()


def values(expression: Expression, file: str, lookup: Lookup, depth: int = 0) -> list[Value]:
    """Every reading of an expression of `file`; what is not known is OPEN."""
    if depth > _MAX_DEPTH:
        return [Value(OPEN)]
    match expression:
        case Template():
            return _template(expression, file, lookup, depth)
        case Reach():
            return _reach(expression, lookup, depth)
        case Call():
            return _call(expression, file, lookup, depth)
        case Choice():
            found = [v for one in expression.options for v in values(one, file, lookup, depth + 1)]
            return _distinct(found)
        case Other(text=text) if text and text != "null":
            return [Value(text)]
        case _:
            return [Value(OPEN)]


def branches(expression: Expression) -> list[Expression]:
    """The expressions that one can choose from; itself when there is no choice."""
    found: list[Expression] = []
    stack = [expression]
    while stack and len(found) < _MOST:
        one = stack.pop()
        if isinstance(one, Choice):
            stack.extend(reversed(one.options))
        elif isinstance(one, Call) and one.name in _FIRST_KNOWN:
            stack.extend(reversed(one.arguments))
        elif isinstance(one, Call) and one.name == "lookup" and len(one.arguments) == 3:
            stack.extend((one.arguments[2], Reach(one.span, ("*",))))
        elif isinstance(one, Other) and len(one.inner) == 1:
            stack.append(one.inner[0])
        else:
            found.append(one)
    return found


def take(value: Expression, keys: Sequence[str]) -> Expression | None:
    """What stands under these keys of a value; None when that is not known."""
    for key in keys:
        if isinstance(value, Object):
            inner = value.get(key)
        elif isinstance(value, Listing) and key.isdigit() and int(key) < len(value.items):
            inner = value.items[int(key)]
        else:
            inner = None
        if inner is None:
            return None
        value = inner
    return value


def entries(expression: Expression | None) -> Iterable[Entry]:
    """The entries of an object; none for anything else."""
    return expression.entries if isinstance(expression, Object) else ()


def _distinct(found: Iterable[Value]) -> list[Value]:
    return list({one.text: one for one in found}.values())[:_MOST]


def _template(template: Template, file: str, lookup: Lookup, depth: int) -> list[Value]:
    readings = [Value("")]
    for at, part in enumerate(template.parts):
        if isinstance(part, Text):
            options = [Value(part.text)]
        else:
            options = values(part, file, lookup, depth + 1)
        kept = None if isinstance(part, Text) or at else _part(template.parts[1:])
        readings = [_joined(a, b, kept) for a in readings for b in options][:_MOST]
    return readings


def _part(rest: Sequence[Text | Expression]) -> Part:
    """Which part of a reference an expression decides that stands at its beginning."""
    if not rest:
        return "reference"
    first = rest[0]
    return "registry" if isinstance(first, Text) and first.text.startswith("/") else "repository"


def _joined(before: Value, after: Value, part: Part | None) -> Value:
    pieces = before.pieces
    if part is not None:
        pieces += tuple(replace(one, part=part) for one in after.pieces[:1])
    return Value(
        before.text + after.text,
        pieces,
        before.missing + after.missing,
        before.used + after.used,
    )


def _reach(reach: Reach, lookup: Lookup, depth: int) -> list[Value]:
    names = reach.path[1:] if reach.path[0] == "data" else reach.path
    if names and (names[0], names[-1]) in _REGISTRIES:
        return [Value(_REGISTRIES[names[0], names[-1]])]
    found: list[Value] = []
    for defined in lookup(reach.path):
        used = (defined.file, defined.value.span)
        if isinstance(defined.value, (Object, Listing)):
            continue
        whole = isinstance(defined.value, Template) and defined.value.literal is not None
        for one in values(defined.value, defined.file, lookup, depth + 1):
            pieces = one.pieces
            if whole:
                pieces = (Piece(defined.file, defined.value.span, one.text),)
            found.append(replace(one, pieces=pieces, used=(*one.used, used)))
    return _distinct(found) or [Value(OPEN, missing=(".".join(reach.path),))]


def _call(call: Call, file: str, lookup: Lookup, depth: int) -> list[Value]:
    arguments = call.arguments
    if call.name in _FIRST_KNOWN:
        found = [v for one in arguments for v in values(one, file, lookup, depth + 1)]
        return [one for one in _distinct(found) if one.known] or [Value(OPEN)]
    if call.name == "format" and arguments:
        return _formatted(call, file, lookup, depth)
    if call.name == "join" and len(arguments) == 2 and isinstance(arguments[1], Listing):
        return _join(arguments[0], arguments[1], file, lookup, depth)
    if call.name == "lookup" and len(arguments) == 3:
        return values(arguments[2], file, lookup, depth + 1)
    return [Value(OPEN, missing=(f"{call.name}()",))]


def _formatted(call: Call, file: str, lookup: Lookup, depth: int) -> list[Value]:
    pattern = call.arguments[0]
    if not isinstance(pattern, Template) or pattern.literal is None:
        return [Value(OPEN)]
    rest = iter(call.arguments[1:])
    made, at, text = Value(""), 0, pattern.literal
    for found in _FORMAT.finditer(text):
        made = _joined(made, Value(text[at : found.start()]), None)
        at = found.end()
        argument = None if found[0] == "%%" else next(rest, None)
        options = values(argument, file, lookup, depth + 1) if argument is not None else []
        part: Part | None = None
        if not made.text:
            part = "registry" if text[at : at + 1] == "/" else "repository"
        one = options[0] if len(options) == 1 else Value("%" if found[0] == "%%" else OPEN)
        made = _joined(made, one, part)
    return [_joined(made, Value(text[at:]), None)]


def _join(glue: Expression, items: Listing, file: str, lookup: Lookup, depth: int) -> list[Value]:
    between = values(glue, file, lookup, depth + 1)[0].text
    made = Value("")
    for at, item in enumerate(items.items):
        options = values(item, file, lookup, depth + 1)
        one = options[0] if len(options) == 1 else Value(OPEN)
        made = _joined(made, Value(between if at else ""), None)
        made = _joined(made, one, "repository" if not at else None)
    return [made]
