"""What a lifecycle policy does to the images of a repository at a moment. Pure.

Semantics: ECR User Guide, "Lifecycle policies", evaluation rules, with archive storage.

* All rules look at all images at once. An image is acted on by one rule or by none.
* The first rule (lowest priority number) whose tagging requirements an image meets decides about
  it, also when that rule keeps it; rules behind it cannot act on it, but they still count it.
* Rules select the `standard` storage class unless they say `archive`; the two are worlds of their
  own, and an image that is being restored is in neither.
* A count rule sorts newest first, by the time of the push or of the last restore, and acts on all
  behind the N newest. An age rule acts on what is older than N days.
* A manifest that an index of the repository names cannot go before the index.
* An image with a subject goes, or is archived, with its subject.

What the documents leave open is a field of `Readings`. An image whose time is not known is kept,
and counts nowhere. The cost is that of sorting images and tags, plus that of the matches.

>>> from datetime import datetime, UTC
>>> from longshore.policy.lifecycle.grammar import Policy, Rule, Selection
>>> rule = Rule(1, Selection("any", "imageCountMoreThan", 1), "expire")
>>> days = [ImageSeen(f"sha256:{n}", pushed_at=datetime(2026, 1, n, tzinfo=UTC)) for n in (1, 2)]
>>> evaluate(Policy((rule,)), days, datetime(2026, 2, 1, tzinfo=UTC)).verdicts[0].reason
'rule 1 keeps the newest of all images; this is the 2nd'
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

from longshore.facts import ImageSeen
from longshore.policy.lifecycle.bonds import bind
from longshore.policy.lifecycle.grammar import Policy, Rule, StorageClass
from longshore.policy.lifecycle.matching import TagTable, patterns_of
from longshore.policy.lifecycle.readings import DEFAULT, Readings
from longshore.policy.lifecycle.verdicts import Action, Because, Evaluation, Verdict

__all__ = [
    "Action",
    "Because",
    "Evaluation",
    "Verdict",
    "counted_from",
    "cutoff",
    "evaluate",
    "ranked_at",
]

_CLASSES: dict[str, StorageClass] = {"ACTIVE": "standard", "ARCHIVED": "archive"}
_SORTING = 8  # times as dear as looking up whether an image is in a set is sorting it in
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def evaluate(
    policy: Policy, images: Sequence[ImageSeen], at: datetime, readings: Readings = DEFAULT
) -> Evaluation:
    """One verdict per image. Digests must be unique; `at` and all times are aware."""
    verdicts = _by_rules(policy, images, at, readings)
    bind(images, verdicts, readings)
    return Evaluation(policy, at, readings, tuple(verdicts))


def ranked_at(image: ImageSeen) -> datetime | None:
    """The time by which count rules order an image."""
    return image.activated_at or image.pushed_at


def counted_from(rule: Rule, image: ImageSeen, readings: Readings) -> datetime | None:
    """The time from which an age rule counts an image's days; None when it is not known."""
    match rule.selection.count_type:
        case "sinceImageTransitioned":
            return image.archived_at
        case "sinceImagePulled":
            seen = [one for one in (image.pulled_at, image.activated_at) if one]
            return max(seen) if seen else image.pushed_at
        case _ if readings.restored_age == "since-restored":
            return image.activated_at or image.pushed_at
        case _:
            return image.pushed_at


def cutoff(rule: Rule, at: datetime, readings: Readings) -> datetime:
    """An age rule acts on images whose time is before this one."""
    try:
        if readings.day == "calendar":
            at = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return at - timedelta(days=rule.selection.count_number)
    except OverflowError:
        return _LONG_AGO


def _by_rules(
    policy: Policy, images: Sequence[ImageSeen], at: datetime, readings: Readings
) -> list[Verdict]:
    """The verdicts as if no image named another one."""
    field = _Field(images, readings)
    verdicts: list[Verdict | None] = [None] * len(images)
    for rule in policy.rules:
        if rule.selection.count_type == "imageCountMoreThan":
            _count(rule, field, verdicts)
        else:
            _age(rule, field, cutoff(rule, at, readings), at, verdicts)
    return [one or _unreached(image) for one, image in zip(verdicts, images, strict=True)]


class _Field:
    """The images newest first by storage class, and who matches what. Images are places.

    Images that only follow their subject are in no storage class: no rule sees them.
    """

    def __init__(self, images: Sequence[ImageSeen], readings: Readings) -> None:
        self.images, self.readings = images, readings
        self.times = [ranked_at(image) for image in images]
        self.uncounted: frozenset[str] = frozenset()
        if readings.children == "do-not-count":
            self.uncounted = frozenset(child for image in images for child in image.children)
        self._table: TagTable | None = None
        follows = readings.referrers == "follow"
        self._class_of = [
            None if follows and image.subject and not image.tags else _CLASSES.get(image.status)
            for image in images
        ]
        self._rank = [0] * len(images)
        self._classes: dict[StorageClass, list[int]] = {"standard": [], "archive": []}
        for rank, place in enumerate(self._newest_first()):
            self._rank[place] = rank
            if storage_class := self._class_of[place]:
                self._classes[storage_class].append(place)

    def matching(self, rule: Rule) -> Sequence[int]:
        """The images that meet the rule's tagging requirements, newest first."""
        selection = rule.selection
        world = self._classes[selection.storage_class]
        if selection.tag_status == "any":
            return world
        if selection.tag_status == "untagged":
            return [place for place in world if not self.images[place].tags]
        if self._table is None:
            self._table = TagTable([image.tags for image in self.images])
        found = self._table.matching(patterns_of(selection))
        if len(found) * _SORTING > len(world):
            return [place for place in world if place in found]
        mine = [place for place in found if self._class_of[place] == selection.storage_class]
        mine.sort(key=self._rank.__getitem__)
        return mine

    def _newest_first(self) -> list[int]:
        """Those of the same instant by digest; what has no time is last."""
        times = [time or _LONG_AGO for time in self.times]
        higher_first = self.readings.ties == "higher-digest-is-newer"
        found: list[int] = []
        by_time = sorted(range(len(times)), key=times.__getitem__, reverse=True)
        for _, group in groupby(by_time, times.__getitem__):
            same = list(group)
            if len(same) > 1:
                same.sort(key=lambda place: self.images[place].digest, reverse=higher_first)
            found += same
        return found


def _count(rule: Rule, field: _Field, verdicts: list[Verdict | None]) -> None:
    keeps, rank = rule.selection.count_number, 0
    uncounted = field.uncounted if rule.selection.tag_status != "tagged" else frozenset()
    for place in field.matching(rule):
        image = field.images[place]
        if field.times[place] is None:
            verdicts[place] = verdicts[place] or Verdict(image, "keep", rule, "undated")
            continue
        counts = image.digest not in uncounted or bool(image.tags)
        rank += counts
        if verdicts[place] is None:
            action: Action = rule.action if counts and rank > keeps else "keep"
            verdicts[place] = Verdict(image, action, rule, "count", rank)


def _age(
    rule: Rule, field: _Field, before: datetime, at: datetime, verdicts: list[Verdict | None]
) -> None:
    for place in field.matching(rule):
        if verdicts[place] is not None:
            continue
        image = field.images[place]
        time = counted_from(rule, image, field.readings)
        if time is None:
            verdicts[place] = Verdict(image, "keep", rule, "undated")
            continue
        action: Action = rule.action if time < before else "keep"
        verdicts[place] = Verdict(image, action, rule, "age", 0, (at - time).total_seconds())


def _unreached(image: ImageSeen) -> Verdict:
    known = image.status in _CLASSES
    return Verdict(image, "keep", None, "no-rule" if known else "restoring")
