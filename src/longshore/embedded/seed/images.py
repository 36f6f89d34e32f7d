"""From a catalogue and stored layers to blobs and manifests, in the order of pushing. Pure.

Children before their index, an image before what refers to it, tags with the last push of each.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from longshore.embedded.seed import documents
from longshore.embedded.seed.archive import Layer
from longshore.embedded.seed.catalogue import Image, Recipe
from longshore.oci.digest import Digest, digest_of
from longshore.oci.manifest import OCI_MANIFEST, Descriptor, Manifest, parse_manifest
from longshore.oci.platforms import Platform

SIGNATURE_TYPE = "application/vnd.dev.cosign.artifact.sig.v1+json"
_SIGNATURE_NOTE = "dev.cosignproject.cosign/signature"


@dataclass(frozen=True)
class Push:
    """A manifest for one repository, with the small blobs that come with it and its tags."""

    repository: str
    manifest: Manifest
    tags: tuple[str, ...] = ()
    blobs: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Parts:
    """What images are put together from. `sign` signs bytes with the seed's own key."""

    layers: Mapping[Recipe, Layer]
    packages: tuple[documents.Package, ...]
    sign: Callable[[bytes], bytes]


def pushes(image: Image, parts: Parts) -> Iterator[Push]:
    """All pushes that make up one image of the catalogue."""
    built = [_platform_image(image, platform, parts) for platform in image.platforms]
    if len(built) == 1:
        top = built[0]
        yield _push(image, top.manifest, image.tags, top.blobs)
    else:
        yield from built
        attested = list(_attestations(image, built)) if image.attested else []
        yield from (push for _, push in attested)
        content = documents.index(
            image.style,
            [
                (platform, push.manifest.descriptor)
                for platform, push in zip(image.platforms, built, strict=True)
            ],
            [(about, push.manifest.descriptor) for about, push in attested],
        )
        top = _push(image, parse_manifest(content), image.tags)
        yield top
    if image.signed:
        yield from _companions(image, top.manifest.descriptor, parts)


def _push(
    image: Image, manifest: Manifest, tags: tuple[str, ...] = (), blobs: tuple[bytes, ...] = ()
) -> Push:
    return Push(image.repository, manifest, tags, blobs)


def _platform_image(image: Image, platform: Platform, parts: Parts) -> Push:
    layers = [parts.layers[recipe] for recipe in image.recipes(platform)]
    name = image.repository.rpartition("/")[2]
    labels = {"org.opencontainers.image.title": name}
    labels["org.opencontainers.image.version"] = image.version
    if image.revision:
        labels["org.opencontainers.image.revision"] = image.revision
    command = f"/app/{name}" if image.program else "/bin/hello"
    own = documents.config(platform, layers, command, image.created, labels)
    content = documents.manifest(image.style, own, layers)
    return _push(image, parse_manifest(content), blobs=(own,))


def _attestations(image: Image, built: list[Push]) -> Iterator[tuple[Digest, Push]]:
    for platform, push in zip(image.platforms, built, strict=True):
        about = push.manifest.digest
        content = documents.provenance(
            image.repository, about, platform, image.revision or "0" * 40, image.created
        )
        wrapped, own = documents.attestation(content, documents.SLSA)
        yield about, _push(image, parse_manifest(wrapped), blobs=(own, content))


def _companions(image: Image, subject: Descriptor, parts: Parts) -> Iterator[Push]:
    """A signature, an attestation and an SBOM: as referrers, and under cosign's tags."""
    reference = f"docker.io/{image.repository}"
    claim = documents.signed_claim(reference, subject.digest)
    note = {_SIGNATURE_NOTE: base64.b64encode(parts.sign(claim)).decode()}
    listed = documents.sbom(f"{image.repository}:{image.version}", parts.packages, image.created)
    yield _referrer(image, subject, SIGNATURE_TYPE, claim, documents.SIMPLE_SIGNING, note)
    yield _referrer(image, subject, documents.SPDX, listed, documents.SPDX, {})
    yield _tagged(image, subject, "sig", claim, documents.SIMPLE_SIGNING, note)
    if "latest" not in image.tags:
        return
    payload = documents.written(
        documents.statement(
            subject.digest, reference, documents.SPDX_PREDICATE, {"name": image.version}
        )
    )
    sealed = documents.envelope(payload, parts.sign(documents.envelope_claim(payload)))
    kind = {"predicateType": documents.SPDX_PREDICATE, _SIGNATURE_NOTE: ""}
    yield _tagged(image, subject, "att", sealed, documents.DSSE, kind)
    yield _tagged(image, subject, "sbom", listed, documents.SPDX, {})


def _referrer(
    image: Image,
    subject: Descriptor,
    artifact_type: str,
    content: bytes,
    media_type: str,
    note: dict[str, str],
) -> Push:
    config, empty = documents.empty_config()
    written = documents.artifact(
        config,
        documents.described(media_type, content),
        note,
        subject=subject,
        artifact_type=artifact_type,
    )
    return _push(image, parse_manifest(written), blobs=(empty, content))


def _tagged(
    image: Image,
    subject: Descriptor,
    suffix: str,
    content: bytes,
    media_type: str,
    note: dict[str, str],
) -> Push:
    own = documents.written(
        {
            "architecture": "",
            "os": "",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(content)]},
        }
    )
    written = documents.artifact(
        documents.described(documents.OCI_CONFIG, own),
        documents.described(media_type, content),
        note,
    )
    tag = f"{subject.digest.replace(':', '-')}.{suffix}"
    return _push(image, parse_manifest(written, OCI_MANIFEST), (tag,), (own, content))
