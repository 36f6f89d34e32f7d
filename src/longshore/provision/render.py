"""A plan as text for people. Pure.

`+` create, `~` update, `-` delete, `-/+` replace. No colours; control characters, which may come
from a registry or from a config, are shown as `?`.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from longshore.provision.changes import Change, Plan, written
from longshore.text import tr

_EVER = 9999  # a count that no repository reaches is how a policy says "keep"
MARKS = {"create": "+", "update": "~", "delete": "-", "replace": "-/+"}


def render_plan(plan: Plan) -> str:
    """The whole plan, ending with a count and the checksum."""
    lines = [*_heading(plan), ""]
    for change in plan.changes:
        lines += [*_change(change), ""]
    lines += [
        f"! {plain(one.resource)}: {plain(one.reason)} ({plain(one.flag)})" for one in plan.refused
    ]
    lines += [f"i {plain(one.resource)}: {plain(one.message)}" for one in plan.notes]
    if plan.refused or plan.notes:
        lines.append("")
    return "\n".join([*lines, _summary(plan)]) + "\n"


def render_changes(plan: Plan) -> list[str]:
    """The changes alone, a few lines each; the same change of several repositories once."""
    grouped: dict[str, list[Change]] = {}
    for change in plan.changes:
        diff = json.dumps(written(change.diff), sort_keys=True, default=str)
        grouped.setdefault(f"{change.kind} {change.action} {change.reason} {diff}", []).append(
            change
        )
    return [line for group in grouped.values() for line in _changes(group)]


def plain(text: str) -> str:
    """The text on one line, without control and direction characters."""
    return "".join(
        "?" if unicodedata.category(mark) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else mark
        for mark in text
    )


def _heading(plan: Plan) -> Iterator[str]:
    place = plan.place
    embedded = " EMBEDDED" if place.kind == "local" else ""
    yield tr(
        "Target {target}{embedded}: account {account}, region {region}",
        target=plain(place.target),
        embedded=embedded,
        account=place.account,
        region=place.region,
    )
    if place.endpoint:
        yield tr("Endpoint {endpoint}", endpoint=plain(place.endpoint))


def _changes(group: Sequence[Change]) -> Iterator[str]:
    for change in group[:-1]:
        yield f"{MARKS[change.action]} {plain(change.resource)}"
    yield from _change(group[-1])


def _change(change: Change) -> Iterator[str]:
    yield f"{MARKS[change.action]} {plain(change.resource)}   ({plain(change.reason)})"
    for field, values in written(change.diff).items():
        before, after = values.get("from"), values.get("to")
        yield f"    {plain(field)}: {_difference(change.action, before, after)}"


def _difference(action: str, before: Any, after: Any) -> str:
    if before is None and action == "create":
        return _value(after)
    return f"{_value(before)} -> {_value(after)}"


def _value(value: Any) -> str:
    if value is None:
        return tr("none")
    if isinstance(value, Mapping) and "selection" in value:
        return _rule(value)
    if isinstance(value, str):
        return plain(value)
    return plain(json.dumps(value, ensure_ascii=False, sort_keys=True))


def _rule(rule: Mapping[str, Any]) -> str:
    """A lifecycle rule in a few words."""
    selection = rule["selection"]
    tags = selection.get("tagPatternList") or selection.get("tagPrefixList")
    what = " & ".join(map(str, tags)) if tags else str(selection.get("tagStatus"))
    action = str((rule.get("action") or {}).get("type"))
    number = selection.get("countNumber")
    if selection.get("countType") == "imageCountMoreThan":
        if isinstance(number, int) and number >= _EVER:
            return plain(f"{what}: {tr('stay')}")
        return plain(f"{what}: {action} {tr('all but the {count} newest', count=number)}")
    since = str(selection.get("countType")).removeprefix("sinceImage").lower()
    return plain(f"{what}: {action} {tr('{days} days after {event}', days=number, event=since)}")


def _summary(plan: Plan) -> str:
    if not plan.changes:
        return tr("Nothing to do: what is there is what the config wants.")
    counts = [
        tr("{count} to {action}", count=count, action=action)
        for action in MARKS
        if (count := sum(change.action == action for change in plan.changes))
    ]
    words = ", ".join(counts)
    return tr("Plan: {counts}. Checksum {checksum}", counts=words, checksum=plan.checksum[:19])
