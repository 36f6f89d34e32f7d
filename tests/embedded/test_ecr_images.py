"""Images and layers in ECR by the real SDK: what gets in, what is shown, what goes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.embedded.aws_world import (
    ACCOUNT,
    OCI,
    OCI_INDEX,
    World,
    digest_of,
    index_of,
)
from tests.embedded.test_ecr_repositories import refused


def ids(world: World, **asked: Any) -> set[tuple[str, str | None]]:
    found = world.client().list_images(repositoryName="shop", **asked)["imageIds"]
    return {(one["imageDigest"], one.get("imageTag")) for one in found}


def test_an_image_and_its_second_tag(shop: World) -> None:
    ecr, content = shop.client(), shop.manifest("shop", "one")
    answer = ecr.put_image(
        repositoryName="shop",
        imageManifest=content.decode(),
        imageTag="v1",
        imageDigest=digest_of(content),
    )
    assert answer["image"]["imageId"] == {"imageDigest": digest_of(content), "imageTag": "v1"}
    shop.put("shop", content, "v2")
    (seen,) = ecr.describe_images(repositoryName="shop")["imageDetails"]
    layers = json.loads(content)["layers"]
    assert seen["imageTags"] == ["v1", "v2"]
    assert seen["imageSizeInBytes"] == sum(layer["size"] for layer in layers)
    assert seen["imageManifestMediaType"] == OCI
    assert seen["artifactMediaType"] == "application/vnd.oci.image.config.v1+json"
    assert seen["imageStatus"] == "ACTIVE"
    assert "lastRecordedPullTime" not in seen
    got = ecr.batch_get_image(repositoryName="shop", imageIds=[{"imageTag": "v1"}])
    assert got["images"][0]["imageManifest"].encode() == content
    (seen,) = ecr.describe_images(repositoryName="shop")["imageDetails"]
    assert seen["lastRecordedPullTime"]


def test_the_same_again_and_a_moved_tag(shop: World) -> None:
    ecr, content = shop.client(), shop.manifest("shop", "one")
    first = shop.put("shop", content, "v1")
    assert refused(
        ecr.put_image, repositoryName="shop", imageManifest=content.decode(), imageTag="v1"
    ) == (
        "ImageAlreadyExistsException",
        f"Image with digest '{first}' and tag 'v1' already exists in the repository with name "
        f"'shop' in registry with id '{ACCOUNT}'",
    )
    again = refused(ecr.put_image, repositoryName="shop", imageManifest=content.decode())
    assert again[0] == "ImageAlreadyExistsException"
    second = shop.push("shop", "two", "v1")
    assert ids(shop) == {(first, None), (second, "v1")}
    assert ids(shop, filter={"tagStatus": "UNTAGGED"}) == {(first, None)}
    assert ids(shop, filter={"tagStatus": "TAGGED"}) == {(second, "v1")}
    assert ids(shop, filter={"imageStatus": "ARCHIVED"}) == set()


@pytest.mark.parametrize(
    ("mode", "filters", "tag", "may_move"),
    [
        ("MUTABLE", [], "v1", True),
        ("IMMUTABLE", [], "v1", False),
        ("IMMUTABLE_WITH_EXCLUSION", ["pr-*", "latest"], "pr-1", True),
        ("IMMUTABLE_WITH_EXCLUSION", ["pr-*", "latest"], "latest", True),
        ("IMMUTABLE_WITH_EXCLUSION", ["pr-*", "latest"], "latest-1", False),
        ("IMMUTABLE_WITH_EXCLUSION", ["*-rc.*"], "v1-rc.2", True),
        ("IMMUTABLE_WITH_EXCLUSION", ["v.1"], "vx1", False),
        ("MUTABLE_WITH_EXCLUSION", ["v*"], "v1", False),
        ("MUTABLE_WITH_EXCLUSION", ["v*"], "main", True),
    ],
)
def test_immutable_tags(
    shop: World, mode: str, filters: list[str], tag: str, may_move: bool
) -> None:
    more: dict[str, Any] = {}
    if filters:
        more["imageTagMutabilityExclusionFilters"] = [
            {"filterType": "WILDCARD", "filter": pattern} for pattern in filters
        ]
    ecr = shop.client()
    ecr.put_image_tag_mutability(repositoryName="shop", imageTagMutability=mode, **more)
    first, second = shop.manifest("shop", "one"), shop.manifest("shop", "two")
    shop.put("shop", first, tag)
    if may_move:
        assert shop.put("shop", second, tag) == digest_of(second)
        return
    answer = refused(
        ecr.put_image, repositoryName="shop", imageManifest=second.decode(), imageTag=tag
    )
    assert answer == (
        "ImageTagAlreadyExistsException",
        f"The image tag '{tag}' already exists in the 'shop' repository and cannot be "
        "overwritten because the tag is immutable.",
    )
    same = refused(ecr.put_image, repositoryName="shop", imageManifest=first.decode(), imageTag=tag)
    assert same[0] == "ImageAlreadyExistsException"
    assert ids(shop) == {(digest_of(first), tag)}


def test_parts_must_be_there_first(shop: World) -> None:
    ecr = shop.client()
    ecr.create_repository(repositoryName="other")
    content = shop.manifest("other", "one")
    code, message = refused(
        ecr.put_image, repositoryName="shop", imageManifest=content.decode(), imageTag="v1"
    )
    assert code == "LayersNotFoundException"
    assert message.startswith("Layers with digests '[sha256:")
    assert message.endswith(
        "' required for pushing image into repository with name 'shop' in the registry "
        f"with id '{ACCOUNT}' do not exist"
    )
    index = index_of(content)
    absent = refused(
        ecr.put_image,
        repositoryName="shop",
        imageManifest=index.decode(),
        imageManifestMediaType=OCI_INDEX,
    )
    assert absent[0] == "ReferencedImagesNotFoundException"
    assert digest_of(content) in absent[1]
    assert ids(shop) == set()


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"schemaVersion": 2}', '{"schemaVersion": 2, "mediaType": "text/plain"}'],
)
def test_refuses_what_is_no_manifest(shop: World, content: str) -> None:
    assert refused(shop.client().put_image, repositoryName="shop", imageManifest=content) == (
        "InvalidParameterException",
        "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'",
    )


def test_a_wrong_digest_and_a_wrong_tag(shop: World) -> None:
    ecr, content = shop.client(), shop.manifest("shop", "one").decode()
    code, _ = refused(
        ecr.put_image,
        repositoryName="shop",
        imageManifest=content,
        imageDigest="sha256:" + "0" * 64,
    )
    assert code == "ImageDigestDoesNotMatchException"
    for tag in ("-x", "a b", "x" * 129):
        code, _ = refused(ecr.put_image, repositoryName="shop", imageManifest=content, imageTag=tag)
        assert code == "InvalidParameterException"
    assert ids(shop) == set()


def test_an_index_protects_its_images(shop: World) -> None:
    ecr = shop.client()
    small, large = shop.manifest("shop", "a"), shop.manifest("shop", "a much longer name")
    for content in (small, large):
        shop.put("shop", content)
    index = index_of(small, large)
    shop.put("shop", index, "v1")
    described = ecr.describe_images(repositoryName="shop", imageIds=[{"imageTag": "v1"}])
    largest = max(json.loads(one)["layers"][0]["size"] for one in (small, large))
    assert described["imageDetails"][0]["imageSizeInBytes"] == largest
    child = {"imageDigest": digest_of(small)}
    answer = ecr.batch_delete_image(repositoryName="shop", imageIds=[child])
    assert answer["imageIds"] == []
    assert answer["failures"][0]["failureCode"] == "ImageReferencedByManifestList"
    assert digest_of(index) in answer["failures"][0]["failureReason"]
    parent = {"imageDigest": digest_of(index)}
    answer = ecr.batch_delete_image(repositoryName="shop", imageIds=[parent, child])
    assert answer["imageIds"] == [{**parent, "imageTag": "v1"}, child]
    assert ids(shop) == {(digest_of(large), None)}


def test_deleting_by_tag_and_by_digest(shop: World) -> None:
    ecr, content = shop.client(), shop.manifest("shop", "one")
    digest = shop.put("shop", content, "v1")
    shop.put("shop", content, "v2")
    answer = ecr.batch_delete_image(repositoryName="shop", imageIds=[{"imageTag": "v1"}])
    assert answer["imageIds"] == [{"imageDigest": digest, "imageTag": "v1"}]
    assert ids(shop) == {(digest, "v2")}
    ecr.batch_delete_image(repositoryName="shop", imageIds=[{"imageTag": "v2"}])
    assert ids(shop) == set()
    shop.put("shop", content, "v1")
    shop.put("shop", content, "v2")
    answer = ecr.batch_delete_image(repositoryName="shop", imageIds=[{"imageDigest": digest}])
    assert answer["imageIds"] == [
        {"imageDigest": digest, "imageTag": "v1"},
        {"imageDigest": digest, "imageTag": "v2"},
    ]
    assert ids(shop) == set()


def test_failures_are_in_the_answer(shop: World) -> None:
    ecr = shop.client()
    digest = shop.push("shop", "one", "v1")
    other = "sha256:" + "0" * 64
    asked = [
        {"imageTag": "nope"},
        {"imageDigest": other},
        {"imageDigest": "nope"},
        {"imageTag": "-"},
        {"imageDigest": digest, "imageTag": "nope"},
        {},
    ]
    expected = [
        "ImageNotFound",
        "ImageNotFound",
        "InvalidImageDigest",
        "InvalidImageTag",
        "ImageTagDoesNotMatchDigest",
        "MissingDigestAndTag",
    ]
    for call in (ecr.batch_get_image, ecr.batch_delete_image):
        answer = call(repositoryName="shop", imageIds=asked)
        assert [one["failureCode"] for one in answer["failures"]] == expected
    assert ids(shop) == {(digest, "v1")}
    assert refused(ecr.describe_images, repositoryName="shop", imageIds=[{"imageTag": "nope"}]) == (
        "ImageNotFoundException",
        "The image with imageId {imageDigest:'null', imageTag:'nope'} does not exist within the "
        f"repository with name 'shop' in the registry with id '{ACCOUNT}'",
    )


def test_accepted_media_types(shop: World) -> None:
    ecr = shop.client()
    digest = shop.push("shop", "one", "v1")

    def images(image_id: dict[str, str], *accepted: str) -> int:
        answer = ecr.batch_get_image(
            repositoryName="shop", imageIds=[image_id], acceptedMediaTypes=list(accepted)
        )
        return len(answer["images"])

    assert images({"imageTag": "v1"}, OCI, OCI_INDEX) == 1
    assert images({"imageTag": "v1"}, OCI_INDEX) == 0
    assert images({"imageDigest": digest}, OCI_INDEX) == 1


def test_pages_of_images(shop: World) -> None:
    ecr, content = shop.client(), shop.manifest("shop", "many")
    digests = {shop.push("shop", f"image {number}", f"v{number}") for number in range(5)}
    for number in range(7):
        shop.put("shop", content, f"tag-{number}")
    for name, key in (("describe_images", "imageDetails"), ("list_images", "imageIds")):
        pages = ecr.get_paginator(name).paginate(
            repositoryName="shop", PaginationConfig={"PageSize": 2}
        )
        found = [one for page in pages for one in page[key]]
        assert {one["imageDigest"] for one in found} == digests | {digest_of(content)}
        assert len(found) == (6 if key == "imageDetails" else 12)


def test_referrers(shop: World) -> None:
    ecr, content = shop.client(), shop.manifest("shop", "one")
    subject = {"mediaType": OCI, "digest": digest_of(content), "size": len(content)}
    shop.put("shop", content, "v1")
    signature = shop.push(
        "shop", "sig", subject=subject, artifactType="application/x.sig", annotations={"by": "me"}
    )
    sbom = shop.push("shop", "sbom", subject=subject, artifactType="application/x.sbom")
    asked = {"repositoryName": "shop", "subjectId": {"imageDigest": digest_of(content)}}
    found = {one["digest"]: one for one in ecr.list_image_referrers(**asked)["referrers"]}
    assert set(found) == {signature, sbom}
    assert found[signature]["artifactType"] == "application/x.sig"
    assert found[signature]["annotations"] == {"by": "me"}
    only = ecr.list_image_referrers(**asked, filter={"artifactTypes": ["application/x.sbom"]})
    assert [one["digest"] for one in only["referrers"]] == [sbom]
    described = ecr.describe_images(repositoryName="shop", imageIds=[{"imageDigest": sbom}])
    assert described["imageDetails"][0]["subjectManifestDigest"] == digest_of(content)
    assert described["imageDetails"][0]["artifactMediaType"] == "application/x.sbom"


# --- layers -------------------------------------------------------------------------------------


def test_layers(shop: World) -> None:
    ecr, content = shop.client(), b"some bytes"
    digest, absent = shop.layer("shop", content), "sha256:" + "0" * 64
    answer = ecr.batch_check_layer_availability(
        repositoryName="shop", layerDigests=[digest, absent, "odd"]
    )
    assert answer["layers"] == [
        {"layerDigest": digest, "layerAvailability": "AVAILABLE", "layerSize": len(content)},
        {"layerDigest": absent, "layerAvailability": "UNAVAILABLE"},
    ]
    assert [one["failureCode"] for one in answer["failures"]] == ["InvalidLayerDigest"]
    url = ecr.get_download_url_for_layer(repositoryName="shop", layerDigest=digest)["downloadUrl"]
    assert url.startswith(shop.layers)
    assert shop.http.request("GET", url).data == content
    gone = refused(ecr.get_download_url_for_layer, repositoryName="shop", layerDigest=absent)
    assert gone[0] == "LayersNotFoundException"


def begin(world: World) -> str:
    return str(world.client().initiate_layer_upload(repositoryName="shop")["uploadId"])


def send(world: World, upload: str, content: bytes, first: int, last: int | None = None) -> Any:
    return world.client().upload_layer_part(
        repositoryName="shop",
        uploadId=upload,
        partFirstByte=first,
        partLastByte=first + len(content) - 1 if last is None else last,
        layerPartBlob=content,
    )


def finish(world: World, upload: str, content: bytes) -> Any:
    return world.client().complete_layer_upload(
        repositoryName="shop", uploadId=upload, layerDigests=[digest_of(content)]
    )


def test_upload_in_parts(shop: World) -> None:
    part = bytes(5 * 1024 * 1024)
    upload = begin(shop)
    assert send(shop, upload, part, 0)["lastByteReceived"] == len(part) - 1
    code, message = refused(lambda: send(shop, upload, b"x", 0))
    assert code == "InvalidLayerPartException"
    assert message == f"First byte of the layer part is 0 instead of {len(part)}"
    assert refused(lambda: send(shop, upload, b"x", len(part), 3))[0] == code
    send(shop, upload, b"end", len(part))
    assert finish(shop, upload, part + b"end")["layerDigest"] == digest_of(part + b"end")


def test_bad_uploads(shop: World) -> None:
    assert refused(lambda: finish(shop, begin(shop), b""))[0] == "EmptyUploadException"
    upload = begin(shop)
    send(shop, upload, b"a", 0)
    send(shop, upload, b"b", 1)
    assert refused(lambda: finish(shop, upload, b"ab"))[0] == "LayerPartTooSmallException"
    upload = begin(shop)
    send(shop, upload, b"a", 0)
    assert refused(lambda: finish(shop, upload, b"b"))[0] == "InvalidLayerException"
    shop.layer("shop", b"there")
    upload = begin(shop)
    send(shop, upload, b"there", 0)
    assert refused(lambda: finish(shop, upload, b"there"))[0] == "LayerAlreadyExistsException"
    gone = "00000000-0000-4000-8000-000000000000"
    assert refused(lambda: send(shop, gone, b"a", 0))[0] == "UploadNotFoundException"
    shop.client().create_repository(repositoryName="other")
    upload = shop.client().initiate_layer_upload(repositoryName="other")["uploadId"]
    assert refused(lambda: send(shop, upload, b"a", 0))[0] == "UploadNotFoundException"


def test_put_image_quota(shop: World) -> None:
    contents = [shop.manifest("shop", f"image {number}") for number in range(4)]
    shop.aws.ecr.put_image_per_s = 2
    try:
        for content in contents[:2]:
            shop.put("shop", content)
        assert refused(lambda: [shop.put("shop", content) for content in contents[2:]]) == (
            "ThrottlingException",
            "Rate exceeded",
        )
    finally:
        shop.aws.ecr.put_image_per_s = None
