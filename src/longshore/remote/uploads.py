"""A blob on its way out: POST and one streamed PUT; in parts after a failure. I/O.

Distribution spec end-4a and end-6; parts are end-5. Two requests a blob are the least there is. A
large layer whose PUT broke goes in parts, each kept in memory until it is taken. Offsets are our
own count: ECR answers a part with 201 and a `Range` that stays at the first part, though the bytes
are stored, so what it says there is not believed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urljoin

from longshore.errors import ContentError, LimitError, RegistryError
from longshore.oci.digest import Digest, short
from longshore.oci.distribution import closing_location, uploads_path
from longshore.oci.manifest import Descriptor
from longshore.remote.downloads import too_long
from longshore.remote.session import Session
from longshore.remote.transport import Answer, Request
from longshore.remote.waiting import backoff, seconds_until
from longshore.text import tr

MIB = 1024 * 1024
_OCTETS = {"Content-Type": "application/octet-stream"}


@dataclass(frozen=True)
class UploadOptions:
    """From which size on a broken upload is repeated in parts, and how large a part is.

    ECR takes parts of 5 to 10 MiB, only the last may be smaller, and at most 4,200 of them.
    """

    parts_above: int = 64 * MIB
    part_size: int = 10 * MIB


class Uploads:
    """Stores blobs in one repository; safe for many threads.

    Keeps the sessions that refused mounts have opened, for the upload that follows.
    """

    def __init__(self, session: Session, repository: str, options: UploadOptions) -> None:
        self._session = session
        self._repository = repository
        self._options = options
        self._opened: dict[Digest, str] = {}
        self._lock = threading.Lock()

    def mount(self, blob: Descriptor, source: str, scopes: tuple[str, ...]) -> bool:
        """Ask for a blob of another repository; False (and a kept session) when refused."""
        path = uploads_path(self._repository, mount=blob.digest, source=source)
        answer = self._session.send(Request("POST", path), scopes)
        if answer.status == 201:
            return True
        with self._lock:
            self._opened[blob.digest] = self._location(answer)
        return False

    def upload(
        self,
        blob: Descriptor,
        content: Callable[[], Iterator[memoryview]],
        scopes: tuple[str, ...],
    ) -> None:
        """Send a blob; `content` is called again for each attempt. Raises the last error."""
        transport = self._session.transport
        for attempt in range(transport.patience.attempts):
            location = self._start(blob, scopes)
            in_parts = attempt > 0 and blob.size > self._options.parts_above
            send = self._put_parts if in_parts else self._put_whole
            try:
                send(blob, content, location, scopes)
            except (RegistryError, LimitError) as error:
                pause = self._pause(error, attempt)
                if pause is None:
                    raise
                request = Request("PUT", location)
                transport.wait(request, getattr(error, "status", 429), pause)
            else:
                return

    def _pause(self, error: RegistryError | LimitError, attempt: int) -> float | None:
        """How long to wait before the next attempt; None when there is to be none."""
        patience, timing = self._session.transport.patience, self._session.transport.timing
        if isinstance(error, LimitError):
            asked = seconds_until(error.retry_at, timing.now())
        elif error.side == self._session.side and error.temporary:
            asked = error.retry_after_s
        else:
            return None  # a break of the source is mended there: content() resumes it
        if attempt == patience.attempts - 1 or (asked or 0.0) > patience.longest_wait_s:
            return None
        return backoff(attempt, asked, patience, timing.chance())

    def _start(self, blob: Descriptor, scopes: tuple[str, ...]) -> str:
        with self._lock:
            opened = self._opened.pop(blob.digest, None)
        if opened is not None:
            return opened
        answer = self._session.send(Request("POST", uploads_path(self._repository)), scopes)
        return self._location(answer)

    def _put_whole(
        self,
        blob: Descriptor,
        content: Callable[[], Iterator[memoryview]],
        location: str,
        scopes: tuple[str, ...],
    ) -> None:
        url = closing_location(location, location, blob.digest)
        if blob.size == 0:
            self._session.send(Request("PUT", url, _OCTETS, b"", once=True), scopes)
            return
        exact = _Exact(self._session, blob, content)
        self._session.send(
            Request("PUT", url, _OCTETS, exact.pieces, length=blob.size, once=True), scopes
        )

    def _put_parts(
        self,
        blob: Descriptor,
        content: Callable[[], Iterator[memoryview]],
        location: str,
        scopes: tuple[str, ...],
    ) -> None:
        exact = _Exact(self._session, blob, content)
        offset = 0
        for part in _parts(exact.pieces(), self._options.part_size):
            headers = {**_OCTETS, "Content-Range": f"{offset}-{offset + len(part) - 1}"}
            answer = self._session.send(Request("PATCH", location, headers, part), scopes)
            location = self._location(answer)
            offset += len(part)
        url = closing_location(location, location, blob.digest)
        self._session.send(Request("PUT", url, _OCTETS, b""), scopes)

    def _location(self, answer: Answer) -> str:
        location = answer.headers.get("location")
        if not location:
            raise RegistryError(
                tr("{host} opened an upload without saying where", host=answer.request.host),
                tr("the registry or a proxy before it is broken"),
                side=self._session.side,
                status=answer.status,
                request=answer.request.shown,
                code="bad-upload-answer",
            )

        return urljoin(answer.request.url, location)


class _Exact:
    """Content that must have the blob's very size: a PUT that ends early would wait for ever."""

    def __init__(
        self, session: Session, blob: Descriptor, content: Callable[[], Iterator[memoryview]]
    ) -> None:
        self._session = session
        self._blob = blob
        self._content = content

    def pieces(self) -> Iterator[memoryview]:
        sent = 0
        for piece in self._content():
            sent += len(piece)
            if sent > self._blob.size:
                raise too_long(self._blob, sent, self._session.side, "")
            self._session.traffic.add_sent(len(piece))
            yield piece
        if sent < self._blob.size:
            raise ContentError(
                tr(
                    "blob {digest} ended after {sent} of {size} bytes",
                    digest=short(self._blob.digest),
                    sent=sent,
                    size=self._blob.size,
                ),
                tr("nothing was stored; run the same command again"),
                side="source",
                code="blob-truncated",
            )


def _parts(pieces: Iterator[memoryview], size: int) -> Iterator[bytes]:
    """The same bytes in parts of `size`; only the last is smaller."""
    kept = bytearray()
    for piece in pieces:
        kept += piece
        while len(kept) >= size:
            yield bytes(kept[:size])
            del kept[:size]
    if kept:
        yield bytes(kept)
