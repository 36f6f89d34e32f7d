"""What an intent cannot do by ECR alone is said by plan, simulate and apply, and done by prune."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import RunCli
from tests.embedded.aws_world import World

TARGETS = (
    'version: 1\ntargets: {prod: {kind: ecr, account: "123456789012", region: ap-northeast-2}}\n'
)
UP_TO_20 = "production: up to 20 images, because v* and main-* carry no marker"
BY_PRUNE = "requests: `longshore lifecycle prune` does this, ECR cannot"


def config(lifecycle: str, rest: str = "") -> None:
    text = f"{TARGETS}{rest}\nrepositories: {{shop: {{lifecycle: {lifecycle}}}}}\n"
    Path("longshore.yaml").write_text(text)


@pytest.fixture
def shop(account: World) -> World:
    account.client().create_repository(repositoryName="shop")
    return account


def test_the_preset_without_markers_says_up_to_20(shop: World, cli: RunCli) -> None:
    config("{preset: standard}", "tags: {markers: none}")
    for words in (
        ("plan",),
        ("lifecycle", "simulate", "shop"),
        ("lifecycle", "apply", "shop", "--dry-run"),
        ("lifecycle", "apply", "shop", "--preset", "standard", "--dry-run"),
    ):
        done = cli(*words)
        assert done.code == 0, done.err
        assert UP_TO_20 in done.out + done.err
    assert UP_TO_20 in cli("lifecycle", "apply", "shop", "--dry-run", "--json").json["notes"]
    assert UP_TO_20 in cli("lifecycle", "simulate", "shop", "--json").json["policy"]["notes"]
    config("{preset: standard}")
    assert "up to" not in cli("plan").out


def test_an_intent_is_planned_with_what_prune_does(shop: World, cli: RunCli) -> None:
    config('{families: {requests: {tags: ["pr-*"], keep_newest: 1, per: pull-request}}}')
    done = cli("plan", "--json")
    assert done.code == 0, done.err
    assert any(one.startswith(f"ecr/lifecycle/shop: {BY_PRUNE}") for one in done.json["notes"])
    assert cli("lifecycle", "apply", "shop", "--yes").code == 0
    policy = json.loads(
        shop.client().get_lifecycle_policy(repositoryName="shop")["lifecyclePolicyText"]
    )
    assert policy["rules"][-1]["selection"]["tagPatternList"] == ["pr-*"]
    assert policy["rules"][-1]["selection"]["countNumber"] == 9999


@pytest.mark.parametrize(
    ("lifecycle", "said"),
    [
        ('{families: {a: {tags: ["v*"]}}}', "a: nothing is asked"),
        ('{families: {a: {tags: ["v*"], keep_for: 9}}}', "'9' is not a number of days or weeks"),
        ('{families: {a: {tags: ["v*"], keep_for: 0d}}}', "for example 90d or 12w"),
        ('{families: {A: {tags: ["v*"], keep_for: 9d}}}', "'A' is not a name for a family"),
        ('{families: {a: {tags: ["v*"], keep: 9}}}', "unknown key 'keep'"),
        ("{families: {a: {keep_newest: 9}}}", "the key 'tags' is missing"),
        ("{families: {a: {tags: [], keep_newest: 9}}}", "the list is empty"),
        ('{families: {a: {tags: ["v *"], keep_newest: 9}}}', "a tag pattern"),
        ('{families: {a: {tags: ["v*"], keep_newest: 1, per: day}}}', "'day'"),
        ("{families: {}}", "at least one entry is needed"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(cli: RunCli, lifecycle: str, said: str) -> None:
    config(lifecycle)
    done = cli("config", "check")
    assert done.code == 2
    assert "longshore.yaml:4:" in done.err
    assert said in done.err
