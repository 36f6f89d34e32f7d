"""Harbor's tag retention: its rules for a repository, as prune rules and an ECR policy. Pure.

As Harbor does it (its documents, "Create Tag Retention Rules", and its source): a rule counts when
its scope matches the repository and it is not disabled; without one nothing is deleted. A rule
selects artifacts by their tags (all its selectors must agree) and retains some of them; what no
rule retains goes. Untagged artifacts are selected too, unless the rule's `extras` say otherwise.
"""

from __future__ import annotations

import json
from typing import Any

from longshore.policy.lifecycle.foreign import (
    Globs,
    Imported,
    Notes,
    entries_of,
    everything_else,
    matches_path,
    of_doublestar,
    read_document,
    unreadable,
)
from longshore.policy.lifecycle.pruning import PruneRule
from longshore.text import tr

_DEFAULTS = {"latestPushedK": 10, "nDaysSinceLastPush": 30}
_PULLS = ("latestPulledN", "nDaysSinceLastPull", "latestActiveK", "lastXDays")


def import_harbor(text: str, where: str, repository: str | None = None) -> Imported:
    """Read a policy as Harbor's API gives it (`/retentions/ID`). Raises UsageError."""
    document = read_document(text, where)
    if not isinstance(document, dict) or "rules" not in document:
        raise unreadable(where, "", tr("it has no rules"))
    rules = entries_of(document["rules"], where, "rules")
    notes = Notes()
    found: list[PruneRule] = []
    ages: list[int | None] = []
    for place, rule in enumerate(rules):
        if rule.get("disabled") is True or not _is_for(rule, repository, where, place, notes):
            continue
        made, untagged = _rule(rule, place, where, notes)
        found.append(made)
        ages.append(untagged)
    if not found:
        notes.add("rules", tr("none is for this repository; Harbor deletes nothing of it"))
        return Imported((), None, tuple(notes.lost))
    found += _rest(found, notes)
    untagged_days = None if None in ages else max(1, *(age or 1 for age in ages))
    if untagged_days is not None and not any(ages):
        notes.add("untagged", tr("Harbor deletes untagged artifacts at once, ECR after a day"))
    return Imported(tuple(found), untagged_days, tuple(notes.lost))


def _rest(found: list[PruneRule], notes: Notes) -> list[PruneRule]:
    """Tags that no rule selects go. A rule by exclusion leaves only what it excludes."""
    if any(one.patterns == ("*",) and not one.excluding for one in found):
        return []
    exclusions = [one.excluding for one in found if one.excluding]
    patterns = tuple(pattern for one in found if not one.excluding for pattern in one.patterns)
    if not exclusions:
        return [everything_else(patterns, "rules")]
    if len(exclusions) > 1:
        notes.add("rules", tr("what several rules exclude at once stays here"))
        return []
    return [PruneRule("rules", exclusions[0], keep_newest=0, excluding=patterns)]


def _is_for(
    rule: dict[str, Any], repository: str | None, where: str, place: int, notes: Notes
) -> bool:
    scope = rule.get("scope_selectors")
    path = f"rules[{place}].scope_selectors.repository"
    selectors = entries_of(
        scope.get("repository") if isinstance(scope, dict) else None, where, path
    )
    for selector in selectors:
        pattern = str(selector.get("pattern") or "**")
        if repository is None:
            if pattern != "**":
                notes.add(f"{path} {pattern}", tr("it is taken as if it were for this repository"))
            continue
        matched = matches_path(pattern, repository)
        if matched == (selector.get("decoration") == "repoExcludes"):
            return False
    return True


def _rule(
    rule: dict[str, Any], place: int, where: str, notes: Notes
) -> tuple[PruneRule, int | None]:
    """A prune rule, and the days for which untagged images stay (0: they go, None: for good)."""
    path = f"rules[{place}]"
    template = str(rule.get("template") or "")
    patterns, excluding, untagged, exact = _selected(rule, path, where, notes)
    name = f"{path} {template}"
    count, days = None, None
    if exact and template in _DEFAULTS:
        number = _number(rule, template, path, where, notes)
        count, days = (number, None) if template == "latestPushedK" else (None, number)
    elif template in _PULLS:
        notes.add(
            name,
            tr(
                "nothing here keeps tags by their pulls; all of these tags stay. ECR can archive "
                "by the last pull (sinceImagePulled)"
            ),
        )
    elif template != "always" and template not in _DEFAULTS:
        notes.add(name, tr("this kind of rule is not known; all of these tags stay"))
    if untagged and count is not None:
        notes.add(
            f"{path} untagged", tr("untagged images count among the newest there; here they stay")
        )
    kept_untagged = days if untagged and days else None if untagged else 0
    return PruneRule(name, patterns, count, days, excluding=excluding), kept_untagged


def _number(rule: dict[str, Any], template: str, path: str, where: str, notes: Notes) -> int:
    parameters = rule.get("params")
    value = parameters.get(template) if isinstance(parameters, dict) else None
    if value is None:
        notes.add(f"{path}.params", tr("Harbor takes {number}", number=_DEFAULTS[template]))
        return _DEFAULTS[template]
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise unreadable(where, f"{path}.params.{template}", tr("it is not a number"))
    return value


def _selected(
    rule: dict[str, Any], path: str, where: str, notes: Notes
) -> tuple[tuple[str, ...], tuple[str, ...], bool, bool]:
    """Patterns, patterns that are excluded, whether untagged images are meant, whether exact."""
    selectors = entries_of(rule.get("tag_selectors"), where, f"{path}.tag_selectors")
    if len(selectors) != 1:
        if selectors:
            notes.add(f"{path}.tag_selectors", tr("several at once; all tags stay"))
        return ("*",), (), True, not selectors
    (selector,) = selectors
    written = str(selector.get("pattern") or "**")
    excludes = selector.get("decoration") == "excludes"
    untagged = _with_untagged(selector, excludes=excludes)
    globs: Globs = of_doublestar(written)
    if not globs.exact:
        notes.add(
            f"{path}.tag_selectors {written}",
            tr(
                "only `*` can stand in a pattern here; what {pattern} matches is left alone",
                pattern="*" if excludes else ", ".join(globs.patterns),
            ),
        )
        return (("*",) if excludes else globs.patterns), (), untagged, False
    if excludes:
        return ("*",), globs.patterns, untagged, True
    return globs.patterns, (), untagged, True


def _with_untagged(selector: dict[str, Any], *, excludes: bool) -> bool:
    """Whether untagged artifacts are selected; `extras` is JSON in a text."""
    said = not excludes
    try:
        extras = json.loads(str(selector.get("extras") or "{}"))
        said = bool(extras["untagged"]) if "untagged" in extras else said
    except (ValueError, TypeError, RecursionError):
        pass
    return said != excludes
