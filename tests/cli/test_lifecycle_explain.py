"""lifecycle explain: names of images, each rule's word, relations, what is wrong with a name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import RunCli
from tests.cli.test_lifecycle_simulate import AT, fill, newest, untagged, write_images, write_policy
from tests.embedded.aws_world import World

FILES = ("--policy", "policy.json", "--images", "images.json", "--at", AT)
SECOND = f"sha256:{1:064x}"


@pytest.fixture
def saved(cli: RunCli) -> RunCli:
    """Three releases, one of them live, and two untagged images."""
    write_policy(newest("live-*", 9999), newest("v*", 1), untagged(7))
    write_images(("v1 live-prod", "01"), ("v2", "02"), ("v3", "03"), ("", "10"), ("", "20"))
    return cli


def test_an_image_that_goes(saved: RunCli) -> None:
    found = saved("lifecycle", "explain", "v2", *FILES, "--json").json
    assert found["schema"] == "longshore.lifecycle.explain/1"
    assert (found["at"], found["action"], found["rule"]) == (AT, "expire", 2)
    assert found["reason"] == "rule 2 keeps the newest of v*; this is the 2nd"
    assert found["image"]["digest"] == SECOND
    assert found["earliest"]["kind"] == "now"
    assert [one["role"] for one in found["rules"]] == ["no-match", "decides", "no-match"]
    decides = found["rules"][1]
    assert decides["matched"] == [{"pattern": "v*", "tag": "v2"}]
    assert (decides["rank"], decides["among"]) == (2, 3)


def test_an_image_that_its_tag_saves(saved: RunCli) -> None:
    found = saved("lifecycle", "explain", "live-prod", *FILES, "--json").json
    assert (found["action"], found["rule"]) == ("keep", 1)
    assert found["moving_tags"] == ["live-prod"]
    assert found["without_them"]["action"] == "expire"
    assert found["rules"][1]["shielded_by"] == 1
    words = saved("lifecycle", "explain", "v1", *FILES).out
    assert "IT STAYS: rule 1" in words
    assert "never in practice" in words
    assert "only live-prod saves it: without, rule 2 keeps the newest of v*" in words
    assert "may not act: rule 1 comes first" in words


def test_an_image_that_goes_later(saved: RunCli) -> None:
    words = saved("lifecycle", "explain", f"{4:064x}", *FILES)
    assert words.code == 0, words.err
    assert "it goes: not before 2026-11-27 00:00 UTC" in words.out
    assert "DECIDES: pushed 3 days ago, limit 7 days" in words.out


def test_with_more_pushes(saved: RunCli) -> None:
    write_policy(newest("v*", 5))
    assert "it goes: after 5 more pushes of v*" in saved("lifecycle", "explain", "v3", *FILES).out


@pytest.mark.parametrize("name", ["v2", SECOND, f"anything@{SECOND}", "shop:v2"])
def test_names_in_a_listing(saved: RunCli, name: str) -> None:
    assert saved("lifecycle", "explain", name, *FILES, "--json").json["image"]["digest"] == SECOND


@pytest.mark.parametrize(
    ("name", "hint"),
    [("v22", "did you mean v2?"), ("zzz", "hex digits"), ("0000000", "write more of the digest")],
)
def test_names_that_mean_nothing_or_too_much(saved: RunCli, name: str, hint: str) -> None:
    done = saved("lifecycle", "explain", name, *FILES, "--json")
    assert (done.code, done.json["code"]) == (2, "no-such-image")
    assert hint in done.json["hint"]


def test_doubts_of_this_image_only(saved: RunCli) -> None:
    write_images(("v1", "01"), ("v2", "03"), ("v3", "03"))
    assert saved("lifecycle", "explain", "v1", *FILES, "--json").json["open_points"] == []
    (point,) = saved("lifecycle", "explain", "v2", *FILES, "--json").json["open_points"]
    assert point["point"] == "ties"
    words = saved("lifecycle", "explain", "v2", *FILES).out
    assert "which of two images pushed in the same instant" in words
    assert "taken here: lower-digest-is-newer" in words


# --- a repository --------------------------------------------------------------------------------


def test_an_index_and_what_it_holds(account: World, cli: RunCli) -> None:
    fill(account)
    details = account.client().describe_images(repositoryName="shop")["imageDetails"]
    parts = [one["imageDigest"] for one in details if not one.get("imageTags")]
    index = cli("lifecycle", "explain", "shop:v2", "--json").json
    assert index["repository"] == "shop"
    held = [
        found
        for digest in parts
        if (found := cli("lifecycle", "explain", f"shop@{digest}", "--at", "+3d", "--json").json)
        and found["indexes"]
    ]
    assert len(held) == 2
    assert held[0]["indexes"][0]["tags"] == ["v2"]
    assert held[0]["earliest"] == {
        "kind": "index",
        "at": None,
        "pushes": None,
        "rule": 2,
        "other": index["image"]["digest"],
        "sentence": held[0]["earliest"]["sentence"],
    }
    digest = held[0]["image"]["digest"]
    words = cli("lifecycle", "explain", f"shop@{digest[:14]}", "--at", "+3d").out
    assert "index that names it" in words
    assert "it holds 2 manifests" in cli("lifecycle", "explain", "shop:v2").out


def test_full_references(account: World, cli: RunCli) -> None:
    fill(account)
    done = cli("lifecycle", "explain", f"{account.registry}/shop:v1", "--json")
    assert done.json["image"]["tags"] == ["v1"], done.err
    assert done.json["next"] == "longshore lifecycle simulate shop"
    done = cli("lifecycle", "explain", "docker.io/library/shop:v1", "--json")
    assert (done.code, done.json["code"]) == (2, "no-such-image")
    assert account.registry in done.json["message"]


def test_a_tag_that_is_not_there(account: World, cli: RunCli) -> None:
    fill(account)
    done = cli("lifecycle", "explain", "shop:v11", "--json")
    assert (done.code, done.json["code"]) == (1, "manifest-not-found")
    assert done.json["hint"] == "did you mean shop:v1?"
    done = cli("lifecycle", "explain", "shop", "--json")
    assert "latest" in done.json["message"]


def test_a_digest_needs_a_repository(account: World, cli: RunCli) -> None:
    done = cli("lifecycle", "explain", SECOND, "--json")
    assert (done.code, done.json["code"]) == (2, "no-such-image")


def test_archived_images_have_rules_of_their_own(cli: RunCli) -> None:
    write_policy(
        newest("v*", 9),
        (
            {
                "tagStatus": "any",
                "storageClass": "archive",
                "countType": "sinceImageTransitioned",
                "countUnit": "days",
                "countNumber": 90,
            },
            "expire",
        ),
    )
    write_images(("v1", "01"), imageStatus="ARCHIVED", lastArchivedAt="2026-11-20T00:00:00Z")
    document = json.loads(Path("images.json").read_text())
    assert document["imageDetails"][0]["imageStatus"] == "ARCHIVED"
    found = cli("lifecycle", "explain", "v1", *FILES, "--json").json
    assert [one["role"] for one in found["rules"]] == ["other-storage", "decides"]
    assert found["earliest"]["at"] == "2027-02-18T00:00:00Z"
