"""The gate against the embedded ECR: the real API, registry, redirects, tokens and faults."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from longshore.embedded.faults import Fault
from longshore.embedded.stack import Stack
from longshore.errors import AwsError, ContentError, LimitError, RefusedError, RegistryError
from longshore.remote.aws import AwsKeys, AwsOptions, open_session
from longshore.remote.ecr import BLOB_MOUNTING, Ecr
from longshore.remote.ecr_registry import EcrRegistry
from longshore.remote.identity import read_identity
from longshore.remote.transport import Transport
from tests.remote.images import blob, content_of, drain, index, manifest, push_image, read_all

POLICY = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {
                    "tagStatus": "untagged",
                    "countType": "sinceImagePushed",
                    "countUnit": "days",
                    "countNumber": 7,
                },
                "action": {"type": "expire"},
            }
        ]
    }
)


@pytest.fixture
def ecr(stack: Stack) -> Ecr:
    state = stack.state
    keys = AwsKeys(state.access_key, state.secret_key)
    options = AwsOptions(region=state.region, endpoint_url=state.aws_endpoint, keys=keys)
    return Ecr(open_session(options))


@pytest.fixture
def target(ecr: Ecr, transport: Transport) -> EcrRegistry:
    return EcrRegistry(ecr, transport)


@pytest.fixture
def name(ecr: Ecr, request: pytest.FixtureRequest) -> Iterator[str]:
    """A repository of the test's own."""
    made = "gate/" + request.node.name.partition("[")[0].replace("_", "-")
    ecr.create_repository(made)
    yield made
    ecr.delete_repository(made, force=True)


@pytest.fixture
def faults(stack: Stack) -> Iterator[Stack]:
    yield stack
    stack.faults.clear()


def test_who_and_where(stack: Stack, ecr: Ecr) -> None:
    found = read_identity(ecr.session)
    assert found.account == ecr.account == stack.state.account
    assert ecr.registry_host == stack.state.ecr_registry
    token = ecr.authorization_token()
    assert token.username == "AWS"
    assert token.expires_at is not None


def test_a_repository_and_its_settings(ecr: Ecr, name: str) -> None:
    ecr.put_image_tag_mutability(name, "IMMUTABLE_WITH_EXCLUSION", ["pr-*", "latest"])
    ecr.put_image_scanning_configuration(name, True)
    [seen] = ecr.describe_repositories([name])
    assert (seen.mutability, set(seen.exclusions)) == (
        "IMMUTABLE_WITH_EXCLUSION",
        {"pr-*", "latest"},
    )
    assert (seen.scan_on_push, seen.encryption) == (True, "AES256")
    assert seen.created_at is not None
    assert seen in ecr.describe_repositories()

    assert ecr.get_lifecycle_policy(name) is None
    ecr.delete_lifecycle_policy(name)
    ecr.put_lifecycle_policy(name, POLICY)
    assert json.loads(ecr.get_lifecycle_policy(name) or "") == json.loads(POLICY)
    ecr.delete_lifecycle_policy(name)
    assert ecr.get_lifecycle_policy(name) is None

    ecr.tag_resource(seen.arn, {"team": "web", "env": "dev"})
    ecr.untag_resource(seen.arn, ["env"])
    assert ecr.list_tags_for_resource(seen.arn) == (("team", "web"),)


def test_what_is_not_there(ecr: Ecr, target: EcrRegistry) -> None:
    with pytest.raises(AwsError) as caught:
        ecr.describe_repositories(["gate/none"])
    assert caught.value.code == "repository-not-found"
    with pytest.raises(RegistryError) as told:
        target.repository("gate/none").list_tags()
    assert (told.value.code, told.value.side) == ("repository-not-found", "target")
    with pytest.raises(RegistryError) as told:
        push_image(target.repository("gate/none"), "v1", b"x")
    assert told.value.code == "repository-not-found"


def test_an_image_makes_the_round_trip(
    stack: Stack, ecr: Ecr, target: EcrRegistry, name: str
) -> None:
    store = target.repository(name)
    layer = os.urandom(700_001)
    assert store.missing_blobs([blob(layer).digest]) == {blob(layer).digest}
    pushed = push_image(store, "v1", layer)
    assert store.missing_blobs([blob(layer).digest]) == set()
    assert [(seen.tag, seen.digest) for seen in store.list_tags()] == [("v1", pushed.digest)]
    assert store.resolve("v1") == pushed.descriptor
    assert store.fetch_manifest("v1").content == pushed.content
    held = store.read_holdings()
    assert (dict(held.tags), held.digests) == ({"v1": pushed.digest}, {pushed.digest})
    # Blobs come by redirect from an origin that refuses the registry's Authorization.
    before = target.traffic.requests
    assert read_all(store.open_blob(blob(layer), 100_000)) == layer[100_000:]
    assert target.traffic.requests == before + 2
    assert ecr.list_images(name) == [(pushed.digest, "v1")]
    assert name in target.list_repositories("gate")


def test_referrers_and_indexes(target: EcrRegistry, name: str) -> None:
    store = target.repository(name)
    image = push_image(store, "child", b"layer")
    parent = index(image)
    store.push_manifest(parent, "multi")
    store.upload_blob(blob(b"signed"), content_of(b"signed"))
    signature = manifest(b"{}", b"signed", subject=parent.descriptor, artifact_type="a/signature")
    before = target.traffic.requests
    store.push_manifest(signature)
    assert target.traffic.requests == before + 1
    assert [one.digest for one in store.list_referrers(parent.digest)] == [signature.digest]
    assert store.list_referrers(image.digest) == []
    assert sorted(seen.tag for seen in store.list_tags()) == ["child", "multi"]


def test_immutable_tags(ecr: Ecr, target: EcrRegistry, name: str) -> None:
    store = target.repository(name)
    push_image(store, "v1", b"one")
    ecr.put_image_tag_mutability(name, "IMMUTABLE")
    with pytest.raises(RegistryError) as caught:
        push_image(store, "v1", b"two")
    assert caught.value.code == "tag-immutable"
    # The same image under its own tag is as good as done, though ECR refuses it.
    push_image(store, "v1", b"one")


def test_tags_removed_and_images_deleted(ecr: Ecr, target: EcrRegistry, name: str) -> None:
    store = target.repository(name)
    pushed = push_image(store, "v1", b"one")
    with pytest.raises(RefusedError) as caught:
        store.delete_tag("v1")
    assert caught.value.code == "last-tag"
    content = store.fetch_manifest("v1").content
    assert ecr.put_image(name, content, media_type=pushed.media_type, tag="v2") == pushed.digest
    store.delete_tag("v1")
    assert [seen.tag for seen in store.list_tags()] == ["v2"]
    assert ecr.batch_delete_image(name, digests=[pushed.digest]) == []
    assert ecr.describe_images(name) == []
    failed = ecr.batch_delete_image(name, tags=["gone"])
    assert failed == [("gone", "ImageNotFound")]


def test_mounting_is_an_account_s_setting(ecr: Ecr, target: EcrRegistry, name: str) -> None:
    source = target.repository(name)
    layer = os.urandom(5000)
    push_image(source, "v1", layer)
    other = f"{name}-other"
    ecr.create_repository(other)
    try:
        store = target.repository(other)
        ecr.put_account_setting(BLOB_MOUNTING, "ENABLED")
        assert ecr.get_account_setting(BLOB_MOUNTING) == "ENABLED"
        assert store.mount_blob(blob(layer), source) is True
        ecr.put_account_setting(BLOB_MOUNTING, "DISABLED")
        config = blob(b"{}")
        assert store.mount_blob(config, source) is False
        store.upload_blob(config, content_of(b"{}"))
        assert store.missing_blobs([config.digest, blob(layer).digest]) == set()
    finally:
        ecr.put_account_setting(BLOB_MOUNTING, "DISABLED")
        ecr.delete_repository(other, force=True)


def test_a_token_that_runs_out(stack: Stack, target: EcrRegistry, name: str) -> None:
    store = target.repository(name)
    pushed = push_image(store, "v1", b"one")
    stack.clock.advance(13 * 3600)
    try:
        # The servers' clock went on, the gate's did not: it learns of it by the refusal.
        assert store.fetch_manifest("v1").digest == pushed.digest
        push_image(store, "v2", b"two")
    finally:
        stack.clock.reset()


def test_a_cut_layer_resumes(faults: Stack, target: EcrRegistry, name: str) -> None:
    store = target.repository(name)
    layer = os.urandom(900_000)
    push_image(store, "v1", layer)
    faults.faults.add(Fault(listener="layers", method="GET", cut_after=400_000))
    got = bytearray()
    with pytest.raises(ContentError) as caught:
        drain(store.open_blob(blob(layer)), got)
    assert caught.value.code == "blob-truncated"
    assert caught.value.temporary
    assert 0 < len(got) <= 400_000
    assert bytes(got) + read_all(store.open_blob(blob(layer), len(got))) == layer


@pytest.mark.parametrize("reset", [True, False])
def test_a_broken_upload_starts_again(
    faults: Stack, target: EcrRegistry, name: str, reset: bool
) -> None:
    store = target.repository(name)
    layer = os.urandom(300_000)
    status = None if reset else 500
    faults.faults.add(
        Fault(listener="ecr", method="PUT", path="/blobs/", reset=reset, status=status)
    )
    push_image(store, "v1", layer)
    assert read_all(store.open_blob(blob(layer))) == layer


def test_wrong_manifest_bytes_are_told(faults: Stack, target: EcrRegistry, name: str) -> None:
    store = target.repository(name)
    pushed = push_image(store, "v1", b"layer")
    faults.faults.add(Fault(listener="ecr", method="GET", path="/manifests/", flip_at=10))
    with pytest.raises(ContentError) as caught:
        store.fetch_manifest(pushed.digest)
    assert caught.value.code == "digest-mismatch"


def test_429_with_a_long_time_is_a_limit(faults: Stack, target: EcrRegistry, name: str) -> None:
    store = target.repository(name)
    fault = Fault(listener="ecr", path="/v2/", status=429, headers={"Retry-After": "900"})
    faults.faults.add(fault)
    with pytest.raises(LimitError) as caught:
        store.fetch_manifest("v1")
    assert caught.value.retry_at.endswith("Z")
