"""Who calls, and where to: a wrong account, region or login is said before anything is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.journey.images import Shelf, company
from tests.journey.lab import TARGETS, Lab

APP = "from: docker.io/acme/app, to: app"
COMMANDS = ["plan", "apply", "sync", "verify", "migrate", "status"]


@pytest.fixture(autouse=True)
def _filled(lab: Lab) -> None:
    company(lab.hub)
    lab.write(APP)


def rewritten(lab: Lab, old: str, new: str) -> None:
    path = lab.folder / "longshore.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize("command", COMMANDS)
def test_another_account_than_the_targets(lab: Lab, command: str) -> None:
    rewritten(lab, '"123456789012"', '"210987654321"')
    with lab.asked() as asked:
        ended = lab(command, "--yes", "--json")
    assert (ended.code, ended.json["code"]) == (3, "wrong-account")
    assert "210987654321" in ended.json["message"]
    assert "123456789012" in ended.json["message"]
    assert "AWS_PROFILE" in ended.json["hint"]
    assert asked.count("hub") == asked.count("ecr") == 0
    assert lab.ecr.list_repositories() == []


def test_another_region_is_another_place(lab: Lab) -> None:
    """The embedded servers hold the images of one Region; another one's registry is at AWS."""
    rewritten(lab, "ap-northeast-2", "eu-central-1")
    for command in ("plan", "sync", "migrate"):
        with lab.asked() as asked:
            ended = lab(command, "--yes", "--json")
        assert (ended.code, ended.json["code"]) == (2, "wrong-region")
        assert "123456789012.dkr.ecr.eu-central-1.amazonaws.com" in ended.json["message"]
        assert asked.pulls == 0
        assert not asked.count("aws", "", "ecr:CreateRepository")
    assert lab.ecr.list_repositories() == []


@pytest.mark.parametrize("command", COMMANDS)
def test_no_credentials(lab: Lab, command: str) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del lab.environ[name]
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.delenv(name)
        ended = lab(command, "--yes", "--json")
    assert (ended.code, ended.json["code"]) == (4, "no-credentials")
    assert ended.json["hint"]
    assert lab.ecr.list_repositories() == []


def test_wrong_credentials(lab: Lab) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-one")
        ended = lab("sync", "--json", AWS_SECRET_ACCESS_KEY="not-the-one")
    assert ended.code == 4
    assert "not-the-one" not in ended.out + ended.err


def test_no_credentials_never_lead_to_the_embedded_servers(lab: Lab) -> None:
    """Servers run on this machine; without AWS_ENDPOINT_URL nobody is sent there."""
    names = [name for name in lab.environ if name.startswith("AWS_")]
    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            patch.delenv(name)
            del lab.environ[name]
        with lab.asked() as asked:
            ended = lab("plan", "--json", AWS_EC2_METADATA_DISABLED="true")
    assert ended.code == 4
    assert sum(asked.counts.values()) == 0


def test_a_private_repository_without_a_login(lab: Lab) -> None:
    Shelf(lab.hub, "acme/secret", (("private", True),)).image(b"secret", tags=("v1",))
    lab.write(APP, "from: docker.io/acme/secret, to: secret")
    lab.done("apply", "--only", "aws", "--yes")
    empty = lab.folder / "no-logins"
    empty.mkdir()
    ended = lab("sync", "--json", DOCKER_CONFIG=str(empty))
    assert ended.code == 4
    answer = ended.json
    assert answer.get("code", answer.get("error", {}).get("code")) == "not-logged-in"
    assert "docker login" in ended.out
    done = lab.done("sync")
    assert done["tags"]["failed"] == 0
    assert lab.held("secret")


def test_a_wrong_hub_password(lab: Lab) -> None:
    lab.done("apply", "--only", "aws", "--yes")
    folder = lab.folder / "logins"
    folder.mkdir()
    auths = {lab.stack.state.hub_registry: {"auth": "c2hpcDpvdXRkYXRlZA=="}}
    (folder / "config.json").write_text(json.dumps({"auths": auths}))
    ended = lab("sync", "--json", DOCKER_CONFIG=str(folder))
    assert ended.code == 4
    assert "outdated" not in ended.out + ended.err


def test_a_docker_config_that_is_none(lab: Lab) -> None:
    lab.done("apply", "--only", "aws", "--yes")
    folder = lab.folder / "logins"
    folder.mkdir()
    (folder / "config.json").write_text("{")
    ended = lab("sync", "--json", DOCKER_CONFIG=str(folder))
    assert ended.code in (1, 2, 4)
    assert str(folder / "config.json") in ended.out


def test_the_repository_is_missing_at_the_ecr(lab: Lab) -> None:
    ended = lab("sync", "--json")
    assert (ended.code, ended.json["code"]) == (1, "repository-not-found")
    assert "app" in ended.json["message"]
    assert "longshore apply" in ended.json["hint"] or "repo create" in ended.json["hint"]
    lab.done("apply", "--only", "aws", "--yes")
    assert lab.done("sync")["tags"]["failed"] == 0


def test_the_repository_is_missing_at_the_hub(lab: Lab) -> None:
    lab.write("from: docker.io/acme/apq, to: app")
    lab.done("apply", "--only", "aws", "--yes")
    ended = lab("sync", "--json")
    assert ended.code != 0
    assert "acme/apq" in ended.out
    assert lab.held("app") == {}


def test_no_embedded_servers_run(lab: Lab, tmp_path: Path) -> None:
    path = lab.folder / "longshore.yaml"
    path.write_text(path.read_text().replace(TARGETS, "version: 1\ntargets: {l: {kind: local}}\n"))
    ended = lab("plan", "--json", LONGSHORE_LOCAL_DIR=str(tmp_path / "none"))
    assert (ended.code, ended.json["code"]) == (1, "local-not-running")
    assert "longshore local up" in ended.json["hint"]
