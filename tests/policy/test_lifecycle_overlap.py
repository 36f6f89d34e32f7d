"""Patterns against each other: exact answers, checked against every short text."""

from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.policy.lifecycle.matching import matches_tag
from longshore.policy.lifecycle.overlap import (
    DIGIT,
    HEX,
    TooManyStates,
    find_tag,
    includes,
    is_possible,
    shape,
)

LEGAL = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}\Z")
# `c` stands for every letter that no pattern names; `-` may not come first.
TEXTS = [
    "".join(one)
    for length in range(1, 7)
    for one in product("abc-", repeat=length)
    if one[0] != "-"
]
patterns = st.text(alphabet="ab-*", max_size=5).filter(lambda one: one.count("*") <= 4)


@given(
    st.lists(patterns, min_size=1, max_size=2),
    st.lists(st.lists(patterns, min_size=1, max_size=2), max_size=3),
)
def test_a_found_tag_is_right_and_none_means_none(
    inside: list[str], outside: list[list[str]]
) -> None:
    def is_wanted(tag: str) -> bool:
        return all(matches_tag(one, tag) for one in inside) and not any(
            all(matches_tag(one, tag) for one in group) for group in outside
        )

    found = find_tag(inside, outside)
    if found is None:
        assert not any(is_wanted(one) for one in TEXTS)
    else:
        assert LEGAL.match(found)
        assert is_wanted(found)
        shorter = [one for one in TEXTS if len(one) < len(found) and is_wanted(one)]
        assert shorter == []


@given(patterns, patterns)
def test_inclusion_is_what_every_short_text_says(wide: str, narrow: str) -> None:
    said = includes(wide, narrow)
    counter = [one for one in TEXTS if matches_tag(narrow, one) and not matches_tag(wide, one)]
    if said:
        assert counter == []
    elif len(wide) + len(narrow) <= 5:
        assert counter  # a difference of such small automata shows in six letters


@pytest.mark.parametrize(
    ("wide", "narrow", "said"),
    [
        ("v*", "v1.*", True),
        ("v1.*", "v*", False),
        ("*", "*-*", True),
        ("**", "*", True),
        ("*a*", "*a*b*", True),
        ("a*", "*a", False),
        ("latest", "latest", True),
        ("latest*", "latest", True),
        ("latest", "latest*", False),
        ("v*", "release/*", True),  # nothing matches the second, so nothing is left out
        ("a" * 128, "a" * 128 + "*", True),  # no tag is longer
        ("V*", "v*", False),
        ("a" * 127 + "b", "a" * 127 + "*b", True),
    ],
)
def test_inclusion(wide: str, narrow: str, said: bool) -> None:
    assert includes(wide, narrow) is said


@pytest.mark.parametrize(
    ("pattern", "possible"),
    [
        ("*", True),
        ("v*", True),
        (".*", False),
        ("-*", False),
        ("*.", True),
        ("release/*", False),
        ("^v", False),
        ("", False),
        ("v1+*", False),
        ("a" * 128, True),
        ("a" * 129, False),
        ("*" + "a" * 128, True),
        ("v?", False),
    ],
)
def test_patterns_that_no_tag_can_match(pattern: str, possible: bool) -> None:
    assert is_possible(pattern) is possible


def test_several_patterns_may_cover_one_together() -> None:
    groups = [[f"v{digit}*"] for digit in "0123456789"]
    assert find_tag([shape("v", DIGIT, "*")], groups) is None
    assert find_tag(["v*"], groups) == "v"


def test_a_group_covers_only_where_all_of_it_matches() -> None:
    assert find_tag(["*"], [["a*", "*b"], ["b*"]]) == "0"
    assert find_tag(["a*"], [["a*", "*b"]]) == "a"
    assert find_tag(["a*b"], [["a*", "*b"]]) is None


def test_families_with_sets_of_letters() -> None:
    branch = shape("*-", *[HEX] * 7)
    assert find_tag([branch, "main-*"]) == "main-0000000"
    assert find_tag([branch, "latest"]) is None
    assert includes("*-*", branch)


def test_fifty_tangled_patterns_are_decided_or_refused() -> None:
    groups = [[f"*{one}*{two}*{three}*"] for one in "abcd" for two in "abcd" for three in "abc"]
    try:
        found = find_tag(["*a*b*c*d*"], groups)
    except TooManyStates:
        return
    assert found is None
