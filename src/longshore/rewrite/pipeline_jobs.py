"""What the jobs of a workflow pull from Docker Hub, when one event runs them. Pure.

A hosted runner is fresh: each job pulls each image once, whatever uses it, and once more in every
combination of its matrix. A base image counts for each platform that is built. What Make's targets
pull, and workflows and actions that are not in the tree, is not counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from longshore.rewrite.finders.dockerfile_images import needed_stages
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.workflow_builds import BAKE, dockerfiles_in, input_texts, is_build
from longshore.rewrite.finders.workflow_places import Places
from longshore.rewrite.given_registries import given_by, is_elsewhere, without_alternatives
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
        for use in without_alternatives(uses):
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
            found += _of_job(event, workflow, job, running)
    return found


def pulls_by_step(event: Event, workflow: Workflow, job: Job) -> Iterator[tuple[Step, Pull]]:
    """What each step of a job builds and starts, as far as it may run at all."""
    running = _running(event, workflow, job, set())
    if running is None:
        return
    places = Places(workflow.file, running, job.id)
    for step in job.steps:
        for pull, _ in _of_step(event, places, step):
            yield step, pull


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
    """What the workflow's file names, and what the job's steps build and start."""
    named = once_a_job(_named(event, workflow, job, scope))
    made = _made_by_steps(event, Places(workflow.file, scope, job.id), job)
    counted = _counts(named), _counts(made)
    for one in named:
        if counted[0][one.reference] >= counted[1].get(one.reference, 0):
            yield one
    for one in made:
        if counted[1][one.reference] > counted[0].get(one.reference, 0):
            yield one


def _named(event: Event, workflow: Workflow, job: Job, scope: Scope) -> Iterator[Pull]:
    most = len(scope.combinations)
    yield from _of_matrix(event, workflow, job, most)
    for use in event.uses.of(workflow.file.path):
        mention = use.mention
        if mention.job != job.id or mention.kind in _DEFINITIONS or _in_matrix(job, mention.span):
            continue
        step = _step_of(job, mention.span)
        times = most if step is None else len(_contexts(scope, step))
        if times:
            yield _pull(use, job.id, min(mention.times, times), _reason(use))


def _made_by_steps(event: Event, places: Places, job: Job) -> list[Pull]:
    """What the steps build and start: each image once in each combination of the matrix."""
    dearest: dict[tuple[str, int], Pull] = {}
    for step in job.steps:
        for one, combinations in _of_step(event, places, step):
            for number in combinations:
                key = (one.reference, number)
                if key not in dearest or dearest[key].pulls < one.pulls:
                    dearest[key] = one
    summed: dict[tuple[str, str], Pull] = {}
    for one in dearest.values():
        place = (one.reference, one.reason)
        before = summed[place].pulls if place in summed else 0
        summed[place] = replace(one, pulls=before + one.pulls)
    return list(summed.values())


def _counts(pulls: Iterable[Pull]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in pulls:
        found[one.reference] = found.get(one.reference, 0) + one.pulls
    return found


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


def _of_step(event: Event, places: Places, step: Step) -> Iterator[tuple[Pull, set[int]]]:
    """What a step pulls, with the combinations of the matrix that do."""
    works: dict[Work, set[int]] = {}
    every: set[int] = set()
    given = [given_by(step, known) for known in _contexts(places.scope, step)][:1]
    for known in _contexts(places.scope, step):
        # The combination's own table tells it from the others; without a matrix there is none.
        number = id(known.get("matrix"))
        every.add(number)
        for work in _work(event, step, known):
            works.setdefault(work, set()).add(number)
    for work, combinations in works.items():
        for one in pulls_of_work(event, work, places.job, 1):
            if not any(is_elsewhere(one.use, *some) for some in given):
                yield one, combinations
    if not every or step.uses is None or not step.uses.is_local:
        return
    for name in ("action.yml", "action.yaml"):
        path = f"{step.uses.folder}/{name}".lstrip("/")
        for one in _of_action(event, path, places.job, 1):
            yield one, every


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


def _work(event: Event, step: Step, known: Contexts) -> Iterator[Work]:
    """What a step builds and starts in one combination."""
    action = step.uses.repository if step.uses is not None else ""
    if is_build(step):
        platforms = _platforms(step, known)
        target = input_texts(step, known, "target", "")[0]
        for dockerfile in dockerfiles_in(step, known).dockerfiles:
            yield Build(dockerfile, platforms, "" if OPEN in target else target)
    elif action in BAKE:
        yield from _baked(event, step, known)
    elif action in _COMPOSE_ACTIONS:
        name = step.input_text(_COMPOSE_ACTIONS[action], "docker-compose.yml")
        services = tuple(step.input_text("services").split())
        for file in name.split():
            path = joined("", file)
            yield from work_of_compose(path or "", event.tree, services, build=True, pull=True)
    if step.run is not None:
        yield from _work_of_run(event, step, step.run, known)


def _baked(event: Event, step: Step, known: Contexts) -> Iterator[Work]:
    folder = input_texts(step, known, "workdir", "")[0].strip("./")
    names = [joined(folder, one) for one in input_texts(step, known, "files", "")[0].split()]
    files = [one for one in names if one is not None] or bake_files(folder, event.tree)
    targets = frozenset(re.split(r"[,\s]+", input_texts(step, known, "targets", "")[0])) - {""}
    yield from work_of_bake(files, event.tree, targets)


def _work_of_run(event: Event, step: Step, run: Scalar, known: Contexts) -> Iterator[Work]:
    where = step.working_directory
    here = joined("", texts_of(where, known)[0].text if where else "")
    if here is not None:
        yield from event.work_of(texts_of(run, known)[0].text, here, _variables(known))


def _variables(contexts: Contexts) -> Variables:
    env = contexts.get("env")
    if not isinstance(env, Table):
        return ()
    found = {}
    for name, value in env.entries.items():
        texts = [one.text for one in options_of(value) if isinstance(one, Text)]
        if len(texts) == 1 and OPEN not in texts[0]:
            found[name] = texts[0]
    return tuple(found.items())


def _contexts(scope: Scope, step: Step) -> Sequence[Contexts]:
    return [one for one in scope.of_step(step) if scope.may_run(step, one)]


def _platforms(step: Step, known: Contexts) -> int:
    texts = input_texts(step, known, "platforms", "")
    return max((count_platforms(one) for one in texts if one and OPEN not in one), default=1)


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
