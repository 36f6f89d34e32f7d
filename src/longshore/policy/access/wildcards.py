"""IAM's wildcards: `*` any characters, `?` any one. Pure.

In an ARN a wildcard stays within its segment, the part between two colons; only a `*` that ends a
segment may reach beyond it (IAM User Guide, "IAM JSON policy elements: Resource").

>>> matches_arn("arn:aws:ecr:*:1234:repository/shop*", "arn:aws:ecr:eu-west-1:1234:repository/shop")
True
"""

from __future__ import annotations

import re
from functools import lru_cache


def matches_text(pattern: str, text: str) -> bool:
    """As StringLike: the whole text, case counts."""
    return _expression(pattern).fullmatch(text) is not None


def matches_action(pattern: str, action: str) -> bool:
    """As Action: `ecr:Get*` matches ecr:GetAuthorizationToken, in any case."""
    return matches_text(pattern.lower(), action.lower())


def matches_arn(pattern: str, arn: str) -> bool:
    """As Resource, ArnLike and ArnEquals."""
    return pattern == "*" or _arn_expression(pattern).fullmatch(arn) is not None


@lru_cache(maxsize=4096)
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(_translated(pattern, ".*", "."), re.DOTALL)


@lru_cache(maxsize=4096)
def _arn_expression(pattern: str) -> re.Pattern[str]:
    segments = []
    for segment in pattern.split(":"):
        ends = segment.endswith("*")
        inner = _translated(segment[:-1] if ends else segment, "[^:]*", "[^:]")
        segments.append(f"{inner}.*" if ends else inner)
    return re.compile(":".join(segments), re.DOTALL)


def _translated(pattern: str, many: str, one: str) -> str:
    """The expression; a run of stars is one star, so that matching never explodes."""
    simple = re.sub(r"\*+", "*", pattern)
    wild = {"*": many, "?": one}
    return "".join(wild.get(letter) or re.escape(letter) for letter in simple)
