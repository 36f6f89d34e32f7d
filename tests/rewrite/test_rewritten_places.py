"""Whole files after a rewrite: variables, build arguments, kustomizations, digests."""

# ruff: noqa: E501

from __future__ import annotations

import pytest

from longshore.rewrite.pinning import Asked, wanted_digests
from longshore.rewrite.places import Destination, Wish
from tests.rewrite.rewritten import HOST, HUB, TO, after, rewritten

DIGEST = "sha256:" + "a" * 64

SHARED = [
    ("ARG V=1.2\nFROM golang:${V}-alpine\n", f"ARG V=1.2\nFROM {HUB}/library/golang:${{V}}-alpine\n"),
    ("ARG V=1\nFROM rust:1-${V}\n", f"ARG V=1\nFROM {HUB}/library/rust:1-${{V}}\n"),
    ("ARG BASE=node:18\nFROM ${BASE} AS a\nFROM ${BASE}\n", f"ARG BASE={HUB}/library/node:18\nFROM ${{BASE}} AS a\nFROM ${{BASE}}\n"),
    ("ARG R=docker.io\nFROM ${R}/library/node:18\n", f"ARG R={HUB}\nFROM ${{R}}/library/node:18\n"),
    ("FROM node:18 AS build\nFROM build\n", f"FROM {HUB}/library/node:18 AS build\nFROM build\n"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "then"), SHARED)
def test_dockerfiles_with_variables(before: str, then: str) -> None:
    assert after("Dockerfile", before) == then


def test_an_argument_that_also_chooses_a_stage_stays() -> None:
    text = "ARG KIND=alpine\nFROM ${KIND} AS base-alpine\nFROM base-${KIND}\n"
    made = rewritten({"Dockerfile": text})
    assert made.texts["Dockerfile"] == text
    assert "tried" in made.decision("${KIND}").reason
    assert not made.proved.failed


def test_one_decision_that_fails_keeps_the_others() -> None:
    text = "ARG KIND=alpine\nFROM redis:7 AS r\nFROM ${KIND} AS base-alpine\nFROM base-${KIND}\n"
    assert after("Dockerfile", text) == text.replace("redis:7", f"{HUB}/library/redis:7")


def test_build_arguments_of_other_files_change_where_they_stand() -> None:
    files = {
        "compose.yaml": "services:\n  a:\n    build:\n      context: .\n      args:\n        BASE: postgres:15\n",
        "Dockerfile": "ARG BASE\nFROM $BASE\n",
    }
    made = rewritten(files)
    assert f"BASE: {HUB}/library/postgres:15\n" in made.texts["compose.yaml"]
    assert made.texts["Dockerfile"] == files["Dockerfile"]


def test_uses_of_a_shared_variable_come_along() -> None:
    text = (
        "on: push\nenv:\n  IMAGE: acme/shop\njobs:\n  a:\n    runs-on: x\n    steps:\n"
        "      - uses: actions/checkout@v4\n"
        "      - run: docker build -t ${{ env.IMAGE }}:1 . && docker push ${{ env.IMAGE }}:1\n"
    )
    made = rewritten({".github/workflows/a.yml": text})
    assert f"IMAGE: {HOST}/shop\n" in made.texts[".github/workflows/a.yml"]
    carried = [one for one in made.proved.plan.decisions if one.along]
    assert carried
    assert all(one.new.startswith(f"{HOST}/shop") for one in carried)


def test_a_name_that_ends_in_a_variable_keeps_its_end() -> None:
    text = (
        "on: push\njobs:\n  a:\n    runs-on: x\n    strategy: {matrix: {i: [core, db]}}\n    steps:\n"
        "      - run: docker pull docker.io/other/app-${{ matrix.i }}:v1\n"
        "      - run: docker pull other/app-${{ matrix.i }}:v1\n"
    )
    made = after(".github/workflows/a.yml", text)
    assert made.count(f"docker pull {HUB}/other/app-${{{{ matrix.i }}}}:v1\n") == 2


def test_a_bare_name_that_is_no_official_image_stays() -> None:
    made = rewritten({"compose.yaml": "services:\n  a:\n    image: my-own-thing\n"})
    assert "no official image" in made.reasons["my-own-thing"]
    named = Destination(HOST, {"docker.io/library/my-own-thing": "mine"})
    moved = rewritten({"compose.yaml": "services:\n  a:\n    image: my-own-thing\n"}, to=named)
    assert f"image: {HOST}/mine\n" in moved.texts["compose.yaml"]


# -- kustomize --------------------------------------------------------------------------------------

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - name: a
          image: nginx:1.25
        - name: b
          image: redis:7
"""


def kustomized(images: str) -> tuple[dict[str, str], dict[str, str]]:
    files = {
        "base/deployment.yaml": DEPLOYMENT,
        "base/kustomization.yaml": "resources:\n- deployment.yaml\n" + images,
    }
    made = rewritten(files)
    return dict(made.texts), made.reasons


def test_a_matched_manifest_stays_and_the_kustomization_gets_the_name() -> None:
    texts, reasons = kustomized('images:\n- name: nginx # ours\n  newTag: "1.27"\n')
    assert texts["base/deployment.yaml"] == DEPLOYMENT.replace("redis:7", f"{HUB}/library/redis:7")
    assert (
        f'- name: nginx # ours\n  newName: {HUB}/library/nginx\n  newTag: "1.27"\n'
        in texts["base/kustomization.yaml"]
    )
    assert "base/kustomization.yaml matches this name" in reasons["nginx:1.25"]


@pytest.mark.parametrize(
    ("before", "then"),
    [
        ("images:\n- {name: nginx, newTag: '1.27'}\n", f"- {{name: nginx, newName: {HUB}/library/nginx, newTag: '1.27'}}\n"),
        ("images:\n- name: 'nginx'\n  newTag: '1'\n", f"- name: 'nginx'\n  newName: {HUB}/library/nginx\n  newTag: '1'\n"),
        ("images:\n- name: nginx\n  newName: bitnami/nginx\n  newTag: '1'\n", f"  newName: {HUB}/bitnami/nginx\n"),
        ("images:\r\n- name: nginx\r\n  newTag: '1'\r\n", f"- name: nginx\r\n  newName: {HUB}/library/nginx\r\n"),
    ],
)  # fmt: skip
def test_kustomizations_in_every_style(before: str, then: str) -> None:
    texts, _ = kustomized(before)
    assert then in texts["base/kustomization.yaml"]
    assert "image: nginx:1.25\n" in texts["base/deployment.yaml"]


def test_a_kustomization_above_matches_too() -> None:
    files = {
        "base/deployment.yaml": DEPLOYMENT,
        "base/kustomization.yaml": "resources: [deployment.yaml]\n",
        "over/kustomization.yaml": "resources: [../base]\nimages:\n- name: redis\n  newTag: '7.2'\n",
    }
    made = rewritten(files)
    assert "image: redis:7\n" in made.texts["base/deployment.yaml"]
    assert f"image: {HUB}/library/nginx:1.25\n" in made.texts["base/deployment.yaml"]
    assert f"newName: {HUB}/library/redis\n" in made.texts["over/kustomization.yaml"]
    again = rewritten(made.texts)
    assert again.texts == made.texts


# -- digests ----------------------------------------------------------------------------------------


def test_digests_stand_beside_the_tags() -> None:
    files = {
        "Dockerfile": "ARG V=1\nFROM node:18 AS a\nFROM redis\nFROM golang:${V}\nFROM nginx:1@"
        + DIGEST
        + "\n",
        "compose.yaml": "services:\n  a: {image: 'postgres:15'}\n  b:\n    image: acme/shop:1\n",
    }
    asked = wanted_digests(rewritten(files).proved.plan.decisions)
    assert {f"{one.repository}:{one.tag}" for one in asked} == {
        "docker-hub/library/node:18", "docker-hub/library/redis:latest", "docker-hub/library/postgres:15", "shop:1",
    }  # fmt: skip
    made = rewritten(files, digests=dict.fromkeys(asked, DIGEST))
    assert made.texts["Dockerfile"] == (
        f"ARG V=1\nFROM {HUB}/library/node:18@{DIGEST} AS a\nFROM {HUB}/library/redis:latest@{DIGEST}\n"
        f"FROM {HUB}/library/golang:${{V}}\nFROM {HUB}/library/nginx:1@{DIGEST}\n"
    )
    assert f"'{HUB}/library/postgres:15@{DIGEST}'" in made.texts["compose.yaml"]
    assert rewritten(made.texts).texts == made.texts


def test_the_argument_that_decides_holds_the_digest() -> None:
    files = {"Dockerfile": "ARG BASE=node:18\nFROM ${BASE} AS a\nFROM ${BASE}\n"}
    digests = {Asked("docker-hub/library/node", "18"): DIGEST}
    assert rewritten(files, digests=digests).texts["Dockerfile"] == (
        f"ARG BASE={HUB}/library/node:18@{DIGEST}\nFROM ${{BASE}} AS a\nFROM ${{BASE}}\n"
    )


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("run.sh", "#!/bin/sh\ndocker pull node:18 && docker tag node:18 x\n"),
        ("charts/a/values.yaml", "image:\n  registry: docker.io\n  repository: grafana/grafana\n  tag: '1'\n"),
        ("Dockerfile", "ARG B=node:18\nFROM ${B}-alpine\n"),
        (".github/workflows/a.yml", "on: push\njobs:\n  a:\n    runs-on: x\n    container: node:18\n    steps: [{run: x}]\n"),
    ],
)  # fmt: skip
def test_where_no_digest_can_stand_none_is_asked(path: str, text: str) -> None:
    assert wanted_digests(rewritten({path: text}).proved.plan.decisions) == []


def test_an_image_that_the_tree_publishes_follows_its_builds() -> None:
    files = {
        "compose.yaml": "services:\n  b:\n    image: acme/shop:1\n",
        "push.sh": "#!/bin/sh\ndocker push acme/shop:1\n",
    }
    assert wanted_digests(rewritten(files).proved.plan.decisions) == []


def test_cached_images_go_behind_the_rule() -> None:
    to = Destination(HOST, {}, "docker-hub", frozenset({"docker.io/prom/prometheus"}))
    made = rewritten({"Dockerfile": "FROM prom/prometheus:v2\n"}, Wish(), to)
    assert made.texts["Dockerfile"] == f"FROM {HUB}/prom/prometheus:v2\n"
    assert made.decision("prom/prometheus:v2").mode == "cache"
    assert TO.cached == frozenset()
