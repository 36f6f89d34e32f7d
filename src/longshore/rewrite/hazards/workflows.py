"""The workflows of a tree as checks look at them: runs, logins, what is pushed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.oci.reference import DOCKER_HUB
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.workflow_login import LOGINS
from longshore.rewrite.hazards.hazard import Surveyed
from longshore.rewrite.hazards.named_tags import NamedTag, named_tags
from longshore.rewrite.hazards.runs import Run
from longshore.rewrite.hazards.samples import default_branch, samples_of
from longshore.rewrite.source import Span
from longshore.rewrite.syntax.workflow import (
    Job,
    Step,
    Workflow,
    is_workflow_path,
    parse_action,
    parse_workflow,
)
from longshore.rewrite.syntax.yaml_nodes import Scalar
from longshore.rewrite.uses import Use

ECR_LOGIN = "aws-actions/amazon-ecr-login"
AWS_LOGIN = "aws-actions/configure-aws-credentials"
_ECR_HOST = re.compile(r"\.dkr[.-]ecr(?:-fips)?\.|\bdkr\.ecr\b")
_ECR_COMMAND = re.compile(r"\becr\s+get-login|\becr-login\b|docker-credential-ecr")
_HOSTED = re.compile(r"(?:ubuntu|windows|macos)-")
_DEEPEST = 3
_ASIDE = re.compile(r"(?:^|/)(?:tests?|examples?|samples?|docs?|fixtures?|testdata|vendor)/")


def workflows_of(surveyed: Surveyed) -> tuple[Workflow, ...]:
    """Every workflow, in the order of their paths."""
    return surveyed.once("workflows", lambda one: tuple(_workflows(one.tree)))


def default_of(surveyed: Surveyed) -> str:
    """The default branch, as far as the workflows tell."""
    return surveyed.once("default branch", lambda one: default_branch(workflows_of(one)))


def runs_of(surveyed: Surveyed, workflow: Workflow) -> list[Run]:
    """A workflow as each event runs it."""
    default = default_of(surveyed)

    def made(_: Surveyed) -> list[Run]:
        return [Run(workflow, one, default) for one in samples_of(workflow, default)]

    return surveyed.once(f"runs of {workflow.file.path}", made)


def names_given(surveyed: Surveyed, workflow: Workflow) -> list[NamedTag]:
    """Every name that a run gives an image, by build, tag or push."""

    def made(one: Surveyed) -> list[NamedTag]:
        if not _SPEAKS_OF_IMAGES.search(workflow.file.text):
            return []
        steps = (step for run in runs_of(one, workflow) for step in run.steps)
        return [found for step in steps for found in named_tags(step)]

    return surveyed.once(f"names given in {workflow.file.path}", made)


_SPEAKS_OF_IMAGES = re.compile(
    r"build-push-action|metadata-action|\b(?:docker|podman|buildah|nerdctl|buildx)\b"
)


def is_ecr(text: str) -> bool:
    """Whether a reference, or a part of a workflow, names a private ECR registry."""
    return _ECR_HOST.search(text) is not None


def logs_in_to_ecr(tree: Tree, job: Job) -> bool:
    """Whether a step of the job logs in to a private ECR registry."""
    return any(_step_to_ecr(step) for step in steps_with_actions(tree, job))


def ecr_login_steps(job: Job) -> list[Step]:
    """The steps of the job itself that log in to ECR."""
    return [step for step in job.steps if _step_to_ecr(step)]


def _step_to_ecr(step: Step) -> bool:
    if step.uses is not None and step.uses.repository == ECR_LOGIN:
        return step.input_text("registry-type", "private") != "public"
    if step.uses is not None and step.uses.repository in LOGINS:
        return is_ecr(step.input_text("registry") + step.input_text("registry-auth"))
    return step.run is not None and _ECR_COMMAND.search(step.run.value) is not None


def uses_of(surveyed: Surveyed, file: str) -> list[Use]:
    """The uses in one file."""

    def sorted_by_file(one: Surveyed) -> dict[str, list[Use]]:
        found: dict[str, list[Use]] = {}
        for use in one.uses:
            found.setdefault(use.file, []).append(use)
        return found

    return surveyed.once("uses by file", sorted_by_file).get(file, [])


def uses_of_job(surveyed: Surveyed, workflow: Workflow, job: Job) -> list[Use]:
    """The uses that stand in a job."""
    every = uses_of(surveyed, workflow.file.path)
    return [use for use in every if use.mention.job == job.id]


def hub_logins(surveyed: Surveyed, workflow: Workflow, job: Job) -> list[Use]:
    """Where a job itself logs in to Docker Hub, on the machine that runs it."""
    return [
        use
        for use in uses_of_job(surveyed, workflow, job)
        if use.mention.role == "login" and use.registry == DOCKER_HUB and not _by_ssh(job, use)
    ]


def may_log_in_to_hub(surveyed: Surveyed, workflow: Workflow, job: Job) -> bool:
    """Whether some step may log in to Docker Hub, those of the tree's own actions included."""
    files = [one for step in job.steps for one in _action_paths(surveyed.tree, step)]
    every = uses_of_job(surveyed, workflow, job)
    every += [use for file in files for use in uses_of(surveyed, file)]
    if any(use.mention.role == "login" and use.registry in (None, DOCKER_HUB) for use in every):
        return True
    return any(
        step.uses is not None
        and "login" in step.uses.name
        and step.uses.repository not in LOGINS
        and not _step_to_ecr(step)
        for step in steps_with_actions(surveyed.tree, job)
    )


def step_at(job: Job, span: Span) -> Step | None:
    """The step in which something stands."""
    for step in job.steps:
        if step.node.span.start <= span.start and span.end <= step.node.span.end:
            return step
    return None


def _by_ssh(job: Job, use: Use) -> bool:
    step = step_at(job, use.mention.span)
    return step is not None and step.uses is not None and "ssh" in step.uses.repository


def steps_with_actions(tree: Tree, job: Job) -> Iterator[Step]:
    """The steps of a job, and those of the tree's own actions that it uses."""
    yield from steps_inside(tree, job.steps, 0)


def steps_inside(tree: Tree, steps: tuple[Step, ...], depth: int) -> Iterator[Step]:
    """Steps, and those of the tree's own actions among them."""
    for step in steps:
        yield step
        for path in _action_paths(tree, step) if depth < _DEEPEST else ():
            file = tree.file(path)
            action = parse_action(file) if file is not None else None
            if action is not None:
                yield from steps_inside(tree, action.steps, depth + 1)


def _action_paths(tree: Tree, step: Step) -> list[str]:
    if step.uses is None or not step.uses.is_local:
        return []
    names = [f"{step.uses.folder}/{name}".lstrip("/") for name in ("action.yml", "action.yaml")]
    return [one for one in names if one in tree.paths]


def moved(surveyed: Surveyed) -> bool:
    """Whether the tree has begun to use ECR: a workflow logs in there, or something is pushed."""

    def look(one: Surveyed) -> bool:
        if any(
            use.mention.role == "push"
            and is_ecr(use.registry or "")
            and not _ASIDE.search(use.file)
            for use in one.uses
        ):
            return True
        return any(
            logs_in_to_ecr(one.tree, job) for workflow in workflows_of(one) for job in workflow.jobs
        )

    return surveyed.once("moved to ECR", look)


def handles_images(surveyed: Surveyed, workflow: Workflow) -> bool:
    """Whether a workflow builds, pushes, or logs in to a registry or to AWS."""
    roles = {use.mention.role for use in uses_of(surveyed, workflow.file.path)}
    if roles & {"push", "login", "build-output", "tag"}:
        return True
    return any(
        step.uses is not None and step.uses.repository in (ECR_LOGIN, AWS_LOGIN)
        for _, step in workflow.steps
    )


def is_hosted(job: Job) -> bool:
    """Whether GitHub's own machines run the job: they bring no credentials of their own."""
    return bool(job.runs_on) and all(_HOSTED.match(one) for one in job.runs_on)


def place_of(step: Step) -> Span:
    """Where a step says what it does."""
    node: Scalar | None = step.uses.node if step.uses is not None else step.run
    if node is None:
        return step.node.span
    if step.run is node and "\n" in node.raw:
        key = step.node.key("run")
        return key.span if key is not None else node.span
    return node.span


def _workflows(tree: Tree) -> Iterator[Workflow]:
    for path in sorted(one for one in tree.paths if is_workflow_path(one)):
        file = tree.file(path)
        workflow = parse_workflow(file) if file is not None else None
        if workflow is not None:
            yield workflow
