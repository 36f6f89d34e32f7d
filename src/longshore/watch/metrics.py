"""The metrics that AWS lacks: storage, counts, findings, and a heartbeat. Pure.

Each metric with its dimensions is billed, so by default there is one set for the whole registry;
one per repository is asked for. What is not known is left out: it is never put as zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from longshore.facts import MetricValue
from longshore.policy.gate import FINISHED
from longshore.watch.contents import Contents, unfinished

NAMESPACE = "Longshore/ECR"
REGISTRY, REPOSITORY = "Registry", "Repository"
HEARTBEAT = "CollectorHeartbeat"
BYTES, COUNT = "Bytes", "Count"
USD_PER_METRIC = 0.30
FREE_METRICS = 10


@dataclass(frozen=True)
class RepositoryCount:
    """The numbers of one repository; None: not known. Findings count once per package."""

    repository: str
    images: int
    backups: int
    logical_bytes: int
    unique_bytes: int | None = None
    at_most: bool = False
    critical: int | None = None
    high: int | None = None
    scans_unfinished: int | None = None
    scans_read: int = 0
    images_left_out: int = 0


def count(contents: Contents, now: datetime) -> RepositoryCount:
    """The numbers of what was read."""
    scans = [scan for one in contents.looked for scan in one.scans]
    finished = [scan for scan in scans if scan.status in FINISHED]
    unread = sum(1 for one in contents.looked if one.unread)
    found = {(one.severity, one.name, one.package) for scan in finished for one in scan.findings}
    return RepositoryCount(
        contents.repository,
        len(contents.images),
        contents.backups,
        contents.logical_bytes,
        contents.unique_bytes,
        contents.at_most,
        _of(found, "CRITICAL") if finished else None,
        _of(found, "HIGH") if finished else None,
        sum(len(unfinished(one, now)) for one in contents.looked) if scans else None,
        len(scans),
        contents.left_out + unread,
    )


def _of(found: Iterable[tuple[str, str, str]], severity: str) -> int:
    return sum(1 for one in found if one[0] == severity)


def total(counts: Sequence[RepositoryCount]) -> RepositoryCount:
    """The numbers of all repositories; a sum in which one is not known is not known.

    Scans are another matter: a repository in which there is nothing to scan adds nothing.
    """
    unique = [one.unique_bytes for one in counts]
    return RepositoryCount(
        "",
        sum(one.images for one in counts),
        sum(one.backups for one in counts),
        sum(one.logical_bytes for one in counts),
        None if None in unique else sum(one for one in unique if one is not None),
        any(one.at_most for one in counts),
        _known(one.critical for one in counts),
        _known(one.high for one in counts),
        _known(one.scans_unfinished for one in counts),
        sum(one.scans_read for one in counts),
        sum(one.images_left_out for one in counts),
    )


def _known(numbers: Iterable[int | None]) -> int | None:
    found = [one for one in numbers if one is not None]
    return sum(found) if found else None


def metrics_of(
    counts: Sequence[RepositoryCount], registry: str, at: datetime, *, per_repository: bool = False
) -> list[MetricValue]:
    """All values of one run. The heartbeat comes last: who sees it has all the others.

    `ImageCountLargest` is the fullest repository's, which the quota is about.
    """
    whole = ((REGISTRY, registry),)
    found = list(_values(total(counts), whole, at))
    largest = max((one.images for one in counts), default=0)
    found.append(MetricValue("ImageCountLargest", largest, COUNT, whole, at))
    if per_repository:
        for one in counts:
            found += _values(one, (*whole, (REPOSITORY, one.repository)), at)
    return [*found, MetricValue(HEARTBEAT, 1, COUNT, whole, at)]


def _values(
    count: RepositoryCount, dimensions: tuple[tuple[str, str], ...], at: datetime
) -> Iterator[MetricValue]:
    numbers: tuple[tuple[str, int | None, str], ...] = (
        ("StorageBytesLogical", count.logical_bytes, BYTES),
        ("StorageBytesUnique", count.unique_bytes, BYTES),
        ("ImageCount", count.images, COUNT),
        ("BackupCount", count.backups, COUNT),
        ("FindingsCritical", count.critical, COUNT),
        ("FindingsHigh", count.high, COUNT),
        ("ScanNotCompleted", count.scans_unfinished, COUNT),
    )
    for name, number, unit in numbers:
        if number is not None:
            yield MetricValue(name, number, unit, dimensions, at)


def monthly_usd(values: Sequence[MetricValue]) -> float:
    """What so many metrics cost a month when nothing else of the account uses the free ones.

    >>> monthly_usd([])
    0.0
    """
    metrics = {(one.name, one.dimensions) for one in values}
    return round(max(0, len(metrics) - FREE_METRICS) * USD_PER_METRIC, 2)
