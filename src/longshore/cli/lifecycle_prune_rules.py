"""The flags of `lifecycle prune` as values: a rule, and how much may go at once. Pure.

>>> parse_limit("80%").of(200), parse_limit(None).of(4)
(160, 10)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from longshore.cli.moments import parse_length
from longshore.errors import UsageError
from longshore.policy.lifecycle.pruning import Per, PruneRule
from longshore.text import tr

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Limit:
    """How many images of a repository may go at once: a number, or a share and a number at least.

    Small repositories are not asked about: ten may always go by the default.
    """

    number: int | None = None
    share: float = 0.5
    least: int = 10

    def of(self, images: int) -> int:
        """The limit for so many images."""
        return self.number if self.number is not None else max(self.least, int(images * self.share))


def parse_limit(text: str | None) -> Limit:
    """A number, or a share such as 80%. Raises UsageError."""
    if text is None:
        return Limit()
    word = text.strip()
    if word.endswith("%") and word[:-1].isdecimal() and int(word[:-1]) <= 100:
        return Limit(None, int(word[:-1]) / 100, 0)
    if word.isdecimal():
        return Limit(int(word))
    raise UsageError(
        tr("'{text}' is neither a number nor a share", text=text),
        tr("for example --at-most 200, or --at-most 80%"),
    )


def rule_of_flags(
    tags: Sequence[str],
    keep_newest: int | None,
    older_than: str | None,
    at_least: int,
    per: str,
    excluding: Sequence[str],
    *,
    by_name: bool,
) -> PruneRule | None:
    """The rule that the flags say; None when they say none. Raises UsageError."""
    limits = keep_newest is not None or older_than is not None
    if not tags:
        if limits or at_least or excluding or by_name or per != "family":
            raise UsageError(
                tr("which tags the rule is about is not said"),
                tr("name them: --tags 'pr-*'"),
            )
        return None
    if not all(tags) or not all(excluding):
        raise UsageError(tr("an empty pattern matches no tag"), tr("name them: --tags 'pr-*'"))
    if not limits:
        raise UsageError(
            tr("what stays of {tags} is not said", tags=", ".join(tags)),
            tr("add --keep-newest 3, or --older-than 30d"),
        )
    return PruneRule(
        tr("of the flags"),
        tuple(tags),
        keep_newest,
        None if older_than is None else _days(older_than),
        cast(Per, per),
        at_least,
        "tag-name" if by_name else "push",
        tuple(excluding),
    )


def _days(text: str) -> int:
    length = parse_length(text)
    days = length // _DAY
    if length % _DAY:
        raise UsageError(
            tr("'{text}' is not a number of whole days", text=text), tr("write 7d or 4w")
        )
    return days
