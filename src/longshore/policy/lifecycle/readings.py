"""What ECR's documents leave open about lifecycle policies, and how it is read here. Pure.

Each open point is a field with a stated default. `others` gives the alternatives that can make a
difference for given images, so that an answer may say when one mattered, and a guard may ask all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import Any, Literal

from longshore.facts import ImageSeen
from longshore.policy.lifecycle.grammar import Policy

Day = Literal["24-hours", "calendar"]
Ties = Literal["lower-digest-is-newer", "higher-digest-is-newer"]
Children = Literal["count", "do-not-count"]
ChildrenGo = Literal["next-run", "same-run"]
Referrers = Literal["follow", "ordinary"]
Restored = Literal["since-restored", "since-pushed"]


@dataclass(frozen=True)
class Readings:
    """How the open points are read.

    day           more than N days ago: more than N times 24 hours, or more than N days apart by
                  the UTC calendar
    ties          which of two images that were pushed in the same instant is the newer one
    children      whether the manifests of an index count among the N that an `untagged` or `any`
                  rule keeps
    children_go   whether the manifests of an index that expires or is archived may do the same in
                  the same run, or only once the index has
    referrers     whether an untagged image with a subject is only removed with its subject, or is
                  also an untagged image to every rule
    restored_age  whether sinceImagePushed counts from the last restore of an archived image
    """

    day: Day = "24-hours"
    ties: Ties = "lower-digest-is-newer"
    children: Children = "count"
    children_go: ChildrenGo = "next-run"
    referrers: Referrers = "follow"
    restored_age: Restored = "since-restored"


DEFAULT = Readings()
CHOICES: dict[str, tuple[Any, ...]] = {
    "day": ("24-hours", "calendar"),
    "ties": ("lower-digest-is-newer", "higher-digest-is-newer"),
    "children": ("count", "do-not-count"),
    "children_go": ("next-run", "same-run"),
    "referrers": ("follow", "ordinary"),
    "restored_age": ("since-restored", "since-pushed"),
}


def open_points(policy: Policy, images: Sequence[ImageSeen]) -> tuple[str, ...]:
    """The fields of Readings that can matter for these rules and images."""
    types = {rule.selection.count_type for rule in policy.rules}
    by_count, by_age = "imageCountMoreThan" in types, len(types - {"imageCountMoreThan"}) > 0
    counts_untagged = any(
        rule.selection.count_type == "imageCountMoreThan" and rule.selection.tag_status != "tagged"
        for rule in policy.rules
    )
    has_children = any(image.children for image in images)
    matters = {
        "day": by_age,
        "ties": by_count and _has_ties(images),
        "children": counts_untagged and has_children,
        "children_go": bool(policy.rules) and has_children,
        "referrers": any(image.subject and not image.tags for image in images),
        "restored_age": "sinceImagePushed" in types and any(i.activated_at for i in images),
    }
    return tuple(name for name in CHOICES if matters[name])


def _has_ties(images: Sequence[ImageSeen]) -> bool:
    times = [time for image in images if (time := image.activated_at or image.pushed_at)]
    return len(set(times)) < len(times)


def others(chosen: Readings, points: Sequence[str]) -> Iterator[tuple[str, Readings]]:
    """Each open point with the reading in which only that point is read the other way."""
    for name in points:
        for choice in CHOICES[name]:
            if choice != getattr(chosen, name):
                yield name, replace(chosen, **{name: choice})


def every_reading(points: Sequence[str]) -> Iterator[Readings]:
    """All combinations of the open points, the default first."""
    for choices in product(*(CHOICES[name] for name in points)):
        yield replace(DEFAULT, **dict(zip(points, choices, strict=True)))


def as_pairs(readings: Readings) -> dict[str, str]:
    """The reading, as JSON tells it."""
    return {one.name: getattr(readings, one.name) for one in fields(readings)}
