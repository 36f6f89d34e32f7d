"""The embedded Docker Hub's web API. I/O.

Published at docs.docker.com/reference/api/hub: repositories of a namespace, tags with digests,
sizes and dates, at most 100 a page. Paging and field names are theirs; what a registry cannot know
(stars, descriptions) is left empty. Logins are in `hub_realm.py`.
"""

from __future__ import annotations

import json
import re
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from longshore.embedded.contents import Repository, Stored, TagRow
from longshore.embedded.hub_realm import API, HubRealm, json_time
from longshore.embedded.limits import Rate
from longshore.embedded.wire import Request, Response, json_response
from longshore.oci.digest import is_digest

if TYPE_CHECKING:
    from longshore.embedded.hub import Hub

MAX_PAGE = 100
DEFAULT_PAGE = 10
_LONGEST_NUMBER = 9
_LARGEST_CONFIG = 1024 * 1024
_REPOSITORIES = re.compile(
    r"/v2/(?:namespaces/(?P<ns>[^/]+)/repositories|repositories/(?P<ns2>[^/]+))/?\Z"
)
_REPOSITORY = re.compile(
    r"/v2/(?:namespaces/(?P<ns>[^/]+)/repositories|repositories/(?P<ns2>[^/]+))/(?P<name>[^/]+)"
    r"(?P<tags>/tags(?:/(?P<tag>[^/]+))?)?/?\Z"
)


class HubApi:
    """Answers the API, and hands logins on."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._contents = hub.contents
        self._realm = HubRealm(hub)

    def answer(self, request: Request) -> Response:
        """By path."""
        path = request.path
        if path == "/token":
            return self._realm.token(request)
        if path.rstrip("/") in ("/v2/users/login", "/v2/auth/token"):
            return self._realm.login(request)
        rate = self._hub.api_rate.take(request.remote)
        response = _too_many(rate) if rate and rate.is_exceeded else self._listing(request, path)
        response.headers |= _rate_headers(rate)
        # The stand-in's own time, which may be turned.
        response.headers["Date"] = formatdate(self._contents.clock.timestamp(), usegmt=True)
        return response

    def _listing(self, request: Request, path: str) -> Response:
        if request.method not in ("GET", "HEAD"):
            return json_response({"detail": "method not allowed"}, 405)
        user = self._user(request)
        if user is None:
            return json_response({"message": "unauthorized", "errinfo": {}}, 401)
        if match := _REPOSITORIES.match(path):
            return self._repositories(request, user, match["ns"] or match["ns2"])
        match = _REPOSITORY.match(path)
        namespace = (match["ns"] or match["ns2"]) if match else None
        if match is None or namespace is None:
            return json_response({"message": "not found", "errinfo": {}}, 404)
        name = f"{namespace}/{match['name']}"
        found = self._contents.repository(name)
        if found is None or not self._hub.may_see(user, name):
            return json_response({"message": "object not found", "errinfo": {}}, 404)
        if match["tag"]:
            return self._one_tag(found, match["tag"])
        if match["tags"]:
            return self._tags(request, found)
        return json_response(self._repository(found), kind="api-repository")

    def _user(self, request: Request) -> str | None:
        """Whose login the request carries: "" for nobody's, None for one that does not count."""
        if not request.header("authorization"):
            return ""
        now = self._contents.clock.timestamp()
        claims = self._hub.signer.read_token(request.bearer_token(), now)
        return claims.user if claims is not None and API in claims.access else None

    def _repositories(self, request: Request, user: str, namespace: str) -> Response:
        found = [
            self._repository(one)
            for one in self._contents.list_repositories()
            if one.name.startswith(f"{namespace}/") and self._hub.may_see(user, one.name)
        ]
        if not found:
            return json_response({"message": "object not found", "errinfo": {}}, 404)
        return _page(request, found, "api-repositories")

    def _repository(self, found: Repository) -> dict[str, Any]:
        namespace, _, name = found.name.partition("/")
        tags = self._contents.list_tags(found.name)
        updated = max((row.updated_at for row in tags), default=found.created_at)
        return {
            "name": name,
            "namespace": namespace,
            "repository_type": "image",
            "status": 1,
            "status_description": "active",
            "description": "",
            "is_private": bool(found.settings.get("private")),
            "star_count": 0,
            "pull_count": found.pulls,
            "last_updated": json_time(updated),
            "date_registered": json_time(found.created_at),
            "media_types": [],
            "content_types": ["image"],
        }

    def _tags(self, request: Request, found: Repository) -> Response:
        rows = self._contents.list_tags(found.name)
        wanted = request.query.get("name", "")
        rows = _ordered([row for row in rows if wanted in row.tag], request.query.get("ordering"))

        def show(row: TagRow) -> dict[str, Any] | None:
            return self._tag(found.name, row)

        return _page(request, rows, "api-tags", show)

    def _one_tag(self, found: Repository, tag: str) -> Response:
        for row in self._contents.list_tags(found.name):
            shown = self._tag(found.name, row) if row.tag == tag else None
            if shown is not None:
                return json_response(shown, kind="api-tag")
        return json_response({"message": f"tag '{tag}' not found", "errinfo": {}}, 404)

    def _tag(self, repository: str, row: TagRow) -> dict[str, Any] | None:
        """A tag as the listing shows it; None when it has been deleted meanwhile."""
        image = self._contents.manifest(repository, row.digest)
        if image is None:
            return None
        images = [_image(one, about) for one, about in self._platforms(image)]
        return {
            "id": int(row.digest[7:22], 16),
            "name": row.tag,
            "digest": row.digest,
            "media_type": image.media_type,
            "content_type": "image",
            "full_size": image.size,
            "last_updated": json_time(row.updated_at),
            "tag_last_pushed": json_time(row.updated_at),
            "tag_last_pulled": json_time(image.pulled_at) if image.pulled_at else None,
            "tag_status": "active",
            "v2": True,
            "images": images,
        }

    def _platforms(self, image: Stored) -> list[tuple[Stored, dict[str, Any]]]:
        """An index's children with their platforms; else the image with its config's."""
        document = json.loads(image.content)
        entries = document.get("manifests")
        if not isinstance(entries, list):
            return [(image, self._config(image.repository, document))]
        children = [(self._child(image, entry), entry) for entry in entries]
        return [(child, _object(entry.get("platform"))) for child, entry in children if child]

    def _child(self, image: Stored, entry: Any) -> Stored | None:
        digest = _digest(_object(entry))
        return self._contents.manifest(image.repository, digest) if digest else None

    def _config(self, repository: str, document: dict[str, Any]) -> dict[str, Any]:
        """The image's configuration, which names its platform; empty when it cannot be read."""
        digest = _digest(_object(document.get("config")))
        size = self._contents.blob_size(repository, digest) if digest else None
        if size is None or size > _LARGEST_CONFIG:
            return {}
        try:
            found = json.loads(self._contents.blob_path(digest).read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return _object(found)


def _object(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _digest(entry: dict[str, Any]) -> str:
    found = entry.get("digest")
    return found if isinstance(found, str) and is_digest(found) else ""


def _ordered(rows: list[TagRow], ordering: str | None) -> list[TagRow]:
    """By `last_updated` (newest first, also when nothing is asked), `name`, or turned by `-`."""
    by_name = sorted(rows, key=lambda row: row.tag)
    wanted = ordering or "last_updated"
    turned = wanted.startswith("-")
    if wanted.lstrip("-") == "name":
        return by_name[::-1] if turned else by_name
    return sorted(by_name, key=lambda row: row.updated_at, reverse=not turned)


def _image(image: Stored, platform: dict[str, Any]) -> dict[str, Any]:
    return {
        "architecture": platform.get("architecture", ""),
        "features": "",
        "variant": platform.get("variant"),
        "digest": image.digest,
        "os": platform.get("os", ""),
        "os_features": "",
        "os_version": None,
        "size": image.size,
        "status": "active",
        "last_pulled": json_time(image.pulled_at) if image.pulled_at else None,
        "last_pushed": json_time(image.pushed_at),
    }


def _page(request: Request, rows: list[Any], kind: str, show: Any = None) -> Response:
    """One page with count, next and previous, as the Hub gives them."""
    size = min(MAX_PAGE, _number(request.query.get("page_size"), DEFAULT_PAGE))
    number = _number(request.query.get("page"), 1)
    first = (number - 1) * size
    if first >= len(rows) and number > 1:
        return json_response({"message": "object not found", "errinfo": {}}, 404)
    page = rows[first : first + size]

    def link(wanted: int) -> str:
        query = {**request.query, "page": str(wanted), "page_size": str(size)}
        return f"http://{request.host}{request.path}?{urlencode(query)}"

    answer = {
        "count": len(rows),
        "next": link(number + 1) if first + size < len(rows) else None,
        "previous": link(number - 1) if number > 1 else None,
        "results": [shown for row in page if (shown := show(row))] if show else page,
    }
    return json_response(answer, kind=kind)


def _rate_headers(rate: Rate | None) -> dict[str, str]:
    if rate is None:
        return {}
    return {
        "X-RateLimit-Limit": str(rate.limit),
        "X-RateLimit-Remaining": str(max(0, rate.remaining)),
        "X-RateLimit-Reset": str(rate.resets_at),
    }


def _too_many(rate: Rate) -> Response:
    """Docker's API names the time to try again as seconds since 1970."""
    headers = {"X-Retry-After": str(rate.resets_at), "retry-after": str(rate.resets_at)}
    return json_response({"detail": "Rate limit exceeded", "error": False}, 429, headers)


def _number(text: str | None, otherwise: int) -> int:
    """A number of the query; what is no number, or beyond any page, counts as not given."""
    if text is None or not text.isdecimal() or len(text) > _LONGEST_NUMBER:
        return otherwise
    return int(text) or otherwise
