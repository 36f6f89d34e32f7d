"""The two shell scripts, as doors to longshore and stand-alone with the real AWS CLI."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from tests.cli.conftest import Done
from tests.embedded.aws_world import World
from tests.peers import peer

from longshore.policy.lifecycle.preset import standard_policy

ROOT = Path(__file__).parent.parent.parent
DOORS = ROOT / "scripts"
ALONE = ROOT / "src" / "longshore" / "data" / "scripts"
CREATE, APPLY = "create-ecr-repository.sh", "apply-ecr-lifecycle-policy.sh"
NAME = "github-actions-demo-day2"


def run(script: Path, *argv: str, environ: dict[str, str], stdin: str | None = None) -> Done:
    done = subprocess.run(
        [script, *argv],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        input=stdin or "",
        cwd=environ["HOME"],
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def alone(environ: dict[str, str], account: World) -> dict[str, str]:
    """An environment in which only the AWS CLI is, and no longshore."""
    aws = Path(peer("aws")).resolve().parent
    return {**environ, "PATH": f"{aws}:/usr/bin:/bin"}


@pytest.mark.parametrize("script", [DOORS / CREATE, DOORS / APPLY, ALONE / CREATE, ALONE / APPLY])
def test_scripts_can_be_run(script: Path) -> None:
    assert os.access(script, os.X_OK)
    assert script.read_text().startswith("#!/bin/sh\n")
    assert "set -eu" in script.read_text()
    subprocess.run(["sh", "-n", script], check=True)


def test_the_door_creates(account: World, environ: dict[str, str]) -> None:
    refused = run(DOORS / CREATE, environ=environ)
    assert refused.code == 3
    done = run(DOORS / CREATE, "--yes", environ=environ)
    assert done.code == 0, done.err
    assert f"Repository URI: {account.registry}/{NAME}" in done.out
    assert f"ECR_REPOSITORY={NAME}" in done.out
    applied = run(DOORS / APPLY, "--yes", environ=environ)
    assert applied.code == 0, applied.err
    assert "already" in applied.out


def test_the_door_takes_region_and_name(account: World, environ: dict[str, str]) -> None:
    done = run(DOORS / CREATE, "us-west-2", "acme/web", "--yes", "--json", environ=environ)
    assert done.code == 0, done.err
    assert done.json["secrets"]["AWS_REGION"] == "us-west-2"
    assert done.json["name"] == "acme/web"


def test_the_policy_in_the_script_is_the_standard_one() -> None:
    _, _, text = (ALONE / APPLY).read_text().partition("\n# POLICY\n")
    policy = json.loads("\n".join(line.removeprefix("#  ") for line in text.splitlines()))
    assert policy == standard_policy()


@pytest.mark.peer
def test_alone_creates(account: World, alone: dict[str, str]) -> None:
    refused = run(ALONE / CREATE, environ=alone)
    assert refused.code == 3
    assert account.client().describe_repositories()["repositories"] == []
    assert run(ALONE / CREATE, "--dry-run", environ=alone).code == 0
    assert account.client().describe_repositories()["repositories"] == []
    done = run(ALONE / CREATE, "--yes", environ=alone)
    assert done.code == 0, done.err
    assert done.out.splitlines() == [
        f"Repository URI: {account.registry}/{NAME}",
        "",
        "Values for the pipeline (Settings, Secrets and variables, Actions):",
        "AWS_ACCOUNT_ID=123456789012",
        "AWS_REGION=ap-northeast-2",
        f"ECR_REPOSITORY={NAME}",
    ]
    assert "account 123456789012  region ap-northeast-2" in done.err
    (seen,) = account.client().describe_repositories()["repositories"]
    assert seen["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    assert seen["imageScanningConfiguration"] == {"scanOnPush": True}
    again = run(ALONE / CREATE, environ=alone)
    assert (again.code, again.out) == (0, done.out)


@pytest.mark.peer
def test_alone_applies_the_policy(account: World, alone: dict[str, str]) -> None:
    missing = run(ALONE / APPLY, "--yes", environ=alone)
    assert missing.code == 1
    assert "create it first" in missing.err
    account.client().create_repository(repositoryName=NAME)
    assert run(ALONE / APPLY, environ=alone).code == 3
    done = run(ALONE / APPLY, "--yes", environ=alone)
    assert done.code == 0, done.err
    found = account.client().get_lifecycle_policy(repositoryName=NAME)
    assert json.loads(found["lifecyclePolicyText"]) == standard_policy()
    again = run(ALONE / APPLY, environ=alone)
    assert again.code == 0
    assert "nothing to do" in again.out


@pytest.mark.peer
def test_alone_shows_the_policy_that_it_replaces(account: World, alone: dict[str, str]) -> None:
    rule = {**standard_policy()["rules"][0], "description": "the old one"}
    account.client().create_repository(repositoryName=NAME)
    account.client().put_lifecycle_policy(
        repositoryName=NAME, lifecyclePolicyText=json.dumps({"rules": [rule]})
    )
    done = run(ALONE / APPLY, "--yes", environ=alone)
    assert done.code == 0
    assert "the old one" in done.err


@pytest.mark.peer
@pytest.mark.parametrize("script", [CREATE, APPLY])
@pytest.mark.parametrize("argv", [["--force"], ["a", "b", "c"]])
def test_alone_misused(alone: dict[str, str], script: str, argv: list[str]) -> None:
    assert run(ALONE / script, *argv, environ=alone).code == 2


@pytest.mark.peer
@pytest.mark.parametrize("script", [CREATE, APPLY])
def test_alone_with_bad_credentials(alone: dict[str, str], script: str) -> None:
    done = run(ALONE / script, "--yes", environ={**alone, "AWS_ACCESS_KEY_ID": "AKIANOTKNOWNHERE1"})
    assert done.code == 4
    assert "log in first" in done.err


@pytest.mark.parametrize("script", [CREATE, APPLY])
def test_alone_without_the_aws_cli(environ: dict[str, str], tmp_path: Path, script: str) -> None:
    for program in ("sh", "sed", "tr", "cat"):
        (tmp_path / program).symlink_to(f"/bin/{program}")
    done = run(ALONE / script, environ={**environ, "PATH": str(tmp_path)})
    assert done.code == 1
    assert "not installed" in done.err


@pytest.mark.parametrize("script", [CREATE, APPLY])
def test_alone_helps(environ: dict[str, str], script: str) -> None:
    done = run(ALONE / script, "--help", environ=environ)
    assert done.code == 0
    assert "[REGION] [NAME]" in done.out
