"""The seed's own key: signatures that verify, the same ones each time. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable


def signer(seed: int) -> tuple[Callable[[bytes], bytes], str]:
    """A function that signs (Ed25519), and the public key as PEM. The key is no secret."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = Ed25519PrivateKey.from_private_bytes(
        hashlib.sha256(f"longshore seed {seed}".encode()).digest()
    )
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return key.sign, pem.decode()
