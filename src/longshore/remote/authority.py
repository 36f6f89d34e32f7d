"""Who we are to one registry: Basic passwords and Bearer tokens, each renewed once for all. I/O.

    unknown --first answer below 400--> open        no Authorization is sent
    unknown or open --401 + challenge--> basic | bearer
    basic | bearer --401, or ECR's 403 "token has expired"--> the same, with a new password or token

Until the registry has answered once, requests go one by one, so that 64 threads meet one challenge
and not 64. Tokens are kept by scope; one thread fetches, the others wait for it. Credentials are
sent to the registry and to the realm that the registry's own challenge names: https, or loopback
when the registry is loopback too.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from longshore.errors import RefusedError, RegistryError, Side
from longshore.facts import Token
from longshore.oci.challenge import Challenge, parse_challenges
from longshore.remote.addresses import is_loopback
from longshore.remote.credentials import REFRESH_USER, CredentialSource
from longshore.remote.refusals import Refused, refusal
from longshore.remote.transport import Answer, Request, Transport
from longshore.text import tr

_CLIENT_ID = "longshore"
_DEFAULT_LIFE_S = 60.0
_LONGEST_MARGIN_S = 30.0
_PASSWORD_MARGIN_S = 3600.0


@dataclass(frozen=True)
class _Header:
    """An Authorization header's value, and the unix time at which to renew it."""

    value: str
    renew_at: float = float("inf")

    def __repr__(self) -> str:
        return f"_Header('***', {self.renew_at})"


class Authority:
    """What to send as Authorization to one registry; safe for many threads.

    `challenge` spares the first refusal where the scheme is known (ECR: Basic). `address` is where
    the registry is really spoken to, when that is not `host` (what stands in for Docker Hub).
    """

    def __init__(
        self,
        host: str,
        transport: Transport,
        credentials: CredentialSource,
        side: Side,
        challenge: Challenge | None = None,
        *,
        address: str = "",
    ) -> None:
        self.host = host
        self._address = address or host
        self.logged_in = False
        self._transport = transport
        self._credentials = credentials
        self._side: Side = side
        self._challenge = challenge
        self._known = challenge is not None
        self._first = threading.Lock()
        self._lock = threading.Lock()
        self._locks: dict[tuple[str, ...], threading.Lock] = {}
        self._headers: dict[tuple[str, ...], _Header] = {}
        self._password: tuple[Token | None, float] | None = None
        self._password_lock = threading.Lock()

    @contextmanager
    def first_request(self) -> Iterator[None]:
        """Let one request go alone as long as the registry has not answered."""
        if self._known:
            yield
            return
        with self._first:
            yield

    def learn(self, answer: Answer) -> str:
        """Take the registry's challenge from its answer; returns the scope that it asks for."""
        header = ", ".join(_all_values(answer, "www-authenticate"))
        known = {one.scheme: one for one in reversed(parse_challenges(header))}
        challenge = known.get("bearer") or known.get("basic")
        if challenge is not None:
            self._challenge = challenge
        self._known = True
        return challenge.scope if challenge is not None else ""

    def answered(self) -> None:
        """The registry has answered: requests may go side by side."""
        self._known = True

    def authorization(self, scopes: tuple[str, ...]) -> str | None:
        """The header's value for these scopes, or None when the registry asks for none so far."""
        challenge = self._challenge
        if challenge is None:
            return None
        return self._header(challenge, scopes, None, "")

    def renewed(self, scopes: tuple[str, ...], used: str | None, wanted: str = "") -> str | None:
        """A value other than `used`, which was refused; None when there is no way to get one.

        `wanted` is the scope that the refusal named.
        """
        challenge = self._challenge
        if challenge is None:
            return None
        return self._header(challenge, scopes, used or "", wanted)

    def _header(
        self, challenge: Challenge, scopes: tuple[str, ...], used: str | None, wanted: str
    ) -> str | None:
        key = scopes if challenge.scheme == "bearer" else ()
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            kept = self._headers.get(key)
            if kept is not None and kept.value != used and kept.renew_at > self._now():
                return kept.value
            fresh_password = used is not None or kept is not None
            fresh: _Header | None
            if challenge.scheme == "bearer":
                fresh = self._fetch(challenge, merge_scopes((*scopes, wanted)), used is not None)
            else:
                fresh = self._basic(fresh_password)
            if fresh is None:
                return None
            self._headers[key] = fresh
            return fresh.value

    def _basic(self, anew: bool) -> _Header | None:
        token, renew_at = self._credential(anew)
        return None if token is None else _Header(_basic_value(token), renew_at)

    def _credential(self, anew: bool) -> tuple[Token | None, float]:
        with self._password_lock:
            if self._password is None or anew or self._password[1] <= self._now():
                now = self._now()
                token = self._credentials(self.host)
                self._password = token, _renew_at(token, now)
                self.logged_in = token is not None
            return self._password

    def _fetch(self, challenge: Challenge, scopes: tuple[str, ...], anew: bool) -> _Header:
        """Ask the realm for a token. Raises LoginError, LimitError, RegistryError."""
        self._check_realm(challenge.realm)
        token, _ = self._credential(anew)
        now = self._now()
        request = _token_request(challenge, scopes, token)
        answer = self._transport.send(request, side=self._side)
        if answer.status != 200:
            raise refusal(
                Refused(
                    answer.status,
                    answer.headers,
                    answer.body,
                    request.shown,
                    self.host,
                    self._side,
                    logged_in=token is not None,
                ),
                now,
            )
        value, life_s = self._read(answer)
        margin = min(_LONGEST_MARGIN_S, life_s / 4)
        return _Header(f"Bearer {value}", now + life_s - margin)

    def _read(self, answer: Answer) -> tuple[str, float]:
        try:
            document: Any = json.loads(answer.body)
            value = str(document.get("token") or document["access_token"])
            life_s = float(document.get("expires_in") or _DEFAULT_LIFE_S)
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
            value, life_s = "", 0.0
        if not value or not value.isascii() or not value.isprintable():
            raise RegistryError(
                tr("the token service of {host} gave no token", host=self.host),
                tr("run the same command again; if it stays so, the registry is broken"),
                side=self._side,
                status=answer.status,
                request=answer.request.shown,
                code="bad-token-answer",
            )
        return value, life_s

    def _check_realm(self, realm: str) -> None:
        parts = urlsplit(realm)
        host, own = parts.netloc.rpartition("@")[2], self._address
        if parts.scheme == "https" and host and (not is_loopback(host) or is_loopback(own)):
            return
        plain = self._transport.may_speak_plain(host) and self._transport.may_speak_plain(own)
        if parts.scheme == "http" and host and plain:
            return
        raise RefusedError(
            tr("{host} wants its password sent to an unsafe address", host=self.host),
            tr("a token service must use https; ask the owner of the registry"),
            code="unsafe-realm",
        )

    def _now(self) -> float:
        return self._transport.timing.now()


def merge_scopes(scopes: tuple[str, ...]) -> tuple[str, ...]:
    """Each resource once, with all its actions.

    >>> merge_scopes(("repository:a:pull", "repository:a:delete,pull", ""))
    ('repository:a:delete,pull',)
    """
    actions: dict[str, set[str]] = {}
    for scope in " ".join(scopes).split():
        resource, _, wanted = scope.rpartition(":")
        actions.setdefault(resource, set()).update(wanted.split(","))
    return tuple(f"{resource}:{','.join(sorted(found))}" for resource, found in actions.items())


def _all_values(answer: Answer, name: str) -> list[str]:
    return [value for key, value in answer.headers.items() if key.lower() == name]


def _renew_at(token: Token | None, now: float) -> float:
    """A password of 12 hours is renewed after 11, a shorter one when a twelfth is left."""
    if token is None or token.expires_at is None:
        return float("inf")
    life_s = token.expires_at.timestamp() - now
    return now + life_s - min(_PASSWORD_MARGIN_S, life_s / 12)


def _basic_value(token: Token) -> str:
    pair = f"{token.username}:{token.password}".encode()
    return "Basic " + base64.b64encode(pair).decode()


def _token_request(challenge: Challenge, scopes: tuple[str, ...], token: Token | None) -> Request:
    """The token specification's GET; with a refresh token OAuth2's POST."""
    common = [("service", challenge.service)] if challenge.service else []
    if token is not None and token.username == REFRESH_USER:
        form = [
            ("grant_type", "refresh_token"),
            ("client_id", _CLIENT_ID),
            ("refresh_token", token.password),
            ("scope", " ".join(scopes)),
        ]
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return Request("POST", challenge.realm, headers, urlencode(common + form).encode())
    query = common + [("scope", scope) for scope in scopes] + [("client_id", _CLIENT_ID)]
    headers = {}
    if token is not None:
        query.append(("account", token.username))
        headers["Authorization"] = _basic_value(token)
    mark = "&" if urlsplit(challenge.realm).query else "?"
    return Request("GET", f"{challenge.realm}{mark}{urlencode(query)}", headers)
