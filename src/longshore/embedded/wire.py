"""Requests and responses as the embedded servers' handlers see them, over WSGI. I/O.

A handler is a function `Request -> Response`. `application` makes a WSGI application of it: bodies
stream in both directions, HEAD answers carry no body, and a handler that breaks answers JSON, never
an HTML page. What happens on the socket is `server.py`'s.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl

CHUNK = 256 * 1024
JSON_LIMIT = 8 * 1024 * 1024
_NO_BODY = {204, 304}

log = logging.getLogger("longshore.embedded")

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WsgiApp = Callable[[Environ, StartResponse], Iterable[bytes]]


class BodyCut(ConnectionError):
    """The client went away in the middle of a request's body."""


class BadBody(Exception):
    """A request's body cannot be read: bad chunk framing, too long, or not JSON."""

    def __init__(self, why: str, status: int = 400) -> None:
        super().__init__(why)
        self.status = status


class Hangup(Exception):
    """End the connection here, whatever the response promised; with `reset`, by a TCP reset."""

    def __init__(self, *, reset: bool = False) -> None:
        super().__init__("hang up")
        self.reset = reset


class ByteStream(Protocol):
    """What a request's body is read from (`wsgi.input`)."""

    def read(self, size: int = ...) -> bytes:
        """At most `size` bytes; fewer only at the end."""
        ...


class Body:
    """A request's body, read once."""

    def __init__(self, stream: ByteStream, length: int | None) -> None:
        self._stream = stream
        self.length = length

    @property
    def is_chunked(self) -> bool:
        """Whether the length is only known at the end."""
        return self.length is None

    def chunks(self, size: int = CHUNK) -> Iterator[memoryview]:
        """Pieces of at most `size` bytes; a piece is only valid until the next one is asked for.

        Raises BodyCut, BadBody.
        """
        read_into: Callable[[memoryview], int] | None = getattr(self._stream, "readinto", None)
        if read_into is None:
            while piece := self._stream.read(size):
                yield memoryview(piece)
            return
        buffer = memoryview(bytearray(min(size, self.length or size)))
        while count := read_into(buffer):
            yield buffer[:count]

    def read(self, limit: int) -> bytes:
        """The whole body. Raises BadBody when it is longer than `limit` bytes."""
        if self.length is not None and self.length > limit:
            raise BadBody("the request's body is too long", 413)
        found = bytearray()
        for piece in self.chunks(64 * 1024):
            found += piece
            if len(found) > limit:
                raise BadBody("the request's body is too long", 413)
        return bytes(found)


@dataclass(eq=False)
class Request:
    """One request. `path` is decoded; `query` holds the first value of each name."""

    method: str
    path: str
    environ: Environ = field(repr=False)
    body: Body = field(repr=False)

    @classmethod
    def from_environ(cls, environ: Environ) -> Request:
        """The request that a WSGI server hands over."""
        path = str(environ.get("PATH_INFO", "/")).encode("latin-1").decode("utf-8", "replace")
        length: int | None = int(environ.get("CONTENT_LENGTH") or 0)
        if environ.get("wsgi.input_terminated"):
            length = None
        return cls(
            str(environ["REQUEST_METHOD"]), path, environ, Body(environ["wsgi.input"], length)
        )

    @cached_property
    def query(self) -> dict[str, str]:
        """The first value of each query parameter."""
        found: dict[str, str] = {}
        for name, value in self.query_pairs:
            found.setdefault(name, value)
        return found

    @cached_property
    def query_pairs(self) -> list[tuple[str, str]]:
        """All query parameters in order."""
        text = str(self.environ.get("QUERY_STRING") or "")
        return parse_qsl(text, keep_blank_values=True) if text else []

    @cached_property
    def headers(self) -> dict[str, str]:
        """All headers, names in lower case."""
        found = {
            name[5:].replace("_", "-").lower(): str(value)
            for name, value in self.environ.items()
            if name.startswith("HTTP_")
        }
        for name, key in (("content-type", "CONTENT_TYPE"), ("content-length", "CONTENT_LENGTH")):
            if self.environ.get(key):
                found[name] = str(self.environ[key])
        return found

    def header(self, name: str) -> str:
        """One header's value, or ""."""
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        return str(self.environ.get(key) or "")

    @property
    def host(self) -> str:
        """The Host header: how the client calls this server."""
        return self.header("host")

    @property
    def remote(self) -> str:
        """The client's address."""
        return str(self.environ.get("REMOTE_ADDR") or "")

    @property
    def is_head(self) -> bool:
        """Whether only the headers are wanted."""
        return self.method == "HEAD"

    def read_json(self, limit: int = JSON_LIMIT) -> Any:
        """The body as JSON. Raises BadBody."""
        try:
            return json.loads(self.body.read(limit))
        except (ValueError, RecursionError) as error:
            raise BadBody(f"the request's body is not JSON: {error}") from None

    def basic_credentials(self) -> tuple[str, str] | None:
        """User and password of an `Authorization: Basic` header, or None."""
        scheme, _, encoded = self.header("authorization").partition(" ")
        if scheme.lower() != "basic":
            return None
        with suppress(ValueError):
            user, colon, password = base64.b64decode(encoded.strip()).decode().partition(":")
            return (user, password) if colon else None
        return None

    def bearer_token(self) -> str:
        """The token of an `Authorization: Bearer` (or Hub's `JWT`) header, or ""."""
        scheme, _, token = self.header("authorization").partition(" ")
        return token.strip() if scheme.lower() in ("bearer", "jwt") else ""


@dataclass(frozen=True)
class FilePart:
    """`size` bytes of a file from `offset` on, sent without passing through Python."""

    path: Path
    size: int
    offset: int = 0

    def chunks(self) -> Iterator[bytes]:
        """The bytes in pieces, for who has to look at them."""
        left = self.size
        with self.path.open("rb") as file:
            file.seek(self.offset)
            while left and (piece := file.read(min(CHUNK, left))):
                left -= len(piece)
                yield piece


@dataclass
class Response:
    """Status, headers and a body: bytes, pieces, or a part of a file.

    `kind` says in one word what was asked for; the access log keeps it.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | FilePart | Iterable[bytes] = b""
    kind: str = ""

    @property
    def size(self) -> int | None:
        """How long the body is, when that is known beforehand."""
        if isinstance(self.body, (bytes, FilePart)):
            return len(self.body) if isinstance(self.body, bytes) else self.body.size
        return None

    def chunks(self) -> Iterable[bytes]:
        """The body in pieces."""
        if isinstance(self.body, bytes):
            return (self.body,) if self.body else ()
        return self.body.chunks() if isinstance(self.body, FilePart) else self.body


Handler = Callable[[Request], Response]


def json_response(
    payload: Any,
    status: int = 200,
    headers: dict[str, str] | None = None,
    content_type: str = "application/json",
    kind: str = "",
) -> Response:
    """A response whose body is JSON."""
    content = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
    return Response(status, {"Content-Type": content_type, **(headers or {})}, content, kind)


def text_response(text: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A response whose body is plain text."""
    return Response(
        status, {"Content-Type": "text/plain; charset=utf-8", **(headers or {})}, text.encode()
    )


def registry_error(
    status: int, code: str, message: str, detail: Any = None, headers: dict[str, str] | None = None
) -> Response:
    """The registry protocol's error body, `{"errors": [{"code", "message", "detail"}]}`."""
    entry: dict[str, Any] = {"code": code, "message": message}
    if detail is not None:
        entry["detail"] = detail
    return json_response({"errors": [entry]}, status, headers)


def application(handler: Handler) -> WsgiApp:
    """The handler as a WSGI application."""

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        request = Request.from_environ(environ)
        return send(request, answer(handler, request), start_response)

    return app


def answer(handler: Handler, request: Request) -> Response:
    """What the handler answers; an error that it did not foresee becomes JSON."""
    try:
        return handler(request)
    except BadBody as error:
        return registry_error(error.status, "BAD_REQUEST", str(error))
    except (Hangup, ConnectionError):
        raise
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        return registry_error(500, "UNKNOWN", "the embedded server failed; its log has the cause")


def send(request: Request, response: Response, start_response: StartResponse) -> Iterable[bytes]:
    """Hand the response to the WSGI server."""
    headers = dict(response.headers)
    size = response.size
    if size is not None and response.status not in _NO_BODY and "Content-Length" not in headers:
        headers["Content-Length"] = str(size)
    start_response(_status_line(response.status), list(headers.items()))
    if request.is_head or response.status in _NO_BODY:
        _close(response.body)
        return ()
    if isinstance(response.body, FilePart):
        wrapper = request.environ.get("wsgi.file_wrapper")
        if wrapper is not None:
            wrapped: Iterable[bytes] = wrapper(response.body)
            return wrapped
    return response.chunks()


def _close(body: Any) -> None:
    if hasattr(body, "close"):
        body.close()


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"
