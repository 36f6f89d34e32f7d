"""Archives of `docker save` and `podman save` as a store to read. I/O.

The old form has a `manifest.json` that lists, per image, its config, its layers and its names;
there is no manifest with digests, so one is made (Docker manifest v2 schema 2) from the bytes as
they are: layers stay uncompressed. An archive of the new form holds an OCI layout as well and is
read by `layout.py`, for that keeps the image's own digests.
"""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longshore.errors import FileError, RegistryError, Side, UsageError
from longshore.oci.digest import Digest, is_digest
from longshore.oci.manifest import DOCKER_MANIFEST, Descriptor, Manifest, parse_manifest
from longshore.oci.reference import DEFAULT_TAG, parse_reference
from longshore.oci.store import BlobStream, PullAllowance, TagSeen
from longshore.remote.layout import LayoutReader
from longshore.remote.local_files import Archive
from longshore.text import tr

DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
_MAX_LIST_BYTES = 16 * 1024 * 1024
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class _Image:
    """One image of the list: names of members, and tags."""

    config: str
    layers: tuple[str, ...]
    tags: tuple[str, ...]


class DockerArchive:
    """A `docker save` archive; implements oci.store.Readable."""

    def __init__(self, files: Archive, side: Side = "source") -> None:
        self.name = str(files.path)
        self.side: Side = side
        self._files = files
        self._images = _images(files)
        self._manifests: dict[_Image, Manifest] = {}
        self._places: dict[Digest, str] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"DockerArchive({self.name!r})"

    def list_tags(self) -> list[TagSeen]:
        """The tags that images were saved under; a single image without one is `latest`."""
        return [TagSeen(tag) for tag in self._tagged()]

    def resolve(self, tag_or_digest: str) -> Descriptor | None:
        """What a tag points to; reads and hashes the image's layers the first time."""
        manifest = self._find(tag_or_digest)
        return None if manifest is None else manifest.descriptor

    def fetch_manifest(self, tag_or_digest: str) -> Manifest:
        """The manifest made for an image. Raises RegistryError."""
        manifest = self._find(tag_or_digest)
        if manifest is None:
            raise self._missing(tag_or_digest)
        return manifest

    def open_blob(self, blob: Descriptor, offset: int = 0) -> BlobStream:
        """A config's or layer's bytes from `offset` on, as they are in the archive."""
        with self._lock:
            place = self._places.get(blob.digest)
        if place is None:
            for image in self._images:
                self._manifest(image)
            place = self._places.get(blob.digest)
        if place is None:
            raise self._missing(blob.digest)
        return self._files.open(place, offset)

    def list_referrers(self, digest: Digest, *, by_tag: bool = True) -> list[Descriptor]:
        """This form holds no referrers."""
        return []

    def read_allowance(self) -> PullAllowance | None:
        """A file has no pull limit."""
        return None

    def _tagged(self) -> dict[str, _Image]:
        found: dict[str, _Image] = {}
        for image in self._images:
            for tag in image.tags:
                if found.setdefault(tag, image) != image:
                    raise FileError(
                        tr("{file} has two images tagged {tag}", file=self.name, tag=tag),
                        tr("save each repository into an archive of its own"),
                        code="ambiguous-archive",
                    )
        if not found and len(self._images) == 1:
            found[DEFAULT_TAG] = self._images[0]
        return found

    def _find(self, tag_or_digest: str) -> Manifest | None:
        if not is_digest(tag_or_digest):
            image = self._tagged().get(tag_or_digest)
            return None if image is None else self._manifest(image)
        for image in self._images:
            manifest = self._manifest(image)
            if manifest.digest == tag_or_digest:
                return manifest
        return None

    def _manifest(self, image: _Image) -> Manifest:
        with self._lock:
            if image not in self._manifests:
                self._manifests[image] = self._make_manifest(image)
            return self._manifests[image]

    def _make_manifest(self, image: _Image) -> Manifest:
        document = {
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST,
            "config": self._describe(image.config, DOCKER_CONFIG),
            "layers": [self._describe(layer, DOCKER_LAYER) for layer in image.layers],
        }
        content = json.dumps(document, separators=(",", ":")).encode()
        return parse_manifest(content, DOCKER_MANIFEST)

    def _describe(self, member: str, media_type: str) -> dict[str, Any]:
        """A member's descriptor, by reading it whole."""
        try:
            stream = self._files.open(member)
        except FileNotFoundError:
            raise _damaged(self._files.path, tr("{name} is not in it", name=member)) from None
        hasher, size, start = hashlib.sha256(), 0, b""
        for piece in stream.chunks():
            start = start or bytes(piece[:2])
            hasher.update(piece)
            size += len(piece)
        digest = Digest("sha256:" + hasher.hexdigest())
        self._places[digest] = member
        if media_type == DOCKER_LAYER and start == _GZIP:
            media_type += ".gzip"
        return {"mediaType": media_type, "size": size, "digest": digest}

    def _missing(self, what: str) -> RegistryError:
        tags = ", ".join(self._tagged()) or "-"
        return RegistryError(
            tr("{name} has no {what}", name=self.name, what=what),
            tr("it has the tags: {tags}", tags=tags),
            side=self.side,
            status=404,
            code="blob-not-found" if is_digest(what) else "manifest-not-found",
        )


def open_saved(path: Path, side: Side = "source") -> DockerArchive | LayoutReader:
    """Whatever image archive this is: a layout in a tar, else `docker save`'s old form.

    Raises FileError when it is neither.
    """
    files = Archive(path)
    if files.size("oci-layout") is not None and files.size("index.json") is not None:
        return LayoutReader(files, side)
    return DockerArchive(files, side)


def _images(files: Archive) -> tuple[_Image, ...]:
    try:
        entries = json.loads(files.read("manifest.json", _MAX_LIST_BYTES))
        return tuple(_image(entry) for entry in entries)
    except FileNotFoundError:
        raise _damaged(files.path, tr("it has no manifest.json")) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _damaged(files.path, tr("its manifest.json is damaged")) from None


def _image(entry: dict[str, Any]) -> _Image:
    tags = []
    for name in entry.get("RepoTags") or []:
        try:
            tags.append(parse_reference(str(name)).tag or DEFAULT_TAG)
        except UsageError:
            continue
    return _Image(str(entry["Config"]), tuple(str(layer) for layer in entry["Layers"]), tuple(tags))


def _damaged(path: Path, why: str) -> FileError:
    return FileError(
        tr("{path} is not an archive of images: {why}", path=path, why=why),
        tr("make one with `docker save` or `skopeo copy ... oci-archive:`"),
        code="not-an-archive",
    )
