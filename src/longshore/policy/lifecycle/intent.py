"""What a team wants to keep, in few words: the `lifecycle` keys of longshore.yaml. Pure.

An intent is read so: families are asked in the order in which they are written. A tag belongs to
the first family of which a pattern matches it (live-*, rollback-*, latest, `protect` and backup-*
come before all of them), an image to each family that one of its tags belongs to, and the first of
these decides about it. Within a family (or, with `per`, within each branch, minor version or pull
request of it) an image stays while it is among the `keep_newest` or younger than `keep_for`.

How that becomes rules of ECR's and of longshore's own prune is in `compile`; what nobody can do is
told here (`intent_flaws`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from longshore.policy.families import Family
from longshore.policy.lifecycle.grammar import MAX_WILDCARDS, MIN_ARCHIVED_DAYS
from longshore.policy.lifecycle.overlap import TooManyStates, find_tag
from longshore.policy.lifecycle.preset import BACKUPS, PROTECTED
from longshore.policy.lifecycle.prune_units import Per
from longshore.text import tr

Marker = Literal["auto", "none"]
LATEST = "latest"
MARKED: dict[str, Family] = {"production": "production", "branch": "branch", "branches": "branch"}


@dataclass(frozen=True)
class FamilyIntent:
    """Images that share one wish. `tags` are patterns of which one must match a tag (OR).

    `marker` says whether the limit may go by the marker tags of `policy/families`, where the
    pipeline puts them on these images.
    """

    name: str
    tags: tuple[str, ...]
    keep_newest: int | None = None
    keep_for_days: int | None = None
    per: Per = "family"
    archive_after_days: int | None = None
    marker: Marker = "auto"

    @property
    def patterns(self) -> tuple[str, ...]:
        """The patterns of images that may go; `latest` never does."""
        return tuple(dict.fromkeys(one for one in self.tags if one != LATEST))


@dataclass(frozen=True)
class Intent:
    """What to keep.

    `keep` maps a tag pattern to how many images stay, `max_age_days` a pattern to the age at which
    an image goes: one ECR rule each, behind those of `families`. `protect` is added to live-*,
    rollback-* and latest, which are always protected.
    """

    keep: tuple[tuple[str, int], ...] = ()
    max_age_days: tuple[tuple[str, int], ...] = ()
    untagged_days: int | None = None
    backup_days: int | None = None
    protect: tuple[str, ...] = ()
    families: tuple[FamilyIntent, ...] = ()

    @property
    def protected(self) -> tuple[str, ...]:
        """The patterns of images that always stay."""
        return tuple(dict.fromkeys((*PROTECTED, *self.protect)))

    @property
    def asks_for_markers(self) -> bool:
        """Whether a family has a limit that marker tags can make one."""
        return any(
            one.name in MARKED and one.marker == "auto" and one.keep_newest is not None
            for one in self.families
        )


def taken_before(intent: Intent, place: int) -> tuple[str, ...]:
    """The patterns that come before the family at this place."""
    families = (pattern for one in intent.families[:place] for pattern in one.patterns)
    return tuple(dict.fromkeys((*intent.protected, BACKUPS, *families)))


def overlaps(one: str, another: str) -> bool:
    """Whether a tag can match both patterns; yes where that is not known."""
    try:
        return find_tag([one, another]) is not None
    except TooManyStates:
        return True


def leaves_nothing(pattern: str, taken: Iterable[str]) -> bool:
    """Whether every tag that the pattern matches is taken by others; no where it is not known."""
    try:
        return find_tag([pattern], [[one] for one in taken]) is None
    except TooManyStates:
        return False


def intent_flaws(intent: Intent) -> list[str]:
    """Why the intent cannot be carried out, each with what comes nearest; empty when it can."""
    return [*_pattern_flaws(intent), *_family_flaws(intent)]


def _pattern_flaws(intent: Intent) -> Iterator[str]:
    families = (pattern for one in intent.families for pattern in one.tags)
    written = (*intent.protect, *dict(intent.keep), *dict(intent.max_age_days), *families)
    for pattern in dict.fromkeys(written):
        if pattern.count("*") > MAX_WILDCARDS:
            yield tr(
                "'{pattern}' has more than {most} wildcards", pattern=pattern, most=MAX_WILDCARDS
            )


def _family_flaws(intent: Intent) -> Iterator[str]:
    for place, family in enumerate(intent.families):
        if flaw := _wish_flaw(family):
            yield flaw
            continue
        for pattern in family.patterns:
            taken = taken_before(intent, place)
            if pattern.count("*") <= MAX_WILDCARDS and leaves_nothing(pattern, taken):
                yield _dead(family, pattern, intent.families[:place], intent.protected)


def _wish_flaw(family: FamilyIntent) -> str:
    """What is wrong with the numbers of a family; empty when nothing is."""
    name, newest, days = family.name, family.keep_newest, family.keep_for_days
    if not family.patterns:
        return tr("{family}: latest always stays; name tags that may go", family=name)
    if newest is None and days is None and family.archive_after_days is None:
        return tr(
            "{family}: nothing is asked; add keep_newest, keep_for or archive_after, or put its "
            "tags under protect",
            family=name,
        )
    if family.per != "family" and newest is None:
        return tr(
            "{family}: per says of what keep_newest counts; add keep_newest, or leave per out",
            family=name,
        )
    return _archive_flaw(family, family.archive_after_days)


def _archive_flaw(family: FamilyIntent, after: int | None) -> str:
    if after is None:
        return ""
    if family.keep_newest is not None:
        return tr(
            "{family}: keep_newest and archive_after exclude each other: in ECR the rule that "
            "counts shields its images from the rule that archives, and archived images are in no "
            "count; the nearest is archive_after: {after}d with keep_for: {least}d",
            family=family.name,
            after=after,
            least=after + MIN_ARCHIVED_DAYS,
        )
    days = family.keep_for_days
    if days is not None and days - after < MIN_ARCHIVED_DAYS:
        return tr(
            "{family}: ECR keeps what it archived for {days} days at least; the nearest is "
            "keep_for: {least}d, or no archive_after",
            family=family.name,
            days=MIN_ARCHIVED_DAYS,
            least=after + MIN_ARCHIVED_DAYS,
        )
    return ""


def _dead(
    family: FamilyIntent, pattern: str, before: Sequence[FamilyIntent], protected: Sequence[str]
) -> str:
    """No tag is left for a pattern: say who has them."""
    if leaves_nothing(pattern, (BACKUPS,)):
        return tr(
            "{family}: {pattern} are backups, which no rule of ECR's can judge: it counts from the "
            "push, not from the backup; use backup_days",
            family=family.name,
            pattern=pattern,
        )
    if leaves_nothing(pattern, protected):
        return tr(
            "{family}: {pattern} is protected and never goes; take it out",
            family=family.name,
            pattern=pattern,
        )
    holder = next((one.name for one in before if leaves_nothing(pattern, one.patterns)), "")
    return tr(
        "{family}: every tag that {pattern} matches belongs to {others} already; take it out, or "
        "write {family} first",
        family=family.name,
        pattern=pattern,
        others=holder or tr("the families before it"),
    )
