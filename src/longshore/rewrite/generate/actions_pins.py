"""Actions by commit, from a dated list that says where each commit id was read. Pure.

The list is `data/actions.json`. An action without a commit in it is used by its version, and that
is remarked; one that the list does not have cannot be used at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from longshore.errors import UsageError
from longshore.rewrite.generate.emitted import Remark
from longshore.text import tr

_COMMIT = re.compile(r"[0-9a-f]{40}\Z")


@dataclass(frozen=True)
class Pin:
    """One action: its version, the commit of that version if it is known, and who says so."""

    name: str
    version: str
    commit: str = ""
    source: str = ""

    @property
    def uses(self) -> str:
        """What stands behind `uses:`."""
        if self.commit:
            return f"{self.name}@{self.commit} # {self.version}"
        return f"{self.name}@{self.version}"


@dataclass(frozen=True)
class Pins:
    """The list, and the day on which it was made."""

    date: str
    pins: Mapping[str, Pin] = field(default_factory=dict)

    def uses(self, name: str) -> str:
        """What stands behind `uses:` for an action. Raises UsageError for one not in the list."""
        pin = self.pins.get(name)
        if pin is None:
            raise UsageError(
                tr("the action {name} is not in the list of {date}", name=name, date=self.date),
                code="unknown-action",
            )
        return pin.uses

    def remarks(self, text: str) -> tuple[Remark, ...]:
        """A remark for each action that the text uses by version only."""
        loose = [one for one in self.pins.values() if not one.commit and f"{one.uses}\n" in text]
        return tuple(Remark("unpinned-action", _said(one)) for one in loose)


def parse_pins(text: str) -> Pins:
    """The list as values. Raises UsageError for a commit that is none, or has no source."""
    document = json.loads(text)
    pins = {}
    for name, entry in document["actions"].items():
        pin = Pin(name, entry["version"], entry.get("commit", ""), entry.get("source", ""))
        if pin.commit and not (_COMMIT.match(pin.commit) and pin.source):
            raise UsageError(
                tr("the list of actions is wrong about {name}", name=name), code="unknown-action"
            )
        pins[name] = pin
    return Pins(document["date"], pins)


def _said(pin: Pin) -> str:
    return tr(
        "{name} is used by its version {version}: its commit is not known here",
        name=pin.name,
        version=pin.version,
    )
