"""One run of a repository's lifecycle policy: what it says is done. I/O.

`policy.lifecycle.evaluate` decides, with the default readings; images in use are not protected,
for ECR knows nothing of use. All of a run is one transaction: images that expire are deleted with
their tags, others move to the archive, the run's time is noted, and what CloudTrail and
EventBridge are told waits in the outbox. The evaluation itself holds nobody up; it is done again
when somebody changed the registry meanwhile.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from longshore.embedded.contents import Repository
from longshore.embedded.ecr_events import Event, image_events, storage_events
from longshore.embedded.ecr_lifecycle_records import (
    EXECUTION,
    Looked,
    Place,
    policy_records,
)
from longshore.embedded.ecr_state import Region
from longshore.facts import ImageSeen
from longshore.policy.lifecycle.evaluate import Evaluation, Verdict, counted_from, evaluate
from longshore.policy.lifecycle.grammar import Policy, parse_policy

DAY = timedelta(days=1)
_PATIENCE = 3


@dataclass(frozen=True)
class Schedule:
    """When a repository's policy was put or ran by itself last, and ran at all last.

    It runs by itself a day after `anchor`, and every day then.
    """

    anchor: datetime
    evaluated_at: datetime | None = None
    version: int = 1

    @property
    def due(self) -> datetime:
        """When it runs next."""
        return self.anchor + DAY

    def as_settings(self) -> dict[str, Any]:
        """For the repository's settings."""
        evaluated = self.evaluated_at.timestamp() if self.evaluated_at else None
        return {
            "lifecycle_anchor": self.anchor.timestamp(),
            "lifecycle_evaluated_at": evaluated,
            "lifecycle_version": self.version,
        }


@dataclass(frozen=True)
class Ran:
    """What one run came to. Until `quiet_until` another one would change nothing."""

    region: str
    repository: str
    at: datetime
    expired: int
    archived: int
    quiet_until: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """As the control route tells it."""
        return {
            "region": self.region,
            "repository": self.repository,
            "at": self.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "expired": self.expired,
            "archived": self.archived,
        }


def schedule_of(repository: Repository) -> Schedule | None:
    """The repository's schedule; None when it has no policy."""
    settings = repository.settings
    if settings.get("lifecycle_policy") is None:
        return None
    anchor, evaluated = settings.get("lifecycle_anchor"), settings.get("lifecycle_evaluated_at")
    return Schedule(
        _moment(anchor) if anchor is not None else repository.created_at,
        _moment(evaluated) if evaluated is not None else None,
        settings.get("lifecycle_version", 1),
    )


def run_policy(region: Region, name: str, at: datetime, *, is_due: bool = True) -> Ran | None:
    """Evaluate the policy at a time and do what it says; None when there is none any more.

    `is_due` is a run by itself: the next one is a day later.
    """
    contents = region.contents
    for _ in range(_PATIENCE):
        seen = contents.changes
        decided = _decide(region, name, at)
        with _alone(region):
            if contents.changes == seen:
                return None if decided is None else _act(region, name, decided, is_due=is_due)
    with _alone(region):
        decided = _decide(region, name, at)
        return None if decided is None else _act(region, name, decided, is_due=is_due)


def note_quiet_runs(region: Region, name: str, times: Sequence[datetime]) -> None:
    """Runs of which it is known that they do nothing leave their records all the same."""
    with _alone(region):
        for at in times:
            repository = region.contents.repository(name)
            schedule = schedule_of(repository) if repository else None
            if repository is None or schedule is None:
                return
            policy = read_policy(repository.settings["lifecycle_policy"])
            _note(region, repository, Looked(policy, schedule.version, at, schedule.evaluated_at))


@lru_cache(maxsize=64)
def read_policy(text: str) -> Policy:
    """The policy of a text that was checked when it was put."""
    return parse_policy(text)


def place_of(region: Region, name: str) -> Place:
    """Whose repository it is, for records."""
    return Place(region.account, region.name, region.arn(name), name)


def looked_at(repository: Repository, policy: Policy, at: datetime) -> Looked:
    """What an evaluation looked at."""
    schedule = schedule_of(repository)
    if schedule is None:
        return Looked(policy, 1, at, None)
    return Looked(policy, schedule.version, at, schedule.evaluated_at)


@contextlib.contextmanager
def _alone(region: Region) -> Iterator[None]:
    with region.lock, region.contents.transaction():
        yield


def _decide(region: Region, name: str, at: datetime) -> Evaluation | None:
    repository = region.contents.repository(name)
    if repository is None or schedule_of(repository) is None:
        return None
    policy = read_policy(repository.settings["lifecycle_policy"])
    return evaluate(policy, region.contents.images.read(name, at), at)


def _act(region: Region, name: str, decided: Evaluation, *, is_due: bool) -> Ran:
    expired, archived = decided.acted("expire"), decided.acted("transition")
    contents = region.contents
    for verdict in expired:
        contents.delete_manifest(name, verdict.image.digest)
    contents.images.archive(name, (one.image.digest for one in archived), decided.at)
    repository = region.repository(name)
    looked = looked_at(repository, decided.policy, decided.at)
    _note(region, repository, looked, expired + archived, is_due=is_due)
    if region.ecr.has_listeners(region.name):
        contents.outbox.add({"event": event} for event in _events(name, decided))
    quiet = None if expired or archived else _quiet_until(decided)
    return Ran(region.name, name, decided.at, len(expired), len(archived), quiet)


def _note(
    region: Region,
    repository: Repository,
    looked: Looked,
    verdicts: Sequence[Verdict] = (),
    *,
    is_due: bool = True,
) -> None:
    schedule = schedule_of(repository)
    anchor = looked.at if is_due or schedule is None else schedule.anchor
    settings = Schedule(anchor, looked.at, looked.version).as_settings()
    region.contents.update_repository(repository.name, {**repository.settings, **settings})
    place = place_of(region, repository.name)
    records = policy_records(EXECUTION, place, looked, verdicts)
    region.contents.outbox.add({"record": record} for record in records)


def _events(name: str, decided: Evaluation) -> Iterator[Event]:
    for verdict in decided.verdicts:
        image = verdict.image
        is_referrer = image.subject is not None
        if verdict.action == "expire":
            yield from image_events(
                decided.at, name, "DELETE", image.digest, image.tags, is_referrer=is_referrer
            )
        elif verdict.action == "transition":
            yield from storage_events(
                *(decided.at, name, image.digest, image.tags, "ARCHIVE"),
                is_referrer=is_referrer,
                media_type=image.media_type,
                artifact_type=image.artifact_type,
            )


def _quiet_until(decided: Evaluation) -> datetime:
    """The time up to which the verdicts stay as they are, if nobody changes an image.

    Only age rules and restores that end depend on time.
    """
    ends = [_changes_at(verdict, decided) for verdict in decided.verdicts]
    return min((one for one in ends if one is not None), default=datetime.max.replace(tzinfo=UTC))


def _changes_at(verdict: Verdict, decided: Evaluation) -> datetime | None:
    image: ImageSeen = verdict.image
    if verdict.because == "restoring":
        return decided.at
    if verdict.because != "age" or verdict.rule is None:
        return None
    since = counted_from(verdict.rule, image, decided.readings)
    try:
        return since + timedelta(days=verdict.rule.selection.count_number) if since else None
    except OverflowError:
        return None


def _moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
