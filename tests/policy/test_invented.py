"""Invented images: rates, tags, sizes, times; the same words give the same images."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.errors import UsageError
from longshore.policy.lifecycle.invented import ASSUMED_SIZE, parse_rates, pushed_onto, pushes
from tests.policy.lifecycle_days import DAY, NOW, image


@pytest.mark.parametrize(
    ("text", "patterns", "every"),
    [
        ("main-*=2/day", ("main-*",), DAY / 2),
        ("main=3/day", ("main-*",), DAY / 3),
        ("latest=1/week", ("latest",), 7 * DAY),
        ("v*+prod-v*+latest=1/w", ("v*", "prod-v*", "latest"), 7 * DAY),
        ("untagged=10/days", (), DAY / 10),
        ("pr-*=1/hour", ("pr-*",), timedelta(hours=1)),
        ("x=0.5/month", ("x-*",), 60 * DAY),
    ],
)
def test_rates(text: str, patterns: tuple[str, ...], every: timedelta) -> None:
    (rate,) = parse_rates(text)
    assert (rate.patterns, rate.every) == (patterns, every)


def test_a_tag_that_is_there_by_that_name_is_one_that_moves() -> None:
    assert parse_rates("stable=1/day", [image("stable v1")])[0].patterns == ("stable",)


def test_a_short_word_gives_the_tags_that_the_newest_such_image_has() -> None:
    present = [
        image("main-old old-main-old", 9),
        image("main-abc1234 prod-main-abc1234 latest", 1),
        image("v1.0.0 prod-v1.0.0"),
    ]
    assert parse_rates("main=1/day", present)[0].patterns == ("main-*", "prod-main-*")
    assert parse_rates("main-*=1/day", present)[0].patterns == ("main-*",)
    assert parse_rates("main-*+x=1/day", present)[0].patterns == ("main-*", "x-*")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("main=3/day", "main-* 3 a day"),
        ("v*+latest=1/week", "v*+latest 1 a week"),
        ("untagged=1/hour", "untagged 24 a day"),
    ],
)
def test_rates_in_words(text: str, words: str) -> None:
    assert str(parse_rates(text)[0]) == words


def test_no_pushes_is_no_rate() -> None:
    assert parse_rates("main=0/day") == ()


@pytest.mark.parametrize(
    "text",
    [
        *("", "main", "main=3", "main=3/", "main=x/day", "main=3/fortnight", "=3/day"),
        *("a b=1/day", "main=-1/day", "main=99999999999/day", "../x=1/day", "main==1/day"),
        *("é=1/day",),
    ],
)
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_rates(text)
    assert caught.value.code == "bad-rate"
    assert "main-*=2/day" in caught.value.hint


def test_too_many_images_are_refused_before_they_are_made() -> None:
    rates = parse_rates("main=1000000/hour")
    with pytest.raises(UsageError, match="1000000"):
        pushes(rates, NOW - 365 * DAY, NOW)


def test_the_same_words_give_the_same_images_in_time() -> None:
    rates = parse_rates("main-*=2/day,v*=1/week,untagged=1/day,latest=1/day")
    made = pushes(rates, NOW - 14 * DAY, NOW)
    assert made == pushes(rates, NOW - 14 * DAY, NOW)
    assert Counter(one.tags[0][:2] if one.tags else "-" for one in made) == {
        "ma": 28,
        "v1": 1,
        "v2": 1,
        "-": 14,
        "la": 14,
    }
    assert len({one.digest for one in made}) == len(made)
    times = [one.pushed_at for one in made]
    assert times == sorted(times, key=lambda time: time or NOW)
    assert all(time and NOW - 14 * DAY < time <= NOW for time in times)
    assert {one.size for one in made} == {ASSUMED_SIZE}


def test_one_word_for_all_stars_of_an_image() -> None:
    (made,) = pushes(parse_rates("main-*+prod-main-*=1/day"), NOW, NOW + DAY)
    main, prod = made.tags
    assert prod == f"prod-{main}"


def test_numbers_go_on_behind_those_that_are_there_and_sizes_are_like_theirs() -> None:
    present = [image("pr-7", size=100), image("pr-12", size=300), image("v3.1.0", size=5)]
    made = pushes(parse_rates("pr-*=1/day,v*=1/day"), NOW, NOW + DAY, present)
    assert {(one.tags[0], one.size) for one in made} == {("pr-13", 200), ("v4.0.0", 5)}


def test_a_tag_that_comes_again_leaves_the_image_that_had_it() -> None:
    old, other = image("latest v1"), image("v0")
    new = image("latest v2")
    assert [one.tags for one in pushed_onto([old, other], [new])] == [
        ("v1",),
        ("v0",),
        ("latest", "v2"),
    ]


@given(st.integers(1, 40), st.integers(1, 20))
def test_a_rate_gives_as_many_as_it_says(per_day: int, days: int) -> None:
    made = pushes(parse_rates(f"main={per_day}/day"), NOW, NOW + days * DAY)
    assert abs(len(made) - per_day * days) <= 1
    assert len({tag for one in made for tag in one.tags}) == len(made)
