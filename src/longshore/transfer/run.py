"""The driver of a copy: threads carry out what the schedule orders. I/O.

One thread (the caller's) talks with the schedule; workers only carry out steps. Nothing here
decides what is done, only when: by width, rate and order (`budget.py`).
"""

from __future__ import annotations

import heapq
import itertools
import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from longshore.errors import InterruptedByUser, LimitError, LongshoreError, RegistryError
from longshore.events import Event, Progress, TagDone
from longshore.text import tr
from longshore.transfer import steps as st
from longshore.transfer.budget import KINDS, Bucket, Widths, order, retry_delay_s
from longshore.transfer.carry import Carrier, Stores
from longshore.transfer.journal import Journal
from longshore.transfer.plan import Pair, PairPlan
from longshore.transfer.schedule import Schedule
from longshore.transfer.tally import Totals


@dataclass(frozen=True)
class CopyOptions:
    """How to copy.

    `put_rate` is manifest writes per second at the target, None for no bound. `max_pulls` bounds
    the manifests that one run reads from a source registry, by its host.
    """

    widths: Widths = field(default_factory=Widths)
    put_rate: float | None = None
    max_pulls: Mapping[str, int] = field(default_factory=dict)
    progress_every_s: float = 0.2


@dataclass(frozen=True)
class CopyResult:
    """What came of a copy. `limit` and `fatal` say why it ended early, if it did."""

    totals: Totals
    failures: tuple[TagDone, ...]
    seconds: float
    limit: LongshoreError | None = None
    fatal: LongshoreError | None = None
    errors: tuple[LongshoreError, ...] = ()


_LAST_WAIT_S = 3.0
_Task = tuple[int, int, st.Step]


class CopyRun:
    """One copy. Iterate `events()` to its end, then read `result`."""

    def __init__(
        self,
        plans: Sequence[PairPlan],
        stores: Mapping[Pair, Stores],
        journal: Journal,
        options: CopyOptions,
        pulls_left: Callable[[], tuple[int, int | None]] = lambda: (0, None),
    ) -> None:
        self._plans = plans
        self._options = options
        self._journal = journal
        self._stop = threading.Event()
        self._carrier = Carrier(stores, journal, self._stop)
        self._schedule = Schedule(plans)
        self._pulls_left = pulls_left
        self._bucket = Bucket(options.put_rate, burst=2.0)
        self._ready: dict[type[st.Step], list[_Task]] = {kind: [] for kind in KINDS}
        self._later: list[tuple[float, int, st.Step]] = []
        self._running: Counter[type[st.Step]] = Counter()
        self._pulled: Counter[str] = Counter()
        self._count = itertools.count()
        self._work: queue.SimpleQueue[st.Step | None] = queue.SimpleQueue()
        self._outcomes: queue.SimpleQueue[st.Outcome] = queue.SimpleQueue()
        self._workers: list[threading.Thread] = []
        self._jitter = random.Random()  # noqa: S311 - spreads retries, protects nothing
        self._ended_at: float | None = None
        self.result: CopyResult | None = None

    def events(self) -> Iterator[Event]:
        """Copy, telling what happens. Closing the iterator early interrupts the copy."""
        began = time.monotonic()
        targets = sorted({plan.pair.target for plan in self._plans})
        for target in self._writing():
            self._journal.begin(target)
        try:
            turn = self._schedule.start()
            yield from turn.events
            self._queue(turn.steps)
            yield from self._drive()
            yield from self._schedule.finish().events
        finally:
            self._stop.set()
            self._end_workers()
        result = self._result(time.monotonic() - began)
        if not (result.failures or result.limit or result.fatal):
            for target in targets:
                self._journal.end(target)
        self.result = result

    def interrupt(self) -> None:
        """Stop soon: what runs is cut short, nothing new begins, the journal is kept."""
        self._stop.set()

    # -- the loop -------------------------------------------------------------------------------

    def _drive(self) -> Iterator[Event]:
        told = time.monotonic()
        while not self._schedule.done and not self._waited_enough():
            if self._stop.is_set() and self._schedule.fatal is None:
                self._schedule.fatal = InterruptedByUser(tr("interrupted; what was copied is kept"))
            self._dispatch()
            outcome = self._next_outcome()
            if outcome is not None:
                self._running[type(outcome.step)] -= 1
                turn = self._schedule.handle(_settled(outcome))
                yield from turn.events
                self._queue(turn.steps)
            if self._schedule.fatal is not None:
                self._stop.set()
                self._drop_waiting()
            now = time.monotonic()
            if now - told >= self._options.progress_every_s:
                told = now
                yield self._progress()
        yield self._progress()

    def _waited_enough(self) -> bool:
        """After an interrupt or a fatal error, what still runs is waited for a moment only."""
        if self._schedule.fatal is None:
            return False
        if self._ended_at is None:
            self._ended_at = time.monotonic()
        return time.monotonic() - self._ended_at > _LAST_WAIT_S

    def _next_outcome(self) -> st.Outcome | None:
        pause = self._options.progress_every_s
        if self._later:
            pause = min(pause, max(0.001, self._later[0][0] - time.monotonic()))
        try:
            return self._outcomes.get(timeout=pause)
        except queue.Empty:
            return None

    def _queue(self, steps: Sequence[st.Step]) -> None:
        now = time.monotonic()
        for step in steps:
            delay = retry_delay_s(step.attempt, self._jitter.random())
            if delay:
                heapq.heappush(self._later, (now + delay, next(self._count), step))
            else:
                self._make_ready(step)

    def _make_ready(self, step: st.Step) -> None:
        heapq.heappush(self._ready[type(step)], (order(step), next(self._count), step))

    def _dispatch(self) -> None:
        """Hand ready steps to workers, as far as widths and rates allow."""
        now = time.monotonic()
        while self._later and self._later[0][0] <= now:
            self._make_ready(heapq.heappop(self._later)[2])
        for kind in KINDS:
            ready = self._ready[kind]
            while ready and self._has_room(kind, ready[0][2]):
                wait = self._bucket.wait_s(now) if kind is st.PutManifest else 0.0
                step = heapq.heappop(ready)[2]
                if wait:
                    heapq.heappush(self._later, (now + wait, next(self._count), step))
                    break
                self._running[kind] += 1
                self._give(step)

    def _has_room(self, kind: type[st.Step], step: st.Step) -> bool:
        widths = self._options.widths
        return self._running[kind] < widths.of(step) and self._running.total() < widths.jobs

    def _give(self, step: st.Step) -> None:
        fetching = isinstance(step, st.FetchManifest) and step.side == "source"
        if fetching and not self._carrier.is_kept(step):
            limit = self._schedule.limit or self._own_limit(step.pair.source_registry)
            if limit is not None:
                self._outcomes.put(st.Failed(step, limit))
                return
        if len(self._workers) < min(self._options.widths.jobs, self._running.total()):
            worker = threading.Thread(target=self._labour, name="longshore-copy", daemon=True)
            worker.start()
            self._workers.append(worker)
        self._work.put(step)

    def _own_limit(self, registry: str) -> LimitError | None:
        """Count a pull; the error when the user's own bound on them is reached."""
        bound = self._options.max_pulls.get(registry)
        if bound is not None and self._pulled[registry] >= bound:
            return LimitError(
                tr("this run has used its {bound} pulls of {host}", bound=bound, host=registry),
                tr("the same command goes on; or raise sources.{host}.pulls", host=registry),
                code="own-pull-limit",
            )
        self._pulled[registry] += 1
        return None

    def _labour(self) -> None:
        while (step := self._work.get()) is not None:
            try:
                outcome = self._carrier.carry(step)
            except LongshoreError as error:
                outcome = st.Failed(step, error)
            except BaseException as error:  # noqa: BLE001 - a bug; the caller's thread waits
                outcome = _Bug(step, error)
            self._outcomes.put(outcome)

    def _drop_waiting(self) -> None:
        """After a fatal error: what has not begun counts as failed."""
        error = self._schedule.fatal
        assert error is not None  # noqa: S101 - the caller looked
        waiting = [task[2] for ready in self._ready.values() for task in ready]
        waiting += [task[2] for task in self._later]
        for ready in self._ready.values():
            ready.clear()
        self._later.clear()
        for step in waiting:
            self._running[type(step)] += 1
            self._outcomes.put(st.Failed(step, error))

    def _end_workers(self) -> None:
        for _ in self._workers:
            self._work.put(None)
        deadline = time.monotonic() + _LAST_WAIT_S
        for worker in self._workers:
            worker.join(max(0.0, deadline - time.monotonic()))

    # -- what is told ---------------------------------------------------------------------------

    def _writing(self) -> list[str]:
        return sorted({plan.pair.target for plan in self._plans if plan.to_copy})

    def _progress(self) -> Progress:
        totals = self._schedule.totals()
        pulls, left = self._pulls_left()
        done = sum(totals.tags.values())
        tags = sum(len(plan.steps) for plan in self._plans)
        expected = max(totals.bytes_expected, totals.bytes)
        flowing = min(self._carrier.meter.bytes, expected)
        return Progress(min(done, tags), tags, max(flowing, totals.bytes), expected, pulls, left)

    def _result(self, seconds: float) -> CopyResult:
        schedule = self._schedule
        return CopyResult(
            schedule.totals(),
            tuple(schedule.failures),
            seconds,
            schedule.limit,
            schedule.fatal,
            tuple(schedule.errors),
        )


@dataclass(frozen=True)
class _Bug(st.Outcome):
    error: BaseException


def _settled(outcome: st.Outcome) -> st.Outcome:
    """The outcome as the schedule knows it; a bug is raised in the caller's thread."""
    if isinstance(outcome, _Bug):
        raise outcome.error
    if (
        isinstance(outcome, st.Failed)
        and isinstance(outcome.error, RegistryError)
        and isinstance(outcome.step, st.PutManifest)
        and outcome.error.code == "image-already-exists"
    ):
        return st.Done(outcome.step)
    return outcome
