"""What a copy brings and the target's own lifecycle policy takes away again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as some

from longshore.journey.planning import lifecycle_notes
from longshore.oci.digest import digest_of
from longshore.transfer.plan import Pair, PairPlan, TagStep, TargetView

PAIR = Pair("docker.io/acme/shop", "shop")
START = datetime(2026, 1, 1, tzinfo=UTC)


def rule(priority: int, count: int, *patterns: str) -> dict[str, object]:
    return {
        "rulePriority": priority,
        "selection": {
            "tagStatus": "tagged",
            "tagPatternList": list(patterns),
            "countType": "imageCountMoreThan",
            "countNumber": count,
        },
        "action": {"type": "expire"},
    }


OLD = {
    "rulePriority": 4,
    "selection": {
        "tagStatus": "tagged",
        "tagPatternList": ["old-*"],
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": 1,
    },
    "action": {"type": "expire"},
}
RULES = [rule(1, 9999, "live-*"), rule(2, 3, "v*"), rule(3, 2, "main-*"), OLD]
POLICY = json.dumps({"rules": RULES})


def arriving(*tags: str, digests: dict[str, str] | None = None) -> PairPlan:
    """The images of these tags, the oldest first; two tags of one digest are one image."""
    steps = [
        TagStep(
            PAIR,
            tag,
            tag,
            "copy",
            digest_of((digests or {}).get(tag, tag).encode()),
            pushed_at=START + timedelta(days=place),
        )
        for place, tag in enumerate(tags)
    ]
    return PairPlan(PAIR, tuple(steps), TargetView())


def notes(plan: PairPlan, policy: str = POLICY) -> list[str]:
    return lifecycle_notes(plan, "shop", policy)


def test_the_oldest_over_the_count_go_and_the_rule_is_named() -> None:
    (note,) = notes(arriving("v1", "v2", "v3", "v4", "v5", "main-1", "main-2"))
    assert "keeps the 3 newest of v*; ECR will expire v1, v2 soon" in note
    assert note.startswith("ecr/lifecycle/shop: rule ")


def test_what_a_rule_before_protects_stays_but_takes_a_place() -> None:
    shielded = {"live-prod": "v1", "v1": "v1"}
    assert notes(arriving("live-prod", "v1", "v2", "v3", digests=shielded)) == []
    (note,) = notes(arriving("live-prod", "v1", "v2", "v3", "v4", "v5", digests=shielded))
    assert "expire v2 soon" in note


def test_what_no_rule_names_stays_and_everything_that_arrives_is_new() -> None:
    assert notes(arriving("latest", "1", "stable", "old-1", "v1")) == []


def test_lists_are_and() -> None:
    both = {name: name[1:] for name in ("a1", "b1", "a2", "b2")}
    (note,) = notes(
        arriving("a1", "b1", "a2", "b2", "a3", "a4", digests=both),
        json.dumps({"rules": [rule(1, 1, "a*", "b*")]}),
    )
    assert "newest of a* & b*; ECR will expire a1 soon" in note


def test_of_many_a_few_are_named() -> None:
    (note,) = notes(arriving(*[f"v1.{place:02}" for place in range(20)]))
    assert "v1.05 and 11 more soon" in note


@given(some.lists(some.sampled_from(["v", "main-", "x-"]), max_size=20), some.randoms())
def test_the_order_of_the_list_does_not_matter(kinds: list[str], dice: object) -> None:
    plan = arriving(*[f"{kind}{place}" for place, kind in enumerate(kinds)])
    steps = list(plan.steps)
    dice.shuffle(steps)  # type: ignore[attr-defined]
    assert notes(PairPlan(PAIR, tuple(steps), TargetView())) == notes(plan)
