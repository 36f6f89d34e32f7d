"""What holds images: the few abilities that copying and verifying need. Pure (protocols only).

Two kinds of holder exist: registries (`remote/registry.py`) and OCI layouts on disk
(`remote/layout.py`). All methods are for one repository, may be called from many threads at once,
and raise RegistryError, LoginError or LimitError with their side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from longshore.oci.digest import Digest
from longshore.oci.manifest import Descriptor, Manifest

CHUNK = 256 * 1024


@dataclass(frozen=True)
class TagSeen:
    """A tag as a listing shows it: what it does not tell is None, `children` of an index empty."""

    tag: str
    digest: str | None = None
    size: int | None = None
    pushed_at: datetime | None = None
    media_type: str | None = None
    children: tuple[str, ...] = ()


@dataclass(frozen=True)
class PullAllowance:
    """What Docker Hub's limit headers say. `window_s` is the window in seconds."""

    limit: int
    remaining: int
    window_s: int


@dataclass(frozen=True)
class Holdings:
    """Tags with their digests (None where the listing does not tell), and all manifests.

    `digests` includes untagged manifests; None when no listing names them.
    """

    tags: Mapping[str, Digest | None]
    digests: frozenset[Digest] | None = None


class BlobStream(Protocol):
    """Bytes of a blob as they arrive; `size` is the length the server announced, or None."""

    size: int | None

    def chunks(self) -> Iterator[memoryview]:
        """Pieces of at most CHUNK bytes; a piece is only valid until the next one is asked for."""
        ...

    def close(self) -> None:
        """Give the connection back; safe to call twice."""
        ...


class Readable(Protocol):
    """One repository that can be copied from."""

    name: str

    def list_tags(self) -> list[TagSeen]:
        """All tags, with digest and size when the listing itself tells them. Costs no pull."""
        ...

    def resolve(self, tag_or_digest: str) -> Descriptor | None:
        """What a tag points to, by HEAD: costs no pull. None when it does not exist."""
        ...

    def fetch_manifest(self, tag_or_digest: str) -> Manifest:
        """A manifest, checked against its digest. Costs a pull at Docker Hub."""
        ...

    def open_blob(self, blob: Descriptor, offset: int = 0) -> BlobStream:
        """A blob's bytes from `offset` on."""
        ...

    def list_referrers(self, digest: Digest, *, by_tag: bool = True) -> list[Descriptor]:
        """Manifests whose subject is the digest (signatures, SBOMs); empty when there are none.

        `by_tag` allows the tag that stands in for the list where a registry has no such API.
        """
        ...

    def read_allowance(self) -> PullAllowance | None:
        """What is left of the pull limit, or None when the registry has none. Costs no pull."""
        ...


class Writable(Readable, Protocol):
    """One repository that can be copied to."""

    def read_holdings(self) -> Holdings:
        """Everything that the repository holds, as far as one listing tells. Costs no pull."""
        ...

    def missing_blobs(self, digests: Iterable[Digest]) -> set[Digest]:
        """Those of the digests that the repository does not hold."""
        ...

    def upload_blob(self, blob: Descriptor, content: Callable[[], Iterator[memoryview]]) -> None:
        """Store a blob from `content()`, which may be called again when the connection broke."""
        ...

    def mount_blob(self, blob: Descriptor, source: Writable) -> bool:
        """Take the blob over from another repository of the same registry; False when refused."""
        ...

    def push_manifest(self, manifest: Manifest, tag: str | None = None) -> None:
        """Store the exact bytes, under the tag or only under their digest."""
        ...

    def delete_tag(self, tag: str) -> None:
        """Remove a tag."""
        ...
