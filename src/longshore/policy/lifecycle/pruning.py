"""Which tags longshore's own prune takes away: what ECR's rules cannot express. Pure.

ECR knows no OR, no age of a tag, no "never the last one". A prune rule looks at tags, not at
images: an image loses the tag, and only when none is left does the image go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Per = Literal["family", "branch", "minor-version", "pull-request"]
Clock = Literal["push", "tag-name"]


@dataclass(frozen=True)
class PruneRule:
    """What goes of the tags that any of `patterns` matches (OR, as ECR's lists are not).

    Within each group (`per`), what is among the `keep_newest` or younger than `keep_for_days`
    stays; None does not ask. `at_least` of the newest stay whatever their age. `clock` says what a
    tag's age is counted from: the image's push, or the time in the tag's name (backup-...).
    """

    name: str
    patterns: tuple[str, ...]
    keep_newest: int | None = None
    keep_for_days: int | None = None
    per: Per = "family"
    at_least: int = 0
    clock: Clock = "push"
