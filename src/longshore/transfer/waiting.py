"""Who waits for what. Pure.

A small ledger of keys: a waiter waits for a set of keys; when a key is finished or failed, its
waiters are named. The schedule gives the keys their meaning.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

Key = tuple[Hashable, ...]


@dataclass
class Ledger:
    """Open keys with their waiters, finished keys, and failed keys with the reason."""

    finished: set[Key] = field(default_factory=set)
    failed: dict[Key, str] = field(default_factory=dict)
    _waits: dict[Key, set[Key]] = field(default_factory=dict)
    _waiters: dict[Key, dict[Key, None]] = field(default_factory=dict)

    def wait(self, waiter: Key, keys: Iterable[Key]) -> None:
        """Make `waiter` wait for those of the keys that are not finished; a failed one counts."""
        waits = self._waits.setdefault(waiter, set())
        for key in keys:
            if key not in self.finished and key != waiter:
                waits.add(key)
                self._waiters.setdefault(key, {})[waiter] = None

    def waits_of(self, waiter: Key) -> frozenset[Key]:
        """What the waiter still waits for."""
        return frozenset(self._waits.get(waiter, ()))

    def is_waiting(self, waiter: Key) -> bool:
        """Whether the waiter still waits for anything."""
        return bool(self._waits.get(waiter))

    def waiters_of(self, key: Key) -> list[Key]:
        """Who waits for the key, in the order in which they began."""
        return list(self._waiters.get(key, ()))

    def finish(self, key: Key) -> list[Key]:
        """The key is there. Gives its waiters, which may wait for more."""
        if key in self.finished:
            return []
        self.finished.add(key)
        return self.forget(key)

    def forget(self, key: Key) -> list[Key]:
        """Nobody waits for the key any more. Gives those who did."""
        waiters = list(self._waiters.pop(key, ()))
        for waiter in waiters:
            self._waits[waiter].discard(key)
        return waiters

    def fail(self, key: Key, reason: str) -> list[Key]:
        """The key will not come. Gives its waiters; the caller decides what that means to them."""
        if key in self.failed or key in self.finished:
            return []
        self.failed[key] = reason
        return list(self._waiters.get(key, ()))
