"""Small deployment tools in YAML: Kamal, Test Kitchen, DigitalOcean App Platform. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.rewrite.finders.expansion import Dialect, Expanded
from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.image_values import Finding, scalars, unique
from longshore.rewrite.finders.node_paths import mappings_at, nodes_at
from longshore.rewrite.mentions import Mention
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.masked_yaml import read_of
from longshore.rewrite.syntax.yaml_nodes import Mapping, Scalar

_ERB = Dialect(
    re.compile(r"<%=?(?P<name>[^%\n]{0,300})%>|\$\{(?P<braced>[^}\n]{1,200})\}"),
    masked=re.compile(r"<%[^%\n]{0,300}%>"),
)
_KAMAL = re.compile(r"(?:\A|/)(?:config/deploy[^/]*|config/.*deploy[^/]*|kamal[^/]*)\.ya?ml\Z")
_KITCHEN = re.compile(r"(?:\A|/)\.?kitchen[^/]*\.ya?ml\Z", re.IGNORECASE)
_DIGITAL_OCEAN = re.compile(
    r"(?:\A|/)(?:\.do/[^/]+|[^/]*app[-_.]?spec[^/]*|\.?do-?app[^/]*)\.ya?ml\Z"
)
_REGISTRIES = {"DOCR": "registry.digitalocean.com", "GHCR": "ghcr.io", "DOCKER_HUB": ""}
_CONTAINER_DRIVERS = {"docker", "dokken", "podman", "docker_cli"}


def _roots(file: SourceFile) -> list[Mapping]:
    return [one for one in read_of(file).documents if isinstance(one, Mapping)]


def find_kamal(file: SourceFile, tree: Tree) -> list[Mention] | None:
    """Kamal (or MRSK): the service's own image, accessories, the registry it logs in to."""
    mine = [one for one in _roots(file) if one.get("service") is not None]
    return unique(found for root in mine for found in _of_kamal(file, root)) if mine else None


def _of_kamal(file: SourceFile, root: Mapping) -> Iterator[Mention]:
    finding = Finding(file, "kamal", "host", _ERB)
    registry = root.mapping("registry")
    server = registry.get("server")
    yield from finding.split(server, root.get("image"), None, "push")
    for node in nodes_at(root, "accessories.*.image"):
        yield from finding.image(node)
    cache = root.mapping("builder").mapping("cache").get("image")
    yield from finding.split(server, cache, None, "cache")
    if isinstance(server, Scalar):
        yield from finding.image(server, "login")
    key = root.key("registry")
    if server is None and registry.pairs and key is not None:
        yield finding.mention(key.span, Expanded("docker.io"), "login")


def find_kitchen(file: SourceFile, tree: Tree) -> list[Mention] | None:
    """Test Kitchen with a container driver; other drivers' images are machines."""
    mine = [
        root for root in _roots(file) if {one.value for one in _drivers(root)} & _CONTAINER_DRIVERS
    ]
    return unique(found for root in mine for found in _of_kitchen(file, root))


def _drivers(root: Mapping) -> list[Scalar]:
    found = [one for path in ("driver.name", "driver_plugin") for one in nodes_at(root, path)]
    found += nodes_at(root, "platforms.*.driver.name")
    driver = root.get("driver")
    return [one for one in (*found, driver) if isinstance(one, Scalar)]


def _of_kitchen(file: SourceFile, root: Mapping) -> Iterator[Mention]:
    finding = Finding(file, "kitchen", "test", _ERB)
    for place in ("", "platforms.*.", "suites.*."):
        for key in ("driver.image", "driver_config.image", "driver.chef_image"):
            for node in nodes_at(root, f"{place}{key}"):
                yield from finding.image(node)


def find_digital_ocean(file: SourceFile, tree: Tree) -> list[Mention] | None:
    """App specs: `image` with `registry_type`, `registry`, `repository` and `tag`."""
    images = [
        node
        for root in _roots(file)
        for node in mappings_at(root, "**.image")
        if node.get("registry_type") is not None
    ]
    if not images:
        return None
    finding = Finding(file, "digitalocean", "host", _ERB)
    found: list[Mention] = []
    for node in images:
        host = _REGISTRIES.get(node.text("registry_type") or "", "")
        owner = scalars(node.get("registry"))
        registry = "/".join([*([host] if host else []), *(one.value for one in owner)])
        found += finding.split(registry, node.get("repository"), node.get("tag"))
    return unique(found)


def find_kamal_by_content(file: SourceFile, tree: Tree) -> list[Mention] | None:
    """Kamal's file under another name: it has a service, an image and servers."""
    wanted = ("service", "image", "servers")
    if any(all(root.get(key) is not None for key in wanted) for root in _roots(file)):
        return find_kamal(file, tree)
    return None


LATE = Finder(
    "kamal-yaml",
    lambda path: path.lower().endswith((".yml", ".yaml")),
    find_kamal_by_content,
    (b"servers:",),
)
FINDERS: tuple[Finder, ...] = (
    Finder("kamal", lambda path: _KAMAL.search(path) is not None, find_kamal),
    Finder("kitchen", lambda path: _KITCHEN.search(path) is not None, find_kitchen),
    Finder(
        "digitalocean",
        lambda path: _DIGITAL_OCEAN.search(path) is not None,
        find_digital_ocean,
        (b"registry_type",),
    ),
)
