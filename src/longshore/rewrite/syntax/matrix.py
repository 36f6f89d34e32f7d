"""A job's matrix: the combinations that GitHub makes of it. Pure.

`exclude` removes combinations, then each `include` entry is added to all combinations whose own
values it does not change, or becomes a combination by itself. A matrix that is known only when it
runs (`fromJSON(needs...)`) is `open`: it has the combinations that are written, if any.

Rules: docs.github.com, "Running variations of jobs in a workflow".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from longshore.rewrite.mentions import OPEN
from longshore.rewrite.syntax.expressions import (
    Contexts,
    Items,
    Table,
    Value,
    bare,
    options_of,
    values_of,
)
from longshore.rewrite.syntax.yaml_nodes import Mapping as YamlMapping
from longshore.rewrite.syntax.yaml_nodes import Node, Scalar

MOST = 256
"""GitHub runs no more jobs of one matrix."""

Combination = Mapping[str, Value]


@dataclass(frozen=True, eq=False)
class Matrix:
    """All combinations; `open` when there are others that nobody knows here."""

    combinations: tuple[Combination, ...] = ()
    open: bool = False
    node: Node | None = None

    @property
    def times(self) -> int:
        """How many jobs run, as far as is known."""
        return max(1, len(self.combinations))


NO_MATRIX = Matrix()


def read_matrix(node: Node | None, contexts: Contexts) -> Matrix:
    """The combinations of a `matrix:` value."""
    if node is None:
        return NO_MATRIX
    if isinstance(node, YamlMapping):
        entries = {key.value: (value, values_of(value, contexts)) for key, value in node.items()}
        axes = {name: _items(found) for name, (_, found) in entries.items()}
    else:
        table = next((one for one in values_of(node, contexts) if isinstance(one, Table)), None)
        if table is None:
            return Matrix((), True, node)
        axes = {name: _items([one]) for name, one in table.entries.items()}
    include, exclude = axes.pop("include", ()), axes.pop("exclude", ())
    is_open = include is None or any(one is None for one in axes.values())
    made = _product({name: one for name, one in axes.items() if one})
    made = [one for one in made if not _is_excluded(one, exclude or ())]
    return Matrix(tuple(_included(made, include or ()))[:MOST], is_open, node)


def _items(values: list[Value]) -> tuple[Value, ...] | None:
    """The values of an axis; None when they are not known."""
    for value in values:
        for one in options_of(value):
            if isinstance(one, Items):
                return one.items
    return None


def _product(axes: Mapping[str, tuple[Value, ...]]) -> list[dict[str, Value]]:
    made: list[dict[str, Value]] = [{}] if axes else []
    for name, values in axes.items():
        made = [{**one, name: value} for one in made for value in values][: 4 * MOST]
    return made


def _is_excluded(one: Combination, exclude: tuple[Value, ...]) -> bool:
    return any(
        isinstance(entry, Table)
        and bool(entry.entries)
        and all(name in one and _same(one[name], value) for name, value in entry.entries.items())
        for entry in exclude
    )


def _included(made: list[dict[str, Value]], include: tuple[Value, ...]) -> list[dict[str, Value]]:
    own = [dict(one) for one in made]
    alone: list[dict[str, Value]] = []
    for entry in include:
        if not isinstance(entry, Table):
            continue
        fits = [
            number
            for number, one in enumerate(own)
            if all(name not in one or _same(one[name], v) for name, v in entry.entries.items())
        ]
        for number in fits:
            made[number].update(entry.entries)
        if not fits:
            alone.append(dict(entry.entries))
    return made + alone


def _same(first: Value, second: Value) -> bool:
    left, right = bare(first), bare(second)
    return bool(left == right) and left != OPEN


def axis_scalars(matrix: Matrix) -> list[tuple[str, Scalar]]:
    """Every scalar of the matrix with the name of its axis, as written, `exclude` left out."""
    found: list[tuple[str, Scalar]] = []
    if not isinstance(matrix.node, YamlMapping):
        return found
    for key, value in matrix.node.items():
        if key.value != "exclude":
            _collect(key.value, value, found, 0)
    return found


def _collect(name: str, node: Node, found: list[tuple[str, Scalar]], depth: int) -> None:
    if isinstance(node, Scalar):
        found.append((name, node))
    elif depth < 20 and isinstance(node, YamlMapping):
        for key, value in node.items():
            _collect(key.value, value, found, depth + 1)
    elif depth < 20 and not isinstance(node, YamlMapping):
        for item in node.items:
            _collect(name, item, found, depth + 1)
