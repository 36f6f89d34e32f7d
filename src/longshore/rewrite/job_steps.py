"""The steps of a workflow's jobs that a move changes: logins, and images that actions pull. Pure.

A job that will fetch from ECR (or push to it) gets AWS credentials and the ECR login before its
first step that needs them, unless it logs in to ECR already. The Docker Hub login goes only when
nothing of the job pulls from or pushes to Docker Hub any more. `setup-buildx` and `setup-qemu` are
told where their own image is. What cannot be written is said, with the line.

Order: github.com/docker/setup-buildx-action (`driver-opts: image=`), setup-qemu-action (`image`),
aws-actions/configure-aws-credentials, aws-actions/amazon-ecr-login.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from longshore.rewrite.edits import Edit
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.generate.options import PipelineOptions
from longshore.rewrite.generate.steps import credentials, login
from longshore.rewrite.job_facts import (
    HUB_READERS,
    SETUP_BUILDX,
    SETUP_QEMU,
    JobFacts,
    facts_of_jobs,
    hub_logins,
    is_checkout,
    is_credentials,
)
from longshore.rewrite.job_permissions import allow_callers, allow_token
from longshore.rewrite.job_variable import FROM_ENV, NOT_A_FORK, pass_variable
from longshore.rewrite.places import Destination
from longshore.rewrite.plan import Decision, Key, StepChange, key_of
from longshore.rewrite.source import SourceFile
from longshore.rewrite.step_edits import add_input, add_to_list, insert_steps, remove_step
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
from longshore.rewrite.syntax.yaml_nodes import Node
from longshore.rewrite.uses import Use
from longshore.text import tr

_TARGET = ("mirror", "cache")
_PIPELINES = frozenset({
    *("gitlab-ci", "circleci", "drone", "woodpecker", "azure-pipelines", "bitbucket"),
    *("jenkinsfile", "buildkite", "concourse", "cloudbuild"),
})  # fmt: skip


@dataclass(frozen=True)
class StepPlan:
    """What changes around the references: edits, words, and decisions about hidden images."""

    edits: tuple[Edit, ...] = ()
    changes: tuple[StepChange, ...] = ()
    decisions: tuple[Decision, ...] = ()


@dataclass
class _Planned:
    """What is planned so far. `by_use` holds the decisions as they stand."""

    by_use: dict[Key, Decision]
    edits: list[Edit] = field(default_factory=list)
    notes: list[StepChange] = field(default_factory=list)

    def say(self, file: SourceFile, node: Node, what: str) -> None:
        """A note at a node's line."""
        self.notes.append(StepChange(file.path, file.place(node.span.start)[0], what))


def plan_steps(
    tree: Tree,
    uses: Sequence[Use],
    decisions: Sequence[Decision],
    destination: Destination,
    options: PipelineOptions,
) -> StepPlan:
    """The steps of every workflow of the tree. `decisions` come back with hidden images decided."""
    planned = _Planned({one.key: one for one in decisions})
    workflows = [one for one in _parsed(tree) if isinstance(one, Workflow)]
    facts = list(facts_of_jobs(tree, uses, workflows))
    for action in (one for one in _parsed(tree) if isinstance(one, ActionFile)):
        _tell_in_action(action, facts, destination, planned)
    asking, shut = [], dict[str, list[Job]]()
    for one in facts:
        planner = _JobPlanner(one, destination, options, planned)
        planner.plan()
        if planner.asks:
            asking.append((one.workflow, one.job))
        if planner.shuts_out_forks:
            shut.setdefault(one.workflow.file.path, []).append(one.job)
    for workflow in workflows:
        _warn_forks(workflow, shut.get(workflow.file.path, []), planned)
    for allowed in allow_callers(workflows, asking):
        planned.edits += allowed.edits
        planned.notes += allowed.notes
    planned.notes += _elsewhere(planned.by_use.values())
    ordered = [planned.by_use[one.key] for one in decisions]
    return StepPlan(_joined(planned.edits), tuple(dict.fromkeys(planned.notes)), tuple(ordered))


def _joined(edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """Each edit once; what is put in at the same place as one, in the order of planning."""
    found: dict[tuple[object, ...], Edit] = {}
    for number, one in enumerate(dict.fromkeys(edits)):
        inserts = one.span.start == one.span.end
        place = (one.file, one.span.start) if inserts else (one.file, one.span, number)
        before = found.get(place)
        found[place] = replace(one, new=before.new + one.new) if before is not None else one
    return tuple(found.values())


def _warn_forks(workflow: Workflow, jobs: Sequence[Job], planned: _Planned) -> None:
    event = workflow.event("pull_request")
    if event is None or not jobs:
        return
    what = tr(
        "pull requests of forks get no credentials, so there these jobs cannot fetch from ECR: "
        "{jobs}; `rewrite.public_default: true` keeps Docker Hub for them where a variable can "
        "stand",
        jobs=", ".join(job.id for job in jobs),
    )
    planned.say(workflow.file, event.node, what)


def _elsewhere(decisions: Iterable[Decision]) -> Iterator[StepChange]:
    """Files that log in themselves, where nothing is put in: other pipelines, pushing scripts."""
    found: dict[str, Decision] = {}
    for one in decisions:
        needs = one.use.mention.role == "push" or one.use.mention.kind in _PIPELINES
        if one.changes and one.mode in _TARGET and needs and not is_workflow_path(one.use.file):
            found.setdefault(one.use.file, one)
    for file, one in sorted(found.items()):
        what = tr("images of ECR are named here: it must be logged in to ECR before that")
        yield StepChange(file, one.use.line, what)


def _parsed(tree: Tree) -> Iterator[Workflow | ActionFile]:
    for path in sorted(one for one in tree.paths if is_workflow_path(one) or is_action_path(one)):
        file = tree.file(path)
        found = (parse_workflow(file) or parse_action(file)) if file is not None else None
        if found is not None:
            yield found


def _tell_in_action(
    action: ActionFile, facts: Sequence[JobFacts], destination: Destination, planned: _Planned
) -> None:
    """Hidden images of an action of this tree, when a job uses it: the job logs in before."""
    path = action.file.path
    fetching = [one for one in facts if any(use.file == path for use in one.fetched)]
    for decision in list(planned.by_use.values()):
        if fetching and decision.use.file == path and _is_hidden(decision):
            step = _step_at(action.steps, decision.use)
            if step is not None:
                _tell(action.file, step, decision, destination, planned, "")


def _is_hidden(one: Decision) -> bool:
    return one.use.mention.implicit and one.use.pulls_hub and one.wanted.mode in _TARGET


def _step_at(steps: Sequence[Step], use: Use) -> Step | None:
    at = use.mention.span.start
    return next((one for one in steps if one.node.span.start <= at < one.node.span.end), None)


def _tell(
    file: SourceFile,
    step: Step,
    decision: Decision,
    destination: Destination,
    planned: _Planned,
    registry: str,
) -> None:
    """Add the input that names the action's own image. `registry` is an expression for it."""
    use = decision.use
    action = step.uses.repository if step.uses is not None else ""
    if use.image is None or use.tag is None or action not in (SETUP_BUILDX, SETUP_QEMU):
        return
    new = f"{decision.wanted.new}:{use.tag}"
    written = new
    if registry and new.startswith(f"{destination.registry}/"):
        written = registry + new.removeprefix(destination.registry)
    edit: Edit | None
    held = step.input("driver-opts") if action == SETUP_BUILDX else None
    if held is not None:
        edit = add_to_list(file, held, f"image={written}")
    elif action == SETUP_BUILDX:
        edit = add_input(file, step, "driver-opts", f"image={written}")
    else:
        edit = add_input(file, step, "image", written)
    if edit is None:
        why = tr("its inputs cannot be added to here; by hand: image {image}", image=new)
        planned.by_use[decision.key] = decision.kept(why)
        return
    planned.edits.append(edit)
    why = tr("the action is told where its own image is")
    planned.by_use[decision.key] = replace(
        decision, mode=decision.wanted.mode, new=new, reason=why, edits=(edit,)
    )


@dataclass
class _JobPlanner:
    """One job's steps. `asks`: it got a login that asks for an OIDC token. `shuts_out_forks`: what
    it fetches now needs credentials that pull requests of forks do not get.
    """

    facts: JobFacts
    destination: Destination
    options: PipelineOptions
    planned: _Planned
    asks: bool = False
    shuts_out_forks: bool = False

    @property
    def job(self) -> Job:
        return self.facts.job

    @property
    def workflow(self) -> Workflow:
        return self.facts.workflow

    @property
    def file(self) -> SourceFile:
        return self.workflow.file

    def plan(self) -> None:
        """Tell, log in, drop: in this order, for each depends on the one before."""
        if not self.job.steps:
            self._warn_call()
            return
        hidden = [one for one in self._decisions() if _is_hidden(one)]
        moved = [use for use in self.facts.fetched if self._target(use)]
        own = [
            one.use for one in self._decisions() if one.changes and one.mode in _TARGET
            and one.use.mention.pulled != "job-start"
        ]  # fmt: skip
        variable = [use for use in self.facts.fetched if self._mode(use) == "variable"]
        if not (hidden or moved or own or variable):
            return
        optional = bool(variable) and not moved and not own and self._is_for_forks()
        need = self._first_need([*moved, *own, *variable, *(one.use for one in hidden)])
        logged = self.facts.login
        if logged is None:
            logged = self._add_login(need, optional)
        elif self.job.steps[logged].condition is not None and not optional:
            what = tr(
                "job {job}: this ECR login runs on a condition; what is fetched always needs it",
                job=self.job.id,
            )
            self.planned.say(self.file, self.job.steps[logged].node, what)
        passed = self._pass(variable) if variable else set[Key]()
        registry = FROM_ENV if optional and self.planned.edits else ""
        for decision in hidden:
            self._tell_hidden(decision, logged, registry)
        self._drop_hub_logins(passed)
        self.shuts_out_forks = self._is_for_forks() and not optional

    def _warn_call(self) -> None:
        """A workflow from elsewhere that is handed names which are now ECR's."""
        called = self.job.uses
        if called is None or called.is_local:
            return
        if any(one.changes and one.mode in _TARGET for one in self._decisions()):
            what = tr(
                "job {job}: it calls a workflow that is not in this tree; it must log in to ECR",
                job=self.job.id,
            )
            self.planned.say(self.file, called.node, what)

    def _decisions(self) -> list[Decision]:
        """Those of uses that are written in the job."""
        span, path = self.job.node.span, self.file.path
        return [
            one
            for one in self.planned.by_use.values()
            if one.use.file == path and span.start <= one.use.mention.span.start < span.end
        ]

    def _mode(self, use: Use) -> str:
        decision = self.planned.by_use.get(key_of(use))
        return decision.mode if decision is not None and decision.changes else ""

    def _target(self, use: Use) -> bool:
        """Whether a use will be fetched from ECR, by the job itself."""
        return self._mode(use) in _TARGET and use.mention.pulled not in ("job-start", "node")

    def _is_for_forks(self) -> bool:
        return self.workflow.event("pull_request") is not None

    def _first_need(self, uses: Sequence[Use]) -> int:
        """The number of the first step that fetches one of these."""
        wanted = {key_of(use) for use in uses}
        found = [
            number
            for number, step in enumerate(self.job.steps)
            if any(key_of(use) in wanted for use in self.facts.by_step.get(number, ()))
            or any(_step_at([step], use) for use in uses if use.file == self.file.path)
        ]
        return min(found, default=len(self.job.steps) - 1)

    # -- logins ---------------------------------------------------------------------------------

    def _add_login(self, need: int, optional: bool) -> int | None:
        """Credentials and login behind the checkout, but before what needs them."""
        steps = self.job.steps
        held = next((n for n, one in enumerate(steps) if is_credentials(one)), None)
        checkout = next((n for n, one in enumerate(steps) if is_checkout(one)), None)
        when = NOT_A_FORK if optional else ""
        enter = login(self.options, when)
        if self.job.step("ecr") is not None:
            enter = [line for line in enter if line.strip() != "id: ecr"]
        if held is not None and held < need and self._same_region(steps[held]):
            at, added = held + 1, [enter]
            what = tr("job {job}: ECR login with the job's own AWS credentials", job=self.job.id)
        else:
            at = min(checkout + 1, need) if checkout is not None else 0
            at = min(at, held) if held is not None else at
            added = [credentials(self.options, when), enter]
            what = tr("job {job}: AWS credentials and ECR login", job=self.job.id)
        edit = insert_steps(self.file, steps[at], added) if at < len(steps) else None
        if edit is None:
            what = tr(
                "job {job}: its steps cannot be added to here; AWS credentials and an ECR login "
                "are needed before the images are fetched",
                job=self.job.id,
            )
            self.planned.say(self.file, self.job.key, what)
            return None
        self.planned.edits.append(edit)
        self.planned.say(self.file, steps[at].node, what)
        if self.options.auth == "oidc" and len(added) > 1:
            allowed = allow_token(self.workflow, self.job)
            self.planned.edits += allowed.edits
            self.planned.notes += allowed.notes
            self.asks = True
        return -1

    def _same_region(self, step: Step) -> bool:
        """Whether credentials are for the target's Region, as far as it is written there."""
        region = step.input_text("aws-region")
        return "${{" in region or f".{region}." in self.destination.host

    def _tell_hidden(self, decision: Decision, logged: int | None, registry: str) -> None:
        step = _step_at(self.job.steps, decision.use)
        if step is None:
            return
        number = self.job.steps.index(step)
        if logged is None or logged >= number:
            why = tr("the ECR login comes after it: move the login up")
            if logged is None:
                why = tr("the job has no ECR login before it")
            self.planned.by_use[decision.key] = decision.kept(why)
            return
        _tell(self.file, step, decision, self.destination, self.planned, registry)

    # -- the variable ---------------------------------------------------------------------------

    def _pass(self, variable: Sequence[Use]) -> set[Key]:
        """Set the variable in the job; which uses get it."""
        made = pass_variable(self.facts, variable, self.destination.registry, self._is_for_forks())
        self.planned.edits += made.edits
        self.planned.notes += made.notes
        return set(made.passed)

    # -- Docker Hub's login ---------------------------------------------------------------------

    def _drop_hub_logins(self, passed: set[Key]) -> None:
        """Remove the logins to Docker Hub once the job needs them no more."""
        logins = list(hub_logins(self.job))
        if not logins:
            return
        why = self._why_hub_login(passed)
        for step in logins:
            if why:
                what = tr(
                    "job {job}: the Docker Hub login stays for {image}", job=self.job.id, image=why
                )
                self.planned.say(self.file, step.node, what)
                continue
            edit = remove_step(self.file, self.job.steps, step) if step.uses is not None else None
            if edit is None:
                what = tr(
                    "job {job}: nothing needs this Docker Hub login any more", job=self.job.id
                )
            else:
                what = tr("job {job}: the Docker Hub login goes; nothing needs it", job=self.job.id)
                self.planned.edits.append(edit)
            self.planned.say(self.file, step.node, what)

    def _why_hub_login(self, passed: set[Key]) -> str:
        """What still needs it; empty when nothing does."""
        for use in [*self.facts.fetched, *self.facts.written]:
            gone = self._mode(use) in (*_TARGET, "public") or key_of(use) in passed
            if not gone:
                return use.reference
        if self.facts.unknown:
            return self.facts.unknown
        for step in self.job.steps:
            if step.uses is not None and step.uses.repository in HUB_READERS:
                return step.uses.text
            if step.id and any(
                f"steps.{step.id}." in self.file.text for one in hub_logins(self.job) if one is step
            ):
                return f"steps.{step.id}"
        return ""
