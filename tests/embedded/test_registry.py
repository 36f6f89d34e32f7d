"""The registry protocol over HTTP, as any client may speak it; one real client."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.embedded.talk import (
    OCI,
    OCI_INDEX,
    Answer,
    Talk,
    descriptor,
    digest_of,
    image_manifest,
    index_of,
)
from tests.peers import peer

from longshore.embedded.clock import Clock
from longshore.embedded.contents import Contents
from longshore.embedded.registry import registry_handler
from longshore.embedded.registry_rules import Action, Caller, ManifestPut, Refusal, Rules
from longshore.embedded.server import Listener
from longshore.embedded.wire import Request, application

BLOB = os.urandom(100_000)
DIGEST = digest_of(BLOB)
NOWHERE = digest_of(b"nowhere")


@dataclass
class World:
    rules: Rules
    talk: Talk


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    contents = Contents(tmp_path, "hub", Clock())
    rules = Rules(contents)
    with Listener(application(registry_handler(rules)), threads=16) as listener:
        yield World(rules, Talk(listener.port, {}))
    contents.close()


@pytest.fixture
def talk(world: World) -> Talk:
    return world.talk


def location(answer: Answer, digest: str) -> str:
    return f"{answer.headers['location']}&digest={digest}"


def start(talk: Talk, repository: str = "acme/shop", query: str = "") -> Answer:
    answer = talk("POST", f"/v2/{repository}/blobs/uploads/{query}")
    assert answer.status in (201, 202), answer
    return answer


def test_ping(talk: Talk) -> None:
    answer = talk("GET", "/v2/")
    assert (answer.status, answer.json()) == (200, {})
    assert answer.headers["docker-distribution-api-version"] == "registry/2.0"


# Blobs


def test_post_and_one_put(talk: Talk) -> None:
    started = start(talk)
    assert started.headers["range"] == "0-0"
    put = talk("PUT", location(started, DIGEST), BLOB)
    assert put.status == 201
    assert put.headers["docker-content-digest"] == DIGEST
    assert put.headers["location"].endswith(f"/v2/acme/shop/blobs/{DIGEST}")
    assert talk("GET", put.headers["location"]).body == BLOB


def test_one_post_with_everything(talk: Talk) -> None:
    put = talk("POST", f"/v2/acme/shop/blobs/uploads/?digest={DIGEST}", BLOB)
    assert put.status == 201
    empty = digest_of(b"")
    assert talk("POST", f"/v2/acme/shop/blobs/uploads/?digest={empty}", b"").status == 201
    assert talk("GET", f"/v2/acme/shop/blobs/{empty}").body == b""


def test_a_streamed_patch_without_length(talk: Talk) -> None:
    started = start(talk)
    patched = talk("PATCH", started.headers["location"], iter([BLOB[:7], BLOB[7:]]))
    assert (patched.status, patched.headers["range"]) == (202, f"0-{len(BLOB) - 1}")
    assert talk("PUT", location(patched, DIGEST)).status == 201
    assert talk("GET", f"/v2/acme/shop/blobs/{DIGEST}").body == BLOB


def test_chunks_in_order_only(talk: Talk) -> None:
    place = start(talk).headers["location"]
    half = len(BLOB) // 2
    early = talk("PATCH", place, BLOB[half:], {"Content-Range": f"{half}-{len(BLOB) - 1}"})
    assert (early.status, early.code) == (416, "BLOB_UPLOAD_INVALID")
    first = talk("PATCH", place, BLOB[:half], {"Content-Range": f"0-{half - 1}"})
    assert (first.status, first.headers["range"]) == (202, f"0-{half - 1}")
    again = talk("PATCH", place, BLOB[:half], {"Content-Range": f"0-{half - 1}"})
    assert (again.status, again.headers["range"]) == (416, f"0-{half - 1}")
    seen = talk("GET", first.headers["location"])
    assert (seen.status, seen.headers["range"]) == (204, f"0-{half - 1}")
    last = {"Content-Range": f"{half}-{len(BLOB) - 1}"}
    assert talk("PUT", location(seen, DIGEST), BLOB[half:], last).status == 201


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [("nonsense", 400, "BLOB_UPLOAD_INVALID"), ("0-5", 400, "SIZE_INVALID")],
)
def test_chunks_that_contradict_themselves(talk: Talk, header: str, status: int, code: str) -> None:
    place = start(talk).headers["location"]
    answer = talk("PATCH", place, b"abc", {"Content-Range": header})
    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize("digest", [NOWHERE, "sha256:short", "md5:" + "0" * 32, ""])
def test_wrong_digests_are_refused(talk: Talk, digest: str) -> None:
    put = talk("PUT", location(start(talk), digest), BLOB)
    assert (put.status, put.code) == (400, "DIGEST_INVALID")
    assert talk("HEAD", f"/v2/acme/shop/blobs/{DIGEST}").status == 404


def test_an_upload_belongs_to_its_repository_and_can_be_cancelled(talk: Talk) -> None:
    place = start(talk).headers["location"]
    start(talk, "acme/other")
    foreign = place.replace("acme/shop", "acme/other")
    assert talk("PATCH", foreign, b"x").code == "BLOB_UPLOAD_UNKNOWN"
    assert talk("DELETE", place).status == 204
    gone = talk("PATCH", place, b"x")
    assert (gone.status, gone.code) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_mounting(world: World) -> None:
    talk = world.talk
    talk.push_blob("acme/shop", BLOB)
    mounted = start(talk, "acme/other", f"?mount={DIGEST}&from=acme/shop")
    assert (mounted.status, mounted.headers["docker-content-digest"]) == (201, DIGEST)
    assert talk("GET", f"/v2/acme/other/blobs/{DIGEST}").body == BLOB
    for query in (f"?mount={NOWHERE}&from=acme/shop", f"?mount={DIGEST}"):
        refused = start(talk, "acme/third", query)
        assert refused.status == 202
        assert "/uploads/" in refused.headers["location"]


@pytest.mark.parametrize(
    ("header", "status", "first", "last"),
    [
        ("bytes=0-9", 206, 0, 9),
        ("bytes=99990-", 206, 99_990, 99_999),
        ("bytes=-10", 206, 99_990, 99_999),
        ("bytes=5-1000000", 206, 5, 99_999),
        ("bytes=0-1,5-6", 200, 0, 99_999),
        ("lines=1-2", 200, 0, 99_999),
    ],
)
def test_ranges(talk: Talk, header: str, status: int, first: int, last: int) -> None:
    talk.push_blob("acme/shop", BLOB)
    answer = talk("GET", f"/v2/acme/shop/blobs/{DIGEST}", headers={"Range": header})
    assert (answer.status, answer.body) == (status, BLOB[first : last + 1])
    if status == 206:
        assert answer.headers["content-range"] == f"bytes {first}-{last}/100000"


def test_a_range_beyond_the_end(talk: Talk) -> None:
    talk.push_blob("acme/shop", BLOB)
    answer = talk("GET", f"/v2/acme/shop/blobs/{DIGEST}", headers={"Range": "bytes=100000-"})
    assert (answer.status, answer.headers["content-range"]) == (416, "bytes */100000")


def test_heads_tell_what_a_get_would_bring(talk: Talk) -> None:
    talk.push_blob("acme/shop", BLOB)
    digest, content = talk.push_image("acme/shop", "one", "v1")
    blob = talk("HEAD", f"/v2/acme/shop/blobs/{DIGEST}")
    assert (blob.status, blob.body) == (200, b"")
    assert blob.headers["content-length"] == str(len(BLOB))
    for reference in ("v1", digest):
        found = talk("HEAD", f"/v2/acme/shop/manifests/{reference}")
        assert (found.status, found.body, found.headers["content-type"]) == (200, b"", OCI)
        assert found.headers["content-length"] == str(len(content))
        assert found.headers["docker-content-digest"] == digest


def test_deleting_a_blob(talk: Talk) -> None:
    talk.push_blob("acme/shop", BLOB)
    assert talk("DELETE", f"/v2/acme/shop/blobs/{DIGEST}").status == 202
    assert talk("GET", f"/v2/acme/shop/blobs/{DIGEST}").code == "BLOB_UNKNOWN"
    assert talk("DELETE", f"/v2/acme/shop/blobs/{DIGEST}").status == 404


# Manifests


def test_bytes_in_bytes_out(talk: Talk) -> None:
    content = talk.manifest("acme/shop", "one").replace(b'": ', b'":\n\t')
    put = talk.put_manifest("acme/shop", "v1", content)
    assert (put.status, put.headers["docker-content-digest"]) == (201, digest_of(content))
    for reference in ("v1", digest_of(content)):
        found = talk("GET", f"/v2/acme/shop/manifests/{reference}")
        assert (found.body, found.headers["content-type"]) == (content, OCI)


def test_a_manifest_by_another_algorithm(talk: Talk) -> None:
    content = talk.manifest("acme/shop", "one")
    digest = digest_of(content, "sha512")
    put = talk.put_manifest("acme/shop", digest, content)
    assert (put.status, put.headers["docker-content-digest"]) == (201, digest)
    assert talk("GET", f"/v2/acme/shop/manifests/{digest}").body == content


def test_a_manifest_without_its_parts_is_refused(talk: Talk) -> None:
    start(talk)
    content = image_manifest(b"{}", b"layer")
    answer = talk.put_manifest("acme/shop", "v1", content)
    assert (answer.status, answer.code) == (400, "MANIFEST_BLOB_UNKNOWN")
    assert answer.json()["errors"][0]["detail"] == {"digest": digest_of(b"{}")}
    index = index_of(content)
    answer = talk.put_manifest("acme/shop", "v1", index, OCI_INDEX)
    assert (answer.status, answer.code) == (400, "MANIFEST_BLOB_UNKNOWN")
    assert talk("GET", "/v2/acme/shop/tags/list").json()["tags"] == []


def test_layers_that_registries_do_not_hold_need_not_be_there(talk: Talk) -> None:
    config = b"{}"
    talk.push_blob("acme/shop", config)
    foreign = {
        "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "digest": NOWHERE,
        "size": 5,
        "urls": ["https://example.com/layer"],
    }
    content = image_manifest(config, b"", layers=[foreign])
    assert talk.put_manifest("acme/shop", "v1", content).status == 201


@pytest.mark.parametrize(
    ("content", "media_type", "reference", "status", "code"),
    [
        (b"{", OCI, "v1", 400, "MANIFEST_INVALID"),
        (b"[]", OCI, "v1", 400, "MANIFEST_INVALID"),
        (b"[" * 100_000, OCI, "v1", 400, "MANIFEST_INVALID"),
        (b'{"mediaType":"%s"}' % OCI_INDEX.encode(), OCI, "v1", 400, "MANIFEST_INVALID"),
        (b"{}", OCI, NOWHERE, 400, "DIGEST_INVALID"),
        (b"{}", OCI, "sha256:12", 400, "DIGEST_INVALID"),
        (b"{}", OCI, "bad%20tag", 400, "TAG_INVALID"),
        (b" " * (4 * 1024 * 1024 + 1), OCI, "v1", 413, "SIZE_INVALID"),
    ],
)
def test_bad_manifests(
    talk: Talk, content: bytes, media_type: str, reference: str, status: int, code: str
) -> None:
    answer = talk.put_manifest("acme/shop", reference, content, media_type)
    assert (answer.status, answer.code) == (status, code)


def test_a_manifest_of_four_mebibytes_is_taken(talk: Talk) -> None:
    bare = talk.manifest("acme/shop", "one", annotations={"x": ""})
    padding = "x" * (4 * 1024 * 1024 - len(bare))
    content = talk.manifest("acme/shop", "one", annotations={"x": padding})
    assert len(content) == 4 * 1024 * 1024
    assert talk.put_manifest("acme/shop", "v1", content).status == 201
    assert talk("GET", "/v2/acme/shop/manifests/v1").body == content


def test_deleting_a_tag_and_an_image(talk: Talk) -> None:
    digest, content = talk.push_image("acme/shop", "one", "v1")
    talk.put_manifest("acme/shop", "v2", content)
    assert talk("DELETE", "/v2/acme/shop/manifests/v1").status == 202
    assert talk("GET", "/v2/acme/shop/manifests/v1").code == "MANIFEST_UNKNOWN"
    assert talk("GET", f"/v2/acme/shop/manifests/{digest}").status == 200
    assert talk("DELETE", f"/v2/acme/shop/manifests/{digest}").status == 202
    assert talk("GET", "/v2/acme/shop/manifests/v2").status == 404
    assert talk("DELETE", f"/v2/acme/shop/manifests/{digest}").status == 404


def test_a_moved_tag(talk: Talk) -> None:
    old, _ = talk.push_image("acme/shop", "one", "latest")
    new, _ = talk.push_image("acme/shop", "two", "latest")
    assert talk("HEAD", "/v2/acme/shop/manifests/latest").headers["docker-content-digest"] == new
    assert talk("GET", f"/v2/acme/shop/manifests/{old}").status == 200


# Listings


def test_tags_page_by_page(talk: Talk) -> None:
    _, content = talk.push_image("acme/shop", "one", "v0")
    for number in range(1, 5):
        talk.put_manifest("acme/shop", f"v{number}", content)
    whole = talk("GET", "/v2/acme/shop/tags/list")
    assert whole.json() == {"name": "acme/shop", "tags": ["v0", "v1", "v2", "v3", "v4"]}
    assert "link" not in whole.headers
    seen, path = [], "/v2/acme/shop/tags/list?n=2"
    while path:
        page = talk("GET", path)
        assert len(page.json()["tags"]) <= 2
        seen += page.json()["tags"]
        link = page.headers.get("link", "")
        path = link.partition("<")[2].partition(">")[0]
        assert not link or link.endswith('; rel="next"')
    assert seen == ["v0", "v1", "v2", "v3", "v4"]
    assert talk("GET", "/v2/acme/shop/tags/list?n=0").json()["tags"] == []
    assert talk("GET", "/v2/acme/shop/tags/list?last=v3").json()["tags"] == ["v4"]
    assert talk("GET", "/v2/acme/shop/tags/list?n=x").code == "PAGINATION_NUMBER_INVALID"


def test_the_catalogue(talk: Talk) -> None:
    for name in ("a/one", "a/three", "b"):
        start(talk, name)
    first = talk("GET", "/v2/_catalog?n=2")
    assert first.json() == {"repositories": ["a/one", "a/three"]}
    assert first.headers["link"] == '</v2/_catalog?n=2&last=a%2Fthree>; rel="next"'
    assert talk("GET", "/v2/_catalog?n=2&last=a%2Fthree").json() == {"repositories": ["b"]}


def test_referrers(talk: Talk) -> None:
    subject, content = talk.push_image("acme/shop", "one", "v1")
    names = {}
    for kind in ("application/spdx+json", "application/vnd.dev.cosign.artifact.sig.v1+json"):
        artifact = talk.manifest(
            "acme/shop",
            kind,
            subject=descriptor(content),
            artifactType=kind,
            annotations={"about": kind},
        )
        put = talk.put_manifest("acme/shop", digest_of(artifact), artifact)
        assert put.headers["oci-subject"] == subject
        names[kind] = {
            "mediaType": OCI,
            "digest": digest_of(artifact),
            "size": len(artifact),
            "artifactType": kind,
            "annotations": {"about": kind},
        }
    whole = talk("GET", f"/v2/acme/shop/referrers/{subject}")
    assert whole.headers["content-type"] == OCI_INDEX
    assert whole.json()["manifests"] == list(names.values())
    assert "oci-filters-applied" not in whole.headers
    one = talk("GET", f"/v2/acme/shop/referrers/{subject}?artifactType=application%2Fspdx%2Bjson")
    assert one.json()["manifests"] == [names["application/spdx+json"]]
    assert one.headers["oci-filters-applied"] == "artifactType"
    for nothing in (f"acme/shop/referrers/{NOWHERE}", f"acme/none/referrers/{NOWHERE}"):
        answer = talk("GET", f"/v2/{nothing}")
        assert (answer.status, answer.json()["manifests"]) == (200, [])
    assert talk("GET", "/v2/acme/shop/referrers/sha256:1").code == "DIGEST_INVALID"


def test_a_referrer_may_come_before_its_subject(talk: Talk) -> None:
    content = talk.manifest("acme/shop", "one")
    artifact = talk.manifest("acme/shop", "sig", subject=descriptor(content), artifactType="a/b")
    assert talk.put_manifest("acme/shop", digest_of(artifact), artifact).status == 201
    found = talk("GET", f"/v2/acme/shop/referrers/{digest_of(content)}").json()["manifests"]
    assert [one["digest"] for one in found] == [digest_of(artifact)]


# What is not there, and what is not allowed


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v2/acme/none/manifests/v1", 404, "NAME_UNKNOWN"),
        ("GET", "/v2/acme/none/tags/list", 404, "NAME_UNKNOWN"),
        ("GET", f"/v2/acme/none/blobs/{NOWHERE}", 404, "NAME_UNKNOWN"),
        ("DELETE", "/v2/acme/none/manifests/v1", 404, "NAME_UNKNOWN"),
        ("GET", "/v2/Acme/shop/tags/list", 400, "NAME_INVALID"),
        ("GET", "/v2/a//b/tags/list", 400, "NAME_INVALID"),
        ("GET", "/v2/../tags/list", 400, "NAME_INVALID"),
        ("POST", "/v2/acme/shop/manifests/v1", 405, "UNSUPPORTED"),
        ("PUT", "/v2/acme/shop/blobs/uploads/", 405, "UNSUPPORTED"),
        ("POST", "/v2/", 405, "UNSUPPORTED"),
        ("GET", "/", 404, "NOT_FOUND"),
        ("GET", "/v1/_ping", 404, "NOT_FOUND"),
    ],
)
def test_refusals(talk: Talk, method: str, path: str, status: int, code: str) -> None:
    answer = talk(method, path)
    assert (answer.status, answer.code) == (status, code)
    assert answer.headers["content-type"] == "application/json"


def test_a_full_disk_is_said_to_be_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(upload: str, chunks: Iterator[memoryview]) -> int:
        raise OSError(28, "No space left on device")

    started = start(world.talk)
    monkeypatch.setattr(world.rules.contents, "append_upload", full)
    answer = world.talk("PUT", location(started, DIGEST), BLOB)
    assert answer.status == 507
    assert "full" in answer.json()["errors"][0]["message"]


class Strange(Rules):
    """Every way in which a registry may differ."""

    patch_status = 201
    range_is_stuck = True
    shows_uploads = False
    answers_unknown_referrers = False
    max_page = 3

    def authorize(
        self, request: Request, repository: str | None, actions: Sequence[Action]
    ) -> Caller:
        if request.basic_credentials() != ("AWS", "secret"):
            raise Refusal(401, "UNAUTHORIZED", "who?", headers={"WWW-Authenticate": "Basic"})
        return Caller("AWS")

    def before_put(self, put: ManifestPut) -> None:
        if put.tag == "fixed":
            raise Refusal(400, "TAG_INVALID", f"{put.repository}:{put.tag} is immutable")

    def may_mount(
        self, request: Request, caller: Caller, repository: str, digest: str, source: str
    ) -> bool:
        return False

    def blob_location(
        self, request: Request, caller: Caller, repository: str, digest: str
    ) -> str | None:
        return f"http://127.0.0.1:1/{digest}"


def test_rules_change_what_they_say(tmp_path: Path) -> None:
    contents = Contents(tmp_path, "ecr", Clock())
    with Listener(application(registry_handler(Strange(contents))), threads=4) as listener:
        denied = Talk(listener.port, {})("GET", "/v2/")
        assert (denied.status, denied.headers["www-authenticate"]) == (401, "Basic")
        talk = Talk(listener.port, {"Authorization": "Basic QVdTOnNlY3JldA=="})
        place = start(talk).headers["location"]
        for piece in (b"12345", b"678"):
            patched = talk("PATCH", place, piece)
            assert (patched.status, patched.headers["range"]) == (201, "0-4")
        assert talk("GET", place).status == 404
        assert talk("PUT", f"{place}&digest={digest_of(b'12345678')}").status == 201
        moved = talk("GET", f"/v2/acme/shop/blobs/{digest_of(b'12345678')}")
        assert moved.status == 307
        assert moved.headers["location"] == f"http://127.0.0.1:1/{digest_of(b'12345678')}"
        assert talk("HEAD", f"/v2/acme/shop/blobs/{digest_of(b'12345678')}").status == 200
        mount = f"?mount={digest_of(b'12345678')}&from=acme/shop"
        assert start(talk, "acme/other", mount).status == 202
        content = talk.manifest("acme/shop", "one")
        fixed = talk.put_manifest("acme/shop", "fixed", content)
        assert fixed.json()["errors"][0]["message"] == "acme/shop:fixed is immutable"
        assert talk("GET", "/v2/acme/shop/tags/list?n=4").code == "PAGINATION_NUMBER_INVALID"
        assert talk("GET", f"/v2/acme/none/referrers/{NOWHERE}").code == "NAME_UNKNOWN"
    contents.close()


def test_many_clients_push_and_pull_at_once(talk: Talk) -> None:
    base = os.urandom(300_000)

    def push_and_pull(number: int) -> bytes:
        repository = f"acme/r{number % 4}"
        talk.push_blob(repository, base)
        _, content = talk.push_image(repository, f"image {number}", f"v{number}")
        found = talk("GET", f"/v2/{repository}/manifests/v{number}")
        assert found.body == content
        return talk("GET", f"/v2/{repository}/blobs/{digest_of(base)}").body

    with ThreadPoolExecutor(16) as pool:
        assert all(found == base for found in pool.map(push_and_pull, range(48)))


@pytest.mark.peer
def test_skopeo_moves_an_image_there_and_back(talk: Talk, tmp_path: Path) -> None:
    skopeo = peer("skopeo")
    manifest = _layout(tmp_path / "one")
    away = ["--dest-tls-verify=false", f"oci:{tmp_path / 'one'}:v1"]
    back = ["--src-tls-verify=false", f"docker://127.0.0.1:{talk.port}/acme/shop:v1"]
    for arguments in ([*away, back[1]], [*back, f"oci:{tmp_path / 'two'}:v1"]):
        subprocess.run([skopeo, "copy", "--quiet", *arguments], check=True, timeout=60)
    assert talk("GET", "/v2/acme/shop/manifests/v1").body == manifest
    index = json.loads((tmp_path / "two" / "index.json").read_bytes())
    assert index["manifests"][0]["digest"] == digest_of(manifest)


def _layout(folder: Path) -> bytes:
    """An OCI layout with one image `v1`; its manifest's bytes."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def keep(content: bytes) -> bytes:
        (blobs / hashlib.sha256(content).hexdigest()).write_bytes(content)
        return content

    tar = bytes(10240)
    layer = keep(gzip.compress(tar, mtime=0))
    rootfs = {"type": "layers", "diff_ids": [digest_of(tar)]}
    config = keep(json.dumps({"os": "linux", "architecture": "amd64", "rootfs": rootfs}).encode())
    manifest = keep(image_manifest(config, layer))
    named = {"org.opencontainers.image.ref.name": "v1"}
    index = {"schemaVersion": 2, "manifests": [{**descriptor(manifest), "annotations": named}]}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    return manifest
