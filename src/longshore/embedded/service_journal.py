"""The calls that changed something in the other AWS services, in order, on disk. I/O.

moto keeps its state in memory. What it was asked is kept here before it is asked, with the time
and a seed for its random numbers, so that doing the same again after a restart (or a kill) gives
the same state with the same ids.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

_SCHEMA = """
create table if not exists calls (
    id integer primary key autoincrement,
    time real not null, seed text not null,
    service text not null, region text not null, account text not null, access_key text not null,
    method text not null, path text not null, query text not null,
    headers text not null, body blob not null
)
"""
_COLUMNS = "time, seed, service, region, account, access_key, method, path, query, headers, body"


@dataclass(frozen=True)
class Call:
    """One call to a service, freed of its signature. `path` and `query` are as they were sent."""

    service: str
    region: str
    account: str
    access_key: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Entry:
    """A call with all that makes its outcome: when it was, and the seed of its random numbers."""

    call: Call
    time: datetime
    seed: str = field(repr=False)


class ServiceJournal:
    """Entries in a SQLite file that only its owner can read. The caller lets one thread in."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.execute("pragma journal_mode = wal")
        self._database.execute("pragma synchronous = normal")
        self._database.execute(_SCHEMA)

    def append(self, entry: Entry) -> int:
        """Keep the entry; it is on disk when this returns."""
        call = entry.call
        cursor = self._database.execute(
            f"insert into calls ({_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (
                entry.time.timestamp(),
                entry.seed,
                call.service,
                call.region,
                call.account,
                call.access_key,
                call.method,
                call.path,
                call.query,
                json.dumps(call.headers),
                call.body,
            ),
        )
        return int(cursor.lastrowid or 0)

    def drop(self, number: int) -> None:
        """Forget an entry whose call changed nothing after all."""
        self._database.execute("delete from calls where id = ?", (number,))

    def entries(self) -> Iterator[Entry]:
        """All entries, oldest first."""
        rows = self._database.execute(f"select {_COLUMNS} from calls order by id")  # noqa: S608
        for time, seed, *names, headers, body in rows:
            service, region, account, access_key, method, path, query = names
            call = Call(
                service,
                region,
                account,
                access_key,
                method,
                path,
                query,
                json.loads(headers),
                body,
            )
            yield Entry(call, datetime.fromtimestamp(time, UTC), seed)

    def has_calls_to(self, service: str) -> bool:
        """Whether the service was ever told to change something."""
        asked = "select exists (select 1 from calls where service = ?)"
        found: tuple[int] = self._database.execute(asked, (service,)).fetchone()
        return bool(found[0])

    def is_empty(self) -> bool:
        """Whether nothing was ever changed."""
        found: tuple[int] = self._database.execute("select exists (select 1 from calls)").fetchone()
        return not found[0]

    def close(self) -> None:
        """Close the file."""
        self._database.close()
