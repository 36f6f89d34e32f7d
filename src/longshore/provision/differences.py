"""How one wanted resource differs from what was read, field by field. Pure.

A difference is `{"from": ..., "to": ...}`; no difference, no entry. Policies are compared by
meaning, not by their text.
"""

from __future__ import annotations

import json
from typing import Any

from longshore.facts import RepositorySeen
from longshore.provision.access import is_ours, normal_form, policy_text, read_statements
from longshore.provision.resources import AccountSetting, Repository, Statement

Diff = dict[str, dict[str, Any]]


def creation_diff(wanted: Repository) -> Diff:
    """All fields of a repository that is to be made."""
    fields: dict[str, Any] = {
        "mutability": wanted.mutability,
        "exclusions": list(wanted.exclusions) or None,
        "scan_on_push": wanted.scan_on_push,
        "encryption": wanted.encryption,
        "kms_key": wanted.kms_key,
        **{f"tags.{key}": value for key, value in wanted.tags},
    }
    return {name: _from_to(None, value) for name, value in fields.items() if value is not None}


def repository_diff(wanted: Repository, seen: RepositorySeen) -> Diff:
    """Fields that can be changed in place and differ."""
    diff: Diff = {}
    if wanted.mutability is not None:
        if wanted.mutability != seen.mutability:
            diff["mutability"] = _from_to(seen.mutability, wanted.mutability)
        before, after = sorted(seen.exclusions), sorted(wanted.exclusions)
        if before != after:
            diff["exclusions"] = _from_to(before, after)
    if wanted.scan_on_push is not None and wanted.scan_on_push != seen.scan_on_push:
        diff["scan_on_push"] = _from_to(seen.scan_on_push, wanted.scan_on_push)
    tags = dict(seen.tags)
    for key, value in wanted.tags:
        if tags.get(key) != value:
            diff[f"tags.{key}"] = _from_to(tags.get(key), value)
    return diff


def encryption_diff(wanted: Repository, seen: RepositorySeen) -> Diff:
    """Encryption, which is fixed when a repository is made.

    A KMS alias cannot be compared with the key that ECR shows; then nothing is said.
    """
    if wanted.encryption is None:
        return {}
    if wanted.encryption != seen.encryption:
        return {"encryption": _from_to(seen.encryption, wanted.encryption)}
    if wanted.kms_key is None or is_alias(wanted.kms_key) or seen.kms_key is None:
        return {}
    if wanted.kms_key == seen.kms_key or seen.kms_key.endswith(f"/{wanted.kms_key}"):
        return {}
    return {"kms_key": _from_to(seen.kms_key, wanted.kms_key)}


def is_alias(key: str) -> bool:
    """Whether a KMS key is named by an alias."""
    return key.startswith("alias/") or ":alias/" in key


def lifecycle_diff(before: str | None, after: str | None) -> Diff:
    """Rules that differ, by priority; the whole text when the old one cannot be read."""
    old, new = _rules(before), _rules(after)
    if old is None or new is None:
        return {} if before == after else {"text": _from_to(before, after)}
    return {
        f"rules.{priority}": _from_to(old.get(priority), new.get(priority))
        for priority in sorted({*old, *new})
        if old.get(priority) != new.get(priority)
    }


def _rules(text: str | None) -> dict[int, dict[str, Any]] | None:
    """The rules of a policy by priority, in normal form; None when it cannot be read."""
    if text is None:
        return {}
    try:
        rules = json.loads(text)["rules"]
        return {int(rule["rulePriority"]): _normal_rule(rule) for rule in rules}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _normal_rule(rule: dict[str, Any]) -> dict[str, Any]:
    selection = dict(rule["selection"])
    if selection.get("storageClass") == "standard":
        del selection["storageClass"]
    for name in ("tagPatternList", "tagPrefixList"):
        if name in selection:
            selection[name] = sorted(selection[name])
    rest = {key: value for key, value in rule.items() if key not in {"rulePriority", "selection"}}
    return {**rest, "selection": selection}


def merged_policy(before: str | None, ours: tuple[Statement, ...]) -> str | None:
    """The policy with our statements in place of older ones of ours; others' are kept."""
    others = [one for one in read_statements(before) or [] if not is_ours(one)]
    return policy_text(others, ours)


def policy_diff(before: str | None, after: str | None) -> Diff:
    """Statements that differ, by Sid or place."""
    old, new = _statements(before), _statements(after)
    return {
        f"statements.{name}": _from_to(old.get(name), new.get(name))
        for name in sorted({*old, *new})
        if normal_form(old.get(name)) != normal_form(new.get(name))
    }


def _statements(text: str | None) -> dict[str, dict[str, Any]]:
    statements = read_statements(text) or []
    return {str(one.get("Sid") or place): one for place, one in enumerate(statements, start=1)}


def setting_diff(wanted: AccountSetting, value: str | None) -> Diff:
    """The value, when it differs."""
    return {} if wanted.value == value else {"value": _from_to(value, wanted.value)}


def _from_to(before: Any, after: Any) -> dict[str, Any]:
    return {"from": before, "to": after}
