"""Layouts in folders and archives: there and back, and never out of them."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from longshore.errors import ContentError, FileError, LongshoreError, RegistryError
from longshore.oci.digest import digest_of
from longshore.remote.docker_archive import DockerArchive, open_saved
from longshore.remote.layout import Layout, LayoutReader, open_archive, open_layout
from longshore.remote.local_files import Archive
from tests.peers import peer
from tests.remote.images import blob, content_of, index, manifest, push_image, read_all


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return open_layout(tmp_path / "layout", "target", create=True)


def test_there_and_back(layout: Layout) -> None:
    layer = os.urandom(600_000)
    pushed = push_image(layout, "v1", layer)
    again = open_layout(Path(layout.name))
    assert [(seen.tag, seen.digest) for seen in again.list_tags()] == [("v1", pushed.digest)]
    assert again.resolve("v1") == again.resolve(pushed.digest) == pushed.descriptor
    assert again.resolve("v2") is None
    assert again.resolve("sha256:" + "0" * 64) is None
    assert again.fetch_manifest("v1").content == pushed.content
    assert read_all(again.open_blob(blob(layer), 599_000)) == layer[599_000:]
    assert layout.missing_blobs([blob(layer).digest, digest_of(b"no")]) == {digest_of(b"no")}
    assert layout.mount_blob(blob(layer), layout) is True
    assert layout.mount_blob(blob(b"no"), layout) is False


def test_a_moved_tag_leaves_one_entry(layout: Layout) -> None:
    push_image(layout, "v1", b"one")
    second = push_image(layout, "v1", b"two")
    layout.push_manifest(second, "v2")
    layout.push_manifest(second, "v1")
    assert sorted(seen.tag for seen in layout.list_tags()) == ["v1", "v2"]
    assert {seen.digest for seen in layout.list_tags()} == {second.digest}
    layout.delete_tag("v1")
    assert [seen.tag for seen in layout.list_tags()] == ["v2"]


def test_children_have_no_entry_and_referrers_do(layout: Layout) -> None:
    child = manifest(b"{}", b"x")
    parent = index(child)
    layout.push_manifest(child)
    layout.push_manifest(parent, "multi")
    signature = manifest(b"{}", b"s", subject=parent.descriptor, artifact_type="a/signature")
    layout.push_manifest(signature)
    layout.push_manifest(signature)
    document = json.loads((Path(layout.name) / "index.json").read_text())
    assert [one["digest"] for one in document["manifests"]] == [parent.digest, signature.digest]
    assert document["manifests"][1]["artifactType"] == "a/signature"
    assert [one.digest for one in layout.list_referrers(parent.digest)] == [signature.digest]
    assert layout.list_referrers(child.digest) == []
    assert [seen.tag for seen in layout.list_tags()] == ["multi"]


def test_the_stand_in_tag_of_referrers(layout: Layout) -> None:
    image = push_image(layout, "v1", b"x")
    signature = manifest(b"{}", b"s")
    layout.push_manifest(signature)
    layout.push_manifest(index(signature), f"sha256-{image.digest[7:]}")
    assert [one.digest for one in layout.list_referrers(image.digest)] == [signature.digest]
    assert layout.list_referrers(image.digest, by_tag=False) == []


def test_a_single_nameless_image_is_latest(layout: Layout) -> None:
    pushed = push_image(layout, "v1", b"x")
    file = Path(layout.name) / "index.json"
    document = json.loads(file.read_text())
    del document["manifests"][0]["annotations"]
    file.write_text(json.dumps(document))
    assert layout.resolve("latest") == pushed.descriptor


def test_a_whole_reference_as_name(layout: Layout) -> None:
    pushed = push_image(layout, "v1", b"x")
    file = Path(layout.name) / "index.json"
    file.write_text(file.read_text().replace('"v1"', '"docker.io/library/node:18"'))
    assert layout.resolve("18") == pushed.descriptor


@pytest.mark.parametrize("wrong", [b"other bytes", b"0123456789", b"", b"01234567890"])
def test_wrong_bytes_leave_nothing(layout: Layout, wrong: bytes) -> None:
    with pytest.raises(ContentError) as caught:
        layout.upload_blob(blob(b"9876543210"), content_of(wrong))
    assert caught.value.side == "target"
    folder = Path(layout.name) / "blobs" / "sha256"
    assert list(folder.iterdir()) == []


def test_a_blob_of_another_size_is_told(layout: Layout) -> None:
    push_image(layout, "v1", b"layer")
    file = Path(layout.name) / "blobs" / "sha256" / blob(b"layer").digest[7:]
    file.write_bytes(b"lay")
    with pytest.raises(ContentError) as caught:
        layout.open_blob(blob(b"layer"))
    assert caught.value.code == "blob-truncated"


def test_a_damaged_manifest_is_told(layout: Layout) -> None:
    pushed = push_image(layout, "v1", b"layer")
    (Path(layout.name) / "blobs" / "sha256" / pushed.digest[7:]).write_bytes(b"{}")
    with pytest.raises(ContentError) as caught:
        open_layout(Path(layout.name), "target").fetch_manifest("v1")
    assert (caught.value.code, caught.value.side) == ("digest-mismatch", "target")


def test_symlinks_inside_are_not_followed(layout: Layout, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    push_image(layout, "v1", b"layer")
    blobs = Path(layout.name) / "blobs" / "sha256"
    (blobs / blob(b"secret").digest[7:]).symlink_to(secret)
    with pytest.raises(LongshoreError):
        layout.open_blob(blob(b"secret"))
    elsewhere = tmp_path / "elsewhere"
    blobs.rename(elsewhere)
    blobs.symlink_to(elsewhere)
    with pytest.raises(FileError):
        layout.upload_blob(blob(b"new"), content_of(b"new"))
    assert not (elsewhere / blob(b"new").digest[7:]).exists()


def test_a_pipe_is_not_a_blob(layout: Layout) -> None:
    push_image(layout, "v1", b"layer")
    file = Path(layout.name) / "blobs" / "sha256" / blob(b"pipe").digest[7:]
    os.mkfifo(file)
    assert layout.missing_blobs([blob(b"pipe").digest]) == {blob(b"pipe").digest}


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"other": "x"}, "not-a-layout"),
        ({"oci-layout": "{}"}, "not-a-layout"),
        ({"oci-layout": '{"imageLayoutVersion": "2.0"}'}, "not-a-layout"),
        ({"oci-layout": '{"imageLayoutVersion": "1.0.0"}'}, "not-a-layout"),
        ({"oci-layout": '{"imageLayoutVersion": "1.0.0"}', "index.json": "["}, "not-a-layout"),
        (
            {
                "oci-layout": '{"imageLayoutVersion": "1.0.0"}',
                "index.json": '{"manifests": [{"digest": "sha256:../../../etc/passwd"}]}',
            },
            "not-a-layout",
        ),
    ],
)
def test_what_is_not_a_layout(tmp_path: Path, files: dict[str, str], code: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(FileError) as caught:
        open_layout(tmp_path, create=True).list_tags()
    assert caught.value.code == code


def test_many_threads_push_tags(layout: Layout) -> None:
    image = push_image(layout, "t0", b"layer")
    other = open_layout(Path(layout.name), "target")
    with ThreadPoolExecutor(8) as threads:
        list(
            threads.map(
                lambda n: (layout if n % 2 else other).push_manifest(image, f"t{n}"), range(1, 40)
            )
        )
    assert {seen.tag for seen in layout.list_tags()} == {f"t{n}" for n in range(40)}


# Archives


def pack(path: Path, members: list[tuple[str, bytes | str]]) -> Path:
    """A tar of files (bytes) and symlinks (str)."""
    with tarfile.open(path, "w") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                archive.addfile(member)
            else:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return path


def test_a_layout_in_a_tar(layout: Layout, tmp_path: Path) -> None:
    layer = os.urandom(300_000)
    pushed = push_image(layout, "v1", layer)
    file = tmp_path / "image.tar"
    with tarfile.open(file, "w") as archive:
        archive.add(layout.name, ".")
    for store in (open_archive(file), open_saved(file)):
        assert isinstance(store, LayoutReader)
        assert store.fetch_manifest("v1").content == pushed.content
        assert read_all(store.open_blob(blob(layer), 7)) == layer[7:]


CONFIG = b'{"rootfs": {}}'


def saved(path: Path, *, second: bytes | str = b"layer 2") -> Path:
    images = [
        {"Config": "c.json", "RepoTags": ["acme/shop:v1"], "Layers": ["1/layer.tar", "2/layer.tar"]}
    ]
    return pack(
        path,
        [
            ("1/layer.tar", b"layer 1"),
            ("2/layer.tar", second),
            ("c.json", CONFIG),
            ("manifest.json", json.dumps(images).encode()),
        ],
    )


def test_docker_save_old_form(tmp_path: Path) -> None:
    store = open_saved(saved(tmp_path / "a.tar"))
    assert isinstance(store, DockerArchive)
    assert [seen.tag for seen in store.list_tags()] == ["v1"]
    made = store.fetch_manifest("v1")
    assert made.config is not None
    assert made.config.digest == digest_of(CONFIG)
    assert [layer.media_type for layer in made.layers] == [
        "application/vnd.docker.image.rootfs.diff.tar"
    ] * 2
    assert [read_all(store.open_blob(one)) for one in made.blobs] == [
        CONFIG,
        b"layer 1",
        b"layer 2",
    ]
    assert store.resolve("v1") == made.descriptor
    assert store.fetch_manifest(made.digest) is made
    assert store.resolve("v2") is None
    with pytest.raises(RegistryError) as caught:
        store.fetch_manifest("v2")
    assert caught.value.status == 404
    assert "v1" in caught.value.hint


def test_a_fresh_store_finds_a_blob(tmp_path: Path) -> None:
    store = open_saved(saved(tmp_path / "a.tar"))
    assert read_all(store.open_blob(blob(b"layer 2"))) == b"layer 2"


def test_links_to_other_members_count_and_no_others(tmp_path: Path) -> None:
    store = open_saved(saved(tmp_path / "a.tar", second="../1/layer.tar"))
    made = store.fetch_manifest("v1")
    assert [layer.digest for layer in made.layers] == [digest_of(b"layer 1")] * 2
    for target in ("/etc/passwd", "../../etc/passwd", "../2/layer.tar", "gone"):
        with pytest.raises(FileError):
            open_saved(saved(tmp_path / "b.tar", second=target)).fetch_manifest("v1")


def test_gzip_layers_are_named_so(tmp_path: Path) -> None:
    store = open_saved(saved(tmp_path / "a.tar", second=gzip.compress(b"x")))
    assert store.fetch_manifest("v1").layers[1].media_type.endswith(".tar.gzip")


@pytest.mark.parametrize(
    "content",
    [b"", b"not a tar at all" * 100, gzip.compress(b"x" * 10_000), b"\0" * 10_240],
    ids=["empty", "text", "gzip", "zeros"],
)
def test_what_is_not_an_archive(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.tar"
    file.write_bytes(content)
    with pytest.raises(FileError) as caught:
        open_saved(file)
    assert caught.value.code == "not-an-archive"
    with pytest.raises(FileError):
        open_saved(tmp_path / "missing.tar")


@pytest.mark.parametrize(
    "text", ["[", "{}", '{"a": 1}', "[1]", '[{"Config": "c"}]', '[{"Config": "c", "Layers": 3}]']
)
def test_damaged_lists(tmp_path: Path, text: str) -> None:
    file = pack(tmp_path / "x.tar", [("manifest.json", text.encode())])
    with pytest.raises(LongshoreError):
        open_saved(file).fetch_manifest("latest")


def test_names_that_lead_out_are_not_members(tmp_path: Path) -> None:
    file = pack(tmp_path / "x.tar", [("../a", b"1"), ("/b", b"2"), ("./c/../d", b"3")])
    archive = Archive(file)
    assert archive.names() == {"d"}


@pytest.mark.peer
def test_skopeo_reads_what_we_write_and_we_read_skopeo(layout: Layout, tmp_path: Path) -> None:
    skopeo = peer("skopeo")
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as inner:
        inner.addfile(tarfile.TarInfo("empty"))
    config = {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [digest_of(layer.getvalue())]},
    }
    pushed = push_image(layout, "v1", layer.getvalue(), config=json.dumps(config).encode())
    ways = {"oci-archive": "a.tar", "docker-archive": "b.tar", "oci": "copied"}
    for way, name in ways.items():
        target = f"{way}:{tmp_path / name}:{'acme/shop:v1' if way == 'docker-archive' else 'v1'}"
        keep = [] if way == "docker-archive" else ["--preserve-digests"]
        subprocess.run(
            [skopeo, "--insecure-policy", "copy", *keep, "-q", f"oci:{layout.name}:v1", target],
            check=True,
            capture_output=True,
        )
    assert open_layout(tmp_path / "copied").fetch_manifest("v1").content == pushed.content
    assert open_archive(tmp_path / "a.tar").fetch_manifest("v1").content == pushed.content
    saved_image = open_saved(tmp_path / "b.tar").fetch_manifest("v1")
    assert [one.digest for one in saved_image.layers] == [digest_of(layer.getvalue())]
