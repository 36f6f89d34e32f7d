"""What people type about the open points of lifecycle policies: `--reading NAME=CHOICE`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from longshore.cli.typeset import nearest
from longshore.errors import UsageError
from longshore.policy.lifecycle.readings import CHOICES, DEFAULT, Readings
from longshore.text import tr


def parse_readings(words: Sequence[str]) -> Readings:
    """The readings of `--reading NAME=CHOICE`, given several times. Raises UsageError."""
    chosen = DEFAULT
    for word in words:
        name, _, choice = word.partition("=")
        name, choice = name.strip().replace("-", "_"), choice.strip()
        if name not in CHOICES:
            raise _unknown(tr("there is no reading '{name}'", name=name), name, CHOICES)
        if choice not in CHOICES[name]:
            what = tr("'{choice}' is no choice of the reading {name}", choice=choice, name=name)
            raise _unknown(what, choice, CHOICES[name])
        told: dict[str, Any] = {name: choice}
        chosen = replace(chosen, **told)
    return chosen


def _unknown(what: str, word: str, known: Sequence[str] | dict[str, tuple[str, ...]]) -> UsageError:
    meant = nearest(word, known)
    all_of_them = tr("choose one of: {names}", names=", ".join(known))
    hint = tr("did you mean {name}?", name=meant) if meant else all_of_them
    return UsageError(what, hint, code="bad-reading")
