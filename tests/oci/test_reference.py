"""References as distribution/reference reads them: tables and round trips."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from longshore.errors import UsageError
from longshore.oci.digest import Digest
from longshore.oci.reference import Reference, is_repository, is_tag, parse_reference

HEX = "a" * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("node", "docker.io/library/node"),
        ("node:18-alpine", "docker.io/library/node:18-alpine"),
        ("acme/shop", "docker.io/acme/shop"),
        ("docker.io/node", "docker.io/library/node"),
        ("index.docker.io/acme/shop:v1", "docker.io/acme/shop:v1"),
        ("registry-1.docker.io/acme/shop", "docker.io/acme/shop"),
        ("localhost/shop", "localhost/shop"),
        ("localhost:5000/shop:v1", "localhost:5000/shop:v1"),
        ("127.0.0.1:5000/a/b/c:x", "127.0.0.1:5000/a/b/c:x"),
        ("[::1]:5000/shop", "[::1]:5000/shop"),
        ("ghcr.io/acme/shop@sha256:" + HEX, "ghcr.io/acme/shop@sha256:" + HEX),
        ("ghcr.io/acme/shop:v1@sha256:" + HEX, "ghcr.io/acme/shop:v1@sha256:" + HEX),
        ("MyHost/shop", "MyHost/shop"),
        ("a__b--c/e_f.g", "docker.io/a__b--c/e_f.g"),
        (
            "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/shop:latest",
            "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/shop:latest",
        ),
    ],
)
def test_what_docker_takes(text: str, expected: str) -> None:
    assert str(parse_reference(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", ":", "/", "@", "Node", "acme/Shop", "a:b:c", "shop:", "shop:-x", "shop:" + "t" * 129,
        "shop@sha256:abc", "shop@md5:" + "a" * 32, "shop@sha256:" + "A" * 64, "a//b", "/a", "a/",
        "-a", "a-", "a..b", "a___b", "https://docker.io/node", "node 18", "node\n", "nöde",
        "shop:v1\n", "localhost:port/x", "a" * 256, "shop:v1@", "exa mple.com/x", "-x.com/y",
    ],
)  # fmt: skip
def test_what_docker_refuses(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_reference(text)
    assert caught.value.hint
    assert caught.value.code in ("bad-reference", "bad-digest")


component = some.from_regex(r"[a-z0-9]{1,8}((\.|_|__|-{1,3})[a-z0-9]{1,8}){0,2}", fullmatch=True)
repositories = some.lists(component, min_size=1, max_size=4).map("/".join)
hosts = some.from_regex(
    r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?(\.[a-z]([a-z0-9-]{0,8}[a-z0-9])?){1,3}(:[0-9]{1,5})?",
    fullmatch=True,
)
tags = some.from_regex(re.compile(r"\w[\w.-]{0,40}", re.ASCII), fullmatch=True)
digests = some.from_regex(r"[0-9a-f]{64}", fullmatch=True).map(lambda text: f"sha256:{text}")


@given(hosts, repositories, some.none() | tags, some.none() | digests)
def test_every_reference_comes_back_from_its_text(host, repository, tag, digest) -> None:
    made = Reference(host, repository, tag, Digest(digest) if digest else None)
    assert parse_reference(str(made)) == made
    assert made.wanted == (digest or tag or "latest")


@given(some.text(max_size=60))
def test_anything_else_is_an_error_of_ours_and_what_is_read_is_stable(text: str) -> None:
    try:
        found = parse_reference(text)
    except UsageError:
        return
    assert parse_reference(str(found)) == found
    assert is_repository(found.repository)
    assert found.tag is None or is_tag(found.tag)


@given(repositories, tags, digests)
def test_at_moves_within_the_repository(repository: str, tag: str, digest: str) -> None:
    made = Reference("docker.io", repository, "old")
    assert made.at(tag) == Reference("docker.io", repository, tag)
    assert made.at(digest) == Reference("docker.io", repository, None, Digest(digest))
    assert made.at(tag).name == made.name
