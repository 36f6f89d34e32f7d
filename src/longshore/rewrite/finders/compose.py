"""Compose and swarm stack files: images, what builds take, and names that builds give. Pure.

`image` beside `build` names what the build makes. Variables are filled in from `.env`
(`compose_variables`); a build's arguments are handed to the Dockerfile they are for.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from longshore.rewrite.finders.compose_builds import ComposeBuild
from longshore.rewrite.finders.compose_values import ComposeValues
from longshore.rewrite.finders.compose_variables import variables_for
from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.line_rule import line_rule_mentions
from longshore.rewrite.finders.official import is_official
from longshore.rewrite.finders.shape import has_mark, is_certain, name_of
from longshore.rewrite.mentions import Mention, Role, Sighting
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.compose import Project, Service, as_words, project_of
from longshore.rewrite.syntax.masked_yaml import read_of
from longshore.rewrite.syntax.yaml_nodes import Mapping
from longshore.text import tr

_NAME = re.compile(
    r"(?:[\w.-]*compose[\w.-]*|(?:docker-)?(?:stack|swarm)[\w.-]*|[\w.-]*[.-]stack)\.(?:ya?ml|json)"
    r"(?:[.-](?:example|sample|dist|default|template|orig|bak|old|prod|dev|\d+))*\Z",
    re.IGNORECASE,
)
_EXACT = re.compile(r"(?:docker-)?compose[\w.-]*\.ya?ml|docker-compose", re.IGNORECASE)
# At the top, as far as a text shows it: at a line's begin, behind a template's mark, in braces.
_SERVICES = re.compile(
    r"^(?:\ufeff|---|[^\n]*\}\})?[ \t]{0,4}[\"']?services[\"']?[ \t]*:"
    r"|[{,]\s*[\"']?services[\"']?\s*:",
    re.MULTILINE,
)
_IMAGE_NAME = re.compile(r"(?:^|_)IMAGE(?:_|$)", re.IGNORECASE)


def takes(path: str) -> bool:
    """Whether a file is a compose file by its name."""
    return _NAME.match(path.rpartition("/")[2]) is not None


def find(file: SourceFile, tree: Tree) -> Iterable[Sighting] | None:
    """What a compose file names; None when it is none."""
    return find_named(file, tree, file.name)


def find_named(file: SourceFile, tree: Tree, name: str) -> Iterable[Sighting] | None:
    """The same for a file that would have another name (a template's)."""
    exact = _EXACT.match(name) is not None
    project = project_of(file, first_format=exact)
    if project is None:
        broken = bool(read_of(file).problem) and (exact or "services:" in file.text)
        return line_rule_mentions(file, "compose-image", "host") if broken else None
    return mentions_of_project(file, tree, project)


def find_by_content(file: SourceFile, tree: Tree) -> Iterable[Sighting] | None:
    """The same for a file of any name: only its content says what it is."""
    if _SERVICES.search(file.text) is None:
        return None
    project = project_of(file)
    return mentions_of_project(file, tree, project) if project is not None else None


def mentions_of_project(file: SourceFile, tree: Tree, project: Project) -> list[Sighting]:
    """Everything that a project names, each place once."""
    reader = _Reader(ComposeValues(file, tree, variables_for(file, tree)), project)
    found: list[Sighting] = []
    places: set[tuple[Span, Role]] = set()
    for one in reader.sightings():
        if isinstance(one, Mention):
            if (one.span, one.role) in places:
                continue
            places.add((one.span, one.role))
        found.append(one)
    return found


@dataclass(frozen=True)
class _Reader:
    values: ComposeValues
    project: Project

    def sightings(self) -> Iterator[Sighting]:
        built = {id(one.image) for one in self.project.services if self._is_built(one)}
        for service in self.project.services:
            if service.image is not None:
                yield from self._image(service, id(service.image) in built)
            if service.build is not None and service.build.node is not None:
                build = service.build
                yield from ComposeBuild(
                    self.values, service.name, build, service.build.node
                ).sightings()
            yield from self._volumes(service)
            yield from self._environment(service)
        for model in self.project.models:
            yield from self.values.one(model.get("model"), "compose-model", "", test=has_mark)

    def _image(self, service: Service, built: bool) -> Iterator[Mention]:
        for one in self.values.one(service.image, "compose-image", service.name):
            if built or self._is_of_project(one.expanded):
                yield replace(one, role="build-output", built=True, pulled=None)
            elif service.profiles:
                named = ", ".join(service.profiles)
                yield replace(one, condition=tr("profile: {names}", names=named))
            else:
                yield one

    def _is_built(self, service: Service) -> bool:
        """Whether the service, or what it extends, is built."""
        if service.builds:
            return True
        if service.extends_service:
            project: Project | None = self.project
            if service.extends_file:
                project = self._other(service.extends_file)
            base = project.service(service.extends_service) if project is not None else None
            if base is not None and base is not service and base.build is not None:
                return True
        return self._is_built_beside(service)

    def _is_built_beside(self, service: Service) -> bool:
        """Whether an override beside this file builds a name that is no known image."""
        if service.image is None:
            return False
        name = name_of(self.values.filled(service.image.value))
        if "/" in name or is_official(name) or not name:
            return False
        for path in ("docker-compose.override.yml", "docker-compose.yml", "compose.yaml"):
            other = self._other(path)
            same = other.service(service.name) if other is not None else None
            if same is not None and same.builds and same.image is None:
                return True
        return False

    def _other(self, path: str) -> Project | None:
        path = posixpath.normpath(posixpath.join(self.values.file.folder, path))
        file = self.values.tree.file(path) if path in self.values.tree.paths else None
        if file is None or path == self.values.file.path:
            return None
        return project_of(file, first_format=True)

    def _is_of_project(self, value: str) -> bool:
        """Whether a name is the one that compose gives to a build here (`project-service`)."""
        folder = self.project.name or self.values.file.folder.rpartition("/")[2]
        folder = re.sub(r"[^a-z0-9_-]", "", folder.lower())
        if not folder:
            return False
        name = name_of(value)
        given = {
            f"{folder}{mark}{one.name}"
            for one in self.project.services
            if one.builds
            for mark in "-_"
        }
        return name in given

    def _volumes(self, service: Service) -> Iterator[Mention]:
        """Volumes that are images (`type: image`)."""
        for node in service.node.sequence("volumes"):
            if isinstance(node, Mapping) and node.text("type") == "image":
                yield from self.values.one(node.get("source"), "compose-volume-image", service.name)

    def _environment(self, service: Service) -> Iterator[Mention]:
        """Images that a service is told to start, in variables named so."""
        node = service.node.get("environment")
        is_list = not isinstance(node, Mapping)
        for name, value in as_words(node):
            start = value.value.find("=") + 1 if is_list else 0
            if _IMAGE_NAME.search(name) and (start or not is_list):
                kind = "compose-environment"
                yield from self.values.part(value, start, kind, service.name, test=is_certain)


FINDER = Finder("compose", takes, find)
BY_CONTENT = Finder(
    "compose-by-content",
    lambda path: path.lower().endswith((".yml", ".yaml")),
    find_by_content,
    (b"services",),
)
