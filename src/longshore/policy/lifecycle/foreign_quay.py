"""Quay's auto-pruning: policies of a repository or an organization, as prune rules. Pure.

As Quay does it (its documents, "Auto-pruning", and its source): each policy by itself takes tags
away, the oldest over a number or those that were made too long ago, of all tags or of those in
which a regular expression is found (`tagPatternMatches` false: is not found). Tags only: what was
pushed stays until the garbage collection.
"""

from __future__ import annotations

from typing import Any

from longshore.policy.lifecycle.foreign import (
    Imported,
    Notes,
    entries_of,
    of_expression,
    parse_duration,
    read_document,
    unreadable,
    whole_days,
)
from longshore.policy.lifecycle.pruning import PruneRule
from longshore.text import tr


def import_quay(text: str, where: str, repository: str | None = None) -> Imported:
    """Read policies as Quay's API gives them (`/autoprunepolicy/`). Raises UsageError."""
    document = read_document(text, where)
    if isinstance(document, dict):
        document = document.get("policies", [document])
    if document is None:
        raise unreadable(where, "", tr("there are no policies"))
    policies = entries_of(document, where, "policies")
    notes = Notes()
    rules = [
        rule
        for place, policy in enumerate(policies)
        if (rule := _rule(policy, f"policies[{place}]", where, notes)) is not None
    ]
    if len(rules) > 1:
        notes.add(
            "policies",
            tr("there a tag goes when one policy says so, here when no rule keeps it: more stays"),
        )
    if rules:
        notes.add(
            "tags",
            tr("Quay counts from the making of a tag, ECR from the push of its image"),
        )
    return Imported(tuple(rules), None, tuple(notes.lost))


def _rule(policy: dict[str, Any], path: str, where: str, notes: Notes) -> PruneRule | None:
    method, value = policy.get("method"), policy.get("value")
    count, days = None, None
    if method == "number_of_tags":
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise unreadable(where, f"{path}.value", tr("it is not a number"))
        count = value
    elif method == "creation_date":
        length = parse_duration(value)
        if length is None:
            raise unreadable(where, f"{path}.value", tr("it is not a length of time"))
        days = whole_days(length)
        if length.total_seconds() != days * 86_400:
            what = f"{path}.value {value}"
            notes.add(what, tr("only whole days can be said here: {days}", days=days))
    else:
        raise unreadable(where, f"{path}.method", tr("it is not number_of_tags or creation_date"))
    selected = _selected(policy, path, notes)
    if selected is None:
        return None
    patterns, excluding = selected
    return PruneRule(f"{path} {method}", patterns, count, days, excluding=excluding)


def _selected(
    policy: dict[str, Any], path: str, notes: Notes
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The patterns of tags that may go, and those excluded; None when they cannot be told."""
    written = policy.get("tagPattern", policy.get("tag_pattern"))
    matches = policy.get("tagPatternMatches", policy.get("tag_pattern_matches", True))
    if not written:
        return ("*",), ()
    globs = of_expression(str(written))
    if not globs.exact:
        notes.add(
            f"{path}.tagPattern {written}",
            tr("only `*` can stand in a pattern here; the tags that it is about stay"),
        )
        return None
    return (globs.patterns, ()) if matches is not False else (("*",), globs.patterns)
