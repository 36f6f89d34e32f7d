"""login and the credential helper: with the embedded ECR, and with the real programs."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import RunCli
from tests.embedded.aws_world import World
from tests.peers import peer

from longshore.cli.credential_helper import NOT_FOUND, answer
from longshore.cli.ecr_hosts import EcrHost, parse_ecr_host
from longshore.cli.login import TOOLS


@pytest.fixture
def no_tools(account: World, environ: dict[str, str], tmp_path: Path) -> World:
    """None of the three programs is installed; the containers' file is in the home folder."""
    environ["PATH"] = str(tmp_path)
    environ["REGISTRY_AUTH_FILE"] = str(tmp_path / "auth.json")
    return account


def auth_of(file: Path, registry: str) -> tuple[str, str]:
    entry = json.loads(file.read_text())["auths"][registry]
    user, _, password = base64.b64decode(entry["auth"]).decode().partition(":")
    return user, password


def accepts(world: World, password: str) -> bool:
    return world.v2("GET", "/v2/", password=password).status == 200


def test_login_writes_files_where_no_program_is(
    no_tools: World, cli: RunCli, environ: dict[str, str]
) -> None:
    done = cli("login", "--to", "all", "--json")
    assert done.code == 0, done.err
    document = done.json
    assert [one["tool"] for one in document["logged_in"]] == list(TOOLS)
    assert {one["how"] for one in document["logged_in"]} == {"file"}
    assert document["expires_at"]
    docker = Path(environ["HOME"], ".docker", "config.json")
    for file in (docker, Path(environ["REGISTRY_AUTH_FILE"])):
        user, password = auth_of(file, no_tools.registry)
        assert user == "AWS"
        assert accepts(no_tools, password)
        assert password not in done.out + done.err


def test_login_without_any_program_is_for_docker(no_tools: World, cli: RunCli) -> None:
    assert [one["tool"] for one in cli("login", "--json").json["logged_in"]] == ["docker"]


def test_login_dry_run_writes_nothing(
    no_tools: World, cli: RunCli, environ: dict[str, str]
) -> None:
    assert cli("login", "--to", "all", "--dry-run").code == 0
    assert not Path(environ["HOME"], ".docker").exists()


def test_helper_must_be_on_path(no_tools: World, cli: RunCli, environ: dict[str, str]) -> None:
    done = cli("login", "--helper", "--json")
    assert (done.code, done.json["code"]) == (1, "helper-not-on-path")
    assert "ln -s" in done.json["hint"]
    assert not Path(environ["HOME"], ".docker").exists()


def test_helper_is_linked_into_the_home_folder(
    no_tools: World, cli: RunCli, environ: dict[str, str]
) -> None:
    folder = Path(environ["HOME"], ".local", "bin")
    environ["PATH"] = str(folder)
    done = cli("login", "--helper", "--to", "docker")
    assert done.code == 0, done.err
    assert (folder / "docker-credential-longshore").resolve().exists()
    config = json.loads(Path(environ["HOME"], ".docker", "config.json").read_text())
    assert config["credHelpers"] == {no_tools.registry: "longshore"}
    assert "auths" not in config or no_tools.registry not in config["auths"]
    assert cli("login", "--helper", "--to", "docker").code == 0


def test_a_program_that_refuses(
    account: World, cli: RunCli, environ: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "docker"
    program.write_text('#!/bin/sh\nread -r word\necho "cannot save $word" >&2\nexit 1\n')
    program.chmod(0o755)
    environ["PATH"] = f"{folder}:/usr/bin:/bin"
    done = cli("login", "--to", "docker", "--json")
    assert (done.code, done.json["code"]) == (4, "tool-login-failed")
    assert "cannot save ***" in done.json["message"]


def test_the_password_is_never_an_argument(
    account: World, cli: RunCli, environ: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        program = folder / tool
        program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/{tool}.args\ncat > /dev/null\n')
        program.chmod(0o755)
    environ["PATH"] = f"{folder}:/usr/bin:/bin"
    assert cli("login", "--to", "all").code == 0
    for tool in TOOLS:
        words = (tmp_path / f"{tool}.args").read_text().split()
        assert words[:4] == ["login", "--username", "AWS", "--password-stdin"]
        assert words[-1] == account.registry
        assert ("--tls-verify=false" in words) == (tool != "docker")
        assert max(len(word) for word in words) < 30


@pytest.mark.peer
@pytest.mark.parametrize("tool", TOOLS)
def test_the_real_programs(
    account: World, cli: RunCli, environ: dict[str, str], tmp_path: Path, tool: str
) -> None:
    program = peer(tool)
    account.client().create_repository(repositoryName="shop")
    account.push("shop", "one", "v1")
    environ["PATH"] = f"{Path(program).parent}:{environ['PATH']}"
    environ["REGISTRY_AUTH_FILE"] = str(tmp_path / "auth.json")
    done = cli("login", "--to", tool, "--json")
    assert done.code == 0, done.err
    assert done.json["logged_in"][0]["how"] == "login"
    docker = Path(environ["HOME"], ".docker", "config.json")
    file = docker if tool == "docker" else tmp_path / "auth.json"
    assert accepts(account, auth_of(file, account.registry)[1])


@pytest.mark.peer
def test_skopeo_asks_the_helper(
    account: World, cli: RunCli, environ: dict[str, str], tmp_path: Path
) -> None:
    skopeo = peer("skopeo")
    account.client().create_repository(repositoryName="shop")
    digest = account.push("shop", "one", "v1")
    file = tmp_path / "auth.json"
    file.write_text(json.dumps({"credHelpers": {account.registry: "longshore"}}))
    # The account of this test is not a running `longshore local`, so a helper of the same name
    # stands before ours and answers as ours does.
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "docker-credential-longshore").write_text(
        f'#!/bin/sh\necho \'{{"Username": "AWS", "Secret": "{account.password()}"}}\'\n'
    )
    (folder / "docker-credential-longshore").chmod(0o755)
    done = subprocess.run(
        [skopeo, "inspect", "--tls-verify=false", f"docker://{account.registry}/shop:v1"],
        env={**environ, "PATH": f"{folder}:{environ['PATH']}", "REGISTRY_AUTH_FILE": str(file)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Digest"] == digest


# --- the helper's protocol -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "text", "said", "code"),
    [
        (["list"], "", "{}", 0),
        (["store"], '{"ServerURL": "x", "Username": "u", "Secret": "s"}', "", 0),
        (["erase"], "registry.example", "", 0),
        (["get"], "docker.io", NOT_FOUND, 1),
        (["get"], "https://index.docker.io/v1/", NOT_FOUND, 1),
        (["get"], "123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.example", NOT_FOUND, 1),
        (["get"], "127.0.0.1:1", NOT_FOUND, 1),
        (["get"], "", NOT_FOUND, 1),
    ],
)
def test_protocol(
    environ: dict[str, str], argv: list[str], text: str, said: str, code: int
) -> None:
    answered = answer(argv, io.StringIO(text), environ)
    assert (answered.text, answered.code) == (said, code)


@pytest.mark.parametrize("argv", [[], ["steal"], ["get", "more"]])
def test_protocol_misused(environ: dict[str, str], argv: list[str]) -> None:
    answered = answer(argv, io.StringIO(), environ)
    assert answered.code == 1
    assert answered.text.startswith("usage:")


def test_a_registry_at_aws_is_never_answered_by_the_embedded_one(
    account: World, environ: dict[str, str]
) -> None:
    host = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com"
    answered = answer(["get"], io.StringIO(host), environ)
    assert answered.code == 1
    assert "AWS_ENDPOINT_URL" in answered.text


def test_helper_as_a_program() -> None:
    program = Path(sys.executable).parent / "docker-credential-longshore"
    done = subprocess.run(
        [program, "get"],
        input="quay.io\n",
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, NOT_FOUND + "\n", "")


HOSTS = [
    (
        "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com",
        EcrHost("123456789012", "ap-northeast-2"),
    ),
    (
        "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
        EcrHost("123456789012", "us-gov-west-1", fips=True),
    ),
    ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", EcrHost("123456789012", "cn-north-1")),
    ("123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", EcrHost("123456789012", "eusc-de-east-1")),
    (
        "123456789012.dkr-ecr.us-east-1.on.aws",
        EcrHost("123456789012", "us-east-1", dualstack=True),
    ),
    ("123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.example", None),
    ("123456789012.dkr.ecr.us-east-1.evil.example", None),
    ("evil.123456789012.dkr.ecr.us-east-1.amazonaws.com", None),
    ("12345678901.dkr.ecr.us-east-1.amazonaws.com", None),
    ("123456789012.dkr.ecr.us-east-1.on.aws", None),
    ("public.ecr.aws", None),
    ("docker.io", None),
]


@pytest.mark.parametrize(("host", "found"), HOSTS)
def test_ecr_hosts(host: str, found: EcrHost | None) -> None:
    assert parse_ecr_host(host) == found


def test_ecr_hosts_are_those_that_the_gate_makes() -> None:
    from longshore.remote.addresses import ecr_host

    for fips in (False, True):
        for dualstack in (False, True):
            host = ecr_host(
                "123456789012", "us-east-1", "amazonaws.com", fips=fips, dualstack=dualstack
            )
            assert parse_ecr_host(host) == EcrHost("123456789012", "us-east-1", fips, dualstack)
