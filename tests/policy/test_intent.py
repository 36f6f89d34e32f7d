"""Own intents: what they become."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.policy.lifecycle.grammar import find_flaws
from longshore.policy.lifecycle.compile import compile_flaws, compile_intent
from longshore.policy.lifecycle.intent import Intent
from longshore.policy.lifecycle.preset import KEEP_ALL, canonical_text

from .test_preset import rows


def test_protection_cannot_be_taken_away_only_added() -> None:
    policy = compile_intent(Intent(keep=(("v*", 1),), protect=("base-*", "latest"))).policy
    assert rows(policy)[:4] == [
        (pattern, "imageCountMoreThan", KEEP_ALL)
        for pattern in ("live-*", "rollback-*", "latest", "base-*")
    ]


patterns = st.text("abv*-.", min_size=1, max_size=6).filter(lambda p: p.count("*") <= 4)
counted = st.dictionaries(patterns, st.integers(1, 500), max_size=4).map(lambda d: tuple(d.items()))
intents = st.builds(
    Intent,
    keep=counted,
    max_age_days=counted,
    untagged_days=st.none() | st.integers(1, 99),
    backup_days=st.none() | st.integers(1, 99),
    protect=st.lists(patterns, max_size=3).map(tuple),
)


@given(intents)
def test_every_intent_becomes_a_policy_that_ecr_takes(intent: Intent) -> None:
    policy = compile_intent(intent).policy
    assert compile_flaws(intent) == []
    assert find_flaws(canonical_text(policy)) == ()
    assert [rule["rulePriority"] for rule in policy["rules"]] == list(
        range(1, len(policy["rules"]) + 1)
    )
    assert all(len(r["selection"].get("tagPatternList", "1")) == 1 for r in policy["rules"])


@pytest.mark.parametrize(
    ("intent", "flaw"),
    [
        (Intent(keep=(("a*b*c*d*e*", 1),)), "'a*b*c*d*e*' has more than 4 wildcards"),
        (Intent(keep=tuple((f"r{n}-*", 1) for n in range(50))), "54 rules; ECR takes 50"),
    ],
)
def test_flaws_of_an_intent(intent: Intent, flaw: str) -> None:
    assert compile_flaws(intent) == [flaw]
    assert find_flaws(canonical_text(compile_intent(intent).policy))
