"""Images made by hand and put straight into a registry's contents, good ones and bad ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from longshore.embedded.contents import Contents
from longshore.oci.digest import Digest, digest_of
from longshore.oci.manifest import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST

CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
SIGNATURE = "application/vnd.example.signature.v1"


def entry(content: bytes, media_type: str = LAYER, **more: Any) -> dict[str, Any]:
    """A descriptor of bytes."""
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content), **more}


@dataclass(frozen=True)
class Shelf:
    """One repository of a registry, filled behind its back."""

    contents: Contents
    name: str
    settings: tuple[tuple[str, Any], ...] = ()

    def __post_init__(self) -> None:
        if self.contents.repository(self.name) is None:
            self.contents.create_repository(self.name, dict(self.settings))

    def blob(self, content: bytes) -> dict[str, Any]:
        """Store a layer; its descriptor."""
        self.contents.put_blob(self.name, content)
        return entry(content)

    def put(self, document: dict[str, Any] | bytes, media_type: str, *tags: str) -> Digest:
        """Store a manifest as it is, whatever it refers to."""
        made = document if isinstance(document, bytes) else json.dumps(document).encode()
        for tag in tags or (None,):
            self.contents.put_manifest(self.name, made, media_type, tag)
        return digest_of(made)

    def image(
        self,
        *layers: bytes,
        tags: tuple[str, ...] = (),
        subject: Digest | None = None,
        docker: bool = False,
        config: bytes = b"{}",
    ) -> Digest:
        """A single image, or with a `subject` a signature of it."""
        kind = DOCKER_MANIFEST if docker else OCI_MANIFEST
        document: dict[str, Any] = {"schemaVersion": 2, "mediaType": kind}
        document["config"] = self.blob(config) | {"mediaType": CONFIG}
        document["layers"] = [self.blob(layer) for layer in layers]
        if subject is not None:
            document["artifactType"] = SIGNATURE
            document["subject"] = self.pointer(subject)
        return self.put(document, kind, *tags)

    def index(
        self, children: dict[str, Digest], tags: tuple[str, ...] = (), *, docker: bool = False
    ) -> Digest:
        """An index of children by platform (`linux/arm64`)."""
        kind = DOCKER_LIST if docker else OCI_INDEX
        entries = []
        for text, digest in children.items():
            system, _, processor = text.partition("/")
            platform = {"os": system, "architecture": processor}
            entries.append(self.pointer(digest) | {"platform": platform})
        return self.put({"schemaVersion": 2, "mediaType": kind, "manifests": entries}, kind, *tags)

    def pointer(self, digest: Digest) -> dict[str, Any]:
        """A descriptor of a manifest that is here."""
        stored = self.contents.manifest(self.name, digest)
        assert stored is not None
        return {"mediaType": stored.media_type, "digest": digest, "size": len(stored.content)}

    def tags(self) -> dict[str, Digest]:
        """What each tag points to."""
        return {tag: Digest(digest) for tag, digest, _ in self.contents.list_tags(self.name)}


def company(contents: Contents, name: str = "acme/app", images: int = 3) -> Shelf:
    """A repository with a signed index of two platforms, some plain images and moving tags."""
    shelf = Shelf(contents, name)
    base = b"base " * 4000
    for number in range(images):
        shelf.image(base, f"code {name} {number} ".encode() * 3000, tags=(f"v1.{number}.0",))
    made = {
        f"linux/{one}": shelf.image(base, f"{name} {one} ".encode() * 3000)
        for one in ("amd64", "arm64")
    }
    top = shelf.index(made, tags=("v2.0.0", "latest"))
    shelf.image(b"signed", subject=top)
    shelf.image(b"cosigned", tags=(f"{top.replace(':', '-')}.sig",))
    return shelf


def absent(contents: Contents, name: str, tag: str) -> Iterator[str]:
    """What a reader of the tag would miss: manifests and blobs that are not there."""
    todo = [tag]
    while todo:
        reference = todo.pop()
        stored = contents.manifest(name, reference)
        if stored is None:
            yield reference
            continue
        document = json.loads(stored.content)
        todo += [one["digest"] for one in document.get("manifests") or []]
        blobs = [document["config"]] if "config" in document else []
        for blob in [*blobs, *(document.get("layers") or [])]:
            if not blob.get("urls") and contents.blob_size(name, blob["digest"]) != blob["size"]:
                yield blob["digest"]


def assert_nothing_half(contents: Contents) -> None:
    """Every tag of every repository can be pulled whole."""
    for repository in contents.list_repositories():
        for tag, _, _ in contents.list_tags(repository.name):
            assert not list(absent(contents, repository.name, tag)), f"{repository.name}:{tag}"
