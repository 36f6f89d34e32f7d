"""What was read of a repository for its metrics and its watch, and which scans are read. Pure.

A scan costs a call each, so only those of images that matter are read: what runs or may run again
(live-*, rollback-*, latest), and the newest others. How many were left out is always said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from longshore.facts import ImageSeen, ScanSeen
from longshore.oci.manifest import IMAGES, INDEXES
from longshore.policy.gate import FINISHED, RUNNING

PROTECTED = ("live-", "rollback-")
BACKUP = "backup-"
SCAN_TAKES = timedelta(minutes=30)
_ARTIFACTS = ("sha256-",)
_OLDEST = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class ManifestParts:
    """What a manifest names: layers with their sizes, or an index's platforms."""

    layers: tuple[tuple[str, int], ...] = ()
    children: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Looked:
    """An image whose scans were read, one for each platform; `unread`: of an index, none were."""

    image: ImageSeen
    scans: tuple[ScanSeen, ...] = ()
    unread: bool = False


@dataclass(frozen=True)
class Contents:
    """A repository's images, the scans that were read, and how many images were left out.

    `unique_bytes` are those of different layers, None when manifests were not to be read;
    `at_most` says that some could not be read (archived ones), and count whole.
    """

    repository: str
    images: tuple[ImageSeen, ...]
    looked: tuple[Looked, ...] = ()
    left_out: int = 0
    unique_bytes: int | None = None
    at_most: bool = False

    @property
    def logical_bytes(self) -> int:
        """What all images weigh, each layer counted with each image; an index weighs nothing."""
        return sum(one.size for one in self.images if one.media_type not in INDEXES)

    @property
    def backups(self) -> int:
        """How many backup-* tags there are."""
        return sum(1 for tag in tags_of(self.images) if tag.startswith(BACKUP))

    @property
    def protected(self) -> frozenset[str]:
        """The tags of what runs and of where one can go back to."""
        return frozenset(tag for tag in tags_of(self.images) if tag.startswith(PROTECTED))


def tags_of(images: Iterable[ImageSeen]) -> Iterable[str]:
    """All tags."""
    return (tag for one in images for tag in one.tags)


def choose(images: Sequence[ImageSeen], newest: int) -> list[ImageSeen]:
    """The images whose scans are read: what runs first, then so many of the newest."""
    scanned = [one for one in images if _can_be_scanned(one)]
    scanned.sort(key=lambda one: (one.pushed_at or _OLDEST, one.digest), reverse=True)
    first = [one for one in scanned if _matters(one)]
    rest = [one for one in scanned if not _matters(one)]
    return [*first, *rest[:newest]]


def can_be_scanned(images: Sequence[ImageSeen]) -> int:
    """How many images there are whose scans could be read."""
    return sum(1 for one in images if _can_be_scanned(one))


def _can_be_scanned(one: ImageSeen) -> bool:
    """Tagged images that can be pulled; not what refers to others, and no signature's tag."""
    return (
        one.status == "ACTIVE"
        and one.subject is None
        and (not one.media_type or one.media_type in IMAGES | INDEXES)
        and any(not tag.startswith(_ARTIFACTS) for tag in one.tags)
    )


def _matters(one: ImageSeen) -> bool:
    return any(tag == "latest" or tag.startswith(PROTECTED) for tag in one.tags)


def is_awaited(scan: ScanSeen, image: ImageSeen, now: datetime) -> bool:
    """Whether the scan may still come: half an hour after the push."""
    is_fresh = image.pushed_at is not None and now - image.pushed_at <= SCAN_TAKES
    return is_fresh and (not scan.status or scan.status in RUNNING)


def unfinished(looked: Looked, now: datetime) -> list[ScanSeen]:
    """The scans that did not end, and are awaited no longer."""
    return [
        one
        for one in looked.scans
        if one.status not in FINISHED and not is_awaited(one, looked.image, now)
    ]


def unique_bytes(images: Sequence[ImageSeen], parts: dict[str, ManifestParts]) -> tuple[int, bool]:
    """The bytes of different layers, and whether that is at most: some manifests are missing.

    >>> shared = ManifestParts((("sha256:a", 5), ("sha256:b", 1)))
    >>> pair = [ImageSeen("sha256:1", size=6), ImageSeen("sha256:2", size=6)]
    >>> unique_bytes(pair, {"sha256:1": shared, "sha256:2": shared})
    (6, False)
    >>> unique_bytes(pair, {"sha256:1": shared})
    (12, True)
    """
    layers = {digest: size for one in images if one.digest in parts
              for digest, size in parts[one.digest].layers}  # fmt: skip
    missing = [one for one in images if one.digest not in parts and one.media_type not in INDEXES]
    return sum(layers.values()) + sum(one.size for one in missing), bool(missing)
