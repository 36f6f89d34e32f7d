"""What people read: plans, copies, proofs and status as text, on the right stream."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from tests.journey.images import Shelf, company
from tests.journey.lab import Lab

APP = "from: docker.io/acme/app, to: app"


@pytest.fixture
def shelf(lab: Lab) -> Shelf:
    made = company(lab.hub)
    lab.write(APP, text="repositories: {app: {mutability: mutable, scan: on-push}}\n")
    return made


def test_every_answer_heads_with_its_place_and_ends_with_what_comes_next(
    lab: Lab, shelf: Shelf
) -> None:
    place = f"target prod  account 123456789012  region {lab.stack.state.region}  endpoint "
    for words, after in (
        (["plan"], "longshore apply"),
        (["apply", "--yes"], "longshore verify"),
        (["sync"], "longshore verify"),
        (["verify"], "longshore login"),
        (["status"], "longshore verify"),
        (["migrate", "--yes"], "longshore status"),
    ):
        ended = lab(*words)
        assert ended.code == 0
        first, *_, last = ended.out.splitlines()
        assert first.startswith(place)
        assert first.endswith("EMBEDDED")
        assert last == f"next: {after}"


def test_a_plan_shows_each_change(lab: Lab, shelf: Shelf) -> None:
    shown = lab("plan").out
    assert "+ ecr/repository/app" in shown
    assert "scan" in shown
    assert "+ images/app" in shown
    assert "v1.0.0, v1.1.0, v1.2.0, v2.0.0" in shown
    assert "pulls: at least 7 needed" in shown
    lab("apply", "--yes")
    assert "nothing to do" in lab("plan").out
    shelf.image(b"moved", tags=("latest",))
    shown = lab("plan").out
    assert "~ images/app" in shown
    assert "0 new tags, 1 moved" in shown


def test_a_finished_step_is_a_line_of_talk(lab: Lab, shelf: Shelf) -> None:
    ended = lab("apply", "--yes")
    lines = ended.err.splitlines()
    assert "create  ecr/repository/app" in lines
    assert sum(line.startswith("copied  docker.io/acme/app:") for line in lines) == 6
    assert "6 copied" in ended.out
    assert "copied  docker.io" not in ended.out


def test_status_knows_the_way(lab: Lab, shelf: Shelf) -> None:
    assert lab("status").out.splitlines()[-1] == "next: longshore migrate"
    lab.done("apply", "--only", "aws", "--yes")
    shown = lab("status").out
    assert "0 tags copied, 6 left" in shown
    assert shown.splitlines()[-1] == "next: longshore sync"
    lab.fault(listener="ecr", method="PUT", path="/manifests/v1", times=None, status=400)
    assert lab("sync").code == 5
    lab.stack.faults.clear()
    shown = lab("status").out
    assert "the last run did not end" in shown
    lab.done("sync")
    shown = lab("status").out
    assert "6 tags copied, 0 left" in shown
    assert "the last run did not end" not in shown


def test_a_proof_names_only_what_is_wrong(lab: Lab, shelf: Shelf) -> None:
    lab.done("migrate", "--yes")
    fine = lab("verify").out
    assert "6 equal, 0 missing, 0 different, 0 only at the target" in fine
    assert "2 signatures and SBOMs" in fine
    assert "docker.io/acme/app" not in fine
    lab.ecr.delete_tag("app", "v1.0.0")
    ended = lab("verify")
    assert ended.code == 3
    assert "app:v1.0.0  the target has no such tag" in ended.out
    assert "error: 1 missing, 0 different" in ended.err
    assert "longshore explain not-equal" in ended.err


def test_failures_are_named_with_their_reasons(lab: Lab, shelf: Shelf) -> None:
    lab.done("apply", "--only", "aws", "--yes")
    lab.fault(listener="ecr", method="PUT", path="/manifests/v1", times=None, status=400)
    ended = lab("sync")
    assert ended.code == 5
    assert "failed     docker.io/acme/app:v1.0.0: " in ended.out
    assert "error: 3 tags could not be copied" in ended.err
    assert "next:" not in ended.out


def test_watching_goes_on_until_it_is_told_to_stop(lab: Lab, shelf: Shelf) -> None:
    lab.done("apply", "--only", "aws", "--yes")
    hand = threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGTERM))
    hand.start()
    ended = lab("sync", "--watch")
    hand.join()
    assert ended.code == 0
    assert lab.held("app") == shelf.tags()
    assert "6 copied" in ended.out + ended.err


def test_pulls_are_told_before_they_are_spent(lab: Lab, shelf: Shelf) -> None:
    """Without a limit there is nothing to tell."""
    lab.done("apply", "--only", "aws", "--yes")
    assert "pulls:" not in lab("sync").err


def test_a_first_config(lab: Lab, shelf: Shelf) -> None:
    path = lab.folder / "longshore.yaml"
    path.unlink()
    words = ["init", "--namespace", "acme", "--account", "123456789012", "--region", "eu-west-1"]
    shown = lab(*words, "--dry-run")
    assert shown.code == 0
    assert "from: docker.io/acme/app" in shown.out
    assert not path.exists()
    refused = lab(*words, "--json")
    assert (refused.code, refused.json["code"]) == (3, "confirmation-needed")
    assert not path.exists()
    made = lab.done(*words, "--yes", "--scripts")
    assert sorted(made["files"]) == [
        "longshore.yaml",
        "scripts/apply-ecr-lifecycle-policy.sh",
        "scripts/create-ecr-repository.sh",
    ]
    for name in made["files"][1:]:
        assert os.access(name, os.X_OK)
    assert path.read_text() == shown.out
    assert lab("config", "check").code == 0
    again = lab(*words, "--yes", "--json")
    assert (again.code, again.json["code"]) == (3, "file-exists")
    assert "--force" in again.json["hint"]
    assert lab(*words, "--yes", "--force").code == 0


def test_a_first_config_is_never_written_through_a_link(lab: Lab, shelf: Shelf) -> None:
    path = lab.folder / "longshore.yaml"
    path.unlink()
    elsewhere = lab.folder.parent / "elsewhere.yaml"
    elsewhere.write_text("mine")
    path.symlink_to(elsewhere)
    for words in ([], ["--force"]):
        ended = lab("init", "--image", "acme/app", "--yes", "--json", *words)
        assert (ended.code, ended.json["code"]) == (3, "symlink")
    assert elsewhere.read_text() == "mine"


def test_a_first_config_for_another_folder(lab: Lab, shelf: Shelf) -> None:
    Path("tree").mkdir()
    lab.done("init", "tree", "--image", "docker.io/acme/app=shop", "--yes")
    text = Path("tree/longshore.yaml").read_text()
    assert "to: shop" in text
    assert lab("init", "absent", "--yes").code == 2
    assert lab("init", "--image", "oci:folder", "--yes").code == 2
    assert lab("migrate", "tree", "--dry-run").code in (0, 1)
