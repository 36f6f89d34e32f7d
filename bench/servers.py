#!/usr/bin/env python3
"""Measure the embedded servers: small requests per second, MB/s in and out, CPU for each.

Starts them in a data folder of their own, as `longshore local up` does, and talks to the Hub and to
the ECR over plain sockets with one and with many clients. The servers' CPU time is read from the
kernel, so that it means something on a busy machine too.

    python bench/servers.py
    python bench/servers.py --clients 1,16 --seconds 2 --mib 64 --json
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import socket
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from longshore.embedded import daemon
from longshore.embedded.state import LocalState, UpOptions

MIB = 1024 * 1024
OCI = "application/vnd.oci.image.manifest.v1+json"
TICKS = os.sysconf("SC_CLK_TCK")


class Wire:
    """One kept connection; reads exactly what HTTP/1.1 with Content-Length needs."""

    def __init__(self, host: str, login: str) -> None:
        name, _, port = host.partition(":")
        self.host, self.login = host, login
        self.socket = socket.create_connection((name, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray(MIB)

    def ask(
        self, method: str, path: str, body: bytes | memoryview = b"", kind: str = ""
    ) -> tuple[int, dict[str, str], int]:
        """Status, headers, and how long the body was."""
        head = f"{method} {path} HTTP/1.1\r\nHost: {self.host}\r\n"
        head += f"Authorization: {self.login}\r\n" if self.login else ""
        head += f"Content-Type: {kind}\r\n" if kind else ""
        head += f"Content-Length: {len(body)}\r\n" if method in ("PUT", "POST") else ""
        self.socket.sendall(f"{head}\r\n".encode())
        if len(body):
            self.socket.sendall(body)
        return self.answer(method)

    def answer(self, method: str) -> tuple[int, dict[str, str], int]:
        view, filled = memoryview(self.buffer), 0
        while (end := self.buffer.find(b"\r\n\r\n", 0, filled)) < 0:
            count = self.socket.recv_into(view[filled:])
            if not count:
                raise ConnectionError("the server closed the connection")
            filled += count
        first, *lines = bytes(view[:end]).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in lines)}
        size = 0 if method == "HEAD" else int(headers.get("content-length", 0))
        left = size - (filled - end - 4)
        while left > 0:
            left -= self.socket.recv_into(view)
        return int(first.split(" ", 2)[1]), headers, size


@dataclass(frozen=True)
class Row:
    """One measurement; CPU is the servers', in microseconds a request or milliseconds a MB."""

    registry: str
    what: str
    clients: int
    rate: float
    unit: str
    cpu: float
    cpu_unit: str


@dataclass
class Registry:
    """Where one is, how to log in, and what was put there to be read."""

    name: str
    host: str
    login: str
    repository: str
    blob: str = ""
    large: str = ""

    def wire(self) -> Wire:
        return Wire(self.host, self.login)

    def path(self, rest: str) -> str:
        return f"/v2/{self.repository}/{rest}"

    def put_blob(self, wire: Wire, content: bytes | memoryview, digest: str = "") -> str:
        digest = digest or digest_of(content)
        status, headers, _ = wire.ask("POST", self.path("blobs/uploads/"))
        assert status == 202, status
        split = urlsplit(headers["location"])
        status, *_ = wire.ask("PUT", f"{split.path}?{split.query}&digest={digest}", content)
        assert status == 201, status
        return digest

    def put_manifest(self, wire: Wire, tag: str, note: str) -> None:
        entry = {"mediaType": "application/x", "digest": self.blob, "size": 1024}
        document = {"schemaVersion": 2, "mediaType": OCI, "config": entry, "layers": [entry]}
        content = json.dumps({**document, "annotations": {"note": note}}).encode()
        status, *_ = wire.ask("PUT", self.path(f"manifests/{tag}"), content, OCI)
        assert status == 201, status

    def get_blob(self, wire: Wire, digest: str, elsewhere: dict[str, Wire]) -> int:
        status, headers, _ = wire.ask("GET", self.path(f"blobs/{digest}"))
        assert status == 307, status
        split = urlsplit(headers["location"])
        other = elsewhere.get(split.netloc) or Wire(split.netloc, "")
        elsewhere[split.netloc] = other
        status, _, size = other.ask("GET", f"{split.path}?{split.query}")
        assert status == 200, status
        return size


def digest_of(content: bytes | memoryview) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def registries(state: LocalState) -> list[Registry]:
    """Both, with a small and a large blob and a tag in each."""
    account = base64.b64encode(f"{state.hub_user}:{state.hub_password}".encode()).decode()
    scope = "repository:acme/bench:pull,push"
    realm = urllib.request.Request(
        f"{state.hub_api}/token?service=registry.docker.io&scope={scope}",
        headers={"Authorization": f"Basic {account}"},
    )
    with urllib.request.urlopen(realm) as answer:
        bearer = f"Bearer {json.load(answer)['token']}"
    basic = f"Basic {ecr_login(state)}"
    return [
        Registry("hub", state.hub_registry, bearer, "acme/bench"),
        Registry("ecr", state.ecr_registry, basic, "bench"),
    ]


def ecr_login(state: LocalState) -> str:
    """A token for the registry; the repository is made as well."""
    import botocore.session

    client = botocore.session.get_session().create_client(
        "ecr",
        region_name=state.region,
        endpoint_url=state.aws_endpoint,
        aws_access_key_id=state.access_key,
        aws_secret_access_key=state.secret_key,
    )
    client.create_repository(repositoryName="bench")
    [data] = client.get_authorization_token()["authorizationData"]
    return str(data["authorizationToken"])


def cpu_of(pid: int) -> float:
    """Seconds of CPU that the process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def in_threads(count: int, seconds: float, act: Callable[[int, Wire], int], wire: object) -> int:
    """Let `count` clients act until the time is over; the sum of what they say they did."""
    done, errors = [0] * count, []
    gate = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            own = wire()  # type: ignore[operator]
            gate.wait()
            until = time.perf_counter() + seconds
            while time.perf_counter() < until:
                done[number] += act(number, own)
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    return sum(done)


def small(registry: Registry) -> dict[str, Callable[[int, Wire], int]]:
    """The small requests by name; each says how many requests it was."""
    unique = iter(range(10**9))

    def blob(_: int, wire: Wire) -> int:
        registry.put_blob(wire, f"{time.time_ns()} {next(unique)}".encode() * 40)
        return 2

    def manifest(number: int, wire: Wire) -> int:
        registry.put_manifest(wire, f"t{number}", f"{time.time_ns()} {next(unique)}")
        return 1

    def ask(method: str, rest: str, expected: int) -> Callable[[int, Wire], int]:
        def act(_: int, wire: Wire) -> int:
            status, *_rest = wire.ask(method, registry.path(rest))
            assert status == expected, status
            return 1

        return act

    return {
        "HEAD manifest": ask("HEAD", "manifests/v1", 200),
        "GET manifest": ask("GET", "manifests/v1", 200),
        "HEAD blob": ask("HEAD", f"blobs/{registry.blob}", 200),
        "GET blob (redirect)": ask("GET", f"blobs/{registry.blob}", 307),
        "GET tags": ask("GET", "tags/list?n=100", 200),
        "push blob 1 KiB": blob,
        "push manifest": manifest,
    }


def measure(
    registry: Registry, pid: int, clients: list[int], seconds: float, mib: int, only: str
) -> list[Row]:
    rows = []
    content = memoryview(os.urandom(mib * MIB))
    wire = registry.wire()
    registry.blob = registry.put_blob(wire, b"x" * 1024)
    registry.large = registry.put_blob(wire, content)
    registry.put_manifest(wire, "v1", "first")
    actions = small(registry)
    for count in clients:
        for what, act in actions.items():
            if only not in what or (what == "push manifest" and registry.name == "ecr"):
                continue  # ECR takes ten of them a second, as AWS does
            before = cpu_of(pid)
            requests = in_threads(count, seconds, act, registry.wire)
            cpu = (cpu_of(pid) - before) * 1e6 / max(1, requests)
            rows.append(Row(registry.name, what, count, requests / seconds, "req/s", cpu, "us/req"))
        rows += large(registry, pid, count, seconds, content, only)
    return rows


def large(
    registry: Registry, pid: int, count: int, seconds: float, content: memoryview, only: str
) -> list[Row]:
    """Blobs in and out. What is sent is the same each time, so the client hashes nothing."""
    others: list[dict[str, Wire]] = [{} for _ in range(count)]
    digest = registry.large

    def up(_: int, wire: Wire) -> int:
        registry.put_blob(wire, content, digest)
        return len(content)

    def down(number: int, wire: Wire) -> int:
        return registry.get_blob(wire, digest, others[number])

    rows = []
    for what, act in (("blobs in", up), ("blobs out", down)):
        if only not in what:
            continue
        before, begun = cpu_of(pid), time.perf_counter()
        size = in_threads(count, seconds, act, registry.wire) / 1e6
        took = time.perf_counter() - begun
        cpu = (cpu_of(pid) - before) * 1e3 / size
        rows.append(Row(registry.name, what, count, size / took, "MB/s", cpu, "ms/MB"))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--clients", default="1,16")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--mib", type=int, default=64)
    parser.add_argument("--only", default="", help="a part of a measurement's name")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    clients = [int(one) for one in options.clients.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        state = daemon.up(UpOptions(Path(folder) / "local"))
        try:
            rows = [
                row
                for registry in registries(state)
                for row in measure(
                    registry, state.pid, clients, options.seconds, options.mib, options.only
                )
            ]
        finally:
            daemon.down(state.data_dir)
    if options.json:
        print(json.dumps({"rows": [asdict(row) for row in rows]}, indent=1))
        return
    for row in rows:
        print(
            f"{row.registry:4} {row.what:20} {row.clients:3} clients {row.rate:9.0f} {row.unit:6}"
            f" {row.cpu:8.2f} {row.cpu_unit} of the servers"
        )


if __name__ == "__main__":
    main()
