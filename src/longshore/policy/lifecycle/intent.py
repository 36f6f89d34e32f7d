"""What a team wants to keep, in few words: the `lifecycle` keys of longshore.yaml. Pure.

How an intent becomes a policy is in `compile`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from longshore.policy.lifecycle.grammar import MAX_RULES, MAX_WILDCARDS
from longshore.policy.lifecycle.preset import (
    KEEP_ALL,
    MOST_BACKUPS,
    PROTECTED,
    Rule,
    backstop,
    keep_for,
    keep_newest,
    numbered,
    protecting,
    untagged,
)
from longshore.text import tr


@dataclass(frozen=True)
class Intent:
    """What to keep.

    `keep` maps a tag pattern to how many images stay, `max_age_days` a pattern to the age at which
    an image goes; `protect` is added to live-*, rollback-* and latest, which are always protected.
    """

    keep: tuple[tuple[str, int], ...] = ()
    max_age_days: tuple[tuple[str, int], ...] = ()
    untagged_days: int | None = None
    backup_days: int | None = None
    protect: tuple[str, ...] = ()


def intent_policy(intent: Intent) -> dict[str, Any]:
    """The policy document for an intent: protecting rules, backups, counts, ages, untagged."""
    rules: list[Rule] = protecting(dict.fromkeys((*PROTECTED, *intent.protect)))
    rules.append(backstop(KEEP_ALL if intent.backup_days is None else MOST_BACKUPS))
    rules += [keep_newest(pattern, count, "images") for pattern, count in intent.keep]
    rules += [keep_for(pattern, days, "images") for pattern, days in intent.max_age_days]
    if intent.untagged_days is not None:
        rules.append(untagged(intent.untagged_days))
    return numbered(rules)


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
