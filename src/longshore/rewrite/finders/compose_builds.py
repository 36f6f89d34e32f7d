"""What the builds of a compose file take: arguments, caches, contexts, Dockerfiles inside. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from longshore.rewrite.finders.compose_values import ComposeValues
from longshore.rewrite.finders.dockerfile import mentions_in_dockerfile
from longshore.rewrite.finders.dockerfile_scope import named_context
from longshore.rewrite.finders.shape import has_tag, is_certain, is_possible
from longshore.rewrite.mentions import OPEN, BuildArgument, Mention, Pulled, Sighting
from longshore.rewrite.source import Span
from longshore.rewrite.syntax.compose import Build, as_words
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar

_REF = re.compile(r"(?:^|,)ref=(?P<ref>[^,\s]+)")
_BASE_NAME = re.compile(r"image|base|from|parent|BUILDKIT_SYNTAX", re.IGNORECASE)


@dataclass(frozen=True)
class ComposeBuild:
    """One build; `job` is its service."""

    values: ComposeValues
    job: str
    build: Build
    node: Mapping

    def sightings(self) -> Iterator[Sighting]:
        """All that the build names."""
        node, job = self.node, self.job
        for item in node.sequence("cache_from"):
            yield from self._cache(item, "build")
        for item in node.sequence("cache_to"):
            yield from self._cache(item, None)
        for tag in node.sequence("tags"):
            for one in self.values.one(tag, "compose-image", job):
                yield replace(one, role="build-output", built=True, pulled=None)
        contexts = node.get("additional_contexts")
        for _, value in as_words(contexts):
            yield from self._context(value)
        yield from self._arguments()
        inline = node.get("dockerfile_inline")
        if isinstance(inline, Scalar):
            path = self.values.file.path
            yield from mentions_in_dockerfile(
                inline.value, inline.locate, path, arguments=self._given(), job=job
            )

    def _given(self) -> dict[str, BuildArgument]:
        """The arguments of a Dockerfile that stands in the compose file itself."""
        path = self.values.file.path
        return {
            name: BuildArgument("", name, self.values.filled(value.value[start:]), path, span)
            for name, value, start, span in self._words()
        }

    def _words(self) -> Iterator[tuple[str, Scalar, int, Span]]:
        """Arguments with the place of their values."""
        is_list = not isinstance(self.node.get("args"), Mapping)
        for name, value in as_words(self.node.get("args")):
            start = value.value.find("=") + 1 if is_list else 0
            span = value.locate(start, len(value.value)) if start or not is_list else None
            if span is not None:
                yield name, value, start, span

    def _context(self, value: Scalar) -> Iterator[Mention]:
        at = value.value.find("docker-image://")
        if at < 0:
            return
        yield from self.values.part(
            value, at + len("docker-image://"), "compose-build-context", self.job
        )

    def _cache(self, node: Node, pulled: Pulled | None) -> Iterator[Mention]:
        if not isinstance(node, Scalar):
            return
        start, end = 0, len(node.value)
        if "=" in node.value:
            found = _REF.search(node.value)
            if found is None:
                return
            start, end = found.span("ref")
        for one in self.values.part(node, start, "compose-cache-from", self.job, end):
            yield replace(one, role="cache", pulled=pulled)

    def _arguments(self) -> Iterator[Sighting]:
        filled = replace(
            self.build,
            context=self.values.filled(self.build.context),
            dockerfile=self.values.filled(self.build.dockerfile),
        )
        path = filled.path(self.values.file.folder)
        file = self.values.tree.file(path) if path in self.values.tree.paths and path else None
        if path is not None and OPEN not in path:
            for name, value in as_words(self.node.get("additional_contexts")):
                yield named_context(path, name, value.value, self.values.file.path, value.span)
        text = self.node.text("dockerfile_inline") or (file.text if file is not None else "")
        for name, value, start, span in self._words():
            given = self.values.filled(value.value[start:])
            if path is not None and OPEN not in path:
                yield BuildArgument(path, name, given, self.values.file.path, span)
            if _fills_from(name, text) or (not text and _is_base(name, given)):
                yield from self.values.part(value, start, "compose-build-arg", self.job)


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
