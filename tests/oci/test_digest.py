"""Digests: grammar, and hashing in any pieces."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as some

from longshore.errors import UsageError
from longshore.oci.digest import Digest, Hasher, digest_of, is_digest, parse_digest, short


@given(some.binary(max_size=500))
def test_the_digest_is_sha256_of_the_bytes(content: bytes) -> None:
    digest = digest_of(content)
    assert digest == "sha256:" + hashlib.sha256(content).hexdigest()
    assert parse_digest(digest) == digest
    assert short(digest) == digest[7:19]


@given(some.lists(some.binary(max_size=80)), some.sampled_from(["sha256", "sha512"]))
def test_pieces_do_not_matter(pieces: list[bytes], algorithm: str) -> None:
    whole = b"".join(pieces)
    expected = Digest(f"{algorithm}:{hashlib.new(algorithm, whole).hexdigest()}")
    hasher = Hasher(expected)
    for piece in pieces:
        hasher.update(piece)
    assert hasher.matches()
    assert hasher.size == len(whole)
    hasher.update(b"x")
    assert not hasher.matches()


@pytest.mark.parametrize(
    "text",
    [
        "", "sha256", "sha256:", "sha256:" + "a" * 63, "sha256:" + "a" * 65, "SHA256:" + "a" * 64,
        "sha256:" + "g" * 64, "sha256:" + "A" * 64, "sha512:" + "a" * 64, "md5:" + "a" * 32,
        " sha256:" + "a" * 64, "sha256:" + "a" * 64 + "\n", "sha256:../" + "a" * 61,
    ],
)  # fmt: skip
def test_what_is_no_digest(text: str) -> None:
    assert not is_digest(text)
    with pytest.raises(UsageError):
        parse_digest(text)
