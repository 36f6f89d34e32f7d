"""Fixtures of the gate: Debian's registry, and a transport whose clock and chance are ours."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from longshore.remote.transport import Timing, Transport, TransportOptions, Waited
from longshore.remote.waiting import Patience
from tests.peers import peer


@dataclass
class Clock:
    """A clock that only sleeping moves; chance is always a half."""

    time: float = 1_700_000_000.0
    slept: list[float] = field(default_factory=list)
    waited: list[Waited] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    def timing(self) -> Timing:
        return Timing(lambda: self.time, self.sleep, lambda: 0.5)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def transport(clock: Clock) -> Iterator[Transport]:
    made = Transport(
        TransportOptions(threads=8, connect_timeout_s=2, read_timeout_s=5),
        patience=Patience(attempts=4, base_s=1.0, longest_wait_s=60.0),
        timing=clock.timing(),
        on_wait=clock.waited.append,
    )
    yield made
    made.close()


@dataclass
class DebianRegistry:
    """A running `docker-registry` and its access log."""

    host: str
    log: Path
    mark: int = 0

    def requests(self) -> list[str]:
        """`METHOD path` of each request since the last `forget`."""
        time.sleep(0.1)
        with self.log.open("rb") as file:
            file.seek(self.mark)
            lines = file.read().decode().splitlines()
        return [" ".join(line.split('"')[1].split()[:2]) for line in lines if '" ' in line]

    def forget(self) -> None:
        time.sleep(0.1)
        self.mark = self.log.stat().st_size


@pytest.fixture(scope="session")
def start_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., object]]:
    """Start a registry; `auth` is the registry's own auth section, `tls` a certificate and key."""
    running: list[subprocess.Popen[bytes]] = []

    def start(
        auth: dict[str, object] | None = None, tls: tuple[Path, Path] | None = None
    ) -> DebianRegistry:
        program = peer("docker-registry")
        folder = tmp_path_factory.mktemp("registry")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        http: dict[str, object] = {"addr": f"127.0.0.1:{port}", "secret": "test"}
        if tls is not None:
            http["tls"] = {"certificate": str(tls[0]), "key": str(tls[1])}
        config = {
            "version": 0.1,
            "log": {"level": "error", "accesslog": {"disabled": False}},
            "storage": {
                "filesystem": {"rootdirectory": str(folder / "data")},
                "delete": {"enabled": True},
                "maintenance": {"uploadpurging": {"enabled": False}},
            },
            "http": http,
            **({"auth": auth} if auth else {}),
        }
        (folder / "config.json").write_text(json.dumps(config))
        log = folder / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [program, "serve", str(folder / "config.json")],
                stdout=out,
                stderr=subprocess.DEVNULL,
            )
        running.append(process)
        _await(port, process)
        return DebianRegistry(f"127.0.0.1:{port}", log)

    yield start
    for process in running:
        process.terminate()
        process.wait()


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None, "docker-registry did not start"
            time.sleep(0.02)
        else:
            return
    pytest.fail("docker-registry did not start")


@pytest.fixture(scope="session")
def debian(start_registry: Callable[..., DebianRegistry]) -> DebianRegistry:
    """One open registry for the whole run; tests use repositories of their own."""
    return start_registry()


@pytest.fixture(scope="session")
def debian_with_password(
    start_registry: Callable[..., DebianRegistry], tmp_path_factory: pytest.TempPathFactory
) -> DebianRegistry:
    """A registry that wants Basic auth: user `ship`, password `aye:aye`."""
    file = tmp_path_factory.mktemp("htpasswd") / "htpasswd"
    made = subprocess.run(
        [peer("htpasswd"), "-niB", "ship"], input=b"aye:aye\n", capture_output=True, check=True
    )
    file.write_bytes(made.stdout.strip() + b"\n")
    return start_registry({"htpasswd": {"realm": "test", "path": str(file)}})


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *(peer("openssl"), "req", "-x509", "-newkey", "ec"),
            *("-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(folder / "key"), "-out", str(folder / "crt")),
        ],
        check=True,
        capture_output=True,
    )
    return folder / "crt", folder / "key"
