"""What the jobs of a workflow pull from Docker Hub, when one event runs them. Pure.

A hosted runner is fresh: each job pulls each image once, whatever uses it, and once more in every
combination of its matrix. A base image counts for each platform that is built. What Make's targets
pull, and workflows and actions that are not in the tree, is not counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from longshore.rewrite.finders.dockerfile_images import needed_stages
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.workflow_builds import BAKE, dockerfiles_of, is_build
from longshore.rewrite.finders.workflow_places import Places
from longshore.rewrite.mentions import OPEN
from longshore.rewrite.pipeline_builds import (
    Build,
    Called,
    Composed,
    Work,
    bake_files,
    count_platforms,
    joined,
    work_of_bake,
    work_of_compose,
    work_of_script,
)
from longshore.rewrite.source import Span
from longshore.rewrite.syntax.dockerfile import parse_dockerfile
from longshore.rewrite.syntax.expressions import Contexts, Table, Text, options_of, texts_of
from longshore.rewrite.syntax.workflow import (
    Job,
    Step,
    Workflow,
    parse_action,
    parse_workflow,
)
from longshore.rewrite.syntax.workflow_scope import Scope, is_possible, scope_of_job
from longshore.rewrite.syntax.yaml_nodes import Scalar
from longshore.rewrite.triggers import Trigger
from longshore.rewrite.uses import Use

Variables = tuple[tuple[str, str], ...]
_DEFINITIONS = {"gha-env"}
_DEEPEST = 4
_COMPOSE_ACTIONS = {
    "hoverkraft-tech/compose-action": "compose-file",
    "isbang/compose-action": "compose-file",
    "adambirds/docker-compose-action": "compose-file",
}


@dataclass(frozen=True)
class Pull:
    """One image that a job pulls: how often in one run, and where it is named."""

    job: str
    reference: str
    pulls: int
    reason: str
    use: Use


class Uses:
    """The judged uses of a tree that pull from Docker Hub, by file."""

    def __init__(self, uses: Iterable[Use]) -> None:
        self._by_file: dict[str, list[Use]] = {}
        for use in uses:
            if use.pulls_hub:
                self._by_file.setdefault(use.file, []).append(use)

    @property
    def files(self) -> list[str]:
        """The files that pull."""
        return list(self._by_file)

    def of(self, file: str) -> list[Use]:
        """The uses of one file."""
        return self._by_file.get(file, [])


@dataclass(frozen=True)
class Event:
    """One event in one tree. `read` keeps what scripts were found to do, for other events."""

    tree: Tree
    uses: Uses
    trigger: Trigger
    read: dict[tuple[str, str, Variables], list[Work]] = field(default_factory=dict)

    def work_of(self, text: str, folder: str, variables: Variables = ()) -> list[Work]:
        """What a script builds and starts."""
        key = (text, folder, variables)
        if key not in self.read:
            self.read[key] = list(work_of_script(text, folder, self.tree, dict(variables)))
        return self.read[key]


def pulls_of_workflow(event: Event, workflow: Workflow, depth: int = 0) -> list[Pull]:
    """What one run of a workflow pulls, job by job."""
    found: list[Pull] = []
    skipped: set[str] = set()
    for job in workflow.jobs:
        running = _running(event, workflow, job, skipped)
        if running is None:
            skipped.add(job.id)
        elif job.uses is not None:
            times = len(running.combinations)
            found += _of_call(event, job, times, depth)
        else:
            found += once_a_job(_of_job(event, workflow, job, running))
    return found


def once_a_job(pulls: Iterable[Pull]) -> list[Pull]:
    """Each image once in each job: the use that costs most stands for the others."""
    kept: dict[tuple[str, str], Pull] = {}
    for one in pulls:
        key = (one.job, one.reference)
        if key not in kept or kept[key].pulls < one.pulls:
            kept[key] = one
    return list(kept.values())


def pulls_of_work(event: Event, work: Work, job: str, times: int, depth: int = 0) -> Iterator[Pull]:
    """What a build, a start of services or a script pulls."""
    if isinstance(work, Called):
        file = event.tree.file(work.file)
        if file is None or depth >= _DEEPEST:
            return
        for use in event.uses.of(work.file):
            yield _pull(use, job, times, f"script {work.file}")
        for inner in event.work_of(file.text, work.folder):
            yield from pulls_of_work(event, inner, job, times, depth + 1)
        return
    if isinstance(work, Composed):
        for use in event.uses.of(work.file):
            if use.mention.pulled == "build":
                continue
            if not work.services or not use.mention.job or use.mention.job in work.services:
                yield _pull(use, job, times, f"service in {work.file}")
        return
    wanted = _stages_of(event.tree, work)
    for use in event.uses.of(work.dockerfile):
        mention = use.mention
        needed = not mention.condition if wanted is None else mention.job in wanted
        if not needed and mention.kind != "dockerfile-syntax":
            continue
        per_platform = work.platforms if _is_base(event.tree, use) else 1
        yield _pull(use, job, times * per_platform, f"build of {work.dockerfile}")


def _running(event: Event, workflow: Workflow, job: Job, skipped: set[str]) -> Scope | None:
    """The job's scope under the event; None when the job does not run."""
    made = scope_of_job(workflow, job)
    github = _github(event, made)
    known = {**made.contexts, "github": github, "gitea": github, "forgejo": github}
    scope = replace(made, contexts=known, _made={})
    condition = job.condition.value if job.condition is not None else ""
    goes_on = any(word in condition for word in ("always()", "failure()", "cancelled()"))
    if not goes_on and any(name in skipped for name in job.needs):
        return None
    if not any(is_possible(job.condition, one) for one in scope.combinations):
        return None
    return scope


def _github(event: Event, scope: Scope) -> Table:
    known = event.trigger.github()
    before = scope.contexts.get("github")
    entries = dict(before.entries) if isinstance(before, Table) else {}
    return Table({**entries, **known.entries}, open=True)


def _of_call(event: Event, job: Job, times: int, depth: int) -> Iterator[Pull]:
    folder = job.uses.folder if job.uses is not None else ""
    file = event.tree.file(folder) if folder and depth < _DEEPEST else None
    called = parse_workflow(file) if file is not None else None
    if called is None:
        return
    for one in pulls_of_workflow(event, called, depth + 1):
        yield replace(one, job=f"{job.id} / {one.job}", pulls=one.pulls * times)


def _of_job(event: Event, workflow: Workflow, job: Job, scope: Scope) -> Iterator[Pull]:
    most = len(scope.combinations)
    places = Places(workflow.file, scope, job.id)
    yield from _of_matrix(event, workflow, job, most)
    for use in event.uses.of(workflow.file.path):
        mention = use.mention
        if mention.job != job.id or mention.kind in _DEFINITIONS or _in_matrix(job, mention.span):
            continue
        step = _step_of(job, mention.span)
        times = most if step is None else _times(scope, step)
        if times:
            yield _pull(use, job.id, min(mention.times, times), _reason(use))
    for step in job.steps:
        if _times(scope, step):
            yield from _of_step(event, places, step)


def _of_matrix(event: Event, workflow: Workflow, job: Job, most: int) -> Iterator[Pull]:
    """Images that are values of the matrix: each in its own combinations."""
    found: dict[str, Pull] = {}
    for use in event.uses.of(workflow.file.path):
        if use.mention.job == job.id and _in_matrix(job, use.mention.span):
            before = found.get(use.reference)
            times = use.mention.times + (before.pulls if before is not None else 0)
            found[use.reference] = _pull(use, job.id, min(times, most), "matrix")
    yield from found.values()


def _in_matrix(job: Job, span: Span) -> bool:
    node = job.matrix.node
    return node is not None and node.span.start <= span.start and span.end <= node.span.end


def _of_step(event: Event, places: Places, step: Step) -> Iterator[Pull]:
    for work, times in _work(event, places, step):
        yield from pulls_of_work(event, work, places.job, times)
    if step.uses is None or not step.uses.is_local:
        return
    times = _times(places.scope, step)
    for name in ("action.yml", "action.yaml"):
        path = f"{step.uses.folder}/{name}".lstrip("/")
        yield from _of_action(event, path, places.job, times)


def _of_action(event: Event, path: str, job: str, times: int) -> Iterator[Pull]:
    file = event.tree.file(path)
    action = parse_action(file) if file is not None else None
    if action is None:
        return
    for use in event.uses.of(path):
        yield _pull(use, job, times, f"action {path}")
    if action.using == "docker" and action.image is not None:
        dockerfile = joined(path.rpartition("/")[0], action.image.value)
        if dockerfile is not None:
            yield from pulls_of_work(event, Build(dockerfile), job, times)


def _work(event: Event, places: Places, step: Step) -> Iterator[tuple[Work, int]]:
    """What a step builds and starts, with the number of combinations that do."""
    times = _times(places.scope, step)
    action = step.uses.repository if step.uses is not None else ""
    if is_build(step):
        built = dockerfiles_of(places, step)
        platforms = _platforms(places, step)
        for dockerfile in built.dockerfiles:
            yield Build(dockerfile, platforms, step.input_text("target")), times
    elif action in BAKE:
        folder = step.input_text("workdir").strip("./")
        names = [joined(folder, one) for one in step.input_text("files").split()]
        files = [one for one in names if one is not None] or bake_files(folder, event.tree)
        targets = frozenset(re.split(r"[,\s]+", step.input_text("targets"))) - {""}
        for work in work_of_bake(files, event.tree, targets):
            yield work, times
    elif action in _COMPOSE_ACTIONS:
        name = step.input_text(_COMPOSE_ACTIONS[action], "docker-compose.yml")
        services = tuple(step.input_text("services").split())
        for file in name.split():
            path = joined("", file)
            for work in work_of_compose(path or "", event.tree, services, build=True, pull=True):
                yield work, times
    if step.run is not None:
        yield from _work_of_run(event, places, step, step.run)


def _work_of_run(
    event: Event, places: Places, step: Step, run: Scalar
) -> Iterator[tuple[Work, int]]:
    texts: dict[tuple[str, str, Variables], int] = {}
    for contexts in _contexts(places.scope, step):
        folder = (
            texts_of(step.working_directory, contexts)[0].text if step.working_directory else ""
        )
        key = (texts_of(run, contexts)[0].text, folder, tuple(_variables(contexts).items()))
        texts[key] = texts.get(key, 0) + 1
    for (text, folder, variables), times in texts.items():
        here = joined("", folder)
        if here is not None:
            for work in event.work_of(text, here, variables):
                yield work, times


def _variables(contexts: Contexts) -> Mapping[str, str]:
    env = contexts.get("env")
    if not isinstance(env, Table):
        return {}
    found = {}
    for name, value in env.entries.items():
        texts = [one.text for one in options_of(value) if isinstance(one, Text)]
        if len(texts) == 1 and OPEN not in texts[0]:
            found[name] = texts[0]
    return found


def _contexts(scope: Scope, step: Step) -> Sequence[Contexts]:
    return [one for one in scope.of_step(step) if scope.may_run(step, one)]


def _times(scope: Scope, step: Step) -> int:
    return len(_contexts(scope, step))


def _platforms(places: Places, step: Step) -> int:
    scalar = step.input("platforms")
    if scalar is None:
        return 1
    texts = [one.text.text for one in places.scope.readings(scalar, step)]
    return max((count_platforms(one) for one in texts if OPEN not in one), default=1)


def _step_of(job: Job, span: Span) -> Step | None:
    for step in job.steps:
        if step.node.span.start <= span.start and span.end <= step.node.span.end:
            return step
    return None


def _pull(use: Use, job: str, times: int, reason: str) -> Pull:
    return Pull(job, use.reference, max(1, times), reason, use)


def _reason(use: Use) -> str:
    return {
        "gha-container": "job container",
        "gha-service": "service",
        "gha-uses-docker": "step",
        "gha-implicit": f"hidden in {use.mention.text.partition('@')[0]}",
        "gha-run": "command",
    }.get(use.mention.kind, "input of an action")


def _stages_of(tree: Tree, build: Build) -> set[str] | None:
    """The labels of the stages that a target is made of; None when no stage is asked for."""
    file = tree.file(build.dockerfile) if build.target else None
    dockerfile = parse_dockerfile(file) if file is not None else None
    stage = dockerfile.stage(build.target) if dockerfile is not None else None
    if dockerfile is None or stage is None:
        return None
    shorter = replace(dockerfile, stages=dockerfile.stages[: stage.index + 1])
    needed = needed_stages(shorter)
    return {one.label for one in shorter.stages if one.index in needed}


def _is_base(tree: Tree, use: Use) -> bool:
    """Whether a base image is fetched for each platform: a FROM that names no platform."""
    if use.mention.kind != "dockerfile-from":
        return use.mention.kind != "dockerfile-syntax"
    file = tree.file(use.file)
    return file is None or "--platform=" not in file.line_of(use.mention.span.start)
