"""`longshore iam`: the documents that it prints, and why a token does not fit one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import RunCli

ACCOUNT = ("--account", "123456789012")
PLACE = (*ACCOUNT, "--region", "ap-northeast-2")
CONFIG = """version: 1
targets: {prod: {kind: ecr, account: "210987654321", region: cn-north-1}}
repositories: {shop: {}, web: {}}
ci: {branches: [main]}
"""


def test_policy_is_ready_for_a_file(cli: RunCli) -> None:
    done = cli("iam", "policy", "push", "shop", *PLACE)
    assert done.code == 0
    statements = json.loads(done.out)["Statement"]
    assert statements[0]["Action"] == ["ecr:GetAuthorizationToken"]
    assert statements[1]["Resource"].endswith(":123456789012:repository/shop")


def test_policy_takes_place_and_names_from_the_config(cli: RunCli) -> None:
    Path("longshore.yaml").write_text(CONFIG)
    found = cli("iam", "policy", "pull", "--json").json
    assert found["repositories"] == ["shop", "web"]
    arns = found["policy"]["Statement"][1]["Resource"]
    assert arns[0] == "arn:aws-cn:ecr:cn-north-1:210987654321:repository/shop"


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (("policy", "push", "shop"), "no-account"),
        (("policy", "push", "shop", *ACCOUNT), "no-region"),
        (("policy", "push", *PLACE), "iam-no-repository"),
        (("policy", "push", "shop", "--account", "12", "--region", "x"), "no-account"),
        (("trust", "acme/shop", *ACCOUNT), "trust-nobody"),
        (("trust", "acme/shop", "--branch", "main", "--form", "id", *ACCOUNT),
         "github-ids-missing"),
        (("trust", "acme", "--branch", "main", *ACCOUNT), "usage"),
        (("trust", *ACCOUNT), "usage"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said(cli: RunCli, argv: tuple[str, ...], code: str) -> None:
    done = cli("iam", *argv, "--json")
    assert (done.code, done.json["code"]) == (2, code)
    assert done.json["hint"]


def test_trust_is_explained_for_a_token(cli: RunCli, tmp_path: Path) -> None:
    written = cli("iam", "trust", "acme/shop", "--branch", "main", *ACCOUNT)
    Path("trust.json").write_text(written.out)
    claims = {"aud": "sts.amazonaws.com", "sub": "repo:acme/shop:ref:refs/heads/main"}
    Path("claims.json").write_text(json.dumps(claims))
    asked = ("iam", "trust", "--explain", "claims.json", "--policy", "trust.json")
    assert cli(*asked).code == 0
    Path("claims.json").write_text(json.dumps({**claims, "sub": "repo:acme/shop:pull_request"}))
    done = cli(*asked, "--json")
    assert (done.code, done.json["taken"]) == (3, False)
    unmet = [one for one in done.json["statements"][0]["conditions"] if not one["met"]]
    assert unmet[0]["hint"].startswith("the repository fits")


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"Statement": 1}', "\x00"])
def test_files_that_are_no_policy(cli: RunCli, text: str) -> None:
    Path("claims.json").write_text('{"sub": "x"}')
    Path("trust.json").write_text(text)
    done = cli("iam", "trust", "--explain", "claims.json", "--policy", "trust.json", "--json")
    assert done.code == 2
    assert done.json["message"]


def test_default_uses_come_from_the_pipeline(cli: RunCli) -> None:
    Path("longshore.yaml").write_text(CONFIG)
    found = cli("iam", "trust", "acme/shop", "--json").json
    assert found["subjects"] == [
        "repo:acme/shop:ref:refs/heads/main",
        "repo:acme/shop:ref:refs/tags/v*",
    ]
    assert "StringLike" in found["policy"]["Statement"][0]["Condition"]
