"""Signatures, SBOMs and other manifests that refer to an image: found, and kept findable. I/O.

Distribution spec v1.1: the referrers API, and for registries without it the "referrers tag schema":
an index under the tag ALGORITHM-ENCODED of the subject. Who pushes a manifest with a subject to
such a registry (it answers without `OCI-Subject`) has to add it to that index.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from longshore.errors import RegistryError
from longshore.oci.digest import Digest
from longshore.oci.distribution import referrers_path, referrers_tag
from longshore.oci.manifest import OCI_INDEX, Descriptor, Manifest, parse_manifest

if TYPE_CHECKING:
    from longshore.remote.registry import RegistryRepository

_NO_API = (404, 405, 501)


class Referrers:
    """The referrers of one repository's manifests; safe for many threads."""

    def __init__(self, repository: RegistryRepository) -> None:
        self._repository = repository
        self._lock = threading.Lock()

    def find(self, digest: Digest, scopes: tuple[str, ...], *, by_tag: bool) -> list[Descriptor]:
        """By the API, else (when allowed) by the tag, which costs a pull where it exists."""
        found = self._by_api_once_known(digest, scopes)
        if found is not None:
            return found
        listed = self._listed(digest) if by_tag else None
        return list(listed.children) if listed is not None else []

    def _by_api_once_known(
        self, digest: Digest, scopes: tuple[str, ...]
    ) -> list[Descriptor] | None:
        """The API's answer, None where there is no API; the first question goes alone."""
        registry = self._repository.registry
        if registry.knows_referrers:
            return self._by_api(digest, scopes)
        with registry.referrers_probe:
            found = self._by_api(digest, scopes)
            registry.knows_referrers = True
        return found

    def _by_api(self, digest: Digest, scopes: tuple[str, ...]) -> list[Descriptor] | None:
        registry = self._repository.registry
        if registry.lacks_referrers:
            return None
        found: list[Descriptor] = []
        try:
            for page in registry.pages(referrers_path(self._repository.name, digest), scopes):
                content = json.dumps(page).encode()
                found += parse_manifest(content, OCI_INDEX).children
        except RegistryError as error:
            if error.status not in _NO_API:
                raise
            if error.registry_code == "NAME_UNKNOWN":
                return []
            registry.lacks_referrers = not error.registry_code
            return None
        return found

    def note(self, manifest: Manifest) -> None:
        """Add a pushed manifest to its subject's index, for a registry that does not do so."""
        if manifest.subject is None:
            return
        subject = manifest.subject.digest
        with self._lock:
            listed = self._listed(subject)
            known = listed.children if listed is not None else ()
            if any(child.digest == manifest.digest for child in known):
                return
            document = _load(listed)
            document["manifests"].append(_entry(manifest))
            content = json.dumps(document, separators=(",", ":")).encode()
            index = parse_manifest(content, OCI_INDEX)
            self._repository.push_manifest(index, referrers_tag(subject))

    def _listed(self, subject: Digest) -> Manifest | None:
        try:
            return self._repository.fetch_manifest(referrers_tag(subject))
        except RegistryError as error:
            if error.status == 404:
                return None
            raise


def _load(listed: Manifest | None) -> dict[str, Any]:
    """The index as it is, every member kept; a new one when there is none."""
    if listed is not None and listed.is_index:
        return dict(json.loads(listed.content))
    return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}


def _entry(manifest: Manifest) -> dict[str, Any]:
    return {
        "mediaType": manifest.media_type,
        "digest": manifest.digest,
        "size": len(manifest.content),
        **({"artifactType": manifest.artifact_type} if manifest.artifact_type else {}),
        **({"annotations": dict(manifest.annotations)} if manifest.annotations else {}),
    }
