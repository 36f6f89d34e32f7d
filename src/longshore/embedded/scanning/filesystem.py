"""The files of an image that tell what is installed, from its layers. I/O.

Layers are read from the lowest to the highest: a file of a higher one replaces the lower one's, a
whiteout (`.wh.NAME`, `.wh..wh..opq`) takes it away (OCI image-spec, "Representing Changes").
Nothing is unpacked to disk. What is too large, too many, or compressed in a way that cannot be read
here is an error, never an empty answer.
"""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

MAX_FILE = 64 * 1024 * 1024
MAX_KEPT = 256 * 1024 * 1024
MAX_MEMBERS = 1_000_000
_OPAQUE = ".wh..wh..opq"
_WHITEOUT = ".wh."


class Unreadable(Exception):
    """A layer cannot be read; the text says why."""


def read_files(layers: Iterable[Path], wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """The wanted files of the image, by their path without a leading slash. Raises Unreadable."""
    kept: dict[str, bytes] = {}
    for layer in layers:
        try:
            _apply(layer, wanted, kept)
        except (tarfile.TarError, OSError, EOFError, ValueError) as error:
            raise Unreadable(f"a layer cannot be read: {error}") from None
    return kept


def _apply(layer: Path, wanted: Callable[[str], bool], kept: dict[str, bytes]) -> None:
    """Put one layer on what the lower ones gave."""
    with layer.open("rb") as stream:
        if stream.read(4) == b"\x28\xb5\x2f\xfd":
            raise Unreadable("a layer is compressed with zstd, which is not read here")
    added: dict[str, bytes] = {}
    links: dict[str, str] = {}
    with tarfile.open(layer, "r:*") as archive:
        for count, member in enumerate(archive):
            if count >= MAX_MEMBERS:
                raise Unreadable(f"a layer has more than {MAX_MEMBERS} files")
            path = posixpath.normpath("/" + member.name).lstrip("/")
            if _take_away(path, kept):
                continue
            if not member.isdir():
                kept.pop(path, None)
            if not wanted(path):
                continue
            if member.isfile():
                added[path] = _content(archive, member)
            elif member.issym() or member.islnk():
                links[path] = _link(path, member)
    kept.update(added)
    for path, to in links.items():
        if to in kept:
            kept[path] = kept[to]
    if sum(map(len, kept.values())) > MAX_KEPT:
        raise Unreadable("the lists of installed packages are too large")


def _take_away(path: str, kept: dict[str, bytes]) -> bool:
    """Whether the entry is a whiteout; what it covers in lower layers goes."""
    folder, _, name = path.rpartition("/")
    if name == _OPAQUE:
        gone = f"{folder}/" if folder else ""
    elif name.startswith(_WHITEOUT):
        covered = f"{folder}/{name[len(_WHITEOUT) :]}".lstrip("/")
        kept.pop(covered, None)
        gone = f"{covered}/"
    else:
        return False
    for one in [one for one in kept if one.startswith(gone)]:
        del kept[one]
    return True


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    if member.size > MAX_FILE:
        raise Unreadable(f"{member.name} is larger than {MAX_FILE} bytes")
    stream = archive.extractfile(member)
    return b"" if stream is None else stream.read(MAX_FILE)


def _link(path: str, member: tarfile.TarInfo) -> str:
    if member.islnk() or member.linkname.startswith("/"):
        target = member.linkname
    else:
        target = posixpath.join(posixpath.dirname(path), member.linkname)
    return posixpath.normpath("/" + target).lstrip("/")
