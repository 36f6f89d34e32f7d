"""Variables in the values of CI files: a reference with all that is known filled in. Pure.

Each system writes variables in its own way (a `Dialect`) and knows its own values (a `Lookup`).
One variable may have several values (a matrix); then one text gives several references.

>>> braces = Dialect(re.compile(r"[$][{](?P<name>[a-z]+)[}]"))
>>> [one.value for one in expand("node:${v}", braces, {"v": (Known("18"),)}.get)]
['node:18']
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from longshore.rewrite.mentions import OPEN, Part, Piece

MOST_VALUES = 64
_MAX_DEPTH = 6
_NAMES = ("name", "braced", "other")
_MAX_LENGTH = 1000


@dataclass(frozen=True)
class Known:
    """One value of a variable and where it is written.

    `listed`: it is one of a matrix's values, and stands for itself there.
    """

    value: str
    place: Piece | None = None
    listed: bool = False


Lookup = Callable[[str], Sequence[Known] | None]


@dataclass(frozen=True)
class Dialect:
    """How variables are written. Groups: `name`, `braced` or `other`; `default`; `literal`.

    `masked` are expressions that a shell would misread (`<< parameters.x >>`).
    """

    pattern: re.Pattern[str]
    masked: re.Pattern[str] | None = None


@dataclass(frozen=True)
class Expanded:
    """One reading of a text: `whole` when it is one variable and nothing else."""

    value: str
    pieces: tuple[Piece, ...] = ()
    missing: tuple[str, ...] = ()
    whole: Known | None = None


PLAIN = Dialect(re.compile(r"(?!)"))


def nothing_known(_name: str) -> None:
    """The lookup of a file that sets no variables."""


def expand(text: str, dialect: Dialect, lookup: Lookup) -> list[Expanded]:
    """Every reading of a text, at most `MOST_VALUES`; what nobody sets is OPEN."""
    found = _expand(text, dialect, lookup, 0)
    return list({one.value: one for one in reversed(found)}.values())[::-1]


def by_name(readings: Iterable[Expanded]) -> list[Expanded]:
    """One reading per image name: where only the tag differs, the tag is OPEN."""
    groups: dict[str, list[Expanded]] = {}
    for one in readings:
        groups.setdefault(name_of(one.value), []).append(one)
    return [
        group[0]
        if len(group) == 1
        else Expanded(f"{name}:{OPEN}", group[0].pieces, group[0].missing or ("matrix",))
        for name, group in groups.items()
    ]


def name_of(reference: str) -> str:
    """A reference without tag and digest, by its marks alone."""
    name = reference.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return head + slash + last.partition(":")[0]


def single(lookup: Lookup, name: str) -> str | None:
    """The value of a variable that has exactly one."""
    values = lookup(name)
    return values[0].value if values is not None and len(values) == 1 else None


def _expand(text: str, dialect: Dialect, lookup: Lookup, depth: int) -> list[Expanded]:
    readings = [Expanded("")]
    at = 0
    for found in dialect.pattern.finditer(text):
        between, at = text[at : found.start()], found.end()
        alone = found.start() == 0 and found.end() == len(text)
        options = _options(found, dialect, lookup, depth)
        part = _part(text, found)
        readings = [
            _joined(before, between, option, part, alone)
            for before in readings
            for option in options
            if len(before.value) + len(option.value) < _MAX_LENGTH
        ][:MOST_VALUES]
    rest = text[at:]
    return [Expanded(one.value + rest, one.pieces, one.missing, one.whole) for one in readings]


def _joined(
    before: Expanded, between: str, option: Expanded, part: Part | None, alone: bool
) -> Expanded:
    pieces = before.pieces
    place = option.whole.place if option.whole is not None else None
    if part is not None and place is not None:
        pieces += (replace(place, part=part),)
    return Expanded(
        before.value + between + option.value,
        pieces,
        before.missing + option.missing,
        option.whole if alone else None,
    )


def _part(text: str, found: re.Match[str]) -> Part | None:
    """Which part of the reference a variable decides; None where the text itself is edited."""
    if text[: found.start()].strip():
        return None
    rest = text[found.end() :]
    if not rest:
        return "reference"
    return "registry" if rest.startswith("/") else "repository"


def _options(found: re.Match[str], dialect: Dialect, lookup: Lookup, depth: int) -> list[Expanded]:
    groups = found.groupdict()
    literal = groups.get("literal")
    if literal is not None:
        return [Expanded(literal)]
    name = next((groups[one] for one in _NAMES if groups.get(one)), "")
    values = lookup(name) if name and depth < _MAX_DEPTH else None
    if not values:
        default = groups.get("default")
        if default is not None and depth < _MAX_DEPTH:
            return _expand(default, dialect, lookup, depth + 1)
        return [Expanded(OPEN, missing=(name or found[0],))]
    options = []
    for known in values[:MOST_VALUES]:
        for inner in _expand(known.value, dialect, lookup, depth + 1):
            options.append(Expanded(inner.value, (), inner.missing, known))
    return options
