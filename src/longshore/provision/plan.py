"""Compares what ought to be with what is, and says what must change. Pure.

Nothing is deleted or replaced unless a limit names it; a repository that longshore did not make
and the config does not name is never touched. A plan that a limit forbids still shows everything,
with the flag that would allow it (`Plan.refused`); `apply` then does nothing.

The comparison of single resources is in `differences`. `apply(plan)` leads to an actual state for
which the plan is empty.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from longshore.errors import RefusedError, Where
from longshore.facts import RepositorySeen
from longshore.provision.access import read_statements
from longshore.provision.differences import (
    creation_diff,
    encryption_diff,
    is_alias,
    lifecycle_diff,
    merged_policy,
    policy_diff,
    repository_diff,
    setting_diff,
)
from longshore.provision.resources import (
    MANAGED_TAG,
    AccountSetting,
    Actual,
    Desired,
    Kind,
    LifecyclePolicy,
    Note,
    Place,
    Repository,
    RepositoryPolicy,
    Resource,
    resource_name,
)
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
    `delete_images`: --delete-images NAME, the images in it may be lost.
    """

    allow_delete: frozenset[str] = frozenset()
    allow_replace: frozenset[str] = frozenset()
    delete_images: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Plan:
    """What must change at a place, what is refused, and what is worth saying."""

    place: Place
    changes: tuple[Change, ...] = ()
    refused: tuple[Refusal, ...] = ()
    notes: tuple[Note, ...] = ()
    limits: Limits = Limits()

    @property
    def checksum(self) -> str:
        """Says whether two plans do the same at the same place; `${ENV}` counts filled in."""
        changes = [[c.kind, c.name, c.action, c.diff] for c in self.changes]
        place = self.place
        endpoint = place.endpoint if place.kind == "ecr" else None  # local ports come and go
        where = [place.kind, place.account, place.region, endpoint]
        text = json.dumps([where, changes], sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def plan(wanted: Desired, actual: Actual, limits: Limits | None = None) -> Plan:
    """What must change so that `actual` becomes `wanted`."""
    limits = limits or Limits()
    replaced = _replaced(wanted, actual)
    resources = [*wanted.resources, *_carried_over(wanted, replaced)]
    changes = [change for one in resources if (change := _change(one, actual, replaced))]
    changes += _deletes(wanted, actual, limits)
    refused = [refusal for change in changes for refusal in _refusals(change, actual, limits)]
    return Plan(
        wanted.place,
        tuple(sorted(changes, key=_order)),
        tuple(sorted(refused, key=lambda refusal: (refusal.resource, refusal.flag))),
        tuple(sorted({*wanted.notes, *_notes(wanted, actual, limits)}, key=_note_order)),
        limits,
    )


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


_RANKS: dict[Kind, int] = {
    "account-setting": 0,
    "repository": 1,
    "lifecycle": 2,
    "repository-policy": 3,
}


def _order(change: Change) -> tuple[bool, str, int]:
    """Account settings first; then repository by repository, itself before what hangs on it."""
    return (change.kind != "account-setting", change.name, _RANKS[change.kind])


def _note_order(note: Note) -> tuple[str, str]:
    return (note.resource, note.message)


# --- changes ------------------------------------------------------------------------------------


def _change(
    resource: Resource, actual: Actual, replaced: Mapping[str, RepositorySeen]
) -> Change | None:
    seen = actual.repositories.get(resource.name)
    is_new = resource.name in replaced
    match resource:
        case Repository():
            return _repository_change(resource, seen, actual.images.get(resource.name))
        case LifecyclePolicy():
            return _lifecycle_change(resource, None if is_new else seen)
        case RepositoryPolicy():
            return _policy_change(resource, seen.repository_policy if seen else None, is_new)
        case AccountSetting():
            return _setting_change(resource, actual.settings.get(resource.name))


def _repository_change(
    wanted: Repository, seen: RepositorySeen | None, images: int | None
) -> Change | None:
    if seen is None:
        reason = tr("the repository does not exist")
        return Change("repository", wanted.name, "create", reason, creation_diff(wanted), wanted)
    if fixed := encryption_diff(wanted, seen):
        reason = tr("encryption cannot be changed: the repository must be made anew")
        whole = _filled_from(wanted, seen)
        diff = {**creation_diff(whole), **fixed, "images": {"from": images, "to": 0}}
        return Change("repository", wanted.name, "replace", reason, diff, whole)
    diff = repository_diff(wanted, seen)
    if not diff:
        return None
    is_managed = MANAGED_TAG in dict(seen.tags)
    reason = (
        tr("differs from the config: {fields}", fields=", ".join(sorted(diff)))
        if is_managed
        else tr("exists already and is taken over")
    )
    return Change("repository", wanted.name, "update", reason, diff, wanted)


def _lifecycle_change(wanted: LifecyclePolicy, seen: RepositorySeen | None) -> Change | None:
    before = seen.lifecycle_policy if seen else None
    diff = lifecycle_diff(before, wanted.text)
    if not diff:
        return None
    action: Action = "update"
    reason = tr("differs from the config: {fields}", fields=", ".join(diff))
    if wanted.text is None:
        action, reason = "delete", tr("the config wants no lifecycle policy")
    elif before is None:
        action, reason = "create", tr("there is no lifecycle policy")
    return Change("lifecycle", wanted.name, action, reason, diff, wanted)


def _policy_change(wanted: RepositoryPolicy, before: str | None, is_new: bool) -> Change | None:
    if read_statements(before) is None:
        return None  # said in the notes
    after = wanted.text or merged_policy(before, wanted.statements)
    before = None if is_new else before
    diff = policy_diff(before, after)
    if not diff:
        return None
    action: Action = "update"
    reason = tr("who may push and pull differs from the config")
    if after is None:
        action, reason = "delete", tr("the config grants nothing, and nobody else did")
    elif before is None:
        action, reason = "create", tr("there is no repository policy")
    made = replace(wanted, text=after)
    return Change("repository-policy", wanted.name, action, reason, diff, made)


def _setting_change(wanted: AccountSetting, value: str | None) -> Change | None:
    diff = setting_diff(wanted, value)
    if not diff:
        return None
    reason = tr("differs from the config; it counts for the whole account in this region")
    return Change("account-setting", wanted.name, "update", reason, diff, wanted)


# --- replacing ----------------------------------------------------------------------------------


def _replaced(wanted: Desired, actual: Actual) -> dict[str, RepositorySeen]:
    """Repositories that must be made anew, as they are."""
    return {
        one.name: seen
        for one in wanted.resources
        if isinstance(one, Repository)
        and (seen := actual.repositories.get(one.name))
        and encryption_diff(one, seen)
    }


def _carried_over(
    wanted: Desired, replaced: Mapping[str, RepositorySeen]
) -> Iterator[LifecyclePolicy | RepositoryPolicy]:
    """Policies that the config does not manage but a new repository must get back."""
    managed = {(one.kind, one.name) for one in wanted.resources}
    for name, seen in replaced.items():
        if seen.lifecycle_policy and ("lifecycle", name) not in managed:
            yield LifecyclePolicy(name, seen.lifecycle_policy)
        if seen.repository_policy and ("repository-policy", name) not in managed:
            yield RepositoryPolicy(name, text=seen.repository_policy)


def _filled_from(wanted: Repository, seen: RepositorySeen) -> Repository:
    """The wanted repository, with what the config does not manage as it is now."""
    return replace(
        wanted,
        mutability=wanted.mutability or seen.mutability,
        exclusions=wanted.exclusions if wanted.mutability else seen.exclusions,
        scan_on_push=seen.scan_on_push if wanted.scan_on_push is None else wanted.scan_on_push,
        tags=tuple(sorted({**dict(seen.tags), **dict(wanted.tags)}.items())),
    )


# --- deleting, limits, notes --------------------------------------------------------------------


def _unlisted(wanted: Desired, actual: Actual) -> list[str]:
    """Repositories that longshore made or took over and the config no longer names."""
    names = {one.name for one in wanted.resources if isinstance(one, Repository)}
    return sorted(
        name
        for name, seen in actual.repositories.items()
        if name not in names and MANAGED_TAG in dict(seen.tags)
    )


def _deletes(wanted: Desired, actual: Actual, limits: Limits) -> Iterator[Change]:
    for name in _unlisted(wanted, actual):
        if name in limits.allow_delete:
            reason = tr("the config no longer names it, and --allow-delete does")
            diff = {"images": {"from": actual.images.get(name), "to": 0}}
            yield Change("repository", name, "delete", reason, diff, Repository(name))


def _refusals(change: Change, actual: Actual, limits: Limits) -> Iterator[Refusal]:
    if change.kind != "repository" or change.action not in {"replace", "delete"}:
        return
    name = as_written(change.name)
    if change.action == "replace" and change.name not in limits.allow_replace:
        reason = tr("{name} would be deleted and made anew", name=name)
        yield Refusal(change.resource, reason, f"--allow-replace {name}")
    images = actual.images.get(change.name)
    if images != 0 and change.name not in limits.delete_images:
        reason = (
            tr("{name} may hold images; they would be lost", name=name)
            if images is None
            else tr("{name} holds {count} images; they would be lost", name=name, count=images)
        )
        yield Refusal(change.resource, reason, f"--delete-images {name}")


def _notes(wanted: Desired, actual: Actual, limits: Limits) -> Iterator[Note]:
    for name in _unlisted(wanted, actual):
        if name not in limits.allow_delete:
            message = tr(
                "longshore manages it, but the config no longer names it; it is kept "
                "(--allow-delete {name} removes it)",
                name=name,
            )
            yield Note(resource_name("repository", name), message)
    if actual.unread:
        message = tr(
            "{count} other repositories were not looked at: whether longshore made one of them "
            "is not known",
            count=actual.unread,
        )
        yield Note("ecr/repository", message)
    for one in wanted.resources:
        yield from _resource_notes(one, actual.repositories.get(one.name))


def _resource_notes(resource: Resource, seen: RepositorySeen | None) -> Iterator[Note]:
    if seen is None:
        return
    name = resource_name(resource.kind, resource.name)
    if isinstance(resource, RepositoryPolicy):
        if read_statements(seen.repository_policy) is None:
            yield Note(name, tr("the policy there cannot be read; it is left as it is"))
    elif isinstance(resource, Repository) and resource.kms_key and is_alias(resource.kms_key):
        yield Note(name, tr("a KMS alias cannot be compared with the key in use; not checked"))
