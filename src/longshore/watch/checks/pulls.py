"""An unusual number of pulls, by a repository's own history, and a collector that stopped. Pure.

CloudWatch has a point for each hour in which there were pulls. The usual is what 19 of 20 such
hours do not exceed; a repository that is hardly pulled has no usual, and only the floor counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from longshore.facts import MetricAsked, MetricPoint
from longshore.text import tr
from longshore.watch.findings import Finding
from longshore.watch.metrics import HEARTBEAT, NAMESPACE, REGISTRY

HISTORY = timedelta(days=14)
HOUR = timedelta(hours=1)
FLOOR = 200
LEAST_HOURS = 24
MOST_HOURS = 24
SILENT = timedelta(hours=3)


def pulls_of(repository: str) -> MetricAsked:
    """The pulls of a repository, hour by hour."""
    return MetricAsked("AWS/ECR", "RepositoryPullCount", (("RepositoryName", repository),))


def heartbeat_of(registry: str) -> MetricAsked:
    """The collector's heartbeat, hour by hour."""
    return MetricAsked(NAMESPACE, HEARTBEAT, ((REGISTRY, registry),))


def whole_hour(moment: datetime) -> datetime:
    """The hour's begin."""
    return moment.replace(minute=0, second=0, microsecond=0)


def first_hour(now: datetime, last_check: datetime | None) -> datetime:
    """The first hour that is judged: those since the last check, at least one, at most a day."""
    end = whole_hour(now)
    begin = whole_hour(last_check) if last_check is not None else end - HOUR
    return max(min(begin, end - HOUR), end - MOST_HOURS * HOUR)


def usual(points: Sequence[MetricPoint]) -> float | None:
    """What 19 of 20 hours do not exceed; None when there are too few hours.

    >>> at = datetime(2026, 1, 1)
    >>> usual([(at, float(n)) for n in range(1, 101)])
    95.0
    >>> usual([(at, 5.0)]) is None
    True
    """
    values = sorted(value for _, value in points if value > 0)
    if len(values) < LEAST_HOURS:
        return None
    return values[-(-len(values) * 95 // 100) - 1]


def check_pulls(
    repository: str, points: Sequence[MetricPoint], since: datetime, times: float
) -> Iterator[Finding]:
    """Whether an hour from `since` on had `times` as many pulls as usual."""
    history = usual([one for one in points if one[0] < since])
    most = max(FLOOR, times * history) if history is not None else FLOOR
    at, pulls = max(
        ((at, value) for at, value in points if at >= since),
        key=lambda one: one[1],
        default=(since, 0.0),
    )
    if pulls <= most:
        return
    known = (
        tr("usually at most {usual:g}", usual=history)
        if history is not None
        else tr("what is usual is not known: there are too few hours with pulls")
    )
    message = tr(
        "{pulls:g} pulls in the hour from {at}, more than {most:g} ({known})",
        pulls=pulls,
        at=f"{at:%Y-%m-%dT%H:%MZ}",
        most=most,
        known=known,
    )
    fix = tr("CloudTrail's BatchGetImage events say who pulled")
    yield Finding("monitor-pull-spike", "high", repository, message, fix)


def check_heartbeat(points: Sequence[MetricPoint], now: datetime) -> Iterator[Finding]:
    """`monitor publish` ran in the last two weeks, and not in the last three hours."""
    last = max((at for at, value in points if value > 0), default=None)
    if last is not None and now - last > SILENT + HOUR:
        yield Finding(
            "monitor-heartbeat",
            "medium",
            "registry",
            tr("no metrics were put since {at}", at=f"{last:%Y-%m-%dT%H:%MZ}"),
            "longshore monitor publish --yes",
        )
