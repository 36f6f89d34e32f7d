"""Which tags longshore's own prune takes away: what ECR's rules cannot express. Pure.

ECR knows no OR, no age of a tag, no "never the last one". A prune rule looks at tags, not at
images: an image loses the tag, and only when none is left does the image go. A tag goes when a rule
is about it and no rule keeps it. Never goes: an image that is protected or in use, or that
hangs together with one (`prune_shield`), the last three backups, a tag whose time is not known or
lies in the future, a manifest of an index that stays, an archived image.

Which of two images that were pushed in the same instant is the newer one is not asked: both stay
or both go. A listing that lacks images makes fewer tags go, never more.

>>> from datetime import UTC, datetime
>>> images = [ImageSeen(f"sha256:{n}", (f"pr-{n}",), pushed_at=datetime(2026, 1, n, tzinfo=UTC))
...           for n in (1, 2)]
>>> rule = PruneRule("pull requests", ("pr-*",), keep_newest=1)
>>> [step.tags for step in plan_prune([rule], images, [], datetime(2026, 2, 1, tzinfo=UTC)).steps]
[('pr-1',)]
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from longshore.facts import ImageSeen, InUse
from longshore.policy.lifecycle import prune_words as words
from longshore.policy.lifecycle.evaluate import ranked_at
from longshore.policy.lifecycle.matching import glob_expression
from longshore.policy.lifecycle.preset import BACKUPS, PROTECTED
from longshore.policy.lifecycle.prune_shield import Ties, is_unread, shields
from longshore.policy.lifecycle.prune_units import (
    Per,
    group_of,
    is_companion,
    time_in,
    units_of,
)

__all__ = ["BACKUP_RULE", "Clock", "Kept", "Per", "PrunePlan", "PruneRule", "PruneStep"]

Clock = Literal["push", "tag-name"]
Because = Literal[
    "newest",
    "young",
    "at-least",
    "last-backup",
    "time-unknown",
    "in-the-future",
    "group-unknown",
    "companion",
    "no-limit",
    "protected",
    "in-use",
    "belongs-to-protected",
    "archived",
    "in-index",
    "index-not-read",
    "takes-others-along",
]
LAST_BACKUPS = 3


@dataclass(frozen=True)
class PruneRule:
    """What goes of the tags that any of `patterns` matches (OR, as ECR's lists are not), and none
    of `excluding`.

    Within each group (`per`), what is among the `keep_newest` or younger than `keep_for_days`
    stays; None does not ask. `at_least` of the newest stay whatever their age. `clock` says what a
    tag's age is counted from: the image's push, or the time in the tag's name (backup-...).
    """

    name: str
    patterns: tuple[str, ...]
    keep_newest: int | None = None
    keep_for_days: int | None = None
    per: Per = "family"
    at_least: int = 0
    clock: Clock = "push"
    excluding: tuple[str, ...] = ()


BACKUP_RULE = PruneRule(
    "backups", (BACKUPS,), keep_for_days=7, at_least=LAST_BACKUPS, clock="tag-name"
)


@dataclass(frozen=True)
class PruneStep:
    """What one image loses. With `deletes_image` these are all its tags, and it goes.

    `behind` are indexes of this plan that name it: it can go once they are gone.
    """

    image: ImageSeen
    tags: tuple[str, ...]
    deletes_image: bool
    rule: str
    reason: str
    behind: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The image's digest."""
        return self.image.digest


@dataclass(frozen=True)
class Kept:
    """Tags that some rule is about and that stay: the rule, a word for why, and the reason."""

    digest: str
    tags: tuple[str, ...]
    rule: str
    because: Because
    reason: str


@dataclass(frozen=True)
class PrunePlan:
    """The steps in the order in which they can be done, and what stays. `images` were looked at."""

    at: datetime
    images: int
    steps: tuple[PruneStep, ...] = ()
    kept: tuple[Kept, ...] = ()

    @property
    def deleted(self) -> tuple[PruneStep, ...]:
        """The steps that take an image away."""
        return tuple(step for step in self.steps if step.deletes_image)


def plan_prune(
    rules: Sequence[PruneRule],
    images: Sequence[ImageSeen],
    in_use: Iterable[InUse],
    at: datetime,
    protected: Sequence[str] = PROTECTED,
) -> PrunePlan:
    """What goes and what stays, at a moment; `in_use` is of this repository.

    An index (by its media type) without children counts as one that nobody read.
    """
    patterns = tuple(dict.fromkeys((*PROTECTED, *protected)))
    ties = Ties(images)
    judged = _judge(rules, images, at)
    wanted, kept = _asked_for(judged, _last_backups(images, at))
    out_of_reach = shields(images, in_use, patterns, ties)
    free: dict[str, _Loss] = {}
    for digest, loss in wanted.items():
        if shield := out_of_reach.get(digest):
            kept.append(loss.kept(shield.because, shield.reason))
        else:
            free[digest] = loss
    going = _held(free, ties, kept)
    return PrunePlan(
        at,
        len(images),
        tuple(_steps(going, ties)),
        tuple(sorted(kept, key=lambda one: (one.digest, one.tags, one.rule))),
    )


def indexes_to_read(
    rules: Sequence[PruneRule],
    images: Sequence[ImageSeen],
    in_use: Iterable[InUse],
    at: datetime,
    protected: Sequence[str] = PROTECTED,
) -> tuple[str, ...]:
    """The indexes whose manifests have to be known; none when nothing goes anyway."""
    unread = [image.digest for image in images if is_unread(image)]
    if not unread:
        return ()
    blind = [_without_media_type(image) for image in images]
    return tuple(unread) if plan_prune(rules, blind, in_use, at, protected).steps else ()


def _without_media_type(image: ImageSeen) -> ImageSeen:
    return replace(image, media_type="") if is_unread(image) else image


# --- rule by rule -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Judged:
    """A unit of tags as one rule sees it; `because` is None when the rule lets it go."""

    image: ImageSeen
    tags: tuple[str, ...]
    rule: PruneRule
    because: Because | None
    rank: int = 0
    age: timedelta | None = None

    def kept(self, because: Because) -> Kept:
        said = words.why_kept(self.rule, because, self.rank, self.age)
        return Kept(self.image.digest, self.tags, self.rule.name, because, said)


def _judge(
    rules: Sequence[PruneRule], images: Sequence[ImageSeen], at: datetime
) -> Iterator[_Judged]:
    units = [(image, unit) for image in images if image.tags for unit in units_of(image.tags)]
    for rule in rules:
        expressions = [glob_expression(pattern) for pattern in rule.patterns]
        others = [glob_expression(pattern) for pattern in rule.excluding]
        mine = [
            (image, unit)
            for image, unit in units
            if any(one.fullmatch(tag) for tag in unit for one in expressions)
            and not any(one.fullmatch(tag) for tag in unit for one in others)
        ]
        yield from _judge_rule(rule, mine, at)


def _judge_rule(
    rule: PruneRule, units: Sequence[tuple[ImageSeen, tuple[str, ...]]], at: datetime
) -> Iterator[_Judged]:
    groups: dict[str, list[tuple[datetime, ImageSeen, tuple[str, ...]]]] = {}
    for image, unit in units:
        time = _time_of(rule, image, unit)
        group = group_of(unit[0], rule.per)
        if because := _why_not_ranked(rule, image, unit, time, group, at):
            yield _Judged(image, unit, rule, because)
        elif time is not None and group is not None:
            groups.setdefault(group, []).append((time, image, unit))
    for members in groups.values():
        yield from _judge_group(rule, members, at)


def _why_not_ranked(
    rule: PruneRule,
    image: ImageSeen,
    unit: tuple[str, ...],
    time: datetime | None,
    group: str | None,
    at: datetime,
) -> Because | None:
    """Why a unit stays without taking the place of another one."""
    if is_companion(unit[0]):
        return "companion"
    if image.status != "ACTIVE":
        return "archived"
    if rule.keep_newest is None and rule.keep_for_days is None:
        return "no-limit"
    if time is None:
        return "time-unknown"
    if rule.clock == "tag-name" and time > at:
        return "in-the-future"
    return "group-unknown" if group is None else None


def _time_of(rule: PruneRule, image: ImageSeen, unit: tuple[str, ...]) -> datetime | None:
    return time_in(unit[0]) if rule.clock == "tag-name" else ranked_at(image)


def _judge_group(
    rule: PruneRule, members: Sequence[tuple[datetime, ImageSeen, tuple[str, ...]]], at: datetime
) -> Iterator[_Judged]:
    """Newest first. Tags of one image with one time take one place."""
    places = sorted({(time, image.digest) for time, image, _ in members})
    times = [time for time, _ in places]
    for time, image, unit in members:
        newer = len(times) - _after(times, time)
        yield _Judged(image, unit, rule, _why_stays(rule, newer, at - time), newer + 1, at - time)


def _after(times: Sequence[datetime], time: datetime) -> int:
    """The place behind all that are as old or older."""
    return bisect_left(times, time + timedelta.resolution)


def _why_stays(rule: PruneRule, newer: int, age: timedelta) -> Because | None:
    if rule.keep_newest is not None and newer < rule.keep_newest:
        return "newest"
    if rule.keep_for_days is not None and age <= timedelta(days=rule.keep_for_days):
        return "young"
    return "at-least" if newer < rule.at_least else None


def _last_backups(images: Sequence[ImageSeen], at: datetime) -> set[tuple[str, str]]:
    """Digest and tag of the backups that stay whatever rule is about them.

    Those are the newest by the time in their names, and all whose time is not known.
    """
    backup = glob_expression(BACKUPS)
    found = [
        (time_in(tag), image.digest, tag)
        for image in images
        for tag in image.tags
        if backup.fullmatch(tag)
    ]
    dated = sorted({time for time, _, _ in found if time is not None and time <= at}, reverse=True)
    oldest = dated[:LAST_BACKUPS][-1] if dated else datetime.max.replace(tzinfo=UTC)
    return {(digest, tag) for time, digest, tag in found if time is None or time >= oldest}


# --- image by image -----------------------------------------------------------------------------


@dataclass
class _Loss:
    """What an image is to lose, by whom."""

    image: ImageSeen
    gone: list[_Judged] = field(default_factory=list)

    @property
    def tags(self) -> tuple[str, ...]:
        lost = {tag for one in self.gone for tag in one.tags}
        return tuple(tag for tag in self.image.tags if tag in lost)

    @property
    def is_whole(self) -> bool:
        return len(self.tags) == len(self.image.tags)

    def kept(self, because: Because, reason: str) -> Kept:
        return Kept(self.image.digest, self.tags, self.gone[0].rule.name, because, reason)


def _asked_for(
    judged: Iterable[_Judged], last: set[tuple[str, str]]
) -> tuple[dict[str, _Loss], list[Kept]]:
    """What the rules let go, by image; and what stays because one of them keeps it."""
    units: dict[tuple[str, tuple[str, ...]], _Judged] = {}
    for one in judged:
        key = (one.image.digest, one.tags)
        if key not in units or (units[key].because is None and one.because is not None):
            units[key] = one
    wanted: dict[str, _Loss] = {}
    kept: list[Kept] = []
    for (digest, tags), one in units.items():
        if one.because is not None:
            kept.append(one.kept(one.because))
        elif any((digest, tag) in last for tag in tags):
            kept.append(one.kept("last-backup"))
        else:
            wanted.setdefault(digest, _Loss(one.image)).gone.append(one)
    return wanted, kept


def _held(wanted: Mapping[str, _Loss], ties: Ties, kept: list[Kept]) -> dict[str, _Loss]:
    """The losses that nothing around the image forbids."""
    going = dict(wanted)
    unread = next((one for one in ties.by_digest.values() if is_unread(one)), None)
    while True:
        stopped = {
            digest: why
            for digest, loss in going.items()
            if (why := _why_held(loss, going, ties, unread))
        }
        if not stopped:
            return going
        for digest, (because, reason) in stopped.items():
            kept.append(going.pop(digest).kept(because, reason))


def _why_held(
    loss: _Loss, going: Mapping[str, _Loss], ties: Ties, unread: ImageSeen | None
) -> tuple[Because, str] | None:
    digest = loss.image.digest
    if is_unread(loss.image):
        return "index-not-read", words.index_not_read(digest)
    for parent in ties.parents.get(digest, ()):
        if parent == digest or parent not in going or not going[parent].is_whole:
            return "in-index", words.in_index(parent)
    if not loss.is_whole:
        return None
    if unread is not None:
        return "index-not-read", words.index_not_read(unread.digest)
    for other in ties.referrers.get(digest, ()):
        image = ties.by_digest[other]
        if image.tags and not (other in going and going[other].is_whole):
            return "takes-others-along", words.takes_along(other, image.tags[0])
    return None


def _steps(going: Mapping[str, _Loss], ties: Ties) -> Iterator[PruneStep]:
    """Indexes before what they name; else the oldest first."""
    depth: dict[str, int] = {}

    def depth_of(digest: str) -> int:
        if digest not in depth:
            depth[digest] = 0  # an index that names itself, in a broken file
            above = [one for one in ties.parents.get(digest, ()) if one in going]
            depth[digest] = 1 + max((depth_of(one) for one in above), default=-1)
        return depth[digest]

    def order(digest: str) -> tuple[int, float, str]:
        time = going[digest].image.pushed_at
        return depth_of(digest), time.timestamp() if time else 0.0, digest

    for digest in sorted(going, key=order):
        loss = going[digest]
        first = loss.gone[0]
        reason = words.why_gone(first.rule, first.rank, first.age)
        behind = tuple(one for one in ties.parents.get(digest, ()) if one in going)
        yield PruneStep(loss.image, loss.tags, loss.is_whole, first.rule.name, reason, behind)
