"""What is counted, which scans are read, the metrics and their OpenMetrics text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from longshore.facts import Finding, ImageSeen, MetricValue, ScanSeen
from longshore.oci.manifest import OCI_INDEX, OCI_MANIFEST
from longshore.remote.metrics import MOST_BYTES, MOST_VALUES, batches_of
from longshore.watch.contents import (
    Contents,
    Looked,
    ManifestParts,
    choose,
    unfinished,
    unique_bytes,
)
from longshore.watch.metrics import RepositoryCount, count, metrics_of, monthly_usd, total
from longshore.watch.openmetrics import _FAMILIES, render
from tests.watch import grammar

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def image(name: str, *tags: str, age_min: float = 600, **more: Any) -> ImageSeen:
    pushed = NOW - timedelta(minutes=age_min)
    values = {"size": 100, "media_type": OCI_MANIFEST, "pushed_at": pushed, **more}
    return ImageSeen(f"sha256:{name}", tags, **values)


def test_scans_are_read_of_what_runs_and_of_the_newest() -> None:
    images = [
        image("old", "v1", age_min=9000),
        image("live", "live-prod", "v2", age_min=8000),
        image("new", "v4", age_min=10),
        image("newer", "v5", age_min=5),
        image("untagged"),
        image("signature", "sha256-0123.sig"),
        image("referrer", "x", subject="sha256:live"),
        image("archived", "v0", status="ARCHIVED"),
        image("chart", "c1", media_type="application/vnd.cncf.helm.chart"),
    ]
    assert [one.digest[7:] for one in choose(images, 1)] == ["live", "newer"]
    assert [one.digest[7:] for one in choose(images, 0)] == ["live"]
    assert len(choose(images, 99)) == 4


@pytest.mark.parametrize(
    ("status", "age_min", "is_unfinished"),
    [
        ("COMPLETE", 1, False),
        ("ACTIVE", 99, False),
        ("", 29, False),
        ("IN_PROGRESS", 30, False),
        ("", 31, True),
        ("PENDING", 31, True),
        ("FAILED", 1, True),
        ("UNSUPPORTED_IMAGE", 1, True),
        ("SCAN_ELIGIBILITY_EXPIRED", 99, True),
    ],
)
def test_when_a_scan_is_late(status: str, age_min: float, is_unfinished: bool) -> None:
    looked = Looked(image("a", "v1", age_min=age_min), (ScanSeen("sha256:a", status),))
    assert bool(unfinished(looked, NOW)) is is_unfinished


def looked(name: str, status: str, *findings: Finding) -> Looked:
    return Looked(image(name, "v1"), (ScanSeen(f"sha256:{name}", status, findings=findings),))


def test_a_repository_is_counted() -> None:
    openssl = Finding("CVE-1", "CRITICAL", "openssl")
    contents = Contents(
        "shop",
        (
            image("a", "v1", "backup-20261101T000000Z-aaa"),
            image("b"),
            image("i", "v2", media_type=OCI_INDEX),
        ),
        (
            looked("a", "COMPLETE", openssl, Finding("CVE-2", "HIGH", "zlib")),
            looked("b", "ACTIVE", openssl, Finding("CVE-1", "CRITICAL", "libssl")),
            looked("c", "FAILED"),
            Looked(image("i", "v2", media_type=OCI_INDEX), unread=True),
        ),
        left_out=7,
    )
    assert count(contents, NOW) == RepositoryCount(
        "shop", 3, 1, 200, critical=2, high=1, scans_unfinished=1, scans_read=3, images_left_out=8
    )


def test_what_is_not_known_is_no_zero() -> None:
    unscanned = count(Contents("a", (image("a", "v1"),), (looked("a", ""),)), NOW)
    assert (unscanned.critical, unscanned.high, unscanned.scans_unfinished) == (None, None, 1)
    empty = count(Contents("b", ()), NOW)
    assert (empty.critical, empty.scans_unfinished, empty.unique_bytes) == (None, None, None)
    names = {one.name for one in metrics_of([unscanned, empty], "1", NOW)}
    assert names == {
        *("StorageBytesLogical", "ImageCount", "ImageCountLargest", "BackupCount"),
        *("ScanNotCompleted", "CollectorHeartbeat"),
    }
    assert (
        total([RepositoryCount("a", 1, 0, 5, 5), RepositoryCount("b", 1, 0, 5)]).unique_bytes
        is None
    )
    assert (
        total([RepositoryCount("a", 1, 0, 5, 5), RepositoryCount("b", 1, 0, 5, 2)]).unique_bytes
        == 7
    )


def test_shared_layers_count_once_and_what_cannot_be_read_counts_whole() -> None:
    base = ("sha256:base", 60)
    images = [image("a", "v1"), image("b", "v2"), image("i", "v3", media_type=OCI_INDEX)]
    parts = {
        "sha256:a": ManifestParts((base, ("sha256:x", 40))),
        "sha256:b": ManifestParts((base, ("sha256:y", 40))),
    }
    assert unique_bytes(images, parts) == (140, False)
    assert unique_bytes([*images, image("c", status="ARCHIVED")], parts) == (240, True)
    assert unique_bytes([], {}) == (0, False)


def test_the_heartbeat_comes_last_and_repositories_are_asked_for() -> None:
    counts = [RepositoryCount("a", 5, 0, 1), RepositoryCount("b", 9, 0, 1)]
    one = metrics_of(counts, "123", NOW)
    assert (one[-1].name, one[-1].value) == ("CollectorHeartbeat", 1)
    assert {value.dimensions for value in one} == {(("Registry", "123"),)}
    assert next(v.value for v in one if v.name == "ImageCountLargest") == 9
    each = metrics_of(counts, "123", NOW, per_repository=True)
    assert len(each) == len(one) + 2 * 3
    assert each[-1].name == "CollectorHeartbeat"
    assert monthly_usd(one) == 0
    assert monthly_usd(each) == round((len(each) - 10) * 0.30, 2)


# --- requests ------------------------------------------------------------------------------------


@given(st.lists(st.text(max_size=200), max_size=50), st.integers(1, 60))
def test_batches_lose_nothing_and_keep_the_limits(names: list[str], times: int) -> None:
    values = [MetricValue("m", 1, "Count", (("Repository", name),), NOW) for name in names] * times
    batches = list(batches_of(values))
    assert sum(map(len, batches)) == len(values)
    assert all(0 < len(batch) <= MOST_VALUES for batch in batches)
    assert all(len(str(batch)) < MOST_BYTES * 2 for batch in batches)


def test_a_batch_is_full_before_the_next() -> None:
    small = [MetricValue("m", 1, "Count", (("r", str(n)),), NOW) for n in range(2500)]
    assert [len(one) for one in batches_of(small)] == [1000, 1000, 500]
    large = [MetricValue("m", 1, "Count", (("r", "x" * 2000),), NOW) for n in range(1000)]
    assert [len(one) for one in batches_of(large)] == [421, 421, 158]


# --- OpenMetrics ---------------------------------------------------------------------------------

ANY_VALUE = st.builds(
    MetricValue,
    st.sampled_from(sorted(_FAMILIES)),
    st.floats(allow_nan=False, allow_infinity=False),
    st.just("Count"),
    st.tuples(
        st.tuples(st.just("Registry"), st.text()),
        st.tuples(st.just("Repository"), st.integers().map(str)),
    ),
    st.just(NOW),
)  # fmt: skip


@given(st.lists(ANY_VALUE, max_size=30, unique_by=lambda one: (one.name, one.dimensions)))
def test_the_text_can_be_read_again(values: list[MetricValue]) -> None:
    found = grammar.read(render(values))
    assert sum(map(len, found.values())) == len(values)
    for one in values:
        labels = tuple((key.lower(), text) for key, text in one.dimensions)
        assert found[_FAMILIES[one.name][0]][labels] == one.value


def test_every_metric_has_a_family() -> None:
    whole = RepositoryCount("a", 1, 1, 1, 1, critical=0, high=0, scans_unfinished=0)
    assert {one.name for one in metrics_of([whole], "1", NOW)} == set(_FAMILIES)


def test_the_text() -> None:
    text = render([MetricValue("ImageCount", 3, "Count", (("Repository", 'a"b\\c'),), NOW)])
    assert text == (
        "# TYPE longshore_ecr_images gauge\n"
        "# HELP longshore_ecr_images Images, of every status.\n"
        'longshore_ecr_images{repository="a\\"b\\\\c"} 3\n'
        "# EOF\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a 1\n# EOF\n",
        "# TYPE a gauge\na 1\na 2\n# EOF\n",
        "# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# TYPE a gauge\n# EOF\n",
        '# TYPE a gauge\na{b="\\x"} 1\n# EOF\n',
        "# TYPE a gauge\n# UNIT a bytes\na 1\n# EOF\n",
        "# TYPE a gauge\na one\n# EOF\n",
        "# TYPE a gauge\na 1\n",
    ],
)
def test_the_reader_is_strict(text: str) -> None:
    with pytest.raises(ValueError):
        grammar.read(text)


def test_prometheus_own_parser_reads_it() -> None:
    whole = RepositoryCount("a", 1, 1, 1, 1, critical=0, high=0, scans_unfinished=0)
    values = metrics_of([whole], "1", NOW, per_repository=True)
    families = list(text_string_to_metric_families(render(values)))
    assert sum(len(one.samples) for one in families) == len(values)
