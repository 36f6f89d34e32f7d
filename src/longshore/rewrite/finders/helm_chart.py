"""A Helm chart as its values need it: the version it installs, and its templates' recipes. Pure."""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache

from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.helm_recipes import Recipe, recipes_in, tag_prefix
from longshore.rewrite.finders.manifest import text_of
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.yaml_nodes import Mapping, documents

_MOST_TEMPLATES = 300
_LEVELS = 3


@dataclass(frozen=True)
class Chart:
    """`tag` stands for an empty tag: the version of what the chart installs; empty: unknown.

    `values` are the chart's own, which other values files leave as they are where they are silent.
    """

    folder: str
    app_version: str = ""
    tag: str = ""
    recipes: tuple[Recipe, ...] = ()
    values: Mapping | None = None


def chart_of(path: str, tree: Tree) -> Chart | None:
    """The chart that a file belongs to: `Chart.yaml` beside it, or a little further up."""
    folder = posixpath.dirname(path)
    for _ in range(_LEVELS):
        for name in ("Chart.yaml", "Chart.yml", "Chart.template.yaml"):
            candidate = posixpath.join(folder, name)
            file = tree.file(candidate) if candidate in tree.paths else None
            if file is not None:
                return file.once("chart", lambda one: _chart(one, tree))
        if not folder:
            return None
        folder = posixpath.dirname(folder)
    return None


def _chart(file: SourceFile, tree: Tree) -> Chart:
    roots = documents(file).documents
    root = roots[0] if roots and isinstance(roots[0], Mapping) else None
    version = text_of(root.get("appVersion")) if root is not None else ""
    recipes: dict[Recipe, None] = {}
    prefix: str | None = None
    for path in _below(posixpath.join(file.folder, "templates/"), tree)[:_MOST_TEMPLATES]:
        template = tree.file(path)
        if template is not None:
            recipes.update(dict.fromkeys(recipes_in(template.text)))
            prefix = tag_prefix(template.text) if prefix is None else prefix
    tag = f"{prefix}{version}" if version and prefix is not None else ""
    values = _values(posixpath.join(file.folder, "values.yaml"), tree)
    return Chart(file.folder, version, tag.replace("vv", "v"), tuple(recipes), values)


def _values(path: str, tree: Tree) -> Mapping | None:
    file = tree.file(path) if path in tree.paths else None
    roots = documents(file).documents if file is not None else ()
    return roots[0] if roots and isinstance(roots[0], Mapping) else None


def _below(folder: str, tree: Tree) -> list[str]:
    """The paths below a folder."""
    paths = _sorted(tree.paths)
    found = []
    for path in paths[bisect_left(paths, folder) :]:
        if not path.startswith(folder):
            break
        found.append(path)
    return found


@lru_cache(maxsize=2)
def _sorted(paths: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(paths))
