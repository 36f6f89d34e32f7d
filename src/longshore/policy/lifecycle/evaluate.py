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

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from longshore.facts import ImageSeen
from longshore.policy.lifecycle import words
from longshore.policy.lifecycle.grammar import Policy, Rule, StorageClass
from longshore.policy.lifecycle.matching import TagTable, patterns_of
from longshore.policy.lifecycle.readings import DEFAULT, Readings

Action = Literal["expire", "transition", "keep"]
Because = Literal["count", "age", "no-rule", "undated", "in-index", "subject", "restoring"]
_WORLDS: dict[str, StorageClass] = {"ACTIVE": "standard", "ARCHIVED": "archive"}


class Verdict(NamedTuple):
    """What happens to an image, and why. (A tuple, because there may be a million.)

    `rule` is the rule that decides about the image, also when it keeps it; None: no rule reaches
    it. `because` says what decided: the `count` (`rank`: 1 is the newest), the `age` in seconds,
    the index or subject in `other`; `behind` is the subject's own verdict.
    """

    image: ImageSeen
    action: Action
    rule: Rule | None
    because: Because
    rank: int = 0
    age_s: float = 0.0
    other: str = ""
    behind: Verdict | None = None

    @property
    def reason(self) -> str:
        """The reason in a sentence."""
        return words.reason(self)


@dataclass(frozen=True)
class Evaluation:
    """The verdicts, in the order of the images that were given."""

    policy: Policy
    at: datetime
    readings: Readings
    verdicts: tuple[Verdict, ...]

    def acted(self, action: Action = "expire") -> tuple[Verdict, ...]:
        """The verdicts with this action."""
        return tuple(one for one in self.verdicts if one.action == action)


def evaluate(
    policy: Policy, images: Sequence[ImageSeen], at: datetime, readings: Readings = DEFAULT
) -> Evaluation:
    """One verdict per image. Digests must be unique; `at` and all times are aware."""
    verdicts = _by_rules(policy, images, at, readings)
    _hold_children(images, verdicts, readings)
    _follow_subjects(images, verdicts, readings)
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
    if readings.day == "calendar":
        at = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        return at - timedelta(days=rule.selection.count_number)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


def _by_rules(
    policy: Policy, images: Sequence[ImageSeen], at: datetime, readings: Readings
) -> list[Verdict]:
    """The verdicts as if no image named another one."""
    follows = readings.referrers == "follow"
    takes_part = [not (follows and image.subject and not image.tags) for image in images]
    field = _Field(images, takes_part, readings)
    verdicts: list[Verdict | None] = [None] * len(images)
    for rule in policy.rules:
        places = field.matching(rule)
        if rule.selection.count_type == "imageCountMoreThan":
            _count(rule, images, places, field, verdicts)
        else:
            _age(rule, images, places, at, readings, verdicts)
    return [one or _unreached(image) for one, image in zip(verdicts, images, strict=True)]


class _Field:
    """The images newest first by storage class, and who matches what."""

    def __init__(
        self, images: Sequence[ImageSeen], takes_part: Sequence[bool], readings: Readings
    ) -> None:
        self._images = images
        tags = [image.tags if part else () for image, part in zip(images, takes_part, strict=True)]
        self._table = TagTable(tags)
        self.uncounted = _children(images) if readings.children == "do-not-count" else frozenset()
        ordered = [place for place, part in enumerate(takes_part) if part]
        ordered.sort(
            key=lambda place: images[place].digest,
            reverse=readings.ties == "higher-digest-is-newer",
        )
        ordered.sort(key=self._time, reverse=True)
        self._worlds: dict[StorageClass, list[int]] = {"standard": [], "archive": []}
        self._rank = [0] * len(images)
        for rank, place in enumerate(ordered):
            self._rank[place] = rank
            if world := _WORLDS.get(images[place].status):
                self._worlds[world].append(place)

    def _time(self, place: int) -> float:
        time = ranked_at(self._images[place])
        return time.timestamp() if time else 0.0

    def matching(self, rule: Rule) -> Sequence[int]:
        """The images that meet the rule's tagging requirements, newest first."""
        selection = rule.selection
        world = self._worlds[selection.storage_class]
        if selection.tag_status == "any":
            return world
        if selection.tag_status == "untagged":
            return [place for place in world if not self._images[place].tags]
        found = self._table.matching(patterns_of(selection))
        mine = [
            place
            for place in found
            if _WORLDS.get(self._images[place].status) == selection.storage_class
        ]
        return sorted(mine, key=self._rank.__getitem__)


def _children(images: Iterable[ImageSeen]) -> frozenset[str]:
    return frozenset(child for image in images for child in image.children)


def _count(
    rule: Rule,
    images: Sequence[ImageSeen],
    places: Sequence[int],
    field: _Field,
    verdicts: list[Verdict | None],
) -> None:
    keeps, rank = rule.selection.count_number, 0
    is_tagged = rule.selection.tag_status == "tagged"
    for place in places:
        image = images[place]
        if ranked_at(image) is None:
            verdicts[place] = verdicts[place] or Verdict(image, "keep", rule, "undated")
            continue
        counts = is_tagged or image.digest not in field.uncounted or bool(image.tags)
        rank += counts
        if verdicts[place] is None:
            action: Action = rule.action if counts and rank > keeps else "keep"
            verdicts[place] = Verdict(image, action, rule, "count", rank)


def _age(
    rule: Rule,
    images: Sequence[ImageSeen],
    places: Sequence[int],
    at: datetime,
    readings: Readings,
    verdicts: list[Verdict | None],
) -> None:
    before = cutoff(rule, at, readings)
    for place in places:
        if verdicts[place] is not None:
            continue
        image = images[place]
        time = counted_from(rule, image, readings)
        if time is None:
            verdicts[place] = Verdict(image, "keep", rule, "undated")
            continue
        age_s = (at - time).total_seconds()
        action: Action = rule.action if time < before else "keep"
        verdicts[place] = Verdict(image, action, rule, "age", 0, age_s)


def _unreached(image: ImageSeen) -> Verdict:
    known = image.status in _WORLDS
    return Verdict(image, "keep", None, "no-rule" if known else "restoring")


def _hold_children(
    images: Sequence[ImageSeen], verdicts: list[Verdict], readings: Readings
) -> None:
    """An image that an index names stays until the index is gone."""
    parents: dict[str, list[int]] = {}
    for place, image in enumerate(images):
        for child in image.children:
            parents.setdefault(child, []).append(place)
    if not parents:
        return
    held: dict[int, bool] = {}
    by_digest = {image.digest: place for place, image in enumerate(images)}

    def is_held(place: int) -> bool:
        """Whether an index that stays, or that goes only in this run, names the image."""
        if place not in held:
            held[place] = True  # an image that names itself, in a broken file, stays
            held[place] = any(stays(parent) for parent in parents.get(images[place].digest, ()))
        return held[place]

    def stays(parent: int) -> bool:
        if readings.children_go == "next-run" or verdicts[parent].action == "keep":
            return True
        return is_held(parent)

    for place in _outermost_first(parents, by_digest, images):
        verdict = verdicts[place]
        if verdict.action != "keep" and is_held(place):
            holder = next(one for one in parents[verdict.image.digest] if stays(one))
            verdicts[place] = verdict._replace(
                action="keep", because="in-index", other=images[holder].digest
            )


def _outermost_first(
    parents: dict[str, list[int]], by_digest: dict[str, int], images: Sequence[ImageSeen]
) -> list[int]:
    """The named images that are there, those in no index first: their verdicts are final."""
    named = [by_digest[digest] for digest in parents if digest in by_digest]
    depth: dict[int, int] = {}

    def depth_of(place: int, seen: frozenset[int]) -> int:
        if place in depth or place in seen or len(seen) > 64:
            return depth.get(place, 0)
        above = parents.get(images[place].digest, ())
        found = 1 + max((depth_of(one, seen | {place}) for one in above), default=-1)
        depth[place] = found
        return found

    return sorted(named, key=lambda place: depth_of(place, frozenset()))


def _follow_subjects(
    images: Sequence[ImageSeen], verdicts: list[Verdict], readings: Readings
) -> None:
    """An image with a subject goes with it; untagged, it is reached by nothing else."""
    referrers = [place for place, image in enumerate(images) if image.subject]
    if not referrers:
        return
    by_digest = {image.digest: place for place, image in enumerate(images)}
    final: dict[int, Verdict] = {}

    def follow(place: int, seen: frozenset[int]) -> Verdict:
        image, own = images[place], verdicts[place]
        subject = by_digest.get(image.subject or "")
        if place in final or not image.subject or place in seen or len(seen) > 64:
            return final.get(place, own)
        behind = None if subject is None else follow(subject, seen | {place})
        final[place] = _with_subject(image, own, behind, readings)
        return final[place]

    for place in referrers:
        follow(place, frozenset())
    for place, verdict in final.items():
        verdicts[place] = verdict


def _with_subject(
    image: ImageSeen, own: Verdict, behind: Verdict | None, readings: Readings
) -> Verdict:
    only_follows = readings.referrers == "follow" and not image.tags
    moves = behind is not None and behind.action != "keep" and own.action != "expire"
    if not moves and not only_follows:
        return own
    action: Action = behind.action if behind is not None else "keep"
    rule = behind.rule if behind is not None else None
    return Verdict(image, action, rule, "subject", other=image.subject or "", behind=behind)
