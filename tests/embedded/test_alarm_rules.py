"""When an alarm changes its state: the User Guide's tables of missing data, statistics, windows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.embedded.alarm_rules import (
    MISSING,
    OPERATORS,
    STATISTICS,
    Datum,
    Rule,
    State,
    judge,
    points,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OK, ALARM, LACKS = "OK", "ALARM", "INSUFFICIENT_DATA"
KEPT = "kept"


def rule(needed: int, periods: int, missing: str = "missing", statistic: str = "Sum") -> Rule:
    return Rule(statistic, 60, periods, needed, "GreaterThanThreshold", 0.5, missing)


def values(row: str) -> list[float | None]:
    """A row of the guide: the oldest first, X breaches, 0 does not, - is missing."""
    return [{"X": 1.0, "0": 0.0, "-": None}[one] for one in reversed(row.split())]


# "How alarm state is evaluated when data is missing": both tables, as they stand there.
@pytest.mark.parametrize(
    ("needed", "row", "missing", "ignore", "breaching", "not_breaching"),
    [
        (3, "0 - X - X", OK, OK, OK, OK),
        (3, "0 - - - -", OK, OK, OK, OK),
        (3, "- - - - -", LACKS, KEPT, ALARM, OK),
        (3, "0 X X - X", ALARM, ALARM, ALARM, ALARM),
        (3, "- - X - -", ALARM, KEPT, ALARM, OK),
        (2, "0 - X - X", ALARM, ALARM, ALARM, ALARM),
        (2, "0 0 X 0 X", ALARM, ALARM, ALARM, ALARM),
        (2, "0 - X - -", OK, OK, ALARM, OK),
        (2, "- - - - 0", OK, OK, ALARM, OK),
        (2, "- - - X -", ALARM, KEPT, ALARM, OK),
    ],
)
def test_the_tables_of_missing_data(
    needed: int, row: str, missing: str, ignore: str, breaching: str, not_breaching: str
) -> None:
    wanted = dict(zip(("missing", "ignore", "breaching", "notBreaching"),
                      (missing, ignore, breaching, not_breaching), strict=True))  # fmt: skip
    states: tuple[State, ...] = ("OK", "ALARM", "INSUFFICIENT_DATA")
    for state in states:
        for treatment, after in wanted.items():
            found = judge(rule(needed, 3, treatment), values(row), state)
            assert found.state == (state if after == KEPT else after), (treatment, state)
            assert found.reason


@pytest.mark.parametrize(
    ("statistic", "wanted"),
    [("Sum", 12), ("Average", 3), ("Minimum", 1), ("Maximum", 6), ("SampleCount", 4)],
)
def test_statistics(statistic: str, wanted: float) -> None:
    data = [Datum(NOW, 1, 1, 1, 1), Datum(NOW, 6, 1, 6, 6), Datum(NOW, 5, 2, 2, 3)]
    assert points(rule(1, 1, statistic=statistic), data, NOW) == [wanted, None, None]
    assert set(STATISTICS) == {"Sum", "Average", "Minimum", "Maximum", "SampleCount"}


def test_windows_slide_and_lie_behind_now() -> None:
    def at(seconds: float) -> Datum:
        return Datum(NOW - timedelta(seconds=seconds), 1, 1, 1, 1)

    data = [at(-1), at(0), at(59.9), at(60), at(119), at(240), at(300)]
    assert points(rule(1, 3), data, NOW) == [2, 2, None, None, 1]


@pytest.mark.parametrize(
    ("operator", "at_4", "at_5", "at_6"),
    [
        ("GreaterThanThreshold", OK, OK, ALARM),
        ("GreaterThanOrEqualToThreshold", OK, ALARM, ALARM),
        ("LessThanThreshold", ALARM, OK, OK),
        ("LessThanOrEqualToThreshold", ALARM, ALARM, OK),
    ],
)
def test_operators(operator: str, at_4: str, at_5: str, at_6: str) -> None:
    one = Rule("Sum", 60, 1, 1, operator, 5)
    assert [judge(one, [value], "OK").state for value in (4.0, 5.0, 6.0)] == [at_4, at_5, at_6]
    assert len(OPERATORS) == 4


POINT = st.one_of(st.none(), st.floats(0, 1))


@given(st.lists(POINT, min_size=6, max_size=6), st.integers(1, 4), st.sampled_from(MISSING))
def test_what_always_holds(found: list[float | None], needed: int, missing: str) -> None:
    one = rule(needed, 4, missing)
    after = judge(one, found, "OK").state
    recent = [value for value in found if value is not None][:4]
    if sum(1 for value in recent if value > 0.5) >= needed:
        assert after == ALARM
    if len(recent) == 4 or missing != "missing":
        assert after != LACKS
    if missing == "notBreaching" and not recent:
        assert after == OK
