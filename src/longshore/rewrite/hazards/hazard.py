"""What a hazard is, and what a check is given. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.uses import Use

Severity = Literal["high", "medium", "low"]
Made = TypeVar("Made")


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
    _made: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def uses_in(self, file: str) -> list[Use]:
        """The uses in one file."""
        return [use for use in self.uses if use.file == file]

    def once(self, name: str, make: Callable[[Surveyed], Made]) -> Made:
        """What `make` gives, made once a tree: several checks read the same."""
        if name not in self._made:
            self._made[name] = make(self)
        made: Made = self._made[name]
        return made


@dataclass(frozen=True)
class Check:
    """One check. `title` is a short sentence for lists; its docs section is its code."""

    code: str
    severity: Severity
    title: str
    look: Callable[[Surveyed], Iterable[Hazard]]

    def at(
        self,
        file: SourceFile,
        span: Span,
        message: str,
        fix: str,
        severity: Severity | None = None,
    ) -> Hazard:
        """A hazard of this check at a place; `severity` when it differs from the usual one."""
        line, column = file.place(span.start)
        worth = severity or self.severity
        return Hazard(self.code, worth, file.path, line, column, message, fix)
