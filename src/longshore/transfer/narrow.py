"""An index narrowed to some platforms. Pure.

The result is another document with another digest: signatures of the index do not cover it. The
children keep their bytes, and an attestation stays with the child that it speaks of.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from longshore.errors import UsageError
from longshore.oci.manifest import Manifest, parse_manifest
from longshore.oci.platforms import Platform, parse_platform
from longshore.text import tr

_SUBJECT = "vnd.docker.reference.digest"


def narrow(manifest: Manifest, platforms: Sequence[str]) -> Manifest:
    """The index with only the chosen platforms and their attestations, in the same order.

    A manifest that is no index, and an index that has nothing else, come back unchanged.
    Raises UsageError when a platform is not in the index.
    """
    if not manifest.is_index or not platforms:
        return manifest
    wanted = [parse_platform(text) for text in platforms]
    _check_all_there(manifest, wanted)
    chosen = {child.digest for child in manifest.children if child.platform in wanted}
    document = json.loads(manifest.content)
    entries = [
        entry
        for entry in document["manifests"]
        if entry["digest"] in chosen or (entry.get("annotations") or {}).get(_SUBJECT) in chosen
    ]
    if len(entries) == len(document["manifests"]):
        return manifest
    document["manifests"] = entries
    content = json.dumps(document, indent=2, ensure_ascii=False).encode()
    return parse_manifest(content, manifest.media_type)


def _check_all_there(manifest: Manifest, wanted: Sequence[Platform]) -> None:
    there = {child.platform for child in manifest.children if child.platform}
    for platform in wanted:
        if platform not in there:
            known = sorted(str(found) for found in there if found.is_known)
            raise UsageError(
                tr(
                    "{digest} has no image for {platform}; it has {known}",
                    digest=manifest.digest,
                    platform=platform,
                    known=", ".join(known),
                ),
                tr("leave the platform out, or the tag (tags.deny)"),
                code="platform-missing",
            )
