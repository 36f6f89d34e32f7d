"""Looking ahead: survivors of each step, when each image goes, what holds and frees others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.errors import UsageError
from longshore.facts import ImageSeen
from longshore.policy.lifecycle.evaluate import evaluate
from longshore.policy.lifecycle.forecast import (
    Course,
    Forecast,
    Prospect,
    fates,
    fates_now,
    look_ahead,
    prospect,
)
from longshore.policy.lifecycle.invented import parse_rates, pushes
from longshore.policy.lifecycle.readings import DEFAULT
from tests.policy.lifecycle_days import DAY, NOW, image, names, newest, older, policy

WEEK = Course(NOW, NOW + 7 * DAY)


def going(forecast: Forecast, images: Sequence[ImageSeen]) -> dict[str, int]:
    """The day on which each image goes, by its first tag."""
    return {
        (fate.image.tags or ("-",))[0]: round((fate.goes_at - NOW) / DAY)
        for fate in fates(images, forecast)
        if fate.goes_at
    }


def test_an_image_goes_on_the_first_step_after_its_age() -> None:
    images = [image("a", 5), image("b", 3.5), image("c", 0)]
    forecast = look_ahead(policy(older("*", 5)), images, WEEK)
    assert going(forecast, images) == {"a": 1, "b": 2, "c": 6}
    assert [step.left for step in forecast.steps] == [3, 2, 1, 1, 1, 1, 0, 0]
    assert forecast.steps[0].at == NOW


def test_pushes_move_the_others_behind() -> None:
    images = [image(f"main-{n}", n) for n in range(1, 4)]
    arriving = pushes(parse_rates("main=1/day"), WEEK.start, WEEK.until)
    forecast = look_ahead(policy(newest("main-*", 3)), images, WEEK, arriving)
    assert going(forecast, images) == {"main-3": 1, "main-2": 2, "main-1": 3}
    assert [step.pushed for step in forecast.steps] == [0, 1, 1, 1, 1, 1, 1, 1]
    assert {step.left for step in forecast.steps} == {3}


def test_a_moved_tag_leaves_an_untagged_image_that_goes_later() -> None:
    images = [image("latest", 0)]
    arriving = pushes(parse_rates("latest=1/week"), WEEK.start - 4 * DAY, WEEK.until)
    keep = policy(newest("latest", 9999), older("untagged", 1))
    forecast = look_ahead(keep, images, WEEK, arriving)
    (fate,) = fates(images, forecast)
    assert fate.goes_at == NOW + 3 * DAY  # its age counts from the push, not from the lost tag
    assert fate.verdict.rule is not None
    assert fate.verdict.rule.priority == 2
    assert names(forecast.left) == {"latest"}


def test_manifests_go_a_step_after_their_index() -> None:
    child = image("-child", 9)
    index = image("v1", 9, children=(child.digest,))
    rules = policy(newest("v*", 1), older("untagged", 5))
    forecast = look_ahead(rules, [child, index, image("v2")], WEEK)
    assert [len(step.gone) for step in forecast.steps[:3]] == [1, 1, 0]
    assert forecast.goes[child.digest][0] == NOW + DAY
    other = replace(DEFAULT, children_go="same-run")
    at_once = look_ahead(rules, [child, index, image("v2")], WEEK, (), other)
    assert [len(step.gone) for step in at_once.steps[:3]] == [2, 0, 0]


def test_what_is_archived_goes_after_its_time_there() -> None:
    images = [image("v1", 40, pulled_at=NOW - 29 * DAY)]
    rules = policy(
        (older("v*", 30, "sinceImagePulled"), "transition"),
        older("any", 90, "sinceImageTransitioned"),
    )
    course = Course(NOW, NOW + 100 * DAY)
    forecast = look_ahead(rules, images, course)
    (fate,) = fates(images, forecast)
    assert fate.archived_at == NOW + 2 * DAY
    assert fate.goes_at == NOW + 93 * DAY
    step = forecast.steps[10]
    assert (step.left, step.left_bytes, step.archive_bytes) == (1, 0, 10)


def test_a_restore_is_done_by_the_next_step() -> None:
    images = [image("v1", 40, status="ACTIVATING", archived_at=NOW - 9 * DAY)]
    forecast = look_ahead(policy(older("v*", 3)), images, WEEK)
    assert forecast.goes[images[0].digest][0] == NOW + 4 * DAY


def test_referrers_go_with_their_subject() -> None:
    subject = image("v1", 9)
    signature = image("-sig", 1, subject=subject.digest)
    forecast = look_ahead(policy(older("v*", 10)), [signature, subject], WEEK)
    assert {at for at, _ in forecast.goes.values()} == {NOW + 2 * DAY}


@pytest.mark.parametrize(
    "course",
    [
        Course(NOW, NOW - DAY),
        Course(NOW, NOW + DAY, timedelta(0)),
        Course(NOW, NOW + 400 * DAY, timedelta(minutes=1)),
    ],
)
def test_courses_that_make_no_sense(course: Course) -> None:
    with pytest.raises(UsageError) as caught:
        course.moments()
    assert caught.value.code == "bad-time"


def test_the_end_is_a_step_though_the_steps_do_not_meet_it() -> None:
    moments = Course(NOW, NOW + 2.5 * DAY).moments()
    assert moments == (NOW, NOW + DAY, NOW + 2 * DAY, NOW + 2.5 * DAY)


@given(
    st.lists(st.tuples(st.sampled_from("abv"), st.integers(0, 30)), max_size=12),
    st.integers(1, 5),
    st.integers(1, 20),
)
def test_the_first_step_is_the_plain_evaluation(
    found: list[tuple[str, int]], count: int, days: int
) -> None:
    images = [image(f"{kind}-{n}", age) for n, (kind, age) in enumerate(found)]
    rules = policy(newest("a-*", count), older("v-*", days), newest("any", count * 2))
    forecast = look_ahead(rules, images, Course(NOW, NOW))
    verdicts = evaluate(rules, images, NOW).verdicts
    gone = {one.image.digest for one in verdicts if one.action == "expire"}
    assert {one.image.digest for one in forecast.steps[0].gone} == gone
    assert fates_now(verdicts, NOW) == fates(images, forecast)


# --- one image ----------------------------------------------------------------------------------


def of(rules: object, images: list[ImageSeen], place: int = 0, **readings: str) -> Prospect:
    chosen = replace(DEFAULT, **readings)  # type: ignore[arg-type]
    verdict = evaluate(rules, images, NOW, chosen).verdicts[place]  # type: ignore[arg-type]
    return prospect(verdict, NOW, chosen)


@pytest.mark.parametrize("day", ["24-hours", "calendar"])
@given(hours=st.integers(0, 24 * 9))
def test_an_age_rule_acts_right_after_the_prospect_and_not_before(day: str, hours: int) -> None:
    rules, chosen = policy(older("v*", 10)), replace(DEFAULT, day=day)  # type: ignore[arg-type]
    images = [image("v1", hours / 24)]
    seen = prospect(evaluate(rules, images, NOW, chosen).verdicts[0], NOW, chosen)
    assert seen.at is not None

    def action(at: datetime) -> str:
        return evaluate(rules, images, at, chosen).verdicts[0].action

    assert action(seen.at - timedelta(seconds=1)) == "keep"
    assert action(seen.at + timedelta(seconds=1)) == "expire"


@given(st.integers(1, 8), st.integers(1, 8))
def test_a_count_rule_acts_with_that_push_and_not_the_one_before(rank: int, limit: int) -> None:
    rules = policy(newest("v*", limit))
    images = [image(f"v{n}", n) for n in range(rank)]
    seen = of(rules, images, rank - 1)
    if rank > limit:
        assert seen.kind == "now"
        return
    later = [image(f"v9{n}", -1 - n) for n in range(seen.pushes)]
    assert evaluate(rules, [*images, *later[:-1]], NOW).verdicts[rank - 1].action == "keep"
    assert evaluate(rules, [*images, *later], NOW).verdicts[rank - 1].action == "expire"


def test_other_prospects() -> None:
    child = image("-child", 9)
    index = image("v1", 1, children=(child.digest,))
    untagged = policy(older("untagged", 5))
    assert of(untagged, [child, index]).kind == "index"
    assert of(untagged, [child, index]).other == index.digest
    assert of(untagged, [image("v1")]).kind == "never"
    assert of(untagged, [replace(image("-x"), pushed_at=None)]).kind == "unknown"
    assert of(policy(newest("v*", 9999)), [image("v1")]).is_never
    subject = image("v1", 9)
    assert of(untagged, [image("-s", subject=subject.digest), subject]).kind == "subject"


def test_every_prospect_has_words() -> None:
    rule = policy(newest("v*", 5)).rules[0]
    for seen in (
        Prospect("now", NOW),
        Prospect("time", NOW),
        Prospect("pushes", pushes=1, rule=rule),
        Prospect("pushes", pushes=4, rule=rule),
        Prospect("pushes", pushes=9999, rule=rule),
        Prospect("index", other="sha256:1"),
        Prospect("subject", other="sha256:1"),
        Prospect("unknown"),
        Prospect("never"),
    ):
        assert seen.sentence()
        assert seen.short()
    assert Prospect("pushes", pushes=4, rule=rule).sentence() == "after 4 more pushes of v*"
