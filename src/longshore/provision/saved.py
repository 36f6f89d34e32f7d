"""A plan on paper: the JSON that `plan` writes, and whether it may still be carried out. Pure.

A saved plan holds no secret and no filled-in `${ENV}`; `apply` plans again from the config and
compares. It goes ahead when both plans are the same (by checksum), or when the new plan is what a
run of the saved one, which the journal knows, has left to do. Everything else is refused as stale.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from longshore.errors import RefusedError, UsageError, Where
from longshore.provision.changes import NO_LIMITS, Change, Limits, Plan
from longshore.provision.journal import Entry
from longshore.text import tr

SCHEMA = "longshore.plan/1"


@dataclass(frozen=True)
class SavedPlan:
    """What a plan file says. `changes` maps a resource to its action and diff."""

    checksum: str
    target: str
    account: str
    region: str
    changes: Mapping[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    limits: Limits = NO_LIMITS


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan as INTERFACE has it; `parse_saved_plan` reads it back."""
    place = plan.place
    return {
        "schema": SCHEMA,
        "target": {
            "name": place.target,
            "kind": place.kind,
            "account": place.account,
            "region": place.region,
            "endpoint": place.endpoint,
            "embedded": place.kind == "local",
        },
        "changes": [change.as_json() for change in plan.changes],
        "refused": [
            {"resource": one.resource, "reason": one.reason, "flag": one.flag}
            for one in plan.refused
        ],
        "notes": [{"resource": one.resource, "message": one.message} for one in plan.notes],
        "allowed": {
            "delete": sorted(plan.limits.allow_delete),
            "replace": sorted(plan.limits.allow_replace),
            "delete_images": sorted(plan.limits.delete_images),
        },
        "checksum": plan.checksum,
    }


def parse_saved_plan(text: str, filename: str) -> SavedPlan:
    """Read a plan file. Raises UsageError."""
    try:
        found = json.loads(text)
        if found["schema"] != SCHEMA:
            raise _not_a_plan(filename)
        target, allowed = found["target"], found.get("allowed", {})
        return SavedPlan(
            str(found["checksum"]),
            str(target["name"]),
            str(target["account"]),
            str(target["region"]),
            {
                str(one["resource"]): (str(one["action"]), dict(one["diff"]))
                for one in found["changes"]
            },
            Limits(
                frozenset(map(str, allowed.get("delete", ()))),
                frozenset(map(str, allowed.get("replace", ()))),
                frozenset(map(str, allowed.get("delete_images", ()))),
            ),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _not_a_plan(filename) from None


def refuse_stale(saved: SavedPlan, now: Plan, entries: Iterable[Entry]) -> None:
    """Raise RefusedError unless `now` is the saved plan, or the rest of a begun run of it.

    `entries` is what the journal has about the saved checksum.
    """
    if saved.checksum == now.checksum:
        return
    begun = any(entry.step == "begin" for entry in entries)
    strange = [change for change in map(_as_saved, now.changes) if not _belongs(saved, change)]
    same_place = (saved.account, saved.region) == (now.place.account, now.place.region)
    if begun and same_place and not strange:
        return
    raise RefusedError(
        tr("the plan is stale: {why}", why=_why_stale(saved, now, same_place)),
        tr("look at a new one: longshore plan -o FILE"),
        code="plan-stale",
    )


_Change = tuple[str, str, Mapping[str, Any]]


def _as_saved(change: Change) -> _Change:
    found = json.loads(json.dumps(change.as_json()))
    return found["resource"], found["action"], found["diff"]


def _belongs(saved: SavedPlan, change: _Change) -> bool:
    """Whether the change is a saved one, or a part of it that is left after a kill."""
    resource, action, diff = change
    if resource not in saved.changes:
        return False
    saved_action, saved_diff = saved.changes[resource]
    is_rest = action == saved_action or (saved_action, action) == ("replace", "create")
    wanted = {name: values.get("to") for name, values in saved_diff.items()}
    return is_rest and all(
        name in wanted and wanted[name] == values.get("to") for name, values in diff.items()
    )


def _why_stale(saved: SavedPlan, now: Plan, same_place: bool) -> str:
    if not same_place:
        return tr(
            "it is for account {account} in {region}", account=saved.account, region=saved.region
        )
    changes = {resource: (action, diff) for resource, action, diff in map(_as_saved, now.changes)}
    differing = sorted(
        resource
        for resource in {*changes, *saved.changes}
        if changes.get(resource) != saved.changes.get(resource)
    )
    if not differing:
        return tr("a variable of the config has another value now")
    return tr("since then something changed: {resources}", resources=", ".join(differing))


def _not_a_plan(filename: str) -> UsageError:
    return UsageError(
        tr("{file} is not a saved plan", file=filename),
        tr("write one with: longshore plan -o {file}", file=filename),
        code="not-a-plan",
        where=Where(filename),
    )
