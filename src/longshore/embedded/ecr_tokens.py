"""Registry passwords and download addresses of the embedded ECR: made and checked. I/O.

A password says whose it is, for which region, and until when, and is signed with a key that lies
in the data directory, so that it outlives the process. Addresses of layers are signed the same
way; they look like the presigned S3 addresses that ECR redirects to.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

TOKEN_LIFETIME = timedelta(hours=12)
DOWNLOAD_LIFETIME = timedelta(hours=1)
USER = "AWS"
_TIME = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Password:
    """What a registry password says."""

    access_key: str
    account: str
    region: str
    expires_at: datetime


class Signer:
    """Makes and checks what this data directory hands out."""

    def __init__(self, key_file: Path) -> None:
        self._key = _read_key(key_file)

    def make_password(self, password: Password) -> str:
        """The password's text."""
        claims = {
            "access_key": password.access_key,
            "account": password.account,
            "region": password.region,
            "expires": password.expires_at.timestamp(),
        }
        text = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        return f"{text}.{self._sign('password', text)}"

    def read_password(self, text: str) -> Password | None:
        """What the password says, or None when it is not one of ours. It may have expired."""
        claims, _, signature = text.partition(".")
        if not hmac.compare_digest(signature.encode(), self._sign("password", claims).encode()):
            return None
        try:
            found = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        except (ValueError, binascii.Error):
            return None
        return Password(
            found["access_key"],
            found["account"],
            found["region"],
            datetime.fromtimestamp(found["expires"], UTC),
        )

    def download_query(self, path: str, now: datetime) -> str:
        """The query string that lets anyone GET the path for an hour."""
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Date": now.strftime(_TIME),
            "X-Amz-Expires": str(int(DOWNLOAD_LIFETIME.total_seconds())),
            "X-Amz-SignedHeaders": "host",
        }
        text = f"{path}?{urlencode(query)}"
        return urlencode({**query, "X-Amz-Signature": self._sign("download", text)})

    def check_download(self, path: str, method: str, query: dict[str, str], now: datetime) -> str:
        """Nothing when the address holds, else S3's word for what is wrong with it.

        An address that was signed for GET is good for nothing else.
        """
        given = dict(query)
        signature = given.pop("X-Amz-Signature", "")
        text = f"{path}?{urlencode(given)}"
        expected = self._sign("download", text)
        if method != "GET" or not hmac.compare_digest(signature.encode(), expected.encode()):
            return "SignatureDoesNotMatch"
        made = datetime.strptime(given["X-Amz-Date"], _TIME).replace(tzinfo=UTC)
        lifetime = timedelta(seconds=int(given["X-Amz-Expires"]))
        return "AccessDenied" if now > made + lifetime else ""

    def _sign(self, purpose: str, text: str) -> str:
        return hmac.new(self._key, f"{purpose}\n{text}".encode(), hashlib.sha256).hexdigest()


def _read_key(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        key = path.read_bytes()
        if len(key) == 32:
            return key
        path.unlink()
        return _read_key(path)
    with os.fdopen(descriptor, "wb") as file:
        key = secrets.token_bytes(32)
        file.write(key)
    return key
