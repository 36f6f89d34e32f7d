"""Two policies beside each other; what is in doubt; ECR's preview beside ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.facts import ImageSeen, LifecyclePreview, PreviewedImage
from longshore.policy.lifecycle.comparison import (
    compare,
    compare_rules,
    doubts,
    is_same_rule,
    question,
)
from longshore.policy.lifecycle.evaluate import evaluate
from longshore.policy.lifecycle.grammar import ActionType, Policy, Selection
from longshore.policy.lifecycle.previewing import differences, fitting
from longshore.policy.lifecycle.readings import CHOICES, Readings
from tests.policy.lifecycle_days import DAY, NOW, image, newest, older, policy

A, B, C = newest("a*", 3), newest("b*", 3), older("untagged", 7)


@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        ((A, B), (A, B), "same same"),
        ((A, B), (B, A), "same moved"),
        ((A,), (A, B), "same added"),
        ((A, B, C), (A, C), "same removed same"),
        ((A, C), (newest("a*", 4), C), "changed same"),
        ((A,), ((A, "transition"),), "changed"),
        ((A, B), (C, A, B), "added same same"),
        ((A,), (B,), "removed added"),
        ((), (A,), "added"),
        ((newest("a* & b*", 1),), (newest("b* & a*", 1),), "same"),
    ],
)
def test_rules(old: tuple[Selection, ...], new: tuple[Selection, ...], kinds: str) -> None:
    found = compare_rules(policy(*old), policy(*new))
    assert sorted(one.kind for one in found) == sorted(kinds.split())
    if "moved" not in kinds:
        assert [one.kind for one in found] == kinds.split()


RULES = st.lists(st.sampled_from([A, B, C, newest("a*", 5), older("b*", 3)]), max_size=5)


@given(RULES, RULES)
def test_every_rule_is_told_once(old: list[Selection], new: list[Selection]) -> None:
    before, after = policy(*old), policy(*new)
    found = compare_rules(before, after)
    assert sorted(one.old.priority for one in found if one.old) == list(range(1, len(old) + 1))
    assert sorted(one.new.priority for one in found if one.new) == list(range(1, len(new) + 1))
    for one in found:
        if one.kind in ("same", "moved"):
            assert is_same_rule(one.old, one.new)
    swapped = compare_rules(after, before)
    count = {"added": "removed", "removed": "added"}
    assert sorted(count.get(one.kind, "") for one in found) == sorted(
        {"added": "added", "removed": "removed"}.get(one.kind, "") for one in swapped
    )


def changes(old: Policy, new: Policy, images: list[ImageSeen]) -> dict[str, str]:
    found = compare(evaluate(old, images, NOW), evaluate(new, images, NOW))
    return {one.new.image.tags[0]: one.kind for one in found}


def test_images() -> None:
    images = [image("a1", 1), image("a2", 2), image("b1", 40), image("c1", 1)]
    to_archive: ActionType = "transition"
    cases = [
        (policy(newest("a*", 2)), policy(newest("a*", 1)), {"a1": "sooner", "a2": "newly-expired"}),
        (
            policy(newest("a*", 1)),
            policy(newest("a*", 3)),
            {"a1": "later", "a2": "no-longer-expired"},
        ),
        (policy(), policy((older("b*", 9), to_archive)), {"b1": "newly-archived"}),
        (policy((older("b*", 9), to_archive)), policy(), {"b1": "no-longer-archived"}),
        (policy((older("b*", 9), to_archive)), policy(older("b*", 9)), {"b1": "newly-expired"}),
        (policy(older("c*", 9)), policy(older("c*", 5)), {"c1": "sooner"}),
        (policy(older("c*", 9)), policy(), {"c1": "later"}),
        (policy(newest("c*", 9999)), policy(newest("c*", 9)), {"c1": "sooner"}),
        (policy(newest("c*", 9999)), policy(), {"c1": "other-rule"}),
        (policy(older("b*", 9)), policy(older("any", 9)), {"b1": "other-rule", "a1": "sooner"}),
        (policy(newest("a*", 2)), policy(newest("zz*", 1), newest("a*", 2)), {}),
    ]
    for old, new, wanted in cases:
        found = changes(old, new, images)
        assert {name: found.get(name) for name in wanted} == wanted
        assert len(found) >= len(wanted)
        if not wanted:
            assert found == {}


@given(RULES, st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 20)), max_size=8))
def test_a_policy_beside_itself_changes_nothing(
    rules: list[Selection], found: list[tuple[str, int]]
) -> None:
    images = [image(f"{kind}{n}", age) for n, (kind, age) in enumerate(found)]
    assert changes(policy(*rules), policy(*rules), images) == {}


# --- doubts -------------------------------------------------------------------------------------


def test_ties_matter_only_at_the_limit() -> None:
    images = [image("v1", 1), image("v2", 1)]
    (doubt,) = doubts(evaluate(policy(newest("v*", 1)), images, NOW), images)
    assert (doubt.point, doubt.choice) == ("ties", "higher-digest-is-newer")
    assert {one.image.tags[0] for one, _ in doubt.pairs} == {"v1", "v2"}
    assert all(one.action != other.action for one, other in doubt.pairs)
    assert doubts(evaluate(policy(newest("v*", 2)), images, NOW), images) == ()


def test_a_day_in_doubt() -> None:
    images = [image("v1", 4.9)]
    at = NOW + DAY / 2
    evaluation = evaluate(policy(older("v*", 5)), images, at)
    (doubt,) = doubts(evaluation, images)
    assert doubt.point == "day"


def test_every_point_has_a_question() -> None:
    questions = {question(point) for point in CHOICES}
    assert len(questions) == len(CHOICES)


# --- ECR's preview ---------------------------------------------------------------------------


def test_differences_to_the_preview() -> None:
    images = [image("v1", 3), image("v2", 2), image("v3", 1)]
    verdicts = evaluate(policy(newest("v*", 1)), images, NOW).verdicts
    unknown = PreviewedImage("sha256:none", ("v0",), "expire", 1)

    def preview(*found: PreviewedImage) -> LifecyclePreview:
        return LifecyclePreview("COMPLETE", "", found)

    def ecr(place: int, rule: int = 1, action: str = "expire") -> PreviewedImage:
        return PreviewedImage(images[place].digest, images[place].tags, action, rule)

    assert differences(verdicts, preview(ecr(1), ecr(0))) == ()
    (missing,) = differences(verdicts, preview(ecr(0)))
    assert missing.tags == ("v2",)
    assert missing.our_words().startswith("expires: rule 1")
    assert missing.ecr_words() == "stays: it is not in the preview"
    (other_rule,) = differences(verdicts, preview(ecr(0, rule=2), ecr(1)))
    assert other_rule.ecr_words() == "expires by rule 2"
    (kept,) = differences(verdicts, preview(ecr(0), ecr(1), ecr(2, action="transition")))
    assert kept.our_words().startswith("stays: ")
    assert kept.ecr_words() == "archived by rule 1"
    (gone,) = differences(verdicts, preview(ecr(0), ecr(1), unknown))
    assert gone.our_words() == "the image was not there when it was listed"


def test_the_reading_by_which_ecr_is_right() -> None:
    images = [image("v1", 1), image("v2", 1)]
    rules = policy(newest("v*", 1))
    ours = evaluate(rules, images, NOW).verdicts
    (kept,) = [one.image for one in ours if one.action == "keep"]
    theirs = LifecyclePreview(
        "COMPLETE", "", (PreviewedImage(kept.digest, kept.tags, "expire", 1),)
    )
    assert len(differences(ours, theirs)) == 2
    assert fitting(rules, images, NOW, theirs) == (Readings(ties="higher-digest-is-newer"),)
    nothing = LifecyclePreview("COMPLETE", "")
    assert fitting(rules, images, NOW, nothing) == ()
