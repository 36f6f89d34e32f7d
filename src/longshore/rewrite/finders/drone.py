"""Drone and Woodpecker: images of steps, services and clone; plugins that push; commands. Pure.

Formats: docs.drone.io/pipeline, woodpecker-ci.org/docs/usage. Steps are a list, or (Drone before
1.0, Woodpecker) a mapping by name. Settings of a plugin stand under `settings` or beside `image`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.rewrite.finders.expansion import Dialect, Known, Lookup
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.image_values import Finding, piece_of, scalars, unique
from longshore.rewrite.mentions import Mention
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.masked_yaml import read_of
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar
from longshore.rewrite.syntax.yaml_nodes import Sequence as NodeList

MARKS = (b"image", b"docker", b"podman")
_DRONE = re.compile(r"(?:\A|/)(?:\.?drone[^/]*|\.drone/.*)\.ya?ml\Z", re.IGNORECASE)
_WOODPECKER = re.compile(
    r"(?:\A|/)(?:\.?woodpecker[^/]*|\.(?:woodpecker|crow)/.*|\.?crow(?:-ci)?)\.ya?ml\Z",
    re.IGNORECASE,
)
_DIALECT = Dialect(
    re.compile(
        r"\$?\$\{(?P<braced>\w{1,200})(?::?-(?P<default>[^}\n]{0,200}))?[^}\n]{0,200}\}"
        r"|\$?\$(?P<name>[A-Za-z_]\w{0,200})"
    )
)
_PUSHES = re.compile(
    r"(?:\A|/)(?:plugins?/(?:docker|kaniko|buildx)|drone-docker|drone-kaniko|plugin-docker"
    r"|(?:plugin-)?docker-buildx|plugin-kaniko|buildx|kaniko)(?:[:@].*)?\Z"
)


def takes(path: str) -> bool:
    """Whether a path is a Drone or Woodpecker pipeline."""
    return _DRONE.search(path) is not None or _WOODPECKER.search(path) is not None


def find(file: SourceFile, tree: Tree) -> list[Mention] | None:
    """The mentions of all pipelines of a file; None when there is none."""
    roots = [one for one in read_of(file).documents if isinstance(one, Mapping)]
    pipelines = [one for one in roots if _is_pipeline(one)]
    if roots and not pipelines:
        return None
    kind = "woodpecker" if _WOODPECKER.search(file.path) else "drone"
    return unique(found for root in pipelines for found in _of_pipeline(file, kind, root))


def _is_pipeline(root: Mapping) -> bool:
    if root.get("apiVersion") is not None:
        return False
    kind = root.text("kind")
    return kind == "pipeline" or (
        kind is None
        and any(root.get(key) is not None for key in ("steps", "pipeline", "services", "build"))
    )


def _of_pipeline(file: SourceFile, kind: str, root: Mapping) -> Iterator[Mention]:
    lookup, times = _matrix(file, root)
    job = root.text("name") or ""
    finding = Finding(file, kind, "job-start", _DIALECT, lookup, job, times)
    for key in ("clone", "build", "compose", "steps", "pipeline", "services"):
        for name, step in _steps(root, key):
            known = Finding(file, kind, "job-start", _DIALECT, lookup, name or job, times)
            yield from known.image(step.get("image"))
            yield from known.script(scalars(step.get("commands")))
            if _PUSHES.search(step.text("image") or ""):
                yield from _pushes(finding, step)


def _steps(root: Mapping, key: str) -> list[tuple[str, Mapping]]:
    value = root.get(key)
    if isinstance(value, NodeList):
        found = [one for item in value.items for one in _flat(item)]
        return [(one.text("name") or "", one) for one in found]
    if isinstance(value, Mapping) and isinstance(value.get("image"), Scalar):
        return [(key, value)]
    if isinstance(value, Mapping):
        return [(name.value, one) for name, one in value.items() if isinstance(one, Mapping)]
    return []


def _each(node: Node | None) -> Iterator[Scalar]:
    """The repositories of `repo`: one, a list, or several with commas between."""
    for one in scalars(node):
        at = 0
        for part in one.value.split(","):
            span = one.locate(at, at + len(part))
            at += len(part) + 1
            if span is not None and part.strip():
                yield one if "," not in one.value else Scalar(part, span, "", part)


def _flat(node: object) -> list[Mapping]:
    """A step, or the steps of a list within the list (an aliased block)."""
    if isinstance(node, NodeList):
        return [one for one in node.items if isinstance(one, Mapping)]
    return [node] if isinstance(node, Mapping) else []


def _pushes(finding: Finding, step: Mapping) -> Iterator[Mention]:
    settings = step.get("settings")
    given = settings if isinstance(settings, Mapping) else step
    dry = (given.text("dry_run") or given.text("dry-run") or "").lower() == "true"
    for repository in _each(given.get("repo")):
        registry = given.get("registry")
        host = registry.value if isinstance(registry, Scalar) else ""
        if host and not repository.value.startswith(host):
            first = repository.value.partition("/")[0]
            named = "." in first or ":" in first
            yield from finding.split(
                None if named else registry, repository, None, "tag" if dry else "push"
            )
        else:
            yield from finding.image(repository, "tag" if dry else "push")
    for one in scalars(given.get("cache_from")):
        if "=" not in one.value:
            yield from finding.image(one, "cache")


def _matrix(file: SourceFile, root: Mapping) -> tuple[Lookup, int]:
    matrix = root.mapping("matrix")
    values: dict[str, list[Known]] = {}
    include = matrix.sequence("include")
    rows = [one for one in include if isinstance(one, Mapping)] or [matrix]
    times = len(rows) if include else 1
    for row in rows:
        for key, value in row.items():
            listed = scalars(value)
            values.setdefault(key.value, []).extend(
                Known(one.value, piece_of(file, one), listed=True) for one in listed
            )
            if not include:
                times *= max(1, len(listed))
    return (lambda name: values.get(name)), times
