"""What has happened in a registry and is still to be told to others, in the order it did. I/O.

A document is added in the transaction of the change that it tells of, and leaves once it was
told: a kill in between tells it again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from longshore.embedded.database import Database


class Outbox:
    """JSON documents that wait."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, documents: Iterable[dict[str, Any]], due: float = 0.0) -> None:
        """Keep them after those that wait already; `due` is before when they are not told."""
        rows = [(due, json.dumps(document)) for document in documents]
        if rows:
            self._database.run_many("INSERT INTO outbox (due, document) VALUES (?, ?)", rows)

    def first(self, count: int, now: float) -> list[tuple[int, dict[str, Any]]]:
        """The first ones that wait and are due, with their numbers."""
        rows = self._database.rows(
            "SELECT id, document FROM outbox WHERE due <= ? ORDER BY id LIMIT ?", (now, count)
        )
        return [(int(row[0]), json.loads(row[1])) for row in rows]

    def drop(self, numbers: Iterable[int]) -> None:
        """Forget those that were told."""
        self._database.run_many(
            "DELETE FROM outbox WHERE id = ?", [(number,) for number in numbers]
        )
