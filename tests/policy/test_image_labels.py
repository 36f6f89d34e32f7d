"""Labels and annotations: what is known, on one line each, and nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from longshore.policy.image_labels import Origin, as_lines, labels, revision_in, with_keys

AT = datetime(2026, 11, 23, 10, 2, 3, tzinfo=timezone(timedelta(hours=9)))
SHOP = Origin("https://github.com/acme/shop", "shop", "MIT")


def test_a_whole_set() -> None:
    assert with_keys(labels(SHOP, "abc1234", "v2.0.0", AT)) == {
        "org.opencontainers.image.created": "2026-11-23T01:02:03Z",
        "org.opencontainers.image.licenses": "MIT",
        "org.opencontainers.image.ref.name": "v2.0.0",
        "org.opencontainers.image.revision": "abc1234",
        "org.opencontainers.image.source": "https://github.com/acme/shop",
        "org.opencontainers.image.title": "shop",
        "org.opencontainers.image.url": "https://github.com/acme/shop",
        "org.opencontainers.image.version": "v2.0.0",
    }


def test_what_is_not_known_is_left_out() -> None:
    assert set(labels(Origin(licenses="NOASSERTION"), "abc1234", "pr-1", None)) == {
        "revision", "version", "ref.name",
    }  # fmt: skip
    lines = as_lines({"title": "shop"}, "manifest:")
    assert lines == ["manifest:org.opencontainers.image.title=shop"]


def test_the_commit_is_found_again() -> None:
    pairs = with_keys(labels(SHOP, "abc1234", "v2.0.0", AT))
    assert revision_in(pairs.items()) == "abc1234"
    assert revision_in([("other", "x")]) == ""


@given(st.text(), st.text())
def test_no_value_breaks_a_line(title: str, licence: str) -> None:
    for line in as_lines(labels(Origin("", title, licence), "abc1234", "v1", AT)):
        assert len(line.splitlines()) == 1
        assert line.isprintable()
        line.encode()
