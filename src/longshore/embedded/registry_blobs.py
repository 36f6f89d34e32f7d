"""Blobs of the registry protocol: read, upload in one piece or in many, mount, delete. I/O.

OCI distribution-spec v1.1: "Pulling blobs", "Pushing blobs" (end-2, end-4 to end-6, end-10,
end-11, end-13).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from longshore.embedded.contents import DigestMismatch, UnknownUpload
from longshore.embedded.file_answer import file_answer
from longshore.embedded.registry_rules import Refusal
from longshore.embedded.wire import Response
from longshore.oci.digest import is_digest

if TYPE_CHECKING:
    from longshore.embedded.registry import Call

_CONTENT_RANGE = re.compile(r"(?:bytes[ =])?(\d+)-(\d+)(?:/(?:\d+|\*))?\Z")
_EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def get(call: Call) -> Response:
    """GET or HEAD of a blob: here, or by a redirect to where the bytes are."""
    digest = _checked(call.rest)
    size = call.rules.blob_size(call.repository, digest)
    if size is None:
        raise Refusal(404, "BLOB_UNKNOWN", "blob unknown to registry", detail=digest)
    headers = {"Docker-Content-Digest": digest, "ETag": f'"{digest}"'}
    if not call.request.is_head:
        location = call.rules.blob_location(call.request, call.caller, call.repository, digest)
        if location is not None:
            return Response(307, {**headers, "Location": location})
    headers["Content-Type"] = "application/octet-stream"
    return file_answer(call.request, call.contents.blob_path(digest), size, headers)


def delete(call: Call) -> Response:
    """DELETE of a blob."""
    digest = _checked(call.rest)
    if not call.rules.delete_blob(call.request, call.caller, call.repository, digest):
        raise Refusal(404, "BLOB_UNKNOWN", "blob unknown to registry", detail=digest)
    return Response(202, {"Docker-Content-Digest": digest})


def start(call: Call) -> Response:
    """POST: begin an upload, store a whole blob, or mount one of another repository."""
    query = call.request.query
    if "mount" in query and _mount(call, _checked(query["mount"]), query.get("from", "")):
        return _created(call, query["mount"])
    upload = call.contents.start_upload(call.repository)
    digest = query.get("digest")
    if digest is not None and (call.request.body.length != 0 or digest == _EMPTY):
        _checked(digest)
        call.contents.append_upload(upload, call.request.body.chunks())
        return _finish(call, upload, digest)
    return _progress(call, upload, 0, 202)


def status(call: Call) -> Response:
    """GET of an upload: how many bytes are here."""
    size = _size(call)
    if not call.rules.shows_uploads:
        raise _unknown(call.rest)
    return _progress(call, call.rest, size, 204)


def append(call: Call) -> Response:
    """PATCH of an upload: more bytes, streamed or as a chunk with its range."""
    size = _size(call)
    _check_range(call, size)
    size = call.contents.append_upload(call.rest, call.request.body.chunks())
    if call.rules.range_is_stuck:
        size = next((part for part in call.contents.upload_parts(call.rest) if part), 0)
    return _progress(call, call.rest, size, call.rules.patch_status)


def finish(call: Call) -> Response:
    """PUT of an upload: the last bytes, if any, and the digest of all."""
    size = _size(call)
    digest = _checked(call.request.query.get("digest", ""))
    _check_range(call, size)
    if call.request.body.length != 0:
        call.contents.append_upload(call.rest, call.request.body.chunks())
    return _finish(call, call.rest, digest)


def cancel(call: Call) -> Response:
    """DELETE of an upload."""
    _size(call)
    call.contents.cancel_upload(call.rest)
    return Response(204)


def _mount(call: Call, digest: str, source: str) -> bool:
    if not source:
        return False
    rules, contents = call.rules, call.contents
    if not rules.may_mount(call.request, call.caller, call.repository, digest, source):
        return False
    if not contents.mount_blob(call.repository, digest, source):
        return False
    rules.after_blob(call.request, call.caller, call.repository, digest)
    return True


def _finish(call: Call, upload: str, digest: str) -> Response:
    call.rules.before_finish(call.request, call.caller, upload, digest)
    try:
        call.contents.finish_upload(upload, digest)
    except DigestMismatch as error:
        raise Refusal(
            400,
            "DIGEST_INVALID",
            "provided digest did not match uploaded content",
            detail=error.what,
        ) from None
    except UnknownUpload:
        raise _unknown(upload) from None
    call.rules.after_blob(call.request, call.caller, call.repository, digest)
    return _created(call, digest)


def _created(call: Call, digest: str) -> Response:
    location = f"http://{call.request.host}/v2/{call.repository}/blobs/{digest}"
    return Response(201, {"Location": location, "Docker-Content-Digest": digest})


def _progress(call: Call, upload: str, size: int, code: int) -> Response:
    state = call.contents.upload_size(upload) or 0
    path = f"/v2/{call.repository}/blobs/uploads/{upload}"
    headers = {
        "Location": f"http://{call.request.host}{path}?_state={state:x}",
        "Range": f"0-{max(0, size - 1)}",
        "Docker-Upload-UUID": upload,
    }
    return Response(code, headers)


def _size(call: Call) -> int:
    """How many bytes the upload has. Raises Refusal when it is not this repository's."""
    if call.contents.upload_repository(call.rest) != call.repository:
        raise _unknown(call.rest)
    size = call.contents.upload_size(call.rest)
    if size is None:
        raise _unknown(call.rest)
    return size


def _check_range(call: Call, size: int) -> None:
    """A chunk must begin where the upload ends, and be as long as its range says."""
    text = call.request.header("content-range")
    if not text:
        return
    match = _CONTENT_RANGE.match(text.strip())
    if match is None:
        raise Refusal(400, "BLOB_UPLOAD_INVALID", "Content-Range cannot be read", detail=text)
    first, last = int(match[1]), int(match[2])
    if first != size or last < first:
        location = _progress(call, call.rest, size, 416).headers
        raise Refusal(
            416,
            "BLOB_UPLOAD_INVALID",
            f"the chunk begins at {first}, the upload ends at {size}",
            headers=location,
        )
    length = call.request.body.length
    if length is not None and length != last - first + 1:
        raise Refusal(400, "SIZE_INVALID", "Content-Length and Content-Range do not agree")


def _checked(digest: str) -> str:
    if not is_digest(digest):
        raise Refusal(
            400, "DIGEST_INVALID", "provided digest did not match uploaded content", detail=digest
        )
    return digest


def _unknown(upload: str) -> Refusal:
    return Refusal(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry", detail=upload)
