"""The section `scan` of `longshore.yaml`: what the scan gate lets pass, and waivers. Pure."""

from __future__ import annotations

from datetime import date
from typing import Any

from longshore.errors import UsageError
from longshore.policy.gate import DEFAULT_MOST, GateRules, Waiver
from longshore.provision.shapes import Flag, Parsed, Shape, Text, Whole, did_you_mean, one_of
from longshore.provision.structures import Key, ListOf, MapOf, Struct
from longshore.text import tr

SEVERITIES = (
    "critical", "high", "medium", "low", "informational", "undefined", "untriaged"
)  # fmt: skip


def scan() -> Shape[GateRules]:
    """What passes the gate."""
    waiver = Struct(
        _waiver,
        {
            "id": Key(Text(), "The vulnerability: CVE-2026-1234", required=True, argument="name"),
            "reason": Key(Text(), "Why it does not count", required=True),
            "until": Key(
                Parsed(tr("a day"), _day), "The day on which it counts again", required=True
            ),
            "package": Key(Text(), "Only in this package"),
        },
    )
    return Struct(
        _rules,
        {
            "max": Key(MapOf(Whole(), _check), "Findings that pass, by severity", argument="most"),
            "only_fixable": Key(Flag(), "Count only what a newer version mends"),
            "waive": Key(ListOf(waiver), "Findings that do not count", argument="waivers"),
        },
    )


def _rules(
    most: tuple[tuple[str, int], ...] | None = None,
    only_fixable: bool = False,
    waivers: tuple[Waiver, ...] = (),
) -> GateRules:
    pairs = DEFAULT_MOST if most is None else tuple((one.upper(), n) for one, n in most)
    return GateRules(pairs, only_fixable, tuple(waivers))


def _waiver(**values: Any) -> Waiver:
    made = Waiver(**values)
    if not made.reason.strip():
        raise UsageError(tr("a waiver says why"), tr("write the reason of {name}", name=made.name))
    return made


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(
            tr("'{text}' is not a day", text=text), tr("for example 2027-01-31")
        ) from None


def _check(name: str) -> tuple[str, str] | None:
    if name in SEVERITIES:
        return None
    message = tr("'{text}' is not {wanted}", text=name, wanted=one_of(SEVERITIES))
    return message, did_you_mean(name, SEVERITIES)
