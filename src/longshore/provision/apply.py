"""Carries out a plan, change by change, with a journal. I/O.

A change is written down before and after it is made, and each is safe to begin twice. After a
kill, plan again and apply: what is done is not in the new plan. Only replacing a repository needs
the journal's memory, for between its deletion and its making anew AWS no longer knows how it was:
the next `apply` finishes that first. Nothing is printed; events are yielded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from longshore.errors import AwsError, RefusedError, Where
from longshore.events import ChangeApplied, Event, Notice, StepStarted
from longshore.facts import RepositorySeen
from longshore.provision.alerts import with_subscriptions
from longshore.provision.changes import Change, Plan, refuse_unsafe
from longshore.provision.differences import encryption_diff
from longshore.provision.journal import Entry, Journal
from longshore.provision.resources import (
    MANAGED,
    AccountSetting,
    Alert,
    LifecyclePolicy,
    Repository,
    RepositoryPolicy,
)
from longshore.remote.alerts import AlertTools
from longshore.remote.ecr import Ecr
from longshore.text import tr


def apply(plan: Plan, ecr: Ecr, journal: Journal) -> Iterator[Event]:
    """Make the plan's changes in order.

    Raises RefusedError before anything is changed when a limit forbids a change; AwsError,
    LoginError or LimitError at the first change that fails, those before it being done.
    """
    refuse_unsafe(plan)
    yield from _finish_replacing(ecr, journal)
    for change in plan.changes:
        yield StepStarted(change.action, change.resource)
        journal.begin(plan.checksum, change.resource, change.action, _memory(change, plan))
        already = _carry_out(change, plan, ecr)
        journal.done(plan.checksum, change.resource, change.action)
        yield ChangeApplied(change.resource, change.action, already)


def _carry_out(change: Change, plan: Plan, ecr: Ecr) -> bool:
    """Make one change; whether it was there already."""
    match change.wanted:
        case Repository() as wanted:
            return _apply_repository(change, wanted, plan, ecr)
        case LifecyclePolicy(name, None):
            ecr.delete_lifecycle_policy(name)
        case LifecyclePolicy(name, str() as text):
            ecr.put_lifecycle_policy(name, text)
        case RepositoryPolicy(name=name, text=None):
            ecr.delete_repository_policy(name)
        case RepositoryPolicy(name=name, text=str() as text):
            ecr.set_repository_policy(name, text)
        case AccountSetting(name, value):
            ecr.put_account_setting(name, value)
        case Alert() as wanted:
            _write_alert(change, wanted, ecr)
    return False


def _write_alert(change: Change, wanted: Alert, ecr: Ecr) -> None:
    tools = AlertTools(ecr.session, ecr.account, MANAGED)
    tools.write(wanted.name, with_subscriptions(wanted.document), tuple(change.diff))


def _apply_repository(change: Change, wanted: Repository, plan: Plan, ecr: Ecr) -> bool:
    match change.action:
        case "create":
            return _create(wanted, ecr)
        case "update":
            _update(change, wanted, ecr)
        case "delete":
            _delete(wanted.name, plan, ecr)
        case "replace":
            _delete(wanted.name, plan, ecr)
            _restore(_memory(change, plan), ecr)
    return False


def _create(wanted: Repository, ecr: Ecr) -> bool:
    """Make the repository; True when an attempt of ours whose answer was lost had made it."""
    try:
        ecr.create_repository(
            wanted.name,
            mutability=wanted.mutability or "MUTABLE",
            exclusions=wanted.exclusions,
            scan_on_push=bool(wanted.scan_on_push),
            encryption=wanted.encryption or "AES256",
            kms_key=wanted.kms_key,
            tags=dict(wanted.tags),
        )
    except AwsError as error:
        if error.aws_code != "RepositoryAlreadyExistsException":
            raise
        (seen,) = ecr.describe_repositories([wanted.name])
        if set(wanted.tags) <= set(ecr.list_tags_for_resource(seen.arn)):
            return True
        raise RefusedError(
            tr("somebody else made the repository {name} just now", name=wanted.name),
            tr("look at a new plan: longshore plan"),
            code="plan-stale",
            where=Where(resource=wanted.name),
        ) from error
    return False


def _update(change: Change, wanted: Repository, ecr: Ecr) -> None:
    """Set what differs; the tags come last, for they say that longshore has taken over."""
    fields = set(change.diff)
    if wanted.mutability and fields & {"mutability", "exclusions"}:
        ecr.put_image_tag_mutability(wanted.name, wanted.mutability, wanted.exclusions)
    if wanted.scan_on_push is not None and "scan_on_push" in fields:
        ecr.put_image_scanning_configuration(wanted.name, wanted.scan_on_push)
    tags = {key: value for key, value in wanted.tags if f"tags.{key}" in fields}
    if tags:
        (seen,) = ecr.describe_repositories([wanted.name])
        ecr.tag_resource(seen.arn, tags)


def _delete(name: str, plan: Plan, ecr: Ecr) -> None:
    """Delete; images that came since the plan stop it, unless the user gave them up."""
    ecr.delete_repository(name, force=name in plan.limits.delete_images)


# --- replacing ----------------------------------------------------------------------------------


def _memory(change: Change, plan: Plan) -> dict[str, Any]:
    """What it takes to make a replaced repository anew, policies included; else nothing."""
    if change.action != "replace" or not isinstance(change.wanted, Repository):
        return {}
    whole = asdict(change.wanted)
    del whole["where"]
    texts: dict[str, str | None] = {
        one.kind: one.wanted.text
        for one in plan.changes
        if one.name == change.name and isinstance(one.wanted, LifecyclePolicy | RepositoryPolicy)
    }
    return {"repository": whole, **texts}


def _restore(memory: Mapping[str, Any], ecr: Ecr) -> None:
    """Make a repository as it is remembered."""
    wanted = _remembered(memory)
    _create(wanted, ecr)
    _restore_policies(memory, wanted.name, ecr)


def _remembered(memory: Mapping[str, Any]) -> Repository:
    found = dict(memory["repository"])
    found["exclusions"] = tuple(found["exclusions"])
    found["tags"] = tuple((str(key), str(value)) for key, value in found["tags"])
    return Repository(**found)


def _restore_policies(memory: Mapping[str, Any], name: str, ecr: Ecr) -> None:
    lifecycle, policy = memory.get("lifecycle"), memory.get("repository-policy")
    if lifecycle and ecr.get_lifecycle_policy(name) is None:
        ecr.put_lifecycle_policy(name, lifecycle)
    if policy and ecr.get_repository_policy(name) is None:
        ecr.set_repository_policy(name, policy)


def _finish_replacing(ecr: Ecr, journal: Journal) -> Iterator[Event]:
    """Make anew what an interrupted run deleted; not when it was stopped before deleting."""
    for entry in journal.interrupted():
        if entry.action == "replace" and "repository" in entry.memory:
            yield from _finish(entry, ecr)
        journal.done(entry.run, entry.resource, entry.action)


def _finish(entry: Entry, ecr: Ecr) -> Iterator[Event]:
    wanted = _remembered(entry.memory)
    seen = _find(wanted.name, ecr)
    if seen is not None and encryption_diff(wanted, seen):
        return  # not deleted yet: the plan knows it
    if seen is not None and not set(wanted.tags) <= set(ecr.list_tags_for_resource(seen.arn)):
        return  # somebody else made it since
    message = tr("an earlier run was stopped while it replaced {name}", name=wanted.name)
    yield Notice(message, "warning")
    if seen is None:
        _create(wanted, ecr)
    _restore_policies(entry.memory, wanted.name, ecr)
    yield ChangeApplied(entry.resource, "replace", already=seen is not None)


def _find(name: str, ecr: Ecr) -> RepositorySeen | None:
    try:
        (seen,) = ecr.describe_repositories([name])
    except AwsError as error:
        if error.code == "repository-not-found":
            return None
        raise
    return seen
