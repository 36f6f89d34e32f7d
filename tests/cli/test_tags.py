"""tags ls, show and protect against the embedded account."""

from __future__ import annotations

import pytest
from tests.cli.conftest import RunCli
from tests.embedded.aws_world import World, index_of

from longshore.embedded.stack import Stack


@pytest.fixture
def shop(account: World) -> World:
    account.client().create_repository(repositoryName="shop")
    return account


def test_ls(shop: World, cli: RunCli) -> None:
    assert cli("tags", "ls", "shop", "--json").json["tags"] == []
    digest = shop.push("shop", "one", "v1")
    shop.push("shop", "two", "main-abc1234")
    done = cli("tags", "ls", "shop")
    assert [line.split()[0] for line in done.out.splitlines()[2:4]] == ["main-abc1234", "v1"]
    assert digest[7:19] in done.out
    assert digest not in done.out
    listed = cli("tags", "ls", "shop", "--json").json["tags"]
    assert [(one["tag"], one["digest"]) for one in listed][1] == ("v1", digest)


def test_ls_by_the_registry_s_name(shop: World, cli: RunCli) -> None:
    shop.push("shop", "one", "v1")
    done = cli("tags", "ls", f"{shop.registry}/shop", "--json")
    assert done.code == 0, done.err
    assert [one["tag"] for one in done.json["tags"]] == ["v1"]


def test_ls_of_nothing(account: World, cli: RunCli) -> None:
    done = cli("tags", "ls", "nope", "--json")
    assert (done.code, done.json["code"]) == (1, "repository-not-found")


def test_show(shop: World, cli: RunCli) -> None:
    children = [shop.manifest("shop", name) for name in ("one", "two")]
    for child in children:
        shop.put("shop", child)
    digest = shop.put("shop", index_of(*children), "v1")
    document = cli("tags", "show", "shop:v1", "--json").json
    assert document["digest"] == digest
    assert document["tags"] == ["v1"]
    assert document["platforms"] == ["linux/amd64", "linux/arm64"]
    by_digest = cli("tags", "show", f"shop@{digest}", "--json").json
    assert by_digest["reference"] == f"shop@{digest}"
    assert "linux/amd64 linux/arm64" in cli("tags", "show", "shop:v1").out


def test_show_layers_and_referrers(shop: World, cli: RunCli) -> None:
    digest = shop.push("shop", "one", "v1")
    subject = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": digest,
        "size": len(shop.manifest("shop", "one")),
    }
    shop.push("shop", "sig", artifactType="application/vnd.example.signature", subject=subject)
    document = cli("tags", "show", "shop:v1", "--json").json
    assert len(document["layers"]) == 1
    assert [one["artifact_type"] for one in document["referrers"]] == [
        "application/vnd.example.signature"
    ]


@pytest.mark.parametrize("reference", ["shop:v9", "shop", "shop@sha256:" + "0" * 64])
def test_show_what_is_not_there(shop: World, cli: RunCli, reference: str) -> None:
    done = cli("tags", "show", reference, "--json")
    assert (done.code, done.json["code"]) == (1, "manifest-not-found")


def test_protect(shop: World, cli: RunCli) -> None:
    digest = shop.push("shop", "one", "v1")
    assert cli("tags", "protect", "shop", "v1").code == 3
    dry = cli("tags", "protect", "shop", "v1", "--dry-run", "--json").json
    assert (dry["protected_by"], dry["dry_run"]) == ("live-v1", True)
    done = cli("tags", "protect", "shop", "v1", "--as", "live-prod", "--yes", "--json")
    assert done.code == 0, done.err
    assert done.json["digest"] == digest
    (image,) = shop.client().describe_images(repositoryName="shop")["imageDetails"]
    assert (image["imageDigest"], sorted(image["imageTags"])) == (digest, ["live-prod", "v1"])
    again = cli("tags", "protect", "shop", "v1", "--as", "live-prod", "--json")
    assert (again.code, again.json["already"]) == (0, True)


def test_protect_never_takes_protection_from_another_image(shop: World, cli: RunCli) -> None:
    shop.push("shop", "one", "v1")
    digest = shop.push("shop", "two", "live-prod")
    done = cli("tags", "protect", "shop", "v1", "--as", "live-prod", "--yes", "--json")
    assert (done.code, done.json["code"]) == (3, "protecting-tag-taken")
    images = shop.client().describe_images(repositoryName="shop")["imageDetails"]
    tags = {image["imageDigest"]: image.get("imageTags") for image in images}
    assert tags[digest] == ["live-prod"]


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["shop", "v1", "--as", "v1"], "not-protecting"),
        (["shop", "v1", "--as", "keep-me"], "not-protecting"),
        (["shop", "v1", "--as", "live- x"], "tag-invalid"),
        (["shop", "v9"], "manifest-not-found"),
    ],
)
def test_protect_that_cannot_be(shop: World, cli: RunCli, argv: list[str], code: str) -> None:
    shop.push("shop", "one", "v1")
    done = cli("tags", "protect", *argv, "--yes", "--json")
    assert done.code in (1, 2)
    assert done.json["code"] == code


def test_the_embedded_hub_answers_for_docker_hub_and_says_so(stack: Stack, cli: RunCli) -> None:
    variables = stack.state.env()
    listed = cli("tags", "ls", "docker.io/library/alpine", **variables)
    assert listed.code == 0, listed.err
    assert f"answered by {stack.state.hub_registry}  EMBEDDED" in listed.out
    shown = cli("tags", "show", "docker.io/library/alpine:latest", "--json", **variables).json
    assert shown["mark"] == "EMBEDDED"
    assert shown["manifest_read"] is False
    assert "latest" in shown["tags"]


def test_docker_hub_s_manifests_are_read_only_when_told(stack: Stack, cli: RunCli) -> None:
    variables = stack.state.env()
    words = ("tags", "show", "docker.io/library/alpine:latest", "--json")
    assert cli(*words, **variables).json["platforms"] == []
    assert len(cli(*words, "--manifest", **variables).json["platforms"]) > 1
