"""A file as an HTTP answer, whole or a range of it. I/O.

RFC 9110 section 14: one byte range; anything else in a Range header is answered with the whole.
"""

from __future__ import annotations

import re
from pathlib import Path

from longshore.embedded.wire import FilePart, Request, Response

_RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z")


def file_answer(request: Request, path: Path, size: int, headers: dict[str, str]) -> Response:
    """200 with the file, 206 with the range that the client wants, or 416."""
    headers = {"Accept-Ranges": "bytes", **headers}
    wanted = wanted_range(request.header("range"), size)
    if wanted is None:
        return Response(200, headers, FilePart(path, size))
    first, last = wanted
    if first > last:
        return Response(416, {**headers, "Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return Response(206, headers, FilePart(path, last - first + 1, first))


def wanted_range(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte of a Range header; None for the whole, first > last for no byte.

    >>> wanted_range("bytes=2-", 10), wanted_range("bytes=-3", 10), wanted_range("bytes=20-", 10)
    ((2, 9), (7, 9), (20, 9))
    """
    match = _RANGE.match(header.strip())
    if match is None or match[0] == "bytes=-":
        return None
    if not match[1]:
        return max(0, size - int(match[2])), size - 1 if int(match[2]) else -1
    last = min(int(match[2]), size - 1) if match[2] else size - 1
    return int(match[1]), last
