"""repo ls, show, create and lifecycle apply against the embedded account."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import RunCli
from tests.embedded.aws_world import World

from longshore.embedded.server import Listener
from longshore.policy.lifecycle.preset import standard_policy

CONFIG = """\
version: 1
targets:
  prod: {kind: ecr, account: "%s", region: ap-northeast-2}
"""


def policy_of(account: World, name: str) -> dict[str, object]:
    found = account.client().get_lifecycle_policy(repositoryName=name)
    document: dict[str, object] = json.loads(found["lifecyclePolicyText"])
    return document


def test_create(account: World, cli: RunCli) -> None:
    done = cli("repo", "create", "shop", "--yes")
    assert done.code == 0, done.err
    uri = f"{account.registry}/shop"
    for line in (
        f"Repository URI: {uri}",
        "AWS_ACCOUNT_ID=123456789012",
        "AWS_REGION=ap-northeast-2",
        "ECR_REPOSITORY=shop",
    ):
        assert line in done.out.splitlines()
    assert "EMBEDDED" in done.out
    assert "account 123456789012, region ap-northeast-2" in done.err
    (seen,) = account.client().describe_repositories(repositoryNames=["shop"])["repositories"]
    assert seen["imageScanningConfiguration"] == {"scanOnPush": True}
    assert seen["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    filters = {one["filter"] for one in seen["imageTagMutabilityExclusionFilters"]}
    assert filters == {"latest", "pr-*", "live-*", "rollback-*"}
    assert policy_of(account, "shop")["rules"] == standard_policy()["rules"]


def test_create_again_changes_nothing(account: World, cli: RunCli) -> None:
    cli("repo", "create", "shop", "--yes")
    done = cli("repo", "create", "shop", "--json")
    assert done.code == 0
    document = done.json
    assert document["schema"] == "longshore.repo.create/1"
    assert (document["created"], document["existed"], document["changes"]) == (False, True, [])
    assert document["secrets"]["ECR_REPOSITORY"] == "shop"


def test_create_leaves_an_existing_repository_as_it_is(account: World, cli: RunCli) -> None:
    account.client().create_repository(repositoryName="shop")
    done = cli("repo", "create", "shop", "--yes")
    assert done.code == 0
    assert "warning: ecr/repository/shop is different" in done.err
    (seen,) = account.client().describe_repositories(repositoryNames=["shop"])["repositories"]
    assert seen["imageTagMutability"] == "MUTABLE"


def test_create_with_update_brings_it_up_to_date(account: World, cli: RunCli) -> None:
    account.client().create_repository(repositoryName="shop")
    assert cli("repo", "create", "shop", "--update", "--yes").code == 0
    (seen,) = account.client().describe_repositories(repositoryNames=["shop"])["repositories"]
    assert seen["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    assert policy_of(account, "shop")["rules"] == standard_policy()["rules"]


@pytest.mark.parametrize("flags", [["--dry-run"], ["--dry-run", "--yes"]])
def test_dry_run_changes_nothing(account: World, cli: RunCli, flags: list[str]) -> None:
    done = cli("repo", "create", "shop", *flags)
    assert done.code == 0
    assert "+ ecr/repository/shop" in done.err
    assert account.client().describe_repositories()["repositories"] == []


def test_without_a_person_and_without_yes(account: World, cli: RunCli) -> None:
    done = cli("repo", "create", "shop")
    assert done.code == 3
    assert "--yes" in done.err
    assert account.client().describe_repositories()["repositories"] == []


def test_choices_of_create(account: World, cli: RunCli) -> None:
    cli("repo", "create", "shop", "--mutable", "--no-scan", "--no-lifecycle", "--yes")
    shown = cli("repo", "show", "shop", "--json").json
    assert shown["mutability"] == "MUTABLE"
    assert shown["scan_on_push"] is False
    assert shown["lifecycle_policy"] is None


@pytest.mark.parametrize("name", ["Shop", "a", "a//b", "-x", "x" * 257])
def test_names_that_ecr_refuses(account: World, cli: RunCli, name: str) -> None:
    done = cli("repo", "create", "--json", "--yes", "--", name)
    assert done.code == 2
    assert done.json["code"] == "name-invalid"


def test_another_account_than_the_target(account: World, cli: RunCli) -> None:
    Path("longshore.yaml").write_text(CONFIG % "210987654321")
    done = cli("repo", "create", "shop", "--yes", "--json")
    assert done.code == 3
    assert done.json["code"] == "wrong-account"
    assert account.client().describe_repositories()["repositories"] == []


def test_the_target_of_the_file(account: World, cli: RunCli) -> None:
    Path("longshore.yaml").write_text(CONFIG % "123456789012")
    done = cli("repo", "ls")
    assert done.code == 0
    assert done.out.startswith("target prod  account 123456789012")
    assert "EMBEDDED" in done.out


def test_without_credentials(cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    done = cli("repo", "ls", "--json", AWS_REGION="us-east-1")
    assert done.code == 4
    assert done.json["code"] == "no-credentials"


def test_an_endpoint_that_is_not_aws(account: World, cli: RunCli) -> None:
    elsewhere = f"http://{account.registry}"
    done = cli("repo", "ls", "--json", AWS_ENDPOINT_URL=elsewhere)
    assert done.code == 1
    assert done.json["code"] in ("bad-answer", "aws-error")


@pytest.mark.parametrize("body", ["ok", "<html>", ""])
def test_an_endpoint_that_answers_anything(account: World, cli: RunCli, body: str) -> None:
    def app(request: Any, start: Any) -> list[bytes]:
        start("200 OK", [("Content-Length", str(len(body)))])
        return [body.encode()]

    listener = Listener(app)
    listener.start()
    try:
        done = cli("repo", "ls", "--json", AWS_ENDPOINT_URL=listener.url)
    finally:
        listener.stop()
    assert done.code == 1, done.err
    assert done.json["code"] in ("bad-answer", "aws-error")


def test_local_without_running_servers(cli: RunCli, tmp_path: Path) -> None:
    done = cli("--local", "repo", "ls", "--json", LONGSHORE_LOCAL_DIR=str(tmp_path / "nowhere"))
    assert done.code == 1
    assert done.json["code"] == "local-not-running"
    assert "longshore local up" in done.json["hint"]


def test_ls(account: World, cli: RunCli) -> None:
    assert cli("repo", "ls", "--json").json["repositories"] == []
    for name in ("shop", "acme/web"):
        account.client().create_repository(repositoryName=name)
    done = cli("repo", "ls")
    assert [line.split()[0] for line in done.out.splitlines()[2:4]] == ["acme/web", "shop"]
    names = [one["name"] for one in cli("repo", "ls", "--json").json["repositories"]]
    assert names == ["acme/web", "shop"]


def test_show(account: World, cli: RunCli) -> None:
    account.client().create_repository(repositoryName="shop", tags=[{"Key": "team", "Value": "a"}])
    account.push("shop", "one", "v1")
    account.push("shop", "two")
    document = cli("repo", "show", "shop", "--json").json
    assert (document["images"], document["tagged_images"]) == (2, 1)
    assert document["tags"] == {"team": "a"}
    assert document["logical_bytes"] > 0
    assert "2 images, 1 of them tagged" in cli("repo", "show", "shop").out


def test_show_what_is_not_there(account: World, cli: RunCli) -> None:
    done = cli("repo", "show", "nope", "--json")
    assert done.code == 1
    assert done.json["code"] == "repository-not-found"


def test_lifecycle_apply(account: World, cli: RunCli) -> None:
    account.client().create_repository(repositoryName="shop")
    done = cli("lifecycle", "apply", "shop")
    assert done.code == 3
    assert "rules.1: live-*" in done.err
    assert cli("lifecycle", "apply", "shop", "--yes").code == 0
    assert policy_of(account, "shop")["rules"] == standard_policy()["rules"]
    again = cli("lifecycle", "apply", "shop", "--json")
    assert (again.code, again.json["changes"]) == (0, [])


def test_lifecycle_apply_of_a_file_shows_what_differs(account: World, cli: RunCli) -> None:
    cli("repo", "create", "shop", "--yes")
    rules = standard_policy()["rules"]
    rules[4]["selection"]["countNumber"] = 30
    Path("policy.json").write_text(json.dumps({"rules": rules}))
    done = cli("lifecycle", "apply", "shop", "--policy", "policy.json", "--dry-run", "--json")
    assert done.code == 0
    (change,) = done.json["changes"]
    assert list(change["diff"]) == ["rules.5"]
    assert policy_of(account, "shop")["rules"] == standard_policy()["rules"]


@pytest.mark.parametrize(
    ("text", "code", "exit_code"),
    [
        ("{", "lifecycle-policy-invalid", 2),
        ('{"rules": []}', "lifecycle-policy-invalid", 2),
        (None, "file", 1),
    ],
)
def test_lifecycle_apply_of_a_bad_file(
    account: World, cli: RunCli, text: str | None, code: str, exit_code: int
) -> None:
    if text is not None:
        Path("policy.json").write_text(text)
    done = cli("lifecycle", "apply", "shop", "--policy", "policy.json", "--yes", "--json")
    assert (done.code, done.json["code"]) == (exit_code, code)


def test_lifecycle_apply_without_a_repository(account: World, cli: RunCli) -> None:
    done = cli("lifecycle", "apply", "shop", "--yes", "--json")
    assert (done.code, done.json["code"]) == (1, "repository-not-found")
    assert "longshore repo create shop" in done.json["hint"]
