"""Lifecycle policies that longshore writes: the `standard` preset, and a short intent form. Pure.

Two properties of ECR shape them (User Guide, "Lifecycle policies"):

* An image that matches a rule's tags is out of reach of every rule behind it, even when the first
  rule keeps it. So a rule with an unreachable count is the way to say "keep"; such rules go first.
* Several patterns in one rule are AND. So each pattern has a rule of its own.

What the policies do to given images is decided in `evaluate`.

>>> [rule["selection"].get("tagPatternList") for rule in standard_policy()["rules"]][:3]
[['live-*'], ['rollback-*'], ['latest']]
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from longshore.policy.lifecycle.grammar import MAX_RULES, MAX_WILDCARDS
from longshore.text import tr

KEEP_ALL = 9999
PROTECTED = ("live-*", "rollback-*", "latest")
BACKUPS = "backup-*"
PRESETS = ("standard",)

Rule = dict[str, Any]


@dataclass(frozen=True)
class Intent:
    """What to keep, in few words.

    `keep` maps a tag pattern to how many images stay, `max_age_days` a pattern to the age at which
    an image goes; `protect` is added to live-*, rollback-* and latest, which are always protected.
    """

    keep: tuple[tuple[str, int], ...] = ()
    max_age_days: tuple[tuple[str, int], ...] = ()
    untagged_days: int | None = None
    backup_days: int | None = None
    protect: tuple[str, ...] = field(default=())


STANDARD = Intent(
    keep=(
        ("v*", 10),
        ("main-*", 10),
        ("master-*", 10),
        ("develop-*", 5),
        ("feature-*", 5),
        ("pr-*", 3),
    ),
    untagged_days=1,
    backup_days=7,
)


def standard_policy() -> dict[str, Any]:
    """Production images 10, branches 5, pull requests 3, untagged 1 day, backups 7 days."""
    return intent_policy(STANDARD)


def intent_policy(intent: Intent) -> dict[str, Any]:
    """The policy document for an intent: protecting rules, counts, ages, untagged, backups."""
    rules = [_keep(p, KEEP_ALL, f"{p} never go") for p in _protected(intent)]
    rules += [_keep(p, n, f"keep the {n} newest {p}") for p, n in intent.keep]
    rules += [_age(p, n, f"{p} go after {_days(n)}") for p, n in intent.max_age_days]
    if intent.untagged_days is not None:
        rules.append(_untagged(intent.untagged_days))
    if intent.backup_days is not None:
        rules.append(
            _age(BACKUPS, intent.backup_days, f"{BACKUPS} go after {_days(intent.backup_days)}")
        )
    return {"rules": [{"rulePriority": place, **rule} for place, rule in enumerate(rules, start=1)]}


def intent_flaws(intent: Intent) -> list[str]:
    """Why ECR would refuse the intent's policy; empty when it takes it."""
    flaws = [
        tr("'{pattern}' has more than {most} wildcards", pattern=pattern, most=MAX_WILDCARDS)
        for pattern in (*intent.protect, *dict(intent.keep), *dict(intent.max_age_days))
        if pattern.count("*") > MAX_WILDCARDS
    ]
    rules = len(intent_policy(intent)["rules"])
    if rules > MAX_RULES:
        flaws.append(tr("{count} rules; ECR takes {most}", count=rules, most=MAX_RULES))
    return flaws


def canonical_text(policy: dict[str, Any]) -> str:
    """The policy as text for ECR: compact, rules by priority, keys sorted."""
    rules = sorted(policy["rules"], key=lambda rule: int(rule["rulePriority"]))
    return json.dumps({**policy, "rules": rules}, sort_keys=True, separators=(",", ":"))


def _protected(intent: Intent) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*PROTECTED, *intent.protect)))


def _keep(pattern: str, count: int, description: str) -> Rule:
    return _rule(
        {
            "tagStatus": "tagged",
            "tagPatternList": [pattern],
            "countType": "imageCountMoreThan",
            "countNumber": count,
        },
        description,
    )


def _age(pattern: str, days: int, description: str) -> Rule:
    return _rule({"tagStatus": "tagged", "tagPatternList": [pattern], **_since(days)}, description)


def _untagged(days: int) -> Rule:
    return _rule(
        {"tagStatus": "untagged", **_since(days)}, f"untagged images go after {_days(days)}"
    )


def _since(days: int) -> dict[str, Any]:
    return {"countType": "sinceImagePushed", "countUnit": "days", "countNumber": days}


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _rule(selection: dict[str, Any], description: str) -> Rule:
    return {"description": description, "selection": selection, "action": {"type": "expire"}}
