"""ECR's repositories by the real SDK: make, list, set, tag, drop, policies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.embedded.aws_world import ACCOUNT, REGION, World


def refused(call: Any, **asked: Any) -> tuple[str, str]:
    """Exception name and message of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call(**asked)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_create_and_describe(aws: World) -> None:
    ecr = aws.client()
    made = ecr.create_repository(
        repositoryName="team/shop",
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "pr-*"}],
        imageScanningConfiguration={"scanOnPush": True},
        tags=[{"Key": "cost", "Value": "web"}],
    )["repository"]
    assert made["repositoryArn"] == f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/team/shop"
    assert made["repositoryUri"] == f"{aws.registry}/team/shop"
    assert made["registryId"] == ACCOUNT
    assert made["imageTagMutabilityExclusionFilters"] == [
        {"filterType": "WILDCARD", "filter": "pr-*"}
    ]
    assert made["imageScanningConfiguration"] == {"scanOnPush": True}
    assert made["encryptionConfiguration"] == {"encryptionType": "AES256"}
    assert ecr.describe_repositories(repositoryNames=["team/shop"])["repositories"] == [made]
    tags = ecr.list_tags_for_resource(resourceArn=made["repositoryArn"])["tags"]
    assert tags == [{"Key": "cost", "Value": "web"}]


def test_kms_gets_a_key(aws: World) -> None:
    made = aws.client().create_repository(
        repositoryName="shop", encryptionConfiguration={"encryptionType": "KMS"}
    )["repository"]
    key = made["encryptionConfiguration"]["kmsKey"]
    assert key.startswith(f"arn:aws:kms:{REGION}:{ACCOUNT}:key/")


@pytest.mark.parametrize("name", ["a", "Shop", "shop/", "-shop", "shop//x", "a" * 257])
def test_refuses_names(aws: World, name: str) -> None:
    client = aws.client(parameter_validation=False)
    code, message = refused(client.create_repository, repositoryName=name)
    assert code == "InvalidParameterException"
    assert message.startswith("Invalid parameter at 'repositoryName' failed to satisfy constraint")


@pytest.mark.parametrize("name", ["ab", "a__b", "a--b/c.d", "0/1_2"])
def test_takes_names(aws: World, name: str) -> None:
    assert aws.client().create_repository(repositoryName=name)["repository"]


def test_twice_and_missing(shop: World) -> None:
    ecr = shop.client()
    assert refused(ecr.create_repository, repositoryName="shop") == (
        "RepositoryAlreadyExistsException",
        f"The repository with name 'shop' already exists in the registry with id '{ACCOUNT}'",
    )
    missing = (
        "RepositoryNotFoundException",
        f"The repository with name 'nope' does not exist in the registry with id '{ACCOUNT}'",
    )
    assert refused(ecr.describe_repositories, repositoryNames=["shop", "nope"]) == missing
    assert refused(ecr.list_images, repositoryName="nope") == missing
    other = refused(ecr.list_images, repositoryName="shop", registryId="210987654321")
    assert other[1].endswith("with id '210987654321'")


def test_pages(aws: World) -> None:
    ecr = aws.client()
    names = [f"r{number:02}" for number in range(7)]
    for name in names:
        ecr.create_repository(repositoryName=name)
    first = ecr.describe_repositories(maxResults=3)
    assert len(first["repositories"]) == 3
    ecr.delete_repository(repositoryName="r02")
    pages = ecr.get_paginator("describe_repositories").paginate(
        PaginationConfig={"PageSize": 3, "StartingToken": first["nextToken"]}
    )
    rest = [one["repositoryName"] for page in pages for one in page["repositories"]]
    assert rest == names[3:]
    assert refused(ecr.describe_repositories, nextToken="x")[0] == "InvalidParameterException"
    both = refused(ecr.describe_repositories, repositoryNames=["r00"], maxResults=3)
    assert both[0] == "InvalidParameterException"


def test_delete_needs_force_when_there_are_images(shop: World) -> None:
    ecr = shop.client()
    shop.push("shop", "one")
    code, message = refused(ecr.delete_repository, repositoryName="shop")
    assert code == "RepositoryNotEmptyException"
    assert message == (
        f"The repository with name 'shop' in registry with id '{ACCOUNT}' cannot be deleted "
        "because it still contains images"
    )
    ecr.delete_repository(repositoryName="shop", force=True)
    assert ecr.describe_repositories()["repositories"] == []


def test_mutability(shop: World) -> None:
    ecr = shop.client()
    filters = [{"filterType": "WILDCARD", "filter": f"{name}-*"} for name in "abcde"]
    answer = ecr.put_image_tag_mutability(
        repositoryName="shop",
        imageTagMutability="MUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=filters,
    )
    assert answer["imageTagMutabilityExclusionFilters"] == filters
    for wrong in (
        {"imageTagMutability": "IMMUTABLE_WITH_EXCLUSION"},
        {"imageTagMutability": "IMMUTABLE", "imageTagMutabilityExclusionFilters": filters},
        {
            "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
            "imageTagMutabilityExclusionFilters": [*filters, *filters[:1]],
        },
        {
            "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
            "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "a b"}],
        },
    ):
        call = ecr.put_image_tag_mutability
        assert refused(call, repositoryName="shop", **wrong)[0] == "InvalidParameterException"
    answer = ecr.put_image_tag_mutability(repositoryName="shop", imageTagMutability="IMMUTABLE")
    assert "imageTagMutabilityExclusionFilters" not in answer


def test_scanning_setting(shop: World) -> None:
    ecr = shop.client()
    ecr.put_image_scanning_configuration(
        repositoryName="shop", imageScanningConfiguration={"scanOnPush": True}
    )
    (seen,) = ecr.describe_repositories()["repositories"]
    assert seen["imageScanningConfiguration"] == {"scanOnPush": True}
    answer = ecr.batch_get_repository_scanning_configuration(repositoryNames=["shop", "nope"])
    (effective,) = answer["scanningConfigurations"]
    assert (effective["scanOnPush"], effective["scanFrequency"]) == (True, "SCAN_ON_PUSH")
    assert [one["failureCode"] for one in answer["failures"]] == ["REPOSITORY_NOT_FOUND"]


def test_tags(shop: World) -> None:
    ecr = shop.client()
    arn = ecr.describe_repositories()["repositories"][0]["repositoryArn"]
    ecr.tag_resource(resourceArn=arn, tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}])
    ecr.tag_resource(resourceArn=arn, tags=[{"Key": "a", "Value": "2"}])
    ecr.untag_resource(resourceArn=arn, tagKeys=["b", "c"])
    assert ecr.list_tags_for_resource(resourceArn=arn)["tags"] == [{"Key": "a", "Value": "2"}]
    many = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    assert refused(ecr.tag_resource, resourceArn=arn, tags=many)[0] == "TooManyTagsException"
    for wrong in ([{"Key": "aws:x", "Value": ""}], [{"Key": "x", "Value": ""}] * 2):
        code = refused(ecr.tag_resource, resourceArn=arn, tags=wrong)[0]
        assert code == "InvalidTagParameterException"
    gone = arn.replace("shop", "nope")
    assert refused(ecr.list_tags_for_resource, resourceArn=gone)[0] == "RepositoryNotFoundException"


LIFECYCLE = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {
                    "tagStatus": "untagged",
                    "countType": "sinceImagePushed",
                    "countUnit": "days",
                    "countNumber": 14,
                },
                "action": {"type": "expire"},
            }
        ]
    }
)


def test_lifecycle_policy(shop: World) -> None:
    ecr = shop.client()
    absent = refused(ecr.get_lifecycle_policy, repositoryName="shop")
    assert absent == (
        "LifecyclePolicyNotFoundException",
        "Lifecycle policy does not exist for the repository with name 'shop' in the registry "
        f"with id '{ACCOUNT}'",
    )
    ecr.put_lifecycle_policy(repositoryName="shop", lifecyclePolicyText=LIFECYCLE)
    kept = ecr.get_lifecycle_policy(repositoryName="shop")
    assert kept["lifecyclePolicyText"] == LIFECYCLE
    ecr.delete_lifecycle_policy(repositoryName="shop")
    assert refused(ecr.delete_lifecycle_policy, repositoryName="shop")[0] == absent[0]
    assert refused(
        ecr.put_lifecycle_policy,
        repositoryName="shop",
        lifecyclePolicyText=LIFECYCLE.replace('"countNumber": 14', '"countNumber": 0'),
    ) == (
        "InvalidParameterException",
        "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle "
        "policy validation failure: numeric instance is lower than the required minimum "
        "(minimum: 1, found: 0)'",
    )


STATEMENT = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "ecr:*",
}


def test_repository_policy(shop: World) -> None:
    ecr = shop.client()
    text = json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]})
    absent = refused(ecr.get_repository_policy, repositoryName="shop")
    assert absent[0] == "RepositoryPolicyNotFoundException"
    ecr.set_repository_policy(repositoryName="shop", policyText=text)
    assert ecr.get_repository_policy(repositoryName="shop")["policyText"] == text
    for wrong in ("", "{}", "[]", '{"Statement": [{"Effect": "Allow"}]}'):
        assert refused(ecr.set_repository_policy, repositoryName="shop", policyText=wrong) == (
            "InvalidParameterException",
            "Invalid parameter at 'PolicyText' failed to satisfy constraint: "
            "'Invalid repository policy provided'",
        )
    assert ecr.delete_repository_policy(repositoryName="shop")["policyText"] == text
    assert refused(ecr.delete_repository_policy, repositoryName="shop")[0] == absent[0]
