"""One plan out of several: AWS resources and images, with one checksum. Pure.

A saved plan is a JSON document; `apply` carries it out only while everything that is still to be
done was in it. So a plan that was half carried out resumes, and one that the world has overtaken
is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from longshore.errors import ConfigError, Problem, RefusedError, Where
from longshore.text import tr
from longshore.transfer.plan import PairPlan

Part = Literal["aws", "images"]
SCHEMA = "longshore.plan/1"


@dataclass(frozen=True)
class PlannedChange:
    """One change as people and scripts see it; `diff` is field -> {"from", "to"}."""

    resource: str
    action: str
    reason: str
    diff: Mapping[str, Mapping[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """As INTERFACE's plan shows it."""
        return {
            "resource": self.resource,
            "action": self.action,
            "reason": self.reason,
            "diff": {name: dict(one) for name, one in self.diff.items()},
        }


@dataclass(frozen=True)
class WholePlan:
    """All that is to change at one place. `head` is target, account, region and endpoint."""

    head: Mapping[str, Any]
    changes: tuple[PlannedChange, ...]
    only: tuple[Part, ...] = ("aws", "images")
    notes: tuple[str, ...] = ()
    pulls: int = 0
    bytes: int = 0
    made_at: str = ""
    refused: tuple[str, ...] = field(default=())

    @property
    def checksum(self) -> str:
        """Of what is done and where; not of reasons, notes and times."""
        content = [
            dict(self.head),
            [[one.resource, one.action, one.as_json()["diff"]] for one in self.changes],
        ]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """`longshore.plan/1`."""
        return {
            "schema": SCHEMA,
            "place": dict(self.head),
            "only": list(self.only),
            "changes": [one.as_json() for one in self.changes],
            "notes": list(self.notes),
            "refused": list(self.refused),
            "pulls": self.pulls,
            "bytes": self.bytes,
            "made_at": self.made_at,
            "checksum": self.checksum,
        }


def image_changes(plans: Sequence[PairPlan]) -> list[PlannedChange]:
    """One change per target repository that gets images: tag -> digest before and after."""
    found = []
    for plan in plans:
        steps = plan.to_copy
        if not steps:
            continue
        moved = [step for step in steps if step.target_tag in plan.view.tags]
        reason = tr("{new} new tags, {moved} moved", new=len(steps) - len(moved), moved=len(moved))
        diff = {
            step.target_tag: {
                "from": plan.view.tags.get(step.target_tag),
                "to": step.digest,
            }
            for step in steps
        }
        action = "update" if plan.view.tags else "create"
        resource = f"images/{plan.pair.target}"
        found.append(PlannedChange(resource, action, f"{reason} ({plan.pair.source})", diff))
    return sorted(found, key=lambda change: change.resource)


def parse_plan(text: str, filename: str) -> WholePlan:
    """Read a saved plan. Raises ConfigError when it is none or was changed by hand."""
    try:
        document = json.loads(text)
        if document["schema"] != SCHEMA:
            raise ValueError(document["schema"])
        plan = WholePlan(
            head=document["place"],
            changes=tuple(
                PlannedChange(one["resource"], one["action"], one["reason"], one["diff"])
                for one in document["changes"]
            ),
            only=tuple(document["only"]),
            made_at=document.get("made_at", ""),
        )
        saved = document["checksum"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _bad_plan(filename, tr("{file} is not a saved plan", file=filename)) from error
    if saved != plan.checksum:
        raise _bad_plan(filename, tr("{file} was changed after it was made", file=filename))
    return plan


def _bad_plan(filename: str, message: str) -> ConfigError:
    hint = tr("make it anew: longshore plan -o {file}", file=filename)
    return ConfigError([Problem(Where(filename), message, "bad-plan", hint)])


def refuse_stale(saved: WholePlan, now: WholePlan) -> None:
    """Raise RefusedError when something is to be done now that the reviewed plan did not show."""
    if dict(saved.head) != dict(now.head):
        raise RefusedError(
            tr("the plan is for {saved}, not for {now}", saved=_place(saved), now=_place(now)),
            tr("choose its target with --target, or make a new plan"),
            code="plan-elsewhere",
        )
    allowed = {(one.resource, one.action): one.diff for one in saved.changes}
    for change in now.changes:
        diff = allowed.get((change.resource, change.action))
        if diff is None and change.resource.startswith("images/"):
            diff = next((d for (r, _), d in allowed.items() if r == change.resource), None)
        if diff is None or any(_new(diff.get(name), one) for name, one in change.diff.items()):
            raise RefusedError(
                tr("the world has changed since the plan was made: {what}", what=change.resource),
                tr("look at a new one: longshore plan -o FILE"),
                code="plan-stale",
                where=Where(resource=change.resource),
            )


def _new(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> bool:
    return before is None or dict(before) != dict(now)


def _place(plan: WholePlan) -> str:
    head = plan.head
    return f"{head.get('account')} {head.get('region')} {head.get('endpoint') or 'aws'}"
