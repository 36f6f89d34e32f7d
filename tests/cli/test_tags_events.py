"""tags compute over runs of GitHub Actions, from event files in the webhooks' shape."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import RunCli
from tests.events import FOLDER, MERGE, RUNS, SHA, payload, run

HEAD = payload("pull-request-opened")["pull_request"]["head"]["sha"]
NONE: list[str] = []


@pytest.mark.parametrize(
    ("name", "tags", "why"),
    [
        ("push-branch", ["main-abc1234", "prod-main-abc1234"], ""),
        ("push-new-branch", ["feature-abc1234", "branch-feature-abc1234"], ""),
        ("push-tag", ["v2.0.0", "latest", "prod-v2.0.0"], ""),
        ("push-deleted", NONE, "deleted"),
        ("pull-request-opened", ["pr-123"], ""),
        ("pull-request-synchronize", ["pr-123"], ""),
        ("pull-request-closed", NONE, "closed"),
        ("pull-request-fork", NONE, "fork"),
        ("pull-request-fork-gone", NONE, "fork"),
        ("pull-request-dependabot", NONE, "Dependabot"),
        ("pull-request-target", NONE, "pull_request_target"),
        ("merge-group", NONE, "merge queue"),
        ("release-published", ["v2.0.0", "latest", "prod-v2.0.0"], ""),
        ("release-prerelease", ["v2.1.0-rc.1", "prod-v2.1.0-rc.1"], ""),
        ("release-edited", NONE, "edited"),
        ("workflow-dispatch-branch", ["main-abc1234", "prod-main-abc1234"], ""),
        ("workflow-dispatch-tag", ["v2.0.0", "latest", "prod-v2.0.0"], ""),
        ("schedule", ["nightly-20261123"], ""),
        ("workflow-run", NONE, "workflow_run"),
        ("repository-dispatch", NONE, "repository_dispatch"),
    ],
)
def test_runs(cli: RunCli, name: str, tags: list[str], why: str) -> None:
    Path("longshore.yaml").write_text(
        "version: 1\ntargets: {local: {kind: local}}\ntags: {markers: all}\n"
    )
    told = ("--releases", "v1.9.9,v2.0.0", "--at", "2026-11-23T01:02:03Z", "--json")
    found = cli("tags", "compute", *told, **run(name)).json
    assert (found["tags"], found["push"]) == (tags, bool(tags))
    assert sorted(found["reasons"]) == sorted(tags)
    if not tags:
        assert [one["tag"] for one in found["skipped"]] == ["*"]
        assert why in found["skipped"][0]["reason"]
    elif "latest" not in tags:
        assert [one["tag"] for one in found["skipped"]] == ["latest"]


def test_every_file_is_a_case() -> None:
    assert {file.stem for file in FOLDER.glob("*.json")} == set(RUNS)


def test_a_pull_request_is_its_head_not_the_merge(cli: RunCli) -> None:
    found = cli("tags", "compute", "--json", **run("pull-request-synchronize")).json
    assert found["sha"] == HEAD
    assert found["labels"]["org.opencontainers.image.revision"] == HEAD
    assert found["labels"]["org.opencontainers.image.licenses"] == "MIT"
    assert MERGE not in json.dumps(found)


def test_pull_requests_may_be_built_only(cli: RunCli) -> None:
    Path("longshore.yaml").write_text(
        "version: 1\ntargets: {local: {kind: local}}\n"
        "tags: {pull_requests: build, pull_request_commits: true}\n"
    )
    found = cli("tags", "compute", "--json", **run("pull-request-opened")).json
    assert (found["push"], found["tags"]) == (False, ["pr-123", "pr-123-0123456"])
    assert [one["code"] for one in found["hazards"]] == ["pull-requests-build-only"]


# --- event files that are not the run's ----------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "file", "words"),
    [
        ("push-branch", "pull-request-opened", "'pull_request'"),
        ("push-branch", "push-tag", "refs/tags/v2.0.0"),
        ("push-branch", "release-published", "'release'"),
        ("push-branch", "merge-group", "'merge_group'"),
        ("pull-request-opened", "push-branch", "no 'pull_request'"),
        ("release-published", "push-tag", "no 'release'"),
        ("release-published", "release-prerelease", "v2.1.0-rc.1"),
        ("schedule", "workflow-run", "'workflow_run'"),
    ],
)
def test_the_file_of_another_event(cli: RunCli, event: str, file: str, words: str) -> None:
    environ = run(event) | {"GITHUB_EVENT_PATH": str(FOLDER / f"{file}.json")}
    done = cli("tags", "compute", "--json", **environ)
    assert (done.code, done.json["code"]) == (2, "event-mismatch")
    assert words in done.json["message"]
    assert done.json["where"]["file"].endswith(f"{file}.json")
    assert done.json["hint"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"repository": {"full_name": "stranger/shop"}}, "stranger/shop"),
        ({"number": 124}, "#124"),
    ],
)
def test_the_file_of_another_run(
    cli: RunCli, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    file = tmp_path / "event.json"
    file.write_text(json.dumps(payload("pull-request-opened") | change))
    done = cli("tags", "compute", "--json",
               **run("pull-request-opened") | {"GITHUB_EVENT_PATH": str(file)})  # fmt: skip
    assert (done.code, done.json["code"]) == (2, "event-mismatch")
    assert words in done.json["message"]


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"\xff\xfe", b"null", b"[" * 100_000])
def test_an_event_file_that_cannot_be_read(
    cli: RunCli, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "event.json"
    if content is not None:
        file.write_bytes(content)
    done = cli("tags", "compute", "--json",
               **run("push-branch") | {"GITHUB_EVENT_PATH": str(file)})  # fmt: skip
    assert (done.code, done.json["code"]) == (1, "event-file")
    assert done.json["where"]["file"] == str(file)


def test_without_an_event_file_a_pull_request_is_not_guessed_at(cli: RunCli) -> None:
    environ = {key: value for key, value in run("pull-request-opened").items()
               if key != "GITHUB_EVENT_PATH"}  # fmt: skip
    done = cli("tags", "compute", "--json", **environ)
    assert (done.code, done.json["code"]) == (2, "bad-build")
    pushed = {key: value for key, value in run("push-branch").items() if key != "GITHUB_EVENT_PATH"}
    assert cli("tags", "compute", "--json", **pushed).json["tags"][0] == "main-abc1234"


@pytest.mark.parametrize(
    ("branch", "tag"),
    [
        ("a/../b", "a-..-b"),
        ("🚀", "br-ebbc0b28"),
        ("x" * 300, "x" * 120),
        ("a::set-output=x::y", "a-set-output-x-y"),
        ("\udcff", ""),
        ("$(reboot)`x`", "reboot-x"),
    ],
)
def test_odd_branches(cli: RunCli, tmp_path: Path, branch: str, tag: str) -> None:
    environ = run("push-branch")
    del environ["GITHUB_EVENT_PATH"]
    done = cli("tags", "compute", "--json", **environ | {
        "GITHUB_REF": f"refs/heads/{branch}",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    })  # fmt: skip
    assert done.code == 0, done.err
    own = done.json["tags"][0]
    assert own.startswith(tag or "br-")
    assert own.endswith("-abc1234")
    lines = (tmp_path / "output").read_text().splitlines()
    assert lines[:2] == ["push=true", f"tag={own}"]
    assert not any(line.startswith("::") for line in done.out.splitlines())
    assert (tmp_path / "summary").read_text().startswith("### ")


@pytest.mark.parametrize("branch", ["a\nb::set-output name=x::y", "\x1b[31mred"])
def test_branches_that_git_cannot_have(cli: RunCli, branch: str) -> None:
    environ = run("push-branch")
    del environ["GITHUB_EVENT_PATH"]
    done = cli("tags", "compute", "--json", **environ | {"GITHUB_REF": f"refs/heads/{branch}"})
    assert (done.code, done.json["code"]) == (2, "bad-build")


def test_the_commit_of_a_saved_run_can_be_named(cli: RunCli, tmp_path: Path) -> None:
    shutil.copy(FOLDER / "push-branch.json", tmp_path / "event.json")
    environ = run("push-branch") | {"GITHUB_EVENT_PATH": str(tmp_path / "event.json")}
    found = cli("tags", "compute", "--sha", "f" * 40, "--json", **environ).json
    assert (found["sha"], SHA in found["tags"]) == ("f" * 40, False)
