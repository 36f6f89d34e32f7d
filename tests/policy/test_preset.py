"""The standard lifecycle preset and the intent form."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.policy.lifecycle.grammar import find_flaws
from longshore.policy.lifecycle.preset import (
    KEEP_ALL,
    STANDARD,
    Intent,
    canonical_text,
    intent_flaws,
    intent_policy,
    standard_policy,
)


def rows(policy: dict[str, list[dict[str, dict[str, object]]]]) -> list[tuple[object, ...]]:
    found = []
    for rule in policy["rules"]:
        selection = rule["selection"]
        patterns = selection.get("tagPatternList") or [selection["tagStatus"]]
        found.append((*patterns, selection["countType"], selection["countNumber"]))  # type: ignore[misc]
    return found


def test_the_standard_preset_is_what_the_first_user_wished_with_protection_first() -> None:
    count, age = "imageCountMoreThan", "sinceImagePushed"
    assert rows(standard_policy()) == [
        ("live-*", count, KEEP_ALL),
        ("rollback-*", count, KEEP_ALL),
        ("latest", count, KEEP_ALL),
        ("v*", count, 10),
        ("main-*", count, 10),
        ("master-*", count, 10),
        ("develop-*", count, 5),
        ("feature-*", count, 5),
        ("pr-*", count, 3),
        ("untagged", age, 1),
        ("backup-*", age, 7),
    ]


def test_ecr_takes_the_standard_preset() -> None:
    text = canonical_text(standard_policy())
    assert find_flaws(text) == ()
    assert 100 <= len(text) <= 30_720


def test_canonical_text_does_not_depend_on_the_order_of_rules_or_keys() -> None:
    policy = standard_policy()
    shuffled = {"rules": [dict(reversed(rule.items())) for rule in reversed(policy["rules"])]}
    assert canonical_text(shuffled) == canonical_text(policy)


def test_protection_cannot_be_taken_away_only_added() -> None:
    policy = intent_policy(Intent(keep=(("v*", 1),), protect=("base-*", "latest")))
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
    policy = intent_policy(intent)
    assert intent_flaws(intent) == []
    assert find_flaws(canonical_text(policy)) == ()
    assert [rule["rulePriority"] for rule in policy["rules"]] == list(
        range(1, len(policy["rules"]) + 1)
    )
    assert all(len(r["selection"].get("tagPatternList", "1")) == 1 for r in policy["rules"])


@given(intents)
def test_nothing_that_deletes_stands_before_a_protecting_rule(intent: Intent) -> None:
    numbers = [rule["selection"]["countNumber"] for rule in intent_policy(intent)["rules"]]
    protecting = [place for place, number in enumerate(numbers) if number == KEEP_ALL]
    assert protecting == list(range(len(protecting)))


@pytest.mark.parametrize(
    ("intent", "flaw"),
    [
        (Intent(keep=(("a*b*c*d*e*", 1),)), "'a*b*c*d*e*' has more than 4 wildcards"),
        (Intent(keep=tuple((f"r{n}-*", 1) for n in range(50))), "53 rules; ECR takes 50"),
    ],
)
def test_flaws_of_an_intent(intent: Intent, flaw: str) -> None:
    assert intent_flaws(intent) == [flaw]
    assert find_flaws(canonical_text(intent_policy(intent)))


def test_standard_is_json() -> None:
    assert json.loads(canonical_text(intent_policy(STANDARD))) == standard_policy()
