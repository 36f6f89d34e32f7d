"""One SQLite file used by many threads. I/O.

A single connection behind a lock: statements take microseconds, so threads hardly wait, and a
transaction of one thread is never seen half done by another. Write-ahead log with
synchronous=NORMAL: after `kill -9` every committed transaction is there and no other.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

Values = Sequence[Any]


class Database:
    """Rows, and transactions that may be nested. Thread-safe.

    `added` are columns by table that came after the schema: a file of an earlier version gets them.
    """

    def __init__(
        self, path: Path, schema: str, added: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._depth = 0
        self._afterwards: list[Callable[[], None]] = []
        self._connection = sqlite3.connect(
            path, timeout=30, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        path.chmod(0o600)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(schema)
        for table, columns in (added or {}).items():
            self._add_columns(table, columns)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside happens, or nothing of it. Inner ones belong to the outermost."""
        with self._lock:
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._afterwards.clear()
                    self._connection.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._connection.execute("COMMIT")
                self._catch_up()

    @property
    def changes(self) -> int:
        """A number that grows with each row that is changed here."""
        with self._lock:
            return self._connection.total_changes

    def _add_columns(self, table: str, columns: Mapping[str, str]) -> None:
        found = {row["name"] for row in self._connection.execute(f"PRAGMA table_info({table})")}
        for name, kind in columns.items():
            if name not in found:
                self._connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")

    def snapshot(self) -> AbstractContextManager[object]:
        """What is read inside is read at one moment."""
        return self._lock

    def after_commit(self, act: Callable[[], None]) -> None:
        """Do something once the running transaction is committed, before any other begins."""
        with self._lock:
            self._afterwards.append(act)
            if self._depth == 0:
                self._catch_up()

    def _catch_up(self) -> None:
        waiting, self._afterwards = self._afterwards, []
        for act in waiting:
            act()

    def rows(self, statement: str, values: Values = ()) -> list[sqlite3.Row]:
        """All rows that the query finds."""
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def row(self, statement: str, values: Values = ()) -> sqlite3.Row | None:
        """The first row that the query finds, or None."""
        with self._lock:
            found: sqlite3.Row | None = self._connection.execute(statement, values).fetchone()
            return found

    def run(self, statement: str, values: Values = ()) -> int:
        """Change something; how many rows were changed."""
        with self._lock:
            return self._connection.execute(statement, values).rowcount

    def run_many(self, statement: str, values: Sequence[Values]) -> None:
        """Change something once for each of the values."""
        with self.transaction():
            self._connection.executemany(statement, values)

    def close(self) -> None:
        """Close the file; safe to call twice."""
        with self._lock:
            self._connection.close()
