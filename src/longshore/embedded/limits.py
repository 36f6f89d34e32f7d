"""Docker Hub's limits: pulls per client and window, and requests per minute. I/O.

Source: docs.docker.com, "Docker Hub pull usage and limits". A GET of a manifest is a pull, a HEAD
and a blob are not; `ratelimit-limit: 100;w=21600` and `ratelimit-remaining` come with both. The
counts are kept in the Hub's database, so that a restart gives nobody new pulls. The limits of
requests (the web API's, and the abuse limit of all) are counted in memory.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from longshore.embedded.clock import Clock
from longshore.embedded.contents import Contents

WINDOW_S = 6 * 3600


@dataclass(frozen=True)
class PullLimits:
    """Pulls per window for clients without and with a login; None means no limit.

    `says_when`: whether a refusal carries `retry-after`, in seconds.
    """

    anonymous: int | None = None
    account: int | None = None
    window_s: int = WINDOW_S
    says_when: bool = True


@dataclass(frozen=True)
class Allowance:
    """What a client has: the limit, what is left of it, and who it is counted for."""

    limit: int
    remaining: int
    window_s: int
    source: str
    resets_at: float

    def headers(self) -> dict[str, str]:
        """As Docker Hub sends them."""
        return {
            "ratelimit-limit": f"{self.limit};w={self.window_s}",
            "ratelimit-remaining": f"{self.remaining};w={self.window_s}",
            "docker-ratelimit-source": self.source,
        }


class PullMeter:
    """Counts pulls by account, or by address for anonymous clients."""

    def __init__(self, contents: Contents, limits: PullLimits) -> None:
        self._contents = contents
        self._limits = limits

    @property
    def limits(self) -> PullLimits:
        """The limits in force."""
        return self._limits

    def set_limits(self, limits: PullLimits) -> None:
        """Put other limits in force; what was counted stays counted."""
        self._limits = limits

    def look(self, user: str, address: str) -> Allowance | None:
        """What the client has left, without counting anything; None when nothing limits it."""
        limit = self._limits.account if user else self._limits.anonymous
        if limit is None:
            return None
        began, used = self._window(user, address)
        source = user or address
        left = max(0, limit - used)
        return Allowance(limit, left, self._limits.window_s, source, began + self._limits.window_s)

    def take(self, user: str, address: str) -> tuple[bool, Allowance | None]:
        """Count a pull if there is one left; whether there was, and what is left now."""
        with self._contents.transaction():
            before = self.look(user, address)
            if before is None or before.remaining < 1:
                return before is None, before
            began, used = self._window(user, address)
            self._contents.set_note(_key(user, address), [began, used + 1])
            return True, self.look(user, address)

    def _window(self, user: str, address: str) -> tuple[float, int]:
        """When the client's window began and how many pulls it has used."""
        now = self._contents.clock.timestamp()
        found = self._contents.note(_key(user, address))
        if found is None or not found[0] <= now < found[0] + self._limits.window_s:
            return now, 0
        return float(found[0]), int(found[1])


def _key(user: str, address: str) -> str:
    return f"pulls/{'account' if user else 'address'}/{user or address}"


@dataclass(frozen=True)
class Rate:
    """Where a client stands in the running minute; `remaining` is negative when refused."""

    limit: int
    remaining: int
    resets_at: int

    @property
    def is_exceeded(self) -> bool:
        """Whether this request was one too many."""
        return self.remaining < 0


class RequestMeter:
    """Counts the requests of each client in each minute. Thread-safe."""

    def __init__(self, clock: Clock, per_minute: int | None) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._minute = 0
        self._used: dict[str, int] = {}
        self.per_minute = per_minute
        """The limit, None for none; may be changed at any time."""

    def take(self, client: str) -> Rate | None:
        """Count a request; where the client stands, or None without a limit."""
        limit = self.per_minute
        if limit is None:
            return None
        minute = int(self._clock.timestamp()) // 60
        with self._lock:
            if minute != self._minute:
                self._minute, self._used = minute, {}
            used = self._used[client] = self._used.get(client, 0) + 1
        return Rate(limit, limit - used, (minute + 1) * 60)
