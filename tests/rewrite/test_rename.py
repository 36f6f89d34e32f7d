"""What a place becomes, and which characters change for it."""

# ruff: noqa: E501

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.rewrite.edits import apply_edits
from longshore.rewrite.judge import judge
from longshore.rewrite.mentions import OPEN, Mention, Piece
from longshore.rewrite.places import Destination, Wish, matches_path, place
from longshore.rewrite.plan import plan_rewrite
from longshore.rewrite.rename import name_end
from longshore.rewrite.source import SourceFile, Span, read_source

HOST = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com"
TO = Destination(HOST, {"docker.io/acme/shop": "shop"})


def source(text: str, path: str = "f") -> SourceFile:
    file = read_source(path, text.encode())
    assert file is not None
    return file


def found(file: SourceFile, text: str, **more: object) -> Mention:
    start = file.text.index(text)
    values: dict[str, object] = {"kind": "dockerfile-from", "role": "pull", "pulled": "build"}
    return Mention(span=Span(start, start + len(text)), text=text, **(values | more))  # type: ignore[arg-type]


AS_USUAL = Wish()


def rewritten(file: SourceFile, mention: Mention, wish: Wish = AS_USUAL) -> tuple[str, str]:
    use = judge(mention, file)
    assert use is not None
    (decision,) = plan_rewrite([use], wish, TO).decisions
    return apply_edits(file, decision.edits).after.decode(), decision.reason


CHANGED = [
    ("FROM node:18-alpine AS x", "node:18-alpine", f"FROM {HOST}/docker-hub/library/node:18-alpine AS x"),
    ("FROM node", "node", f"FROM {HOST}/docker-hub/library/node"),
    ("FROM acme/shop:1@sha256:" + "a" * 64, "acme/shop:1@sha256:" + "a" * 64, f"FROM {HOST}/shop:1@sha256:" + "a" * 64),
    ("FROM docker.io/acme/shop:1", "docker.io/acme/shop:1", f"FROM {HOST}/shop:1"),
    ("FROM prom/prometheus:${V:-2}", "prom/prometheus:${V:-2}", f"FROM {HOST}/docker-hub/prom/prometheus:${{V:-2}}"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "text", "after"), CHANGED)
def test_only_the_name_changes(before: str, text: str, after: str) -> None:
    file = source(before)
    value = text.replace("${V:-2}", OPEN)
    assert rewritten(file, found(file, text, value=value))[0] == after


def test_the_argument_s_default_changes_where_it_decides() -> None:
    file = source("ARG BASE=node:18\nFROM ${BASE}\n")
    piece = Piece("f", Span(9, 16), "node:18")
    mention = found(file, "${BASE}", value="node:18", pieces=(piece,))
    text, _ = rewritten(file, mention)
    assert text == f"ARG BASE={HOST}/docker-hub/library/node:18\nFROM ${{BASE}}\n"


def test_a_registry_that_is_a_variable_takes_the_prefix() -> None:
    file = source("ARG R=docker.io\nFROM ${R}/library/node:18\n")
    piece = Piece("f", Span(6, 15), "docker.io", "registry")
    mention = found(
        file, "${R}/library/node:18", value="docker.io/library/node:18", pieces=(piece,)
    )
    assert rewritten(file, mention)[0].startswith(f"ARG R={HOST}/docker-hub\n")


def test_split_values_change_key_by_key() -> None:
    file = source("registry: docker.io\nrepository: grafana/grafana\ntag: 11\n")
    pieces = (
        Piece("f", Span(10, 19), "docker.io", "registry"),
        Piece("f", Span(32, 47), "grafana/grafana", "repository"),
        Piece("f", Span(53, 55), "11", "tag"),
    )
    mention = found(
        file, "grafana/grafana", value="docker.io/grafana/grafana:11", pieces=pieces, pulled="node"
    )
    after, _ = rewritten(file, mention)
    assert after == f"registry: {HOST}\nrepository: docker-hub/grafana/grafana\ntag: 11\n"


def test_before_the_first_step_only_public_registries_serve() -> None:
    file = source("image: postgres:15")
    mention = found(file, "postgres:15", kind="gha-service", pulled="job-start")
    after, reason = rewritten(file, mention)
    assert after == "image: public.ecr.aws/docker/library/postgres:15"
    assert "first step" in reason
    other = source("image: bitnami/kafka:3")
    mention = found(other, "bitnami/kafka:3", kind="gha-service", pulled="job-start")
    assert rewritten(other, mention)[0] == other.text


@pytest.mark.parametrize(
    ("patterns", "after"),
    [
        ({"docker.io/library/*": "keep"}, "FROM node:18"),
        ({"node": "public"}, "FROM public.ecr.aws/docker/library/node:18"),
        ({"docker.io/library/*": "keep", "docker.io/library/node": "cache"}, f"FROM {HOST}/docker-hub/library/node:18"),
        ({"library/node": "base/node"}, f"FROM {HOST}/base/node:18"),
    ],
)  # fmt: skip
def test_the_user_s_map_decides(patterns: dict[str, str], after: str) -> None:
    file = source("FROM node:18")
    assert rewritten(file, found(file, "node:18"), Wish(tuple(patterns.items())))[0] == after


def test_files_to_skip_stay() -> None:
    file = source("FROM node:18", "docs/a/Dockerfile")
    use = judge(found(file, "node:18"), file)
    assert use is not None
    assert place(use, Wish(skip=("docs/**",)), TO).mode == "keep"
    assert not matches_path("docs2/a", "docs/**")


def test_one_text_for_two_images_stays() -> None:
    file = source("ARG R=docker.io\nFROM ${R}/library/node\nFROM ${R}/acme/shop\n")
    piece = Piece("f", Span(6, 15), "docker.io", "registry")
    uses = [
        judge(found(file, "${R}/library/node", value="docker.io/library/node", pieces=(piece,)), file),
        judge(found(file, "${R}/acme/shop", value="docker.io/acme/shop", pieces=(piece,)), file),
    ]  # fmt: skip
    other = Destination(HOST, {"docker.io/acme/shop": "elsewhere/acme/shop"})
    plan = plan_rewrite([use for use in uses if use], Wish(), other)
    assert not plan.edits
    assert plan_rewrite([use for use in uses if use], Wish(), Destination(HOST)).edits


def test_needed_images_name_their_tags() -> None:
    file = source("FROM node:18\nFROM node\nFROM node:$V\n")
    mentions = [
        found(file, "node:18"),
        Mention("dockerfile-from", "pull", Span(18, 22), "node", pulled="build"),
        found(file, "node:$V", value=f"node:{OPEN}"),
    ]
    uses = [use for one in mentions if (use := judge(one, file))]
    (needed,) = plan_rewrite(uses, Wish(), TO).needed
    assert (needed.tags, needed.all_tags) == (("18", "latest"), True)
    assert needed.target == f"{HOST}/docker-hub/library/node"


NAMES = st.from_regex(r"[a-z0-9]{1,6}(/[a-z0-9]{1,6}){0,2}", fullmatch=True)


@given(NAMES, st.sampled_from(["", ":1", ":${T:-a/b:c}", "@sha256:" + "a" * 64, ":${{ x.y }}"]))
def test_a_name_ends_where_tag_or_digest_begin(name: str, rest: str) -> None:
    assert name_end(name + rest) == len(name)
