"""Configs and names that cannot be meant: said before anything is written."""

from __future__ import annotations

import pytest

from tests.journey.images import company
from tests.journey.lab import Lab

APP = "from: docker.io/acme/app, to: app"


def test_all_mistakes_of_a_config_at_once(lab: Lab) -> None:
    (lab.folder / "longshore.yaml").write_text(
        "version: 1\n"
        "targets: {prod: {kind: ecr, account: 123, region: ap-northeast-2}}\n"
        "images:\n"
        "  - {from: docker.io/acme/app, tot: app}\n"
        "repositories: {app: {scna: on-push}}\n"
    )
    ended = lab("plan")
    assert ended.code == 2
    for part in ("longshore.yaml:2:", "longshore.yaml:4:", "longshore.yaml:5:"):
        assert part in ended.err
    assert "'to'" in ended.err or "did you mean" in ended.err
    assert "scan" in ended.err
    machine = lab("plan", "--json")
    assert len(machine.json["problems"]) >= 3
    assert {one["where"]["line"] for one in machine.json["problems"]} >= {2, 4, 5}


@pytest.mark.parametrize("command", ["plan", "apply", "sync", "verify", "migrate", "status"])
def test_every_command_names_the_place(lab: Lab, command: str) -> None:
    (lab.folder / "longshore.yaml").write_text("version: 1\nimages: [\n")
    ended = lab(command, "--yes", "--json")
    assert ended.code == 2
    assert ended.json["where"]["file"] == "longshore.yaml"
    assert ended.json["where"]["line"]


def test_no_config_at_all(lab: Lab) -> None:
    ended = lab("sync", "--json")
    assert (ended.code, ended.json["code"]) == (2, "config-not-found")
    assert "longshore init" in ended.json["hint"]


@pytest.mark.parametrize("name", ["Upper", "-dash", "a//b", "a..b", "x", "a" * 257, "has space"])
def test_names_that_ecr_refuses_in_the_config(lab: Lab, name: str) -> None:
    company(lab.hub)
    lab.write(f"from: docker.io/acme/app, to: '{name}'")
    with lab.asked() as asked:
        ended = lab("apply", "--yes", "--json")
    assert ended.code == 2
    assert ended.json["where"]["line"] == 4
    assert ended.json["hint"]
    assert sum(asked.counts.values()) == 0


@pytest.mark.parametrize("name", ["UPPER", "a//b", "x", "under__score_/-a"])
def test_names_that_ecr_refuses_on_the_command_line(lab: Lab, name: str) -> None:
    company(lab.hub)
    ended = lab("copy", "docker.io/acme/app", f"{lab.stack.state.ecr_registry}/{name}", "--json")
    assert ended.code in (1, 2)
    assert ended.json.get("hint") or ended.json["error"]["hint"]
    assert lab.ecr.list_repositories() == []


@pytest.mark.parametrize(
    ("line", "column"),
    [("one", 1), ("a b c", 1), ("docker.io/acme/app registry.example/UPPER", 1), ("", 1)],
)
def test_pairs_that_are_none(lab: Lab, line: str, column: int) -> None:
    (lab.folder / "pairs").write_text(f"{line}\n")
    ended = lab("copy", "--pairs", "pairs", "--json")
    assert ended.code == 2
    assert ended.json["where"] == {"file": "pairs", "line": 1, "column": column}
    assert lab("copy", "--pairs", "absent", "--json").json["code"] == "file"
