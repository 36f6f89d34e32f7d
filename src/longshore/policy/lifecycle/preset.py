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
from typing import Any, Literal

from longshore.policy.families import Family, marker_pattern
from longshore.policy.slugs import branch_tag

KEEP_ALL = 9999
PROTECTED = ("live-*", "rollback-*", "latest")
BACKUPS = "backup-*"
MOST_BACKUPS = 50
BACKUP_DAYS = 7
UNTAGGED_DAYS = 1
PRESETS = ("standard",)
LIMITS: dict[Family, int] = {"production": 10, "branch": 5, "pull-request": 3}
RELEASES = "v*"

Markers = Literal["all", "needed", "none"]
Rule = dict[str, Any]
_FIXED_NAME = re.compile(r"[^*?+!\[\]]+")
_LONGEST_BRANCH = 64


@dataclass(frozen=True)
class Families:
    """What the standard policy must know of the pipeline.

    `main` and `develop` are names of branches, `branches` those that the pipeline builds (GitHub's
    filters, `feature/*`). `markers` says which images the pipeline gives a marker tag: all, those
    that no other rule reaches, or none.
    """

    main: tuple[str, ...] = ("main", "master")
    develop: tuple[str, ...] = ("develop",)
    branches: tuple[str, ...] = ()
    markers: Markers = "all"

    @property
    def production(self) -> tuple[str, ...]:
        """The patterns of production images without a marker."""
        return _unique((RELEASES, *(self.pattern(name) for name in self.main)))

    @property
    def branch(self) -> tuple[str, ...]:
        """The patterns of branch images without a marker."""
        usual = ("develop-*", "feature-*", "nightly-*")
        known = (self.pattern(name) for name in self.branches)
        covered = tuple(one.removesuffix("*") for one in (*self.production, *usual))
        return _unique((*usual, *(one for one in known if not one.startswith(covered) and one)))

    def pattern(self, branch: str) -> str:
        """The pattern of a branch's images; empty when no pattern is sure to be theirs alone.

        >>> Families().pattern("release/*")
        'release-*'
        """
        fixed = branch.rstrip("*").rstrip("/") if "*" in branch else branch
        if not _FIXED_NAME.fullmatch(fixed) or len(fixed) > _LONGEST_BRANCH:
            return ""
        return branch_tag(branch.removesuffix("*"), "*", self.develop)


DEFAULT = Families()


def standard_policy(families: Families = DEFAULT) -> dict[str, Any]:
    """Production images 10, branches 5, pull requests 3, untagged 1 day; see the module's words."""
    return numbered(
        [
            *protecting(PROTECTED),
            backstop(),
            *_markers(families),
            keep_newest("pr-*", LIMITS["pull-request"], "pull requests"),
            *_plain("production", "production without marker", families.production),
            *_plain("branch", "branches without marker", families.branch),
            untagged(UNTAGGED_DAYS),
        ]
    )


def _markers(families: Families) -> Iterable[Rule]:
    if families.markers != "none":
        for family, name in (("production", "production"), ("branch", "branches")):
            known: Family = "production" if family == "production" else "branch"
            yield keep_newest(marker_pattern(known), LIMITS[known], f"{name}, all together")


def _plain(family: Family, name: str, patterns: Iterable[str]) -> list[Rule]:
    return [keep_newest(pattern, LIMITS[family], name) for pattern in patterns]


def canonical_text(policy: dict[str, Any]) -> str:
    """The policy as text for ECR: compact, rules by priority, keys sorted."""
    rules = sorted(policy["rules"], key=lambda rule: int(rule["rulePriority"]))
    return json.dumps({**policy, "rules": rules}, sort_keys=True, separators=(",", ":"))


# --- rules; their descriptions are part of the policy's text, so they are in English always -----

_PURPOSES = {
    "live-*": "what runs stays: images tagged live-*",
    "rollback-*": "what a rollback needs stays: images tagged rollback-*",
    "latest": "the image tagged latest stays",
}


def numbered(rules: Iterable[Rule]) -> dict[str, Any]:
    """The rules as a policy document, the first one first."""
    return {"rules": [{"rulePriority": place, **rule} for place, rule in enumerate(rules, start=1)]}


def protecting(patterns: Iterable[str]) -> list[Rule]:
    """Rules that keep all they match; rules behind them cannot reach it."""
    return [
        _counting(one, KEEP_ALL, _PURPOSES.get(one, f"images tagged {one} stay"))
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
