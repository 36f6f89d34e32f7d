"""What has happened, as values; a verb yields them and never prints. Pure.

The face shows an event as a line, a progress bar or a JSON object: `as_json` gives
`{"event": "tag-copied", ...fields}`.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Event:
    """The root of all events."""

    def as_json(self) -> dict[str, Any]:
        """The event's name in kebab case, then its fields."""
        name = re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()
        return {"event": name, **asdict(self)}


@dataclass(frozen=True)
class StepStarted(Event):
    """Something of some length began: `step` says what, `resource` on what."""

    step: str
    resource: str = ""


@dataclass(frozen=True)
class StepDone(Event):
    """It ended well; `detail` is one short sentence."""

    step: str
    resource: str = ""
    detail: str = ""


@dataclass(frozen=True)
class ChangeApplied(Event):
    """One change of a plan was carried out (or found to be done already)."""

    resource: str
    action: str
    already: bool = False


@dataclass(frozen=True)
class TagDone(Event):
    """A tag ended: `outcome` is copied, unchanged, skipped or failed; `reason` says why."""

    source: str
    target: str
    outcome: str
    digest: str = ""
    reason: str = ""


@dataclass(frozen=True)
class BlobDone(Event):
    """A blob is at the target: `how` is copied, mounted or existing."""

    target: str
    digest: str
    size: int
    how: str


@dataclass(frozen=True)
class Progress(Event):
    """Where a copy stands; totals grow while manifests are still being read."""

    tags_done: int
    tags_total: int
    bytes_done: int
    bytes_total: int
    pulls: int = 0
    pulls_left: int | None = None


@dataclass(frozen=True)
class Waiting(Event):
    """Everything waits until `until` (UTC, ISO 8601), for a reason."""

    reason: str
    until: str


@dataclass(frozen=True)
class Notice(Event):
    """Something that the user should know; `level` is info or warning."""

    message: str
    level: str = "info"
