"""Checks of a half-done move: images still at the Hub, its login gone or left over. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from longshore.oci.reference import DOCKER_HUB
from longshore.rewrite.finders.workflow_builds import dockerfiles_of, is_build
from longshore.rewrite.finders.workflow_places import Places
from longshore.rewrite.hazards.hazard import Check, Hazard, Severity, Surveyed
from longshore.rewrite.hazards.leftover_words import hub_secrets_in_documents
from longshore.rewrite.hazards.workflows import (
    ecr_login_steps,
    hub_logins,
    is_ecr,
    logs_in_to_ecr,
    may_log_in_to_hub,
    moved,
    place_of,
    uses_of_job,
    workflows_of,
)
from longshore.rewrite.pipeline_jobs import Event, Pull, Uses, pulls_of_workflow
from longshore.rewrite.syntax.expressions import Table
from longshore.rewrite.syntax.shell import parse_shell
from longshore.rewrite.syntax.workflow import Job, Step, Workflow
from longshore.rewrite.syntax.workflow_scope import scope_of_job
from longshore.rewrite.triggers import Trigger
from longshore.text import tr

_SHOWN = 5
_HARMLESS = frozenset(
    {
        *("actions/checkout", "actions/cache", "actions/upload-artifact", "actions/setup-node"),
        *("actions/download-artifact", "actions/setup-python", "actions/setup-go"),
        *("docker/login-action", "docker/metadata-action", "docker/build-push-action"),
        *("docker/setup-buildx-action", "docker/setup-qemu-action"),
        *("aws-actions/configure-aws-credentials", "aws-actions/amazon-ecr-login"),
        *("aws-actions/amazon-ecs-render-task-definition",),
        *("aws-actions/amazon-ecs-deploy-task-definition",),
    }
)
_PLAIN = frozenset(
    {
        *("echo", "printf", "cd", "mkdir", "export", "cat", "set", "test", "[", "[[", "true", "jq"),
        *("sed", "grep", "cut", "tr", "awk", "date", "aws", "git", "ls", "pwd", "exit", "sleep"),
    }
)
_DOCKER_VERBS = frozenset(
    {"build", "buildx", "push", "tag", "login", "logout", "images", "image", "inspect", "version"}
)


class _Whatever(Trigger):
    """An event of which nothing is known: every job and step may run."""

    def github(self) -> Table:
        """Nothing."""
        return Table({}, open=True)


def _images_left(surveyed: Surveyed) -> Iterator[Hazard]:
    pushing = [
        use
        for use in surveyed.uses
        if use.mention.role == "push" and is_ecr(use.registry or use.mention.expanded)
    ]
    if not moved(surveyed):
        return
    copied = _copied(surveyed)
    left = [
        use
        for use in surveyed.uses
        if use.pulls_hub and use.image and (use.file, use.line) not in copied
    ]
    if not left:
        return
    first = pushing[0] if pushing else None
    file = surveyed.tree.file(first.file) if first is not None else None
    if first is None or file is None:
        found = next(_ecr_steps(surveyed), None)
        if found is None:
            return
        file, span = found[0].file, place_of(found[1])
    else:
        span = first.mention.span
    yield IMAGES_LEFT.at(
        file,
        span,
        tr(
            "the team's own image is in ECR; others still come from Docker Hub: {names} "
            "(places in the tree: {places})",
            places=len(left),
            names=_names(use.image or "" for use in left),
        ),
        tr("`longshore rewrite` moves them too; `longshore assess --all` lists the places"),
    )


def _copied(surveyed: Surveyed) -> set[tuple[str, int]]:
    """Lines that copy an image to another registry: what they pull is what has to come over."""

    def look(one: Surveyed) -> set[tuple[str, int]]:
        return {
            (use.file, use.line)
            for use in one.uses
            if use.mention.role == "push" and use.registry not in (None, DOCKER_HUB)
        }

    return surveyed.once("lines that copy", look)


def _ecr_steps(surveyed: Surveyed) -> Iterator[tuple[Workflow, Step]]:
    for workflow in workflows_of(surveyed):
        for job in workflow.jobs:
            for step in ecr_login_steps(job):
                yield workflow, step


def _login_removed(surveyed: Surveyed) -> Iterator[Hazard]:
    for workflow in workflows_of(surveyed):
        at_ecr = [job for job in workflow.jobs if logs_in_to_ecr(surveyed.tree, job)]
        if not at_ecr:
            continue
        with_login = {job.id for job in workflow.jobs if may_log_in_to_hub(surveyed, workflow, job)}
        wanted = {job.id for job in (at_ecr if with_login else workflow.jobs)} - with_login
        pulls = [
            one
            for one in _pulls(surveyed, workflow)
            if one.job in wanted and (one.use.file, one.use.line) not in _copied(surveyed)
        ]
        if not pulls:
            continue
        step = next(iter(ecr_login_steps(at_ecr[0])), None) or _first(at_ecr[0])
        if step is None:
            continue
        written = any(not one.use.mention.implicit for one in pulls)
        had_login = _others_log_in(surveyed) or hub_secrets_in_documents(surveyed)
        worth: Severity = "high" if written and had_login else "medium"
        yield LOGIN_REMOVED.at(
            workflow.file,
            place_of(step),
            tr(
                "the workflow logs in to ECR and not to Docker Hub, and still pulls from there, as "
                "an anonymous user under the lowest limit: {names} (pulls in one run: {pulls})",
                pulls=sum(one.pulls for one in pulls),
                names=_names(one.reference for one in pulls),
            ),
            tr(
                "move these images as well (`longshore rewrite`), or keep the Docker Hub login "
                "before the first of them until that is done"
            ),
            worth,
        )


def _first(job: Job) -> Step | None:
    return next((step for step in job.steps if step.uses is not None), None)


def _others_log_in(surveyed: Surveyed) -> bool:
    return any(use.mention.role == "login" and use.registry == DOCKER_HUB for use in surveyed.uses)


def _login_left(surveyed: Surveyed) -> Iterator[Hazard]:
    for workflow in workflows_of(surveyed):
        for job in workflow.jobs:
            logins = hub_logins(surveyed, workflow, job)
            if not logins or not ecr_login_steps(job):
                continue
            if _needs_hub(surveyed, workflow, job) or not _is_plain(surveyed, workflow, job):
                continue
            yield LOGIN_LEFT.at(
                workflow.file,
                logins[0].mention.span,
                tr(
                    "job {job} still logs in to Docker Hub, and nothing in it pulls from there or "
                    "pushes to it: a secret that stays valid for nothing",
                    job=job.id,
                ),
                tr("remove the step; when no workflow needs it, revoke the token at Docker Hub"),
            )


def _needs_hub(surveyed: Surveyed, workflow: Workflow, job: Job) -> bool:
    uses = [use for use in uses_of_job(surveyed, workflow, job) if use.mention.role != "login"]
    if any(use.registry in (None, DOCKER_HUB) for use in uses):
        return True
    return any(one.job == job.id for one in _pulls(surveyed, workflow))


def _is_plain(surveyed: Surveyed, workflow: Workflow, job: Job) -> bool:
    """Whether every step is one of which we know what it pulls."""
    places = Places(workflow.file, scope_of_job(workflow, job), job.id)
    return all(_is_plain_step(surveyed, places, step) for step in job.steps)


def _is_plain_step(surveyed: Surveyed, places: Places, step: Step) -> bool:
    if step.uses is not None:
        if is_build(step):
            files = dockerfiles_of(places, step).dockerfiles
            return bool(files) and all(one in surveyed.tree.paths for one in files)
        return step.uses.repository in _HARMLESS
    if step.run is None:
        return True
    for command in parse_shell(step.run.value).commands:
        words = [word.literal or "" for word in command.words]
        if command.name == "docker":
            if len(words) < 2 or words[1] not in _DOCKER_VERBS:
                return False
        elif command.name not in _PLAIN:
            return False
    return True


def _pulls(surveyed: Surveyed, workflow: Workflow) -> list[Pull]:
    event = surveyed.once(
        "any event", lambda one: Event(one.tree, Uses(one.uses), _Whatever("any"))
    )
    return surveyed.once(
        f"pulls of {workflow.file.path}", lambda _: pulls_of_workflow(event, workflow)
    )


def _names(references: Iterable[str]) -> str:
    short = [one.removeprefix(f"{DOCKER_HUB}/").removeprefix("library/") for one in references]
    names = list(dict.fromkeys(short))
    more = tr(" and {count} more", count=len(names) - _SHOWN) if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


LOGIN_REMOVED = Check(
    "hub-login-removed",
    "high",
    tr("Images come from Docker Hub, but its login is gone"),
    _login_removed,
)
IMAGES_LEFT = Check(
    "hub-images-left",
    "medium",
    tr("The own image is in ECR, others still come from Docker Hub"),
    _images_left,
)
LOGIN_LEFT = Check(
    "hub-login-left", "low", tr("A Docker Hub login that nothing needs any more"), _login_left
)
CHECKS = (LOGIN_REMOVED, IMAGES_LEFT, LOGIN_LEFT)
