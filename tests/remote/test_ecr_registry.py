"""ECR as a registry: its API for listings, Basic auth for bytes; scripted."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from longshore.errors import RefusedError, RegistryError
from longshore.oci.digest import digest_of
from longshore.oci.manifest import OCI_MANIFEST
from longshore.remote.aws import AwsKeys, AwsOptions, open_session
from longshore.remote.ecr import Ecr
from longshore.remote.ecr_registry import EcrRegistry, EcrRepository
from longshore.remote.transport import Transport
from tests.remote.conftest import Clock
from tests.remote.images import manifest
from tests.remote.scripted import Asked, Say, Scripted, serving

IMAGE = manifest(b"{}", b"layer")
TWELVE_HOURS = 12 * 3600


class StubEcr:
    """API and registry on one port, with tokens that run out."""

    server: Scripted

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.tokens = 0
        self.revoked: set[str] = set()
        self.images: list[dict[str, Any]] = []
        self.deleted: list[Any] = []

    def __call__(self, asked: Asked) -> Say:
        target = asked.headers.get("x-amz-target", "").rpartition(".")[2]
        if target:
            return Say(200, {}, json.dumps(self.api(target, json.loads(asked.body))).encode())
        given = base64.b64decode(asked.headers.get("authorization", "")[6:]).decode()
        if not given:
            challenge = {"WWW-Authenticate": 'Basic realm="https://x/",service="ecr.amazonaws.com"'}
            return Say(401, challenge, b"Not Authorized\n")
        if given in self.revoked:
            error = {"code": "DENIED", "message": "Your authorization token has expired. Re"}
            return Say(403, {}, json.dumps({"errors": [error]}).encode())
        return Say(200, {"Content-Type": OCI_MANIFEST}, IMAGE.content)

    def api(self, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        if operation == "GetAuthorizationToken":
            self.tokens += 1
            token = base64.b64encode(f"AWS:t{self.tokens}".encode()).decode()
            data = {
                "authorizationToken": token,
                "expiresAt": self.clock.time + TWELVE_HOURS,
                "proxyEndpoint": self.server.url,
            }
            return {"authorizationData": [data]}
        if operation == "DescribeImages":
            return {"imageDetails": self.images}
        if operation == "BatchCheckLayerAvailability":
            return {
                "layers": [
                    {"layerDigest": one, "layerAvailability": state}
                    for one, state in zip(
                        given["layerDigests"],
                        ["AVAILABLE", "UNAVAILABLE", "ARCHIVED"],
                        strict=False,
                    )
                ]
            }
        if operation == "BatchDeleteImage":
            self.deleted += given["imageIds"]
            return {"failures": []}
        assert operation == "DescribeRepositories"
        names = ("acme/shop", "other")
        return {
            "repositories": [
                {"repositoryName": name, "repositoryArn": name, "repositoryUri": name}
                for name in names
            ]
        }


@pytest.fixture
def stub(clock: Clock) -> Iterator[StubEcr]:
    made = StubEcr(clock)
    with serving(made) as made.server:
        yield made


@pytest.fixture
def registry(stub: StubEcr, transport: Transport) -> EcrRegistry:
    keys = AwsKeys("AKIAEXAMPLE", "secret")
    options = AwsOptions(region="ap-northeast-2", endpoint_url=stub.server.url, keys=keys)
    return EcrRegistry(Ecr(open_session(options)), transport)


@pytest.fixture
def store(registry: EcrRegistry) -> EcrRepository:
    found = registry.repository("acme/shop")
    assert isinstance(found, EcrRepository)
    return found


def test_the_first_request_carries_the_password(
    stub: StubEcr, registry: EcrRegistry, store: EcrRepository
) -> None:
    assert registry.host == stub.server.host
    store.fetch_manifest("v1")
    store.fetch_manifest("v1")
    assert registry.traffic.requests == 2
    # One token told where the registry is, one opened it.
    assert stub.tokens == 2


def test_the_token_is_renewed_after_eleven_hours(
    stub: StubEcr, store: EcrRepository, clock: Clock
) -> None:
    store.fetch_manifest("v1")
    clock.time += 10.9 * 3600
    store.fetch_manifest("v1")
    assert stub.tokens == 2
    clock.time += 0.2 * 3600
    store.fetch_manifest("v1")
    assert stub.tokens == 3


def test_a_token_that_ran_out_early_is_renewed_once(stub: StubEcr, store: EcrRepository) -> None:
    store.fetch_manifest("v1")
    stub.revoked = {"AWS:t2"}
    assert store.fetch_manifest("v1").digest == IMAGE.digest
    store.fetch_manifest("v1")
    assert stub.tokens == 3


def test_listings_by_describe_images(
    stub: StubEcr, registry: EcrRegistry, store: EcrRepository
) -> None:
    stub.images = [
        {
            "imageDigest": IMAGE.digest,
            "imageTags": ["v1", "latest"],
            "imageSizeInBytes": 42,
            "imagePushedAt": 1_700_000_000.0,
            "imageManifestMediaType": OCI_MANIFEST,
        },
        {"imageDigest": digest_of(b"untagged")},
    ]
    tags = store.list_tags()
    assert [(seen.tag, seen.digest, seen.size) for seen in tags] == [
        ("v1", IMAGE.digest, 42),
        ("latest", IMAGE.digest, 42),
    ]
    assert tags[0].pushed_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    held = store.read_holdings()
    assert held.tags == {"v1": IMAGE.digest, "latest": IMAGE.digest}
    assert held.digests == {IMAGE.digest, digest_of(b"untagged")}
    assert registry.list_repositories("acme") == ["acme/shop"]
    assert (registry.traffic.requests, registry.traffic.pulls) == (3, 0)


def test_only_available_layers_are_there(registry: EcrRegistry, store: EcrRepository) -> None:
    wanted = sorted(digest_of(b"%d" % number) for number in range(3))
    assert store.missing_blobs(wanted) == set(wanted[1:])
    assert store.missing_blobs([]) == set()
    assert registry.traffic.requests == 1


def test_the_last_tag_is_not_removed(stub: StubEcr, store: EcrRepository) -> None:
    stub.images = [{"imageDigest": IMAGE.digest, "imageTags": ["v1"]}]
    with pytest.raises(RefusedError) as caught:
        store.delete_tag("v1")
    assert caught.value.code == "last-tag"
    assert stub.deleted == []
    stub.images = [{"imageDigest": IMAGE.digest, "imageTags": ["v1", "v2"]}]
    store.delete_tag("v1")
    assert stub.deleted == [{"imageTag": "v1"}]


def test_errors_of_the_api_have_a_side(transport: Transport, clock: Clock) -> None:
    body = b'{"__type": "RepositoryNotFoundException", "message": "no"}'

    def answer(asked: Asked) -> Say:
        if asked.headers["x-amz-target"].endswith("GetAuthorizationToken"):
            data = {"proxyEndpoint": "http://127.0.0.1:1"}
            return Say(200, {}, json.dumps({"authorizationData": [data]}).encode())
        return Say(400, {}, body)

    with serving(answer) as server:
        keys = AwsKeys("AKIAEXAMPLE", "secret")
        options = AwsOptions(region="ap-northeast-2", endpoint_url=server.url, keys=keys)
        registry = EcrRegistry(Ecr(open_session(options)), transport)
        with pytest.raises(RegistryError) as caught:
            registry.repository("gone").list_tags()
    error = caught.value
    assert (error.side, error.code) == ("target", "repository-not-found")
    assert error.registry_code == "RepositoryNotFoundException"
