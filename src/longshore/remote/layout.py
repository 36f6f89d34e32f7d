"""OCI image layouts as stores: a folder to read and write, an archive to read. I/O.

OCI image-spec, image-layout.md: `oci-layout`, `index.json`, `blobs/ALGORITHM/ENCODED`. A tag is the
annotation `org.opencontainers.image.ref.name` of an entry in `index.json`; a single entry without a
name counts as `latest`. Blobs appear whole or not at all; `index.json` changes under a lock.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from longshore.errors import ContentError, FileError, RegistryError, Side, UsageError
from longshore.oci.digest import Digest, Hasher, is_digest, parse_digest, short
from longshore.oci.distribution import referrers_tag
from longshore.oci.manifest import MAX_MANIFEST_BYTES, Descriptor, Manifest, parse_manifest
from longshore.oci.reference import DEFAULT_TAG, is_tag, parse_reference
from longshore.oci.store import BlobStream, Holdings, PullAllowance, TagSeen, Writable
from longshore.remote.local_files import Archive, Files, Folder, unreadable
from longshore.text import tr

REF_NAME = "org.opencontainers.image.ref.name"
_MARK = "oci-layout"
_INDEX = "index.json"
_MAX_INDEX_BYTES = 16 * 1024 * 1024
_EMPTY_INDEX: dict[str, Any] = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.index.v1+json",
    "manifests": [],
}


class LayoutReader:
    """A layout that is read; implements oci.store.Readable."""

    def __init__(self, files: Files, side: Side = "source") -> None:
        self.name = str(files.path)
        self.side: Side = side
        self._files = files
        self._manifests: dict[Digest, Manifest] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def list_tags(self) -> list[TagSeen]:
        """The named entries of `index.json`."""
        return [
            TagSeen(tag, entry["digest"], media_type=entry.get("mediaType"))
            for tag, entry in self._tagged().items()
        ]

    def resolve(self, tag_or_digest: str) -> Descriptor | None:
        """What a tag points to."""
        digest = self._digest_of(tag_or_digest)
        if digest is None or self._files.size(_blob_name(digest)) is None:
            return None
        return self._manifest(digest).descriptor

    def fetch_manifest(self, tag_or_digest: str) -> Manifest:
        """A manifest, checked against its digest. Raises RegistryError, ContentError."""
        digest = self._digest_of(tag_or_digest)
        if digest is None:
            raise self._missing(tag_or_digest)
        return self._manifest(digest)

    def open_blob(self, blob: Descriptor, offset: int = 0) -> BlobStream:
        """A blob's bytes from `offset` on. Raises RegistryError, ContentError."""
        size = self._files.size(_blob_name(blob.digest))
        if size is None:
            raise self._missing(blob.digest)
        if size != blob.size:
            raise ContentError(
                tr(
                    "blob {digest} in {name} has {size} bytes instead of {expected}",
                    digest=short(blob.digest),
                    name=self.name,
                    size=size,
                    expected=blob.size,
                ),
                tr("the layout is damaged; make it anew"),
                side=self.side,
                code="blob-truncated" if size < blob.size else "blob-too-long",
            )
        return self._files.open(_blob_name(blob.digest), offset)

    def list_referrers(self, digest: Digest, *, by_tag: bool = True) -> list[Descriptor]:
        """Entries of `index.json` whose subject is the digest, and the stand-in tag's children."""
        found: dict[Digest, Descriptor] = {}
        for entry in self._entries():
            listed = self._manifest(parse_digest(str(entry["digest"])))
            if listed.subject is not None and listed.subject.digest == digest:
                found[listed.digest] = listed.descriptor
        stand_in = self._tagged().get(referrers_tag(digest)) if by_tag else None
        if stand_in is not None:
            for child in self._manifest(parse_digest(str(stand_in["digest"]))).children:
                found.setdefault(child.digest, child)
        return list(found.values())

    def read_allowance(self) -> PullAllowance | None:
        """A file has no pull limit."""
        return None

    def _digest_of(self, tag_or_digest: str) -> Digest | None:
        if is_digest(tag_or_digest):
            return parse_digest(tag_or_digest)
        entry = self._tagged().get(tag_or_digest)
        return None if entry is None else parse_digest(str(entry["digest"]))

    def _tagged(self) -> dict[str, dict[str, Any]]:
        entries = self._entries()
        found: dict[str, dict[str, Any]] = {}
        for entry in entries:
            tag = _tag_of(entry)
            if tag:
                found[tag] = entry
        if not found and len(entries) == 1:
            found[DEFAULT_TAG] = entries[0]
        return found

    def _entries(self) -> list[dict[str, Any]]:
        return list(self._index()["manifests"])

    def _index(self) -> dict[str, Any]:
        try:
            index = json.loads(self._files.read(_INDEX, _MAX_INDEX_BYTES))
            entries = index["manifests"]
            well = all(is_digest(str(entry["digest"])) for entry in entries)
        except FileNotFoundError:
            raise _not_a_layout(self._files.path, tr("it has no index.json")) from None
        except (ValueError, KeyError, TypeError, RecursionError):
            well = False
        if not well:
            raise _not_a_layout(self._files.path, tr("its index.json is damaged"))
        return dict(index)

    def _manifest(self, digest: Digest) -> Manifest:
        known = self._manifests.get(digest)
        if known is not None:
            return known
        try:
            content = self._files.read(_blob_name(digest), MAX_MANIFEST_BYTES)
        except FileNotFoundError:
            raise self._missing(digest) from None
        try:
            manifest = parse_manifest(content, expected=digest)
        except ContentError as error:
            error.side = self.side
            raise
        self._manifests[digest] = manifest
        return manifest

    def _missing(self, what: str) -> RegistryError:
        return RegistryError(
            tr("{name} has no {what}", name=self.name, what=what),
            tr("list what is there: longshore tags ls oci:{name}", name=self.name),
            side=self.side,
            status=404,
            code="manifest-not-found" if not is_digest(what) else "blob-not-found",
        )


class Layout(LayoutReader):
    """A layout in a folder, read and written; implements oci.store.Writable."""

    def __init__(self, folder: Path, side: Side = "source") -> None:
        self._folder = Folder(folder)
        super().__init__(self._folder, side)
        self._lock = threading.Lock()

    def read_holdings(self) -> Holdings:
        """The tags; files do not tell other manifests from blobs."""
        return Holdings({tag: Digest(str(one["digest"])) for tag, one in self._tagged().items()})

    def missing_blobs(self, digests: Iterable[Digest]) -> set[Digest]:
        """Those that have no file."""
        return {one for one in digests if self._files.size(_blob_name(one)) is None}

    def upload_blob(self, blob: Descriptor, content: Callable[[], Iterator[memoryview]]) -> None:
        """Write a blob; it gets its name when its digest is right. Raises ContentError."""
        if self._files.size(_blob_name(blob.digest)) == blob.size:
            return
        self._write_blob(blob.digest, blob.size, content())

    def mount_blob(self, blob: Descriptor, source: Writable) -> bool:
        """A layout has one store of blobs: what is there is there."""
        return self._files.size(_blob_name(blob.digest)) == blob.size

    def push_manifest(self, manifest: Manifest, tag: str | None = None) -> None:
        """Write the manifest, then its entry: under the tag, or bare when it has a subject."""
        content = iter([memoryview(manifest.content)])
        self._write_blob(manifest.digest, len(manifest.content), content)
        if tag is None and manifest.subject is None:
            return
        with self._changing() as index:
            entries = index["manifests"]
            same = [one for one in entries if one.get("digest") == manifest.digest]
            if tag is None and same:
                return
            entries[:] = [one for one in entries if tag is None or _tag_of(one) != tag]
            entries[:] = [one for one in entries if one not in same or _tag_of(one)]
            entries.append(_entry(manifest, tag))

    def delete_tag(self, tag: str) -> None:
        """Remove the entry of a tag; blobs stay."""
        with self._changing() as index:
            index["manifests"][:] = [one for one in index["manifests"] if _tag_of(one) != tag]

    def _write_blob(self, digest: Digest, size: int, pieces: Iterator[memoryview]) -> None:
        algorithm, _, encoded = digest.partition(":")
        hasher = Hasher(digest)
        try:
            folder = self._folder.enter(("blobs", algorithm), create=True)
            try:
                with _new_file(folder, encoded) as file:
                    for piece in pieces:
                        hasher.update(piece)
                        file.write(piece)
                    self._check(hasher, size)
            finally:
                os.close(folder)
        except OSError as error:
            raise unreadable(self._folder.path, error) from None

    def _check(self, hasher: Hasher, size: int) -> None:
        if hasher.size == size and hasher.matches():
            return
        raise ContentError(
            tr(
                "{size} bytes for blob {digest} are not what it should hold",
                size=hasher.size,
                digest=short(hasher.expected),
            ),
            tr("nothing was written; run the same command again"),
            side=self.side,
            code="digest-mismatch" if hasher.size == size else "blob-truncated",
        )

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        """`index.json`, to be changed by one at a time; written when the block ends well."""
        with self._lock:
            folder = self._folder.enter(())
            try:
                fcntl.flock(folder, fcntl.LOCK_EX)
                index = self._index()
                yield index
                with _new_file(folder, _INDEX) as file:
                    file.write(json.dumps(index, indent=2).encode())
            except OSError as error:
                raise unreadable(self._folder.path, error) from None
            finally:
                os.close(folder)


def open_layout(folder: Path, side: Side = "source", *, create: bool = False) -> Layout:
    """A layout in a folder; with `create` an empty one is made where nothing is yet.

    Raises FileError when the folder holds something else.
    """
    files = Folder(folder)
    try:
        if create and not (folder.is_dir() and any(folder.iterdir())):
            _make_layout(files)
        mark = files.read(_MARK, 4096)
        version = json.loads(mark)["imageLayoutVersion"]
    except FileNotFoundError:
        raise _not_a_layout(folder, tr("it has no file {name}", name=_MARK)) from None
    except OSError as error:
        raise unreadable(folder, error) from None
    except (ValueError, KeyError, TypeError):
        version = "?"
    if not str(version).startswith("1."):
        raise _not_a_layout(folder, tr("its version is {version}", version=version))
    return Layout(folder, side)


def open_archive(path: Path, side: Side = "source") -> LayoutReader:
    """A layout inside a plain tar file (`oci-archive`, or a new `docker save`).

    Raises FileError when the file is something else.
    """
    files = Archive(path)
    if files.size(_MARK) is None or files.size(_INDEX) is None:
        raise _not_a_layout(path, tr("it has no index.json"))
    return LayoutReader(files, side)


def _make_layout(files: Folder) -> None:
    files.path.mkdir(parents=True, exist_ok=True)
    folder = files.enter(())
    try:
        with _new_file(folder, _INDEX) as file:
            file.write(json.dumps(_EMPTY_INDEX, indent=2).encode())
        with _new_file(folder, _MARK) as file:
            file.write(b'{"imageLayoutVersion":"1.0.0"}')
    finally:
        os.close(folder)


@contextmanager
def _new_file(folder: int, name: str) -> Iterator[Any]:
    """A file that gets its name when the block ends well, and leaves nothing otherwise."""
    temporary = f".{name[:40]}.{secrets.token_hex(6)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o644, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(temporary, dir_fd=folder)
        raise


def _blob_name(digest: Digest) -> str:
    algorithm, _, encoded = digest.partition(":")
    return f"blobs/{algorithm}/{encoded}"


def _tag_of(entry: dict[str, Any]) -> str | None:
    """The tag of an entry; some writers put a whole reference there."""
    annotations = entry.get("annotations")
    name = annotations.get(REF_NAME) if isinstance(annotations, dict) else None
    if not isinstance(name, str) or not name:
        return None
    if is_tag(name):
        return name
    try:
        return parse_reference(name).tag
    except UsageError:
        return None


def _entry(manifest: Manifest, tag: str | None) -> dict[str, Any]:
    return {
        "mediaType": manifest.media_type,
        "digest": manifest.digest,
        "size": len(manifest.content),
        **({"artifactType": manifest.artifact_type} if manifest.subject is not None else {}),
        **({"annotations": {REF_NAME: tag}} if tag else {}),
    }


def _not_a_layout(path: Path, why: str) -> FileError:
    return FileError(
        tr("{path} is not an OCI image layout: {why}", path=path, why=why),
        tr("name a folder made by `skopeo copy ... oci:` or an empty one"),
        code="not-a-layout",
    )
