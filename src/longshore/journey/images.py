"""The images' part of the way: gather many pairs at once, copy, and say what came of it. I/O."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from longshore.errors import InterruptedByUser, LongshoreError, PartialError
from longshore.journey.changes import refuse_collisions
from longshore.text import tr
from longshore.transfer.carry import Stores
from longshore.transfer.gather import gather
from longshore.transfer.journal import Journal
from longshore.transfer.plan import Pair, PairPlan, Wish
from longshore.transfer.run import CopyResult

_LISTINGS_AT_ONCE = 6


class Counted(Protocol):
    """Requests and pulls of one side so far."""

    requests: int
    pulls: int


@dataclass(frozen=True)
class Job:
    """One pair with what is wanted of it, and its opened stores."""

    wish: Wish
    stores: Stores


def gather_all(jobs: Sequence[Job], journal: Journal) -> list[PairPlan]:
    """The plans of all pairs, in their order; listings run side by side.

    Raises RefusedError when two of them want the same tag.
    """
    with ThreadPoolExecutor(_LISTINGS_AT_ONCE, thread_name_prefix="longshore-pair") as pool:
        asked = [pool.submit(gather, job.wish, job.stores, journal) for job in jobs]
        plans = [answer.result() for answer in asked]
    refuse_collisions(plans)
    return plans


def stores_of(jobs: Sequence[Job]) -> dict[Pair, Stores]:
    """The opened stores by pair."""
    return {job.wish.pair: job.stores for job in jobs}


def copy_document(result: CopyResult, source: Counted, target: Counted) -> dict[str, Any]:
    """`longshore.copy/1`."""
    totals = result.totals
    return {
        "schema": "longshore.copy/1",
        "tags": totals.tags,
        "manifests": {"copied": totals.manifests},
        "blobs": totals.blobs,
        "bytes": totals.bytes,
        "source": {"requests": source.requests, "pulls": source.pulls},
        "target": {"requests": target.requests},
        "seconds": round(result.seconds, 3),
        "failures": [
            {"source": failed.source, "target": failed.target, "reason": failed.reason}
            for failed in result.failures
        ],
    }


def why_unfinished(result: CopyResult) -> LongshoreError | None:
    """The error that the run ends with, or None when everything is where it should be."""
    if result.fatal is not None:
        return result.fatal
    if result.limit is not None:
        return result.limit
    failed, tags = result.totals.tags["failed"], result.totals.tags
    if not failed:
        return None
    what = tr("{failed} tags could not be copied", failed=failed)
    hint = tr("mend what the reasons name; the same command goes on where it stopped")
    if tags["copied"] + tags["unchanged"]:
        return PartialError(what, hint)
    first = result.errors[0] if result.errors else None
    if first is not None and not isinstance(first, InterruptedByUser):
        return first
    return LongshoreError(what, hint, code="nothing-copied")
