"""Docker Hub's web API and limit headers, scripted."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.errors import RegistryError
from longshore.facts import Token
from longshore.oci.digest import digest_of
from longshore.oci.manifest import OCI_INDEX
from longshore.oci.store import PullAllowance
from longshore.remote.hub import Hub, HubEndpoints, parse_allowance
from longshore.remote.transport import Transport
from tests.remote.conftest import Clock
from tests.remote.scripted import Asked, Say, Scripted, serving

TAGS = "/v2/namespaces/acme/repositories/shop/tags"


def entry(number: int, **more: object) -> dict[str, object]:
    return {
        "name": f"v{number}",
        "digest": digest_of(b"%d" % number),
        "media_type": OCI_INDEX,
        "full_size": 1000 + number,
        "last_updated": "2026-01-02T03:04:05.678901Z",
        "tag_last_pushed": "2026-01-01T03:04:05.678901Z",
        **more,
    }


class StubHub:
    """Registry and web API on one port. `api` makes an answer of the API odd."""

    def __init__(self) -> None:
        self.entries = [entry(number) for number in range(250)]
        self.api: Say | None = None
        self.private = False
        self.headers: dict[str, str] = {}
        self.missing: set[str] = set()

    def __call__(self, asked: Asked) -> Say:
        if asked.path in ("/v2/auth/token", "/v2/users/login"):
            return self.log_in(asked)
        if asked.path == TAGS:
            return self.tags(asked)
        if asked.path == "/v2/acme/shop/tags/list":
            return Say(200, {}, b'{"tags": ["v1", "v2"]}')
        if "/manifests/" in asked.path:
            status = 404 if asked.path in self.missing else 200
            return Say(status, self.headers)
        return Say(404)

    def log_in(self, asked: Asked) -> Say:
        if asked.path in self.missing:
            return Say(404)
        given = json.loads(asked.body)
        name = "access_token" if asked.path == "/v2/auth/token" else "token"
        right = "pat" in (given.get("secret"), given.get("password"))
        return Say(200, {}, json.dumps({name: "jwt"}).encode()) if right else Say(401)

    def tags(self, asked: Asked) -> Say:
        if self.api is not None:
            return self.api
        if self.private and asked.headers.get("authorization") != "Bearer jwt":
            return Say(404, {}, b'{"message": "object not found"}')
        page, size = int(asked.query.get("page", ["1"])[0]), int(asked.query["page_size"][0])
        more = page * size < len(self.entries)
        document = {
            "count": len(self.entries),
            "next": f"{self.server.url}{TAGS}?page={page + 1}&page_size={size}" if more else None,
            "results": self.entries[(page - 1) * size : page * size],
        }
        return Say(200, {}, json.dumps(document).encode())

    server: Scripted

    def hub(self, transport: Transport, token: Token | None = None) -> Hub:
        endpoints = HubEndpoints(self.server.url, self.server.url)
        return Hub(transport, lambda _: token, endpoints=endpoints)


@pytest.fixture
def stub():  # type: ignore[no-untyped-def]
    made = StubHub()
    with serving(made) as made.server:
        yield made


def test_tags_with_digests_100_a_page(stub: StubHub, transport: Transport) -> None:
    hub = stub.hub(transport)
    tags = hub.repository("acme/shop").list_tags()
    assert len(tags) == 250
    assert stub.server.lines() == [f"GET {TAGS}"] * 3
    assert (hub.traffic.requests, hub.traffic.pulls) == (3, 0)
    first = tags[0]
    assert (first.tag, first.digest, first.size) == ("v0", digest_of(b"0"), 1000)
    assert first.pushed_at == datetime(2026, 1, 1, 3, 4, 5, 678901, tzinfo=UTC)
    assert first.media_type == OCI_INDEX


def test_missing_digests_are_none(stub: StubHub, transport: Transport) -> None:
    stub.entries = [entry(1, digest=None), entry(2, digest="nonsense"), entry(3, full_size="x")]
    for one in stub.entries:
        one.pop("tag_last_pushed")
    tags = stub.hub(transport).repository("acme/shop").list_tags()
    assert [seen.digest is None for seen in tags] == [True, True, False]
    assert tags[2].size is None
    assert tags[0].pushed_at is not None
    assert tags[0].pushed_at.day == 2


@pytest.mark.parametrize(
    "say",
    [
        Say(429, {"X-Retry-After": "9999999999"}),
        Say(404),
        Say(403),
        Say(200, {}, b"<html>"),
        Say(200, {}, b"[]"),
        Say(200, {}, b'{"results": null}'),
        Say(200, {}, b'{"results": [], "next": "https://elsewhere.example/"}'),
    ],
)
def test_the_registry_answers_when_the_api_does_not(
    stub: StubHub, transport: Transport, clock: Clock, say: Say
) -> None:
    stub.api = say
    tags = stub.hub(transport).repository("acme/shop").list_tags()
    assert [(seen.tag, seen.digest) for seen in tags] == [("v1", None), ("v2", None)]
    assert clock.slept == []


def test_pages_that_go_round_end(stub: StubHub, transport: Transport) -> None:
    body = {"results": [entry(1)], "next": f"{stub.server.url}{TAGS}?page=2"}
    stub.api = Say(200, {}, json.dumps(body).encode())
    tags = stub.hub(transport).repository("acme/shop").list_tags()
    assert [seen.tag for seen in tags] == ["v1", "v2"]


@pytest.mark.parametrize("old", [False, True])
def test_private_repositories_need_the_jwt(stub: StubHub, transport: Transport, old: bool) -> None:
    stub.private = True
    if old:
        stub.missing = {"/v2/auth/token"}
    hub = stub.hub(transport, Token("me", "pat"))
    assert len(hub.repository("acme/shop").list_tags()) == 250
    logins = [line for line in stub.server.lines() if line.startswith("POST")]
    assert len(logins) == (2 if old else 1)
    # Logging in is not counted, the pages are.
    assert hub.traffic.requests == 3
    assert "pat" not in repr(hub)


def test_a_wrong_password_leaves_the_registry(stub: StubHub, transport: Transport) -> None:
    tags = stub.hub(transport, Token("me", "wrong")).repository("acme/shop").list_tags()
    assert [seen.tag for seen in tags] == ["v1", "v2"]


def test_repositories_of_a_namespace(stub: StubHub, transport: Transport) -> None:
    def answer(asked: Asked) -> Say:
        assert asked.path == "/v2/namespaces/acme/repositories"
        return Say(200, {}, b'{"results": [{"name": "shop"}, {"name": "api"}, {"x": 1}]}')

    with serving(answer) as server:
        hub = Hub(transport, endpoints=HubEndpoints(server.url, server.url))
        assert hub.list_repositories("acme") == ["acme/shop", "acme/api"]
        with pytest.raises(RegistryError) as caught:
            hub.list_repositories()
    assert caught.value.code == "namespace-needed"


LIMITS = {"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "42;w=21600"}


def test_the_allowance_costs_no_pull(stub: StubHub, transport: Transport) -> None:
    stub.headers = LIMITS
    hub = stub.hub(transport)
    assert hub.repository("acme/shop").read_allowance() == PullAllowance(100, 42, 21600)
    assert stub.server.lines() == ["HEAD /v2/acme/shop/manifests/latest"]
    assert hub.traffic.pulls == 0


def test_the_allowance_by_docker_s_own_image(stub: StubHub, transport: Transport) -> None:
    stub.missing = {"/v2/acme/shop/manifests/latest"}
    assert stub.hub(transport).repository("acme/shop").read_allowance() is None
    assert stub.server.lines()[-1] == "HEAD /v2/ratelimitpreview/test/manifests/latest"


def test_the_allowance_by_a_tag_that_is_there(stub: StubHub, transport: Transport) -> None:
    store = stub.hub(transport).repository("acme/shop")
    store.list_tags()
    store.read_allowance()
    assert stub.server.lines()[-1] == "HEAD /v2/acme/shop/manifests/v0"


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_limit_header_is_read_or_none(limit: str, remaining: str) -> None:
    found = parse_allowance({"ratelimit-limit": limit, "ratelimit-remaining": remaining})
    assert found is None or found.limit >= 0


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_limit_headers_round_trip(limit: int, remaining: int, window: int) -> None:
    headers = {
        "ratelimit-limit": f"{limit};w={window}",
        "ratelimit-remaining": f"{remaining};w={window}",
    }
    assert parse_allowance(headers) == PullAllowance(limit, remaining, window)
