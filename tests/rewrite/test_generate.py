"""Emitted files: what they say for each choice, what they keep, what the linters say of them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from longshore.cli.commands import entries
from longshore.cli.emitting import read_pins
from longshore.cli.main import load
from longshore.errors import RefusedError, UsageError
from longshore.rewrite.generate.actions_pins import Pin, Pins, parse_pins
from longshore.rewrite.generate.dockerfile import equal_checks, render_dockerfile
from longshore.rewrite.generate.ignore_file import render_ignore
from longshore.rewrite.generate.kept_jobs import Kept, keep_jobs, pushes_an_image
from longshore.rewrite.generate.operations import render_operations
from longshore.rewrite.generate.options import BUILDKIT, FIVE, BaseImage
from longshore.rewrite.generate.project import READ, detect_project
from longshore.rewrite.generate.quality_jobs import render_tests
from longshore.rewrite.generate.workflow import render_workflow
from longshore.rewrite.source import read_source
from longshore.rewrite.syntax.dockerfile import parse_text
from tests.peers import peer
from tests.rewrite.pipelines import (
    EVERYTHING,
    INSTALLS,
    NODE,
    PRESENT,
    TREES,
    images,
    kept,
    options,
    project,
    workflows,
)

WORKFLOWS = dict(workflows())


def parsed(text: str) -> Any:
    """YAML as GitHub reads it: `on` is a word."""
    return yaml.load(text, Loader=yaml.BaseLoader)


def steps_of(text: str, job: str) -> dict[str, Any]:
    return {step["name"]: step for step in parsed(text)["jobs"][job]["steps"]}


# --- workflows -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All workflows where GitHub looks for them."""
    root = tmp_path_factory.mktemp("tree")
    place = root / ".github" / "workflows"
    place.mkdir(parents=True)
    for name, made in WORKFLOWS.items():
        (place / f"{name}.yml").write_text(made.text)
    return root


def said_by(*argv: str | Path, cwd: Path) -> str:
    ran = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)
    return f"{ran.stdout}{ran.stderr}" if ran.returncode else ""


def program(name: str) -> Path:
    return Path(sys.executable).parent / name


def paths(folder: Path) -> Iterator[str]:
    yield from sorted(str(one) for one in folder.rglob("*.yml"))


@pytest.mark.peer
def test_actionlint_and_shellcheck_have_nothing_to_say(folder: Path) -> None:
    peer("shellcheck")
    assert said_by(peer("actionlint"), "-oneline", *paths(folder), cwd=folder) == ""


def test_zizmor_has_nothing_to_say(folder: Path) -> None:
    assert said_by(program("zizmor"), "--offline", "--no-progress", "-q", ".", cwd=folder) == ""


def test_workflows_fit_the_schema(folder: Path) -> None:
    schema = ("--builtin-schema", "vendor.github-workflows")
    assert said_by(program("check-jsonschema"), *schema, *paths(folder), cwd=folder) == ""


def test_a_linter_that_finds_something_fails(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / ".github" / "workflows"
    place.mkdir(parents=True)
    text = WORKFLOWS["oidc-plain-0-True-0"].text.replace("fetch-depth: 0", "fetch: ${{ nothing }}")
    (place / "x.yml").write_text(re.sub(r"@[0-9a-f]{40}", "@v1", text))
    assert said_by(program("zizmor"), "--offline", "--no-progress", "-q", ".", cwd=tmp_path)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_workflow_keeps_the_rules_of_the_house(name: str) -> None:
    text = WORKFLOWS[name].text
    document = parsed(text)
    assert document["permissions"] == {"contents": "read"}
    assert "pull_request_target" not in text
    for uses in re.findall(r"uses: (\S+)", text):
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", uses), uses
    for job in document["jobs"].values():
        for outputs in job.get("outputs", {}).values():
            assert "registry" not in outputs
            assert "secrets" not in outputs
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")
    secrets = set(re.findall(r"secrets\.(\w+)", text)) - {"DOCKERHUB_USERNAME"}
    assert secrets <= {*FIVE, "REGION"}
    assert "docker.io" not in text or "plain" in name


@pytest.mark.parametrize("auth", ["oidc", "keys"])
def test_login_by_role_or_by_keys(auth: str) -> None:
    text = render_workflow(options(auth=auth), Kept()).text
    job = parsed(text)["jobs"]["image"]
    given = steps_of(text, "image")["AWS credentials"]["with"]
    assert (job["permissions"].get("id-token") == "write") is (auth == "oidc")
    assert ("role-to-assume" in given) is (auth == "oidc")
    assert ("aws-secret-access-key" in given) is (auth == "keys")
    assert given["allowed-account-ids"] == "${{ vars.AWS_ACCOUNT_ID || secrets.AWS_ACCOUNT_ID }}"
    named = set(re.findall(r"secrets\.(\w+)", text))
    assert named == set(FIVE if auth == "keys" else FIVE[2:])


def test_nothing_needs_an_account_before_the_tags_say_so() -> None:
    for plain in (True, False):
        text = render_workflow(options(plain=plain), Kept()).text
        condition = "env.PUSH == 'true'" if plain else "steps.tags.outputs.push == 'true'"
        steps = steps_of(text, "image")
        for name in ("AWS credentials", "Log in to Amazon ECR"):
            assert steps[name]["if"] == condition
        assert steps["Build and push"]["with"]["push"] == f"${{{{ {condition} }}}}"


def test_the_branches_of_the_file_build() -> None:
    on = parsed(render_workflow(options(), Kept()).text)["on"]
    assert on["push"]["branches"] == ["main", "develop", "feature/*", "day2-advanced"]
    assert set(on) == {"push", "pull_request", "workflow_dispatch"}


@pytest.mark.parametrize("branch", ["2.0", "on", "*", "a: b", "x #y", "기능", "'q'", "!no"])
def test_branches_are_quoted_where_they_must_be(branch: str) -> None:
    on = parsed(render_workflow(options(branches=(branch,)), Kept()).text)["on"]
    assert on["push"]["branches"] == [branch]


def test_longshore_comes_from_where_the_file_says_or_not_at_all() -> None:
    for install in INSTALLS:
        run = steps_of(render_workflow(options(install=install), Kept()).text, "image")
        assert re.search(r"[0-9a-f]{40}|require-hashes", run["Install longshore"]["run"])
    for render in (lambda made: render_workflow(made, Kept()), render_operations):
        with pytest.raises(RefusedError) as error:
            render(options(install=None))
        assert error.value.code == "no-install"
        assert "longshore tags" not in render(options(install=None, plain=True)).text
        assert "pip install" not in render(options(install=None, plain=True)).text


def test_what_is_not_there_yet_is_left_out_and_named() -> None:
    made = render_workflow(options(), Kept())
    assert [one.step for one in made.left_out] == ["scan gate", "deploy"]
    assert "Scan gate" not in made.text
    whole = render_workflow(options(features=EVERYTHING), Kept())
    assert whole.left_out == ()
    names = list(steps_of(whole.text, "image"))
    gate = names.index("Scan gate")
    assert names.index("Build and push") < gate < names.index("Move the tags that move")
    assert "deploy" in parsed(whole.text)["jobs"]
    nightly = render_operations(options())
    assert {one.step for one in nightly.left_out} == {
        "scan gate",
        "lifecycle prune",
        "monitor publish",
    }
    jobs = parsed(render_operations(options(features=EVERYTHING)).text)["jobs"]
    assert set(jobs) == {"sync", "updates", "rebuild", "prune", "metrics"}


def test_what_the_pipelines_type_is_there_and_asks_nobody() -> None:
    """A runner has no terminal: a writer without --yes would end with exit 3."""
    typed = {
        tuple(line.strip().removeprefix("run: ").split())
        for _, made in workflows()
        for line in made.text.splitlines()
        if line.strip().removeprefix("run: ").startswith("longshore ")
    }
    assert {words[1] for words in typed} == {
        "tags",
        "scan",
        "sync",
        "lifecycle",
        "monitor",
        "deploy",
    }
    for words in typed:
        if words[1] == "deploy":
            continue  # written for the version that has it, and left out until then
        command: Any = load(next(one for one in entries() if one.name == words[1]))
        if hasattr(command, "commands"):
            command = command.commands[words[2]]
        known = {name for one in command.get_params(click.Context(command)) for name in one.opts}
        assert {word for word in words if word.startswith("--")} <= known, words
        assert "--dry-run" not in known or "--yes" in words, words


@pytest.mark.parametrize("auth", ["oidc", "keys"])
def test_the_prune_of_the_night(auth: str) -> None:
    """By longshore.yaml, with rights to read the tree and to log in, and nothing else."""
    text = render_operations(options(features=EVERYTHING, auth=auth)).text
    job = parsed(text)["jobs"]["prune"]
    assert "needs" not in job
    token = {"id-token": "write"} if auth == "oidc" else {}
    assert job["permissions"] == {"contents": "read", **token}
    assert list(steps_of(text, "prune")) == [
        "Check out",
        "Set up Python",
        "Install longshore",
        "AWS credentials",
        "Prune tags",
    ]
    assert steps_of(text, "prune")["Prune tags"]["run"] == "longshore lifecycle prune --all --yes"
    plain = render_operations(options(features=EVERYTHING, plain=True, install=None))
    assert "prune" not in parsed(plain.text)["jobs"]
    assert "lifecycle prune" in [one.step for one in plain.left_out]


def test_without_a_mirror_of_buildkit_nothing_is_pulled_from_the_hub() -> None:
    made = render_workflow(options(mirrors={}), Kept())
    assert steps_of(made.text, "image")["Set up Buildx"]["with"] == {"driver": "docker"}
    assert "build cache" in [one.step for one in made.left_out]
    mirrored = render_workflow(options(), Kept())
    assert "mirror/buildkit:buildx-stable-1" in mirrored.text
    assert "cache-to" in mirrored.text
    assert mirrored.needs == (
        "docker.io/library/node:24-bookworm-slim",
        "docker.io/moby/buildkit:buildx-stable-1",
    )


@pytest.mark.parametrize(
    ("mirror", "prefix"),
    [("node", ""), ("mirror/node", "/mirror"), ("a/b/node", "/a/b"), ("my-node", None), ("", None)],
)
def test_a_mirror_is_a_prefix_of_the_base_image(mirror: str, prefix: str | None) -> None:
    base = BaseImage("node", "24", mirror)
    assert base.prefix == prefix
    made = render_workflow(options(base=base), Kept())
    assert ("BASE_REGISTRY" in made.text) is (prefix is not None)
    assert ("base-not-mirrored" in [one.code for one in made.remarks]) is (prefix is None)


def test_platforms_of_the_present_build_stay_where_that_costs_no_hub_pull() -> None:
    both = ("linux/amd64", "linux/arm64")
    made = render_workflow(options(wanted_platforms=both), Kept())
    steps = steps_of(made.text, "image")
    assert "mirror/binfmt:latest" in steps["Set up QEMU"]["with"]["image"]
    assert "'linux/amd64,linux/arm64'" in steps["Build and push"]["with"]["platforms"]
    assert "docker.io/tonistiigi/binfmt:latest" in made.needs
    for mirrors in ({}, {BUILDKIT: "mirror/buildkit"}):
        less = render_workflow(options(wanted_platforms=both, mirrors=mirrors), Kept())
        assert "Set up QEMU" not in less.text
        assert "platforms:" not in less.text
        assert f"platforms {', '.join(both)}" in [one.step for one in less.left_out]
    alone = render_workflow(options(wanted_platforms=("linux/amd64",)), Kept())
    assert "platforms" not in alone.text
    assert [one.step for one in alone.left_out] == ["scan gate", "deploy"]


# --- what stays ----------------------------------------------------------------------------------


def test_quality_and_test_jobs_stay_letter_by_letter() -> None:
    made = kept()
    text = "\n".join(made.lines)
    before = PRESENT[PRESENT.index("    # what a linter") : PRESENT.index("    build:")]
    assert before.split("    test:\n")[0].rstrip() in text
    assert before.split("    test:\n")[1].rstrip() in text
    assert PRESENT[PRESENT.index("    # tells the team") :].rstrip() in text
    assert (made.needs, made.image_id, made.column) == (("test",), "build", 4)
    assert made.settings == ("env:", '  LEVEL: "1" # how much is said')
    whole = render_workflow(options(), made).text
    assert set(parsed(whole)["jobs"]) == {"quality", "test", "notify", "build"}
    assert parsed(whole)["jobs"]["test"] == parsed(PRESENT)["jobs"]["test"]
    assert parsed(whole)["on"]["schedule"] == [{"cron": "0 4 * * 1"}]
    assert "DOCKERHUB" not in whole


MIXED = """\
on: push
jobs:
  ci:
    runs-on: ubuntu-latest
    steps:
    - uses: actions/checkout@v4
    - uses: docker/login-action@v3
    # the tests
    - run: npm test

    - name: image
      run: docker build -t acme/shop . && docker push acme/shop
    - run: echo done
"""


def test_a_job_that_tests_and_builds_keeps_its_tests() -> None:
    made = kept(MIXED)
    assert made.lines == tuple(
        MIXED.split("jobs:\n")[1]
        .replace("    - uses: docker/login-action@v3\n", "")
        .split("    - name: image")[0]
        .rstrip()
        .split("\n")
    )
    assert (made.image_id, made.needs) == ("image", ("ci",))


def test_platforms_and_branches_are_read() -> None:
    text = PRESENT.replace(
        "push: true", "push: true\n                  platforms: linux/amd64, a/b"
    )
    assert (kept(text).platforms, kept(text).branches) == (("linux/amd64", "a/b"), ("main",))
    assert kept(text.replace("a/b", "${{ inputs.p }}")).platforms == ()


TRAPS = """\
"on":
  push: {branches: [main]}
  schedule:
    - cron: "0 4 * * 1" # weekly
# what follows

# and this
permissions:
  contents: read
jobs:
  "quoted":
    runs-on: ubuntu-latest
    steps:
    - {run: npm test}
  compiles:
    runs-on: ubuntu-latest
    steps:
    - run: docker build .
  push:
    runs-on: ubuntu-latest
    steps:
    - id: name
      name: Choose a name
      run: echo "name=x" >> "$GITHUB_OUTPUT"
    - run: docker build -t acme/shop . && docker push acme/shop
# the end
"""


def test_traps() -> None:
    made = kept(TRAPS)
    assert (made.column, made.image_id) == (2, "push")
    assert made.triggers == ("  schedule:", '    - cron: "0 4 * * 1" # weekly')
    assert "".join(made.lines) == "".join(
        TRAPS.split("jobs:\n")[1].split("  push:\n")[0].split("\n")
    )
    assert [one.code for one in made.remarks] == ["job-left-out"]
    assert "Choose a name" in made.remarks[0].message
    whole = parsed(render_workflow(options(), made).text)
    assert set(whole["jobs"]) == {"quoted", "compiles", "push"}


def test_a_lost_output_is_said() -> None:
    made = kept(PRESENT.replace("needs.build.outputs.digest", "needs.build.outputs.image"))
    assert [one.code for one in made.remarks] == ["output-gone"]
    assert kept().remarks == ()


@pytest.mark.parametrize(
    "text", ["", "a: [", "jobs: {}", "- a", "on: push\njobs: {a: {steps: []}}"]
)
def test_a_file_that_cannot_be_cut_is_none(text: str) -> None:
    source = read_source(".github/workflows/x.yml", text.encode())
    assert source is not None
    assert keep_jobs(source) is None
    assert not pushes_an_image(source)


@given(st.integers(0, len(PRESENT)), st.text(max_size=8))
def test_no_text_breaks_the_cutting(at: int, more: str) -> None:
    source = read_source(
        ".github/workflows/x.yml", (PRESENT[:at] + more + PRESENT[at:]).encode("utf-8", "replace")
    )
    if source is None:
        return
    pushes_an_image(source)
    made = keep_jobs(source)
    if made is not None:
        have = set(source.text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
        assert {line for line in made.lines if line.strip()} <= {
            line.rstrip("\r\n") for line in have
        }


# --- Dockerfiles ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "made"), [(name, made) for name, made, _ in images()])
def test_dockerfiles(name: str, made: Any, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(made.text)
    assert said_by(program("hadolint"), "Dockerfile", cwd=tmp_path) == ""
    found = parse_text(made.text)
    assert len(found.stages) == 3
    last = {one.keyword: one for one in found.stages[-1].instructions}
    assert last["USER"].arguments.text not in ("root", "0")
    assert last["HEALTHCHECK"].arguments.text.startswith("CMD [")
    assert last["ENTRYPOINT"].json == ("dumb-init", "--")
    assert last["CMD"].json == project(name).command
    assert "curl" not in made.text
    base = [stage.base.text for stage in found.stages if stage.base]
    assert base[0].startswith("${BASE_REGISTRY}/")
    assert base[1:] == ["base", "base"]
    assert "ARG BASE_REGISTRY=public.ecr.aws/docker/library\n" in made.text


@pytest.mark.parametrize(
    ("name", "version", "port", "command"),
    [
        ("node", "24", 3000, ("node", "server.js")),
        ("node-built", "20", 3000, ("node", "dist/main.js")),
        ("node-alpine", "18", 8080, ("node", "app.js")),
        ("python", "3.13", 8000, ("gunicorn", "--bind", "0.0.0.0:8000", "app:app")),
        ("python-project", "3.12", 8000, ("python", "main.py")),
        ("python-alpine", "3.12", 8000, ("uvicorn", "main:app", "--host")),
    ],
)
def test_projects(name: str, version: str, port: int, command: tuple[str, ...]) -> None:
    found = project(name)
    assert (found.version, found.port, found.command[: len(command)]) == (version, port, command)


def test_what_the_present_dockerfile_says_is_kept() -> None:
    present = "FROM node:20\nEXPOSE 4000\nHEALTHCHECK CMD curl http://localhost:4000/ready\n"
    present += 'CMD ["a"]\n'
    found = detect_project({"package.json": NODE, "Dockerfile": present})
    assert found is not None
    assert (found.version, found.port, found.health, found.command) == (
        "20",
        4000,
        "/ready",
        ("a",),
    )
    assert found.guessed == ()
    checks = equal_checks(found)
    assert checks["kubernetes"]["livenessProbe"]["httpGet"] == {"path": "/ready", "port": 4000}
    assert checks["ecs"]["healthCheck"]["command"][:3] == ["CMD", "node", "-e"]


def test_the_health_check_of_both_languages_works(tmp_path: Path) -> None:
    check = equal_checks(project("python"))["ecs"]["healthCheck"]["command"][1:]
    ran = subprocess.run([sys.executable, *check[1:]], capture_output=True, check=False)
    assert ran.returncode == 1
    assert b"refused" in ran.stderr or b"URLError" in ran.stderr


def test_the_present_base_tells_a_mixed_project() -> None:
    files = {"package.json": NODE, "requirements.txt": "", "Dockerfile": "FROM python:3.12 AS x\n"}
    found = detect_project(files)
    assert found is not None
    assert (found.kind, found.version) == ("python", "3.12")
    other = detect_project({**files, "Dockerfile": "FROM alpine:3\n"})
    assert other is not None
    assert other.kind == "node"


@pytest.mark.parametrize(
    ("kind", "version", "base", "is_old"),
    [
        ("node", "24", "24-bookworm-slim", False),
        ("node", "18", "18-bookworm-slim", True),
        ("node", "12", "12-slim", True),
        ("python", "3.13", "3.13-slim-bookworm", False),
        ("python", "3.6", "3.6-slim", True),
    ],
)
def test_old_versions_are_said(kind: str, version: str, base: str, is_old: bool) -> None:
    made = render_dockerfile(replace(project(kind), version=version))
    assert f"/{kind}:{base} AS base" in made.text
    assert ("end-of-life" in [one.code for one in made.remarks]) is is_old


def test_guesses_are_said() -> None:
    made = render_dockerfile(project("node"))
    assert {one.code for one in made.remarks} == {
        "guessed-version",
        "guessed-port",
        "guessed-health",
    }
    lockless = render_dockerfile(project("node-without-lock"))
    assert "no-lock-file" in [one.code for one in lockless.remarks]


def test_an_ignore_file_keeps_what_is_there() -> None:
    made = render_ignore(project("node"), "# ours\nnode_modules/\n!.env\n").text
    assert made.startswith("# ours\nnode_modules/\n!.env\n\n.git\n")
    assert "\n.env\n" not in made
    assert made.count("node_modules") == 1
    assert render_ignore(project("node"), made).text == made
    assert "*.md" not in render_ignore(project("python-project")).text


@given(st.dictionaries(st.sampled_from(READ), st.text(max_size=60)))
def test_no_tree_breaks_the_reading(files: dict[str, str]) -> None:
    found = detect_project(files)
    if found is not None:
        render_dockerfile(found)
        render_tests(options(), found)
    assert (found is None) == (
        not {"package.json", "requirements.txt", "pyproject.toml"} & set(files)
    )


def test_every_tree_has_its_tests() -> None:
    for name in TREES:
        lines = render_tests(options(), project(name))
        assert parsed("\n".join(lines))["test"]["steps"]
    assert render_tests(options(), None) == ()


# --- actions -------------------------------------------------------------------------------------


def test_every_commit_has_its_source() -> None:
    pins = read_pins()
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", pins.date)
    for name, pin in pins.pins.items():
        assert re.fullmatch(r"[0-9a-f]{40}", pin.commit)
        assert pin.source.startswith(f"github.com/{name}, tag {pin.version}")


def test_an_action_without_a_commit_is_remarked_and_an_unknown_one_refused() -> None:
    pins = Pins("2026-01-01", {"a/b": Pin("a/b", "v1")})
    assert pins.uses("a/b") == "a/b@v1"
    assert [one.code for one in pins.remarks("  uses: a/b@v1\n")] == ["unpinned-action"]
    with pytest.raises(UsageError):
        pins.uses("c/d")
    for entry in ({"version": "v1", "commit": "abc", "source": "x"},):
        with pytest.raises(UsageError):
            parse_pins(json.dumps({"date": "2026-01-01", "actions": {"a/b": entry}}))
