"""Compares what ought to be with what is, and says what must change. Pure.

Nothing is deleted or replaced unless a limit names it; a repository that longshore did not make
and the config does not name is never touched. A plan that a limit forbids still shows everything,
with the flag that would allow it (`Plan.refused`); `apply` then does nothing.

The comparison of single resources is in `differences`. `apply(plan)` leads to an actual state for
which the plan is empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from longshore.facts import AlertSeen, RepositorySeen
from longshore.provision.access import read_statements
from longshore.provision.alerts import alert_diff, alert_notes
from longshore.provision.changes import (
    NO_LIMITS,
    Action,
    Change,
    Limits,
    Plan,
    Refusal,
    refuse_unsafe,
)
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
    Alert,
    Desired,
    Kind,
    LifecyclePolicy,
    Note,
    Repository,
    RepositoryPolicy,
    Resource,
    resource_name,
)
from longshore.provision.settings import as_written
from longshore.text import tr

__all__ = ["NO_LIMITS", "Action", "Change", "Limits", "Plan", "Refusal", "plan", "refuse_unsafe"]


def plan(wanted: Desired, actual: Actual, limits: Limits = NO_LIMITS) -> Plan:
    """What must change so that `actual` becomes `wanted`."""
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


_RANKS: dict[Kind, int] = {
    "account-setting": 0,
    "repository": 1,
    "lifecycle": 2,
    "repository-policy": 3,
    "alert": 4,
}
_ALERT_RANKS = {"topic": 0, "rule": 1, "alarm": 2}


def _order(change: Change) -> tuple[int, int, str, int]:
    """Account settings; then repository by repository, itself before what hangs on it; alerts,
    the topic first."""
    first = {"account-setting": 0, "alert": 2}.get(change.kind, 1)
    rank = _ALERT_RANKS[change.name.partition("/")[0]] if change.kind == "alert" else 0
    return (first, rank, change.name, _RANKS[change.kind])


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
        case Alert():
            return _alert_change(resource, actual.alerts.get(resource.name))


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


def _alert_change(wanted: Alert, seen: AlertSeen | None) -> Change | None:
    if seen is not None and not seen.managed:
        return None  # said in the notes
    diff = alert_diff(wanted, seen)
    if seen is None:
        return Change("alert", wanted.name, "create", tr("there is none"), diff, wanted)
    if not diff:
        return None
    reason = tr("differs from the config: {fields}", fields=", ".join(diff))
    return Change("alert", wanted.name, "update", reason, diff, wanted)


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
    if actual.unread is None:
        message = tr(
            "other repositories could not be listed; whether longshore made any is unknown"
        )
        yield Note("ecr/repository", message)
    elif actual.unread:
        message = tr(
            "{count} other repositories were not looked at; whether longshore made any is unknown",
            count=actual.unread,
        )
        yield Note("ecr/repository", message)
    for one in wanted.resources:
        if isinstance(one, Alert):
            yield from alert_notes(one, actual.alerts.get(one.name))
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
