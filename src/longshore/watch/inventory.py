"""Reads repositories for `monitor`: images, scans, and, when asked, manifests. I/O.

Calls: one DescribeImages for a thousand images, one DescribeImageScanFindings for each scan that
is chosen and not remembered. Manifests come by BatchGetImage, which ECR counts as a pull: those of
indexes once (their platforms are what is scanned), unless the repository's lifecycle policy goes by
pull times; those of all images only with `unique`. Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from longshore.errors import AwsError, LongshoreError
from longshore.facts import ImageSeen, ScanSeen
from longshore.oci.manifest import INDEXES, parse_manifest
from longshore.remote.ecr import Ecr
from longshore.remote.ecr_scans import Scans
from longshore.watch.contents import (
    Contents,
    Looked,
    ManifestParts,
    can_be_scanned,
    choose,
    unique_bytes,
)
from longshore.watch.memory import Memory

_THREADS = 8
_KEPT_STATUS = "COMPLETE"  # enhanced scanning's ACTIVE changes by itself
_UNREADABLE = frozenset({"access-denied", "repository-not-found"})


@dataclass(frozen=True)
class InventoryOptions:
    """How much is read. `newest`: scans of so many images besides those that run."""

    unique: bool = False
    newest: int = 5


@dataclass(frozen=True)
class Unreadable:
    """A repository that could not be read, and why."""

    repository: str
    why: str
    is_gone: bool = False


class Inventory:
    """Reads one registry. All methods raise AwsError, LoginError, LimitError, FileError."""

    def __init__(
        self, ecr: Ecr, scans: Scans, memory: Memory, options: InventoryOptions, now: datetime
    ) -> None:
        self._ecr = ecr
        self._scans = scans
        self._memory = memory
        self._options = options
        self._now = now

    def read_all(self, names: Sequence[str]) -> Iterator[Contents | Unreadable]:
        """Repositories in the order of their names, several at once.

        One that may not be read, or has gone meanwhile, comes as Unreadable; a limit or a missing
        login ends it.
        """
        waiting = iter(sorted(names))
        with ThreadPoolExecutor(_THREADS) as pool:
            while batch := list(islice(waiting, _THREADS * 4)):
                yield from pool.map(self._read_or_say, batch)

    def read(self, name: str) -> Contents:
        """One repository."""
        images = tuple(self._ecr.describe_images(name))
        chosen = choose(images, self._options.newest)
        parts = self._manifests(name, images, chosen)
        looked = self._look(name, chosen, parts)
        self._memory.forget_images(name, [one.digest for one in images])
        size, at_most = unique_bytes(images, parts) if self._options.unique else (None, False)
        left_out = can_be_scanned(images) - len(chosen)
        return Contents(name, images, looked, left_out, size, at_most)

    def _read_or_say(self, name: str) -> Contents | Unreadable:
        try:
            return self.read(name)
        except AwsError as error:
            if error.code not in _UNREADABLE:
                raise
            return Unreadable(name, error.what, error.code == "repository-not-found")

    # --- manifests -------------------------------------------------------------------------------

    def _manifests(
        self, name: str, images: Sequence[ImageSeen], chosen: Sequence[ImageSeen]
    ) -> dict[str, ManifestParts]:
        """What the manifests say that must be known, remembered or read."""
        known = self._memory.manifests(name)
        indexes = [one.digest for one in chosen if one.media_type in INDEXES]
        every = [one.digest for one in images if one.status == "ACTIVE"]
        wanted = every if self._options.unique else indexes
        missing = [digest for digest in wanted if digest not in known]
        if missing and not self._options.unique and self._goes_by_pulls(name):
            missing = []
        if missing:
            read = {
                one.digest: parts
                for one in self._ecr.batch_get_image(name, missing)
                if (parts := _parts(one.content, one.media_type)) is not None
            }
            self._memory.keep_manifests(name, read)
            known |= read
        return known

    def _goes_by_pulls(self, name: str) -> bool:
        """Whether it may be that the repository's policy asks when images were pulled."""
        try:
            text = self._ecr.get_lifecycle_policy(name)
        except AwsError as error:
            if error.code != "access-denied":
                raise
            return True
        return text is not None and "sinceImagePulled" in text

    # --- scans -----------------------------------------------------------------------------------

    def _look(
        self, name: str, chosen: Sequence[ImageSeen], parts: dict[str, ManifestParts]
    ) -> tuple[Looked, ...]:
        known = self._memory.scans(name, self._now)
        read: list[ScanSeen] = []

        def scan(digest: str, platform: str = "") -> ScanSeen | None:
            found = known.get(digest)
            if found is None:
                found = self._read_scan(name, digest)
                if found is not None:
                    read.append(found)
            return replace(found, platform=platform) if found else None

        looked = tuple(_looked(one, parts, scan) for one in chosen)
        kept = [one for one in read if one.status == _KEPT_STATUS]
        if kept:
            self._memory.keep_scans(name, kept, self._now)
        return looked

    def _read_scan(self, name: str, digest: str) -> ScanSeen | None:
        """The scan; None when the image has gone since it was listed."""
        try:
            return self._scans.read(name, digest)
        except AwsError as error:
            if error.code != "image-not-found":
                raise
            return None


def _looked(
    image: ImageSeen, parts: dict[str, ManifestParts], scan: Callable[[str, str], ScanSeen | None]
) -> Looked:
    """The image with its scans; an index's are those of its platforms."""
    if image.media_type in INDEXES and image.digest not in parts:
        return Looked(image, unread=True)
    is_index = image.media_type in INDEXES
    wanted = parts[image.digest].children if is_index else ((image.digest, ""),)
    found = (scan(digest, platform) for digest, platform in wanted)
    return Looked(image, tuple(one for one in found if one is not None))


def _parts(content: bytes, media_type: str) -> ManifestParts | None:
    """What a manifest names; None when it cannot be read."""
    try:
        manifest = parse_manifest(content, media_type)
    except LongshoreError:
        return None
    children = tuple(
        (str(child.digest), str(child.platform or ""))
        for child in manifest.children
        if not child.is_attestation and (child.platform is None or child.platform.is_known)
    )
    layers = [one for one in manifest.layers if not one.is_foreign]
    return ManifestParts(tuple((str(one.digest), one.size) for one in layers), children)
