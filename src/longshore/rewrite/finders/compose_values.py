"""Values of a compose file as mentions, with variables filled in. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from longshore.rewrite.finders.compose_variables import Variables
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.shape import cover, has_control, is_possible
from longshore.rewrite.mentions import OPEN, Mention, Piece
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.interpolation import without_open_prefix
from longshore.rewrite.syntax.yaml_nodes import Node, Scalar
from longshore.text import tr

Test = Callable[[str], bool]
_OPENS = re.compile(f"{OPEN}{{2,}}")


@dataclass(frozen=True)
class ComposeValues:
    """A compose file whose values are read."""

    file: SourceFile
    tree: Tree
    variables: Variables

    def filled(self, text: str) -> str:
        """A text with its variables filled in; what is unknown is one `OPEN`."""
        return _OPENS.sub(OPEN, self.variables.fill(text).text)

    def one(
        self, node: Node | None, kind: str, job: str, test: Test = is_possible
    ) -> Iterator[Mention]:
        """The mention of a value that is a reference."""
        if isinstance(node, Scalar):
            yield from self.part(node, 0, kind, job, test=test)

    def part(
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
            pulled="build" if kind.startswith("compose-build-") else "host",
            job=job,
            pieces=pieces,
            needs=tr("variable {names}", names=names) if names else "",
        )
