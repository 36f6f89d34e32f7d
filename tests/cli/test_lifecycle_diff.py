"""lifecycle diff: rules, images, the gate, where policies come from."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import RunCli
from tests.cli.test_lifecycle_simulate import (
    AT,
    CONFIG,
    fill,
    newest,
    untagged,
    write_images,
    write_policy,
)
from tests.embedded.aws_world import World

IMAGES = ("--images", "images.json", "--at", AT)


@pytest.fixture
def two(cli: RunCli) -> RunCli:
    """old.json keeps two releases, new.json one, and lets untagged images stay longer."""
    write_policy(newest("v*", 2), untagged(7))
    Path("policy.json").rename("old.json")
    write_policy(newest("v*", 1), untagged(15))
    Path("policy.json").rename("new.json")
    write_images(("v1", "01"), ("v2", "02"), ("v3", "03"), ("", "10"), ("", "20"))
    return cli


def test_images(two: RunCli) -> None:
    found = two("lifecycle", "diff", "old.json", "new.json", *IMAGES, "--json").json
    assert found["schema"] == "longshore.lifecycle.diff/1"
    assert [one["change"] for one in found["rules"]] == ["changed", "changed"]
    told = {one["digest"][-1]: one["change"] for one in found["images"]}
    assert told == {
        "1": "newly-expired",
        "2": "sooner",
        "3": "no-longer-expired",
        "4": "later",
    }
    later = found["images"][-1]
    assert later["old"]["earliest_at"] == "2026-11-27T00:00:00Z"
    assert later["new"]["earliest_at"] == "2026-12-05T00:00:00Z"
    assert found["counts"]["newly-expired"] == 1


def test_the_screen(two: RunCli) -> None:
    done = two("lifecycle", "diff", "old.json", "new.json", *IMAGES)
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[:6] == [
        "--- old.json",
        "+++ new.json",
        "- rule 1 keeps the 2 newest of v*",
        "+ rule 1 keeps the newest of v*",
        "- rule 2 expires untagged images pushed more than 7 days ago",
        "+ rule 2 expires untagged images pushed more than 15 days ago",
    ]
    assert "EXPIRES NOW, stayed before: 1" in lines
    assert any("stays until the next push (rule 1)" in line for line in lines)


@pytest.mark.parametrize(
    ("words", "code"), [(("old.json", "new.json"), 3), (("new.json", "new.json"), 0)]
)
def test_the_gate(two: RunCli, words: tuple[str, str], code: int) -> None:
    done = two("lifecycle", "diff", *words, *IMAGES, "--exit-code")
    assert done.code == code
    assert two("lifecycle", "diff", *words, *IMAGES, "--exit-code", "--json").code == code
    assert two("lifecycle", "diff", *words, *IMAGES).code == 0
    if code:
        assert "lifecycle-expires-more" in done.err
        assert "rule 1 keeps the newest of v*; this is the 2nd" in done.err


def test_the_gate_answers_with_one_object(two: RunCli) -> None:
    done = two("lifecycle", "diff", "old.json", "new.json", *IMAGES, "--exit-code", "--json")
    assert done.json["counts"]["newly-expired"] == 1


def test_the_gate_needs_images(two: RunCli) -> None:
    done = two("lifecycle", "diff", "old.json", "new.json", "--exit-code", "--json")
    assert (done.code, done.json["code"]) == (2, "usage")


def test_rules_alone(two: RunCli) -> None:
    done = two("lifecycle", "diff", "old.json", "new.json")
    assert done.code == 0
    assert "no images to compare with" in done.out
    assert two("lifecycle", "diff", "old.json", "old.json", "--json").json["images"] == []


def test_another_place(two: RunCli) -> None:
    write_policy(untagged(7), newest("v*", 2))
    done = two("lifecycle", "diff", "old.json", "policy.json", *IMAGES)
    assert "another place: it was rule" in done.out
    assert "the same for all 5 images" in done.out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("preset:none", "old.json"), "no-policy"),
        (("old.json", "nothing.json"), "file"),
        (("-", "-"), "usage"),
        (("config:shop", "old.json"), "config-not-found"),
    ],
)
def test_bad_words(two: RunCli, words: tuple[str, str], code: str) -> None:
    done = two("lifecycle", "diff", *words, "--json")
    assert done.code in (1, 2)
    assert done.json["code"] == code


def test_what_is_in_force_against_the_preset_and_the_file(account: World, cli: RunCli) -> None:
    fill(account)
    found = cli("lifecycle", "diff", "live:shop", "preset:standard", "--at", "+3d", "--json").json
    assert (found["repository"], found["counts"]["images"]) == ("shop", 5)
    assert found["place"]["mark"] == "EMBEDDED"
    assert found["next"] == "longshore lifecycle apply shop --dry-run --preset standard"
    Path("longshore.yaml").write_text(CONFIG)
    config = cli("lifecycle", "diff", "live:shop", "config:shop", "--at", "+3d", "--json").json
    assert [one["change"] for one in config["rules"]] == [one["change"] for one in found["rules"]]
    done = cli("lifecycle", "diff", "live:shop", "config:other", "--json")
    assert (done.code, done.json["code"]) == (2, "no-policy")


def test_two_files_over_a_repository(account: World, cli: RunCli) -> None:
    fill(account)
    write_policy(newest("v*", 1))
    done = cli("lifecycle", "diff", "live:shop", "policy.json", "shop", "--exit-code")
    assert done.code == 3
    assert "v1" in done.err


def test_a_repository_without_a_policy_is_where_nothing_goes(account: World, cli: RunCli) -> None:
    account.client().create_repository(repositoryName="bare")
    manifest = account.manifest("bare", "one").decode()
    account.client().put_image(repositoryName="bare", imageManifest=manifest)
    asked = ("lifecycle", "diff", "live:bare", "preset:standard", "--at", "+3d", "--exit-code")
    done = cli(*asked, "--json")
    assert done.code == 3
    assert done.json["counts"]["newly-expired"] == 1
