"""Plans of several rooms as one: what AWS is to hold, and which images are to move. I/O.

gather   read_both: AWS as it is, and both sides of every image rule
decide   whole_plan: one list of changes, notes and refusals (pure)
act      the caller: provision.apply, then transfer's CopyRun
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from longshore.facts import Endpoint, ImageSeen
from longshore.journey.changes import Part, PlannedChange, WholePlan, image_changes
from longshore.oci.store import PullAllowance
from longshore.policy.lifecycle.evaluate import evaluate
from longshore.policy.lifecycle.grammar import Rule, parse_policy
from longshore.policy.lifecycle.words import selected
from longshore.provision.changes import Plan
from longshore.provision.render import render_changes
from longshore.text import tr
from longshore.transfer.plan import PairPlan, TagStep

_TAGS_SHOWN = 6
_ARRIVED = datetime(2000, 1, 1, tzinfo=UTC)  # any moment: only the order of what arrives counts


@dataclass(frozen=True)
class Both:
    """The two plans behind one: `aws` is None when only images are asked for.

    `policies` has the lifecycle policy that each repository is to have. `pulls` is how many
    manifests are to be read as far as the listings tell, `allowance` what Docker Hub has left.
    """

    aws: Plan | None
    images: Sequence[PairPlan]
    pulls: int = 0
    policies: Mapping[str, str] = field(default_factory=dict)
    allowance: PullAllowance | None = None


def place_head(name: str, endpoint: Endpoint) -> dict[str, Any]:
    """What a plan says of its place. The embedded servers' ports come and go: no endpoint then."""
    return {
        "target": name,
        "kind": endpoint.kind,
        "account": endpoint.account,
        "region": endpoint.region,
        "endpoint": None if endpoint.embedded else endpoint.aws_endpoint,
        "embedded": endpoint.embedded,
    }


def whole_plan(
    head: Mapping[str, Any], both: Both, only: tuple[Part, ...], made_at: str
) -> WholePlan:
    """Everything that is to change, in the order in which it is carried out."""
    changes: list[PlannedChange] = []
    notes: list[str] = []
    refused: list[str] = []
    if both.aws is not None:
        for one in both.aws.changes:
            shown = one.as_json()
            changes.append(PlannedChange(one.resource, one.action, shown["reason"], shown["diff"]))
        notes += [f"{note.resource}: {note.message}" for note in both.aws.notes]
        refused += [f"{one.resource}: {one.reason} ({one.flag})" for one in both.aws.refused]
    registry = {plan.pair.target: plan.pair.target_registry for plan in both.images}
    for change in image_changes(both.images):
        target = change.resource.removeprefix("images/")
        name = target.removeprefix(registry.get(target, "") + "/")
        changes.append(PlannedChange(f"images/{name}", change.action, change.reason, change.diff))
    notes += _image_notes(both.images)
    for plan in both.images:
        name = plan.pair.target.removeprefix(plan.pair.target_registry + "/")
        if name in both.policies and plan.to_copy:
            notes += lifecycle_notes(plan, name, both.policies[name])
    size = sum(step.size or 0 for plan in both.images for step in _unique(plan))
    return WholePlan(
        dict(head), tuple(changes), only, tuple(notes), both.pulls, size, made_at, tuple(refused)
    )


def _unique(plan: PairPlan) -> list[Any]:
    """One step per digest: tags with the same digest weigh once."""
    found = {step.digest or step.source_tag: step for step in plan.to_copy}
    return list(found.values())


def _image_notes(plans: Sequence[PairPlan]) -> list[str]:
    notes = []
    for plan in plans:
        skipped = [step for step in plan.steps if step.action == "skip"]
        if skipped:
            sentence = tr(
                "{source}: {count} tags stay out", source=plan.pair.source, count=len(skipped)
            )
            notes.append(f"{sentence} ({skipped[0].source_tag}: {skipped[0].reason}, ...)")
        if plan.pair.platforms and plan.to_copy:
            notes.append(
                tr(
                    "{source}: chosen platforms make new index digests; signatures of the "
                    "indexes do not cover them and stay behind",
                    source=plan.pair.source,
                )
            )
    return notes


def lifecycle_notes(plan: PairPlan, repository: str, policy_text: str) -> list[str]:
    """Which of the images that are copied the repository's own policy will expire again.

    Only the copied images are counted; what else the repository holds is not looked at. Rules by
    age do not matter: everything that arrives is new.
    """
    found: dict[Rule, list[str]] = {}
    for verdict in evaluate(parse_policy(policy_text), _arriving(plan), _ARRIVED).acted():
        if verdict.because == "count" and verdict.rule is not None:
            found.setdefault(verdict.rule, []).append(verdict.image.tags[0])
    return [
        tr(
            "ecr/lifecycle/{name}: rule {rule} keeps the {keeps} newest of {patterns}; ECR will "
            "expire {tags} soon after the copy: leave them out (tags: newest) or keep more",
            name=repository,
            rule=rule.priority,
            keeps=rule.selection.count_number,
            patterns=selected(rule.selection),
            tags=_some(sorted(tags)),
        )
        for rule, tags in sorted(found.items(), key=lambda one: one[0].priority)
    ]


def _arriving(plan: PairPlan) -> list[ImageSeen]:
    """The images as ECR gets them, the oldest first and all of them just now."""
    images: dict[str, list[TagStep]] = {}
    for step in plan.wanted:
        images.setdefault(step.digest or step.source_tag, []).append(step)
    times = {digest: _order(steps) for digest, steps in images.items()}
    newest_first = sorted(set(times.values()), reverse=True)
    place = {time: number for number, time in enumerate(newest_first)}
    return [
        ImageSeen(
            digest,
            tuple(step.target_tag for step in steps),
            pushed_at=_ARRIVED - timedelta(microseconds=place[times[digest]]),
        )
        for digest, steps in images.items()
    ]


def _order(steps: Sequence[TagStep]) -> float:
    times = [step.pushed_at.timestamp() for step in steps if step.pushed_at]
    return max(times, default=0.0)


def _some(names: Sequence[str]) -> str:
    more = len(names) - _TAGS_SHOWN
    shown = ", ".join(names[:_TAGS_SHOWN])
    return shown + (tr(" and {count} more", count=more) if more > 0 else "")


def plan_lines(plan: WholePlan, aws: Plan | None) -> list[str]:
    """The plan as text, without its head."""
    lines = render_changes(aws) if aws is not None else []
    for change in plan.changes:
        if change.resource.startswith("images/"):
            mark = "+" if change.action == "create" else "~"
            lines.append(f"{mark} {change.resource}   ({change.reason})")
            lines.append(f"    {_some(sorted(change.diff))}")
        elif change.resource.startswith("tree/"):
            lines.append(f"~ {change.resource}   ({change.reason})")
            lines += [
                f"    {place}  {one['from']} -> {one['to']}" for place, one in change.diff.items()
            ]
    lines += [f"! {one}" for one in plan.refused]
    lines += [f"i {one}" for one in plan.notes]
    return lines
