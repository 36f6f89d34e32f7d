"""A plan as text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from longshore.facts import RepositorySeen
from longshore.policy.lifecycle.preset import canonical_text, standard_policy
from longshore.provision.changes import Limits
from longshore.provision.plan import plan
from longshore.provision.render import plain, render_plan
from longshore.provision.resources import (
    MANAGED,
    Actual,
    Desired,
    LifecyclePolicy,
    Place,
    Repository,
)

from .worlds import PLACE, actuals, desires


def test_a_whole_plan() -> None:
    policy = standard_policy()
    policy["rules"][7]["selection"]["countNumber"] = 20
    seen = RepositorySeen(
        "shop", "arn", "uri", tags=(MANAGED,), lifecycle_policy=canonical_text(policy)
    )
    old = RepositorySeen("old", "arn", "uri", tags=(MANAGED,))
    want = Desired(
        PLACE,
        (
            Repository("api", "IMMUTABLE", (), True),
            Repository("shop", scan_on_push=True),
            LifecyclePolicy("shop", canonical_text(standard_policy())),
        ),
    )
    made = plan(
        want,
        Actual({"shop": seen, "old": old}, {"old": 2}),
        Limits(allow_delete=frozenset({"old"})),
    )
    assert (
        render_plan(made)
        == f"""\
Target prod: account 123456789012, region ap-northeast-2

+ ecr/repository/api   (the repository does not exist)
    mutability: IMMUTABLE
    scan_on_push: true
    tags.longshore:managed: true

- ecr/repository/old   (the config no longer names it, and --allow-delete does)
    images: 2 -> 0

~ ecr/repository/shop   (differs from the config: scan_on_push)
    scan_on_push: false -> true

~ ecr/lifecycle/shop   (differs from the config: rules.8)
    rules.8: v*: expire all but the 20 newest -> v*: expire all but the 10 newest

! ecr/repository/old: old holds 2 images; they would be lost (--delete-images old)

Plan: 1 to create, 2 to update, 1 to delete. Checksum {made.checksum[:19]}
"""
    )


def test_an_empty_plan_says_so() -> None:
    text = render_plan(
        plan(Desired(Place("local", "local", "1", "r", "http://127.0.0.1:1")), Actual())
    )
    assert text == (
        "Target local EMBEDDED: account 1, region r\nEndpoint http://127.0.0.1:1\n\n"
        "Nothing to do: what is there is what the config wants.\n"
    )


def test_control_and_direction_characters_do_not_reach_the_terminal() -> None:
    assert plain("a\x1b[31mb\u202ec\nd\u2028e\x9b") == "a?[31mb?c?d?e?"
    evil = RepositorySeen("shop", "arn", "uri", mutability="\x1b[2J", tags=(MANAGED,))
    text = render_plan(
        plan(Desired(PLACE, (Repository("shop", "MUTABLE"),)), Actual({"shop": evil}))
    )
    assert "\x1b" not in text


@given(desires(), actuals())
def test_every_change_refusal_and_note_is_shown(want: Desired, now: Actual) -> None:
    made = plan(want, now)
    text = render_plan(made)
    for change in made.changes:
        assert f" {change.resource}   (" in text
        assert all(f"    {field}: " in text for field in change.diff)
    assert all(refusal.flag in text for refusal in made.refused)
    assert all(note.message in text for note in made.notes)


@given(st.text())
def test_plain_text_is_one_line(text: str) -> None:
    assert len(plain(text).splitlines()) <= 1
    assert len(plain(text)) == len(text)
