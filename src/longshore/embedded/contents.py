"""What one embedded registry holds: repositories, blobs, manifests and tags. I/O.

Rows live in SQLite (`database.py`), bytes of blobs in files (`blob_files.py`); a blob's file is
whole before its row exists, and its row is gone before its file. Whether a manifest may be stored
(children there, tag movable) is the protocol's business, not this file's. Thread-safe.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from longshore.embedded.blob_files import (
    BlobFiles,
    DigestMismatch,
    UnknownUpload,
    file_digest,
    read_file,
)
from longshore.embedded.clock import Clock
from longshore.embedded.database import Database
from longshore.embedded.image_rows import ImageRows
from longshore.embedded.links import Links, read_links
from longshore.embedded.outbox import Outbox
from longshore.embedded.rows import (
    ADDED,
    OF_REPOSITORY,
    SCHEMA,
    Put,
    Repository,
    RepositoryExists,
    RepositoryMissing,
    Stored,
    TagRow,
    moment,
    repository_of,
    stored_of,
    tag_of,
)
from longshore.oci.digest import Digest, digest_of
from longshore.text import tr

__all__ = [
    "Contents",
    "DigestMismatch",
    "Put",
    "Repository",
    "RepositoryExists",
    "RepositoryMissing",
    "Stored",
    "TagRow",
    "UnknownUpload",
]

Registry = Literal["hub", "ecr"]
UPLOAD_LIVES = timedelta(hours=24)
_BY_DIGEST = "repository = ?1 AND digest = ?2"
_BY_TAG = (
    "repository = ?1 AND digest = (SELECT digest FROM tags WHERE tags.repository = ?1 AND tag = ?2)"
)
_TAGS_OF = "SELECT tag FROM tags WHERE repository = ? AND digest = ? ORDER BY tag"
_BLOBS_OF = "SELECT digest FROM blobs WHERE repository = ?"
_DELETE_MANIFEST = (
    "DELETE FROM tags WHERE repository = ? AND digest = ?",
    "DELETE FROM links WHERE repository = ? AND manifest = ?",
)


class Contents:
    """Everything that one registry holds, under `data_dir/<registry>`."""

    def __init__(self, data_dir: Path, registry: Registry, clock: Clock) -> None:
        folder = data_dir / registry
        folder.mkdir(parents=True, exist_ok=True)
        self.registry = registry
        self.clock = clock
        self._db = Database(folder / "index.sqlite", SCHEMA, ADDED)
        self.images = ImageRows(self._db)
        self.outbox = Outbox(self._db)
        self._files = BlobFiles(folder)
        if self._files.sweep({str(row[0]) for row in self._db.rows("SELECT digest FROM blobs")}):
            self._db.run("DELETE FROM uploads")

    def transaction(self) -> AbstractContextManager[None]:
        """Several changes as one: other threads see all of them or none."""
        return self._db.transaction()

    @property
    def changes(self) -> int:
        """A number that grows with each change of what is held."""
        return self._db.changes

    def close(self) -> None:
        """Close the database."""
        self._db.close()
        self._files.close()

    # Repositories

    def create_repository(self, name: str, settings: dict[str, Any]) -> Repository:
        """Make an empty repository. Raises RepositoryExists."""
        created = self.clock.timestamp()
        try:
            self._db.run(
                "INSERT INTO repositories (name, created_at, settings) VALUES (?, ?, ?)",
                (name, created, json.dumps(settings)),
            )
        except sqlite3.IntegrityError:
            raise RepositoryExists(tr("repository {name} exists", name=name)) from None
        return Repository(name, moment(created), settings)

    def repository(self, name: str) -> Repository | None:
        """The repository, or None."""
        row = self._db.row("SELECT * FROM repositories WHERE name = ?", (name,))
        return None if row is None else repository_of(row)

    def list_repositories(self) -> list[Repository]:
        """All repositories by name."""
        return [repository_of(row) for row in self._db.rows("SELECT * FROM repositories")]

    def update_repository(self, name: str, settings: dict[str, Any]) -> None:
        """Replace a repository's settings. Raises RepositoryMissing."""
        text = json.dumps(settings)
        if not self._db.run("UPDATE repositories SET settings = ? WHERE name = ?", (text, name)):
            raise _missing(name)

    def delete_repository(self, name: str) -> None:
        """Remove a repository with all that is in it."""
        with self.transaction():
            held = [row[0] for row in self._db.rows(_BLOBS_OF, (name,))]
            self._db.run("DELETE FROM repositories WHERE name = ?", (name,))
            for table in OF_REPOSITORY:
                self._db.run(f"DELETE FROM {table} WHERE repository = ?", (name,))  # noqa: S608
            self._drop_unlinked(held)

    # Uploads and blobs

    def start_upload(self, repository: str) -> str:
        """Begin an upload into the repository; its id."""
        upload = self._files.start()
        self._db.run(
            "INSERT INTO uploads (id, repository, started_at) VALUES (?, ?, ?)",
            (upload, repository, self.clock.timestamp()),
        )
        return upload

    def append_upload(self, upload: str, chunks: Iterable[bytes | memoryview]) -> int:
        """Add bytes; the size so far. Raises UnknownUpload."""
        return self._files.append(upload, chunks)

    def upload_size(self, upload: str) -> int | None:
        """How many bytes an upload has, or None when there is none of that id."""
        return self._files.size(upload)

    def upload_repository(self, upload: str) -> str | None:
        """The repository that an upload goes to; None too when the upload was given up.

        An upload lives a day by this registry's clock.
        """
        row = self._db.row("SELECT repository, started_at FROM uploads WHERE id = ?", (upload,))
        if row is None:
            return None
        if self.clock.timestamp() - row[1] > UPLOAD_LIVES.total_seconds():
            self.cancel_upload(upload)
            return None
        return str(row[0])

    def upload_parts(self, upload: str) -> list[int]:
        """The sizes of the pieces that an upload was sent in. Raises UnknownUpload."""
        return self._files.parts(upload)

    def finish_upload(self, upload: str, digest: str) -> int:
        """Make a blob of an upload; its size. Raises DigestMismatch, UnknownUpload."""
        repository = self.upload_repository(upload)
        if repository is None:
            raise UnknownUpload(tr("there is no upload {upload}", upload=upload))

        def commit(size: int) -> None:
            self._db.run(
                "INSERT OR REPLACE INTO blobs VALUES (?, ?, ?)", (repository, digest, size)
            )
            self._db.run("DELETE FROM uploads WHERE id = ?", (upload,))

        try:
            return self._files.finish(upload, digest, commit, self.transaction)
        except DigestMismatch:
            self._db.run("DELETE FROM uploads WHERE id = ?", (upload,))
            raise

    def cancel_upload(self, upload: str) -> bool:
        """Drop an upload; whether there was one."""
        self._db.run("DELETE FROM uploads WHERE id = ?", (upload,))
        return self._files.cancel(upload)

    def put_blob(
        self, repository: str, content: bytes | Path | Iterable[bytes], digest: str | None = None
    ) -> Digest:
        """Store bytes, a file's bytes (they are copied) or pieces; their digest.

        Pieces need their digest beforehand. Raises DigestMismatch.
        """
        if isinstance(content, bytes):
            digest, chunks = digest or digest_of(content), (content,)
            return self._put_chunks(repository, chunks, digest)
        if isinstance(content, Path):
            return self._put_chunks(repository, read_file(content), digest or file_digest(content))
        if digest is None:
            raise TypeError("pieces of a blob need its digest")
        return self._put_chunks(repository, content, digest)

    def _put_chunks(self, repository: str, chunks: Iterable[bytes], digest: str) -> Digest:
        if self.blob_size(repository, digest) is None:
            upload = self.start_upload(repository)
            self.append_upload(upload, chunks)
            self.finish_upload(upload, digest)
        return Digest(digest)

    def blob_size(self, repository: str, digest: str) -> int | None:
        """A blob's size, or None when the repository does not hold it."""
        row = self._db.row(
            "SELECT size FROM blobs WHERE repository = ? AND digest = ?", (repository, digest)
        )
        return None if row is None else int(row[0])

    def has_blob(self, digest: str) -> bool:
        """Whether any repository holds the blob."""
        return self._db.row("SELECT 1 FROM blobs WHERE digest = ?", (digest,)) is not None

    def blob_path(self, digest: str) -> Path:
        """The file with a blob's bytes."""
        return self._files.path(digest)

    def mount_blob(self, repository: str, digest: str, source: str) -> bool:
        """Take a blob over from another repository; False when that one does not hold it."""
        return (
            self._db.run(
                "INSERT OR REPLACE INTO blobs SELECT ?, digest, size FROM blobs"
                " WHERE repository = ? AND digest = ?",
                (repository, source, digest),
            )
            > 0
        )

    def delete_blob(self, repository: str, digest: str) -> bool:
        """Remove a blob from the repository; whether it was there."""
        with self.transaction():
            gone = self._db.run(
                "DELETE FROM blobs WHERE repository = ? AND digest = ?", (repository, digest)
            )
            self._drop_unlinked([digest])
        return gone > 0

    def list_blobs(self, repository: str) -> list[tuple[Digest, int]]:
        """Digest and size of each blob that the repository holds."""
        rows = self._db.rows("SELECT digest, size FROM blobs WHERE repository = ?", (repository,))
        return [(Digest(row[0]), int(row[1])) for row in rows]

    def is_referenced(self, repository: str, digest: str) -> bool:
        """Whether a manifest of the repository names the blob or manifest."""
        return bool(self.parents(repository, digest, limit=1))

    def parents(self, repository: str, digest: str, limit: int = -1) -> list[Digest]:
        """Manifests of the repository that name the blob or manifest (subjects do not count)."""
        rows = self._db.rows(
            "SELECT manifest FROM links WHERE repository = ? AND target = ? LIMIT ?",
            (repository, digest, limit),
        )
        return [Digest(row[0]) for row in rows]

    def _drop_unlinked(self, digests: list[str]) -> None:
        def drop() -> None:
            for digest in digests:
                if not self.has_blob(digest):
                    self._files.remove(digest)

        self._db.after_commit(drop)

    # Notes

    def note(self, name: str) -> Any:
        """What was noted under the name, or None."""
        row = self._db.row("SELECT value FROM notes WHERE name = ?", (name,))
        return None if row is None else json.loads(row[0])

    def set_note(self, name: str, value: Any) -> None:
        """Note a JSON value under the name; None forgets it."""
        if value is None:
            self._db.run("DELETE FROM notes WHERE name = ?", (name,))
        else:
            self._db.run("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, json.dumps(value)))

    # Manifests and tags

    def put_manifest(
        self,
        repository: str,
        content: bytes,
        media_type: str,
        tag: str | None,
        *,
        digest: str | None = None,
        extra: dict[str, Any] | None = None,
    ) -> Put:
        """Store the exact bytes, under the tag or only under their digest.

        `digest` names them by another algorithm than sha256; the caller has checked it.
        Raises RepositoryMissing.
        """
        digest = digest or digest_of(content)
        now = self.clock.timestamp()
        links = read_links(content)
        with self.transaction():
            if self.repository(repository) is None:
                raise _missing(repository)
            size = self._index_size(repository, links) if links.children else links.size
            is_new = (
                self._db.run(
                    "INSERT OR IGNORE INTO manifests (repository, digest, media_type, content,"
                    " size, subject, artifact_type, pushed_at, extra)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        *(repository, digest, media_type, content, size, links.subject),
                        *(links.artifact_type, now, json.dumps(extra or {})),
                    ),
                )
                > 0
            )
            if is_new:
                self._db.run_many(
                    "INSERT OR IGNORE INTO links VALUES (?, ?, ?)",
                    [(repository, one, digest) for one in links.blobs + links.children],
                )
            displaced = self._move_tag(repository, tag, digest, now) if tag else None
        return Put(Digest(digest), is_new, displaced)

    def _move_tag(self, repository: str, tag: str, digest: str, now: float) -> Digest | None:
        before = self._db.row(
            "SELECT digest FROM tags WHERE repository = ? AND tag = ?", (repository, tag)
        )
        self._db.run(
            "INSERT OR REPLACE INTO tags VALUES (?, ?, ?, ?)", (repository, tag, digest, now)
        )
        return None if before is None or before[0] == digest else Digest(before[0])

    def _index_size(self, repository: str, links: Links) -> int:
        sizes = [
            self._db.row(
                "SELECT size FROM manifests WHERE repository = ? AND digest = ?",
                (repository, child),
            )
            for child in links.children
        ]
        return max((int(row[0]) for row in sizes if row is not None), default=0)

    def resolve(self, repository: str, tag_or_digest: str) -> Digest | None:
        """The digest of a manifest that the repository holds, or None."""
        if ":" in tag_or_digest:
            row = self._db.row(
                "SELECT digest FROM manifests WHERE repository = ? AND digest = ?",
                (repository, tag_or_digest),
            )
        else:
            row = self._db.row(
                "SELECT digest FROM tags WHERE repository = ? AND tag = ?",
                (repository, tag_or_digest),
            )
        return None if row is None else Digest(row[0])

    def manifest(self, repository: str, tag_or_digest: str) -> Stored | None:
        """A manifest by tag or digest, or None."""
        which = _BY_DIGEST if ":" in tag_or_digest else _BY_TAG
        found = self._stored(which, (repository, tag_or_digest))
        return found[0] if found else None

    def list_manifests(self, repository: str) -> list[Stored]:
        """All manifests of the repository, oldest first."""
        return self._stored("repository = ?1 ORDER BY pushed_at, rowid", (repository,))

    def referrers(self, repository: str, digest: str) -> list[Stored]:
        """Manifests whose subject is the digest, oldest first."""
        where = "repository = ?1 AND subject = ?2 ORDER BY pushed_at, rowid"
        return self._stored(where, (repository, digest))

    def count_manifests(self, repository: str) -> int:
        """How many manifests the repository holds."""
        row = self._db.row("SELECT count(*) FROM manifests WHERE repository = ?", (repository,))
        return int(row[0]) if row is not None else 0

    def delete_manifest(self, repository: str, digest: str) -> bool:
        """Remove a manifest and all its tags; whether it was there. Its blobs stay."""
        with self.transaction():
            for statement in _DELETE_MANIFEST:
                self._db.run(statement, (repository, digest))
            return (
                self._db.run(
                    "DELETE FROM manifests WHERE repository = ? AND digest = ?",
                    (repository, digest),
                )
                > 0
            )

    def delete_tag(self, repository: str, tag: str) -> bool:
        """Remove a tag; whether it was there. Its manifest stays."""
        return (
            self._db.run("DELETE FROM tags WHERE repository = ? AND tag = ?", (repository, tag)) > 0
        )

    def list_tags(
        self, repository: str, *, after: str | None = None, limit: int = -1
    ) -> list[TagRow]:
        """Tags in order, those after a tag only, at most `limit` (-1 for all)."""
        rows = self._db.rows(
            "SELECT tag, digest, updated_at FROM tags WHERE repository = ? AND tag > ?"
            " ORDER BY tag LIMIT ?",
            (repository, after or "", limit),
        )
        return [tag_of(row) for row in rows]

    def set_pulled(
        self, repository: str, digest: str, *, count: int = 1, not_within: timedelta | None = None
    ) -> None:
        """Note that a manifest was pulled now, and add `count` to the repository's pulls.

        With `not_within` a pull that soon after the one that was noted leaves that time.
        """
        now = self.clock.timestamp()
        since = now - (not_within.total_seconds() if not_within else 0)
        with self.transaction():
            self._db.run(
                "UPDATE manifests SET pulled_at = ? WHERE repository = ? AND digest = ?"
                " AND (pulled_at IS NULL OR pulled_at <= ? OR pulled_at > ?)",
                (now, repository, digest, since, now),
            )
            self._db.run(
                "UPDATE repositories SET pulls = pulls + ? WHERE name = ?", (count, repository)
            )

    def set_extra(self, repository: str, digest: str, extra: dict[str, Any]) -> bool:
        """Replace what the registry keeps about a manifest; whether it is there."""
        return (
            self._db.run(
                "UPDATE manifests SET extra = ? WHERE repository = ? AND digest = ?",
                (json.dumps(extra), repository, digest),
            )
            > 0
        )

    def set_pushed(self, repository: str, digest: str, when: datetime) -> None:
        """Make a manifest and its tags as old as a test or a seed wants them."""
        values = (when.timestamp(), repository, digest)
        with self.transaction():
            self._db.run(
                "UPDATE manifests SET pushed_at = ? WHERE repository = ? AND digest = ?", values
            )
            self._db.run(
                "UPDATE tags SET updated_at = ? WHERE repository = ? AND digest = ?", values
            )

    def _stored(self, where: str, values: tuple[str, ...]) -> list[Stored]:
        with self._db.snapshot():
            rows = self._db.rows(f"SELECT * FROM manifests WHERE {where}", values)  # noqa: S608
            return [stored_of(row, self._tags_of(row)) for row in rows]

    def _tags_of(self, row: sqlite3.Row) -> tuple[str, ...]:
        rows = self._db.rows(_TAGS_OF, (row["repository"], row["digest"]))
        return tuple(tag[0] for tag in rows)


def _missing(name: str) -> RepositoryMissing:
    return RepositoryMissing(tr("there is no repository {name}", name=name))
