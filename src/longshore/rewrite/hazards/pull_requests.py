"""Checks of what pull requests may do: push images, and use secrets that are not there. Pure.

A push from a same-repository pull request under its own tag (`pr-12`, a commit) is no hazard.
Where an image goes decides too: a registry that the job itself starts is nobody's concern.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.rewrite.hazards.hazard import Check, Hazard, Severity, Surveyed
from longshore.rewrite.hazards.named_tags import NamedTag
from longshore.rewrite.hazards.runs import Run
from longshore.rewrite.hazards.samples import SHA, WITH_SLASH
from longshore.rewrite.hazards.workflows import (
    is_ecr,
    names_given,
    place_of,
    runs_of,
    workflows_of,
)
from longshore.rewrite.mentions import OPEN
from longshore.rewrite.source import Span
from longshore.rewrite.syntax.workflow import Job, Workflow
from longshore.text import tr

_EMPTY_HOST = re.compile(r"(?:\A|/)\.dkr\.ecr\.|\.dkr\.ecr\.\.amazonaws")
_OWN_MARKS = ("12", SHA[:7], WITH_SLASH.rpartition("/")[2])
_RANK = {"high": 0, "medium": 1, "low": 2}


def _push(surveyed: Surveyed) -> Iterator[Hazard]:
    for workflow in workflows_of(surveyed):
        if not any(one.sample.is_pull_request for one in runs_of(surveyed, workflow)):
            continue
        worst: dict[int, tuple[NamedTag, Severity]] = {}
        for one in names_given(surveyed, workflow):
            worth = _worth(one)
            if worth is None or _after_merge(workflow, one.at.job):
                continue
            known = worst.get(id(one.at.step))
            if known is None or _RANK[worth] < _RANK[known[1]]:
                worst[id(one.at.step)] = (one, worth)
        for one, worth in worst.values():
            yield PUSH.at(workflow.file, place_of(one.at.step), _why(one), _remedy(), worth)


def _worth(one: NamedTag) -> Severity | None:
    if not one.pushed or not one.sample.is_pull_request or not _is_ours(one.name):
        return None
    if one.sample.fork or one.tag == "latest":
        return "high"
    own = any(mark in one.tag for mark in _OWN_MARKS) or OPEN in one.tag or not one.tag
    return None if own else "medium"


def _is_ours(name: str) -> bool:
    """Whether it goes to ECR, to Docker Hub, or to a registry that only a secret knows."""
    host, slash, _ = name.partition("/")
    if is_ecr(name) or (slash and not host):
        return True
    is_host = "." in host or ":" in host or host == "localhost"
    return bool(slash) and not is_host and not host.startswith(OPEN)


def _after_merge(workflow: Workflow, job: Job) -> bool:
    """Whether the job waits until a pull request is merged, or is called for by a label."""
    event = workflow.event("pull_request") or workflow.event("pull_request_target")
    types = [one.value for one in event.patterns("types")] if event is not None else []
    said = job.condition.value if job.condition is not None else ""
    return types == ["closed"] or ".merged" in said


def _why(one: NamedTag) -> str:
    if one.sample.event == "pull_request_target":
        return tr(
            "a pull request from anybody pushes an image with this repository's secrets: "
            "`pull_request_target` gives them to code that nobody has read"
        )
    if one.sample.fork:
        return tr(
            "every pull request pushes an image, those from forks too: these have no secrets, "
            "so their builds fail; with secrets, strangers would write into the registry"
        )
    return tr(
        "a pull request pushes {tag}, which others pull: an image that was not merged takes the "
        "place of the one that was",
        tag=one.tag,
    )


def _remedy() -> str:
    return tr(
        "build without pushing: `push: ${{ github.event_name != 'pull_request' }}`; or push "
        "`pr-<number>` under `if: github.event.pull_request.head.repo.full_name == "
        "github.repository`"
    )


def _no_secrets(surveyed: Surveyed) -> Iterator[Hazard]:
    for workflow in workflows_of(surveyed):
        pushing = {
            one.at.job.id for one in names_given(surveyed, workflow) if _worth(one) is not None
        }
        seen: set[str] = set()
        for run in runs_of(surveyed, workflow):
            if not run.sample.fork or run.sample.event != "pull_request":
                continue
            for job, span in _empty_hosts(surveyed, workflow, run):
                if job not in seen | pushing:
                    seen.add(job)
                    yield NO_SECRETS.at(
                        workflow.file,
                        span,
                        tr(
                            "a pull request from a fork has no secrets: the registry becomes "
                            "`.dkr.ecr..amazonaws.com`, which is no name, and the job fails"
                        ),
                        tr(
                            "keep account and region in variables (`vars`), which are no secrets; "
                            "or leave the step out: `if: github.event.pull_request.head.repo."
                            "full_name == github.repository`"
                        ),
                    )


def _empty_hosts(surveyed: Surveyed, workflow: Workflow, run: Run) -> Iterator[tuple[str, Span]]:
    for job, scope in run.jobs:
        images = [job.container, *job.services]
        for image in (one.image for one in images if one is not None):
            if any(_EMPTY_HOST.search(one.text.text) for one in scope.readings(image)):
                yield job.id, image.span
    for one in names_given(surveyed, workflow):
        if one.sample == run.sample and _EMPTY_HOST.search(one.text):
            yield one.at.job.id, one.span


PUSH = Check("push-on-pull-request", "high", tr("Pull requests push images"), _push)
NO_SECRETS = Check(
    "secrets-empty-in-forks",
    "medium",
    tr("The registry's name is made of secrets that forks do not have"),
    _no_secrets,
)
CHECKS = (PUSH, NO_SECRETS)
