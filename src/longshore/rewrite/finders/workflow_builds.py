"""Build steps of workflows: build-push, bake, metadata and actions like them. Pure.

Tags are names that are pushed, or only built; caches are references; build arguments are handed to
the Dockerfile that the step builds, and are references themselves when they look like one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from longshore.rewrite.finders.dockerfile_scope import named_context
from longshore.rewrite.finders.shape import has_mark, is_certain
from longshore.rewrite.finders.workflow_places import (
    Places,
    Sort,
    attributes,
    located,
    parts_of,
)
from longshore.rewrite.mentions import OPEN, BuildArgument, Mention, Sighting
from longshore.rewrite.syntax.expressions import Contexts, texts_of
from longshore.rewrite.syntax.workflow import Step
from longshore.rewrite.syntax.yaml_nodes import Scalar

INPUT = Sort("gha-input", "pull", "build")
PUSH, BUILD = INPUT.as_role("push"), INPUT.as_role("build-output", built=True)
CACHE, TAG = INPUT.as_role("cache"), INPUT.as_role("tag")

BUILD_PUSH = frozenset(
    {"docker/build-push-action", "useblacksmith/build-push-action", "depot/build-push-action"}
)
BAKE = frozenset({"docker/bake-action", "depot/bake-action"})
METADATA = frozenset({"docker/metadata-action", "crazy-max/ghaction-docker-meta"})
_IMAGE_ARGUMENT = re.compile(
    r"(?:\A|_)(?:IMAGE|BASE|FROM)(?:_|\Z)|IMAGE|BUILDKIT_SYNTAX", re.IGNORECASE
)
_PUSHED = re.compile(r"\bpush=(?!false)|type=registry")
_BAKE_ARGUMENT = re.compile(r"[^.=]+\.args\.(?P<name>[^=]+)=")
_BAKE_CONTEXT = re.compile(r"[^.=]+\.contexts\.[^=]+=")
_BAKE_LIST = re.compile(r"[^.=]+\.(?P<what>tags|cache-from|cache-to|output|attest)\+?=")


@dataclass(frozen=True)
class Built:
    """What one build step builds. Paths are relative to the tree; empty when not known."""

    dockerfiles: tuple[str, ...]
    contexts: tuple[str, ...]


def is_build(step: Step) -> bool:
    """Whether the step is a build-push step."""
    return step.uses is not None and step.uses.repository in BUILD_PUSH


def build_mentions(places: Places, step: Step) -> Iterator[Sighting]:
    """The images that a build step names."""
    if step.uses is None:
        return
    action = step.uses.repository
    if action in BUILD_PUSH:
        yield from _build_push(places, step)
    elif action in BAKE:
        yield from _bake(places, step)
    elif action in METADATA:
        images = step.input("images")
        if images is not None:
            yield from _metadata(places, step, images)


def dockerfiles_of(places: Places, step: Step) -> Built:
    """Which Dockerfiles a build-push step builds, in all combinations of the matrix."""
    each = [dockerfiles_in(step, known) for known in places.scope.of_step(step)]
    made = [path for one in each for path in one.dockerfiles]
    folders = [path for one in each for path in one.contexts]
    return Built(tuple(dict.fromkeys(made)), tuple(dict.fromkeys(folders)))


def dockerfiles_in(step: Step, known: Contexts) -> Built:
    """What a build-push step builds in one combination of the matrix."""
    contexts = [_folder(one) for one in input_texts(step, known, "context", ".")]
    files = input_texts(step, known, "file", "")
    made: list[str] = []
    for context in contexts:
        for file in files:
            path = normalised(file) if file else normalised(f"{context or '.'}/Dockerfile")
            if path is not None and context is not None:
                made.append(path)
    return Built(tuple(dict.fromkeys(made)), tuple(one for one in contexts if one is not None))


def normalised(path: str) -> str | None:
    """A path relative to the tree; None when it is open or leaves the tree."""
    if OPEN in path:
        return None
    for prefix in ("/github/workspace/", "./"):
        path = path.removeprefix(prefix)
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part == "..":
            return None
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _folder(context: str) -> str | None:
    """The tree's folder that a build context is; None for another place."""
    text = context.strip()
    if text.startswith(("{{defaultContext}}", "{{ defaultContext }}")):
        return normalised(text.partition("}}")[2].lstrip(":") or ".")
    if "://" in text or text.startswith("git@"):
        return None
    for prefix in (f"{OPEN}/", "$GITHUB_WORKSPACE/"):
        text = text.removeprefix(prefix)
    return normalised("." if text == OPEN else text)


def input_texts(step: Step, known: Contexts, name: str, default: str) -> list[str]:
    """What an input of a step may be in one combination."""
    scalar = step.input(name)
    if scalar is None:
        return [default]
    return [one.text.strip() or default for one in texts_of(scalar, known)]


def pushes(step: Step) -> bool:
    """Whether a build step may push."""
    push = step.input_text("push", "false").lower()
    outputs = step.input_text("outputs") + step.input_text("set")
    return push != "false" or _PUSHED.search(outputs) is not None


def _build_push(places: Places, step: Step) -> Iterator[Sighting]:
    repository = step.input("repository")
    if repository is not None:
        # Version 1: `repository` is the image, `registry` its host, `tags` are tags alone.
        yield from places.value(repository, PUSH, step)
        return
    named = PUSH if pushes(step) else BUILD
    tags, outputs = step.input("tags"), step.input("outputs")
    if tags is not None:
        yield from places.entries(tags, named, step)
    if outputs is not None:
        yield from _outputs(places, step, outputs, named)
    for name in ("cache-from", "cache-to"):
        cache = step.input(name)
        if cache is not None:
            for start, end in parts_of(cache.value, commas=False):
                found = _cache(places, step, cache, start, end)
                yield from _fetched(found) if name == "cache-from" else found
    arguments, contexts = step.input("build-args"), step.input("build-contexts")
    if arguments is not None:
        yield from _arguments(places, step, arguments)
    if contexts is not None:
        for start, end in parts_of(contexts.value, commas=False):
            yield from _context(places, step, contexts, start, end)
    yield from _generators(places, step)


def _outputs(places: Places, step: Step, outputs: Scalar, named: Sort) -> Iterator[Mention]:
    for start, end in parts_of(outputs.value, commas=False):
        name = attributes(outputs.value, start, end).get("name")
        if name is not None:
            yield from places.value(outputs, named, step, *name)


def _cache(places: Places, step: Step, cache: Scalar, start: int, end: int) -> Iterator[Mention]:
    found = attributes(cache.value, start, end)
    if "ref" in found:
        yield from places.value(cache, CACHE, step, *found["ref"])
    elif "type" not in found and "=" not in cache.value[start:end]:
        yield from places.value(cache, CACHE, step, start, end)


def _fetched(found: Iterable[Mention]) -> Iterator[Mention]:
    """Caches that are read, not only written."""
    return (replace(one, pulled="build") for one in found)


def _context(places: Places, step: Step, node: Scalar, start: int, end: int) -> Iterator[Sighting]:
    name, _, given = node.value[start:end].partition("=")
    span = located(places.file, node, start, end)
    if span is not None:
        for dockerfile in dockerfiles_of(places, step).dockerfiles:
            yield named_context(dockerfile, name, given, places.file.path, span)
    at = node.value.find("=docker-image://", start, end)
    if at >= 0:
        yield from places.value(node, INPUT, step, at + 1, end)


def _generators(places: Places, step: Step) -> Iterator[Mention]:
    """`sbom: generator=image`, `attests: type=sbom,generator=image`."""
    for name in ("sbom", "attests", "provenance"):
        node = step.input(name)
        if node is None or "generator=" not in node.value:
            continue
        for start, end in parts_of(node.value, commas=False):
            image = attributes(node.value, start, end).get("generator")
            if image is not None:
                yield from places.value(node, INPUT, step, *image)


def _arguments(places: Places, step: Step, node: Scalar) -> Iterator[Sighting]:
    for start, end in parts_of(node.value, commas=False):
        name, mark, _ = node.value[start:end].partition("=")
        if mark:
            part = (start + len(name) + 1, end)
            yield from _given(places, step, node, name.strip(), part)
            yield from _argument(places, step, node, name.strip(), part)


def _given(
    places: Places, step: Step, node: Scalar, name: str, part: tuple[int, int]
) -> Iterator[BuildArgument]:
    """The argument for each Dockerfile, in the combination that builds it."""
    span = located(places.file, node, *part)
    if span is None:
        return
    found: dict[tuple[str, str], None] = {}
    for known in places.scope.of_step(step):
        for dockerfile in dockerfiles_in(step, known).dockerfiles:
            for text in texts_of(node, known, *part):
                found[dockerfile, text.text.strip().strip("\"'")] = None
    for dockerfile, value in found:
        yield BuildArgument(dockerfile, name, value, places.file.path, span)


def _argument(
    places: Places, step: Step, node: Scalar, name: str, part: tuple[int, int]
) -> Iterator[Mention]:
    is_image = _IMAGE_ARGUMENT.search(name) is not None

    def accept(value: str) -> bool:
        return has_mark(value) if is_image else is_certain(value)

    yield from places.value(node, INPUT, step, *part, accept=accept)


def _bake(places: Places, step: Step) -> Iterator[Sighting]:
    node = step.input("set")
    if node is None:
        return
    named = PUSH if pushes(step) else BUILD
    for start, end in parts_of(node.value, commas=False):
        line = node.value[start:end]
        if found := _BAKE_LIST.match(line):
            yield from _bake_list(
                places, step, node, found["what"], (start + found.end(), end), named
            )
        elif found := _BAKE_ARGUMENT.match(line):
            part = (start + found.end(), end)
            yield from _argument(places, step, node, found["name"], part)
        elif (found := _BAKE_CONTEXT.match(line)) and "docker-image://" in line:
            yield from places.value(node, INPUT, step, start + found.end(), end)


def _bake_list(
    places: Places, step: Step, node: Scalar, what: str, part: tuple[int, int], named: Sort
) -> Iterator[Mention]:
    if what == "tags":
        yield from places.value(node, named, step, *part)
    elif what == "output":
        name = attributes(node.value, *part).get("name")
        if name is not None:
            yield from places.value(node, named, step, *name)
    elif what == "attest":
        image = attributes(node.value, *part).get("generator")
        if image is not None:
            yield from places.value(node, INPUT, step, *image)
    else:
        cache = _cache(places, step, node, *part)
        yield from _fetched(cache) if what == "cache-from" else cache


def _metadata(places: Places, step: Step, images: Scalar) -> Iterator[Mention]:
    for start, end in parts_of(images.value, commas=False):
        found = attributes(images.value, start, end)
        if "name" in found:
            yield from places.value(images, TAG, step, *found["name"])
            continue
        for first, last in parts_of(images.value[start:end]):
            yield from places.value(images, TAG, step, start + first, start + last)
