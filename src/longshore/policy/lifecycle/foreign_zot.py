"""zot's retention: the policy of a repository, as prune rules and an ECR policy. Pure.

As zot does it (its documents, "Configuring zot Tag Retention Policies", and its source): the first
policy whose `repositories` match counts. Without `keepTags` all tags stay. A tag belongs to the
first entry of which any pattern is found in it (no patterns: any tag), and stays when any limit of
that entry keeps it, or when the entry has none; a tag of no entry goes. Untagged manifests go
after `delay`, unless `deleteUntagged` is false.
"""

from __future__ import annotations

from typing import Any

from longshore.errors import UsageError, Where
from longshore.policy.lifecycle.foreign import (
    Globs,
    Imported,
    Notes,
    entries_of,
    everything_else,
    matches_path,
    of_expression,
    parse_duration,
    read_document,
    texts_of,
    unreadable,
    whole_days,
)
from longshore.policy.lifecycle.pruning import PruneRule
from longshore.text import tr

_DEFAULT_DELAY = "24h"
_PULLS = ("mostRecentlyPulledCount", "pulledWithin")


def import_zot(text: str, where: str, repository: str | None = None) -> Imported:
    """Read zot's configuration file. Raises UsageError."""
    storage, retention = _sections(read_document(text, where), where)
    policies = entries_of(retention.get("policies"), where, "retention.policies")
    notes = Notes()
    policy = _chosen(policies, where, repository)
    if storage.get("gc") is False:
        notes.add("gc: false", tr("zot deletes nothing like this; the rules here would"))
    if retention.get("dryRun") is True:
        notes.add("dryRun: true", tr("zot only says what it would do; the rules here delete"))
    if policy is None:
        notes.add(
            "policies", tr("none is for {name}; zot keeps all its tags", name=repository or "*")
        )
        return Imported((), None, tuple(notes.lost))
    rules = _rules(_entries(policy, where), where, notes)
    return Imported(rules, _untagged(policy, retention, notes), tuple(notes.lost))


def _sections(document: Any, where: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The sections `storage` and `retention`, from a whole configuration or a part of it."""
    if not isinstance(document, dict):
        raise unreadable(where, "", tr("it is not an object"))
    storage = document.get("storage", document)
    storage = storage if isinstance(storage, dict) else {}
    retention = storage.get("retention", storage)
    if not isinstance(retention, dict) or "policies" not in retention:
        raise unreadable(where, "storage.retention", tr("there are no policies"))
    return storage, retention


def _chosen(
    policies: list[dict[str, Any]], where: str, repository: str | None
) -> dict[str, Any] | None:
    if repository is None:
        if len(policies) > 1:
            raise UsageError(
                tr("{file} has {count} policies", file=where, count=len(policies)),
                tr("say which repository is meant: --repository NAME"),
                code="import-which",
                where=Where(where),
            )
        return policies[0] if policies else None
    for place, policy in enumerate(policies):
        path = f"policies[{place}].repositories"
        patterns = texts_of(policy.get("repositories", policy.get("repoNames")), where, path)
        if any(matches_path(one, repository) for one in patterns):
            return policy
    return None


def _entries(policy: dict[str, Any], where: str) -> list[dict[str, Any]]:
    return entries_of(policy.get("keepTags", policy.get("KeepTags")), where, "keepTags")


def _rules(entries: list[dict[str, Any]], where: str, notes: Notes) -> tuple[PruneRule, ...]:
    found: list[PruneRule] = []
    before: list[str] = []
    for place, entry in enumerate(entries):
        path = f"keepTags[{place}]"
        written = texts_of(entry.get("patterns"), where, f"{path}.patterns") or [".*"]
        globs = [of_expression(one) for one in written]
        patterns = tuple(dict.fromkeys(glob for one in globs for glob in one.patterns))
        rule = _rule(entry, path, written, globs, notes, where)
        if rule is not None:
            found.append(
                PruneRule(
                    rule.name,
                    patterns,
                    rule.keep_newest,
                    rule.keep_for_days,
                    excluding=tuple(before),
                )
            )
        before += patterns
    if entries and "*" not in before:
        found.append(everything_else(before, "keepTags"))
    return tuple(found)


def _rule(
    entry: dict[str, Any],
    path: str,
    written: list[str],
    globs: list[Globs],
    notes: Notes,
    where: str,
) -> PruneRule | None:
    """The limits of an entry; None when all its tags stay."""
    for one, glob in zip(written, globs, strict=True):
        if not glob.exact:
            notes.add(
                f"{path}.patterns {one}",
                tr(
                    "only `*` can stand in a pattern here; what {pattern} matches is left alone",
                    pattern=", ".join(glob.patterns),
                ),
            )
            return None
    if pulls := [name for name in _PULLS if entry.get(name)]:
        notes.add(
            f"{path}.{pulls[0]}",
            tr(
                "nothing here keeps tags by their pulls; all of these tags stay. ECR can archive "
                "by the last pull (sinceImagePulled)"
            ),
        )
        return None
    count = _count(entry.get("mostRecentlyPushedCount"), where, f"{path}.mostRecentlyPushedCount")
    within = _within(entry, where, path, notes)
    return None if count is None and within is None else PruneRule(path, (), count, within)


def _count(value: Any, where: str, path: str) -> int | None:
    if value in (None, 0):
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise unreadable(where, path, tr("it is not a number"))
    return value


def _within(entry: dict[str, Any], where: str, path: str, notes: Notes) -> int | None:
    written = entry.get("pushedWithin")
    if written is None:
        return None
    length = parse_duration(written)
    if length is None:
        raise unreadable(where, f"{path}.pushedWithin", tr("it is not a length of time"))
    return _rounded(f"{path}.pushedWithin {written}", length, notes)


def _rounded(what: str, length: Any, notes: Notes) -> int:
    days = whole_days(length)
    if length.total_seconds() != days * 86_400:
        notes.add(what, tr("only whole days can be said here: {days}", days=days))
    return days


def _untagged(policy: dict[str, Any], retention: dict[str, Any], notes: Notes) -> int | None:
    if policy.get("deleteReferrers") is not None:
        notes.add(
            "deleteReferrers", tr("ECR removes what refers to an image with the image, always")
        )
    if policy.get("deleteUntagged") is False:
        return None
    delay = retention.get("delay", _DEFAULT_DELAY)
    length = parse_duration(delay)
    if length is None:
        notes.add(f"delay {delay}", tr("it is not a length of time; a day is taken"))
        return 1
    return _rounded(f"delay {delay}", length, notes)
