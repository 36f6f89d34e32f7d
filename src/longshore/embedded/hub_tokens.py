"""Tokens of the embedded Docker Hub, and the addresses that it signs for its CDN. I/O.

The token specification of the distribution project: a client asks the realm for scopes and gets a
token that names those it was granted. Signed with a key in the data folder, so that it outlives the
process; its time is the stand-in's clock.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from longshore.embedded.state import write_private

TOKEN_LIFETIME_S = 300
URL_LIFETIME_S = 1200
_SCOPE = re.compile(r"repository(?:\([a-z0-9]+\))?:(?P<name>[^:]+):(?P<actions>[a-z*,]+)\Z")


@dataclass(frozen=True)
class Claims:
    """Whose token it is ("" for nobody's) and what it allows: repository -> actions."""

    user: str
    access: dict[str, tuple[str, ...]]
    expires: float


def wanted_access(scopes: Iterable[str]) -> dict[str, set[str]]:
    """The scopes of a token request; a parameter may hold several, parted by spaces.

    >>> wanted_access(["repository:acme/shop:pull,push"])["acme/shop"] == {"pull", "push"}
    True
    """
    wanted: dict[str, set[str]] = {}
    for text in (part for scope in scopes for part in scope.split()):
        match = _SCOPE.match(text)
        if match is not None:
            wanted.setdefault(match["name"], set()).update(match["actions"].split(","))
    return wanted


class HubSigner:
    """Makes and checks tokens and CDN addresses."""

    def __init__(self, key_file: Path) -> None:
        if not key_file.exists():
            write_private(key_file, secrets.token_hex(32))
        self._key = key_file.read_text("ascii").strip().encode()
        self._claims_of = lru_cache(maxsize=256)(self._read)

    def make_token(self, claims: Claims) -> str:
        """The token's text."""
        content = {"user": claims.user, "access": claims.access, "exp": claims.expires}
        text = base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
        return f"hub.{text}.{self._sign('token', text)}"

    def read_token(self, token: str, now: float) -> Claims | None:
        """What the token says; None when it is not ours or has expired."""
        claims = self._claims_of(token)
        return claims if claims is not None and claims.expires > now else None

    def _read(self, token: str) -> Claims | None:
        head, _, rest = token.partition(".")
        text, _, signature = rest.partition(".")
        if head != "hub" or not self._is_ours("token", text, signature):
            return None
        try:
            found: dict[str, Any] = json.loads(
                base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            )
        except (ValueError, binascii.Error):
            return None
        access = {name: tuple(actions) for name, actions in found["access"].items()}
        return Claims(str(found["user"]), access, float(found["exp"]))

    def blob_query(self, digest: str, now: float) -> str:
        """The query that lets anyone GET the blob for a while."""
        expires = str(int(now) + URL_LIFETIME_S)
        return urlencode({"expires": expires, "verify": self._sign("blob", f"{digest} {expires}")})

    def may_fetch(self, digest: str, expires: str, signature: str, now: float) -> bool:
        """Whether the query is ours and still counts."""
        if not self._is_ours("blob", f"{digest} {expires}", signature):
            return False
        return float(expires) > now

    def _is_ours(self, purpose: str, text: str, signature: str) -> bool:
        return hmac.compare_digest(self._sign(purpose, text).encode(), signature.encode())

    def _sign(self, purpose: str, text: str) -> str:
        return hmac.new(self._key, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()
