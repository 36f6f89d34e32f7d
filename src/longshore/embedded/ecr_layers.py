"""ECR's layer operations: availability, upload in parts, download address. I/O."""

from __future__ import annotations

import uuid
from typing import Any

from longshore.embedded.aws_errors import AwsRefusal
from longshore.embedded.contents import DigestMismatch
from longshore.embedded.ecr_errors import (
    layer_exists,
    layer_inaccessible,
    layers_not_found,
    upload_not_found,
)
from longshore.embedded.ecr_layer_store import download_url
from longshore.embedded.ecr_state import Region
from longshore.embedded.ecr_storage import layer_status
from longshore.oci.digest import is_digest

Values = dict[str, Any]

PART_SIZE = 10 * 1024 * 1024
MIN_PART_BYTES = 5 * 1024 * 1024


def batch_check_layer_availability(region: Region, asked: Values) -> Values:
    """BatchCheckLayerAvailability."""
    name = asked["repositoryName"]
    region.repository(name, asked.get("registryId"))
    layers: list[Values] = []
    failures: list[Values] = []
    for digest in asked["layerDigests"]:
        if not is_digest(digest):
            code = "InvalidLayerDigest" if digest else "MissingLayerDigest"
            reason = "Invalid request parameters: layer digest is not a digest"
            failures.append({"layerDigest": digest, "failureCode": code, "failureReason": reason})
            continue
        layers.append(
            {
                "layerDigest": digest,
                "layerAvailability": layer_status(region, name, digest),
                "layerSize": region.contents.blob_size(name, digest),
            }
        )
    return {"layers": layers, "failures": failures}


def initiate_layer_upload(region: Region, asked: Values) -> Values:
    """InitiateLayerUpload."""
    region.repository(asked["repositoryName"], asked.get("registryId"))
    upload = region.contents.start_upload(asked["repositoryName"])
    return {"uploadId": str(uuid.UUID(upload)), "partSize": PART_SIZE}


def upload_layer_part(region: Region, asked: Values) -> Values:
    """UploadLayerPart: parts follow each other without a gap."""
    first, last, part = asked["partFirstByte"], asked["partLastByte"], asked["layerPartBlob"]
    with region.lock:
        upload, received = _upload(region, asked)
        if first != received:
            raise _bad_part(region, asked, received, f"{first} instead of {received}")
        if last - first + 1 != len(part):
            raise _bad_part(region, asked, received, f"{first} and its last {last}")
        total = region.contents.append_upload(upload, (part,))
    return {**_named(region, asked), "lastByteReceived": total - 1}


def _bad_part(region: Region, asked: Values, received: int, why: str) -> AwsRefusal:
    return AwsRefusal(
        "InvalidLayerPartException",
        f"First byte of the layer part is {why}",
        lastValidByteReceived=received - 1,
        **_named(region, asked),
    )


def complete_layer_upload(region: Region, asked: Values) -> Values:
    """CompleteLayerUpload."""
    name, digests = asked["repositoryName"], asked["layerDigests"]
    upload, received = _upload(region, asked)
    if received == 0:
        raise AwsRefusal("EmptyUploadException", "The specified layer upload has no layer parts")
    check_parts(region, upload)
    if layer_status(region, name, digests[0]) == "AVAILABLE":
        region.contents.cancel_upload(upload)
        raise layer_exists(digests[0], name, region.account)
    try:
        region.contents.finish_upload(upload, digests[0])
    except DigestMismatch:
        raise wrong_layer(digests) from None
    return {**_named(region, asked), "layerDigest": digests[0]}


def check_parts(region: Region, upload: str) -> None:
    """Only the last part may be below 5 MiB. Raises LayerPartTooSmallException."""
    parts = [size for size in region.contents.upload_parts(upload) if size]
    if any(size < MIN_PART_BYTES for size in parts[:-1]):
        region.contents.cancel_upload(upload)
        raise AwsRefusal(
            "LayerPartTooSmallException",
            f"Layer parts must be at least {MIN_PART_BYTES} bytes in size",
        )


def wrong_layer(digests: list[str]) -> AwsRefusal:
    """The bytes have another digest."""
    return AwsRefusal(
        "InvalidLayerException",
        f"None of the provided layer digests match the layer: [{', '.join(digests)}]",
    )


def _named(region: Region, asked: Values) -> Values:
    return {
        "registryId": region.account,
        "repositoryName": asked["repositoryName"],
        "uploadId": asked["uploadId"],
    }


def _upload(region: Region, asked: Values) -> tuple[str, int]:
    """The upload's id inside, and how many bytes came. Raises UploadNotFoundException."""
    name, upload = asked["repositoryName"], asked["uploadId"].replace("-", "").lower()
    region.repository(name, asked.get("registryId"))
    size = region.contents.upload_size(upload)
    if size is None or region.contents.upload_repository(upload) != name:
        raise upload_not_found(asked["uploadId"], name, region.account)
    return upload, size


def get_download_url_for_layer(region: Region, asked: Values) -> Values:
    """GetDownloadUrlForLayer."""
    name, digest = asked["repositoryName"], asked["layerDigest"]
    region.repository(name, asked.get("registryId"))
    status = layer_status(region, name, digest)
    if status == "UNAVAILABLE":
        raise layers_not_found([digest], name, region.account)
    if status == "ARCHIVED":
        raise layer_inaccessible(digest, name, region.account)
    return {"downloadUrl": download_url(region, digest), "layerDigest": digest}
