"""The scan gate: what passes, what does not, and what was never looked at."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.errors import UsageError
from longshore.facts import Finding, ScanSeen
from longshore.policy.gate import (
    FINISHED,
    SEVERITIES,
    GateRules,
    Waiver,
    compare,
    judge,
    parse_most,
)

TODAY = date(2026, 11, 24)
LATER = date(2026, 12, 24)


def found(*findings: Finding, digest: str = "sha256:1", status: str = "COMPLETE") -> ScanSeen:
    return ScanSeen(digest, status, findings=findings)


def one(name: str, severity: str = "HIGH", package: str = "openssl", **more: str) -> Finding:
    return Finding(name, severity, package, **more)


A, B = one("CVE-1"), one("CVE-2", "MEDIUM")


@pytest.mark.parametrize(
    ("scans", "rules", "passed"),
    [
        ([found()], GateRules(), True),
        ([found(A)], GateRules(), False),
        ([found(B)], GateRules(), True),
        ([found(B)], GateRules((("MEDIUM", 0),)), False),
        ([found(B)], GateRules((("MEDIUM", 1),)), True),
        ([found(A)], GateRules((("HIGH", 1),)), True),
        ([found(A), found(A, digest="sha256:2")], GateRules((("HIGH", 1),)), True),
        ([found(A, one("CVE-1", package="zlib"))], GateRules((("HIGH", 1),)), False),
        ([found(A)], GateRules(only_fixable=True), True),
        ([found(one("CVE-1", fixed_in="3.0.2"))], GateRules(only_fixable=True), False),
        ([found(A)], GateRules(waivers=(Waiver("CVE-1", "not reachable", LATER),)), True),
        ([found(A)], GateRules(waivers=(Waiver("CVE-1", "not reachable", TODAY),)), False),
        ([found(A)], GateRules(waivers=(Waiver("CVE-1", "x", LATER, "zlib"),)), False),
        ([found(A)], GateRules(waivers=(Waiver("CVE-1", "x", LATER, "openssl"),)), True),
        ([], GateRules(), False),
    ],
)
def test_verdicts(scans: list[ScanSeen], rules: GateRules, passed: bool) -> None:
    assert judge(scans, rules, TODAY).passed is passed


@pytest.mark.parametrize(
    "status",
    ["", "IN_PROGRESS", "PENDING", "FAILED", "UNSUPPORTED_IMAGE", "SCAN_ELIGIBILITY_EXPIRED",
     "FINDINGS_UNAVAILABLE", "LIMIT_EXCEEDED", "IMAGE_ARCHIVED", "IMAGE_SIZE_EXCEEDED", "NEW_WORD"],
)  # fmt: skip
def test_what_was_not_looked_at_never_passes(status: str) -> None:
    verdict = judge([found(), found(digest="sha256:2", status=status)], GateRules(()), TODAY)
    assert (verdict.passed, verdict.checked) == (False, False)
    assert verdict.not_checked[0].digest == "sha256:2"
    assert verdict.not_checked[0].reason


def test_the_scanner_s_own_words_are_told() -> None:
    scan = ScanSeen("sha256:1", "FAILED", "UnsupportedImageError: no packages")
    reason = judge([scan], GateRules(), TODAY).not_checked[0].reason
    assert reason == "the scan failed (UnsupportedImageError: no packages)"


def test_waivers_that_expired_or_match_nothing_are_named() -> None:
    old, idle = Waiver("CVE-1", "x", TODAY), Waiver("CVE-9", "x", LATER)
    verdict = judge([found(A)], GateRules(waivers=(old, idle)), TODAY)
    assert (verdict.expired, verdict.unused) == ((old,), (idle,))


def test_against_the_running_release() -> None:
    verdict = judge([found(A)], GateRules(), TODAY, running=[found(B)])
    assert verdict.compared == compare([found(A)], [found(B)])
    assert verdict.compared is not None
    assert (verdict.compared.new, verdict.compared.gone) == ((A,), (B,))


def test_the_worst_form_of_a_finding_counts() -> None:
    mild = one("CVE-1", "LOW")
    verdict = judge([found(mild), found(A, digest="sha256:2")], GateRules(), TODAY)
    assert verdict.counts() == {"HIGH": 1}


FINDINGS = st.builds(
    Finding,
    st.sampled_from(["CVE-1", "CVE-2", "CVE-3"]),
    st.sampled_from(SEVERITIES),
    st.sampled_from(["a", "b"]),
)
SCANS = st.lists(
    st.builds(
        ScanSeen,
        st.sampled_from(["sha256:1", "sha256:2"]),
        st.sampled_from([*FINISHED, "FAILED", ""]),
        findings=st.lists(FINDINGS, max_size=4).map(tuple),
    ),
    max_size=4,
)
MOST = st.dictionaries(st.sampled_from(SEVERITIES), st.integers(0, 3)).map(
    lambda pairs: tuple(pairs.items())
)


@given(SCANS, MOST)
def test_looser_rules_never_stop_more(
    scans: list[ScanSeen], most: tuple[tuple[str, int], ...]
) -> None:
    looser = tuple((name, number + 1) for name, number in most)
    if judge(scans, GateRules(most), TODAY).passed:
        assert judge(scans, GateRules(looser), TODAY).passed


@given(SCANS, MOST)
def test_more_findings_never_pass_more(
    scans: list[ScanSeen], most: tuple[tuple[str, int], ...]
) -> None:
    more = [*scans, found(one("CVE-7", "CRITICAL"), digest="sha256:9")]
    if judge(more, GateRules(most), TODAY).passed and scans:
        assert judge(scans, GateRules(most), TODAY).passed


@given(SCANS, MOST)
def test_order_does_not_matter(scans: list[ScanSeen], most: tuple[tuple[str, int], ...]) -> None:
    first = judge(scans, GateRules(most), TODAY)
    other = judge(scans[::-1], GateRules(most), TODAY)
    assert (first.passed, first.counts(), first.over) == (other.passed, other.counts(), other.over)


@pytest.mark.parametrize(
    "text", ["", "high", "high=", "high=x", "high=-1", "grave=1", "high=1,HIGH=2"]
)
def test_bad_limits(text: str) -> None:
    with pytest.raises(UsageError):
        parse_most(text)
