"""Puts images into a registry's contents, as pushes would. I/O."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from longshore.embedded.contents import Contents
from longshore.embedded.seed import material
from longshore.embedded.seed.archive import Layer
from longshore.embedded.seed.catalogue import Catalogue, Image, Recipe, catalogue
from longshore.embedded.seed.foreign import Chunks, read_images
from longshore.embedded.seed.images import Parts, pushes
from longshore.embedded.seed.layers import Maker
from longshore.embedded.seed.named import named_images
from longshore.embedded.seed.signing import signer
from longshore.oci.digest import Digest, digest_of
from longshore.oci.manifest import Manifest
from longshore.text import tr

_THREADS = 2
EPOCH = datetime.fromtimestamp(0, UTC)
_SMALL_BYTES = 60_000


@dataclass
class Seeded:
    """What was put in: `size` is the bytes of blobs that were not there before."""

    repositories: set[str] = field(default_factory=set)
    tags: set[tuple[str, str]] = field(default_factory=set)
    manifests: int = 0
    blobs: int = 0
    size: int = 0

    def as_json(self, seconds: float) -> dict[str, Any]:
        """For the command's answer."""
        return {
            "repositories": len(self.repositories),
            "tags": len(self.tags),
            "manifests": self.manifests,
            "blobs": self.blobs,
            "bytes": self.size,
            "seconds": round(seconds, 2),
        }


Step = dict[str, Any]


def seed_company(contents: Contents, number: int = 1, *, small: bool = False) -> Iterator[Step]:
    """Make the catalogue's images from this machine's files; yields steps, then what was seeded."""
    return _seed(contents, catalogue(number), number, Maker(_SMALL_BYTES) if small else Maker())


def seed_named(contents: Contents, wanted: Mapping[str, Sequence[str]]) -> Iterator[Step]:
    """Make stand-ins for the repositories and tags that are not there yet."""
    missing: dict[str, list[str]] = {}
    for name, tags in wanted.items():
        known = set()
        if contents.repository(name) is not None:
            known = {found.tag for found in contents.list_tags(name)}
        if absent := [tag for tag in tags if tag not in known]:
            missing[name] = absent
    return _seed(contents, named_images(missing), 1, Maker(_SMALL_BYTES))


def _seed(contents: Contents, company: Catalogue, number: int, maker: Maker) -> Iterator[Step]:
    begun = time.monotonic()
    loader = Loader(contents)
    for name in company.repositories:
        loader.open_repository(name, private=name in company.private)
    yield {"step": tr("making layers"), "resource": str(len(company.recipes))}
    sign, _ = signer(number)
    parts = Parts(_layers(loader, company, maker), tuple(material.list_packages()), sign)
    newest = max((one.created for one in company.images), default=EPOCH) + timedelta(hours=2)
    for name in company.repositories:
        for image in company.images:
            if image.repository == name:
                _load_image(loader, image, parts, newest - image.created)
        yield {"step": tr("seeded"), "resource": name}
    yield {"seeded": loader.seeded.as_json(time.monotonic() - begun)}


def seed_from(contents: Contents, path: Path, repository: str | None) -> Iterator[Step]:
    """Load an OCI layout or a `docker save` archive; yields steps, then what was seeded.

    Raises FileError, UsageError, ContentError.
    """
    begun = time.monotonic()
    loader = Loader(contents)
    with read_images(path, repository) as found:
        name = repository or ""
        waiting = []
        for one in found:
            waiting.append(one)
            if not one.names:
                continue
            names = [text.rpartition(":") for text in one.names]
            for name in dict.fromkeys(head for head, _, _ in names):
                loader.open_repository(name)
                for part in waiting:
                    for blob in part.blobs:
                        loader.put_blob(name, blob.digest, blob.chunks)
                    tags = [tag for head, _, tag in names if head == name]
                    loader.put_manifest(name, part.manifest, tags if part is one else ())
            yield {"step": tr("loaded"), "resource": ", ".join(one.names)}
            waiting = []
    yield {"seeded": loader.seeded.as_json(time.monotonic() - begun)}


class Loader:
    """Writes blobs and manifests, each once; counts what was new."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._homes: dict[Digest, str] = {}
        self.seeded = Seeded()

    def open_repository(self, name: str, *, private: bool = False) -> None:
        """Create the repository unless it is there."""
        if self._contents.repository(name) is None:
            self._contents.create_repository(name, {"private": private})
        self.seeded.repositories.add(name)

    def put_blob(self, repository: str, digest: Digest, chunks: Chunks) -> None:
        """Store the blob, or take it over from a repository that has it."""
        if self._contents.blob_size(repository, digest) is not None:
            return
        home = self._homes.setdefault(digest, repository)
        if home != repository and self._contents.mount_blob(repository, digest, home):
            return
        self._contents.put_blob(repository, chunks(), digest)
        self.seeded.size += self._contents.blob_size(repository, digest) or 0
        self.seeded.blobs += 1

    def put_manifest(
        self, repository: str, manifest: Manifest, tags: Iterable[str], age: timedelta = timedelta()
    ) -> None:
        """Store the manifest under its tags, or only under its digest, as pushed `age` ago."""
        tags = tuple(tags)
        for tag in tags or (None,):
            self._contents.put_manifest(repository, manifest.content, manifest.media_type, tag)
        if age:
            pushed_at = self._contents.clock.now() - age
            self._contents.set_pushed(repository, manifest.digest, pushed_at)
        self.seeded.manifests += 1
        self.seeded.tags.update((repository, tag) for tag in tags)


def _layers(loader: Loader, company: Catalogue, maker: Maker) -> dict[Recipe, Layer]:
    homes = _homes(company)

    def make(recipe: Recipe) -> Layer:
        layer, content = maker.make(recipe)
        first, *others = homes[recipe]
        loader.put_blob(first, layer.digest, lambda: iter((content,)))
        for other in others:
            loader.put_blob(other, layer.digest, lambda: iter((content,)))
        return layer

    with ThreadPoolExecutor(_THREADS) as pool:
        return dict(zip(company.recipes, pool.map(make, company.recipes), strict=True))


def _homes(company: Catalogue) -> dict[Recipe, list[str]]:
    """In which repositories a layer is."""
    homes: dict[Recipe, dict[str, None]] = {}
    for image in company.images:
        for platform in image.platforms:
            for recipe in image.recipes(platform):
                homes.setdefault(recipe, {})[image.repository] = None
    return {recipe: list(names) for recipe, names in homes.items()}


def _load_image(loader: Loader, image: Image, parts: Parts, age: timedelta) -> None:
    for push in pushes(image, parts):
        for blob in push.blobs:
            loader.put_blob(
                push.repository,
                digest_of(blob),
                lambda blob=blob: iter((blob,)),  # type: ignore[misc]
            )
        loader.put_manifest(push.repository, push.manifest, push.tags, age)
