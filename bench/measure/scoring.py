"""How well the finders' answers agree with what a tree is known to hold. Pure.

An expectation and a use agree when file, line, image, tag, digest, status and role are the same (a
login names a registry instead of an image). What agrees but has another kind or moment of pulling
is a hit that is reported. Recall: expectations that were met; precision: uses that were expected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from measure.tables import table

OPEN = "\ufffc"  # as in longshore.rewrite.mentions: what is not known of a registry

DECISIVE = ("file", "line", "image", "tag", "digest", "status", "role")
REMARKS = ("kind", "pulled")
Entry = Mapping[str, Any]


@dataclass(frozen=True)
class KindScore:
    """Counts of one kind. `missed` were expected, `invented` were not."""

    expected: int = 0
    missed: int = 0
    invented: int = 0

    @property
    def recall(self) -> float:
        """The part of what is there that was found."""
        return 1 - self.missed / self.expected if self.expected else 1.0

    @property
    def precision(self) -> float:
        """The part of what was said that is there."""
        said = self.expected - self.missed + self.invented
        return 1 - self.invented / said if said else 1.0

    def __add__(self, other: KindScore) -> KindScore:
        return KindScore(
            self.expected + other.expected,
            self.missed + other.missed,
            self.invented + other.invented,
        )


@dataclass(frozen=True)
class Score:
    """One or more trees. `remarks` are hits whose kind or moment is another: (expected, found)."""

    kinds: Mapping[str, KindScore] = field(default_factory=dict)
    missed: tuple[Entry, ...] = ()
    invented: tuple[Entry, ...] = ()
    remarks: tuple[tuple[Entry, Entry], ...] = ()

    @property
    def total(self) -> KindScore:
        """All kinds together."""
        return sum(self.kinds.values(), KindScore())

    def __add__(self, other: Score) -> Score:
        names = {*self.kinds, *other.kinds}
        none = KindScore()
        return Score(
            {name: self.kinds.get(name, none) + other.kinds.get(name, none) for name in names},
            self.missed + other.missed,
            self.invented + other.invented,
            self.remarks + other.remarks,
        )


def expectations(document: Any) -> list[dict[str, Any]]:
    """The entries of a label file: `references` by file, or a list as `assess --json` prints it."""
    said = document["references"]
    if isinstance(said, list):
        return [dict(one) for one in said]
    return [{"file": file, **one} for file, some in said.items() for one in some or ()]


def score(expected: Iterable[Entry], found: Iterable[Entry]) -> Score:
    """Both sides compared; an entry that stands twice must be met twice."""
    open_: dict[tuple[Any, ...], list[Entry]] = {}
    counts: Counter[str] = Counter()
    for one in expected:
        open_.setdefault(_key(one), []).append(one)
        counts[one["kind"]] += 1
    invented, remarks = [], []
    for one in found:
        waiting = open_.get(_key(one))
        if not waiting:
            invented.append(one)
            continue
        met = min(waiting, key=lambda other: _differences(other, one))
        waiting.remove(met)
        if _differences(met, one):
            remarks.append((met, one))
    missed = [one for some in open_.values() for one in some]
    kinds = {
        name: KindScore(
            counts[name],
            sum(one["kind"] == name for one in missed),
            sum(one["kind"] == name for one in invented),
        )
        for name in {*counts, *(one["kind"] for one in invented)}
    }
    return Score(kinds, tuple(missed), tuple(invented), tuple(remarks))


def _key(one: Entry) -> tuple[Any, ...]:
    """What decides; `registry` only of logins, and only when it is known whole."""
    registry = one.get("registry") if one["role"] == "login" else None
    known = registry if registry and OPEN not in registry else None
    return (*(one.get(key) for key in DECISIVE), known)


def _differences(one: Entry, other: Entry) -> int:
    return sum(one.get(key) != other.get(key) for key in REMARKS)


def as_json(found: Score) -> dict[str, Any]:
    """The record."""
    return {
        "total": _as_json(found.total),
        "kinds": {name: _as_json(one) for name, one in sorted(found.kinds.items())},
        "missed": [dict(one) for one in found.missed],
        "invented": [dict(one) for one in found.invented],
        "remarks": [{"expected": dict(one), "found": dict(other)} for one, other in found.remarks],
    }


def _as_json(one: KindScore) -> dict[str, Any]:
    counts = {"expected": one.expected, "missed": one.missed, "invented": one.invented}
    return counts | {"recall": round(one.recall, 4), "precision": round(one.precision, 4)}


def as_markdown(found: Score) -> str:
    """A table by kind, then what was wrong."""
    rows = [[name, *_cells(one)] for name, one in sorted(found.kinds.items())]
    head = ["kind", "references", "recall", "precision"]
    parts = [table(head, [*rows, ["**all**", *_cells(found.total)]])]
    parts += _listed("Missed", [_line(one) for one in found.missed])
    parts += _listed("Invented", [_line(one) for one in found.invented])
    remarks = [f"{_line(one)}; found as {_told(other)}" for one, other in found.remarks]
    return "\n\n".join(parts + _listed("Found with another kind or moment", remarks))


def _cells(one: KindScore) -> list[object]:
    return [one.expected, f"{one.recall:.1%}", f"{one.precision:.1%}"]


def _listed(head: str, lines: Sequence[str]) -> list[str]:
    return [f"{head}:\n\n" + "\n".join(f"- {line}" for line in lines)] if lines else []


def _line(one: Entry) -> str:
    name = one["image"] or one.get("registry") or one.get("text") or "?"
    name += f":{one['tag']}" if one["tag"] else ""
    name += f"@{one['digest']}" if one["digest"] else ""
    return f"{one['file']}:{one['line']} {name} ({one['status']}, {one['role']}, {_told(one)})"


def _told(one: Entry) -> str:
    return f"{one['kind']}, {one['pulled'] or 'not pulled'}"
