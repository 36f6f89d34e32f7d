"""Bake files: named contexts, build arguments, tags, caches. Pure.

Targets, groups and functions are names of the file's own; only `docker-image://`, `tags`, caches
in a registry and arguments name images. A value that a target gives to a build argument is told to
that target's Dockerfile.

Spec: docs.docker.com/build/bake/reference/.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from longshore.rewrite.finders.dockerfile import mentions_in_dockerfile
from longshore.rewrite.finders.dockerfile_scope import named_context
from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.hcl_texts import Inner
from longshore.rewrite.finders.hcl_values import Defined, branches, entries, values
from longshore.rewrite.finders.readings import Value, mention
from longshore.rewrite.mentions import OPEN, BuildArgument, Mention, Piece, Role, Sighting
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.hcl import Block, Body, Expression, Listing, Object, Template
from longshore.rewrite.syntax.hcl_json import hcl_of_json
from longshore.rewrite.syntax.hcl_reader import hcl

KIND = "bake"
_NAME = re.compile(r"(?:.*[._-])?bake(?:[._-].*)?\.(?:hcl|json)\Z", re.IGNORECASE)
_SCHEME = "docker-image://"
_REF = re.compile(r"(?:^|,)ref=(?P<ref>[^,]+)")
_IMAGE_ARGUMENT = re.compile(
    r"\ABUILDKIT_SYNTAX\Z|image|(?:^|_)base(?:_|\Z)|(?:^|_)from(?:_|\Z)", re.IGNORECASE
)
_PART = re.compile(r"(?:tag|version|name|repo|repository|registry|variant|flavor)\Z", re.I)
_PUSH = re.compile(r"type=registry|push=true")
_MAX_INHERITED = 20


@dataclass(frozen=True)
class _Bake:
    file: SourceFile
    targets: dict[str, Block]
    variables: dict[str, Defined]

    def find(self, path: tuple[str, ...]) -> Sequence[Defined]:
        known = self.variables.get(path[0]) if len(path) == 1 else None
        return (known,) if known is not None else ()

    def family(self, target: Block) -> list[Block]:
        """The target and all that it inherits from, nearest first."""
        found, waiting = [target], [target]
        while waiting and len(found) < _MAX_INHERITED:
            for name in _texts(waiting.pop(0).body.get("inherits")):
                parent = self.targets.get(name)
                if parent is not None and parent not in found:
                    found.append(parent)
                    waiting.append(parent)
        return found

    def first(self, target: Block, name: str) -> Expression | None:
        """An attribute of the target, or of the nearest one that it inherits."""
        for one in self.family(target):
            value = one.body.get(name)
            if value is not None:
                return value
        return None


def _inline(bake: _Bake, target: Block) -> Iterator[Mention]:
    """What a Dockerfile that stands in the target names."""
    value = target.body.get("dockerfile-inline")
    if isinstance(value, Template):
        inner = Inner(bake.file, value, bake.find)
        yield from mentions_in_dockerfile(inner.text, inner.place, bake.file.path)


def find(file: SourceFile, tree: Tree) -> Iterable[Sighting] | None:
    """The images of a bake file; None when the file is something else."""
    body = hcl_of_json(file) if file.name.endswith(".json") else hcl(file)
    targets = [one for one in body.all("target") if one.labels]
    if not targets or not (_NAME.match(file.name) or _is_bake(targets)):
        return None
    bake = _Bake(file, {one.labels[0]: one for one in targets}, _variables(file, body))
    found: list[Sighting] = []
    for target in targets:
        found += _target(bake, target)
        found += _inline(bake, target)
        found += _arguments(bake, target, tree)
    return found


def _is_bake(targets: Iterable[Block]) -> bool:
    names = {one.name for target in targets for one in target.body.attributes}
    return bool(names & {"dockerfile", "contexts", "cache-from", "cache-to", "platforms"}) or (
        {"context", "tags"} <= names
    )


def _variables(file: SourceFile, body: Body) -> dict[str, Defined]:
    found = {one.name: Defined(file.path, one.value) for one in body.attributes}
    for block in body.all("variable"):
        default = block.body.get("default")
        if block.labels and default is not None:
            found[block.labels[0]] = Defined(file.path, default)
    return found


def _target(bake: _Bake, target: Block) -> Iterator[Mention]:
    body, job = target.body, target.labels[0]
    for entry in entries(body.get("contexts")):
        for span, value in _read(bake, entry.value):
            if value.text.startswith(_SCHEME):
                yield _made(bake, _without(bake, span), _cut(value), "pull", job)
    for entry in entries(body.get("args")):
        if _IMAGE_ARGUMENT.search(entry.key) and not _PART.search(entry.key):
            for span, value in _read(bake, entry.value):
                if value.known and any(mark in value.text for mark in ":/@"):
                    yield _made(bake, span, value, "pull", job)
    yield from _tags(bake, target)
    for name in ("cache-from", "cache-to"):
        for item in _items(body.get(name)):
            for one in _cache(bake, item, job):
                yield replace(one, pulled="build" if name == "cache-from" else None)


def _tags(bake: _Bake, target: Block) -> Iterator[Mention]:
    output = bake.first(target, "output")
    pushed = any(_PUSH.search(text) for text in _texts(output)) or any(
        isinstance(one, Object) and _pushes(one) for one in _items(output)
    )
    for item in _items(target.body.get("tags")):
        for span, value in _read(bake, item):
            if not value.known:
                continue
            bare = "/" not in value.text
            role: Role = "push" if pushed else "build-output" if bare else "tag"
            yield _made(bake, span, value, role, target.labels[0], bare and not pushed)


def _pushes(output: Object) -> bool:
    kind = output.get("type")
    return isinstance(kind, Template) and kind.literal == "registry"


def _cache(bake: _Bake, item: Expression, job: str) -> Iterator[Mention]:
    if isinstance(item, Object):
        kind, ref = item.get("type"), item.get("ref")
        if ref is not None and isinstance(kind, Template) and kind.literal == "registry":
            for span, value in _read(bake, ref):
                yield _made(bake, span, value, "cache", job)
        return
    for span, value in _read(bake, item):
        found = _REF.search(value.text)
        if found is None:
            if "=" not in value.text and value.known:
                yield _made(bake, span, value, "cache", job)
            continue
        written = _REF.search(bake.file.cut(span))
        if written is not None and '"' not in written["ref"] and found["ref"].strip(OPEN):
            place = Span(*written.span("ref")).moved(span.start)
            yield _made(bake, place, replace(value, text=found["ref"], pieces=()), "cache", job)


def _arguments(bake: _Bake, target: Block, tree: Tree) -> Iterator[BuildArgument]:
    """What the target gives the ARGs of its Dockerfile, inherited ones too."""
    dockerfile = _dockerfile(bake, target, tree)
    if dockerfile is None:
        return
    given: dict[str, Expression] = {}
    for one in reversed(bake.family(target)):
        for entry in entries(one.body.get("contexts")):
            span, path = entry.value.span, bake.file.path
            yield named_context(dockerfile, entry.key, bake.file.cut(span), path, span)
        given.update((entry.key, entry.value) for entry in entries(one.body.get("args")))
    for name, value in given.items():
        found = values(value, bake.file.path, bake.find)
        if name and len(found) == 1 and found[0].text != OPEN:
            span = value.span
            if len(found[0].pieces) == 1:
                span = found[0].pieces[0].span
            yield BuildArgument(dockerfile, name, found[0].text, bake.file.path, span)


def _dockerfile(bake: _Bake, target: Block, tree: Tree) -> str | None:
    context = _one(bake, bake.first(target, "context"), ".")
    name = _one(bake, bake.first(target, "dockerfile"), "Dockerfile")
    if context is None or name is None or "://" in context:
        return None
    for start in (bake.file.folder, ""):
        path = posixpath.normpath(posixpath.join(start, context, name))
        if path in tree.paths:
            return path
    return None


def _one(bake: _Bake, value: Expression | None, default: str) -> str | None:
    if value is None:
        return default
    found = values(value, bake.file.path, bake.find)
    return found[0].text if len(found) == 1 and OPEN not in found[0].text else None


def _read(bake: _Bake, value: Expression) -> Iterator[tuple[Span, Value]]:
    for branch in branches(value):
        for one in values(branch, bake.file.path, bake.find):
            yield branch.span, one


def _without(bake: _Bake, span: Span) -> Span:
    """The place without `docker-image://`, when that is written there."""
    starts = bake.file.cut(span).startswith(_SCHEME)
    return Span(span.start + len(_SCHEME), span.end) if starts else span


def _cut(value: Value) -> Value:
    pieces = tuple(_bare(one) for one in value.pieces)
    return replace(value, text=value.text[len(_SCHEME) :], pieces=pieces)


def _bare(piece: Piece) -> Piece:
    if not piece.text.startswith(_SCHEME):
        return piece
    span = Span(piece.span.start + len(_SCHEME), piece.span.end)
    return replace(piece, span=span, text=piece.text[len(_SCHEME) :])


def _made(
    bake: _Bake, span: Span, value: Value, role: Role, job: str, built: bool = False
) -> Mention:
    return mention(bake.file, KIND, span, value, role, "build", built, job)


def _items(value: Expression | None) -> tuple[Expression, ...]:
    if isinstance(value, Listing):
        return value.items
    return (value,) if value is not None else ()


def _texts(value: Expression | None) -> list[str]:
    found = [one.literal for one in _items(value) if isinstance(one, Template)]
    return [one for one in found if one is not None]


def _takes(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.endswith(".hcl") or _NAME.match(name) is not None


FINDER = Finder("bake", _takes, find, marks=(b"target",))
