"""Pulls of one pipeline run: what counts, how often, on which event, and what saves most."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshore.rewrite.finders.finder import TreeOfTexts
from longshore.rewrite.finders.registry import finders_for, sightings
from longshore.rewrite.mentions import BuildArgument
from longshore.rewrite.pipeline import PipelineCost, pipeline_cost
from longshore.rewrite.pipeline_builds import Build, Called, Composed, joined, work_of_script
from longshore.rewrite.pull_limits import LIMITS
from longshore.rewrite.source import SourceFile, read_source
from longshore.rewrite.survey import judge_sightings, settle
from longshore.rewrite.syntax.workflow import parse_workflow
from longshore.rewrite.triggers import Trigger, matches_pattern, starts
from longshore.rewrite.uses import Use

CI = ".github/workflows/ci.yml"
NODE = (
    "# syntax=docker/dockerfile:1\nFROM node:18 AS build\nRUN x\nFROM node:18\n"
    "COPY --from=build a a\n"
)
CROSS = (
    "FROM --platform=$BUILDPLATFORM golang:1.22 AS build\nRUN x\nFROM alpine:3\n"
    "COPY --from=build a a\n"
)
STAGES = (
    "FROM golang:1.22 AS build\nRUN x\nFROM alpine:3 AS test\nRUN y\nFROM build AS last\nRUN z\n"
)
BAKE = """\
target "web" {
  context = "web"
}
target "db" {
  context = "db"
}
"""
COMPOSE = (
    "services:\n  web: {build: ., depends_on: [db]}\n  db: {image: 'postgres:16'}\n"
    "  cache: {image: 'redis:7'}\n  debug: {image: 'adminer:4', profiles: [debug]}\n"
)


def tree_of(files: dict[str, str]) -> tuple[TreeOfTexts, list[Use]]:
    sources: dict[str, SourceFile] = {}
    for path, text in files.items():
        file = read_source(path, text.encode())
        assert file is not None
        sources[path] = file
    arguments: dict[str, dict[str, BuildArgument]] = {}
    tree = TreeOfTexts(sources, arguments)
    uses: list[Use] = []
    for late in (False, True):
        for file in sources.values():
            finders = [one for one in finders_for(file.path) if one.late is late]
            found = list(sightings(file, tree, finders))
            for one in found:
                if isinstance(one, BuildArgument):
                    arguments.setdefault(one.dockerfile, {})[one.name] = one
            uses += judge_sightings(file, found)
    return tree, settle(uses)


def cost_of(files: dict[str, str]) -> PipelineCost:
    tree, uses = tree_of(files)
    return pipeline_cost(uses, tree)


def pulls(files: dict[str, str]) -> dict[str, int]:
    """Pulls of each reference in the dearest run."""
    found: dict[str, int] = {}
    for one in cost_of(files).pulls:
        name = one.reference.removeprefix("docker.io/").removeprefix("library/")
        found[name] = found.get(name, 0) + one.pulls
    return found


def steps(text: str, on: str = "push", job: str = "") -> str:
    lines = "".join(f"      {line}\n" for line in text.strip("\n").split("\n"))
    return f"on: {on}\njobs:\n  a:\n    runs-on: ubuntu-latest\n{job}    steps:\n{lines}"


BUILD = "- uses: docker/build-push-action@v6\n"


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (
            {CI: "on: push\njobs:\n  a: {container: 'node:18'}\n  b: {container: 'node:18'}\n"},
            {"node:18": 2},
        ),
        (
            {
                CI: "on: push\njobs:\n  a:\n    container: node:18\n"
                "    services: {n: {image: 'node:18'}}\n"
            },
            {"node:18": 1},
        ),
        (
            {
                CI: "on: push\njobs:\n  a:\n    strategy: {matrix: {v: [1, 2, 3], o: [x, y]}}\n"
                "    services: {db: {image: 'postgres:16'}, r: {image: 'ghcr.io/a/r:1'}}\n"
            },
            {"postgres:16": 6},
        ),
        (
            {
                CI: "on: push\njobs:\n  a:\n    strategy:\n      matrix:\n        include:\n"
                "          - {i: 'node:18'}\n          - {i: 'node:20'}\n"
                "          - {i: 'node:20', x: y}\n"
                "    container: ${{ matrix.i }}\n"
            },
            {"node:18": 1, "node:20": 2},
        ),
        ({CI: steps("- uses: docker://alpine:3\n- run: docker run alpine:3")}, {"alpine:3": 1}),
        (
            {
                CI: steps(
                    "- uses: docker/setup-qemu-action@v3\n- uses: docker/setup-buildx-action@v3"
                )
            },
            {"tonistiigi/binfmt:latest": 1, "moby/buildkit:buildx-stable-1": 1},
        ),
        ({CI: steps(BUILD), "Dockerfile": NODE}, {"docker/dockerfile:1": 1, "node:18": 1}),
        (
            {
                CI: steps(BUILD + "  with: {platforms: 'linux/amd64,linux/arm64'}"),
                "Dockerfile": CROSS,
            },
            {"golang:1.22": 1, "alpine:3": 2},
        ),
        ({CI: steps(BUILD), "Dockerfile": STAGES}, {"golang:1.22": 1}),
        ({CI: steps(BUILD + "  with: {target: test}"), "Dockerfile": STAGES}, {"alpine:3": 1}),
        ({CI: steps(BUILD + "  with: {target: last}"), "Dockerfile": STAGES}, {"golang:1.22": 1}),
        (
            {
                CI: steps(BUILD + "  with: {context: web}"),
                "Dockerfile": NODE,
                "web/Dockerfile": CROSS,
            },
            {"golang:1.22": 1, "alpine:3": 1},
        ),
        (
            {
                CI: steps(
                    BUILD + "  with: {context: '${{ matrix.d }}'}",
                    job="    strategy: {matrix: {d: [x, y]}}\n",
                ),
                "x/Dockerfile": "FROM node:18\n",
                "y/Dockerfile": "FROM node:20\n",
            },
            {"node:18": 1, "node:20": 1},
        ),
        (
            {
                CI: steps(
                    BUILD + "  with: {file: '${{ matrix.f }}', target: '${{ matrix.t }}'}",
                    job="    strategy:\n      matrix:\n        include:\n"
                    "          - {f: x/Dockerfile, t: test}\n"
                    "          - {f: x/Dockerfile, t: last}\n          - {f: y/Dockerfile}\n",
                ),
                "x/Dockerfile": STAGES,
                "y/Dockerfile": "FROM golang:1.22\n",
            },
            {"alpine:3": 1, "golang:1.22": 2},
        ),
        (
            {
                CI: steps(
                    "- run: docker run node:18\n" + BUILD + "  with: {context: '${{ matrix.d }}'}",
                    job="    strategy: {matrix: {d: [x, y]}}\n",
                ),
                "x/Dockerfile": "FROM node:18\n",
                "y/Dockerfile": "FROM node:20\n",
            },
            {"node:18": 2, "node:20": 1},
        ),
        (
            {CI: steps("- run: docker build -t app .\n"), "Dockerfile": "FROM node:18\n"},
            {"node:18": 1},
        ),
        (
            {
                CI: steps("- run: cd web && docker buildx build -f x.Dockerfile ..\n"),
                "web/x.Dockerfile": "FROM node:18\n",
            },
            {"node:18": 1},
        ),
        (
            {
                CI: steps("- run: docker build .\n  working-directory: web"),
                "web/Dockerfile": "FROM node:18\n",
            },
            {"node:18": 1},
        ),
        (
            {CI: steps("- run: docker compose up -d --wait db\n"), "compose.yaml": COMPOSE},
            {"postgres:16": 1},
        ),
        (
            {
                CI: steps("- run: docker compose up\n"),
                "compose.yaml": COMPOSE,
                "Dockerfile": "FROM node:18\n",
            },
            {"postgres:16": 1, "redis:7": 1, "node:18": 1},
        ),
        (
            {
                CI: steps("- run: docker-compose -f x/c.yml build web\n"),
                "x/c.yml": COMPOSE,
                "x/Dockerfile": "FROM node:18\n",
            },
            {"node:18": 1},
        ),
        (
            {
                CI: steps("- run: ./ci/test.sh all\n"),
                "ci/test.sh": "#!/bin/sh\ndocker run alpine:3 true\ndocker build .\n",
                "Dockerfile": "FROM node:18\n",
            },
            {"alpine:3": 1, "node:18": 1},
        ),
        (
            {
                CI: "on: push\njobs:\n  a:\n    uses: ./.github/workflows/b.yml\n"
                "    strategy: {matrix: {v: [1, 2]}}\n",
                ".github/workflows/b.yml": "on: workflow_call\njobs:\n"
                "  x: {container: 'node:18'}\n",
            },
            {"node:18": 2},
        ),
        (
            {
                CI: steps("- uses: ./tools/a\n- uses: ./tools/b"),
                "tools/a/action.yml": "runs:\n  using: composite\n"
                "  steps: [{uses: 'docker://alpine:3'}]\n",
                "tools/b/action.yml": "runs: {using: docker, image: Dockerfile}\n",
                "tools/b/Dockerfile": "FROM node:18\n",
            },
            {"alpine:3": 1, "node:18": 1},
        ),
        (
            {
                CI: steps("- uses: docker/bake-action@v5\n  with: {targets: web}"),
                "docker-bake.hcl": BAKE,
                "web/Dockerfile": "FROM node:18\n",
                "db/Dockerfile": "FROM postgres:16\n",
            },
            {"node:18": 1},
        ),
        (
            {
                ".gitlab-ci.yml": "image: node:18\nbuild: {script: [docker build web]}\n",
                "web/Dockerfile": "FROM alpine:3\n",
            },
            {"node:18": 1, "alpine:3": 1},
        ),
        ({CI: "on: push\nenv: {IMAGE: 'node:18'}\njobs:\n  a: {steps: [{run: x}]}\n"}, {}),
        ({CI: steps(BUILD), "Dockerfile": "FROM ghcr.io/a/b:1\n"}, {}),
    ],
)
def test_what_a_run_pulls(files: dict[str, str], found: dict[str, int]) -> None:
    assert pulls(files) == found


EVENTS = (
    "on:\n  push: {branches: [main]}\n  pull_request:\njobs:\n"
    "  test: {container: 'node:18'}\n"
    "  deploy:\n    if: github.event_name == 'push' && github.ref == 'refs/heads/main'\n"
    "    container: alpine:3\n"
    "  after: {needs: deploy, container: 'redis:7'}\n"
    "  steps:\n    steps:\n    - uses: docker://busybox:1\n"
    "      if: github.event_name == 'pull_request'\n"
)


def test_the_dearest_event_is_the_headline() -> None:
    cost = cost_of({CI: EVENTS})
    assert (cost.trigger, cost.per_run) == ("push to main", 3)
    assert cost.others == (("pull_request into main", 2),)
    assert cost.runs[0].by_job == {"test": 1, "deploy": 1, "after": 1}


def test_workflows_of_one_event_are_added_and_others_are_not() -> None:
    files = {
        CI: "name: CI\non: {push: {branches: [main]}}\njobs:\n  a: {container: 'node:18'}\n",
        ".github/workflows/dev.yml": "on: {push: {branches: [dev]}}\njobs:\n"
        "  a: {container: 'node:20'}\n",
        ".github/workflows/b.yml": "on: push\njobs:\n  a: {container: 'redis:7'}\n",
        ".github/workflows/c.yml": "on: {workflow_run: {workflows: [CI]}}\njobs:\n"
        "  a: {container: 'alpine:3'}\n",
        ".github/workflows/n.yml": "on: {schedule: [{cron: x}]}\njobs:\n"
        + "".join(f"  j{n}: {{container: 'a/b:{n}'}}\n" for n in range(9)),
    }
    assert pulls(files) == {"node:18": 1, "redis:7": 1, "alpine:3": 1}


def test_a_tree_without_pipeline_is_counted_as_one_build() -> None:
    cost = cost_of({"Dockerfile": NODE, "compose.yaml": COMPOSE, "k8s.yml": "kind: Pod\n"})
    assert cost.basis == "builds"
    assert cost.per_run == 5
    assert "no pipeline" in cost.lines()[0]


def test_a_tree_that_pulls_nothing() -> None:
    cost = cost_of({CI: steps("- run: x")})
    assert (cost.per_run, cost.best_change) == (0, None)
    assert cost.lines() == ["0 Docker Hub pulls in a pipeline run"]
    assert cost.as_json()["best_change"] is None


@pytest.mark.parametrize(
    ("files", "change"),
    [
        (
            {CI: steps(BUILD), "Dockerfile": "FROM node:18\n"},
            "use ECR for node:18: -1 of 1",
        ),
        (
            {CI: "on: push\njobs:\n  a:\n    services: {d: {image: 'postgres:16'}}\n"},
            "take postgres:16 from public.ecr.aws/docker/library: -1 of 1",
        ),
        (
            {CI: "on: push\njobs:\n  a:\n    services: {d: {image: 'acme/db:16'}}\n"},
            "use ECR for acme/db:16: -1 of 1",
        ),
        (
            {CI: steps(BUILD), "Dockerfile": "# syntax=docker/dockerfile:1\nFROM ghcr.io/a/b:1\n"},
            "remove the syntax line docker/dockerfile:1: -1 of 1",
        ),
        (
            {
                CI: "on: push\njobs:\n  a: {container: 'node:18'}\n  b: {container: 'node:20'}\n"
                "  c: {container: 'redis:7'}\n"
            },
            "take node from public.ecr.aws/docker/library: -2 of 3",
        ),
        (
            {CI: steps("- uses: docker/setup-buildx-action@v3")},
            "name moby/buildkit:buildx-stable-1 in ECR at the action that pulls it unasked: "
            "-1 of 1",
        ),
    ],
)
def test_what_saves_most(files: dict[str, str], change: str) -> None:
    assert str(cost_of(files).best_change) == change


def test_json_and_forecast() -> None:
    jobs = "".join(f"  j{n}: {{container: 'node:18'}}\n" for n in range(14))
    found = cost_of({CI: f"on: push\njobs:\n{jobs}"}).as_json()
    assert (found["per_run"], found["limit"], found["window_s"]) == (14, 100, 21600)
    assert [one["runs"] for one in found["forecast"]] == [7, 14, None]
    assert [one["plan"] for one in found["forecast"]] == ["anonymous", "personal", "paid"]
    assert found["runs"][0]["workflow"] == CI
    line = found["runs"][0]["lines"][0]
    assert (line["file"], line["line"], line["pulls"]) == (CI, 3, 1)
    assert found["best_change"]["saves"] == 14


def test_limits_are_those_of_the_embedded_hub() -> None:
    from longshore.embedded.limits import WINDOW_S
    from longshore.rewrite import pull_limits

    assert pull_limits.WINDOW_S == WINDOW_S
    assert [one.pulls for one in LIMITS] == [100, 200, None]


@pytest.mark.parametrize(
    ("name", "pattern", "fits"),
    [
        ("main", "main", True),
        ("main", "mai", False),
        ("feature/x", "feature/*", True),
        ("feature/x/y", "feature/*", False),
        ("feature/x/y", "feature/**", True),
        ("1.x", "*.x", True),
        ("v1.2", "v[0-9]+.[0-9]+", True),
        ("v1.x", "v[0-9]+.[0-9]+", False),
        ("a", "[", False),
        ("(a", "(a", True),
    ],
)
def test_filter_patterns(name: str, pattern: str, fits: bool) -> None:
    assert matches_pattern(name, pattern) is fits


@pytest.mark.parametrize(
    ("on", "trigger", "started"),
    [
        ("push", Trigger("push", "x"), True),
        ("push", Trigger("push", tag="v1"), True),
        ("[pull_request]", Trigger("push", "main"), False),
        ("{push: {branches: [main, '!main']}}", Trigger("push", "main"), False),
        ("{push: {branches-ignore: [dev]}}", Trigger("push", "main"), True),
        ("{push: {branches-ignore: [dev]}}", Trigger("push", "dev"), False),
        ("{push: {tags: ['v*']}}", Trigger("push", "main"), False),
        ("{push: {tags: ['v*']}}", Trigger("push", tag="v1"), True),
        ("{push: {branches: [main]}}", Trigger("push", tag="v1"), False),
        ("{push: {paths: [src/**]}}", Trigger("push", "main"), True),
        ("{pull_request: {branches: [main]}}", Trigger("pull_request", "main"), True),
        ("{schedule: [{cron: x}]}", Trigger("schedule"), True),
    ],
)
def test_what_an_event_starts(on: str, trigger: Trigger, started: bool) -> None:
    file = read_source(CI, f"on: {on}\njobs: {{a: {{steps: []}}}}\n".encode())
    assert file is not None
    workflow = parse_workflow(file)
    assert workflow is not None
    assert starts(trigger, workflow) is started


@pytest.mark.parametrize(
    ("script", "work"),
    [
        ("docker build .", [Build("Dockerfile")]),
        ("sudo docker build -t a:1 --build-arg X=1 --no-cache -f b/D b", [Build("b/D")]),
        ("docker image build --platform linux/amd64,linux/arm64 web", [Build("web/Dockerfile", 2)]),
        ("docker build --target=x --push .", [Build("Dockerfile", 1, "x")]),
        ("podman build web\nbuildah bud -f C .", [Build("web/Dockerfile"), Build("C")]),
        ("docker build - < Dockerfile", []),
        ("docker build https://github.com/a/b.git", []),
        ("docker build $WHERE", [Build("here/Dockerfile")]),
        ("docker build $ELSEWHERE", []),
        ("docker build ../up", []),
        ("(cd a && docker build .)", [Build("a/Dockerfile")]),
        ("docker --context x build .", [Build("Dockerfile")]),
        ("docker compose pull cache", [Composed("compose.yaml", ("cache",))]),
        ("bash run.sh x", [Called("run.sh")]),
        ("echo docker build .", []),
        ("make build", []),
    ],
)
def test_what_commands_build(script: str, work: list[object]) -> None:
    tree, _ = tree_of({"compose.yaml": COMPOSE, "run.sh": "true\n"})
    assert list(work_of_script(script, "", tree, {"WHERE": "here"})) == work


@pytest.mark.parametrize(
    ("folder", "path", "found"),
    [("", ".", ""), ("a", "../b", "b"), ("a", "../../b", None), ("", "/x", None), ("", "$X", None)],
)
def test_paths_stay_in_the_tree(folder: str, path: str, found: str | None) -> None:
    assert joined(folder, path) == found


def test_what_calls_itself_ends() -> None:
    loop = (
        "on: [push, workflow_call]\njobs:\n  a: {uses: ./.github/workflows/ci.yml}\n"
        "  b: {container: 'node:18'}\n"
    )
    assert cost_of({CI: loop}).per_run == 5
    assert (
        cost_of({CI: steps("- run: ./a.sh"), "a.sh": "docker run alpine:3\n./a.sh\n"}).per_run == 1
    )


WHOLE = {CI: EVENTS, "Dockerfile": NODE, "compose.yaml": COMPOSE}


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(WHOLE)), st.integers(0, 400), st.integers(0, 40), st.text(max_size=5))
def test_broken_trees_are_counted(path: str, at: int, gone: int, instead: str) -> None:
    text = WHOLE[path]
    broken = (text[:at] + instead + text[at + gone :]).replace("\0", "")
    if broken.encode("utf-8", "replace")[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        cost = cost_of({**WHOLE, path: broken.encode("utf-8", "replace").decode()})
        assert cost.per_run == sum(one.pulls for one in cost.pulls)
        assert cost.lines()
        assert cost.as_json()
