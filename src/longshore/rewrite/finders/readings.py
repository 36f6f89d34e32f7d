"""What finders of languages share: one reading of an expression, and its mention. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from longshore.errors import UsageError
from longshore.oci.reference import parse_reference
from longshore.rewrite.mentions import OPEN, Mention, Piece, Pulled, Role
from longshore.rewrite.source import SourceFile, Span

_OPENS = re.compile(f"{OPEN}{{2,}}")
_PICTURE = re.compile(r"\.(?:png|jpe?g|svg|gif|ico|webp|iso|qcow2|img|vhd|tar|gz|zip)\Z", re.I)
_OPEN_REGISTRY = re.compile(f"{OPEN}/[a-z0-9][a-z0-9._/-]*[:@].+")


@dataclass(frozen=True)
class Value:
    """One reading of an expression. `used` are the definitions that it was made of."""

    text: str
    pieces: tuple[Piece, ...] = ()
    missing: tuple[str, ...] = ()
    used: tuple[tuple[str, Span], ...] = ()

    @property
    def known(self) -> bool:
        """Whether anything of a name is known."""
        return self.text.strip(OPEN + ":/@") != ""


def is_certain(text: str) -> bool:
    """Whether a text can be nothing but an image: it has a tag, a digest or a registry's host.

    >>> is_certain("redis:7"), is_certain("ubuntu-2204-lts"), is_certain("debian-cloud/debian-11")
    (True, False, False)
    """
    text = _OPENS.sub(OPEN, text)
    if "://" in text or any(sign.isspace() for sign in text) or text.startswith((OPEN, ".", "/")):
        return _OPEN_REGISTRY.fullmatch(text) is not None
    try:
        reference = parse_reference(text.replace(OPEN, "x"))
    except UsageError:
        return False
    if _PICTURE.search(reference.repository):
        return False
    return bool(reference.tag or reference.digest or not reference.is_hub)


def mention(
    file: SourceFile,
    kind: str,
    span: Span,
    value: Value,
    role: Role = "pull",
    pulled: Pulled | None = "node",
    built: bool = False,
    job: str = "",
) -> Mention:
    """A mention of characters of a file with one reading of them."""
    text = file.cut(span)
    whole = _OPENS.sub(OPEN, value.text)
    return Mention(
        kind,
        role,
        span,
        text,
        None if whole == text else whole,
        pulled=pulled if role == "pull" else None,
        job=job,
        pieces=value.pieces,
        needs=", ".join(dict.fromkeys(value.missing)),
        built=built,
    )
