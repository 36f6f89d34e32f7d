"""Which images of a repository are in use: by what runs, a release, a rollback, a backup. Pure.

Places of use name a digest or a tag (`facts.InUse`); a tag is looked up among the images. An index
in use holds what it names, and an image that runs holds the indexes that name it: a platform's
manifest runs, but its index is what a deployment asks for. What is named and not there is told.

>>> image = ImageSeen("sha256:1", ("v1",))
>>> found = find_in_use("shop", [InUse("shop", "compose", "compose.yml:3", tag="v1")], [image])
>>> [(held.image.digest, held.place) for held in found.held.values()]
[('sha256:1', 'compose.yml:3')]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from longshore.facts import ImageSeen, InUse
from longshore.policy.lifecycle.matching import matches_tag
from longshore.policy.lifecycle.prune_units import time_in
from longshore.policy.lifecycle.words import short
from longshore.text import tr

# What longshore itself holds of a repository, by the repository's name: live and rollback images,
# and backups.
Releases = Callable[[str], Sequence[InUse]]

LIVE = ("live-*", "rollback-*")
BACKUPS = "backup-*"
BACKUPS_KEPT = 3
_PLACES_SHOWN = 2


@dataclass(frozen=True)
class Held:
    """An image that must stay: who uses it, or (`via`) the digest of the image that holds it."""

    image: ImageSeen
    uses: tuple[InUse, ...]
    via: str = ""

    @property
    def place(self) -> str:
        """Where it is in use, in words; the first places, and how many more there are."""
        shown = ", ".join(dict.fromkeys(use.where for use in self.uses[:_PLACES_SHOWN]))
        more = len(self.uses) - _PLACES_SHOWN
        if more > 0:
            shown = tr("{places} and {count} more", places=shown, count=more)
        return shown

    @property
    def name(self) -> str:
        """The image for people: its tags, or its digest."""
        return ", ".join(self.image.tags[:3]) or short(self.image.digest)


@dataclass(frozen=True)
class Found:
    """The images in use of one repository, by digest, and the uses that name nothing there."""

    repository: str
    held: Mapping[str, Held] = field(default_factory=dict)
    absent: tuple[InUse, ...] = ()

    @property
    def direct(self) -> tuple[Held, ...]:
        """Those that are used themselves, not only hold or are held."""
        return tuple(one for one in self.held.values() if not one.via)


def find_in_use(repository: str, uses: Iterable[InUse], images: Sequence[ImageSeen]) -> Found:
    """Look up what the uses of this repository name, with all that it holds."""
    by_digest = {image.digest: image for image in images}
    by_tag = {tag: image.digest for image in images for tag in image.tags}
    direct: dict[str, list[InUse]] = {}
    absent: list[InUse] = []
    for use in uses:
        if use.repository != repository:
            continue
        digest = use.digest or by_tag.get(use.tag or "latest")
        if digest is None or digest not in by_digest:
            absent.append(use)
        elif use not in direct.setdefault(digest, []):
            direct[digest].append(use)
    return Found(repository, _with_relatives(direct, by_digest), tuple(dict.fromkeys(absent)))


def _with_relatives(
    direct: Mapping[str, Sequence[InUse]], by_digest: Mapping[str, ImageSeen]
) -> dict[str, Held]:
    """The images in use first, then the indexes that name one, then what any of these names."""
    held = {digest: Held(by_digest[digest], tuple(uses)) for digest, uses in direct.items()}
    parents: dict[str, list[str]] = {}
    for image in by_digest.values():
        for child in image.children:
            parents.setdefault(child, []).append(image.digest)
    _spread(held, by_digest, lambda image: parents.get(image.digest, ()))
    _spread(held, by_digest, lambda image: image.children)
    return held


def _spread(
    held: dict[str, Held],
    by_digest: Mapping[str, ImageSeen],
    related: Callable[[ImageSeen], Iterable[str]],
) -> None:
    waiting = list(held)
    while waiting:
        one = held[waiting.pop()]
        for digest in related(one.image):
            if digest in by_digest and digest not in held:
                via = one.via or one.image.digest
                held[digest] = Held(by_digest[digest], one.uses, via)
                waiting.append(digest)


def uses_by_tags(
    repository: str, images: Iterable[ImageSeen], patterns: Sequence[str]
) -> list[InUse]:
    """Images whose tags the config calls in use (`protect.tags`)."""
    return [
        InUse(repository, "tags", tr("protect.tags: {tag}", tag=tag), image.digest, tag)
        for image in images
        for tag in image.tags
        if any(matches_tag(pattern, tag) for pattern in patterns)
    ]


def releases_by_tags(
    repository: str,
    images: Sequence[ImageSeen],
    at: datetime,
    patterns: Sequence[str] = LIVE,
) -> list[InUse]:
    """Live and rollback images by their tags, and the newest backups by the time in their names.

    A backup whose time is yet to come counts too, but takes no place of the true ones.
    """
    found = [
        InUse(repository, "release", tr("tag {tag}", tag=tag), image.digest, tag)
        for image in images
        for tag in image.tags
        if any(matches_tag(pattern, tag) for pattern in patterns)
    ]
    backups = [
        (time, tag, image.digest)
        for image in images
        for tag in image.tags
        if matches_tag(BACKUPS, tag) and (time := time_in(tag)) is not None
    ]
    backups.sort(reverse=True)
    to_come = sum(time > at for time, _, _ in backups)
    return found + [
        InUse(repository, "backup", tr("backup {tag}", tag=tag), digest, tag)
        for _, tag, digest in backups[: to_come + BACKUPS_KEPT]
    ]
