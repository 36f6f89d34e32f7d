"""Concourse: images of resource types, resources and tasks, as `repository` and `tag`. Pure.

Reference: concourse-ci.org/docs/resource-types. A resource that a `put` writes is pushed.
"""

from __future__ import annotations

import re

from longshore.rewrite.finders.expansion import Dialect
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.image_values import Finding, unique
from longshore.rewrite.finders.node_paths import mappings, nodes_at
from longshore.rewrite.mentions import Mention, Role
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.masked_yaml import read_of
from longshore.rewrite.syntax.yaml_nodes import Mapping, Scalar

KIND = "concourse"
MARKS = (b"registry-image", b"docker-image")
_YAML = re.compile(r"\.ya?ml\Z", re.IGNORECASE)
_DIALECT = Dialect(
    re.compile(r"\(\((?P<name>[^()\n]{1,200})\)\)|\{\{(?P<braced>[^{}\n]{1,200})\}\}")
)
_TYPES = re.compile(r"(?:registry|docker)-image(?:-resource)?\Z")


def takes(path: str) -> bool:
    """Whether a path may be a pipeline or a task."""
    return _YAML.search(path) is not None


def find(file: SourceFile, tree: Tree) -> list[Mention] | None:
    """The mentions of a pipeline or task; None when a file has no image resource."""
    roots = [one for one in read_of(file).documents if isinstance(one, Mapping)]
    images = [
        (root, node)
        for root in roots
        if root.get("apiVersion") is None
        for node in mappings(root)
        if _TYPES.match(node.text("type") or "") and isinstance(node.get("source"), Mapping)
    ]
    if not images:
        return None
    finding = Finding(file, KIND, "job-start", _DIALECT)
    found: list[Mention] = []
    for root, node in images:
        source = node.mapping("source")
        put = {one.value for one in nodes_at(root, "jobs.**.put") if isinstance(one, Scalar)}
        got = {one.value for one in nodes_at(root, "jobs.**.get") if isinstance(one, Scalar)}
        name = node.text("name") or ""
        role: Role = "push" if name and name in put and name not in got else "pull"
        found += finding.split(None, source.get("repository"), source.get("tag"), role)
    return unique(found)
