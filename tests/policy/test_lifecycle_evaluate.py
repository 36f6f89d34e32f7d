"""The evaluator in corners: circles, depth, shared manifests, archive, the ends of time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from longshore.facts import ImageSeen
from longshore.policy.lifecycle.evaluate import Verdict, evaluate
from longshore.policy.lifecycle.grammar import Policy, Rule, Selection
from longshore.policy.lifecycle.readings import DEFAULT, Readings

AT = datetime(2026, 11, 23, 10, tzinfo=UTC)
SAME_RUN = replace(DEFAULT, children_go="same-run")
BOTH = pytest.mark.parametrize("readings", [DEFAULT, SAME_RUN])
DEEP = 20_000


def image(digest: str, *tags: str, age: float = 9.0, **more: Any) -> ImageSeen:
    return ImageSeen(digest, tags, pushed_at=AT - timedelta(days=age), **more)


def rule(number: int, what: str, days: int = 0, count: int = 0, action: Any = "expire") -> Rule:
    """By age when `days` is given, else by count; `what` is untagged, any, or a pattern."""
    kind: Any = "sinceImagePushed" if days else "imageCountMoreThan"
    if what in ("untagged", "any"):
        return Rule(number, Selection(what, kind, days or count), action)  # type: ignore[arg-type]
    return Rule(number, Selection("tagged", kind, days or count, (what,)), action)


def run(
    rules: list[Rule], *images: ImageSeen, readings: Readings = DEFAULT, at: datetime = AT
) -> dict[str, Verdict]:
    found = evaluate(Policy(tuple(rules)), images, at, readings)
    return {one.image.digest: one for one in found.verdicts}


def actions(found: dict[str, Verdict]) -> dict[str, str]:
    return {digest: one.action for digest, one in found.items()}


OLD = [rule(1, "any", days=5)]


@BOTH
def test_manifests_that_name_each_other_stay(readings: Readings) -> None:
    a, b = image("a", children=("b",)), image("b", children=("a",))
    own, below = image("c", children=("c",)), image("d")
    above = replace(b, children=("a", "d"))
    found = run(OLD, a, above, own, below, readings=readings)
    assert set(actions(found).values()) == {"keep"}
    assert {one.because for one in found.values()} == {"in-index"}
    assert found["d"].other == "b"


def test_subjects_in_a_circle_take_nothing_along() -> None:
    found = run(OLD, image("a", subject="b"), image("b", subject="a"), image("c", subject="c"))
    assert set(actions(found).values()) == {"keep"}
    assert "in a circle" in found["a"].reason


def test_an_index_that_refers_to_its_own_manifest() -> None:
    index = image("i", children=("m",), subject="m")
    found = run(OLD, index, image("m"), readings=SAME_RUN)
    assert actions(found) == {"i": "keep", "m": "keep"}


@BOTH
def test_indexes_within_indexes_without_end(readings: Readings) -> None:
    chain = [image(str(at), children=(str(at + 1),)) for at in range(DEEP)]
    found = run(OLD, *reversed(chain), readings=readings)
    gone = sum(one.action == "expire" for one in found.values())
    assert gone == (1 if readings.children_go == "next-run" else DEEP)
    assert found["0"].action == "expire"


def test_one_index_at_the_bottom_that_stays_holds_nothing_above_it() -> None:
    chain = [image(str(at), children=(str(at + 1),)) for at in range(10)]
    chain[4] = replace(chain[4], pushed_at=AT)
    found = run(OLD, *chain, readings=SAME_RUN)
    assert [at for at in range(10) if found[str(at)].action == "keep"] == [4, 5, 6, 7, 8, 9]
    assert found["9"].other == "8"


def test_referrers_of_referrers_without_end() -> None:
    chain = [image(str(at), subject=str(at - 1)) for at in range(1, DEEP)]
    found = run([rule(1, "v*", days=5)], image("0", "v1"), *chain)
    assert {one.action for one in found.values()} == {"expire"}
    last = found[str(DEEP - 1)]
    assert last.reason == (
        f"it goes with its subject {DEEP - 2}, within 24 hours: "
        "rule 1 expires v* pushed more than 5 days ago; this one was pushed 9 days ago"
    )
    assert len(repr(last)) < 2000


def test_an_index_of_very_many_manifests() -> None:
    children = [image(f"m{at}") for at in range(DEEP)]
    index = image("i", "v1", age=1, children=tuple(one.digest for one in children) * 2)
    found = run(OLD, index, *children)
    assert {one.because for one in found.values()} == {"age", "in-index"}


@pytest.mark.parametrize(
    ("second_age", "readings", "action", "holder"),
    [
        (1.0, DEFAULT, "keep", "i"),
        (1.0, SAME_RUN, "keep", "j"),
        (9.0, DEFAULT, "keep", "i"),
        (9.0, SAME_RUN, "expire", ""),
    ],
)
def test_a_manifest_of_two_indexes(
    second_age: float, readings: Readings, action: str, holder: str
) -> None:
    first = image("i", "v1", children=("m",))
    second = image("j", "v2", age=second_age, children=("m",))
    found = run(OLD, image("m"), second, first, readings=readings)
    assert (found["m"].action, found["m"].other) == (action, holder)


def test_a_manifest_with_tags_of_its_own_is_held_too() -> None:
    index = image("i", "v1", age=1, children=("m",))
    found = run([rule(1, "arm-*", days=5)], index, image("m", "arm-1"))
    assert found["m"].reason == (
        "rule 1 expires arm-* pushed more than 5 days ago; "
        "it would act on this one, but index i names it: kept while that is there"
    )


def test_a_referrer_of_a_manifest_that_is_held_stays_with_it() -> None:
    index = image("i", "v1", age=1, children=("m",))
    found = run(
        OLD, index, image("m"), image("r", subject="m"), image("q", "sig", subject="m", age=1)
    )
    assert actions(found) == {"i": "keep", "m": "keep", "r": "keep", "q": "keep"}
    assert found["r"].reason.startswith("it stays with its subject m: rule 1 ")


def test_a_referrer_that_an_index_names_stays_while_its_subject_goes() -> None:
    index = image("i", "v1", age=1, children=("r",))
    found = run(OLD, index, image("s", "v0"), image("r", subject="s"))
    assert actions(found) == {"i": "keep", "s": "expire", "r": "keep"}
    assert (found["r"].because, found["r"].other) == ("in-index", "i")


def test_manifests_of_an_index_that_follows_its_subject() -> None:
    index = image("i", subject="s", children=("m",))
    images = image("s", "v0"), index, image("m")
    assert actions(run(OLD, *images)) == {"s": "expire", "i": "expire", "m": "keep"}
    found = run(OLD, *images, readings=SAME_RUN)
    assert actions(found) == {"s": "expire", "i": "expire", "m": "expire"}


ARCHIVE = [rule(1, "any", days=5, action="transition")]
AFTER = Rule(2, Selection("any", "sinceImageTransitioned", 90, storage_class="archive"), "expire")


@BOTH
def test_manifests_are_archived_with_or_after_their_index(readings: Readings) -> None:
    index, manifest = image("i", "v1", children=("m",)), image("m")
    found = run(ARCHIVE, index, manifest, readings=readings)
    waits = readings.children_go == "next-run"
    assert actions(found) == {"i": "transition", "m": "keep" if waits else "transition"}
    archived = replace(index, status="ARCHIVED", archived_at=AT - timedelta(days=1))
    found = run(ARCHIVE, archived, manifest, readings=readings)
    assert actions(found) == {"i": "keep", "m": "transition"}


@BOTH
def test_an_archived_index_keeps_its_manifests_from_expiring(readings: Readings) -> None:
    archived = image("i", "v1", children=("m",), status="ARCHIVED", archived_at=AT)
    found = run(OLD, archived, image("m"), readings=readings)
    assert actions(found) == {"i": "keep", "m": "keep"}
    assert found["m"].because == "in-index"


def test_an_index_on_its_way_to_archive_keeps_its_manifests_from_expiring() -> None:
    rules = [rule(1, "v*", days=5, action="transition"), rule(2, "untagged", days=1)]
    found = run(rules, image("i", "v1", children=("m",)), image("m"), readings=SAME_RUN)
    assert actions(found) == {"i": "transition", "m": "keep"}


def test_archive_is_a_world_of_its_own() -> None:
    long_ago = AT - timedelta(days=91)
    archived = image("a", "v1", age=99, status="ARCHIVED", archived_at=long_ago)
    lately = replace(archived, digest="b", archived_at=AT - timedelta(days=90))
    unknown = replace(archived, digest="c", archived_at=None)
    found = run([rule(1, "any", count=1), AFTER], archived, lately, unknown, image("d"), image("e"))
    assert actions(found) == {"a": "expire", "b": "keep", "c": "keep", "d": "keep", "e": "expire"}
    assert found["c"].reason.endswith(
        "the time of this one is not known, so it is kept here; ECR may not"
    )
    assert [found[one].rank for one in "de"] == [1, 2]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("ACTIVATING", "it is being restored from archive; no rule selects it meanwhile"),
        ("MOVING", "its status is MOVING; no rule selects it"),
    ],
)
def test_an_image_in_no_storage_class_is_reached_by_no_rule(status: str, reason: str) -> None:
    found = run([*OLD, AFTER], image("a", "v1", status=status, archived_at=AT - timedelta(days=99)))
    assert (found["a"].action, found["a"].rule, found["a"].reason) == ("keep", None, reason)


def test_a_subject_that_is_not_there_takes_nothing_along() -> None:
    found = run(OLD, image("r", subject="s"))
    assert found["r"].reason == "its subject s is not among the images"
    ordinary = replace(DEFAULT, referrers="ordinary")
    assert actions(run(OLD, image("r", subject="s"), readings=ordinary)) == {"r": "expire"}


def test_an_archived_referrer_is_not_archived_again() -> None:
    referrer = image("r", subject="s", status="ARCHIVED", archived_at=AT)
    found = run(ARCHIVE, image("s", "v1"), referrer, image("q", subject="r"))
    assert actions(found) == {"s": "transition", "r": "keep", "q": "keep"}


@pytest.mark.parametrize(
    ("ties", "kept"), [("lower-digest-is-newer", "a"), ("higher-digest-is-newer", "c")]
)
def test_equal_times(ties: Any, kept: str) -> None:
    readings = replace(DEFAULT, ties=ties)
    found = run([rule(1, "any", count=1)], image("b"), image("c"), image("a"), readings=readings)
    assert [digest for digest, one in found.items() if one.action == "keep"] == [kept]


@pytest.mark.parametrize("year", [1, 2026, 9999])
def test_images_a_microsecond_apart(year: int) -> None:
    time = datetime(year, 12, 31, 23, 59, 59, 999_998, tzinfo=UTC)
    older = ImageSeen("a", pushed_at=time)
    newer = ImageSeen("b", pushed_at=time + timedelta(microseconds=1))
    found = run([rule(1, "any", count=1)], older, newer)
    assert actions(found) == {"a": "expire", "b": "keep"}


@pytest.mark.parametrize("day", ["24-hours", "calendar"])
@pytest.mark.parametrize("at", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_the_ends_of_time(at: datetime, day: Any) -> None:
    first = ImageSeen("a", pushed_at=datetime.min.replace(tzinfo=UTC))
    last = ImageSeen("b", pushed_at=datetime.max.replace(tzinfo=UTC))
    readings = replace(DEFAULT, day=day)
    found = run(OLD, first, last, at=at, readings=readings)
    assert actions(found) == {"a": "expire" if at.year == 9999 else "keep", "b": "keep"}


@pytest.mark.parametrize("number", [10**9, 10**12, 10**40])
@pytest.mark.parametrize("kind", ["days", "count"])
def test_numbers_beyond_all_measure_keep_everything(kind: str, number: int) -> None:
    found = run([rule(1, "any", **{kind: number})], image("a"), image("b", age=700_000))
    assert set(actions(found).values()) == {"keep"}
    assert found["a"].reason.startswith("rule 1 ")


def test_the_limit_of_an_age_is_not_yet_beyond_it() -> None:
    edge = ImageSeen("a", pushed_at=AT - timedelta(days=1))
    beyond = ImageSeen("b", pushed_at=AT - timedelta(days=1, microseconds=1))
    assert actions(run([rule(1, "any", days=1)], edge, beyond)) == {"a": "keep", "b": "expire"}
    calendar = replace(DEFAULT, day="calendar")
    yesterday = ImageSeen("c", pushed_at=datetime(2026, 11, 22, tzinfo=UTC))
    before = ImageSeen("d", pushed_at=datetime(2026, 11, 21, 23, 59, tzinfo=UTC))
    found = run([rule(1, "any", days=1)], yesterday, before, readings=calendar)
    assert actions(found) == {"c": "keep", "d": "expire"}


def test_no_images_and_no_rules() -> None:
    assert run(OLD) == {}
    assert run([], image("a"))["a"].reason == "no rule reaches it"
