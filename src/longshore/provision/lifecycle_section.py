"""The key `lifecycle` of a repository in `longshore.yaml`: preset, file, intent or none. Pure.

What an intent cannot have is told here with its place; what it becomes is decided in
`policy/lifecycle/compile`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from longshore.errors import UsageError, Where
from longshore.policy.lifecycle.compile import compile_flaws
from longshore.policy.lifecycle.intent import FamilyIntent, Intent
from longshore.policy.lifecycle.preset import PRESETS
from longshore.provision.document import Node, Scalar
from longshore.provision.settings import Lifecycle
from longshore.provision.shapes import Parsed, Reading, Shape, Text, Whole, Word
from longshore.provision.structures import Either, Key, ListOf, MapOf, Struct
from longshore.text import tr

MAX_DAYS = 36_500
MAX_FAMILIES = 20
_PATTERN = re.compile(r"[\w.*-]{1,128}\Z", re.ASCII)
_FAMILY = re.compile(r"[a-z][a-z0-9-]{0,31}\Z")
_DURATION = re.compile(r"([0-9]{1,5})([dw])\Z", re.ASCII)
_DAYS: Mapping[str, int] = {"d": 1, "w": 7}


def lifecycle() -> Shape[Lifecycle]:
    """Which images go, and when."""
    counted = MapOf(Whole(1, 100_000), _check_pattern)
    days = Whole(1, MAX_DAYS)
    return Either(
        scalar=Word("none"),
        mapping=Struct(
            _read_lifecycle,
            {
                "preset": Key(Word(*PRESETS), "A policy that longshore brings"),
                "file": Key(
                    Parsed(tr("a path inside the folder of the config"), _parse_path),
                    "A file with ECR's lifecycle policy text",
                ),
                "families": Key(_families(), "What stays, by families of tags"),
                "keep": Key(counted, "How many images stay, by tag pattern"),
                "max_age_days": Key(MapOf(days, _check_pattern), "When images go, by tag pattern"),
                "untagged_days": Key(days, "When images without a tag go"),
                "backup_days": Key(
                    days, "When tags backup-... go, by the time in their name; never the last 3"
                ),
                "protect": Key(
                    ListOf(_tag_pattern()),
                    "Tag patterns that never go, besides live-*, rollback-* and latest",
                ),
            },
            placed=True,
        ),
        then=lambda value: Lifecycle() if isinstance(value, str) else value,
    )


def _families() -> Shape[tuple[FamilyIntent, ...]]:
    duration = _Duration(tr("a number of days or weeks"), _parse_duration)
    family = Struct(
        lambda **values: FamilyIntent("", **values),
        {
            "tags": Key(
                ListOf(_tag_pattern(), least=1, most=20),
                "Tag patterns; one of them must match",
                required=True,
            ),
            "keep_newest": Key(Whole(1, 100_000), "How many images stay"),
            "keep_for": Key(duration, "How long images stay, 90d or 12w", argument="keep_for_days"),
            "per": Key(
                Word("branch", "minor-version", "pull-request"),
                "Of what keep_newest counts; left out, of the whole family",
            ),
            "archive_after": Key(
                duration, "When images go to archive storage", argument="archive_after_days"
            ),
            "marker": Key(
                Word("auto", "none"), "Whether one limit may go by the pipeline's marker tags"
            ),
        },
    )
    return Either(
        mapping=MapOf(family, _check_family, least=1, most=MAX_FAMILIES),
        then=lambda pairs: tuple(replace(value, name=name) for name, value in pairs),
    )


def _tag_pattern() -> Shape[str]:
    return Text(tr("a tag pattern"), _PATTERN.pattern[:-2])


def _check_pattern(name: str) -> tuple[str, str] | None:
    if _PATTERN.match(name):
        return None
    return tr("'{text}' is not a tag pattern", text=name), tr('for example "v*"')


def _check_family(name: str) -> tuple[str, str] | None:
    if _FAMILY.match(name):
        return None
    return (
        tr("'{text}' is not a name for a family", text=name),
        tr("use small letters, digits and hyphens, for example: production"),
    )


class _Duration(Parsed[int]):
    """`90d`, `12w`; a bare number is told what to write."""

    def read(self, node: Node, reading: Reading) -> int | None:
        if isinstance(node, Scalar) and node.text.isdecimal():
            message = tr("'{text}' is not a number of days or weeks", text=node.text)
            reading.fail(node.where, message, tr("for example {text}d", text=node.text))
            return None
        return super().read(node, reading)


def _parse_duration(text: str) -> int:
    found = _DURATION.match(text)
    days = int(found[1]) * _DAYS[found[2]] if found else 0
    if not 1 <= days <= MAX_DAYS:
        raise UsageError(
            tr("'{text}' is not a number of days or weeks", text=text),
            tr("for example 90d or 12w, at most {most}d", most=MAX_DAYS),
        )
    return days


def _read_lifecycle(
    where: Where, preset: str | None = None, file: str | None = None, **intent: Any
) -> Lifecycle:
    forms = [form for form in (preset, file, intent) if form]
    if len(forms) != 1:
        raise UsageError(
            tr("a lifecycle is a preset, a file or an intent: one of them"),
            tr("for example {preset: standard}, or none"),
        )
    if not intent:
        return Lifecycle(preset, file, where=where)
    made = Intent(**intent)
    if flaws := compile_flaws(made):
        raise UsageError(tr("this lifecycle cannot be: {why}", why="; ".join(flaws)))
    return Lifecycle(intent=made, where=where)


def _parse_path(text: str) -> str:
    parts = text.split("/")
    if text.startswith("/") or ".." in parts or "\\" in text or ":" in parts[0] or not text:
        raise UsageError(
            tr("'{path}' leads outside the folder of the config", path=text),
            tr("keep the file beside longshore.yaml"),
        )
    return text
