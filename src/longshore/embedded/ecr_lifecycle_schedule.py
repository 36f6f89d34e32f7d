"""When lifecycle policies run: once a day by the servers' clock, one run after the other. I/O.

A repository's policy runs a day after it was put, and then every day at that time; so ECR acts
within 24 hours. A run that is late, because the clock was moved on or the servers were down, is
made for the time at which it was due: a jump of thirty days comes to the same as thirty jumps of
one day. When the clock was moved back behind a run, the day begins anew: nothing comes back, and
nothing runs twice for the same time.
"""

from __future__ import annotations

import heapq
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from longshore.embedded.contents import Repository
from longshore.embedded.ecr_lifecycle import (
    DAY,
    Ran,
    note_quiet_runs,
    run_policy,
    schedule_of,
)
from longshore.embedded.ecr_state import Ecr, Region
from longshore.embedded.ecr_telling import Telling

log = logging.getLogger("longshore.embedded")
_NAP_S = 30.0
_SHOWN_DAYS = 90


class Lifecycle:
    """Runs the policies of all regions; `catch_up` at any time, or a thread does. Thread-safe."""

    def __init__(self, ecr: Ecr, telling: Telling) -> None:
        self._ecr = ecr
        self._telling = telling
        self._turn = threading.Lock()
        self._awake = threading.Event()
        self._is_stopping = False
        self._thread: threading.Thread | None = None
        ecr.clock.on_move(self._awake.set)
        ecr.on_told(self._awake.set)

    def start(self) -> None:
        """Run what is due, and in a thread whatever becomes due from now on."""
        self._try_to_catch_up()
        self._thread = threading.Thread(target=self._live, name="longshore-lifecycle", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread, between two runs."""
        self._is_stopping = True
        self._awake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def catch_up(self) -> list[Ran]:
        """Make all runs that are due, the earliest first, and tell what happened."""
        with self._turn:
            done = list(self._due_runs())
            self._telling.tell()
        return done

    def run_now(self, names: tuple[str, ...] = ()) -> list[Ran]:
        """Run policies of the region that is served now, whenever they are due; of all, if none
        is named. Raises RepositoryNotFoundException."""
        region = self._ecr.served
        wanted = [region.repository(name).name for name in names]
        wanted = wanted or [one.name for one in region.contents.list_repositories()]
        with self._turn:
            list(self._due_runs())
            at = self._ecr.clock.now()
            ran = [run_policy(region, name, at, is_due=False) for name in wanted]
            self._telling.tell()
        return [one for one in ran if one is not None]

    def plan(self) -> list[dict[str, Any]]:
        """Each repository with a policy: when it ran last and when it runs next."""
        found = []
        for region in self._ecr.regions():
            for repository in region.contents.list_repositories():
                schedule = schedule_of(repository)
                if schedule is not None:
                    last = schedule.evaluated_at
                    found.append(
                        {
                            "region": region.name,
                            "repository": repository.name,
                            "last_run": _shown(last) if last else None,
                            "next_run": _shown(min(schedule.due, self._ecr.clock.now() + DAY)),
                        }
                    )
        return found

    # --- the runs -------------------------------------------------------------------------------

    def _due_runs(self) -> Iterator[Ran]:
        now = self._ecr.clock.now()
        waiting = [entry for entry in self._entries(now) if entry[0] <= now]
        heapq.heapify(waiting)
        while waiting and not self._is_stopping:
            at, region_name, name = heapq.heappop(waiting)
            region = self._ecr.region(region_name)
            ran = _safely(region, name, at)
            if ran is None:
                continue
            yield ran
            following = at + DAY
            if ran.quiet_until is not None:
                following = _skip(region, name, following, min(ran.quiet_until, now))
            if following <= now:
                heapq.heappush(waiting, (following, region_name, name))

    def _entries(self, now: datetime) -> Iterator[tuple[datetime, str, str]]:
        for region in self._ecr.regions():
            for repository in region.contents.list_repositories():
                due = _due(region, repository, now)
                if due is not None:
                    yield due, region.name, repository.name

    def _live(self) -> None:
        while not self._is_stopping:
            self._awake.wait(self._nap_s())
            self._awake.clear()
            self._try_to_catch_up()

    def _try_to_catch_up(self) -> None:
        try:
            self.catch_up()
        except Exception:
            log.exception("lifecycle policies could not be run")

    def _nap_s(self) -> float:
        now = self._ecr.clock.now()
        try:
            next_due = min((due for due, _, _ in self._entries(now)), default=None)
        except Exception:
            log.exception("lifecycle schedules could not be read")
            return _NAP_S
        if next_due is None:
            return _NAP_S
        return max(0.05, min(_NAP_S, (next_due - now).total_seconds()))


def _due(region: Region, repository: Repository, now: datetime) -> datetime | None:
    """When the repository's policy runs next; its day begins anew if the clock went back."""
    schedule = schedule_of(repository)
    if schedule is None:
        return None
    if schedule.anchor <= now:
        return schedule.due
    with region.lock:
        current = region.contents.repository(repository.name)
        schedule = schedule_of(current) if current else None
        if current is None or schedule is None:
            return None
        schedule = replace(schedule, anchor=min(schedule.anchor, now))
        settings = {**current.settings, **schedule.as_settings()}
        region.contents.update_repository(repository.name, settings)
    return schedule.due


def _safely(region: Region, name: str, at: datetime) -> Ran | None:
    """A run; a policy that cannot be run does not keep the others from running."""
    try:
        return run_policy(region, name, at)
    except Exception:
        log.exception("the lifecycle policy of %s could not be run", name)
        return None


def _skip(region: Region, name: str, first: datetime, until: datetime) -> datetime:
    """Note the runs up to a time that do nothing; when the next one is.

    Of many only the last ones leave their records: CloudTrail shows no more days.
    """
    count = max(0, (until - first) // DAY + 1)
    noted = range(max(0, count - _SHOWN_DAYS), count)
    note_quiet_runs(region, name, [first + DAY * number for number in noted])
    return first + DAY * count


def _shown(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
