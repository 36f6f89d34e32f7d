"""What a hazard is, and what a check is given. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.uses import Use

Severity = Literal["high", "medium", "low"]


@dataclass(frozen=True)
class Hazard:
    """One mistake: its place (line and column from 1), why it matters, what to write instead."""

    code: str
    severity: Severity
    file: str
    line: int
    column: int
    message: str
    fix: str

    def as_json(self) -> dict[str, Any]:
        """One entry of `hazards` (longshore.assess/1)."""
        where = {"file": self.file, "line": self.line, "column": self.column}
        return {
            "where": where,
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "fix": self.fix,
        }


@dataclass(frozen=True)
class Surveyed:
    """What checks read: the tree's files, and every judged use in them."""

    tree: Tree
    uses: tuple[Use, ...]

    def uses_in(self, file: str) -> list[Use]:
        """The uses in one file."""
        return [use for use in self.uses if use.file == file]


@dataclass(frozen=True)
class Check:
    """One check. `title` is a short sentence for lists; its docs section is its code."""

    code: str
    severity: Severity
    title: str
    look: Callable[[Surveyed], Iterable[Hazard]]

    def at(self, file: SourceFile, span: Span, message: str, fix: str) -> Hazard:
        """A hazard of this check at a place."""
        line, column = file.place(span.start)
        return Hazard(self.code, self.severity, file.path, line, column, message, fix)
