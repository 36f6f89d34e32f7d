"""Buildkite: the docker and docker-compose plugins of steps, pod specs, commands. Pure.

Plugins: github.com/buildkite-plugins. A plugin's key is `docker#v5.9.0`, a bare `docker`, or the
address of its repository.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.rewrite.finders.expansion import Dialect, Known, Lookup
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.image_values import Finding, piece_of, scalars, unique
from longshore.rewrite.finders.node_paths import mappings, mappings_at, nodes_at
from longshore.rewrite.mentions import Mention
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.masked_yaml import read_of
from longshore.rewrite.syntax.yaml_nodes import Mapping, Scalar

KIND = "buildkite"
MARKS = (b"docker", b"image", b"podman")
_PATH = re.compile(
    r"(?:\A|/)(?:\.?buildkite/.*|\.?buildkite[^/]*)\.(?:ya?ml|json)(?:\.\w+)?\Z", re.IGNORECASE
)
_PLUGIN = re.compile(
    r"(?:\A|/)(?P<name>docker|docker-compose|docker-login|kubernetes)"
    r"(?:-buildkite-plugin(?:\.git)?)?(?:#.*)?\Z"
)
_DIALECT = Dialect(
    re.compile(
        r"\\?\$?\$\{(?P<braced>\w{1,200})(?::?[-?](?P<default>[^}\n]{0,200}))?[^}\n]{0,200}\}"
        r"|\\?\$?\$(?P<name>[A-Za-z_]\w{0,200})|\{\{\s{0,9}(?P<other>matrix[\w.]{0,200})\s{0,9}\}\}"
    ),
    masked=re.compile(r"\{\{[^}\n]{0,200}\}\}"),
)


def takes(path: str) -> bool:
    """Whether a path is a Buildkite pipeline."""
    return _PATH.search(path) is not None


def find(file: SourceFile, tree: Tree) -> list[Mention] | None:
    """The mentions of a pipeline; None for other files of the folder."""
    found: list[Mention] = []
    for root in read_of(file).documents:
        if isinstance(root, Mapping) and root.get("services") is not None:
            return None
        for node in mappings(root):
            found += _of_mapping(file, root if isinstance(root, Mapping) else node, node)
    return unique(found)


def _of_mapping(file: SourceFile, root: Mapping, node: Mapping) -> Iterator[Mention]:
    finding = Finding(file, KIND, "job-start", _DIALECT, _lookup(file, root, node))
    for plugin in mappings_at(node, "plugins"):
        yield from _of_plugins(finding, plugin)
    for plugin in mappings_at(node, "plugins.*"):
        yield from _of_plugins(finding, plugin)
    for key in ("command", "commands"):
        yield from finding.script(scalars(node.get(key)))
    if any(node.get(key) is not None for key in ("steps", "command", "commands", "label")):
        yield from finding.image(node.get("image"))


def _of_plugins(finding: Finding, plugins: Mapping) -> Iterator[Mention]:
    for key, value in plugins.items():
        plugin = _PLUGIN.search(key.value)
        if plugin is None or not isinstance(value, Mapping):
            continue
        if plugin["name"] == "docker":
            yield from finding.image(value.get("image"))
            for one in scalars(value.get("sidecars")):
                yield from finding.image(one)
        elif plugin["name"] == "kubernetes":
            for path in ("podSpec.**.containers.*.image", "podSpec.**.initContainers.*.image"):
                for node in nodes_at(value, path):
                    yield from finding.image(node)
            for node in nodes_at(value, "sidecars.*.image"):
                yield from finding.image(node)
        elif plugin["name"] == "docker-compose":
            yield from _of_compose(finding, value)


def _of_compose(finding: Finding, plugin: Mapping) -> Iterator[Mention]:
    """`push: service:repository:tag`, `cache-from: service:repository:tag`, `image-repository`."""
    for key in ("push", "cache-from"):
        for one in scalars(plugin.get(key)):
            service, colon, reference = one.value.partition(":")
            start = len(service) + 1
            span = one.locate(start, start + len(reference))
            if not colon or not reference or span is None or "/" in service:
                continue
            part = Scalar(reference, span, "", reference)
            yield from finding.image(part, "push" if key == "push" else "cache")
    yield from finding.image(plugin.get("image-repository"), "push")


def _lookup(file: SourceFile, root: Mapping, node: Mapping) -> Lookup:
    values: dict[str, list[Known]] = {}
    for holder in (root, node):
        for key, value in holder.mapping("env").items():
            if isinstance(value, Scalar):
                values[key.value] = [Known(value.value, piece_of(file, value))]
    matrix = node.get("matrix")
    setup = matrix.get("setup") if isinstance(matrix, Mapping) else matrix
    rows = setup.items() if isinstance(setup, Mapping) else ()
    for name, listed in (("matrix", setup), *((f"matrix.{key.value}", one) for key, one in rows)):
        values[name] = [
            Known(one.value, piece_of(file, one), listed=True) for one in scalars(listed)
        ]
    return lambda name: values.get(name) or None
