"""Made up repositories and policies for properties: one number each, so that they shrink well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st

from longshore.facts import ImageSeen
from longshore.policy.lifecycle.grammar import Policy, Rule, Selection
from longshore.policy.lifecycle.readings import CHOICES, Readings

T = TypeVar("T")

DIGESTS = [f"sha256:{letter}" for letter in "7c2e9a1f4b8d036"]
UNKNOWN = "sha256:unknown"
TAGS = ("v1", "v2", "v1.2", "v10", "main-a", "main-ab", "a-main", "latest", "live-x", "x", "12")
PATTERNS = (
    "v*",
    "*",
    "main-*",
    "*-*",
    "v1*",
    "latest",
    "*a",
    "live-*",
    "*1*2*",
    "**",
    "m*a*",
    "v1.",
)
PREFIXES = ("v", "main", "", "v1", "l*", "V")
MOMENTS = (
    datetime(2026, 11, 23, 10, tzinfo=UTC),
    datetime(2026, 11, 23, tzinfo=UTC),
    datetime(2026, 11, 23, 23, 59, 59, 999_999, tzinfo=UTC),
)
AGES = (
    *(timedelta(hours=hours) for hours in (1, 9, 10, 11, 23, 24, 25, 34, 47, 48, 49, 72, 96)),
    *(timedelta(days=days) for days in (5, 99, 100, 101, 400)),
    *(timedelta(days=1, microseconds=one) for one in (-1, 1)),
    timedelta(0),
    timedelta(hours=-1),
)
COUNTS = (1, 1, 1, 2, 2, 3, 100, 10**12)


class Digits:
    """Choices that are made by a number, one after the other."""

    def __init__(self, number: int) -> None:
        self._rest = number

    def pick(self, options: Sequence[T]) -> T:
        self._rest, place = divmod(self._rest, len(options))
        return options[place]


@dataclass(frozen=True)
class World:
    """What an evaluation is given."""

    policy: Policy
    images: tuple[ImageSeen, ...]
    at: datetime
    readings: Readings

    @property
    def arguments(self) -> tuple[Policy, tuple[ImageSeen, ...], datetime, Readings]:
        return self.policy, self.images, self.at, self.readings


def image_of(number: int, place: int, count: int, at: datetime) -> ImageSeen:
    digits = Digits(number)

    def time(often: int) -> datetime | None:
        """None but for one case in `often`."""
        known = digits.pick([False] * (often - 1) + [True])
        age = digits.pick(AGES)
        return at - age if known else None

    tags = tuple({digits.pick(TAGS) for _ in range(digits.pick((0, 0, 1, 1, 2, 3)))})
    pushed_at = at - digits.pick(AGES)
    image = ImageSeen(
        DIGESTS[place],
        tuple(sorted(tags)),
        pushed_at=None if digits.pick(range(20)) == 19 else pushed_at,
        status=digits.pick((*["ACTIVE"] * 6, "ARCHIVED", "ARCHIVED", "ACTIVATING")),
        pulled_at=time(2),
        activated_at=time(4),
    )
    if image.status == "ARCHIVED":
        image = replace(image, archived_at=time(3) or at - timedelta(days=101))
    others = (*DIGESTS[:count], UNKNOWN)
    children = tuple(digits.pick(others) for _ in range(digits.pick((0, 0, 0, 0, 0, 1, 1, 2, 3))))
    subject = digits.pick(others) if digits.pick((0, 0, 1)) else None
    return replace(image, children=children, subject=subject)


def rule_of(number: int, priority: int) -> Rule:
    digits = Digits(number)
    count_type: Any = digits.pick(
        ("imageCountMoreThan", "imageCountMoreThan", "sinceImagePushed", "sinceImagePulled",
         "sinceImageTransitioned")
    )  # fmt: skip
    action: Any = digits.pick(("expire", "expire", "transition"))
    if count_type == "sinceImagePulled":
        action = "transition"
    if count_type == "sinceImageTransitioned":
        action = "expire"
    status: Any = digits.pick(("tagged", "untagged", "any", "any"))
    patterns, prefixes = (), ()
    if status == "tagged" and digits.pick((True, True, False)):
        patterns = tuple(digits.pick(PATTERNS) for _ in range(digits.pick((1, 1, 2))))
    elif status == "tagged":
        prefixes = tuple(digits.pick(PREFIXES) for _ in range(digits.pick((1, 1, 2))))
    storage: Any = "archive" if count_type == "sinceImageTransitioned" else "standard"
    selection = Selection(status, count_type, digits.pick(COUNTS), patterns, prefixes, storage)
    return Rule(priority, selection, action)


def world_of(rules: Sequence[int], images: Sequence[int], more: int) -> World:
    digits = Digits(more)
    at = digits.pick(MOMENTS)
    chosen = {name: digits.pick(choices) for name, choices in CHOICES.items()}
    policy = Policy(tuple(rule_of(number, place + 1) for place, number in enumerate(rules)))
    seen = tuple(image_of(number, place, len(images), at) for place, number in enumerate(images))
    return World(policy, seen, at, Readings(**chosen))


_PART = st.integers(0, 2**24 - 1)  # of wider ranges Hypothesis takes mostly small numbers
_NUMBERS = st.builds(
    lambda *parts: sum(part << 24 * at for at, part in enumerate(parts)), _PART, _PART, _PART
)
WORLDS = st.builds(
    world_of, st.lists(_NUMBERS, max_size=6), st.lists(_NUMBERS, min_size=2, max_size=12), _PART
)
