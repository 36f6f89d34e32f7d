"""Waiting times of servers and back-off."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.remote.waiting import Patience, backoff, iso_time, seconds_until, server_wait

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": " 0 "}, 0.0),
        ({"retry-after": "2.5"}, 2.0),
        ({"retry-after": formatdate(NOW + 90, usegmt=True)}, 90.0),
        ({"retry-after": formatdate(NOW - 90, usegmt=True)}, 0.0),
        ({"x-retry-after": str(int(NOW) + 30)}, 30.0),
        ({"retry-after": str(int(NOW) + 40)}, 40.0),
        ({"retry-after": "soon", "x-retry-after": "3"}, 3.0),
        ({"x-ratelimit-reset": str(int(NOW) + 5)}, 5.0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "9" * 40}, None),
    ],
)
def test_server_wait(headers: dict[str, str], wait: float | None) -> None:
    assert server_wait(headers, NOW) == wait


@given(st.text(max_size=40))
def test_any_header_is_a_wait_or_none(value: str) -> None:
    wait = server_wait({"retry-after": value}, NOW)
    assert wait is None or wait >= 0


@given(st.integers(0, 60), st.floats(0, 1, exclude_max=True))
def test_backoff_is_bounded_and_jittered(attempt: int, chance: float) -> None:
    patience = Patience()
    pause = backoff(attempt, None, patience, chance)
    assert 0 <= pause <= patience.cap_s
    assert backoff(attempt, 7.0, patience, chance) == 7.0 + chance


def test_times_there_and_back() -> None:
    assert seconds_until(iso_time(NOW + 60), NOW) == 60.0
    assert seconds_until("", NOW) is None
