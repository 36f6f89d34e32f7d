"""Whether a lifecycle policy reaches an image in use: now, on a later day, after more pushes. Pure.

Every way in which ECR's documents can be read is asked (`readings`), and the worst counts. Three
kinds of reach: `now`; `later`, when nothing more is pushed and days go by; `pushes`, when images
are pushed that the same rule counts and what runs is not deployed anew. A look ahead has an end
(`Ahead`); what lies behind it is told (`Judgement.beyond`) and refused by nobody.

A verdict by age never turns back as time goes by, so the last day tells whether any day reaches.
`latest` protects what it points to, not what runs: an image that runs by digest is also judged as
if `latest` had moved on with the next push.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from longshore.facts import ImageSeen
from longshore.policy.in_use import Found, Held
from longshore.policy.lifecycle.evaluate import Action, Verdict, evaluate
from longshore.policy.lifecycle.grammar import Policy
from longshore.policy.lifecycle.preset import KEEP_ALL
from longshore.policy.lifecycle.readings import (
    DEFAULT,
    Readings,
    as_pairs,
    every_reading,
    open_points,
)
from longshore.policy.lifecycle.words import ordinal, rule_words, short
from longshore.text import tr

When = Literal["now", "later", "pushes"]
MOVES_ON = "latest"
_BY_TAG = ("release", "backup", "tags")  # what moves these knows what it does


@dataclass(frozen=True)
class Ahead:
    """How far to look: so many days without a push, and so many more pushes under one rule."""

    days: int = 30
    pushes: int = 30


LOOK_AHEAD = Ahead()


@dataclass(frozen=True)
class Hit:
    """A rule's reach to an image in use.

    `at` is the day for `later`, `pushes` the number for `pushes`; `reading` names the open points
    that must be read otherwise than by default for it to happen (empty: it happens by default).
    """

    held: Held
    when: When
    action: Action
    rule: int
    reason: str
    at: datetime | None = None
    pushes: int = 0
    reading: tuple[tuple[str, str], ...] = ()

    @property
    def sentence(self) -> str:
        """Image, place of use, rule and time in one sentence."""
        begin = tr("{image} is in use ({place})", image=self.held.name, place=self.held.place)
        if self.held.via:
            begin = tr(
                "{image} belongs to {other}, which is in use ({place})",
                image=self.held.name,
                other=short(self.held.via),
                place=self.held.place,
            )
        return f"{begin}; {self._what()}" + self._as_read()

    def _what(self) -> str:
        fate = tr("be archived") if self.action == "transition" else tr("be deleted")
        if self.when == "now":
            return tr("it would {fate} now: {reason}", fate=fate, reason=self.reason)
        if self.when == "later":
            day = f"{self.at:%Y-%m-%d}" if self.at else ""
            return tr("it would {fate} on {day}: {reason}", fate=fate, day=day, reason=self.reason)
        if self.pushes == 1:
            return tr("it would {fate} after 1 more push: {reason}", fate=fate, reason=self.reason)
        return tr(
            "it would {fate} after {pushes} more pushes: {reason}",
            fate=fate,
            pushes=self.pushes,
            reason=self.reason,
        )

    def _as_read(self) -> str:
        if not self.reading:
            return ""
        readings = ", ".join(f"{name}={choice}" for name, choice in self.reading)
        return tr(" (if ECR reads {readings})", readings=readings)


@dataclass(frozen=True)
class Judgement:
    """What a policy does to the images in use: `hits` within the look-ahead, `beyond` after it."""

    found: Found
    hits: tuple[Hit, ...] = ()
    beyond: tuple[Hit, ...] = ()


def judge(
    policy: Policy,
    images: Sequence[ImageSeen],
    found: Found,
    at: datetime,
    ahead: Ahead = LOOK_AHEAD,
) -> Judgement:
    """The worst that any reading of the policy does to each image in use. `at` is aware."""
    if not found.held:
        return Judgement(found)
    worst: dict[str, Hit] = {}
    moved = _moved_on(images, found.held)
    for readings in every_reading(open_points(policy, images)):
        hits = list(_hits(policy, images, found.held, at, ahead, readings))
        if moved is not images:
            then = _hits(policy, moved, found.held, at, ahead, readings)
            hits += [_after_moving(hit) for hit in then]
        for hit in hits:
            known = worst.get(hit.held.image.digest)
            if known is None or _gravity(hit) < _gravity(known):
                worst[hit.held.image.digest] = hit
    ordered = [hit for hit in sorted(worst.values(), key=_gravity) if not _is_told(hit, worst)]
    within = [hit for hit in ordered if hit.when != "pushes" or hit.pushes <= ahead.pushes]
    return Judgement(found, tuple(within), tuple(hit for hit in ordered if hit not in within))


def _moved_on(images: Sequence[ImageSeen], held: Mapping[str, Held]) -> Sequence[ImageSeen]:
    """The images once `latest` is no longer on what runs; the very same when nothing changes."""
    running = {
        digest
        for digest, one in held.items()
        if not one.via
        if MOVES_ON in one.image.tags
        if any(use.digest and use.by not in _BY_TAG for use in one.uses)
    }
    if not running:
        return images
    return [
        replace(image, tags=tuple(tag for tag in image.tags if tag != MOVES_ON))
        if image.digest in running
        else image
        for image in images
    ]


def _after_moving(hit: Hit) -> Hit:
    """What happens once the tag has moved on, which takes a push."""
    reason = tr("once {tag} is on another image: {reason}", tag=MOVES_ON, reason=hit.reason)
    return replace(hit, when="pushes", at=None, pushes=hit.pushes + 1, reason=reason)


def _is_told(hit: Hit, worst: Mapping[str, Hit]) -> bool:
    """Whether the image only belongs to one that is reached as badly."""
    other = worst.get(hit.held.via)
    return other is not None and _gravity(other)[:4] <= _gravity(hit)[:4]


def _gravity(hit: Hit) -> tuple[int, float, int, int, str]:
    """Smaller is worse: sooner, fewer pushes, and in fewer readings."""
    rank = ("now", "later", "pushes").index(hit.when)
    moment = hit.at.timestamp() if hit.at else 0.0
    return rank, moment, hit.pushes, len(hit.reading), hit.held.image.digest


def _hits(
    policy: Policy,
    images: Sequence[ImageSeen],
    held: Mapping[str, Held],
    at: datetime,
    ahead: Ahead,
    readings: Readings,
) -> Iterator[Hit]:
    """What one reading does to the images in use."""
    last = _verdicts(policy, images, held, at + timedelta(days=ahead.days), readings)
    reached = {digest for digest, one in last.items() if one.action != "keep"}
    ends = {digest: last[digest] for digest in reached}
    days = _first_days(policy, images, held, at, ahead.days, readings, ends) if reached else {}
    told = _otherwise(readings)
    for digest, verdict in last.items():
        if digest in reached:
            day, first = days[digest]
            when = None if day == 0 else at + timedelta(days=day)
            yield _hit(held[digest], first, "later" if day else "now", told, at=when)
        elif _counts_towards(verdict):
            yield _after_pushes(held[digest], verdict, told)


def _counts_towards(verdict: Verdict) -> bool:
    if verdict.because != "count" or verdict.rule is None:
        return False
    return verdict.rule.selection.count_number < KEEP_ALL


def _after_pushes(held: Held, verdict: Verdict, told: tuple[tuple[str, str], ...]) -> Hit:
    rule = verdict.rule
    assert rule is not None  # noqa: S101
    left = max(1, rule.selection.count_number - verdict.rank + 1)
    reason = tr(
        "it {does}; this is the {place}", does=rule_words(rule), place=ordinal(verdict.rank)
    )
    return Hit(held, "pushes", rule.action, rule.priority, reason, pushes=left, reading=told)


def _hit(
    held: Held,
    verdict: Verdict,
    when: When,
    told: tuple[tuple[str, str], ...],
    at: datetime | None,
) -> Hit:
    priority = verdict.rule.priority if verdict.rule else 0
    return Hit(held, when, verdict.action, priority, verdict.reason, at=at, reading=told)


def _verdicts(
    policy: Policy,
    images: Sequence[ImageSeen],
    held: Mapping[str, Held],
    at: datetime,
    readings: Readings,
) -> dict[str, Verdict]:
    found = evaluate(policy, images, at, readings).verdicts
    return {one.image.digest: one for one in found if one.image.digest in held}


def _first_days(
    policy: Policy,
    images: Sequence[ImageSeen],
    held: Mapping[str, Held],
    at: datetime,
    days: int,
    readings: Readings,
    ends: Mapping[str, Verdict],
) -> dict[str, tuple[int, Verdict]]:
    """The first day from now on which each image is reached, with that day's verdict.

    `ends` are the verdicts of those that are reached on the last day.
    """
    first = {digest: (days, verdict) for digest, verdict in ends.items()}

    def look(day: int) -> frozenset[str]:
        verdicts = _verdicts(policy, images, held, at + timedelta(days=day), readings)
        acted = {digest: one for digest, one in verdicts.items() if one.action != "keep"}
        for digest, verdict in acted.items():
            if digest not in first or day < first[digest][0]:
                first[digest] = (day, verdict)
        return frozenset(acted)

    def between(early: int, late: int, before: frozenset[str], after: frozenset[str]) -> None:
        if late - early < 2 or before == after:
            return
        middle = (early + late) // 2
        there = look(middle)
        between(early, middle, before, there)
        between(middle, late, there, after)

    if days:
        between(0, days, look(0), frozenset(ends))
    return first


def _otherwise(readings: Readings) -> tuple[tuple[str, str], ...]:
    default = as_pairs(DEFAULT)
    return tuple((name, one) for name, one in as_pairs(readings).items() if one != default[name])
