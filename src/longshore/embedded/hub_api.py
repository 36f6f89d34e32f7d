"""The embedded Docker Hub's web API and token realm. I/O.

Published at docs.docker.com/reference/api/hub: logins, repositories of a namespace, tags with
digests, sizes and dates, at most 100 a page. Paging and field names are theirs; what a registry
cannot know (stars, descriptions) is left empty.
"""

from __future__ import annotations

import hmac
import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from longshore.embedded.contents import Repository, Stored, TagRow
from longshore.embedded.hub_tokens import TOKEN_LIFETIME_S, Claims, wanted_access
from longshore.embedded.limits import Rate
from longshore.embedded.wire import Request, Response, json_response

if TYPE_CHECKING:
    from longshore.embedded.hub import Hub

MAX_PAGE = 100
DEFAULT_PAGE = 10
JWT_LIFETIME_S = 24 * 3600
_LARGEST_CONFIG = 1024 * 1024
_REPOSITORIES = re.compile(
    r"/v2/(?:namespaces/(?P<ns>[^/]+)/repositories|repositories/(?P<ns2>[^/]+))/?\Z"
)
_REPOSITORY = re.compile(
    r"/v2/(?:namespaces/(?P<ns>[^/]+)/repositories|repositories/(?P<ns2>[^/]+))/(?P<name>[^/]+)"
    r"(?P<tags>/tags(?:/(?P<tag>[^/]+))?)?/?\Z"
)


class HubApi:
    """Answers the realm and the API."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._contents = hub.contents

    def answer(self, request: Request) -> Response:
        """By path."""
        path = request.path
        if path == "/token":
            return self._token(request)
        if path in ("/v2/users/login", "/v2/users/login/", "/v2/auth/token", "/v2/auth/token/"):
            return self._login(request)
        rate = self._hub.api_rate.take(request.remote)
        response = _too_many(rate) if rate and rate.is_exceeded else self._listing(request, path)
        response.headers |= _rate_headers(rate)
        return response

    # -- logins ---------------------------------------------------------------------------------

    def _token(self, request: Request) -> Response:
        """The distribution project's token endpoint, GET with Basic or POST with a form."""
        given, scopes = request.basic_credentials(), request.query_pairs
        if request.method == "POST":
            form = _form(request)
            scopes = form
            named = dict(form)
            given = (named.get("username", ""), named.get("password", ""))
        if given is not None and not self._is_account(*given):
            return json_response({"details": "incorrect username or password"}, 401, kind="token")
        user = given[0] if given else ""
        wanted = wanted_access(value for name, value in scopes if name == "scope")
        access = {name: self._granted(user, name, asked) for name, asked in wanted.items()}
        now = self._contents.clock.now()
        expires = now.timestamp() + TOKEN_LIFETIME_S
        token = self._hub.signer.make_token(Claims(user, access, expires))
        answer = {
            "token": token,
            "access_token": token,
            "expires_in": TOKEN_LIFETIME_S,
            "issued_at": _time(now),
        }
        return json_response(answer, kind="token")

    def _granted(self, user: str, repository: str, asked: set[str]) -> tuple[str, ...]:
        hub = self._hub
        if not hub.may_see(user, repository):
            return ()
        allowed = {"pull"} | ({"push", "delete", "*"} if hub.owns(user, repository) else set())
        return tuple(sorted(asked & allowed))

    def _is_account(self, user: str, password: str) -> bool:
        known = self._hub.options
        same = hmac.compare_digest(password.encode(), known.password.encode())
        return bool(known.user) and user == known.user and same

    def _login(self, request: Request) -> Response:
        body = request.read_json()
        body = body if isinstance(body, dict) else {}
        user = str(body.get("username") or body.get("identifier") or "")
        password = str(body.get("password") or body.get("secret") or "")
        if request.method != "POST" or not self._is_account(user, password):
            return json_response({"detail": "Incorrect authentication credentials"}, 401)
        expires = self._contents.clock.timestamp() + JWT_LIFETIME_S
        token = self._hub.signer.make_token(Claims(user, {"": ("api",)}, expires))
        return json_response({"token": token, "access_token": token}, kind="login")

    # -- listings -------------------------------------------------------------------------------

    def _listing(self, request: Request, path: str) -> Response:
        if request.method not in ("GET", "HEAD"):
            return json_response({"detail": "method not allowed"}, 405)
        claims = self._hub.signer.read_token(
            request.bearer_token(), self._contents.clock.timestamp()
        )
        user = claims.user if claims is not None and "" in claims.access else ""
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
            "last_updated": _time(updated),
            "date_registered": _time(found.created_at),
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
            "last_updated": _time(row.updated_at),
            "tag_last_pushed": _time(row.updated_at),
            "tag_last_pulled": _time(image.pulled_at) if image.pulled_at else None,
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
        return [(child, entry.get("platform") or {}) for child, entry in children if child]

    def _child(self, image: Stored, entry: Any) -> Stored | None:
        digest = entry.get("digest") if isinstance(entry, dict) else None
        return self._contents.manifest(image.repository, digest) if digest else None

    def _config(self, repository: str, document: dict[str, Any]) -> dict[str, Any]:
        """The image's configuration, which names its platform; empty when it cannot be read."""
        config = document.get("config")
        digest = str(config.get("digest") or "") if isinstance(config, dict) else ""
        size = self._contents.blob_size(repository, digest) if digest else None
        if size is None or size > _LARGEST_CONFIG:
            return {}
        try:
            found = json.loads(self._contents.blob_path(digest).read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


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
        "last_pulled": _time(image.pulled_at) if image.pulled_at else None,
        "last_pushed": _time(image.pushed_at),
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
    return int(text) if text is not None and text.isdecimal() and int(text) > 0 else otherwise


def _form(request: Request) -> list[tuple[str, str]]:
    from urllib.parse import parse_qsl

    return parse_qsl(request.body.read(64 * 1024).decode("utf-8", "replace"))


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
