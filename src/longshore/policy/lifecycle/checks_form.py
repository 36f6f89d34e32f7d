"""Lint: what ECR refuses, and what the text of a policy says about itself. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from longshore.policy.lifecycle.findings import Edit, Finding, RuleText
from longshore.policy.lifecycle.flaws import Flaw
from longshore.policy.lifecycle.grammar import MAX_RULES, MAX_TEXT
from longshore.policy.lifecycle.lint_subject import Line, Subject
from longshore.text import tr

_NEAR = 45
_ANY_NOT_LAST = "Rule for tagStatus=ANY must have the lowest priority"
_PLACE = re.compile(r"rules\[(\d+)\]")
_NUMBER = re.compile(r"(?<![\w.-])\d+(?![\w.])")


def check_form(subject: Subject) -> Iterator[Finding]:
    """Descriptions that are missing or say another number; nearly too many rules."""
    missing = [line for line in subject.lines if not line.rule.description.strip()]
    if missing:
        yield _no_description(missing)
    for line in subject.lines:
        yield from _other_number(line)
    if len(subject.lines) >= _NEAR:
        yield Finding(
            "lifecycle-near-limits",
            "low",
            "rules",
            tr(
                "the policy has {count} rules; ECR takes {most}",
                count=len(subject.lines),
                most=MAX_RULES,
            ),
            tr("use one prefix for several kinds of tags, so that one rule covers them"),
        )


def check_size(text: str) -> Iterator[Finding]:
    """A text that ECR does not take, or nearly not."""
    if len(text) > MAX_TEXT:
        compact = len(_compact(text))
        yield Finding(
            "lifecycle-too-large",
            "high" if compact > MAX_TEXT else "medium",
            "",
            tr(
                "the text has {size} characters, ECR takes {most}; without blanks it has {compact}",
                size=len(text),
                most=MAX_TEXT,
                compact=compact,
            ),
            tr("write it without blanks, with shorter descriptions"),
        )
    elif len(text) > MAX_TEXT * 0.9:
        yield Finding(
            "lifecycle-near-limits",
            "low",
            "",
            tr(
                "the text has {size} of the {most} characters that ECR takes",
                size=len(text),
                most=MAX_TEXT,
            ),
            tr("write it without blanks, with shorter descriptions"),
        )


def of_flaws(flaws: Sequence[Flaw], rules: Sequence[RuleText]) -> Iterator[Finding]:
    """What ECR refuses; `rules` in the order of the document, when there are such."""
    for flaw in flaws:
        found = _PLACE.match(flaw.path)
        place = int(found[1]) if found else None
        number = _priority(rules, place)
        if flaw.detail.startswith(_ANY_NOT_LAST):
            yield _any_not_last(flaw, number)
            continue
        yield Finding(
            "lifecycle-invalid",
            "high",
            flaw.path,
            _refused(flaw),
            flaw.remedy or tr("correct {path}", path=flaw.path or tr("the text")),
            number,
        )


def _refused(flaw: Flaw) -> str:
    if flaw.ours:
        return tr("this policy cannot be judged: {detail}", detail=flaw.detail)
    said = flaw.detail if flaw.known else tr("{detail} (in our words)", detail=flaw.detail)
    return tr("ECR refuses this policy, so no rule of it is in force: {detail}", detail=said)


def mended(document: Any) -> list[RuleText] | None:
    """The rules in an order that ECR takes, where only their priorities are wrong; else None."""
    rules = document.get("rules") if isinstance(document, dict) else None
    if not isinstance(rules, list) or not all(_has_priority(one) for one in rules):
        return None
    ordered = sorted(rules, key=lambda one: (_is_any(one), one["rulePriority"]))
    made, last = [], 0
    for rule in ordered:
        last = max(last + 1, rule["rulePriority"] if not _is_any(rule) else 0)
        made.append({**rule, "rulePriority": last})
    return made


def _has_priority(rule: Any) -> bool:
    return (
        isinstance(rule, dict)
        and type(rule.get("rulePriority")) is int
        and isinstance(rule.get("selection"), dict)
    )


def _is_any(rule: RuleText) -> bool:
    return bool(rule["selection"].get("tagStatus") == "any")


def _priority(rules: Sequence[RuleText], place: int | None) -> int | None:
    if place is None or place >= len(rules) or not _has_priority(rules[place]):
        return None
    number: int = rules[place]["rulePriority"]
    return number


def _any_not_last(flaw: Flaw, number: int | None) -> Finding:
    return Finding(
        "lifecycle-any-not-last",
        "high",
        f"{flaw.path}.rulePriority",
        tr(
            "ECR refuses this policy: {detail}. This holds for ordinary and for archived images "
            "apart; were it taken, no rule behind rule {rule} could ever act",
            detail=flaw.detail,
            rule=number or "?",
        ),
        tr("give the rule for any the largest priority number"),
        number,
    )


def _compact(text: str) -> str:
    return json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)


def _no_description(missing: Sequence[Line]) -> Finding:
    numbers = ", ".join(str(one.number) for one in missing)
    return Finding(
        "lifecycle-without-description",
        "low",
        missing[0].path(),
        tr("rule {rules} says nothing of what it is for", rules=numbers)
        if len(missing) == 1
        else tr("rules {rules} say nothing of what they are for", rules=numbers),
        tr("add a description: it is all that the next reader has"),
        missing[0].number,
    )


def _other_number(line: Line) -> Iterator[Finding]:
    said = line.rule.description
    numbers = [int(one) for one in _NUMBER.findall(said)]
    if not numbers or line.count in numbers or line.keeps_all:
        return
    rule = {**line.written, "description": _NUMBER.sub(str(line.count), said, count=1)}
    yield Finding(
        "lifecycle-description-differs",
        "low",
        line.path("description"),
        tr(
            "the description of rule {rule} says {said}, the rule says {count}",
            rule=line.number,
            said=numbers[0],
            count=line.count,
        ),
        tr("one of the two is wrong: ECR goes by countNumber"),
        line.number,
        edit=Edit(line.at, (rule,), frozenset({line.at})),
    )
