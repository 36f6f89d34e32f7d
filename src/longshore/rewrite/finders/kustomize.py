"""Kustomizations: images that are put in the place of others, charts, patches. Pure.

`images[].newName` (or `name`, when only the tag is set) is the place of use. A `name` alone is
reported when it has a path, or when a manifest below uses it: else it stands for nothing.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.helm_oci import chart_mention
from longshore.rewrite.finders.helm_values import mentions_of_values
from longshore.rewrite.finders.kubernetes_walk import Walk
from longshore.rewrite.finders.line_rule import line_rule_mentions
from longshore.rewrite.finders.manifest import Manifest, text_of
from longshore.rewrite.finders.shape import cover, has_tag, is_possible, names_something
from longshore.rewrite.mentions import OPEN, Mention, Part, Piece
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.masked_yaml import read_of
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence, documents
from longshore.text import tr

KIND = "kustomize-images"

_NAMES = frozenset({"kustomization.yaml", "kustomization.yml", "kustomization"})
_MOST_FILES = 200
_NEAR = 40


def takes(path: str) -> bool:
    """Whether a file is a kustomization by its name."""
    return path.rpartition("/")[2].lower() in _NAMES


def is_kustomization(version: str, kind: str) -> bool:
    """Whether an object is one."""
    return kind in ("Kustomization", "Component") and version.startswith("kustomize.config.k8s.io")


def find(file: SourceFile, tree: Tree) -> Iterable[Mention] | None:
    """The images of a file that kustomize reads."""
    read = read_of(file)
    roots = [one for one in read.documents if isinstance(one, Mapping)]
    if not roots:
        return line_rule_mentions(file, KIND) if read.problem else ()
    if any(".toolkit.fluxcd.io" in text_of(one.get("apiVersion")) for one in roots):
        return None
    manifest = Manifest(file, KIND)
    return [one for root in roots for one in mentions_of_kustomization(manifest, root, tree)]


def mentions_of_kustomization(manifest: Manifest, root: Mapping, tree: Tree) -> Iterator[Mention]:
    """What one kustomization names."""
    manifest = replace(manifest, kind=KIND)
    for node in root.sequence("images"):
        if isinstance(node, Mapping):
            yield from _image(manifest, node, root, tree)
    for key in ("configMapGenerator", "secretGenerator"):
        for node in root.sequence(key):
            yield from Walk(replace(manifest, kind="k8s-image")).mentions(node)
    yield from _charts(manifest, root)
    yield from _patches(replace(manifest, kind="k8s-image"), root)


def images_of_strings(manifest: Manifest, nodes: Iterable[Node]) -> Iterator[Mention]:
    """Argo CD's short form: `name=newName:tag` or `name:tag`."""
    for node in nodes:
        if not isinstance(node, Scalar) or node.raw != node.value:
            continue
        span = manifest.place(node)
        start = node.value.find("=") + 1
        value = cover(node.value[start:])
        if span is not None and names_something(value) and is_possible(value):
            at = type(span)(span.start + start, span.end)
            if start or has_tag(value):
                yield manifest.mention(at, value)


def replaced_names(path: str, tree: Tree) -> frozenset[str]:
    """Names for which a kustomization near this file puts another."""
    folder = posixpath.dirname(path)
    above = posixpath.dirname(posixpath.dirname(folder)) if folder else ""
    near = [one for one in kustomizations(tree.paths) if _is_near(one, folder, above)]
    found: set[str] = set()
    for one in near[:_NEAR]:
        file = tree.file(one)
        if file is not None:
            found |= file.once("kustomize-replaced", _replaced)
    return frozenset(found)


@lru_cache(maxsize=4)
def kustomizations(paths: frozenset[str]) -> tuple[str, ...]:
    """All kustomizations of a tree."""
    return tuple(sorted(path for path in paths if takes(path)))


def _is_near(path: str, folder: str, above: str) -> bool:
    where = posixpath.dirname(path)
    parents = folder == where or folder.startswith(where + "/") or not where
    return parents or not above or where.startswith(above + "/") or where == above


def _replaced(file: SourceFile) -> frozenset[str]:
    found = set()
    for root in documents(file).documents:
        for node in root.sequence("images") if isinstance(root, Mapping) else ():
            if isinstance(node, Mapping):
                name, new = text_of(node.get("name")), text_of(node.get("newName"))
                if name and new and name != new:
                    found.add(name)
    return frozenset(found)


def _image(manifest: Manifest, node: Mapping, root: Mapping, tree: Tree) -> Iterator[Mention]:
    name, new = node.get("name"), node.get("newName")
    tag, digest = text_of(node.get("newTag")), text_of(node.get("digest"))
    written = text_of(new)
    place = new if written and isinstance(new, Scalar) else name
    if not isinstance(place, Scalar) or not text_of(place):
        return
    own = text_of(name) == text_of(place)
    if own and not _stands_for_itself(text_of(place), bool(tag or digest), manifest, root, tree):
        return
    placed = manifest.value_of(place)
    if placed is None:
        return
    span, value = placed[0], cover(placed[1])
    if not has_tag(value):
        value += f"@{cover(digest)}" if digest else f":{cover(tag) or OPEN}"
    if not names_something(value) or not is_possible(value):
        return
    pieces = _pieces(manifest, node, written)
    remark = "" if written else tr("the manifests say this name too")
    yield replace(manifest.mention(span, value, pieces=pieces), condition=remark)


def _stands_for_itself(
    name: str, is_set: bool, manifest: Manifest, root: Mapping, tree: Tree
) -> bool:
    if not is_set or name == "controller":
        return False
    return "/" in name or _is_used(name, manifest.file.folder, root, tree)


def _pieces(manifest: Manifest, node: Mapping, new: str) -> Iterator[Piece]:
    parts: list[tuple[str, Part]] = [("newTag", "tag"), ("digest", "digest")]
    if new:
        parts.insert(0, ("newName", "repository"))
    for key, part in parts:
        value = node.get(key)
        if isinstance(value, Scalar) and text_of(value):
            piece = manifest.piece(value, part)
            if piece is not None:
                yield piece


def _charts(manifest: Manifest, root: Mapping) -> Iterator[Mention]:
    for node in root.sequence("helmCharts"):
        if not isinstance(node, Mapping):
            continue
        yield from chart_mention(manifest, node, "repo", "name", "version")
        values = node.get("valuesInline")
        if isinstance(values, Mapping):
            yield from mentions_of_values(replace(manifest, kind="helm-values"), values)


def _patches(manifest: Manifest, root: Mapping) -> Iterator[Mention]:
    """Patches that stand in the kustomization itself."""
    scalars: list[Node] = [*root.sequence("patchesStrategicMerge")]
    for key in ("patches", "patchesJson6902"):
        for node in root.sequence(key):
            patch = node.get("patch") if isinstance(node, Mapping) else None
            if isinstance(patch, Sequence):
                yield from json_patch(manifest, patch)
            elif isinstance(patch, Mapping):
                yield from Walk(manifest).mentions(patch)
            elif patch is not None:
                scalars.append(patch)
    for scalar in scalars:
        inner = manifest.inner(scalar) if isinstance(scalar, Scalar) else None
        if inner is None:
            continue
        for document in inner[1]:
            if isinstance(document, Sequence):
                yield from json_patch(inner[0], document)
            yield from Walk(inner[0]).mentions(document)


def json_patch(manifest: Manifest, patch: Sequence) -> Iterator[Mention]:
    """Operations of a JSON patch (RFC 6902) on an `image`."""
    for node in patch.items:
        if not isinstance(node, Mapping) or text_of(node.get("op")) not in ("add", "replace"):
            continue
        if re.search(r"/image(?:Name)?\Z", text_of(node.get("path"))):
            mention = manifest.image(node.get("value"))
            if mention is not None:
                yield mention


def _is_used(name: str, folder: str, root: Mapping, tree: Tree) -> bool:
    """Whether a manifest that the kustomization takes in uses an image of this name."""
    wanted = re.compile(rf"image:[ \t]*[\"']?{re.escape(name)}(?=[:@\"'\s]|\Z)")
    for path in _resources(folder, root, tree):
        file = tree.file(path)
        if file is not None and name in file.text and wanted.search(file.text):
            return True
    return False


def resources_of(path: str, root: Mapping, tree: Tree) -> frozenset[str]:
    """The files of the tree that a kustomization takes in, those of other kustomizations too."""
    return frozenset(_resources(posixpath.dirname(path), root, tree))


def _resources(folder: str, root: Mapping, tree: Tree) -> Iterator[str]:
    """The files that a kustomization takes in, those of other kustomizations too."""
    waiting, seen = [(folder, root)], {folder}
    given = 0
    while waiting and given < _MOST_FILES:
        folder, node = waiting.pop()
        named = [*node.sequence("resources"), *node.sequence("bases"), *node.sequence("components")]
        for one in named:
            path = posixpath.normpath(posixpath.join(folder, text_of(one)))
            path = "" if path == "." else path
            given += 1
            if path in tree.paths:
                yield path
            elif path not in seen and not path.startswith(".."):
                seen.add(path)
                waiting += [(path, inner) for inner in _kustomizations_in(path, tree)]


def _kustomizations_in(folder: str, tree: Tree) -> Iterator[Mapping]:
    for name in ("kustomization.yaml", "kustomization.yml", "Kustomization"):
        path = posixpath.join(folder, name)
        file = tree.file(path) if path in tree.paths else None
        if file is not None:
            yield from (one for one in documents(file).documents if isinstance(one, Mapping))


FINDER = Finder("kustomize", takes, find)
