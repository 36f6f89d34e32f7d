"""How often each repository was pulled, minute by minute, for CloudWatch. I/O.

ECR puts one metric, `AWS/ECR RepositoryPullCount`. A pull is here a manifest that was read: by GET
under `/v2/` or by BatchGetImage; of an index that is one for the index and one for each platform
that is read too, and a HEAD is none. The counts wait here until CloudWatch is asked for something,
so that nothing of moto is loaded for the sake of a counter; a kill may lose those of a minute.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any

from longshore.embedded.ecr_state import Ecr, Region

NAMESPACE, METRIC = "AWS/ECR", "RepositoryPullCount"
_NOTE = "ecr-pulls"
_MINUTE = 60
_KEPT_S = 15 * 24 * 3600


@dataclass(frozen=True)
class Pulled:
    """So many pulls of a repository in the minute that begins at `at` (seconds since 1970)."""

    region: str
    repository: str
    at: int
    count: int


class Pulls:
    """The counters of all regions. Thread-safe."""

    def __init__(self, ecr: Ecr) -> None:
        self._ecr = ecr
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str, int]] = Counter()
        self._is_loaded = False
        self._is_kept = True
        ecr.on_pulled(self.count)

    def count(self, region: Region, repository: str) -> None:
        """One pull, now."""
        at = int(region.ecr.clock.timestamp()) // _MINUTE * _MINUTE
        with self._lock:
            self._counts[region.name, repository, at] += 1
            self._is_kept = False

    def take(self) -> list[Pulled]:
        """All counts that wait, oldest first; they wait no longer."""
        with self._lock:
            self._load()
            found = [Pulled(*key, number) for key, number in self._counts.items()]
            if found:
                self._counts.clear()
                self._is_kept = False
        self.keep()
        return sorted(found, key=lambda one: (one.at, one.region, one.repository))

    def keep(self) -> None:
        """Write down what waits, if it has changed."""
        with self._lock:
            if self._is_kept:
                return
            self._load()
            oldest = self._ecr.clock.timestamp() - _KEPT_S
            for region in self._ecr.regions():
                waiting = [
                    [repository, at, number]
                    for (name, repository, at), number in self._counts.items()
                    if name == region.name and at >= oldest
                ]
                region.contents.set_note(_NOTE, waiting or None)
            self._is_kept = True

    def _load(self) -> None:
        """Take over what an earlier process wrote down."""
        if self._is_loaded:
            return
        self._is_loaded = True
        for region in self._ecr.regions():
            kept: Any = region.contents.note(_NOTE) or ()
            for repository, at, number in kept:
                self._counts[region.name, repository, at] += number
