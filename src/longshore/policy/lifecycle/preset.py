"""The `standard` lifecycle policy, and the rules that policies of ours are made of. Pure.

Three properties of ECR shape them (User Guide, "Lifecycle policies"):

* An image that matches a rule's tags is out of reach of every rule behind it, even when the first
  rule keeps it. So a rule with an unreachable count is the way to say "keep"; such rules go first.
* Several patterns in one rule are AND. So each pattern has a rule of its own, and a limit that
  several patterns share needs one pattern that covers them: a marker tag (`policy/families`).
* An image's age is that of its push, and an image goes with all its tags. So no rule takes backups
  by age; `lifecycle prune` takes the backup's tag, and the rule here is a backstop. It stands
  before production's, because a backup is a production image that got one more tag.

What the policies do to given images is decided in `evaluate`; own intents are in `intent`.

>>> [rule["selection"].get("tagPatternList") for rule in standard_policy()["rules"]][:5]
[['live-*'], ['rollback-*'], ['latest'], ['backup-*'], ['prod-*']]
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from longshore.policy.families import MAIN, Family, MarkerMode, marker_pattern
from longshore.policy.slugs import branch_slug

KEEP_ALL = 9999
NEVER_DAYS = 36_500
PROTECTED = ("live-*", "rollback-*", "latest")
BACKUPS = "backup-*"
MOST_BACKUPS = 50
BACKUP_DAYS = 7
UNTAGGED_DAYS = 1
PRESETS = ("standard",)
LIMITS: dict[Family, int] = {"production": 10, "branch": 5, "pull-request": 3}
RELEASES = "v*"
BRANCHES = ("develop-*", "feature-*", "nightly-*")

Rule = dict[str, Any]
_FIXED_NAME = re.compile(r"[^*?+!\[\]]+")
_LONGEST_BRANCH = 64


@dataclass(frozen=True)
class Families:
    """What the standard policy must know of the pipeline.

    `main` and `develop` are names of branches, `branches` those that the pipeline builds (GitHub's
    filters, `feature/*`). `markers` says which images the pipeline gives a marker tag: all, those
    that no other rule reaches, or none. `components`: names of components begin the tags, so there
    are several tags like latest.
    """

    main: tuple[str, ...] = MAIN
    develop: tuple[str, ...] = ("develop",)
    branches: tuple[str, ...] = ()
    markers: MarkerMode = "all"
    components: bool = False

    @property
    def protected(self) -> tuple[str, ...]:
        """The patterns of images that always stay."""
        return (*PROTECTED, "*-latest") if self.components else PROTECTED

    @property
    def production(self) -> tuple[str, ...]:
        """The patterns of production images without a marker."""
        return _unique((RELEASES, *(self.pattern(name) for name in self.main)))

    @property
    def built(self) -> tuple[str, ...]:
        """Those of them that the pipeline makes, as far as that is known."""
        mains = [name for name in self.main if name in self.branches] or self.main
        return _unique((RELEASES, *(self.pattern(name) for name in mains)))

    @property
    def branch(self) -> tuple[str, ...]:
        """The patterns of branch images without a marker."""
        known = (self.pattern(name) for name in self.branches)
        taken = {*self.production, ""}
        return _unique((*BRANCHES, *(one for one in known if one not in taken)))

    def pattern(self, branch: str) -> str:
        """The pattern of a branch's images; empty when no pattern is sure to be theirs alone.

        >>> Families().pattern("release/*"), Families().pattern("*")
        ('release-*', '')
        """
        fixed = branch.rstrip("*").rstrip("/") if "*" in branch else branch
        if not _FIXED_NAME.fullmatch(fixed) or len(fixed) > _LONGEST_BRANCH:
            return ""
        name = branch.removesuffix("*").removesuffix("*")
        return f"{branch_slug(name, self.develop, main=self.main)}-*"


DEFAULT = Families()


def standard_policy(families: Families = DEFAULT) -> dict[str, Any]:
    """Production images 10, branches 5, pull requests 3, untagged 1 day; see the module's words."""
    marked = families.markers != "none"
    return numbered(
        [
            *protecting(families.protected),
            backstop(),
            *(_joint(family) for family in ("production", "branch") if marked),
            _joint("pull-request"),
            *_each("production", families.production),
            *_each("branch", families.branch),
            untagged(UNTAGGED_DAYS),
        ]
    )


def _joint(family: Family) -> Rule:
    return keep_newest(marker_pattern(family), LIMITS[family], f"{_NAMES[family]}, all together")


def _each(family: Family, patterns: Iterable[str]) -> list[Rule]:
    name = f"{_NAMES[family]} without a marker"
    return [keep_newest(pattern, LIMITS[family], name) for pattern in patterns]


def canonical_text(policy: dict[str, Any]) -> str:
    """The policy as text for ECR: compact, rules by priority, keys sorted."""
    rules = sorted(policy["rules"], key=lambda rule: int(rule["rulePriority"]))
    return json.dumps({**policy, "rules": rules}, sort_keys=True, separators=(",", ":"))


# --- rules; their descriptions are part of the policy's text, so they are in English always -----

_NAMES: dict[Family, str] = {
    "production": "production",
    "branch": "branches",
    "pull-request": "pull requests",
}
_PURPOSES = {
    "live-*": "what runs stays: images tagged live-*",
    "rollback-*": "what a rollback needs stays: images tagged rollback-*",
    "latest": "the image tagged latest stays",
}


def numbered(rules: Iterable[Rule]) -> dict[str, Any]:
    """The rules as a policy document, the first one first."""
    return {"rules": [{"rulePriority": place, **rule} for place, rule in enumerate(rules, start=1)]}


def protecting(patterns: Iterable[str], what: str = "images") -> list[Rule]:
    """Rules that keep all they match; rules behind them cannot reach it."""
    return [
        _counting(one, KEEP_ALL, _PURPOSES.get(one, f"{what}: what is tagged {one} stays"))
        for one in patterns
    ]


def backstop(most: int = MOST_BACKUPS) -> Rule:
    """Backups: their tags go by `lifecycle prune`; this only bounds them where nobody prunes."""
    text = f"backups: at most {most} stay; longshore lifecycle prune removes old backup tags"
    return _counting(BACKUPS, most, text)


def keep_newest(pattern: str, count: int, what: str) -> Rule:
    """All but the newest go."""
    newest = "newest" if count == 1 else f"{count} newest"
    return _counting(pattern, count, f"{what}: the {newest} of {pattern} stay")


def keep_for(pattern: str, days: int, what: str) -> Rule:
    """What was pushed longer ago goes."""
    text = f"{what}: {pattern} go {_days(days)} after their push"
    return _rule({"tagStatus": "tagged", "tagPatternList": [pattern], **_since(days)}, text)


def archive_for(pattern: str, days: int, what: str) -> Rule:
    """What was pushed longer ago goes to archive storage."""
    text = f"{what}: {pattern} are archived {_days(days)} after their push"
    rule = _rule({"tagStatus": "tagged", "tagPatternList": [pattern], **_since(days)}, text)
    return {**rule, "action": {"type": "transition", "targetStorageClass": "archive"}}


def archived_for(pattern: str, days: int, what: str) -> Rule:
    """What was archived longer ago goes."""
    return _rule(_archived(pattern, days), f"{what}: archived {pattern} go after {_days(days)}")


def archive_shield(pattern: str) -> Rule:
    """Keeps archived images: archive storage knows no counts, so it takes an unreachable age."""
    return _rule(_archived(pattern, NEVER_DAYS), f"archived images tagged {pattern} stay")


def _archived(pattern: str, days: int) -> dict[str, Any]:
    return {
        "tagStatus": "tagged",
        "tagPatternList": [pattern],
        "storageClass": "archive",
        "countType": "sinceImageTransitioned",
        "countUnit": "days",
        "countNumber": days,
    }


def untagged(days: int) -> Rule:
    """Images without a tag go."""
    text = f"images without a tag go {_days(days)} after their push"
    return _rule({"tagStatus": "untagged", **_since(days)}, text)


def _counting(pattern: str, count: int, description: str) -> Rule:
    selection = {
        "tagStatus": "tagged",
        "tagPatternList": [pattern],
        "countType": "imageCountMoreThan",
        "countNumber": count,
    }
    return _rule(selection, description)


def _since(days: int) -> dict[str, Any]:
    return {"countType": "sinceImagePushed", "countUnit": "days", "countNumber": days}


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _rule(selection: dict[str, Any], description: str) -> Rule:
    return {"description": description, "selection": selection, "action": {"type": "expire"}}


def _unique(patterns: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in patterns if one))
