"""From a value in a workflow to mentions: its readings, their names, where each stands. Pure.

A reference that is wholly a value of the matrix is mentioned there (`gha-matrix`), and one that is
wholly a text inside an expression (`a && 'node:18'`) at that text. Everything else is mentioned at
its place of use, once for each image name; where only the tag varies, the tag is OPEN.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from longshore.rewrite.finders.shape import known_tags, name_of
from longshore.rewrite.mentions import OPEN, Mention, Part, Piece, Pulled, Role
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.expression_grammar import split_template
from longshore.rewrite.syntax.expressions import Fragment, Text
from longshore.rewrite.syntax.workflow import Step
from longshore.rewrite.syntax.workflow_scope import Reading, Scope
from longshore.rewrite.syntax.yaml_nodes import Scalar

MATRIX_KIND = "gha-matrix"
_SCHEMES = ("docker://", "docker-image://")
_NOTHING = frozenset({"", "null", "~", "none", "false", "true"})


@dataclass(frozen=True)
class Sort:
    """What mentions of one family share. `open_too`: also when nothing of the name is known."""

    kind: str
    role: Role = "pull"
    pulled: Pulled | None = None
    built: bool = False
    open_too: bool = False

    def as_role(self, role: Role, built: bool = False) -> Sort:
        """The same family in another role."""
        pulled = self.pulled if role == "pull" else None
        return replace(self, role=role, built=built, pulled=pulled)


@dataclass(frozen=True, eq=False)
class Places:
    """One job of one file: makes mentions out of its values."""

    file: SourceFile
    scope: Scope
    job: str = ""

    def value(
        self,
        scalar: Scalar,
        sort: Sort,
        step: Step | None = None,
        start: int = 0,
        end: int | None = None,
        accept: Callable[[str], bool] = bool,
        prefix: str = "",
    ) -> list[Mention]:
        """The mentions of a scalar, or of a part of it, that is one reference.

        With a `prefix` (`image=`) only what begins with it counts, and it is left out.
        """
        start, end = unschemed(scalar.value, *trimmed(scalar.value, start, end))
        if prefix and scalar.value.startswith(prefix, start, end):
            start, prefix = start + len(prefix), ""
        if start >= end or scalar.value[start:end].lower() in _NOTHING:
            return []
        readings = [
            one
            for whole in self.scope.readings(scalar, step, start, end)
            for one in _single_lines(whole, prefix)
            if accept(one.text.text.strip()) and one.text.text.strip().lower() not in _NOTHING
        ]
        return self.of_readings(scalar, (start, end), _known(readings, sort.open_too), sort)

    def of_readings(
        self, scalar: Scalar, part: tuple[int, int], readings: Iterable[Reading], sort: Sort
    ) -> list[Mention]:
        """Mentions of readings of a part of a scalar."""
        found: list[Mention] = []
        used_here: list[Reading] = []
        for reading in readings:
            elsewhere = self._elsewhere(scalar, reading, sort)
            if elsewhere is None:
                used_here.append(reading)
            else:
                found.append(elsewhere)
        span = located(self.file, scalar, *part)
        if span is not None and used_here:
            found += [self._here(scalar, span, one, sort) for one in _by_name(used_here)]
        return found

    def entries(
        self,
        scalar: Scalar,
        sort: Sort,
        step: Step | None,
        commas: bool = True,
        accept: Callable[[str], bool] = bool,
    ) -> list[Mention]:
        """The mentions of a scalar that lists references, one a line (or between commas)."""
        found: list[Mention] = []
        for start, end in parts_of(scalar.value, commas):
            found += self.value(scalar, sort, step, start, end, accept)
        return found

    def piece(self, scalar: Scalar, start: int, end: int, part: Part = "reference") -> Piece | None:
        """Characters of a scalar as the place where an edit belongs."""
        span = located(self.file, scalar, start, end)
        if span is None:
            return None
        return Piece(self.file.path, span, self.file.cut(span), part)

    def _elsewhere(self, scalar: Scalar, reading: Reading, sort: Sort) -> Mention | None:
        """A mention at the matrix value, or at the text in the expression, that is the whole."""
        only = _only_fragment(reading.text)
        if only is None or only.source is None:
            return None
        in_matrix = id(only.source) in self.scope.matrix_scalars
        in_expression = only.source is scalar and reading.text.text != scalar.value.strip()
        if not in_matrix and not (in_expression and _is_inside(scalar, only)):
            return None
        text = only.text
        blank = len(text) - len(text.lstrip())
        start = only.start + blank
        start, end = unschemed(only.source.value, start, start + len(text.strip()))
        span = located(self.file, only.source, start, end)
        if span is None:
            return None
        return self._made(MATRIX_KIND if in_matrix else sort.kind, span, None, reading, sort)

    def _here(self, scalar: Scalar, span: Span, reading: Reading, sort: Sort) -> Mention:
        value = reading.text.text.strip()
        start, end = unschemed(value, 0, len(value))
        made = self._made(sort.kind, span, value[start:end], reading, sort)
        first = next((one for one in reading.text.fragments if one.text.strip()), None)
        if first is None or first.source is None or first.source is scalar:
            return made
        piece = self._source_piece(first, first.source, value[start:end])
        return made if piece is None else replace(made, pieces=(piece,))

    def _source_piece(self, first: Fragment, source: Scalar, value: str) -> Piece | None:
        text = first.text.strip()
        start = first.start + len(first.text) - len(first.text.lstrip())
        start, end = unschemed(source.value, start, start + len(text))
        if source.value[start:end] != value[: end - start]:
            return None
        rest = value[end - start :]
        part: Part = "registry" if rest.startswith("/") else "repository" if rest else "reference"
        return self.piece(source, start, end, part)

    def _made(
        self, kind: str, span: Span, value: str | None, reading: Reading, sort: Sort
    ) -> Mention:
        text = self.file.cut(span)
        return Mention(
            kind,
            sort.role,
            span,
            text,
            None if value == text else value,
            pulled=sort.pulled if sort.role == "pull" else None,
            job=self.job,
            times=max(1, reading.times),
            needs=", ".join(reading.text.needs),
            built=sort.built,
            tags=reading.tags,
        )


def located(file: SourceFile, scalar: Scalar, start: int, end: int) -> Span | None:
    """Where characters of a scalar's value stand, without blanks and schemes around them."""
    start, end = trimmed(scalar.value, start, end)
    start, end = unschemed(scalar.value, start, end)
    if start >= end:
        return None
    span = scalar.locate(start, end)
    if span is None or "\n" in file.cut(span):
        return None
    return span


def trimmed(text: str, start: int, end: int | None) -> tuple[int, int]:
    """The same part without blanks around it."""
    end = len(text) if end is None else end
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def unschemed(text: str, start: int, end: int) -> tuple[int, int]:
    """The same part without `docker://`."""
    for scheme in _SCHEMES:
        if text.startswith(scheme, start, end):
            return start + len(scheme), end
    return start, end


def parts_of(text: str, commas: bool = True) -> Iterator[tuple[int, int]]:
    """The parts of a list input: lines, and what stands between commas; comments left out.

    Line ends and commas inside an expression or in double quotes separate nothing.
    """
    if len(text) > 100_000:
        return
    closed = list(text)
    for start, piece, is_expression in split_template(text):
        if is_expression:
            closed[start : start + len(piece)] = "_" * len(piece)
    shape = "".join(closed)
    for line in re.finditer(r"[^\n]+", shape):
        if line.group().lstrip().startswith("#"):
            continue
        pattern = r'(?:"[^"\n]*"|[^,])+' if commas else r".+"
        for found in re.finditer(pattern, line.group()):
            start, end = trimmed(text, line.start() + found.start(), line.start() + found.end())
            if end - start > 1 and shape[start] == '"' == shape[end - 1]:
                start, end = start + 1, end - 1
            if start < end:
                yield start, end


def attributes(text: str, start: int, end: int) -> dict[str, tuple[int, int]]:
    """The `key=value` parts between commas, by key in lower case, as places in the text."""
    found: dict[str, tuple[int, int]] = {}
    for first, last in parts_of(text[start:end]):
        key, mark, _ = text[start + first : start + last].partition("=")
        if mark:
            at = start + first + len(key) + 1
            found.setdefault(key.strip().lower(), (at, start + last))
    return found


def unique(mentions: Iterable[Mention]) -> list[Mention]:
    """Each mention once; the one that pulls most often is kept."""
    kept: dict[tuple[object, ...], Mention] = {}
    for one in mentions:
        key = (one.span, one.expanded, one.role, one.implicit)
        if key not in kept or kept[key].times < one.times:
            kept[key] = one
    return sorted(kept.values(), key=lambda one: (one.span, one.expanded))


def _single_lines(reading: Reading, prefix: str) -> Iterator[Reading]:
    """The lines of a reading (an expression may give several), without the prefix."""
    text = reading.text
    only = _only_fragment(text)
    if "\n" not in text.text.strip() and not prefix:
        yield reading
        return
    for start, end in parts_of(text.text, commas=bool(prefix)):
        line = text.text[start:end]
        if not line.startswith(prefix):
            continue
        start += len(prefix)
        fragment = Fragment(text.text[start:end])
        if only is not None and only.text == text.text:
            fragment = Fragment(text.text[start:end], only.source, only.start + start)
        yield Reading(Text((fragment,)), reading.times)


def _only_fragment(text: Text) -> Fragment | None:
    pieces = [one for one in text.fragments if one.text.strip()]
    return pieces[0] if len(pieces) == 1 else None


def _is_inside(scalar: Scalar, fragment: Fragment) -> bool:
    """Whether a fragment is a quoted text of an expression, exactly as it is written."""
    end = fragment.start + len(fragment.text)
    before, behind = scalar.value[: fragment.start][-1:], scalar.value[end:][:1]
    written = scalar.value[fragment.start : end] == fragment.text
    return written and before in ("'", '"') and before == behind


def _known(readings: list[Reading], open_too: bool) -> list[Reading]:
    """The readings of which something is known; when there are none, one that is open."""
    known = [one for one in readings if name_of(one.text.text.strip()).strip(OPEN + "/")]
    if known or not open_too:
        return known
    return readings[:1]


def _by_name(readings: list[Reading]) -> list[Reading]:
    """One reading for each image name; when tags differ, the tag is OPEN."""
    groups: dict[str, list[Reading]] = {}
    for one in readings:
        groups.setdefault(name_of(one.text.text.strip()), []).append(one)
    made = []
    for name, group in groups.items():
        times = sum(one.times for one in group)
        if len(group) == 1:
            made.append(group[0])
            continue
        first = group[0].text.fragments
        needs = ", ".join(dict.fromkeys(need for one in group for need in one.text.needs))
        fragments = (*_cut(first, len(name)), Fragment(f":{OPEN}", needs=needs or "matrix"))
        tags = known_tags(one.text.text.strip() for one in group)
        made.append(Reading(Text(fragments), times, tags))
    return made


def _cut(fragments: tuple[Fragment, ...], length: int) -> tuple[Fragment, ...]:
    """The fragments that make up the first so many characters."""
    made: list[Fragment] = []
    text = "".join(one.text for one in fragments)
    left = length + len(text) - len(text.lstrip())
    for one in fragments:
        if left > 0:
            made.append(replace(one, text=one.text[:left]))
            left -= len(one.text)
    return tuple(made)
