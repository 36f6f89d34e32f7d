"""`longshore iam check`: files, folders and what AWS holds; places, exit codes, what is missed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import RunCli
from tests.embedded.aws_world import ACCOUNT, REGION, World

SHOP = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/shop"
LOGIN = {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}
WIDE = {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}
READ = {"Effect": "Allow", "Action": "ecr:DescribeImages", "Resource": SHOP}
OPEN = {"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}
PLACE = ("--account", ACCOUNT, "--region", REGION)


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def write(name: str, value: Any) -> str:
    file = Path(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(value if isinstance(value, str) else json.dumps(value, indent=2))
    return name


def found(cli: RunCli, *argv: str, code: int = 3) -> list[str]:
    done = cli("iam", "check", *argv, "--json")
    assert done.code == code, done.out + done.err
    return [one["code"].removeprefix("iam-") for one in done.json["findings"]]


def test_a_finding_has_its_line_and_a_statement_to_paste(cli: RunCli) -> None:
    write("policy.json", document(LOGIN, {**READ, "Resource": "*", "Action": "ecr:PutImage"}))
    done = cli("iam", "check", "policy.json", *PLACE, "--repository", "shop", "--json")
    assert done.code == 3
    answer = done.json
    assert answer["schema"] == "longshore.iam.check/1"
    (one,) = answer["findings"]
    assert set(one) >= {"code", "severity", "where", "message", "fix"}
    assert one["where"] == {"file": "policy.json", "line": 12, "column": 7}
    assert json.loads(one["fix"])["Resource"] == SHOP
    assert answer["summary"] == {"high": 0, "medium": 1, "low": 0}
    told = cli("iam", "check", "policy.json")
    assert "medium  iam-any-resource  policy.json:12:7" in told.out
    assert "iam-unsafe" in told.err


def test_low_findings_are_no_exit_3(cli: RunCli) -> None:
    write("policy.json", document(LOGIN, {**READ, "Resource": "*"}))
    assert found(cli, "policy.json", code=0) == ["any-resource"]


def test_what_longshore_prints_is_good(cli: RunCli) -> None:
    for role in ("push", "pull", "deployer", "provisioner", "monitor", "cleaner"):
        Path(f"{role}.json").write_text(cli("iam", "policy", role, "shop", *PLACE).out)
        assert found(cli, f"{role}.json", "--for", role, code=0) == []
    more = cli("iam", "policy", "cleaner", "shop", "--in-use", *PLACE)
    Path("more.json").write_text(more.out)
    assert "ecs:ListTasks" in more.out
    assert found(cli, "more.json", "--for", "cleaner", "--in-use", code=0) == []
    assert found(cli, "cleaner.json", "--for", "cleaner", "--in-use") == ["missing-action"]
    assert cli("iam", "policy", "push", "shop", "--in-use", *PLACE).code == 2
    trust = cli("iam", "trust", "acme/shop", "--branch", "main", "--account", ACCOUNT)
    Path("trust.json").write_text(trust.out)
    assert found(cli, "trust.json", code=0) == []


WRAPPED: list[tuple[Any, str, str]] = [
    ({"RoleName": "ci", "PolicyDocument": document(WIDE)}, "identity", "wide-action"),
    ({"PolicyVersion": {"Document": document(WIDE)}}, "identity", "wide-action"),
    ({"policy": document(WIDE)}, "identity", "wide-action"),
    ({"Role": {"AssumeRolePolicyDocument": document(
        {**OPEN, "Action": "sts:AssumeRole"})}}, "trust", "trust-everyone"),
    ({"repositoryName": "shop", "policyText": json.dumps(document(OPEN))}, "repository", "public"),
    ({"registryId": ACCOUNT, "policyText": json.dumps(document({
        **OPEN, "Action": "ecr:ReplicateImage", "Resource": "*"}))}, "registry", "public"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "kind", "code"), WRAPPED)
def test_answers_of_the_aws_cli_are_read(cli: RunCli, value: Any, kind: str, code: str) -> None:
    write("answer.json", value)
    answer = cli("iam", "check", "answer.json", "--json").json
    assert [one["kind"] for one in answer["checked"]] == [kind]
    assert f"iam-{code}" in {one["code"] for one in answer["findings"]}
    assert answer["findings"][0]["where"]["line"] > 1


def test_a_folder(cli: RunCli) -> None:
    write("policies/roles/push.json", document(LOGIN))
    write("policies/repository.json", document(OPEN))
    write("policies/package.json", {"name": "x"})
    write("policies/.git/x.json", document(WIDE))
    answer = cli("iam", "check", "policies", "--json").json
    names = [one["name"] for one in answer["checked"]]
    assert names == ["policies/repository.json", "policies/roles/push.json"]
    assert answer["passed_over"] == ["policies/package.json"]
    assert [one["code"] for one in answer["findings"]] == ["iam-public"]


def test_what_cannot_be_read_in_a_folder_is_said(cli: RunCli) -> None:
    write("policies/push.json", document(LOGIN))
    write("policies/broken.json", "{")
    done = cli("iam", "check", "policies", "--json")
    assert done.code == 1
    assert [one["name"] for one in done.json["unchecked"]] == ["policies/broken.json"]
    assert "policies/broken.json" in cli("iam", "check", "policies").out


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "{}", '{"Statement": 1}', '{"Statement": [{"Effect": "allow"}]}',
     "[" * 9000, '{"policyText": "{"}', "\x00\x1b[31m", "Resources:\n  Role: {}\n"],
)  # fmt: skip
def test_no_policy_at_all(cli: RunCli, text: str) -> None:
    write("policy.json", text)
    assert set(found(cli, "policy.json")) == {"policy-invalid"}


@pytest.mark.parametrize(
    ("argv", "code", "error"),
    [
        ((), 2, "no-policy"),
        (("nothing.json",), 1, "file"),
        (("policy.json", "--account", "12"), 2, "usage"),
        (("policy.json", "--caller", "me"), 2, "usage"),
        (("policy.json", "--for", "king"), 2, "usage"),
    ],
)
def test_bad_input(cli: RunCli, argv: tuple[str, ...], code: int, error: str) -> None:
    write("policy.json", document(LOGIN))
    done = cli("iam", "check", *argv, "--json")
    assert (done.code, done.json["code"]) == (code, error)


def test_control_characters_stay_off_the_screen(cli: RunCli) -> None:
    write("policy.json", document({**WIDE, "Sid": "\x1b[2J", "Action": "ecr:\x1b[31mPut"}))
    assert "\x1b" not in cli("iam", "check", "policy.json", TERM="dumb").out


def test_both_sides(cli: RunCli) -> None:
    role = "arn:aws:iam::210987654321:role/ci"
    write("role.json", document(LOGIN, {**READ, "Action": ["ecr:BatchGetImage"]}))
    write("repository.json", document({**OPEN, "Principal": {"AWS": role}}))
    argv = ("role.json", "repository.json", "--repository", "shop", *PLACE, "--caller", role)
    assert found(cli, *argv, code=0) == ["other-account"]
    assert "one-side-only" in found(cli, *argv, "--for", "pull")


# --- what AWS holds -------------------------------------------------------------------------------


@pytest.fixture
def shop(account: World) -> World:
    for name in ("shop", "web", "plain"):
        account.client().create_repository(repositoryName=name)
    open_text = json.dumps(document(OPEN))
    account.client().set_repository_policy(repositoryName="shop", policyText=open_text)
    read = json.dumps(document({**OPEN, "Principal": {"AWS": ACCOUNT}}))
    account.client().set_repository_policy(repositoryName="web", policyText=read)
    return account


def test_live(shop: World, cli: RunCli) -> None:
    done = cli("iam", "check", "--live", "--json")
    assert done.code == 3
    (one,) = done.json["findings"]
    assert one["code"] == "iam-public"
    assert one["where"] == {"resource": "policy of shop: Statement[0].Principal"}
    assert [each["name"] for each in done.json["checked"]] == ["policy of shop", "policy of web"]
    assert done.json["place"]["mark"] == "EMBEDDED"
    assert found(cli, "--live", "--repository", "web", code=0) == []


def test_live_says_what_it_could_not_read(shop: World, cli: RunCli) -> None:
    done = cli("iam", "check", "--live", "--repository", "nope", "--repository", "web", "--json")
    assert done.code == 1
    assert [one["name"] for one in done.json["unchecked"]] == ["nope"]


def test_a_role_as_iam_holds_it(shop: World, cli: RunCli) -> None:
    iam = shop.client("iam")
    trust = document({**OPEN, "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                      "Action": "sts:AssumeRole"})  # fmt: skip
    iam.create_role(RoleName="run", AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName="run", PolicyName="own", PolicyDocument=json.dumps(document(WIDE)))
    text = json.dumps(document(LOGIN))
    arn = iam.create_policy(PolicyName="login", PolicyDocument=text)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="run", PolicyArn=arn)
    done = cli("iam", "check", "--role", "run", "--for", "pull", "--json")
    assert done.code == 3
    names = [one["name"] for one in done.json["checked"]]
    assert names == ["run: trust", "run: own", f"run: {arn}"]
    assert {one["code"] for one in done.json["findings"]} == {"iam-wide-action", "iam-any-resource"}
    missing = cli("iam", "check", "--role", "nobody", "--json")
    assert (missing.code, missing.json["unchecked"][0]["name"]) == (1, "nobody")
