"""Families of tags that share one limit, and the marker tags that make ECR see them. Pure.

ECR's lists are AND, so no rule can say "v* or main-*": the family of production images has tags of
several kinds. A marker tag of its own on every image of a family, `prod-v2.0.0` beside `v2.0.0`,
gives one pattern that covers the family, and so one joint limit. Pull requests need none: `pr-*`
covers them. No branch or tag of the tree gets a tag that begins like a marker (`slugs`).

>>> marker_tag("production", "v2.0.0")
'prod-v2.0.0'
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Literal

Family = Literal["production", "branch", "pull-request"]
MarkerMode = Literal["all", "needed", "none"]
MARKERS: dict[Family, str] = {"production": "prod-", "branch": "branch-"}
PULL_REQUEST = "pr-"
MAIN = ("main", "master")
_LONGEST = 128


def marker_pattern(family: Family) -> str:
    """The pattern that covers the whole family."""
    return f"{MARKERS.get(family, PULL_REQUEST)}*"


def plain_patterns(family: Family, main: Sequence[str] = MAIN) -> tuple[str, ...]:
    """The patterns that cover a family's images without markers; `main` as tags begin with it."""
    if family == "production":
        return ("latest", "v*", *(f"{name}-*" for name in main))
    return ("develop-*", "feature-*") if family == "branch" else (f"{PULL_REQUEST}*",)


def marker_tag(family: Family, tag: str) -> str:
    """The marker of the image that has this tag; as unique as the tag."""
    marker = f"{MARKERS[family]}{tag}"
    if len(marker) <= _LONGEST:
        return marker
    digits = sha256(tag.encode()).hexdigest()[:8]
    return f"{marker[: _LONGEST - 9].rstrip('.-')}-{digits}"
