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
from longshore.embedded.wire import Request, Response, json_response

if TYPE_CHECKING:
    from longshore.embedded.hub import Hub

MAX_PAGE = 100
DEFAULT_PAGE = 10
JWT_LIFETIME_S = 24 * 3600
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
        response = self._listing(request, path)
        response.headers |= {"X-RateLimit-Limit": "600", "X-RateLimit-Remaining": "600"}
        return response

    # -- logins ---------------------------------------------------------------------------------

    def _token(self, request: Request) -> Response:
        """The distribution project's token endpoint, GET with Basic or POST with a form."""
        given, scopes = request.basic_credentials(), request.query_pairs
        if request.method == "POST":
            form = _form(request)
            scopes = form
            named = dict(form)
            if named.get("grant_type") == "password":
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
        rows = [row for row in rows if wanted in row.tag]
        rows.sort(key=lambda row: row.tag)
        if request.query.get("ordering", "last_updated") in ("last_updated", "-name"):
            rows.sort(key=lambda row: row.updated_at, reverse=True)
        stored = {one.digest: one for one in self._contents.list_manifests(found.name)}
        return _page(request, rows, "api-tags", lambda row: self._tag(row, stored))

    def _one_tag(self, found: Repository, tag: str) -> Response:
        stored = {one.digest: one for one in self._contents.list_manifests(found.name)}
        for row in self._contents.list_tags(found.name):
            if row.tag == tag:
                return json_response(self._tag(row, stored), kind="api-tag")
        return json_response({"message": f"tag '{tag}' not found", "errinfo": {}}, 404)

    def _tag(self, row: TagRow, stored: dict[Any, Stored]) -> dict[str, Any]:
        image = stored[row.digest]
        images = [_image(one, about) for one, about in _platforms(image, stored)]
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


def _platforms(image: Stored, stored: dict[Any, Stored]) -> list[tuple[Stored, dict[str, Any]]]:
    """The image itself, or an index's children with their platforms."""
    document = json.loads(image.content)
    entries = document.get("manifests")
    if not isinstance(entries, list):
        return [(image, {"os": "linux", "architecture": "amd64"})]
    return [
        (stored[entry["digest"]], entry.get("platform") or {})
        for entry in entries
        if entry.get("digest") in stored
    ]


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
        "results": [show(row) for row in page] if show else page,
    }
    return json_response(answer, kind=kind)


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and text.isdecimal() and int(text) > 0 else otherwise


def _form(request: Request) -> list[tuple[str, str]]:
    from urllib.parse import parse_qsl

    return parse_qsl(request.body.read(64 * 1024).decode("utf-8", "replace"))


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
