"""tags compute: options, GitHub's variables and event file, $GITHUB_OUTPUT, the tree's tags."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.cli.conftest import RunCli

from longshore.cli.github_run import build_of

SHA = "abc1234def5678abc1234def5678abc1234def56"
OTHER = "0123456789abcdef0123456789abcdef01234567"
PUSH = ("tags", "compute", "--event", "push", "--sha", SHA)


def same(name: str = "acme/shop", **rest: Any) -> dict[str, Any]:
    """The payload of a pull request from the repository `name` into acme/shop."""
    return {
        "number": 123,
        "pull_request": {
            "number": 123,
            "head": {"sha": OTHER, "repo": {"full_name": name}},
            "base": {"repo": {"full_name": "acme/shop"}},
        },
        "repository": {"default_branch": "main"},
        **rest,
    }


def run_of(event: str, ref: str, payload: Any, folder: Path, **more: str) -> dict[str, str]:
    file = folder / "event.json"
    file.write_text(json.dumps(payload))
    return {
        "GITHUB_EVENT_NAME": event,
        "GITHUB_REF": ref,
        "GITHUB_SHA": SHA,
        "GITHUB_EVENT_PATH": str(file),
        "GITHUB_OUTPUT": str(folder / "output"),
        **more,
    }


def outputs(file: Path) -> dict[str, str]:
    """$GITHUB_OUTPUT as the runner reads it."""
    found, lines = {}, iter(file.read_text().splitlines())
    for line in lines:
        if many := re.fullmatch(r"([a-z]+)<<(\S+)", line):
            found[many[1]] = "\n".join(iter(lambda: next(lines), many[2]))
        else:
            name, _, value = line.partition("=")
            found[name] = value
    return found


def test_options_describe_a_build(cli: RunCli) -> None:
    done = cli(*PUSH, "--ref", "refs/heads/main", "--json")
    assert done.code == 0
    assert done.json["schema"] == "longshore.tags/1"
    assert (done.json["push"], done.json["tags"]) == (True, ["main-abc1234"])
    assert [one["tag"] for one in done.json["skipped"]] == ["latest"]
    plain = cli(*PUSH, "--ref", "refs/heads/main")
    assert plain.out == "main-abc1234\n"
    assert "latest" in plain.err


def test_releases_may_be_given(cli: RunCli) -> None:
    at = (*PUSH, "--ref", "refs/tags/v1.9.9", "--json")
    assert cli(*at, "--releases", "v1.0.0,v2.0.0").json["tags"] == ["v1.9.9"]
    assert cli(*at, "--releases", "v1.0.0").json["tags"] == ["v1.9.9", "latest"]
    alone = cli(*at).json
    assert alone["tags"] == ["v1.9.9", "latest"]
    assert [one["code"] for one in alone["hazards"]] == ["releases-unknown"]


def git(*words: str) -> None:
    name = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *name, *words], check=True, capture_output=True)


def test_releases_are_the_tags_of_the_tree(cli: RunCli, tmp_path: Path) -> None:
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "one")
    git("tag", "v2.0.0")
    git("tag", "nested/name")
    at = (*PUSH, "--ref", "refs/tags/v1.9.9", "--json")
    assert cli(*at).json["skipped"][0]["reason"] == "v2.0.0 is the newest release"
    git("pack-refs", "--all")
    assert cli(*at).json["tags"] == ["v1.9.9"]
    assert cli(*PUSH, "--ref", "refs/tags/v3.0.0", "--json").json["tags"] == ["v3.0.0", "latest"]
    git("worktree", "add", "-q", str(tmp_path / "beside"))
    subprocess.run(["git", "-C", str(tmp_path / "beside"), "tag", "v4.0.0"], check=True)
    assert "v4.0.0" in cli(*at).json["skipped"][0]["reason"]
    Path(".git/shallow").write_text(SHA + "\n")
    shallow = cli(*PUSH, "--ref", "refs/tags/v9.0.0", "--json").json
    assert shallow["tags"] == ["v9.0.0"]
    assert "not known" in shallow["skipped"][0]["reason"]


def test_a_run_of_github_is_read_and_answered(cli: RunCli, tmp_path: Path) -> None:
    run = run_of("push", "refs/heads/day2-advanced", {"ref": "x"}, tmp_path)
    done = cli("tags", "compute", "--image", "example.com/shop", "--json", **run)
    assert done.json["tags"] == ["day2-advanced-abc1234"]
    assert outputs(tmp_path / "output") == {
        "push": "true",
        "tag": "day2-advanced-abc1234",
        "tags": "day2-advanced-abc1234",
        "immutable": "day2-advanced-abc1234",
        "moving": "",
        "references": "example.com/shop:day2-advanced-abc1234",
    }
    first = (tmp_path / "output").read_text()
    cli("tags", "compute", **run)
    delimiters = (
        re.findall("<<(.*)", first),
        re.findall("<<(.*)", (tmp_path / "output").read_text()),
    )
    assert len(set(delimiters[1])) == 2
    assert len(delimiters[1]) == 8
    assert (tmp_path / "output").read_text().startswith(first)


@pytest.mark.parametrize(
    ("payload", "tags", "push"),
    [
        (same(), ["pr-123-0123456", "pr-123"], True),
        (same("Acme/Shop"), ["pr-123-0123456", "pr-123"], True),
        (same("stranger/shop"), [], False),
        ({"number": 123, "pull_request": {"head": {"sha": OTHER, "repo": None}}}, [], False),
        ({}, [], False),
        ([], [], False),
    ],
)
def test_pull_requests(
    cli: RunCli, tmp_path: Path, payload: Any, tags: list[str], push: bool
) -> None:
    Path("longshore.yaml").write_text(
        "version: 1\ntargets: {local: {kind: local}}\ntags: {pull_requests: push}\n"
    )
    run = run_of("pull_request", "refs/pull/123/merge", payload, tmp_path)
    found = cli("tags", "compute", "--json", **run).json
    assert (found["tags"], found["push"]) == (tags, push)
    assert outputs(tmp_path / "output")["push"] == str(push).lower()


def test_the_file_says_what_latest_follows(cli: RunCli, tmp_path: Path) -> None:
    Path("longshore.yaml").write_text(
        "version: 1\ntargets: {local: {kind: local}}\ntags: {latest: main, develop: [dev]}\n"
    )
    payload = {"repository": {"default_branch": "main"}}
    run = run_of("push", "refs/heads/main", payload, tmp_path)
    assert cli("tags", "compute", "--json", **run).json["tags"] == ["main-abc1234", "latest"]
    again = cli("tags", "compute", "--json", **run, GITHUB_RUN_ATTEMPT="2").json
    assert again["tags"] == ["main-abc1234"]
    run = run_of("push", "refs/heads/dev", payload, tmp_path)
    assert cli("tags", "compute", "--json", **run).json["tags"] == ["develop-abc1234"]


def test_the_time_of_a_scheduled_build(cli: RunCli) -> None:
    at = ("tags", "compute", "--event", "schedule", "--ref", "main", "--sha", SHA, "--json")
    done = cli(*at, "--at", "2026-11-23T23:30:00-02:00")
    assert done.json["tags"] == ["nightly-20261124"]
    assert re.fullmatch(r"nightly-\d{8}", cli(*at).json["tags"][0])


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--event", "push", "--sha", SHA],
        ["--event", "push", "--ref", "refs/heads/main"],
        ["--event", "push", "--ref", "refs/heads/main", "--sha", "main"],
        ["--event", "schedule", "--ref", "main", "--sha", SHA, "--at", "soon"],
    ],
)
def test_what_is_missing_is_said(cli: RunCli, words: list[str]) -> None:
    done = cli("tags", "compute", *words, "--json")
    assert (done.code, done.json["code"]) == (2, "bad-build")
    assert done.json["hint"]


def test_a_name_with_a_tag_is_no_image(cli: RunCli) -> None:
    done = cli(*PUSH, "--ref", "main", "--image", "example.com/shop:1")
    assert done.code == 2


def test_an_event_file_that_is_none(cli: RunCli, tmp_path: Path) -> None:
    run = run_of("push", "refs/heads/main", {}, tmp_path)
    (tmp_path / "event.json").write_text("{")
    assert cli("tags", "compute", **run).code == 1
    link = tmp_path / "output"
    link.symlink_to(tmp_path / "elsewhere")
    (tmp_path / "event.json").write_text("{}")
    assert cli("tags", "compute", **run).code == 3
    assert not (tmp_path / "elsewhere").exists()


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(sorted(same())), inner),
)


@given(TREES)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_no_payload_breaks_the_reading(payload: Any) -> None:
    environ = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/7/merge"}
    found = build_of(environ, payload if isinstance(payload, dict) else {})
    assert found.fork
