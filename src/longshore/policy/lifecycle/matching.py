"""Which images meet the tagging requirements of a rule. Pure.

A prefix matches the beginning of a tag; in a pattern `*` stands for any characters, also none, and
the whole tag must match. Case counts. A list is AND: each entry must match some tag of the image,
and one tag may satisfy several entries (User Guide, "Lifecycle policy properties").

`TagTable` sorts all tags once, so that an entry costs a search and its matches, not all tags.

>>> table = TagTable([("v1",), ("main-1", "v2"), ()])
>>> sorted(table.matching(("v*", "main-*")))
[1]
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache

from longshore.policy.lifecycle.grammar import Selection

_LAST = "\U0010ffff"


@lru_cache(maxsize=1024)
def glob_expression(pattern: str) -> re.Pattern[str]:
    """ECR's wildcard pattern, for fullmatch.

    Each part is taken where it comes first and never tried again further on (that can match no
    more), so that no pattern takes longer than the tag is long, times its parts.
    """
    head, *middle = pattern.split("*")
    if not middle:
        return re.compile(re.escape(head), re.DOTALL)
    tail = middle.pop()
    found = "".join(f"(?>.*?{re.escape(part)})" for part in middle if part)
    return re.compile(f"{re.escape(head)}{found}.*{re.escape(tail)}", re.DOTALL)


def matches_tag(pattern: str, tag: str) -> bool:
    """Whether the pattern matches the whole tag."""
    return glob_expression(pattern).fullmatch(tag) is not None


def patterns_of(selection: Selection) -> tuple[str, ...]:
    """The entries of the rule's list as patterns; a prefix is one that ends in a wildcard.

    A `*` inside a prefix is a plain character and can match no tag.
    """
    prefixes = tuple(f"{prefix}*" for prefix in selection.prefixes if "*" not in prefix)
    impossible = tuple("" for prefix in selection.prefixes if "*" in prefix)
    return selection.patterns + prefixes + impossible


class TagTable:
    """All tags of a repository, sorted; images are known by their place in the sequence."""

    def __init__(self, tags_of_images: Sequence[Sequence[str]]) -> None:
        tags = [tag for tags in tags_of_images for tag in tags]
        places = [place for place, tags in enumerate(tags_of_images) for _ in tags]
        order = sorted(range(len(tags)), key=tags.__getitem__)
        self._tags = [tags[at] for at in order]
        self._places = [places[at] for at in order]

    def matching(self, patterns: Sequence[str]) -> set[int]:
        """The images of which each pattern matches some tag."""
        found: set[int] | None = None
        for pattern in patterns:
            one = self._with(pattern)
            found = one if found is None else found & one
            if not found:
                return set()
        return found or set()

    def _with(self, pattern: str) -> set[int]:
        head, star, tail = pattern.partition("*")
        first = bisect_left(self._tags, head)
        if not star:
            last = bisect_left(self._tags, head + "\0", first)
            return set(self._places[first:last])
        last = bisect_left(self._tags, head + _LAST, first) if head else len(self._tags)
        if not tail.strip("*"):
            return set(self._places[first:last])
        matches = glob_expression(pattern).fullmatch
        return {self._places[at] for at in range(first, last) if matches(self._tags[at])}
