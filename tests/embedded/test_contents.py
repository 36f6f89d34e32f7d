"""What a registry holds: uploads, blobs, manifests, tags, and what a kill leaves of them."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.embedded.talk import OCI, OCI_INDEX, digest_of, image_manifest, index_of

from longshore.embedded.clock import Clock
from longshore.embedded.contents import (
    Contents,
    DigestMismatch,
    RepositoryExists,
    RepositoryMissing,
    UnknownUpload,
)
from longshore.embedded.file_answer import wanted_range
from longshore.embedded.links import read_links


@pytest.fixture
def contents(tmp_path: Path) -> Iterator[Contents]:
    made = Contents(tmp_path, "hub", Clock())
    made.create_repository("acme/shop", {"private": True})
    yield made
    made.close()


def image(contents: Contents, name: str, tag: str | None = None) -> str:
    """An image with its blobs; its digest."""
    config, layer = f'{{"name":"{name}"}}'.encode(), f"layer of {name}".encode()
    for content in (config, layer):
        contents.put_blob("acme/shop", content)
    return contents.put_manifest("acme/shop", image_manifest(config, layer), OCI, tag).digest


def files(folder: Path, part: str) -> list[str]:
    return sorted(path.name for path in (folder / "hub" / part).rglob("*") if path.is_file())


# Repositories


def test_repositories_keep_their_settings(contents: Contents) -> None:
    made = contents.create_repository("acme/base", {"scan": True})
    assert contents.repository("acme/base") == made
    assert [one.name for one in contents.list_repositories()] == ["acme/base", "acme/shop"]
    contents.update_repository("acme/base", {"scan": False})
    found = contents.repository("acme/base")
    assert found is not None
    assert found.settings == {"scan": False}
    with pytest.raises(RepositoryExists):
        contents.create_repository("acme/base", {})
    with pytest.raises(RepositoryMissing):
        contents.update_repository("acme/none", {})


def test_a_repository_goes_with_all_that_only_it_had(contents: Contents, tmp_path: Path) -> None:
    contents.create_repository("acme/other", {})
    image(contents, "one", "v1")
    shared = contents.put_blob("acme/shop", b"shared")
    assert contents.mount_blob("acme/other", shared, "acme/shop")
    contents.delete_repository("acme/shop")
    assert contents.repository("acme/shop") is None
    assert contents.list_manifests("acme/shop") == []
    assert files(tmp_path, "blobs") == [shared.partition(":")[2]]
    assert contents.blob_path(shared).read_bytes() == b"shared"


# Uploads and blobs


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_an_upload_in_pieces(contents: Contents, algorithm: str) -> None:
    content = os.urandom(100_000)
    upload = contents.start_upload("acme/shop")
    assert contents.append_upload(upload, [content[:1], content[1:70_000]]) == 70_000
    assert contents.upload_size(upload) == 70_000
    assert contents.append_upload(upload, iter([memoryview(content)[70_000:]])) == 100_000
    assert contents.upload_parts(upload) == [70_000, 30_000]
    digest = digest_of(content, algorithm)
    assert contents.finish_upload(upload, digest) == 100_000
    assert contents.blob_path(digest).read_bytes() == content
    assert contents.blob_size("acme/shop", digest) == 100_000
    assert contents.upload_size(upload) is None


def test_wrong_bytes_never_become_a_blob(contents: Contents, tmp_path: Path) -> None:
    upload = contents.start_upload("acme/shop")
    contents.append_upload(upload, [b"other bytes"])
    with pytest.raises(DigestMismatch):
        contents.finish_upload(upload, digest_of(b"these bytes"))
    assert contents.blob_size("acme/shop", digest_of(b"these bytes")) is None
    assert files(tmp_path, "blobs") == files(tmp_path, "uploads") == []
    with pytest.raises(UnknownUpload):
        contents.finish_upload(upload, digest_of(b"these bytes"))


def test_an_upload_that_broke_off_goes_on_where_it_was(contents: Contents) -> None:
    def broken() -> Iterator[bytes]:
        yield b"first "
        raise ConnectionResetError

    upload = contents.start_upload("acme/shop")
    with pytest.raises(ConnectionResetError):
        contents.append_upload(upload, broken())
    assert contents.upload_size(upload) == 6
    contents.append_upload(upload, [b"second"])
    assert contents.finish_upload(upload, digest_of(b"first second")) == 12


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "a/b", "x" * 65, "f" * 32])
def test_made_up_uploads_are_unknown(contents: Contents, name: str) -> None:
    assert contents.upload_repository(name) is None
    with pytest.raises(UnknownUpload):
        contents.append_upload(name, [b"x"])


def test_cancelling(contents: Contents, tmp_path: Path) -> None:
    upload = contents.start_upload("acme/shop")
    assert contents.cancel_upload(upload)
    assert not contents.cancel_upload(upload)
    assert files(tmp_path, "uploads") == []


def test_blobs_from_bytes_files_and_pieces(contents: Contents, tmp_path: Path) -> None:
    (tmp_path / "layer").write_bytes(b"from a file")
    assert contents.put_blob("acme/shop", b"bytes") == digest_of(b"bytes")
    assert contents.put_blob("acme/shop", tmp_path / "layer") == digest_of(b"from a file")
    pieces = contents.put_blob("acme/shop", iter([b"a", b"b"]), digest_of(b"ab"))
    assert contents.blob_path(pieces).read_bytes() == b"ab"
    assert (tmp_path / "layer").exists()
    assert dict(contents.list_blobs("acme/shop")) == {
        digest_of(b"bytes"): 5,
        digest_of(b"from a file"): 11,
        digest_of(b"ab"): 2,
    }


def test_a_blob_is_one_repositorys_until_it_is_mounted(contents: Contents) -> None:
    contents.create_repository("acme/other", {})
    digest = contents.put_blob("acme/shop", b"layer")
    assert contents.blob_size("acme/other", digest) is None
    assert not contents.mount_blob("acme/other", digest, "acme/none")
    assert contents.mount_blob("acme/other", digest, "acme/shop")
    assert contents.delete_blob("acme/shop", digest)
    assert contents.blob_path(digest).exists()
    assert contents.delete_blob("acme/other", digest)
    assert not contents.blob_path(digest).exists()
    assert not contents.delete_blob("acme/other", digest)


def test_an_undone_deletion_keeps_the_file(contents: Contents) -> None:
    digest = contents.put_blob("acme/shop", b"layer")

    def change_the_mind() -> None:
        with contents.transaction():
            contents.delete_blob("acme/shop", digest)
            raise KeyError

    with pytest.raises(KeyError):
        change_the_mind()
    assert contents.blob_size("acme/shop", digest) == 5
    assert contents.blob_path(digest).read_bytes() == b"layer"


# Manifests and tags


def test_manifests_keep_their_bytes(contents: Contents) -> None:
    content = b'{ "schemaVersion":2,\n\t"layers":[], "odd":"\\u00e9" }'
    put = contents.put_manifest("acme/shop", content, OCI, "v1")
    assert (put.digest, put.is_new, put.displaced_digest) == (digest_of(content), True, None)
    found = contents.manifest("acme/shop", "v1")
    assert found is not None
    assert found == contents.manifest("acme/shop", put.digest)
    assert (found.content, found.media_type, found.tags) == (content, OCI, ("v1",))
    assert contents.manifest("acme/shop", "v2") is None
    assert contents.manifest("acme/shop", digest_of(b"")) is None


def test_a_moved_tag_leaves_the_image_untagged(contents: Contents) -> None:
    first, second = image(contents, "one", "latest"), image(contents, "two")
    content = contents.manifest("acme/shop", second)
    assert content is not None
    put = contents.put_manifest("acme/shop", content.content, OCI, "latest")
    assert (put.is_new, put.displaced_digest) == (False, first)
    left = contents.manifest("acme/shop", first)
    assert left is not None
    assert left.tags == ()
    again = contents.put_manifest("acme/shop", content.content, OCI, "latest")
    assert again.displaced_digest is None


def test_tags_in_order_and_in_pages(contents: Contents) -> None:
    for tag in ("v10", "v2", "latest", "V1"):
        image(contents, "one", tag)
    assert [row.tag for row in contents.list_tags("acme/shop")] == ["V1", "latest", "v10", "v2"]
    page = contents.list_tags("acme/shop", after="latest", limit=1)
    assert [row.tag for row in page] == ["v10"]
    assert contents.delete_tag("acme/shop", "v2")
    assert not contents.delete_tag("acme/shop", "v2")


def test_links_sizes_and_deletion(contents: Contents) -> None:
    one, two = image(contents, "one"), image(contents, "second one")
    stored = [contents.manifest("acme/shop", digest) for digest in (one, two)]
    bodies = [found.content for found in stored if found is not None]
    index = contents.put_manifest("acme/shop", index_of(*bodies), OCI_INDEX, "v1").digest
    found = contents.manifest("acme/shop", index)
    assert found is not None
    assert found.size == len(b"layer of second one")
    assert contents.parents("acme/shop", one) == [index]
    assert contents.is_referenced("acme/shop", digest_of(b"layer of one"))
    assert contents.delete_manifest("acme/shop", index)
    assert not contents.is_referenced("acme/shop", one)
    assert contents.list_tags("acme/shop") == []
    assert not contents.delete_manifest("acme/shop", index)


def test_referrers(contents: Contents) -> None:
    subject = image(contents, "one", "v1")
    config = contents.put_blob("acme/shop", b"{}")
    content = json.dumps(
        {
            "schemaVersion": 2,
            "artifactType": "application/spdx+json",
            "config": {"mediaType": "x/y", "digest": config, "size": 2},
            "layers": [],
            "subject": {"mediaType": OCI, "digest": subject, "size": 1},
        }
    ).encode()
    put = contents.put_manifest("acme/shop", content, OCI, None)
    [found] = contents.referrers("acme/shop", subject)
    assert (found.digest, found.artifact_type) == (put.digest, "application/spdx+json")
    assert found.subject == subject
    assert not contents.is_referenced("acme/shop", subject)


def test_pulls_extras_and_ages(contents: Contents) -> None:
    digest = image(contents, "one", "v1")
    contents.set_pulled("acme/shop", digest)
    contents.set_extra("acme/shop", digest, {"status": "ARCHIVED"})
    long_ago = contents.clock.now().replace(year=2020)
    contents.set_pushed("acme/shop", digest, long_ago)
    found, repository = contents.manifest("acme/shop", digest), contents.repository("acme/shop")
    assert found is not None
    assert repository is not None
    assert (found.extra, found.pushed_at, repository.pulls) == (
        {"status": "ARCHIVED"},
        long_ago,
        1,
    )
    assert found.pulled_at is not None
    assert contents.list_tags("acme/shop")[0].updated_at == long_ago


def test_manifests_need_a_repository(contents: Contents) -> None:
    with pytest.raises(RepositoryMissing):
        contents.put_manifest("acme/none", b"{}", OCI, "v1")


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists) | st.binary())
def test_any_document_has_links(document: object) -> None:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    assert read_links(content).blobs == ()


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 40))
def test_a_range_stays_within_the_file(first: int, last: int, size: int) -> None:
    found = wanted_range(f"bytes={first}-{last}", size)
    assert found is not None
    if first < size and first <= last:
        assert found == (first, min(last, size - 1))
    else:
        assert found[0] > found[1]


# Many at once, and kills


def test_parallel_pushes_of_the_same_and_of_other_things(contents: Contents) -> None:
    def push(number: int) -> None:
        contents.put_blob("acme/shop", b"base" * 1000)
        image(contents, f"image {number % 7}", f"v{number}")

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(push, range(64)))
    assert len(contents.list_tags("acme/shop")) == 64
    assert len(contents.list_manifests("acme/shop")) == 7


def test_deleting_and_pushing_the_same_blob_leaves_no_row_without_file(contents: Contents) -> None:
    digest, stop = digest_of(b"same"), threading.Event()
    contents.create_repository("acme/other", {})

    def delete() -> None:
        while not stop.is_set():
            contents.delete_blob("acme/other", digest)

    deleter = threading.Thread(target=delete)
    deleter.start()
    try:
        for _ in range(100):
            contents.put_blob("acme/other", b"same")
            contents.put_blob("acme/shop", b"same")
            assert contents.blob_path(digest).read_bytes() == b"same"
            contents.delete_blob("acme/shop", digest)
    finally:
        stop.set()
        deleter.join()


def test_a_transaction_is_seen_whole_or_not_at_all(contents: Contents) -> None:
    image(contents, "one")
    seen: list[int] = []
    inside = threading.Event()

    def look() -> None:
        inside.wait()
        seen.append(len(contents.list_tags("acme/shop")))

    reader = threading.Thread(target=look)
    reader.start()
    with contents.transaction():
        image(contents, "one", "a")
        inside.set()
        time.sleep(0.05)
        image(contents, "one", "b")
    reader.join()
    assert seen == [2]


_PUSHER = textwrap.dedent(
    """
    import os, sys
    from pathlib import Path
    from longshore.embedded.clock import Clock
    from longshore.embedded.contents import Contents
    from tests.embedded.talk import OCI, image_manifest
    contents = Contents(Path(sys.argv[1]), "hub", Clock())
    if contents.repository("acme/shop") is None:
        contents.create_repository("acme/shop", {})
    print("up", flush=True)
    number = 0
    while True:
        number += 1
        config, layer = os.urandom(50), os.urandom(40_000)
        for content in (config, layer):
            contents.put_blob("acme/shop", content)
        manifest = image_manifest(config, layer)
        put = contents.put_manifest("acme/shop", manifest, OCI, f"v{number % 9}")
        if put.displaced_digest:
            contents.delete_manifest("acme/shop", put.displaced_digest)
            contents.delete_repository("acme/old")
    """
)


@pytest.mark.kill
def test_after_a_kill_every_tag_can_be_pulled_whole(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    chance = random.Random(pytestconfig.getoption("--kill-seed"))
    for _ in range(min(8, int(pytestconfig.getoption("--kill-rounds")))):
        pusher = subprocess.Popen(
            [sys.executable, "-c", _PUSHER, str(tmp_path)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        with pusher:
            assert pusher.stdout is not None
            assert pusher.stdout.readline() == b"up\n"
            time.sleep(chance.uniform(0, 0.15))
            pusher.send_signal(signal.SIGKILL)
        _check_whole(tmp_path)


def _check_whole(folder: Path) -> None:
    contents = Contents(folder, "hub", Clock())
    try:
        held = {digest.partition(":")[2] for digest, _ in contents.list_blobs("acme/shop")}
        assert set(files(folder, "blobs")) == held
        assert files(folder, "uploads") == []
        for row in contents.list_tags("acme/shop"):
            found = contents.manifest("acme/shop", row.tag)
            assert found is not None
            assert digest_of(found.content) == row.digest
            for blob in read_links(found.content).blobs:
                assert digest_of(contents.blob_path(blob).read_bytes()) == blob
    finally:
        contents.close()


def test_a_second_process_sweeps_nothing_away(contents: Contents, tmp_path: Path) -> None:
    upload = contents.start_upload("acme/shop")
    contents.append_upload(upload, [b"half"])
    other = Contents(tmp_path, "hub", Clock())
    other.close()
    contents.append_upload(upload, [b" whole"])
    assert contents.finish_upload(upload, digest_of(b"half whole")) == 10
