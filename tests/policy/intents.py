"""Random intents and repositories, and what an intent says read directly, rule by rule of prose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from random import Random

from hypothesis import strategies as st

from longshore.facts import ImageSeen
from longshore.policy.lifecycle.intent import FamilyIntent, Intent, intent_flaws
from longshore.policy.lifecycle.prune_units import Per

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
PROTECTED, BACKUP = "protected", "backup"
MARKERS = {"production": "prod-*", "branch": "branch-*", "branches": "branch-*"}


# --- the direct reading -------------------------------------------------------------------------


class Reading:
    """What an intent keeps of these images. `marked`: families that go by their marker as well."""

    def __init__(
        self, intent: Intent, images: Sequence[ImageSeen], at: datetime, marked: Iterable[str] = ()
    ) -> None:
        self.intent, self.images, self.at = intent, images, at
        self.marked = set(marked)
        self.backups = sorted(
            {when for one in images for tag in one.tags if (when := backed_up(tag))}, reverse=True
        )

    def owner(self, unit: tuple[str, ...]) -> str:
        """The first family that a tag, or the marker beside it, belongs to."""
        if any(fnmatchcase(tag, one) for tag in unit for one in self.intent.protected):
            return PROTECTED
        if any(tag.startswith("backup-") for tag in unit):
            return BACKUP
        for family in self.intent.families:
            patterns = [one for one in family.tags if one != "latest"]
            patterns += [MARKERS[family.name]] if family.name in self.marked else []
            if any(fnmatchcase(tag, one) for tag in unit for one in patterns):
                return family.name
        return ""

    def first(self, image: ImageSeen) -> str:
        """Who decides about the image."""
        owners = {self.owner(unit) for unit in units(image.tags)}
        order = [PROTECTED, BACKUP, *(family.name for family in self.intent.families)]
        return next((one for one in order if one in owners), "")

    def keeps(self, image: ImageSeen) -> bool:
        """Whether the image stays."""
        owners = {self.owner(unit) for unit in units(image.tags)}
        if PROTECTED in owners:
            return True
        if not image.tags:
            days = self.intent.untagged_days
            return days is None or self.age(image) <= days * DAY
        if BACKUP in owners and any(self.keeps_backup(tag) for tag in image.tags):
            return True
        for family in self.intent.families:
            if family.name in owners:
                return self.family_keeps(family, image)
        return BACKUP not in owners

    def keeps_backup(self, tag: str) -> bool:
        when = backed_up(tag)
        days = self.intent.backup_days
        if when is None:
            return False
        return days is None or when in self.backups[:3] or self.at - when <= days * DAY

    def family_keeps(self, family: FamilyIntent, image: ImageSeen) -> bool:
        """Whether any tag that the family has on the image is one that it keeps."""
        mine = [unit for unit in units(image.tags) if self.owner(unit) == family.name]
        return any(self.keeps_unit(family, image, unit) for unit in mine)

    def keeps_unit(self, family: FamilyIntent, image: ImageSeen, unit: tuple[str, ...]) -> bool:
        days = family.keep_for_days
        if days is not None and self.age(image) <= days * DAY:
            return True
        if family.keep_newest is None:
            return days is None
        group = group_of(family, unit[0])
        return group is None or image in self.newest(family, group)

    def newest(self, family: FamilyIntent, group: str) -> list[ImageSeen]:
        """The images of the family, or of one group in it, that its number allows."""
        members = [
            one
            for one in self.images
            for unit in units(one.tags)
            if self.owner(unit) == family.name and group_of(family, unit[0]) == group
        ]
        distinct = {one.digest: one for one in members}
        ordered = sorted(distinct.values(), key=lambda one: self.age(one))
        return ordered[: family.keep_newest]

    def age(self, image: ImageSeen) -> timedelta:
        assert image.pushed_at is not None
        return self.at - image.pushed_at


def units(tags: Sequence[str]) -> list[tuple[str, ...]]:
    """Each tag with its marker."""
    return [
        (tag, *(one for one in tags if one in (f"prod-{tag}", f"branch-{tag}")))
        for tag in tags
        if not (tag.startswith(("prod-", "branch-")) and tag.partition("-")[2] in tags)
    ]


def group_of(family: FamilyIntent, tag: str) -> str | None:
    """What is counted apart."""
    shapes = {
        "family": r"()",
        "branch": r"(.+)-[0-9a-f]{7}",
        "minor-version": r"(v?\d+\.\d+)\.\d+(-rc1)?",
        "pull-request": r"(pr-\d+)(-[0-9a-f]{7})?",
    }
    shape = shapes[family.per]
    found = re.match(shape, tag) if family.per == "family" else re.fullmatch(shape, tag)
    return found[1] if found else None


def backed_up(tag: str) -> datetime | None:
    if not tag.startswith("backup-"):
        return None
    return datetime.strptime(tag, "backup-%Y%m%d-%H%M%S").replace(tzinfo=UTC)


# --- random intents and repositories ------------------------------------------------------------
# Made by dice: drawn value by value they would be small and tame, and limits seldom reached.

_PATTERNS = (
    *("v*", "v1.*", "v1.0.*", "main-*", "develop-*", "feature-*", "pr-*", "nightly-*", "misc-*"),
    *("*", "*-rc1", "latest", "day2-*", "m*", "*1*"),
)
_NAMES = ("production", "branches", "branch", "pull-requests", "nightly", "others")
_PERS: tuple[Per, ...] = ("family", "family", "branch", "minor-version", "pull-request")
dice = st.integers(0, 2**32).map(Random)


def intent_of(roll: Random) -> Intent:
    """An intent without flaws: a family that brings one is left out."""
    intent = Intent(
        untagged_days=roll.choice([None, 1, 3]),
        backup_days=roll.choice([None, 7]),
        protect=roll.choice([(), ("base-*",)]),
    )
    for name in roll.sample(_NAMES, roll.randint(1, 4)):
        more = replace(intent, families=(*intent.families, _family(roll, name)))
        intent = intent if intent_flaws(more) else more
    return intent


def _family(roll: Random, name: str) -> FamilyIntent:
    usual = {
        "production": ("v*", "main-*", "master-*"),
        "branches": ("develop-*", "feature-*"),
        "branch": ("develop-*", "misc-*"),
        "pull-requests": ("pr-*",),
    }
    tags = tuple(roll.sample(_PATTERNS, roll.randint(1, 3)))
    counts = roll.random() < 0.8
    return FamilyIntent(
        name,
        usual.get(name, tags) if roll.random() < 0.5 else tags,
        keep_newest=roll.randint(1, 3) if counts else None,
        keep_for_days=roll.randint(1, 25) if roll.random() < (0.3 if counts else 0.9) else None,
        per=roll.choice(_PERS) if counts else "family",
        archive_after_days=roll.randint(1, 20) if not counts and roll.random() < 0.3 else None,
        marker=roll.choice(["auto", "auto", "none"]),
    )


def _name(kind: int, number: int) -> tuple[str, str]:
    sha = f"{number:07x}"
    return (
        (f"v1.{number % 3}.{number}", "prod"),
        (f"v2.{number % 2}.{number}-rc1", "prod"),
        (f"2.0.{number}", "prod"),
        (f"main-{sha}", "prod"),
        (f"develop-{sha}", "branch"),
        (f"feature-{sha}", "branch"),
        (f"day2-advanced-{sha}", "branch"),
        (f"misc-{sha}", "branch"),
        (f"pr-{number % 4}-{sha}", ""),
        (f"nightly-202601{number % 28 + 1:02}-{number}", ""),
        (f"live-{number}", ""),
        (f"base-{number}", ""),
        ((NOW - timedelta(days=number % 20, seconds=number)).strftime("backup-%Y%m%d-%H%M%S"), ""),
    )[kind]


def repository_of(roll: Random) -> list[ImageSeen]:
    """Images with none to three names, each perhaps with its marker; no two of one instant."""
    minutes = roll.sample(range(1, 60 * 24 * 40), roll.randint(1, 30))
    kinds = roll.sample(range(13), roll.randint(1, 5))
    marks = roll.choice([0.0, 0.5, 1.0])
    latest = roll.randrange(60)
    images = []
    for number, minute in enumerate(minutes):
        some = roll.sample(kinds, min(len(kinds), roll.choice([0, 1, 1, 1, 2, 3])))
        tags = list(_with_markers([_name(kind, number) for kind in some], roll.random() < marks))
        tags += ["latest"] if number == latest else []
        pushed = NOW - timedelta(minutes=minute)
        images.append(ImageSeen(f"sha256:{number:064x}", tuple(tags), pushed_at=pushed))
    return images


def _with_markers(chosen: Sequence[tuple[str, str]], marked: bool) -> Iterator[str]:
    for tag, marker in chosen:
        yield tag
        if marked and marker:
            yield f"{marker}-{tag}"


intents = dice.map(intent_of)
repositories = dice.map(repository_of)
