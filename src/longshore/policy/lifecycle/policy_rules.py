"""What the rules of a lifecycle policy must be to each other, and which values go together. Pure.

Every rule here has passed the schema; it comes with its place in the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from longshore.policy.lifecycle.flaws import Flaw
from longshore.policy.lifecycle.policy_schema import STORAGE_CLASSES
from longshore.text import tr

MAX_WILDCARDS = 4
MIN_ARCHIVED_DAYS = 90

_Placed = tuple[int, dict[str, Any]]


def check_rules(rules: Sequence[_Placed]) -> Iterator[Flaw]:
    """All flaws of rules that are sound each by itself."""
    for place, rule in rules:
        yield from _check_lists(rule["selection"], f"rules[{place}].selection")
        yield from _check_action_fits(rule, f"rules[{place}]")
    yield from _check_priorities(rules)
    for storage_class in STORAGE_CLASSES:
        yield from _check_group(
            [
                (place, rule)
                for place, rule in rules
                if rule["selection"].get("storageClass", "standard") == storage_class
            ]
        )


def _check_lists(selection: dict[str, Any], path: str) -> Iterator[Flaw]:
    patterns, prefixes = selection.get("tagPatternList"), selection.get("tagPrefixList")
    if selection["tagStatus"] == "tagged":
        if not patterns and not prefixes:
            yield Flaw(
                path,
                "Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED.",
                remedy=tr('add "tagPatternList": ["*"] for all tagged images, or what you mean'),
            )
        elif patterns and prefixes:
            yield Flaw(
                path,
                "Only one of tagPrefixList or tagPatternList can be specified.",
                known=False,
                remedy=tr("write the prefixes as patterns: v as v*"),
            )
    elif patterns or prefixes:
        yield Flaw(
            path,
            "tagPrefixList and tagPatternList can only be specified when tagStatus=TAGGED.",
            known=False,
            remedy=tr('take the list out, or write "tagStatus": "tagged"'),
        )
    for place, pattern in enumerate(patterns or ()):
        if pattern.count("*") > MAX_WILDCARDS:
            yield Flaw(
                f"{path}.tagPatternList[{place}]",
                f"A tag pattern can have at most {MAX_WILDCARDS} wildcards.",
                known=False,
                remedy=tr("write a shorter pattern; one * stands for any number of characters"),
            )


def _check_action_fits(rule: dict[str, Any], path: str) -> Iterator[Flaw]:
    count_type, action = rule["selection"]["countType"], rule["action"]["type"]
    if count_type == "sinceImagePulled" and action != "transition":
        yield Flaw(
            path,
            "countType=sinceImagePulled requires action type transition.",
            known=False,
            remedy=tr(
                'write {"type": "transition", "targetStorageClass": "archive"}, and a second rule '
                "that expires archived images by sinceImageTransitioned"
            ),
        )
    if count_type != "sinceImageTransitioned":
        return
    if action != "expire":
        yield Flaw(
            path,
            "countType=sinceImageTransitioned requires action type expire.",
            known=False,
            remedy=tr('write "action": {"type": "expire"}'),
        )
    if rule["selection"]["countNumber"] < MIN_ARCHIVED_DAYS:
        yield Flaw(
            f"{path}.selection.countNumber",
            f"countNumber must be at least {MIN_ARCHIVED_DAYS} "
            "when countType=sinceImageTransitioned.",
            known=False,
            remedy=tr("write {days} or more; archive is billed that long", days=MIN_ARCHIVED_DAYS),
        )


def _check_priorities(rules: Sequence[_Placed]) -> Iterator[Flaw]:
    seen: set[int] = set()
    highest = max((rule["rulePriority"] for _, rule in rules), default=0)
    for place, rule in rules:
        if rule["rulePriority"] in seen:
            yield Flaw(
                f"rules[{place}].rulePriority",
                f"Rule priorities must be unique, {rule['rulePriority']} is used twice.",
                known=False,
                remedy=tr("number the rules anew; {free} is free", free=highest + 1),
            )
        seen.add(rule["rulePriority"])


def _check_group(group: Sequence[_Placed]) -> Iterator[Flaw]:
    """Rules of one storage class: `any` last, one `untagged`, each prefix once."""
    last = max((rule["rulePriority"] for _, rule in group), default=0)
    untagged = 0
    prefixes: set[str] = set()
    for place, rule in group:
        selection, path = rule["selection"], f"rules[{place}]"
        if selection["tagStatus"] == "any" and rule["rulePriority"] < last:
            yield Flaw(
                path,
                "Rule for tagStatus=ANY must have the lowest priority per storage class",
                remedy=tr("give it a rulePriority above {last}", last=last),
            )
        untagged += selection["tagStatus"] == "untagged"
        if selection["tagStatus"] == "untagged" and untagged > 1:
            yield Flaw(
                path,
                "Only one rule can select Untagged images per storage class.",
                remedy=tr("keep the stricter of the two, and take the other out"),
            )
        for prefix in selection.get("tagPrefixList", ()):
            if prefix in prefixes:
                yield _repeated_prefix(f"{path}.selection.tagPrefixList", prefix)
            prefixes.add(prefix)


def _repeated_prefix(path: str, prefix: str) -> Flaw:
    return Flaw(
        path,
        f"Tag prefixes must be unique per storage class, '{prefix}' is used twice.",
        known=False,
        remedy=tr("take one out, or write a pattern: {prefix}*", prefix=prefix),
    )
