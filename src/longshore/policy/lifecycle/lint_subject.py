"""What lint's checks look at: the rules with their places, the images, the tag strategy. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from longshore.facts import ImageSeen
from longshore.policy.lifecycle.evaluate import Evaluation, evaluate
from longshore.policy.lifecycle.findings import RuleText
from longshore.policy.lifecycle.grammar import Policy, Rule
from longshore.policy.lifecycle.matching import TagTable, matches_tag, patterns_of
from longshore.policy.lifecycle.overlap import find_tag, is_possible
from longshore.policy.lifecycle.readings import DEFAULT, Readings
from longshore.policy.lifecycle.strategy import BACKUP, LATEST, Strategy

KEEPS_ALL = 5000  # more than any family of images that somebody counts
LONG_AGO = 3650  # days in which a rule by age acts on nothing
FEW = 20  # environments that one repository serves; live-* and the like never have more images
# Tags by which people call what they release; asked only where nothing better is known.
PRODUCTION = (
    *("v2.0.0", "v10", "2.0.0", "main-abc1234", "master-abc1234", "prod-1", "prod", "prod1"),
    *("production-1", "production", "release-1", "release1", "stable-1", "stable"),
)
_IS_PRODUCTION = re.compile(
    r"(?:v?\d+\.\d+(?:\.\d+)?|v\d+|(?:main|master|prod|production|release|stable)(?:\Z|[-_.\d].*))\Z"
)
# Commits (seven hexadecimal digits or more, one of them a figure), then any figures.
_VARYING = re.compile(r"(?<![0-9a-zA-Z])(?=[a-f]*\d)[0-9a-f]{7,64}(?![0-9a-zA-Z])|\d+")
_NONSENSE = "zz9-plural-z-alpha"  # a tag that only a catch-all matches


@dataclass(frozen=True)
class Given:
    """What a policy is judged by, besides itself; None: not known."""

    at: datetime
    images: tuple[ImageSeen, ...] | None = None
    strategy: Strategy | None = None
    readings: Readings = DEFAULT


@dataclass(frozen=True, eq=False)
class Line:
    """One rule: `at` counts by priority, `place` is where it stands in the document.

    `number` is the priority as it is written there: how messages call the rule.
    """

    at: int
    place: int
    number: int
    rule: Rule
    written: RuleText

    @cached_property
    def patterns(self) -> tuple[str, ...]:
        """The entries of its list as patterns."""
        return patterns_of(self.rule.selection)

    @property
    def world(self) -> str:
        """The storage class that it selects."""
        return self.rule.selection.storage_class

    @property
    def is_count(self) -> bool:
        """Whether it counts images; else it goes by age."""
        return self.rule.selection.count_type == "imageCountMoreThan"

    @property
    def count(self) -> int:
        """How many it keeps, or for how many days."""
        return self.rule.selection.count_number

    @cached_property
    def is_exact(self) -> bool:
        """Whether it names one tag, and so at most one image."""
        return any("*" not in one for one in self.patterns)

    @cached_property
    def keeps_all(self) -> bool:
        """Whether it is there to keep: it will never act."""
        if not self.is_count:
            return self.count >= LONG_AGO
        return self.count >= KEEPS_ALL or self.is_exact

    @cached_property
    def is_dead(self) -> bool:
        """Whether no image with one tag can match it: an entry is impossible, or OR was meant."""
        return bool(self.patterns) and find_tag(self.patterns) is None

    @cached_property
    def is_catch_all(self) -> bool:
        """Whether it takes images whatever their tags are called."""
        return self.takes((_NONSENSE,))

    def path(self, member: str = "") -> str:
        """The path of the rule, or of one of its members, in the document."""
        return f"rules[{self.place}]" + (f".{member}" if member else "")

    @property
    def list_path(self) -> str:
        """The path of its list of patterns or prefixes; of its tagStatus when it has none."""
        for name in ("tagPatternList", "tagPrefixList"):
            if self.written["selection"].get(name):
                return self.path(f"selection.{name}")
        return self.path("selection.tagStatus")

    def takes(self, tags: Sequence[str]) -> bool:
        """Whether an image with these tags meets its tagging requirements."""
        match self.rule.selection.tag_status:
            case "any":
                return True
            case "untagged":
                return not tags
            case _:
                return all(any(matches_tag(one, tag) for tag in tags) for one in self.patterns)

    def with_selection(self, **members: Any) -> RuleText:
        """The rule as written, with other members of its selection; None takes one away."""
        selection = {**self.written["selection"], **members}
        kept = {name: value for name, value in selection.items() if value is not None}
        return {**self.written, "selection": kept}


@dataclass(frozen=True, eq=False)
class Subject:
    """A policy that ECR takes, with what it is judged by."""

    lines: tuple[Line, ...]
    given: Given
    _made: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def images(self) -> tuple[ImageSeen, ...]:
        """The images; none when none were given."""
        return self.given.images or ()

    @cached_property
    def standard(self) -> tuple[Line, ...]:
        """The rules for images in ordinary storage that can match at all."""
        return tuple(one for one in self.lines if one.world == "standard" and not one.is_dead)

    @cached_property
    def evaluation(self) -> Evaluation:
        """What the policy does to the images now."""
        policy = Policy(tuple(line.rule for line in self.lines))
        return evaluate(policy, self.images, self.given.at, self.given.readings)

    @cached_property
    def table(self) -> TagTable:
        """The tags of the images, to be searched."""
        return TagTable([image.tags for image in self.images])

    def carrying(self, pattern: str) -> list[tuple[str, ...]]:
        """The tags of the images that have one like this."""
        return [self.images[place].tags for place in sorted(self.table.matching((pattern,)))]

    @cached_property
    def tags(self) -> frozenset[str]:
        """All tags of the images."""
        return frozenset(tag for image in self.images for tag in image.tags)

    def deciding(self, tags: Sequence[str]) -> Line | None:
        """The first rule that takes an image with these tags; it decides about it."""
        return next((line for line in self.standard if line.takes(tags)), None)

    def expiring(self, action: str = "expire") -> Iterable[Line]:
        """The rules that may act on images in ordinary storage."""
        return (line for line in self.standard if line.rule.action == action and not line.keeps_all)

    def is_known(self, *patterns: str) -> bool:
        """Whether there surely are tags like these: a strategy, the images or a rule says so."""
        if self.given.strategy is not None:
            return True
        if any(matches_tag(one, tag) for one in patterns for tag in self.tags):
            return True
        return any(
            not line.is_catch_all and line.takes((pattern.replace("*", "prod"),))
            for pattern in patterns
            for line in self.standard
            if line.patterns
        )

    @cached_property
    def production(self) -> tuple[tuple[str, ...], ...]:
        """The tags of images that run in production: the strategy's, the images', or likely ones.

        Where only the policy is known and it names production tags itself, those are meant.
        """
        if self.given.strategy is not None:
            return tuple(kind.tags for kind in self.given.strategy.of("production"))
        if self.given.images is not None:
            found = (tag for tag in sorted(self.tags) if _IS_PRODUCTION.match(tag))
            return tuple((tag,) for tag in one_of_each_family(found).values())
        likely = tuple((tag,) for tag in PRODUCTION)
        special = [line for line in self.lines if not line.is_catch_all and line.patterns]
        named = tuple(
            tags for tags in likely if any(_split_takes(line, tags[0]) for line in special)
        )
        return named or likely

    def runs(self, line: Line) -> bool:
        """Whether a rule reaches images that run in production."""
        return any(self.deciding(tags) is line for tags in self.production) or (
            line.takes((LATEST,)) and not line.is_exact
        )


# Tags that examples are taken from, before one is made up.
_NATURAL = (
    *PRODUCTION,
    *("v2.0.0-rc.1", "develop-abc1234", "feature-abc1234", "dev-1", "staging-1", "pr-123"),
    *("nightly-20241201", LATEST, "live-prod", "rollback-prod", BACKUP, "abc1234"),
)


def example_tag(inside: Sequence[str], outside: Sequence[Sequence[str]] = ()) -> str | None:
    """A tag that all of `inside` match and no group of `outside`; a natural one if there is one."""
    for tag in _NATURAL:
        if all(matches_tag(one, tag) for one in inside) and not any(
            all(matches_tag(one, tag) for one in group) for group in outside
        ):
            return tag
    return find_tag(inside, outside)


def family_of(tag: str) -> str:
    """A tag's family: what is left when commits, numbers and times are taken out.

    >>> family_of("main-3f9c2ab"), family_of("v2.0.1"), family_of("main-0000007")
    ('main-*', 'v*', 'main-*')
    """
    return re.sub(r"[*.]*\*[*.]*", "*", _VARYING.sub("*", tag))


def one_of_each_family(tags: Iterable[str]) -> dict[str, str]:
    """The first tag of each family."""
    found: dict[str, str] = {}
    for tag in tags:
        found.setdefault(family_of(tag), tag)
    return found


def _split_takes(line: Line, tag: str) -> bool:
    """Whether the rule takes the tag, or would if its list meant OR."""
    return any(matches_tag(one, tag) for one in line.patterns)


def possible(line: Line) -> tuple[str, ...]:
    """The entries of a rule's list that some tag can match."""
    return tuple(one for one in line.patterns if is_possible(one))
