"""tags compute --repository: what an embedded ECR has already, and what follows from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Done, RunCli
from tests.embedded.aws_world import OCI, World, descriptor, digest_of, index_of

SHA = "abc1234def5678abc1234def5678abc1234def56"
OTHER = "abc1234d0000000000000000000000000000000f"
REVISION = "org.opencontainers.image.revision"
SHOP = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/shop"


@pytest.fixture
def shop(account: World) -> World:
    account.client().create_repository(repositoryName="shop", imageTagMutability="IMMUTABLE")
    return account


def labelled(world: World, revision: str) -> bytes:
    """An image whose config has the label, as `docker build --label` writes it."""
    config = json.dumps({"os": "linux", "config": {"Labels": {REVISION: revision}}}).encode()
    world.layer("shop", config)
    wanted = descriptor("application/vnd.oci.image.config.v1+json", config)
    return world.manifest("shop", revision or "none", config=wanted)


def ask(cli: RunCli, ref: str = "refs/heads/main", *more: str, **environ: str) -> Done:
    at = ("--event", "push", "--ref", ref, "--sha", SHA, "--repository", "shop", "--json")
    return cli("tags", "compute", *at, *more, **environ)


def test_nothing_is_there(shop: World, cli: RunCli, tmp_path: Path) -> None:
    found = ask(cli, "refs/heads/main", "--image", SHOP, GITHUB_OUTPUT=str(tmp_path / "o")).json
    assert (found["exists"], found["digest"], found["after"]) == ([], None, ["latest"])
    assert found["releases_from"] == "registry"
    assert "exists=false\ndigest=\n" in (tmp_path / "o").read_text()


@pytest.mark.parametrize("kind", ["label", "annotation", "index", "none"])
def test_the_same_commit_is_there(shop: World, cli: RunCli, tmp_path: Path, kind: str) -> None:
    content = labelled(shop, SHA if kind in ("label", "index") else "")
    if kind == "annotation":
        content = shop.manifest("shop", "annotated", annotations={REVISION: SHA})
    if kind == "index":
        shop.put("shop", content)
        content = index_of(content)
    digest = shop.put("shop", content, "main-abc1234")
    found = ask(cli, "refs/heads/main", "--image", SHOP, GITHUB_OUTPUT=str(tmp_path / "o")).json
    revision = None if kind == "none" else SHA
    assert found["exists"] == [{"tag": "main-abc1234", "digest": digest, "revision": revision}]
    assert (found["digest"], found["after"]) == (digest, ["latest"])
    assert [one["code"] for one in found["hazards"]] == (
        ["commit-not-named"] if kind == "none" else []
    )
    written = (tmp_path / "o").read_text()
    assert f"exists=true\ndigest={digest}\n" in written
    assert (
        written.partition("build<<")[2].splitlines()[0]
        == (written.partition("build<<")[2].splitlines()[1])
    ), "nothing is to be built"


def test_a_tag_that_the_first_run_left_out_is_put_on(shop: World, cli: RunCli) -> None:
    Path("longshore.yaml").write_text(
        'version: 1\ntargets: {prod: {kind: ecr, account: "123456789012", '
        "region: ap-northeast-2}}\ntags: {markers: all}\n"
    )
    digest = shop.put("shop", labelled(shop, SHA), "prod-main-abc1234")
    found = ask(cli).json
    assert (found["digest"], found["after"]) == (digest, ["main-abc1234", "latest"])


def test_another_commit_under_the_short_tag(shop: World, cli: RunCli) -> None:
    """Two commits begin alike: the tag grows until it is this one's."""
    shop.put("shop", labelled(shop, OTHER), "main-abc1234")
    found = ask(cli).json
    assert (found["tags"][0], found["exists"]) == (f"main-{SHA[:9]}", [])
    assert SHA[:9] in found["reasons"][found["tags"][0]]


def test_a_version_of_another_commit_is_refused(shop: World, cli: RunCli) -> None:
    shop.put("shop", labelled(shop, OTHER), "v2.0.0")
    done = ask(cli, "refs/tags/v2.0.0")
    assert (done.code, done.json["code"]) == (3, "tag-of-another-commit")
    assert OTHER in done.json["message"]
    assert done.json["where"]["resource"] == "shop:v2.0.0"


def test_a_second_nightly_of_a_day(shop: World, cli: RunCli) -> None:
    at = ("--event", "schedule", "--ref", "main", "--sha", SHA, "--repository", "shop",
          "--at", "2026-11-23T04:00:00Z", "--json")  # fmt: skip
    assert cli("tags", "compute", *at).json["tags"] == ["nightly-20261123"]
    shop.put("shop", labelled(shop, "f" * 40), "nightly-20261123")
    assert cli("tags", "compute", *at).json["tags"] == ["nightly-20261123-abc1234"]


def test_versions_come_from_the_registry_where_git_has_none(shop: World, cli: RunCli) -> None:
    for tag in ("v2.0.0", "v3.0.0-rc.1", "main-0000000"):
        shop.push("shop", tag, tag)
    assert ask(cli).json["skipped"] == [{"tag": "latest", "reason": "v2.0.0 is the newest release"}]
    assert "latest" in ask(cli, "refs/tags/v2.0.1").json["tags"]
    old = ask(cli, "refs/tags/v1.9.9").json
    assert (old["tags"], old["releases_from"]) == (["v1.9.9"], "registry")


def test_an_old_run_of_main_takes_latest_only_where_there_is_none(
    shop: World, cli: RunCli, tmp_path: Path
) -> None:
    (tmp_path / "event.json").write_text('{"repository": {"default_branch": "main"}}')
    run = {
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_SHA": SHA,
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        "GITHUB_RUN_ATTEMPT": "2",
    }
    at = ("tags", "compute", "--repository", "shop", "--json")
    assert cli(*at, **run).json["tags"] == ["main-abc1234", "latest"]
    shop.push("shop", "newer", "latest")
    assert cli(*at, **run).json["tags"] == ["main-abc1234"]


def test_a_pull_request_is_built_each_time(shop: World, cli: RunCli) -> None:
    shop.put("shop", labelled(shop, SHA), "pr-7")
    at = ("--event", "pull_request", "--pr", "7", "--sha", SHA, "--repository", "shop", "--json")
    found = cli("tags", "compute", *at).json
    assert (found["exists"], found["digest"], found["after"]) == ([], None, [])


def test_a_repository_that_the_file_names_is_looked_at_with_credentials(
    shop: World, cli: RunCli, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("longshore.yaml").write_text(
        'version: 1\ntargets: {prod: {kind: ecr, account: "123456789012", '
        "region: ap-northeast-2}}\ntags: {repository: shop}\n"
    )
    digest = shop.put("shop", labelled(shop, SHA), "main-abc1234")
    at = ("tags", "compute", "--event", "push", "--ref", "main", "--sha", SHA, "--json")
    assert cli(*at).json["digest"] == digest
    del environ["AWS_ACCESS_KEY_ID"]
    found = cli(*at).json
    assert (found["digest"], found["repository"]) == (None, None)
    assert [one["code"] for one in found["hazards"]] == ["registry-not-looked-at"]
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        environ[name] = "of nobody"
        monkeypatch.setenv(name, "of nobody")
    refused = cli(*at).json
    assert (refused["digest"], refused["hazards"][0]["code"]) == (None, "registry-not-looked-at")


def test_a_repository_that_was_typed_has_to_be_there(
    shop: World, cli: RunCli, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = ("tags", "compute", "--event", "push", "--ref", "main", "--sha", SHA, "--json")
    missing = cli(*at, "--repository", "nope")
    assert (missing.code, missing.json["code"]) == (1, "repository-not-found")
    assert cli(*at, "--repository", "Sh op").code == 2
    fork = cli("tags", "compute", "--event", "pull_request", "--pr", "7", "--fork", "--sha", SHA,
               "--repository", "nope", "--json")  # fmt: skip
    assert (fork.code, fork.json["push"]) == (0, False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del environ[name]
        monkeypatch.delenv(name)
    assert cli(*at, "--repository", "shop").code == 4


BROKEN: list[tuple[str, Any]] = [
    ("no config of an image", []),
    ("labels of another shape", {"config": {"Labels": ["x"]}}),
    ("a label of another shape", {"config": {"Labels": {REVISION: 1}}}),
    ("config of another shape", {"config": "x"}),
]


@pytest.mark.parametrize(("name", "document"), BROKEN, ids=[name for name, _ in BROKEN])
def test_configs_that_say_nothing(shop: World, cli: RunCli, name: str, document: Any) -> None:
    config = json.dumps(document).encode()
    shop.layer("shop", config)
    wanted = descriptor("application/vnd.oci.image.config.v1+json", config)
    content = shop.manifest("shop", name, config=wanted)
    assert json.loads(content)["mediaType"] == OCI
    shop.put("shop", content, "main-abc1234")
    found = ask(cli).json
    assert found["exists"][0]["revision"] is None
    assert found["digest"] == digest_of(content)
