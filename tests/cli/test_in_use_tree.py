"""Images in use that a tree names: which kinds of places, which names, and what stays unread."""

from __future__ import annotations

from pathlib import Path

import pytest

from longshore.cli.in_use import _COMPOSE, _KUBERNETES
from longshore.cli.in_use_tree import uses_of_tree
from longshore.facts import Endpoint, UsesSeen
from longshore.remote.workloads import watch
from longshore.rewrite.scan import scan
from longshore.rewrite.tree import open_tree
from longshore.rewrite.walk import TreeOptions

HOST = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com"
WATCHED = watch(Endpoint("local", "123456789012", "ap-northeast-2", "127.0.0.1:4510"))
POD = (
    "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
    "spec:\n  containers:\n    - {name: a, image: IMAGE}\n"
)
SHA = "sha256:" + "a" * 64


def seen(folder: Path, files: dict[str, str], by: str) -> UsesSeen:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    kinds = _COMPOSE if by == "compose" else _KUBERNETES
    return uses_of_tree(scan(open_tree(folder, TreeOptions(max_bytes=4096)), 1), by, kinds, WATCHED)


def compose(image: str) -> dict[str, str]:
    return {"compose.yml": f"services:\n  web:\n    image: {image}\n"}


@pytest.mark.parametrize(
    ("image", "use"),
    [
        (f"{HOST}/shop:v1", ("shop", "v1", None)),
        ("127.0.0.1:4510/shop:v1", ("shop", "v1", None)),
        (f"{HOST}/team/shop", ("team/shop", "latest", None)),
        (f"{HOST}/shop:v1@{SHA}", ("shop", "v1", SHA)),
        (f"{HOST}/shop@{SHA}", ("shop", None, SHA)),
        (f"${{REGISTRY:-{HOST}}}/shop:${{TAG:-v3}}", ("shop", "v3", None)),
        ("${REGISTRY}/shop", ("shop", "latest", None)),
        (f"${{REGISTRY}}/shop@{SHA}", ("shop", None, SHA)),
        ("${ACCOUNT}.dkr.ecr.ap-northeast-2.amazonaws.com/shop:v1", ("shop", "v1", None)),
    ],
)
def test_a_name_is_read_as_far_as_it_is_known(
    tmp_path: Path, image: str, use: tuple[str, str | None, str | None]
) -> None:
    found = seen(tmp_path, compose(image), "compose")
    assert found.unread == ()
    assert [(one.repository, one.tag, one.digest) for one in found.uses] == [use]
    assert (found.uses[0].by, found.uses[0].where) == ("compose", "compose.yml:3")


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        (f"{HOST}/shop:${{TAG}}", "shop"),
        ("${REGISTRY}/team/shop:v${TAG}", "team/shop"),
        ("${REGISTRY}/shop@${DIGEST}", "shop"),
        ("${IMAGE}", ""),
        (f"{HOST}/${{NAME}}:v1", ""),
    ],
)
def test_what_stays_open_is_unread(tmp_path: Path, image: str, repository: str) -> None:
    found = seen(tmp_path, compose(image), "compose")
    assert found.uses == ()
    assert [(one.repository, one.where) for one in found.unread] == [(repository, "compose.yml:3")]


@pytest.mark.parametrize(
    "image",
    [
        *("nginx:1", "ghcr.io/acme/shop:${TAG}", "docker.io/acme/${NAME}:1"),
        "${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/shop:${TAG}",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop:v1",
    ],
)
def test_images_of_others_are_nobodys_business_here(tmp_path: Path, image: str) -> None:
    assert seen(tmp_path, compose(image), "compose") == UsesSeen()


def test_each_collector_has_its_kinds(tmp_path: Path) -> None:
    files = compose(f"{HOST}/a:1") | {
        "Dockerfile": f"FROM {HOST}/base:1\n",
        "k8s/pod.yaml": POD.replace("IMAGE", f"{HOST}/b:2"),
        "chart/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n",
        "chart/values.yaml": f"image:\n  registry: {HOST}\n  repository: c\n  tag: '3'\n",
    }
    by_compose = seen(tmp_path, files, "compose")
    assert [(one.repository, one.tag) for one in by_compose.uses] == [("a", "1")]
    by_kubernetes = seen(tmp_path, {}, "kubernetes")
    assert {(one.repository, one.tag) for one in by_kubernetes.uses} == {("b", "2"), ("c", "3")}


def test_a_file_that_was_not_read_is_unread(tmp_path: Path) -> None:
    files = {"compose.prod.yml": "#" * 5000, "notes.md": "#" * 5000}
    found = seen(tmp_path, files, "compose")
    assert [(one.by, one.where) for one in found.unread] == [("compose", "compose.prod.yml")]
