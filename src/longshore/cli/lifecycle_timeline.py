"""A look ahead on the screen: a table of its steps, and small lines that rise and fall. Pure.

>>> spark([0, 1, 2, 4], 4, ".:|")
' .:|'
>>> spark([5, 5], 2, ".:|")
'||'
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

from longshore.cli.typeset import moment, pad, size, table, width
from longshore.policy.lifecycle.forecast import Forecast, Step
from longshore.policy.lifecycle.grammar import Policy
from longshore.policy.lifecycle.words import selected
from longshore.text import tr

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII = ".:-=+*#@"
_MOST_ROWS = 40


def levels(encoding: str | None) -> str:
    """The characters for small bars: blocks where the stream can show them, else ASCII."""
    try:
        BLOCKS.encode(encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return ASCII
    return BLOCKS


def spark(values: Sequence[int], columns: int, bars: str) -> str:
    """One character per value, or per group of values (its largest) when columns are few.

    Nothing is a blank, anything at least the lowest bar.
    """
    groups = min(len(values), max(1, columns))
    edges = [round(place * len(values) / groups) for place in range(groups + 1)]
    tops = [max(values[low:high]) for low, high in pairwise(edges)]
    most = max(tops, default=0)
    if most == 0:
        return " " * len(tops)
    return "".join(bars[-(-top * len(bars) // most) - 1] if top else " " for top in tops)


def step_lines(forecast: Forecast, policy: Policy, columns: int, *, whole: bool) -> list[str]:
    """The table of steps; those in which nothing happens are left out unless `whole`."""
    steps, last = forecast.steps, len(forecast.steps) - 1
    often = len({day(step.at) for step in steps}) < len(steps)
    shown = [
        step
        for place, step in enumerate(steps)
        if whole or place in (0, last) or step.gone or step.archived or step.pushed
    ]
    cut = 0 if whole else max(0, len(shown) - _MOST_ROWS)
    if cut:
        shown = [*shown[: _MOST_ROWS - 1], shown[-1]]
    heads = [tr("DATE"), tr("PUSHED"), tr("EXPIRED"), tr("ARCHIVED"), tr("LEFT"), tr("SIZE")]
    rules = _columns_of_rules(forecast, policy, columns - 64)
    names = [_head(policy, rule) for rule in rules]
    rows = [
        [*_cells(step, often), *(dict(step.by_rule).get(rule, 0) for rule in rules)]
        for step in shown
    ]
    if not any(step.archived for step in steps):
        del heads[3]
        for row in rows:
            del row[3]
    count = len(heads) + len(names)
    lines = table([*heads, *names], rows, right=range(1, count))
    if cut:
        lines.insert(-1, tr("... {count} more dates; --verbose shows all", count=cut))
    return lines


def bar_lines(forecast: Forecast, columns: int, bars: str) -> list[str]:
    """What is left, pushed and expired along time, with the first and the last day."""
    steps = forecast.steps
    if len(steps) < 3:
        return []
    rows = [
        (tr("left"), [step.left for step in steps]),
        (tr("pushed"), [step.pushed for step in steps]),
        (tr("expired"), [len(step.gone) for step in steps]),
        (tr("archived"), [len(step.archived) for step in steps]),
    ]
    rows = [(name, values) for name, values in rows if any(values)]
    label = max((width(name) for name, _ in rows), default=0)
    room = max(8, min(columns - label - 30, 72))
    lines = [
        f"{pad(name, label)}  {spark(values, room, bars)}  "
        + tr("{low} to {high}", low=min(values), high=max(values))
        for name, values in rows
    ]
    drawn = min(len(steps), room)
    first, last = day(steps[0].at), day(steps[-1].at)
    between = max(2, drawn - len(first) - len(last))
    return [*lines, " " * (label + 2) + first + " " * between + last]


def steps_json(forecast: Forecast) -> list[dict[str, object]]:
    """The steps, as JSON tells them."""
    return [
        {
            "at": moment(step.at),
            "pushed": step.pushed,
            "expired": [one.image.digest for one in step.gone],
            "archived": [one.image.digest for one in step.archived],
            "left": step.left,
            "left_bytes": step.left_bytes,
            "archive_bytes": step.archive_bytes,
            "left_by_rule": [{"rule": rule, "images": count} for rule, count in step.by_rule],
        }
        for step in forecast.steps
    ]


def day(at: datetime | None) -> str:
    """A day for people, in UTC.

    >>> day(datetime(2026, 12, 3, tzinfo=UTC))
    '2026-12-03'
    """
    return f"{at.astimezone(UTC):%Y-%m-%d}" if at else "-"


def _cells(step: Step, often: bool) -> list[object]:
    total = size(step.left_bytes + step.archive_bytes)
    at = f"{step.at.astimezone(UTC):%Y-%m-%d %H:%M}" if often else day(step.at)
    return [at, step.pushed, len(step.gone), len(step.archived), step.left, total]


def _columns_of_rules(forecast: Forecast, policy: Policy, room: int) -> list[int | None]:
    """The rules with most images left that fit beside the table, in their order."""
    most: Counter[int | None] = Counter()
    for step in forecast.steps:
        for rule, count in step.by_rule:
            most[rule] = max(most[rule], count)
    chosen = []
    for rule, _ in most.most_common():
        room -= max(3, width(_head(policy, rule))) + 2
        if room >= 0:
            chosen.append(rule)
    return sorted(chosen, key=lambda rule: (rule is None, rule or 0))


def _head(policy: Policy, priority: int | None) -> str:
    if priority is None:
        return tr("no rule")
    rule = next(one for one in policy.rules if one.priority == priority)
    return f"{priority}:{selected(rule.selection)}"
