"""Compose files as services with their nodes; nothing is filled in here. Pure.

Merge keys, anchors and `x-` parts are looked through; the very first format, without `services`,
is read when the caller says that the file is one.

>>> file = read_source("compose.yml", b"services: {web: {build: ., image: shop}}")
>>> [(one.name, one.image.value, one.builds) for one in project_of(file).services]
[('web', 'shop', True)]

Spec: compose-spec (github.com/compose-spec/compose-spec).
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from longshore.rewrite.source import SourceFile, read_source
from longshore.rewrite.syntax.masked_yaml import read_of
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar

__all__ = ["Build", "Project", "Service", "as_words", "is_project", "project_of", "read_source"]

_TOP_LEVEL = frozenset({
    *("version", "services", "networks", "volumes", "secrets", "configs", "name", "include"),
    *("models", "x-bake"),
})  # fmt: skip
_SERVICE = frozenset({"image", "build", "extends", "dockerfile"})


@dataclass(frozen=True)
class Build:
    """What a service is built from; texts as written. `node` is None for the short form."""

    context: str
    dockerfile: str = "Dockerfile"
    node: Mapping | None = None

    @property
    def is_here(self) -> bool:
        """Whether the context is a folder, not an address."""
        return "://" not in self.context and not self.context.startswith("git@")

    def path(self, folder: str) -> str | None:
        """The Dockerfile's path in the tree, from the compose file's folder."""
        if not self.is_here or "\0" in self.context + self.dockerfile:
            return None
        context = posixpath.join(folder, self.context or ".")
        found = posixpath.normpath(posixpath.join(context, self.dockerfile))
        return None if found.startswith(("..", "/")) else found


@dataclass(frozen=True)
class Service:
    """One service. `image` and `build` may be merged in from elsewhere in the file."""

    name: str
    node: Mapping
    image: Scalar | None
    build: Build | None
    profiles: tuple[str, ...] = ()
    extends_file: str = ""
    extends_service: str = ""

    @property
    def builds(self) -> bool:
        """Whether this file says how the image is built."""
        return self.build is not None


@dataclass(frozen=True)
class Project:
    """A compose file: services, the name it gives itself, models, and what Bake reads."""

    services: tuple[Service, ...]
    name: str = ""
    models: tuple[Mapping, ...] = ()
    root: Mapping | None = None

    def service(self, name: str) -> Service | None:
        """The service of this name."""
        return next((one for one in self.services if one.name == name), None)


def project_of(file: SourceFile, first_format: bool = False) -> Project | None:
    """The compose project of a file, or None when it is none."""
    return file.once(("compose", first_format), lambda one: _project(one, first_format))


def is_project(root: Node) -> bool:
    """Whether a document is a compose file, by what it holds."""
    if not isinstance(root, Mapping) or {"apiVersion", "jobs"} & set(root.keys()):
        return False
    services = root.get("services")
    if not isinstance(services, Mapping):
        return False
    entries = [one for _, one in services.items() if isinstance(one, Mapping)]
    return any(_SERVICE & {key.value for key, _ in one.items()} for one in entries)


def as_words(node: Node | None) -> list[tuple[str, Scalar]]:
    """`NAME=value` items or `NAME: value` pairs, as names with the node that holds the value."""
    if isinstance(node, Mapping):
        return [(key.value, one) for key, one in node.items() if isinstance(one, Scalar)]
    items = node.items if node is not None and not isinstance(node, Scalar) else []
    found = []
    for one in items:
        if isinstance(one, Scalar):
            found.append((one.value.partition("=")[0].strip(), one))
    return found


def _project(file: SourceFile, first_format: bool) -> Project | None:
    services: list[Service] = []
    models: list[Mapping] = []
    name, first = "", None
    for root in read_of(file).documents:
        if not isinstance(root, Mapping):
            continue
        if is_project(root) or (first_format and isinstance(root.get("services"), Mapping)):
            services += _services(root.mapping("services"))
        elif first_format and not _TOP_LEVEL & set(root.keys()):
            services += [one for one in _services(root) if one.image or one.build]
        elif not first_format:
            continue
        models += [one for _, one in root.mapping("models").items() if isinstance(one, Mapping)]
        name, first = root.text("name") or name, first or root
    return Project(tuple(services), name, tuple(models), first) if first is not None else None


def _services(node: Mapping) -> list[Service]:
    return [_service(key.value, one) for key, one in node.items() if isinstance(one, Mapping)]


def _service(name: str, node: Mapping) -> Service:
    image, build, extends = node.get("image"), node.get("build"), node.get("extends")
    profiles = tuple(one.value for one in node.sequence("profiles") if isinstance(one, Scalar))
    other, file = "", ""
    if isinstance(extends, Mapping):
        other, file = extends.text("service") or "", extends.text("file") or ""
    elif isinstance(extends, Scalar):
        other = extends.value
    return Service(
        name,
        node,
        image if isinstance(image, Scalar) else None,
        _build(build, node),
        profiles,
        file,
        other,
    )


def _build(node: Node | None, service: Mapping) -> Build | None:
    if isinstance(node, Scalar) and node.value:
        return Build(node.value, service.text("dockerfile") or "Dockerfile")
    if isinstance(node, Mapping):
        return Build(node.text("context") or ".", node.text("dockerfile") or "Dockerfile", node)
    return None
