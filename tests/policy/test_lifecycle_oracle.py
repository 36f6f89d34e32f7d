"""The evaluator against a second one, over made up repositories."""

from __future__ import annotations

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from longshore.policy.lifecycle.evaluate import evaluate
from longshore.policy.lifecycle.grammar import Selection
from longshore.policy.lifecycle.matching import TagTable, matches_tag, patterns_of

from .lifecycle_oracle import fates, like
from .lifecycle_worlds import WORLDS, World


@settings(max_examples=2000, deadline=None)
@given(WORLDS)
def test_both_evaluators_agree(world: World) -> None:
    found = evaluate(*world.arguments).verdicts
    ours = {one.image.digest: (one.action, one.rule and one.rule.priority) for one in found}
    assert ours == fates(*world.arguments)
    for verdict in found:
        event(f"{verdict.action} {verdict.because}")


LETTERS = st.text("ab*", max_size=7)


@settings(max_examples=800, deadline=None)
@given(LETTERS, st.text("ab", max_size=10))
def test_both_read_patterns_alike(pattern: str, tag: str) -> None:
    assert matches_tag(pattern, tag) == like(pattern, tag)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.lists(st.text("ab", min_size=1, max_size=5), max_size=3), max_size=6),
    st.lists(LETTERS, max_size=2),
    st.lists(LETTERS, max_size=2),
)
def test_a_table_of_tags_finds_what_matches_one_by_one(
    images: list[list[str]], patterns: list[str], prefixes: list[str]
) -> None:
    selection = Selection("tagged", "imageCountMoreThan", 1, tuple(patterns), tuple(prefixes))
    entries = [*(lambda tag, one=one: like(one, tag) for one in patterns)]
    entries += [*(lambda tag, one=one: tag.startswith(one) for one in prefixes)]
    expected = {
        place
        for place, tags in enumerate(images)
        if entries and all(any(matches(tag) for tag in tags) for matches in entries)
    }
    assert TagTable(images).matching(patterns_of(selection)) == expected


@pytest.mark.parametrize("pattern", ["*a*a*a*a*b", "*aa*aa*aa*aa", "a*a*a*a*ab", "*a*a*a*a*"])
def test_no_pattern_backtracks_for_ever(pattern: str) -> None:
    assert matches_tag(pattern, "a" * 20_000) == (pattern[-1] != "b")
