"""Refusals as each of AWS's wire protocols words them: JSON, query (XML), CBOR. Pure.

A client asks in one protocol and only understands an error in the same one.
"""

from __future__ import annotations

import json
from enum import Enum
from xml.sax.saxutils import escape

from longshore.embedded.sigv4 import Rejected

NOT_OFFERED = "NotImplementedByEmbeddedServer"


class Protocol(Enum):
    """How a client speaks."""

    JSON = "json"
    QUERY = "query"
    CBOR = "cbor"


class AwsRefusal(Exception):
    """A refusal with AWS's name for it; `fields` are further members of the error's shape."""

    def __init__(
        self, code: str, message: str, status: int = 400, **fields: str | int | None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.fields = {name: value for name, value in fields.items() if value is not None}


def not_offered(what: str) -> AwsRefusal:
    """The refusal of a service or an operation that the stand-in does not have."""
    return AwsRefusal(NOT_OFFERED, f"The embedded AWS endpoint does not have {what} yet.", 501)


_JSON_CODES = {
    Rejected.MISSING: ("MissingAuthenticationTokenException", 400),
    Rejected.INCOMPLETE: ("IncompleteSignatureException", 400),
    Rejected.UNKNOWN_KEY: ("UnrecognizedClientException", 400),
    Rejected.EXPIRED_KEY: ("ExpiredTokenException", 400),
    Rejected.MISMATCH: ("InvalidSignatureException", 400),
    Rejected.STALE: ("InvalidSignatureException", 400),
}
_QUERY_CODES = {
    Rejected.MISSING: ("MissingAuthenticationToken", 403),
    Rejected.INCOMPLETE: ("IncompleteSignature", 400),
    Rejected.UNKNOWN_KEY: ("InvalidClientTokenId", 403),
    Rejected.EXPIRED_KEY: ("ExpiredToken", 403),
    Rejected.MISMATCH: ("SignatureDoesNotMatch", 403),
    Rejected.STALE: ("SignatureDoesNotMatch", 403),
}


def refuse_signature(rejected: Rejected, protocol: Protocol) -> AwsRefusal:
    """A bad signature, in the words of the protocol's services."""
    codes = _QUERY_CODES if protocol is Protocol.QUERY else _JSON_CODES
    code, status = codes[rejected.reason]
    return AwsRefusal(code, str(rejected), status)


def protocol_of(headers: dict[str, str], query: str, body: bytes) -> Protocol:
    """How the request speaks; headers have lower-case names."""
    if headers.get("smithy-protocol") == "rpc-v2-cbor":
        return Protocol.CBOR
    if "x-amz-target" in headers:
        return Protocol.JSON
    form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return Protocol.QUERY if (form and b"Action=" in body) or "Action=" in query else Protocol.JSON


def error_body(refusal: AwsRefusal, protocol: Protocol, request_id: str) -> tuple[str, bytes]:
    """Content type and body of the refusal."""
    if protocol is Protocol.QUERY:
        kind = "Sender" if refusal.status < 500 else "Receiver"
        text = (
            '<ErrorResponse xmlns="http://webservices.amazon.com/AWSFault/2005-15-09">\n'
            f"  <Error>\n    <Type>{kind}</Type>\n    <Code>{escape(refusal.code)}</Code>\n"
            f"    <Message>{escape(refusal.message)}</Message>\n  </Error>\n"
            f"  <RequestId>{escape(request_id)}</RequestId>\n</ErrorResponse>\n"
        )
        return "text/xml", text.encode()
    members = {"__type": refusal.code, "message": refusal.message, **refusal.fields}
    if protocol is Protocol.CBOR:
        texts = {name: str(value) for name, value in members.items()}
        return "application/cbor", _cbor_texts(texts)
    return "application/x-amz-json-1.1", json.dumps(members).encode()


def _cbor_texts(members: dict[str, str]) -> bytes:
    """A map of short texts (RFC 8949 section 3.1, major types 3 and 5)."""
    found = bytearray([0xA0 | len(members)])
    for text in (part for pair in members.items() for part in pair):
        encoded = text.encode()
        found += bytes([0x79]) + len(encoded).to_bytes(2, "big") + encoded
    return bytes(found)
