#!/usr/bin/env python3
"""Compare HTTP clients as a copy engine uses them: blobs in, blobs out, small requests.

Starts Debian's `docker-registry` on loopback, plain and with TLS, and lets each client that is
installed read a blob, write it (POST and one streamed PUT) and send small HEADs, with several
threads or tasks. Prints throughput, requests per second and the client's own CPU seconds per GB.
Nothing is hashed: that costs the same everywhere.

    python bench/http_clients.py                       # all clients that can be imported
    python bench/http_clients.py --clients urllib3,http.client --mib 512 --workers 8
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import socket
import ssl
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin, urlsplit

CHUNK = 256 * 1024
MIB = 1024 * 1024
OCTETS = {"Content-Type": "application/octet-stream"}


class Urllib3:
    """The pool of urllib3, bodies read with `read(amt)`, sent as an iterator of memoryviews."""

    def __init__(self, context: ssl.SSLContext) -> None:
        import urllib3

        self.pool = urllib3.PoolManager(maxsize=64, block=True, ssl_context=context)

    def get(self, url: str) -> int:
        answer = self.pool.urlopen("GET", url, preload_content=False, decode_content=False)
        size = 0
        while piece := answer.read(CHUNK, decode_content=False):
            size += len(piece)
        answer.release_conn()
        return size

    def post(self, url: str) -> str:
        return self.pool.urlopen("POST", url).headers["Location"]

    def put(self, url: str, content: bytes) -> int:
        headers = {**OCTETS, "Content-Length": str(len(content))}
        return self.pool.urlopen("PUT", url, body=pieces(content), headers=headers).status

    def head(self, url: str) -> int:
        return self.pool.urlopen("HEAD", url).status


class HttpClient:
    """http.client alone: one connection a thread, `readinto` one buffer."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context
        self.local = threading.local()

    def connection(self, url: str):  # type: ignore[no-untyped-def]
        import http.client

        if not hasattr(self.local, "kept"):
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
            if parts.scheme == "https":
                made = http.client.HTTPSConnection(host, port, context=self.context)
            else:
                made = http.client.HTTPConnection(host, port)
            made.connect()
            made.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.local.kept = made, memoryview(bytearray(CHUNK))
        return self.local.kept

    def ask(self, method: str, url: str, body=None, headers=None):  # type: ignore[no-untyped-def]
        connection, _ = self.connection(url)
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, body=body, headers=headers or {})
        return connection.getresponse()

    def get(self, url: str) -> int:
        answer = self.ask("GET", url)
        _, buffer = self.local.kept
        size = 0
        while count := answer.readinto(buffer):
            size += count
        return size

    def post(self, url: str) -> str:
        answer = self.ask("POST", url)
        answer.read()
        return answer.headers["Location"]

    def put(self, url: str, content: bytes) -> int:
        headers = {**OCTETS, "Content-Length": str(len(content))}
        answer = self.ask("PUT", url, pieces(content), headers)
        answer.read()
        return answer.status

    def head(self, url: str) -> int:
        answer = self.ask("HEAD", url)
        answer.read()
        return answer.status


class Requests:
    """requests, a session a thread."""

    def __init__(self, context: ssl.SSLContext) -> None:
        import requests

        self.requests = requests
        self.local = threading.local()
        self.trusted = os.environ.get("BENCH_CA", "")

    @property
    def session(self):  # type: ignore[no-untyped-def]
        if not hasattr(self.local, "session"):
            self.local.session = self.requests.Session()
            self.local.session.verify = self.trusted or True
            self.local.session.trust_env = False
        return self.local.session

    def get(self, url: str) -> int:
        with self.session.get(url, stream=True) as answer:
            return sum(len(piece) for piece in answer.iter_content(CHUNK))

    def post(self, url: str) -> str:
        return self.session.post(url).headers["Location"]

    def put(self, url: str, content: bytes) -> int:
        headers = {**OCTETS, "Content-Length": str(len(content))}
        body = _Sized(content)
        return self.session.put(url, data=body, headers=headers).status_code

    def head(self, url: str) -> int:
        return self.session.head(url).status_code


class _Sized:
    """An iterable with a length, which is how requests is kept from chunked encoding."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __len__(self) -> int:
        return len(self.content)

    def __iter__(self) -> Iterator[bytes]:
        for piece in pieces(self.content):
            yield bytes(piece)


class Httpx:
    """httpx, HTTP/1.1, one client for all threads."""

    def __init__(self, context: ssl.SSLContext) -> None:
        import httpx

        self.client = httpx.Client(verify=context, timeout=60, trust_env=False)

    def get(self, url: str) -> int:
        with self.client.stream("GET", url) as answer:
            return sum(len(piece) for piece in answer.iter_raw(CHUNK))

    def post(self, url: str) -> str:
        return self.client.post(url).headers["Location"]

    def put(self, url: str, content: bytes) -> int:
        headers = {**OCTETS, "Content-Length": str(len(content))}
        body = (bytes(piece) for piece in pieces(content))
        return self.client.put(url, content=body, headers=headers).status_code

    def head(self, url: str) -> int:
        return self.client.head(url).status_code


def pieces(content: bytes) -> Iterator[memoryview]:
    view = memoryview(content)
    for start in range(0, len(content), CHUNK):
        yield view[start : start + CHUNK]


THREADED = {
    "urllib3": Urllib3,
    "http.client": HttpClient,
    "requests": Requests,
    "httpx": Httpx,
}


class Work:
    """What is asked of each client."""

    def __init__(self, base: str, content: bytes, rounds: int, heads: int, workers: int) -> None:
        self.base = base
        self.content = content
        self.digest = "sha256:" + hashlib.sha256(content).hexdigest()
        self.blob = f"{base}/v2/bench/blobs/{self.digest}"
        self.uploads = f"{base}/v2/bench/blobs/uploads/"
        self.rounds = rounds
        self.heads = heads
        self.workers = workers

    def closing(self, location: str) -> str:
        absolute = urljoin(self.base, location)
        return f"{absolute}{'&' if '?' in absolute else '?'}digest={self.digest}"


def in_threads(work: Work, each: Callable[[], None], times: int) -> None:
    def some() -> None:
        for _ in range(times // work.workers):
            each()

    threads = [threading.Thread(target=some) for _ in range(work.workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def threaded(name: str, context: ssl.SSLContext, work: Work) -> dict[str, Callable[[], None]]:
    client = THREADED[name](context)

    def get() -> None:
        assert client.get(work.blob) == len(work.content)

    def put() -> None:
        assert client.put(work.closing(client.post(work.uploads)), work.content) == 201

    def head() -> None:
        assert client.head(work.blob) == 200

    put()
    return {
        "in": lambda: in_threads(work, get, work.rounds),
        "out": lambda: in_threads(work, put, work.rounds),
        "small": lambda: in_threads(work, head, work.heads),
    }


def with_aiohttp(context: ssl.SSLContext, work: Work) -> dict[str, Callable[[], None]]:
    import aiohttp

    async def get(session: aiohttp.ClientSession) -> None:
        size = 0
        async with session.get(work.blob) as answer:
            async for piece in answer.content.iter_chunked(CHUNK):
                size += len(piece)
        assert size == len(work.content)

    async def body():  # type: ignore[no-untyped-def]
        for piece in pieces(work.content):
            yield bytes(piece)

    async def put(session: aiohttp.ClientSession) -> None:
        async with session.post(work.uploads) as answer:
            location = answer.headers["Location"]
        headers = {**OCTETS, "Content-Length": str(len(work.content))}
        async with session.put(work.closing(location), data=body(), headers=headers) as answer:
            assert answer.status == 201

    async def head(session: aiohttp.ClientSession) -> None:
        async with session.head(work.blob) as answer:
            assert answer.status == 200

    async def run(each, times: int) -> None:  # type: ignore[no-untyped-def]
        async def some() -> None:
            for _ in range(times // work.workers):
                await each(session)

        connector = aiohttp.TCPConnector(ssl=context, limit=64)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
            await asyncio.gather(*(some() for _ in range(work.workers)))

    return {
        "in": lambda: asyncio.run(run(get, work.rounds)),
        "out": lambda: asyncio.run(run(put, work.rounds)),
        "small": lambda: asyncio.run(run(head, work.heads)),
    }


def measured(act: Callable[[], None]) -> tuple[float, float]:
    """Wall and CPU seconds of this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - wall, time.process_time() - cpu


@contextmanager
def registry(folder: Path, tls: bool) -> Iterator[str]:
    """A docker-registry in a folder; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    http: dict[str, object] = {"addr": f"127.0.0.1:{port}", "secret": "bench"}
    if tls:
        http["tls"] = {"certificate": str(folder / "crt"), "key": str(folder / "key")}
    root = folder / ("tls" if tls else "plain")
    config = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(root)},
            "cache": {"blobdescriptor": "inmemory"},
        },
        "http": http,
    }
    file = folder / f"{root.name}.json"
    file.write_text(json.dumps(config))
    process = subprocess.Popen(
        ["docker-registry", "serve", str(file)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.02)
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def certificate(folder: Path) -> ssl.SSLContext:
    """A certificate for 127.0.0.1, and a context that trusts it."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(folder / "key"), "-out", str(folder / "crt")),
        ],
        check=True,
        capture_output=True,
    )
    os.environ["BENCH_CA"] = str(folder / "crt")
    return ssl.create_default_context(cafile=str(folder / "crt"))


def can_import(name: str) -> bool:
    try:
        __import__(name)
    except ImportError:
        return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", default="urllib3,http.client,requests,httpx,aiohttp")
    parser.add_argument("--mib", type=int, default=64, help="size of the blob")
    parser.add_argument("--rounds", type=int, default=16, help="blobs in each direction")
    parser.add_argument("--heads", type=int, default=4000, help="small requests")
    parser.add_argument("--workers", type=int, default=8, help="threads or tasks")
    parser.add_argument("--repeat", type=int, default=3, help="the median of so many is shown")
    options = parser.parse_args()
    names = [name for name in options.clients.split(",") if can_import(name)]
    gigabytes = options.mib * MIB * options.rounds / 1e9
    print(f"{options.workers} workers, {options.rounds} x {options.mib} MiB, {options.heads} HEADs")
    print("| client | | in GB/s | CPU s/GB | out GB/s | CPU s/GB | small /s | CPU ms each |")
    print("|---|---|---|---|---|---|---|---|")
    base = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=base) as folder:
        context = certificate(Path(folder))
        content = os.urandom(options.mib * MIB)
        for tls in (False, True):
            with registry(Path(folder), tls) as address:
                work = Work(address, content, options.rounds, options.heads, options.workers)
                for name in names:
                    if name == "aiohttp":
                        acts = with_aiohttp(context, work)
                    else:
                        acts = threaded(name, context, work)
                    row = [name, "TLS" if tls else "plain"]
                    for what, act in acts.items():
                        runs = sorted(measured(act) for _ in range(options.repeat))
                        wall = statistics.median(run[0] for run in runs)
                        cpu = statistics.median(run[1] for run in runs)
                        if what == "small":
                            row += [
                                f"{options.heads / wall:.0f}",
                                f"{cpu / options.heads * 1e3:.2f}",
                            ]
                        else:
                            row += [f"{gigabytes / wall:.2f}", f"{cpu / gigabytes:.2f}"]
                    print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
