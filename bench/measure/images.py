"""Workloads: real images of random bytes, the same each time. I/O.

    W1  1 tag, 8 layers of 64 MiB                         large layers
    W2  40 tags: 3 shared layers of 20 MiB, 2 own of 1 MiB    a service's releases
    W3  300 tags: 2 shared layers, 1 own, of 20 KiB each      many small tags
    W4  10 indexes of 4 platforms, 2 layers of 2 MiB each     multi-platform images
    W5  12 repositories of 1 tag: 3 layers of 10 MiB shared by all, 1 own of 1 MiB

`scale` multiplies the sizes, never the counts. Layers are gzip files that hold a tar file; random
bytes do not get smaller, so they are only stored.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from measure.registry import DockerRegistry

KIB, MIB = 1024, 1024 * 1024
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
PLATFORMS = ("amd64", "arm64", "ppc64le", "s390x")
PAGE = 1000
Part = dict[str, Any]  # a descriptor or a document


@dataclass(frozen=True)
class Shape:
    """How a workload is made; sizes in bytes, before scaling."""

    repositories: int
    tags: int
    shared: tuple[int, ...]
    own: tuple[int, ...]
    platforms: int = 0


SHAPES = {
    "W1": Shape(1, 1, (), (64 * MIB,) * 8),
    "W2": Shape(1, 40, (20 * MIB,) * 3, (MIB,) * 2),
    "W3": Shape(1, 300, (20 * KIB,) * 2, (20 * KIB,)),
    "W4": Shape(1, 10, (), (2 * MIB,) * 2, platforms=4),
    "W5": Shape(12, 1, (10 * MIB,) * 3, (MIB,)),
}


@dataclass
class Content:
    """What a set of images consists of, counted while it was made."""

    blobs: dict[str, int] = field(default_factory=dict)
    manifests: set[str] = field(default_factory=set)
    places: set[tuple[str, str]] = field(default_factory=set)

    @property
    def blob_bytes(self) -> int:
        """Each blob once."""
        return sum(self.blobs.values())


@dataclass(frozen=True)
class Workload:
    """Images at a source registry: repository -> tag -> digest, and how one tag moves later."""

    name: str
    tags: dict[str, dict[str, str]]
    kind: str
    content: Content
    moved_repository: str
    moved_tag: str
    moved_digest: str

    @property
    def moved(self) -> dict[str, dict[str, str]]:
        """The tags after one of them has moved."""
        own = {**self.tags[self.moved_repository], self.moved_tag: self.moved_digest}
        return {**self.tags, self.moved_repository: own}

    def minimum_cold(self) -> tuple[int, int]:
        """The least requests to source and target, both without listings of digests.

        Source: lists, each manifest and each blob once. Target: one look at each repository, two
        requests for each blob, one for each mount and for each manifest.
        """
        found = self.content
        lists = sum(-(-len(tags) // PAGE) for tags in self.tags.values())
        mounts = len(found.places) - len(found.blobs)
        source = lists + len(found.manifests) + len(found.blobs)
        target = len(self.tags) + 2 * len(found.blobs) + mounts + len(found.manifests)
        return source, target


class Holder(Protocol):
    """Where images are put."""

    def push_blob(self, repository: str, digest: str, content: bytes) -> None:
        """Store a blob."""

    def push_manifest(self, repository: str, name: str, content: bytes, kind: str) -> None:
        """Store a manifest under a tag or digest."""


class LayoutFolder:
    """An OCI layout on disk, of one repository; `close` writes its index."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._blobs = root / "blobs" / "sha256"
        self._blobs.mkdir(parents=True)
        self._tagged: list[dict[str, object]] = []

    def push_blob(self, repository: str, digest: str, content: bytes) -> None:
        """Store a blob."""
        (self._blobs / digest.removeprefix("sha256:")).write_bytes(content)

    def push_manifest(self, repository: str, name: str, content: bytes, kind: str) -> None:
        """Store a manifest under a tag or digest."""
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        self.push_blob(repository, digest, content)
        if name != digest:
            names = {"org.opencontainers.image.ref.name": name}
            size = len(content)
            self._tagged.append(
                {"mediaType": kind, "digest": digest, "size": size, "annotations": names}
            )

    def close(self) -> None:
        """Make it a layout."""
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": self._tagged}
        (self.root / "index.json").write_text(json.dumps(index))
        (self.root / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


class _Maker:
    """Puts images of one workload, each blob once a repository."""

    def __init__(self, holder: Holder, name: str, scale: float) -> None:
        self._holder = holder
        self._name = name
        self._scale = scale

    def layer(self, repository: str, size: int, label: str, content: Content) -> tuple[Part, str]:
        """A layer's descriptor and its digest before compression."""
        tar = io.BytesIO()
        with tarfile.open(fileobj=tar, mode="w") as archive:
            info = tarfile.TarInfo(f"data/{label}")
            info.size = max(1, round(size * self._scale))
            seed = random.Random(f"{self._name} {label}")
            archive.addfile(info, io.BytesIO(seed.randbytes(info.size)))
        plain = "sha256:" + hashlib.sha256(tar.getbuffer()).hexdigest()
        packed = gzip.compress(tar.getvalue(), compresslevel=0, mtime=0)
        return self.blob(repository, packed, LAYER, content), plain

    def blob(self, repository: str, packed: bytes, kind: str, content: Content) -> Part:
        """Push it where it is not yet; its descriptor."""
        digest = "sha256:" + hashlib.sha256(packed).hexdigest()
        if (repository, digest) not in content.places:
            self._holder.push_blob(repository, digest, packed)
        content.places.add((repository, digest))
        content.blobs[digest] = len(packed)
        return {"mediaType": kind, "digest": digest, "size": len(packed)}

    def manifest(self, repository: str, name: str | None, document: Part, content: Content) -> Part:
        """Push it under a tag, or under its digest; its descriptor."""
        text = json.dumps(document).encode()
        digest = "sha256:" + hashlib.sha256(text).hexdigest()
        kind = document["mediaType"]
        self._holder.push_manifest(repository, name or digest, text, kind)
        content.manifests.add(digest)
        return {"mediaType": kind, "digest": digest, "size": len(text)}

    def image(
        self, repository: str, name: str | None, layers: list[tuple[Part, str]], machine: str,
        label: str, content: Content,
    ) -> Part:  # fmt: skip
        """An image of these layers; its descriptor."""
        config = {
            "architecture": machine,
            "os": "linux",
            "config": {"Labels": {"made.for": label}},
            "rootfs": {"type": "layers", "diff_ids": [plain for _, plain in layers]},
        }
        document = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.blob(repository, json.dumps(config).encode(), CONFIG, content),
            "layers": [layer for layer, _ in layers],
        }
        return self.manifest(repository, name, document, content)


def make_workload(name: str, registry: DockerRegistry, scale: float) -> Workload:
    """Fill the source registry. The moved tag's new image is there too, under its digest."""
    shape = SHAPES[name]
    maker = _Maker(registry, name, scale)
    content, moved_digest = Content(), ""
    tags: dict[str, dict[str, str]] = {}
    for number in range(shape.repositories):
        repository = f"{name.lower()}-{number:02}"
        shared = list(_layers(maker, repository, shape.shared, "shared", content))
        names = [f"v{tag:03}" for tag in range(shape.tags)]
        tags[repository] = {
            tag: _tagged(maker, repository, tag, shape, shared, content) for tag in names
        }
        if number == 0:
            moved_digest = _rebuilt(maker, repository, names[-1], shape, shared)
    first = next(iter(tags))
    kind = INDEX if shape.platforms else MANIFEST
    return Workload(name, tags, kind, content, first, list(tags[first])[-1], moved_digest)


def fill(
    holder: Holder, name: str, shape: Shape, scale: float, tags: int, content: Content
) -> dict[str, str]:
    """One repository with so many tags; their digests."""
    maker = _Maker(holder, name, scale)
    shared = list(_layers(maker, name, shape.shared, "shared", content))
    names = [f"v{tag:04}" for tag in range(tags)]
    return {tag: _tagged(maker, name, tag, shape, shared, content) for tag in names}


def _layers(
    maker: _Maker, repository: str, sizes: tuple[int, ...], label: str, content: Content
) -> Iterator[tuple[Part, str]]:
    for number, size in enumerate(sizes):
        yield maker.layer(repository, size, f"{label}-{number}", content)


def _tagged(
    maker: _Maker, repository: str, tag: str, shape: Shape, shared: list[tuple[Part, str]],
    content: Content,
) -> str:  # fmt: skip
    """The digest of what is pushed under a tag: an image, or an index of one a platform."""
    label = f"{repository}-{tag}"
    if not shape.platforms:
        own = list(_layers(maker, repository, shape.own, label, content))
        return str(maker.image(repository, tag, shared + own, "amd64", label, content)["digest"])
    return _index(maker, repository, tag, shape, label, content)


def _rebuilt(
    maker: _Maker, repository: str, tag: str, shape: Shape, shared: list[tuple[Part, str]]
) -> str:
    """The digest that the tag moves to later: the same image with a new last layer."""
    label, content = f"{repository}-rebuilt", Content()
    if shape.platforms:
        return _index(maker, repository, None, shape, label, content)
    kept = list(_layers(maker, repository, shape.own[:-1], f"{repository}-{tag}", content))
    new = list(_layers(maker, repository, shape.own[-1:], label, content))
    made = maker.image(repository, None, shared + kept + new, "amd64", label, content)
    return str(made["digest"])


def _index(
    maker: _Maker, repository: str, tag: str | None, shape: Shape, label: str, content: Content
) -> str:
    children = []
    for machine in PLATFORMS[: shape.platforms]:
        own = list(_layers(maker, repository, shape.own, f"{label}-{machine}", content))
        made = maker.image(repository, None, own, machine, label, content)
        children.append({**made, "platform": {"architecture": machine, "os": "linux"}})
    document = {"schemaVersion": 2, "mediaType": INDEX, "manifests": children}
    return str(maker.manifest(repository, tag, document, content)["digest"])


def move_tag(registry: DockerRegistry, workload: Workload, digest: str) -> None:
    """Let the moved tag point to a digest that the source holds."""
    text = registry.read_manifest(workload.moved_repository, digest, workload.kind)
    registry.push_manifest(workload.moved_repository, workload.moved_tag, text, workload.kind)
