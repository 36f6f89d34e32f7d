"""ECR's lifecycle policy grammar: what is taken, what is refused, and in which words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.policy.lifecycle.grammar import (
    PolicyRefused,
    find_flaws,
    find_size_flaws,
    parse_policy,
)
from longshore.policy.lifecycle.places import places_of, repeated_members


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


def at(policy: str) -> list[tuple[int, int, str]]:
    return [(flaw.line, flaw.column, flaw.path) for flaw in find_flaws(policy)]


def test_every_flaw_has_its_place_and_a_remedy() -> None:
    policy = """{
  "rules": [
    {"rulePriority": "1", "selection": {"tagStatus": "any",
      "countType": "imageCountMoreThan", "countNumber": 5, "countUnit": "days"},
     "action": {"type": "expire"}},
    {"rulePriority": 2, "selection": {"tagStatus": "any",
      "countType": "imageCountMoreThan", "countNumber": 5}, "action": {"type": "expire"}},
    {"rulePriority": 2, "Description": "", "selection": {"tagStatus": "untagged",
      "countType": "sinceImagePulled", "countUnit": "days", "countNumber": 5},
     "action": {"type": "transition"}},
    {"rulePriority": 2, "selection": {"tagStatus": "any", "tagStatus": "any",
      "countType": "imageCountMoreThan", "countNumber": 5}, "action": {"type": "expire"}}
  ]
}"""
    with pytest.raises(PolicyRefused) as caught:
        parse_policy(policy, "policy.json")
    refused = caught.value
    assert at(policy) == [
        (3, 6, "rules[0].rulePriority"),
        (3, 27, "rules[0].selection"),
        (8, 25, "rules[2].Description"),
        (10, 6, "rules[2].action"),
        (11, 6, "rules[3].rulePriority"),
        (11, 59, "rules[3].selection.tagStatus"),
    ]
    assert [str(problem.where) for problem in refused.problems] == [
        f"policy.json:{line}:{column}" for line, column, _ in at(policy)
    ]
    assert str(refused.where) == "policy.json:3:6"
    assert refused.exit_code == 2
    assert all(problem.hint for problem in refused.problems)
    assert [problem["message"] for problem in refused.details()["problems"]] == [
        f"{flaw.path}: {flaw.detail}" for flaw in refused.flaws
    ]


@pytest.mark.parametrize(
    ("policy", "place", "remedy"),
    [
        ('{"rules": [],}', (1, 14), "take the last comma out"),
        ('{"rules": [1, ]}', (1, 15), "take the last comma out"),
        ('{"rules": [] // none\n}', (1, 14), "take the comment out; JSON has none"),
        ('# policy\n{"rules": []}', (1, 1), "take the comment out; JSON has none"),
        ("{\n'rules': []}", (2, 1), 'write strings in "double quotes"'),
        ('\ufeff{"rules": []}', (1, 1), "save it as UTF-8 without a byte order mark"),
        ('{"rules": [\n{"rulePriority": 1', (2, 19), "the text is empty or cut off"),
        ('{"rules": "', (1, 11), "the text is empty or cut off"),
        ("", (1, 1), "the text is empty or cut off"),
        ('{"rules": NaN}', (1, 1), "JSON has no such number: NaN"),
        ('{"rules": ' + "9" * 5000 + "}", (1, 1), "JSON has no such number"),
        ('{"rules": ' + "[" * 100_000, (1, 1), "it is nested too deeply"),
        ('"{}"', (1, 1), "this is a string with a policy in it"),
        ("[]", (1, 1), 'write an object: {"rules": [...]}'),
        ('{"rules": [] "x": 1}', (1, 14), "correct the JSON here"),
        ("{} {}", (1, 4), "correct the JSON here: Extra data"),
    ],
)
def test_text_that_is_no_json_object(policy: str, place: tuple[int, int], remedy: str) -> None:
    (flaw,) = find_flaws(policy)
    assert (flaw.line, flaw.column) == place
    assert flaw.remedy.startswith(remedy)
    assert flaw.detail == "Could not map policyString into LifecyclePolicy."


def test_the_answer_of_get_lifecycle_policy_is_known() -> None:
    flaws = find_flaws('{"repositoryName": "shop", "lifecyclePolicyText": "{}"}')
    assert flaws[0].detail == 'object has missing required properties (["rules"])'
    assert "--query lifecyclePolicyText" in flaws[0].remedy


TYPES = "instance type ({}) does not match any allowed primitive type"


@pytest.mark.parametrize(
    ("policy", "detail", "remedy"),
    [
        (text(rule(countNumber=1.0)), TYPES.format("number"), "write a whole number"),
        (text(rule(countNumber="5")), TYPES.format("string"), "write a whole number"),
        (text(rule(countNumber=True)), TYPES.format("boolean"), "write a whole number"),
        (text({**rule(), "description": None}), TYPES.format("null"), "write a value, or leave"),
        (text(rule(storageClass=None)), TYPES.format("null"), "write a value, or leave"),
        (text(rule(countUnit=None)), TYPES.format("null"), "write a value, or leave"),
        (text({**rule(), "action": "expire"}), TYPES.format("string"), "write an object"),
        (text(rule(tagStatus="tagged", tagPrefixList="v")), TYPES.format("string"), "write a list"),
        (text(rule(tagStatus="tagged", tagPrefixList=[1])), TYPES.format("integer"), "write it in"),
        (text({**rule(), "rulepriority": 1}), "object instance has properties", "take rulepri"),
        (text(rule(counttype=1, countType=...)), "object has missing", "add countType"),
        (text(rule(countNumber=-1)), "numeric instance is lower", "write 1 or more"),
        (text(rule(tagStatus="Tagged")), "instance value", "write one of: tagged, untagged, any"),
        (text(rule(countUnit="days")), MATCHED.format(4), "take countUnit out"),
        (text(rule(countType="sinceImagePushed")), MATCHED.format(4), 'add "countUnit": "days"'),
        (
            text(rule(countType="sinceImageTransitioned", countUnit="days")),
            MATCHED.format(4),
            'add "storageClass": "archive"',
        ),
        (text(rule(storageClass="archive")), MATCHED.format(4), "images in archive can only be"),
        (text(rule(1, {"type": "transition"})), MATCHED.format(2), 'write {"type": "transition"'),
        (
            text(rule(1, {"type": "transition", "targetStorageClass": "standard"})),
            MATCHED.format(2),
            'write {"type": "transition", "targetStorageClass": "archive"}',
        ),
        (
            text(rule(1, {"type": "expire", "targetStorageClass": "archive"})),
            MATCHED.format(2),
            'write {"type": "expire"}',
        ),
        (text(), "array is too short", "write a rule"),
        (text(rule(tagStatus="tagged", tagPrefixList=[])), "Must specify tagPrefixList", "add"),
        (text(rule(tagStatus="tagged", tagPatternList=["\ud800"])), "The string has half", "write"),
    ],
)
def test_remedies(policy: str, detail: str, remedy: str) -> None:
    flaw = find_flaws(policy)[0]
    assert flaw.detail.startswith(detail)
    assert flaw.remedy.startswith(remedy)


def test_an_unknown_member_is_compared_with_those_that_are_missing() -> None:
    (flaw, other) = find_flaws(text(rule(1, counttype="x", countType=...)))
    assert flaw.remedy == "add countType"
    assert other.remedy == "write countType for counttype"


def test_flaws_between_rules_are_told_beside_those_of_one() -> None:
    flaws = find_flaws(text(rule(1, **UNTAGGED), rule(2, **UNTAGGED), {"rulePriority": 2}))
    assert [flaw.path for flaw in flaws] == ["rules[2]", "rules[1]"]


@pytest.mark.parametrize("count", [10**12, 10**30, 2**63])
def test_large_numbers_are_numbers(count: int) -> None:
    assert parse_policy(text(rule(count, countNumber=count))).rules[0].priority == count


def test_a_name_that_stands_twice() -> None:
    policy = text(rule()).replace('"countNumber": 5', '"countNumber": 5,\n "countNumber": 9')
    (flaw,) = find_flaws(policy)
    assert (flaw.line, flaw.column, flaw.ours, flaw.known) == (2, 2, True, False)
    with pytest.raises(PolicyRefused, match=r"rules\[0\]\.selection\.countNumber: This name"):
        parse_policy(policy)


def test_length_matters_to_ecr_only() -> None:
    short = text(rule()).replace(" ", "")
    assert find_size_flaws(short) == ()
    (flaw,) = find_size_flaws(short[:99])
    assert flaw.detail == "The text has 99 characters; it must have 100 to 30720."
    long = text({**rule(), "description": "x" * 30_720})
    assert "without blanks" in find_size_flaws(long)[0].remedy
    assert find_flaws(long) == ()
    assert find_size_flaws("x" * 30_720) == ()
    assert len(find_size_flaws("x" * 30_721)) == 1


@given(_json)
def test_places_are_those_of_the_members(value: Any) -> None:
    for indent in (None, 2):
        written = json.dumps({"a": value, "b": [value]}, indent=indent)
        places = places_of(written)
        assert written.startswith('"b"', places["b"])
        found, _ = json.JSONDecoder().raw_decode(written, places["b[0]"])
        assert found == value
        assert repeated_members(written) == ()
