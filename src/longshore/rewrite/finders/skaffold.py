"""Skaffold: names that it builds, base images and builders, containers it runs. Pure.

Reference: skaffold.dev/docs/references/yaml. An artifact's name must stay equal to the name in the
manifests; it is built here.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace

from longshore.rewrite.finders.expansion import Dialect
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.image_values import Finding, piece_of, scalars, unique
from longshore.rewrite.finders.node_paths import mappings_at, nodes_at
from longshore.rewrite.mentions import BuildArgument, Mention, Sighting
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.yaml_nodes import Mapping, Scalar, documents

KIND = "skaffold"
MARKS = (b"skaffold/",)
_YAML = re.compile(r"\.ya?ml\Z", re.IGNORECASE)
_DIALECT = Dialect(re.compile(r"\{\{(?P<name>[^}\n]{1,200})\}\}"))
_PULLED = (
    *("**.artifacts.*.buildpacks.builder", "**.artifacts.*.buildpacks.runImage"),
    *("**.artifacts.*.buildpack.builder", "**.artifacts.*.jib.fromImage"),
    *("**.artifacts.*.ko.fromImage", "**.artifacts.*.kaniko.image"),
    *("**.artifacts.*.kaniko.initImage", "**.verify.*.container.image"),
    *("**.customActions.*.containers.*.image", "**.build.cluster.**.image"),
    *("**.googleCloudBuild.dockerImage", "**.googleCloudBuild.kanikoImage"),
    *("**.googleCloudBuild.mavenImage", "**.googleCloudBuild.gradleImage"),
    *("**.googleCloudBuild.packImage", "**.googleCloudBuild.koImage"),
)


def takes(path: str) -> bool:
    """Whether a path may be a configuration."""
    return _YAML.search(path) is not None


def find(file: SourceFile, tree: Tree) -> list[Sighting] | None:
    """The mentions of a configuration; None when a file is none."""
    roots = [one for one in documents(file).documents if isinstance(one, Mapping)]
    mine = [one for one in roots if (one.text("apiVersion") or "").startswith("skaffold/")]
    if not mine:
        return None
    mentions = unique(found for root in mine for found in _mentions(file, root))
    return [*mentions, *(found for root in mine for found in _arguments(file, root))]


def _mentions(file: SourceFile, root: Mapping) -> Iterator[Mention]:
    finding = Finding(file, KIND, "build", _DIALECT)
    for artifact in mappings_at(root, "**.artifacts.*"):
        for found in finding.image(artifact.get("image"), "build-output"):
            yield replace(found, built=True)
        for one in scalars(artifact.mapping("docker").get("cacheFrom")):
            yield from finding.image(one, "cache")
        command = artifact.mapping("custom").get("buildCommand")
        yield from finding.script(scalars(command))
    for path in _PULLED:
        for node in nodes_at(root, path):
            yield from finding.image(node)
    for node in nodes_at(root, "**.hooks.**.command"):
        words = scalars(node)
        yield from finding.script([one for one in words if " " in one.value])


def _arguments(file: SourceFile, root: Mapping) -> Iterator[BuildArgument]:
    for artifact in mappings_at(root, "**.artifacts.*"):
        docker = artifact.mapping("docker")
        context = artifact.text("context") or artifact.text("workspace") or "."
        name = docker.text("dockerfile") or "Dockerfile"
        path = posixpath.normpath(posixpath.join(file.folder, context, name))
        for needed in artifact.sequence("requires"):
            alias = needed.text("alias") if isinstance(needed, Mapping) else None
            image = needed.get("image") if isinstance(needed, Mapping) else None
            if alias and isinstance(image, Scalar) and (place := piece_of(file, image)) is not None:
                yield BuildArgument(path, alias, image.value, file.path, place.span)
        for key, value in docker.mapping("buildArgs").items():
            place = piece_of(file, value) if isinstance(value, Scalar) else None
            if place is not None and isinstance(value, Scalar) and "{{" not in value.value:
                yield BuildArgument(path, key.value, value.value, file.path, place.span)
