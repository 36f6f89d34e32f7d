"""What is equal, missing, different or extra between source and target. Pure.

A tag is equal when both sides point to the same digest and the target holds the whole closure:
children, config, layers, and every referrer that the source has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from longshore.oci.digest import Digest
from longshore.text import tr
from longshore.transfer.plan import PairPlan, TagStep, companion_of

Status = Literal["equal", "missing", "different"]


@dataclass(frozen=True)
class ClosureSeen:
    """What was found of an image at the target. `absent` names what the target lacks."""

    manifests: int = 0
    blobs: int = 0
    referrers: int = 0
    absent: tuple[str, ...] = ()
    pulled_bytes: int = 0


@dataclass(frozen=True)
class Item:
    """The verdict on one tag."""

    source: str
    target: str
    status: Status
    digest: str
    found: str
    reason: str
    closure: ClosureSeen = ClosureSeen()

    def as_json(self) -> dict[str, Any]:
        """The item as INTERFACE's verify answer shows it."""
        return {
            "source": self.source,
            "target": self.target,
            "status": self.status,
            "digest": self.digest,
            "found": self.found or None,
            "reason": self.reason,
            "manifests": self.closure.manifests,
            "blobs": self.closure.blobs,
            "referrers": self.closure.referrers,
            "pulled_bytes": self.closure.pulled_bytes,
        }


def judge(step: TagStep, expected: Digest | None, found: Digest | None, seen: ClosureSeen) -> Item:
    """The verdict on one tag, from both digests and what was seen of the closure."""
    pair = step.pair

    def item(status: Status, reason: str) -> Item:
        return Item(
            f"{pair.source}:{step.source_tag}",
            f"{pair.target}:{step.target_tag}",
            status,
            expected or "",
            found or "",
            reason,
            seen,
        )

    if expected is None:
        return item("missing", tr("the source no longer has this tag"))
    if found is None:
        return item("missing", tr("the target has no such tag"))
    if found != expected:
        return item("different", tr("the tag points to another digest"))
    if seen.absent:
        return item("different", tr("incomplete: {parts}", parts=", ".join(seen.absent[:5])))
    return item("equal", tr("same digest, whole closure"))


def extra_tags(plans: Sequence[PairPlan]) -> list[str]:
    """Tags (`repository:tag`) that only the target has; several sources may share one target."""
    there = {(plan.pair.target, tag) for plan in plans for tag in plan.view.tags}
    for plan in plans:
        steps = [*plan.steps, *(step for found in plan.companions.values() for step in found)]
        there -= {(plan.pair.target, step.target_tag) for step in steps}
    return [f"{target}:{tag}" for target, tag in sorted(there)]


def tags_to_prove(plan: PairPlan) -> list[TagStep]:
    """Every tag that should be on both sides, companions of chosen images included."""
    return list(plan.wanted)


def count(items: Iterable[Item], status: Status) -> int:
    """How many items have the status."""
    return sum(item.status == status for item in items)


def sample(items: Sequence[TagStep]) -> TagStep | None:
    """The one tag of a repository that is pulled as a test: a named one rather than a companion."""
    own = [step for step in items if companion_of(step.source_tag) is None]
    return next(iter(own or items), None)
