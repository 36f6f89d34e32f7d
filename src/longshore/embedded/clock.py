"""The stand-in's own time: real time plus an offset that `longshore local clock` moves. I/O."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from longshore.errors import UsageError
from longshore.text import tr

_FIRST, _LAST = datetime(2000, 1, 1), datetime(2999, 12, 31)  # noqa: DTZ001


class Clock:
    """What time it is for every embedded server. The offset survives restarts.

    Tokens, pull windows, push dates and lifecycle ages all ask this clock, so that a test or a
    demonstration can move six hours on without waiting. Thread-safe.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._offset = _read_offset(path)
        self._on_move: list[Callable[[], None]] = []

    @property
    def offset(self) -> timedelta:
        """How far this clock is ahead of real time."""
        return self._offset

    def on_move(self, act: Callable[[], None]) -> None:
        """Who is to know that the clock was moved; called by the mover, so be short."""
        self._on_move.append(act)

    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.now(UTC) + self._offset

    def timestamp(self) -> float:
        """The time as seconds since 1970."""
        return self.now().timestamp()

    def advance(self, seconds: float) -> datetime:
        """Move on (or back, when negative) and give the new time. Raises UsageError."""
        with self._lock:
            try:
                self._keep(self._offset + timedelta(seconds=seconds))
            except OverflowError:
                raise _too_far() from None
        return self._moved()

    def set(self, moment: datetime) -> datetime:
        """Make it `moment` now; time goes on from there. Raises UsageError."""
        with self._lock:
            self._keep(moment.astimezone(UTC) - datetime.now(UTC))
        return self._moved()

    def reset(self) -> datetime:
        """Back to real time."""
        with self._lock:
            self._keep(timedelta())
        return self._moved()

    def _moved(self) -> datetime:
        for act in self._on_move:
            act()
        return self.now()

    def _keep(self, offset: timedelta) -> None:
        if not _FIRST <= datetime.now(UTC).replace(tzinfo=None) + offset <= _LAST:
            raise _too_far()
        self._offset = offset
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        temporary.write_text(json.dumps({"offset_seconds": offset.total_seconds()}))
        temporary.replace(self._path)


def _too_far() -> UsageError:
    return UsageError(
        tr("the clock goes from {first} to {last}", first=_FIRST.year, last=_LAST.year),
        tr("name a nearer time, or go back to real time with longshore local clock --reset"),
        code="bad-time",
    )


def _read_offset(path: Path | None) -> timedelta:
    if path is None:
        return timedelta()
    try:
        return timedelta(seconds=float(json.loads(path.read_text())["offset_seconds"]))
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return timedelta()
