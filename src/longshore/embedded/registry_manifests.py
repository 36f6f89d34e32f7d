"""Manifests of the registry protocol: read, store, delete, list tags and referrers. I/O.

OCI distribution-spec v1.1: "Pulling manifests", "Pushing manifests", "Listing Tags", "Listing
Referrers" (end-3, end-7 to end-9, end-12). Bytes are stored and given back as they came.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from longshore.embedded.contents import Stored
from longshore.embedded.links import Links, links_of
from longshore.embedded.registry_rules import ManifestPut, Refusal
from longshore.embedded.wire import BadBody, Response, json_response
from longshore.oci.digest import is_digest
from longshore.oci.manifest import MAX_MANIFEST_BYTES, OCI_INDEX, OCI_MANIFEST
from longshore.oci.reference import is_tag

if TYPE_CHECKING:
    from longshore.embedded.registry import Call


def get(call: Call) -> Response:
    """GET or HEAD of a manifest by tag or digest."""
    request, rules = call.request, call.rules
    stored = call.contents.manifest(call.repository, call.rest)
    if stored is None:
        raise unknown(call.rest)
    stored = rules.select_manifest(request, call.rest, stored)
    note = rules.on_head_manifest if request.is_head else rules.on_get_manifest
    headers = {
        "Content-Type": stored.media_type,
        "Docker-Content-Digest": stored.digest,
        "ETag": f'"{stored.digest}"',
        **note(request, call.caller, stored),
    }
    return Response(200, headers, stored.content)


def put(call: Call) -> Response:
    """PUT of a manifest under a tag or its digest."""
    wanted = _read(call)
    _check_links(call, wanted.links)
    call.rules.before_put(wanted)
    done = call.rules.store_manifest(wanted)
    host = call.request.host
    headers = {
        "Location": f"http://{host}/v2/{call.repository}/manifests/{done.digest}",
        "Docker-Content-Digest": done.digest,
    }
    if wanted.links.subject is not None:
        headers["OCI-Subject"] = wanted.links.subject
    return Response(201, headers)


def delete(call: Call) -> Response:
    """DELETE of a tag, or of a manifest with its tags."""
    if not call.rules.delete_manifest(call.request, call.caller, call.repository, call.rest):
        raise unknown(call.rest)
    return Response(202)


def list_tags(call: Call) -> Response:
    """One page of the repository's tags."""
    return call.rules.list_tags(call.request, call.caller, call.repository)


def list_referrers(call: Call) -> Response:
    """An index of the manifests whose subject is the digest."""
    if not is_digest(call.rest):
        raise Refusal(400, "DIGEST_INVALID", "the digest cannot be read", detail=call.rest)
    wanted = call.request.query.get("artifactType")
    found = call.rules.referrers(call.repository, call.rest)
    if wanted:
        found = [one for one in found if one.artifact_type == wanted]
    headers = {"OCI-Filters-Applied": "artifactType"} if wanted else {}
    index = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [referrer_entry(one) for one in found],
    }
    return json_response(index, headers=headers, content_type=OCI_INDEX)


def referrer_entry(stored: Stored) -> dict[str, Any]:
    """A referrer as the listing shows it: descriptor, artifact type, annotations."""
    entry: dict[str, Any] = {
        "mediaType": stored.media_type,
        "digest": stored.digest,
        "size": len(stored.content),
    }
    if stored.artifact_type:
        entry["artifactType"] = stored.artifact_type
    annotations = json.loads(stored.content).get("annotations")
    if isinstance(annotations, dict) and annotations:
        entry["annotations"] = annotations
    return entry


def unknown(reference: str) -> Refusal:
    """The refusal for a manifest that is not there."""
    name = "digest" if ":" in reference else "Tag"
    return Refusal(404, "MANIFEST_UNKNOWN", "manifest unknown", detail={name: reference})


def _read(call: Call) -> ManifestPut:
    try:
        content = call.request.body.read(MAX_MANIFEST_BYTES)
    except BadBody as error:
        if error.status != 413:
            raise
        raise Refusal(413, "SIZE_INVALID", "a manifest has at most 4 MiB") from None
    tag, digest = _reference(call.rest, content)
    document = _document(content)
    media_type = _media_type(call, document)
    links = links_of(document)
    return ManifestPut(
        call.request,
        call.caller,
        call.repository,
        tag,
        digest,
        content,
        media_type,
        links,
        document,
    )


def _reference(reference: str, content: bytes) -> tuple[str | None, str]:
    if ":" not in reference:
        if not is_tag(reference):
            raise Refusal(400, "TAG_INVALID", "the tag cannot be read", detail=reference)
        return reference, f"sha256:{hashlib.sha256(content).hexdigest()}"
    algorithm = reference.partition(":")[0]
    if is_digest(reference):
        actual = f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"
        if actual == reference:
            return None, reference
    raise Refusal(
        400, "DIGEST_INVALID", "provided digest did not match uploaded content", detail=reference
    )


def _document(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "MANIFEST_INVALID", "manifest invalid", detail=str(error)) from None
    if not isinstance(document, dict):
        raise Refusal(400, "MANIFEST_INVALID", "manifest invalid", detail="not a JSON object")
    return document


def _media_type(call: Call, document: dict[str, Any]) -> str:
    claimed = call.request.header("content-type").partition(";")[0].strip()
    written = document.get("mediaType")
    if isinstance(written, str) and written:
        if claimed and claimed != written:
            why = f"mediaType in manifest should be '{claimed}' not '{written}'"
            raise Refusal(400, "MANIFEST_INVALID", "manifest invalid", detail=why)
        return written
    if claimed:
        return claimed
    return OCI_INDEX if "manifests" in document else OCI_MANIFEST


def _check_links(call: Call, links: Links) -> None:
    contents, repository = call.contents, call.repository
    missing = [one for one in links.blobs if contents.blob_size(repository, one) is None]
    if missing:
        raise Refusal(
            400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry", detail={"digest": missing[0]}
        )
    absent = [one for one in links.children if contents.resolve(repository, one) is None]
    if absent:
        raise Refusal(
            400,
            "MANIFEST_BLOB_UNKNOWN",
            "manifest references a manifest unknown to registry",
            detail={"digest": absent[0]},
        )
