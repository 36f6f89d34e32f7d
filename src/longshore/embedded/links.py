"""What a manifest names, read as leniently as a registry that only stores it must. Pure.

`oci.manifest.parse_manifest` is the strict reader; here unknown media types and odd members are
taken, because a stand-in has to hold whatever a client may meet in the wild.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from longshore.oci.digest import is_digest

_FOREIGN = (
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
    "application/vnd.oci.image.layer.nondistributable.v1",
)


@dataclass(frozen=True)
class Links:
    """Blobs and manifests that a manifest refers to; `size` is the sum of its layers' bytes."""

    size: int = 0
    blobs: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    subject: str | None = None
    artifact_type: str | None = None
    media_type: str = ""


def read_links(content: bytes) -> Links:
    """What the manifest refers to; nothing when it is not a JSON object."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return Links()
    return links_of(document) if isinstance(document, dict) else Links()


def links_of(document: dict[str, Any]) -> Links:
    """What the parsed manifest refers to. Layers that registries do not hold are left out."""
    layers = [layer for layer in _entries(document, "layers") if not _is_foreign(layer)]
    layers += _entries(document, "blobs")
    config = document.get("config")
    config = config if isinstance(config, dict) else {}
    named = [_digest(config), *(_digest(layer) for layer in layers)]
    named += [str(layer.get("blobSum") or "") for layer in _entries(document, "fsLayers")]
    subject = document.get("subject")
    return Links(
        size=sum(_size(layer) for layer in layers),
        blobs=_unique(named),
        children=_unique([_digest(child) for child in _entries(document, "manifests")]),
        subject=(_digest(subject) or None) if isinstance(subject, dict) else None,
        artifact_type=_artifact_type(document, config),
        media_type=str(document.get("mediaType") or ""),
    )


def _artifact_type(document: dict[str, Any], config: dict[str, Any]) -> str | None:
    """OCI distribution-spec, "Listing Referrers": artifactType, else the config's media type."""
    named = document.get("artifactType")
    if isinstance(named, str) and named:
        return named
    return str(config.get("mediaType") or "") or None


def _entries(document: dict[str, Any], member: str) -> list[dict[str, Any]]:
    found = document.get(member)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _is_foreign(layer: dict[str, Any]) -> bool:
    return str(layer.get("mediaType") or "").startswith(_FOREIGN)


def _digest(entry: dict[str, Any]) -> str:
    text = str(entry.get("digest") or "")
    return text if is_digest(text) else ""


def _size(entry: dict[str, Any]) -> int:
    size = entry.get("size")
    return size if isinstance(size, int) and not isinstance(size, bool) and size > 0 else 0


def _unique(digests: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(digest for digest in digests if digest))
