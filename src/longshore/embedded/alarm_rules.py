"""When a CloudWatch alarm changes its state. Pure.

CloudWatch User Guide, "Using Amazon CloudWatch alarms": evaluation periods, M out of N, missing
data, and the tables of "How alarm state is evaluated when data is missing". The windows slide: the
newest one ends now. Besides the evaluation periods two more are looked at, as in these tables.

>>> rule = Rule("Maximum", 60, 1, 1, "GreaterThanThreshold", 5.0, "missing")
>>> judge(rule, [6.0, None, None], "OK").state
'ALARM'
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
OPERATORS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
STATISTICS = ("Sum", "Average", "Minimum", "Maximum", "SampleCount")
MISSING = ("missing", "notBreaching", "breaching", "ignore")
_MORE_PERIODS = 2


@dataclass(frozen=True)
class Datum:
    """What was put at one time: one value, or a set of values by their sums."""

    at: datetime
    sum: float
    count: float
    least: float
    most: float


@dataclass(frozen=True)
class Rule:
    """What an alarm asks: `needed` of `periods` (M of N) breach the threshold."""

    statistic: str
    period_s: int
    periods: int
    needed: int
    operator: str
    threshold: float
    missing: str = "missing"

    @property
    def span(self) -> timedelta:
        """How far back is looked."""
        return timedelta(seconds=self.period_s * (self.periods + _MORE_PERIODS))

    def breaches(self, value: float) -> bool:
        """Whether a value is on the wrong side."""
        return OPERATORS[self.operator][0](value, self.threshold)


@dataclass(frozen=True)
class Judged:
    """The state and its reason."""

    state: State
    reason: str


def points(rule: Rule, data: Sequence[Datum], now: datetime) -> list[float | None]:
    """The statistic of each period, the newest first; None where nothing was put."""
    period = timedelta(seconds=rule.period_s)
    found: list[float | None] = []
    for number in range(rule.periods + _MORE_PERIODS):
        end = now - period * number
        inside = [one for one in data if end - period < one.at <= end]
        found.append(_statistic(rule.statistic, inside) if inside else None)
    return found


def _statistic(name: str, data: Sequence[Datum]) -> float:
    count = sum(one.count for one in data)
    match name:
        case "Sum":
            return sum(one.sum for one in data)
        case "Average":
            return sum(one.sum for one in data) / count if count else 0.0
        case "Minimum":
            return min(one.least for one in data)
        case "Maximum":
            return max(one.most for one in data)
        case _:
            return count


def judge(rule: Rule, values: Sequence[float | None], state: State) -> Judged:
    """The alarm's state by the values of its periods, the newest first."""
    known = [value for value in values if value is not None][: rule.periods]
    breaching = [value for value in known if rule.breaches(value)]
    lacking = rule.periods - len(known)
    if len(breaching) >= rule.needed:
        return Judged("ALARM", _crossed(rule, known, breaching))
    if not lacking:
        return Judged("OK", _not_crossed(rule, known))
    if rule.missing == "breaching":
        is_alarm = len(breaching) + lacking >= rule.needed
        reason = _missing(lacking, "Breaching")
        return Judged("ALARM" if is_alarm else "OK", reason)
    if rule.missing == "notBreaching":
        return Judged("OK", _missing(lacking, "NonBreaching"))
    if len(breaching) < len(known):
        return Judged("OK", _not_crossed(rule, known))
    if rule.missing == "ignore":
        return Judged(state, _missing(lacking, "Ignored"))
    if breaching and _is_old(rule, values):
        return Judged("ALARM", _crossed(rule, known, breaching))
    return Judged("INSUFFICIENT_DATA", f"Insufficient Data: {lacking} datapoints were unknown.")


def _is_old(rule: Rule, values: Sequence[float | None]) -> bool:
    """Whether the oldest value is at least M periods old; the younger ones do not deny it."""
    oldest = max(place for place, value in enumerate(values) if value is not None)
    return oldest + 1 >= rule.needed


def _crossed(rule: Rule, known: Sequence[float], breaching: Sequence[float]) -> str:
    return _said(rule, len(breaching), breaching, "was" if len(breaching) == 1 else "were")


def _not_crossed(rule: Rule, known: Sequence[float]) -> str:
    return _said(rule, len(known), known, "was not" if len(known) == 1 else "were not")


def _said(rule: Rule, count: int, values: Sequence[float], verb: str) -> str:
    listed = ", ".join(str(value) for value in values)
    words = OPERATORS[rule.operator][1]
    return (
        f"Threshold Crossed: {count} out of the last {rule.periods} datapoints [{listed}] {verb} "
        f"{words} the threshold ({rule.threshold})."
    )


def _missing(count: int, treated: str) -> str:
    return (
        f"Threshold Crossed: no datapoints were received for {count} "
        f"period{'s' if count > 1 else ''} and {count} missing "
        f"datapoint{'s were' if count > 1 else ' was'} treated as [{treated}]."
    )
