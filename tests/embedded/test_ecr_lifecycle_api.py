"""Previews, archive storage and restores at the API and under `/v2/`, by botocore's own client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.embedded.aws_world import OCI, World, descriptor, digest_of, index_of, running
from tests.embedded.lifecycle_world import policy, rule

from longshore.embedded.clock import Clock
from longshore.errors import UsageError

NEWEST = policy(rule(1, "tagged", "imageCountMoreThan", 1, "v*"))
MIXED = policy(
    rule(1, "tagged", "imageCountMoreThan", 1, "v*"),
    rule(2, "untagged", "imageCountMoreThan", 1, action="transition"),
)


@pytest.fixture
def world(shop: World) -> Iterator[World]:
    """The account with its repository `shop`; its clock is back at the end."""
    yield shop
    shop.aws.clock.reset()
    shop.aws.ecr.preview_takes_s = 0.5
    shop.aws.lifecycle.catch_up()


def refused(call: Any, **asked: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(repositoryName="shop", **asked)
    return str(caught.value.response["Error"]["Code"])


def preview(world: World, **asked: Any) -> dict[str, Any]:
    found: dict[str, Any] = world.client().get_lifecycle_policy_preview(
        repositoryName="shop", **asked
    )
    return found


def status_of(world: World, digest: str) -> str:
    [found] = world.client().describe_images(
        repositoryName="shop", imageIds=[{"imageDigest": digest}]
    )["imageDetails"]
    return str(found["imageStatus"])


def move(world: World, digest: str, target: str) -> str:
    answer = world.client().update_image_storage_class(
        repositoryName="shop", imageId={"imageDigest": digest}, targetStorageClass=target
    )
    return str(answer["imageStatus"])


# --- policies -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [99, 30_721])
def test_a_policy_has_a_hundred_characters_at_least(world: World, size: int) -> None:
    """What the model says is checked by the server too, not only by the client."""
    text = json.dumps({"rules": []}).ljust(size)
    body = json.dumps({"repositoryName": "shop", "lifecyclePolicyText": text}).encode()
    loose = world.client(parameter_validation=False)
    assert body
    for call in (loose.put_lifecycle_policy, loose.start_lifecycle_policy_preview):
        assert refused(call, lifecyclePolicyText=text) == "InvalidParameterException"


def test_when_the_policy_was_evaluated_last(world: World) -> None:
    ecr = world.client()
    ecr.put_lifecycle_policy(repositoryName="shop", lifecyclePolicyText=NEWEST)
    asked = {"repositoryName": "shop"}
    assert "lastEvaluatedAt" not in ecr.get_lifecycle_policy(**asked)
    before = world.aws.clock.now()
    world.aws.clock.advance(86_401)
    world.aws.lifecycle.catch_up()
    for call in (ecr.get_lifecycle_policy, ecr.delete_lifecycle_policy):
        at = call(**asked)["lastEvaluatedAt"]
        assert timedelta() <= at - before - timedelta(seconds=86_395) < timedelta(seconds=10)
    assert refused(ecr.get_lifecycle_policy) == "LifecyclePolicyNotFoundException"


# --- previews -----------------------------------------------------------------------------------


def test_a_preview_from_its_start_to_its_end(world: World) -> None:
    ecr = world.client()
    assert refused(ecr.get_lifecycle_policy_preview) == "LifecyclePolicyPreviewNotFoundException"
    assert refused(ecr.start_lifecycle_policy_preview) == "LifecyclePolicyNotFoundException"
    old, new = world.push("shop", "1", "v1"), world.push("shop", "2", "v2")
    world.aws.ecr.preview_takes_s = 60
    begun = ecr.start_lifecycle_policy_preview(repositoryName="shop", lifecyclePolicyText=NEWEST)
    assert (begun["status"], begun["lifecyclePolicyText"]) == ("IN_PROGRESS", NEWEST)
    running = preview(world)
    assert (running["status"], "previewResults" in running, "summary" in running) == (
        *("IN_PROGRESS", False, False),
    )
    assert (
        refused(ecr.start_lifecycle_policy_preview, lifecyclePolicyText=NEWEST)
        == "LifecyclePolicyPreviewInProgressException"
    )
    world.aws.clock.advance(61)
    found = preview(world)
    [result] = found["previewResults"]
    assert isinstance(result.pop("imagePushedAt"), datetime)
    assert result == {
        "imageTags": ["v1"],
        "imageDigest": old,
        "action": {"type": "EXPIRE"},
        "appliedRulePriority": 1,
        "storageClass": "STANDARD",
    }
    assert (found["status"], found["summary"]) == ("COMPLETE", {"expiringImageTotalCount": 1})
    assert {status_of(world, one) for one in (old, new)} == {"ACTIVE"}  # it changes nothing
    world.aws.clock.advance(86_401)
    late = preview(world)
    assert (late["status"], "previewResults" in late) == ("EXPIRED", False)


def test_a_preview_of_the_policy_in_force_that_archives(world: World) -> None:
    ecr = world.client()
    ecr.put_lifecycle_policy(repositoryName="shop", lifecyclePolicyText=MIXED)
    moved, kept = world.push("shop", "1"), world.push("shop", "2")
    world.aws.ecr.preview_takes_s = 0
    ecr.start_lifecycle_policy_preview(repositoryName="shop")
    found = preview(world)
    assert found["lifecyclePolicyText"] == MIXED
    [result] = found["previewResults"]
    assert result["imageDigest"] == moved != kept
    assert result["action"] == {"type": "TRANSITION", "targetStorageClass": "ARCHIVE"}
    assert result.get("imageTags", []) == []
    assert found["summary"] == {
        "expiringImageTotalCount": 0,
        "transitioningImageTotalCounts": [{"targetStorageClass": "ARCHIVE", "imageTotalCount": 1}],
    }


def test_pages_and_choices_of_a_preview(world: World) -> None:
    ecr, contents = world.client(), world.aws.ecr.served.contents
    for number in range(103):
        content = json.dumps({"schemaVersion": 2, "n": number}).encode()
        contents.put_manifest("shop", content, OCI, f"v{number}" if number % 2 else None)
    world.aws.ecr.preview_takes_s = 0
    every = policy(
        rule(1, "tagged", "imageCountMoreThan", 1, "v*"), rule(2, "any", "imageCountMoreThan", 1)
    )
    ecr.start_lifecycle_policy_preview(repositoryName="shop", lifecyclePolicyText=every)
    first = preview(world)
    assert len(first["previewResults"]) == 100
    second = preview(world, nextToken=first["nextToken"])
    digests = {one["imageDigest"] for one in first["previewResults"] + second["previewResults"]}
    total = first["summary"]["expiringImageTotalCount"]
    assert len(digests) == total > 100
    assert "nextToken" not in second
    pages = ecr.get_paginator("get_lifecycle_policy_preview").paginate(
        repositoryName="shop", PaginationConfig={"PageSize": 7}
    )
    assert sum(len(page["previewResults"]) for page in pages) == total
    tagged = preview(world, filter={"tagStatus": "TAGGED"})["previewResults"]
    assert tagged
    assert all(one["imageTags"] for one in tagged)
    one = tagged[0]
    ids = [{"imageDigest": one["imageDigest"]}, {"imageTag": "nope"}]
    assert preview(world, imageIds=ids)["previewResults"] == [one]
    assert preview(world, imageIds=[{"imageTag": one["imageTags"][0]}])["previewResults"] == [one]
    none = preview(world, imageIds=[{"imageTag": "nope"}])
    assert (none["status"], none["previewResults"]) == ("COMPLETE", [])
    assert (
        refused(ecr.get_lifecycle_policy_preview, imageIds=ids, maxResults=1)
        == "InvalidParameterException"
    )


def test_a_repository_takes_its_preview_along(world: World) -> None:
    ecr = world.client()
    ecr.start_lifecycle_policy_preview(repositoryName="shop", lifecyclePolicyText=NEWEST)
    ecr.delete_repository(repositoryName="shop")
    ecr.create_repository(repositoryName="shop")
    assert refused(ecr.get_lifecycle_policy_preview) == "LifecyclePolicyPreviewNotFoundException"


def test_a_dry_run_is_in_cloudtrail(tmp_path: Path) -> None:
    with running(tmp_path) as world:
        world.client().create_repository(repositoryName="shop")
        _dry_run(world)


def _dry_run(world: World) -> None:
    ecr, trail = world.client(), world.client("cloudtrail")
    digest = world.push("shop", "1", "v1")
    world.push("shop", "2", "v2")
    ecr.start_lifecycle_policy_preview(repositoryName="shop", lifecyclePolicyText=NEWEST)
    wanted = {"AttributeKey": "EventName", "AttributeValue": "DryRunEvent"}
    event = trail.lookup_events(LookupAttributes=[wanted])["Events"][0]
    record = json.loads(event["CloudTrailEvent"])
    assert (event["EventId"], event["EventName"]) == (record["eventID"], "DryRunEvent")
    [action] = record["serviceEventDetails"]["lifecycleEventImageActions"]
    assert action["lifecycleEventImage"]["digest"] == digest
    by_arn = {
        "AttributeKey": "ResourceName",
        "AttributeValue": event["Resources"][0]["ResourceName"],
    }
    assert event in trail.lookup_events(LookupAttributes=[by_arn])["Events"]


def test_looking_events_up(tmp_path: Path) -> None:
    with running(tmp_path) as world:
        world.client().create_repository(repositoryName="shop")
        _look_up(world)


def _look_up(world: World) -> None:
    ecr, trail = world.client(), world.client("cloudtrail")
    ecr.put_lifecycle_policy(repositoryName="shop", lifecyclePolicyText=NEWEST)
    world.aws.clock.advance(3 * 86_400 + 10)
    world.aws.lifecycle.catch_up()
    end = world.aws.clock.now()
    asked = {"StartTime": end - timedelta(days=3, minutes=1), "EndTime": end}
    events = trail.lookup_events(**asked)["Events"]
    assert [one["EventName"] for one in events] == ["PolicyExecutionEvent"] * 3
    assert events[0]["EventTime"] > events[1]["EventTime"]
    first = trail.lookup_events(**asked, MaxResults=2)
    rest = trail.lookup_events(**asked, MaxResults=2, NextToken=first["NextToken"])
    assert first["Events"] + rest["Events"] == events
    assert "NextToken" not in rest
    for key, value, count in (
        ("EventId", events[1]["EventId"], 1),
        ("EventSource", "ecr.amazonaws.com", 3),
        ("ReadOnly", "false", 0),
        ("ResourceType", "AWS::ECR::Repository", 3),
        ("Username", "nobody", 0),
    ):
        chosen = [{"AttributeKey": key, "AttributeValue": value}]
        assert len(trail.lookup_events(**asked, LookupAttributes=chosen)["Events"]) == count
    elsewhere = world.client("cloudtrail", region="eu-west-1")
    assert elsewhere.lookup_events()["Events"] == []
    for bad, code in (
        ({"NextToken": "?"}, "InvalidNextTokenException"),
        ({"MaxResults": 51}, "InvalidMaxResultsException"),
    ):
        loose = world.client("cloudtrail", parameter_validation=False)
        with pytest.raises(ClientError) as caught:
            loose.lookup_events(**bad)
        assert caught.value.response["Error"]["Code"] == code
    world.aws.clock.advance(91 * 86_400)
    assert all(one not in trail.lookup_events()["Events"] for one in events)


# --- archive ------------------------------------------------------------------------------------


def test_an_archived_image_cannot_be_pulled_and_is_hidden(world: World) -> None:
    ecr = world.client()
    archived, active = world.push("shop", "1", "v1"), world.push("shop", "2", "v2")
    assert move(world, archived, "ARCHIVE") == "ARCHIVED"
    for reference in ("v1", archived):
        for method in ("GET", "HEAD"):
            assert world.v2(method, f"/v2/shop/manifests/{reference}").status == 404
    assert json.loads(world.v2("GET", "/v2/shop/tags/list").data)["tags"] == ["v2"]
    answer = ecr.batch_get_image(repositoryName="shop", imageIds=[{"imageTag": "v1"}])
    assert (answer["images"], answer["failures"][0]["failureCode"]) == ([], "ImageNotFound")
    for wanted, digests in (
        ({}, {active}),
        ({"filter": {"imageStatus": "ACTIVE"}}, {active}),
        ({"filter": {"imageStatus": "ARCHIVED"}}, {archived}),
        ({"filter": {"imageStatus": "ACTIVATING"}}, set()),
        ({"filter": {"imageStatus": "ANY", "tagStatus": "TAGGED"}}, {active, archived}),
    ):
        described = ecr.describe_images(repositoryName="shop", **wanted)["imageDetails"]
        listed = ecr.list_images(repositoryName="shop", **wanted)["imageIds"]
        assert {one["imageDigest"] for one in described} == digests
        assert {one["imageDigest"] for one in listed} == digests
    ids = [{"imageDigest": archived}]
    [seen] = ecr.describe_images(repositoryName="shop", imageIds=ids)["imageDetails"]
    assert seen["imageStatus"] == "ARCHIVED"
    assert abs(seen["lastArchivedAt"] - world.aws.clock.now()) < timedelta(seconds=20)
    asked = {"repositoryName": "shop", "imageIds": ids, "filter": {"imageStatus": "ACTIVE"}}
    assert ecr.describe_images(**asked)["imageDetails"] == []
    assert ecr.batch_delete_image(repositoryName="shop", imageIds=ids)["failures"] == []


def test_layers_of_archived_images(world: World) -> None:
    ecr = world.client()
    content = world.manifest("shop", "1")
    layer = json.loads(content)["layers"][0]["digest"]
    alone, shared = world.put("shop", content, "v1"), world.put("shop", content + b"\n", "v2")

    def availability() -> str:
        asked = {"repositoryName": "shop", "layerDigests": [layer]}
        [found] = ecr.batch_check_layer_availability(**asked)["layers"]
        return str(found["layerAvailability"])

    move(world, alone, "ARCHIVE")
    assert availability() == "AVAILABLE"
    assert world.v2("GET", f"/v2/shop/blobs/{layer}").status == 307
    move(world, shared, "ARCHIVE")
    assert availability() == "ARCHIVED"
    assert world.v2("HEAD", f"/v2/shop/blobs/{layer}").status == 404
    asked = {"layerDigest": layer}
    assert refused(ecr.get_download_url_for_layer, **asked) == "LayerInaccessibleException"
    # Whoever pushes the image again may upload its layers again.
    import gzip

    assert world.layer("shop", gzip.compress(b"1" * 10, mtime=0)) == layer
    assert refused(ecr.get_download_url_for_layer, layerDigest=digest_of(b"")) == (
        "LayersNotFoundException"
    )


def test_a_restore_takes_twenty_minutes(world: World) -> None:
    digest = world.push("shop", "1", "v1")
    assert move(world, digest, "STANDARD") == "ACTIVE"  # it was never away
    move(world, digest, "ARCHIVE")
    assert move(world, digest, "ARCHIVE") == "ARCHIVED"
    assert move(world, digest, "STANDARD") == "ACTIVATING"
    assert move(world, digest, "STANDARD") == "ACTIVATING"
    world.aws.clock.advance(19 * 60)
    assert status_of(world, digest) == "ACTIVATING"
    assert world.v2("GET", "/v2/shop/manifests/v1").status == 404
    call = world.client().update_image_storage_class
    asked = {"imageId": {"imageDigest": digest}, "targetStorageClass": "ARCHIVE"}
    assert refused(call, **asked) == "ImageStorageClassUpdateNotSupportedException"
    world.aws.clock.advance(61)
    assert world.v2("GET", "/v2/shop/manifests/v1").status == 200
    [seen] = world.client().describe_images(repositoryName="shop")["imageDetails"]
    assert seen["imageStatus"] == "ACTIVE"
    assert seen["lastActivatedAt"] - seen["lastArchivedAt"] > timedelta(minutes=20)


@pytest.mark.parametrize("by_api", [True, False])
@pytest.mark.parametrize("mutability", ["MUTABLE", "IMMUTABLE"])
def test_pushing_an_image_again_restores_it_at_once(
    world: World, by_api: bool, mutability: str
) -> None:
    ecr = world.client()
    ecr.put_image_tag_mutability(repositoryName="shop", imageTagMutability=mutability)
    content = world.manifest("shop", "1")
    digest = world.put("shop", content, "v1")
    move(world, digest, "ARCHIVE")
    if by_api:
        world.put("shop", content, "v1")
    else:
        headers = {"Content-Type": OCI}
        assert world.v2("PUT", "/v2/shop/manifests/v1", content, headers).status == 201
    assert status_of(world, digest) == "ACTIVE"
    again = {"imageManifest": content.decode(), "imageTag": "v1"}
    assert refused(ecr.put_image, **again) == "ImageAlreadyExistsException"


def test_an_image_that_an_index_names_is_archived_after_it(world: World) -> None:
    child = world.manifest("shop", "child")
    digest = world.put("shop", child)
    index = world.put("shop", index_of(child), "v1")
    call = world.client().update_image_storage_class
    asked = {"imageId": {"imageDigest": digest}, "targetStorageClass": "ARCHIVE"}
    assert refused(call, **asked) == "ImageStorageClassUpdateNotSupportedException"
    assert move(world, index, "ARCHIVE") == "ARCHIVED"
    assert move(world, digest, "ARCHIVE") == "ARCHIVED"


@pytest.mark.parametrize(
    ("image_id", "code"),
    [
        ({"imageTag": "nope"}, "ImageNotFoundException"),
        ({"imageDigest": "sha256:" + "0" * 64}, "ImageNotFoundException"),
        ({}, "InvalidParameterException"),
    ],
)
def test_storage_of_what_is_not_there(world: World, image_id: Any, code: str) -> None:
    asked = {"imageId": image_id, "targetStorageClass": "ARCHIVE"}
    assert refused(world.client().update_image_storage_class, **asked) == code


def test_referrers_that_are_archived(world: World) -> None:
    subject = world.manifest("shop", "subject")
    digest = world.put("shop", subject, "v1")
    referrer = world.push("shop", "sbom", subject=descriptor(OCI, subject))
    move(world, referrer, "ARCHIVE")
    call = world.client().list_image_referrers

    def listed(**more: Any) -> list[tuple[str, str]]:
        answer = call(repositoryName="shop", subjectId={"imageDigest": digest}, **more)
        return [(one["digest"], one["artifactStatus"]) for one in answer["referrers"]]

    assert listed() == []
    assert listed(filter={"artifactStatus": "ANY"}) == [(referrer, "ARCHIVED")]
    assert json.loads(world.v2("GET", f"/v2/shop/referrers/{digest}").data)["manifests"] == []


# --- the same clock -----------------------------------------------------------------------------


def test_uploads_end_after_a_day(world: World) -> None:
    ecr = world.client()
    upload = ecr.initiate_layer_upload(repositoryName="shop")["uploadId"]
    place = world.v2("POST", "/v2/shop/blobs/uploads/").headers["Location"]
    path = place.partition(world.registry)[2] or place
    part = {"uploadId": upload, "partFirstByte": 0, "partLastByte": 2, "layerPartBlob": b"abc"}
    ecr.upload_layer_part(repositoryName="shop", **part)
    world.aws.clock.advance(86_401)
    asked = {"uploadId": upload, "layerDigests": [digest_of(b"abc")]}
    assert refused(ecr.upload_layer_part, **part) == "UploadNotFoundException"
    assert refused(ecr.complete_layer_upload, **asked) == "UploadNotFoundException"
    answer = world.v2("PATCH", path, b"abc")
    assert (answer.status, json.loads(answer.data)["errors"][0]["code"]) == (
        *(404, "BLOB_UPLOAD_UNKNOWN"),
    )


def test_a_pull_soon_after_another_is_not_recorded(world: World) -> None:
    world.push("shop", "1", "v1")

    def recorded() -> datetime:
        [seen] = world.client().describe_images(repositoryName="shop")["imageDetails"]
        found: datetime = seen["lastRecordedPullTime"]
        return found

    def pull(by_api: bool) -> datetime:
        if by_api:
            world.client().batch_get_image(repositoryName="shop", imageIds=[{"imageTag": "v1"}])
        else:
            assert world.v2("GET", "/v2/shop/manifests/v1").status == 200
        return recorded()

    first = pull(by_api=False)
    world.aws.clock.advance(23 * 3600)
    assert pull(by_api=False) == pull(by_api=True) == first
    world.aws.clock.advance(3601)
    second = pull(by_api=True)
    assert second - first > timedelta(hours=24)
    world.aws.clock.advance(-10 * 86_400)  # a time in the future is no time of a pull
    assert pull(by_api=False) < first


def test_the_clock_stays_within_reason() -> None:
    clock = Clock()
    for move in (1e12, -1e12, 1e300):
        with pytest.raises(UsageError) as caught:
            clock.advance(move)
        assert caught.value.code == "bad-time"
    assert clock.offset == timedelta()
    moved: list[int] = []
    clock.on_move(lambda: moved.append(1))
    clock.advance(5)
    clock.set(clock.now())
    clock.reset()
    assert moved == [1, 1, 1]


# --- EventBridge --------------------------------------------------------------------------------


def test_events_reach_a_queue(world: World) -> None:
    """A queue hears of all; by the rule v2 goes, for v1 is back only since it was restored."""
    sqs, events = world.client("sqs"), world.client("events")
    url = sqs.create_queue(QueueName="images")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    events.put_rule(Name="images", EventPattern=json.dumps({"source": ["aws.ecr"]}))
    events.put_targets(Rule="images", Targets=[{"Id": "1", "Arn": arn}])
    try:
        world.client().put_lifecycle_policy(repositoryName="shop", lifecyclePolicyText=NEWEST)
        digest = world.push("shop", "1", "v1")
        move(world, digest, "ARCHIVE")
        move(world, digest, "STANDARD")
        world.push("shop", "2", "v2")
        world.aws.clock.advance(86_500)
        world.aws.lifecycle.catch_up()
        ids = [{"imageTag": "v1"}]
        done = world.client().batch_delete_image(repositoryName="shop", imageIds=ids)
        assert done["failures"] == []
        world.aws.lifecycle.catch_up()
        found = []
        while got := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            found += [json.loads(one["Body"]) for one in got]
            for one in got:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    finally:
        events.remove_targets(Rule="images", Ids=["1"])
        events.delete_rule(Name="images")
        sqs.delete_queue(QueueUrl=url)
    seen = {
        (
            one["detail"]["action-type"],
            one["detail"]["image-tag"],
            one["detail"].get("target-storage-class", ""),
        )
        for one in found
    }
    assert seen == {
        ("PUSH", "v1", ""),
        ("PUSH", "v2", ""),
        ("UPDATE_STORAGE_CLASS", "v1", "ARCHIVE"),
        ("UPDATE_STORAGE_CLASS", "v1", "STANDARD"),
        ("DELETE", "v2", ""),
        ("DELETE", "v1", ""),
    }
    assert {(one["source"], one["detail-type"]) for one in found} == {
        ("aws.ecr", "ECR Image Action")
    }
    [back] = [one for one in found if one["detail"].get("target-storage-class") == "STANDARD"]
    assert back["detail"]["last-activated-at"] == back["time"]
