"""Docker Hub: tags with digests by the web API, and what is left of the pull limit. I/O.

The web API (`hub.docker.com/v2/...`) lists 100 tags a page with digests and costs no pull, but it
has a limit of its own, may be stale, and may lack digests. So it finds work and never is the truth:
what was copied is proved by the manifest's own hash. When it refuses or talks nonsense, the
registry's `tags/list` is asked instead.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urljoin

from longshore.errors import LimitError, LoginError, RegistryError, Side
from longshore.oci.challenge import repository_scope
from longshore.oci.digest import is_digest
from longshore.oci.distribution import manifest_path
from longshore.oci.manifest import ACCEPT
from longshore.oci.reference import DOCKER_HUB
from longshore.oci.store import PullAllowance, TagSeen
from longshore.remote.addresses import same_origin
from longshore.remote.credentials import REFRESH_USER, CredentialSource, anonymous
from longshore.remote.refusals import Refused, refusal
from longshore.remote.registry import Registry, RegistryRepository
from longshore.remote.transport import Answer, Request, Transport
from longshore.text import tr

PAGE_SIZE = 100
# Docker's own repository for reading the limit (docs.docker.com, "Docker Hub pull usage").
PREVIEW = "ratelimitpreview/test"
_API_WAIT_S = 10.0
_API_PAGE_BYTES = 16 * 1024 * 1024
_LIMIT = re.compile(r"\s*(\d+)\s*(?:;\s*w=(\d+))?")


@dataclass(frozen=True)
class HubEndpoints:
    """Where the registry and the web API are; the embedded Hub stands in with its own."""

    registry_url: str = "https://registry-1.docker.io"
    api_url: str = "https://hub.docker.com"


class Hub(Registry):
    """Docker Hub, or what stands in for it under another `host`."""

    def __init__(
        self,
        transport: Transport,
        credentials: CredentialSource = anonymous,
        side: Side = "source",
        *,
        endpoints: HubEndpoints | None = None,
        host: str = DOCKER_HUB,
    ) -> None:
        endpoints = endpoints or HubEndpoints()
        super().__init__(host, transport, credentials, side, address=endpoints.registry_url)
        self.api = HubApi(self, transport, credentials, endpoints.api_url)

    def list_repositories(self, namespace: str | None = None) -> list[str]:
        """All repositories of a namespace that the account may see, as `namespace/name`."""
        if not namespace:
            raise RegistryError(
                tr("Docker Hub lists the repositories of one namespace only"),
                tr("name a namespace, for example docker.io/acme"),
                side=self.side,
                code="namespace-needed",
            )
        path = f"/v2/namespaces/{quote(namespace)}/repositories?page_size={PAGE_SIZE}"
        return [f"{namespace}/{entry['name']}" for entry in self.api.entries(path)]

    def _new_repository(self, name: str) -> HubRepository:
        return HubRepository(self, name)


class HubRepository(RegistryRepository):
    """One repository of Docker Hub."""

    def __init__(self, registry: Hub, name: str) -> None:
        super().__init__(registry, name)
        self._hub = registry
        self._some_tag = "latest"

    def list_tags(self) -> list[TagSeen]:
        """By the web API, with digests; else by `tags/list`, without."""
        namespace, slash, name = self.name.partition("/")
        if slash and "/" not in name:
            path = f"/v2/namespaces/{namespace}/repositories/{name}/tags"
            query = f"?page_size={PAGE_SIZE}&ordering=last_updated"
            try:
                found = {
                    entry["name"]: _tag_seen(entry) for entry in self._hub.api.entries(path + query)
                }
            except (RegistryError, LimitError, LoginError):
                found = {}
            if found:
                self._some_tag = next(iter(found))
                return list(found.values())
        return super().list_tags()

    def read_size(self, tag: str) -> int | None:
        """Compressed bytes of a tag, all its platforms; None when the Hub does not know the tag.

        One request to the web API (`/v2/namespaces/N/repositories/R/tags/T`), no pull.
        """
        namespace, _, name = self.name.partition("/")
        path = f"/v2/namespaces/{namespace}/repositories/{name}/tags/{quote(tag, safe='')}"
        entry = self._hub.api.entry(path)
        return None if entry is None else _all_platforms(entry)

    def read_allowance(self) -> PullAllowance | None:
        """From the headers of a HEAD, which costs no pull; None when they are not sent."""
        for repository, tag in ((self.name, self._some_tag), (PREVIEW, "latest")):
            scopes = (repository_scope(repository, "pull"),)
            request = Request("HEAD", manifest_path(repository, tag), {"Accept": ACCEPT})
            try:
                answer = self._session.send(request, scopes, accept=(404,))
            except LoginError:
                continue
            allowance = parse_allowance(answer.headers)
            if allowance is not None or answer.status == 200:
                return allowance
        return None


class HubApi:
    """The web API: pages of JSON, with a JWT when there are credentials."""

    def __init__(
        self, hub: Registry, transport: Transport, credentials: CredentialSource, url: str
    ) -> None:
        self._hub = hub
        self._transport = transport
        self._credentials = credentials
        self._url = url.rstrip("/") + "/"
        self._lock = threading.Lock()
        self._jwt: str | None = None
        self._asked = False
        self.date = ""  # of the last answer, as HTTP writes it

    @property
    def url(self) -> str:
        """Where it answers."""
        return self._url

    def now(self) -> float:
        """This machine's time, in seconds since 1970."""
        return self._transport.timing.now()

    def entries(self, path: str) -> Iterator[dict[str, Any]]:
        """The named entries of all pages. Raises RegistryError, LimitError, LoginError."""
        seen: set[str] = set()
        url: str | None = urljoin(self._url, path)
        while url is not None:
            if url in seen or not same_origin(url, self._url):
                raise self._hub.bad_answer(url, tr("its pages lead astray"))
            seen.add(url)
            page = self._page(self._get(url))
            for entry in page["results"]:
                if isinstance(entry, dict) and isinstance(entry.get("name"), str):
                    yield entry
            following = page.get("next")
            url = urljoin(url, following) if isinstance(following, str) and following else None

    def entry(self, path: str) -> dict[str, Any] | None:
        """One object; None when there is none. Raises RegistryError, LimitError, LoginError."""
        try:
            return self._read(self._get(urljoin(self._url, path)))
        except RegistryError as error:
            if error.status == 404:
                return None
            raise

    def _get(self, url: str) -> Answer:
        used = self._token(None)
        answer = self._send(url, used)
        if answer.status == 401 and used is not None:
            answer = self._send(url, self._token(used))
        if answer.status != 200:
            raise self._refusal(answer)
        self.date = answer.headers.get("date") or ""
        return answer

    def _send(self, url: str, jwt: str | None) -> Answer:
        headers = {"Authorization": f"Bearer {jwt}"} if jwt else {}
        request = Request("GET", url, headers, limit=_API_PAGE_BYTES, longest_wait_s=_API_WAIT_S)
        return self._transport.send(request, side=self._hub.side, traffic=self._hub.traffic)

    def _token(self, refused: str | None) -> str | None:
        """The JWT, fetched once; anew when the kept one was refused."""
        with self._lock:
            if not self._asked or (refused is not None and refused == self._jwt):
                self._jwt = self._log_in()
                self._asked = True
            return self._jwt

    def _log_in(self) -> str | None:
        token = self._credentials(self._hub.host)
        if token is None or token.username == REFRESH_USER:
            return None
        ways = (
            ("/v2/auth/token", {"identifier": token.username, "secret": token.password}),
            ("/v2/users/login", {"username": token.username, "password": token.password}),
        )
        for path, document in ways:
            request = Request(
                "POST",
                urljoin(self._url, path),
                {"Content-Type": "application/json"},
                json.dumps(document).encode(),
            )
            answer = self._transport.send(request, side=self._hub.side)
            if answer.status == 200:
                found = self._read(answer)
                jwt = found.get("access_token") or found.get("token")
                return jwt if isinstance(jwt, str) and jwt.isascii() else None
            if answer.status not in (404, 405):
                raise self._refusal(answer)
        return None

    def _page(self, answer: Answer) -> dict[str, Any]:
        page = self._read(answer)
        if not isinstance(page.get("results"), list):
            raise self._hub.bad_answer(answer.request.shown, tr("it has no results"))
        return page

    def _read(self, answer: Answer) -> dict[str, Any]:
        try:
            document = json.loads(answer.body)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise self._hub.bad_answer(answer.request.shown, tr("it is not a JSON object"))
        return document

    def _refusal(self, answer: Answer) -> Exception:
        refused = Refused(
            answer.status,
            answer.headers,
            answer.body,
            answer.request.shown,
            self._hub.host,
            self._hub.side,
            logged_in=self._jwt is not None,
        )
        return refusal(refused, self._transport.timing.now())


def parse_allowance(headers: Mapping[str, str]) -> PullAllowance | None:
    """What the limit headers say; None when they are not there, which means no limit.

    >>> parse_allowance({"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "99;w=21600"})
    PullAllowance(limit=100, remaining=99, window_s=21600)
    """
    limit = _LIMIT.match(headers.get("ratelimit-limit") or "")
    remaining = _LIMIT.match(headers.get("ratelimit-remaining") or "")
    if limit is None or remaining is None:
        return None
    window = limit[2] or remaining[2] or 0
    return PullAllowance(int(limit[1]), int(remaining[1]), int(window))


def _tag_seen(entry: Mapping[str, Any]) -> TagSeen:
    digest, size = entry.get("digest"), entry.get("full_size")
    media_type = entry.get("media_type")
    return TagSeen(
        tag=str(entry["name"]),
        digest=digest if isinstance(digest, str) and is_digest(digest) else None,
        size=size if isinstance(size, int) else None,
        pushed_at=_time(entry.get("tag_last_pushed") or entry.get("last_updated")),
        media_type=media_type if isinstance(media_type, str) and media_type else None,
        children=_children(entry),
    )


def _all_platforms(entry: Mapping[str, Any]) -> int | None:
    """The sum over an index's images; `full_size` is one platform's only."""
    listed = entry.get("images")
    images = listed if isinstance(listed, list) else []
    sizes = [one.get("size") for one in images if isinstance(one, dict)]
    known = [size for size in sizes if isinstance(size, int)]
    full = entry.get("full_size")
    if known:
        return sum(known)
    return full if isinstance(full, int) else None


def _children(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """The digests of an index's manifests; the Hub lists a single image as its own child."""
    images = entry.get("images")
    listed = images if isinstance(images, list) else []
    found = [one.get("digest") for one in listed if isinstance(one, dict)]
    digests = dict.fromkeys(one for one in found if isinstance(one, str) and is_digest(one))
    return tuple(one for one in digests if one != entry.get("digest"))


def _time(value: Any) -> datetime | None:
    try:
        read = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
