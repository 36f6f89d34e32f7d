"""Carries out a plan, change by change, with a journal. I/O.

A change is written down before and after it is made. After a kill, plan again and apply: what is
done is no longer in the new plan, and `refuse_stale` knows the rest by the journal. Each change is
safe to begin twice. Nothing is printed; events are yielded.
"""

from __future__ import annotations

from collections.abc import Iterator

from longshore.errors import AwsError, RefusedError, Where
from longshore.events import ChangeApplied, Event, StepStarted
from longshore.provision.changes import Change, Plan, refuse_unsafe
from longshore.provision.journal import Journal
from longshore.provision.resources import (
    AccountSetting,
    LifecyclePolicy,
    Repository,
    RepositoryPolicy,
)
from longshore.remote.ecr import Ecr
from longshore.text import tr


def apply(plan: Plan, ecr: Ecr, journal: Journal, run: str | None = None) -> Iterator[Event]:
    """Make the plan's changes in order; `run` is the checksum of the saved plan it is the rest of.

    Raises RefusedError before anything is changed when a limit forbids a change; AwsError,
    LoginError or LimitError at the first change that fails, those before it being done.
    """
    refuse_unsafe(plan)
    for change in plan.changes:
        yield StepStarted(change.action, change.resource)
        journal.begin(run or plan.checksum, change.resource, change.action)
        already = _carry_out(change, plan, ecr)
        journal.done(run or plan.checksum, change.resource, change.action)
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
    return False


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
            return _create(wanted, ecr)
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
        if dict(wanted.tags).items() <= dict(ecr.list_tags_for_resource(seen.arn)).items():
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
