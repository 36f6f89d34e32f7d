"""GitHub workflows and action files: what each job, step and value of them names. Pure.

The families have their own modules; here they are put together, job by job and step by step. What
a family does not know it leaves to the next; each place is mentioned once for each image.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.workflow_actions import (
    DEEPEST,
    action_of,
    as_hidden,
    inner_scope,
    own_images,
)
from longshore.rewrite.finders.workflow_builds import build_mentions
from longshore.rewrite.finders.workflow_env import (
    default_mentions,
    env_mentions,
    matrix_mentions,
)
from longshore.rewrite.finders.workflow_implicit import implicit_mentions
from longshore.rewrite.finders.workflow_inputs import call_mentions, input_mentions
from longshore.rewrite.finders.workflow_jobs import job_mentions
from longshore.rewrite.finders.workflow_login import login_mentions
from longshore.rewrite.finders.workflow_places import Places, Sort, unique
from longshore.rewrite.finders.workflow_run import run_mentions
from longshore.rewrite.mentions import BuildArgument, Mention, Sighting
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.workflow import (
    ActionFile,
    Job,
    Step,
    Workflow,
    is_action_path,
    is_workflow_path,
    parse_action,
    parse_workflow,
)
from longshore.rewrite.syntax.workflow_scope import scope_of_action, scope_of_job

DOCKER = Sort("gha-uses-docker", "pull", "job-start", open_too=True)


def find_in_workflow(file: SourceFile, tree: Tree) -> Iterable[Sighting] | None:
    """What a workflow names; None when the file is no workflow."""
    workflow = parse_workflow(file)
    if workflow is None:
        return None
    return _once(_of_workflow(workflow, tree))


def find_in_action(file: SourceFile, tree: Tree) -> Iterable[Sighting] | None:
    """What an action file names; None when the file is no action."""
    action = parse_action(file)
    if action is None:
        return None
    return _once(_of_action(action, tree))


def _of_workflow(workflow: Workflow, tree: Tree) -> Iterator[Sighting]:
    found: list[Sighting] = []
    steps = [step for _, step in workflow.steps]
    first = replace(_places(workflow, workflow.jobs[0]), job="") if workflow.jobs else None
    if first is not None:
        found += env_mentions(first, workflow.env, steps)
    for job in workflow.jobs:
        found += _of_job(_places(workflow, job), job, tree)
    yield from found
    if first is not None:
        known = [one for one in found if isinstance(one, Mention)]
        yield from default_mentions(first, workflow.input_defaults, known)


def _places(workflow: Workflow, job: Job) -> Places:
    return Places(workflow.file, scope_of_job(workflow, job), job.id)


def _of_job(places: Places, job: Job, tree: Tree) -> list[Sighting]:
    found: list[Sighting] = [*job_mentions(places, job), *call_mentions(places, job)]
    found += env_mentions(places, job.env, job.steps)
    for step in job.steps:
        found += _of_step(places, step, job.steps, tree)
    found += matrix_mentions(places, [one for one in found if isinstance(one, Mention)])
    return found


def _of_step(
    places: Places, step: Step, steps: Iterable[Step], tree: Tree, depth: int = 0
) -> list[Sighting]:
    found: list[Sighting] = []
    if step.uses is not None and step.uses.is_docker:
        found += places.value(step.uses.node, DOCKER, step)
    found += build_mentions(places, step)
    found += input_mentions(places, step)
    found += login_mentions(places, step)
    found += implicit_mentions(places, step)
    found += run_mentions(places, step)
    found += env_mentions(places, step.env, [step], step)
    known = {one.expanded for one in found if isinstance(one, Mention)}
    hidden = as_hidden(places, step, _of_others(places, step, tree, depth))
    return [*found, *(one for one in hidden if one.expanded not in known)]


def _of_others(places: Places, step: Step, tree: Tree, depth: int) -> Iterator[Sighting]:
    """What the action of another repository pulls, when its metadata was given."""
    action = action_of(tree, step.uses) if step.uses is not None and depth < DEEPEST else None
    if action is None:
        return
    yield from own_images(tree, action)
    inner = Places(action.file, inner_scope(action, places, step))
    for one in action.steps:
        yield from _of_step(inner, one, action.steps, tree, depth + 1)


def _of_action(action: ActionFile, tree: Tree) -> Iterator[Sighting]:
    places = Places(action.file, scope_of_action(action))
    found = list(_of_action_parts(places, action, tree))
    yield from found
    known = [one for one in found if isinstance(one, Mention)]
    yield from default_mentions(places, action.inputs, known)


def _of_action_parts(places: Places, action: ActionFile, tree: Tree) -> Iterator[Sighting]:
    image = action.image if action.using == "docker" else None
    if image is not None and image.value.strip().lower().startswith("docker://"):
        yield from places.value(image, DOCKER)
    for step in action.steps:
        yield from _of_step(places, step, action.steps, tree)


def _once(sightings: Iterable[Sighting]) -> list[Sighting]:
    found = list(sightings)
    mentions = [one for one in found if isinstance(one, Mention)]
    arguments = [one for one in found if isinstance(one, BuildArgument)]
    return [*unique(mentions), *dict.fromkeys(arguments)]


FINDERS: tuple[Finder, ...] = (
    Finder("workflow", is_workflow_path, find_in_workflow, (b"jobs",)),
    Finder("action", is_action_path, find_in_action, (b"runs",)),
)
