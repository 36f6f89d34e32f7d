"""ECR's image operations: put, get, delete, list, describe, referrers. I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from longshore.embedded.contents import Stored
from longshore.embedded.ecr_errors import image_not_found, invalid
from longshore.embedded.ecr_paging import page
from longshore.embedded.ecr_state import Region
from longshore.embedded.ecr_storage import (
    PULLS_WITHIN,
    can_be_pulled,
    storage_details,
    with_status,
)
from longshore.embedded.ecr_write import Removal, Wanted, put_image, remove_image
from longshore.oci.digest import is_digest
from longshore.oci.manifest import parse_manifest
from longshore.oci.reference import is_tag

Values = dict[str, Any]


def put_image_operation(region: Region, asked: Values) -> Values:
    """PutImage."""
    name, tag = asked["repositoryName"], asked.get("imageTag")
    region.repository(name, asked.get("registryId"))
    if tag is not None and not is_tag(tag):
        raise invalid("imageTag", "must satisfy regular expression '[a-zA-Z0-9_][a-zA-Z0-9._-]*'")
    wanted = Wanted(
        name,
        asked["imageManifest"].encode(),
        asked.get("imageManifestMediaType", ""),
        tag,
        asked.get("imageDigest"),
    )
    stored = put_image(region, wanted, by_api=True)
    return {"image": _image(region, name, stored, tag)}


def batch_get_image(region: Region, asked: Values) -> Values:
    """BatchGetImage. A manifest is never translated into another media type."""
    name = asked["repositoryName"]
    region.repository(name, asked.get("registryId"))
    accepted = set(asked.get("acceptedMediaTypes", ()))
    images: list[Values] = []
    failures: list[Values] = []
    for image_id in asked["imageIds"]:
        stored, failure = _find(region, name, image_id)
        tag = image_id.get("imageTag")
        if stored is not None and not can_be_pulled(region, stored):
            stored, failure = None, _missing(image_id)
        if stored is not None and not _accepts(accepted, stored, image_id):
            failures.append(_not_accepted(image_id, stored))
            continue
        if stored is None:
            failures.append(failure)
            continue
        region.contents.set_pulled(name, stored.digest, not_within=PULLS_WITHIN)
        region.ecr.pulled(region, name)
        images.append(_image(region, name, stored, tag))
    return {"images": images, "failures": failures}


def _accepts(accepted: set[str], stored: Stored, image_id: Values) -> bool:
    """By digest a manifest comes as it is, whatever was accepted."""
    return "imageDigest" in image_id or not accepted or stored.media_type in accepted


def _not_accepted(image_id: Values, stored: Stored) -> Values:
    reason = (
        f"Requested image has media type {stored.media_type}, which is not accepted, "
        "and the embedded ECR translates none"
    )
    return _failure(image_id, "ImageNotFound", reason)


def batch_delete_image(region: Region, asked: Values) -> Values:
    """BatchDeleteImage: by digest the image, by tag the tag (the last tag takes the image)."""
    name = asked["repositoryName"]
    region.repository(name, asked.get("registryId"))
    deleted: list[Values] = []
    failures: list[Values] = []
    for image_id in asked["imageIds"]:
        if bad := _bad_id(image_id):
            failures.append(bad)
            continue
        digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
        removal = remove_image(region, name, digest, tag)
        if removal.failure:
            failures.append(_failure(image_id, removal.failure, removal.reason))
        else:
            deleted += _removed_ids(removal, tag)
    return {"imageIds": deleted, "failures": failures}


def _removed_ids(removal: Removal, tag: str | None) -> list[Values]:
    tags: Iterable[str | None] = (tag,) if tag else removal.tags or (None,)
    return [{"imageDigest": removal.digest, "imageTag": one} for one in tags]


def list_images(region: Region, asked: Values) -> Values:
    """ListImages: one id a tag, and one for each image without tags."""
    name = asked["repositoryName"]
    region.repository(name, asked.get("registryId"))
    ids = [
        {"imageDigest": stored.digest, "imageTag": tag}
        for stored in _filtered(region, name, asked)
        for tag in (stored.tags or (None,))
    ]
    shown, token = page(
        ids,
        lambda one: f"{one['imageDigest']} {one['imageTag'] or ''}",
        asked.get("nextToken"),
        asked.get("maxResults"),
    )
    return {"imageIds": shown, "nextToken": token}


def describe_images(region: Region, asked: Values) -> Values:
    """DescribeImages, all of them or those that are named."""
    name = asked["repositoryName"]
    region.repository(name, asked.get("registryId"))
    if ids := asked.get("imageIds"):
        if "maxResults" in asked or "nextToken" in asked:
            raise invalid("maxResults", "must not be set together with imageIds")
        named = [_named(region, name, image_id) for image_id in ids]
        # An archived image that is named is shown, unless the filter says otherwise.
        wanted = asked.get("filter", {}).get("imageStatus", "ANY")
        found = {one.digest: one for one in with_status(region, named, wanted)}
        return {"imageDetails": [_details(region, name, one) for one in found.values()]}
    shown, token = page(
        _filtered(region, name, asked),
        lambda stored: stored.digest,
        asked.get("nextToken"),
        asked.get("maxResults"),
    )
    return {"imageDetails": [_details(region, name, one) for one in shown], "nextToken": token}


def list_image_referrers(region: Region, asked: Values) -> Values:
    """ListImageReferrers."""
    name, subject = asked["repositoryName"], asked["subjectId"]["imageDigest"]
    region.repository(name, asked.get("registryId"))
    if not is_digest(subject):
        raise invalid("subjectId.imageDigest", "must be a digest")
    wanted = asked.get("filter", {})
    referrers = region.contents.referrers(name, subject)
    found = [
        stored
        for stored in with_status(region, referrers, wanted.get("artifactStatus", "ACTIVE"))
        if not wanted.get("artifactTypes") or stored.artifact_type in wanted["artifactTypes"]
    ]
    shown, token = page(
        found, lambda one: one.digest, asked.get("nextToken"), asked.get("maxResults"), 20
    )
    return {"referrers": [_referrer(region, stored) for stored in shown], "nextToken": token}


def _referrer(region: Region, stored: Stored) -> Values:
    manifest = parse_manifest(stored.content, stored.media_type)
    return {
        "digest": stored.digest,
        "mediaType": stored.media_type,
        "artifactType": stored.artifact_type or None,
        "size": len(stored.content),
        "annotations": dict(manifest.annotations) or None,
        "artifactStatus": storage_details(region, stored)["imageStatus"],
    }


# --- one image ----------------------------------------------------------------------------------


def _bad_id(image_id: Values) -> Values | None:
    digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
    if digest is None and tag is None:
        return _failure(
            image_id,
            "MissingDigestAndTag",
            "Invalid request parameters: both tag and digest cannot be null",
        )
    if digest is not None and not is_digest(digest):
        return _failure(
            image_id,
            "InvalidImageDigest",
            "Invalid request parameters: image digest should satisfy the regex "
            "'[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
        )
    if tag is not None and not is_tag(tag):
        return _failure(
            image_id, "InvalidImageTag", "Invalid request parameters: invalid image tag"
        )
    return None


def _find(region: Region, name: str, image_id: Values) -> tuple[Stored | None, Values]:
    """The image, or the failure to report."""
    if bad := _bad_id(image_id):
        return None, bad
    digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
    stored = region.contents.manifest(name, digest or tag or "")
    if stored is None:
        return None, _missing(image_id)
    if digest and tag and tag not in stored.tags:
        reason = "Requested tag does not match the digest"
        return None, _failure(image_id, "ImageTagDoesNotMatchDigest", reason)
    return stored, {}


def _named(region: Region, name: str, image_id: Values) -> Stored:
    stored, failure = _find(region, name, image_id)
    if stored is not None:
        return stored
    if failure["failureCode"] in ("ImageNotFound", "ImageTagDoesNotMatchDigest"):
        digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
        raise image_not_found(digest, tag, name, region.account)
    raise invalid("imageIds", failure["failureReason"])


def _failure(image_id: Values, code: str, reason: str) -> Values:
    return {"imageId": image_id, "failureCode": code, "failureReason": reason}


def _missing(image_id: Values) -> Values:
    return _failure(image_id, "ImageNotFound", "Requested image not found")


def _filtered(region: Region, name: str, asked: Values) -> list[Stored]:
    """Only active images are shown unless asked otherwise."""
    wanted = asked.get("filter", {})
    every = region.contents.list_manifests(name)
    found = with_status(region, every, wanted.get("imageStatus", "ACTIVE"))
    by_tags = {"TAGGED": (True,), "UNTAGGED": (False,)}.get(
        wanted.get("tagStatus", "ANY"), (True, False)
    )
    return [stored for stored in found if bool(stored.tags) in by_tags]


def _image(region: Region, name: str, stored: Stored, tag: str | None) -> Values:
    return {
        "registryId": region.account,
        "repositoryName": name,
        "imageId": {"imageDigest": stored.digest, "imageTag": tag},
        "imageManifest": stored.content.decode(),
        "imageManifestMediaType": stored.media_type,
    }


def _details(region: Region, name: str, stored: Stored) -> Values:
    return {
        "registryId": region.account,
        "repositoryName": name,
        "imageDigest": stored.digest,
        "imageTags": list(stored.tags) or None,
        "imageSizeInBytes": stored.size,
        "imagePushedAt": stored.pushed_at,
        "imageManifestMediaType": stored.media_type,
        "artifactMediaType": stored.artifact_type,
        "lastRecordedPullTime": stored.pulled_at,
        "subjectManifestDigest": stored.subject or None,
        **storage_details(region, stored),
    }
