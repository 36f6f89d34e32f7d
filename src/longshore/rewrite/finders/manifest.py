"""A YAML or JSON file that names images in its values: from a value to a mention. Pure.

The YAML may stand inside a block scalar of another file (a patch, `helm.values`): then `outer` is
that scalar, and every place is mapped back to the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from longshore.rewrite.finders.line_rule import LineRule, mentions_of_lines
from longshore.rewrite.finders.shape import cover, has_control, is_possible, names_something
from longshore.rewrite.mentions import OPEN, Mention, Part, Piece, Pulled, Role
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar, parse_yaml
from longshore.text import tr

_SCHEMES = ("docker://", "docker-image://", "oci://")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_LONGEST = 1000
_NEVER = re.compile(r"[Nn]ever\Z")

Fill = Callable[[str], tuple[str, tuple[Piece, ...]]]


def cover_only(text: str) -> tuple[str, tuple[Piece, ...]]:
    """The filling of a file that sets no variables: expressions become OPEN."""
    return cover(text), ()


@dataclass(frozen=True)
class Manifest:
    """What all mentions of one document share. `fill` fills in variables of the document.

    `literal`: a value whose name is only expressions does not count, even if they can be filled.
    """

    file: SourceFile
    kind: str
    pulled: Pulled = "node"
    job: str = ""
    outer: Scalar | None = None
    fill: Fill = cover_only
    condition: str = ""
    literal: bool = False

    def named(self, job: str) -> Manifest:
        """The same with who pulls."""
        return replace(self, job=job)

    def place(self, node: Scalar) -> Span | None:
        """Where a scalar stands in the file; None when it cannot be placed."""
        if self.outer is None:
            return node.span
        start = self.outer.value.find(node.raw) if not node.raw else node.span.start
        span = self.outer.locate(start, start + len(node.raw))
        return span if span is not None and self.file.cut(span) == node.raw else None

    def value_of(self, node: Scalar) -> tuple[Span, str] | None:
        """The place and the value of a scalar, without blanks and scheme."""
        span = self.place(node)
        if span is None:
            return None
        written, value = self.file.cut(span), node.value.strip()
        start = span.start + len(written) - len(written.lstrip())
        text = written.strip()
        if not text or len(text) > _LONGEST or "\n" in text:
            return None
        for scheme in _SCHEMES:
            if text.startswith(scheme) and value.startswith(scheme):
                text, value, start = text[len(scheme) :], value[len(scheme) :], start + len(scheme)
        return (Span(start, start + len(text)), value) if text else None

    def image(
        self,
        node: Node | None,
        role: Role = "pull",
        *,
        tail: str = "",
        test: Callable[[str], bool] = is_possible,
        condition: str = "",
    ) -> Mention | None:
        """The mention of a scalar that is a reference, if it passes the test.

        `tail` is a tag or digest from elsewhere, with its mark.
        """
        if not isinstance(node, Scalar) or is_null(node) or has_control(node.value):
            return None
        placed = self.value_of(node)
        if placed is None:
            return None
        span, value = placed
        if OPEN in value:
            value = self.file.cut(span)  # a covered template: fill in what was written
        if self.literal and not names_something(cover(value)):
            return None
        filled, pieces = self.fill(value)
        if not names_something(filled) or not test(filled + tail):
            return None
        return self.mention(span, filled + tail, role, pieces=pieces, condition=condition)

    def mention(
        self,
        span: Span,
        value: str,
        role: Role = "pull",
        pieces: Iterable[Piece] = (),
        condition: str = "",
    ) -> Mention:
        """A mention of these characters with this value."""
        text = self.file.cut(span)
        open_value = OPEN in value
        return Mention(
            self.kind,
            role,
            span,
            text,
            None if value == text else value,
            pulled=self.pulled if role == "pull" else None,
            job=self.job,
            pieces=tuple(pieces),
            needs=tr("the template's values") if open_value else "",
            condition=condition or self.condition,
        )

    def piece(self, node: Scalar, part: Part) -> Piece | None:
        """A scalar as the place where an edit of that part belongs."""
        placed = self.value_of(node)
        if placed is None:
            return None
        return Piece(self.file.path, placed[0], self.file.cut(placed[0]), part)

    def lines(self, node: Scalar) -> list[Mention]:
        """What the line rule finds inside a block scalar."""
        if self.outer is not None or "image" not in node.value.lower():
            return []
        rule = LineRule(self.kind, self.pulled, self.job, strict=True)
        return mentions_of_lines(self.file, rule, node.span.start, node.span.end)

    def inner(self, node: Scalar) -> tuple[Manifest, tuple[Node, ...]] | None:
        """The documents that a block scalar's text is, and a manifest that places them."""
        if self.outer is not None or node.style not in ("|", ">") or ":" not in node.value:
            return None
        found = parse_yaml(node.value).documents
        return (replace(self, outer=node), found) if found else None


def is_null(node: Node | None) -> bool:
    """Whether a value says nothing: absent, empty, null."""
    if isinstance(node, Scalar):
        return not node.value.strip() or (not node.style and node.value in _NULLS)
    return node is None


def text_of(node: Node | None) -> str:
    """The text of a scalar that says something; else empty."""
    return node.value.strip() if isinstance(node, Scalar) and not is_null(node) else ""


def pull_condition(container: Mapping) -> str:
    """A remark on a container whose image is never pulled."""
    policy = container.text("imagePullPolicy") or ""
    return "imagePullPolicy: Never" if _NEVER.match(policy) else ""
