"""One registry's requests: who we are, redirects, and refusals as errors. I/O.

Authorization goes only to the registry's own origin; after a redirect elsewhere it is dropped
(a signed address refuses two ways to log in, and a stranger must not see it). A challenge counts
only when the registry itself sent it. At most five redirects, never from https to http.
"""

from __future__ import annotations

import dataclasses
import re
from urllib.parse import urljoin, urlsplit

from longshore.errors import LongshoreError, RegistryError, Side
from longshore.remote.addresses import same_origin, without_secrets
from longshore.remote.authority import Authority
from longshore.remote.refusals import Refused, is_expired, refusal
from longshore.remote.traffic import Traffic
from longshore.remote.transport import Answer, Request, Transport
from longshore.text import tr

MAX_REDIRECTS = 5
# Go's and nginx's words.
_TLS_PORT = re.compile(rb"HTTP request (to an HTTPS server|was sent to HTTPS port)")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Session:
    """Sends requests to one registry; safe for many threads."""

    def __init__(
        self, base: str, transport: Transport, authority: Authority, side: Side, traffic: Traffic
    ) -> None:
        self.base = base
        self.transport = transport
        self.authority = authority
        self.side: Side = side
        self.traffic = traffic

    def send(
        self, request: Request, scopes: tuple[str, ...] = (), *, accept: tuple[int, ...] = ()
    ) -> Answer:
        """An answer below 300, or of a status in `accept`. Raises what `refusal` makes of others.

        `request.url` may be a path. `scopes` are what a Bearer token must allow.
        """
        path = request.url
        answer = self._ask(request, scopes)
        if answer.status == 400 and path.startswith("/") and self._wants_tls(answer):
            answer = self._ask(dataclasses.replace(request, url=path), scopes)
        if answer.status < 300 or answer.status in accept:
            return answer
        raise self.refusal(answer)

    def refusal(self, answer: Answer, repository: str = "") -> LongshoreError:
        """The error that an answer stands for."""
        parts = urlsplit(answer.request.url)
        own = same_origin(answer.request.url, self.base)
        if not own and answer.status == 403:
            return self._expired_address(answer)
        refused = Refused(
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            request=answer.request.shown,
            host=self.authority.host if own else parts.netloc,
            side=self.side,
            repository=repository or _repository(parts.path if own else ""),
            logged_in=self.authority.logged_in,
        )
        return refusal(refused, self.transport.timing.now())

    def _expired_address(self, answer: Answer) -> RegistryError:
        """Where the registry redirected to wants no more of it: the address is asked for anew."""
        return RegistryError(
            tr(
                "{host} does not take the address that {registry} gave, or not any more",
                host=answer.request.host,
                registry=self.authority.host,
            ),
            tr("run the same command again; it resumes"),
            side=self.side,
            status=answer.status,
            request=answer.request.shown,
            temporary=True,
            code="address-expired",
        )

    def _ask(self, request: Request, scopes: tuple[str, ...]) -> Answer:
        if request.url.startswith("/"):
            request = dataclasses.replace(request, url=self.base + request.url[1:])
        answer, authorization = self._authorised(request, scopes)
        return self._follow(request, answer, authorization)

    def _wants_tls(self, answer: Answer) -> bool:
        """Whether plain HTTP was refused because the port speaks TLS; if so, it is used now on.

        Loopback registries are spoken to in plain HTTP until one says so.
        """
        if self.base.startswith("http://") and _TLS_PORT.search(answer.body):
            self.base = "https://" + self.base.removeprefix("http://")
            return True
        return False

    def _authorised(self, request: Request, scopes: tuple[str, ...]) -> tuple[Answer, str | None]:
        """The registry's own answer; a challenge is met, or a token renewed, once."""
        if not same_origin(request.url, self.base):
            return self._send(request, None), None
        with self.authority.first_request():
            used = self.authority.authorization(scopes)
            answer = self._send(request, used)
            wanted = self.authority.learn(answer) if _wants_login(answer) else ""
            self.authority.answered()
        # Twice at most: once to meet a first challenge, once more for a password that ran out.
        for _ in range(2):
            if not _wants_login(answer):
                break
            renewed = self.authority.renewed(scopes, used, wanted)
            if renewed is None or renewed == used:
                break
            answer, first, used = self._send(request, renewed), used is None, renewed
            if not first or not is_expired(answer.status, answer.body):
                break
        return answer, used

    def _follow(self, request: Request, answer: Answer, authorization: str | None) -> Answer:
        for _ in range(MAX_REDIRECTS):
            if answer.status not in _REDIRECTS or "location" not in answer.headers:
                return answer
            target = urljoin(request.url, answer.headers["location"])
            self._check_redirect(request, target)
            request = dataclasses.replace(request, url=target)
            own = same_origin(target, self.base)
            answer = self._send(request, authorization if own else None)
        if answer.status in _REDIRECTS:
            raise self._bad_redirect(request, tr("more than {n} redirects", n=MAX_REDIRECTS))
        return answer

    def _check_redirect(self, request: Request, target: str) -> None:
        old, new = urlsplit(request.url), urlsplit(target)
        if new.scheme not in ("http", "https") or not new.hostname:
            raise self._bad_redirect(request, tr("to an address that is not HTTP"))
        if old.scheme == "https" and new.scheme == "http":
            raise self._bad_redirect(
                request, tr("from https to {address}", address=without_secrets(target))
            )
        if request.method not in ("GET", "HEAD"):
            raise self._bad_redirect(request, tr("of a {method}", method=request.method))

    def _send(self, request: Request, authorization: str | None) -> Answer:
        if authorization is not None:
            headers = {**request.headers, "Authorization": authorization}
            request = dataclasses.replace(request, headers=headers)
        return self.transport.send(request, side=self.side, traffic=self.traffic)

    def _bad_redirect(self, request: Request, why: str) -> RegistryError:
        return RegistryError(
            tr("{host} redirects in a way that is not followed: {why}", host=request.host, why=why),
            tr("check the registry's address and its proxy's settings"),
            side=self.side,
            request=request.shown,
            code="bad-redirect",
        )


def _wants_login(answer: Answer) -> bool:
    return answer.status == 401 or is_expired(answer.status, answer.body)


def _repository(path: str) -> str:
    for mark in ("/manifests/", "/blobs/", "/tags/list", "/referrers/"):
        name, found, _ = path.removeprefix("/v2/").partition(mark)
        if found:
            return name
    return ""
