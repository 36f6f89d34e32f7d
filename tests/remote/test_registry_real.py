"""The registry client against Debian's docker-registry: round trips and the number of requests."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from longshore.errors import ContentError, LoginError, RegistryError
from longshore.facts import Token
from longshore.oci.digest import digest_of
from longshore.remote.registry import Registry
from longshore.remote.transport import Transport
from longshore.remote.uploads import UploadOptions
from tests.remote.conftest import DebianRegistry
from tests.remote.images import blob, content_of, index, manifest, push_image, read_all

pytestmark = pytest.mark.peer


@pytest.fixture
def target(debian: DebianRegistry, transport: Transport) -> Registry:
    return Registry(debian.host, transport, side="target")


def test_an_image_makes_the_round_trip(target: Registry, debian: DebianRegistry) -> None:
    store = target.repository("round/trip")
    layer = os.urandom(700_001)
    debian.forget()
    pushed = push_image(store, "v1", layer)
    # Two requests a blob and one a manifest are the minimum.
    assert len(debian.requests()) == 5
    assert target.traffic.requests == 5
    assert target.traffic.bytes_sent == len(layer) + 2

    assert [seen.tag for seen in store.list_tags()] == ["v1"]
    seen = store.resolve("v1")
    assert seen == pushed.descriptor
    assert store.resolve("v2") is None
    assert store.fetch_manifest("v1").content == pushed.content
    assert store.fetch_manifest(pushed.digest).digest == pushed.digest
    assert read_all(store.open_blob(blob(layer))) == layer
    assert target.traffic.pulls == 2
    assert target.traffic.bytes_received == len(layer)


@pytest.mark.parametrize("offset", [0, 1, 262_144, 699_999])
def test_a_blob_is_read_from_an_offset(target: Registry, offset: int) -> None:
    store = target.repository("from/offset")
    layer = bytes(range(250)) * 2800
    store.upload_blob(blob(layer), content_of(layer))
    stream = store.open_blob(blob(layer), offset)
    assert stream.size == len(layer) - offset
    assert read_all(stream) == layer[offset:]


def test_the_empty_blob_works(target: Registry) -> None:
    store = target.repository("empty/blob")
    store.upload_blob(blob(b""), content_of(b""))
    assert store.missing_blobs([blob(b"").digest, blob(b"other").digest]) == {blob(b"other").digest}
    assert read_all(store.open_blob(blob(b""))) == b""


def test_mount_takes_a_blob_over_or_keeps_the_session(
    target: Registry, debian: DebianRegistry
) -> None:
    one, other = target.repository("mount/one"), target.repository("mount/other")
    layer = os.urandom(3000)
    one.upload_blob(blob(layer), content_of(layer))
    assert other.mount_blob(blob(layer), one) is True
    assert other.missing_blobs([blob(layer).digest]) == set()

    unknown = os.urandom(3000)
    debian.forget()
    assert other.mount_blob(blob(unknown), one) is False
    other.upload_blob(blob(unknown), content_of(unknown))
    # The refused mount opened the session that the PUT used.
    assert [line.split()[0] for line in debian.requests()] == ["POST", "PUT"]
    assert read_all(other.open_blob(blob(unknown))) == unknown


def test_listing_follows_pages(debian: DebianRegistry, transport: Transport) -> None:
    small = Registry(debian.host, transport, side="target", page_size=3)
    store = small.repository("many/tags")
    image = push_image(store, "t0", b"layer")
    for number in range(1, 8):
        store.push_manifest(image, f"t{number}")
    assert sorted(seen.tag for seen in store.list_tags()) == [f"t{n}" for n in range(8)]
    assert "many/tags" in small.list_repositories()


def test_what_is_not_there_has_a_name(target: Registry) -> None:
    missing = target.repository("no/such")
    with pytest.raises(RegistryError) as caught:
        missing.list_tags()
    assert caught.value.code == "repository-not-found"
    assert (caught.value.side, caught.value.status) == ("target", 404)
    assert caught.value.hint

    store = target.repository("some/thing")
    push_image(store, "v1", b"x")
    with pytest.raises(RegistryError) as caught:
        store.fetch_manifest("v9")
    assert caught.value.code == "manifest-not-found"
    assert caught.value.request == "GET /v2/some/thing/manifests/v9"
    with pytest.raises(RegistryError) as caught:
        store.open_blob(blob(b"never stored"))
    assert caught.value.code == "blob-not-found"
    assert store.list_referrers(digest_of(b"nothing")) == []


def test_referrers_fall_back_to_the_tag(target: Registry) -> None:
    store = target.repository("with/referrers")
    image = push_image(store, "v1", b"x")
    signature = manifest(b"{}", b"signed", subject=image.descriptor, artifact_type="a/signature")
    store.upload_blob(blob(b"signed"), content_of(b"signed"))
    store.push_manifest(signature)
    store.push_manifest(index(signature), f"sha256-{image.digest[7:]}")
    assert [one.digest for one in store.list_referrers(image.digest)] == [signature.digest]


def test_pushing_referrers_keeps_the_stand_in_tag(target: Registry) -> None:
    store = target.repository("push/referrers")
    image = push_image(store, "v1", b"x")
    made = []
    for number in range(3):
        content = b"signed %d" % number
        one = manifest(b"{}", content, subject=image.descriptor, artifact_type=f"a/s{number}")
        store.upload_blob(blob(content), content_of(content))
        store.push_manifest(one)
        made.append(one)
    store.push_manifest(made[0])
    found = store.list_referrers(image.digest)
    assert [one.digest for one in found] == [one.digest for one in made]
    assert [one.artifact_type for one in found] == ["a/s0", "a/s1", "a/s2"]


def test_content_of_another_size_is_never_sent_whole(target: Registry) -> None:
    store = target.repository("wrong/size")
    layer = b"0123456789"
    for content in (layer[:-1], layer + b"!"):
        with pytest.raises(ContentError):
            store.upload_blob(blob(layer), content_of(content))
    with pytest.raises(RegistryError) as caught:
        store.upload_blob(blob(layer), content_of(b"9876543210"))
    assert caught.value.code == "digest-invalid"
    assert store.missing_blobs([blob(layer).digest]) == {blob(layer).digest}


def test_parts_after_a_failure(debian: DebianRegistry, transport: Transport) -> None:
    options = UploadOptions(parts_above=1000, part_size=4096)
    target = Registry(debian.host, transport, side="target", uploads=options)
    store = target.repository("in/parts")
    layer = os.urandom(10_000)
    attempts = []

    def content():  # type: ignore[no-untyped-def]
        attempts.append(1)
        if len(attempts) == 1:
            yield memoryview(layer)[:5000]
            raise RegistryError("broken", side="target", temporary=True)
        yield from content_of(layer, 3000)()

    debian.forget()
    store.upload_blob(blob(layer), content)
    methods = [line.split()[0] for line in debian.requests()]
    assert (methods.count("POST"), methods.count("PATCH")) == (2, 3)
    assert methods[-1] == "PUT"
    assert read_all(store.open_blob(blob(layer))) == layer


def test_a_tag_that_cannot_be_removed_alone(target: Registry) -> None:
    store = target.repository("delete/tag")
    push_image(store, "v1", b"x")
    with pytest.raises(RegistryError) as caught:
        store.delete_tag("v1")
    assert caught.value.code == "tag-delete-unsupported"


def test_many_threads_share_the_pool(target: Registry) -> None:
    store = target.repository("many/threads")
    layers = [os.urandom(20_000 + number) for number in range(40)]

    def there_and_back(layer: bytes) -> bool:
        store.upload_blob(blob(layer), content_of(layer))
        return read_all(store.open_blob(blob(layer))) == layer

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(there_and_back, layers))


def test_copying_within_one_registry_needs_two_connections_a_thread(target: Registry) -> None:
    one, other = target.repository("relay/one"), target.repository("relay/other")
    layers = [os.urandom(400_000) for _ in range(16)]
    for layer in layers:
        one.upload_blob(blob(layer), content_of(layer))

    def relay(layer: bytes) -> None:
        other.upload_blob(blob(layer), lambda: one.open_blob(blob(layer)).chunks())

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(relay, layers))
    assert other.missing_blobs([blob(layer).digest for layer in layers]) == set()


def test_basic_login(debian_with_password: DebianRegistry, transport: Transport) -> None:
    host = debian_with_password.host
    asked: list[str] = []

    def right(name: str) -> Token:
        asked.append(name)
        return Token("ship", "aye:aye")

    target = Registry(host, transport, right, "target")
    store = target.repository("private/thing")
    debian_with_password.forget()
    push_image(store, "v1", b"x")
    # One refusal teaches the scheme to all later requests; the password is asked for once.
    assert len(debian_with_password.requests()) == 6
    assert set(asked) == {host}

    with pytest.raises(LoginError) as caught:
        Registry(host, transport).repository("private/thing").list_tags()
    assert caught.value.code == "not-logged-in"

    wrong = Registry(host, transport, lambda _: Token("ship", "nay"))
    with pytest.raises(LoginError) as caught:
        wrong.repository("private/thing").list_tags()
    assert caught.value.code == "login-refused"
    assert "nay" not in str(caught.value)
