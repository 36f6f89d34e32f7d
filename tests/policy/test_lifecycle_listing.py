"""Saved listings: what is read, what is remarked, what is refused and where."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.errors import UsageError
from longshore.facts import ImageSeen
from longshore.policy.lifecycle.listing import Listing, parse_listing, remarks_at

A, B, C = ("sha256:" + letter * 64 for letter in "abc")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def entry(digest: str = A, **members: Any) -> dict[str, Any]:
    return {"imageDigest": digest, "imagePushedAt": "2026-11-23T12:00:00Z", **members}


def page(*entries: Any, **more: Any) -> str:
    return json.dumps({"imageDetails": list(entries), **more}, indent=4)


def read(text: str) -> Listing:
    return parse_listing(text, "images.json")


def codes(listing: Listing) -> list[str]:
    return [remark.code for remark in listing.remarks]


def refused(text: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        read(text)
    assert caught.value.code == "bad-listing"
    assert caught.value.hint
    return caught.value


def test_every_member_of_an_entry() -> None:
    text = page(
        {
            "registryId": "123456789012",
            "repositoryName": "shop",
            "imageDigest": A,
            "imageTags": ["v1", "latest"],
            "imageSizeInBytes": 97906,
            "imagePushedAt": "2026-11-23T21:00:00+09:00",
            "imageManifestMediaType": "application/vnd.oci.image.index.v1+json",
            "artifactMediaType": "application/vnd.oci.image.config.v1+json",
            "lastRecordedPullTime": 1795435200.5,
            "subjectManifestDigest": B,
            "imageStatus": "ACTIVATING",
            "lastArchivedAt": "2026-11-23T12:00:00.000Z",
            "lastActivatedAt": 1795435200,
            "children": [C],
            "imageScanFindingsSummary": {"findingSeverityCounts": {"HIGH": 1}},
        },
        entry(B),
        entry(C),
    )
    listing = read(text)
    assert listing.repository == "shop"
    assert listing.remarks == ()
    assert listing.images[0] == ImageSeen(
        digest=A,
        tags=("v1", "latest"),
        size=97906,
        pushed_at=NOON,
        media_type="application/vnd.oci.image.index.v1+json",
        artifact_type="application/vnd.oci.image.config.v1+json",
        subject=B,
        pulled_at=NOON + timedelta(seconds=0.5),
        status="ACTIVATING",
        archived_at=NOON,
        activated_at=NOON,
        children=(C,),
    )


@pytest.mark.parametrize(
    "text",
    [
        page(entry(A), entry(B)),
        json.dumps([entry(A), entry(B)]),
        "\ufeff" + page(entry(A), entry(B)),
        page(entry(A)) + "\n" + page(entry(B)),
        json.dumps([{"imageDetails": [entry(A)]}, {"imageDetails": [entry(B)]}]),
        json.dumps({"nextToken": None, "imageDetails": [entry(A), entry(B)], "more": {"a": [1]}}),
        json.dumps(entry(A)) + "\n" + json.dumps(entry(B)) + "\n",
        page(entry(A), nextToken="x") + page(entry(B)),
    ],
)
def test_forms_of_a_listing(text: str) -> None:
    listing = read(text)
    assert [image.digest for image in listing.images] == [A, B]
    assert listing.remarks == ()


@pytest.mark.parametrize("text", ["[]", '{"imageDetails": []}', " [ ] [] "])
def test_a_repository_without_images(text: str) -> None:
    assert read(text).images == ()
