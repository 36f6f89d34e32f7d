"""The embedded Docker Hub: registry behind its token dance, pull limits, blobs at a CDN. I/O.

Three listeners, each an origin of its own: the registry (`/v2/`), the realm of tokens with the web
API (`hub_api.py`), and the CDN, which takes signed addresses and refuses an Authorization header.
Written from Docker's published API and what clients rely on.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from longshore.embedded.contents import Contents, Repository, Stored
from longshore.embedded.file_answer import file_answer
from longshore.embedded.hub_api import HubApi
from longshore.embedded.hub_tokens import HubSigner
from longshore.embedded.limits import PullLimits, PullMeter, RequestMeter
from longshore.embedded.origins import other_host
from longshore.embedded.registry import registry_handler
from longshore.embedded.registry_rules import Action, Caller, Refusal, Rules
from longshore.embedded.wire import Handler, Request, Response, text_response
from longshore.oci.digest import is_digest

SERVICE = "registry.docker.io"
_BLOB = re.compile(r"/registry-v2/docker/registry/v2/blobs/(?P<digest>[a-z0-9]+:[0-9a-f]+)/data\Z")
_MORE = "https://www.docker.com/increase-rate-limit"
_TOO_MANY = (
    "You have reached your pull rate limit. You may increase the limit by upgrading: " + _MORE
)
_TOO_MANY_UNKNOWN = "You have reached your unauthenticated pull rate limit. " + _MORE
_DENIED = "requested access to the resource is denied"


@dataclass(frozen=True)
class HubOptions:
    """The one account with its access token, and the limits.

    The account writes to the namespace of its name and to the `namespaces`. Requests per minute
    and client are limited at the web API by `api_per_minute`, at the registry (where Docker calls
    it the abuse limit, and HEADs count too) by `abuse_per_minute`; None is no limit.
    """

    user: str = ""
    password: str = field(default="", repr=False)
    limits: PullLimits = field(default_factory=PullLimits)
    namespaces: tuple[str, ...] = ()
    api_per_minute: int | None = None
    abuse_per_minute: int | None = None


@dataclass(frozen=True)
class HubHandlers:
    """The three listeners' handlers."""

    registry: Handler
    api: Handler
    cdn: Handler


class Hub:
    """What the three listeners share. `bind` tells their addresses once they are known."""

    def __init__(self, contents: Contents, data_dir: Path, options: HubOptions) -> None:
        self.contents = contents
        self.options = options
        self.meter = PullMeter(contents, options.limits)
        self.api_rate = RequestMeter(contents.clock, options.api_per_minute)
        self.abuse_rate = RequestMeter(contents.clock, options.abuse_per_minute)
        self.signer = HubSigner(data_dir / "hub.key")
        self.realm = self.cdn_origin = ""

    def bind(self, api_url: str, cdn_url: str) -> None:
        """The base addresses of the API with the realm, and of the CDN."""
        self.realm = f"{api_url.rstrip('/')}/token"
        self.cdn_origin = cdn_url.rstrip("/")

    def owns(self, user: str, repository: str) -> bool:
        """Whether the user may write there: it is one of the user's namespaces."""
        namespace, slash, _ = repository.partition("/")
        return bool(user and slash) and namespace in (user, *self.options.namespaces)

    def may_see(self, user: str, repository: str) -> bool:
        """Whether the repository exists for the user; one that is not there looks private."""
        found = self.contents.repository(repository)
        is_open = found is not None and not found.settings.get("private")
        return is_open or self.owns(user, repository)


def hub_handlers(hub: Hub) -> HubHandlers:
    """The handlers of the Hub's three listeners."""
    plain = registry_handler(HubRules(hub))

    def registry(request: Request) -> Response:
        rate = hub.abuse_rate.take(request.remote)
        if rate is not None and rate.is_exceeded:
            return text_response("Too Many Requests\n", 429)
        return plain(request)

    return HubHandlers(registry, HubApi(hub).answer, Cdn(hub).answer)


class HubRules(Rules):
    """The registry protocol as Docker Hub speaks it."""

    default_page = 100

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub.contents)
        self._hub = hub

    def authorize(
        self, request: Request, repository: str | None, actions: Sequence[Action]
    ) -> Caller:
        """A token with the wanted scope; without one, a challenge that names the realm."""
        token = request.bearer_token()
        claims = self._hub.signer.read_token(token, self.contents.clock.timestamp())
        if claims is None:
            raise self._challenge(repository, actions, invalid=bool(token))
        granted = set(claims.access.get(repository or "", ()))
        if repository is not None and "*" not in granted and not set(actions) <= granted:
            raise self._challenge(repository, actions, scope_missing=True)
        return Caller(claims.user)

    def _challenge(
        self,
        repository: str | None,
        actions: Sequence[Action],
        *,
        invalid: bool = False,
        scope_missing: bool = False,
    ) -> Refusal:
        challenge = f'Bearer realm="{self._hub.realm}",service="{SERVICE}"'
        if repository is not None:
            challenge += f',scope="repository:{repository}:{",".join(actions)}"'
        if invalid or scope_missing:
            challenge += f',error="{"invalid_token" if invalid else "insufficient_scope"}"'
        message = _DENIED if scope_missing else "authentication required"
        detail = [
            {"Type": "repository", "Class": "", "Name": repository, "Action": action}
            for action in (actions if repository else ())
        ]
        headers = {"WWW-Authenticate": challenge}
        return Refusal(401, "UNAUTHORIZED", message, detail=detail or None, headers=headers)

    def open_repository(
        self, request: Request, caller: Caller, repository: str, action: Action
    ) -> Repository:
        """Pushing makes a repository, in a namespace (`library/` is Docker's own)."""
        if "/" not in repository:
            raise Refusal(404, "NAME_UNKNOWN", "repository name not known to registry")
        return super().open_repository(request, caller, repository, action)

    def on_get_manifest(self, request: Request, caller: Caller, stored: Stored) -> dict[str, str]:
        """A pull: counted, or refused when none is left."""
        granted, allowance = self._hub.meter.take(caller.name, request.remote)
        if not granted and allowance is not None:
            wait = max(1, math.ceil(allowance.resets_at - self.contents.clock.timestamp()))
            retry = {"retry-after": str(wait)} if self._hub.meter.limits.says_when else {}
            raise Refusal(
                429,
                "TOOMANYREQUESTS",
                _TOO_MANY if caller.name else _TOO_MANY_UNKNOWN,
                headers={**allowance.headers(), **retry},
            )
        super().on_get_manifest(request, caller, stored)
        return allowance.headers() if allowance else {}

    def on_head_manifest(self, request: Request, caller: Caller, stored: Stored) -> dict[str, str]:
        """Not a pull; tells what is left."""
        allowance = self._hub.meter.look(caller.name, request.remote)
        return allowance.headers() if allowance else {}

    def list_repositories(self, request: Request, caller: Caller) -> Response:
        """Docker Hub shows nobody a catalogue."""
        raise self._challenge(None, (), scope_missing=True)

    def may_mount(
        self, request: Request, caller: Caller, repository: str, digest: str, source: str
    ) -> bool:
        """Only from what the caller may read."""
        return self._hub.may_see(caller.name, source)

    def blob_location(
        self, request: Request, caller: Caller, repository: str, digest: str
    ) -> str | None:
        """At the CDN, for a while."""
        query = self._hub.signer.blob_query(digest, self.contents.clock.timestamp())
        origin = other_host(self._hub.cdn_origin, request.host)
        return f"{origin}/registry-v2/docker/registry/v2/blobs/{digest}/data?{query}"


class Cdn:
    """Answers GETs of signed addresses; knows no login and refuses one."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def answer(self, request: Request) -> Response:
        """The blob's bytes."""
        if request.header("authorization"):
            return text_response("this origin takes no Authorization header\n", 400)
        match = _BLOB.match(request.path)
        if match is None or not is_digest(match["digest"]):
            return text_response("not found\n", 404)
        if request.method not in ("GET", "HEAD"):
            return text_response("method not allowed\n", 405)
        digest, contents = match["digest"], self._hub.contents
        expires, signature = request.query.get("expires", ""), request.query.get("verify", "")
        now = contents.clock.timestamp()
        if not self._hub.signer.may_fetch(digest, expires, signature, now):
            return text_response("the address has expired or is not ours\n", 403)
        path = contents.blob_path(digest)
        if not contents.has_blob(digest) or not path.is_file():
            return text_response("not found\n", 404)
        headers = {"Content-Type": "application/octet-stream"}
        response = file_answer(request, path, path.stat().st_size, headers)
        response.kind = "cdn-blob"
        return response
