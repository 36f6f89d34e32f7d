"""Layers: tar archives that are the same bytes each time, and their compressed form. Pure.

Entries are sorted, owned by root and dated by the recipe, so that a layer's digest depends on
nothing but the files in it. OCI image-spec layer.md.
"""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from longshore.oci.digest import Digest, digest_of

Compression = Literal["gzip", "zstd"]
Style = Literal["oci", "docker"]

_MEDIA_TYPES: dict[tuple[Style, Compression], str] = {
    ("oci", "gzip"): "application/vnd.oci.image.layer.v1.tar+gzip",
    ("oci", "zstd"): "application/vnd.oci.image.layer.v1.tar+zstd",
    ("docker", "gzip"): "application/vnd.docker.image.rootfs.diff.tar.gzip",
}


@dataclass(frozen=True)
class Entry:
    """A regular file of a layer; `path` has no leading slash."""

    path: str
    content: bytes
    executable: bool = False


@dataclass(frozen=True)
class Layer:
    """What an image needs to know of a stored layer; `diff_id` is the digest of the bare tar."""

    digest: Digest
    size: int
    diff_id: Digest
    compression: Compression
    created_by: str

    def media_type(self, style: Style) -> str:
        """The layer's media type in a manifest of this style; Docker's has no zstd."""
        return _MEDIA_TYPES[style, self.compression]


def tar_of(entries: Iterable[Entry], mtime: int) -> bytes:
    """An uncompressed tar archive of the files and of the folders above them."""
    target = io.BytesIO()
    folders: set[str] = set()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for entry in sorted(entries, key=lambda one: one.path):
            for folder in _above(entry.path):
                if folder not in folders:
                    folders.add(folder)
                    archive.addfile(_header(folder, mtime, folder=True))
            header = _header(entry.path, mtime, executable=entry.executable)
            header.size = len(entry.content)
            archive.addfile(header, io.BytesIO(entry.content))
    return target.getvalue()


def compress(archive: bytes, compression: Compression) -> bytes:
    """The archive as it is stored: fast settings, the same bytes each time."""
    if compression == "gzip":
        packer = zlib.compressobj(1, zlib.DEFLATED, 31)
        return packer.compress(archive) + packer.flush()
    import zstandard

    return zstandard.ZstdCompressor(level=3).compress(archive)


def pack(
    entries: Iterable[Entry], compression: Compression, created_by: str, mtime: int
) -> tuple[Layer, bytes]:
    """The layer of these files, and its bytes."""
    archive = tar_of(entries, mtime)
    content = compress(archive, compression)
    layer = Layer(digest_of(content), len(content), digest_of(archive), compression, created_by)
    return layer, content


def _above(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]


def _header(
    path: str, mtime: int, *, folder: bool = False, executable: bool = False
) -> tarfile.TarInfo:
    header = tarfile.TarInfo(path)
    header.mtime = mtime
    header.type = tarfile.DIRTYPE if folder else tarfile.REGTYPE
    header.mode = 0o755 if folder or executable else 0o644
    header.uname = header.gname = "root"
    return header
