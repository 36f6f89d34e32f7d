"""GitHub's API, as far as a pipeline's secrets and variables are concerned. I/O.

Secrets are write-only: the API tells their names. A value goes there in a sealed box for the
repository's public key (libsodium's crypto_box_seal), so that only GitHub can open it.

API: docs.github.com/rest/actions/secrets and /variables.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from longshore.errors import (
    LimitError,
    LoginError,
    LongshoreError,
    MissingExtraError,
    UsageError,
)
from longshore.remote.transport import Answer, Request, Transport
from longshore.text import tr

API = "https://api.github.com"
_PAGE = 100
_PAGES = 100
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/[A-Za-z0-9._-]{1,100}\Z")


@dataclass(frozen=True)
class Stored:
    """A value that a pipeline of the repository can read: only its name and where it stands."""

    name: str
    kind: str  # secret, variable
    owner: str = "repository"  # or organization


class GitHubRepository:
    """One repository at GitHub, seen with a token. Plain HTTP only on loopback."""

    def __init__(self, transport: Transport, name: str, token: str, api: str = API) -> None:
        if not _NAME.match(name):
            raise UsageError(
                tr("'{name}' is not a repository at GitHub", name=name),
                tr("write it as OWNER/NAME"),
                code="bad-repository",
            )
        self.name = name
        self._transport = transport
        self._token = token
        self._base = f"{api.rstrip('/')}/repos/{name}/actions"

    def list_stored(self) -> list[Stored]:
        """Names of all secrets and variables, the organization's among them. Raises LoginError."""
        found = []
        for path, kind, owner in (
            ("secrets", "secret", "repository"),
            ("variables", "variable", "repository"),
            ("organization-secrets", "secret", "organization"),
            ("organization-variables", "variable", "organization"),
        ):
            key = f"{kind}s"
            found += [Stored(name, kind, owner) for name in self._names(path, key)]
        return found

    def set_secret(self, name: str, value: str) -> None:
        """Make or replace a secret. Raises MissingExtraError without PyNaCl."""
        key = self._document(self._ask("GET", "secrets/public-key", accept=(200,)))
        sealed = {"encrypted_value": seal(str(key.get("key")), value), "key_id": key.get("key_id")}
        self._ask("PUT", f"secrets/{quote(name, safe='')}", sealed, accept=(201, 204))

    def set_variable(self, name: str, value: str) -> None:
        """Make or replace a variable."""
        document = {"name": name, "value": value}
        path = f"variables/{quote(name, safe='')}"
        answer = self._ask("PATCH", path, document, accept=(204, 404))
        if answer.status == 404:
            self._ask("POST", "variables", document, accept=(201,))

    def _names(self, path: str, key: str) -> Iterator[str]:
        for page in range(1, _PAGES + 1):
            # A repository that belongs to a person has no organization's values.
            accept = (200, 404) if path.startswith("organization") else (200,)
            answer = self._ask("GET", f"{path}?per_page={_PAGE}&page={page}", accept=accept)
            entries = self._document(answer).get(key) if answer.status == 200 else None
            entries = entries if isinstance(entries, list) else []
            yield from (str(one["name"]) for one in entries if isinstance(one, dict))
            if len(entries) < _PAGE:
                return

    def _ask(
        self, method: str, path: str, document: Any = None, *, accept: tuple[int, ...]
    ) -> Answer:
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self._token}",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        body = None
        if document is not None:
            body = json.dumps(document).encode()
            headers["Content-Type"] = "application/json"
        request = Request(method, f"{self._base}/{path}", headers, body, once=method == "POST")
        answer = self._transport.send(request, side="target")
        if answer.status not in accept:
            raise self._refused(answer)
        return answer

    def _document(self, answer: Answer) -> dict[str, Any]:
        try:
            found = json.loads(answer.body)
        except ValueError:
            found = None
        if isinstance(found, dict):
            return found
        raise LongshoreError(
            tr("GitHub answered {request} with something else", request=answer.request.shown),
            tr("see whether GITHUB_API_URL is the address of its API"),
            code="github-refused",
        )

    def _refused(self, answer: Answer) -> LongshoreError:
        if answer.status == 401:
            return LoginError(
                tr("GitHub does not accept the token"),
                tr("set GITHUB_TOKEN to one that is valid"),
                code="github-token",
            )
        exhausted = answer.headers.get("x-ratelimit-remaining") == "0"
        if answer.status == 429 or (answer.status == 403 and exhausted):
            return LimitError(
                tr("GitHub's limit of requests is reached"),
                tr("wait, then run the same command again"),
                code="github-limit",
            )
        return LongshoreError(
            tr(
                "GitHub refused {request} with {status}",
                request=answer.request.shown,
                status=answer.status,
            ),
            tr(
                "the token needs to read and write secrets and variables of {repository}",
                repository=self.name,
            ),
            code="github-refused",
        )


def seal(key: str, value: str) -> str:
    """The value in a sealed box for the key, as GitHub takes it."""
    try:
        from nacl.public import PublicKey, SealedBox
    except ImportError:
        raise MissingExtraError(
            tr("secrets are sealed with PyNaCl, which is not installed"),
            "python -m pip install 'longshore[github]'",
        ) from None
    try:
        box = SealedBox(PublicKey(b64decode(key, validate=True)))
    except (ValueError, TypeError):
        raise LongshoreError(
            tr("GitHub's public key is none"),
            tr("see whether GITHUB_API_URL is the address of its API"),
            code="github-refused",
        ) from None
    return b64encode(box.encrypt(value.encode())).decode()
