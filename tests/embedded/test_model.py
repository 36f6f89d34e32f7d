"""Requests and answers against botocore's model of ECR."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from longshore.embedded.model import BadAnswer, BadRequest, Unreadable, load_model

MODEL = load_model("ecr")


def test_knows_the_service() -> None:
    assert MODEL.target_prefix == "AmazonEC2ContainerRegistry_V20150921"
    assert len(MODEL.operations) == 62
    assert "RepositoryNotFoundException" in MODEL.errors
    assert MODEL.is_error_of("PutImage", "ImageAlreadyExistsException")
    assert not MODEL.is_error_of("ListImages", "ImageAlreadyExistsException")


PATTERN = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*"


@pytest.mark.parametrize(
    ("operation", "document", "where", "constraint"),
    [
        ("CreateRepository", {}, "repositoryName", "must not be null"),
        (
            "CreateRepository",
            {"repositoryName": "a"},
            "repositoryName",
            "must have length greater than or equal to 2",
        ),
        (
            "CreateRepository",
            {"repositoryName": "Shop"},
            "repositoryName",
            f"must satisfy regular expression '{PATTERN}'",
        ),
        (
            "CreateRepository",
            {"repositoryName": "shop", "imageTagMutability": "SOMETIMES"},
            "imageTagMutability",
            "Member must satisfy enum value set: [MUTABLE, IMMUTABLE, "
            "IMMUTABLE_WITH_EXCLUSION, MUTABLE_WITH_EXCLUSION]",
        ),
        (
            "ListImages",
            {"repositoryName": "shop", "maxResults": 1001},
            "maxResults",
            "Member must have value less than or equal to 1000",
        ),
        (
            "BatchGetImage",
            {"repositoryName": "shop", "imageIds": [{"imageTag": "v"}] * 101},
            "imageIds",
            "must have length less than or equal to 100",
        ),
        (
            "BatchGetImage",
            {"repositoryName": "shop", "imageIds": [{"imageTag": "v"}, {"imageTag": ""}]},
            "imageIds.2.member.imageTag",
            "must have length greater than or equal to 1",
        ),
    ],
)
def test_refuses(operation: str, document: Any, where: str, constraint: str) -> None:
    with pytest.raises(BadRequest) as refused:
        MODEL.read_request(operation, document)
    assert (refused.value.where, refused.value.constraint) == (where, constraint)
    assert str(refused.value).startswith(f"Invalid parameter at '{where}' failed to satisfy")


@pytest.mark.parametrize(
    ("operation", "document"),
    [
        ("CreateRepository", []),
        ("CreateRepository", {"repositoryName": 1}),
        ("ListImages", {"repositoryName": "shop", "maxResults": True}),
        ("BatchGetImage", {"repositoryName": "shop", "imageIds": {}}),
        ("UploadLayerPart", {"layerPartBlob": "%%"}),
    ],
)
def test_wrong_types_cannot_be_read(operation: str, document: Any) -> None:
    with pytest.raises(Unreadable):
        MODEL.read_request(operation, document)


def test_reads_values_and_drops_what_nobody_knows() -> None:
    read = MODEL.read_request(
        "UploadLayerPart",
        {
            "repositoryName": "shop",
            "uploadId": "0b1f2c3d-0000-4000-8000-000000000000",
            "partFirstByte": 0,
            "partLastByte": 2,
            "layerPartBlob": "AAEC",
            "colour": "red",
            "registryId": None,
        },
    )
    assert read["layerPartBlob"] == b"\0\1\2"
    assert "colour" not in read
    assert "registryId" not in read
    assert MODEL.read_request("DescribeRegistry", None) == {}


def test_writes_an_answer() -> None:
    pushed = datetime(2026, 11, 23, 1, 2, 3, 456000, UTC)
    written = MODEL.write_answer(
        "DescribeImages",
        {
            "imageDetails": [
                {"imageTags": ("v1",), "imagePushedAt": pushed, "artifactMediaType": None}
            ]
        },
    )
    assert written == {"imageDetails": [{"imageTags": ["v1"], "imagePushedAt": pushed.timestamp()}]}


@pytest.mark.parametrize(
    "answer",
    [{"images": []}, {"imageDetails": {}}, {"imageDetails": [{"imageStatus": "GONE"}]}],
)
def test_refuses_answers_that_the_model_does_not_know(answer: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer):
        MODEL.write_answer("DescribeImages", answer)
