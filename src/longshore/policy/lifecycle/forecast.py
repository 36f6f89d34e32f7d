"""What a policy does day after day: it runs on what the day before left. Pure.

At each step the images that came since then are there, the policy runs once on the survivors, what
expires is gone, and what is archived is in archive storage from that moment. So manifests go after
their index, referrers with their subject, and archived images after their time there.

`prospect` says without running anything when one image goes at the earliest if nothing is pushed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from longshore.errors import UsageError
from longshore.facts import ImageSeen
from longshore.policy.lifecycle import words
from longshore.policy.lifecycle.evaluate import Verdict, counted_from, evaluate
from longshore.policy.lifecycle.grammar import Policy, Rule
from longshore.policy.lifecycle.invented import pushed_onto
from longshore.policy.lifecycle.readings import DEFAULT, Readings
from longshore.text import tr

MOST_STEPS = 5000
ENDLESS = 1000  # a limit from here on means "keep them all"


@dataclass(frozen=True)
class Course:
    """When the policy runs: at the start, then after each `every`, and at the end."""

    start: datetime
    until: datetime
    every: timedelta = timedelta(days=1)

    def moments(self) -> tuple[datetime, ...]:
        """All times at which it runs. Raises UsageError when that makes no sense."""
        if self.every <= timedelta(0) or self.until < self.start:
            raise UsageError(
                tr("the look ahead ends before it starts"),
                tr("give an end after the start: --until +30d --every 1d"),
                code="bad-time",
            )
        steps = int((self.until - self.start) / self.every)
        if steps > MOST_STEPS:
            raise UsageError(
                tr("{steps} steps are too many; the most is {most}", steps=steps, most=MOST_STEPS),
                tr("take longer steps: --every 1d"),
                code="bad-time",
            )
        found = [self.start + number * self.every for number in range(steps + 1)]
        return tuple(found if found[-1] == self.until else [*found, self.until])


@dataclass(frozen=True)
class Step:
    """One run of the policy. `left` counts after it; `by_rule` by the rule that decides."""

    at: datetime
    pushed: int
    gone: tuple[Verdict, ...]
    archived: tuple[Verdict, ...]
    left: int
    left_bytes: int
    archive_bytes: int
    by_rule: tuple[tuple[int | None, int], ...]


@dataclass(frozen=True)
class Forecast:
    """All steps, and when each image goes: its digest with the step's time and verdict."""

    steps: tuple[Step, ...]
    goes: dict[str, tuple[datetime, Verdict]]
    archives: dict[str, tuple[datetime, Verdict]]
    left: tuple[ImageSeen, ...]
    final: tuple[Verdict, ...]


class Fate(NamedTuple):
    """What becomes of an image: the verdict that decides, and when it goes or is archived."""

    image: ImageSeen
    verdict: Verdict
    goes_at: datetime | None = None
    archived_at: datetime | None = None


def look_ahead(
    policy: Policy,
    images: Sequence[ImageSeen],
    course: Course,
    arriving: Sequence[ImageSeen] = (),
    readings: Readings = DEFAULT,
) -> Forecast:
    """Run the policy along the course; `arriving` are the images to come, oldest first."""
    goes: dict[str, tuple[datetime, Verdict]] = {}
    archives: dict[str, tuple[datetime, Verdict]] = {}
    steps: list[Step] = []
    left, waiting = tuple(images), list(arriving)
    verdicts: tuple[Verdict, ...] = ()
    for at in course.moments():
        ready = [one for one in waiting if one.pushed_at and one.pushed_at <= at]
        waiting = waiting[len(ready) :]
        left = pushed_onto(left, ready) if ready else left
        verdicts = evaluate(policy, left, at, readings).verdicts
        gone = tuple(one for one in verdicts if one.action == "expire")
        archived = tuple(one for one in verdicts if one.action == "transition")
        goes |= {one.image.digest: (at, one) for one in gone}
        archives |= {one.image.digest: (at, one) for one in archived}
        left = tuple(_after(verdicts, at))
        steps.append(_step(at, len(ready), verdicts, gone, archived, left))
    return Forecast(tuple(steps), goes, archives, left, verdicts)


def fates(images: Sequence[ImageSeen], forecast: Forecast) -> tuple[Fate, ...]:
    """What becomes of each image along the forecast, in the order of the images."""
    final = {one.image.digest: one for one in forecast.final}

    def fate(image: ImageSeen) -> Fate:
        went, stored = forecast.goes.get(image.digest), forecast.archives.get(image.digest)
        archived_at = stored[0] if stored else None
        if went:
            return Fate(image, went[1], went[0], archived_at)
        return Fate(image, stored[1] if stored else final[image.digest], None, archived_at)

    return tuple(fate(image) for image in images)


def fates_now(verdicts: Sequence[Verdict], at: datetime) -> tuple[Fate, ...]:
    """The same for one run at one moment."""
    return tuple(
        Fate(
            one.image,
            one,
            at if one.action == "expire" else None,
            at if one.action == "transition" else None,
        )
        for one in verdicts
    )


def _after(verdicts: Sequence[Verdict], at: datetime) -> Iterator[ImageSeen]:
    """The images when the policy has run. A restore that went on is taken as done by then."""
    for verdict in verdicts:
        image = verdict.image
        if verdict.action == "transition":
            yield replace(image, status="ARCHIVED", archived_at=at)
        elif verdict.action == "keep" and image.status == "ACTIVATING":
            yield replace(image, status="ACTIVE", activated_at=image.activated_at or at)
        elif verdict.action == "keep":
            yield image


def _step(
    at: datetime,
    pushed: int,
    verdicts: Sequence[Verdict],
    gone: tuple[Verdict, ...],
    archived: tuple[Verdict, ...],
    left: Sequence[ImageSeen],
) -> Step:
    kept = Counter(
        one.rule.priority if one.rule else None for one in verdicts if one.action == "keep"
    )
    return Step(
        at,
        pushed,
        gone,
        archived,
        len(left),
        sum(image.size for image in left if image.status != "ARCHIVED"),
        sum(image.size for image in left if image.status == "ARCHIVED"),
        tuple(sorted(kept.items(), key=lambda pair: (pair[0] is None, pair[0] or 0))),
    )


# --- one image, if nothing is pushed ---------------------------------------------------------


@dataclass(frozen=True)
class Prospect:
    """When an image goes at the earliest if nothing is pushed.

    `now`: it goes. `time`: not before `at`. `pushes`: only behind so many more images of `rule`.
    `index`, `subject`: not before the image `other`. `unknown`: its time is not known. `never`.
    """

    kind: Literal["now", "time", "pushes", "index", "subject", "unknown", "never"]
    at: datetime | None = None
    pushes: int = 0
    rule: Rule | None = None
    other: str = ""

    @property
    def is_never(self) -> bool:
        """Whether it stays for ever, or behind a limit that is only a way to say so."""
        return self.kind == "never" or self.pushes >= ENDLESS

    def short(self) -> str:
        """The prospect in a word or two, for a table."""
        if self.is_never:
            return tr("for ever")
        match self.kind:
            case "now":
                return tr("now")
            case "time":
                return tr("until {time}", time=words_of(self.at))
            case "pushes" if self.pushes == 1:
                return tr("until the next push")
            case "pushes":
                return tr("until {count} more pushes", count=self.pushes)
            case "index":
                return tr("with its index")
            case "subject":
                return tr("with its subject")
            case _:
                return tr("time unknown")

    def sentence(self) -> str:
        """The prospect in words."""
        match self.kind:
            case "now":
                return tr("it goes now, within 24 hours")
            case "time":
                return tr("not before {time}", time=words_of(self.at))
            case "pushes":
                return self._pushes()
            case "index":
                return tr("not before index {index} is gone", index=words.short(self.other))
            case "subject":
                return tr("only with its subject {subject}", subject=words.short(self.other))
            case "unknown":
                return tr("not known: the time of its push is missing")
            case _:
                return tr("never by this policy")

    def _pushes(self) -> str:
        images = words.selected(self.rule.selection) if self.rule else ""
        if self.pushes == 1:
            return tr("with the next push of {images}", images=images)
        if self.is_never:
            return tr(
                "never in practice (after {count} more pushes of {images})",
                count=self.pushes,
                images=images,
            )
        return tr("after {count} more pushes of {images}", count=self.pushes, images=images)


def words_of(at: datetime | None) -> str:
    """A moment for people: `2026-12-24 09:30 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at else "-"


def prospect(verdict: Verdict, at: datetime, readings: Readings = DEFAULT) -> Prospect:
    """When the image of a verdict goes, or is archived, at the earliest if nothing is pushed."""
    rule = verdict.rule
    if verdict.action != "keep":
        return Prospect("now", at, rule=rule)
    match verdict.because:
        case "age" if rule is not None:
            return _of_age(rule, verdict.image, readings)
        case "count" if rule is not None:
            more = rule.selection.count_number - verdict.rank + 1
            return Prospect("pushes", pushes=more, rule=rule) if more > 0 else Prospect("never")
        case "in-index":
            return Prospect("index", rule=rule, other=verdict.other)
        case "subject":
            return Prospect("subject", rule=rule, other=verdict.other)
        case "undated":
            return Prospect("unknown", rule=rule)
        case _:
            return Prospect("never")


def _of_age(rule: Rule, image: ImageSeen, readings: Readings) -> Prospect:
    time = counted_from(rule, image, readings)
    if time is None:
        return Prospect("unknown", rule=rule)
    try:
        due = time + timedelta(days=rule.selection.count_number)
        if readings.day == "calendar":
            midnight = due.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            due = midnight + timedelta(days=1)
    except OverflowError:
        return Prospect("never")
    return Prospect("time", due, rule=rule)
