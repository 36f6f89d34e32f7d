"""What people type about lifecycle policies: moments, lengths of time, readings. Pure.

>>> parse_moment("+30d", datetime(2026, 11, 23, tzinfo=UTC)).isoformat()
'2026-12-23T00:00:00+00:00'
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from longshore.cli.typeset import nearest
from longshore.errors import UsageError
from longshore.policy.lifecycle.readings import CHOICES, DEFAULT, Readings
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
    found = datetime.fromisoformat(word)
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


def parse_readings(words: Sequence[str]) -> Readings:
    """The readings of `--reading NAME=CHOICE`, given several times. Raises UsageError."""
    chosen = DEFAULT
    for word in words:
        name, _, choice = word.partition("=")
        name, choice = name.strip().replace("-", "_"), choice.strip()
        if name not in CHOICES:
            raise _unknown(tr("there is no reading '{name}'", name=name), name, CHOICES)
        if choice not in CHOICES[name]:
            what = tr("'{choice}' is no choice of the reading {name}", choice=choice, name=name)
            raise _unknown(what, choice, CHOICES[name])
        told: dict[str, Any] = {name: choice}
        chosen = replace(chosen, **told)
    return chosen


def _unknown(what: str, word: str, known: Sequence[str] | dict[str, tuple[str, ...]]) -> UsageError:
    meant = nearest(word, known)
    all_of_them = tr("choose one of: {names}", names=", ".join(known))
    hint = tr("did you mean {name}?", name=meant) if meant else all_of_them
    return UsageError(what, hint, code="bad-reading")
