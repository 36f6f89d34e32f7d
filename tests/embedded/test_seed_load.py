"""Seeding: what the Hub holds afterwards is whole, the same each time; foreign images too."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from longshore.embedded.clock import Clock
from longshore.embedded.contents import Contents
from longshore.embedded.seed.load import seed_company, seed_from
from longshore.errors import ContentError, FileError, LongshoreError
from longshore.oci.digest import digest_of
from longshore.oci.manifest import parse_manifest

OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


@pytest.fixture
def contents(tmp_path: Path) -> Iterator[Contents]:
    made = Contents(tmp_path / "data", "hub", Clock())
    yield made
    made.close()


def assert_whole(contents: Contents, repository: str) -> None:
    """Every manifest's children and blobs are in its repository, with the bytes they claim."""
    for stored in contents.list_manifests(repository):
        manifest = parse_manifest(stored.content, stored.media_type, stored.digest)
        for child in manifest.children:
            assert contents.resolve(repository, child.digest), (repository, child)
        for blob in manifest.blobs:
            assert contents.blob_size(repository, blob.digest) == blob.size
            assert digest_of(contents.blob_path(blob.digest).read_bytes()) == blob.digest


def tags_of(contents: Contents) -> dict[str, dict[str, str]]:
    return {
        one.name: {row.tag: row.digest for row in contents.list_tags(one.name)}
        for one in contents.list_repositories()
    }


def test_all_that_is_seeded_is_whole(contents: Contents) -> None:
    *steps, last = seed_company(contents, small=True)
    seeded = last["seeded"]
    assert {step["resource"] for step in steps[1:]} == set(tags_of(contents))
    assert (seeded["repositories"], seeded["tags"]) == (7, 85)
    for repository in tags_of(contents):
        assert_whole(contents, repository)
    [shop] = [one for one in contents.list_repositories() if one.name == "acme/shop"]
    latest = contents.resolve(shop.name, "latest")
    assert latest == contents.resolve(shop.name, "1.2") == contents.resolve(shop.name, "v1.2.3")
    assert len(contents.referrers(shop.name, str(latest))) == 2


def test_layers_are_runnable_file_trees(contents: Contents) -> None:
    list(seed_company(contents, small=True))
    stored = contents.manifest("acme/shop", "v1.0.0")
    assert stored is not None
    manifest = parse_manifest(stored.content)
    assert manifest.config is not None
    config = json.loads(contents.blob_path(manifest.config.digest).read_bytes())
    files = {}
    for layer, diff_id in zip(manifest.layers, config["rootfs"]["diff_ids"], strict=True):
        bare = gzip.decompress(contents.blob_path(layer.digest).read_bytes())
        assert digest_of(bare) == diff_id
        with tarfile.open(fileobj=io.BytesIO(bare)) as archive:
            files |= {member.name: member for member in archive if member.isfile()}
    [command] = config["config"]["Entrypoint"]
    assert files[command.lstrip("/")].mode == 0o755
    assert "etc/passwd" in files
    assert any("/site-packages/click/" in name for name in files)


def test_a_second_time_adds_nothing_and_another_seed_does(contents: Contents) -> None:
    list(seed_company(contents, small=True))
    before = tags_of(contents)
    *_, again = seed_company(contents, small=True)
    assert again["seeded"]["blobs"] == 0
    assert tags_of(contents) == before
    list(seed_company(contents, 2, small=True))
    after = tags_of(contents)
    assert after["acme/shop"]["latest"] != before["acme/shop"]["latest"]
    assert after["library/alpine"] == before["library/alpine"]


def test_images_are_as_old_as_their_catalogue_says(contents: Contents) -> None:
    list(seed_company(contents, small=True))
    moments = {row.tag: row.updated_at for row in contents.list_tags("acme/shop")}
    now = contents.clock.now()
    assert moments["v1.0.0"] < moments["v1.2.0"] < moments["latest"] < now
    assert (now - moments["v1.0.0"]).days > 30


class Layout:
    """Writes an OCI layout folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "blobs" / "sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def blob(self, media_type: str, content: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        (self.folder / "blobs" / "sha256" / digest).write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    def image(self, text: bytes) -> dict[str, Any]:
        config = self.blob("application/vnd.oci.image.config.v1+json", b'{"os": "linux"}')
        layer = self.blob("application/vnd.oci.image.layer.v1.tar+gzip", gzip.compress(text))
        document = {"schemaVersion": 2, "mediaType": OCI, "config": config, "layers": [layer]}
        return self.blob(OCI, json.dumps(document, indent=1).encode())

    def index(self, *children: dict[str, Any]) -> dict[str, Any]:
        document = {"schemaVersion": 2, "mediaType": INDEX, "manifests": list(children)}
        return self.blob(INDEX, json.dumps(document).encode())

    def close(self, *named: tuple[dict[str, Any], dict[str, str]]) -> Path:
        entries = [{**entry, "annotations": notes} for entry, notes in named]
        (self.folder / "index.json").write_text(json.dumps({"manifests": entries}))
        return self.folder


REF = "org.opencontainers.image.ref.name"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "my-images")


def packed(folder: Path) -> Path:
    archive = folder.with_suffix(".tar")
    with tarfile.open(archive, "w") as made:
        made.add(folder, arcname=".")
    return archive


@pytest.mark.parametrize("form", [lambda folder: folder, packed], ids=["folder", "archive"])
def test_a_layout_is_loaded_with_its_digests(
    contents: Contents, layout: Layout, form: Callable[[Path], Path]
) -> None:
    index = layout.index(layout.image(b"one"), layout.image(b"two"))
    path = form(layout.close((index, {REF: "1.0"}), (layout.image(b"three"), {REF: "edge"})))
    *_, last = seed_from(contents, path, "acme/thing")
    assert last["seeded"]["tags"] == 2
    assert contents.resolve("acme/thing", "1.0") == index["digest"]
    assert_whole(contents, "acme/thing")
    assert len(contents.list_manifests("acme/thing")) == 4


def test_names_come_from_the_layout_or_its_file(contents: Contents, layout: Layout) -> None:
    path = layout.close(
        (layout.image(b"one"), {"io.containerd.image.name": "docker.io/library/redis:7"}),
        (layout.image(b"two"), {}),
    )
    list(seed_from(contents, path, None))
    assert {name: list(tags) for name, tags in tags_of(contents).items()} == {
        "library/redis": ["7"],
        "my-images": ["latest"],
    }


def test_a_docker_save_archive_is_loaded(contents: Contents, tmp_path: Path) -> None:
    layer, config = b"a tar archive" * 100, b'{"os": "linux", "rootfs": {}}'
    listed = [
        {
            "Config": "config.json",
            "RepoTags": ["acme/old:1", "acme/old:latest", "acme/other:2"],
            "Layers": ["abc/layer.tar"],
        }
    ]
    files = {"abc/layer.tar": layer, "config.json": config}
    files["manifest.json"] = json.dumps(listed).encode()
    path = docker_archive(tmp_path / "image.tar", files)
    *_, last = seed_from(contents, path, None)
    assert last["seeded"]["tags"] == 3
    assert {name: list(tags) for name, tags in tags_of(contents).items()} == {
        "acme/old": ["1", "latest"],
        "acme/other": ["2"],
    }
    assert_whole(contents, "acme/old")
    stored = contents.manifest("acme/old", "1")
    assert stored is not None
    [kept] = parse_manifest(stored.content).layers
    assert gzip.decompress(contents.blob_path(kept.digest).read_bytes()) == layer


def docker_archive(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def test_what_is_broken_is_named_and_gets_no_tag(
    contents: Contents, layout: Layout, tmp_path: Path
) -> None:
    image = layout.image(b"one")
    path = layout.close((layout.index(image), {REF: "1"}))
    layer = layout.folder / "blobs" / image["digest"].replace(":", "/")

    def refused(kind: type[LongshoreError], code: str, broken: Path = path) -> None:
        with pytest.raises(kind) as caught:
            list(seed_from(contents, broken, "acme/broken"))
        assert caught.value.code == code
        assert not tags_of(contents).get("acme/broken")

    layer.write_bytes(layer.read_bytes() + b" ")
    refused(ContentError, "digest-mismatch")
    layer.unlink()
    refused(ContentError, "blob-missing")
    layer.symlink_to("/etc/hostname")
    refused(FileError, "seed-unreadable")
    (layout.folder / "index.json").write_text("{")
    refused(ContentError, "bad-manifest")
    (layout.folder / "index.json").unlink()
    refused(FileError, "seed-not-images")
    (tmp_path / "no.tar").write_bytes(b"not a tar file")
    refused(FileError, "seed-unreadable", tmp_path / "no.tar")
    missing = {"manifest.json": b'[{"Config": "c", "Layers": ["../../etc/passwd"]}]', "c": b"{}"}
    refused(ContentError, "blob-missing", docker_archive(tmp_path / "m.tar", missing))


def test_a_blob_with_other_bytes_is_refused(contents: Contents, layout: Layout) -> None:
    path = layout.close((layout.image(b"one"), {REF: "1"}))
    for blob in (path / "blobs" / "sha256").iterdir():
        if blob.read_bytes()[:2] == b"\x1f\x8b":
            blob.write_bytes(gzip.compress(b"other"))
    with pytest.raises(ContentError) as caught:
        list(seed_from(contents, path, "acme/broken"))
    assert caught.value.code == "digest-mismatch"
    assert not contents.list_tags("acme/broken")
