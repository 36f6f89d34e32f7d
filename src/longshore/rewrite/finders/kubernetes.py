"""Kubernetes manifests: any YAML or JSON whose documents have `apiVersion` and `kind`. Pure.

The walk over an object is `kubernetes_walk`'s; Flux, Argo CD and Kustomize objects have rules of
their own. Parameters with a default (Tekton's `$(params.X)`, OpenShift's `${X}`) are filled in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.gitops import is_helm_object, mentions_of_helm_object
from longshore.rewrite.finders.kubernetes_walk import Walk, is_machine_group
from longshore.rewrite.finders.kustomize import (
    is_kustomization,
    mentions_of_kustomization,
    replaced_names,
)
from longshore.rewrite.finders.line_rule import line_rule_mentions
from longshore.rewrite.finders.manifest import Fill, Manifest, text_of
from longshore.rewrite.finders.official import is_official
from longshore.rewrite.finders.shape import cover, name_of
from longshore.rewrite.mentions import Mention, Part, Piece
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.masked_yaml import read_of
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar, YamlFile, parse_yaml

KIND = "k8s-image"

_HINT = re.compile(r"image|docker|oci://|chart|--destination", re.IGNORECASE)
_LOOK = re.compile(r"^[ \t{\"-]{0,20}(?:apiVersion|\"apiVersion\")", re.MULTILINE)
_CRD = re.compile(r"^kind: [\"']?CustomResourceDefinition", re.MULTILINE)
_TOP = re.compile(r"^[\"']?apiVersion[\"']?:", re.MULTILINE)
_SEPARATOR = re.compile(r"^---[ \t]*(?:#[^\n]*)?\r?$", re.MULTILINE)
_TEXT = re.compile(r"[^\r\n]+")
_LARGE = 100_000
_PARAMETER = re.compile(
    r"\$\((?:inputs\.)?params(?:\.|\[[\"'])(?P<tekton>[\w.-]+?)(?:[\"']\])?\)"
    r"|\$\{\{?(?P<template>[A-Za-z_]\w*)\}?\}"
)


def takes(path: str) -> bool:
    """Whether a file may hold manifests, by its name."""
    return path.lower().endswith((".yaml", ".yml", ".json"))


def find(file: SourceFile, tree: Tree) -> Iterable[Mention] | None:
    """The images that the manifests of a file name; None when it holds no manifest."""
    if not _LOOK.search(file.text) and "apiVersion" not in file.text[:2000]:
        return None
    if not _HINT.search(file.text):
        return ()
    if len(_CRD.findall(file.text)) >= len(_TOP.findall(file.text)) > 0:
        return ()
    read = _read(file)
    objects = [one for root in read.documents for one in _objects(root)]
    found = [mention for one in objects for mention in mentions_of_object(file, tree, one)]
    if read.problem and not objects:
        return line_rule_mentions(file, KIND) if _TOP.search(file.text) else None
    if read.problem:
        places = {one.span for one in found}
        found += [one for one in line_rule_mentions(file, KIND) if one.span not in places]
    if not objects:
        return None
    return without_placeholders(found, file, tree)


def _read(file: SourceFile) -> YamlFile:
    """The documents that may name images; definitions of resources (large, and full of the word
    `image`) are blanked, so that nothing moves."""
    if len(file.text) < _LARGE or not _CRD.search(file.text):
        return read_of(file)
    marks = [0, *(one.end() for one in _SEPARATOR.finditer(file.text)), len(file.text)]
    parts = []
    for start, end in pairwise(marks):
        part = file.text[start:end]
        wanted = _HINT.search(part) and not _CRD.search(part)
        parts.append(part if wanted else _blanked(part))
    read = parse_yaml("".join(parts))
    return read_of(file) if read.problem else read


def _blanked(part: str) -> str:
    """A document as blank lines; the mark that ends it stays."""
    end = part.rfind("---")
    end = len(part) if end < 0 else end
    return _TEXT.sub(lambda found: " " * len(found[0]), part[:end]) + part[end:]


def mentions_of_object(file: SourceFile, tree: Tree, root: Mapping) -> Iterator[Mention]:
    """What one object names."""
    version, kind = text_of(root.get("apiVersion")), text_of(root.get("kind"))
    name = text_of(root.mapping("metadata").get("name"))
    manifest = Manifest(
        file, KIND, job=f"{kind}/{name}" if name else kind, fill=_filling(file, root)
    )
    if kind == "CustomResourceDefinition" or version.startswith("skaffold/"):
        return
    if is_kustomization(version, kind):
        yield from mentions_of_kustomization(replace(manifest, job=""), root, tree)
        return
    if is_helm_object(kind, version):
        yield from mentions_of_helm_object(manifest, root, tree)
        return
    found = list(Walk(manifest, strict=is_machine_group(version)).mentions(root))
    used = {piece.span for one in found for piece in one.pieces if piece.part == "reference"}
    yield from (one for one in found if one.span not in used)


def without_placeholders(
    found: Iterable[Mention], file: SourceFile, tree: Tree
) -> Iterator[Mention]:
    """Without bare names that only stand for what a kustomization puts in their place."""
    replaced: frozenset[str] | None = None
    for one in found:
        name = name_of(one.expanded)
        if "/" not in name and not is_official(name) and one.kind == KIND:
            replaced = replaced_names(file.path, tree) if replaced is None else replaced
            if name == "controller" or name in replaced:
                continue
        yield one


def _objects(root: Node) -> Iterator[Mapping]:
    """The objects of a document: itself, or the items of a List."""
    if not isinstance(root, Mapping):
        return
    if not isinstance(root.get("apiVersion"), Scalar) or not isinstance(root.get("kind"), Scalar):
        return
    items = [one for one in root.sequence("items") if isinstance(one, Mapping)]
    if text_of(root.get("kind")).endswith("List") and items:
        yield from items
    else:
        yield root


def _filling(file: SourceFile, root: Mapping) -> Fill:
    """The filling of a document: what its parameters' defaults are, the rest open."""
    spec = root.mapping("spec")
    known: dict[str, Scalar] = {}
    declared = [
        *((one, "default") for one in spec.sequence("params")),
        *((one, "default") for one in spec.mapping("inputs").sequence("params")),
        *((one, "value") for one in root.sequence("parameters")),
    ]
    for one, key in declared:
        if isinstance(one, Mapping) and (value := one.get(key)) is not None:
            name = text_of(one.get("name"))
            if isinstance(value, Scalar) and name and text_of(value):
                known[name] = value

    def fill(text: str) -> tuple[str, tuple[Piece, ...]]:
        pieces: list[Piece] = []

        def put(found: re.Match[str]) -> str:
            value = known.get(found["tekton"] or found["template"])
            if value is None:
                return found[0]
            if found.start() == 0 and file.cut(value.span) == value.value:
                rest = text[found.end() :]
                part: Part = "registry" if rest.startswith("/") else "repository"
                part = part if rest else "reference"
                pieces.append(Piece(file.path, value.span, value.value, part))
            return value.value

        return cover(_PARAMETER.sub(put, text)), tuple(pieces)

    return fill


FINDER = Finder("kubernetes", takes, find, (b"apiVersion",))
