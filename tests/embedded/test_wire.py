"""The listener: streaming, framing, hosts, hang-ups; and the clock."""

from __future__ import annotations

import hashlib
import http.client
import os
import resource
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.embedded.talk import Talk

from longshore.embedded.access_log import AccessLog, with_log
from longshore.embedded.clock import Clock
from longshore.embedded.server import Listener, is_local_host
from longshore.embedded.wire import (
    FilePart,
    Hangup,
    Request,
    Response,
    application,
    json_response,
)
from longshore.errors import LongshoreError, RefusedError

MIB = 1024 * 1024


def handler(request: Request) -> Response:
    """Echoes sizes and digests, and misbehaves when asked to."""
    if request.path == "/hash":
        found, size = hashlib.sha256(), 0
        for piece in request.body.chunks():
            found.update(piece)
            size += len(piece)
        return json_response({"digest": found.hexdigest(), "size": size})
    if request.path.startswith("/file"):
        return Response(200, {}, FilePart(Path(request.query["path"]), int(request.query["size"])))
    if request.path == "/pieces":
        return Response(200, {}, (b"one ", b"two ", b"three"))
    if request.path == "/refuse":
        return json_response({"no": True}, 403)
    if request.path == "/break":
        raise ValueError("a secret detail")
    if request.path == "/hangup":
        raise Hangup
    if request.path == "/json":
        return json_response({"was": request.read_json()})
    return json_response({"path": request.path, "query": request.query})


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with Listener(application(handler)) as made:
        yield made


@pytest.fixture
def talk(listener: Listener) -> Talk:
    return Talk(listener.port, {})


def raw(listener: Listener, request: bytes, *, until_close: bool = True) -> bytes:
    """What the listener sends back for these very bytes."""
    with socket.create_connection((listener.host, listener.port), timeout=20) as sock:
        sock.sendall(request)
        found = b""
        while piece := sock.recv(65536):
            found += piece
            if not until_close:
                break
        return found


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1:5000", True),
        ("localhost:1", True),
        ("LOCALHOST", True),
        ("[::1]:80", True),
        ("[::1]", True),
        ("example.com", False),
        ("127.0.0.1.example.com", False),
        ("localhost.example.com", False),
        ("10.0.0.1", False),
        ("0.0.0.0", False),
        ("", False),
    ],
)
def test_only_names_of_this_machine_are_local(host: str, expected: bool) -> None:
    assert is_local_host(host) is expected


def test_a_foreign_host_is_misdirected(talk: Talk) -> None:
    answer = talk("GET", "/", headers={"Host": "rebound.example.com"})
    assert answer.status == 421
    assert b"loopback" in answer.body


def test_a_request_without_a_host_is_misdirected(listener: Listener) -> None:
    assert raw(listener, b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 421")


def test_nothing_listens_beyond_loopback() -> None:
    with pytest.raises(RefusedError) as refused:
        Listener(application(handler), "0.0.0.0")
    assert refused.value.code == "not-loopback"


def test_a_taken_port_is_said_to_be_taken(listener: Listener) -> None:
    with pytest.raises(LongshoreError) as failed:
        Listener(application(handler), port=listener.port).bind()
    assert failed.value.code == "port-taken"


def test_path_is_decoded_and_query_is_not_lost(talk: Talk) -> None:
    answer = talk("GET", "/a%20b/%C3%A9?x=1&x=2&empty=&y=a%2Fb")
    assert answer.json() == {"path": "/a b/é", "query": {"x": "1", "empty": "", "y": "a/b"}}


@pytest.mark.parametrize("is_chunked", [False, True])
def test_bodies_arrive_whole(talk: Talk, is_chunked: bool) -> None:
    content = os.urandom(3 * MIB + 17)
    pieces = iter([content[:1], content[1:MIB], content[MIB:]]) if is_chunked else content
    answer = talk("PUT", "/hash", pieces)
    expected = {"digest": hashlib.sha256(content).hexdigest(), "size": len(content)}
    assert answer.json() == expected


def test_a_huge_chunk_is_not_held_in_memory(listener: Listener) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    size, piece = 512 * MIB, bytes(MIB)
    with socket.create_connection((listener.host, listener.port), timeout=20) as sock:
        head = (
            f"PUT /hash HTTP/1.1\r\nHost: {listener.address}\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        sock.sendall(head.encode() + f"{size:x}\r\n".encode())
        for _ in range(size // MIB):
            sock.sendall(piece)
        sock.sendall(b"\r\n0\r\nTrailer: x\r\n\r\n")
        assert f'"size":{size}'.encode() in sock.recv(65536)
    grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown_mib < 100


@pytest.mark.parametrize(
    "body", [b"zz\r\nabc\r\n", b"-5\r\nabc\r\n", b"3\r\nabcdef\r\n0\r\n\r\n", b"\r\n"]
)
def test_bad_chunks_are_refused(listener: Listener, body: bytes) -> None:
    head = f"PUT /hash HTTP/1.1\r\nHost: {listener.address}\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = raw(listener, head.encode() + body)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"BAD_REQUEST" in answer


def test_continue_is_said_when_the_body_is_wanted(listener: Listener) -> None:
    with socket.create_connection((listener.host, listener.port), timeout=20) as sock:
        head = f"PUT /hash HTTP/1.1\r\nHost: {listener.address}\r\nContent-Length: 3\r\n"
        sock.sendall(head.encode() + b"Expect: 100-continue\r\n\r\n")
        assert sock.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"abc")
        assert b'"size":3' in sock.recv(65536)


def test_continue_is_not_said_to_who_is_refused(listener: Listener) -> None:
    head = f"PUT /refuse HTTP/1.1\r\nHost: {listener.address}\r\nContent-Length: 3\r\n"
    answer = raw(listener, head.encode() + b"Expect: 100-continue\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 403")
    assert b"Connection: close" in answer


@pytest.mark.parametrize("size", [10, 5 * MIB])
def test_a_refusal_reaches_a_client_that_is_still_sending(talk: Talk, size: int) -> None:
    assert talk("PUT", "/refuse", bytes(size)).status == 403
    assert talk("PUT", "/refuse", iter([bytes(size)])).status == 403


def test_a_connection_is_kept_over_refusals_and_unread_bodies(listener: Listener) -> None:
    connection = http.client.HTTPConnection(listener.host, listener.port, timeout=20)
    try:
        sockets = set()
        for path in ("/refuse", "/json", "/", "/break"):
            connection.request("POST", path, body=b"[1, 2]")
            connection.getresponse().read()
            assert connection.sock is not None
            sockets.add(connection.sock.getsockname())
        assert len(sockets) == 1
    finally:
        connection.close()


def test_two_requests_in_one_packet(listener: Listener) -> None:
    one = f"GET /1 HTTP/1.1\r\nHost: {listener.address}\r\n".encode()
    answer = raw(listener, one + b"\r\n" + one + b"Connection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200") == 2
    assert answer.index(b'"path":"/1"') < answer.rindex(b'"path":"/1"')


def test_files_and_pieces(talk: Talk, tmp_path: Path) -> None:
    content = os.urandom(2 * MIB + 3)
    (tmp_path / "blob").write_bytes(content)
    whole = talk("GET", f"/file?path={tmp_path / 'blob'}&size={len(content)}")
    assert whole.body == content
    assert whole.headers["content-length"] == str(len(content))
    assert talk("GET", "/pieces").body == b"one two three"


def test_head_has_the_length_and_no_body(listener: Listener, tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(b"12345")
    head = f"HEAD /file?path={tmp_path / 'blob'}&size=5 HTTP/1.1\r\nHost: {listener.address}\r\n"
    answer = raw(listener, head.encode() + b"Connection: close\r\n\r\n")
    assert b"Content-Length: 5\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


def test_a_broken_handler_answers_json_and_keeps_its_secrets(
    talk: Talk, caplog: pytest.LogCaptureFixture
) -> None:
    answer = talk("GET", "/break")
    assert (answer.status, answer.code) == (500, "UNKNOWN")
    assert b"secret" not in answer.body
    assert "a secret detail" in caplog.text


def test_json_bodies_are_checked(talk: Talk) -> None:
    assert talk("POST", "/json", b'{"a": 1}').json() == {"was": {"a": 1}}
    assert talk("POST", "/json", b"{").status == 400
    assert talk("POST", "/json", b"[" * 100_000).status == 400
    assert talk("POST", "/json", bytes(9 * MIB)).status == 413


def test_a_hang_up_answers_nothing(talk: Talk) -> None:
    with pytest.raises(http.client.RemoteDisconnected):
        talk("GET", "/hangup")
    assert talk("GET", "/").status == 200


def test_sixty_four_connections_at_once(listener: Listener) -> None:
    gate, statuses = threading.Barrier(64), []

    def ask() -> None:
        connection = http.client.HTTPConnection(listener.host, listener.port, timeout=20)
        gate.wait()
        for _ in range(5):
            connection.request("POST", "/hash", body=b"x" * 1000)
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 320


def test_stopping_ends_requests_that_would_not_end() -> None:
    started = threading.Event()

    def endless(request: Request) -> Response:
        def pieces() -> Iterator[bytes]:
            while True:
                started.set()
                yield bytes(MIB)

        return Response(200, {}, pieces())

    listener = Listener(application(endless)).start()
    with socket.create_connection((listener.host, listener.port)) as sock:
        sock.sendall(f"GET / HTTP/1.1\r\nHost: {listener.address}\r\n\r\n".encode())
        assert started.wait(10)
        begun = time.monotonic()
        listener.stop(grace_s=0.2)
        assert time.monotonic() - begun < 5


def test_a_stopped_port_can_be_taken_again() -> None:
    listener = Listener(application(handler)).start()
    port = listener.port
    assert Talk(port, {})("GET", "/").status == 200
    listener.stop()
    with Listener(application(handler), port=port):
        assert Talk(port, {})("GET", "/").status == 200


def test_the_access_log_counts_and_writes_no_query(tmp_path: Path) -> None:
    access = AccessLog(Clock(), tmp_path / "access.jsonl")
    with Listener(application(with_log(handler, access, "here"))) as listener:
        talk = Talk(listener.port, {})
        talk("GET", "/a?token=secret")
        talk("GET", "/break")
        with pytest.raises(http.client.RemoteDisconnected):
            talk("GET", "/hangup")
    access.close()
    assert access.count("here") == 3
    assert [access.count(statuses=(status,)) for status in (200, 500, 0)] == [1, 1, 1]
    lines = (tmp_path / "access.jsonl").read_text().splitlines()
    assert len(lines) == 3
    assert "secret" not in "".join(lines)


def test_the_clock_moves_and_remembers(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock.json")
    before = clock.now()
    clock.advance(6 * 3600)
    again = Clock(tmp_path / "clock.json")
    assert abs((again.now() - before).total_seconds() - 6 * 3600) < 60
    again.reset()
    assert Clock(tmp_path / "clock.json").offset.total_seconds() == 0
