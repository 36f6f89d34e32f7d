"""The one way an image gets into, or out of, the embedded ECR: for the API and for `/v2/`. I/O.

Rules, in the order in which they are applied to a manifest: quota, shape, digest, layers and
children there, tag immutable, already there. `by_api` only decides how "the same again" is
answered: the API refuses it (ImageAlreadyExists), `/v2/` takes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from longshore.embedded.aws_errors import AwsRefusal
from longshore.embedded.contents import Stored
from longshore.embedded.ecr_errors import (
    image_exists,
    images_not_found,
    invalid,
    layers_not_found,
    tag_immutable,
    too_many_tags,
)
from longshore.embedded.ecr_events import image_events
from longshore.embedded.ecr_settings import is_immutable
from longshore.embedded.ecr_state import Region
from longshore.embedded.ecr_storage import activate_again, can_be_pulled
from longshore.errors import LongshoreError
from longshore.oci.manifest import Manifest, parse_manifest

MAX_TAGS_PER_IMAGE = 1000


@dataclass(frozen=True)
class Wanted:
    """A manifest to be written: exact bytes, and what its writer says of them."""

    repository: str
    content: bytes
    media_type: str = ""
    tag: str | None = None
    digest: str | None = None


def put_image(region: Region, wanted: Wanted, *, by_api: bool) -> Stored:
    """Write the image and give what is kept. Raises AwsRefusal with ECR's exceptions."""
    region.put_image_quota.take()
    manifest = read_manifest(wanted)
    with region.lock:
        repository = region.repository(wanted.repository)
        _check_parts(region, wanted.repository, manifest)
        is_there = _is_there(region, repository.settings, wanted, manifest, by_api=by_api)
        if not is_there:
            region.contents.put_manifest(
                wanted.repository, wanted.content, manifest.media_type, wanted.tag
            )
        stored = region.contents.manifest(wanted.repository, manifest.digest)
        if stored is not None and not is_there:
            _tell(region, stored, "PUSH", wanted.tag)
        if stored is not None and not can_be_pulled(region, stored):
            activate_again(region, stored)
    if stored is None:
        raise AwsRefusal("ServerException", "the image was deleted while it was written", 500)
    if not is_there:
        region.ecr.pushed(region, stored)
    return stored


def read_manifest(wanted: Wanted) -> Manifest:
    """The manifest, if ECR takes such a one."""
    try:
        wanted.content.decode("utf-8")
        manifest = parse_manifest(wanted.content, wanted.media_type)
    except UnicodeDecodeError:
        raise invalid("ImageManifest", "Invalid JSON syntax") from None
    except LongshoreError as error:
        reason = error.what if error.code == "schema1" else "Invalid JSON syntax"
        raise invalid("ImageManifest", reason) from None
    if wanted.digest is not None and wanted.digest != manifest.digest:
        raise AwsRefusal(
            "ImageDigestDoesNotMatchException",
            f"Image digest '{manifest.digest}' computed from the image manifest does not match "
            f"the specified digest '{wanted.digest}'",
        )
    return manifest


def _check_parts(region: Region, name: str, manifest: Manifest) -> None:
    contents = region.contents
    missing = [b.digest for b in manifest.blobs if contents.blob_size(name, b.digest) is None]
    if missing:
        raise layers_not_found(missing, name, region.account)
    absent = [c.digest for c in manifest.children if contents.manifest(name, c.digest) is None]
    if absent:
        raise images_not_found(absent, name, region.account)


def _is_there(
    region: Region,
    settings: dict[str, object],
    wanted: Wanted,
    manifest: Manifest,
    *,
    by_api: bool,
) -> bool:
    """Whether there is nothing to write. Raises when it may not be written."""
    same = region.contents.manifest(wanted.repository, manifest.digest)
    is_same = same is not None and (wanted.tag is None or wanted.tag in same.tags)
    if is_same and same is not None and not can_be_pulled(region, same):
        return True  # pushing an archived image again restores it
    if is_same and by_api:
        raise image_exists(manifest.digest, wanted.tag, wanted.repository, region.account)
    if wanted.tag is not None and is_immutable(settings, wanted.tag):
        taken = is_same or region.contents.manifest(wanted.repository, wanted.tag) is not None
        if taken:
            raise tag_immutable(wanted.tag, wanted.repository)
    if wanted.tag and same and not is_same and len(same.tags) >= MAX_TAGS_PER_IMAGE:
        raise too_many_tags(wanted.tag, wanted.repository, region.account, MAX_TAGS_PER_IMAGE)
    return is_same


@dataclass(frozen=True)
class Removal:
    """What a deletion came to: the tags that went, or why nothing did (`failure`, `reason`)."""

    digest: str | None
    tags: tuple[str, ...] = ()
    failure: str = ""
    reason: str = ""


def remove_image(region: Region, name: str, digest: str | None, tag: str | None) -> Removal:
    """By digest: the image with all its tags. By tag: the tag, and with the last tag the image.

    An image that an index names stays.
    """
    with region.lock:
        stored = region.contents.manifest(name, digest or tag or "")
        if stored is None:
            return Removal(digest, (), "ImageNotFound", "Requested image not found")
        if digest and tag and tag not in stored.tags:
            return Removal(
                digest, (), "ImageTagDoesNotMatchDigest", "Requested tag does not match the digest"
            )
        if tag is not None and len(stored.tags) > 1:
            region.contents.delete_tag(name, tag)
            _tell(region, stored, "DELETE", tag)
            return Removal(stored.digest, (tag,))
        if parents := region.contents.parents(name, stored.digest):
            listed = ", ".join(parents)
            return Removal(
                stored.digest,
                (),
                "ImageReferencedByManifestList",
                f"Requested image referenced by manifest list: [{listed}]",
            )
        region.contents.delete_manifest(name, stored.digest)
        _tell(region, stored, "DELETE", *stored.tags)
        return Removal(stored.digest, tuple(stored.tags))


def _tell(region: Region, stored: Stored, action: str, *tags: str | None) -> None:
    """EventBridge hears of an image that came or went."""
    region.tell(
        image_events(
            *(region.ecr.clock.now(), stored.repository, action, stored.digest),
            [tag for tag in tags if tag],
            is_referrer=stored.subject is not None,
            manifest_media_type=stored.media_type,
            artifact_media_type=stored.artifact_type or "",
        )
    )
