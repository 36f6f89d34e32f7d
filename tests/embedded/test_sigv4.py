"""Signature checks, against requests that botocore itself signs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from longshore.embedded.sigv4 import Principal, Rejected, Signed, verify

KEY, SECRET = "AKIALONGSHORETEST000", "it-is-a-secret"
ROOT = Principal(KEY, SECRET, "123456789012", "arn:aws:iam::123456789012:root", "123456789012")
SESSION = replace(
    ROOT, session_token="session", expires_at=datetime(2100, 1, 1, tzinfo=UTC), arn="arn:role"
)


def knows(*principals: Principal) -> Callable[[str], Principal | None]:
    table = {principal.access_key: principal for principal in principals}
    return table.get


def signed(
    method: str = "POST",
    url: str = "http://127.0.0.1:4566/",
    body: bytes = b"{}",
    headers: dict[str, str] | None = None,
    secret: str = SECRET,
    token: str | None = None,
    service: str = "ecr",
    signer: type[Any] = botocore.auth.SigV4Auth,
    **options: Any,
) -> Signed:
    request = AWSRequest(method=method, url=url, data=body, headers=headers or {})
    signer(Credentials(KEY, secret, token), service, "ap-northeast-2", **options).add_auth(request)
    sent = urlsplit(request.url)
    names = {name.lower(): value for name, value in request.headers.items()}
    names.setdefault("host", sent.netloc)
    return Signed(method, sent.path, sent.query, names, body)


def now() -> datetime:
    return datetime.now(UTC)


def refusal(request: Signed, *principals: Principal, at: datetime | None = None) -> Rejected:
    with pytest.raises(Rejected) as caught:
        verify(request, knows(*principals), at or now())
    return caught.value


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"body": b""},
        {"headers": {"X-Amz-Target": "Some.Thing", "Content-Type": "application/x-amz-json-1.1"}},
        {"headers": {"X-Padded": "  a   b  "}},
        {
            "method": "GET",
            "url": "http://127.0.0.1/schedules/a%20b?Name=x%2By&Empty=&B=2&B=1",
            "body": b"",
        },
        {"method": "GET", "url": "http://127.0.0.1/a//b/../c/./d/", "body": b""},
    ],
)
def test_takes_what_botocore_signs(parts: dict[str, Any]) -> None:
    found = verify(signed(**parts), knows(ROOT), now())
    assert (found.region, found.service, found.principal) == ("ap-northeast-2", "ecr", ROOT)


@given(
    st.text("abcXYZ019-_.~ /%+é", max_size=20),
    st.dictionaries(
        st.text("ab c+é&=", min_size=1, max_size=5), st.text("xy z/+%é&=", max_size=5), max_size=3
    ),
    st.binary(max_size=30),
)
def test_any_path_query_and_body(path: str, query: dict[str, str], body: bytes) -> None:
    from urllib.parse import quote, urlencode

    url = f"http://127.0.0.1/{quote(path)}?{urlencode(query, quote_via=quote)}"
    assert verify(signed("PUT", url, body), knows(ROOT), now())


def test_presigned() -> None:
    options: dict[str, Any] = {"signer": botocore.auth.SigV4QueryAuth, "expires": 60}
    request = signed("GET", "http://127.0.0.1/?Action=GetCallerIdentity", b"", **options)
    assert verify(request, knows(ROOT), now()).service == "ecr"
    assert str(refusal(request, ROOT, at=now() + timedelta(seconds=62))) == "Request has expired"
    tampered = replace(request, query=request.query.replace("Caller", "Other"))
    assert refusal(tampered, ROOT).reason == Rejected.MISMATCH


def test_presigned_for_s3_leaves_the_body_out() -> None:
    options: dict[str, Any] = {"signer": botocore.auth.S3SigV4QueryAuth, "expires": 60}
    request = signed("GET", "http://127.0.0.1/a%2Bb/c//d", b"", service="s3", **options)
    assert verify(replace(request, body=b"x"), knows(ROOT), now()).service == "s3"


@pytest.mark.parametrize(
    "change",
    [
        {"body": b"{ }"},
        {"method": "PUT"},
        {"path": "/other"},
        {"query": "a=1"},
    ],
)
def test_a_changed_request_does_not_verify(change: dict[str, Any]) -> None:
    found = refusal(replace(signed(), **change), ROOT)
    assert found.reason == Rejected.MISMATCH
    assert "signature we calculated does not match" in str(found)


def test_a_false_hash_of_the_body_does_not_help() -> None:
    request = signed(headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    assert refusal(replace(request, body=b"other"), ROOT).reason == Rejected.MISMATCH


def test_wrong_secret_and_unknown_key() -> None:
    assert refusal(signed(secret="other"), ROOT).reason == Rejected.MISMATCH
    unknown = refusal(signed())
    assert unknown.reason == Rejected.UNKNOWN_KEY
    assert str(unknown) == "The security token included in the request is invalid."


def test_sessions() -> None:
    assert verify(signed(token="session"), knows(SESSION), now()).principal.arn == "arn:role"
    assert refusal(signed(), SESSION).reason == Rejected.UNKNOWN_KEY
    assert refusal(signed(token="other"), SESSION).reason == Rejected.UNKNOWN_KEY
    assert refusal(signed(token="session"), ROOT).reason == Rejected.UNKNOWN_KEY
    ended = replace(SESSION, expires_at=now())
    found = refusal(signed(token="session"), ended)
    assert found.reason == Rejected.EXPIRED_KEY
    assert str(found) == "The security token included in the request is expired"


def test_time() -> None:
    request = signed()
    assert verify(request, knows(ROOT), now() + timedelta(minutes=4))
    late = refusal(request, ROOT, at=now() + timedelta(minutes=6))
    assert late.reason == Rejected.STALE
    assert str(late).startswith("Signature expired: ")
    assert "is now earlier than" in str(late)
    assert str(late).endswith("- 5 min.)")
    early = refusal(request, ROOT, at=now() - timedelta(minutes=6))
    assert str(early).startswith("Signature not yet current: ")


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, Rejected.MISSING),
        ({"authorization": "Basic QVdTOng="}, Rejected.MISSING),
        ({"authorization": "AWS4-HMAC-SHA256 Credential=x"}, Rejected.INCOMPLETE),
        (
            {
                "authorization": "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0",
                "x-amz-date": "20261123T000000Z",
            },
            Rejected.INCOMPLETE,
        ),
        (
            {
                "authorization": "AWS4-HMAC-SHA256 Credential=a/20261123/r/s/aws4_request, "
                "SignedHeaders=host, Signature=0",
                "x-amz-date": "yesterday",
            },
            Rejected.INCOMPLETE,
        ),
        (
            {
                "authorization": "AWS4-HMAC-SHA256 Credential=a/20261122/r/s/aws4_request, "
                "SignedHeaders=host, Signature=0",
                "x-amz-date": "20261123T000000Z",
            },
            Rejected.MISMATCH,
        ),
        (
            {
                "authorization": "AWS4-HMAC-SHA256 Credential=a/20261123/r/s/aws4_request, "
                "SignedHeaders=x-amz-date, Signature=0",
                "x-amz-date": "20261123T000000Z",
            },
            Rejected.MISMATCH,
        ),
    ],
)
def test_malformed(headers: dict[str, str], reason: str) -> None:
    assert refusal(Signed("POST", "/", "", headers, b""), ROOT).reason == reason


def test_secrets_are_not_shown() -> None:
    assert SECRET not in repr(ROOT)
    assert "session'" not in repr(SESSION)
