"""What an ECR lifecycle policy may say: read its text, or say what ECR would answer. Pure.

Grammar: ECR User Guide, "Lifecycle policy properties" (with archive storage). ECR checks the text
with a JSON schema first (`policy_schema`) and the rules against each other afterwards
(`policy_rules`); both happen here, in that order, with ECR's own words where they are known. What a
policy does to images is decided in `evaluate`, not here.

>>> find_flaws("{}")[0].detail
'object has missing required properties (["rules"])'
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from longshore.policy.lifecycle.flaws import Flaw, PolicyRefused, refusal
from longshore.policy.lifecycle.places import line_and_column, nearest_place, places_of
from longshore.policy.lifecycle.policy_rules import MAX_WILDCARDS, MIN_ARCHIVED_DAYS, check_rules
from longshore.policy.lifecycle.policy_schema import MAX_RULES, check_document
from longshore.policy.lifecycle.policy_text import read_document, repeated_names
from longshore.text import tr

__all__ = [
    "MAX_RULES",
    "MAX_TEXT",
    "MAX_WILDCARDS",
    "MIN_ARCHIVED_DAYS",
    "MIN_TEXT",
    "ActionType",
    "CountType",
    "Flaw",
    "Policy",
    "PolicyRefused",
    "Rule",
    "Selection",
    "StorageClass",
    "TagStatus",
    "find_flaws",
    "find_size_flaws",
    "parse_policy",
    "refusal",
]

TagStatus = Literal["tagged", "untagged", "any"]
StorageClass = Literal["standard", "archive"]
CountType = Literal[
    "imageCountMoreThan", "sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned"
]
ActionType = Literal["expire", "transition"]

MIN_TEXT, MAX_TEXT = 100, 30_720
_RULE = re.compile(r"rules\[(\d+)\]")


@dataclass(frozen=True)
class Selection:
    """Which images a rule is about. Lists are AND: each pattern must match some tag."""

    tag_status: TagStatus
    count_type: CountType
    count_number: int
    patterns: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    storage_class: StorageClass = "standard"


@dataclass(frozen=True)
class Rule:
    """One rule; the lowest `priority` number goes first."""

    priority: int
    selection: Selection
    action: ActionType
    description: str = ""


@dataclass(frozen=True)
class Policy:
    """A policy that ECR would take; rules in the order of their priority."""

    rules: tuple[Rule, ...]


def parse_policy(text: str, filename: str | None = None) -> Policy:
    """Read a policy. Raises PolicyRefused with every flaw, placed in `filename` if that is told."""
    flaws = find_flaws(text)
    if flaws:
        raise PolicyRefused(flaws, filename)
    rules = [_rule(written) for written in json.loads(text)["rules"]]
    return Policy(tuple(sorted(rules, key=lambda rule: rule.priority)))


def find_flaws(text: str) -> tuple[Flaw, ...]:
    """All that is wrong, first what ECR would name; empty when it would take the policy.

    How long the text is, is another matter: `find_size_flaws`.
    """
    read = read_document(text)
    if isinstance(read, Flaw):
        return (read,)
    document, repeats = read
    flaws = tuple(_find(document))
    placed = _placed(text, flaws) if flaws else ()
    return (*placed, *repeated_names(text)) if repeats else placed


def find_size_flaws(text: str) -> tuple[Flaw, ...]:
    """Whether PutLifecyclePolicy takes a text of this length; a simulation does not mind."""
    if MIN_TEXT <= len(text) <= MAX_TEXT:
        return ()
    remedy = tr("no policy with a rule is so short: add what is missing")
    if len(text) > MAX_TEXT:
        remedy = tr("write it without blanks and line ends, with shorter descriptions")
    detail = f"The text has {len(text)} characters; it must have {MIN_TEXT} to {MAX_TEXT}."
    return (Flaw("", detail, known=False, remedy=remedy),)


def _find(document: dict[str, Any]) -> Iterator[Flaw]:
    schema = tuple(check_document(document))
    yield from schema
    rules = document.get("rules")
    if isinstance(rules, list):
        broken = {int(found[1]) for flaw in schema if (found := _RULE.match(flaw.path))}
        sound = [(place, rule) for place, rule in enumerate(rules) if place not in broken]
        yield from check_rules(sound)


def _placed(text: str, flaws: Sequence[Flaw]) -> tuple[Flaw, ...]:
    """The flaws with line and column."""
    places = places_of(text)
    found = []
    for flaw in flaws:
        line, column = line_and_column(text, nearest_place(places, flaw.path))
        found.append(replace(flaw, line=line, column=column))
    return tuple(found)


def _rule(written: dict[str, Any]) -> Rule:
    selection = written["selection"]
    return Rule(
        priority=written["rulePriority"],
        selection=Selection(
            tag_status=selection["tagStatus"],
            count_type=selection["countType"],
            count_number=selection["countNumber"],
            patterns=tuple(selection.get("tagPatternList", ())),
            prefixes=tuple(selection.get("tagPrefixList", ())),
            storage_class=selection.get("storageClass", "standard"),
        ),
        action=written["action"]["type"],
        description=written.get("description", ""),
    )
