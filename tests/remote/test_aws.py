"""The AWS gate: every call against botocore's own model, every error as one of ours."""

from __future__ import annotations

import base64
import inspect
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from longshore.errors import AwsError, LimitError, LoginError, LongshoreError, UsageError
from longshore.facts import LifecyclePreview, ManifestSeen, PreviewedImage, ReferrerSeen, Token
from longshore.oci.digest import digest_of
from longshore.oci.manifest import ACCEPT, OCI_INDEX, OCI_MANIFEST
from longshore.remote import identity
from longshore.remote.addresses import ecr_host
from longshore.remote.aws import AwsKeys, AwsOptions, AwsSession, open_session
from longshore.remote.ecr import IAM_ACTIONS, Ecr
from longshore.remote.identity import read_identity
from tests.remote.scripted import Asked, Say, Scripted, serving

KEYS = AwsKeys("AKIAEXAMPLE", "secret-key")
DIGEST = digest_of(b"x")
OTHER = digest_of(b"y")
ARN = "arn:aws:ecr:ap-northeast-2:123456789012:repository/shop"
REPOSITORY = {
    "repositoryArn": ARN,
    "registryId": "123456789012",
    "repositoryName": "shop",
    "repositoryUri": "host/shop",
    "createdAt": 1_700_000_000.0,
    "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
    "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "pr-*"}],
    "imageScanningConfiguration": {"scanOnPush": True},
    "encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": "key"},
}


def session(url: str, **more: Any) -> AwsSession:
    options = AwsOptions(
        region="ap-northeast-2", endpoint_url=url, keys=KEYS, max_attempts=1, **more
    )
    return open_session(options)


class StubAws:
    """An ECR that answers each operation with what the test put there."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, asked: Asked) -> Say:
        operation = asked.headers["x-amz-target"].rpartition(".")[2]
        given = json.loads(asked.body)
        self.calls.append((operation, given))
        answer = self.answers.get(operation, {})
        if callable(answer):
            answer = answer(given)
        if isinstance(answer, Say):
            return answer
        return Say(200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode())

    server: Scripted

    def ecr(self, account: str | None = None) -> Ecr:
        return Ecr(session(self.server.url), account)


@pytest.fixture
def aws() -> Iterator[StubAws]:
    stub = StubAws()
    with serving(stub) as stub.server:
        yield stub


@contextmanager
def refusing(status: int, code: str, message: str) -> Iterator[Ecr]:
    body = json.dumps({"__type": f"com.amazon#{code}", "message": message}).encode()
    with serving(lambda _: Say(status, {}, body)) as server:
        yield Ecr(session(server.url))


def public_methods() -> set[str]:
    other = {"listening"}
    members = vars(Ecr).items()
    return {name for name, one in members if inspect.isfunction(one) and name[0] != "_"} - other


def test_every_method_names_its_iam_action() -> None:
    assert public_methods() == set(IAM_ACTIONS)


def test_every_action_is_an_operation_of_the_model() -> None:
    import botocore.session

    raw = botocore.session.get_session()
    for action in (*IAM_ACTIONS.values(), *identity.IAM_ACTIONS.values()):
        service, _, operation = action.partition(":")
        assert operation in raw.get_service_model(service).operation_names


CALLS: dict[str, tuple[Callable[[Ecr], object], dict[str, Any], dict[str, Any]]] = {
    "authorization_token": (
        lambda ecr: ecr.authorization_token(),
        {},
        {
            "authorizationData": [
                {
                    "authorizationToken": base64.b64encode(b"AWS:a:b").decode(),
                    "expiresAt": 1_700_000_000.0,
                    "proxyEndpoint": "https://host",
                }
            ]
        },
    ),
    "describe_repositories": (
        lambda ecr: ecr.describe_repositories(["shop"]),
        {"repositoryNames": ["shop"]},
        {"repositories": [REPOSITORY]},
    ),
    "create_repository": (
        lambda ecr: ecr.create_repository(
            "shop",
            mutability="IMMUTABLE_WITH_EXCLUSION",
            exclusions=["pr-*", "latest"],
            scan_on_push=True,
            encryption="KMS",
            kms_key="key",
            tags={"team": "web"},
        ),
        {
            "repositoryName": "shop",
            "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
            "imageTagMutabilityExclusionFilters": [
                {"filterType": "WILDCARD", "filter": "pr-*"},
                {"filterType": "WILDCARD", "filter": "latest"},
            ],
            "imageScanningConfiguration": {"scanOnPush": True},
            "encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": "key"},
            "tags": [{"Key": "team", "Value": "web"}],
        },
        {"repository": REPOSITORY},
    ),
    "delete_repository": (
        lambda ecr: ecr.delete_repository("shop", force=True),
        {"repositoryName": "shop", "force": True},
        {},
    ),
    "put_image_tag_mutability": (
        lambda ecr: ecr.put_image_tag_mutability("shop", "IMMUTABLE"),
        {"repositoryName": "shop", "imageTagMutability": "IMMUTABLE"},
        {},
    ),
    "put_image_scanning_configuration": (
        lambda ecr: ecr.put_image_scanning_configuration("shop", True),
        {"repositoryName": "shop", "imageScanningConfiguration": {"scanOnPush": True}},
        {},
    ),
    "put_lifecycle_policy": (
        lambda ecr: ecr.put_lifecycle_policy("shop", "{}" * 60),
        {"repositoryName": "shop", "lifecyclePolicyText": "{}" * 60},
        {},
    ),
    "get_lifecycle_policy": (
        lambda ecr: ecr.get_lifecycle_policy("shop"),
        {"repositoryName": "shop"},
        {"lifecyclePolicyText": "{}"},
    ),
    "delete_lifecycle_policy": (
        lambda ecr: ecr.delete_lifecycle_policy("shop"),
        {"repositoryName": "shop"},
        {},
    ),
    "set_repository_policy": (
        lambda ecr: ecr.set_repository_policy("shop", "{}"),
        {"repositoryName": "shop", "policyText": "{}", "force": False},
        {},
    ),
    "get_repository_policy": (
        lambda ecr: ecr.get_repository_policy("shop"),
        {"repositoryName": "shop"},
        {"policyText": "{}"},
    ),
    "delete_repository_policy": (
        lambda ecr: ecr.delete_repository_policy("shop"),
        {"repositoryName": "shop"},
        {},
    ),
    "list_tags_for_resource": (
        lambda ecr: ecr.list_tags_for_resource(ARN),
        {"resourceArn": ARN},
        {"tags": [{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "1"}]},
    ),
    "tag_resource": (
        lambda ecr: ecr.tag_resource(ARN, {"a": "1"}),
        {"resourceArn": ARN, "tags": [{"Key": "a", "Value": "1"}]},
        {},
    ),
    "untag_resource": (
        lambda ecr: ecr.untag_resource(ARN, ["a"]),
        {"resourceArn": ARN, "tagKeys": ["a"]},
        {},
    ),
    "list_images": (
        lambda ecr: ecr.list_images("shop"),
        {"repositoryName": "shop", "maxResults": 1000},
        {"imageIds": [{"imageDigest": DIGEST, "imageTag": "v1"}, {"imageDigest": OTHER}]},
    ),
    "describe_images": (
        lambda ecr: ecr.describe_images("shop", status="ANY", tagged_only=True),
        {
            "repositoryName": "shop",
            "maxResults": 1000,
            "filter": {"imageStatus": "ANY", "tagStatus": "TAGGED"},
        },
        {"imageDetails": []},
    ),
    "batch_check_layers": (
        lambda ecr: ecr.batch_check_layers("shop", [DIGEST]),
        {"repositoryName": "shop", "layerDigests": [DIGEST]},
        {"layers": [{"layerDigest": DIGEST, "layerAvailability": "AVAILABLE"}]},
    ),
    "batch_delete_image": (
        lambda ecr: ecr.batch_delete_image(
            "shop", tags=["v1"], digests=[DIGEST], pairs=[(DIGEST, "v2")]
        ),
        {
            "repositoryName": "shop",
            "imageIds": [
                {"imageTag": "v1"},
                {"imageDigest": DIGEST},
                {"imageDigest": DIGEST, "imageTag": "v2"},
            ],
        },
        {"failures": [{"imageId": {"imageTag": "v1"}, "failureCode": "ImageNotFound"}]},
    ),
    "start_lifecycle_policy_preview": (
        lambda ecr: ecr.start_lifecycle_policy_preview("shop", "{}" + " " * 98),
        {"repositoryName": "shop", "lifecyclePolicyText": "{}" + " " * 98},
        {"status": "IN_PROGRESS"},
    ),
    "get_lifecycle_policy_preview": (
        lambda ecr: ecr.get_lifecycle_policy_preview("shop"),
        {"repositoryName": "shop", "maxResults": 100},
        {"status": "IN_PROGRESS", "lifecyclePolicyText": "{}"},
    ),
    "index_children": (
        lambda ecr: ecr.index_children("shop", [DIGEST]),
        {
            "repositoryName": "shop",
            "imageIds": [{"imageDigest": DIGEST}],
            "acceptedMediaTypes": ACCEPT.split(", "),
        },
        {"images": []},
    ),
    "list_image_referrers": (
        lambda ecr: ecr.list_image_referrers("shop", DIGEST),
        {
            "repositoryName": "shop",
            "subjectId": {"imageDigest": DIGEST},
            "filter": {"artifactStatus": "ANY"},
            "maxResults": 50,
        },
        {"referrers": [{"digest": OTHER, "mediaType": "m", "artifactType": "a", "size": 3}]},
    ),
    "update_image_storage_class": (
        lambda ecr: ecr.update_image_storage_class("shop", DIGEST, "ARCHIVE"),
        {
            "repositoryName": "shop",
            "imageId": {"imageDigest": DIGEST},
            "targetStorageClass": "ARCHIVE",
        },
        {"imageStatus": "ARCHIVED"},
    ),
    "batch_get_image": (
        lambda ecr: ecr.batch_get_image("shop", [DIGEST]),
        {
            "repositoryName": "shop",
            "imageIds": [{"imageDigest": DIGEST}],
            "acceptedMediaTypes": ACCEPT.split(", "),
        },
        {
            "images": [
                {
                    "imageId": {"imageDigest": DIGEST},
                    "imageManifest": "{}",
                    "imageManifestMediaType": "m",
                }
            ],
            "failures": [{"imageId": {"imageDigest": OTHER}, "failureCode": "ImageNotFound"}],
        },
    ),
    "put_image": (
        lambda ecr: ecr.put_image("shop", b"{}", media_type="m", tag="v1", digest=DIGEST),
        {
            "repositoryName": "shop",
            "imageManifest": "{}",
            "imageManifestMediaType": "m",
            "imageTag": "v1",
            "imageDigest": DIGEST,
        },
        {"image": {"imageId": {"imageDigest": DIGEST}}},
    ),
    "get_account_setting": (
        lambda ecr: ecr.get_account_setting("BLOB_MOUNTING"),
        {"name": "BLOB_MOUNTING"},
        {"name": "BLOB_MOUNTING", "value": "ENABLED"},
    ),
    "put_account_setting": (
        lambda ecr: ecr.put_account_setting("BLOB_MOUNTING", "ENABLED"),
        {"name": "BLOB_MOUNTING", "value": "ENABLED"},
        {},
    ),
}


def test_every_method_is_called_below() -> None:
    assert set(CALLS) == public_methods()


@pytest.mark.parametrize("method", sorted(CALLS))
def test_what_each_method_sends(aws: StubAws, method: str) -> None:
    """botocore checks what is sent against its model before it goes out."""
    call, sent, answer = CALLS[method]
    operation = IAM_ACTIONS[method].partition(":")[2]
    aws.answers[operation] = answer
    heard: list[str] = []
    call(aws.ecr().listening(heard.append))
    assert aws.calls == [(operation, sent)]
    assert heard == ([] if method == "authorization_token" else [operation])
    # A registry other than the caller's is named wherever the model has room for it.
    aws.calls.clear()
    call(aws.ecr("210987654321"))
    without = {"authorization_token", "list_tags_for_resource", "tag_resource", "untag_resource"}
    named = method not in without | {"get_account_setting", "put_account_setting"}
    assert (aws.calls[0][1].get("registryId") == "210987654321") is named


def test_what_comes_back(aws: StubAws) -> None:
    for method, (_, _, answer) in CALLS.items():
        aws.answers[IAM_ACTIONS[method].partition(":")[2]] = answer
    ecr = aws.ecr()
    token = ecr.authorization_token()
    assert token == Token("AWS", "a:b", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC))
    seen = ecr.describe_repositories(["shop"])[0]
    assert (seen.name, seen.arn, seen.uri) == ("shop", ARN, "host/shop")
    assert (seen.mutability, seen.exclusions) == ("IMMUTABLE_WITH_EXCLUSION", ("pr-*",))
    assert (seen.scan_on_push, seen.encryption, seen.kms_key) == (True, "KMS", "key")
    assert seen.created_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert ecr.list_images("shop") == [(DIGEST, "v1"), (OTHER, None)]
    assert ecr.list_tags_for_resource(ARN) == (("a", "1"), ("b", "2"))
    assert ecr.batch_check_layers("shop", [DIGEST]) == {DIGEST}
    assert ecr.batch_delete_image("shop", tags=["v1"]) == [("v1", "ImageNotFound")]
    assert ecr.batch_get_image("shop", [DIGEST, OTHER]) == [ManifestSeen(DIGEST, "m", b"{}")]
    assert ecr.put_image("shop", b"{}") == DIGEST
    assert ecr.list_image_referrers("shop", DIGEST) == [ReferrerSeen(OTHER, "m", "a", 3)]
    assert ecr.update_image_storage_class("shop", DIGEST, "ARCHIVE") == "ARCHIVED"
    assert ecr.get_account_setting("BLOB_MOUNTING") == "ENABLED"
    assert ecr.get_lifecycle_policy("shop") == "{}"


def test_images_in_pages(aws: StubAws) -> None:
    def page(asked: dict[str, Any]) -> dict[str, Any]:
        number = int(asked.get("nextToken", "0"))
        detail = {
            "imageDigest": digest_of(b"%d" % number),
            "imageTags": [f"v{number}"],
            "imageSizeInBytes": 7,
            "imagePushedAt": 1_700_000_000.0,
            "subjectManifestDigest": DIGEST,
            "artifactMediaType": "a",
            "imageManifestMediaType": "m",
        }
        more = {"nextToken": str(number + 1)} if number < 2 else {}
        return {"imageDetails": [detail], **more}

    aws.answers["DescribeImages"] = page
    heard: list[str] = []
    images = aws.ecr().listening(heard.append).describe_images("shop")
    assert [image.tags for image in images] == [("v0",), ("v1",), ("v2",)]
    assert heard == ["DescribeImages"] * 3
    first = images[0]
    assert (first.size, first.subject, first.artifact_type) == (7, DIGEST, "a")
    assert first.status == "ACTIVE"


def test_what_describe_images_tells_of_an_archived_image(aws: StubAws) -> None:
    detail = {"imageDigest": DIGEST, "imageStatus": "ACTIVATING", "lastRecordedPullTime": 3.0}
    detail |= {"lastArchivedAt": 1.0, "lastActivatedAt": 2.0}
    aws.answers["DescribeImages"] = {"imageDetails": [detail]}
    [seen] = aws.ecr().describe_images("shop")
    assert (seen.status, seen.tags) == ("ACTIVATING", ())
    times = (seen.archived_at, seen.activated_at, seen.pulled_at)
    assert times == tuple(datetime(1970, 1, 1, 0, 0, second, tzinfo=UTC) for second in (1, 2, 3))


@pytest.mark.parametrize(
    ("status", "filters"),
    [
        ("ANY", [{"imageStatus": "ANY"}]),
        ("ARCHIVED", [{"imageStatus": "ARCHIVED"}]),
        ("ACTIVE", [None]),
    ],
)
def test_which_images_are_asked_for(
    aws: StubAws, status: str, filters: list[dict[str, str] | None]
) -> None:
    aws.answers["DescribeImages"] = {"imageDetails": []}
    aws.ecr().describe_images("shop", status=status)
    assert [asked.get("filter") for _, asked in aws.calls] == filters


def test_an_endpoint_without_archive_is_asked_without_it(aws: StubAws) -> None:
    def answer(asked: dict[str, Any]) -> Any:
        if "imageStatus" in asked.get("filter", {}):
            return Say(400, {}, b'{"__type": "InvalidParameterException", "message": "what?"}')
        return {"imageDetails": [{"imageDigest": DIGEST}]}

    aws.answers["DescribeImages"] = answer
    assert [one.digest for one in aws.ecr().describe_images("shop", tagged_only=True)] == [DIGEST]
    assert aws.calls[-1][1]["filter"] == {"tagStatus": "TAGGED"}
    with pytest.raises(AwsError, match="what"):
        aws.ecr().describe_images("shop", status="ARCHIVED")


def test_a_refusal_for_another_reason_stays_one(aws: StubAws) -> None:
    aws.answers["DescribeImages"] = lambda _: Say(400, {}, b'{"__type": "Odd", "message": "no"}')
    with pytest.raises(AwsError):
        aws.ecr().describe_images("shop")
    assert len(aws.calls) == 1


def test_children_of_indexes(aws: StubAws) -> None:
    children = [{"digest": OTHER, "size": 1, "mediaType": OCI_MANIFEST}]
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children * 2}
    unreadable = digest_of(b"unreadable")
    aws.answers["BatchGetImage"] = {
        "images": [
            {"imageId": {"imageDigest": DIGEST}, "imageManifest": json.dumps(index)},
            {"imageId": {"imageDigest": unreadable}, "imageManifest": "{"},
        ],
        "failures": [{"imageId": {"imageDigest": OTHER}, "failureCode": "ImageNotFound"}],
    }
    found = aws.ecr().index_children("shop", [DIGEST, unreadable, OTHER])
    assert found == {DIGEST: (OTHER,)}


def test_a_preview_in_pages(aws: StubAws) -> None:
    def page(asked: dict[str, Any]) -> dict[str, Any]:
        result = {
            "imageDigest": DIGEST if "nextToken" in asked else OTHER,
            "imagePushedAt": 1.0,
            "action": {"type": "EXPIRE"},
            "appliedRulePriority": 7,
        }
        if "nextToken" not in asked:
            result |= {"imageTags": ["v1"], "storageClass": "ARCHIVE"}
        counts = [{"targetStorageClass": "ARCHIVE", "imageTotalCount": 3}]
        return {
            "status": "COMPLETE",
            "lifecyclePolicyText": "{}",
            "previewResults": [result],
            "summary": {"expiringImageTotalCount": 2, "transitioningImageTotalCounts": counts},
            **({} if "nextToken" in asked else {"nextToken": "more"}),
        }

    aws.answers["GetLifecyclePolicyPreview"] = page
    pushed_at = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    images = (
        PreviewedImage(OTHER, ("v1",), "expire", 7, pushed_at, "archive"),
        PreviewedImage(DIGEST, (), "expire", 7, pushed_at),
    )
    found = aws.ecr().get_lifecycle_policy_preview("shop")
    assert found == LifecyclePreview("COMPLETE", "{}", images, expiring=2, transitioning=3)


def test_a_preview_of_the_policy_in_force(aws: StubAws) -> None:
    aws.ecr().start_lifecycle_policy_preview("shop")
    assert aws.calls == [("StartLifecyclePolicyPreview", {"repositoryName": "shop"})]


def test_pages_that_go_round(aws: StubAws) -> None:
    aws.answers["DescribeImages"] = {"imageDetails": [], "nextToken": "same"}
    with pytest.raises(AwsError) as caught:
        aws.ecr().describe_images("shop")
    assert caught.value.code == "bad-answer"


def test_batches_of_a_hundred(aws: StubAws) -> None:
    aws.answers["BatchCheckLayerAvailability"] = lambda asked: {
        "layers": [
            {"layerDigest": one, "layerAvailability": "AVAILABLE"} for one in asked["layerDigests"]
        ]
    }
    wanted = [digest_of(b"%d" % number) for number in range(250)]
    assert aws.ecr().batch_check_layers("shop", wanted) == set(wanted)
    assert [len(given["layerDigests"]) for _, given in aws.calls] == [100, 100, 50]
    assert aws.ecr().describe_repositories([]) == []


def test_no_policy_is_none() -> None:
    with refusing(400, "LifecyclePolicyNotFoundException", "none") as ecr:
        assert ecr.get_lifecycle_policy("shop") is None
        ecr.delete_lifecycle_policy("shop")
    with refusing(400, "RepositoryPolicyNotFoundException", "none") as ecr:
        assert ecr.get_repository_policy("shop") is None
        ecr.delete_repository_policy("shop")


@pytest.mark.parametrize(
    ("status", "aws_code", "message", "kind", "code"),
    [
        (400, "RepositoryNotFoundException", "no", AwsError, "repository-not-found"),
        (400, "RepositoryNotEmptyException", "full", AwsError, "repository-not-empty"),
        (400, "InvalidParameterException", "bad", AwsError, "invalid-parameter"),
        (400, "KmsException", "key", AwsError, "kms"),
        (400, "AccessDeniedException", "User x is not", AwsError, "access-denied"),
        (400, "ThrottlingException", "Rate exceeded", LimitError, "aws-throttled"),
        (429, "Odd", "slow", LimitError, "aws-throttled"),
        (400, "LimitExceededException", "quota", LimitError, "aws-quota"),
        (400, "ExpiredTokenException", "expired", LoginError, "token-expired"),
        (403, "UnrecognizedClientException", "no", LoginError, "credentials-invalid"),
        (403, "InvalidSignatureException", "Signature expired: a", LoginError, "clock-skew"),
        (500, "ServerException", "sorry", AwsError, "aws-broken"),
        (400, "odd", "x", AwsError, "aws-error"),
    ],
)
def test_errors(
    status: int, aws_code: str, message: str, kind: type[LongshoreError], code: str
) -> None:
    with refusing(status, aws_code, message) as ecr, pytest.raises(kind) as caught:
        ecr.describe_repositories(["shop"])
    error = caught.value
    assert error.code == code
    assert error.hint
    assert "secret-key" not in f"{error.what}{error.hint}"
    if isinstance(error, AwsError):
        assert error.operation == "DescribeRepositories"
        assert error.aws_code == aws_code
        assert error.iam_action == "ecr:DescribeRepositories"
        assert error.temporary is (status == 500)
        assert error.where is not None
        assert error.where.resource == "shop"


def test_a_denial_names_the_action() -> None:
    with refusing(400, "AccessDeniedException", "no") as ecr, pytest.raises(AwsError) as caught:
        ecr.put_image("shop", b"{}")
    assert "ecr:PutImage" in caught.value.hint


def test_nobody_there() -> None:
    with pytest.raises(AwsError) as caught:
        Ecr(session("http://127.0.0.1:1")).describe_repositories()
    assert (caught.value.code, caught.value.temporary) == ("aws-unreachable", True)


def test_a_value_that_the_model_refuses(aws: StubAws) -> None:
    with pytest.raises(AwsError) as caught:
        aws.ecr().describe_repositories(["s"])
    assert caught.value.code == "invalid-parameter"
    assert aws.calls == []


def test_no_credentials(monkeypatch: pytest.MonkeyPatch, aws: StubAws) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    options = AwsOptions(region="us-east-1", endpoint_url=aws.server.url)
    with pytest.raises(LoginError) as caught:
        Ecr(open_session(options)).describe_repositories()
    assert (caught.value.code, caught.value.exit_code) == ("no-credentials", 4)
    assert aws.calls == []


def test_a_profile_that_is_not_there() -> None:
    with pytest.raises(LoginError) as caught:
        open_session(AwsOptions(region="us-east-1", profile="nowhere"))
    assert caught.value.code == "no-profile"


def test_regions(monkeypatch: pytest.MonkeyPatch) -> None:
    for options in (AwsOptions(keys=KEYS), AwsOptions(keys=KEYS, environ={"AWS_REGION": ""})):
        with pytest.raises(UsageError) as caught:
            open_session(options)
        assert caught.value.code == "no-region"
    with pytest.raises(UsageError) as caught:
        open_session(AwsOptions(region="evil.example/", keys=KEYS))
    assert caught.value.code == "bad-region"
    environ = {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"}
    assert open_session(AwsOptions(keys=KEYS, environ=environ)).region == "eu-west-1"
    assert open_session(AwsOptions("us-west-2", keys=KEYS, environ=environ)).region == "us-west-2"


def test_endpoints(aws: StubAws) -> None:
    def endpoint(**environ: str) -> str:
        options = AwsOptions(region="us-east-1", keys=KEYS, environ=environ)
        return Ecr(open_session(options)).endpoint

    assert endpoint() == "https://api.ecr.us-east-1.amazonaws.com"
    assert endpoint(AWS_ENDPOINT_URL="http://127.0.0.1:1") == "http://127.0.0.1:1"
    both = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_ECR": "http://127.0.0.1:2"}
    assert endpoint(**both) == "http://127.0.0.1:2"
    fips = AwsOptions(region="us-east-1", keys=KEYS, use_fips=True, use_dualstack=True)
    assert Ecr(open_session(fips)).endpoint == "https://ecr-fips.us-east-1.api.aws"


@pytest.mark.parametrize(
    ("region", "fips", "dualstack", "host"),
    [
        ("us-east-1", False, False, "1.dkr.ecr.us-east-1.amazonaws.com"),
        ("cn-north-1", False, False, "1.dkr.ecr.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", True, False, "1.dkr.ecr-fips.us-gov-west-1.amazonaws.com"),
        ("us-east-1", False, True, "1.dkr-ecr.us-east-1.on.aws"),
        ("us-east-1", True, True, "1.dkr-ecr-fips.us-east-1.on.aws"),
    ],
)
def test_registry_hosts(region: str, fips: bool, dualstack: bool, host: str) -> None:
    options = AwsOptions(region=region, keys=KEYS, use_fips=fips, use_dualstack=dualstack)
    opened = open_session(options)
    assert Ecr(opened, "1").registry_host == host
    assert ecr_host("1", region, opened.dns_suffix, fips=fips, dualstack=dualstack) == host


def test_a_loopback_endpoint_says_where_its_registry_is(aws: StubAws) -> None:
    aws.answers["GetAuthorizationToken"] = {
        "authorizationData": [{"proxyEndpoint": "http://127.0.0.1:5555"}]
    }
    assert aws.ecr().registry_host == "127.0.0.1:5555"


def test_identity() -> None:
    body = (
        b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        b"<GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/me</Arn>"
        b"<UserId>AIDA</UserId><Account>123456789012</Account></GetCallerIdentityResult>"
        b"</GetCallerIdentityResponse>"
    )
    with serving(lambda _: Say(200, {"Content-Type": "text/xml"}, body)) as server:
        found = read_identity(session(server.url))
    assert found.account == "123456789012"
    assert found.arn.endswith("user/me")


def test_keys_do_not_show() -> None:
    assert "secret-key" not in repr(AwsOptions(keys=KEYS))
