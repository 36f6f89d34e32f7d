"""`longshore scan` against the embedded ECR: findings, the gate's exit codes, waivers' origin."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import RunCli
from tests.embedded.aws_world import REGION, ROOT, World, running
from tests.embedded.scanning.test_parts import osv
from tests.embedded.scanning.test_scans import OPENSSL, debian, give, image

SHA = "0123456789abcdef0123456789abcdef01234567"
ZLIB = {**osv("zlib", "Debian:12", events=[{"introduced": "0"}]), "id": "CVE-2026-9", "aliases": []}
CONFIG = """version: 1
targets: {{t: {{kind: ecr, account: "123456789012", region: ap-northeast-2}}}}
scan:
  max: {{medium: 0}}
  waive:
    - {{id: {name}, reason: "not reachable", until: {until}}}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("scan")) as one:
        one.client().create_repository(repositoryName="shop")
        give(one, OPENSSL)
        image(one, debian())
        image(one, debian("static", {"x": b""}), "unscanned")
        one.client().start_image_scan(repositoryName="shop", imageId={"imageTag": "v1"})
        one.aws.scanning.wait()
        give(one, OPENSSL, ZLIB)
        image(one, debian("v2"), "v2")
        one.client().start_image_scan(repositoryName="shop", imageId={"imageTag": "v2"})
        one.aws.scanning.wait()
        yield one


@pytest.fixture
def scan(
    cli: RunCli, environ: dict[str, str], world: World, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """`scan("gate", "shop:v1")` with the account's own key."""
    environ |= {
        "AWS_ENDPOINT_URL": world.endpoint,
        "AWS_ACCESS_KEY_ID": ROOT.access_key,
        "AWS_SECRET_ACCESS_KEY": ROOT.secret_key,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return lambda *argv, **variables: cli("scan", *argv, **variables)


def test_report_shows_findings_and_what_was_looked_at(scan: Any) -> None:
    done = scan("report", "shop:v1")
    assert done.code == 0
    assert "MEDIUM" in done.out
    assert "CVE-2026-1" in done.out
    assert "against OSV data" in done.out
    found = scan("report", "shop:v1", "--json").json["scans"][0]
    assert found["findings"][0]["package"] == "openssl"
    assert found["findings"][0]["fixed_in"] == "3.0.2-1+deb12u2"


@pytest.mark.parametrize(
    ("argv", "code", "passed"),
    [
        (("shop:v1",), 0, True),
        (("shop:v1", "--max", "medium=0"), 3, False),
        (("shop:v1", "--max", "medium=1"), 0, True),
        (("shop:v2", "--max", "medium=1"), 3, False),
        (("shop:v2", "--max", "medium=1", "--only-fixable"), 0, True),
        (("shop:unscanned", "--wait", "0"), 1, False),
    ],
)
def test_gate(scan: Any, argv: tuple[str, ...], code: int, passed: bool) -> None:
    done = scan("gate", *argv, "--json")
    assert (done.code, done.json["passed"]) == (code, passed)


def test_gate_compares_with_what_runs(scan: Any) -> None:
    found = scan("gate", "shop:v2", "--against", "v1", "--json").json
    assert [one["id"] for one in found["new"]] == ["CVE-2026-9"]
    assert found["gone"] == []


def test_gate_starts_what_was_never_scanned(scan: Any, world: World) -> None:
    image(world, debian("v5"), "v5")
    assert scan("gate", "shop:v5", "--wait", "0").code == 1
    assert scan("gate", "shop:v5", "--start", "--wait", "30").code == 0


def test_a_second_scan_of_the_day_shows_the_first(scan: Any) -> None:
    done = scan("run", "shop:v1")
    assert done.code == 0
    assert "once in 24 hours" in done.err
    assert "CVE-2026-1" in done.out


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (("gate", "shop:nothing"), "manifest-not-found"),
        (("gate", "registry.example.com/shop:v1"), "usage"),
        (("gate", "shop:v1", "--max", "grave=1"), "bad-severity"),
    ],
)
def test_bad_input(scan: Any, argv: tuple[str, ...], code: str) -> None:
    assert scan(*argv, "--json").json["code"] == code


def test_waivers_count_until_their_day(scan: Any) -> None:
    Path("longshore.yaml").write_text(CONFIG.format(name="CVE-2026-1", until="2999-01-01"))
    assert scan("gate", "shop:v1").code == 0
    Path("longshore.yaml").write_text(CONFIG.format(name="CVE-2026-1", until="2020-01-01"))
    done = scan("gate", "shop:v1")
    assert done.code == 3
    assert "waiver over since 2020-01-01" in done.out


def git(*words: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *words],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    return done.stdout.strip()


def test_a_pull_request_cannot_waive_what_it_brings(scan: Any) -> None:
    git("init", "-q")
    strict = CONFIG.format(name="CVE-0000-1", until="2999-01-01")
    Path("longshore.yaml").write_text(strict)
    git("add", ".")
    git("commit", "-qm", "base")
    base = git("rev-parse", "HEAD")
    Path("longshore.yaml").write_text(CONFIG.format(name="CVE-2026-1", until="2999-01-01"))
    Path("event.json").write_text(json.dumps({"pull_request": {"base": {"sha": base}}}))
    run = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": "event.json"}
    done = scan("gate", "shop:v1", "--json", **run)
    assert done.code == 3
    assert done.json["notes"] == ["limits and waivers are those of the base branch"]
    Path("event.json").write_text(json.dumps({"pull_request": {"base": {"sha": SHA}}}))
    done = scan("gate", "shop:v1", "--max", "medium=0", "--json", **run)
    assert done.code == 3
    assert "nothing is waived" in done.json["notes"][0]


def test_sarif_names_findings_and_what_was_not_checked(scan: Any) -> None:
    scan("report", "shop:v1", "--sarif", "one.sarif")
    run = json.loads(Path("one.sarif").read_text())["runs"][0]
    assert [one["ruleId"] for one in run["results"]] == ["CVE-2026-1"]
    assert run["invocations"][0]["executionSuccessful"] is True
    scan("report", "shop:unscanned", "--sarif", "two.sarif")
    run = json.loads(Path("two.sarif").read_text())["runs"][0]
    assert run["invocations"][0]["executionSuccessful"] is False
    Path("link.sarif").symlink_to("elsewhere")
    assert scan("report", "shop:v1", "--sarif", "link.sarif", "--json").json["code"] == "symlink"
