"""Helm charts that are fetched from an OCI registry: which, and at which version. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from longshore.rewrite.finders.manifest import Manifest, text_of
from longshore.rewrite.finders.shape import cover, has_tag, is_possible
from longshore.rewrite.mentions import OPEN, Mention, Part, Piece
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar

KIND = "helm-chart-oci"

_HUB = re.compile(r"(?:registry-1\.docker\.io|(?:index\.)?docker\.io)/[\w./-]+\Z")
_BARE = re.compile(r"[\w-]+(?:\.[\w-]+)+(?::[0-9]+)?/[\w./-]+\Z")  # Argo CD writes no scheme
_VERSION = re.compile(r"v?[0-9]+(?:\.[0-9]+){2}(?:[-+][0-9A-Za-z.+-]+)?\Z")


def chart_mention(
    manifest: Manifest, node: Mapping, url: str, name: str, version: str
) -> Iterator[Mention]:
    """The chart that a mapping names with these keys, when its registry is an OCI one."""
    yield from chart_at(manifest, node.get(url), node.get(name), node.get(version))


def chart_at(
    manifest: Manifest, url: Node | None, name: Node | None, version: Node | None
) -> Iterator[Mention]:
    """The chart `name` at an OCI address; without a name the address is the whole reference."""
    written = text_of(url)
    bare = _HUB.match(written) or (text_of(name) and _BARE.match(written))
    if not isinstance(url, Scalar) or not (written.startswith("oci://") or bare):
        return
    placed = manifest.value_of(url)
    if placed is None:
        return
    span, value = placed[0], cover(placed[1]).rstrip("/")
    if text_of(name):
        value += f"/{cover(text_of(name))}"
    value += "" if has_tag(value) else tail_of(text_of(version))
    if not is_possible(value):
        return
    pieces = []
    parts: list[tuple[Node | None, Part]] = [(url, "registry" if text_of(name) else "repository")]
    parts.append((version, "tag"))
    for one, part in parts:
        piece = manifest.piece(one, part) if isinstance(one, Scalar) and text_of(one) else None
        if piece is not None:
            pieces.append(Piece(piece.file, piece.span, piece.text, part))
    yield replace(manifest, kind=KIND, pulled="host").mention(span, value, pieces=pieces)


def tail_of(version: str) -> str:
    """A chart's version as a tag (`+` becomes `_`); a range leaves it open."""
    if version.startswith("sha256:"):
        return f"@{version}"
    version = version.removeprefix("=").strip()
    return f":{version.replace('+', '_') if _VERSION.match(version) else OPEN}"
