"""What a policy's count rules will expire of the images that a copy brings. Pure.

ECR counts by the time at which it got an image; images that are copied oldest first keep their
order. Rules by age do not matter here: everything that arrives is new. As ECR does, a rule ranks
all images that match it, and may act only on those that no rule before it matches (User Guide,
"Lifecycle policies", evaluation rules).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True)
class Arriving:
    """One image: its digest and tags, and its place in time (the newest is the greatest)."""

    digest: str
    tags: tuple[str, ...]
    order: float


@dataclass(frozen=True)
class Expiring:
    """An image that a rule will expire soon after it came: which rule, and how many it keeps."""

    image: Arriving
    rule: int
    patterns: tuple[str, ...]
    keeps: int


def expiring_on_arrival(policy_text: str, images: Sequence[Arriving]) -> list[Expiring]:
    """The images over a count rule's number; `policy_text` is a policy that ECR takes."""
    rules = sorted(json.loads(policy_text)["rules"], key=lambda rule: rule["rulePriority"])
    newest_first = sorted(images, key=lambda image: image.order, reverse=True)
    shielded: set[str] = set()
    found: list[Expiring] = []
    for rule in rules:
        matching = [image for image in newest_first if _matches(rule["selection"], image)]
        if _counts(rule):
            over = matching[rule["selection"]["countNumber"] :]
            found += [_expiring(rule, one) for one in over if one.digest not in shielded]
        shielded.update(image.digest for image in matching)
    return found


def _counts(rule: Mapping[str, Any]) -> bool:
    counts = rule["selection"]["countType"] == "imageCountMoreThan"
    return bool(counts and rule["action"]["type"] == "expire")


def _matches(selection: Mapping[str, Any], image: Arriving) -> bool:
    """Every pattern must be met by one of the tags (lists are AND)."""
    if selection.get("storageClass", "standard") != "standard":
        return False
    if selection["tagStatus"] == "any":
        return True
    if selection["tagStatus"] == "untagged":
        return not image.tags
    prefixes = [f"{_literal(prefix)}*" for prefix in selection.get("tagPrefixList") or ()]
    patterns = [_glob(pattern) for pattern in selection.get("tagPatternList") or ()]
    return bool(image.tags) and all(
        any(fnmatchcase(tag, pattern) for tag in image.tags) for pattern in prefixes + patterns
    )


def _glob(pattern: str) -> str:
    """ECR knows `*` only."""
    return "*".join(_literal(part) for part in pattern.split("*"))


def _literal(text: str) -> str:
    return text.replace("[", "[[]").replace("?", "[?]").replace("*", "[*]")


def _expiring(rule: Mapping[str, Any], image: Arriving) -> Expiring:
    selection = rule["selection"]
    patterns = selection.get("tagPatternList") or selection.get("tagPrefixList") or ()
    return Expiring(image, rule["rulePriority"], tuple(patterns), int(selection["countNumber"]))
