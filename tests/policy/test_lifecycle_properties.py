"""What holds of every evaluation, whatever the policy and the images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from longshore.facts import ImageSeen
from longshore.policy.lifecycle.evaluate import Verdict, evaluate
from longshore.policy.lifecycle.grammar import Policy, Rule, Selection
from longshore.policy.lifecycle.readings import DEFAULT, every_reading, open_points, others

from .lifecycle_worlds import AGES, DIGESTS, MOMENTS, PATTERNS, WORLDS, World

SOME = settings(max_examples=250, deadline=None)
COUNT = "imageCountMoreThan"


def expired(verdicts: Iterable[Verdict]) -> set[str]:
    return {one.image.digest for one in verdicts if one.action == "expire"}


def acted(verdicts: Iterable[Verdict]) -> set[str]:
    return {one.image.digest for one in verdicts if one.action != "keep"}


def run(world: World) -> tuple[Verdict, ...]:
    return evaluate(*world.arguments).verdicts


def untangled(world: World) -> World:
    """The world without circles: each image depends only on images before it."""
    places = {digest: place for place, digest in enumerate(DIGESTS)}
    images = tuple(
        replace(
            image,
            children=tuple(one for one in image.children if places.get(one, 99) > place),
            subject=image.subject if places.get(image.subject or "", 99) < place else None,
        )
        for place, image in enumerate(world.images)
    )
    return replace(world, images=images)


def left(world: World) -> World:
    """The world after its policy has run."""
    images: list[ImageSeen] = []
    for verdict in run(world):
        if verdict.action == "transition":
            images.append(replace(verdict.image, status="ARCHIVED", archived_at=world.at))
        elif verdict.action == "keep":
            images.append(verdict.image)
    return replace(world, images=tuple(images))


def dependent(images: Sequence[ImageSeen], digests: set[str]) -> set[str]:
    """What the images name, what follows them, and so on."""
    found: set[str] = set()
    wave = set(digests)
    while wave:
        named = {one for image in images if image.digest in wave for one in image.children}
        following = {image.digest for image in images if image.subject in wave}
        wave = (named | following) - found
        found |= wave
    return found


@SOME
@given(WORLDS, st.integers(0, 9), st.booleans())
def test_the_order_of_images_does_not_matter(world: World, turn: int, backwards: bool) -> None:
    turned = world.images[turn:] + world.images[:turn]
    other = replace(world, images=turned[::-1] if backwards else turned)
    assert {one.image.digest: one for one in run(world)} == {
        one.image.digest: one for one in run(other)
    }


@SOME
@given(WORLDS)
def test_one_verdict_for_each_image_in_their_order(world: World) -> None:
    assert tuple(one.image for one in run(world)) == world.images


@SOME
@given(WORLDS, st.sampled_from([*PATTERNS, "untagged", "any"]))
def test_a_keep_rule_on_top_never_expires_more(world: World, kept: str) -> None:
    selection = Selection("tagged", COUNT, 9999, (kept,))
    if kept in ("untagged", "any"):
        selection = Selection(kept, COUNT, 9999)  # type: ignore[arg-type]
    policy = Policy((Rule(0, selection, "expire"), *world.policy.rules))
    assert expired(run(replace(world, policy=policy))) <= expired(run(world))


@SOME
@given(WORLDS, st.integers(0, 5), st.sampled_from([1, 2, 1000]))
def test_a_higher_count_never_expires_more(world: World, at: int, more: int) -> None:
    assume(at < len(world.policy.rules))
    rules = list(world.policy.rules)
    selection = rules[at].selection
    raised = replace(selection, count_number=selection.count_number + more)
    rules[at] = replace(rules[at], selection=raised)
    after = run(replace(world, policy=Policy(tuple(rules))))
    assert expired(after) <= expired(run(world))


@SOME
@given(WORLDS, st.sampled_from([age for age in AGES if age > timedelta(0)]))
def test_policies_by_age_only_expire_more_as_time_passes(world: World, later: timedelta) -> None:
    rules = tuple(rule for rule in world.policy.rules if rule.selection.count_type != COUNT)
    world = replace(world, policy=Policy(rules))
    assert expired(run(world)) <= expired(run(replace(world, at=world.at + later)))


# A second run at the same instant finds nothing new, but for what depended on an image that went:
# the manifests of its index, what refers to those, and so on. Count rules do not break this, also
# where they count images that other rules keep: fewer images never make a place worse. Only where
# manifests of an index do not count, one that is freed by its index counts from then on.


@SOME
@given(WORLDS)
def test_a_second_run_finds_only_what_was_freed(world: World) -> None:
    world = replace(world, readings=replace(world.readings, children="count"))
    freed = dependent(world.images, acted(run(world)))
    assert acted(run(left(world))) <= freed


@SOME
@given(WORLDS)
def test_a_second_run_finds_nothing_where_no_image_names_another(world: World) -> None:
    images = tuple(replace(image, children=(), subject=None) for image in world.images)
    assert acted(run(left(replace(world, images=images)))) == set()


@SOME
@given(WORLDS)
def test_runs_come_to_an_end(world: World) -> None:
    for _ in range(2 * len(world.images) + 1):
        world = left(world)
    assert acted(run(world)) == set()


def test_a_manifest_freed_by_its_index_may_push_another_out_where_it_did_not_count() -> None:
    at = MOMENTS[0]
    index = ImageSeen("i", ("x",), pushed_at=at - timedelta(days=9), children=("a",))
    newer = ImageSeen("a", pushed_at=at - timedelta(days=1))
    older = ImageSeen("b", pushed_at=at - timedelta(days=2))
    rules = (
        Rule(1, Selection("tagged", "sinceImagePushed", 5, ("x",)), "expire"),
        Rule(2, Selection("untagged", COUNT, 1), "expire"),
    )
    readings = replace(DEFAULT, children="do-not-count")
    world = World(Policy(rules), (index, newer, older), at, readings)
    assert expired(run(world)) == {"i"}
    assert expired(run(left(world))) == {"b"}  # refers to nothing that went


@SOME
@given(WORLDS)
def test_no_manifest_goes_before_its_index(world: World) -> None:
    verdicts = {one.image.digest: one for one in run(world)}
    for index in world.images:
        for child in index.children:
            action = verdicts[child].action if child in verdicts else "keep"
            of_index = verdicts[index.digest].action
            if action == "expire":
                assert of_index == "expire"
            if action == "transition":
                assert of_index != "keep" or index.status == "ARCHIVED"
            if action == "expire" or (action == "transition" and index.status != "ARCHIVED"):
                assert world.readings.children_go == "same-run"


@SOME
@given(WORLDS)
def test_a_referrer_shares_the_fate_of_its_subject(world: World) -> None:
    world = untangled(world)
    verdicts = {one.image.digest: one for one in run(world)}
    for image in world.images:
        verdict, subject = verdicts[image.digest], verdicts.get(image.subject or "")
        if subject is None or verdict.because == "in-index":
            continue
        if subject.action == "expire":
            assert verdict.action == "expire"
        if subject.action == "transition" and image.status == "ACTIVE":
            assert verdict.action != "keep"
        if not image.tags and world.readings.referrers == "follow":
            archived_already = subject.action == "transition" and image.status != "ACTIVE"
            assert verdict.action == ("keep" if archived_already else subject.action)


@SOME
@given(WORLDS)
def test_every_reason_names_its_rule(world: World) -> None:
    for verdict in run(world):
        if verdict.rule is not None:
            assert f"rule {verdict.rule.priority} " in verdict.reason
        elif verdict.because == "subject":
            assert "its subject" in verdict.reason
        else:
            assert verdict.because in ("no-rule", "restoring")
        assert (verdict.action == "keep") or verdict.rule is not None


@SOME
@given(WORLDS)
def test_a_point_that_is_not_open_makes_no_difference(world: World) -> None:
    open_here = open_points(world.policy, world.images)
    closed = [name for name in vars(DEFAULT) if name not in open_here]
    found = acted(run(world))
    for name, readings in others(world.readings, closed):
        assert acted(run(replace(world, readings=readings))) == found, name


@given(st.sets(st.sampled_from(list(vars(DEFAULT)))))
def test_every_reading_is_each_combination_once(points: set[str]) -> None:
    found = list(every_reading(sorted(points)))
    assert found[0] == DEFAULT
    assert len(set(found)) == len(found) == 2 ** len(points)


@pytest.mark.parametrize("action", ["expire", "transition"])
def test_worlds_reach_what_they_are_for(action: str) -> None:
    """The properties above say nothing unless images go."""
    seen: set[str] = set()

    @settings(max_examples=400, deadline=None, derandomize=True, database=None)
    @given(WORLDS)
    def look(world: World) -> None:
        seen.update(one.because for one in run(world) if one.action == action)

    look()
    assert seen == {"count", "age", "subject"}
