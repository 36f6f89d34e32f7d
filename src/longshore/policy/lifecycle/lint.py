"""What is wrong with a lifecycle policy: every check, findings with place and fix. Pure.

A policy is judged by itself, by the images of a repository, and by the tags that the strategy
makes, as far as each is known; `Report.checked` says which. What a policy does to given images is
decided in `evaluate`; which tags patterns share, in `overlap`. A finding is `high` only where the
loss, or the rule without effect, follows from what was looked at.

>>> from datetime import UTC, datetime
>>> text = '{"rules": [{"rulePriority": 1, "description": "x", "selection": {"tagStatus": "tagged",'
>>> text += '"tagPrefixList": ["a", "b"], "countType": "imageCountMoreThan", "countNumber": 1},'
>>> text += '"action": {"type": "expire"}}]}'
>>> lint(text, Given(datetime(2026, 1, 1, tzinfo=UTC))).findings[0].finding.code
'lifecycle-several-prefixes'
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from longshore.policy.lifecycle.checks_archive import check_archive
from longshore.policy.lifecycle.checks_contents import check_contents
from longshore.policy.lifecycle.checks_counts import check_counts
from longshore.policy.lifecycle.checks_form import check_form, check_size, mended, of_flaws
from longshore.policy.lifecycle.checks_lists import check_lists
from longshore.policy.lifecycle.checks_order import check_order
from longshore.policy.lifecycle.checks_protect import check_protect
from longshore.policy.lifecycle.checks_reach import check_reach
from longshore.policy.lifecycle.checks_releases import check_releases
from longshore.policy.lifecycle.findings import (
    SEVERITIES,
    Finding,
    RuleText,
    Severity,
    correction,
    edited,
)
from longshore.policy.lifecycle.grammar import MAX_RULES, find_flaws, parse_policy
from longshore.policy.lifecycle.lint_subject import Given, Line, Subject
from longshore.policy.lifecycle.overlap import TooManyStates
from longshore.policy.lifecycle.places import line_and_column, nearest_place, places_of

Check = Callable[[Subject], Iterable[Finding]]
CHECKS: tuple[Check, ...] = (
    check_lists,
    check_order,
    check_protect,
    check_releases,
    check_reach,
    check_counts,
    check_contents,
    check_archive,
    check_form,
)
_MOST_ROUNDS = 100


@dataclass(frozen=True)
class Placed:
    """A finding with its place in the text (from 1) and the corrected rules as JSON."""

    finding: Finding
    line: int
    column: int
    offset: int
    fix: str = ""


@dataclass(frozen=True)
class Report:
    """The findings, worst first, and the checks that could not be finished."""

    findings: tuple[Placed, ...]
    unfinished: tuple[str, ...] = ()

    def of(self, severity: Severity) -> tuple[Placed, ...]:
        """The findings of one severity."""
        return tuple(one for one in self.findings if one.finding.severity == severity)


def lint(text: str, given: Given) -> Report:
    """Every finding about a policy's text."""
    places = _places(text)
    made: list[Placed] = []
    unfinished: list[str] = []
    rules = _rules_of(text)
    ordered: Sequence[RuleText] = ()
    if flaws := find_flaws(text):
        made += (_placed(text, places, one, _mending(rules, one)) for one in of_flaws(flaws, rules))
        found = mended(_document(text))
        ordered = found if found and not find_flaws(json.dumps({"rules": found})) else ()
        order = [next(at for at, one in enumerate(rules) if _is(one, rule)) for rule in ordered]
    else:
        made += (_placed(text, places, one) for one in check_size(text))
        order = sorted(range(len(rules)), key=lambda at: int(rules[at]["rulePriority"]))
        ordered = [rules[at] for at in order]
    if ordered:
        subject = _subject(ordered, order, [int(rules[at]["rulePriority"]) for at in order], given)
        for finding in _run(subject, unfinished):
            fix = correction(ordered, finding.edit) if finding.edit else ""
            made.append(_placed(text, places, finding, fix))
    made.sort(key=lambda one: (SEVERITIES.index(one.finding.severity), one.offset))
    return Report(tuple(made), tuple(unfinished))


def corrected(text: str, given: Given) -> list[RuleText]:
    """The rules with all corrections made, one after the other; ECR takes them.

    Raises PolicyRefused when the text is refused for more than its priorities.
    """
    document = _document(text)
    if find_flaws(text):
        found = mended(document)
        if found is None or find_flaws(json.dumps({"rules": found})):
            parse_policy(text)
        document = {"rules": found}
    rules = sorted(document["rules"], key=lambda one: int(one["rulePriority"]))
    seen: list[list[RuleText]] = []
    for _ in range(_MOST_ROUNDS):
        seen.append(rules)
        rules = _next(rules, given, seen)
        if rules in seen:
            break
    return rules


def _next(rules: list[RuleText], given: Given, seen: Sequence[list[RuleText]]) -> list[RuleText]:
    """The rules after the first correction that leads to something new and that ECR takes."""
    numbers = [int(one["rulePriority"]) for one in rules]
    subject = _subject(rules, range(len(rules)), numbers, given)
    for finding in _run(subject, []):
        if finding.edit is None:
            continue
        made = edited(rules, finding.edit)
        new = made not in seen and 0 < len(made) <= MAX_RULES
        if new and not find_flaws(json.dumps({"rules": made})):
            return made
    return rules


def _run(subject: Subject, unfinished: list[str]) -> Iterator[Finding]:
    """Each check to its end; one that is too much work is named in `unfinished`."""
    for check in CHECKS:
        try:
            yield from check(subject)
        except TooManyStates:
            unfinished.append(check.__name__.removeprefix("check_"))


def _subject(
    rules: Sequence[RuleText], order: Sequence[int], numbers: Sequence[int], given: Given
) -> Subject:
    """The rules in order of priority; `order` and `numbers`: place and priority as written."""
    policy = parse_policy(json.dumps({"rules": list(rules)}))
    lines = (
        Line(at, order[at], numbers[at], rule, written)
        for at, (rule, written) in enumerate(zip(policy.rules, rules, strict=True))
    )
    return Subject(tuple(lines), given)


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _rules_of(text: str) -> list[Any]:
    document = _document(text)
    rules = document.get("rules") if isinstance(document, dict) else None
    return rules if isinstance(rules, list) else []


def _is(written: Any, rule: RuleText) -> bool:
    """Whether two texts are the same rule but for its priority."""
    without = [{**one, "rulePriority": 0} for one in (written, rule) if isinstance(one, dict)]
    return len(without) == 2 and without[0] == without[1]


def _mending(rules: Sequence[Any], finding: Finding) -> str:
    """The rules with other priorities, when that is all that ECR minds."""
    found = mended({"rules": list(rules)})
    if found is None or find_flaws(json.dumps({"rules": found})):
        return ""
    changed = [one for one in found if one not in rules]
    if not changed:
        return ""
    return json.dumps(changed[0] if len(changed) == 1 else changed, indent=2, ensure_ascii=False)


def _places(text: str) -> dict[str, int]:
    return places_of(text) if _document(text) is not None else {}


def _placed(text: str, places: dict[str, int], finding: Finding, fix: str = "") -> Placed:
    offset = nearest_place(places, finding.path)
    if not places:
        offset = _broken(text)
    line, column = line_and_column(text, offset)
    return Placed(replace(finding), line, column, offset, fix)


def _broken(text: str) -> int:
    """Where a text stops being JSON."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.pos
    except (ValueError, RecursionError):
        return 0
    return 0
