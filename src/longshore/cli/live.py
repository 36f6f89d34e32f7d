"""Progress: one line that moves on a terminal, and one line for each finished step. I/O.

`line_of` decides what an event says in a log; `LiveLine` keeps the moving line at the bottom and
draws it at most ten times a second.
"""

from __future__ import annotations

import re
import shutil
import threading
import time
from typing import TextIO

from longshore.cli.typeset import one_line, short_digest, shorten, size
from longshore.events import (
    BlobDone,
    ChangeApplied,
    Event,
    Notice,
    Progress,
    StepDone,
    StepStarted,
    TagDone,
    Waiting,
)
from longshore.text import tr

_INTERVAL_S = 0.1


# The tag of a signature holds a whole digest; twelve digits tell it apart on a screen.
_COMPANION = re.compile(r"(sha256-[0-9a-f]{12})[0-9a-f]{52}")


def line_of(event: Event, *, verbose: bool = False) -> str | None:
    """The event as a finished line, or None when only the moving line shows it."""
    match event:
        case StepDone():
            return _joined("  ", event.step, event.resource, event.detail)
        case ChangeApplied():
            done = tr("already done") if event.already else ""
            return _joined("  ", event.action, event.resource, done)
        case TagDone():
            return _tag_line(event, verbose=verbose)
        case Waiting():
            return tr("waiting until {until}: {reason}", until=event.until, reason=event.reason)
        case Notice():
            warning = event.level == "warning"
            return tr("warning: {message}", message=event.message) if warning else event.message
        case BlobDone() if verbose:
            return _joined("  ", event.how, short_digest(event.digest), size(event.size))
        case StepStarted() if verbose:
            return _joined("  ", event.step, event.resource)
        case _:
            return None


def _tag_line(event: TagDone, *, verbose: bool) -> str | None:
    if event.outcome == "unchanged" and not verbose:
        return None
    arrow = _COMPANION.sub(r"\1...", f"{event.source} -> {event.target}")
    return _joined("  ", event.outcome, arrow, short_digest(event.digest), event.reason)


def moving_line_of(event: Event) -> str | None:
    """What the moving line says after the event, or None when it stays as it is."""
    match event:
        case StepStarted():
            return _joined(" ", event.step, event.resource)
        case Progress():
            return _progress(event)
        case _:
            return None


def _progress(event: Progress) -> str:
    parts = [
        tr("{done}/{total} tags", done=event.tags_done, total=event.tags_total),
        f"{size(event.bytes_done)} / {size(event.bytes_total)}",
        tr("{count} pulls", count=event.pulls),
    ]
    if event.pulls_left is not None:
        parts.append(tr("{count} pulls left", count=event.pulls_left))
    return "  ".join(parts)


def _joined(between: str, *parts: str) -> str:
    return between.join(one_line(part) for part in parts if part)


class LiveLine:
    """One line at the bottom of a terminal. Safe to use from several threads."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._drawn = False
        self._drawn_at = 0.0

    def update(self, event: Event) -> None:
        """Draw what the event says, unless the line was drawn a moment ago."""
        line = moving_line_of(event)
        if line is None:
            return
        with self._lock:
            if time.monotonic() - self._drawn_at < _INTERVAL_S:
                return
            columns = shutil.get_terminal_size().columns
            self._put(f"\r\x1b[2K{shorten(line, columns - 1)}")
            self._drawn, self._drawn_at = True, time.monotonic()

    def clear(self) -> None:
        """Take the line away before something else is printed."""
        with self._lock:
            if self._drawn:
                self._put("\r\x1b[2K")
                self._drawn = False

    def _put(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            self._drawn = False  # the terminal went away; the work goes on
