"""JSON documents of AWS in a tree: files of their own, and those inside scripts and HCL. Pure.

Recognised by their content. A document that is put together from variables is left alone, unless
what stands between its quotes is all that varies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from longshore.rewrite.hazards.aws_files import LIFECYCLE, STATEMENT, files_with
from longshore.rewrite.hazards.hazard import Surveyed
from longshore.rewrite.source import SourceFile, Span

_ROOT = re.compile(r"\{\s*\\?\"(?:Version|Statement|Id|rules)\\?\"\s*:")
_MOST_FOUND = 20


@dataclass(frozen=True, eq=False)
class PolicyText:
    """One document: its text, its value, and where it stands."""

    file: SourceFile
    span: Span
    text: str
    value: dict[str, Any]

    def place_of(self, wanted: str, rank: int = 0) -> Span:
        """Where something is written in it, the so-manieth time; else the document's start."""
        at = -1
        for _ in range(rank + 1):
            at = self.text.find(wanted, at + 1)
            if at < 0:
                return Span(self.span.start, self.span.start + 1)
        return Span(self.span.start + at, self.span.start + at + len(wanted))


def policy_texts(surveyed: Surveyed) -> list[PolicyText]:
    """All documents of the tree that look like policies of AWS."""
    return surveyed.once("policy texts", lambda one: list(_look(one)))


def lifecycle_texts(surveyed: Surveyed) -> list[PolicyText]:
    """Those that are lifecycle policies."""
    return [one for one in policy_texts(surveyed) if is_lifecycle(one.value)]


def is_lifecycle(value: dict[str, Any]) -> bool:
    """Whether it is meant to be a lifecycle policy of ECR."""
    rules = value.get("rules")
    if not isinstance(rules, list):
        return False
    return any(isinstance(one, dict) and "rulePriority" in one for one in rules)


def _look(surveyed: Surveyed) -> Iterator[PolicyText]:
    marked = {*files_with(surveyed, LIFECYCLE), *files_with(surveyed, STATEMENT)}
    for path in sorted(marked):
        file = surveyed.tree.file(path)
        if file is not None:
            yield from _in_file(file)


def _in_file(file: SourceFile) -> Iterator[PolicyText]:
    decoder = json.JSONDecoder()
    end = found_so_far = 0
    for match in _ROOT.finditer(file.text):
        if match.start() < end or found_so_far >= _MOST_FOUND:
            continue
        try:
            value, stop = decoder.raw_decode(file.text, match.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            end, found_so_far = stop, found_so_far + 1
            span = Span(match.start(), stop)
            yield PolicyText(file, span, file.cut(span), value)
