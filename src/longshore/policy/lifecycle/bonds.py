"""Images that name each other: an index holds its manifests, a subject takes its referrers. Pure.

* An image that an index names cannot expire before the index has, nor be archived before the index
  is archived or has expired.
* An image with a subject expires and is archived with it. Untagged, it is reached by nothing else,
  unless it is read as ordinary.

Each image is settled after the images that its fate depends on. What names each other in a circle,
which only a broken listing has, is never settled: to all others such images stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from longshore.facts import ImageSeen
from longshore.policy.lifecycle.readings import Readings
from longshore.policy.lifecycle.verdicts import Action, Verdict


def bind(images: Sequence[ImageSeen], verdicts: list[Verdict], readings: Readings) -> None:
    """Put the verdicts by rules right for images that others hold, or take along."""
    bonds = _bonds(images)
    if not bonds.holders and not bonds.subjects:
        return
    settled = _Settled(verdicts, bonds, readings)
    left = []
    for place, is_settled in _order(bonds):
        if is_settled:
            verdicts[place] = settled.verdict(place)
        else:
            left.append(place)
    settled.circle = frozenset(left)
    found = [settled.verdict(place) for place in left]
    for place, verdict in zip(left, found, strict=True):
        verdicts[place] = verdict


@dataclass(frozen=True)
class _Bonds:
    """Who depends on whom, by places in the sequence of images.

    `subjects` has None for a subject that is not there.
    """

    holders: dict[int, list[int]]
    subjects: dict[int, int | None]

    def dependent(self) -> Iterable[int]:
        return self.holders.keys() | self.subjects.keys()

    def on(self, place: int) -> Iterator[int]:
        yield from self.holders.get(place, ())
        subject = self.subjects.get(place)
        if subject is not None:
            yield subject


def _bonds(images: Sequence[ImageSeen]) -> _Bonds:
    indexes = [place for place, image in enumerate(images) if image.children]
    referrers = [place for place, image in enumerate(images) if image.subject]
    holders: dict[int, list[int]] = {}
    subjects: dict[int, int | None] = {}
    if indexes or referrers:
        by_digest = {image.digest: place for place, image in enumerate(images)}
        for index in indexes:
            for child in dict.fromkeys(images[index].children):
                if child in by_digest:
                    holders.setdefault(by_digest[child], []).append(index)
        subjects = {place: by_digest.get(images[place].subject or "") for place in referrers}
    return _Bonds(holders, subjects)


def _order(bonds: _Bonds) -> Iterator[tuple[int, bool]]:
    """All dependent images after those they depend on; last, with False, what is in circles."""
    waits: dict[int, int] = {}
    dependents: dict[int, list[int]] = {}
    for place in bonds.dependent():
        waits[place] = 0
        for other in bonds.on(place):
            waits[place] += 1
            dependents.setdefault(other, []).append(place)
    ready = [place for place, count in waits.items() if not count]
    ready += [place for place in dependents if place not in waits]
    while ready:
        place = ready.pop()
        if waits.pop(place, None) is not None:
            yield place, True
        for dependent in dependents.get(place, ()):
            waits[dependent] -= 1
            if not waits[dependent]:
                ready.append(dependent)
    for place in waits:
        yield place, False


class _Settled:
    """Settles one image after the other."""

    circle: frozenset[int] = frozenset()

    def __init__(self, verdicts: list[Verdict], bonds: _Bonds, readings: Readings) -> None:
        self._verdicts, self._bonds, self._readings = verdicts, bonds, readings

    def verdict(self, place: int) -> Verdict:
        """The last verdict of an image, those that it depends on having theirs."""
        verdict = self._verdicts[place]
        if place in self._bonds.subjects:
            verdict = self._with_subject(verdict, self._bonds.subjects[place])
        if verdict.action == "keep":
            return verdict
        holders = [
            self._verdicts[holder].image.digest
            for holder in self._bonds.holders.get(place, ())
            if self._holds(holder, verdict.action)
        ]
        if not holders:
            return verdict
        return verdict._replace(action="keep", because="in-index", other=min(holders), behind=None)

    def _holds(self, index: int, action: Action) -> bool:
        """Whether the index keeps a manifest of its own from the action."""
        verdict = self._verdicts[index]
        if action == "transition" and verdict.image.status == "ARCHIVED":
            return False
        if self._readings.children_go == "next-run" or index in self.circle:
            return True
        return verdict.action not in ("expire", action)

    def _with_subject(self, own: Verdict, subject: int | None) -> Verdict:
        behind = self._behind(subject)
        action: Action = behind.action if behind is not None else "keep"
        if action == "transition" and own.image.status != "ACTIVE":
            action = "keep"
        moves = action != "keep" and own.action != "expire"
        only_follows = self._readings.referrers == "follow" and not own.image.tags
        if not moves and not only_follows:
            return own
        rule = behind.rule if behind is not None else None
        return Verdict(
            own.image, action, rule, "subject", other=own.image.subject or "", behind=behind
        )

    def _behind(self, subject: int | None) -> Verdict | None:
        """The verdict that a subject hands on."""
        if subject is None:
            return None
        verdict = self._verdicts[subject]
        if subject in self.circle:
            return Verdict(verdict.image, "keep", None, "circle")
        behind = verdict.behind if verdict.because == "subject" else None
        return behind if behind is not None and behind.action == verdict.action else verdict
