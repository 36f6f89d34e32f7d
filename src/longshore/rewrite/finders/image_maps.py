"""An image that is written as several values: registry, repository, tag, digest. Pure.

`image: {registry: docker.io, repository: acme/shop, tag: "1"}` and its relatives (`name`, `repo`,
`imageRepository`, `sha`, ...). The mention stands at the repository; each value is a piece.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from longshore.rewrite.finders.manifest import Manifest, text_of
from longshore.rewrite.finders.official import is_official
from longshore.rewrite.finders.shape import (
    cover,
    has_control,
    has_host,
    has_tag,
    is_possible,
    name_of,
    names_something,
)
from longshore.rewrite.mentions import OPEN, Mention, Part, Piece
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar

_REGISTRIES = ("registry", "imageRegistry", "image_registry", "dockerRegistry")
_TAGS = ("tag", "imageTag", "image_tag", "imageVersion", "version")
_DIGESTS = ("digest", "imageDigest", "sha", "sha256", "image_digest")
_REPOSITORIES = ("repository", "imageRepository", "image_repository", "imageRepo")
_NAMES = ("repo", "name", "imageName", "image")
_IMAGE = re.compile(r"(?:^|\.)(?:[\w-]*image|img|images\.[\w-]+)\Z", re.IGNORECASE)
_SIGNS = frozenset({
    *("tag", "digest", "sha", "imageTag", "pullPolicy", "imagePullPolicy", "pullSecrets"),
    *("imagePullSecrets", "registry", "imageRegistry", "image_tag", "imageVersion"),
})  # fmt: skip
_SOURCES = frozenset({
    *("branch", "revision", "targetRevision", "ref", "gitRef", "chart", "chartName", "commit"),
    *("git", "bucket", "username", "backupStorage"),
})  # fmt: skip
_SHA = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class Defaults:
    """What stands elsewhere: a registry for all images, a tag where none is written.

    `namespace` goes before names of which a part is missing, `hub` before bare ones.
    """

    registry: Scalar | None = None
    tag: str = OPEN
    namespace: str = OPEN
    hub: Scalar | None = None
    hub_tag: Scalar | None = None

    def around(self, parts: Parts) -> Parts:
        """Parts with Istio's `hub` before a bare name that is no known image, and its tag."""
        name = parts.name.value
        if self.hub is None or "/" in name or parts.registry or is_official(name_of(name)):
            return parts
        return replace(parts, registry=self.hub, tag=parts.tag or self.hub_tag)


NO_DEFAULTS = Defaults()


def split_image(
    manifest: Manifest, node: Mapping, path: str, defaults: Defaults = NO_DEFAULTS
) -> Mention | None:
    """The image that a mapping is, if it is one. `path` are the last keys above it, dotted."""
    name = _name_of(node, _IMAGE.search(path) is not None)
    if name is None or namespace_of(node):
        return None
    parts = Parts.of(node, name)
    bare = parts.last is None and name is node.get("name") and "/" not in name.value
    if bare and (node.get("repository") is not None or defaults.namespace != OPEN):
        parts = replace(parts, namespace=defaults.namespace)
    return composed(manifest, parts, defaults)


def namespace_of(node: Mapping) -> str:
    """The namespace that `{repository: acme, name: ""}` gives to the names of other images."""
    repository = text_of(node.get("repository"))
    is_open = node.get("name") is not None and not text_of(node.get("name"))
    return repository if is_open and repository and "/" not in repository else ""


def is_split(node: Mapping, path: str) -> bool:
    """Whether `split_image` would take a mapping, and so its `image` is no whole reference."""
    return _name_of(node, _IMAGE.search(path) is not None) is not None


@dataclass(frozen=True)
class Parts:
    """The values that make up one image. `last` is a further part of the name."""

    name: Scalar
    registry: Scalar | None = None
    last: Scalar | None = None
    tag: Scalar | None = None
    digest: Scalar | None = None
    namespace: str = ""

    @staticmethod
    def of(node: Mapping, name: Scalar) -> Parts:
        """The parts that stand in one mapping."""
        last = node.get("image") or (node.get("name") if node.get("registry") else None)
        if not isinstance(last, Scalar) or last is name or not text_of(last):
            last = None
        return Parts(
            name, _first(node, _REGISTRIES), last, _first(node, _TAGS), _first(node, _DIGESTS)
        )


def composed(manifest: Manifest, parts: Parts, defaults: Defaults = NO_DEFAULTS) -> Mention | None:
    """The mention of an image that several values make up; it stands at the name."""
    placed = manifest.value_of(parts.name)
    if placed is None or has_control(parts.name.value):
        return None
    parts = defaults.around(parts)
    span, written = placed
    name = cover(written)
    if parts.namespace:
        name = f"{parts.namespace}/{name}"
    if parts.last is not None and not has_tag(name):
        name = f"{name.rstrip('/')}/{cover(text_of(parts.last)).lstrip('/')}"
    registry = defaults.registry
    if not text_of(registry) or has_host(name):
        registry = parts.registry
    value = _prefixed(name, text_of(registry))
    tag = "" if has_tag(name) else _tag(text_of(parts.tag), text_of(parts.digest), defaults)
    value += tag
    if not names_something(value) or not is_possible(value):
        return None
    pieces = _pieces(manifest, parts, registry)
    return manifest.mention(span, value, pieces=pieces)


def _name_of(node: Mapping, image_like: bool) -> Scalar | None:
    keys = set(node.keys())
    repository = _first(node, _REPOSITORIES)
    if repository is not None:
        signs = bool(keys & _SIGNS or _is_word(node.get("image"))) and not keys & _SOURCES
        return repository if image_like or signs else None
    registry = _first(node, _REGISTRIES)
    if image_like:
        found = _first(node, _NAMES)
        if found is not None and (keys & _SIGNS or "version" in keys or len(keys) == 1):
            return found
        return None
    image = node.get("image")
    if registry is not None and isinstance(image, Scalar) and text_of(image):
        return image
    repo = _first(node, ("repo",))
    if repo is not None and "tag" in keys and keys & (_SIGNS - {"tag"}) and not keys & _SOURCES:
        return repo
    return None


def _is_word(image: Node | None) -> bool:
    """Whether `image` beside `repository` is the last part of a name."""
    text = text_of(image)
    return bool(text) and "/" not in text and ":" not in text


def _prefixed(name: str, registry: str) -> str:
    registry = cover(registry).strip("/")
    if not registry or "://" in registry or has_control(registry):
        return name
    if has_host(name) or name.startswith(registry + "/"):
        return name
    return f"{registry}/{name.lstrip('/')}"


def _tag(tag: str, digest: str, defaults: Defaults) -> str:
    tag, digest = cover(tag).lstrip(":"), cover(digest).lstrip("@")
    if _SHA.match(digest):
        digest = f"sha256:{digest}"
    if tag.startswith(("sha256:", "@")):
        tag, digest = "", tag.lstrip("@")
    if not digest and not tag:
        return f":{defaults.tag}"
    if tag and not is_possible(f"x:{tag}"):
        tag = OPEN
    whole = f":{tag}" if tag else ""
    return whole + (f"@{digest}" if digest and is_possible(f"x@{digest}") else "")


def _pieces(manifest: Manifest, parts: Parts, registry: Scalar | None) -> Iterator[Piece]:
    wanted: list[tuple[Scalar | None, Part]] = [
        (registry, "registry"),
        (parts.name, "repository"),
        (parts.last, "repository"),
        (parts.tag, "tag"),
        (parts.digest, "digest"),
    ]
    for node, part in wanted:
        if node is not None and text_of(node):
            piece = manifest.piece(node, part)
            if piece is not None:
                yield piece


def _first(node: Mapping, names: tuple[str, ...]) -> Scalar | None:
    for name in names:
        value = node.get(name)
        if isinstance(value, Scalar) and text_of(value):
            return value
    return None
