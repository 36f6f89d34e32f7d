"""One HTTP/1.1 listener on loopback, for any WSGI application. I/O.

cheroot parses requests and keeps connections; what this file adds: bodies stream at socket speed
in both directions (cheroot reads a whole chunk into memory and copies what it writes), files go out
by sendfile, `100 Continue` is sent when the body is first wanted, requests under a Host that is not
this machine are refused (DNS rebinding), and a handler may hang up in the middle of an answer.
"""

from __future__ import annotations

import io
import ipaddress
import logging
import select
import socket
import struct
import threading
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from typing import Any

from longshore.embedded.wire import BadBody, BodyCut, FilePart, Hangup, WsgiApp, log
from longshore.errors import LongshoreError, MissingExtraError, RefusedError
from longshore.text import tr

try:
    from cheroot import server as _http
    from cheroot import wsgi as _wsgi
except ModuleNotFoundError as _error:  # pragma: no cover - needs an install without the extra
    raise MissingExtraError(
        tr("the embedded servers need the package cheroot"),
        tr("pip install 'longshore[local]'"),
    ) from _error

THREADS = 80
_IDLE_S = 75
_NEXT_REQUEST_MS = 5
_READ_BUFFER = 64 * 1024
_DRAIN_LIMIT = 16 * 1024 * 1024
_MAX_LINE = 16 * 1024
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_EXPECT = b"X-Embedded-Expect"
_RESET = struct.pack("ii", 1, 0)


class Listener:
    """A WSGI application behind a port of this machine.

    `bind` (or `start`) takes the port, so that several applications can learn each other's address
    before any of them answers. Raises RefusedError for a host that is not loopback, LongshoreError
    (`port-taken`) when the port cannot be had.
    """

    def __init__(
        self,
        app: WsgiApp | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        threads: int = THREADS,
    ) -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise RefusedError(
                tr("the embedded servers listen on loopback only, not on {host}", host=host),
                tr("leave the host out, or use an address of 127.0.0.0/8"),
                code="not-loopback",
            )
        self.app = app
        self.host = host
        self._wanted_port = port
        self._threads = threads
        self._server: Any = None
        self._serving: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port in use; 0 before `bind`."""
        return int(self._server.bind_addr[1]) if self._server is not None else self._wanted_port

    @property
    def address(self) -> str:
        """`host:port`, as registries are named."""
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """`http://host:port`."""
        return f"http://{self.address}"

    def bind(self) -> int:
        """Take the port; clients may connect, and wait until `start`."""
        if self._server is not None:
            return self.port
        server = _Server((self.host, self._wanted_port), self._call, numthreads=self._threads)
        try:
            server.prepare()
        except OSError as error:
            raise LongshoreError(
                tr(
                    "port {port} of {host} cannot be used: {why}",
                    port=self._wanted_port,
                    host=self.host,
                    why=error.strerror or error,
                ),
                tr("choose another port, or 0 for any free one"),
                code="port-taken",
            ) from None
        self._server = server
        return self.port

    def start(self) -> Listener:
        """Answer requests in threads of this process."""
        self.bind()
        self._serving = threading.Thread(
            target=self._server.serve, name=f"listener-{self.port}", daemon=True
        )
        self._serving.start()
        return self

    def stop(self, grace_s: float = 2.0) -> None:
        """Let running requests end within `grace_s` seconds, then close every connection."""
        server, self._server = self._server, None
        if server is None:
            return
        self._wanted_port = int(server.bind_addr[1])
        server.shutdown_timeout = grace_s
        server.wake()
        server.stop()
        if self._serving is not None:
            self._serving.join(grace_s)

    def __enter__(self) -> Listener:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _call(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if self.app is None:
            raise RuntimeError("this listener has no application")
        if not is_local_host(str(environ.get("HTTP_HOST") or "")):
            content = b"this server answers only under a loopback name\n"
            headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(content)))]
            start_response("421 Misdirected Request", headers)
            return [content] if environ["REQUEST_METHOD"] != "HEAD" else []
        return self.app(environ, start_response)


@lru_cache(maxsize=256)
def is_local_host(host: str) -> bool:
    """Whether a Host header names this machine: 127.0.0.0/8, localhost or [::1].

    >>> is_local_host("127.0.0.1:5000"), is_local_host("example.com")
    (True, False)
    """
    name = host.strip().lower()
    if name.startswith("["):
        name = name[1:].partition("]")[0]
    elif name.count(":") == 1:
        name = name.partition(":")[0]
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class _Raw(socket.SocketIO):
    """A socket that can be told to have nothing, so that only buffered bytes are looked at."""

    silent = False

    def readinto(self, buffer: Any) -> int | None:
        return None if self.silent else super().readinto(buffer)


class _Reader(io.BufferedReader):
    """Buffered reading from a socket; cheroot asks `has_data` for pipelined requests."""

    bytes_read = 0
    raw: _Raw

    def has_data(self) -> bool:
        self.raw.silent = True
        try:
            return bool(self.peek(1))
        finally:
            self.raw.silent = False


class _Writer:
    """Unbuffered writing to a socket."""

    bytes_written = 0
    closed = False

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._held: list[bytes] | None = None

    def write(self, content: bytes) -> int:
        if self._held is not None:
            self._held.append(content)
        else:
            self._socket.sendall(content)
        return len(content)

    def hold(self) -> None:
        """Keep what is written until `release`."""
        self._held = []

    def release(self, content: bytes) -> None:
        """Send what was held, and `content` after it, at once."""
        held, self._held = self._held or [], None
        self._socket.sendall(b"".join([*held, content]))

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """The connection closes its socket."""


class _Input:
    """A request's body as it comes from the socket, of known length or chunked."""

    def __init__(self, conn: Any, length: int | None, *, expects_continue: bool) -> None:
        self._conn = conn
        self._file: _Reader = conn.rfile
        self._left = length or 0
        self._is_chunked = length is None
        self._started = False
        self._ended = length == 0
        self._held = expects_continue

    def readinto(self, buffer: memoryview) -> int:
        """Fill some of the buffer; 0 at the end. Raises BodyCut, BadBody."""
        if self._ended or not self._prepare():
            return 0
        count = self._file.readinto1(buffer[: min(len(buffer), self._left)])
        if not count:
            raise BodyCut("the client closed the connection before the body's end")
        self._left -= count
        self._ended = not self._is_chunked and self._left == 0
        return count

    def read(self, size: int = -1) -> bytes:
        """`size` bytes, fewer at the end; all of them when negative (as WSGI asks)."""
        found = bytearray()
        while size < 0 or len(found) < size:
            piece = bytearray(64 * 1024 if size < 0 else min(64 * 1024, size - len(found)))
            count = self.readinto(memoryview(piece))
            if not count:
                break
            found += memoryview(piece)[:count]
        return bytes(found)

    def settle(self) -> bool:
        """Read away what the handler left; False when the connection cannot be used again."""
        if self._held and not self._ended:
            return False
        waste, seen = memoryview(bytearray(64 * 1024)), 0
        while not self._ended and seen < _DRAIN_LIMIT:
            try:
                seen += self.readinto(waste)
            except (BadBody, OSError):
                return False
        return self._ended

    @property
    def is_hopeless(self) -> bool:
        """Whether more is left than `settle` would read."""
        return (self._held and not self._ended) or self._left > _DRAIN_LIMIT

    def _prepare(self) -> bool:
        if self._held:
            self._held = False
            self._conn.wfile.write(_CONTINUE)
        if self._is_chunked and self._left == 0:
            self._next_chunk()
        return not self._ended

    def _next_chunk(self) -> None:
        if self._started and self._line() != b"":
            raise self._bad("a chunk is longer than it says")
        self._started = True
        size_text = self._line().partition(b";")[0].strip()
        try:
            self._left = int(size_text, 16)
        except ValueError:
            raise self._bad("a chunk's size is not a number") from None
        if self._left < 0:
            raise self._bad("a chunk's size is negative")
        if self._left == 0:
            while self._line():
                pass
            self._ended = True

    def _line(self) -> bytes:
        line = self._file.readline(_MAX_LINE)
        if not line.endswith(b"\n"):
            raise BodyCut("the client closed the connection between two chunks")
        return line.rstrip(b"\r\n")

    def _bad(self, why: str) -> BadBody:
        self._held = True
        self._left = 1
        return BadBody(why)


class _HeaderReader(_http.HeaderReader):
    """Takes `Expect` away from cheroot, which would answer it before anybody wants the body."""

    def _allow_header(self, key_name: bytes) -> bool:
        return b"_" not in key_name

    def __call__(self, rfile: Any, hdict: Any | None = None) -> Any:
        headers = super().__call__(rfile, hdict)
        headers.pop(_EXPECT, None)
        if headers.pop(b"Expect", b"").lower() == b"100-continue":
            headers[_EXPECT] = b"1"
        return headers


class _HttpRequest(_http.HTTPRequest):
    header_reader = _HeaderReader()

    def respond(self) -> None:
        """Call the application and write what it answers."""
        expects = self.inheaders.pop(_EXPECT, None) is not None
        length = None if self.chunked_read else int(self.inheaders.get(b"Content-Length", 0))
        self.rfile = _Input(self.conn, length, expects_continue=expects)
        try:
            self.server.gateway(self).respond()
        except Hangup as hangup:
            self._hang_up(hangup)
            return
        if self.ready:
            self.ensure_headers_sent()
        if self.chunked_write:
            self.conn.wfile.write(b"0\r\n\r\n")
        if not self.rfile.settle():
            self.close_connection = True
            self._linger()

    def send_headers(self) -> None:
        """Write the headers, held back until the body's first bytes when both are small."""
        if self.rfile.is_hopeless:
            self.close_connection = True
        super().send_headers()

    def send_together(self, content: bytes) -> None:
        """Headers and a small body in one packet."""
        self.conn.wfile.hold()
        self.ensure_headers_sent()
        self.conn.wfile.release(content)

    def _hang_up(self, hangup: Hangup) -> None:
        self.close_connection = True
        if hangup.reset:
            with suppress(OSError):
                self.conn.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

    def _linger(self) -> None:
        """Let the client read the answer although it is still sending."""
        with suppress(OSError):
            self.conn.socket.shutdown(socket.SHUT_WR)
            self.conn.socket.settimeout(1)
            for _ in range(256):
                if not self.conn.socket.recv(_READ_BUFFER):
                    break


class _Connection(_http.HTTPConnection):
    RequestHandlerClass = _HttpRequest

    def __init__(self, server: Any, sock: socket.socket, makefile: Any = None) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(server, sock, _open_stream)
        self._readable = select.poll()
        self._readable.register(sock, select.POLLIN)

    def communicate(self) -> bool:
        """Answer requests as long as the next one comes at once; whether to keep the connection.

        Handing a connection back to cheroot's loop and out to a thread again costs more than a
        small request does, so a thread that nobody waits for stays with its client for a moment.
        """
        while super().communicate():  # type: ignore[no-untyped-call]
            if not self._has_next():
                return True
        return False

    def _has_next(self) -> bool:
        if self.server.requests.qsize or not self.server.ready:
            return False
        return self.rfile.has_data() or bool(self._readable.poll(_NEXT_REQUEST_MS))


def _open_stream(sock: socket.socket, mode: str, _size: int) -> _Reader | _Writer:
    return _Reader(_Raw(sock, "rb"), _READ_BUFFER) if "r" in mode else _Writer(sock)


class _FileBody:
    """What `wsgi.file_wrapper` gives: the gateway sends it by sendfile."""

    def __init__(self, part: FilePart) -> None:
        self.part = part


class _Gateway(_wsgi.Gateway_10):
    def __init__(self, req: Any) -> None:
        super().__init__(req)
        self.env["wsgi.file_wrapper"] = _FileBody

    def respond(self) -> None:
        body = self.req.server.wsgi_app(self.env, self.start_response)
        if not isinstance(body, _FileBody):
            self._send_pieces(body)
            return
        with body.part.path.open("rb") as file:
            self.req.ensure_headers_sent()
            if body.part.size:
                self.req.conn.socket.sendfile(file, body.part.offset, body.part.size)

    def _send_pieces(self, body: Iterable[bytes]) -> None:
        whole = body[0] if isinstance(body, (tuple, list)) and len(body) == 1 else None
        if whole is not None and self.remaining_bytes_out == len(whole):
            self.req.send_together(whole)
            return
        try:
            for piece in body:
                if piece:
                    self.write(piece)
            self.req.ensure_headers_sent()
        except Hangup:
            self.req.ensure_headers_sent()
            raise
        finally:
            if hasattr(body, "close"):
                body.close()


class _Server(_wsgi.Server):
    ConnectionClass = _Connection
    keep_alive_conn_limit = 4096
    max_request_header_size = 64 * 1024
    expiration_interval = 0.1

    def __init__(self, address: tuple[str, int], app: WsgiApp, numthreads: int) -> None:
        super().__init__(
            address,
            app,
            numthreads=numthreads,
            server_name="longshore-embedded",
            request_queue_size=512,
            timeout=_IDLE_S,
        )
        self.gateway = _Gateway
        self.requests._force_close = _close_both_ways

    @staticmethod
    def bind_socket(socket_: socket.socket, bind_addr: tuple[str, int]) -> socket.socket:
        """Bind; a socket that cannot be bound is closed (cheroot leaves it open)."""
        try:
            socket_.bind(bind_addr)
        except OSError:
            socket_.close()
            raise
        return socket_

    def put_conn(self, conn: Any) -> None:
        """Keep an idle connection; it is closed if the server stopped at this very moment."""
        try:
            super().put_conn(conn)
        except (ValueError, KeyError, OSError):
            conn.close()

    def wake(self) -> None:
        """Let `stop` find an ended loop, which else looks up only after `expiration_interval`."""
        self._connections._stop_requested = True  # type: ignore[attr-defined]
        with suppress(OSError), socket.create_connection(self.bind_addr, timeout=1):
            pass

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        log.log(level, "%s", msg, exc_info=traceback)


def _close_both_ways(conn: Any) -> None:
    if conn is not None:
        with suppress(OSError):
            conn.socket.shutdown(socket.SHUT_RDWR)
