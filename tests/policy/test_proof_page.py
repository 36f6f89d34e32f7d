"""The page about the preset shows what the evaluator says, and the obvious rules do fail."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

import pytest

from longshore.policy.builds import TagRules
from longshore.policy.lifecycle.grammar import find_flaws
from longshore.policy.lifecycle.lint import lint
from longshore.policy.lifecycle.lint_subject import Given
from longshore.policy.lifecycle.preset import canonical_text
from longshore.policy.lifecycle.strategy import strategy_of

from .pipeline import BEGAN, Pipeline
from .proof_page import CONTRASTS, Contrast, contrasts, numbers

PAGE = (Path(__file__).parents[2] / "docs" / "lifecycle.md").read_text()


@pytest.mark.parametrize("markers", ["all", "none"])
def test_the_tables_are_what_the_evaluator_makes(markers: str) -> None:
    assert numbers(markers) in PAGE


def test_the_contrasts_are_what_the_evaluator_says() -> None:
    assert indent(contrasts(), "    ") in PAGE


@pytest.mark.parametrize("one", CONTRASTS, ids=lambda one: one.title.partition(":")[0])
def test_an_obvious_policy_fails_where_the_preset_does_not(one: Contrast) -> None:
    assert find_flaws(canonical_text(one.policy.policy or {})) == ()
    actions = []
    for line in (Pipeline(one.policy, "none"), Pipeline()):
        digest = one.happens(line)
        line.expire()
        actions.append("stays" if digest in line.images else "goes")
    grows_for_ever = one is CONTRASTS[0]
    assert actions == (["stays", "goes"] if grows_for_ever else ["goes", "stays"])


CODES = ("several-prefixes", "backup-by-age", "deletes-live", "count-used-up")


@pytest.mark.parametrize(("one", "code"), list(zip(CONTRASTS, CODES, strict=True)), ids=CODES)
def test_lint_finds_all_four(one: Contrast, code: str) -> None:
    given = Given(BEGAN, strategy=strategy_of(TagRules(markers="none")))
    found = lint(canonical_text(one.policy.policy or {}), given).findings
    assert f"lifecycle-{code}" in {line.finding.code for line in found}
