"""Whole references that stand in `env:`, in a matrix, or as defaults of inputs. Pure.

`env:` values are mentioned where they stand, besides their uses. Matrix values and input defaults
are so only when no use in an image's position has led to them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from longshore.rewrite.finders.shape import has_host, has_mark, has_tag, is_certain, is_possible
from longshore.rewrite.finders.workflow_places import MATRIX_KIND, Places, Sort, located, parts_of
from longshore.rewrite.mentions import Mention, Role
from longshore.rewrite.source import Span
from longshore.rewrite.syntax.expressions import Value
from longshore.rewrite.syntax.matrix import axis_scalars
from longshore.rewrite.syntax.workflow import Scalars, Step
from longshore.rewrite.syntax.workflow_scope import sources_of
from longshore.rewrite.syntax.yaml_nodes import Scalar

KIND = "gha-env"
_IMAGE_NAME = re.compile(r"image|container|BUILDKIT_SYNTAX", re.IGNORECASE)
_AXIS = re.compile(r"image|container|docker|distro|builder|\Aos\Z|\Abase\Z", re.IGNORECASE)
_VERSION = re.compile(r":(?:v?\d[\w.-]*|latest|stable|edge|nightly|main|master|alpine)(?:@|\Z)")
_PLAIN_TAG = re.compile(r"[a-z0-9][a-z0-9._/-]*:[A-Za-z0-9_][\w.-]*(?:@sha256:[0-9a-f]{64})?\Z")
_ADDRESS = re.compile(r"(?:\A|[/.-])(?:localhost|\d+\.\d+\.\d+\.\d+)(?:[:/]|\Z)|:\d{4,5}(?:/|\Z)")
_NOT_IMAGES = re.compile(
    r"(?:USER|HOST|URL|PATH|DIR|FILE|NAMES?PACE|REPO|KEY|TOKEN|ENDPOINT|SERVER|PORT|GROUP|SCOPE|PREFIX|SUFFIX|REGISTRY|REGISTRIES)S?\Z",
    re.IGNORECASE,
)
_COMPOSED = re.compile(r"([a-z0-9][a-z0-9._/-]*):[\w.-]*\$\{\{")
_OWN_NAME = re.compile(r"IMAGE[-_]?NAMES?\Z", re.IGNORECASE)
_PUSHES = re.compile(r"\bpush\b")
_BUILDS = re.compile(r"\bbuild\b[^\n]*(?:\\\n[^\n]*)*?(?:-t|--tag)[ =]?")


def env_mentions(
    places: Places, scalars: Scalars, workflow_steps: Iterable[Step], step: Step | None = None
) -> Iterator[Mention]:
    """`env:` values that are whole references."""
    steps = list(workflow_steps)
    for name, scalar in scalars.items():
        parts = list(parts_of(scalar.value))
        if "${{" in scalar.value:
            parts = parts if _is_composed(name, scalar.value.strip()) else []
        elif len(parts) == 1 and has_host(scalar.value):
            parts = [one.span() for one in re.finditer(r"\S+", scalar.value)]
        written = [scalar.value[start:end] for start, end in parts if "${{" not in scalar.value]
        if not all(_is_reference(name, one, len(parts) > 1) for one in written):
            continue
        for start, end in parts:
            role = _role(name, scalar.value[start:end], steps)
            sort = Sort(KIND, role, "host" if role == "pull" else None, role == "build-output")
            yield from places.value(scalar, sort, step, start, end)


def matrix_mentions(places: Places, known: Iterable[Mention]) -> Iterator[Mention]:
    """Matrix values that are whole references and that no image position has led to."""
    seen = {one.span for one in known}
    combinations = places.scope.matrix.combinations
    for axis, scalar in axis_scalars(places.scope.matrix):
        value = scalar.value.strip()
        if "${{" in value or not _is_tagged(value):
            continue
        if not _AXIS.search(axis) and not (is_certain(value) and _VERSION.search(value)):
            continue
        span = located(places.file, scalar, 0, len(scalar.value))
        if span is None or any(one.start <= span.start and span.end <= one.end for one in seen):
            continue
        times = sum(_holds(one.values(), scalar) for one in combinations)
        text = places.file.cut(span)
        yield Mention(MATRIX_KIND, "pull", span, text, None, "build", places.job, max(1, times))


def default_mentions(
    places: Places, defaults: Scalars, known: Iterable[Mention]
) -> Iterator[Mention]:
    """Defaults of inputs that are whole references and that no use has led to."""
    seen: set[Span] = {piece.span for one in known for piece in one.pieces}
    for name, scalar in defaults.items():
        value = scalar.value.strip()
        if "${{" in value or not (_IMAGE_NAME.search(name) and has_mark(value)):
            continue
        if not has_tag(value) and re.search(r"name\Z", name, re.IGNORECASE):
            continue
        span = located(places.file, scalar, 0, len(scalar.value))
        if span is not None and span not in seen:
            text = places.file.cut(span)
            yield Mention("gha-input", "pull", span, text, None, "host", places.job)


def _holds(values: Iterable[Value], scalar: Scalar) -> bool:
    return any(id(scalar) in sources_of(value) for value in values)


def _is_composed(name: str, value: str) -> bool:
    """Whether a value is a written name with a tag that an expression gives."""
    found = _COMPOSED.match(value)
    if found is None or _NOT_IMAGES.search(name) or _ADDRESS.search(found[1] + "/"):
        return False
    return _IMAGE_NAME.search(name) is not None or has_host(found[1])


def _is_reference(name: str, value: str, one_of_many: bool) -> bool:
    if not is_possible(value) or _ADDRESS.search(value):
        return False
    if one_of_many:
        return is_certain(value) or has_host(value)
    if _IMAGE_NAME.search(name) and not _NOT_IMAGES.search(name):
        return has_mark(value)
    if _NOT_IMAGES.search(name):
        return False
    return is_certain(value) and (has_host(value) or _PLAIN_TAG.match(value) is not None)


def _is_tagged(value: str) -> bool:
    return is_possible(value) and has_tag(value) and not _ADDRESS.search(value)


def _role(name: str, value: str, steps: list[Step]) -> Role:
    """What the steps do with a variable: push it, build it, or (unless told otherwise) pull it."""
    used = re.compile(rf"env\.{re.escape(name)}\b|\$\{{?{re.escape(name)}\b")
    role: Role = "pull" if has_tag(value) or not _OWN_NAME.search(name) else "tag"
    for step in steps:
        tags = step.input_text("tags") + step.input_text("images")
        if used.search(tags):
            return "push" if step.input_text("push", "true").lower() != "false" else "build-output"
        if step.run is None or not used.search(step.run.value):
            continue
        if _PUSHES.search(step.run.value):
            return "push"
        if _BUILDS.search(step.run.value):
            role = "build-output"
    return role
