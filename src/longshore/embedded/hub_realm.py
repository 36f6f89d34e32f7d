"""Where clients of the embedded Docker Hub log in: the registry's token realm, the web API. I/O.

The distribution project's token specification, and the two logins of Docker's published API. A
repository that the client may not see gets no scope, whether it is there or not.
"""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from longshore.embedded.hub_tokens import TOKEN_LIFETIME_S, Claims, wanted_access
from longshore.embedded.wire import Request, Response, json_response

if TYPE_CHECKING:
    from longshore.embedded.hub import Hub

JWT_LIFETIME_S = 24 * 3600
API = ""
"""What a token of the web API is for, where a registry token has names of repositories."""
_FORM_LIMIT = 64 * 1024


class HubRealm:
    """Gives tokens to the one account, and to anybody."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._contents = hub.contents

    def token(self, request: Request) -> Response:
        """A registry token: GET, perhaps with Basic credentials, or POST with a form."""
        if request.method not in ("GET", "HEAD", "POST"):
            return json_response({"details": "method not allowed"}, 405, kind="token")
        given, asked = _given(request)
        if given is not None and not self._is_account(*given):
            return json_response({"details": "incorrect username or password"}, 401, kind="token")
        user = given[0] if given else ""
        wanted = wanted_access(value for name, value in asked if name == "scope")
        access = {name: self._granted(user, name, actions) for name, actions in wanted.items()}
        now = self._contents.clock.now()
        expires = now.timestamp() + TOKEN_LIFETIME_S
        token = self._hub.signer.make_token(Claims(user, access, expires))
        answer = {
            "token": token,
            "access_token": token,
            "expires_in": TOKEN_LIFETIME_S,
            "issued_at": json_time(now),
        }
        return json_response(answer, kind="token")

    def login(self, request: Request) -> Response:
        """A token of the web API."""
        body = request.read_json()
        body = body if isinstance(body, dict) else {}
        user = str(body.get("username") or body.get("identifier") or "")
        password = str(body.get("password") or body.get("secret") or "")
        if request.method != "POST" or not self._is_account(user, password):
            return json_response({"detail": "Incorrect authentication credentials"}, 401)
        expires = self._contents.clock.timestamp() + JWT_LIFETIME_S
        token = self._hub.signer.make_token(Claims(user, {API: ("read",)}, expires))
        return json_response({"token": token, "access_token": token}, kind="login")

    def _granted(self, user: str, repository: str, asked: set[str]) -> tuple[str, ...]:
        hub = self._hub
        if not hub.may_see(user, repository):
            return ()
        allowed = {"pull"} | ({"push", "delete", "*"} if hub.owns(user, repository) else set())
        return tuple(sorted(asked & allowed))

    def _is_account(self, user: str, password: str) -> bool:
        known = self._hub.options
        given = password.encode("utf-8", "surrogatepass")  # JSON may hold halves of a character
        same = hmac.compare_digest(given, known.password.encode())
        return bool(known.user) and user == known.user and same


def json_time(moment: datetime) -> str:
    """A time as the Hub writes it.

    >>> from datetime import UTC
    >>> json_time(datetime(2026, 1, 2, 3, 4, 5, 6, UTC))
    '2026-01-02T03:04:05.000006Z'
    """
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _given(request: Request) -> tuple[tuple[str, str] | None, list[tuple[str, str]]]:
    """User and password, None for an anonymous client, and the parameters."""
    if request.method == "POST":
        text = request.body.read(_FORM_LIMIT).decode("utf-8", "replace")
        form = dict(asked := parse_qsl(text))
        return (form.get("username", ""), form.get("password", "")), asked
    if not request.header("authorization"):
        return None, request.query_pairs
    return request.basic_credentials() or ("", ""), request.query_pairs
