"""Large blobs pass through the servers without being held in memory."""

from __future__ import annotations

import base64
import hashlib
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.embedded.talk import Talk

from longshore.embedded import daemon
from longshore.embedded.state import LocalState, UpOptions

MIB = 1024 * 1024
SIZE = 300 * MIB
MAY_GROW = 30 * MIB


@pytest.fixture
def state(tmp_path: Path) -> Iterator[LocalState]:
    """The background process."""
    folder = tmp_path / "local"
    try:
        yield daemon.up(UpOptions(folder))
    finally:
        daemon.down(folder)


@pytest.fixture
def hub(state: LocalState) -> Talk:
    login = base64.b64encode(f"{state.hub_user}:{state.hub_password}".encode()).decode()
    query = "service=registry.docker.io&scope=repository:acme/large:pull,push"
    asked = urllib.request.Request(
        f"{state.hub_api}/token?{query}", headers={"Authorization": f"Basic {login}"}
    )
    with urllib.request.urlopen(asked) as answer:
        token = json.load(answer)["token"]
    port = int(state.hub_registry.partition(":")[2])
    return Talk(port, {"Authorization": f"Bearer {token}"})


def peak_of(pid: int) -> int:
    """The most memory that the process has had, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [peak] = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(peak) * 1024


def test_a_large_blob_in_and_out(state: LocalState, hub: Talk) -> None:
    if not Path(f"/proc/{state.pid}/status").exists():
        pytest.skip("the peak of a process's memory is read from /proc")
    piece = bytes(MIB)
    hashed = hashlib.sha256()
    for _ in range(SIZE // MIB):
        hashed.update(piece)
    digest = f"sha256:{hashed.hexdigest()}"
    hub.push_blob("acme/large", b"a first small one")
    before = peak_of(state.pid)

    started = hub("POST", "/v2/acme/large/blobs/uploads/")
    streamed = hub("PATCH", started.headers["location"], (piece for _ in range(SIZE // MIB)))
    assert streamed.headers["range"] == f"0-{SIZE - 1}"
    put = hub("PUT", f"{streamed.headers['location']}&digest={digest}")
    assert put.status == 201
    sent = hub("GET", f"/v2/acme/large/blobs/{digest}")
    with urllib.request.urlopen(sent.headers["location"]) as answer:
        size, found = 0, hashlib.sha256()
        while part := answer.read(MIB):
            size += len(part)
            found.update(part)
    assert (size, f"sha256:{found.hexdigest()}") == (SIZE, digest)
    assert peak_of(state.pid) - before < MAY_GROW
