"""AWS Signature Version 4, checked the way AWS checks it. Pure.

AWS General Reference, "Create a signed AWS API request": canonical request, string to sign,
signing key; in the Authorization header or in the query string (presigned). Who the access key
belongs to is asked of the caller's `find` function; what a refusal looks like on the wire
(JSON or XML) is `aws.py`'s.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote_to_bytes

ALGORITHM = "AWS4-HMAC-SHA256"
MAX_SKEW = timedelta(minutes=5)
MAX_EXPIRES_S = 604_800
UNSIGNED = "UNSIGNED-PAYLOAD"

_CREDENTIAL = re.compile(r"([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request\Z")
_TIME = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Principal:
    """Who signs: an access key with its secret, and the ARN it stands for."""

    access_key: str
    secret_key: str = field(repr=False)
    account: str
    arn: str
    user_id: str
    session_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Signed:
    """A request as it was sent: `path` and `query` raw, header names in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Scope:
    """What a signature is for."""

    access_key: str
    date: str
    region: str
    service: str

    def __str__(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


@dataclass(frozen=True)
class Verified:
    """A request whose signature holds."""

    principal: Principal
    region: str
    service: str


class Rejected(Exception):
    """A signature that does not hold. `reason` is one of the words below."""

    MISSING = "missing"
    INCOMPLETE = "incomplete"
    UNKNOWN_KEY = "unknown-key"
    EXPIRED_KEY = "expired-key"
    MISMATCH = "mismatch"
    STALE = "stale"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


FindPrincipal = Callable[[str], Principal | None]


def verify(
    request: Signed, find: FindPrincipal, now: datetime, key_time: datetime | None = None
) -> Verified:
    """Check the request's signature. Raises Rejected.

    `now` is real time, because clients sign with theirs; `key_time` is when keys expire by, the
    stand-in's own clock.
    """
    claim = read_claim(request)
    principal = _checked_principal(claim, find, key_time or now)
    _check_time(claim, now)
    expected = _signature(request, claim, principal.secret_key)
    if not hmac.compare_digest(expected, claim.signature):
        raise Rejected(
            Rejected.MISMATCH,
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method. "
            "Consult the service documentation for details.",
        )
    return Verified(principal, claim.scope.region, claim.scope.service)


@dataclass(frozen=True)
class Claim:
    """What a request says about its own signature."""

    scope: Scope
    signed_headers: tuple[str, ...]
    signature: str
    time: datetime
    token: str | None
    expires_s: int | None = None

    @property
    def is_presigned(self) -> bool:
        """Whether the signature stands in the query string."""
        return self.expires_s is not None


def read_claim(request: Signed) -> Claim:
    """The signature of a request, from its header or its query string. Raises Rejected."""
    header = request.headers.get("authorization", "")
    query = dict(_query_pairs(request.query))
    if header:
        return _claim_from_header(header, request.headers)
    if "X-Amz-Signature" in query:
        return _claim_from_query(query)
    raise Rejected(Rejected.MISSING, "Missing Authentication Token")


def _claim_from_header(header: str, headers: dict[str, str]) -> Claim:
    algorithm, _, rest = header.partition(" ")
    if algorithm != ALGORITHM:
        raise Rejected(Rejected.MISSING, "Missing Authentication Token")
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    if missing := [
        name for name in ("Credential", "SignedHeaders", "Signature") if name not in parts
    ]:
        raise Rejected(
            Rejected.INCOMPLETE,
            " ".join(f"Authorization header requires '{name}' parameter." for name in missing),
        )
    if "host" not in parts["SignedHeaders"].split(";"):
        raise Rejected(
            Rejected.MISMATCH, "'Host' must be a 'SignedHeader' in the AWS Authorization."
        )
    time = _read_time(headers.get("x-amz-date", ""))
    return Claim(
        _read_scope(parts["Credential"], time),
        tuple(parts["SignedHeaders"].split(";")),
        parts["Signature"],
        time,
        headers.get("x-amz-security-token"),
    )


def _claim_from_query(query: dict[str, str]) -> Claim:
    names = ("X-Amz-Credential", "X-Amz-SignedHeaders", "X-Amz-Date", "X-Amz-Expires")
    if missing := [name for name in names if name not in query]:
        raise Rejected(
            Rejected.INCOMPLETE,
            " ".join(f"AWS query-string parameters must include '{name}'." for name in missing),
        )
    expires = query["X-Amz-Expires"]
    if not expires.isascii() or not expires.isdigit() or int(expires) > MAX_EXPIRES_S:
        raise Rejected(Rejected.INCOMPLETE, "X-Amz-Expires must be a number of at most 604800.")
    time = _read_time(query["X-Amz-Date"])
    return Claim(
        _read_scope(query["X-Amz-Credential"], time),
        tuple(query["X-Amz-SignedHeaders"].split(";")),
        query["X-Amz-Signature"],
        time,
        query.get("X-Amz-Security-Token"),
        int(expires),
    )


def _read_time(text: str) -> datetime:
    try:
        return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
    except ValueError:
        raise Rejected(
            Rejected.INCOMPLETE,
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        ) from None


def _read_scope(credential: str, time: datetime) -> Scope:
    match = _CREDENTIAL.match(credential)
    if match is None:
        raise Rejected(
            Rejected.INCOMPLETE,
            "Credential must have exactly 5 slash-delimited elements, "
            "e.g. keyid/date/region/service/term.",
        )
    scope = Scope(*match.groups())
    if scope.date != time.strftime("%Y%m%d"):
        raise Rejected(
            Rejected.MISMATCH,
            "Credential should be scoped with a valid date: the date in the credential scope "
            "does not match YYYYMMDD from ISO-8601 version of date from HTTP.",
        )
    return scope


def _checked_principal(claim: Claim, find: FindPrincipal, now: datetime) -> Principal:
    principal = find(claim.scope.access_key)
    invalid = "The security token included in the request is invalid."
    if principal is None:
        raise Rejected(Rejected.UNKNOWN_KEY, invalid)
    given, wanted = claim.token or "", principal.session_token or ""
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        raise Rejected(Rejected.UNKNOWN_KEY, invalid)
    if principal.expires_at is not None and principal.expires_at <= now:
        raise Rejected(
            Rejected.EXPIRED_KEY, "The security token included in the request is expired"
        )
    return principal


def _check_time(claim: Claim, now: datetime) -> None:
    lifetime = MAX_SKEW if claim.expires_s is None else timedelta(seconds=claim.expires_s)
    signed, current = claim.time.strftime(_TIME), now.strftime(_TIME)
    if claim.time > now + MAX_SKEW:
        raise Rejected(
            Rejected.STALE,
            f"Signature not yet current: {signed} is still later than "
            f"{(now + MAX_SKEW).strftime(_TIME)} ({current} + 5 min.)",
        )
    if claim.time + lifetime >= now:
        return
    if claim.is_presigned:
        raise Rejected(Rejected.STALE, "Request has expired")
    raise Rejected(
        Rejected.STALE,
        f"Signature expired: {signed} is now earlier than "
        f"{(now - MAX_SKEW).strftime(_TIME)} ({current} - 5 min.)",
    )


# --- the signature itself -----------------------------------------------------------------------


def _signature(request: Signed, claim: Claim, secret_key: str) -> str:
    hashed = hashlib.sha256(canonical_request(request, claim).encode()).hexdigest()
    to_sign = "\n".join([ALGORITHM, claim.time.strftime(_TIME), str(claim.scope), hashed])
    key = f"AWS4{secret_key}".encode()
    for part in (claim.scope.date, claim.scope.region, claim.scope.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, to_sign.encode(), "sha256").hexdigest()


def canonical_request(request: Signed, claim: Claim) -> str:
    """The request in the one form that both sides hash."""
    headers = [(name, request.headers.get(name, "")) for name in claim.signed_headers]
    lines = [f"{name}:{' '.join(value.split())}" for name, value in headers]
    return "\n".join(
        [
            request.method,
            _canonical_path(request.path, claim.scope.service),
            _canonical_query(request.query),
            *lines,
            "",
            ";".join(claim.signed_headers),
            _payload_hash(request, claim),
        ]
    )


def _canonical_path(path: str, service: str) -> str:
    """Segments normalized and encoded once more; S3's paths stay as they were sent."""
    if service == "s3":
        return path or "/"
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            kept = kept[:-1]
        elif segment not in ("", "."):
            kept.append(segment)
    trailing = "/" if path.endswith("/") and kept else ""
    return quote("/" + "/".join(kept) + trailing, safe="/-_.~")


def _canonical_query(query: str) -> str:
    pairs = [
        (_encode(name), _encode(value))
        for name, value in _query_pairs(query)
        if name != "X-Amz-Signature"
    ]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _encode(text: str) -> str:
    return quote(text, safe="-_.~")


def _query_pairs(query: str) -> list[tuple[str, str]]:
    """Names and values decoded; in a signed query a plus sign means itself."""
    pairs = (part.partition("=") for part in query.split("&") if part)
    return [(_decode(name), _decode(value)) for name, _, value in pairs]


def _decode(text: str) -> str:
    return unquote_to_bytes(text).decode("utf-8", "replace")


def _payload_hash(request: Signed, claim: Claim) -> str:
    """Of the body that came, so that a changed body breaks the signature.

    Only S3 lets a client leave its body out of the signature.
    """
    if claim.scope.service == "s3":
        given = request.headers.get("x-amz-content-sha256", "")
        if claim.is_presigned or given == UNSIGNED:
            return UNSIGNED
    return hashlib.sha256(request.body).hexdigest()
