"""Prune rules and their verdicts in words. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from longshore.policy.lifecycle.prune_units import Per
from longshore.policy.lifecycle.words import age as age_words
from longshore.policy.lifecycle.words import days, ordinal, short
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.policy.lifecycle.pruning import Because, PruneRule


def rule_words(rule: PruneRule) -> str:
    """What a rule keeps: `backup-*: stays: younger than 7 days by the name or the last 3`."""
    kept = [
        *([tr("the {count} newest", count=rule.keep_newest)] if rule.keep_newest else []),
        *([_younger(rule)] if rule.keep_for_days is not None else []),
        *([tr("the last {count}", count=rule.at_least)] if rule.at_least else []),
    ]
    if rule.keep_newest is None and rule.keep_for_days is None:
        kept = [tr("all")]
    patterns = ", ".join(rule.patterns)
    if rule.excluding:
        patterns = tr("{tags} without {others}", tags=patterns, others=", ".join(rule.excluding))
    said = tr(" or ").join(kept) or tr("nothing")
    per = _per(rule.per)
    return f"{patterns}: {tr('stays: {what}', what=said)}{f' {per}' if per else ''}"


def why_gone(rule: PruneRule, rank: int, age: timedelta | None) -> str:
    """Why a tag goes."""
    return tr(
        "rule {name} ({rule}); this is the {place}, {age} old",
        name=rule.name,
        rule=rule_words(rule),
        place=ordinal(rank),
        age=_age(age),
    )


def why_kept(rule: PruneRule, because: Because, rank: int, age: timedelta | None) -> str:
    """Why a tag that a rule is about stays."""
    match because:
        case "newest" | "at-least":
            return tr("it is the {place} of rule {name}", place=ordinal(rank), name=rule.name)
        case "young":
            return tr("it is {age} old; rule {name}", age=_age(age), name=rule.name)
        case "last-backup":
            return tr("the last backups never go")
        case "time-unknown":
            return _no_time(rule)
        case "in-the-future":
            return tr("the time in its name is yet to come; some clock is wrong")
        case "group-unknown":
            return tr("its name does not say which {group} it is of", group=_group(rule.per))
        case "companion":
            return tr("it belongs to another image (a signature, an attestation)")
        case "archived":
            return tr("it is in archive storage, or being restored from there")
        case _:
            return tr("rule {name} sets no limit", name=rule.name)


def in_index(parent: str) -> str:
    """The reason of a manifest that an index names."""
    return tr("index {index} names it, and stays", index=short(parent))


def index_not_read(digest: str) -> str:
    """The reason where an index was not read."""
    return tr("what index {index} names was not read", index=short(digest))


def takes_along(referrer: str, tag: str) -> str:
    """The reason of a subject whose referrer stays."""
    return tr(
        "{referrer} ({tag}) refers to it, would go with it, and is to stay",
        referrer=short(referrer),
        tag=tag,
    )


def _no_time(rule: PruneRule) -> str:
    if rule.clock == "tag-name":
        return tr("its name says no time (as in backup-20241201-143022)")
    return tr("ECR does not say when it was pushed")


def _younger(rule: PruneRule) -> str:
    if rule.clock == "tag-name":
        return tr("younger than {days} by the name", days=days(rule.keep_for_days or 0))
    return tr("pushed less than {days} ago", days=days(rule.keep_for_days or 0))


def _age(age: timedelta | None) -> str:
    return age_words(age.total_seconds()) if age is not None else "-"


def _per(per: Per) -> str:
    return "" if per == "family" else tr("of each {group}", group=_group(per))


def _group(per: Per) -> str:
    match per:
        case "branch":
            return tr("branch")
        case "minor-version":
            return tr("minor version")
        case _:
            return tr("pull request")
