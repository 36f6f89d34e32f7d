"""The paths that git tracks, read from the bytes of `.git/index`. Pure.

A tracked file is never ignored, whatever the patterns say; folders tracked as commits are
submodules. git itself is not asked: the settings of a foreign tree can name programs to run.
Versions 2 to 4 with SHA-1 names are read (gitformat-index(5)); anything else counts as unknown.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from dataclasses import dataclass

_HEADER = struct.Struct(">4sII")
_COMMIT = 0o160000
_KINDS = {0o040000, 0o100000, 0o120000, _COMMIT}
_FIXED = 62  # bytes of an entry before its path
_EXTENDED = 0x4000


@dataclass(frozen=True)
class Tracked:
    """Sorted paths as bytes, relative to the top of the clone; submodules apart."""

    files: tuple[bytes, ...] = ()
    submodules: frozenset[bytes] = frozenset()

    def holds(self, path: bytes) -> bool:
        """Whether the file is tracked."""
        at = bisect_left(self.files, path)
        return at < len(self.files) and self.files[at] == path

    def inside(self, folder: bytes) -> bool:
        """Whether anything in the folder is tracked."""
        start = folder + b"/"
        at = bisect_left(self.files, start)
        return at < len(self.files) and self.files[at].startswith(start)


def parse_index(data: bytes) -> Tracked:
    """What is tracked; nothing when the bytes cannot be understood whole."""
    try:
        entries = _entries(data)
    except (struct.error, ValueError, IndexError):
        return Tracked()
    files = sorted({name for name, mode in entries if mode != _COMMIT})
    return Tracked(tuple(files), frozenset(name for name, mode in entries if mode == _COMMIT))


def _entries(data: bytes) -> list[tuple[bytes, int]]:
    signature, version, count = _HEADER.unpack_from(data)
    if signature != b"DIRC" or version not in (2, 3, 4):
        raise ValueError(version)
    found: list[tuple[bytes, int]] = []
    at, name = _HEADER.size, b""
    for _ in range(count):
        mode = int.from_bytes(data[at + 24 : at + 28], "big")
        flags = int.from_bytes(data[at + 60 : at + 62], "big")
        start = at + _FIXED + (2 if version > 2 and flags & _EXTENDED else 0)
        kept = b""
        if version == 4:
            drop, start = _length(data, start)
            kept = name[: len(name) - drop]
        end = data.index(b"\0", start)
        name = kept + data[start:end]
        kind = mode & 0o170000
        if not name or kind not in _KINDS:
            raise ValueError(name)
        found.append((name, kind))
        at = end + 1 if version == 4 else at + ((end - at + 8) & ~7)
    return found


def _length(data: bytes, at: int) -> tuple[int, int]:
    """A number in the pack format's offset encoding, and where it ends."""
    byte = data[at]
    value = byte & 0x7F
    while byte & 0x80:
        at += 1
        byte = data[at]
        value = ((value + 1) << 7) | (byte & 0x7F)
    return value, at + 1
