"""Challenges, links and error bodies, as servers really write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from longshore.oci.challenge import parse_challenges, repository_scope
from longshore.oci.distribution import (
    closing_location,
    next_page,
    parse_errors,
    referrers_tag,
    uploads_path,
)

HUB = (
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",'
    'scope="repository:library/node:pull,push",error="invalid_token"'
)


def test_docker_hubs_challenge() -> None:
    (found,) = parse_challenges(HUB)
    assert (found.scheme, found.realm) == ("bearer", "https://auth.docker.io/token")
    assert found.service == "registry.docker.io"
    assert found.scope == "repository:library/node:pull,push"


def test_several_challenges_in_one_header() -> None:
    found = parse_challenges('Negotiate, Basic realm="a \\"b\\", c=d", Bearer realm=x , service=y')
    assert [one.scheme for one in found][-2:] == ["basic", "bearer"]
    assert found[-2].realm == 'a "b", c=d'
    assert (found[-1].realm, found[-1].service) == ("x", "y")


@given(some.text(max_size=80))
def test_any_header_ends(text: str) -> None:
    for found in parse_challenges(text):
        assert found.scheme == found.scheme.lower()


def test_scopes_are_sorted() -> None:
    assert repository_scope("a/b", "push", "pull") == "repository:a/b:pull,push"


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ('</v2/a/tags/list?n=2&last=b>; rel="next"', "http://h/v2/a/tags/list?n=2&last=b"),
        ("<http://h/x>; rel=next", "http://h/x"),
        ('<x?y=1>; title="t"; rel="next"', "http://h/v2/x?y=1"),
        ('</x>; rel="prev"', None),
        ("", None),
        ("nonsense", None),
    ],
)
def test_links_to_the_next_page(link: str, expected: str | None) -> None:
    assert next_page(link, "http://h/v2/") == expected


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/v2/a/blobs/uploads/1", "http://h/v2/a/blobs/uploads/1?digest=sha256%3Aab"),
        ("http://o/u?_state=x", "http://o/u?_state=x&digest=sha256%3Aab"),
    ],
)
def test_where_an_upload_is_closed(location: str, expected: str) -> None:
    assert closing_location(location, "http://h/v2/a/blobs/uploads/", "sha256:ab") == expected


def test_error_bodies() -> None:
    (found,) = parse_errors(b'{"errors":[{"code":"DENIED","message":"no","detail":null}]}')
    assert (found.code, found.message) == ("DENIED", "no")
    for odd in (b"", b"<html>", b"[]", b'{"errors":null}', b'{"errors":[1]}', b'{"errors":{}}'):
        assert parse_errors(odd) == []


def test_paths() -> None:
    assert uploads_path("a/b", mount="sha256:x", source="c") == (
        "/v2/a/b/blobs/uploads/?mount=sha256%3Ax&from=c"
    )
    assert referrers_tag("sha256:" + "a" * 64) == "sha256-" + "a" * 64
