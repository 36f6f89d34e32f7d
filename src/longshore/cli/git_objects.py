"""Commits of the tree whose ids begin alike, read from git's own files; no program is run. I/O.

Formats: git's documentation, "gitformat-pack" (pack index version 2, pack entries). Loose objects
and packs are looked at; an index of another version, or a file that is cut off, is passed over.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

_MAGIC = b"\xfftOc\x00\x00\x00\x02"
_FANOUT = 8
_NAMES = _FANOUT + 256 * 4
_COMMIT, _OFS_DELTA, _REF_DELTA = 1, 6, 7
_LARGE = 0x80000000
_DEEPEST = 64


def commits_like(home: Path, sha: str, length: int) -> set[str]:
    """Commits of the tree, whole, whose ids have the first `length` digits of this one."""
    if len(sha) not in (40, 64) or length > len(sha):
        return set()
    prefix, objects = sha[:length], home / "objects"
    found = set(_loose(objects, prefix))
    try:
        for index in sorted((objects / "pack").glob("*.idx")):
            found |= set(_packed(index, prefix, len(sha) // 2))
    except OSError:
        return found
    return found


def _loose(objects: Path, prefix: str) -> Iterator[str]:
    try:
        files = sorted((objects / prefix[:2]).glob(f"{prefix[2:]}*"))
    except OSError:
        return
    for file in files:
        try:
            head = zlib.decompressobj().decompress(file.read_bytes()[:4096], 16)
        except (OSError, zlib.error):
            continue
        if head.startswith(b"commit "):
            yield file.parent.name + file.name


def _packed(index: Path, prefix: str, width: int) -> Iterator[str]:
    """Ids of commits in one pack; the index is sorted, so a search finds the first."""
    try:
        with index.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
            if held[:_FANOUT] == _MAGIC:
                yield from [
                    name
                    for place, name in _alike(held, prefix, width)
                    if _is_commit(index.with_suffix(".pack"), held, place, width)
                ]
    except (OSError, ValueError, struct.error, IndexError):
        return


def _alike(held: mmap.mmap, prefix: str, width: int) -> Iterator[tuple[int, str]]:
    low, high = 0, _count(held)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if _name(held, middle, width) < prefix else (low, middle)
    while low < _count(held) and (name := _name(held, low, width)).startswith(prefix):
        yield low, name
        low += 1


def _count(held: mmap.mmap) -> int:
    return int(struct.unpack_from(">I", held, _NAMES - 4)[0])


def _name(held: mmap.mmap, place: int, width: int) -> str:
    at = _NAMES + place * width
    return held[at : at + width].hex()


def _offset(held: mmap.mmap, place: int, width: int) -> int:
    """Where an object stands in the pack: behind ids and checksums there are 4 bytes for each."""
    table = _NAMES + _count(held) * (width + 4)
    found = int(struct.unpack_from(">I", held, table + place * 4)[0])
    if found < _LARGE:
        return found
    large = table + _count(held) * 4 + (found - _LARGE) * 8
    return int(struct.unpack_from(">Q", held, large)[0])


def _is_commit(pack: Path, held: mmap.mmap, place: int, width: int) -> bool:
    """Whether the object is a commit; a delta is what its base is."""
    offset = _offset(held, place, width)
    with pack.open("rb") as file:
        for _ in range(_DEEPEST):
            file.seek(offset)
            entry = file.read(32 + width)
            kind, size = (entry[0] >> 4) & 7, 1
            while entry[size - 1] & 0x80:
                size += 1
            if kind == _OFS_DELTA:
                offset -= _distance(entry, size)
            elif kind == _REF_DELTA:
                base = entry[size : size + width].hex()
                found = next((at for at, name in _alike(held, base, width) if name == base), None)
                if found is None:
                    return True
                offset = _offset(held, found, width)
            else:
                return kind == _COMMIT
    return True


def _distance(entry: bytes, at: int) -> int:
    """The distance to the base of a delta: 7 bits a byte, each longer form begins one higher."""
    value = entry[at] & 0x7F
    while entry[at] & 0x80:
        at += 1
        value = ((value + 1) << 7) | (entry[at] & 0x7F)
    return value
