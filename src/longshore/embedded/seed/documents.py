"""The JSON of images: configurations, manifests, indexes, attestations, signatures, SBOMs. Pure.

Bytes are final here: Docker's style is indented as its clients write it, OCI's is compact, so that
a copier that writes manifests anew is found out. OCI image-spec; BuildKit attestation storage;
cosign's signature spec; SPDX 2.3.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from longshore.embedded.seed.archive import Layer, Style
from longshore.oci.digest import Digest, digest_of
from longshore.oci.manifest import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    EMPTY_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
)
from longshore.oci.platforms import Platform

OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
IN_TOTO = "application/vnd.in-toto+json"
DSSE = "application/vnd.dsse.envelope.v1+json"
SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
SPDX = "application/spdx+json"
SLSA = "https://slsa.dev/provenance/v0.2"
SPDX_PREDICATE = "https://spdx.dev/Document"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
Json = dict[str, Any]


@dataclass(frozen=True)
class Package:
    """An installed distribution, as an SBOM names it."""

    name: str
    version: str
    license: str


def written(document: object, style: Style = "oci") -> bytes:
    """The document as a client of this style writes it."""
    if style == "docker":
        return json.dumps(document, indent=3).encode()
    return json.dumps(document, separators=(",", ":")).encode()


def described(media_type: str, content: bytes) -> Descriptor:
    """The descriptor of some bytes."""
    return Descriptor(media_type, digest_of(content), len(content))


def config(
    platform: Platform,
    layers: Sequence[Layer],
    command: str,
    created: datetime,
    labels: Mapping[str, str],
) -> bytes:
    """An image's configuration; each layer has its line of history."""
    at = _time(created)
    history: list[Json] = [{"created": at, "created_by": one.created_by} for one in layers]
    history.append({"created": at, "created_by": f'ENTRYPOINT ["{command}"]', "empty_layer": True})
    return written(
        {
            "created": at,
            **_platform(platform),
            "config": {
                "Env": [f"PATH={_PATH}"],
                "Entrypoint": [command],
                "WorkingDir": "/",
                "Labels": dict(labels),
            },
            "rootfs": {"type": "layers", "diff_ids": [one.diff_id for one in layers]},
            "history": history,
        }
    )


def manifest(style: Style, config: bytes, layers: Sequence[Layer]) -> bytes:
    """An image's manifest."""
    kind, config_kind = (
        (DOCKER_MANIFEST, DOCKER_CONFIG) if style == "docker" else (OCI_MANIFEST, OCI_CONFIG)
    )
    return written(
        {
            "schemaVersion": 2,
            "mediaType": kind,
            "config": entry(described(config_kind, config)),
            "layers": [
                {"mediaType": one.media_type(style), "digest": one.digest, "size": one.size}
                for one in layers
            ],
        },
        style,
    )


def index(
    style: Style,
    children: Sequence[tuple[Platform, Descriptor]],
    attestations: Sequence[tuple[Digest, Descriptor]] = (),
) -> bytes:
    """Many platforms under one digest, with BuildKit's attestations as children of no platform."""
    entries = [{**entry(child), "platform": _platform(platform)} for platform, child in children]
    entries += [
        {
            **entry(child),
            "annotations": {
                "vnd.docker.reference.digest": about,
                "vnd.docker.reference.type": "attestation-manifest",
            },
            "platform": {"architecture": "unknown", "os": "unknown"},
        }
        for about, child in attestations
    ]
    kind = DOCKER_LIST if style == "docker" else OCI_INDEX
    return written({"schemaVersion": 2, "mediaType": kind, "manifests": entries}, style)


def provenance(name: str, about: Digest, platform: Platform, revision: str, at: datetime) -> bytes:
    """An in-toto statement of where an image was built, as buildx makes it with mode=min."""
    source = {"uri": f"https://git.example.com/{name}.git", "digest": {"sha1": revision}}
    return written(
        statement(
            about,
            f"pkg:docker/{name}?platform={str(platform).replace('/', '%2F')}",
            SLSA,
            {
                "buildType": "https://mobyproject.org/buildkit@v1",
                "builder": {"id": ""},
                "invocation": {"configSource": {**source, "entryPoint": "Dockerfile"}},
                "materials": [source],
                "metadata": {"buildFinishedOn": _time(at), "reproducible": True},
            },
        )
    )


def statement(about: Digest, name: str, predicate_type: str, predicate: object) -> Json:
    """An in-toto statement about one digest."""
    return {
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": predicate_type,
        "subject": [{"name": name, "digest": {"sha256": about.partition(":")[2]}}],
        "predicate": predicate,
    }


def attestation(content: bytes, predicate_type: str) -> tuple[bytes, bytes]:
    """BuildKit's manifest around a statement: the manifest, and its configuration."""
    own = written(
        {
            "architecture": "unknown",
            "os": "unknown",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(content)]},
        }
    )
    notes = {"in-toto.io/predicate-type": predicate_type}
    return artifact(described(OCI_CONFIG, own), described(IN_TOTO, content), notes), own


def artifact(
    config: Descriptor,
    layer: Descriptor,
    notes: Mapping[str, str],
    *,
    subject: Descriptor | None = None,
    artifact_type: str = "",
) -> bytes:
    """A manifest around one blob; with a subject it is a referrer."""
    document: Json = {"schemaVersion": 2, "mediaType": OCI_MANIFEST}
    if artifact_type:
        document["artifactType"] = artifact_type
    document["config"] = entry(config)
    document["layers"] = [{**entry(layer), **({"annotations": dict(notes)} if notes else {})}]
    if subject is not None:
        document["subject"] = entry(subject)
    return written(document)


def signed_claim(reference: str, about: Digest) -> bytes:
    """What cosign signs: that this reference's manifest has this digest."""
    return written(
        {
            "critical": {
                "identity": {"docker-reference": reference},
                "image": {"docker-manifest-digest": about},
                "type": "cosign container image signature",
            },
            "optional": None,
        }
    )


def envelope(payload: bytes, signature: bytes) -> bytes:
    """A DSSE envelope around a statement."""
    return written(
        {
            "payloadType": IN_TOTO,
            "payload": base64.b64encode(payload).decode(),
            "signatures": [{"keyid": "", "sig": base64.b64encode(signature).decode()}],
        }
    )


def envelope_claim(payload: bytes) -> bytes:
    """What is signed of an envelope (DSSE's pre-authentication encoding)."""
    return b"DSSEv1 %d %s %d %s" % (len(IN_TOTO), IN_TOTO.encode(), len(payload), payload)


def sbom(name: str, packages: Sequence[Package], created: datetime) -> bytes:
    """An SPDX 2.3 document of the packages."""
    return written(
        {
            "spdxVersion": "SPDX-2.3",
            "dataLicense": "CC0-1.0",
            "SPDXID": "SPDXRef-DOCUMENT",
            "name": name,
            "documentNamespace": f"https://sbom.example.com/{name}",
            "creationInfo": {"created": _time(created), "creators": ["Tool: longshore-seed"]},
            "packages": [
                {
                    "SPDXID": f"SPDXRef-{one.name.replace('_', '-')}",
                    "name": one.name,
                    "versionInfo": one.version,
                    "licenseDeclared": one.license,
                    "downloadLocation": "NOASSERTION",
                    "externalRefs": [
                        {
                            "referenceCategory": "PACKAGE-MANAGER",
                            "referenceType": "purl",
                            "referenceLocator": f"pkg:pypi/{one.name}@{one.version}",
                        }
                    ],
                }
                for one in packages
            ],
        }
    )


def empty_config() -> tuple[Descriptor, bytes]:
    """The configuration of artifacts that have none (OCI "guidance for an empty descriptor")."""
    return described(EMPTY_CONFIG, b"{}"), b"{}"


def entry(one: Descriptor) -> Json:
    """A descriptor as it stands in a document."""
    return {"mediaType": one.media_type, "digest": one.digest, "size": one.size}


def _platform(platform: Platform) -> Json:
    named = {"architecture": platform.architecture, "os": platform.os}
    return {**named, "variant": platform.variant} if platform.variant else named


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
