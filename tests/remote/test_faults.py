"""What the gate does when servers misbehave: scripted answers, a clock that only sleeping moves."""

from __future__ import annotations

import base64
import gzip
import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate

import pytest

from longshore.errors import (
    ContentError,
    LimitError,
    LoginError,
    RefusedError,
    RegistryError,
)
from longshore.facts import Token
from longshore.oci.manifest import MAX_MANIFEST_BYTES, OCI_MANIFEST
from longshore.remote.registry import Registry
from longshore.remote.transport import Request, Transport
from tests.remote.conftest import Clock
from tests.remote.images import blob, content_of, drain, index, manifest, read_all
from tests.remote.scripted import Asked, Say, serving

IMAGE = manifest(b"{}", b"layer")
TYPED = {"Content-Type": OCI_MANIFEST}
Answers = Callable[[Asked], Say]


def one_by_one(*says: Say) -> Answers:
    """The given answers in order; the last one stays."""
    rest = list(says)
    return lambda _: rest.pop(0) if len(rest) > 1 else rest[0]


def test_temporary_faults_are_tried_again(transport: Transport, clock: Clock) -> None:
    good = Say(200, TYPED, IMAGE.content)
    with serving(one_by_one(Say(503), Say(502), good)) as server:
        registry = Registry(server.host, transport)
        assert registry.repository("a").fetch_manifest("v1").digest == IMAGE.digest
        assert len(server.asked) == 3
    # Full jitter with chance 1/2 and base 1 s: half of 1, half of 2.
    assert clock.slept == [0.5, 1.0]
    assert [(one.status, one.request) for one in clock.waited] == [
        (503, "GET /v2/a/manifests/v1"),
        (502, "GET /v2/a/manifests/v1"),
    ]
    assert (registry.traffic.requests, registry.traffic.pulls) == (3, 1)


def test_a_fault_that_stays_is_told(transport: Transport) -> None:
    with serving(one_by_one(Say(500))) as server:
        with pytest.raises(RegistryError) as caught:
            Registry(server.host, transport, side="target").repository("a").list_tags()
        assert len(server.asked) == 4
    assert (caught.value.code, caught.value.temporary) == ("registry-broken", True)
    assert caught.value.side == "target"


@pytest.mark.parametrize(
    ("header", "form"),
    [
        ("Retry-After", lambda now: "7"),
        ("Retry-After", lambda now: formatdate(now + 7, usegmt=True)),
        ("X-Retry-After", lambda now: str(int(now) + 7)),
    ],
)
def test_429_waits_as_long_as_asked(
    transport: Transport, clock: Clock, header: str, form: Callable[[float], str]
) -> None:
    limited = Say(429, {header: form(clock.time)})
    with serving(one_by_one(limited, Say(200, TYPED, IMAGE.content))) as server:
        Registry(server.host, transport).repository("a").fetch_manifest("v1")
    assert clock.slept == [7.5]


def test_429_beyond_patience_is_a_limit_with_its_time(transport: Transport, clock: Clock) -> None:
    with serving(one_by_one(Say(429, {"Retry-After": "3600"}))) as server:
        with pytest.raises(LimitError) as caught:
            Registry(server.host, transport).repository("a").fetch_manifest("v1")
        assert len(server.asked) == 1
    assert caught.value.code == "too-many-requests"
    assert caught.value.retry_at == "2023-11-14T23:13:20Z"
    assert clock.slept == []


PULL_LIMIT = (
    b'{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your unauthenticated pull '
    b'rate limit. https://www.docker.com/increase-rate-limit"}]}'
)


def test_the_hub_pull_limit_is_not_waited_for(transport: Transport, clock: Clock) -> None:
    headers = {"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "0;w=21600"}
    with serving(one_by_one(Say(429, headers, PULL_LIMIT))) as server:
        registry = Registry(server.host, transport)
        with pytest.raises(LimitError) as caught:
            registry.repository("a").fetch_manifest("v1")
    assert caught.value.code == "hub-pull-limit"
    assert caught.value.retry_at == "2023-11-15T04:13:20Z"
    assert clock.slept == []
    assert registry.traffic.pulls == 0


def test_a_connection_that_never_answers(transport: Transport, clock: Clock) -> None:
    with pytest.raises(RegistryError) as caught:
        Registry("127.0.0.1:1", transport).repository("a").list_tags()
    assert (caught.value.code, caught.value.temporary) == ("unreachable", True)
    assert "127.0.0.1:1" in caught.value.what
    assert len(clock.slept) == 3


def test_plain_http_is_for_loopback(transport: Transport) -> None:
    with pytest.raises(RefusedError) as caught:
        Registry("http://registry.example", transport).repository("a").list_tags()
    assert caught.value.code == "plain-http"
    assert "--plain-http registry.example" in caught.value.hint


# Blobs


def test_a_cut_blob_can_be_resumed(transport: Transport) -> None:
    layer = os.urandom(600_000)

    def answer(asked: Asked) -> Say:
        start = int(asked.headers.get("range", "bytes=0-")[6:-1])
        headers = {"Content-Range": f"bytes {start}-{len(layer) - 1}/{len(layer)}"}
        cut = None if start else 300_000
        return Say(206 if start else 200, headers, layer[start:], cut_after=cut)

    with serving(answer) as server:
        store = Registry(server.host, transport).repository("a")
        got = bytearray()
        stream = store.open_blob(blob(layer))
        with pytest.raises(ContentError) as caught:
            drain(stream, got)
        assert (caught.value.code, caught.value.temporary) == ("blob-truncated", True)
        assert 0 < len(got) <= 300_000
        got += read_all(store.open_blob(blob(layer), len(got)))
    assert bytes(got) == layer


def test_a_server_that_ignores_range(transport: Transport) -> None:
    layer = os.urandom(600_000)
    with serving(lambda _: Say(200, {}, layer)) as server:
        store = Registry(server.host, transport).repository("a")
        stream = store.open_blob(blob(layer), 555_555)
        assert stream.size == len(layer) - 555_555
        assert read_all(stream) == layer[555_555:]


def test_a_range_that_starts_elsewhere(transport: Transport) -> None:
    layer = os.urandom(1000)

    def answer(asked: Asked, start: int) -> Say:
        return Say(206, {"Content-Range": f"bytes {start}-999/1000"}, layer[start:])

    with serving(lambda asked: answer(asked, 400)) as server:
        store = Registry(server.host, transport).repository("a")
        assert read_all(store.open_blob(blob(layer), 500)) == layer[500:]
        with pytest.raises(ContentError):
            store.open_blob(blob(layer), 300)


@pytest.mark.parametrize("wrong", [b"0123456789", b""])
def test_a_short_blob_with_an_honest_length(transport: Transport, wrong: bytes) -> None:
    with serving(lambda _: Say(200, {}, wrong)) as server:
        store = Registry(server.host, transport).repository("a")
        with pytest.raises(ContentError) as caught:
            read_all(store.open_blob(blob(b"0123456789!")))
    assert caught.value.code == "blob-truncated"


def test_an_endless_blob_is_stopped(transport: Transport) -> None:
    layer = os.urandom(70_000)
    with serving(lambda _: Say(200, {"Connection": "close"}, layer, endless=True)) as server:
        store = Registry(server.host, transport).repository("a")
        got = bytearray()
        with pytest.raises(ContentError) as caught:
            drain(store.open_blob(blob(layer)), got)
        assert len(got) <= len(layer)
    assert caught.value.code == "blob-too-long"


def test_a_blob_announced_too_long_is_not_read(transport: Transport) -> None:
    with (
        serving(lambda _: Say(200, {}, b"0123456789")) as server,
        pytest.raises(ContentError) as caught,
    ):
        Registry(server.host, transport).repository("a").open_blob(blob(b"012345"))
    assert caught.value.code == "blob-too-long"


def test_blobs_are_never_decoded(transport: Transport) -> None:
    layer = gzip.compress(b"layer" * 1000)
    with serving(lambda _: Say(200, {"Content-Encoding": "gzip"}, layer)) as server:
        store = Registry(server.host, transport).repository("a")
        assert read_all(store.open_blob(blob(layer))) == layer
        assert server.asked[0].headers["accept-encoding"] == "identity"


# Manifests


@pytest.mark.parametrize(
    ("say", "code"),
    [
        (Say(200, TYPED, IMAGE.content + b" "), "digest-mismatch"),
        (Say(200, TYPED, b" " * (MAX_MANIFEST_BYTES + 10)), "manifest-too-large"),
        (Say(200, TYPED, b"x" * 1000, endless=True), "manifest-too-large"),
        (
            Say(200, {**TYPED, "Docker-Content-Digest": "sha256:" + "0" * 64}, IMAGE.content),
            "digest-mismatch",
        ),
    ],
)
def test_a_manifest_that_is_not_what_it_should_be(
    transport: Transport, say: Say, code: str
) -> None:
    with serving(lambda _: say) as server:
        store = Registry(server.host, transport, side="target").repository("a")
        with pytest.raises(ContentError) as caught:
            store.fetch_manifest(IMAGE.digest)
    assert (caught.value.code, caught.value.side) == (code, "target")


def test_a_tag_whose_bytes_differ_from_the_announced_digest(transport: Transport) -> None:
    headers = {**TYPED, "Docker-Content-Digest": "sha256:" + "0" * 64}
    with (
        serving(lambda _: Say(200, headers, IMAGE.content)) as server,
        pytest.raises(ContentError) as caught,
    ):
        Registry(server.host, transport).repository("a").fetch_manifest("v1")
    assert caught.value.code == "digest-mismatch"


@pytest.mark.parametrize("status", [405, 501])
def test_head_refused_costs_a_pull(transport: Transport, status: int) -> None:
    def answer(asked: Asked) -> Say:
        return Say(status) if asked.method == "HEAD" else Say(200, TYPED, IMAGE.content)

    with serving(answer) as server:
        registry = Registry(server.host, transport)
        assert registry.repository("a").resolve("v1") == IMAGE.descriptor
    assert (registry.traffic.requests, registry.traffic.pulls) == (2, 1)


def test_head_without_a_digest_is_asked_by_get(transport: Transport) -> None:
    with serving(lambda _: Say(200, TYPED, IMAGE.content)) as server:
        registry = Registry(server.host, transport)
        assert registry.repository("a").resolve("v1") == IMAGE.descriptor
        assert server.lines() == ["HEAD /v2/a/manifests/v1", "GET /v2/a/manifests/v1"]


def test_a_push_stored_under_another_digest(transport: Transport) -> None:
    say = Say(201, {"Docker-Content-Digest": "sha256:" + "1" * 64})
    with serving(lambda _: say) as server:
        store = Registry(server.host, transport, side="target").repository("a")
        with pytest.raises(ContentError) as caught:
            store.push_manifest(IMAGE, "v1")
    assert caught.value.code == "digest-mismatch"


@pytest.mark.parametrize(
    ("status", "registry_code", "message", "code"),
    [
        (404, "NAME_UNKNOWN", "no such repository", "repository-not-found"),
        (
            400,
            "TAG_INVALID",
            "cannot be overwritten because the tag is immutable.",
            "tag-immutable",
        ),
        (400, "TAG_INVALID", "odd", "tag-invalid"),
        (400, "DIGEST_INVALID", "", "digest-invalid"),
        (400, "MANIFEST_BLOB_UNKNOWN", "", "manifest-blob-unknown"),
        (405, "UNSUPPORTED", "Invalid parameter at 'ImageManifest'", "unsupported-media-type"),
        (413, "", "", "too-large"),
        (403, "DENIED", "no", "denied"),
        (418, "", "teapot", "registry-error"),
    ],
)
def test_each_refusal_has_its_code_and_hint(
    transport: Transport, status: int, registry_code: str, message: str, code: str
) -> None:
    body = json.dumps({"errors": [{"code": registry_code, "message": message}]}).encode()
    with serving(lambda _: Say(status, {}, body if registry_code else message.encode())) as server:
        store = Registry(server.host, transport, side="target").repository("a/b")
        with pytest.raises(RegistryError) as caught:
            store.push_manifest(IMAGE, "v1")
    error = caught.value
    assert (error.code, error.status, error.registry_code) == (code, status, registry_code)
    assert error.hint
    assert error.request == "PUT /v2/a/b/manifests/v1"
    assert error.where is not None
    assert error.where.resource == f"{server.host}/a/b"


def test_a_denial_names_the_iam_action(transport: Transport) -> None:
    body = (
        b'{"errors":[{"code":"DENIED","message":"User: arn:aws:iam::1:user/x is not authorized to '
        b'perform: ecr:InitiateLayerUpload on resource: y"}]}'
    )
    with serving(lambda _: Say(403, {}, body)) as server:
        store = Registry(server.host, transport, side="target").repository("a")
        with pytest.raises(RegistryError) as caught:
            store.upload_blob(blob(b"x"), content_of(b"x"))
    assert "ecr:InitiateLayerUpload" in caught.value.hint


def test_foreign_texts_are_made_harmless(transport: Transport) -> None:
    body = b"\x1b[31mevil\x07 see https://s3.example/x?X-Amz-Signature=secret " + b"a" * 5000
    with serving(lambda _: Say(400, {}, body)) as server, pytest.raises(RegistryError) as caught:
        Registry(server.host, transport).repository("a").list_tags()
    assert "\x1b" not in caught.value.what
    assert "secret" not in caught.value.what
    assert len(caught.value.what) < 700


# Listings


def test_pages_that_go_round(transport: Transport) -> None:
    def answer(asked: Asked) -> Say:
        last = asked.query.get("last", ["a"])[0]
        following = {"a": "b", "b": "a"}[last]
        link = f'</v2/r/tags/list?last={following}>; rel="next"'
        return Say(200, {"Link": link}, b'{"tags": ["%s"]}' % last.encode())

    with serving(answer) as server:
        with pytest.raises(RegistryError) as caught:
            Registry(server.host, transport).repository("r").list_tags()
        assert len(server.asked) < 5
    assert caught.value.code == "bad-answer"


def test_endless_new_pages_of_old_tags(transport: Transport) -> None:
    def answer(asked: Asked) -> Say:
        number = int(asked.query.get("last", ["0"])[0])
        link = f'</v2/r/tags/list?last={number + 1}>; rel="next"'
        return Say(200, {"Link": link}, b'{"tags": ["same"]}')

    with serving(answer) as server, pytest.raises(RegistryError) as caught:
        Registry(server.host, transport).repository("r").list_tags()
    assert caught.value.code == "bad-answer"


@pytest.mark.parametrize(
    "say",
    [
        Say(200, {"Link": '<https://elsewhere.example/v2/>; rel="next"'}, b'{"tags": []}'),
        Say(200, {}, b"<html>"),
        Say(200, {}, b"[]"),
    ],
)
def test_listings_that_make_no_sense(transport: Transport, say: Say) -> None:
    with serving(lambda _: say) as server, pytest.raises(RegistryError) as caught:
        Registry(server.host, transport).repository("r").list_tags()
    assert caught.value.code == "bad-answer"


def test_no_tags_is_an_empty_list(transport: Transport) -> None:
    with serving(lambda _: Say(200, {"Content-Type": "text/plain"}, b'{"tags": null}')) as server:
        assert Registry(server.host, transport).repository("r").list_tags() == []


def test_referrers_by_the_api_in_pages(transport: Transport) -> None:
    one, other = manifest(b"1"), manifest(b"2")

    def answer(asked: Asked) -> Say:
        if "page" in asked.query:
            return Say(200, {}, index(other).content)
        link = f'<{asked.path}?page=2>; rel="next"'
        return Say(200, {"Link": link}, index(one).content)

    with serving(answer) as server:
        found = Registry(server.host, transport).repository("r").list_referrers(IMAGE.digest)
    assert [seen.digest for seen in found] == [one.digest, other.digest]


def test_a_registry_that_lists_referrers_gets_no_stand_in(transport: Transport) -> None:
    signature = manifest(b"{}", subject=IMAGE.descriptor)
    with serving(lambda _: Say(201, {"OCI-Subject": IMAGE.digest})) as server:
        store = Registry(server.host, transport, side="target").repository("r")
        store.push_manifest(signature)
        assert server.lines() == [f"PUT /v2/r/manifests/{signature.digest}"]


def test_a_registry_without_referrers_is_asked_once(transport: Transport) -> None:
    with serving(lambda _: Say(404, {}, b"404 page not found")) as server:
        store = Registry(server.host, transport).repository("r")
        assert store.list_referrers(IMAGE.digest) == []
        assert store.list_referrers(IMAGE.digest) == []
        assert [line.split("/")[3] for line in server.lines()] == [
            "referrers",
            "manifests",
            "manifests",
        ]


# Redirects


def test_redirect_to_another_origin_drops_authorization(transport: Transport) -> None:
    layer = b"layer" * 100
    with serving(lambda _: Say(200, {}, layer)) as store_house:

        def answer(asked: Asked) -> Say:
            if asked.headers.get("authorization", "").startswith("Basic"):
                return Say(307, {"Location": f"{store_house.url}/bucket/x?signature=1"})
            return Say(401, {"WWW-Authenticate": 'Basic realm="x"'})

        with serving(answer) as server:
            registry = Registry(server.host, transport, lambda _: Token("u", "p"))
            assert read_all(registry.repository("a").open_blob(blob(layer))) == layer
        assert "authorization" not in store_house.asked[0].headers
        assert registry.traffic.requests == 3


def test_redirect_within_the_origin_keeps_authorization(transport: Transport) -> None:
    def answer(asked: Asked) -> Say:
        if "authorization" not in asked.headers:
            return Say(401, {"WWW-Authenticate": "Basic"})
        if asked.path.endswith("v1"):
            return Say(307, {"Location": "/elsewhere"})
        return Say(200, TYPED, IMAGE.content)

    with serving(answer) as server:
        registry = Registry(server.host, transport, lambda _: Token("u", "p"))
        assert registry.repository("a").fetch_manifest("v1").digest == IMAGE.digest


@pytest.mark.parametrize(
    "location", ["/again", "ftp://x/", "file:///etc/passwd", "http://x.example/"]
)
def test_redirects_that_are_not_followed(transport: Transport, location: str) -> None:
    with serving(lambda _: Say(302, {"Location": location})) as server:
        with pytest.raises((RegistryError, RefusedError)) as caught:
            Registry(server.host, transport).repository("a").fetch_manifest("v1")
        assert len(server.asked) <= 6
    assert caught.value.code in ("bad-redirect", "plain-http")


def test_a_challenge_of_a_stranger_gets_nothing(transport: Transport) -> None:
    challenge = {"WWW-Authenticate": 'Basic realm="give"'}
    with serving(lambda _: Say(401, challenge)) as stranger:
        redirect = Say(307, {"Location": f"{stranger.url}/blob"})
        with serving(lambda _: redirect) as server:
            registry = Registry(server.host, transport, lambda _: Token("u", "p"))
            with pytest.raises(LoginError):
                registry.repository("a").open_blob(blob(b"x"))
        assert len(stranger.asked) == 1


# Tokens


class TokenRegistry:
    """A registry with a token service on the same server; `valid` is the token that counts."""

    def __init__(self) -> None:
        self.valid = "t1"
        self.issued: list[Asked] = []
        self.lock = threading.Lock()
        self.realm = ""

    def __call__(self, asked: Asked) -> Say:
        if asked.path == "/token":
            with self.lock:
                self.issued.append(asked)
            return Say(200, {}, json.dumps({"token": self.valid, "expires_in": 300}).encode())
        if asked.headers.get("authorization") != f"Bearer {self.valid}":
            name = asked.path.removeprefix("/v2/").split("/")[0]
            challenge = f'Bearer realm="{self.realm}",service="reg",scope="repository:{name}:pull"'
            return Say(401, {"WWW-Authenticate": challenge})
        return Say(200, TYPED, IMAGE.content)


def test_many_threads_fetch_one_token(transport: Transport) -> None:
    tokens = TokenRegistry()
    with serving(tokens) as server:
        tokens.realm = f"{server.url}/token"
        registry = Registry(server.host, transport, lambda _: Token("me", "secret"))
        store = registry.repository("a")
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda n: store.fetch_manifest(f"v{n}"), range(16)))
        assert len(tokens.issued) == 1
        assert len(server.asked) == 1 + 1 + 16
        asked = tokens.issued[0]
        assert asked.query["service"] == ["reg"]
        assert asked.query["scope"] == ["repository:a:pull"]
        assert asked.headers["authorization"].startswith("Basic ")
        registry.repository("b").fetch_manifest("v1")
        assert tokens.issued[1].query["scope"] == ["repository:b:pull"]
        # One refusal in all: later repositories know what to ask for.
        assert registry.traffic.requests == 1 + 16 + 1


def test_a_token_is_renewed_before_it_ends_and_when_refused(
    transport: Transport, clock: Clock
) -> None:
    tokens = TokenRegistry()
    with serving(tokens) as server:
        tokens.realm = f"{server.url}/token"
        registry = Registry(server.host, transport)
        store = registry.repository("a")
        store.fetch_manifest("v1")
        clock.time += 290
        tokens.valid = "t2"
        requests = registry.traffic.requests
        store.fetch_manifest("v1")
        assert registry.traffic.requests == requests + 1
        tokens.valid = "t3"
        store.fetch_manifest("v1")
        assert len(tokens.issued) == 3
        assert "authorization" not in tokens.issued[0].headers


def test_a_token_that_never_works_ends(transport: Transport) -> None:
    tokens = TokenRegistry()
    with serving(tokens) as server:
        tokens.realm = f"{server.url}/token"
        store = Registry(server.host, transport, lambda _: Token("me", "pw")).repository("a")
        store.fetch_manifest("v1")
        tokens.valid = "never \u00e9"
        with pytest.raises((LoginError, RegistryError)):
            store.fetch_manifest("v1")
        assert len(server.asked) < 8


def test_a_refresh_token_goes_by_post(transport: Transport) -> None:
    tokens = TokenRegistry()
    with serving(tokens) as server:
        tokens.realm = f"{server.url}/token"
        registry = Registry(server.host, transport, lambda _: Token("<token>", "refresh"))
        registry.repository("a").fetch_manifest("v1")
    asked = tokens.issued[0]
    assert asked.method == "POST"
    assert b"grant_type=refresh_token" in asked.body
    assert b"refresh_token=refresh" in asked.body


def test_a_realm_without_tls_gets_no_password(transport: Transport) -> None:
    challenge = {"WWW-Authenticate": 'Bearer realm="http://auth.example/token",service="x"'}
    with serving(lambda _: Say(401, challenge)) as server, pytest.raises(RefusedError) as caught:
        Registry(server.host, transport, lambda _: Token("u", "p")).repository("a").list_tags()
    assert caught.value.code == "unsafe-realm"


def test_ecr_says_403_for_an_expired_token(transport: Transport) -> None:
    passwords = iter(["old", "new"])
    body = b'{"errors":[{"code":"DENIED","message":"Your authorization token has expired. Rea"}]}'

    def answer(asked: Asked) -> Say:
        given = base64.b64decode(asked.headers.get("authorization", "")[6:]).decode()
        if not given:
            return Say(401, {"WWW-Authenticate": 'Basic realm="r"'}, b"Not Authorized\n")
        return Say(403, {}, body) if given == "AWS:old" else Say(200, TYPED, IMAGE.content)

    with serving(answer) as server:
        registry = Registry(server.host, transport, lambda _: Token("AWS", next(passwords)))
        store = registry.repository("a")
        assert store.fetch_manifest("v1").digest == IMAGE.digest
        store.fetch_manifest("v1")
        assert len(server.asked) == 4


# Uploads


def test_an_upload_that_breaks_starts_again(transport: Transport, clock: Clock) -> None:
    layer = os.urandom(200_000)
    puts: list[bytes] = []

    def answer(asked: Asked) -> Say:
        if asked.method == "POST":
            return Say(202, {"Location": "/upload/1?state=x"})
        puts.append(asked.body)
        return Say(503) if len(puts) == 1 else Say(201)

    with serving(answer) as server:
        store = Registry(server.host, transport, side="target").repository("a")
        store.upload_blob(blob(layer), content_of(layer))
        assert [asked.method for asked in server.asked] == ["POST", "PUT", "POST", "PUT"]
        assert server.asked[1].query == {"state": ["x"], "digest": [blob(layer).digest]}
    assert puts == [layer, layer]
    assert len(clock.slept) == 1


def test_an_upload_waits_for_429(transport: Transport, clock: Clock) -> None:
    says = iter([Say(429, {"Retry-After": "3"}), Say(201)])

    def answer(asked: Asked) -> Say:
        return Say(202, {"Location": "/u"}) if asked.method == "POST" else next(says)

    with serving(answer) as server:
        store = Registry(server.host, transport, side="target").repository("a")
        store.upload_blob(blob(b"x"), content_of(b"x"))
    assert clock.slept == [3.5]


def test_a_broken_source_is_not_tried_again_by_the_target(transport: Transport) -> None:
    def content():  # type: ignore[no-untyped-def]
        yield memoryview(b"ab")
        raise ContentError("the source broke", temporary=True, code="blob-truncated")

    with serving(lambda _: Say(202, {"Location": "/u"})) as server:
        store = Registry(server.host, transport, side="target").repository("a")
        with pytest.raises(ContentError) as caught:
            store.upload_blob(blob(b"abcd"), content)
    assert caught.value.what == "the source broke"


def test_an_upload_without_a_location(transport: Transport) -> None:
    with serving(lambda _: Say(202)) as server:
        store = Registry(server.host, transport, side="target").repository("a")
        with pytest.raises(RegistryError) as caught:
            store.upload_blob(blob(b"x"), content_of(b"x"))
    assert caught.value.code == "bad-upload-answer"


def test_what_is_shown_of_a_request_has_no_query() -> None:
    request = Request("GET", "https://u:p@host/path?sig=secret", {"Authorization": "Bearer x"})
    assert request.shown == "GET /path"
    assert request.host == "host"
    assert "Bearer" not in repr(request)


def test_an_address_that_has_expired_is_worth_another_try(transport: Transport) -> None:
    with serving(lambda _: Say(403, {}, b"expired")) as store:
        redirect = Say(307, {"Location": f"{store.url}/blob"})
        with serving(lambda _: redirect) as server:
            registry = Registry(server.host, transport)
            with pytest.raises(RegistryError) as caught:
                registry.repository("a").open_blob(blob(b"x"))
    assert caught.value.temporary
    assert caught.value.code == "address-expired"
