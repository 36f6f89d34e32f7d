"""Reads an OCI layout (folder or tar) or a `docker save` archive, to seed from it. I/O.

What is read is data: names in it lead only to members of the same archive or to blobs below the
same folder, never through a symbolic link out of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from longshore.embedded.seed import documents
from longshore.errors import ContentError, FileError
from longshore.oci.digest import Digest, parse_digest
from longshore.oci.manifest import DOCKER_MANIFEST, MAX_MANIFEST_BYTES, Manifest, parse_manifest
from longshore.oci.reference import parse_reference
from longshore.text import tr

_CHUNK = 1024 * 1024
_REF_NAME = "org.opencontainers.image.ref.name"
_IMAGE_NAME = "io.containerd.image.name"
Chunks = Callable[[], Iterator[bytes]]


@dataclass(frozen=True)
class Blob:
    """A blob that an image needs; `chunks()` reads it, again each time."""

    digest: Digest
    chunks: Chunks


@dataclass(frozen=True)
class Found:
    """One manifest with its blobs; `names` are `repository:tag`, only on what carries a name."""

    manifest: Manifest
    blobs: tuple[Blob, ...]
    names: tuple[str, ...] = ()


class _Files(Protocol):
    """Named files: a folder's, or a tar archive's members."""

    def open(self, name: str) -> IO[bytes]:
        """The file; raises FileNotFoundError or KeyError."""
        ...


class _Folder:
    def __init__(self, root: Path) -> None:
        self._root = root

    def open(self, name: str) -> IO[bytes]:
        return os.fdopen(os.open(self._root / name, os.O_RDONLY | os.O_NOFOLLOW), "rb")


class _Archive:
    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self._members = {member.name.removeprefix("./"): member for member in archive}

    def open(self, name: str) -> IO[bytes]:
        file = self._archive.extractfile(self._members[name])
        if file is None:
            raise KeyError(name)
        return file


@contextmanager
def read_images(path: Path, repository: str | None) -> Iterator[Iterator[Found]]:
    """All manifests of a layout or archive, children before their index.

    `repository` renames; without it names come from the content.

    Raises FileError, UsageError (a bad name), ContentError.
    """
    try:
        if path.is_dir():
            yield _read(_Folder(path), path, repository)
            return
        with tarfile.open(path) as archive:
            yield _read(_Archive(archive), path, repository)
    except (OSError, tarfile.TarError) as error:
        raise FileError(
            tr("{path} cannot be read: {why}", path=path, why=error),
            tr("name an OCI layout folder, or an archive made by `docker save`"),
            code="seed-unreadable",
        ) from None


def _read(files: _Files, path: Path, repository: str | None) -> Iterator[Found]:
    if (index := _json(files, "index.json")) is not None:
        return _layout(files, index, path, repository)
    if (listed := _json(files, "manifest.json")) is not None:
        return _docker_archive(files, listed, repository)
    raise FileError(
        tr("{path} is neither an OCI layout nor a `docker save` archive", path=path),
        tr("an OCI layout has an index.json, a `docker save` archive a manifest.json"),
        code="seed-not-images",
    )


def _json(files: _Files, name: str) -> Any:
    try:
        with files.open(name) as file:
            return json.loads(file.read(MAX_MANIFEST_BYTES))
    except (KeyError, FileNotFoundError):
        return None
    except ValueError as error:
        raise ContentError(
            tr("{name} is not JSON: {why}", name=name, why=error), code="bad-manifest"
        ) from None


def _layout(
    files: _Files, index: dict[str, Any], path: Path, repository: str | None
) -> Iterator[Found]:
    seen: set[Digest] = set()
    for entry in index.get("manifests", []):
        notes = entry.get("annotations") or {}
        said = str(notes.get(_IMAGE_NAME) or notes.get(_REF_NAME) or "latest")
        name = _name(said, repository, _plain(path))
        yield from _closure(files, parse_digest(str(entry.get("digest"))), seen, (name,))


def _closure(
    files: _Files, digest: Digest, seen: set[Digest], names: tuple[str, ...] = ()
) -> Iterator[Found]:
    with _blob_file(files, digest) as file:
        manifest = parse_manifest(file.read(MAX_MANIFEST_BYTES + 1), expected=digest)
    for child in manifest.children:
        if child.digest not in seen:
            yield from _closure(files, child.digest, seen)
    seen.add(digest)
    blobs = tuple(
        Blob(one.digest, lambda one=one: _pieces(_blob_file(files, one.digest)))  # type: ignore[misc]
        for one in manifest.blobs
    )
    yield Found(manifest, blobs, names)


def _blob_file(files: _Files, digest: Digest) -> IO[bytes]:
    try:
        return files.open("blobs/" + digest.replace(":", "/"))
    except (KeyError, FileNotFoundError):
        raise ContentError(
            tr("blob {digest} is missing from the layout", digest=digest),
            tr("make the layout again, with all platforms"),
            code="blob-missing",
        ) from None


def _docker_archive(files: _Files, listed: Any, repository: str | None) -> Iterator[Found]:
    for image in listed:
        with _member(files, str(image.get("Config"))) as file:
            config = file.read(MAX_MANIFEST_BYTES)
        layers = [_compressed(files, str(name)) for name in image.get("Layers") or []]
        content = documents.written(
            {
                "schemaVersion": 2,
                "mediaType": DOCKER_MANIFEST,
                "config": documents.entry(documents.described(documents.DOCKER_CONFIG, config)),
                "layers": [
                    {
                        "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                        "digest": digest,
                        "size": size,
                    }
                    for digest, size, _ in layers
                ],
            },
            "docker",
        )
        manifest = parse_manifest(content)
        names = [_name(str(one), repository, "seed") for one in image.get("RepoTags") or []]
        own = manifest.config.digest if manifest.config else manifest.digest
        blobs = [Blob(own, lambda config=config: iter((config,)))]  # type: ignore[misc]
        blobs += [Blob(digest, chunks) for digest, _, chunks in layers]
        yield Found(manifest, tuple(blobs), tuple(names or [f"{repository or 'seed'}:latest"]))


def _compressed(files: _Files, name: str) -> tuple[Digest, int, Chunks]:
    """A layer's archive, compressed as a push would; read twice rather than held in memory."""

    def chunks() -> Iterator[bytes]:
        with _member(files, name) as file:
            if file.read(2) == b"\x1f\x8b":
                file.seek(0)
                yield from _pieces(file)
                return
            file.seek(0)
            packer = zlib.compressobj(6, zlib.DEFLATED, 31)
            for piece in _pieces(file):
                yield packer.compress(piece)
            yield packer.flush()

    hashed, size = hashlib.sha256(), 0
    for piece in chunks():
        hashed.update(piece)
        size += len(piece)
    return Digest("sha256:" + hashed.hexdigest()), size, chunks


def _member(files: _Files, name: str) -> IO[bytes]:
    try:
        return files.open(name)
    except (KeyError, FileNotFoundError):
        raise ContentError(
            tr("'{name}' is missing from the archive", name=name),
            tr("make the archive again with `docker save`"),
            code="blob-missing",
        ) from None


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_CHUNK):
            yield piece


def _plain(path: Path) -> str:
    """A repository's name from a file's."""
    stem = path.name.partition(".")[0].lower()
    return "".join(one if one.isascii() and one.isalnum() else "-" for one in stem).strip("-")


def _name(said: str, repository: str | None, plain: str) -> str:
    """`repository:tag` from what an image is called: a whole name, or only a tag of `plain`."""
    if "/" not in said and ":" not in said:
        return f"{repository or plain}:{said}"
    reference = parse_reference(said)
    return f"{repository or reference.repository}:{reference.tag or 'latest'}"
