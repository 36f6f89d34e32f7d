"""A blob on its way in: redirect, range, and neither a byte too few nor one too many. I/O.

Only sizes are checked here; whether the bytes have the right digest is for whoever hashes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.errors import ContentError, RegistryError, Side
from longshore.oci.digest import short
from longshore.oci.distribution import blob_path
from longshore.oci.manifest import Descriptor
from longshore.remote.session import Session
from longshore.remote.transport import Answer, Request
from longshore.text import tr

_CONTENT_RANGE = re.compile(r"bytes (\d+)-")


class RemoteBlob:
    """A BlobStream over an answer. `size` is what the server announced from `offset` on, or None.

    `skip` bytes are read and dropped first, for servers that ignore a Range.
    """

    def __init__(self, answer: Answer, blob: Descriptor, session: Session, offset: int, skip: int):
        self.size = None if answer.length is None else answer.length - skip
        self._answer = answer
        self._blob = blob
        self._session = session
        self._expected = blob.size - offset
        self._skip = skip

    def chunks(self) -> Iterator[memoryview]:
        """Pieces of at most CHUNK bytes.

        Raises ContentError: `blob-truncated` (temporary: open again at the offset reached) or
        `blob-too-long`, the latter before the surplus is handed out.
        """
        arrived = 0
        try:
            for piece in self._pieces():
                arrived += len(piece)
                if arrived > self._expected:
                    raise self._too_long(arrived)
                self._session.traffic.add_received(len(piece))
                yield piece
        except RegistryError as error:
            if error.code not in _CUT:
                raise
            raise self._truncated(arrived, error.what) from None
        finally:
            self.close()
        if arrived < self._expected:
            raise self._truncated(arrived, "")

    def close(self) -> None:
        """Give the connection back; safe to call twice."""
        self._answer.close()

    def _pieces(self) -> Iterator[memoryview]:
        skip = self._skip
        for piece in self._answer.chunks():
            dropped = min(skip, len(piece))
            skip -= dropped
            if dropped < len(piece):
                yield piece[dropped:]

    def _truncated(self, arrived: int, why: str) -> ContentError:
        return ContentError(
            tr(
                "blob {digest} ended after {arrived} of {expected} bytes",
                digest=short(self._blob.digest),
                arrived=arrived,
                expected=self._expected,
            )
            + (f" ({why})" if why else ""),
            tr("run the same command again; it resumes"),
            side=self._session.side,
            request=self._answer.request.shown,
            temporary=True,
            code="blob-truncated",
        )

    def _too_long(self, arrived: int) -> ContentError:
        return too_long(self._blob, arrived, self._session.side, self._answer.request.shown)


_CUT = frozenset({"connection-broken", "timeout", "tls"})


def too_long(blob: Descriptor, size: int, side: Side, request: str) -> ContentError:
    """The error for more bytes than a blob has."""
    return ContentError(
        tr(
            "blob {digest} has more than its {expected} bytes (at least {size})",
            digest=short(blob.digest),
            expected=blob.size,
            size=size,
        ),
        tr("nothing was written; the registry or a proxy serves wrong content"),
        side=side,
        request=request,
        code="blob-too-long",
    )


def open_remote_blob(
    session: Session, repository: str, blob: Descriptor, offset: int, scopes: tuple[str, ...]
) -> RemoteBlob:
    """GET a blob from `offset` on. Raises RegistryError, ContentError, LoginError, LimitError."""
    headers = {"Range": f"bytes={offset}-"} if offset else {}
    request = Request("GET", blob_path(repository, blob.digest), headers, stream=True)
    answer = session.send(request, scopes, accept=(416,) if offset else ())
    if answer.status == 416:
        raise _ends_early(answer, blob, offset, session.side)
    skip = 0 if not offset else _to_skip(answer, offset)
    announced = answer.length
    if announced is not None and announced - skip > blob.size - offset:
        answer.close()
        raise too_long(blob, announced + offset - skip, session.side, answer.request.shown)
    return RemoteBlob(answer, blob, session, offset, skip)


def _ends_early(answer: Answer, blob: Descriptor, offset: int, side: Side) -> ContentError:
    """The registry has no byte at the offset: it holds less than the blob's size."""
    answer.close()
    return ContentError(
        tr(
            "blob {digest} has {size} bytes, the manifest says {expected}",
            digest=short(blob.digest),
            size=offset,
            expected=blob.size,
        ),
        tr("nothing was written; re-push the image, or leave the tag out"),
        side=side,
        status=answer.status,
        request=answer.request.shown,
        code="blob-truncated",
    )


def _to_skip(answer: Answer, offset: int) -> int:
    """How many bytes precede the wanted ones: none after a 206 that starts there, else all."""
    if answer.status != 206:
        return offset
    start = _CONTENT_RANGE.match(answer.headers.get("content-range", ""))
    begins = int(start[1]) if start else offset
    if begins > offset:
        answer.close()
        raise ContentError(
            tr("{host} sent another part of a blob than asked for", host=answer.request.host),
            tr("run the same command again"),
            request=answer.request.shown,
            temporary=True,
            code="blob-truncated",
        )
    return offset - begins
