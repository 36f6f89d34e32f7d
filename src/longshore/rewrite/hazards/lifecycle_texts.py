"""Lifecycle policies of a tree: JSON of their own or inside other files, and objects of HCL. Pure.

`jsonencode({ rules = [...] })` is read where every value in it is literal; one with a variable is
left alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from longshore.rewrite.hazards.aws_files import LIFECYCLE, files_with
from longshore.rewrite.hazards.hazard import Surveyed
from longshore.rewrite.hazards.policy_texts import PolicyText, is_lifecycle, lifecycle_texts
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax import hcl as terraform
from longshore.rewrite.syntax.hcl_reader import hcl

_DEEPEST = 20


@dataclass(frozen=True, eq=False)
class HclPolicy(PolicyText):
    """A policy written as an object of HCL; `text` is what Terraform makes of it."""

    written: str = ""

    def place_of(self, wanted: str, rank: int = 0) -> Span:
        """Where something is written in the object."""
        return PolicyText(self.file, self.span, self.written, self.value).place_of(wanted, rank)


def lifecycle_policies(surveyed: Surveyed) -> list[PolicyText]:
    """All lifecycle policies of the tree whose text is known."""
    return surveyed.once("lifecycle policies", lambda one: list(_look(one)))


def is_whole_file(one: PolicyText) -> bool:
    """Whether the policy is a file of its own."""
    return not isinstance(one, HclPolicy) and one.text.strip() == one.file.text.strip()


def has_variables(one: PolicyText) -> bool:
    """Whether something in the text is filled in by another program."""
    return "${" in one.text or "{{" in one.text


def _look(surveyed: Surveyed) -> Iterator[PolicyText]:
    found = lifecycle_texts(surveyed)
    yield from found
    for path in files_with(surveyed, LIFECYCLE):
        file = surveyed.tree.file(path) if path.endswith((".tf", ".hcl")) else None
        if file is not None:
            known = [one.span for one in found if one.file.path == path]
            yield from (one for one in _of_hcl(file) if not _is_inside(one.span, known))


def _is_inside(span: Span, known: list[Span]) -> bool:
    return any(one.start < span.end and span.start < one.end for one in known)


def _of_hcl(file: SourceFile) -> Iterator[HclPolicy]:
    for one in _objects(hcl(file), 0):
        if one.get("rules") is None:
            continue
        try:
            value = _value(one)
        except ValueError:
            continue
        if isinstance(value, dict) and is_lifecycle(value):
            yield HclPolicy(file, one.span, json.dumps(value), value, file.cut(one.span))


def _objects(body: terraform.Body, depth: int) -> Iterator[terraform.Object]:
    for attribute in body.attributes:
        for one in terraform.walk(attribute.value):
            if isinstance(one, terraform.Object):
                yield one
    for block in body.blocks if depth < _DEEPEST else ():
        yield from _objects(block.body, depth + 1)


def _value(expression: terraform.Expression) -> Any:
    """What Terraform makes of literal values. Raises ValueError for anything else."""
    if isinstance(expression, terraform.Object):
        if any(not one.key for one in expression.entries):
            raise ValueError
        return {one.key: _value(one.value) for one in expression.entries}
    if isinstance(expression, terraform.Listing):
        return [_value(one) for one in expression.items]
    if isinstance(expression, terraform.Template) and expression.literal is not None:
        return expression.literal
    if isinstance(expression, terraform.Other) and not expression.inner:
        return json.loads(expression.text)
    raise ValueError
