"""ECR's lifecycle policy grammar: what is taken, what is refused, and in which words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.policy.lifecycle.grammar import PolicyRefused, find_flaws, parse_policy


def rule(priority: int = 1, action: Any = None, **selection: Any) -> dict[str, Any]:
    chosen = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 5}
    chosen.update(selection)
    chosen = {name: value for name, value in chosen.items() if value is not ...}
    return {"rulePriority": priority, "selection": chosen, "action": action or {"type": "expire"}}


def text(*rules: Any) -> str:
    return json.dumps({"rules": list(rules)})


UNTAGGED = {
    "tagStatus": "untagged",
    "countType": "sinceImagePushed",
    "countUnit": "days",
}
ARCHIVE = {"type": "transition", "targetStorageClass": "archive"}
ARCHIVED = {
    "storageClass": "archive",
    "countType": "sinceImageTransitioned",
    "countUnit": "days",
    "countNumber": 90,
}

ACCEPTED = [
    text(rule()),
    text(rule(1, **UNTAGGED), rule(2)),
    text(rule(7, tagStatus="tagged", tagPrefixList=["v", "w"])),
    text(rule(1, tagStatus="tagged", tagPatternList=["*a*b*c*"]), rule(3)),
    text(rule(1, ARCHIVE, countType="sinceImagePulled", countUnit="days")),
    text(rule(1, ARCHIVE, countUnit="days", countType="sinceImagePushed")),
    text(rule(1), rule(2, **ARCHIVED)),  # `any` is last of its own storage class
    text(rule(1, **UNTAGGED), rule(2, **{**ARCHIVED, "tagStatus": "untagged"})),
]


@pytest.mark.parametrize("policy", ACCEPTED)
def test_takes(policy: str) -> None:
    assert find_flaws(policy) == ()


MATCHED = "instance failed to match exactly one schema (matched 0 out of {})"
REFUSED = [
    ("{", "Could not map policyString into LifecyclePolicy."),
    ("[]", "Could not map policyString into LifecyclePolicy."),
    ("{}", 'object has missing required properties (["rules"])'),
    (
        '{"rules": null}',
        'instance type (null) does not match any allowed primitive type (allowed: ["array"])',
    ),
    (
        text({"selection": rule()["selection"]}),
        'object has missing required properties (["action","rulePriority"])',
    ),
    (
        text(rule(countNumber=0)),
        "numeric instance is lower than the required minimum (minimum: 1, found: 0)",
    ),
    (
        text({**rule(), "rulePriority": True}),
        'instance type (boolean) does not match any allowed primitive type (allowed: ["integer"])',
    ),
    (
        text(rule(tagStatus="some")),
        'instance value ("some") not found in enum (possible values: ["tagged","untagged","any"])',
    ),
    (
        text({**rule(), "colour": 1}),
        'object instance has properties which are not allowed by the schema: ["colour"]',
    ),
    (
        text(rule(tagPatternList=None)),
        'instance type (null) does not match any allowed primitive type (allowed: ["array"])',
    ),
    (text(rule(1, {"type": "expire", "targetStorageClass": None})), MATCHED.format(2)),
    (text(rule(1, {"type": "transition"})), MATCHED.format(2)),
    (text(rule(countUnit="days")), MATCHED.format(4)),
    (text(rule(countType="sinceImagePushed")), MATCHED.format(4)),
    (text(rule(**{**ARCHIVED, "storageClass": "standard"})), MATCHED.format(4)),
    (text(rule(storageClass="archive")), MATCHED.format(4)),
    (
        text(rule(tagStatus="tagged")),
        "Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED.",
    ),
    (
        text(rule(1), rule(2, **UNTAGGED)),
        "Rule for tagStatus=ANY must have the lowest priority per storage class",
    ),
    (
        text(rule(1, **UNTAGGED), rule(2, **UNTAGGED)),
        "Only one rule can select Untagged images per storage class.",
    ),
]


@pytest.mark.parametrize(("policy", "detail"), REFUSED)
def test_refuses_in_ecrs_words(policy: str, detail: str) -> None:
    with pytest.raises(PolicyRefused) as refused:
        parse_policy(policy)
    assert refused.value.what == (
        "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: "
        f"'Lifecycle policy validation failure: {detail}'"
    )
    assert refused.value.flaws[0].known


UNKNOWN_WORDS = [
    (text(rule(1, **UNTAGGED), rule(1)), "rules[1].rulePriority"),
    (
        text(
            rule(1, tagStatus="tagged", tagPrefixList=["v"]),
            rule(2, tagStatus="tagged", tagPrefixList=["v"]),
        ),
        "rules[1].selection.tagPrefixList",
    ),
    (
        text(rule(1, tagStatus="tagged", tagPatternList=["*a*b*c*d*"])),
        "rules[0].selection.tagPatternList[0]",
    ),
    (text(rule(1, countType="sinceImagePulled", countUnit="days")), "rules[0]"),
    (text(rule(1, **{**ARCHIVED, "countNumber": 89})), "rules[0].selection.countNumber"),
    (text(rule(1, ARCHIVE, **ARCHIVED)), "rules[0]"),
    (text(rule(1, tagPrefixList=["v"])), "rules[0].selection"),
    (
        text(rule(1, tagStatus="tagged", tagPrefixList=["v"], tagPatternList=["w"])),
        "rules[0].selection",
    ),
]


@pytest.mark.parametrize(("policy", "path"), UNKNOWN_WORDS)
def test_refuses_what_ecr_refuses_in_words_nobody_published(policy: str, path: str) -> None:
    (flaw,) = find_flaws(policy)
    assert (flaw.path, flaw.known) == (path, False)


def test_limits_of_length() -> None:
    many = [rule(n, tagStatus="tagged", tagPatternList=[f"v{n}"]) for n in range(1, 52)]
    assert find_flaws(text(*many[:50])) == ()
    assert "array is too long: must have at most 50" in find_flaws(text(*many))[0].detail


def test_reads_rules_in_order_of_priority() -> None:
    policy = parse_policy(
        text(rule(9), rule(2, ARCHIVE, tagStatus="tagged", tagPatternList=["v*"], countNumber=3))
    )
    assert [found.priority for found in policy.rules] == [2, 9]
    assert policy.rules[0].selection.patterns == ("v*",)
    assert policy.rules[0].action == "transition"


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
_member = st.sampled_from(["rulePriority", "selection", "action", "tagStatus", "countType"])


@given(_json, st.dictionaries(_member, _json))
def test_any_document_is_refused_rather_than_crashing(value: Any, members: Any) -> None:
    for document in (value, {"rules": value}, {"rules": [value]}, {"rules": [members]}):
        assert find_flaws(json.dumps(document))
    assert find_flaws(json.dumps({"rules": [{**rule(), "selection": members}]}))
