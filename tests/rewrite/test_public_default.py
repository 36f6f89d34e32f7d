"""The registry as a variable: what is written, what it reads as with and without it, who passes it."""

# ruff: noqa: E501

from __future__ import annotations

import pytest

from longshore.rewrite.pipeline import pipeline_cost
from longshore.rewrite.places import Destination, Wish
from longshore.rewrite.public_default import as_set
from tests.rewrite.rewritten import HOST, HUB, Rewritten, rewritten, tree_of, uses_of

PUBLIC = Wish(public_default=True)
ARG = "ARG DOCKER_HUB=docker.io\n"


def public(path: str, text: str, wish: Wish = PUBLIC, **files: str) -> Rewritten:
    return rewritten({path: text, **files}, wish)


DOCKERFILES = [
    ("FROM node:18\n", ARG + "FROM ${DOCKER_HUB}/library/node:18\n"),
    ("# syntax=quay.io/x/y:1\nFROM node:18 AS a\nFROM prom/x:2\n", "# syntax=quay.io/x/y:1\n" + ARG + "FROM ${DOCKER_HUB}/library/node:18 AS a\nFROM ${DOCKER_HUB}/prom/x:2\n"),
    ("# about it\n\n# the base\nFROM docker.io/node\n", "# about it\n\n" + ARG + "# the base\nFROM ${DOCKER_HUB}/library/node\n"),
    ("# hadolint ignore=DL3006\nFROM node\n", ARG + "# hadolint ignore=DL3006\nFROM ${DOCKER_HUB}/library/node\n"),
    ("ARG BASE=node:18\nFROM ${BASE}\n", ARG + "ARG BASE=${DOCKER_HUB}/library/node:18\nFROM ${BASE}\n"),
    ("ARG V=18\nFROM --platform=$BUILDPLATFORM node:$V\n", ARG + "ARG V=18\nFROM --platform=$BUILDPLATFORM ${DOCKER_HUB}/library/node:$V\n"),
    (ARG + "FROM ${DOCKER_HUB}/library/a:1\nFROM node:18\n", ARG + "FROM ${DOCKER_HUB}/library/a:1\nFROM ${DOCKER_HUB}/library/node:18\n"),
    ("FROM node:18\r\nRUN x\r\n", "ARG DOCKER_HUB=docker.io\r\nFROM ${DOCKER_HUB}/library/node:18\r\nRUN x\r\n"),
    ("\ufeffFROM node:18\n", "\ufeff" + ARG + "FROM ${DOCKER_HUB}/library/node:18\n"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "then"), DOCKERFILES)
def test_dockerfiles_get_a_variable(before: str, then: str) -> None:
    made = public("Dockerfile", before)
    assert made.texts["Dockerfile"] == then
    assert rewritten(made.texts, PUBLIC).texts == made.texts


STAY = [
    "FROM scratch\nCOPY --from=busybox:1 /bin/sh /sh\n",
    "# syntax=docker/dockerfile:1\nFROM scratch\n",
    "ARG BASE='node:18'\nFROM ${BASE}\n",
    "ARG REGISTRY=docker.io\nFROM ${REGISTRY}/library/node:18\n",
    "ARG DOCKER_HUB=quay.io\nFROM node:18\n",
]


@pytest.mark.parametrize("text", STAY)
def test_where_no_variable_counts_it_stays_with_the_reason(text: str) -> None:
    made = public("Dockerfile", text)
    assert made.texts["Dockerfile"] == text
    assert all(made.reasons.values())


def test_compose_gets_a_default_of_its_own() -> None:
    text = 'services:\n  a:\n    image: postgres:15\n  b:\n    image: "bitnami/redis:7"\n  c:\n    image: ${I:-nginx:1}\n'
    made = public("compose.yaml", text)
    assert made.texts["compose.yaml"] == (
        "services:\n  a:\n    image: ${DOCKER_HUB:-docker.io}/library/postgres:15\n"
        '  b:\n    image: "${DOCKER_HUB:-docker.io}/bitnami/redis:7"\n  c:\n    image: ${I:-nginx:1}\n'
    )
    assert "variable already" in made.reasons["${I:-nginx:1}"]


def test_other_places_go_to_the_copy_as_usual() -> None:
    manifest = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n    - image: nginx:1\n"
    assert f"image: {HUB}/library/nginx:1" in public("pod.yaml", manifest).texts["pod.yaml"]


def test_a_copy_of_another_name_is_named_at_once() -> None:
    to = Destination(HOST, {"docker.io/library/node": "base/node"})
    made = rewritten({"Dockerfile": "FROM node:18\nFROM redis:7\n"}, PUBLIC, to)
    assert (
        made.texts["Dockerfile"]
        == f"{ARG}FROM {HOST}/base/node:18\nFROM ${{DOCKER_HUB}}/library/redis:7\n"
    )


def test_one_image_by_the_map() -> None:
    made = public("Dockerfile", "FROM node:18\nFROM redis:7\n", Wish((("node", "variable"),)))
    assert (
        made.texts["Dockerfile"]
        == f"{ARG}FROM ${{DOCKER_HUB}}/library/node:18\nFROM {HUB}/library/redis:7\n"
    )


def test_unset_it_is_docker_hub_and_set_it_is_the_copy() -> None:
    files = {
        "Dockerfile": "FROM node:18 AS a\n",
        "compose.yaml": "services:\n  a:\n    image: redis:7\n",
    }
    made = rewritten(files, PUBLIC)
    assert {use.reference for use in uses_of(tree_of(made.texts))} == {
        "docker.io/library/node:18", "docker.io/library/redis:7",
    }  # fmt: skip
    tree = tree_of(made.texts)
    given = {path: as_set(file, HUB).text for path, file in tree.files.items()}
    assert {use.reference for use in uses_of(tree_of(given))} == {
        f"{HUB}/library/node:18", f"{HUB}/library/redis:7",
    }  # fmt: skip


# -- the pipeline hands it over ---------------------------------------------------------------------

PIPELINE = """\
on:
  push:
%s
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: docker/setup-buildx-action@v3
      - uses: docker/build-push-action@v6
        with:
          context: .
%s
"""
BUILD_ARGS = "DOCKER_HUB=${{ env.DOCKER_HUB }}"


def pipeline(
    more: str = "", event: str = "  pull_request:", dockerfile: str = "FROM node:18\n"
) -> Rewritten:
    text = PIPELINE % (event, more)
    return rewritten({"Dockerfile": dockerfile, ".github/workflows/ci.yml": text}, PUBLIC)


def test_a_build_is_handed_the_variable_and_forks_keep_docker_hub() -> None:
    made = pipeline()
    text = made.texts[".github/workflows/ci.yml"]
    assert (
        f"DOCKER_HUB: ${{{{ github.event.pull_request.head.repo.fork && 'docker.io' || '{HUB}' }}}}\n"
        in text
    )
    assert f"          build-args: {BUILD_ARGS}\n          context: .\n" in text
    assert text.count("if: ${{ !github.event.pull_request.head.repo.fork }}\n") == 2
    assert "driver-opts: image=${{ env.DOCKER_HUB }}/moby/buildkit:buildx-stable-1\n" in text
    assert not any("forks" in note for note in made.notes)
    assert rewritten(made.texts, PUBLIC).texts == made.texts


def test_without_pull_requests_nothing_is_conditional() -> None:
    text = pipeline(event="").texts[".github/workflows/ci.yml"]
    assert f"DOCKER_HUB: {HUB}\n" in text
    assert "fork" not in text


@pytest.mark.parametrize(
    ("given", "then"),
    [
        ("          build-args: A=1", f"          build-args: |\n            A=1\n            {BUILD_ARGS}\n"),
        ("          build-args: |\n            A=1\n            B=2", f"          build-args: |\n            {BUILD_ARGS}\n            A=1\n            B=2\n"),
    ],
)  # fmt: skip
def test_build_args_that_are_there_stay(given: str, then: str) -> None:
    assert then in pipeline(given).texts[".github/workflows/ci.yml"]


def test_what_cannot_be_added_is_named() -> None:
    made = pipeline('          build-args: "A=1"')
    assert any("add DOCKER_HUB=" in note and "Dockerfile" in note for note in made.notes)


def test_commands_get_the_option_and_compose_the_variable() -> None:
    steps = (
        "on: push\njobs:\n  a:\n    runs-on: x\n    env:\n      A: 1\n    steps:\n"
        "      - uses: actions/checkout@v4\n"
        "      - run: |\n          docker build -t x .\n"
        "      - run: docker compose up -d\n"
    )
    files = {
        "Dockerfile": "FROM node:18\n",
        "compose.yaml": "services:\n  db:\n    image: postgres:15\n",
        ".github/workflows/a.yml": steps,
    }
    text = rewritten(files, PUBLIC).texts[".github/workflows/a.yml"]
    assert "docker build --build-arg DOCKER_HUB -t x .\n" in text
    assert f"    env:\n      DOCKER_HUB: {HUB}\n      A: 1\n" in text
    assert "- run: docker compose up -d\n" in text


def test_bake_gets_it_as_an_argument_of_all_targets() -> None:
    bake = 'target "app" {\n  context = "."\n}\n'
    step = "      - uses: docker/bake-action@v6\n        with:\n          targets: app\n"
    text = f"on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - uses: actions/checkout@v4\n{step}"
    files = {
        "docker-bake.hcl": bake,
        "Dockerfile": "FROM node:18\n",
        ".github/workflows/a.yml": text,
    }
    made = rewritten(files, PUBLIC)
    assert (
        '          set: "*.args.DOCKER_HUB=${{ env.DOCKER_HUB }}"\n'
        in made.texts[".github/workflows/a.yml"]
    )
    assert rewritten(made.texts, PUBLIC).texts == made.texts


def test_a_run_that_hands_it_over_pulls_nothing_from_docker_hub() -> None:
    made = pipeline(event="")
    tree = tree_of(made.texts)
    uses = uses_of(tree)
    assert any(use.pulls_hub for use in uses)
    assert pipeline_cost(uses, tree).per_run == 0
    bare = tree_of({**made.texts, ".github/workflows/ci.yml": PIPELINE % ("", "")})
    assert pipeline_cost(uses_of(bare), bare).per_run == 2
