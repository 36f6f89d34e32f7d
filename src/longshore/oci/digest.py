"""Digests of content: parse, compute, check while streaming. Pure.

OCI image-spec, descriptor.md "Digests". Registered algorithms: sha256 and sha512.
"""

from __future__ import annotations

import hashlib
import re
from typing import NewType

from longshore.errors import UsageError
from longshore.text import tr

Digest = NewType("Digest", str)

_LENGTHS = {"sha256": 64, "sha512": 128}
_SHAPE = re.compile(r"(?P<algorithm>[a-z0-9]+(?:[.+_-][a-z0-9]+)*):(?P<encoded>[a-zA-Z0-9=_-]+)\Z")


def parse_digest(text: str) -> Digest:
    """The digest, checked: a registered algorithm and so many lower-case hex digits.

    Raises UsageError.
    """
    match = _SHAPE.match(text)
    if match is None or match["algorithm"] not in _LENGTHS:
        raise UsageError(
            tr("'{text}' is not a digest", text=text),
            tr("a digest is sha256: followed by 64 hex digits"),
            code="bad-digest",
        )
    encoded = match["encoded"]
    if len(encoded) != _LENGTHS[match["algorithm"]] or not re.fullmatch("[0-9a-f]+", encoded):
        raise UsageError(
            tr(
                "'{text}' is not a digest: {algorithm} takes {length} lower-case hex digits",
                text=text,
                algorithm=match["algorithm"],
                length=_LENGTHS[match["algorithm"]],
            ),
            tr("copy the digest whole, for example from `skopeo inspect`"),
            code="bad-digest",
        )
    return Digest(text)


def is_digest(text: str) -> bool:
    """Whether `parse_digest` would take the text."""
    try:
        parse_digest(text)
    except UsageError:
        return False
    return True


def digest_of(content: bytes) -> Digest:
    """The sha256 digest of the content.

    >>> digest_of(b"")[:19]
    'sha256:e3b0c44298fc'
    """
    return Digest("sha256:" + hashlib.sha256(content).hexdigest())


def short(digest: str) -> str:
    """Twelve hex digits, for tables."""
    return digest.partition(":")[2][:12]


class Hasher:
    """Hashes what flows by and says at the end whether it was what it claimed to be."""

    def __init__(self, expected: Digest) -> None:
        self.expected = expected
        self._hash = hashlib.new(expected.partition(":")[0])
        self.size = 0

    def update(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take the next piece of content."""
        self._hash.update(chunk)
        self.size += len(chunk)

    def digest(self) -> Digest:
        """The digest of all pieces so far."""
        return Digest(f"{self.expected.partition(':')[0]}:{self._hash.hexdigest()}")

    def matches(self) -> bool:
        """Whether the pieces so far have the expected digest."""
        return self.digest() == self.expected
