"""ECR's storage classes: who can be pulled, and UpdateImageStorageClass. I/O.

An archived image answers like one that is not there, and is listed only when asked for. A restore
takes its time (`ACTIVATING`); ECR says up to 20 minutes, and here it is 20. Pushing an image again
restores it at once. That archived images are paid for 90 days shows only on a bill.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from longshore.embedded.aws_errors import AwsRefusal
from longshore.embedded.contents import Stored
from longshore.embedded.ecr_errors import image_not_found, invalid
from longshore.embedded.ecr_events import storage_events
from longshore.embedded.ecr_state import Region
from longshore.facts import ImageSeen

Values = dict[str, Any]
# ECR records a pull "at least once every 24 hours": one soon after another is not seen.
PULLS_WITHIN = timedelta(hours=24)
RESTORE_TAKES = timedelta(minutes=20)


def can_be_pulled(region: Region, stored: Stored) -> bool:
    """Whether it is in standard storage, and all of it."""
    return stored.status(region.ecr.clock.now()) == "ACTIVE"


def with_status(region: Region, found: Iterable[Stored], wanted: str) -> list[Stored]:
    """Those of a status; ANY is all of them."""
    now = region.ecr.clock.now()
    return [one for one in found if wanted in ("ANY", one.status(now))]


def layer_status(region: Region, repository: str, digest: str) -> str:
    """ECR's word for a layer: AVAILABLE, UNAVAILABLE, or ARCHIVED with all of its images."""
    if region.contents.blob_size(repository, digest) is None:
        return "UNAVAILABLE"
    now = region.ecr.clock.now()
    archived = region.contents.images.is_archived(repository, digest, now)
    return "ARCHIVED" if archived else "AVAILABLE"


def storage_details(region: Region, stored: Stored) -> Values:
    """What DescribeImages tells of an image's storage."""
    status = stored.status(region.ecr.clock.now())
    return {
        "imageStatus": status,
        "lastArchivedAt": stored.archived_at,
        "lastActivatedAt": None if status == "ACTIVATING" else stored.activated_at,
    }


def activate_again(region: Region, stored: Stored) -> None:
    """An archived image that is pushed again is back at once."""
    now = region.ecr.clock.now()
    region.contents.images.activate(stored.repository, stored.digest, now)
    _tell(region, stored, now, "STANDARD")


def update_image_storage_class(region: Region, asked: Values) -> Values:
    """UpdateImageStorageClass."""
    name, image_id = asked["repositoryName"], asked["imageId"]
    region.repository(name, asked.get("registryId"))
    digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
    if not digest and not tag:
        raise invalid("imageId", "both tag and digest cannot be null")
    with region.lock:
        stored = region.contents.manifest(name, digest or tag or "")
        if stored is None or (digest and tag and tag not in stored.tags):
            raise image_not_found(digest, tag, name, region.account)
        status = _move(region, stored, asked["targetStorageClass"])
    return {
        "registryId": region.account,
        "repositoryName": name,
        "imageId": {"imageDigest": stored.digest, "imageTag": tag},
        "imageStatus": status,
    }


def _move(region: Region, stored: Stored, target: str) -> str:
    """Archive or begin to restore; the status then. What is there already stays."""
    now = region.ecr.clock.now()
    status = stored.status(now)
    images, name = region.contents.images, stored.repository
    if target == "STANDARD":
        if status != "ARCHIVED":
            return status
        images.activate(name, stored.digest, now + RESTORE_TAKES)
        _tell(region, stored, now, target, now + RESTORE_TAKES)
        return "ACTIVATING"
    if status == "ACTIVATING":
        raise _not_supported("the image is being restored")
    if status == "ACTIVE":
        if parent := _active_parent(images.read(name, now), stored.digest):
            raise _not_supported(f"the image is referenced by manifest list: [{parent}]")
        images.archive(name, [stored.digest], now)
        _tell(region, stored, now, target)
    return "ARCHIVED"


def _active_parent(images: Iterable[ImageSeen], digest: str) -> str | None:
    """An index that names the image and is not archived."""
    parents = (one for one in images if digest in one.children and one.status != "ARCHIVED")
    return next((one.digest for one in parents), None)


def _tell(
    region: Region, stored: Stored, at: datetime, target: str, activated_at: datetime | None = None
) -> None:
    back = activated_at or at
    region.tell(
        storage_events(
            *(back, stored.repository, stored.digest, stored.tags, target),
            is_referrer=stored.subject is not None,
            media_type=stored.media_type,
            artifact_type=stored.artifact_type or "",
            activated_at=back if target == "STANDARD" else None,
        )
    )


def _not_supported(why: str) -> AwsRefusal:
    return AwsRefusal(
        "ImageStorageClassUpdateNotSupportedException",
        f"The requested image storage class update is not supported: {why}",
    )
