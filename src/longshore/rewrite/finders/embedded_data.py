"""Images named in JSON or YAML that stands as text inside another file. Pure.

Container definitions in a heredoc, Helm values in Terraform, a manifest in a template: the text is
read as data where it parses, and by the rule of a line (`image: x`) where it does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from longshore.rewrite.mentions import OPEN
from longshore.rewrite.source import Span
from longshore.rewrite.syntax.json_nodes import parse_json
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar, parse_yaml, walk

_LINE = re.compile(
    r"""^[ \t]*(?:-[ \t]+)?(?P<q>["']?)image(?P=q)[ \t]*:[ \t]+(?P<v>["']?)"""
    r"""(?P<image>[^\s"'#,{}\[\]&*|>]+)(?P=v)[ \t]*,?[ \t\r]*(?:#[^\n]*)?$""",
    re.MULTILINE,
)
_ESCAPED = re.compile(r'\\"image\\"\s{0,9}:\s{0,9}\\"(?P<image>[^"\\\s]{1,500})\\"')
_KEYS = ("image", "Image")
_PICTURE = re.compile(r"\.(?:png|jpe?g|svg|gif|ico|webp)\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Spot:
    """Where an image stands in a text; `registry` and `tag` when they are written apart."""

    image: Span
    registry: Span | None = None
    tag: Span | None = None


def json_spots(text: str) -> Iterator[Spot]:
    """The images of a JSON text."""
    for document in parse_json(text).documents:
        yield from _spots(document)


def yaml_spots(text: str) -> Iterator[Spot]:
    """The images of a YAML text; by lines when it cannot be read."""
    read = parse_yaml(text)
    if read.problem:
        yield from line_spots(text)
        return
    for document in read.documents:
        yield from _spots(document)


def line_spots(text: str) -> Iterator[Spot]:
    """The images of lines that say `image: x`, in whatever they stand."""
    for found in _LINE.finditer(text):
        if not _PICTURE.search(found["image"]):
            yield Spot(Span(found.start("image"), found.end("image")))


def escaped_spots(text: str) -> Iterator[Spot]:
    """The images of JSON that is written inside a quoted string."""
    for found in _ESCAPED.finditer(text):
        yield Spot(Span(found.start("image"), found.end("image")))


def _spots(document: Node) -> Iterator[Spot]:
    for node in walk(document):
        if not isinstance(node, Mapping):
            continue
        for key, value in node.pairs:
            if not isinstance(key, Scalar) or key.value not in _KEYS:
                continue
            if isinstance(value, Scalar) and _stands(value):
                yield Spot(value.span)
            elif isinstance(value, Mapping) and (spot := _split(value)) is not None:
                yield spot


def _split(node: Mapping) -> Spot | None:
    repository = node.get("repository") or node.get("name")
    if not isinstance(repository, Scalar) or not _stands(repository):
        return None
    registry, tag = node.get("registry"), node.get("digest")
    tag = tag if isinstance(tag, Scalar) and tag.value.startswith("sha256:") else node.get("tag")
    return Spot(
        repository.span,
        registry.span if isinstance(registry, Scalar) and _stands(registry) else None,
        tag.span if isinstance(tag, Scalar) and _stands(tag) else None,
    )


def _stands(node: Scalar) -> bool:
    """Whether the value is written as it is, on one line."""
    written = node.raw.strip()
    return bool(written) and written == node.value.strip() and written.strip(OPEN) != "null"
