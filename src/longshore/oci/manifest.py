"""Manifests and indexes: what a document refers to, without ever changing its bytes. Pure.

Sources: OCI image-spec v1.1 manifest.md and image-index.md; Docker image manifest v2 schema 2.
A `Manifest` keeps the exact bytes it was read from; its digest is theirs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from longshore.errors import ContentError, UsageError
from longshore.oci.digest import Digest, digest_of, parse_digest
from longshore.oci.platforms import Platform, platform_from_json
from longshore.text import tr

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+json"
DOCKER_SCHEMA1_SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"

INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})
IMAGES = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
ACCEPT = ", ".join([OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST])
MAX_MANIFEST_BYTES = 4 * 1024 * 1024
EMPTY_CONFIG = "application/vnd.oci.empty.v1+json"
ATTESTATION_TYPE = "vnd.docker.reference.type"

_FOREIGN = (
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
    "application/vnd.oci.image.layer.nondistributable.v1",
)


@dataclass(frozen=True)
class Descriptor:
    """A pointer to content: media type, digest, size in bytes. OCI descriptor.md."""

    media_type: str
    digest: Digest
    size: int
    platform: Platform | None = None
    annotations: tuple[tuple[str, str], ...] = ()
    artifact_type: str = ""
    urls: tuple[str, ...] = ()

    @property
    def is_index(self) -> bool:
        """Whether it points to an index (or Docker manifest list)."""
        return self.media_type in INDEXES

    @property
    def is_foreign(self) -> bool:
        """Whether it is a layer that registries do not hold (Windows base layers)."""
        return self.media_type.startswith(_FOREIGN)

    @property
    def is_attestation(self) -> bool:
        """Whether buildx put it into an index as an attestation of another manifest."""
        return (ATTESTATION_TYPE, "attestation-manifest") in self.annotations


@dataclass(frozen=True)
class Manifest:
    """A manifest or index as it came: exact bytes, and what they refer to."""

    media_type: str
    content: bytes = field(repr=False)
    digest: Digest
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    children: tuple[Descriptor, ...] = ()
    subject: Descriptor | None = None
    artifact_type: str = ""
    annotations: tuple[tuple[str, str], ...] = ()

    @property
    def is_index(self) -> bool:
        """Whether it is an index (or Docker manifest list)."""
        return self.media_type in INDEXES

    @property
    def descriptor(self) -> Descriptor:
        """What points to this manifest."""
        return Descriptor(self.media_type, self.digest, len(self.content))

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """Config and layers that a registry must hold: each digest once, no foreign layers."""
        found: dict[Digest, Descriptor] = {}
        for blob in ((self.config,) if self.config else ()) + self.layers:
            if not blob.is_foreign:
                found.setdefault(blob.digest, blob)
        return tuple(found.values())


def parse_manifest(
    content: bytes, media_type: str = "", expected: Digest | None = None
) -> Manifest:
    """Read a manifest of any kind that ECR takes.

    `media_type` is the registry's Content-Type (parameters allowed); a document that names another
    one is refused. With `expected`, the bytes must have that digest.

    Raises ContentError: too large, wrong digest, not JSON, schema 1, or not a manifest at all.
    """
    _check_size(content)
    digest = digest_of(content) if expected is None else _checked_digest(content, expected)
    document = _load(content, digest)
    kind = _media_type(document, media_type.partition(";")[0].strip().lower(), digest)
    try:
        return Manifest(
            media_type=kind,
            content=content,
            digest=digest,
            config=None if kind in INDEXES else _descriptor(document.get("config"), "config"),
            layers=() if kind in INDEXES else _descriptors(document, "layers"),
            children=_descriptors(document, "manifests") if kind in INDEXES else (),
            subject=_descriptor(document["subject"], "subject")
            if document.get("subject")
            else None,
            artifact_type=_artifact_type(document, kind),
            annotations=_annotations(document),
        )
    except (_Malformed, UsageError) as error:
        raise _content_error(
            tr("manifest {digest} is malformed: {why}", digest=digest, why=error)
        ) from None


class _Malformed(Exception):
    """A member of a document has the wrong shape."""


def _content_error(what: str, code: str = "bad-manifest", hint: str = "") -> ContentError:
    hint = hint or tr("rebuild or re-push the image with a current docker, or leave the tag out")
    return ContentError(what, hint, code=code)


def _check_size(content: bytes) -> None:
    if len(content) > MAX_MANIFEST_BYTES:
        raise _content_error(
            tr("the manifest has {size} bytes; registries take at most 4 MiB", size=len(content)),
            "manifest-too-large",
            tr("leave the tag out with tags.deny, or rebuild the image with fewer annotations"),
        )


def _checked_digest(content: bytes, expected: Digest) -> Digest:
    algorithm = expected.partition(":")[0]
    actual = digest_of(content)
    if algorithm != "sha256":
        import hashlib

        actual = Digest(f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}")
    if actual != expected:
        raise _content_error(
            tr(
                "manifest {expected} arrived with digest {actual}", expected=expected, actual=actual
            ),
            "digest-mismatch",
            tr("nothing was written; a proxy or a broken registry changed the bytes, try again"),
        )
    return expected


def _load(content: bytes, digest: Digest) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _content_error(
            tr("manifest {digest} is not JSON: {why}", digest=digest, why=error)
        ) from None
    if not isinstance(document, dict):
        raise _content_error(tr("manifest {digest} is not a JSON object", digest=digest))
    return document


def _media_type(document: dict[str, Any], claimed: str, digest: Digest) -> str:
    if document.get("schemaVersion") == 1:
        raise _content_error(
            tr(
                "manifest {digest} is Docker schema 1, which no registry should serve",
                digest=digest,
            ),
            "schema1",
        )
    written = document.get("mediaType")
    known = INDEXES | IMAGES
    if isinstance(written, str) and written:
        if claimed in known and claimed != written:
            raise _content_error(
                tr(
                    "manifest {digest} says it is {written}, the registry says {claimed}",
                    digest=digest,
                    written=written,
                    claimed=claimed,
                )
            )
        kind = written
    elif claimed in known:
        kind = claimed
    else:
        kind = OCI_INDEX if "manifests" in document else OCI_MANIFEST
    if kind not in known:
        raise _content_error(
            tr("manifest {digest} has media type {kind}, not an image's", digest=digest, kind=kind)
        )
    return kind


def _artifact_type(document: dict[str, Any], kind: str) -> str:
    written = document.get("artifactType")
    if isinstance(written, str) and written:
        return written
    config = document.get("config")
    if kind == OCI_MANIFEST and isinstance(config, dict):
        return str(config.get("mediaType") or "")
    return ""


def _annotations(value: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    found = value.get("annotations")
    if not isinstance(found, dict):
        return ()
    return tuple(sorted((str(key), str(text)) for key, text in found.items()))


def _descriptors(document: dict[str, Any], member: str) -> tuple[Descriptor, ...]:
    found = document.get(member)
    if found is None and member == "layers":
        return ()
    if not isinstance(found, list):
        raise _Malformed(f"'{member}' is not a list")
    return tuple(_descriptor(entry, f"{member}[{place}]") for place, entry in enumerate(found))


def _descriptor(value: Any, place: str) -> Descriptor:
    if not isinstance(value, dict):
        raise _Malformed(f"'{place}' is not a descriptor")
    size = value.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise _Malformed(f"'{place}.size' is not a size in bytes")
    if not isinstance(value.get("mediaType"), str):
        raise _Malformed(f"'{place}.mediaType' is missing")
    urls = value.get("urls")
    return Descriptor(
        media_type=value["mediaType"],
        digest=parse_digest(str(value.get("digest"))),
        size=size,
        platform=platform_from_json(value.get("platform")),
        annotations=_annotations(value),
        artifact_type=str(value.get("artifactType") or ""),
        urls=tuple(str(url) for url in urls) if isinstance(urls, list) else (),
    )
