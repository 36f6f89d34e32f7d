"""Plan and apply against the embedded ECR, through the real SDK."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from longshore.embedded.stack import Stack
from longshore.errors import AwsError, RefusedError
from longshore.events import ChangeApplied, Event, Notice, StepStarted
from longshore.provision.actual import read_actual
from longshore.provision.apply import apply
from longshore.provision.changes import NO_LIMITS, Limits, Plan
from longshore.provision.config import parse_config
from longshore.provision.desired import desired
from longshore.provision.journal import Journal
from longshore.provision.plan import plan
from longshore.provision.resources import Actual, Desired
from longshore.remote.aws import AwsKeys, AwsOptions, open_session
from longshore.remote.ecr import Ecr

CONFIG = """\
version: 1
targets: {local: {kind: local}}
images: [{from: docker.io/acme/api}]
repositories:
  shop:
    mutability: {default: immutable, except: [latest, "pr-*", "live-*", "rollback-*"]}
    scan: on-push
    encryption: aes256
    lifecycle: {preset: standard}
    access: {push: ["210987654321"], pull: [runtime]}
    tags: {team: web}
  web:
    encryption: kms
    lifecycle: {keep: {"v*": 3}, untagged_days: 2}
registry: {blob_mounting: true}
"""


@pytest.fixture
def ecr(fresh_stack: Stack) -> Ecr:
    state = fresh_stack.state
    keys = AwsKeys(state.access_key, state.secret_key)
    session = open_session(
        AwsOptions(region=state.region, endpoint_url=state.aws_endpoint, keys=keys)
    )
    return Ecr(session)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "apply.jsonl") as made:
        yield made


def want(text: str = CONFIG) -> Desired:
    config = parse_config(text)
    return desired(config, config.target())


def made_plan(ecr: Ecr, text: str = CONFIG, limits: Limits = NO_LIMITS) -> Plan:
    wanted = want(text)
    return plan(wanted, read_actual(ecr, wanted), limits)


def bring_about(ecr: Ecr, journal: Journal, text: str = CONFIG, **limits: Any) -> list[Event]:
    given = Limits(**{name: frozenset(names) for name, names in limits.items()})
    return list(apply(made_plan(ecr, text, given), ecr, journal))


def rows(made: Plan) -> list[tuple[str, str]]:
    return [(change.resource, change.action) for change in made.changes]


def test_an_empty_registry_becomes_what_the_config_wants(ecr: Ecr, journal: Journal) -> None:
    first = made_plan(ecr)
    assert rows(first) == [
        ("ecr/account-setting/BLOB_MOUNTING", "update"),
        ("ecr/repository/acme/api", "create"),
        ("ecr/repository/shop", "create"),
        ("ecr/lifecycle/shop", "create"),
        ("ecr/repository-policy/shop", "create"),
        ("ecr/repository/web", "create"),
        ("ecr/lifecycle/web", "create"),
    ]
    events = list(apply(first, ecr, journal))
    assert events[:2] == [
        StepStarted("update", "ecr/account-setting/BLOB_MOUNTING"),
        ChangeApplied("ecr/account-setting/BLOB_MOUNTING", "update"),
    ]
    assert len(events) == 14
    (shop,) = ecr.describe_repositories(["shop"])
    assert shop.mutability == "IMMUTABLE_WITH_EXCLUSION"
    assert set(shop.exclusions) == {"latest", "pr-*", "live-*", "rollback-*"}
    assert shop.scan_on_push
    assert dict(ecr.list_tags_for_resource(shop.arn)) == {
        "longshore:managed": "true",
        "team": "web",
    }
    assert len(json.loads(ecr.get_lifecycle_policy("shop") or "")["rules"]) == 14
    (statement,) = json.loads(ecr.get_repository_policy("shop") or "")["Statement"]
    assert statement["Principal"] == {"AWS": ["arn:aws:iam::210987654321:root"]}
    assert ecr.describe_repositories(["web"])[0].encryption == "KMS"
    assert ecr.get_account_setting("BLOB_MOUNTING") == "ENABLED"


def test_a_second_plan_has_nothing_to_do(ecr: Ecr, journal: Journal) -> None:
    bring_about(ecr, journal)
    again = made_plan(ecr)
    assert again.changes == ()
    assert list(apply(again, ecr, journal)) == []


def test_drift_is_seen_and_set_right(ecr: Ecr, journal: Journal) -> None:
    bring_about(ecr, journal)
    ecr.put_image_tag_mutability("shop", "MUTABLE")
    ecr.put_image_scanning_configuration("shop", False)
    ecr.delete_lifecycle_policy("web")
    ecr.delete_repository_policy("shop")
    ecr.put_account_setting("BLOB_MOUNTING", "DISABLED")
    (shop,) = ecr.describe_repositories(["shop"])
    ecr.tag_resource(shop.arn, {"team": "other", "theirs": "kept"})
    drift = made_plan(ecr)
    assert rows(drift) == [
        ("ecr/account-setting/BLOB_MOUNTING", "update"),
        ("ecr/repository/shop", "update"),
        ("ecr/repository-policy/shop", "create"),
        ("ecr/lifecycle/web", "create"),
    ]
    assert set(drift.changes[1].diff) == {"mutability", "exclusions", "scan_on_push", "tags.team"}
    list(apply(drift, ecr, journal))
    assert made_plan(ecr).changes == ()
    assert dict(ecr.list_tags_for_resource(shop.arn))["theirs"] == "kept"


def test_a_repository_of_others_is_taken_over_and_another_one_never_touched(
    ecr: Ecr, journal: Journal
) -> None:
    ecr.create_repository("shop", tags={"theirs": "1"})
    ecr.create_repository("others")
    bring_about(ecr, journal)
    (shop, others) = ecr.describe_repositories(["shop", "others"])
    assert dict(ecr.list_tags_for_resource(shop.arn))["longshore:managed"] == "true"
    assert dict(ecr.list_tags_for_resource(shop.arn))["theirs"] == "1"
    assert others.mutability == "MUTABLE"
    assert ecr.list_tags_for_resource(others.arn) == ()


# --- killed anywhere


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def stop_after(ecr: Ecr, calls: int) -> Ecr:
    """The same ECR, whose changing calls end with a kill after so many."""
    left = [calls]

    def counted(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if not left[0]:
                raise Killed
            left[0] -= 1
            return method(*arguments, **named)

        return call

    stopping = Ecr(ecr.session)
    for name in dir(Ecr):
        if name.startswith(("put_", "set_", "create_", "delete_", "tag_")):
            setattr(stopping, name, counted(getattr(stopping, name)))
    return stopping


@pytest.mark.parametrize("calls", range(7))
def test_killed_after_any_call_the_next_run_does_the_rest(
    ecr: Ecr, tmp_path: Path, calls: int
) -> None:
    first = made_plan(ecr)
    with Journal(tmp_path / "j") as journal, pytest.raises(Killed):
        list(apply(first, stop_after(ecr, calls), journal))
    rest = made_plan(ecr)
    assert rest.changes == first.changes[calls:]
    with Journal(tmp_path / "j") as journal:
        assert len(journal.interrupted()) == 1
        list(apply(rest, ecr, journal))
        assert journal.interrupted() == ()
    assert made_plan(ecr).changes == ()


def test_a_create_whose_answer_was_lost_is_done_already(ecr: Ecr, journal: Journal) -> None:
    planned = made_plan(ecr)
    bring_about(ecr, journal)
    events = [one for one in apply(planned, ecr, journal) if isinstance(one, ChangeApplied)]
    assert [one.resource for one in events if one.already] == [
        "ecr/repository/acme/api",
        "ecr/repository/shop",
        "ecr/repository/web",
    ]


def test_a_repository_that_somebody_else_made_meanwhile_stops_the_plan(
    ecr: Ecr, journal: Journal
) -> None:
    planned = made_plan(ecr)
    ecr.create_repository("shop")
    with pytest.raises(RefusedError) as caught:
        list(apply(planned, ecr, journal))
    assert caught.value.code == "plan-stale"
    bring_about(ecr, journal)
    assert made_plan(ecr).changes == ()


# --- deleting and replacing

FEWER = CONFIG[: CONFIG.index("  web:")]


def put_an_image(stack: Stack, name: str) -> None:
    stack.ecr.put_manifest(
        name, b'{"schemaVersion": 2}', "application/vnd.oci.image.manifest.v1+json", "v1"
    )


def test_a_repository_that_left_the_config_is_kept_and_said(ecr: Ecr, journal: Journal) -> None:
    bring_about(ecr, journal)
    made = made_plan(ecr, FEWER)
    assert made.changes == ()
    assert [note.resource for note in made.notes if "--allow-delete web" in note.message] == [
        "ecr/repository/web"
    ]
    bring_about(ecr, journal, FEWER, allow_delete=["web", "shop"])
    assert {one.name for one in ecr.describe_repositories()} == {"shop", "acme/api"}


def test_images_stop_a_deletion(ecr: Ecr, journal: Journal, fresh_stack: Stack) -> None:
    bring_about(ecr, journal)
    put_an_image(fresh_stack, "web")
    with pytest.raises(RefusedError) as caught:
        bring_about(ecr, journal, FEWER, allow_delete=["web"])
    assert "--delete-images web" in caught.value.hint
    assert caught.value.what == "refused: web holds 1 images; they would be lost"
    assert ecr.describe_repositories(["web"])
    bring_about(ecr, journal, FEWER, allow_delete=["web"], delete_images=["web"])
    with pytest.raises(AwsError):
        ecr.describe_repositories(["web"])


def test_images_that_come_after_the_plan_stop_it_too(
    ecr: Ecr, journal: Journal, fresh_stack: Stack
) -> None:
    bring_about(ecr, journal)
    planned = made_plan(ecr, FEWER, Limits(allow_delete=frozenset({"web"})))
    put_an_image(fresh_stack, "web")
    with pytest.raises(AwsError) as caught:
        list(apply(planned, ecr, journal))
    assert caught.value.aws_code == "RepositoryNotEmptyException"


OTHER = CONFIG.replace("    encryption: kms\n", "    encryption: aes256\n")
OTHER = OTHER.replace('    lifecycle: {keep: {"v*": 3}, untagged_days: 2}\n', "")
REPLACE = {"allow_replace": ["web"], "delete_images": ["web"]}


def test_another_encryption_is_refused_and_then_made_anew_with_all_its_policies(
    ecr: Ecr, journal: Journal, fresh_stack: Stack
) -> None:
    bring_about(ecr, journal)
    put_an_image(fresh_stack, "web")
    before = ecr.get_lifecycle_policy("web")
    with pytest.raises(RefusedError) as caught:
        bring_about(ecr, journal, OTHER)
    assert "--allow-replace web --delete-images web" in caught.value.hint
    bring_about(ecr, journal, OTHER, **REPLACE)
    assert ecr.describe_repositories(["web"])[0].encryption == "AES256"
    assert json.loads(ecr.get_lifecycle_policy("web") or "") == json.loads(before or "")
    assert made_plan(ecr, OTHER).changes == ()


@pytest.mark.parametrize("calls", range(4))
def test_killed_while_replacing_nothing_of_the_settings_is_lost(
    ecr: Ecr, tmp_path: Path, calls: int
) -> None:
    with Journal(tmp_path / "j") as journal:
        bring_about(ecr, journal)
        (web,) = ecr.describe_repositories(["web"])
        ecr.tag_resource(web.arn, {"theirs": "kept"})
        ecr.put_image_scanning_configuration("web", True)
        before = json.loads(ecr.get_lifecycle_policy("web") or "")
        limits = Limits(frozenset(), frozenset({"web"}), frozenset({"web"}))
        with pytest.raises(Killed):
            list(apply(made_plan(ecr, OTHER, limits), stop_after(ecr, calls), journal))
    with Journal(tmp_path / "j") as journal:
        events = bring_about(ecr, journal, OTHER, **REPLACE)
        assert journal.interrupted() == ()
    assert any(isinstance(one, Notice) for one in events) == (calls in {1, 2})
    (web,) = ecr.describe_repositories(["web"])
    assert (web.encryption, web.scan_on_push) == ("AES256", True)
    assert dict(ecr.list_tags_for_resource(web.arn))["theirs"] == "kept"
    assert json.loads(ecr.get_lifecycle_policy("web") or "") == before
    assert made_plan(ecr, OTHER).changes == ()


# --- reading with few rights


class FewRights(Ecr):
    """An ECR whose caller may not list all repositories, nor read tags of others'."""

    def describe_repositories(self, names: Any = None) -> Any:
        if names is None:
            raise AwsError("no", code="access-denied")
        return super().describe_repositories(names)


def test_without_the_right_to_list_the_named_ones_are_still_planned(
    ecr: Ecr, journal: Journal
) -> None:
    few = FewRights(ecr.session)
    ecr.create_repository("others")
    assert rows(made_plan(few)) == rows(made_plan(ecr))
    list(apply(made_plan(few), few, journal))
    again = made_plan(few)
    assert again.changes == ()
    assert any("could not be listed" in note.message for note in again.notes)


def test_what_is_read_is_what_the_plan_needs(ecr: Ecr, journal: Journal) -> None:
    bring_about(ecr, journal)
    found = read_actual(ecr, replace(want(), resources=()))
    assert isinstance(found, Actual)
    assert set(found.repositories) == {"shop", "web", "acme/api"}
    assert found.images == {"shop": 0, "web": 0, "acme/api": 0}
    assert found.unread == 0
