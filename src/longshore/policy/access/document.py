"""IAM policy documents as values: read a text, or say what is wrong with it and where. Pure.

Grammar: IAM User Guide, "Grammar of the IAM JSON policy language". A value may stand alone or in a
list; here it is always a tuple. What a document allows is decided in `evaluate`.

>>> parse_document('{"Statement": {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}}').version
'2008-10-17'
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from longshore.errors import UsageError, Where
from longshore.text import tr

Effect = Literal["Allow", "Deny"]
PolicyKind = Literal["identity", "resource"]
PRINCIPAL_TYPES = ("AWS", "Service", "Federated", "CanonicalUser")
EVERYONE = "*"


@dataclass(frozen=True)
class Condition:
    """One operator with one key: `StringEquals`, `aws:SourceAccount`, the values allowed."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Principals:
    """Whom a statement is about: pairs of type (`AWS`, ...) and value. `*` alone is everyone."""

    entries: tuple[tuple[str, str], ...]
    negated: bool = False

    @property
    def everyone(self) -> bool:
        """Whether the statement names everyone, signed in or not."""
        return not self.negated and any(
            kind in ("AWS", EVERYONE) and value == EVERYONE for kind, value in self.entries
        )


@dataclass(frozen=True)
class Statement:
    """One statement. `path` is its place in the document: `Statement[1]`.

    `actions` and `resources` are patterns; negated, they are those that the statement spares.
    `resources` is empty in a repository policy, which is about its repository.
    """

    effect: Effect
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    principals: Principals | None = None
    conditions: tuple[Condition, ...] = ()
    sid: str = ""
    not_actions: bool = False
    not_resources: bool = False
    path: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """How people find the statement: its Sid, else its place."""
        return self.sid or self.path


@dataclass(frozen=True)
class Document:
    """A policy document; `name` says which one in answers (a policy's name, a file)."""

    statements: tuple[Statement, ...]
    version: str = "2012-10-17"
    name: str = ""


@dataclass(frozen=True)
class Flaw:
    """One thing that IAM refuses, or that is not what it looks like; `path` is its place."""

    path: str
    message: str


class DocumentRefused(UsageError):
    """The text is no policy document; `flaws` has everything that was found."""

    default_code = "iam-policy-invalid"

    def __init__(self, flaws: tuple[Flaw, ...], name: str = "") -> None:
        self.flaws = flaws
        said = "; ".join(
            f"{flaw.path}: {flaw.message}" if flaw.path else flaw.message for flaw in flaws
        )
        super().__init__(
            tr("this is no IAM policy document: {why}", why=said),
            tr("correct {path}", path=flaws[0].path or tr("the text")),
            where=Where(resource=name) if name else Where(),
        )


def parse_document(text: str, name: str = "") -> Document:
    """Read a policy document. Raises DocumentRefused with every flaw that was found."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, ValueError) else tr("it is nested too deep")
        raise DocumentRefused((Flaw("", tr("it is not JSON: {why}", why=why)),), name) from None
    return read_document(value, name)


def read_document(value: Any, name: str = "") -> Document:
    """The document of a decoded JSON value. Raises DocumentRefused."""
    flaws = tuple(_document_flaws(value))
    if flaws:
        raise DocumentRefused(flaws, name)
    version = value.get("Version", "2008-10-17")
    statements = tuple(
        _statement(one, path) for one, path in _entries(value["Statement"], "Statement")
    )
    return Document(statements, version, name)


# --- reading --------------------------------------------------------------------------------------


def _statement(value: Mapping[str, Any], path: str) -> Statement:
    return Statement(
        effect=value["Effect"],
        actions=_texts(value.get("Action", value.get("NotAction", ()))),
        resources=_texts(value.get("Resource", value.get("NotResource", ()))),
        principals=_principals(value),
        conditions=tuple(_conditions(value.get("Condition", {}))),
        sid=value.get("Sid", ""),
        not_actions="NotAction" in value,
        not_resources="NotResource" in value,
        path=path,
    )


def _principals(value: Mapping[str, Any]) -> Principals | None:
    negated = "NotPrincipal" in value
    found = value.get("NotPrincipal" if negated else "Principal")
    if found is None:
        return None
    if found == EVERYONE:
        return Principals(((EVERYONE, EVERYONE),), negated)
    return Principals(
        tuple((kind, one) for kind, values in found.items() for one in _texts(values)), negated
    )


def _conditions(block: Mapping[str, Mapping[str, Any]]) -> Iterator[Condition]:
    for operator, keys in block.items():
        for key, values in keys.items():
            yield Condition(operator, key, _texts(values))


def _texts(value: Any) -> tuple[str, ...]:
    """A value or a list of them, as texts: `true` is "true", as IAM reads it."""
    values = value if isinstance(value, list | tuple) else [value]
    return tuple(_text(one) for one in values)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _entries(value: Any, path: str) -> Iterator[tuple[Any, str]]:
    if isinstance(value, list):
        yield from ((one, f"{path}[{place}]") for place, one in enumerate(value))
    else:
        yield value, path


# --- checking -------------------------------------------------------------------------------------

_MEMBERS = frozenset(
    ("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource",
     "NotResource", "Condition")
)  # fmt: skip
_PAIRS = (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal"))


def _document_flaws(value: Any) -> Iterator[Flaw]:
    if not isinstance(value, dict):
        yield Flaw("", tr("it must be an object"))
        return
    for name in sorted(set(value) - {"Version", "Id", "Statement"}):
        yield Flaw(name, tr("IAM knows no such member"))
    if value.get("Version", "2012-10-17") not in ("2012-10-17", "2008-10-17"):
        yield Flaw("Version", tr('the version is "2012-10-17"'))
    if "Statement" not in value:
        yield Flaw("Statement", tr("it is missing"))
        return
    sids: set[str] = set()
    for one, path in _entries(value["Statement"], "Statement"):
        yield from _statement_flaws(one, path)
        sid = one.get("Sid") if isinstance(one, dict) else None
        if isinstance(sid, str) and sid and sid in sids:
            yield Flaw(f"{path}.Sid", tr("the Sid {sid} is used twice", sid=sid))
        sids.add(sid if isinstance(sid, str) else "")


def _statement_flaws(value: Any, path: str) -> Iterator[Flaw]:
    if not isinstance(value, dict):
        yield Flaw(path, tr("a statement must be an object"))
        return
    for name in sorted(set(value) - _MEMBERS):
        yield Flaw(f"{path}.{name}", tr("IAM knows no such member"))
    if value.get("Effect") not in ("Allow", "Deny"):
        yield Flaw(f"{path}.Effect", tr("the effect is Allow or Deny, in just this spelling"))
    for one, other in _PAIRS:
        if one in value and other in value:
            yield Flaw(path, tr("{one} and {other} exclude each other", one=one, other=other))
    if "Action" not in value and "NotAction" not in value:
        yield Flaw(path, tr("it names no action"))
    for name in ("Action", "NotAction", "Resource", "NotResource"):
        if name in value and not _is_text_or_list(value[name]):
            yield Flaw(f"{path}.{name}", tr("it must be a text or a list of texts"))
    if "Sid" in value and not isinstance(value["Sid"], str):
        yield Flaw(f"{path}.Sid", tr("it must be a text"))
    for name in ("Principal", "NotPrincipal"):
        if name in value:
            yield from _principal_flaws(value[name], f"{path}.{name}")
    yield from _condition_flaws(value.get("Condition", {}), f"{path}.Condition")


def _principal_flaws(value: Any, path: str) -> Iterator[Flaw]:
    if value == EVERYONE:
        return
    if not isinstance(value, dict) or not value:
        yield Flaw(path, tr('it must be "*" or an object such as {"AWS": "arn:..."}'))
        return
    for kind, values in value.items():
        if kind not in PRINCIPAL_TYPES:
            yield Flaw(f"{path}.{kind}", tr("IAM knows no such type of principal"))
        elif not _is_text_or_list(values):
            yield Flaw(f"{path}.{kind}", tr("it must be a text or a list of texts"))


def _condition_flaws(value: Any, path: str) -> Iterator[Flaw]:
    if not isinstance(value, dict):
        yield Flaw(path, tr("it must be an object"))
        return
    for operator, keys in value.items():
        if not isinstance(keys, dict) or not keys:
            yield Flaw(f"{path}.{operator}", tr("it must be an object of keys"))
            continue
        for key, values in keys.items():
            listed = values if isinstance(values, list) else [values]
            if not all(isinstance(one, str | bool | int | float) for one in listed):
                yield Flaw(f"{path}.{operator}.{key}", tr("it must be a value or a list of them"))


def _is_text_or_list(value: Any) -> bool:
    listed = value if isinstance(value, list) else [value]
    return bool(listed) and all(isinstance(one, str) for one in listed)
