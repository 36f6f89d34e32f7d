"""What is known of a job before its steps change: pulls by step, logins, unknowns. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.judge import judge_server
from longshore.rewrite.pipeline_jobs import Event, Uses, pulls_by_step, pulls_of_workflow
from longshore.rewrite.plan import Key, key_of
from longshore.rewrite.syntax.workflow import Job, Step, Workflow, is_workflow_path, parse_action
from longshore.rewrite.triggers import triggers_of
from longshore.rewrite.uses import Use

ECR_LOGIN = "aws-actions/amazon-ecr-login"
AWS_LOGIN = "aws-actions/configure-aws-credentials"
HUB_LOGIN = "docker/login-action"
SETUP_BUILDX = "docker/setup-buildx-action"
SETUP_QEMU = "docker/setup-qemu-action"
HUB_READERS = ("docker/scout-action",)
_RUN_LOGIN = re.compile(r"get-login-password|amazon-ecr-login|ecr:? ?get-login")
_ECR_HOST = re.compile(r"\.dkr\.ecr\.|ecr", re.IGNORECASE)
_SENDING = ("push", "cache", "tag")


@dataclass(frozen=True)
class JobFacts:
    """One job. `fetched` is what it pulls from Docker Hub today, over all events; `by_step` the
    same by the number of the step that builds or starts it. `written` are its own pushes to Docker
    Hub. `login` is the number of the step that logs in to ECR. `unknown` names a push whose target
    nobody can read here.
    """

    workflow: Workflow
    job: Job
    fetched: tuple[Use, ...] = ()
    by_step: Mapping[int, tuple[Use, ...]] = field(default_factory=dict)
    written: tuple[Use, ...] = ()
    login: int | None = None
    unknown: str = ""


def facts_of_jobs(
    tree: Tree, uses: Sequence[Use], workflows: Sequence[Workflow]
) -> Iterator[JobFacts]:
    """Every job of every workflow, in order."""
    fetched: dict[tuple[str, str], dict[Key, Use]] = {}
    steps: dict[tuple[str, str, int], dict[Key, Use]] = {}
    known = Uses(uses)
    for trigger in triggers_of(workflows):
        event = Event(tree, known, trigger)
        for workflow in workflows:
            path = workflow.file.path
            for pull in pulls_of_workflow(event, workflow):
                place = (path, pull.job.partition(" / ")[0])
                fetched.setdefault(place, {})[key_of(pull.use)] = pull.use
            for job in workflow.jobs:
                for step, pull in pulls_by_step(event, workflow, job):
                    number = (path, job.id, step.index)
                    steps.setdefault(number, {})[key_of(pull.use)] = pull.use
    for workflow in workflows:
        for job in workflow.jobs:
            place = (workflow.file.path, job.id)
            by_step = {
                number: tuple(steps[*place, step.index].values())
                for number, step in enumerate(job.steps)
                if (*place, step.index) in steps
            }
            whole = {**fetched.get(place, {})}
            for some in by_step.values():
                whole.update({key_of(use): use for use in some})
            yield JobFacts(
                workflow,
                job,
                tuple(whole.values()),
                by_step,
                tuple(_written(uses, workflow, job)),
                _login(tree, job),
                _unknown(uses, workflow, job),
            )


def is_checkout(step: Step) -> bool:
    """Whether a step brings the tree."""
    return step.uses is not None and step.uses.repository == "actions/checkout"


def is_credentials(step: Step) -> bool:
    """Whether a step brings AWS credentials."""
    return step.uses is not None and step.uses.repository == AWS_LOGIN


def hub_logins(job: Job) -> Iterator[Step]:
    """The steps that log in to Docker Hub."""
    for step in job.steps:
        if step.uses is None or step.uses.repository != HUB_LOGIN:
            continue
        if step.input("registry-auth") is None and (
            judge_server(step.input_text("registry")).status == "hub"
        ):
            yield step


def _written(uses: Sequence[Use], workflow: Workflow, job: Job) -> Iterator[Use]:
    for use in uses:
        if use.status == "hub" and use.mention.role in _SENDING and _in_job(use, workflow, job):
            yield use


def _unknown(uses: Sequence[Use], workflow: Workflow, job: Job) -> str:
    """A push of which nobody knows the target: in the job, or in what its commands may call."""
    runs = any(step.run is not None for step in job.steps)
    for use in uses:
        if use.mention.role != "push" or use.status not in ("unresolved", "hub"):
            continue
        if use.status == "unresolved" and _in_job(use, workflow, job):
            return use.mention.text
        if runs and use.status == "hub" and use.image is None and not is_workflow_path(use.file):
            return use.mention.text
    return ""


def _in_job(use: Use, workflow: Workflow, job: Job) -> bool:
    span = job.node.span
    return use.file == workflow.file.path and span.start <= use.mention.span.start < span.end


def _login(tree: Tree, job: Job) -> int | None:
    for number, step in enumerate(job.steps):
        if _logs_in(step) or any(_logs_in(inner) for inner in _inner(tree, step)):
            return number
    return None


def _inner(tree: Tree, step: Step) -> Iterator[Step]:
    """The steps of a composite action of this tree."""
    if step.uses is None or not step.uses.is_local:
        return
    for name in ("action.yml", "action.yaml"):
        file = tree.file(f"{step.uses.folder}/{name}".lstrip("/"))
        action = parse_action(file) if file is not None else None
        if action is not None:
            yield from action.steps


def _logs_in(step: Step) -> bool:
    if step.uses is not None and step.uses.repository == ECR_LOGIN:
        return step.input_text("registry-type") != "public"
    if step.uses is not None and step.uses.repository == HUB_LOGIN:
        text = step.input_text("registry") + step.input_text("registry-auth")
        return _ECR_HOST.search(text) is not None and "public.ecr.aws" not in text
    return step.run is not None and _RUN_LOGIN.search(step.run.value) is not None
