"""No room: in the state folder, for a saved plan, for the embedded servers; and a port in use."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journey.images import company
from tests.journey.lab import Done, Lab

APP = "from: docker.io/acme/app, to: app"

# Files may not grow beyond the limit, which is what a full disk looks like to who writes one.
_SMALL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
from longshore.cli.main import main
main(sys.argv[2:])
"""


def with_room(lab: Lab, size: int, *argv: str) -> Done:
    """The command in a process that can write files of `size` bytes at most."""
    words = [sys.executable, "-B", "-c", _SMALL, str(size), *argv]
    environ = lab.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(words, env=environ, cwd=lab.folder, capture_output=True, timeout=60)
    return Done(ran.returncode, ran.stdout.decode(), ran.stderr.decode())


@pytest.fixture(autouse=True)
def _filled(lab: Lab) -> None:
    company(lab.hub)
    lab.write(APP)
    lab.done("apply", "--only", "aws", "--yes")


def test_no_room_for_the_state(lab: Lab) -> None:
    """Manifests have some 400 bytes: none can be kept."""
    ended = with_room(lab, 100, "sync", "--json")
    assert ended.code == 1, ended.out + ended.err
    answer = json.loads(ended.out)
    found = answer.get("error") or answer
    assert found["code"] == "state-folder"
    assert str(lab.folder.parent / "state") in ended.out
    assert "LONGSHORE_STATE_DIR" in found["hint"]
    assert lab.held("app") == {}
    assert lab.done("sync")["tags"]["failed"] == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_state_folder_that_nobody_may_write(lab: Lab, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    ended = lab("sync", "--json", LONGSHORE_STATE_DIR=str(closed / "state"))
    assert (ended.code, ended.json["code"]) == (1, "state-folder")


def test_a_state_folder_that_is_a_file(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    ended = lab("sync", "--json", LONGSHORE_STATE_DIR=str(tmp_path / "file"))
    assert (ended.code, ended.json["code"]) == (1, "state-folder")
    assert "LONGSHORE_STATE_DIR" in ended.json["hint"]
    assert (tmp_path / "file").read_text() == "mine"


def test_damaged_state_costs_a_pull_and_nothing_else(lab: Lab) -> None:
    lab.done("sync")
    state = Path(lab.environ["LONGSHORE_STATE_DIR"])
    kept = [path for path in (state / "copy" / "manifests").rglob("*") if path.is_file()]
    assert len(kept) == 8
    for path in kept:
        path.write_bytes(b"damaged")
    lab.ecr.delete_tag("app", "v1.0.0")
    with lab.asked() as asked:
        assert lab.done("sync")["tags"]["copied"] == 1
    assert asked.pulled == []
    assert lab.done("verify")["equal"] == 6


def test_no_room_for_a_saved_plan(lab: Lab) -> None:
    ended = with_room(lab, 100, "plan", "-o", "plan.json", "--json")
    assert ended.code == 1, ended.out + ended.err
    assert json.loads(ended.out)["code"] == "file"
    assert sorted(path.name for path in lab.folder.iterdir()) == ["longshore.yaml"]


def test_a_plan_or_summary_where_no_file_can_be(lab: Lab) -> None:
    for place in ("longshore.yaml/file", "."):
        ended = lab("plan", "-o", place, "--json")
        assert (ended.code, ended.json["code"]) == (1, "file")
        with lab.asked() as asked:
            ended = lab("migrate", "--summary", place, "--yes", "--json")
        assert (ended.code, ended.json["code"]) == (1, "file")
        assert ended.json["hint"]
        assert asked.pulls == 0
    assert lab.held("app") == {}
    assert sorted(path.name for path in lab.folder.iterdir()) == ["longshore.yaml"]


def test_a_port_that_somebody_has(lab: Lab, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        folder = str(tmp_path / "other")
        ended = lab("local", "up", "--data-dir", folder, "--port-hub", str(port), "--json")
    assert (ended.code, ended.json["code"]) == (1, "port-taken")
    assert str(port) in ended.json["message"]
    assert "--port-hub" in ended.json["hint"]
