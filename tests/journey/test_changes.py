"""Saved plans: what still may be carried out, and what the world has overtaken."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from longshore.errors import ConfigError, RefusedError
from longshore.journey.changes import (
    PlannedChange,
    WholePlan,
    parse_plan,
    refuse_stale,
    values_used,
)

HEAD = {"target": "prod", "kind": "ecr", "account": "1" * 12, "region": "r", "endpoint": None}


def change(resource: str, action: str = "create", **fields: object) -> PlannedChange:
    diff = {name: {"from": None, "to": value} for name, value in fields.items()}
    return PlannedChange(resource, action, "because", diff)


REPOSITORY = change("ecr/repository/a", mutability="IMMUTABLE", scan=True)
IMAGES = change("images/a", v1="sha256:1", v2="sha256:2")
PLAN = WholePlan(HEAD, (REPOSITORY, IMAGES), made_at="2026-11-23T00:00:00Z")


def test_a_plan_comes_back_from_its_file() -> None:
    again = parse_plan(json.dumps(PLAN.as_json()), "p.json")
    assert again.changes == PLAN.changes
    assert again.checksum == PLAN.checksum
    refuse_stale(again, PLAN)


def test_reasons_notes_and_times_do_not_count() -> None:
    other = replace(PLAN, notes=("x",), made_at="later", pulls=4)
    assert other.checksum == PLAN.checksum


@pytest.mark.parametrize(
    "spoil",
    [
        lambda found: found["changes"].pop(),
        lambda found: found["changes"][0]["diff"].clear(),
        lambda found: found["place"].update(account="2" * 12),
        lambda found: found.update(schema="longshore.other/1"),
        lambda found: found.pop("checksum"),
        lambda found: found.update(changes=3),
    ],
)
def test_a_plan_that_was_changed_by_hand_is_refused(spoil) -> None:
    document = json.loads(json.dumps(PLAN.as_json()))
    spoil(document)
    with pytest.raises(ConfigError) as caught:
        parse_plan(json.dumps(document), "p.json")
    assert caught.value.code == "bad-plan"


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "{", '"x"'])
def test_what_is_no_plan(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_plan(text, "p.json")


@pytest.mark.parametrize(
    "now",
    [
        (),
        (REPOSITORY,),
        (IMAGES,),
        (change("images/a", "update", v2="sha256:2"),),
        (change("ecr/repository/a", scan=True), IMAGES),
    ],
)
def test_the_rest_of_a_plan_may_go_on(now) -> None:
    refuse_stale(PLAN, replace(PLAN, changes=now))


@pytest.mark.parametrize(
    "now",
    [
        (change("ecr/repository/b"),),
        (change("ecr/repository/a", "delete", mutability="IMMUTABLE"),),
        (change("ecr/repository/a", mutability="MUTABLE"),),
        (change("images/a", v1="sha256:9"),),
        (change("images/a", v3="sha256:3"),),
    ],
)
def test_what_the_review_did_not_show_is_refused(now) -> None:
    with pytest.raises(RefusedError) as caught:
        refuse_stale(PLAN, replace(PLAN, changes=now))
    assert caught.value.code == "plan-stale"


def test_a_replaced_repository_may_be_half_done() -> None:
    saved = replace(PLAN, changes=(replace(REPOSITORY, action="replace"),))
    refuse_stale(saved, replace(PLAN, changes=(REPOSITORY,)))
    with pytest.raises(RefusedError):
        refuse_stale(saved, replace(PLAN, changes=(change("ecr/repository/a", scan=False),)))


def test_another_place_or_other_values_are_refused() -> None:
    with pytest.raises(RefusedError) as caught:
        refuse_stale(PLAN, replace(PLAN, head=HEAD | {"region": "other"}))
    assert caught.value.code == "plan-elsewhere"
    with pytest.raises(RefusedError):
        refuse_stale(PLAN, replace(PLAN, values="other"))


def test_values_of_variables_are_noticed_and_not_shown() -> None:
    text = "account: ${ACCOUNT}\nregion: ${REGION:-x}\n"
    one, two = values_used(text, {"ACCOUNT": "secret"}), values_used(text, {"ACCOUNT": "b"})
    assert one != two
    assert "secret" not in one
