"""The seed's pure parts: programs that run, archives and images that are the same each time."""

from __future__ import annotations

import gzip
import io
import json
import platform
import struct
import subprocess
import tarfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from longshore.embedded.seed import archive, documents
from longshore.embedded.seed.archive import Entry, Layer
from longshore.embedded.seed.catalogue import (
    AMD64,
    FOUR,
    LibraryLayer,
    ProgramLayer,
    catalogue,
    revision,
)
from longshore.embedded.seed.elf import executable
from longshore.embedded.seed.images import Parts, Push, pushes
from longshore.embedded.seed.layers import Maker
from longshore.embedded.seed.signing import signer
from longshore.oci.digest import digest_of
from longshore.oci.manifest import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX
from longshore.oci.platforms import Platform

MACHINES = {"amd64": 62, "arm64": 183, "arm": 40, "s390x": 22}


@pytest.mark.parametrize("where", FOUR, ids=str)
def test_a_program_is_an_elf_file_of_its_platform(where: Platform) -> None:
    content = executable(where, "hello\n")
    order = ">" if where.architecture == "s390x" else "<"
    kind, machine = struct.unpack_from(f"{order}HH", content, 16)
    assert content[:4] == b"\x7fELF"
    assert (kind, machine) == (2, MACHINES[where.architecture])
    assert content.endswith(b"hello\n")


@pytest.mark.skipif(platform.machine() != "x86_64", reason="an amd64 program runs on amd64 only")
def test_the_amd64_program_runs(tmp_path: Path) -> None:
    program = tmp_path / "hello"
    program.write_bytes(executable(AMD64, "Grüße from the seed\n"))
    program.chmod(0o755)
    ran = subprocess.run([program], capture_output=True, check=True)
    assert ran.stdout.decode() == "Grüße from the seed\n"


def test_an_unknown_architecture_is_refused() -> None:
    with pytest.raises(KeyError):
        executable(Platform("linux", "riscv64"), "hello")


names = st.from_regex(r"[a-z]{1,8}(/[a-z]{1,120}){0,3}", fullmatch=True)
contents = st.dictionaries(names, st.binary(max_size=200), max_size=6)


@given(contents, st.sampled_from(["gzip", "zstd"]))
def test_a_layer_holds_its_files_whatever_their_order(
    files: dict[str, bytes], kind: archive.Compression
) -> None:
    files = {f"{name}.f": content for name, content in files.items()}
    entries = [Entry(name, content) for name, content in files.items()]
    layer, packed = archive.pack(entries, kind, "COPY", 1_700_000_000)
    again, _ = archive.pack(reversed(entries), kind, "COPY", 1_700_000_000)
    bare = gzip.decompress(packed) if kind == "gzip" else _unpack_zstd(packed)
    with tarfile.open(fileobj=io.BytesIO(bare)) as opened:
        found = {one.name: opened.extractfile(one).read() for one in opened if one.isfile()}  # type: ignore[union-attr]
        folders = [one.name for one in opened if one.isdir()]
    assert found == files
    assert len(folders) == len(set(folders))
    assert layer == again
    assert (layer.digest, layer.size) == (digest_of(packed), len(packed))
    assert layer.diff_id == digest_of(bare)


def _unpack_zstd(packed: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(packed)


@pytest.fixture(scope="module")
def built() -> list[Push]:
    company = catalogue()
    maker = Maker(limit=20_000)
    layers: dict[object, Layer] = {one: maker.make(one)[0] for one in company.recipes}
    packages = (documents.Package("flask", "3.1", "BSD-3-Clause"),)
    parts = Parts(layers, packages, signer(1)[0])  # type: ignore[arg-type]
    return [push for image in company.images for push in pushes(image, parts)]


def test_a_company_has_eighty_tags_in_seven_repositories() -> None:
    company = catalogue()
    tags = [(image.repository, tag) for image in company.images for tag in image.tags]
    assert 78 <= len(tags) <= 90
    assert len(set(tags)) == len(tags)
    assert len(company.repositories) == 7
    assert company.private == {"acme/private-tool"}
    assert company == catalogue()
    assert catalogue(2).repositories == company.repositories
    assert catalogue(2) != company


def test_children_come_before_their_index_and_subjects_before_referrers(built: list[Push]) -> None:
    seen: set[tuple[str, str]] = set()
    for push in built:
        needed = list(push.manifest.children)
        needed += [push.manifest.subject] if push.manifest.subject else []
        for one in needed:
            assert (push.repository, one.digest) in seen
        seen.add((push.repository, push.manifest.digest))


def test_every_kind_of_image_is_there(built: list[Push]) -> None:
    kinds = {push.manifest.media_type for push in built}
    layers = {layer.media_type for push in built for layer in push.manifest.layers}
    assert {OCI_INDEX, DOCKER_LIST, DOCKER_MANIFEST} <= kinds
    assert any(kind.endswith("tar+zstd") for kind in layers)
    assert any(kind.endswith("tar.gzip") for kind in layers)
    tags = {tag.rpartition(".")[2] for push in built for tag in push.tags if "sha256-" in tag}
    assert tags == {"sig", "att", "sbom"}
    referrers = {push.manifest.artifact_type for push in built if push.manifest.subject}
    assert referrers == {"application/spdx+json", "application/vnd.dev.cosign.artifact.sig.v1+json"}


def test_moving_tags_share_a_digest(built: list[Push]) -> None:
    [release] = [push for push in built if push.repository == "acme/shop" and "1" in push.tags]
    assert release.tags == ("v1.2.3", "1.2", "1", "latest")
    platforms = [child.platform for child in release.manifest.children]
    attestations = [child for child in release.manifest.children if child.is_attestation]
    assert platforms[:4] == list(FOUR)
    assert len(attestations) == 4
    about = {dict(child.annotations)["vnd.docker.reference.digest"] for child in attestations}
    assert about == {child.digest for child in release.manifest.children[:4]}


def test_a_configuration_tells_its_layers(built: list[Push]) -> None:
    company = catalogue()
    maker = Maker(limit=20_000)
    image = next(one for one in company.images if one.repository == "acme/api")
    wanted = [maker.make(recipe)[0].diff_id for recipe in image.recipes(AMD64)]
    push = next(one for one in built if one.tags == image.tags)
    config = json.loads(push.blobs[0])
    assert config["rootfs"]["diff_ids"] == wanted
    filled = [line for line in config["history"] if not line.get("empty_layer")]
    assert len(filled) == len(push.manifest.layers) == len(wanted)
    assert (config["os"], config["architecture"]) == ("linux", "amd64")
    assert push.manifest.config is not None
    assert push.manifest.config.digest == digest_of(push.blobs[0])


def test_signatures_verify(built: list[Push]) -> None:
    import base64

    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    sign, pem = signer(1)
    key = load_pem_public_key(pem.encode())
    signatures = [push for push in built if any(tag.endswith(".sig") for tag in push.tags)]
    assert len(signatures) == 2
    for push in signatures:
        [layer] = push.manifest.layers
        note = dict(layer.annotations)["dev.cosignproject.cosign/signature"]
        key.verify(base64.b64decode(note), push.blobs[1])  # type: ignore[union-attr, call-arg]
        claim = json.loads(push.blobs[1])
        about = claim["critical"]["image"]["docker-manifest-digest"]
        assert push.tags[0] == about.replace(":", "-") + ".sig"
    assert sign(b"x") == signer(1)[0](b"x") != signer(2)[0](b"x")


def test_the_same_files_and_seed_give_the_same_layers() -> None:
    recipes = [
        LibraryLayer(("library",)),
        LibraryLayer(("click", "pyyaml"), "zstd"),
        ProgramLayer("acme/shop", "v1", AMD64),
    ]
    first = [Maker(limit=100_000).make(one)[0] for one in recipes]
    second = [Maker(limit=100_000).make(one)[0] for one in recipes]
    assert first == second
    assert all(one.size > 100 for one in first)
    assert len(revision(1, "x")) == 40


def test_a_layer_of_missing_packages_is_small_not_an_error() -> None:
    layer, _ = Maker().make(LibraryLayer(("no-such-package-anywhere",)))
    assert 0 < layer.size < 1000
