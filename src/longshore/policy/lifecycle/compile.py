"""From wishes to rules: a policy for ECR, and prune rules for what ECR cannot express. Pure.

What ECR can do becomes one rule per pattern, because its lists are AND. The rest is for longshore's
own prune (`pruning`), with a note that says so:

    several patterns with one limit   a rule per pattern as an upper bound (and one for the marker
                                      tags that cover them all), then prune
    keep_newest and keep_for          the count rule would take what is young, the age rule what is
                                      among the newest: ECR only shields, prune decides
    per branch, version, request      as well
    a family behind one whose tags    in ECR the others would use up its places: it only shields,
    it shares                         prune decides and leaves the others' tags alone
    backups by the time in the tag    ECR counts from the push: a backstop there, prune decides

A family stands where it was written, so what an earlier family has is out of reach of later ones.

>>> made = compile_intent(Intent(families=(FamilyIntent("all", ("v*", "main-*"), 3),)))
>>> made.notes[0]
'all: up to 6 images until `longshore lifecycle prune` runs, because v* and main-* carry no marker'
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from longshore.policy.families import marker_pattern
from longshore.policy.lifecycle.grammar import MAX_RULES
from longshore.policy.lifecycle.intent import (
    MARKED,
    FamilyIntent,
    Intent,
    intent_flaws,
    leaves_nothing,
    overlaps,
    taken_before,
)
from longshore.policy.lifecycle.preset import (
    BACKUP_DAYS,
    BACKUPS,
    DEFAULT,
    KEEP_ALL,
    LIMITS,
    MOST_BACKUPS,
    PROTECTED,
    Families,
    Rule,
    archive_for,
    archive_shield,
    archived_for,
    backstop,
    canonical_text,
    keep_for,
    keep_newest,
    numbered,
    protecting,
    standard_policy,
    untagged,
)
from longshore.policy.lifecycle.pruning import LAST_BACKUPS, PruneRule
from longshore.text import tr


@dataclass(frozen=True)
class Compiled:
    """The policy for ECR (None: there is to be none), the rules for prune, and what to know."""

    policy: dict[str, Any] | None
    prune: tuple[PruneRule, ...] = ()
    notes: tuple[str, ...] = ()
    protected: tuple[str, ...] = PROTECTED

    @property
    def text(self) -> str | None:
        """The policy as text for ECR."""
        return None if self.policy is None else canonical_text(self.policy)


# --- the standard preset ------------------------------------------------------------------------


def compile_standard(families: Families = DEFAULT) -> Compiled:
    """The standard preset."""
    return Compiled(
        standard_policy(families),
        standard_prune(families),
        tuple(_standard_notes(families)),
        families.protected,
    )


def standard_prune(families: Families = DEFAULT) -> tuple[PruneRule, ...]:
    """What the standard preset leaves to prune: backups, by the time in their tag."""
    return (_backups(BACKUP_DAYS),)


def _backups(days: int) -> PruneRule:
    return PruneRule(
        "backups", (BACKUPS,), keep_for_days=days, at_least=LAST_BACKUPS, clock="tag-name"
    )


def _standard_notes(families: Families) -> Iterator[str]:
    """Where images carry no marker, each pattern has a limit of its own."""
    if families.components and families.markers == "none":
        yield tr("images of components are reached by no rule, because they carry no marker")
    if families.components or families.markers == "all":
        return  # images of components carry a marker wherever there are markers
    yield _up_to("production", LIMITS["production"], families.built)
    marked = (marker_pattern("branch"),) if families.markers == "needed" else ()
    yield _up_to("branches", LIMITS["branch"], (*families.branch, *marked))
    if families.markers == "none":
        yield tr("images of other branches are reached by no rule, because they carry no marker")


def _up_to(name: str, limit: int, patterns: tuple[str, ...]) -> str:
    return tr(
        "{family}: up to {count} images, because {patterns} carry no marker",
        family=name,
        count=limit * len(patterns),
        patterns=_listed(patterns),
    )


# --- own intents --------------------------------------------------------------------------------


def compile_flaws(intent: Intent) -> list[str]:
    """Why an intent cannot be carried out; empty when `compile_intent` can do it for any team."""
    if flaws := intent_flaws(intent):
        return flaws
    policy = compile_intent(intent).policy or {"rules": []}
    rules = len(policy["rules"])
    if rules <= MAX_RULES:
        return []
    return [tr("{count} rules; ECR takes {most}", count=rules, most=MAX_RULES)]


def compile_intent(intent: Intent, families: Families = DEFAULT) -> Compiled:
    """The rules for an intent without flaws."""
    markers = [_marker(intent, one, families) for one in intent.families]
    parts = [_Part(intent, place, markers, families) for place in range(len(intent.families))]
    rules: list[Rule] = protecting(intent.protected)
    rules.append(backstop(KEEP_ALL if intent.backup_days is None else MOST_BACKUPS))
    prune = [] if intent.backup_days is None else [_backups(intent.backup_days)]
    notes: list[str] = []
    for part in parts:
        rules += part.rules()
        prune += part.prune()
        notes += part.notes()
    rules += [keep_newest(pattern, count, "images") for pattern, count in intent.keep]
    rules += [keep_for(pattern, days, "images") for pattern, days in intent.max_age_days]
    if intent.untagged_days is not None:
        rules.append(untagged(intent.untagged_days))
    rules += _in_archive(intent, parts)
    if intent.backup_days is not None:
        notes.append(_backup_note(intent.backup_days))
    return Compiled(numbered(rules), tuple(prune), tuple(notes), intent.protected)


def _backup_note(days: int) -> str:
    return tr(
        "backups: `longshore lifecycle prune` takes their tags after {days} days, never the last "
        "{least}; ECR's rule only bounds them",
        days=days,
        least=LAST_BACKUPS,
    )


class _Part:
    """One family of an intent: what ECR does for it, what prune does, and what to know."""

    def __init__(
        self, intent: Intent, place: int, markers: Sequence[str], families: Families
    ) -> None:
        self.family = intent.families[place]
        self.patterns = self.family.patterns
        taken = (*taken_before(intent, place), *(one for one in markers[:place] if one))
        self.excluding = tuple(
            one for one in taken if any(overlaps(one, mine) for mine in self.patterns)
        )
        self.markers = families.markers
        self.marker = markers[place]

    @property
    def only_shields(self) -> bool:
        """Whether ECR cannot do any of it."""
        family = self.family
        if family.keep_newest is None:
            return False
        return family.keep_for_days is not None or family.per != "family" or bool(self.excluding)

    @property
    def is_joint(self) -> bool:
        """Whether one limit has several patterns."""
        return self.family.keep_newest is not None and len(self.all_patterns) > 1

    @property
    def all_patterns(self) -> tuple[str, ...]:
        """The family's patterns, its marker's first."""
        return (*((self.marker,) if self.marker else ()), *self.patterns)

    def rules(self) -> list[Rule]:
        family = self.family
        name, patterns = family.name, self.all_patterns
        if self.only_shields:
            return protecting(patterns, f"{name}: left to lifecycle prune")
        if family.archive_after_days is not None:
            return [archive_for(one, family.archive_after_days, name) for one in patterns]
        if family.keep_newest is not None:
            return [keep_newest(one, family.keep_newest, name) for one in patterns]
        return [keep_for(one, family.keep_for_days or 1, name) for one in patterns]

    def prune(self) -> list[PruneRule]:
        family = self.family
        if not self.only_shields and not self.is_joint:
            return []
        return [
            PruneRule(
                family.name,
                self.all_patterns,
                family.keep_newest,
                family.keep_for_days,
                family.per,
                excluding=self.excluding,
            )
        ]

    def notes(self) -> Iterator[str]:
        family = self.family
        if family.archive_after_days is not None:
            yield _archive_note(family)
        if self.only_shields:
            yield tr(
                "{family}: `longshore lifecycle prune` does this, ECR cannot: {why}",
                family=family.name,
                why=self._why(),
            )
        elif self.is_joint:
            yield self._joint_note(family.keep_newest or 0)

    def _joint_note(self, limit: int) -> str:
        bare = self.patterns
        if self.marker and self.markers == "all":
            return tr(
                "{family}: {limit} images by their marker {marker}; images without it, such as "
                "those copied from elsewhere, up to {more} more until `longshore lifecycle prune` "
                "runs",
                family=self.family.name,
                limit=limit,
                marker=self.marker,
                more=limit * len(bare),
            )
        return tr(
            "{family}: up to {count} images until `longshore lifecycle prune` runs, because {why}",
            family=self.family.name,
            count=limit * len(self.all_patterns),
            why=self._why_not_one(),
        )

    def _why_not_one(self) -> str:
        known = MARKED.get(self.family.name)
        if known and not self.marker and self.family.marker == "auto" and self.markers != "none":
            return tr("{marker} stands on other images as well", marker=marker_pattern(known))
        return tr("{patterns} carry no marker", patterns=_listed(self.patterns))

    def _why(self) -> str:
        family = self.family
        if family.per != "family":
            return tr("its rules count images, not those of each {group}", group=_group(family))
        if family.keep_for_days is not None:
            return tr("its rules take what is old or what is not among the newest, not only both")
        return tr(
            "in its rules the images of {patterns} would use up the places",
            patterns=_listed(self.excluding),
        )


def _marker(intent: Intent, family: FamilyIntent, families: Families) -> str:
    """The pattern of the marker that stands on this family's images and on no other's."""
    known = MARKED.get(family.name)
    if family.marker == "none" or families.markers == "none" or known is None:
        return ""
    rest = [other for other in intent.families if other is not family]
    if any(MARKED.get(other.name) == known for other in rest):
        return ""
    others = [pattern for other in rest for pattern in other.patterns]
    if known == "production":
        fits = all(leaves_nothing(one, family.patterns) for one in families.built)
        fits = fits and not any(overlaps(one, p) for one in others for p in families.production)
    else:
        apart = (*families.production, marker_pattern("pull-request"), *intent.protected, BACKUPS)
        fits = all(leaves_nothing(one, apart) for one in others)
    pattern = marker_pattern(known)
    return "" if not fits or pattern in family.patterns else pattern


def _group(family: FamilyIntent) -> str:
    return {
        "branch": tr("branch"),
        "minor-version": tr("minor version"),
        "pull-request": tr("pull request"),
    }.get(family.per, "")


def _archive_note(family: FamilyIntent) -> str:
    return tr(
        "{family}: archived after {days} days; a pull of an archived image answers 404, restoring "
        "it takes time and money, and below 150 TB archive costs what standard storage costs",
        family=family.name,
        days=family.archive_after_days,
    )


def _in_archive(intent: Intent, parts: Sequence[_Part]) -> list[Rule]:
    """Rules for what was archived: shields first, then the families whose archive has an end."""
    rules: list[Rule] = []
    shielding: list[Rule] = []
    for part in parts:
        family, patterns = part.family, part.all_patterns
        if family.archive_after_days is None or family.keep_for_days is None:
            shielding += [archive_shield(one) for one in patterns]
            continue
        days = family.keep_for_days - family.archive_after_days
        rules += [*shielding, *(archived_for(one, days, family.name) for one in patterns)]
        shielding = []
    if not rules:
        return []
    return [*(archive_shield(one) for one in (*intent.protected, BACKUPS)), *rules]


def _listed(patterns: tuple[str, ...]) -> str:
    """`v*`, `v* and main-*`, `v*, main-* and x-*`."""
    if len(patterns) < 2:
        return "".join(patterns)
    return tr("{some} and {last}", some=", ".join(patterns[:-1]), last=patterns[-1])
