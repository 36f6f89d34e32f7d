"""Repositories, manifests and tags as an embedded registry's rows. Pure.

The schema and the values made of its rows; `contents.py` asks and changes them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from longshore.errors import LongshoreError
from longshore.oci.digest import Digest

SCHEMA = """
CREATE TABLE IF NOT EXISTS repositories (
    name TEXT PRIMARY KEY, created_at REAL NOT NULL, settings TEXT NOT NULL,
    pulls INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blobs (
    repository TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL,
    PRIMARY KEY (repository, digest)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS blobs_digest ON blobs (digest);
CREATE TABLE IF NOT EXISTS manifests (
    repository TEXT NOT NULL, digest TEXT NOT NULL, media_type TEXT NOT NULL,
    content BLOB NOT NULL, size INTEGER NOT NULL, subject TEXT, artifact_type TEXT,
    pushed_at REAL NOT NULL, pulled_at REAL, extra TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (repository, digest));
CREATE INDEX IF NOT EXISTS manifests_subject ON manifests (repository, subject)
    WHERE subject IS NOT NULL;
CREATE TABLE IF NOT EXISTS links (
    repository TEXT NOT NULL, target TEXT NOT NULL, manifest TEXT NOT NULL,
    PRIMARY KEY (repository, target, manifest)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS links_manifest ON links (repository, manifest);
CREATE TABLE IF NOT EXISTS tags (
    repository TEXT NOT NULL, tag TEXT NOT NULL, digest TEXT NOT NULL, updated_at REAL NOT NULL,
    PRIMARY KEY (repository, tag)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tags_digest ON tags (repository, digest);
CREATE TABLE IF NOT EXISTS uploads (id TEXT PRIMARY KEY, repository TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, due REAL NOT NULL, document TEXT NOT NULL);
"""
# Came later; `storage` is STANDARD or ARCHIVE, `activated_at` may be in the future (a restore).
ADDED = {
    "manifests": {
        "storage": "TEXT NOT NULL DEFAULT 'STANDARD'",
        "archived_at": "REAL",
        "activated_at": "REAL",
    },
    "uploads": {"started_at": "REAL NOT NULL DEFAULT 0"},
}
OF_REPOSITORY = ("blobs", "manifests", "links", "tags", "uploads")


class Row(Protocol):
    """A row as the database gives it: values by the names of their columns."""

    def __getitem__(self, column: str, /) -> Any:
        """The value of a column."""
        ...


class RepositoryExists(LongshoreError):
    """A repository of that name is there already."""

    default_code = "repository-exists"


class RepositoryMissing(LongshoreError):
    """There is no repository of that name."""

    default_code = "repository-missing"


@dataclass(frozen=True)
class Repository:
    """A repository and what its registry keeps about it."""

    name: str
    created_at: datetime
    settings: dict[str, Any]
    pulls: int = 0


@dataclass(frozen=True)
class Put:
    """What storing a manifest did. `displaced_digest` had the tag before, and lost it."""

    digest: Digest
    is_new: bool
    displaced_digest: Digest | None = None


@dataclass(frozen=True)
class Stored:
    """A manifest as it is held. `size` sums the layers; of an index, its largest child's.

    `storage` is ECR's class, STANDARD or ARCHIVE; a restore ends at `activated_at`.
    """

    repository: str
    digest: Digest
    media_type: str
    content: bytes = field(repr=False)
    tags: tuple[str, ...]
    pushed_at: datetime
    pulled_at: datetime | None
    size: int
    subject: Digest | None
    artifact_type: str | None
    extra: dict[str, Any]
    storage: str = "STANDARD"
    archived_at: datetime | None = None
    activated_at: datetime | None = None

    def status(self, now: datetime) -> str:
        """ECR's word: ACTIVE, ARCHIVED or ACTIVATING."""
        return status_of(self.storage, self.activated_at, now)


class TagRow(NamedTuple):
    """A tag, what it points to, and since when."""

    tag: str
    digest: Digest
    updated_at: datetime


def moment(timestamp: float) -> datetime:
    """Seconds since 1970 as a time in UTC."""
    return datetime.fromtimestamp(timestamp, UTC)


def moment_or_none(timestamp: float | None) -> datetime | None:
    """The same for a column that may be empty."""
    return None if timestamp is None else moment(timestamp)


def status_of(storage: str, activated_at: datetime | None, now: datetime) -> str:
    """What an image of this storage class is at a time."""
    if storage == "ARCHIVE":
        return "ARCHIVED"
    return "ACTIVATING" if activated_at is not None and activated_at > now else "ACTIVE"


def repository_of(row: Row) -> Repository:
    """A row of `repositories`."""
    return Repository(
        row["name"], moment(row["created_at"]), json.loads(row["settings"]), row["pulls"]
    )


def stored_of(row: Row, tags: tuple[str, ...]) -> Stored:
    """A row of `manifests`, and the tags that point to it."""
    return Stored(
        repository=row["repository"],
        digest=Digest(row["digest"]),
        media_type=row["media_type"],
        content=row["content"],
        tags=tags,
        pushed_at=moment(row["pushed_at"]),
        pulled_at=moment_or_none(row["pulled_at"]),
        size=row["size"],
        subject=row["subject"],
        artifact_type=row["artifact_type"],
        extra=json.loads(row["extra"]),
        storage=row["storage"],
        archived_at=moment_or_none(row["archived_at"]),
        activated_at=moment_or_none(row["activated_at"]),
    )


def tag_of(row: Row) -> TagRow:
    """A row of `tags`."""
    return TagRow(row["tag"], Digest(row["digest"]), moment(row["updated_at"]))
