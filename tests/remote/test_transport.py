"""TLS, proxies, time-outs and reuse of connections, with real sockets."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from longshore.errors import FileError, InterruptedByUser, RegistryError
from longshore.oci.manifest import OCI_MANIFEST
from longshore.remote.registry import Registry
from longshore.remote.transport import (
    USER_AGENT,
    Request,
    Timing,
    Transport,
    TransportOptions,
)
from longshore.remote.waiting import Patience
from tests.remote.conftest import DebianRegistry
from tests.remote.images import blob, manifest, push_image, read_all
from tests.remote.scripted import Asked, Say, serving

IMAGE = manifest(b"{}", b"layer")
ONCE = Patience(attempts=1)


@pytest.fixture
def tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def transport(patience: Patience = ONCE, **environ: str) -> Transport:
    options = TransportOptions(threads=8, connect_timeout_s=2, read_timeout_s=0.5, environ=environ)
    return Transport(options, patience=patience)


def image(_: Asked) -> Say:
    return Say(200, {"Content-Type": OCI_MANIFEST}, IMAGE.content)


def test_tls_with_an_own_ca(tls: ssl.SSLContext, certificate: tuple[Path, Path]) -> None:
    with serving(image, tls) as server:
        trusting = transport(SSL_CERT_FILE=str(certificate[0]))
        store = Registry(server.url, trusting).repository("a")
        assert store.fetch_manifest("v1").digest == IMAGE.digest
        trusting.close()
        doubting = transport()
        with pytest.raises(RegistryError) as caught:
            Registry(server.url, doubting).repository("a").fetch_manifest("v1")
        assert (caught.value.code, caught.value.temporary) == ("tls", False)
        assert "SSL_CERT_FILE" in caught.value.hint
        assert "self-signed" in caught.value.what or "self signed" in caught.value.what


@pytest.mark.peer
def test_a_loopback_registry_that_speaks_tls(
    start_registry: Callable[..., DebianRegistry], certificate: tuple[Path, Path]
) -> None:
    """It is found out by the port's own words; from then on TLS is used."""
    host = start_registry(tls=certificate).host
    trusting = transport(SSL_CERT_FILE=str(certificate[0]))
    registry = Registry(host, trusting, side="target")
    pushed = push_image(registry.repository("a"), "v1", b"layer")
    assert registry.session.base == f"https://{host}/"
    assert registry.traffic.requests == 1 + 5
    assert registry.repository("a").fetch_manifest("v1").digest == pushed.digest
    trusting.close()


def test_a_ca_file_that_cannot_be_read(tmp_path: Path) -> None:
    for file in (tmp_path / "gone", tmp_path / "empty"):
        (tmp_path / "empty").write_text("")
        with pytest.raises(FileError) as caught:
            Registry("https://127.0.0.1:1", transport(SSL_CERT_FILE=str(file))).repository(
                "a"
            ).list_tags()
        assert caught.value.code == "bad-certificates"


def test_no_redirect_from_https_to_http(
    tls: ssl.SSLContext, certificate: tuple[Path, Path]
) -> None:
    with serving(image) as plain:
        redirect = Say(307, {"Location": f"{plain.url}/x"})
        with serving(lambda _: redirect, tls) as server:
            trusting = transport(SSL_CERT_FILE=str(certificate[0]))
            with pytest.raises(RegistryError) as caught:
                Registry(server.url, trusting).repository("a").fetch_manifest("v1")
            trusting.close()
        assert plain.asked == []
    assert caught.value.code == "bad-redirect"


def test_a_proxy_is_asked_for_what_is_not_loopback() -> None:
    with serving(image) as proxy:
        options = TransportOptions(
            plain_http=frozenset({"registry.example"}),
            environ={"HTTP_PROXY": f"http://me:pw@{proxy.host}"},
        )
        sender = Transport(options, patience=ONCE)
        store = Registry("registry.example", sender).repository("a")
        assert store.fetch_manifest("v1").digest == IMAGE.digest
        asked = proxy.asked[0]
        assert asked.headers["host"] == "registry.example"
        assert asked.headers["proxy-authorization"].startswith("Basic ")
        assert asked.headers["user-agent"] == USER_AGENT
        sender.close()


def test_a_proxy_that_is_gone_is_named() -> None:
    options = TransportOptions(
        plain_http=frozenset({"registry.example"}),
        environ={"HTTP_PROXY": "http://me:secret@127.0.0.1:1"},
    )
    sender = Transport(options, patience=ONCE)
    with pytest.raises(RegistryError) as caught:
        Registry("registry.example", sender).repository("a").list_tags()
    assert caught.value.code == "proxy"
    assert "secret" not in caught.value.what


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes requests and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_silence_is_a_time_out(silent: str) -> None:
    started = time.monotonic()
    with pytest.raises(RegistryError) as caught:
        Registry(silent, transport()).repository("a").list_tags()
    assert (caught.value.code, caught.value.temporary) == ("timeout", True)
    assert time.monotonic() - started < 5


def test_a_wait_can_be_interrupted(silent: str) -> None:
    def interrupted(_: float) -> None:
        raise InterruptedByUser("enough")

    sender = Transport(TransportOptions(read_timeout_s=0.2), timing=Timing(sleep=interrupted))
    with pytest.raises(InterruptedByUser):
        sender.send(Request("GET", f"http://{silent}/"), side="source")


def test_connections_are_used_again() -> None:
    layer = b"x" * 300_000
    with serving(lambda _: Say(200, {}, layer)) as server:
        sender = transport()
        store = Registry(server.host, sender).repository("a")
        for _ in range(5):
            assert read_all(store.open_blob(blob(layer))) == layer
            store.missing_blobs([blob(layer).digest])
        assert server.connections == 1
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda _: read_all(store.open_blob(blob(layer))), range(12)))
        assert server.connections <= 5
        sender.close()


def test_a_stream_given_up_does_not_poison_the_pool() -> None:
    layer = b"x" * 3_000_000
    with serving(lambda _: Say(200, {}, layer)) as server:
        sender = transport()
        store = Registry(server.host, sender).repository("a")
        for _ in range(3):
            stream = store.open_blob(blob(layer))
            next(stream.chunks())
            stream.close()
            stream.close()
        assert read_all(store.open_blob(blob(layer))) == layer
        sender.close()


def test_more_streams_than_room_say_so() -> None:
    with serving(lambda _: Say(200, {}, b"x" * 3_000_000)) as server:
        options = TransportOptions(threads=1, read_timeout_s=1, connect_timeout_s=0.2)
        store = Registry(server.host, Transport(options, patience=ONCE)).repository("a")
        streams = [store.open_blob(blob(b"x" * 3_000_000)) for _ in range(2)]
        with pytest.raises(RegistryError) as caught:
            store.open_blob(blob(b"x" * 3_000_000))
        assert caught.value.code == "no-connection"
        for stream in streams:
            stream.close()
