"""Registries: one repository as a store that can be read and written. I/O.

Speaks OCI distribution-spec v1.1. What Docker Hub and ECR do differently is in `hub.py` and
`ecr_registry.py`; who we are and redirects in `session.py`; bytes of blobs in `downloads.py` and
`uploads.py`. Nothing here decides what to copy, and no blob is hashed here.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from longshore.errors import ContentError, LongshoreError, RegistryError, Side
from longshore.oci.challenge import Challenge, repository_scope
from longshore.oci.digest import Digest, is_digest, parse_digest
from longshore.oci.distribution import (
    blob_path,
    manifest_path,
    next_page,
    tags_path,
)
from longshore.oci.manifest import (
    ACCEPT,
    Descriptor,
    Manifest,
    parse_manifest,
)
from longshore.oci.reference import DOCKER_HUB
from longshore.oci.store import BlobStream, Holdings, PullAllowance, TagSeen, Writable
from longshore.remote.addresses import same_origin
from longshore.remote.authority import Authority
from longshore.remote.credentials import CredentialSource, anonymous
from longshore.remote.downloads import open_remote_blob
from longshore.remote.referrers import Referrers
from longshore.remote.session import Session
from longshore.remote.traffic import Traffic
from longshore.remote.transport import Answer, Request, Transport
from longshore.remote.uploads import UploadOptions, Uploads
from longshore.text import tr

_HUB_ADDRESS = "https://registry-1.docker.io"
_PAGE_LIMIT = 16 * 1024 * 1024
_NO_HEAD = (405, 501)


def base_address(host: str, transport: Transport) -> str:
    """Where a registry is spoken to: a host as given, or an address with its scheme.

    Plain HTTP is for loopback and for hosts that the transport was told of.
    """
    if "://" in host:
        return host.rstrip("/") + "/"
    if host == DOCKER_HUB:
        return _HUB_ADDRESS + "/"
    return f"{'http' if transport.may_speak_plain(host) else 'https'}://{host}/"


class Registry:
    """One registry. `address` overrides where `host` is found, as for Docker Hub."""

    # Whether it is known to keep lists of referrers, whatever it answers.
    lists_referrers = False

    def __init__(
        self,
        host: str,
        transport: Transport,
        credentials: CredentialSource = anonymous,
        side: Side = "source",
        *,
        address: str | None = None,
        challenge: Challenge | None = None,
        page_size: int = 1000,
        uploads: UploadOptions | None = None,
    ) -> None:
        self.host = host
        self.side: Side = side
        self.page_size = page_size
        self.upload_options = uploads or UploadOptions()
        self.traffic = Traffic()
        base = base_address(address or host, transport)
        spoken_to = urlsplit(base).netloc
        self.authority = Authority(host, transport, credentials, side, challenge, address=spoken_to)
        self.session = Session(base, transport, self.authority, side, self.traffic)
        self.lacks_referrers = self.knows_referrers = False
        self.referrers_probe = threading.Lock()
        self._repositories: dict[str, RegistryRepository] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.host!r}, side={self.side!r})"

    def repository(self, name: str) -> RegistryRepository:
        """The store of one repository; the same object for the same name."""
        with self._lock:
            if name not in self._repositories:
                self._repositories[name] = self._new_repository(name)
            return self._repositories[name]

    def list_repositories(self, namespace: str | None = None) -> list[str]:
        """All repositories (below a namespace) by `/v2/_catalog`, which many do not offer."""
        found: list[str] = []
        first = f"/v2/_catalog?n={self.page_size}"
        for page in self.pages(first, ("registry:catalog:*",)):
            found += [str(name) for name in page.get("repositories") or []]
        return [name for name in found if not namespace or name.startswith(f"{namespace}/")]

    def pages(self, path: str, scopes: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        """The JSON pages of a listing, following `Link`; a page that comes twice is an error."""
        seen: set[str] = set()
        url: str | None = path
        while url is not None:
            if url in seen:
                raise self.bad_answer(url, tr("its pages go round in a circle"))
            seen.add(url)
            answer = self.session.send(Request("GET", url, limit=_PAGE_LIMIT), scopes)
            yield self._page(answer)
            url = next_page(answer.headers.get("link", ""), answer.request.url)
            if url is not None and not same_origin(url, self.session.base):
                raise self.bad_answer(url, tr("its next page is on another host"))

    def bad_answer(self, request: str, why: str) -> RegistryError:
        """The error for an answer that makes no sense."""
        return RegistryError(
            tr("{host} gave an answer that makes no sense: {why}", host=self.host, why=why),
            tr("run the same command again; if it stays so, the registry is broken"),
            side=self.side,
            request=request.partition("?")[0],
            code="bad-answer",
        )

    def _page(self, answer: Answer) -> dict[str, Any]:
        try:
            page = json.loads(answer.body)
        except (ValueError, RecursionError):
            page = None
        if not isinstance(page, dict):
            raise self.bad_answer(answer.request.shown, tr("it is not a JSON object"))
        return page

    def _new_repository(self, name: str) -> RegistryRepository:
        return RegistryRepository(self, name)


class RegistryRepository:
    """One repository of a registry; implements oci.store.Writable."""

    def __init__(self, registry: Registry, name: str) -> None:
        self.registry = registry
        self.name = name
        self._session = registry.session
        actions = ("pull", "push") if registry.side == "target" else ("pull",)
        self._scopes = (repository_scope(name, *actions),)
        self._uploads = Uploads(registry.session, name, registry.upload_options)
        self._referrers = Referrers(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.registry.host}/{self.name})"

    # Reading

    def list_tags(self) -> list[TagSeen]:
        """All tags by `tags/list`, which shows no digests."""
        found: dict[str, TagSeen] = {}
        for page in self.registry.pages(
            tags_path(self.name, self.registry.page_size), self._scopes
        ):
            tags = [str(tag) for tag in page.get("tags") or []]
            if tags and all(tag in found for tag in tags):
                raise self.registry.bad_answer(
                    tags_path(self.name), tr("it lists the same tags again and again")
                )
            found.update((tag, TagSeen(tag)) for tag in tags)
        return list(found.values())

    def resolve(self, tag_or_digest: str) -> Descriptor | None:
        """What a tag points to, by HEAD; by GET (a pull) where HEAD is refused."""
        request = Request("HEAD", manifest_path(self.name, tag_or_digest), {"Accept": ACCEPT})
        answer = self._session.send(request, self._scopes, accept=(404, *_NO_HEAD))
        if answer.status == 404:
            return None
        digest = answer.headers.get("docker-content-digest", "")
        if answer.status in _NO_HEAD or not is_digest(digest) or answer.length is None:
            return self._resolve_by_get(tag_or_digest)
        media_type = answer.headers.get("content-type", "").partition(";")[0].strip()
        return Descriptor(media_type, parse_digest(digest), answer.length)

    def fetch_manifest(self, tag_or_digest: str) -> Manifest:
        """GET a manifest and check its bytes against every digest that was named for them."""
        request = Request("GET", manifest_path(self.name, tag_or_digest), {"Accept": ACCEPT})
        answer = self._session.send(request, self._scopes)
        self.registry.traffic.add_pull()
        named = [tag_or_digest, answer.headers.get("docker-content-digest", "")]
        digests = [parse_digest(text) for text in named if is_digest(text)]
        try:
            manifest = parse_manifest(
                answer.body, answer.headers.get("content-type", ""), digests[0] if digests else None
            )
            if digests[1:] not in ([], [manifest.digest]):
                raise _two_digests(manifest, digests[1])
        except ContentError as error:
            error.side = self.registry.side
            error.request = request.shown
            raise
        return manifest

    def open_blob(self, blob: Descriptor, offset: int = 0) -> BlobStream:
        """A blob's bytes from `offset` on."""
        return open_remote_blob(self._session, self.name, blob, offset, self._scopes)

    def list_referrers(self, digest: Digest, *, by_tag: bool = True) -> list[Descriptor]:
        """By the referrers API; where there is none, by the tag that stands in for it."""
        return self._referrers.find(digest, self._scopes, by_tag=by_tag)

    def read_allowance(self) -> PullAllowance | None:
        """Only Docker Hub limits pulls."""
        return None

    # Writing

    def read_holdings(self) -> Holdings:
        """Tags only: no listing of the registry protocol names untagged manifests."""
        tags = self.list_tags()
        return Holdings({seen.tag: Digest(seen.digest) if seen.digest else None for seen in tags})

    def missing_blobs(self, digests: Iterable[Digest]) -> set[Digest]:
        """A HEAD for each digest."""
        return {digest for digest in digests if not self._has_blob(digest)}

    def upload_blob(self, blob: Descriptor, content: Callable[[], Iterator[memoryview]]) -> None:
        """POST and one streamed PUT; a session that a refused mount opened is used."""
        self._uploads.upload(blob, content, self._scopes)

    def mount_blob(self, blob: Descriptor, source: Writable) -> bool:
        """Take the blob over from another repository; False when the registry wants the bytes."""
        scopes = (*self._scopes, repository_scope(source.name, "pull"))
        return self._uploads.mount(blob, source.name, scopes)

    def push_manifest(self, manifest: Manifest, tag: str | None = None) -> None:
        """PUT the exact bytes; the registry's answer must name their digest.

        An immutable tag that is there with this digest is as good (ECR refuses even that, so a
        repeated PUT whose first answer was lost would fail). A registry that does not list
        referrers gets the subject's list brought up to date, as the specification asks.
        """
        path = manifest_path(self.name, tag or manifest.digest)
        headers = {"Content-Type": manifest.media_type}
        request = Request("PUT", path, headers, manifest.content)
        try:
            answer = self._session.send(request, self._scopes)
        except RegistryError as error:
            if error.code != "tag-immutable" or not self._is_there(tag, manifest):
                raise
            return
        self._check_stored(answer, manifest)
        if not self.registry.lists_referrers and "oci-subject" not in answer.headers:
            self._referrers.note(manifest)

    def delete_tag(self, tag: str) -> None:
        """DELETE by tag, which leaves the manifest; registries without it say so."""
        scopes = (repository_scope(self.name, "delete", "pull"),)
        try:
            self._session.send(Request("DELETE", manifest_path(self.name, tag)), scopes)
        except RegistryError as error:
            if error.code in ("unsupported", "digest-invalid"):
                raise self._cannot_untag(tag, error) from None
            raise

    def _is_there(self, tag: str | None, manifest: Manifest) -> bool:
        try:
            there = self.resolve(tag) if tag else None
        except LongshoreError:
            return False
        return there is not None and there.digest == manifest.digest

    def _check_stored(self, answer: Answer, manifest: Manifest) -> None:
        stored = answer.headers.get("docker-content-digest", "")
        same_algorithm = stored.partition(":")[0] == manifest.digest.partition(":")[0]
        if not stored or not same_algorithm or stored == manifest.digest:
            return
        raise ContentError(
            tr(
                "{host} stored manifest {digest} under another digest, {stored}",
                host=self.registry.host,
                digest=manifest.digest,
                stored=stored if is_digest(stored) else "?",
            ),
            tr("a proxy or a broken registry changes manifests; look at what is there now"),
            side=self.registry.side,
            status=answer.status,
            request=answer.request.shown,
            code="digest-mismatch",
        )

    def _has_blob(self, digest: Digest) -> bool:
        request = Request("HEAD", blob_path(self.name, digest))
        return self._session.send(request, self._scopes, accept=(404,)).status != 404

    def _resolve_by_get(self, tag_or_digest: str) -> Descriptor | None:
        try:
            return self.fetch_manifest(tag_or_digest).descriptor
        except RegistryError as error:
            if error.status == 404:
                return None
            raise

    def _cannot_untag(self, tag: str, error: RegistryError) -> LongshoreError:
        return RegistryError(
            tr("{host} cannot remove the tag {tag} alone", host=self.registry.host, tag=tag),
            tr("delete the image by its digest with the registry's own tools"),
            side=self.registry.side,
            status=error.status,
            registry_code=error.registry_code,
            request=error.request,
            code="tag-delete-unsupported",
        )


def _two_digests(manifest: Manifest, announced: Digest) -> ContentError:
    return ContentError(
        tr(
            "manifest {digest} was announced with another digest, {announced}",
            digest=manifest.digest,
            announced=announced,
        ),
        tr("nothing was written; a proxy or a broken registry is in the way"),
        code="digest-mismatch",
    )
