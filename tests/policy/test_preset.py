"""The standard lifecycle policy: its rules, in which order, for which pipeline."""

import json

import pytest

from longshore.policy.lifecycle.grammar import find_flaws
from longshore.policy.lifecycle.preset import (
    KEEP_ALL,
    Families,
    canonical_text,
    standard_policy,
)

COUNT, AGE = "imageCountMoreThan", "sinceImagePushed"


def rows(policy: dict[str, list[dict[str, dict[str, object]]]]) -> list[tuple[object, ...]]:
    found = []
    for rule in policy["rules"]:
        selection = rule["selection"]
        patterns = selection.get("tagPatternList") or [selection["tagStatus"]]
        found.append((*patterns, selection["countType"], selection["countNumber"]))  # type: ignore[misc]
    return found


def test_the_standard_policy_is_what_the_first_user_wished_with_protection_first() -> None:
    assert rows(standard_policy()) == [
        ("live-*", COUNT, KEEP_ALL),
        ("rollback-*", COUNT, KEEP_ALL),
        ("latest", COUNT, KEEP_ALL),
        ("backup-*", COUNT, 50),
        ("prod-*", COUNT, 10),
        ("branch-*", COUNT, 5),
        ("pr-*", COUNT, 3),
        ("v*", COUNT, 10),
        ("main-*", COUNT, 10),
        ("master-*", COUNT, 10),
        ("develop-*", COUNT, 5),
        ("feature-*", COUNT, 5),
        ("nightly-*", COUNT, 5),
        ("untagged", AGE, 1),
    ]


def test_branches_that_the_pipeline_builds_have_rules_behind_their_marker() -> None:
    wanted = ("main", "develop", "feature/*", "day2-advanced", "release/*", "*", "*-old", "!x")
    policy = standard_policy(Families(main=("main",), branches=wanted))
    patterns = [row[0] for row in rows(policy)]
    assert patterns[7:] == [
        *("v*", "main-*"),
        *("develop-*", "feature-*", "nightly-*", "day2-advanced-*", "release-*", "untagged"),
    ]


def test_without_markers_there_is_no_rule_for_them() -> None:
    patterns = {row[0] for row in rows(standard_policy(Families(markers="none")))}
    assert not patterns & {"prod-*", "branch-*"}
    assert standard_policy(Families(markers="needed")) == standard_policy()


@pytest.mark.parametrize(
    "families",
    [
        Families(),
        Families(markers="none"),
        Families(main=("trunk", "Main"), develop=("dev", "next"), branches=("a/b", "a-b", "기능")),
        Families(main=(), branches=()),
    ],
)
def test_ecr_takes_the_standard_policy(families: Families) -> None:
    text = canonical_text(standard_policy(families))
    assert find_flaws(text) == ()
    assert 100 <= len(text) <= 30_720
    patterns = [row[0] for row in rows(json.loads(text))]
    assert len(set(patterns)) == len(patterns)


def test_every_rule_says_in_words_what_it_does() -> None:
    for rule in standard_policy()["rules"]:
        pattern = rule["selection"].get("tagPatternList", ["without a tag"])[0]
        assert pattern in rule["description"] or pattern == "backup-*"
        assert rule["description"].isascii()


def test_canonical_text_does_not_depend_on_the_order_of_rules_or_keys() -> None:
    policy = standard_policy()
    shuffled = {"rules": [dict(reversed(rule.items())) for rule in reversed(policy["rules"])]}
    assert canonical_text(shuffled) == canonical_text(policy)
