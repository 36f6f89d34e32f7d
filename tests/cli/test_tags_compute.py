"""tags compute: options, GitHub's variables and event file, its two answers, the tree's tags."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import subprocess
import zlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.cli.conftest import RunCli
from tests.events import payload

from longshore.cli.github_run import build_of, check_event, origin_of
from longshore.errors import UsageError

SHA = "abc1234def5678abc1234def5678abc1234def56"
SHOP = "version: 1\ntargets: {local: {kind: local}}\n"
PUSH = ("tags", "compute", "--event", "push", "--sha", SHA)


def run_of(event: str, ref: str, payload: Any, folder: Path, **more: str) -> dict[str, str]:
    file = folder / "event.json"
    file.write_text(json.dumps(payload))
    return {
        "GITHUB_EVENT_NAME": event,
        "GITHUB_REF": ref,
        "GITHUB_SHA": SHA,
        "GITHUB_EVENT_PATH": str(file),
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
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
    done = cli(*PUSH, "--ref", "refs/heads/main", "--releases", "v2.0.0", "--json")
    assert done.code == 0
    assert done.json["schema"] == "longshore.tags/1"
    assert (done.json["push"], done.json["tags"]) == (True, ["main-abc1234"])
    assert done.json["skipped"] == [{"tag": "latest", "reason": "v2.0.0 is the newest release"}]
    assert done.json["reasons"] == {"main-abc1234": "the default branch main at this commit"}
    plain = cli(*PUSH, "--ref", "refs/heads/main")
    assert plain.out == "main-abc1234\n"
    assert "not latest: whether a version was tagged is not known" in plain.err


def test_releases_may_be_given(cli: RunCli) -> None:
    at = (*PUSH, "--ref", "refs/tags/v1.9.9", "--json")
    assert cli(*at, "--releases", "v1.0.0,v2.0.0").json["tags"] == ["v1.9.9"]
    told = cli(*at, "--releases", "v1.0.0").json
    assert (told["tags"], told["releases_from"]) == (["v1.9.9", "latest"], "told")
    alone = cli(*at).json
    assert (alone["tags"], alone["releases_from"]) == (["v1.9.9"], "nowhere")
    assert "this is not a git tree; no registry was asked" in alone["skipped"][0]["reason"]


def git(*words: str) -> None:
    name = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *name, *words], check=True, capture_output=True)


def test_releases_are_the_tags_of_the_tree(cli: RunCli, tmp_path: Path) -> None:
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "one")
    git("tag", "v2.0.0")
    git("tag", "nested/name")
    at = (*PUSH, "--ref", "refs/tags/v1.9.9", "--json")
    assert cli(*at).json["releases_from"] == "git"
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
    assert "fetch-depth: 0" in shallow["skipped"][0]["reason"]


def test_before_the_first_version_the_default_branch_is_latest(cli: RunCli) -> None:
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "one")
    on_main = (*PUSH, "--ref", "refs/heads/main", "--json")
    assert cli(*on_main).json["tags"] == ["main-abc1234", "latest"]
    git("tag", "v1.0.0-rc.1")
    assert cli(*on_main).json["tags"] == ["main-abc1234", "latest"]
    git("tag", "v0.1.0")
    assert cli(*on_main).json["tags"] == ["main-abc1234"]
    git("tag", "-d", "v0.1.0", "v1.0.0-rc.1")
    git("config", "remote.origin.tagOpt", "--no-tags")
    found = cli(*on_main).json
    assert (found["tags"], found["releases_from"]) == (["main-abc1234"], "nowhere")
    assert "made without tags" in found["skipped"][0]["reason"]


def test_a_commit_that_another_begins_like_is_longer(cli: RunCli) -> None:
    git("init", "-q")
    for number in range(40):
        git("commit", "-q", "--allow-empty", "-m", str(number))
    shas = subprocess.run(
        ["git", "rev-list", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.split()
    by_start: dict[str, list[str]] = {}
    for sha in shas:
        by_start.setdefault(sha[:1], []).append(sha)
    first = next(ones[0] for ones in by_start.values() if len(ones) > 1)
    twin = first[:7] + hashlib.sha1(b"").hexdigest()[:33]
    content = zlib.compress(b"commit 0\x00")
    place = Path(".git/objects") / twin[:2]
    place.mkdir(exist_ok=True)
    (place / twin[2:]).write_bytes(content)
    at = ("tags", "compute", "--event", "push", "--ref", "main", "--json", "--sha")
    found = cli(*at, first).json["tags"][0]
    assert found.startswith(f"main-{first[:8]}")
    assert cli(*at, shas[-1]).json["tags"][0] == f"main-{shas[-1][:7]}"


def test_branches_that_slug_alike_are_named(cli: RunCli) -> None:
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "one")
    git("branch", "a-b")
    git("update-ref", "refs/remotes/origin/a/b", "HEAD")
    hazards = cli(*PUSH, "--ref", "refs/heads/a/b", "--json").json["hazards"]
    assert [one["code"] for one in hazards] == ["branches-alike"]
    assert "a-b" in hazards[0]["message"]


def test_a_run_of_github_is_read_and_answered(cli: RunCli, tmp_path: Path) -> None:
    ref = "refs/heads/day2-advanced"
    payload = {"ref": ref, "repository": {"full_name": "acme/shop"}}
    run = run_of("push", ref, payload, tmp_path, GITHUB_REPOSITORY="acme/shop")
    at = ("--at", "2026-11-23T01:02:03Z")
    done = cli("tags", "compute", "--image", "example.com/shop", "--json", *at, **run)
    tags = ["day2-advanced-abc1234", "branch-day2-advanced-abc1234"]
    assert (done.json["tags"], done.json["markers"]) == (tags, tags[1:])
    labels = [
        "org.opencontainers.image.created=2026-11-23T01:02:03Z",
        "org.opencontainers.image.ref.name=day2-advanced-abc1234",
        f"org.opencontainers.image.revision={SHA}",
        "org.opencontainers.image.source=https://github.com/acme/shop",
        "org.opencontainers.image.title=shop",
        "org.opencontainers.image.url=https://github.com/acme/shop",
        "org.opencontainers.image.version=day2-advanced-abc1234",
    ]
    references = "\n".join(f"example.com/shop:{tag}" for tag in tags)
    assert outputs(tmp_path / "output") == {
        "push": "true",
        "tag": tags[0],
        "version": tags[0],
        "exists": "false",
        "digest": "",
        "tags": "\n".join(tags),
        "immutable": "\n".join(tags),
        "moving": "",
        "markers": tags[1],
        "references": references,
        "build": references,
        "after": "",
        "labels": "\n".join(labels),
        "annotations": "\n".join(f"manifest:{line}" for line in labels),
    }
    assert [f"{key}={value}" for key, value in done.json["labels"].items()] == labels
    first = (tmp_path / "output").read_text()
    cli("tags", "compute", **run)
    delimiters = (
        re.findall("<<(.*)", first),
        re.findall("<<(.*)", (tmp_path / "output").read_text()),
    )
    assert len(set(delimiters[1])) == 2
    assert len(delimiters[1]) == 18
    assert (tmp_path / "output").read_text().startswith(first)


def test_the_summary_gives_reasons_and_no_markup(cli: RunCli, tmp_path: Path) -> None:
    branch = "x|y`</td><script>[a](http://e.example)\u202e*b*"
    run = run_of("push", f"refs/heads/{branch}", {}, tmp_path)
    assert cli("tags", "compute", **run).code == 0
    text = (tmp_path / "summary").read_text()
    assert "| latest | " in text
    assert "no rule" not in text
    for raw in ("<script>", "](http", "`<", "*b*", "\u202e"):
        assert raw not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {3}
    (tmp_path / "summary").unlink()
    cli("tags", "compute", "--no-summary", **run)
    assert not (tmp_path / "summary").exists()


def test_the_file_says_what_latest_follows(cli: RunCli, tmp_path: Path) -> None:
    Path("longshore.yaml").write_text(f"{SHOP}tags: {{latest: main, develop: [dev]}}\n")
    payload = {"repository": {"default_branch": "main"}}
    run = run_of("push", "refs/heads/main", payload, tmp_path)
    assert cli("tags", "compute", "--json", **run).json["tags"] == ["main-abc1234", "latest"]
    again = cli("tags", "compute", "--json", **run, GITHUB_RUN_ATTEMPT="2").json
    assert again["tags"] == ["main-abc1234"]
    run = run_of("push", "refs/heads/dev", payload, tmp_path)
    assert cli("tags", "compute", "--json", **run).json["tags"] == ["develop-abc1234"]


STANDARD = f"{SHOP}repositories: {{shop: {{lifecycle: {{preset: standard}}}}}}\n"


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        (SHOP, ["main-abc1234"]),
        (STANDARD, ["main-abc1234", "prod-main-abc1234"]),
        (f"{STANDARD}tags: {{markers: needed}}\n", ["main-abc1234"]),
        (f"{SHOP}tags: {{markers: all}}\n", ["main-abc1234", "prod-main-abc1234"]),
        (f"{STANDARD}tags: {{sha_length: 9, markers: none}}\n", ["main-abc1234de"]),
        (f"{SHOP}tags: {{component: svc-a, markers: none}}\n", ["svc-a-main-abc1234"]),
        (f"{SHOP}tags: {{component: svc-a, component_prefix: false}}\n", ["main-abc1234"]),
    ],
)
def test_the_file_says_how_tags_look(cli: RunCli, text: str, tags: list[str]) -> None:
    Path("longshore.yaml").write_text(text)
    assert cli(*PUSH, "--ref", "refs/heads/main", "--json").json["tags"] == tags
    named = cli(*PUSH, "--ref", "main", "--component", "svc-b", "--json").json["tags"]
    assert named[0].startswith("svc-b-") is ("component_prefix" not in text)


def test_a_tag_without_a_rule_is_said(cli: RunCli) -> None:
    at = (*PUSH, "--ref", "refs/heads/day2-advanced", "--json")
    Path("longshore.yaml").write_text(f"{STANDARD}tags: {{markers: none}}\n")
    [hazard] = cli(*at).json["hazards"]
    assert hazard["code"] == "tag-without-rule"
    assert "day2-advanced-abc1234" in hazard["message"]
    Path("longshore.yaml").write_text(STANDARD)
    assert cli(*at).json["hazards"] == []
    Path("longshore.yaml").write_text(f"{SHOP}repositories: {{shop: {{lifecycle: {{file: x}}}}}}")
    assert [one["code"] for one in cli(*at).json["hazards"]] == ["policy-not-looked-at"]


def test_a_tag_that_cannot_move_is_said(cli: RunCli) -> None:
    mutability = "{shop: {mutability: {default: immutable, except: [latest]}}}"
    Path("longshore.yaml").write_text(f"{SHOP}repositories: {mutability}\ntags: {{ladder: true}}\n")
    told = ("--releases", "v2.0.9", "--json")
    found = cli(*PUSH, "--ref", "refs/tags/v2.1.0", *told).json
    assert found["tags"] == ["v2.1.0", "latest", "v2.1", "v2"]
    assert [one["code"] for one in found["hazards"]] == ["tag-cannot-move"] * 2
    assert "five exceptions" in found["hazards"][0]["message"]
    request = cli("tags", "compute", "--event", "pull_request", "--pr", "1", "--sha", SHA, *told)
    assert "pr-1 moves" in request.json["hazards"][0]["message"]


def test_the_input_of_metadata_action(cli: RunCli) -> None:
    done = cli("tags", "compute", "--explain-metadata-action", "--json")
    assert done.json["schema"] == "longshore.tags.metadata-action/1"
    assert all("enable=${{" in line for line in done.json["with"]["tags"])
    assert done.json["cannot"]
    plain = cli("tags", "compute", "--explain-metadata-action").out
    step = yaml.safe_load(plain.partition("\n\n")[0])
    assert step[0]["with"]["tags"].splitlines() == done.json["with"]["tags"]
    assert step[0]["env"] == done.json["env"]


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
        ["--event", "push", "--ref", "refs/heads/", "--sha", SHA],
        ["--event", "push", "--ref", "refs/heads/a\n::error::b", "--sha", SHA],
        ["--event", "push", "--ref", "refs/heads/a\x1b[31m", "--sha", SHA],
    ],
)
def test_what_is_missing_is_said(cli: RunCli, words: list[str]) -> None:
    done = cli("tags", "compute", *words, "--json")
    assert (done.code, done.json["code"]) == (2, "bad-build")
    assert done.json["hint"]


def test_a_name_with_a_tag_is_no_image(cli: RunCli) -> None:
    done = cli(*PUSH, "--ref", "main", "--image", "example.com/shop:1")
    assert done.code == 2


def test_a_file_for_the_answer_that_is_a_link(cli: RunCli, tmp_path: Path) -> None:
    run = run_of("push", "refs/heads/main", {}, tmp_path)
    (tmp_path / "output").symlink_to(tmp_path / "elsewhere")
    assert cli("tags", "compute", **run).code == 3
    assert not (tmp_path / "elsewhere").exists()


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(sorted(payload("pull-request-fork"))), inner)
    ),
)


@given(TREES)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_no_payload_breaks_the_reading(found: Any) -> None:
    environ = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/7/merge"}
    document = found if isinstance(found, dict) else {}
    assert build_of(environ, document).fork
    with contextlib.suppress(UsageError):
        check_event(environ, document, "event.json")
    origin_of(environ, document)
