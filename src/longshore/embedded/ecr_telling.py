"""Tells others what happened in the registries: a journal of records, and EventBridge. I/O.

What is to be told waits in each region's outbox, written together with the change itself. Records
(of lifecycle runs and previews) go to a file of JSON lines, each once; events go to the rules that
listen, at least once.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from longshore.embedded.ecr_events import Event
from longshore.embedded.ecr_state import Ecr, Region

JOURNAL = "lifecycle.jsonl"
Deliver = Callable[[str, Sequence[Event]], None]
log = logging.getLogger("longshore.embedded")

_AT_ONCE = 500
_TAIL = 256 * 1024
_LIMIT = 64 * 1024 * 1024


class RecordJournal:
    """The file of records. One writer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last_ids = {record.get("eventID") for record in self._tail()}

    def append(self, records: Sequence[dict[str, Any]]) -> None:
        """Add the records; at first without those that a killed process had added already."""
        new = [one for one in records if one.get("eventID") not in self._last_ids]
        self._last_ids.clear()
        if not new:
            return
        with suppress(FileNotFoundError):
            if self._path.stat().st_size > _LIMIT:
                self._path.replace(self._path.with_suffix(".old"))
        text = "".join(json.dumps(one) + "\n" for one in new).encode()
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                text = b"\n" + text  # a line was cut by a kill
            os.write(descriptor, text)
        finally:
            os.close(descriptor)

    def read(self) -> Iterator[dict[str, Any]]:
        """All records, oldest first."""
        with suppress(FileNotFoundError), self._path.open("rb") as lines:
            yield from map(_record, filter(_is_whole, lines))

    def _tail(self) -> list[dict[str, Any]]:
        try:
            with self._path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
                return [_record(line) for line in file.readlines() if _is_whole(line)]
        except FileNotFoundError:
            return []


class Telling:
    """Empties the outboxes. Thread-safe."""

    def __init__(self, ecr: Ecr, journal: RecordJournal, deliver: Deliver) -> None:
        self._ecr = ecr
        self.journal = journal
        self._deliver = deliver
        self._lock = threading.Lock()

    def tell(self) -> None:
        """Tell all that waits."""
        with self._lock:
            for region in self._ecr.regions():
                outbox, now = region.contents.outbox, self._ecr.clock.timestamp()
                while waiting := outbox.first(_AT_ONCE, now):
                    self._tell(region, [document for _, document in waiting])
                    outbox.drop(number for number, _ in waiting)

    def records(self) -> list[dict[str, Any]]:
        """All records, oldest first, those that waited too."""
        self.tell()
        with self._lock:
            return list(self.journal.read())

    def _tell(self, region: Region, documents: Sequence[dict[str, Any]]) -> None:
        self.journal.append([one["record"] for one in documents if "record" in one])
        events = [one["event"] for one in documents if "event" in one]
        if not events:
            return
        try:
            self._deliver(region.name, events)
        except Exception:  # best effort, as ECR's
            log.exception("%d events could not be delivered", len(events))


def _is_whole(line: bytes) -> bool:
    return line.startswith(b"{") and line.endswith(b"}\n")


def _record(line: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line)
    return found
