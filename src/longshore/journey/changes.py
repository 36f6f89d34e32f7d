"""One plan out of several: AWS resources and images, with one checksum. Pure.

A saved plan is a JSON document; `apply` carries it out only while everything that is still to be
done was in it. So a plan that was half carried out resumes, and one that the world has overtaken
is refused.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from longshore.errors import ConfigError, Problem, RefusedError, Where
from longshore.text import tr
from longshore.transfer.plan import PairPlan, TagStep

Part = Literal["aws", "images", "tree"]
SCHEMA = "longshore.plan/1"
_VARIABLE = re.compile(r"\$\{(\w+)")


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
    """All that is to change at one place. `head` is target, account, region and endpoint.

    `values` is a checksum of the config's `${ENV}` values that the plan was made with; the values
    themselves are never shown.
    """

    head: Mapping[str, Any]
    changes: tuple[PlannedChange, ...]
    only: tuple[Part, ...] = ("aws", "images")
    notes: tuple[str, ...] = ()
    pulls: int = 0
    bytes: int = 0
    made_at: str = ""
    refused: tuple[str, ...] = field(default=())
    values: str = ""

    @property
    def checksum(self) -> str:
        """Of what is done and where; not of reasons, notes and times."""
        content = [
            dict(self.head),
            self.values,
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
            "values": self.values,
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
        counts = [tr("{count} new tags", count=len(steps) - len(moved))]
        counts += [tr("{count} moved", count=len(moved))] if moved else []
        reason = tr("{counts} from {source}", counts=", ".join(counts), source=plan.pair.source)
        diff = {
            step.target_tag: {
                "from": plan.view.tags.get(step.target_tag),
                "to": step.digest,
            }
            for step in steps
        }
        action = "update" if plan.view.tags else "create"
        resource = f"images/{plan.pair.target}"
        found.append(PlannedChange(resource, action, reason, diff))
    return sorted(_merged(found).values(), key=lambda change: change.resource)


def _merged(changes: Sequence[PlannedChange]) -> dict[str, PlannedChange]:
    """One change for each target repository, also when several sources go to it."""
    found: dict[str, PlannedChange] = {}
    for one in changes:
        other = found.get(one.resource)
        if other is not None:
            reason = f"{other.reason}; {one.reason}"
            one = PlannedChange(one.resource, one.action, reason, {**other.diff, **one.diff})
        found[one.resource] = one
    return found


def refuse_collisions(plans: Sequence[PairPlan]) -> None:
    """Raise RefusedError when two sources want the same target tag: each run would move it."""
    known: dict[str, TagStep] = {}
    for plan in plans:
        for step in plan.wanted:
            name = f"{step.pair.target}:{step.target_tag}"
            other = known.setdefault(name, step)
            if other.pair != step.pair and (step.digest is None or other.digest != step.digest):
                raise RefusedError(
                    tr(
                        "{one} and {other} both want {name}",
                        one=f"{other.pair.source}:{other.source_tag}",
                        other=f"{step.pair.source}:{step.source_tag}",
                        name=name,
                    ),
                    tr("leave the tag out of one of them (deny), or name another target"),
                    code="tag-wanted-twice",
                    where=Where(resource=name),
                )


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
            values=document.get("values", ""),
        )
        saved = document["checksum"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _bad_plan(filename, tr("{file} is not a saved plan", file=filename)) from error
    if saved != plan.checksum:
        raise _bad_plan(filename, tr("{file} was changed after it was made", file=filename))
    return plan


def values_used(text: str, environ: Mapping[str, str]) -> str:
    """A checksum of the `${ENV}` values that a config's text takes; empty when it takes none.

    >>> values_used("region: ap-northeast-2", {})
    ''
    """
    names = sorted(set(_VARIABLE.findall(text)))
    if not names:
        return ""
    taken = json.dumps([[name, environ.get(name)] for name in names])
    return hashlib.sha256(taken.encode()).hexdigest()


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
    allowed = {one.resource: one for one in saved.changes}
    for change in now.changes:
        before = allowed.get(change.resource)
        if saved.values != now.values or before is None or not _is_rest(before, change):
            raise RefusedError(
                tr("the world has changed since the plan was made: {what}", what=change.resource),
                tr("look at a new one: longshore plan -o FILE"),
                code="plan-stale",
                where=Where(resource=change.resource),
            )


def _is_rest(saved: PlannedChange, now: PlannedChange) -> bool:
    """Whether a change is (what is left of) one that was reviewed.

    A repository that was to be replaced may be gone already, and a repository whose first images
    have arrived is no longer a new one.
    """
    fields = [(saved.diff.get(name), one) for name, one in now.diff.items()]
    if (saved.action, now.action) == ("replace", "create"):
        return all(was is not None and was.get("to") == one.get("to") for was, one in fields)
    same_action = saved.action == now.action or saved.resource.startswith("images/")
    return same_action and all(was is not None and dict(was) == dict(one) for was, one in fields)


def _place(plan: WholePlan) -> str:
    head = plan.head
    return f"{head.get('account')} {head.get('region')} {head.get('endpoint') or 'aws'}"
