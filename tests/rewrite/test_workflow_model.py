"""The model of workflows and actions: events, jobs, steps, matrices; nothing raises."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.rewrite.source import read_source
from longshore.rewrite.syntax.expressions import bare
from longshore.rewrite.syntax.workflow import (
    Job,
    Workflow,
    is_action_path,
    is_workflow_path,
    parse_action,
    parse_workflow,
)

WORKFLOW = """\
name: CI
on:
  push: {branches: [main, 'release/**'], tags: v*}
  pull_request:
    paths: [src/**]
  workflow_call:
    inputs:
      image: {default: node:18}
permissions: {contents: read}
env: {REG: docker.io}
jobs:
  test:
    needs: lint
    runs-on: [self-hosted, linux]
    if: github.ref == 'refs/heads/main'
    environment: {name: prod}
    container: {image: node:18, options: --user root}
    services:
      db: {image: "postgres:16", env: {A: b}}
      broken: [1]
    steps:
      - uses: Docker/Build-Push-Action@v5 # five
        id: build
        with: {Push: true, tags: "a/b:1"}
      - run: echo hi
        shell: bash
        working-directory: sub
      - just text
  call:
    uses: ./.github/workflows/other.yml
    with: {image: redis:7}
"""


def workflow(text: str, path: str = ".github/workflows/ci.yml") -> Workflow:
    file = read_source(path, text.encode())
    assert file is not None
    found = parse_workflow(file)
    assert found is not None
    assert parse_workflow(file) is found
    return found


def first_job(matrix: str) -> Job:
    return workflow(f"on: push\njobs:\n  a:\n    strategy:\n      matrix:\n{matrix}").jobs[0]


def test_events_jobs_and_steps() -> None:
    found = workflow(WORKFLOW)
    assert [one.name for one in found.events] == ["push", "pull_request", "workflow_call"]
    push = found.event("push")
    assert push is not None
    assert [one.value for one in push.patterns("branches")] == ["main", "release/**"]
    assert [one.value for one in push.patterns("tags")] == ["v*"]
    assert found.input_defaults["image"].value == "node:18"
    job, call = found.jobs
    assert (job.needs, job.runs_on, job.environment) == (
        ("lint",),
        ("self-hosted", "linux"),
        "prod",
    )
    assert job.container is not None
    assert job.container.image.value == "node:18"
    assert [one.name for one in job.services] == ["db"]
    assert [one.index for one in job.steps] == [0, 1]
    build = job.step("build")
    assert build is not None
    assert build.uses is not None
    assert (build.uses.name, build.uses.reference) == ("docker/build-push-action", "v5")
    assert build.input_text("push") == "true"
    assert found.file.cut(build.uses.node.span) == "Docker/Build-Push-Action@v5"
    assert call.uses is not None
    assert call.uses.folder == ".github/workflows/other.yml"
    assert call.with_["image"].value == "redis:7"


@pytest.mark.parametrize(
    ("matrix", "combinations"),
    [
        ("        v: [18, 20]\n", [{"v": "18"}, {"v": "20"}]),
        (
            "        a: [1, 2]\n        b: [x]\n        exclude: [{a: 2}]\n",
            [{"a": "1", "b": "x"}],
        ),
        (
            "        a: [1, 2]\n        include: [{a: 1, c: y}, {a: 3, c: z}, {d: all}]\n",
            [{"a": "1", "c": "y", "d": "all"}, {"a": "2", "d": "all"}, {"a": "3", "c": "z"}],
        ),
        (
            "        include:\n          - {i: a:1}\n          - {i: b:2}\n",
            [{"i": "a:1"}, {"i": "b:2"}],
        ),
        ('        i: ${{ fromJSON(\'["p:1", "q:2"]\') }}\n', [{"i": "p:1"}, {"i": "q:2"}]),
        ("        o: [{n: x}]\n", [{"o": {"n": "x"}}]),
        ("        i: ${{ fromJSON(needs.a.outputs.x) }}\n", []),
    ],
)
def test_matrix(matrix: str, combinations: list[dict[str, Any]]) -> None:
    found = first_job(matrix).matrix
    made = [{key: bare(value) for key, value in one.items()} for one in found.combinations]
    assert made == combinations
    assert found.open is (not combinations)


def test_a_whole_matrix_from_json() -> None:
    text = (
        "on: push\njobs:\n  a:\n    strategy:\n      matrix: |\n"
        '        ${{ fromJSON(\'{"i": ["a:1"]}\') }}\n'
    )
    (one,) = workflow(text).jobs[0].matrix.combinations
    assert bare(one["i"]) == "a:1"
    unknown = "on: push\njobs:\n  a:\n    strategy:\n      matrix: ${{ fromJSON(vars.M) }}\n"
    assert workflow(unknown).jobs[0].matrix.open


def test_a_huge_matrix_stays_small() -> None:
    axes = "".join(f"        a{n}: [{', '.join(map(str, range(90)))}]\n" for n in range(6))
    assert len(first_job(axes).matrix.combinations) == 256


@pytest.mark.parametrize(
    ("path", "workflow_file", "action_file"),
    [
        (".github/workflows/ci.yml", True, False),
        (".github/workflows/ci.YAML", True, False),
        (".gitea/workflows/x.yaml", True, False),
        (".forgejo/workflows/x.yml", True, False),
        (".github/workflows/deep/ci.yml", False, False),
        ("sub/.github/workflows/ci.yml", False, False),
        (".github/ci.yml", False, False),
        ("action.yml", False, True),
        (".github/actions/a/action.yaml", False, True),
        ("reaction.yml", False, False),
    ],
)
def test_paths(path: str, workflow_file: bool, action_file: bool) -> None:
    assert is_workflow_path(path) is workflow_file
    assert is_action_path(path) is action_file


def test_an_action() -> None:
    text = b"name: A\ninputs:\n  v: {default: '3'}\nruns:\n  using: docker\n  image: Dockerfile\n"
    file = read_source("a/action.yml", text)
    assert file is not None
    found = parse_action(file)
    assert found is not None
    assert found.image is not None
    assert (found.using, found.image.value, found.inputs["v"].value) == (
        "docker",
        "Dockerfile",
        "3",
    )


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    file = read_source(".github/workflows/x.yml", text.encode("utf-8", "replace"))
    if file is not None:
        parse_workflow(file)


@given(st.integers(0, len(WORKFLOW)), st.integers(0, 40), st.text(max_size=8))
def test_broken_workflows_are_read(at: int, gone: int, instead: str) -> None:
    text = WORKFLOW[:at] + instead + WORKFLOW[at + gone :]
    file = read_source(".github/workflows/x.yml", text.encode("utf-8", "replace"))
    if file is not None:
        parse_workflow(file)
