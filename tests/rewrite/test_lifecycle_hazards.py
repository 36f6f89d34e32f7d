"""Lifecycle policies of a tree: JSON, scripts and Terraform's objects, judged by their text."""

from __future__ import annotations

import pytest

from tests.policy.lifecycle_corpus import GOOD, MISTAKES, Case, policy, rule
from tests.rewrite.hazards_of import hazards_of, lines_of

OBJECT = """\
resource "aws_ecr_lifecycle_policy" "shop" {
  repository = aws_ecr_repository.shop.name
  policy = jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "builds"
        selection = {
          tagStatus     = "tagged"
          tagPrefixList = PREFIXES
          countType     = "imageCountMoreThan"
          countNumber   = COUNT
        }
        action = { type = "expire" }
      },
      {
        rulePriority = 2
        description  = "leftovers"
        selection = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days",
          countNumber = 7 }
        action = { type = "expire" }
      },
    ]
  })
}
"""


def terraform(prefixes: str, count: str = "60") -> dict[str, str]:
    return {"infra/ecr.tf": OBJECT.replace("PREFIXES", prefixes).replace("COUNT", count)}


HEREDOC = "policy = <<EOF\n{}\nEOF\n"
ENCODED = "policy = jsonencode({})\n"
ALL = policy(rule("any", keep=5))


@pytest.mark.parametrize(
    ("prefixes", "count", "code", "line"),
    [
        ('["dev", "staging"]', "60", "lifecycle-several-prefixes", "rulePriority = 1"),
        ('["release/"]', "60", "lifecycle-harmful-rule", "rulePriority = 1"),
        ('["topic-"]', "0", "lifecycle-invalid", "rulePriority = 1"),
        ('["topic-"]', '"10"', "lifecycle-invalid", "rulePriority = 1"),
    ],
)
def test_objects_of_terraform_are_read(prefixes: str, count: str, code: str, line: str) -> None:
    assert [found for found, _ in lines_of(terraform(prefixes, count), code)] == [line]


@pytest.mark.parametrize("code", ["lifecycle-invalid", "lifecycle-several-prefixes"])
@pytest.mark.parametrize(
    ("prefixes", "count"),
    [
        ('["topic-"]', "60"),
        ("var.prefixes", "60"),
        ('["dev", "staging"]', "var.count"),
        ('["${var.one}-", "${var.two}-"]', "60"),
    ],
)
def test_what_is_right_or_not_known_is_left_alone(code: str, prefixes: str, count: str) -> None:
    assert hazards_of(terraform(prefixes, count), code) == []


@pytest.mark.parametrize(
    "texts",
    [
        {"policy.json": ALL},
        {"main.tf": HEREDOC.format(ALL)},
        {"main.tf": ENCODED.format(ALL)},
        {"setup.sh": f"aws ecr put-lifecycle-policy --lifecycle-policy-text '{ALL}'\n"},
    ],
)
def test_a_rule_that_can_delete_latest_is_named_once(texts: dict[str, str]) -> None:
    (found,) = hazards_of(texts, "lifecycle-harmful-rule")
    assert "latest" in found.message
    assert found.severity == "medium"
    own = "policy.json" in texts
    assert ("longshore lifecycle lint --policy policy.json --fix" in found.fix) == own


def test_the_place_is_the_rule_in_its_file() -> None:
    text = policy(rule("*", keep=5), rule("v*", keep=50), rule("untagged", days=1))
    lines = [line for line, _ in lines_of({"infra/policy.json": text}, "lifecycle-harmful-rule")]
    assert lines == ["{", "{"]
    places = [one.line for one in hazards_of({"a.json": text}, "lifecycle-harmful-rule")]
    assert [text.split("\n")[line].strip() for line in places] == [
        '"rulePriority": 1,',
        '"rulePriority": 2,',
    ]


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_good_policies_are_no_hazard(case: Case) -> None:
    if case.images is None:
        for code in ("lifecycle-invalid", "lifecycle-several-prefixes", "lifecycle-harmful-rule"):
            assert hazards_of({"policy.json": case.text}, code) == []


@pytest.mark.parametrize(
    "case",
    [one for one in MISTAKES if "several-prefixes" in one.expected],
    ids=lambda one: one.name,
)
def test_lists_that_mean_and_are_named_as_before(case: Case) -> None:
    assert hazards_of({"policy.json": case.text}, "lifecycle-several-prefixes")
