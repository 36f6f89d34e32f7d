"""Verdicts on image texts: the grammar, Docker Hub's aliases, and what stays open."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.rewrite.judge import judge_server, judge_value
from longshore.rewrite.mentions import OPEN, Mention
from longshore.rewrite.source import Span, read_source
from longshore.rewrite.survey import judge_sightings, merge_images, settle

X = OPEN

VERDICTS = [
    # text, status, image, tag
    ("node:18-alpine", "hub", "docker.io/library/node", "18-alpine"),
    ("prom/prometheus", "hub", "docker.io/prom/prometheus", None),
    ("docker.io/redis", "hub", "docker.io/library/redis", None),
    ("index.docker.io/library/x", "hub", "docker.io/library/x", None),
    ("registry-1.docker.io/a/b", "hub", "docker.io/a/b", None),
    ("registry.hub.docker.com/library/a", "hub", "docker.io/library/a", None),
    ("docker.io:443/a/b:1", "hub", "docker.io/a/b", "1"),
    ("docker://alpine:3", "hub", "docker.io/library/alpine", "3"),
    ("foo:5000/bar", "other", "foo:5000/bar", None),
    ("localhost/app", "other", "localhost/app", None),
    ("UPPER/foo", "other", "UPPER/foo", None),
    ("public.ecr.aws/docker/library/node:18", "other", "public.ecr.aws/docker/library/node", "18"),
    (f"node:{X}", "hub", "docker.io/library/node", None),
    (f"node:18-{X}", "hub", "docker.io/library/node", None),
    (f"acme/{X}:1", "hub", None, "1"),
    (f"acme/shop-{X}", "hub", None, None),
    (f"{X}", "unresolved", None, None),
    (f"{X}:1.2", "unresolved", None, "1.2"),
    (f"{X}/library/node:18", "unresolved", None, "18"),
    (f"{X}node", "unresolved", None, None),
    (f"base-{X}", "unresolved", None, None),
    (f"{X}.dkr.ecr.{X}.amazonaws.com/shop:1", "other", None, "1"),
    (f"ghcr.io/{X}/app", "other", None, None),
    (f"docker.io/{X}/app:2", "hub", None, "2"),
    (f"docker.io/acme/app:{X}", "hub", "docker.io/acme/app", None),
    (f"localhost:{X}/app:1", "other", None, "1"),
]


@pytest.mark.parametrize(("text", "status", "image", "tag"), VERDICTS)
def test_what_a_text_names(text: str, status: str, image: str | None, tag: str | None) -> None:
    judged = judge_value(text)
    assert judged is not None
    assert (judged.status, judged.image, judged.tag) == (status, image, tag)


@pytest.mark.parametrize("text", ["Foo", "a//b", "a/b:", ":tag", "/x", "scratch", "", "a b", "$x"])
def test_what_names_nothing(text: str) -> None:
    assert judge_value(text) is None


@given(st.text(alphabet=st.sampled_from(f"aZ0/:@.-_{X}$"), max_size=30))
def test_any_text_gets_a_verdict_or_none(text: str) -> None:
    judged = judge_value(text)
    if judged is not None and judged.status == "hub":
        assert judged.registry == "docker.io"
        assert judged.image is None or judged.image.startswith("docker.io/")


@pytest.mark.parametrize(
    ("server", "status"),
    [
        ("", "hub"),
        ("docker.io", "hub"),
        ("https://index.docker.io/v1/", "hub"),
        ("ghcr.io", "other"),
        (f"{X}.dkr.ecr.eu-west-1.amazonaws.com", "other"),
        (X, "unresolved"),
    ],
)
def test_servers_of_a_login(server: str, status: str) -> None:
    assert judge_server(server).status == status


def mention(text: str, role: str = "pull", built: bool = False) -> Mention:
    return Mention("k8s-image", role, Span(0, len(text)), text, built=built)  # type: ignore[arg-type]


def uses_of(path: str, text: str, role: str = "pull", built: bool = False):
    file = read_source(path, text.encode())
    return judge_sightings(file, [mention(text, role, built)])


@pytest.mark.parametrize(
    ("built_in", "built", "used_in", "pushed", "status"),
    [
        ("Makefile", "shop", "deploy/app.yaml", False, "local"),
        ("Makefile", "shop", "deploy/app.yaml", True, "local"),
        ("Makefile", "node", "deploy/app.yaml", True, "hub"),
        ("Makefile", "acme/shop", "Makefile", True, "hub"),
        ("Makefile", "acme/shop", "deploy/app.yaml", False, "hub"),
        ("dev/compose.yaml", "acme/shop", "dev/run.sh", False, "local"),
        ("dev/compose.yaml", "acme/shop", "prod/run.sh", False, "hub"),
        ("Makefile", "acme/shop", "Makefile", False, "local"),
    ],
)
def test_what_the_tree_builds_is_local(
    built_in: str, built: str, used_in: str, pushed: bool, status: str
) -> None:
    uses = uses_of(built_in, built, "build-output", True) + uses_of(used_in, built)
    if pushed:
        uses += uses_of("release.sh", built, "push")
    settled = {(use.file, use.mention.role): use.status for use in settle(uses)}
    assert settled[used_in, "pull"] == status
    assert settled[built_in, "build-output"] == "local"


def test_one_place_counts_once_and_images_merge_over_trees() -> None:
    file = read_source("a.yaml", b"node:18")
    twice = judge_sightings(file, [mention("node:18"), mention("node:18")])
    assert len(twice) == 1
    merged = merge_images({"a": twice, "b": uses_of("c.yaml", "node:20")})
    assert [(one.image, one.references, one.uses, one.trees) for one in merged] == [
        (
            "docker.io/library/node",
            ("docker.io/library/node:18", "docker.io/library/node:20"),
            2,
            ("a", "b"),
        )
    ]
