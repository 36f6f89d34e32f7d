"""What people type about time: moments and lengths. Pure.

>>> parse_moment("+30d", datetime(2026, 11, 23, tzinfo=UTC)).isoformat()
'2026-12-23T00:00:00+00:00'
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from longshore.errors import UsageError
from longshore.text import tr

_LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*(min|[smhdwy])", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}

# Far enough from the ends of what a datetime can be to reckon on from there.
_EARLIEST, _LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(8999, 12, 31, tzinfo=UTC)


def parse_moment(text: str, now: datetime) -> datetime:
    """A moment: ISO 8601 (a day alone is its midnight, no offset is UTC), `now`, `+30d`, `-12h`.

    Raises UsageError.
    """
    word = text.strip()
    if word.lower() == "now":
        return now
    try:
        found = _moment(word, now)
        if _EARLIEST <= found <= _LATEST:
            return found
    except (ValueError, OverflowError, UsageError):
        pass
    raise UsageError(
        tr("'{text}' is not a time", text=text),
        tr("write 2026-12-24, 2026-12-24T09:30:00Z, or from now: +30d, +12h"),
        code="bad-time",
    )


def _moment(word: str, now: datetime) -> datetime:
    if word[:1] in ("+", "-"):
        length = parse_length(word[1:])
        return now + length if word[0] == "+" else now - length
    return read_iso(word)


def read_iso(text: str) -> datetime:
    """ISO 8601; without an offset it is UTC. Raises ValueError."""
    found = datetime.fromisoformat(text)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def parse_length(text: str) -> timedelta:
    """A length of time: 90s, 15m, 12h, 30d, 2w, 1y. Raises UsageError.

    >>> parse_length("2w")
    datetime.timedelta(days=14)
    """
    found = _LENGTH.fullmatch(text.strip().removeprefix("+"))
    try:
        if found:
            return timedelta(seconds=float(found[1]) * _SECONDS[found[2].lower()])
    except OverflowError:
        pass
    raise UsageError(
        tr("'{text}' is not a length of time", text=text),
        tr("write it as 90s, 15m, 12h, 30d or 2w"),
        code="bad-duration",
    )
