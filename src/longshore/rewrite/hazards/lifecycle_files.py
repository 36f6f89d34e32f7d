"""Checks of lifecycle policies that lie in the tree: refused by ECR, or not what they seem. Pure.

A policy is judged by its text alone, as `lifecycle lint` does with `--policy`. What it would do to
given images is another matter.
"""

from __future__ import annotations

import fnmatch
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from longshore.policy.lifecycle.grammar import find_flaws
from longshore.policy.lifecycle.lint import Placed, lint
from longshore.policy.lifecycle.lint_subject import Given
from longshore.policy.lifecycle.overlap import TooManyStates, find_tag, is_possible
from longshore.rewrite.hazards.hazard import Check, Hazard, Surveyed
from longshore.rewrite.hazards.lifecycle_texts import (
    HclPolicy,
    has_variables,
    is_whole_file,
    lifecycle_policies,
)
from longshore.rewrite.hazards.named_tags import NamedTag
from longshore.rewrite.hazards.policy_texts import PolicyText
from longshore.rewrite.hazards.samples import SHA
from longshore.rewrite.hazards.workflows import (
    is_ecr,
    logs_in_to_ecr,
    names_given,
    workflows_of,
)
from longshore.rewrite.mentions import OPEN
from longshore.rewrite.source import Span
from longshore.text import tr

_LISTS = ("tagPrefixList", "tagPatternList")
_PLACE = re.compile(r"rules\[(\d+)\]")
_NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)  # nothing is judged by its age where no images are


def _invalid(surveyed: Surveyed) -> Iterator[Hazard]:
    for one in lifecycle_policies(surveyed):
        if has_variables(one):
            continue
        flaws = find_flaws(one.text)
        if flaws:
            found = _PLACE.match(flaws[0].path)
            yield INVALID.at(
                one.file,
                one.place_of("rulePriority", int(found[1]) if found else 0),
                tr(
                    "ECR refuses this policy, so nothing is ever cleaned up: {detail}",
                    detail=flaws[0].detail,
                ),
                tr(
                    "correct {path}; ECR takes a policy whole or not at all",
                    path=flaws[0].path or "it",
                ),
            )


def _several(surveyed: Surveyed) -> Iterator[Hazard]:
    for one in lifecycle_policies(surveyed):
        for number, rule in enumerate(_rules(one)):
            patterns = _patterns(rule["selection"])
            if _exclude_each_other(patterns):
                yield SEVERAL.at(
                    one.file,
                    one.place_of("rulePriority", number),
                    tr(
                        "the prefixes of one rule are joined by AND: only an image that has tags "
                        "of all of {patterns} at once is matched, so the rule does nothing",
                        patterns=", ".join(patterns),
                    ),
                    _corrected(one, tr("write one rule for each of them")),
                )


def _corrected(one: PolicyText, advice: str) -> str:
    """The advice, with the command that prints the corrected policy where it can read it."""
    if not is_whole_file(one):
        return advice
    command = f"longshore lifecycle lint --policy {shlex.quote(one.file.path)} --fix"
    return tr("{advice}; `{command}` prints the corrected policy", advice=advice, command=command)


def _exclude_each_other(patterns: list[str]) -> bool:
    """Whether no single tag fits them all, so that an image needs several tags."""
    if any("${" in one or "{{" in one for one in patterns):
        return False
    fit = [one for one in patterns if is_possible(one)]
    try:
        return len(fit) > 1 and find_tag(fit) is None
    except TooManyStates:
        return False


def _rules_that_harm(surveyed: Surveyed) -> Iterator[Hazard]:
    """What lint says is high, besides what the checks above say."""
    for one in lifecycle_policies(surveyed):
        if has_variables(one) or find_flaws(one.text):
            continue
        for found in lint(one.text, Given(_NO_TIME)).of("high"):
            if found.finding.code != SEVERAL.code:
                yield HARMFUL.at(
                    one.file,
                    _span_of(one, found),
                    found.finding.message,
                    _corrected(one, found.finding.advice),
                )


def _span_of(one: PolicyText, found: Placed) -> Span:
    place = _PLACE.match(found.finding.path)
    if isinstance(one, HclPolicy):
        return one.place_of("rulePriority", int(place[1]) if place else 0)
    start = one.span.start + found.offset
    return Span(start, start + 1)


def _unreached(surveyed: Surveyed) -> Iterator[Hazard]:
    policies = lifecycle_policies(surveyed)
    rules = [rule for one in policies for rule in _rules(one)]
    if not rules or any(rule["selection"].get("tagStatus") == "any" for rule in rules):
        return
    for workflow in workflows_of(surveyed):
        names = [one for one in names_given(surveyed, workflow) if _to_ecr(surveyed, one)]
        seen: set[str] = set()
        for one in names:
            shape = _shape(one)
            alone = not any(
                other.at.step is one.at.step
                and other.sample == one.sample
                and _is_reached(other.tag, rules)
                for other in names
            )
            if not shape or shape in seen or not alone:
                continue
            seen.add(shape)
            yield UNREACHED.at(
                workflow.file,
                one.span,
                tr(
                    "no rule of {file} matches tags like {tag} ({event}): these images stay "
                    "for ever and are paid for",
                    file=policies[0].file.path,
                    tag=shape,
                    event=one.sample,
                ),
                tr("add a rule for this kind of tag, or put a prefix before it that a rule has"),
            )


def _to_ecr(surveyed: Surveyed, one: NamedTag) -> bool:
    if not one.pushed or not one.tag or one.tag == "latest" or not one.sample.known:
        return False
    host = one.name.partition("/")[0]
    return is_ecr(one.name) or (OPEN in host and logs_in_to_ecr(surveyed.tree, one.at.job))


def _shape(one: NamedTag) -> str:
    """The tag in words; empty when too little of it is known, or when a rule may reach it."""
    tag = one.tag
    if tag.startswith(OPEN) or "/" in tag:
        return ""
    return tag.replace(SHA, "<sha>").replace(SHA[:7], "<sha>").replace(OPEN, "…")


def _is_reached(tag: str, rules: list[dict[str, Any]]) -> bool:
    known = tag.partition(OPEN)[0]
    for rule in rules:
        for pattern in _patterns(rule["selection"]):
            if fnmatch.fnmatchcase(tag, pattern) or (known != tag and pattern.startswith(known)):
                return True
    return False


def _rules(one: PolicyText) -> list[dict[str, Any]]:
    return [
        rule
        for rule in one.value["rules"]
        if isinstance(rule, dict) and isinstance(rule.get("selection"), dict)
    ]


def _patterns(selection: dict[str, Any]) -> list[str]:
    """What a rule's lists say, as wildcards."""
    found = []
    for name in _LISTS:
        said = selection.get(name)
        for one in said if isinstance(said, list) else ():
            if isinstance(one, str):
                found.append(f"{one}*" if name == "tagPrefixList" else one)
    return found


INVALID = Check(
    "lifecycle-invalid", "high", tr("ECR refuses a lifecycle policy of the tree"), _invalid
)
SEVERAL = Check(
    "lifecycle-several-prefixes",
    "medium",
    tr("A lifecycle rule asks for several prefixes at once"),
    _several,
)
HARMFUL = Check(
    "lifecycle-harmful-rule",
    "medium",
    tr("A lifecycle rule never acts, or can delete an image that is needed"),
    _rules_that_harm,
)
UNREACHED = Check(
    "tags-without-lifecycle-rule",
    "medium",
    tr("No lifecycle rule reaches tags that a workflow pushes"),
    _unreached,
)
CHECKS = (INVALID, SEVERAL, HARMFUL, UNREACHED)
