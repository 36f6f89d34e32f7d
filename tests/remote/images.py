"""Small images for the gate's tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from longshore.oci.digest import digest_of
from longshore.oci.manifest import (
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    parse_manifest,
)
from longshore.oci.store import BlobStream, Writable

LAYER = "application/vnd.oci.image.layer.v1.tar"
CONFIG = "application/vnd.oci.image.config.v1+json"


def blob(content: bytes, media_type: str = LAYER) -> Descriptor:
    return Descriptor(media_type, digest_of(content), len(content))


def as_json(one: Descriptor) -> dict[str, object]:
    return {"mediaType": one.media_type, "digest": one.digest, "size": one.size}


def manifest(
    config: bytes, *layers: bytes, subject: Descriptor | None = None, artifact_type: str = ""
) -> Manifest:
    document: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": as_json(blob(config, CONFIG)),
        "layers": [as_json(blob(layer)) for layer in layers],
    }
    if artifact_type:
        document["artifactType"] = artifact_type
    if subject is not None:
        document["subject"] = as_json(subject)
    return parse_manifest(json.dumps(document).encode(), OCI_MANIFEST)


def index(*children: Manifest) -> Manifest:
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [as_json(child.descriptor) for child in children],
    }
    return parse_manifest(json.dumps(document).encode(), OCI_INDEX)


def content_of(content: bytes, size: int = 100_000) -> Callable[[], Iterator[memoryview]]:
    def pieces() -> Iterator[memoryview]:
        for start in range(0, len(content), size):
            yield memoryview(content)[start : start + size]

    return pieces


def push_image(store: Writable, tag: str, *layers: bytes, config: bytes = b"{}") -> Manifest:
    """Blobs first, then the manifest, as everybody must."""
    for content in (config, *layers):
        store.upload_blob(blob(content), content_of(content))
    made = manifest(config, *layers)
    store.push_manifest(made, tag)
    return made


def read_all(stream: BlobStream) -> bytes:
    got = bytearray()
    drain(stream, got)
    return bytes(got)


def drain(stream: BlobStream, into: bytearray) -> None:
    """Read as far as it goes; what came stays in `into` when it breaks off."""
    for piece in stream.chunks():
        into += piece
