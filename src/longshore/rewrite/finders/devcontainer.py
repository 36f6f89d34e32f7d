"""Development containers: `image`, and what their build gives the Dockerfile. Pure.

Reference: containers.dev/implementors/json_reference. Features are artifacts, not images.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from longshore.rewrite.finders.expansion import Dialect, expand, nothing_known
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.image_values import Finding, piece_of, scalars, unique
from longshore.rewrite.mentions import BuildArgument, Mention, Sighting
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.json_nodes import json_documents
from longshore.rewrite.syntax.yaml_nodes import Mapping, Scalar

KIND = "devcontainer-image"
MARKS = (b"image", b"docker", b"build", b"Docker", b"podman")
_PATH = re.compile(
    r"(?:\A|/)(?:\.?devcontainer[^/]*\.jsonc?|\.?devcontainers?/(?:.*/)?[^/]*devcontainer[^/]*\.jsonc?)\Z",
    re.IGNORECASE,
)
_DIALECT = Dialect(
    re.compile(
        r"\$\{(?P<name>\w{1,20}:[\w.]{1,200})(?::(?P<default>[^}\n]{0,200}))?\}|\$\{[^}\n]{0,200}\}"
    )
)
_COMMANDS: tuple[str, ...] = ("initializeCommand", "onCreateCommand", "updateContentCommand")
_COMMANDS += ("postCreateCommand", "postStartCommand", "postAttachCommand")


def takes(path: str) -> bool:
    """Whether a path describes a development container."""
    return _PATH.search(path) is not None


def find(file: SourceFile, tree: Tree) -> list[Sighting]:
    """The image, the caches of a build, and the build's arguments."""
    found: list[Sighting] = []
    mentions: list[Mention] = []
    for root in json_documents(file).documents:
        if isinstance(root, Mapping):
            mentions += _of_document(file, root)
            found += _arguments(file, root)
    return [*unique(mentions), *found]


def _of_document(file: SourceFile, root: Mapping) -> Iterator[Mention]:
    finding = Finding(file, KIND, "host", _DIALECT)
    yield from finding.image(root.get("image"))
    for one in scalars(root.mapping("build").get("cacheFrom")):
        if "=" not in one.value:
            yield from finding.image(one, "cache")
    for key in _COMMANDS:
        command = root.get(key)
        if isinstance(command, Mapping):
            for _, value in command.items():
                yield from finding.script(scalars(value) if isinstance(value, Scalar) else [])
        elif isinstance(command, Scalar):
            yield from finding.script([command])


def _arguments(file: SourceFile, root: Mapping) -> Iterator[BuildArgument]:
    build = root.mapping("build")
    name = build.text("dockerfile") or build.text("dockerFile") or root.text("dockerFile")
    if not name:
        return
    path = posixpath.normpath(posixpath.join(file.folder, name))
    for key, value in build.mapping("args").items():
        place = piece_of(file, value) if isinstance(value, Scalar) else None
        if place is not None and isinstance(value, Scalar):
            readings = expand(value.value, _DIALECT, nothing_known)
            yield BuildArgument(path, key.value, readings[0].value, file.path, place.span)
