"""Faults on purpose: each kind, and which requests they are for."""

from __future__ import annotations

import http.client
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.embedded.talk import Talk

from longshore.embedded.access_log import AccessLog, with_log
from longshore.embedded.clock import Clock
from longshore.embedded.faults import Fault, Faults, with_faults
from longshore.embedded.server import Listener
from longshore.embedded.wire import FilePart, Request, Response, application, json_response
from longshore.errors import UsageError

CONTENT = os.urandom(700_000)


@dataclass
class World:
    talk: Talk
    access: AccessLog
    faults: Faults = field(default_factory=Faults)
    seen: list[str] = field(default_factory=list)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    (tmp_path / "blob").write_bytes(CONTENT)
    found = World(Talk(0, {}), AccessLog(Clock()))

    def handler(request: Request) -> Response:
        found.seen.append(f"{request.method} {request.path}")
        if request.path.startswith("/v2/blob"):
            return Response(200, {}, FilePart(tmp_path / "blob", len(CONTENT)), "blob")
        return json_response({"true": "answer"}, kind="other")

    watched = with_log(with_faults(handler, found.faults, "hub"), found.access, "hub")
    with Listener(application(watched), threads=4) as listener:
        found.talk = Talk(listener.port, {})
        yield found


def test_without_rules_nothing_changes(world: World) -> None:
    assert world.talk("GET", "/v2/blob").body == CONTENT
    assert world.faults.list() == []


def test_another_answer_has_no_effect_unless_it_applies(world: World) -> None:
    world.faults.add(Fault(status=429, headers={"retry-after": "7"}, body='{"errors":[]}'))
    world.faults.add(Fault(status=500, applies=True))
    first, second = world.talk("PUT", "/v2/a", b"x"), world.talk("PUT", "/v2/b", b"x")
    assert (first.status, first.headers["retry-after"], first.json()) == (429, "7", {"errors": []})
    assert second.status == 500
    assert world.seen == ["PUT /v2/b"]
    assert world.talk("GET", "/v2/c").json() == {"true": "answer"}


@pytest.mark.parametrize(
    ("rule", "met"),
    [
        (Fault(), 1),
        (Fault(times=3), 3),
        (Fault(times=None), 6),
        (Fault(times=None, after=4), 2),
        (Fault(times=None, method="get,head"), 4),
        (Fault(times=None, path="/manifests/"), 3),
        (Fault(times=None, path=r"/manifests/v\d$", method="GET"), 1),
        (Fault(times=None, listener="hub"), 6),
        (Fault(times=None, listener="ecr"), 0),
        (Fault(times=0), 0),
    ],
)
def test_which_requests_are_met(world: World, rule: Fault, met: int) -> None:
    world.faults.add(Fault(**{**rule.__dict__, "status": 503}))
    requests = (
        ("GET", "/v2/a/manifests/v1"),
        ("HEAD", "/v2/a/manifests/v1"),
        ("PUT", "/v2/a/manifests/v1"),
        ("GET", "/v2/a/tags/list"),
        ("GET", "/v2/"),
        ("POST", "/v2/a/blobs/uploads/"),
    )
    statuses = [world.talk(method, path).status for method, path in requests]
    assert statuses.count(503) == met
    assert world.faults.list()[0]["met"] == met


def test_rules_apply_in_order_one_at_a_time(world: World) -> None:
    for status in (500, 502, 503):
        world.faults.add(Fault(status=status))
    assert [world.talk("GET", "/").status for _ in range(4)] == [500, 502, 503, 200]


def test_a_delay(world: World) -> None:
    world.faults.add(Fault(delay_ms=150))
    begun = time.monotonic()
    assert world.talk("GET", "/").json() == {"true": "answer"}
    assert time.monotonic() - begun >= 0.15


@pytest.mark.parametrize("place", [0, 5, 300_000, -1 % len(CONTENT)])
def test_a_changed_byte_keeps_length_and_status(world: World, place: int) -> None:
    world.faults.add(Fault(flip_at=place, path="blob"))
    answer = world.talk("GET", "/v2/blob")
    changed = [at for at, byte in enumerate(answer.body) if byte != CONTENT[at]]
    assert (answer.status, len(answer.body), changed) == (200, len(CONTENT), [place])


@pytest.mark.parametrize("path", ["/v2/blob", "/"])
@pytest.mark.parametrize("kept", [0, 1, 9])
def test_a_body_cut_short(world: World, path: str, kept: int) -> None:
    whole = world.talk("GET", path).body
    world.faults.add(Fault(cut_after=kept))
    with pytest.raises(http.client.IncompleteRead) as cut:
        world.talk("GET", path)
    assert cut.value.partial == whole[:kept]
    assert cut.value.expected == len(whole) - kept
    assert world.talk("GET", path).body == whole


def test_a_cut_in_the_middle_of_a_large_body(world: World) -> None:
    world.faults.add(Fault(cut_after=500_000))
    with pytest.raises(http.client.IncompleteRead) as cut:
        world.talk("GET", "/v2/blob")
    assert cut.value.partial == CONTENT[:500_000]


def test_a_reset_connection(world: World) -> None:
    world.faults.add(Fault(reset=True))
    with pytest.raises(ConnectionResetError):
        world.talk("GET", "/")
    assert world.seen == []
    world.faults.add(Fault(reset=True, applies=True))
    with pytest.raises((ConnectionResetError, BrokenPipeError)):  # as the body is sent, perhaps
        world.talk("PUT", "/v2/a", b"x")
    assert world.seen == ["PUT /v2/a"]
    assert world.access.count("hub", statuses=(0,)) == 2


def test_a_body_without_end(world: World) -> None:
    world.faults.add(Fault(endless=True))
    with socket.create_connection(("127.0.0.1", world.talk.port), timeout=10) as sock:
        sock.sendall(b"GET /v2/blob HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = 0
        while received < 20 * len(CONTENT):
            received += len(sock.recv(1 << 20))
    assert world.talk("GET", "/").status == 200


def test_headers_are_added_to_the_true_answer(world: World) -> None:
    world.faults.add(Fault(headers={"Docker-Content-Digest": "sha256:lie"}))
    answer = world.talk("GET", "/")
    assert answer.json() == {"true": "answer"}
    assert answer.headers["docker-content-digest"] == "sha256:lie"


def test_a_control_route_adds_lists_and_clears(world: World) -> None:
    added = world.faults.command({"add": {"status": 503, "times": 2, "path": "tags"}})
    rule = {"number": 1, "met": 0, "status": 503, "times": 2, "path": "tags"}
    assert added == {"faults": [rule]}
    assert world.faults.command({}) == added
    assert world.faults.command({"clear": True}) == {"faults": []}
    assert world.talk("GET", "/v2/a/tags/list").status == 200


@pytest.mark.parametrize(
    "document",
    [
        {"satus": 503},
        {"path": "("},
        {"times": -1},
        {"cut_after": "many"},
        {"delay_ms": None},
        {"status": []},
        {"headers": "x"},
        {"status": 42},
    ],
)
def test_bad_rules_are_refused(document: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as refused:
        Faults().command({"add": document})
    assert refused.value.code == "bad-fault"


def test_a_rule_says_itself_again() -> None:
    fault = Fault(listener="hub", status=429, headers={"a": "b"}, times=None)
    assert Fault.from_json(fault.as_json()) == fault


def test_each_request_of_many_counts_once(world: World) -> None:
    world.faults.add(Fault(status=503, times=20))
    statuses: list[int] = []

    def ask() -> None:
        statuses.extend(world.talk("GET", "/").status for _ in range(10))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (statuses.count(503), statuses.count(200)) == (20, 20)


# The access log


def test_pulls_are_manifest_gets_that_were_answered(tmp_path: Path) -> None:
    access = AccessLog(Clock(), tmp_path / "access.jsonl")

    def handler(request: Request) -> Response:
        status = 404 if request.path.endswith("none") else 200
        return json_response({}, status, kind="manifest")

    with Listener(application(with_log(handler, access, "hub")), threads=4) as listener:
        talk = Talk(listener.port, {})
        talk("GET", "/v2/a/manifests/v1")
        talk("HEAD", "/v2/a/manifests/v1")
        talk("GET", "/v2/a/manifests/none")
    assert access.pulls() == access.pulls("hub") == 1
    assert access.pulls("ecr") == 0
    assert access.count("hub", kind="manifest") == 3
    assert access.count(method="GET", statuses=(404,)) == 1
    access.close()
    access.close()


def test_the_log_turns_before_it_fills_a_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("longshore.embedded.access_log._LIMIT", 1000)
    access = AccessLog(Clock(), tmp_path / "access.jsonl")
    handler = with_log(lambda request: json_response({}), access, "hub")
    with Listener(application(handler), threads=4) as listener:
        for number in range(50):
            Talk(listener.port, {})("GET", f"/{number}")
    access.close()
    assert access.count("hub") == 50
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert set(sizes) == {"access.jsonl", "access.old"}
    assert all(size < 1200 for size in sizes.values())
