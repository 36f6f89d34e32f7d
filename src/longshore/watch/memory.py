"""What `monitor` remembers between runs, in a file for each registry. I/O.

Manifests never change and scans that ended seldom do, so neither is asked for again each hour. The
counts of a run that was stopped are taken over by the next one. What was protected, and how a
repository was set, is kept so that a loss is seen.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from longshore.errors import FileError, Where
from longshore.facts import Finding, ScanSeen
from longshore.text import tr
from longshore.watch.contents import ManifestParts
from longshore.watch.metrics import RepositoryCount

T = TypeVar("T")
RESUMES_WITHIN = timedelta(hours=2)
SCAN_HOLDS = timedelta(hours=24)
_TABLES = ("manifest", "scan", "count", "seen", "noted")
_SCHEMA = "".join(
    f"create table if not exists {table} (repository text not null, name text not null, "
    "at real not null, document text not null, primary key (repository, name)) without rowid;"
    for table in _TABLES
)


class Memory:
    """One registry's file. Thread-safe. Raises FileError when it cannot be read or written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        with self._turn():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._database.execute("pragma journal_mode = wal")
            self._database.execute("pragma synchronous = normal")
            self._database.executescript(_SCHEMA)

    def __enter__(self) -> Memory:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._database.close()

    # --- what does not change, or seldom ---------------------------------------------------------

    def manifests(self, repository: str) -> dict[str, ManifestParts]:
        """What is known of the repository's manifests, by digest."""
        return {name: found for name, _, found in self._rows("manifest", repository, _parts)}

    def keep_manifests(self, repository: str, parts: Mapping[str, ManifestParts]) -> None:
        """Remember manifests."""
        self._put("manifest", repository, {name: asdict(one) for name, one in parts.items()}, 0)

    def scans(self, repository: str, now: datetime) -> dict[str, ScanSeen]:
        """Scans that ended and were read within a day, by digest."""
        since = (now - SCAN_HOLDS).timestamp()
        rows = self._rows("scan", repository, _scan)
        return {name: found for name, at, found in rows if since < at <= now.timestamp()}

    def keep_scans(self, repository: str, scans: Collection[ScanSeen], now: datetime) -> None:
        """Remember scans."""
        rows = {one.digest: _scan_document(one) for one in scans}
        self._put("scan", repository, rows, now.timestamp())

    def forget_images(self, repository: str, there: Collection[str]) -> None:
        """Forget what is no longer there."""
        for table in ("manifest", "scan"):
            gone = {name for name, _, _ in self._rows(table, repository, dict)} - set(there)
            self._drop(table, repository, gone)

    # --- a run that was stopped ----------------------------------------------------------------

    def counts(self, options: str, now: datetime) -> dict[str, RepositoryCount]:
        """What a run with the same options counted before it was stopped, by repository."""
        since = (now - RESUMES_WITHIN).timestamp()
        rows = self._rows("count", options, lambda found: RepositoryCount(**found))
        return {name: found for name, at, found in rows if since < at <= now.timestamp()}

    def keep_count(self, options: str, count: RepositoryCount, now: datetime) -> None:
        """Remember the count of one repository."""
        self._put("count", options, {count.repository: asdict(count)}, now.timestamp())

    def forget_counts(self) -> None:
        """The run is at its end."""
        with self._turn():
            self._database.execute("delete from count")

    # --- how it was last time --------------------------------------------------------------------

    def seen(self) -> dict[str, dict[str, Any]]:
        """How each repository was at the last check, by name."""
        return {name: found for name, _, found in self._rows("seen", "", dict)}

    def keep_seen(self, now: datetime, seen: Mapping[str, dict[str, Any]]) -> None:
        """Remember how repositories are."""
        self._put("seen", "", seen, now.timestamp())

    def forget_seen(self, repositories: Collection[str]) -> None:
        """Repositories that are gone, and were told of."""
        self._drop("seen", "", repositories)

    def noted(self, name: str) -> datetime | None:
        """When something was done last."""
        found = {key: at for key, at, _ in self._rows("noted", "", dict)}
        return datetime.fromtimestamp(found[name], UTC) if name in found else None

    def note(self, name: str, now: datetime) -> None:
        """Something was done now."""
        self._put("noted", "", {name: {}}, now.timestamp())

    # --- the file --------------------------------------------------------------------------------

    def _rows(
        self, table: str, repository: str, read: Callable[[dict[str, Any]], T]
    ) -> list[tuple[str, float, T]]:
        asked = f"select name, at, document from {table} where repository = ?"  # noqa: S608
        with self._turn():
            rows = self._database.execute(asked, (repository,)).fetchall()
        found = []
        for name, at, document in rows:
            try:
                found.append((str(name), float(at), read(json.loads(document))))
            except (ValueError, TypeError, KeyError):  # another version's
                continue
        return found

    def _put(
        self, table: str, repository: str, documents: Mapping[str, dict[str, Any]], at: float
    ) -> None:
        rows = [(repository, name, at, json.dumps(one)) for name, one in documents.items()]
        with self._turn():
            self._database.execute("begin")
            self._database.executemany(
                f"insert or replace into {table} values (?, ?, ?, ?)",  # noqa: S608
                rows,
            )
            self._database.execute("commit")

    def _drop(self, table: str, repository: str, names: Collection[str]) -> None:
        with self._turn():
            self._database.executemany(
                f"delete from {table} where repository = ? and name = ?",  # noqa: S608
                [(repository, name) for name in names],
            )

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except (OSError, sqlite3.Error) as error:
                why = getattr(error, "strerror", None) or error
                raise FileError(
                    tr("{file} cannot be read or written: {why}", file=self.path, why=why),
                    tr("make room or rights, or remove it: it is only what was seen last time"),
                    where=Where(str(self.path)),
                ) from None


def _parts(found: dict[str, Any]) -> ManifestParts:
    return ManifestParts(
        tuple((str(digest), int(size)) for digest, size in found["layers"]),
        tuple((str(digest), str(platform)) for digest, platform in found["children"]),
    )


def _scan_document(one: ScanSeen) -> dict[str, Any]:
    return {
        "digest": one.digest,
        "status": one.status,
        "description": one.description,
        "findings": [
            [each.name, each.severity, each.package, each.version, each.fixed_in]
            for each in one.findings
        ],
    }


def _scan(found: dict[str, Any]) -> ScanSeen:
    return ScanSeen(
        found["digest"],
        found["status"],
        found["description"],
        findings=tuple(Finding(*each) for each in found["findings"]),
    )
