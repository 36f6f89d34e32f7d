"""Images and policies in few words, for the tests of lifecycle policies."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from longshore.facts import ImageSeen
from longshore.policy.lifecycle.grammar import ActionType, CountType, Policy, Rule, Selection

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DAY = timedelta(days=1)


def image(name: str, days: float = 0.0, **more: Any) -> ImageSeen:
    """An image pushed so many days ago; `name` is its tags, by blanks, `-` for none."""
    tags = () if name.startswith("-") else tuple(name.split())
    digest = "sha256:" + sha256(name.encode()).hexdigest()
    return ImageSeen(digest, tags, more.pop("size", 10), NOW - days * DAY, **more)


def newest(pattern: str, count: int, action: ActionType = "expire") -> Selection:
    """Keep so many of a pattern; `any` and `untagged` are those."""
    return _selection(pattern, "imageCountMoreThan", count)


def older(pattern: str, days: int, since: CountType = "sinceImagePushed") -> Selection:
    """Act on what is older than so many days."""
    return _selection(pattern, since, days)


def policy(*selections: Selection | tuple[Selection, ActionType]) -> Policy:
    """Rules numbered from 1; a pair says what the rule does."""
    rules = []
    for number, one in enumerate(selections, start=1):
        selection, action = one if isinstance(one, tuple) else (one, "expire")
        rules.append(Rule(number, selection, action))
    return Policy(tuple(rules))


def names(images: Iterable[ImageSeen]) -> set[str]:
    """Their first tags."""
    return {one.tags[0] if one.tags else "-" for one in images}


def _selection(pattern: str, count_type: CountType, number: int) -> Selection:
    storage = "archive" if count_type == "sinceImageTransitioned" else "standard"
    if pattern in ("any", "untagged"):
        return Selection(pattern, count_type, number, storage_class=storage)  # type: ignore[arg-type]
    patterns = tuple(pattern.split(" & "))
    return Selection("tagged", count_type, number, patterns, storage_class=storage)  # type: ignore[arg-type]
