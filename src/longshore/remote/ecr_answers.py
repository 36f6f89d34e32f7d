"""What ECR's answers say, as facts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from longshore.errors import LongshoreError
from longshore.facts import (
    ImageSeen,
    LifecyclePreview,
    ManifestSeen,
    PreviewedImage,
    ReferrerSeen,
    RepositorySeen,
)
from longshore.oci.manifest import parse_manifest


def repository_of(found: Mapping[str, Any]) -> RepositorySeen:
    """A `Repository`; tags and policies are not in it."""
    encryption = found.get("encryptionConfiguration") or {}
    filters = found.get("imageTagMutabilityExclusionFilters") or []
    return RepositorySeen(
        name=str(found["repositoryName"]),
        arn=str(found["repositoryArn"]),
        uri=str(found["repositoryUri"]),
        mutability=str(found.get("imageTagMutability", "MUTABLE")),
        exclusions=tuple(str(one["filter"]) for one in filters),
        scan_on_push=bool((found.get("imageScanningConfiguration") or {}).get("scanOnPush")),
        encryption=str(encryption.get("encryptionType", "AES256")),
        kms_key=encryption.get("kmsKey"),
        created_at=time_of(found.get("createdAt")),
    )


def image_of(detail: Mapping[str, Any]) -> ImageSeen:
    """An `ImageDetail`; an index's children are not in it."""
    return ImageSeen(
        digest=str(detail["imageDigest"]),
        tags=tuple(detail.get("imageTags") or ()),
        size=int(detail.get("imageSizeInBytes") or 0),
        pushed_at=time_of(detail.get("imagePushedAt")),
        media_type=str(detail.get("imageManifestMediaType") or ""),
        artifact_type=str(detail.get("artifactMediaType") or ""),
        subject=detail.get("subjectManifestDigest"),
        pulled_at=time_of(detail.get("lastRecordedPullTime")),
        status=str(detail.get("imageStatus") or "ACTIVE"),
        archived_at=time_of(detail.get("lastArchivedAt")),
        activated_at=time_of(detail.get("lastActivatedAt")),
    )


def manifest_of(image: Mapping[str, Any]) -> ManifestSeen:
    """An `Image` of BatchGetImage."""
    return ManifestSeen(
        str(image["imageId"]["imageDigest"]),
        str(image.get("imageManifestMediaType") or ""),
        str(image.get("imageManifest") or "").encode(),
    )


def children_of(seen: ManifestSeen) -> tuple[str, ...] | None:
    """The digests of the manifests that an index names; None when it cannot be read."""
    try:
        manifest = parse_manifest(seen.content, seen.media_type)
    except LongshoreError:
        return None
    return tuple(dict.fromkeys(child.digest for child in manifest.children))


def referrer_of(found: Mapping[str, Any]) -> ReferrerSeen:
    """An `ImageReferrer`."""
    return ReferrerSeen(
        digest=str(found["digest"]),
        media_type=str(found.get("mediaType") or ""),
        artifact_type=str(found.get("artifactType") or ""),
        size=int(found.get("size") or 0),
        status=str(found.get("artifactStatus") or "ACTIVE"),
    )


def preview_of(pages: Sequence[Mapping[str, Any]]) -> LifecyclePreview:
    """The pages of a GetLifecyclePolicyPreview as one; there is at least one."""
    first = pages[0]
    summary = first.get("summary") or {}
    moving = summary.get("transitioningImageTotalCounts") or []
    return LifecyclePreview(
        status=str(first.get("status", "")),
        text=str(first.get("lifecyclePolicyText", "")),
        images=tuple(
            _previewed(found) for page in pages for found in page.get("previewResults") or []
        ),
        expiring=int(summary.get("expiringImageTotalCount") or 0),
        transitioning=sum(int(one.get("imageTotalCount") or 0) for one in moving),
    )


def _previewed(found: Mapping[str, Any]) -> PreviewedImage:
    action = found.get("action") or {}
    return PreviewedImage(
        digest=str(found["imageDigest"]),
        tags=tuple(found.get("imageTags") or ()),
        action=str(action.get("type") or "").lower(),
        rule=int(found.get("appliedRulePriority") or 0),
        pushed_at=time_of(found.get("imagePushedAt")),
        storage_class=str(found.get("storageClass") or "STANDARD").lower(),
    )


def time_of(value: Any) -> datetime | None:
    """A time as the SDK gives it, in UTC."""
    return value.astimezone(UTC) if isinstance(value, datetime) else None
