"""Rates, widths, order and the pull budget: numbers in, numbers out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from longshore.oci.digest import digest_of
from longshore.oci.manifest import Descriptor
from longshore.oci.store import PullAllowance
from longshore.transfer import steps as st
from longshore.transfer.budget import Bucket, PullBudget, Widths, order, retry_delay_s
from longshore.transfer.plan import Pair

PAIR = Pair("a", "b")


@given(
    rate=some.floats(0.5, 200),
    burst=some.floats(1, 10),
    pauses=some.lists(some.floats(0, 2), max_size=80),
)
def test_a_bucket_never_gives_more_than_its_rate(rate, burst, pauses) -> None:
    bucket, now, taken = Bucket(rate, burst), 0.0, 0
    for pause in pauses:
        now += pause
        wait = bucket.wait_s(now)
        assert wait >= 0
        taken += wait == 0
        assert taken <= burst + rate * now + 1e-6


@given(rate=some.floats(0.5, 200), pauses=some.lists(some.floats(0, 1), min_size=1, max_size=30))
def test_waiting_as_long_as_told_always_gives_a_token(rate, pauses) -> None:
    bucket, now = Bucket(rate), 100.0
    for pause in pauses:
        now += pause
        if wait := bucket.wait_s(now):
            now += wait + 1e-6
            assert bucket.wait_s(now) == 0


def test_no_rate_no_wait() -> None:
    assert [Bucket(None).wait_s(now) for now in range(5)] == [0] * 5


def test_the_budget_says_what_fits_and_in_how_many_windows() -> None:
    left = PullAllowance(100, 40, 21600)
    assert PullBudget(40, left).fits
    assert PullBudget(40, left).windows == 1
    assert not PullBudget(41, left).fits
    assert PullBudget(41, left).windows == 2
    assert PullBudget(140, left).windows == 2
    assert PullBudget(141, left).windows == 3
    assert PullBudget(10**6, None).fits


def test_widths_bound_reading_and_writing_but_never_to_nothing() -> None:
    steps = [st.FetchManifest(PAIR, None, "v1"), st.PutManifest(PAIR, digest_of(b"")),
             st.CheckBlobs(PAIR, ())]  # fmt: skip
    for jobs in (1, 2, 24, 128):
        widths = Widths(jobs)
        assert all(1 <= widths.of(step) <= jobs for step in steps)
    assert Widths(24).of(steps[0]) < 24
    assert Widths(24).of(steps[2]) == 24


def test_large_blobs_go_first() -> None:
    blobs = [Descriptor("x", digest_of(str(n).encode()), n) for n in (5, 500, 50)]
    found = sorted((st.CopyBlob(PAIR, blob) for blob in blobs), key=order)
    assert [step.blob.size for step in found] == [500, 50, 5]


@given(some.integers(0, 60), some.floats(0, 1))
def test_retries_wait_longer_each_time_but_never_for_ever(attempt: int, spread: float) -> None:
    delay = retry_delay_s(attempt, spread)
    assert 0 <= delay <= 20
    if attempt == 0:
        assert delay == 0
    assert delay <= retry_delay_s(attempt + 1, spread) + 1e-9 or attempt == 0
