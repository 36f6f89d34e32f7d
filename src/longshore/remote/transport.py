"""HTTP with the world: one pool of connections, patience, bounded answers. I/O.

The only owner of urllib3. Follows no redirect and knows no credentials (`session.py` does).
Foreign exceptions end here: a broken connection becomes RegistryError(temporary=True). Why urllib3
and blocking threads: `docs/adr/0001-concurrency.md`, `docs/adr/0002-http-library.md`.
"""

from __future__ import annotations

import logging
import math
import random
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    EmptyPoolError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from longshore import __version__
from longshore.errors import FileError, RefusedError, RegistryError, Side
from longshore.oci.manifest import MAX_MANIFEST_BYTES
from longshore.oci.store import CHUNK
from longshore.remote.addresses import is_loopback, proxy_for, without_secrets
from longshore.remote.traffic import Traffic
from longshore.remote.waiting import TEMPORARY, Patience, backoff, server_wait
from longshore.text import tr

USER_AGENT = f"longshore/{__version__}"
_ERROR_BODY_BYTES = 64 * 1024
# At its debug level urllib3 logs queries, which may be signatures.
logging.getLogger("urllib3").setLevel(logging.WARNING)
_HOSTS = 32

Piece = bytes | bytearray | memoryview
Content = Callable[[], Iterable[Piece]]


@dataclass(frozen=True)
class TransportOptions:
    """Where connections go and how long they may take. `environ` is read for proxies and CAs only.

    `threads` is how many callers there are at once; each may hold a source and a target connection.
    `plain_http` names hosts (with port) besides loopback that may be spoken to without TLS.
    """

    threads: int = 64
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 60.0
    plain_http: frozenset[str] = frozenset()
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Timing:
    """Time and chance, so that tests need neither. `sleep` may raise to interrupt a wait."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], object] = time.sleep
    chance: Callable[[], float] = random.random


@dataclass(frozen=True)
class Waited:
    """A request is tried again after `seconds`: what was asked of which host, and the status.

    `status` is 0 when the connection broke.
    """

    host: str
    request: str
    status: int
    seconds: float


@dataclass(frozen=True)
class Request:
    """One HTTP request.

    A `body` that is a function is called anew for each attempt and must give `length` bytes.
    `stream` leaves a good answer's body on the wire; otherwise at most `limit` bytes are read.
    `once` leaves trying again to the caller; `longest_wait_s` is a patience of its own for waits
    that the server asks for.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | Content | None = field(default=None, repr=False)
    length: int = 0
    stream: bool = False
    limit: int = MAX_MANIFEST_BYTES + 1
    once: bool = False
    longest_wait_s: float | None = None

    @property
    def shown(self) -> str:
        """What may be shown and logged: method and path."""
        return f"{self.method} {urlsplit(self.url).path}"

    @property
    def host(self) -> str:
        """Host and port of the address, without a user."""
        return urlsplit(self.url).netloc.rpartition("@")[2]


class Answer:
    """Status, headers (names in any case) and body; a streamed body must be closed."""

    def __init__(self, raw: urllib3.BaseHTTPResponse, request: Request, side: Side) -> None:
        self.status: int = raw.status
        self.headers: Mapping[str, str] = raw.headers
        self.request = request
        self.body = b""
        self._raw = raw
        self._side: Side = side

    @property
    def length(self) -> int | None:
        """The announced Content-Length."""
        text = self.headers.get("content-length", "")
        return int(text) if text.isascii() and text.isdigit() else None

    def chunks(self) -> Iterator[memoryview]:
        """The body as it arrives, never decoded. Raises RegistryError when it breaks off."""
        try:
            while piece := self._raw.read(CHUNK, decode_content=False):
                yield memoryview(piece)
        except HTTPError as error:
            raise broken(error, self.request, self._side) from None

    def close(self) -> None:
        """Give the connection back: to the pool when the body was read, else closed. Repeatable."""
        if not self._raw.closed:
            self._raw.close()
        self._raw.release_conn()

    def read(self, limit: int) -> None:
        """Fill `body` with at most `limit` bytes."""
        try:
            pieces, size = [], 0
            while size < limit and (
                piece := self._raw.read(min(CHUNK, limit - size), decode_content=False)
            ):
                pieces.append(piece)
                size += len(piece)
            self.body = b"".join(pieces)
        finally:
            self.close()


class Transport:
    """Sends requests over kept-alive connections; safe for many threads.

    `on_wait` hears of every wait, so that a caller can slow down or tell the user.
    """

    def __init__(
        self,
        options: TransportOptions | None = None,
        *,
        patience: Patience | None = None,
        timing: Timing | None = None,
        on_wait: Callable[[Waited], None] | None = None,
    ) -> None:
        self.options = options or TransportOptions()
        self.patience = patience or Patience()
        self.timing = timing or Timing()
        self.on_wait = on_wait
        self._managers: dict[str | None, urllib3.PoolManager] = {}
        self._roads: dict[str, urllib3.HTTPConnectionPool | urllib3.PoolManager] = {}
        self._lock = threading.Lock()

    def send(self, request: Request, *, side: Side, traffic: Traffic | None = None) -> Answer:
        """Send until answered; temporary faults are tried again as `patience` allows.

        The answer may be of any status: a 429 whose wait is too long comes back at once. Raises
        RegistryError when no answer comes, RefusedError for plain HTTP to a host not allowed it.
        """
        self._check_scheme(request)
        attempts = 1 if request.once else self.patience.attempts
        for attempt in range(attempts):
            last = attempt == attempts - 1
            try:
                answer = self._send_once(request, side, traffic)
            except RegistryError as error:
                if last or not error.temporary or error.side != side:
                    raise
                self.wait(request, 0, backoff(attempt, None, self.patience, self._chance()))
                continue
            if last or answer.status not in TEMPORARY:
                return answer
            asked = server_wait(answer.headers, self.timing.now())
            longest = request.longest_wait_s
            longest = self.patience.longest_wait_s if longest is None else longest
            if asked is not None and asked > longest:
                return answer
            if is_pull_limit(answer) and asked is None:
                return answer
            pause = backoff(attempt, asked, self.patience, self._chance())
            self.wait(request, answer.status, pause)
        raise AssertionError("patience allows no attempt")

    def close(self) -> None:
        """Close all idle connections."""
        with self._lock:
            managers = list(self._managers.values())
            self._managers, self._roads = {}, {}
        for manager in managers:
            manager.clear()

    def may_speak_plain(self, host: str) -> bool:
        """Whether plain HTTP is allowed to this host."""
        return is_loopback(host) or host in self.options.plain_http

    def wait(self, request: Request, status: int, seconds: float) -> None:
        """Tell the listener, then sleep."""
        if self.on_wait is not None:
            self.on_wait(Waited(request.host, request.shown, status, seconds))
        self.timing.sleep(seconds)

    def _send_once(self, request: Request, side: Side, traffic: Traffic | None) -> Answer:
        if traffic is not None:
            traffic.add_request()
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **request.headers}
        body: Any = request.body  # urllib3's types do not know memoryviews, its code does
        if callable(request.body):
            body, headers["Content-Length"] = request.body(), str(request.length)
        try:
            road, target = self._road(request.url)
            raw = road.urlopen(
                request.method,
                target,
                body=body,
                headers=headers,
                preload_content=False,
                decode_content=False,
                redirect=False,
                retries=False,
                pool_timeout=math.ceil(self.options.read_timeout_s),
            )
            answer = Answer(raw, request, side)
            if not request.stream:
                answer.read(request.limit)
            elif answer.status >= 300:
                answer.read(_ERROR_BODY_BYTES)
        except HTTPError as error:
            raise broken(error, request, side) from None
        return answer

    def _road(self, url: str) -> tuple[urllib3.HTTPConnectionPool | urllib3.PoolManager, str]:
        """The connections that lead to an address, and what to ask for on them.

        Without a proxy that is the host's own pool, which spares parsing the address again.
        """
        parts = urlsplit(url)
        start = f"{parts.scheme}://{parts.netloc}"
        road = self._roads.get(start)
        if road is None:
            proxy = proxy_for(url, self.options.environ)
            with self._lock:
                if proxy not in self._managers:
                    self._managers[proxy] = self._new_manager(proxy)
                manager = self._managers[proxy]
                road = manager if proxy else manager.connection_from_url(start)
                self._roads[start] = road
        if isinstance(road, urllib3.PoolManager):
            return road, url
        target = url[len(start) :]
        return road, target if target.startswith("/") else f"/{target}"

    def _new_manager(self, proxy: str | None) -> urllib3.PoolManager:
        # Twice the threads: a thread reads from one connection while it writes to another, perhaps
        # of the same host; with fewer, all could wait for each other.
        room = 2 * self.options.threads
        timeout = urllib3.Timeout(
            connect=self.options.connect_timeout_s, read=self.options.read_timeout_s
        )
        if proxy is None:
            return urllib3.PoolManager(
                _HOSTS, maxsize=room, block=True, timeout=timeout, ssl_context=self._tls()
            )
        parts = urlsplit(proxy)
        user = (
            f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
        )
        return urllib3.ProxyManager(
            without_secrets(proxy),
            _HOSTS,
            proxy_headers=urllib3.make_headers(proxy_basic_auth=user) if user else None,
            maxsize=room,
            block=True,
            timeout=timeout,
            ssl_context=self._tls(),
        )

    def _tls(self) -> ssl.SSLContext:
        bundle = self.options.environ.get("SSL_CERT_FILE")
        try:
            return ssl.create_default_context(cafile=bundle or None)
        except (OSError, ssl.SSLError) as error:
            raise FileError(
                tr("the certificates in {file} cannot be read: {why}", file=bundle, why=error),
                tr("let SSL_CERT_FILE name a PEM file of trusted certificates"),
                code="bad-certificates",
            ) from None

    def _check_scheme(self, request: Request) -> None:
        scheme = urlsplit(request.url).scheme
        if scheme == "https" or (scheme == "http" and self.may_speak_plain(request.host)):
            return
        raise RefusedError(
            tr("plain HTTP to {host} would show credentials to everybody", host=request.host),
            tr("use https; only if you must, allow it with --plain-http {host}", host=request.host),
            code="plain-http",
        )

    def _chance(self) -> float:
        return self.timing.chance()


def is_pull_limit(answer: Answer) -> bool:
    """Whether this is Docker Hub's "You have reached your pull rate limit"."""
    return answer.status == 429 and b"pull rate limit" in answer.body.lower()


def broken(error: HTTPError, request: Request, side: Side) -> RegistryError:
    """A foreign exception as one of ours: what broke, on which side, whether to try again."""
    code, what, hint, temporary = _explain(error, request.host)
    return RegistryError(
        what, hint, side=side, request=request.shown, temporary=temporary, code=code
    )


def _explain(error: HTTPError, host: str) -> tuple[str, str, str, bool]:
    later = tr("check the network and run the same command again; it resumes")
    if isinstance(error, SSLError):
        return (
            "tls",
            tr("no trusted TLS connection to {host}: {why}", host=host, why=_reason(error)),
            tr("if its certificate is your own, name the CA's file in SSL_CERT_FILE"),
            "EOF" in str(error) or "reset" in str(error).lower(),
        )
    if isinstance(error, ProxyError):
        return (
            "proxy",
            tr("the proxy on the way to {host} failed: {why}", host=host, why=_reason(error)),
            tr("check HTTPS_PROXY, and name hosts that need no proxy in NO_PROXY"),
            True,
        )
    if isinstance(error, NameResolutionError):
        what = tr("the host {host} is not known", host=host)
        return "host-not-found", what, tr("check the spelling and the network"), True
    if isinstance(error, EmptyPoolError):
        return "no-connection", tr("no free connection to {host}", host=host), later, True
    timeouts = isinstance(error, ConnectTimeoutError | ReadTimeoutError)
    if timeouts and not isinstance(error, NewConnectionError):
        return "timeout", tr("{host} did not answer in time", host=host), later, True
    if isinstance(error, ProtocolError):
        what = tr("the connection to {host} broke: {why}", host=host, why=_reason(error))
        return "connection-broken", what, later, True
    what = tr("{host} cannot be reached: {why}", host=host, why=_reason(error))
    return "unreachable", what, later, True


def _reason(error: BaseException) -> str:
    inner = error.__cause__ or error.__context__ or error
    words = inner.strerror if isinstance(inner, OSError) and inner.strerror else str(inner)
    return words.partition("(_ssl.c")[0].strip() or type(inner).__name__
