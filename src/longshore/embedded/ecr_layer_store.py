"""The place that ECR sends clients to for a layer's bytes: S3's stand-in, on another port. I/O.

Like S3 it takes the signature in the address and nothing else: a request that still carries the
registry's Authorization header is refused, and so is an address that is older than an hour.
"""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

from longshore.embedded.ecr_state import Ecr, Region
from longshore.embedded.file_answer import file_answer
from longshore.embedded.wire import Request, Response
from longshore.oci.digest import is_digest

_PATH = re.compile(r"/prod-(?P<region>[a-z0-9-]+)-starport-layer-bucket/\d+/(?P<digest>[^/]+)\Z")
_TWO_MECHANISMS = (
    "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query "
    "string parameter or the Authorization header should be specified"
)
_MESSAGES = {
    "AccessDenied": "Request has expired",
    "SignatureDoesNotMatch": "The request signature we calculated does not match the signature "
    "you provided. Check your key and signing method.",
}


def download_url(region: Region, digest: str) -> str:
    """The address where a layer's bytes are for an hour."""
    path = f"/prod-{region.name}-starport-layer-bucket/{region.account}/{digest}"
    query = region.ecr.signer.download_query(path, region.ecr.clock.now())
    return f"{region.ecr.layers_origin}{path}?{query}"


class LayerStore:
    """Answers GETs of signed addresses."""

    def __init__(self, ecr: Ecr) -> None:
        self._ecr = ecr

    def answer(self, request: Request) -> Response:
        """Bytes, or an S3 error in XML."""
        if request.header("authorization"):
            return _error(400, "InvalidArgument", _TWO_MECHANISMS)
        if request.method not in ("GET", "HEAD"):
            return _error(405, "MethodNotAllowed", "The specified method is not allowed")
        code = self._ecr.signer.check_download(
            request.path, request.method, request.query, self._ecr.clock.now()
        )
        if code:
            return _error(403, code, _MESSAGES[code])
        found = _PATH.match(request.path)
        if found is None or not is_digest(found["digest"]):
            return _missing()
        contents = self._ecr.region(found["region"]).contents
        path = contents.blob_path(found["digest"])
        if not contents.has_blob(found["digest"]) or not path.is_file():
            return _missing()
        headers = {"Content-Type": "application/octet-stream"}
        return file_answer(request, path, path.stat().st_size, headers)


def _missing() -> Response:
    return _error(404, "NoSuchKey", "The specified key does not exist.")


def _error(status: int, code: str, message: str) -> Response:
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    )
    return Response(status, {"Content-Type": "application/xml"}, text.encode(), code)
