"""Manifests: exact bytes kept, every reference found, odd documents refused with a reason."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from longshore.errors import ContentError
from longshore.oci.digest import Digest, digest_of
from longshore.oci.manifest import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    MAX_MANIFEST_BYTES,
    OCI_INDEX,
    OCI_MANIFEST,
    parse_manifest,
)
from longshore.oci.platforms import Platform, parse_platform, platform_from_json

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def described(name: str, media_type: str = LAYER, **more: object) -> dict:
    return {"mediaType": media_type, "digest": digest_of(name.encode()), "size": 7, **more}


def image(**more: object) -> dict:
    config = described("config", "application/vnd.oci.image.config.v1+json")
    return {"schemaVersion": 2, "config": config, "layers": [described("l1")], **more}


def encoded(document: object) -> bytes:
    return json.dumps(document).encode()


def test_an_image_names_config_and_layers_once_each() -> None:
    content = encoded(image(layers=[described("l1"), described("l2"), described("l1")]))
    found = parse_manifest(content, OCI_MANIFEST)
    assert found.digest == digest_of(content)
    assert found.content is content
    names = [digest_of(name) for name in (b"config", b"l1", b"l2")]
    assert [blob.digest for blob in found.blobs] == names
    assert found.descriptor.size == len(content)


def test_foreign_layers_are_not_for_registries_to_hold() -> None:
    foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    layers = [described("win", foreign, urls=["https://example.com/x"]), described("l1")]
    found = parse_manifest(encoded(image(layers=layers)), DOCKER_MANIFEST)
    assert len(found.layers) == 2
    assert digest_of(b"win") not in {blob.digest for blob in found.blobs}


@pytest.mark.parametrize("kind", [OCI_INDEX, DOCKER_LIST])
def test_an_index_names_children_with_platforms_and_attestations(kind: str) -> None:
    attested = {"vnd.docker.reference.type": "attestation-manifest"}
    entries = [
        described("a", OCI_MANIFEST, platform={"os": "linux", "architecture": "arm64"}),
        described(
            "b", OCI_MANIFEST, annotations=attested,
            platform={"os": "unknown", "architecture": "unknown"},
        ),
    ]  # fmt: skip
    found = parse_manifest(encoded({"schemaVersion": 2, "manifests": entries}), kind)
    assert found.is_index
    assert found.media_type == kind
    assert [child.is_attestation for child in found.children] == [False, True]
    assert found.children[0].platform == Platform("linux", "arm64")
    assert found.blobs == ()


def test_a_referrer_names_its_subject_and_type() -> None:
    found = parse_manifest(encoded(image(subject=described("s", OCI_MANIFEST))), OCI_MANIFEST)
    assert found.subject is not None
    assert found.subject.digest == digest_of(b"s")
    assert found.artifact_type == "application/vnd.oci.image.config.v1+json"
    typed = parse_manifest(encoded(image(artifactType="application/x")), OCI_MANIFEST)
    assert typed.artifact_type == "application/x"


@pytest.mark.parametrize(
    ("content", "media_type", "code"),
    [
        (b"", OCI_MANIFEST, "bad-manifest"),
        (b"<html>", OCI_MANIFEST, "bad-manifest"),
        (b"[]", OCI_MANIFEST, "bad-manifest"),
        (b"[" * 100_000, OCI_MANIFEST, "bad-manifest"),
        (b"\xff\xfe", OCI_MANIFEST, "bad-manifest"),
        (encoded({"schemaVersion": 1, "fsLayers": []}), "", "schema1"),
        (encoded(image(mediaType=OCI_INDEX)), OCI_MANIFEST, "bad-manifest"),
        (encoded(image(mediaType="text/plain")), "", "bad-manifest"),
        (encoded({"schemaVersion": 2, "manifests": {}}), OCI_INDEX, "bad-manifest"),
        (encoded({"schemaVersion": 2, "layers": []}), OCI_MANIFEST, "bad-manifest"),
        (encoded(image(layers=["x"])), OCI_MANIFEST, "bad-manifest"),
        (encoded(image(layers=[described("x", size=-1)])), OCI_MANIFEST, "bad-manifest"),
        (encoded(image(layers=[described("x", size=True)])), OCI_MANIFEST, "bad-manifest"),
        (encoded(image(layers=[described("x", digest="sha256:1")])), OCI_MANIFEST, "bad-manifest"),
        (encoded(image(layers=[{"digest": "x"}])), OCI_MANIFEST, "bad-manifest"),
        (b" " * (MAX_MANIFEST_BYTES + 1), OCI_MANIFEST, "manifest-too-large"),
    ],
)  # fmt: skip
def test_what_is_no_manifest_is_refused(content: bytes, media_type: str, code: str) -> None:
    with pytest.raises(ContentError) as caught:
        parse_manifest(content, media_type)
    assert caught.value.code == code


def test_other_bytes_than_expected_are_refused() -> None:
    with pytest.raises(ContentError, match="arrived with digest") as caught:
        parse_manifest(encoded(image()), OCI_MANIFEST, digest_of(b"other"))
    assert caught.value.code == "digest-mismatch"


def test_a_sha512_digest_is_checked_by_its_own_algorithm() -> None:
    import hashlib

    content = encoded(image())
    digest = Digest("sha512:" + hashlib.sha512(content).hexdigest())
    assert parse_manifest(content, OCI_MANIFEST, digest).digest == digest


@given(some.binary(max_size=300))
def test_garbage_is_never_anything_but_an_error_of_ours(content: bytes) -> None:
    with pytest.raises(ContentError):
        parse_manifest(content, OCI_MANIFEST)


json_values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=8),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=8), inner),
    max_leaves=12,
)


@given(some.sampled_from(["config", "layers", "manifests", "subject", "annotations", "mediaType",
                          "artifactType", "schemaVersion"]), json_values)  # fmt: skip
def test_any_member_may_be_anything(member: str, value: object) -> None:
    content = encoded({**image(), member: value})
    try:
        found = parse_manifest(content, "")
    except ContentError:
        return
    assert found.content == content
    assert found.digest == digest_of(content)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("linux/amd64", "linux/amd64"), ("linux/x86_64", "linux/amd64"),
        ("Linux/ARM64/v8", "linux/arm64"), ("linux/arm", "linux/arm/v7"),
        ("linux/arm/v6", "linux/arm/v6"), ("linux/aarch64", "linux/arm64"),
    ],
)  # fmt: skip
def test_platforms_have_one_form(text: str, expected: str) -> None:
    assert str(parse_platform(text)) == expected
    assert parse_platform(str(parse_platform(text))) == parse_platform(text)


@given(json_values)
def test_a_platform_in_json_is_read_or_none(value: object) -> None:
    found = platform_from_json(value)
    assert found is None or (found.os and found.architecture)
