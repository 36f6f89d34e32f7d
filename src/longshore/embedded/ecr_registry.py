"""ECR under `/v2/`: where it differs from the plain registry protocol. I/O.

Writes go the same way as the API's (`ecr_write.py`); its exceptions become the protocol's errors
here. In mode `strict-oci` ECR's departures from the specification are left out: the answers to
chunked uploads, the smallest part, the hidden upload sessions, and the odd listing of tags.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from longshore.embedded.aws_errors import AwsRefusal
from longshore.embedded.contents import Put, Repository, Stored
from longshore.embedded.ecr_access import EcrAccess
from longshore.embedded.ecr_account import blob_mounting_enabled
from longshore.embedded.ecr_auth import Login, check_login
from longshore.embedded.ecr_errors import invalid
from longshore.embedded.ecr_layer_store import LayerStore, download_url
from longshore.embedded.ecr_layers import check_parts
from longshore.embedded.ecr_paging import page
from longshore.embedded.ecr_state import Ecr, Region
from longshore.embedded.ecr_storage import (
    PULLS_WITHIN,
    can_be_pulled,
    layer_status,
    with_status,
)
from longshore.embedded.ecr_templates import repository_for_push
from longshore.embedded.ecr_write import Wanted, put_image, remove_image
from longshore.embedded.origins import other_host
from longshore.embedded.registry import registry_handler, take_apart
from longshore.embedded.registry_manifests import unknown
from longshore.embedded.registry_rules import (
    Action,
    Caller,
    ManifestPut,
    Refusal,
    Rules,
    page_wanted,
)
from longshore.embedded.sigv4 import Principal
from longshore.embedded.wire import (
    Handler,
    Request,
    Response,
    WsgiApp,
    application,
    json_response,
    text_response,
)

MAX_PAGE = 1000
DEFAULT_PAGE = 100

FindPrincipal = Callable[[str], Principal | None]

_STATUS_AND_CODE = {
    "RepositoryNotFoundException": (404, "NAME_UNKNOWN"),
    "ImageTagAlreadyExistsException": (400, "TAG_INVALID"),
    "InvalidParameterException": (405, "UNSUPPORTED"),
    "ImageDigestDoesNotMatchException": (400, "DIGEST_INVALID"),
    "LayersNotFoundException": (400, "MANIFEST_BLOB_UNKNOWN"),
    "ReferencedImagesNotFoundException": (400, "MANIFEST_BLOB_UNKNOWN"),
    "LayerPartTooSmallException": (400, "BLOB_UPLOAD_INVALID"),
    "LimitExceededException": (403, "DENIED"),
    "AccessDeniedException": (403, "DENIED"),
    "ThrottlingException": (429, "TOOMANYREQUESTS"),
}
_BAD_RANGE = re.compile(r"the chunk begins at (\d+), the upload ends at (\d+)\Z")


@dataclass(frozen=True)
class EcrHandlers:
    """The registry, and the layer store that it redirects to."""

    registry: Handler
    layers: Handler


@dataclass(frozen=True)
class EcrApps:
    """The same as WSGI applications."""

    registry: WsgiApp
    layers: WsgiApp


def ecr_apps(ecr: Ecr, find: FindPrincipal, access: EcrAccess) -> EcrApps:
    """ECR's data plane; `find` tells whose access key one is."""
    handlers = ecr_handlers(ecr, find, access)
    return EcrApps(application(handlers.registry), application(handlers.layers))


def ecr_handlers(ecr: Ecr, find: FindPrincipal, access: EcrAccess) -> EcrHandlers:
    """ECR's data plane, for who wraps it (faults, access log) before it is served."""
    rules = EcrRules(ecr, find, access)
    plain = registry_handler(rules)

    def registry(request: Request) -> Response:
        response = plain(request)
        if rules.has_quirks and request.method == "PATCH" and request.header("content-range"):
            response.status = 201 if response.status == 202 else response.status
        return response

    return EcrHandlers(registry, LayerStore(ecr).answer)


class EcrRules(Rules):
    """The registry of the region that is served."""

    def __init__(self, ecr: Ecr, find: FindPrincipal, access: EcrAccess) -> None:
        super().__init__(ecr.served.contents)
        self._ecr = ecr
        self._find = find
        self._access = access
        self.has_quirks = ecr.options.mode == "ecr"
        self.range_is_stuck = self.has_quirks
        self.shows_uploads = not self.has_quirks
        self.answers_unknown_referrers = not self.has_quirks

    @property
    def _region(self) -> Region:
        return self._ecr.served

    # --- who may -------------------------------------------------------------------------------

    def authorize(
        self, request: Request, repository: str | None, actions: Sequence[Action]
    ) -> Caller:
        """Every request needs a password of GetAuthorizationToken, under the name AWS."""
        login, principal = check_login(self._ecr, request.basic_credentials(), self._find)
        if login is Login.EXPIRED:
            raise Refusal(
                403,
                "DENIED",
                "Your authorization token has expired. Reauthenticate and try again.",
            )
        if login is Login.OTHER_REGION:
            raise Refusal(
                400, "DENIED", "Your authorization token is for the registry of another region."
            )
        if login is not Login.OK or principal is None:
            raise Refusal(401, "UNAUTHORIZED", "Not Authorized")
        self._check(request, principal)
        return Caller("AWS")

    def _check(self, request: Request, principal: Principal) -> None:
        """IAM has the last word. A mount also reads the layer where it is now."""
        kind, name, _ = take_apart(request.path)
        try:
            self._access.check_request(self._region, principal, kind, request.method, name)
            source = request.query.get("from") if kind == "upload" else None
            if source:
                self._access.check_request(self._region, principal, "blob", "GET", source)
        except AwsRefusal as refused:
            raise _refusal(refused) from None

    def refuse(self, request: Request, refusal: Refusal) -> Response:
        """ECR's words; without a login not even the protocol's JSON."""
        if refusal.status == 401:
            challenge = f'Basic realm="http://{request.host}/",service="ecr.amazonaws.com"'
            return text_response("Not Authorized\n", 401, {"WWW-Authenticate": challenge})
        if at := _BAD_RANGE.match(refusal.message):
            refusal.message = f"First byte of the layer part is {at[1]} instead of {at[2]}"
        return super().refuse(request, refusal)

    def open_repository(
        self, request: Request, caller: Caller, repository: str, action: Action
    ) -> Repository:
        """A missing repository is made by a push if a template says so."""
        try:
            if action == "push":
                return repository_for_push(self._region, repository)
            return self._region.repository(repository)
        except AwsRefusal as refused:
            raise _refusal(refused) from None

    # --- manifests -----------------------------------------------------------------------------

    def store_manifest(self, put: ManifestPut) -> Put:
        """The API's way of writing an image."""
        before = self.contents.resolve(put.repository, put.tag) if put.tag else None
        is_new = self.contents.resolve(put.repository, put.digest) is None
        wanted = Wanted(put.repository, put.content, put.media_type, put.tag, put.digest)
        try:
            stored = put_image(self._region, wanted, by_api=False)
        except AwsRefusal as refused:
            raise _refusal(refused) from None
        return Put(stored.digest, is_new, before if before != stored.digest else None)

    def select_manifest(self, request: Request, reference: str, stored: Stored) -> Stored:
        """An archived image looks like one that is not there."""
        if not can_be_pulled(self._region, stored):
            raise unknown(reference)
        return stored

    def on_get_manifest(self, request: Request, caller: Caller, stored: Stored) -> dict[str, str]:
        """Note a pull, as exactly as ECR does."""
        self.contents.set_pulled(stored.repository, stored.digest, not_within=PULLS_WITHIN)
        self._ecr.pulled(self._region, stored.repository)
        return {}

    def referrers(self, repository: str, digest: str) -> list[Stored]:
        """Those that are not archived."""
        return with_status(self._region, super().referrers(repository, digest), "ACTIVE")

    def delete_manifest(
        self, request: Request, caller: Caller, repository: str, reference: str
    ) -> bool:
        """As BatchDeleteImage does."""
        digest, tag = (reference, None) if ":" in reference else (None, reference)
        removal = remove_image(self._region, repository, digest, tag)
        if removal.failure == "ImageReferencedByManifestList":
            raise Refusal(405, "UNSUPPORTED", removal.reason)
        return not removal.failure

    # --- blobs ---------------------------------------------------------------------------------

    def blob_size(self, repository: str, digest: str) -> int | None:
        """Layers of archived images cannot be read."""
        if layer_status(self._region, repository, digest) != "AVAILABLE":
            return None
        return super().blob_size(repository, digest)

    def delete_blob(self, request: Request, caller: Caller, repository: str, digest: str) -> bool:
        """ECR drops layers itself, once no image names them."""
        if self.has_quirks:
            raise Refusal(405, "UNSUPPORTED", "The operation is unsupported.")
        return super().delete_blob(request, caller, repository, digest)

    def may_mount(
        self, request: Request, caller: Caller, repository: str, digest: str, source: str
    ) -> bool:
        """With the account's setting on, from an image that is whole, and under the same key."""
        giver, taker = self.contents.repository(source), self.contents.repository(repository)
        return (
            giver is not None
            and taker is not None
            and blob_mounting_enabled(self._region)
            and giver.settings.get("encryption") == taker.settings.get("encryption")
            and self.contents.is_referenced(source, digest)
        )

    def before_finish(self, request: Request, caller: Caller, upload: str, digest: str) -> None:
        """Parts before the last have at least 5 MiB."""
        if not self.has_quirks:
            return
        try:
            check_parts(self._region, upload)
        except AwsRefusal as refused:
            raise _refusal(refused) from None

    def blob_location(
        self, request: Request, caller: Caller, repository: str, digest: str
    ) -> str | None:
        """Always elsewhere."""
        return other_host(download_url(self._region, digest), request.host)

    # --- listings ------------------------------------------------------------------------------

    def list_tags(self, request: Request, caller: Caller, repository: str) -> Response:
        """In no order that means anything, with a `last` that is no tag, as plain text."""
        if not self.has_quirks:
            return super().list_tags(request, caller, repository)
        size, token = page_wanted(request, self)
        _check_size(size)
        names = self._names(repository)
        try:
            shown, rest = page(names, _place, token, size, DEFAULT_PAGE)
        except AwsRefusal as refused:
            raise _refusal(refused) from None
        headers = {}
        if rest:
            path = f"/v2/{repository}/tags/list?n={size or DEFAULT_PAGE}&last={rest}"
            headers["Link"] = f'<http://{request.host}{path}>; rel="next"'
        return json_response(
            {"name": repository, "tags": shown},
            headers=headers,
            content_type="text/plain; charset=utf-8",
        )

    def _names(self, repository: str) -> list[str]:
        """The tags of images that can be pulled."""
        tags = self.contents.list_tags(repository)
        hidden = self.contents.images.not_active(repository, self._ecr.clock.now())
        return [row.tag for row in tags if row.digest not in hidden]

    def list_repositories(self, request: Request, caller: Caller) -> Response:
        """The catalogue, at most 1000 names a page."""
        _check_size(page_wanted(request, self)[0])
        return super().list_repositories(request, caller)


def _check_size(size: int | None) -> None:
    if size is not None and size > MAX_PAGE:
        raise _refusal(
            invalid("maxResults", f"Member must have value less than or equal to {MAX_PAGE}")
        )


def _place(tag: str) -> str:
    return hashlib.sha256(tag.encode()).hexdigest()


def _refusal(refused: AwsRefusal) -> Refusal:
    status, code = _STATUS_AND_CODE.get(refused.code, (refused.status, "UNKNOWN"))
    return Refusal(status, code, refused.message)
