"""Images that are not what they say: each fails alone, nothing half is seen, the rest arrives."""

from __future__ import annotations

import json
from typing import Any

import pytest

from longshore.oci.digest import digest_of
from longshore.oci.manifest import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from tests.journey.images import LAYER, Shelf, entry
from tests.journey.lab import Done, Lab

APP = "from: docker.io/acme/app, to: app"
SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"


@pytest.fixture
def shelf(lab: Lab) -> Shelf:
    """A Hub repository with one good image, and a repository for it at the ECR."""
    made = Shelf(lab.hub, "acme/app")
    made.image(b"good " * 20_000, tags=("good",))
    lab.write(APP, text="repositories: {app: {mutability: mutable}}\n")
    lab.done("apply", "--only", "aws", "--yes")
    return made


def only_bad_fails(lab: Lab, code: str, *words: str) -> Done:
    """sync: the tag `bad` fails with a reason of these words and is not seen, `good` arrives."""
    ended = lab("sync", "--json")
    assert ended.code == 5, ended.out
    [failure] = ended.json["failures"]
    assert failure["source"] == "docker.io/acme/app:bad"
    for word in words:
        assert word in failure["reason"], failure["reason"]
    assert ended.json["error"]["code"] == "partly-done"
    assert ended.json["error"]["hint"]
    assert set(lab.held("app")) == {"good"}
    one = lab("copy", "docker.io/acme/app:bad", f"{lab.stack.state.ecr_registry}/app", "--json")
    assert one.code == 1
    assert one.json["error"]["code"] == code
    assert one.json["error"]["hint"]
    assert one.json["error"]["side"] == "source"
    assert lab("explain", code).code == 0
    return ended


def mend(lab: Lab, shelf: Shelf) -> None:
    """The owner pushes the tag again, well: the same command succeeds."""
    digest = shelf.image(b"mended", tags=("bad",))
    assert lab.done("sync")["tags"]["failed"] == 0
    assert lab.held("app")["bad"] == digest


def image_with(shelf: Shelf, *layers: dict[str, Any], kind: str = OCI_MANIFEST) -> bytes:
    document = {"schemaVersion": 2, "mediaType": kind}
    document |= {"config": shelf.blob(b"{}"), "layers": list(layers)}
    return json.dumps(document).encode()


def test_a_manifest_over_4_mib(lab: Lab, shelf: Shelf) -> None:
    document = json.loads(image_with(shelf, shelf.blob(b"layer")))
    document["annotations"] = {"long": "x" * (4 * 1024 * 1024)}
    shelf.put(document, OCI_MANIFEST, "bad")
    only_bad_fails(lab, "manifest-too-large", "4 MiB")
    mend(lab, shelf)


def test_an_index_with_missing_children(lab: Lab, shelf: Shelf) -> None:
    child = shelf.image(b"there")
    gone = digest_of(b"gone")
    entries = [shelf.pointer(child), {"mediaType": OCI_MANIFEST, "digest": gone, "size": 500}]
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    shelf.put(document, OCI_INDEX, "bad")
    only_bad_fails(lab, "manifest-not-found", "acme/app")
    mend(lab, shelf)


def test_a_missing_blob(lab: Lab, shelf: Shelf) -> None:
    shelf.put(image_with(shelf, entry(b"never pushed")), OCI_MANIFEST, "bad")
    only_bad_fails(lab, "blob-not-found", "blob")
    mend(lab, shelf)


def test_a_blob_with_another_size_than_said(lab: Lab, shelf: Shelf) -> None:
    shelf.blob(b"ten bytes.")
    wrong = entry(b"ten bytes.") | {"size": 4}
    shelf.put(image_with(shelf, wrong), OCI_MANIFEST, "bad")
    only_bad_fails(lab, "blob-too-long", "more than its 4 bytes")
    mend(lab, shelf)


def test_a_blob_shorter_than_said(lab: Lab, shelf: Shelf) -> None:
    shelf.blob(b"ten bytes.")
    wrong = entry(b"ten bytes.") | {"size": 4000}
    shelf.put(image_with(shelf, wrong), OCI_MANIFEST, "bad")
    only_bad_fails(lab, "blob-truncated", "4000")
    mend(lab, shelf)


@pytest.mark.parametrize("media_type", [SCHEMA_1, "application/json"])
def test_schema_1(lab: Lab, shelf: Shelf, media_type: str) -> None:
    old = {"schemaVersion": 1, "name": "acme/app", "tag": "bad", "fsLayers": [], "history": []}
    shelf.put(old, media_type, "bad")
    only_bad_fails(lab, "schema1", "schema 1")
    mend(lab, shelf)


@pytest.mark.parametrize(
    "content",
    [
        b"{}",
        b'{"schemaVersion": 2, "config": 7, "layers": []}',
        b'{"schemaVersion": 2, "config": {"mediaType": "a/b", "digest": "sha256:zz", "size": 2}}',
        b'{"schemaVersion": 2, "mediaType": "text/plain", "manifests": []}',
    ],
)
def test_what_is_no_manifest(lab: Lab, shelf: Shelf, content: bytes) -> None:
    shelf.put(content, OCI_MANIFEST, "bad")
    only_bad_fails(lab, "bad-manifest")
    mend(lab, shelf)


@pytest.mark.parametrize("kind", [DOCKER_MANIFEST, OCI_MANIFEST])
def test_foreign_layers_stay_where_they_are(lab: Lab, shelf: Shelf, kind: str) -> None:
    foreign = entry(
        b"windows",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        urls=["https://foreign.example/layer"],
    )
    made = image_with(shelf, foreign, shelf.blob(b"own"), kind=kind)
    digest = shelf.put(made, kind, "windows")
    answer = lab.done("sync")
    assert answer["tags"]["failed"] == 0
    assert lab.held("app")["windows"] == digest
    assert lab.ecr.blob_size("app", foreign["digest"]) is None
    assert lab.done("verify")["equal"] == 2


def test_an_index_of_foreign_platforms_and_kinds(lab: Lab, shelf: Shelf) -> None:
    """Docker's list may hold OCI manifests and the other way round."""
    docker, plain = shelf.image(b"docker", docker=True), shelf.image(b"oci")
    shelf.index({"linux/amd64": docker, "windows/amd64": plain}, tags=("mixed",), docker=True)
    shelf.index({"linux/amd64": docker, "wasi/wasm": plain}, tags=("other",))
    assert lab.done("sync")["tags"]["copied"] == 3
    stored = lab.ecr.manifest("app", "mixed")
    assert stored is not None
    assert stored.media_type == DOCKER_LIST


def test_an_index_without_children_and_a_layer_twice(lab: Lab, shelf: Shelf) -> None:
    shelf.index({}, tags=("empty",))
    again = shelf.blob(b"again")
    shelf.put(image_with(shelf, again, again, entry(b"{}", LAYER)), OCI_MANIFEST, "twice")
    answer = lab.done("sync")
    assert answer["tags"]["failed"] == 0
    assert {"empty", "twice"} <= set(lab.held("app"))


def test_an_empty_layer(lab: Lab, shelf: Shelf) -> None:
    shelf.image(b"", tags=("nothing",))
    assert lab.done("sync")["tags"]["failed"] == 0
    assert "nothing" in lab.held("app")


def test_an_index_in_an_index(lab: Lab, shelf: Shelf) -> None:
    inner = shelf.index({"linux/amd64": shelf.image(b"inner")})
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [shelf.pointer(inner)]}
    outer = shelf.put(document, OCI_INDEX, "nested")
    assert lab.done("sync")["tags"]["failed"] == 0
    assert lab.held("app")["nested"] == outer


def test_control_characters_of_a_registry_do_not_reach_the_terminal(lab: Lab, shelf: Shelf) -> None:
    evil = "\x1b]0;owned\x07\x1b[31m"
    document = json.loads(image_with(shelf, shelf.blob(b"layer")))
    document["mediaType"] = f"{evil}text"
    shelf.put(document, OCI_MANIFEST, "bad")
    ended = lab("sync")
    assert ended.code == 5
    assert "\x1b" not in ended.out + ended.err
    assert "\x07" not in ended.out + ended.err
