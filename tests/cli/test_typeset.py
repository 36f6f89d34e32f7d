"""Cleaning, columns, sizes, durations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.cli import typeset


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("plain", "plain"),
        ("한국어 → ok", "한국어 → ok"),
        ("a\x1b]0;title\x07b", "a]0;titleb"),
        ("a\x1b[2Jb", "a[2Jb"),
        ("over\rwritten", "overwritten"),
        ("c1 \x9b31m csi", "c1 31m csi"),
        ("turned \u202egnp.exe", "turned gnp.exe"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("nul\x00del\x7f", "nuldel"),
    ],
)
def test_clean(text: str, cleaned: str) -> None:
    assert typeset.clean(text) == cleaned


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::error::x", ": :error::x"),
        ("a\n \t::add-mask::x", "a\n \t: :add-mask::x"),
        ("\x1b::stop-commands::x", ": :stop-commands::x"),
        ("a ##[add-mask]x", "a ## [add-mask]x"),
        ("a ::error::x", "a ::error::x"),
        ("::1 and ::/0", "::1 and ::/0"),
        ("## heading", "## heading"),
    ],
)
def test_what_is_printed_is_no_command_to_a_runner(text: str, shown: str) -> None:
    assert typeset.printed(text) == shown


@given(st.text())
def test_clean_leaves_no_control_and_is_idempotent(text: str) -> None:
    cleaned = typeset.clean(text)
    assert typeset.clean(cleaned) == cleaned
    assert not any(ord(char) < 32 and char not in "\n\t" for char in cleaned)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "-"),
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (146800640, "140.0 MiB"),
        (5 * 1024**4, "5.0 TiB"),
        (5000 * 1024**5, "5000.0 PiB"),
    ],
)
def test_size(count: int | None, text: str) -> None:
    assert typeset.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (9.94, "9.9 s"), (59.4, "59 s"), (60, "1 min 0 s"), (7260, "2 h 1 min")],
)
def test_duration(seconds: float, text: str) -> None:
    assert typeset.duration(seconds) == text


def test_table_aligns_wide_letters() -> None:
    lines = typeset.table(["TAG", "NOTE"], [["태그", "a"], ["v1", "b"]])
    columns = [typeset.width(line.rstrip("abNOTE")) for line in lines]
    assert len(set(columns)) == 1


def test_table_keeps_rows_apart() -> None:
    assert len(typeset.table(["A"], [["one\nFAKE ROW"], ["\x1b[1mtwo"]])) == 3


@given(st.text(max_size=40), st.integers(min_value=2, max_value=30))
def test_shorten_fits(text: str, columns: int) -> None:
    assert typeset.width(typeset.shorten(text, columns)) <= columns


@pytest.mark.parametrize(
    ("word", "meant"), [("staus", "status"), ("verfy", "verify"), ("zzzz", None)]
)
def test_nearest(word: str, meant: str | None) -> None:
    assert typeset.nearest(word, ["status", "verify", "plan"]) == meant


def test_short_digest() -> None:
    assert typeset.short_digest("sha256:" + "a1" * 32) == "a1a1a1a1a1a1"
    assert typeset.short_digest("") == ""
