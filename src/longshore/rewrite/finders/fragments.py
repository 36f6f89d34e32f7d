"""Parts of manifests and values that stand alone: patches, pod templates, values of any name. Pure.

A JSON patch on an `image`; a mapping with `containers` and no `apiVersion`; a mapping with
`image: {repository: ..., tag: ...}`, which only Helm values have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.helm_chart import chart_of
from longshore.rewrite.finders.helm_values import mentions_of_chart_values
from longshore.rewrite.finders.kubernetes_walk import Walk
from longshore.rewrite.finders.kustomize import json_patch
from longshore.rewrite.finders.manifest import Manifest, text_of
from longshore.rewrite.mentions import Mention
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.masked_yaml import read_of
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Sequence, walk

_HINT = re.compile(r"\b(?:containers|initContainers|repository|op)[\"']?[ \t]*:")
_PARTS_OF_HINTS = ("ontainers", "repository", "op:", 'op"', "op'", "op ", "op\t")
_LISTS = ("containers", "initContainers", "ephemeralContainers")
_SPLIT = ("tag", "pullPolicy", "digest", "registry")


def takes(path: str) -> bool:
    """Whether a file may be one, by its name."""
    return path.lower().endswith((".yaml", ".yml", ".json"))


def find(file: SourceFile, tree: Tree) -> Iterable[Mention] | None:
    """The images of a part of a manifest or of values; None when it is none."""
    if not any(part in file.text for part in _PARTS_OF_HINTS) or not _HINT.search(file.text):
        return None
    found: dict[object, Mention] = {}
    known = False
    for root in read_of(file).documents:
        mentions = _mentions(file, tree, root)
        known = known or mentions is not None
        for one in mentions or ():
            found.setdefault(one.span, one)
    return list(found.values()) if known else None


def _mentions(file: SourceFile, tree: Tree, root: Node) -> list[Mention] | None:
    manifest = Manifest(file, "k8s-image")
    if isinstance(root, Sequence) and _is_patch(root):
        inner = [one for value in _values(root) for one in Walk(manifest).mentions(value)]
        return [*json_patch(manifest, root), *inner]
    if _has_containers(root):
        return list(Walk(manifest).mentions(root))
    if isinstance(root, Mapping) and _has_split_image(root):
        values = Manifest(file, "helm-values")
        return list(mentions_of_chart_values(values, root, chart_of(file.path, tree)))
    return None


def _is_patch(root: Sequence) -> bool:
    items = [one for one in root.items if isinstance(one, Mapping)]
    return bool(items) and all(
        text_of(one.get("op")) and text_of(one.get("path")).startswith("/") for one in items
    )


def _values(root: Sequence) -> list[Node]:
    values = [one.get("value") for one in root.items if isinstance(one, Mapping)]
    return [one for one in values if one is not None]


def _has_containers(root: Node) -> bool:
    for node in walk(root):
        if not isinstance(node, Mapping):
            continue
        for key in _LISTS:
            items = [one for one in node.sequence(key) if isinstance(one, Mapping)]
            if any(text_of(one.get("image")) and text_of(one.get("name")) for one in items):
                return True
    return False


def _has_split_image(root: Node) -> bool:
    for node in walk(root):
        image = node.get("image") if isinstance(node, Mapping) else None
        if not isinstance(image, Mapping) or not text_of(image.get("repository")):
            continue
        if any(image.get(key) is not None for key in _SPLIT):
            return True
    return False


FINDER = Finder("fragments", takes, find, (b"image",))
