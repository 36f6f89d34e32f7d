"""Prune rules as a file: what `lifecycle import` writes and `lifecycle prune --rules` reads. Pure.

{"rules": [{"name": "releases", "patterns": ["v*"], "keep_newest": 10}]}
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, get_args

from longshore.cli.typeset import nearest
from longshore.errors import UsageError, Where
from longshore.policy.lifecycle.prune_units import Per
from longshore.policy.lifecycle.pruning import Clock, PruneRule
from longshore.text import tr

_KEYS = tuple(one.name for one in fields(PruneRule))
_WORDS = {"per": get_args(Per), "clock": get_args(Clock)}
_NUMBERS = ("keep_newest", "keep_for_days", "at_least")
_LISTS = ("patterns", "excluding")
_EXAMPLE = '{"name": "old", "patterns": ["pr-*"], "keep_newest": 3}'


def rules_as_json(rules: Sequence[PruneRule]) -> list[dict[str, Any]]:
    """The rules with what they say beyond the defaults."""
    plain = PruneRule("", ())
    return [
        {
            one.name: list(value) if isinstance(value, tuple) else value
            for one in fields(PruneRule)
            if (value := getattr(rule, one.name)) != getattr(plain, one.name)
        }
        for rule in rules
    ]


def parse_rules(text: str, where: str) -> tuple[PruneRule, ...]:
    """The rules of a file. Raises UsageError, with the place of what is wrong."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise _wrong(where, "", error.msg, error.lineno, error.colno) from None
    except (ValueError, RecursionError):
        raise _wrong(where, "", tr("it is nested too deeply")) from None
    rules = document.get("rules") if isinstance(document, dict) else None
    if not isinstance(rules, list) or not rules:
        raise _wrong(where, "rules", tr("a list of rules is missing"))
    return tuple(_rule(one, f"rules[{place}]", where) for place, one in enumerate(rules))


def _rule(value: Any, path: str, where: str) -> PruneRule:
    if not isinstance(value, dict):
        raise _wrong(where, path, tr("it is not an object"))
    for name in value:
        if name not in _KEYS:
            meant = nearest(name, _KEYS) or ", ".join(_KEYS)
            raise _wrong(
                where, f"{path}.{name}", tr("there is no such key; take {name}", name=meant)
            )
    made: dict[str, Any] = {"name": path, **value}
    for name, written in value.items():
        _check(name, written, f"{path}.{name}", where)
    if not made.get("patterns"):
        raise _wrong(where, f"{path}.patterns", tr("which tags it is about is missing"))
    for name in _LISTS:
        made[name] = tuple(made.get(name, ()))
    return PruneRule(**made)


def _check(name: str, value: Any, path: str, where: str) -> None:
    if name in _LISTS:
        fits = isinstance(value, list) and all(isinstance(one, str) and one for one in value)
    elif name in _NUMBERS:
        fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1_000_000
    elif name in _WORDS:
        fits = value in _WORDS[name]
    else:
        fits = isinstance(value, str)
    if not fits:
        shown = json.dumps(value)[:60]
        raise _wrong(where, path, tr("{value} cannot stand there", value=shown))


def _wrong(where: str, path: str, why: str, line: int = 0, column: int = 0) -> UsageError:
    return UsageError(
        tr(
            "the prune rules {file} cannot be read: {why}",
            file=where,
            why=f"{path}: {why}" if path else why,
        ),
        tr("a rule looks like {rule}", rule=_EXAMPLE),
        code="prune-rules-invalid",
        where=Where(where, line or None, column or None),
    )
