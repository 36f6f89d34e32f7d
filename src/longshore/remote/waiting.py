"""When to try again: temporary faults, the server's own waiting time, full-jitter back-off. Pure.

Servers name a time in several ways: `Retry-After` in seconds or as an HTTP date (RFC 9110 section
10.2.3), and Docker Hub's API as a unix timestamp. A number too large to be a wait is a time.

>>> server_wait({"retry-after": "7"}, now=0.0)
7.0
>>> server_wait({"x-retry-after": "1671729995"}, now=1671729990.0)
5.0
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_DELTA_S = 10**8
_NAMES = ("retry-after", "x-retry-after", "x-ratelimit-reset")


@dataclass(frozen=True)
class Patience:
    """How often and how long a request is tried again.

    `attempts` counts the first one too. A server that asks for more than `longest_wait_s` is not
    waited for: the caller is told when to come back.
    """

    attempts: int = 6
    base_s: float = 0.5
    cap_s: float = 30.0
    longest_wait_s: float = 120.0


def server_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds from `now` (unix time) that the server asks to wait; None when it does not say.

    Header names are compared in lower case, so give a case-insensitive mapping.
    """
    for name in _NAMES:
        value = headers.get(name)
        wait = None if value is None else _one_wait(value.strip(), now)
        if wait is not None:
            return max(wait, 0.0)
    return None


def _one_wait(value: str, now: float) -> float | None:
    number = value.partition(".")[0]
    if number.isascii() and number.isdigit() and len(number) < 16:
        seconds = int(number)
        return seconds - now if seconds > _LONGEST_DELTA_S else float(seconds)
    try:
        return parsedate_to_datetime(value).timestamp() - now
    except (ValueError, TypeError, OverflowError):
        return None


def backoff(attempt: int, asked_s: float | None, patience: Patience, chance: float) -> float:
    """How long to wait after the failed `attempt` (from 0). `chance` is a random number of [0, 1).

    Full jitter: anywhere between nothing and a bound that doubles. A time that the server asked for
    is kept, plus up to a second so that many threads do not come back at one moment.

    >>> backoff(2, None, Patience(base_s=1.0), 0.5)
    2.0
    """
    if asked_s is not None:
        return asked_s + chance
    return chance * min(patience.cap_s, patience.base_s * 2.0**attempt)


def iso_time(unix: float) -> str:
    """UTC, ISO 8601, whole seconds.

    >>> iso_time(0.0)
    '1970-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_until(iso: str, now: float) -> float | None:
    """How far off a time written by `iso_time` is; None for an empty one."""
    return max(datetime.fromisoformat(iso).timestamp() - now, 0.0) if iso else None
