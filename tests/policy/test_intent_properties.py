"""What an intent compiles into does what the intent says, read directly."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from longshore.facts import ImageSeen
from longshore.policy.lifecycle.compile import Compiled, compile_flaws, compile_intent
from longshore.policy.lifecycle.evaluate import evaluate
from longshore.policy.lifecycle.grammar import find_flaws, parse_policy
from longshore.policy.lifecycle.intent import Intent
from longshore.policy.lifecycle.preset import Families
from longshore.policy.lifecycle.pruning import plan_prune
from longshore.policy.lifecycle.readings import every_reading, open_points

from .intents import DAY, MARKERS, NOW, Reading, group_of, intents, repositories, units

modes = st.sampled_from(["all", "needed", "none"]).map(lambda one: Families(markers=one))
# Making an intent compares patterns exactly, which takes a while; dice do not shrink.
patient = settings(
    max_examples=150,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)


def read(intent: Intent, made: Compiled, images: list[ImageSeen]) -> Reading:
    """The direct reading, with the markers that the compiled rules go by."""
    shown = {
        pattern
        for rule in (made.policy or {})["rules"]
        for pattern in rule["selection"].get("tagPatternList", ())
    }
    marked = [one.name for one in intent.families if (at := MARKERS.get(one.name)) and at in shown]
    return Reading(intent, images, NOW, marked)


def by_ecr(made: Compiled, images: list[ImageSeen]) -> list[ImageSeen]:
    """What a run of ECR's rules leaves."""
    policy = parse_policy(made.text or "")
    gone = {one.image.digest for one in evaluate(policy, images, NOW).acted("expire")}
    return [one for one in images if one.digest not in gone]


def by_prune(made: Compiled, images: list[ImageSeen]) -> list[ImageSeen]:
    """What a prune leaves."""
    steps = {
        one.digest: one for one in plan_prune(made.prune, images, [], NOW, made.protected).steps
    }
    left = []
    for image in images:
        lost = steps[image.digest].tags if image.digest in steps else ()
        if not lost or not steps[image.digest].deletes_image:
            left.append(replace(image, tags=tuple(tag for tag in image.tags if tag not in lost)))
    return left


def after(made: Compiled, images: list[ImageSeen]) -> list[ImageSeen]:
    """What a prune between two of ECR's runs leaves; ECR runs every day."""
    return by_ecr(made, by_prune(made, by_ecr(made, images)))


@given(intents, repositories, modes)
@patient
def test_nothing_goes_that_the_intent_keeps(
    intent: Intent, images: list[ImageSeen], families: Families
) -> None:
    made = compile_intent(intent, families)
    policy = parse_policy(made.text or "")
    wanted = read(intent, made, images)
    kept = {one.digest for one in images if wanted.keeps(one)}
    for reading in every_reading(open_points(policy, images)):
        verdicts = evaluate(policy, images, NOW, reading)
        assert not kept & {one.image.digest for one in verdicts.acted("expire")}, reading
    assert kept <= {one.digest for one in after(made, images)}


@given(intents, repositories, modes)
@patient
def test_one_run_leaves_no_more_than_the_intent_allows(
    intent: Intent, images: list[ImageSeen], families: Families
) -> None:
    made = compile_intent(intent, families)
    before = read(intent, made, images)
    left = after(made, images)
    for family in intent.families:
        mine = [one for one in left if before.first(one) == family.name]
        if family.archive_after_days is not None:
            continue
        if family.keep_newest is None:
            assert all(before.age(one) <= (family.keep_for_days or 0) * DAY for one in mine)
            continue
        old = [one for one in mine if before.age(one) > (family.keep_for_days or 0) * DAY]
        places = Counter(
            group
            for one in old
            for group in {
                group_of(family, unit[0])
                for unit in units(one.tags)
                if before.owner(unit) == family.name
            }
            if group is not None
        )
        assert all(count <= family.keep_newest for count in places.values())


@given(intents, repositories, modes)
@patient
def test_a_second_run_finds_nothing_to_do(
    intent: Intent, images: list[ImageSeen], families: Families
) -> None:
    made = compile_intent(intent, families)
    once = after(made, images)
    assert after(made, once) == once


@given(intents, modes)
@patient
def test_ecr_takes_every_intent_without_flaws(intent: Intent, families: Families) -> None:
    assert compile_flaws(intent) == []
    assert find_flaws(compile_intent(intent, families).text or "") == ()


@given(intents, repositories)
@patient
def test_protected_images_and_the_last_backups_always_stay(
    intent: Intent, images: list[ImageSeen]
) -> None:
    left = {one.digest for one in after(compile_intent(intent), images)}
    wanted = Reading(intent, images, NOW)
    for image in images:
        if any(tag.startswith("live-") or tag == "latest" for tag in image.tags):
            assert image.digest in left
        if any(wanted.keeps_backup(tag) for tag in image.tags):
            assert image.digest in left
