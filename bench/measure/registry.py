"""A docker-registry on loopback: what it was asked for, and a small client to fill it. I/O."""

from __future__ import annotations

import http.client
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from urllib.parse import urlsplit

from measure.processes import find_program, free_port, serving

PROGRAM = "docker-registry"
_LINE = re.compile(rb'"([A-Z]+) (\S+) HTTP/[\d.]+" (\d+) (\d+)')
_PATH = re.compile(r"/v2/(.+)/(manifests|blobs|tags|referrers)/")


@dataclass(frozen=True)
class Traffic:
    """Requests by class such as `GET manifest`, and the bytes of blobs that were handed out."""

    classes: dict[str, int]
    blob_bytes: int

    @property
    def requests(self) -> int:
        """All of them."""
        return sum(self.classes.values())

    @property
    def pulls(self) -> int:
        """What Docker Hub would count: manifests read."""
        return self.classes.get("GET manifest", 0)


class DockerRegistry:
    """Debian's docker-registry. `address` may be that of a proxy before it."""

    def __init__(self, port: int, address: str, log: Path) -> None:
        self.port = port
        self.address = address
        self._log = log
        self._read = 0
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def traffic(self) -> Traffic:
        """What came in since this was last asked."""
        self._settle()
        with self._log.open("rb") as log:
            log.seek(self._read)
            text = log.read()
            self._read = log.tell()
        classes: Counter[str] = Counter()
        handed_out = 0
        for method, target, status, size in _LINE.findall(text):
            kind = _class_of(method.decode(), target.decode())
            classes[kind] += 1
            if kind == "GET blob" and status in (b"200", b"206"):
                handed_out += int(size)
        return Traffic(dict(sorted(classes.items())), handed_out)

    def _settle(self) -> None:
        """A request is logged when it has ended: a moment after its client saw the end."""
        size = -1
        while size != (size := self._log.stat().st_size):
            time.sleep(0.05)

    # -- a client ------------------------------------------------------------------------------

    def ask(
        self, method: str, target: str, body: bytes | None = None, kind: str = ""
    ) -> tuple[int, Message, bytes]:
        """One request: status, headers and body of its answer."""
        name = "Accept" if method in ("GET", "HEAD") else "Content-Type"
        self._connection.request(method, target, body, {name: kind} if kind else {})
        answer = self._connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def push_blob(self, repository: str, digest: str, content: bytes) -> None:
        """Store a blob."""
        begun = _expect(202, self.ask("POST", f"/v2/{repository}/blobs/uploads/"))
        place = urlsplit(begun[1]["Location"])
        target = f"{place.path}?{place.query}&digest={digest}"
        _expect(201, self.ask("PUT", target, content, "application/octet-stream"))

    def push_manifest(self, repository: str, name: str, content: bytes, kind: str) -> None:
        """Store a manifest under a tag or digest."""
        _expect(201, self.ask("PUT", f"/v2/{repository}/manifests/{name}", content, kind))

    def read_manifest(self, repository: str, name: str, kind: str) -> bytes:
        """A manifest's bytes."""
        return _expect(200, self.ask("GET", f"/v2/{repository}/manifests/{name}", kind=kind))[2]

    def digest_of(self, repository: str, tag: str, kind: str) -> str | None:
        """What a tag points to."""
        found = self.ask("HEAD", f"/v2/{repository}/manifests/{tag}", kind=kind)
        return found[1]["Docker-Content-Digest"] if found[0] == 200 else None


def _expect(status: int, answer: tuple[int, Message, bytes]) -> tuple[int, Message, bytes]:
    if answer[0] != status:
        sys.exit(f"the registry answered {answer[0]}, not {status}: {answer[2][:200]!r}")
    return answer


def _class_of(method: str, target: str) -> str:
    path = urlsplit(target).path
    found = _PATH.match(path)
    if found is None:
        return f"{method} /v2/"
    if "/blobs/uploads/" in path:
        query = urlsplit(target).query
        return f"{method} mount" if "mount=" in query else f"{method} upload"
    return f"{method} {found[2].removesuffix('s')}"


@contextmanager
def docker_registry(folder: Path, rtt_ms: float = 0.0) -> Iterator[DockerRegistry]:
    """An empty registry in the folder, on a port of its own, perhaps far away."""
    program = find_program(PROGRAM)
    if program is None:
        sys.exit(f"'{PROGRAM}' is not installed; `make setup-peers` installs it")
    folder.mkdir(parents=True)
    port = free_port()
    config = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": False}},
        "storage": {
            "filesystem": {"rootdirectory": str(folder / "data")},
            "cache": {"blobdescriptor": "inmemory"},
            "delete": {"enabled": True},
        },
        "http": {"addr": f"127.0.0.1:{port}", "secret": "bench"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    log = folder / "access.log"
    with serving([program, "serve", str(folder / "config.json")], port, log):
        if not rtt_ms:
            yield DockerRegistry(port, f"127.0.0.1:{port}", log)
            return
        far = free_port()
        delay = Path(__file__).with_name("delay.py")
        words = [sys.executable, str(delay), str(far), str(port), str(rtt_ms)]
        with serving(words, far, folder / "delay.log"):
            yield DockerRegistry(port, f"127.0.0.1:{far}", log)
