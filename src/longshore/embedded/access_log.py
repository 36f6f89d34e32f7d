"""Who asked what: one JSON line per request, and counts of them. I/O.

Tests and the demonstration count requests and pulls with it. Queries and headers are left out:
they may hold tokens.
"""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from longshore.embedded.clock import Clock
from longshore.embedded.wire import Handler, Request, Response, answer

_LIMIT = 64 * 1024 * 1024


class Count(NamedTuple):
    """What is counted apart: which server, method, what the path is about, and the status.

    `status` is 0 for a connection that was cut instead of answered.
    """

    listener: str
    method: str
    kind: str
    status: int


class AccessLog:
    """Counts in memory since the process began, lines in a file (if one is named). Thread-safe."""

    def __init__(self, clock: Clock, path: Path | None = None) -> None:
        self._clock = clock
        self._path = path
        self._lock = threading.Lock()
        self._counts: Counter[Count] = Counter()
        self._size = 0
        self._file: int | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._open(path)

    def note(self, count: Count, path: str) -> None:
        """Count a request and write its line."""
        with self._lock:
            self._counts[count] += 1
            if self._file is not None:
                line = {"at": self._clock.now().isoformat(timespec="milliseconds")}
                text = json.dumps({**line, **count._asdict(), "path": path})
                self._size += os.write(self._file, text.encode() + b"\n")
                if self._size > _LIMIT:
                    self._turn()

    def counts(self) -> Counter[Count]:
        """All counts so far."""
        with self._lock:
            return self._counts.copy()

    def count(
        self,
        listener: str | None = None,
        *,
        method: str | None = None,
        kind: str | None = None,
        statuses: Iterable[int] | None = None,
    ) -> int:
        """How many requests there were of a kind; what is left out is any."""
        wanted = None if statuses is None else set(statuses)
        return sum(
            number
            for one, number in self.counts().items()
            if listener in (None, one.listener)
            and method in (None, one.method)
            and kind in (None, one.kind)
            and (wanted is None or one.status in wanted)
        )

    def pulls(self, listener: str = "hub") -> int:
        """Manifest GETs that were answered: what Docker Hub counts."""
        return self.count(listener, method="GET", kind="manifest", statuses=(200,))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _open(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._size = os.fstat(self._file).st_size

    def _turn(self) -> None:
        """Keep one old file, so that the log never fills a disk."""
        if self._path is not None and self._file is not None:
            os.close(self._file)
            self._path.replace(self._path.with_suffix(".old"))
            self._open(self._path)


def with_log(handler: Handler, access: AccessLog, listener: str) -> Handler:
    """The handler, noting each request with the status of its answer."""

    def handle(request: Request) -> Response:
        try:
            response = answer(handler, request)
        except BaseException:
            access.note(Count(listener, request.method, "cut", 0), request.path)
            raise
        count = Count(listener, request.method, response.kind or "other", response.status)
        access.note(count, request.path)
        return response

    return handle
