"""Compose and swarm stack files: images, what builds take, and names that builds give. Pure.

`image` beside `build` names what the build makes. Variables are filled in from `.env`
(`compose_variables`); a build's arguments are handed to the Dockerfile they are for.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from longshore.rewrite.finders.compose_variables import Variables, variables_for
from longshore.rewrite.finders.dockerfile import mentions_in_dockerfile
from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.line_rule import line_rule_mentions
from longshore.rewrite.finders.official import is_official
from longshore.rewrite.finders.shape import (
    cover,
    has_control,
    has_mark,
    has_tag,
    is_certain,
    is_possible,
    name_of,
)
from longshore.rewrite.mentions import OPEN, BuildArgument, Mention, Piece, Role, Sighting
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.compose import Build, Project, Service, as_words, project_of
from longshore.rewrite.syntax.interpolation import without_open_prefix
from longshore.rewrite.syntax.masked_yaml import read_of
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar
from longshore.text import tr

_NAME = re.compile(
    r"(?:[\w.-]*compose[\w.-]*|(?:docker-)?(?:stack|swarm)[\w.-]*|[\w.-]*[.-]stack)\.(?:ya?ml|json)"
    r"(?:[.-](?:example|sample|dist|default|template|orig|bak|old|prod|dev|\d+))*\Z",
    re.IGNORECASE,
)
_EXACT = re.compile(r"(?:docker-)?compose[\w.-]*\.ya?ml|docker-compose", re.IGNORECASE)
Test = Callable[[str], bool]
_OPENS = re.compile(f"{OPEN}{{2,}}")
_REF = re.compile(r"(?:^|,)ref=(?P<ref>[^,\s]+)")
_IMAGE_NAME = re.compile(r"(?:^|_)IMAGE(?:_|$)", re.IGNORECASE)
_BASE_NAME = re.compile(r"image|base|from|parent", re.IGNORECASE)


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
    if "services:" not in file.text and '"services"' not in file.text:
        return None
    project = project_of(file)
    return mentions_of_project(file, tree, project) if project is not None else None


def mentions_of_project(file: SourceFile, tree: Tree, project: Project) -> list[Sighting]:
    """Everything that a project names, each place once."""
    reader = _Reader(file, tree, project, variables_for(file, tree))
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
    file: SourceFile
    tree: Tree
    project: Project
    variables: Variables

    def sightings(self) -> Iterator[Sighting]:
        built = {id(one.image) for one in self.project.services if self._is_built(one)}
        for service in self.project.services:
            if service.image is not None:
                yield from self._image(service, id(service.image) in built)
            if service.build is not None and service.build.node is not None:
                yield from self._build(service.name, service.build, service.build.node)
            yield from self._volumes(service)
            yield from self._environment(service)
        for model in self.project.models:
            yield from self._one(model.get("model"), "compose-model", "", test=has_mark)

    def _image(self, service: Service, built: bool) -> Iterator[Mention]:
        for one in self._one(service.image, "compose-image", service.name):
            if built or self._is_of_project(one.expanded):
                yield replace(one, role="build-output", built=True, pulled=None)
            elif service.profiles:
                named = ", ".join(service.profiles)
                yield replace(one, condition=tr("profile: {names}", names=named))
            else:
                yield one

    def _is_built(self, service: Service, depth: int = 0) -> bool:
        """Whether the service, or what it extends, is built."""
        if service.builds or depth > 5:
            return service.builds
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
        name = name_of(self.variables.fill(service.image.value).text)
        if "/" in name or is_official(name) or not name:
            return False
        for path in ("docker-compose.override.yml", "docker-compose.yml", "compose.yaml"):
            other = self._other(path)
            same = other.service(service.name) if other is not None else None
            if same is not None and same.builds and same.image is None:
                return True
        return False

    def _other(self, path: str) -> Project | None:
        path = posixpath.normpath(posixpath.join(self.file.folder, path))
        file = self.tree.file(path) if path in self.tree.paths else None
        if file is None or path == self.file.path:
            return None
        return project_of(file, first_format=True)

    def _is_of_project(self, value: str) -> bool:
        """Whether a name is the one that compose gives to a build here (`project-service`)."""
        folder = self.project.name or self.file.folder.rpartition("/")[2]
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

    def _build(self, job: str, build: Build, node: Mapping) -> Iterator[Sighting]:
        for item in node.sequence("cache_from"):
            yield from self._cache(item, job, "build")
        for item in node.sequence("cache_to"):
            yield from self._cache(item, job, None)
        for tag in node.sequence("tags"):
            for one in self._one(tag, "compose-image", job):
                yield replace(one, role="build-output", built=True, pulled=None)
        contexts = node.get("additional_contexts")
        for _, value in as_words(contexts):
            yield from self._context(value, job)
        yield from self._arguments(job, build, node)
        inline = node.get("dockerfile_inline")
        if isinstance(inline, Scalar):
            path = self.file.path
            yield from mentions_in_dockerfile(
                inline.value, inline.locate, path, arguments=self._given(node), job=job
            )

    def _given(self, node: Mapping) -> dict[str, BuildArgument]:
        """The arguments of a Dockerfile that stands in the compose file itself."""
        is_list = not isinstance(node.get("args"), Mapping)
        given = {}
        for name, value in as_words(node.get("args")):
            start = value.value.find("=") + 1 if is_list else 0
            span = value.locate(start, len(value.value)) if start or not is_list else None
            if span is not None:
                text = self.variables.fill(value.value[start:]).text
                given[name] = BuildArgument("", name, text, self.file.path, span)
        return given

    def _context(self, value: Scalar, job: str) -> Iterator[Mention]:
        at = value.value.find("docker-image://")
        if at < 0:
            return
        yield from self._part(value, at + len("docker-image://"), "compose-build-context", job)

    def _cache(self, node: Node, job: str, pulled: str | None) -> Iterator[Mention]:
        if not isinstance(node, Scalar):
            return
        start, end = 0, len(node.value)
        if "=" in node.value:
            found = _REF.search(node.value)
            if found is None:
                return
            start, end = found.span("ref")
        for one in self._part(node, start, "compose-cache-from", job, end):
            yield replace(one, role="cache", pulled="build" if pulled else None)

    def _arguments(self, job: str, build: Build, node: Mapping) -> Iterator[Sighting]:
        filled = replace(
            build,
            context=self.variables.fill(build.context).text,
            dockerfile=self.variables.fill(build.dockerfile).text,
        )
        path = filled.path(self.file.folder)
        dockerfile = self.tree.file(path) if path in self.tree.paths and path else None
        inline = node.text("dockerfile_inline")
        text = inline or (dockerfile.text if dockerfile is not None else "")
        is_list = not isinstance(node.get("args"), Mapping)
        for name, value in as_words(node.get("args")):
            start = value.value.find("=") + 1 if is_list else 0
            if is_list and not start:
                continue
            span = value.locate(start, len(value.value))
            if span is None:
                continue
            given = _OPENS.sub(OPEN, self.variables.fill(value.value[start:]).text)
            if path is not None and OPEN not in path:
                yield BuildArgument(path, name, given, self.file.path, span)
            if _fills_from(name, text) or (not text and _is_base(name, given)):
                yield from self._part(value, start, "compose-build-arg", job)

    def _volumes(self, service: Service) -> Iterator[Mention]:
        """Volumes that are images (`type: image`)."""
        for node in service.node.sequence("volumes"):
            if isinstance(node, Mapping) and node.text("type") == "image":
                yield from self._one(node.get("source"), "compose-volume-image", service.name)

    def _environment(self, service: Service) -> Iterator[Mention]:
        """Images that a service is told to start, in variables named so."""
        node = service.node.get("environment")
        is_list = not isinstance(node, Mapping)
        for name, value in as_words(node):
            start = value.value.find("=") + 1 if is_list else 0
            if _IMAGE_NAME.search(name) and (start or not is_list):
                kind = "compose-environment"
                yield from self._part(value, start, kind, service.name, test=is_certain)

    def _one(
        self, node: Node | None, kind: str, job: str, test: Test = is_possible
    ) -> Iterator[Mention]:
        if isinstance(node, Scalar):
            yield from self._part(node, 0, kind, job, test=test)

    def _part(
        self,
        node: Scalar,
        start: int,
        kind: str,
        job: str,
        end: int | None = None,
        test: Test = is_possible,
    ) -> Iterator[Mention]:
        """The mention of a part of a scalar; blanks around it do not count."""
        written = node.value[start:end]
        start += len(written) - len(written.lstrip())
        written = written.strip()
        span = node.locate(start, start + len(written)) if written else None
        if span is None or has_control(written):
            return
        filled = without_open_prefix(self.variables.fill(written))
        value = _OPENS.sub(OPEN, cover(filled.text))
        if value != OPEN and not test(value):
            return
        text = self.file.cut(span)
        pieces: tuple[Piece, ...] = ()
        if text == written:
            pieces = self.variables.pieces(filled, self.file, span.start)
        names = ", ".join(filled.unset)
        yield Mention(
            kind,
            "pull",
            span,
            text,
            None if value == text else value,
            pulled="host",
            job=job,
            pieces=pieces,
            needs=tr("variable {names}", names=names) if names else "",
        )


def _fills_from(name: str, dockerfile: str) -> bool:
    """Whether a Dockerfile's FROM is this argument and nothing else."""
    if name not in dockerfile:
        return False
    word = rf"\$(?:{re.escape(name)}(?!\w)|\{{{re.escape(name)}(?::?[-+?][^}}\s]*)?\}})"
    return (
        re.search(
            rf"(?im)^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*[\"']?{word}[\"']?[ \t]*(?:\r?$|AS\b)",
            dockerfile,
        )
        is not None
    )


def _is_base(name: str, value: str) -> bool:
    if not _BASE_NAME.search(name):
        return False
    return is_certain(value) or (is_possible(value) and has_tag(value))


FINDER = Finder("compose", takes, find)
BY_CONTENT = Finder(
    "compose-by-content",
    lambda path: path.lower().endswith((".yml", ".yaml")),
    find_by_content,
    (b"services",),
)
