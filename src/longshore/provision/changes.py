"""A plan as values: changes with reasons, limits, refusals, and a checksum. Pure.

`plan` makes one; `render` shows it; `apply` carries it out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from longshore.errors import RefusedError, Where
from longshore.provision.resources import Kind, Note, Place, Resource, resource_name
from longshore.provision.settings import as_written
from longshore.text import tr

Action = Literal["create", "update", "replace", "delete"]
Diff = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Change:
    """One change, with its reason. `diff` maps a field to `{"from": ..., "to": ...}`.

    `wanted` is what `apply` needs; plan files do not carry it.
    """

    kind: Kind
    name: str
    action: Action
    reason: str
    diff: Diff
    wanted: Resource | None = field(default=None, compare=False, repr=False)

    @property
    def resource(self) -> str:
        """The name in plans, for example `ecr/repository/acme/shop`."""
        return resource_name(self.kind, self.name)

    def as_json(self) -> dict[str, Any]:
        """As plans show it; `${ENV}` is not filled in."""
        return {
            "resource": self.resource,
            "action": self.action,
            "reason": self.reason,
            "diff": written(self.diff),
        }


@dataclass(frozen=True)
class Refusal:
    """A change that a limit forbids, and the flag that allows it."""

    resource: str
    reason: str
    flag: str


@dataclass(frozen=True)
class Limits:
    """Names of repositories for which the user allowed what is otherwise refused.

    `allow_delete`: --allow-delete NAME, `allow_replace`: --allow-replace NAME,
    `delete_images`: --delete-images NAME, the images in it may be lost; `allow_in_use`:
    --allow-in-use NAME, its policy may reach images in use. `allow_unread` has words for places
    that need not be known (--allow-unread ecs).
    """

    allow_delete: frozenset[str] = frozenset()
    allow_replace: frozenset[str] = frozenset()
    delete_images: frozenset[str] = frozenset()
    allow_in_use: frozenset[str] = frozenset()
    allow_unread: frozenset[str] = frozenset()


NO_LIMITS = Limits()


@dataclass(frozen=True)
class Plan:
    """What must change at a place, what is refused, and what is worth saying."""

    place: Place
    changes: tuple[Change, ...] = ()
    refused: tuple[Refusal, ...] = ()
    notes: tuple[Note, ...] = ()
    limits: Limits = NO_LIMITS

    @property
    def checksum(self) -> str:
        """Says whether two plans do the same at the same place; `${ENV}` counts filled in."""
        changes = [[c.kind, c.name, c.action, c.diff] for c in self.changes]
        place = self.place
        endpoint = place.endpoint if place.kind == "ecr" else None  # local ports come and go
        where = [place.kind, place.account, place.region, endpoint]
        text = json.dumps([where, changes], sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def refuse_unsafe(planned: Plan) -> None:
    """Raise RefusedError when a limit forbids a change of the plan; the hint names its flag."""
    if not planned.refused:
        return
    first = planned.refused[0]
    flags = " ".join(dict.fromkeys(refusal.flag for refusal in planned.refused))
    raise RefusedError(
        tr("refused: {reason}", reason=first.reason),
        tr("nothing was changed; to allow it, add {flags}", flags=flags),
        code="unsafe-plan",
        where=Where(resource=first.resource),
    )


def written(value: Any) -> Any:
    """The value as the config has it, `${ENV}` not filled in."""
    if isinstance(value, Mapping):
        return {as_written(key): written(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [written(one) for one in value]
    return as_written(value) if isinstance(value, str) else value
