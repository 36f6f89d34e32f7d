"""Comparing what ought to be with what is."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.errors import RefusedError
from longshore.facts import RepositorySeen
from longshore.policy.lifecycle.preset import canonical_text, standard_policy
from longshore.provision.access import policy_text, read_statements, statements_for
from longshore.provision.changes import Limits, Plan, refuse_unsafe
from longshore.provision.plan import plan
from longshore.provision.resources import (
    MANAGED,
    AccountSetting,
    Actual,
    Desired,
    LifecyclePolicy,
    Repository,
    RepositoryPolicy,
    Resource,
)
from longshore.provision.settings import Access, Expanded

from .worlds import KEY, NAMES, PLACE, POLICIES, STRANGE, actuals, carry_out, desires

STANDARD = canonical_text(standard_policy())
EVERYTHING = Limits(frozenset(NAMES), frozenset(NAMES), frozenset(NAMES))
SHOP = RepositorySeen("shop", "arn:shop", "uri", tags=(MANAGED,))


def wanted(*resources: Resource) -> Desired:
    return Desired(PLACE, resources)


def actual(*seen: RepositorySeen, **images: int | None) -> Actual:
    return Actual({one.name: one for one in seen}, images, {"BLOB_MOUNTING": "DISABLED"})


def rows(made: Plan) -> list[tuple[str, str]]:
    return [(change.resource, change.action) for change in made.changes]


# --- single cases


def test_a_new_repository_comes_before_what_hangs_on_it_and_settings_first() -> None:
    statements = statements_for(Access(pull=("123456789012",)), PLACE.region)
    made = plan(
        wanted(
            RepositoryPolicy("shop", statements),
            LifecyclePolicy("shop", STANDARD),
            Repository("shop", "IMMUTABLE_WITH_EXCLUSION", ("latest",), True, "AES256"),
            AccountSetting("BLOB_MOUNTING", "ENABLED"),
        ),
        actual(),
    )
    assert rows(made) == [
        ("ecr/account-setting/BLOB_MOUNTING", "update"),
        ("ecr/repository/shop", "create"),
        ("ecr/lifecycle/shop", "create"),
        ("ecr/repository-policy/shop", "create"),
    ]
    assert made.changes[0].diff == {"value": {"from": "DISABLED", "to": "ENABLED"}}
    assert made.changes[1].diff == {
        "mutability": {"from": None, "to": "IMMUTABLE_WITH_EXCLUSION"},
        "exclusions": {"from": None, "to": ["latest"]},
        "scan_on_push": {"from": None, "to": True},
        "encryption": {"from": None, "to": "AES256"},
        "tags.longshore:managed": {"from": None, "to": "true"},
    }
    assert made.changes[1].reason == "the repository does not exist"
    assert not made.refused


def test_drift_is_shown_field_by_field() -> None:
    seen = replace(SHOP, mutability="MUTABLE", scan_on_push=False, tags=(*SHOP.tags, ("x", "y")))
    made = plan(wanted(Repository("shop", "IMMUTABLE", (), True, "AES256")), actual(seen))
    (change,) = made.changes
    assert (change.action, change.reason) == (
        "update",
        "differs from the config: mutability, scan_on_push",
    )
    assert change.diff == {
        "mutability": {"from": "MUTABLE", "to": "IMMUTABLE"},
        "scan_on_push": {"from": False, "to": True},
    }


def test_a_repository_of_others_that_the_config_names_is_taken_over() -> None:
    made = plan(wanted(Repository("shop")), actual(replace(SHOP, tags=())))
    (change,) = made.changes
    assert change.reason == "exists already and is taken over"
    assert change.diff == {"tags.longshore:managed": {"from": None, "to": "true"}}


def test_what_the_config_does_not_say_is_left_alone() -> None:
    seen = replace(
        SHOP,
        mutability="IMMUTABLE",
        scan_on_push=True,
        encryption="KMS",
        lifecycle_policy=STANDARD,
        repository_policy=policy_text([STRANGE], ()),
    )
    assert plan(wanted(Repository("shop")), actual(seen)).changes == ()


def test_the_order_of_exclusions_does_not_count() -> None:
    seen = replace(SHOP, mutability="IMMUTABLE_WITH_EXCLUSION", exclusions=("pr-*", "latest"))
    want = Repository("shop", "IMMUTABLE_WITH_EXCLUSION", ("latest", "pr-*"))
    assert plan(wanted(want), actual(seen)).changes == ()


def lifecycle(before: str | None, after: str | None) -> Plan:
    return plan(
        wanted(Repository("shop"), LifecyclePolicy("shop", after)),
        actual(replace(SHOP, lifecycle_policy=before)),
    )


def test_a_lifecycle_is_compared_by_meaning_not_by_text() -> None:
    policy = standard_policy()
    policy["rules"].reverse()
    for rule in policy["rules"]:
        rule["selection"]["storageClass"] = "standard"
    assert lifecycle(json.dumps(policy, indent=1), STANDARD).changes == ()


def test_a_changed_rule_is_named() -> None:
    policy = standard_policy()
    policy["rules"][7]["selection"]["countNumber"] = 20
    del policy["rules"][8]
    (change,) = lifecycle(json.dumps(policy), STANDARD).changes
    assert (change.action, change.reason) == (
        "update",
        "differs from the config: rules.8, rules.9",
    )
    assert change.diff["rules.8"]["from"]["selection"]["countNumber"] == 20
    assert change.diff["rules.8"]["to"]["selection"]["countNumber"] == 10
    assert change.diff["rules.9"]["from"] is None


def test_a_lifecycle_can_be_taken_away_and_needs_no_flag() -> None:
    made = lifecycle(STANDARD, None)
    assert rows(made) == [("ecr/lifecycle/shop", "delete")]
    assert made.refused == ()
    assert lifecycle(None, None).changes == ()


def test_a_lifecycle_that_cannot_be_read_is_replaced_whole() -> None:
    (change,) = lifecycle("{", STANDARD).changes
    assert change.diff == {"text": {"from": "{", "to": STANDARD}}


def access(before: str | None, config: Access) -> Plan:
    return plan(
        wanted(Repository("shop"), RepositoryPolicy("shop", statements_for(config, PLACE.region))),
        actual(replace(SHOP, repository_policy=before)),
    )


def test_statements_of_others_are_kept() -> None:
    (change,) = access(policy_text([STRANGE], ()), Access(pull=("123456789012",))).changes
    assert change.action == "update"
    assert list(change.diff) == ["statements.LongshorePull"]
    assert isinstance(change.wanted, RepositoryPolicy)
    statements = read_statements(change.wanted.text) or []
    assert [one["Sid"] for one in statements] == ["Theirs", "LongshorePull"]
    assert statements[1]["Principal"] == {"AWS": ["arn:aws:iam::123456789012:root"]}


def test_our_statements_go_when_the_config_grants_nothing_any_more() -> None:
    ours = statements_for(Access(push=("123456789012",)), PLACE.region)
    (change,) = access(policy_text([], ours), Access()).changes
    assert change.action == "delete"
    (change,) = access(policy_text([STRANGE], ours), Access()).changes
    assert change.action == "update"


def test_how_iam_writes_a_policy_does_not_count() -> None:
    config = Access(pull=("123456789012", "arn:aws:iam::210987654321:role/app"))
    (ours,) = statements_for(config, PLACE.region)
    document = ours.document()
    document["Principal"]["AWS"].reverse()
    document["Action"].reverse()
    before = json.dumps({"Statement": document, "Version": "2012-10-17"}, indent=1)
    assert access(before, config).changes == ()


def test_a_policy_that_cannot_be_read_is_left_alone_and_said() -> None:
    made = access("{", Access(pull=("123456789012",)))
    assert made.changes == ()
    assert [note.message for note in made.notes] == [
        "the policy there cannot be read; it is left as it is"
    ]


# --- deleting and replacing


def test_unlisted_repositories_are_kept_and_said() -> None:
    others = replace(SHOP, name="others", tags=())
    made = plan(wanted(), actual(SHOP, others, shop=0))
    assert made.changes == ()
    (note,) = made.notes
    assert note.resource == "ecr/repository/shop"
    assert "--allow-delete shop" in note.message


def test_a_named_one_is_deleted_when_it_is_empty() -> None:
    limits = Limits(allow_delete=frozenset({"shop", "others"}))
    others = replace(SHOP, name="others", tags=())
    made = plan(wanted(), actual(SHOP, others, shop=0, others=0), limits)
    assert rows(made) == [("ecr/repository/shop", "delete")]
    assert made.refused == ()
    refuse_unsafe(made)


@pytest.mark.parametrize(
    ("images", "reason"),
    [(3, "shop holds 3 images"), (None, "shop may hold images")],
)
def test_images_stop_a_deletion_until_the_flag_names_them(images: int | None, reason: str) -> None:
    limits = Limits(allow_delete=frozenset({"shop"}))
    made = plan(wanted(), actual(SHOP, shop=images), limits)
    with pytest.raises(RefusedError) as caught:
        refuse_unsafe(made)
    assert caught.value.code == "unsafe-plan"
    assert caught.value.exit_code == 3
    assert caught.value.what.startswith(f"refused: {reason}")
    assert "--delete-images shop" in caught.value.hint
    given = replace(limits, delete_images=frozenset({"shop"}))
    refuse_unsafe(plan(wanted(), actual(SHOP, shop=images), given))


def test_a_listed_repository_is_not_deleted_whatever_the_flags() -> None:
    assert plan(wanted(Repository("shop")), actual(SHOP, shop=0), EVERYTHING).changes == ()


def test_another_encryption_means_another_repository() -> None:
    seen = replace(
        SHOP,
        mutability="IMMUTABLE",
        scan_on_push=True,
        tags=(*SHOP.tags, ("theirs", "1")),
        lifecycle_policy=STANDARD,
        repository_policy=policy_text([STRANGE], ()),
    )
    made = plan(wanted(Repository("shop", encryption="KMS")), actual(seen, shop=3))
    assert rows(made) == [
        ("ecr/repository/shop", "replace"),
        ("ecr/lifecycle/shop", "create"),
        ("ecr/repository-policy/shop", "create"),
    ]
    whole = made.changes[0].wanted
    assert isinstance(whole, Repository)
    assert (whole.mutability, whole.scan_on_push) == ("IMMUTABLE", True)
    assert ("theirs", "1") in whole.tags
    assert made.changes[0].diff["encryption"] == {"from": "AES256", "to": "KMS"}
    assert [refusal.flag for refusal in made.refused] == [
        "--allow-replace shop",
        "--delete-images shop",
    ]


@pytest.mark.parametrize(
    ("key", "seen_key", "replaced"),
    [
        (None, KEY, False),
        (KEY, KEY, False),
        ("1111", KEY, False),
        ("2222", KEY, True),
        ("alias/images", KEY, False),
    ],
)
def test_kms_keys(key: str | None, seen_key: str, replaced: bool) -> None:
    seen = replace(SHOP, encryption="KMS", kms_key=seen_key)
    made = plan(wanted(Repository("shop", encryption="KMS", kms_key=key)), actual(seen, shop=0))
    assert [change.action for change in made.changes] == (["replace"] if replaced else [])
    assert bool(made.notes) == (key == "alias/images")


@pytest.mark.parametrize(
    ("unread", "words"), [(7, "7 other repositories"), (None, "could not be listed")]
)
def test_what_was_not_looked_at_is_said(unread: int | None, words: str) -> None:
    made = plan(wanted(), Actual(unread=unread))
    assert words in made.notes[0].message


# --- the checksum, and what is shown


def test_the_checksum_depends_on_the_place_and_the_changes() -> None:
    one = plan(wanted(Repository("shop")), actual())
    assert one.checksum == plan(wanted(Repository("shop")), actual()).checksum
    other_place = Desired(replace(PLACE, account="210987654321"), (Repository("shop"),))
    others = [
        plan(other_place, actual()),
        plan(wanted(Repository("shop", "IMMUTABLE")), actual()),
        plan(wanted(), actual()),
    ]
    assert len({one.checksum, *(other.checksum for other in others)}) == 4


def test_variables_are_not_filled_in_where_a_plan_is_shown_but_count_in_the_checksum() -> None:
    def made(value: str) -> Plan:
        name, team = Expanded(value, "${NAME}"), Expanded(value, "${TEAM}")
        return plan(wanted(Repository(name, tags=(MANAGED, ("team", team)))), actual())

    (change,) = made("secret-a").changes
    assert change.resource == "ecr/repository/${NAME}"
    assert change.as_json()["diff"]["tags.team"] == {"from": None, "to": "${TEAM}"}
    assert "secret-a" not in json.dumps(change.as_json())
    assert made("secret-a").checksum != made("secret-b").checksum


# --- properties


@given(desires(), actuals())
def test_nothing_is_left_to_do_after_the_plan(want: Desired, now: Actual) -> None:
    first = plan(want, now, EVERYTHING)
    after = carry_out(first, now)
    assert plan(want, after, EVERYTHING).changes == ()
    assert plan(want, now, EVERYTHING) == first


@given(desires(), actuals(), st.data())
def test_order_does_not_matter(want: Desired, now: Actual, data: st.DataObject) -> None:
    shuffled = replace(want, resources=tuple(data.draw(st.permutations(want.resources))))
    names = data.draw(st.permutations(list(now.repositories)))
    other = replace(now, repositories={name: now.repositories[name] for name in names})
    assert plan(shuffled, other, EVERYTHING) == plan(want, now, EVERYTHING)
    assert plan(shuffled, other).checksum == plan(want, now).checksum


@given(desires(), actuals(), st.integers(0, 30))
def test_stopped_anywhere_the_rest_is_a_part_of_the_plan(
    want: Desired, now: Actual, stop: int
) -> None:
    first = plan(want, now, EVERYTHING)
    done = replace(first, changes=first.changes[:stop])
    rest = plan(want, carry_out(done, now), EVERYTHING)
    left = {change.resource: change for change in first.changes[stop:]}
    assert {change.resource for change in rest.changes} <= set(left)
    for change in rest.changes:
        planned: dict[str, Any] = {k: v["to"] for k, v in left[change.resource].diff.items()}
        assert {name: value["to"] for name, value in change.diff.items()}.items() <= planned.items()


@given(desires(), actuals())
def test_without_flags_nothing_is_deleted_and_others_are_never_touched(
    want: Desired, now: Actual
) -> None:
    made = plan(want, now)
    named = {resource.name for resource in want.resources}
    assert {change.name for change in made.changes} <= named
    assert not [c for c in made.changes if (c.kind, c.action) == ("repository", "delete")]
    replaced = {change.resource for change in made.changes if change.action == "replace"}
    assert replaced <= {refusal.resource for refusal in made.refused}


@given(desires(), actuals())
def test_images_are_only_given_up_by_name(want: Desired, now: Actual) -> None:
    limits = replace(EVERYTHING, delete_images=frozenset())
    made = plan(want, now, limits)
    gone = [c for c in made.changes if c.kind == "repository" and c.action != "create"]
    for change in gone:
        if change.action in {"delete", "replace"} and now.images.get(change.name) != 0:
            assert change.resource in {refusal.resource for refusal in made.refused}


@given(desires(), actuals())
def test_statements_of_others_survive(want: Desired, now: Actual) -> None:
    after = carry_out(plan(want, now, replace(EVERYTHING, allow_delete=frozenset())), now)
    for name, seen in now.repositories.items():
        had = [s for s in read_statements(seen.repository_policy) or [] if s == STRANGE]
        has = read_statements(after.repositories[name].repository_policy) or []
        assert [s for s in has if s == STRANGE] == had


def test_the_policies_of_the_model_differ() -> None:
    assert len(set(POLICIES)) == 3
