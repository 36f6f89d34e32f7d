"""OCI labels and annotations of a build: what an image says about itself. Pure.

Keys: image-spec, "Pre-Defined Annotation Keys" (`org.opencontainers.image.*`). The same pairs serve
as labels of the image's config and as annotations of its manifest. What is not known is left out.

>>> labels(Origin("https://github.com/acme/shop", "shop"), "abc1234", "v2.0.0", None)["version"]
'v2.0.0'
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

PREFIX = "org.opencontainers.image."
REVISION = f"{PREFIX}revision"
_LONGEST = 500
_NO_LICENSE = ("", "NOASSERTION")


@dataclass(frozen=True)
class Origin:
    """Where the source is: the tree's address, its name, its licence by SPDX id."""

    url: str = ""
    title: str = ""
    licenses: str = ""


def labels(origin: Origin, revision: str, tag: str, at: datetime | None) -> dict[str, str]:
    """The pairs by the last part of their key; `tag` is the build's own."""
    pairs = {
        "created": f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if at else "",
        "revision": revision,
        "version": tag,
        "ref.name": tag,
        "title": origin.title,
        "source": origin.url,
        "url": origin.url,
        "licenses": "" if origin.licenses in _NO_LICENSE else origin.licenses,
    }
    return {key: text for key, value in pairs.items() if (text := _one_line(value))}


def with_keys(pairs: Mapping[str, str]) -> dict[str, str]:
    """The pairs by their whole keys, sorted."""
    return {f"{PREFIX}{key}": pairs[key] for key in sorted(pairs)}


def as_lines(pairs: Mapping[str, str], level: str = "") -> list[str]:
    """Lines as docker/build-push-action takes them; `level` (`manifest:`) for annotations."""
    return [f"{level}{key}={value}" for key, value in with_keys(pairs).items()]


def revision_in(pairs: Iterable[tuple[str, str]]) -> str:
    """The commit that labels or annotations name; empty when they do not."""
    return next((value for key, value in pairs if key == REVISION), "")


def _one_line(value: str) -> str:
    plain = "".join(char if char.isprintable() else " " for char in value)
    return " ".join(plain.split())[:_LONGEST]
