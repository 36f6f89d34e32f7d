"""What lint says: a finding with its place in the policy, and an edit that corrects it. Pure.

An edit works on the rules in the order of their priorities. Priorities stay as they are wherever
they can: a new rule takes the number of the one that it replaces, or the next free one, and the
rules behind it move up only as far as they must.

>>> rules = [{"rulePriority": 1, "a": 1}, {"rulePriority": 5, "b": 1}]
>>> edited(rules, Edit(1, ({"c": 1},)))
[{'rulePriority': 1, 'a': 1}, {'rulePriority': 2, 'c': 1}, {'rulePriority': 5, 'b': 1}]
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = ("high", "medium", "low")
RuleText = dict[str, Any]


@dataclass(frozen=True)
class Edit:
    """`rules` before the rule `at` (counted by priority), and away with those in `remove`."""

    at: int
    rules: tuple[RuleText, ...] = ()
    remove: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Finding:
    """One mistake. `path` is the member of the policy that it is about, `advice` what to do.

    `example` is a tag, or an image's digest, that shows it. `edit` corrects the policy, where one
    correction is clearly meant.
    """

    code: str
    severity: Severity
    path: str
    message: str
    advice: str
    rule: int | None = None
    example: str = ""
    edit: Edit | None = None


def edited(rules: Sequence[RuleText], edit: Edit) -> list[RuleText]:
    """The rules after the edit, with priorities that rise."""
    made: list[RuleText] = []
    last = 0
    for at in range(len(rules) + 1):
        if at == edit.at:
            wanted = rules[at]["rulePriority"] if at in edit.remove and at < len(rules) else 0
            for rule in edit.rules:
                last = max(last + 1, wanted)
                made.append(_ordered({**rule, "rulePriority": last}))
                wanted = 0
        if at < len(rules) and at not in edit.remove:
            last = max(last + 1, rules[at]["rulePriority"])
            made.append({**rules[at], "rulePriority": last})
    return made


def correction(rules: Sequence[RuleText], edit: Edit) -> str:
    """The corrected rules as JSON: one object, or a list of all that changed; may be empty."""
    changed = [rule for rule in edited(rules, edit) if rule not in rules]
    if not changed:
        return ""
    return json.dumps(changed[0] if len(changed) == 1 else changed, indent=2, ensure_ascii=False)


_ORDER = ("rulePriority", "description", "selection", "action")


def _ordered(rule: RuleText) -> RuleText:
    known = {name: rule[name] for name in _ORDER if name in rule}
    return known | {name: value for name, value in rule.items() if name not in known}
