"""A repository's images as facts, in three queries however many there are. I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from longshore.embedded.database import Database
from longshore.embedded.rows import Row, moment, moment_or_none, status_of
from longshore.facts import ImageSeen
from longshore.oci.manifest import INDEXES

_IMAGES = (
    "SELECT digest, media_type, size, subject, artifact_type, pushed_at, pulled_at,"
    " storage, archived_at, activated_at FROM manifests WHERE repository = ? ORDER BY rowid"
)
_TAGS = "SELECT digest, tag FROM tags WHERE repository = ? ORDER BY tag"
_CHILDREN = (
    "SELECT links.manifest, links.target FROM manifests JOIN links"
    " ON links.repository = manifests.repository AND links.manifest = manifests.digest"
    " WHERE manifests.repository = ? AND media_type IN (?, ?)"
)
_ACTIVE = "storage = 'STANDARD' AND coalesce(activated_at, 0) <= ?"
_NAMING = (
    "SELECT 1 FROM links JOIN manifests ON manifests.repository = links.repository"
    " AND manifests.digest = links.manifest WHERE links.repository = ? AND links.target = ?"
)


class ImageRows:
    """The images of a registry's repositories."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, repository: str, at: datetime) -> list[ImageSeen]:
        """All images, those that came first in front; `status` is that of the time."""
        tags: defaultdict[str, list[str]] = defaultdict(list)
        children: defaultdict[str, list[str]] = defaultdict(list)
        with self._database.snapshot():
            for digest, tag in self._database.rows(_TAGS, (repository,)):
                tags[digest].append(tag)
            for digest, child in self._database.rows(_CHILDREN, (repository, *sorted(INDEXES))):
                children[digest].append(child)
            rows = self._database.rows(_IMAGES, (repository,))
        return [_image(row, tags[row["digest"]], children[row["digest"]], at) for row in rows]

    def not_active(self, repository: str, now: datetime) -> set[str]:
        """The digests of images that cannot be pulled."""
        rows = self._database.rows(
            f"SELECT digest FROM manifests WHERE repository = ? AND NOT ({_ACTIVE})",  # noqa: S608
            (repository, now.timestamp()),
        )
        return {str(row[0]) for row in rows}

    def is_archived(self, repository: str, blob: str, now: datetime) -> bool:
        """Whether manifests name the blob, and none of them can be pulled."""
        place = (repository, blob)
        active = self._database.row(f"{_NAMING} AND {_ACTIVE} LIMIT 1", (*place, now.timestamp()))
        return active is None and self._database.row(f"{_NAMING} LIMIT 1", place) is not None

    def archive(self, repository: str, digests: Iterable[str], at: datetime) -> None:
        """Move images to the archive."""
        self._database.run_many(
            "UPDATE manifests SET storage = 'ARCHIVE', archived_at = ?"
            " WHERE repository = ? AND digest = ?",
            [(at.timestamp(), repository, digest) for digest in digests],
        )

    def activate(self, repository: str, digest: str, at: datetime) -> None:
        """Take an image back from the archive; it can be pulled from that time on."""
        self._database.run(
            "UPDATE manifests SET storage = 'STANDARD', activated_at = ?"
            " WHERE repository = ? AND digest = ?",
            (at.timestamp(), repository, digest),
        )


def _image(row: Row, tags: list[str], children: list[str], at: datetime) -> ImageSeen:
    activated_at = moment_or_none(row["activated_at"])
    is_back = activated_at is not None and activated_at <= at
    return ImageSeen(
        digest=row["digest"],
        tags=tuple(tags),
        size=row["size"],
        pushed_at=moment(row["pushed_at"]),
        media_type=row["media_type"],
        artifact_type=row["artifact_type"] or "",
        subject=row["subject"],
        pulled_at=moment_or_none(row["pulled_at"]),
        status=status_of(row["storage"], activated_at, at),
        archived_at=moment_or_none(row["archived_at"]),
        activated_at=activated_at if is_back else None,
        children=tuple(children),
    )
