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
"""
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
    """A manifest as it is held. `size` sums the layers; of an index, its largest child's."""

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


class TagRow(NamedTuple):
    """A tag, what it points to, and since when."""

    tag: str
    digest: Digest
    updated_at: datetime


def moment(timestamp: float) -> datetime:
    """Seconds since 1970 as a time in UTC."""
    return datetime.fromtimestamp(timestamp, UTC)


def repository_of(row: Row) -> Repository:
    """A row of `repositories`."""
    return Repository(
        row["name"], moment(row["created_at"]), json.loads(row["settings"]), row["pulls"]
    )


def stored_of(row: Row, tags: tuple[str, ...]) -> Stored:
    """A row of `manifests`, and the tags that point to it."""
    pulled_at = row["pulled_at"]
    return Stored(
        repository=row["repository"],
        digest=Digest(row["digest"]),
        media_type=row["media_type"],
        content=row["content"],
        tags=tags,
        pushed_at=moment(row["pushed_at"]),
        pulled_at=None if pulled_at is None else moment(pulled_at),
        size=row["size"],
        subject=row["subject"],
        artifact_type=row["artifact_type"],
        extra=json.loads(row["extra"]),
    )


def tag_of(row: Row) -> TagRow:
    """A row of `tags`."""
    return TagRow(row["tag"], Digest(row["digest"]), moment(row["updated_at"]))
