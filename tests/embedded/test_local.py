"""`longshore local` as people and scripts see it: exit codes, JSON, shell lines, faults."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from longshore.cli.local_frame import parse_duration
from longshore.cli.main import run
from longshore.embedded import daemon
from longshore.errors import UsageError


@dataclass(frozen=True)
class Done:
    """How a command line ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Local = Callable[..., Done]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("cli") / "local"
    yield made
    daemon.down(made)


@pytest.fixture
def local(folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Local:
    """`local("up", "--json")` in an environment of its own."""

    def call(*argv: str, **variables: str) -> Done:
        environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "dumb"}
        environ |= {"LONGSHORE_LOCAL_DIR": str(folder), **variables}
        capsys.readouterr()
        code = run(["local", *argv], environ)
        seen = capsys.readouterr()
        return Done(code, seen.out, seen.err)

    return call


@pytest.fixture
def up(local: Local) -> dict[str, Any]:
    """The servers, running; what `up --json` says."""
    done = local("up", "--json")
    assert done.code == 0, done.err
    found: dict[str, Any] = done.json
    return found


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_up_prints_the_contract(up: dict[str, Any]) -> None:
    assert up["schema"] == "longshore.local/1"
    assert up["account"] == "123456789012"
    assert up["region"] == "ap-northeast-2"
    for name in ("aws_endpoint", "hub_api"):
        assert up[name].startswith("http://127.0.0.1:")
    for name in ("ecr_registry", "hub_registry"):
        assert up[name].startswith("127.0.0.1:")
    env = up["env"]
    assert env["AWS_ENDPOINT_URL"] == up["aws_endpoint"]
    assert env["AWS_REGION"] == env["AWS_DEFAULT_REGION"] == up["region"]
    assert env["AWS_ACCESS_KEY_ID"]
    assert env["AWS_SECRET_ACCESS_KEY"]
    assert env["ECR_REGISTRY"] == up["ecr_registry"]
    os.kill(up["pid"], 0)


def test_the_answer_for_people_says_embedded(up: dict[str, Any], local: Local) -> None:
    for command in ("up", "status", "clock", "fault"):
        done = local(command)
        assert done.code == 0
        assert "EMBEDDED" in done.out
        assert up["env"]["AWS_SECRET_ACCESS_KEY"] not in done.out


def test_seed_and_status(up: dict[str, Any], local: Local) -> None:
    done = local("seed", "--small", "--json")
    assert done.code == 0
    assert (done.json["repositories"], done.json["tags"]) == (7, 85)
    held = local("status", "--json").json["contents"]
    assert {"registry": "hub", "repository": "acme/shop", "tags": 38} in held
    url = f"{up['hub_api']}/v2/namespaces/acme/repositories/shop/tags?page_size=100"
    with urllib.request.urlopen(url, timeout=5) as answer:
        assert json.load(answer)["count"] == 38


def test_seed_from_a_layout(up: dict[str, Any], local: Local, tmp_path: Path) -> None:
    done = local("seed", "--from", str(tmp_path / "nothing"))
    assert done.code == 2
    (tmp_path / "empty").mkdir()
    done = local("seed", "--from", str(tmp_path / "empty"), "--json")
    assert (done.code, done.json["code"]) == (1, "seed-not-images")
    done = local("seed", "--as", "acme/thing")
    assert done.code == 2


def test_env_is_for_a_shell_and_for_github(up: dict[str, Any], local: Local) -> None:
    ran = subprocess.run(
        ["sh", "-euc", 'eval "$(cat)"; echo "$AWS_ENDPOINT_URL ${AWS_PROFILE-none} $NO_PROXY"'],
        input=local("env", NO_PROXY="internal.example.com").out,
        env={"AWS_PROFILE": "prod", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    wanted = f"{up['aws_endpoint']} none 127.0.0.1,localhost,::1,internal.example.com\n"
    assert ran.stdout == wanted
    lines = local("env", "--format", "github").out.splitlines()
    assert dict(line.split("=", 1) for line in lines)["HUB_REGISTRY"] == up["hub_registry"]
    document = local("env", "--json").json
    assert document["env"]["AWS_ENDPOINT_URL"] == up["aws_endpoint"]
    assert "AWS_PROFILE" in document["unset"]


def test_login_writes_its_own_docker_config(
    up: dict[str, Any], local: Local, tmp_path: Path
) -> None:
    own = tmp_path / ".docker"
    own.mkdir()
    (own / "config.json").write_text("{}")
    done = local("login", "--json")
    assert done.json["registries"] == [up["hub_registry"], up["ecr_registry"]]
    file = Path(up["env"]["DOCKER_CONFIG"], "config.json")
    assert set(json.loads(file.read_text())["auths"]) == set(done.json["registries"])
    assert file.stat().st_mode & 0o777 == 0o600
    assert (own / "config.json").read_text() == "{}"


def test_the_clock_moves_and_comes_back(up: dict[str, Any], local: Local) -> None:
    assert local("clock", "--advance", "6h", "--json").json["ahead_seconds"] == 6 * 3600
    assert local("clock", "--advance=-1h", "--json").json["ahead_seconds"] == 5 * 3600
    assert "5:00:00" in local("clock").out
    assert local("clock", "--reset", "--json").json["ahead_seconds"] == 0
    done = local("clock", "--advance", "soon", "--json")
    assert (done.code, done.json["code"]) == (2, "bad-duration")


def test_faults_are_met_as_often_as_said(up: dict[str, Any], local: Local) -> None:
    url = f"{up['hub_api']}/v2/namespaces/acme/repositories"
    done = local(
        "fault", "--on", "hub-api", "--path", "namespaces", "--status", "503", "--times", "2",
        "--header", "Retry-After: 1", "--json",
    )  # fmt: skip
    [fault] = done.json["faults"]
    assert (fault["status"], fault["headers"]) == (503, {"Retry-After": "1"})
    assert [status_of(url) for _ in range(3)] in ([503, 503, 200], [503, 503, 404])  # not seeded
    assert "met 2" in local("fault").out
    assert local("fault", "--clear", "--json").json["faults"] == []
    done = local("fault", "--path", "(", "--json")
    assert (done.code, done.json["code"]) == (2, "bad-fault")
    assert local("fault", "--header", "no colon").code == 2


def test_reset_asks_shows_and_keeps_addresses(
    up: dict[str, Any], local: Local, folder: Path
) -> None:
    local("seed", "--small")
    refused = local("reset", "--json")
    assert (refused.code, refused.json["code"]) == (3, "confirmation-needed")
    dry = local("reset", "--dry-run", "--json").json
    assert "hub" in dry["entries"]
    assert local("status", "--json").json["contents"]
    assert local("reset", "--yes").code == 0
    after = local("status", "--json").json
    assert after["contents"] == []
    assert after["ports"] == up["ports"]
    assert after["env"] == up["env"]


def test_reset_of_a_foreign_folder_is_refused(local: Local, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis").write_text("x")
    done = local("reset", "--yes", "--data-dir", str(tmp_path / "mine"), "--json")
    assert (done.code, done.json["code"]) == (3, "local-folder-not-ours")
    assert (tmp_path / "mine" / "thesis").exists()


@pytest.mark.parametrize("command", ["env", "login", "seed", "clock", "fault"])
def test_what_needs_the_servers_says_so(local: Local, tmp_path: Path, command: str) -> None:
    done = local(command, "--data-dir", str(tmp_path / "none"), "--json")
    assert (done.code, done.json["code"]) == (1, "local-not-running")
    assert done.json["hint"] == "longshore local up"


def test_pull_limits_and_other_options(local: Local, tmp_path: Path) -> None:
    at = ("--data-dir", str(tmp_path / "limited"))
    try:
        seen = local("up", "--pull-limit", "2", "--mode", "strict-oci", "--json", *at).json
        assert (seen["pull_limit"], seen["mode"]) == (2, "strict-oci")
        assert local("up", "--json", *at).json["pid"] == seen["pid"]
        other = local("up", "--pull-limit", "3", "--json", *at)
        assert (other.code, other.json["code"]) == (3, "local-runs-differently")
        assert local("up", "--account", "12", *at).code == 2
        assert local("down", "--json", *at).json["ended"] is True
        assert local("down", "--json", *at).json["ended"] is False
        assert local("status", "--json", *at).json["running"] is False
    finally:
        daemon.down(tmp_path / "limited")


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("1.5h", 5400), ("-2d", -172800)]
)
def test_lengths_of_time(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "6", "h", "6 h", "1h30m", "nan h"])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(UsageError):
        parse_duration(text)
