"""What one embedded registry does differently from the plain OCI protocol. I/O.

`Rules` is the plain registry: anybody may do everything, repositories appear when pushed to. The
Hub and the ECR override what they do otherwise; `registry.py` holds what is the same for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

from longshore.embedded.contents import Contents, Put, Repository, Stored
from longshore.embedded.links import Links
from longshore.embedded.wire import Request, Response, json_response, registry_error

_LONGEST_NUMBER = 9

Action = Literal["pull", "push", "delete"]


class Refusal(Exception):
    """The registry says no: status, the protocol's error code, a message."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        detail: Any = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail
        self.headers = headers or {}


@dataclass(frozen=True)
class Caller:
    """Who asks. `name` is "" for an anonymous client; `about` is for the rules' own use."""

    name: str = ""
    about: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ManifestPut:
    """A manifest that a client wants to store, read and found well-formed."""

    request: Request = field(repr=False)
    caller: Caller
    repository: str
    tag: str | None
    digest: str
    content: bytes = field(repr=False)
    media_type: str
    links: Links
    document: dict[str, Any] = field(repr=False)


class Rules:
    """A plain OCI registry's behaviour; override what differs.

    Every method may raise Refusal. `repository` is a name that has been checked for its grammar.
    """

    patch_status = 202
    """What a PATCH of an upload answers."""
    range_is_stuck = False
    """Whether the Range header of later PATCHes repeats the first one's (ECR does)."""
    shows_uploads = True
    """Whether GET of an upload tells how far it is (ECR answers 404)."""
    answers_unknown_referrers = True
    """Whether a repository that is not there has no referrers (as the specification wants)."""
    max_page: int | None = None
    """The largest `n` of a listing; more is refused."""
    default_page: int | None = None
    """How many entries a listing has without `n`; None for all."""

    def __init__(self, contents: Contents) -> None:
        self.contents = contents

    def authorize(
        self, request: Request, repository: str | None, actions: Sequence[Action]
    ) -> Caller:
        """Who asks, and that they may. `repository` is None for `/v2/` and the catalogue."""
        return Caller()

    def refuse(self, request: Request, refusal: Refusal) -> Response:
        """The refusal as a response."""
        return registry_error(
            refusal.status, refusal.code, refusal.message, refusal.detail, refusal.headers
        )

    def open_repository(
        self, request: Request, caller: Caller, repository: str, action: Action
    ) -> Repository:
        """The repository; a missing one is made by a push, else refused (NAME_UNKNOWN)."""
        found = self.contents.repository(repository)
        if found is None and action == "push":
            with self.contents.transaction():
                found = self.contents.repository(repository)
                found = found or self.contents.create_repository(repository, {})
        if found is None:
            raise Refusal(
                404,
                "NAME_UNKNOWN",
                "repository name not known to registry",
                detail={"name": repository},
            )
        return found

    def before_put(self, put: ManifestPut) -> None:
        """Last word before a manifest is stored: media types, immutability, rates."""

    def store_manifest(self, put: ManifestPut) -> Put:
        """Store the manifest."""
        return self.contents.put_manifest(
            put.repository, put.content, put.media_type, put.tag, digest=put.digest
        )

    def select_manifest(self, request: Request, reference: str, stored: Stored) -> Stored:
        """What the client's Accept header makes of the manifest; plain registries ignore it."""
        return stored

    def on_get_manifest(self, request: Request, caller: Caller, stored: Stored) -> dict[str, str]:
        """Note a pull; more headers for the answer."""
        self.contents.set_pulled(stored.repository, stored.digest)
        return {}

    def on_head_manifest(self, request: Request, caller: Caller, stored: Stored) -> dict[str, str]:
        """More headers for the answer to a HEAD."""
        return {}

    def blob_size(self, repository: str, digest: str) -> int | None:
        """The size of a blob that can be read, or None."""
        return self.contents.blob_size(repository, digest)

    def referrers(self, repository: str, digest: str) -> list[Stored]:
        """The manifests that are listed for a subject."""
        return self.contents.referrers(repository, digest)

    def delete_manifest(
        self, request: Request, caller: Caller, repository: str, reference: str
    ) -> bool:
        """Remove a tag, or a manifest with its tags; whether it was there."""
        if ":" in reference:
            return self.contents.delete_manifest(repository, reference)
        return self.contents.delete_tag(repository, reference)

    def delete_blob(self, request: Request, caller: Caller, repository: str, digest: str) -> bool:
        """Remove a blob from the repository; whether it was there."""
        return self.contents.delete_blob(repository, digest)

    def may_mount(
        self, request: Request, caller: Caller, repository: str, digest: str, source: str
    ) -> bool:
        """Whether a blob may be taken over from the repository `source`; else an upload begins."""
        return True

    def before_finish(self, request: Request, caller: Caller, upload: str, digest: str) -> None:
        """Last word before an upload becomes a blob: sizes of its parts."""

    def after_blob(self, request: Request, caller: Caller, repository: str, digest: str) -> None:
        """A blob was stored or mounted."""

    def blob_location(
        self, request: Request, caller: Caller, repository: str, digest: str
    ) -> str | None:
        """Where a GET of the blob is sent by a redirect, or None to answer it here."""
        return None

    def list_tags(self, request: Request, caller: Caller, repository: str) -> Response:
        """One page of tags."""
        limit, after = page_wanted(request, self)
        rows = self.contents.list_tags(
            repository, after=after, limit=-1 if limit is None else limit + 1
        )
        tags = [row.tag for row in rows]
        path = f"/v2/{repository}/tags/list"
        page, headers = one_page(tags, limit, path)
        return json_response({"name": repository, "tags": page}, headers=headers)

    def list_repositories(self, request: Request, caller: Caller) -> Response:
        """One page of the catalogue."""
        limit, after = page_wanted(request, self)
        names = [found.name for found in self.contents.list_repositories()]
        page, headers = one_page(
            [name for name in names if name > (after or "")], limit, "/v2/_catalog"
        )
        return json_response({"repositories": page}, headers=headers)


def page_wanted(request: Request, rules: Rules) -> tuple[int | None, str | None]:
    """`n` and `last` of a listing's query. Raises Refusal."""
    text = request.query.get("n")
    if text is None or text == "":
        return rules.default_page, request.query.get("last")
    if not text.isdecimal() or len(text) > _LONGEST_NUMBER:
        raise Refusal(
            400, "PAGINATION_NUMBER_INVALID", "invalid number of results requested", detail=text
        )
    count = int(text)
    if rules.max_page is not None and count > rules.max_page:
        raise Refusal(
            400,
            "PAGINATION_NUMBER_INVALID",
            f"at most {rules.max_page} results can be requested",
            detail=text,
        )
    return count, request.query.get("last")


def one_page(names: list[str], limit: int | None, path: str) -> tuple[list[str], dict[str, str]]:
    """The first `limit` names, and a Link to the rest when there is one.

    >>> one_page(["a", "b", "c"], 2, "/v2/x/tags/list")
    (['a', 'b'], {'Link': '</v2/x/tags/list?n=2&last=b>; rel="next"'})
    """
    if limit is None or len(names) <= limit or limit == 0:
        return names[:limit], {}
    page = names[:limit]
    return page, {"Link": f'<{path}?n={limit}&last={quote(page[-1], safe="")}>; rel="next"'}
