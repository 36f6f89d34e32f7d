"""The steps of a workflow's jobs that a move changes: logins, and images that actions pull. Pure.

A job that will fetch from ECR (or push to it) gets AWS credentials and the ECR login before its
first step that needs them, unless it logs in to ECR already. The Docker Hub login goes only when
nothing of the job pulls from or pushes to Docker Hub any more. `setup-buildx` and `setup-qemu` are
told where their own image is. A job that runs only for people's pull requests from forks has no
credentials there; that is remarked, not hidden.

Order: github.com/docker/setup-buildx-action (`driver-opts: image=`), setup-qemu-action (`image`),
aws-actions/configure-aws-credentials, aws-actions/amazon-ecr-login.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from longshore.rewrite.edits import Edit
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.generate.options import PipelineOptions
from longshore.rewrite.generate.steps import credentials, login
from longshore.rewrite.judge import judge_server
from longshore.rewrite.pipeline_jobs import Event, Uses, pulls_of_workflow
from longshore.rewrite.places import Destination
from longshore.rewrite.plan import Decision, StepChange
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.workflow import Job, Step, Workflow, is_workflow_path, parse_workflow
from longshore.rewrite.syntax.yaml_nodes import Mapping as YamlMapping
from longshore.rewrite.syntax.yaml_nodes import Node, Scalar
from longshore.rewrite.syntax.yaml_nodes import Sequence as YamlSequence
from longshore.rewrite.triggers import triggers_of
from longshore.rewrite.uses import Use
from longshore.text import tr

ECR_LOGIN = "aws-actions/amazon-ecr-login"
AWS_LOGIN = "aws-actions/configure-aws-credentials"
HUB_LOGIN = "docker/login-action"
SETUP_BUILDX = "docker/setup-buildx-action"
SETUP_QEMU = "docker/setup-qemu-action"
_MOVED = ("mirror", "cache")


@dataclass(frozen=True)
class StepPlan:
    """What changes around the references: edits, words, and decisions about hidden images."""

    edits: tuple[Edit, ...] = ()
    changes: tuple[StepChange, ...] = ()
    decisions: tuple[Decision, ...] = ()


def plan_steps(
    tree: Tree,
    uses: Sequence[Use],
    decisions: Sequence[Decision],
    destination: Destination,
    options: PipelineOptions,
) -> StepPlan:
    """The steps of every workflow of the tree. `decisions` come back with hidden images decided."""
    moved = {_key(one.use): one for one in decisions if one.changes and one.mode in _MOVED}
    by_use = {_key(one.use): one for one in decisions}
    edits: list[Edit] = []
    changes: list[StepChange] = []
    workflows = _workflows(tree)
    pulled = _pulled_by_job(tree, uses, workflows)
    for workflow in workflows:
        for job in workflow.jobs:
            planner = _JobPlanner(workflow, job, destination, options, by_use)
            fetched = pulled.get((workflow.file.path, job.id), ())
            planner.plan(fetched, moved)
            edits += planner.edits
            changes += planner.changes
            by_use |= planner.decided
    ordered = [by_use[_key(one.use)] for one in decisions]
    return StepPlan(tuple(edits), tuple(changes), tuple(ordered))


def _key(use: Use) -> tuple[object, ...]:
    return use.file, use.mention.span, use.mention.kind, use.image, use.tag


def _workflows(tree: Tree) -> list[Workflow]:
    found = []
    for path in sorted(one for one in tree.paths if is_workflow_path(one)):
        file = tree.file(path)
        workflow = parse_workflow(file) if file is not None else None
        if workflow is not None:
            found.append(workflow)
    return found


def _pulled_by_job(
    tree: Tree, uses: Sequence[Use], workflows: list[Workflow]
) -> Mapping[tuple[str, str], tuple[Use, ...]]:
    """What each job pulls from Docker Hub today, over every event that starts it."""
    found: dict[tuple[str, str], dict[tuple[object, ...], Use]] = {}
    known = Uses(uses)
    for trigger in triggers_of(workflows):
        event = Event(tree, known, trigger)
        for workflow in workflows:
            for pull in pulls_of_workflow(event, workflow):
                place = (workflow.file.path, pull.job.partition("/")[0])
                found.setdefault(place, {})[_key(pull.use)] = pull.use
    return {place: tuple(some.values()) for place, some in found.items()}


@dataclass
class _JobPlanner:
    """One job's steps. Fills `edits`, `changes` and `decided`."""

    workflow: Workflow
    job: Job
    destination: Destination
    options: PipelineOptions
    by_use: Mapping[tuple[object, ...], Decision]

    def __post_init__(self) -> None:
        self.edits: list[Edit] = []
        self.changes: list[StepChange] = []
        self.decided: dict[tuple[object, ...], Decision] = {}

    @property
    def file(self) -> SourceFile:
        return self.workflow.file

    def plan(self, fetched: Sequence[Use], moved: Mapping[tuple[object, ...], Decision]) -> None:
        steps = self.job.steps
        if not steps:
            return
        own = [one for one in moved.values() if self._holds(one.use)]
        if not own and not any(_key(use) in moved for use in fetched):
            return
        for decision in self._hidden():
            self._tell_image(decision)
        if not self._logs_in():
            self._add_login()
        self._drop_hub_login(fetched, moved)

    def _holds(self, use: Use) -> bool:
        """Whether a use is written among the job's own steps."""
        span = self.job.node.span
        inside = use.file == self.file.path and span.start <= use.mention.span.start < span.end
        return inside and use.mention.pulled != "job-start"

    def _logs_in(self) -> bool:
        names = [step.uses.repository for step in self.job.steps if step.uses is not None]
        return ECR_LOGIN in names or any(
            step.run is not None and "get-login-password" in step.run.value
            for step in self.job.steps
        )

    # -- images that actions pull unasked -------------------------------------------------------

    def _hidden(self) -> list[Decision]:
        return [
            one
            for one in self.by_use.values()
            if one.use.mention.implicit and one.use.pulls_hub and self._holds(one.use)
        ]

    def _tell_image(self, decision: Decision) -> None:
        """Add the input that names the action's own image."""
        use = decision.use
        step = self._step_at(use.mention.span)
        if step is None or step.uses is None or use.image is None:
            return
        image = f"{self.destination.mirror(use.image)}:{use.tag or 'latest'}"
        if step.uses.repository == SETUP_BUILDX and step.input("driver-opts") is None:
            key, value = "driver-opts", f"image={image}"
        elif step.uses.repository == SETUP_QEMU:
            key, value = "image", image
        else:
            return
        edit = _add_input(self.file, step, key, value)
        if edit is None:
            return
        self.edits.append(edit)
        why = tr("the action is told where its own image is")
        self.decided[_key(use)] = replace(
            decision, mode="mirror", new=image, reason=why, edits=(edit,)
        )

    def _step_at(self, span: Span) -> Step | None:
        for step in self.job.steps:
            if step.node.span.start <= span.start < step.node.span.end:
                return step
        return None

    # -- logins ---------------------------------------------------------------------------------

    def _add_login(self) -> None:
        """Credentials and login right after the checkout, else as the first steps."""
        steps = self.job.steps
        checkout = [
            step.index
            for step in steps
            if step.uses is not None and step.uses.repository == "actions/checkout"
        ]
        at = checkout[0] + 1 if checkout else 0
        if at >= len(steps):
            return
        lines = [*credentials(self.options), *login(self.options)]
        edit = _insert_before(self.file, steps[at], lines)
        if edit is None:
            return
        self.edits.append(edit)
        self._say(steps[at].node, tr("job {job}: AWS credentials and ECR login", job=self.job.id))
        if self.options.auth == "oidc":
            self._allow_token()

    def _allow_token(self) -> None:
        """OIDC needs `id-token: write`; the job's other permissions stay as they are."""
        held = self.job.permissions
        if held is None:
            held = self.workflow.permissions
            if isinstance(held, YamlMapping) and held.pairs:
                text = {key.value: _text(value) for key, value in held.items()}
                self._add_permissions(text)
            elif held is None:
                self._add_permissions({"contents": "read"})
            return
        if isinstance(held, YamlMapping) and held.pairs and "id-token" not in set(held.keys()):
            edit = _append_pair(self.file, held, "id-token: write")
            if edit is not None:
                self.edits.append(edit)

    def _add_permissions(self, kept: Mapping[str, str]) -> None:
        pairs = {**kept, "id-token": "write"}
        indent = _column(self.file, self.job.node.span.start)
        lines = ["permissions:", *(f"  {name}: {value}" for name, value in pairs.items())]
        self.edits.append(_insert_lines(self.file, self.job.node.span.start, lines, indent))
        names = ", ".join(f"{name}: {value}" for name, value in pairs.items())
        self._say(
            self.job.node,
            tr("job {job}: permissions {names}, and no others", job=self.job.id, names=names),
        )

    def _drop_hub_login(
        self, fetched: Sequence[Use], moved: Mapping[tuple[object, ...], Decision]
    ) -> None:
        """Remove docker/login-action for Docker Hub once the job needs it no more."""
        logins = [step for step in self.job.steps if _is_hub_login(step)]
        if not logins:
            return
        left = [use for use in fetched if not self._leaves_hub(use, moved)]
        left += [
            one.use
            for one in self.by_use.values()
            if self._holds(one.use) and one.use.mention.role in ("push", "cache", "tag")
            and one.use.status == "hub" and not one.changes
        ]  # fmt: skip
        for step in logins:
            if left:
                self._say(
                    step.node,
                    tr(
                        "job {job}: the Docker Hub login stays for {image}",
                        job=self.job.id,
                        image=left[0].reference,
                    ),
                )
                continue
            edit = _remove_step(self.file, self.job, step)
            if edit is not None:
                self.edits.append(edit)
                self._say(
                    step.node,
                    tr("job {job}: the Docker Hub login goes; nothing needs it", job=self.job.id),
                )

    def _leaves_hub(self, use: Use, moved: Mapping[tuple[object, ...], Decision]) -> bool:
        key = _key(use)
        decision = self.decided.get(key) or self.by_use.get(key)
        return key in moved or (decision is not None and decision.changes)

    def _say(self, node: Node, what: str) -> None:
        line, _ = self.file.place(node.span.start)
        self.changes.append(StepChange(self.file.path, line, what))


def _is_hub_login(step: Step) -> bool:
    if step.uses is None or step.uses.repository != HUB_LOGIN:
        return False
    return judge_server(step.input_text("registry")).status == "hub"


# -- characters -----------------------------------------------------------------------------------


def _text(node: Node) -> str:
    return node.value if isinstance(node, Scalar) else ""


def _column(file: SourceFile, offset: int) -> int:
    """How far from the line's start, from 0."""
    return file.place(offset)[1] - 1


def _line_start(file: SourceFile, offset: int) -> int:
    return file.offset(file.place(offset)[0])


def _line_end(file: SourceFile) -> str:
    return "\r\n" if "\r\n" in file.text else "\n"


def _insert_lines(file: SourceFile, before: int, lines: Iterable[str], indent: int) -> Edit:
    """Whole lines before the line of an offset."""
    end = _line_end(file)
    at = _line_start(file, before)
    text = "".join(f"{' ' * indent}{line}{end}" if line else end for line in lines)
    return Edit(file.path, Span(at, at), "", text)


def _dash(file: SourceFile, step: Step) -> int | None:
    """The offset of the `-` that begins a step; None when steps are not written as lines."""
    start = step.node.span.start
    before = file.text[_line_start(file, start) : start]
    if before.strip() != "-":
        return None
    return start - len(before) + before.index("-")


def _insert_before(file: SourceFile, step: Step, lines: Sequence[str]) -> Edit | None:
    """A step's lines before another step, as far to the right as that one."""
    dash = _dash(file, step)
    if dash is None:
        return None
    return _insert_lines(file, dash, lines, _column(file, dash))


def _add_input(file: SourceFile, step: Step, key: str, value: str) -> Edit | None:
    """One more pair of `with`, or `with` itself behind the `uses` line."""
    held = step.node.get("with")
    if isinstance(held, YamlMapping) and held.pairs:
        return _append_pair(file, held, f"{key}: {value}")
    uses = step.node.key("uses")
    if held is not None or uses is None or _dash(file, step) is None:
        return None
    indent = _column(file, step.node.span.start)
    line, _ = file.place(uses.span.start)
    lines = ["with:", f"  {key}: {value}"]
    return _after_line(file, line, lines, indent)


def _after_line(file: SourceFile, line: int, lines: Sequence[str], indent: int) -> Edit:
    """Whole lines behind a line of the file."""
    end = _line_end(file)
    stop = file.text.find("\n", file.offset(line))
    body = end.join(f"{' ' * indent}{one}" for one in lines)
    if stop < 0:
        return Edit(file.path, Span(len(file.text), len(file.text)), "", end + body)
    return Edit(file.path, Span(stop + 1, stop + 1), "", body + end)


def _append_pair(file: SourceFile, held: YamlMapping, pair: str) -> Edit | None:
    """A pair before the first one of a block mapping, or within a flow mapping's braces."""
    start = held.span.start
    if file.text[start : start + 1] == "{":
        return Edit(file.path, Span(start + 1, start + 1), "", f"{pair}, ")
    first = held.pairs[0][0]
    if file.text[_line_start(file, first.span.start) : first.span.start].strip():
        return None
    return _insert_lines(file, first.span.start, [pair], _column(file, first.span.start))


def _remove_step(file: SourceFile, job: Job, step: Step) -> Edit | None:
    """All lines of a step, with the comments right above it; what follows stays."""
    dash = _dash(file, step)
    if dash is None or len(job.steps) < 2:
        return None
    start = _line_start(file, dash)
    stop = file.text.find("\n", _last(step.node) - 1)
    stop = len(file.text) if stop < 0 else stop + 1
    return Edit(file.path, Span(start, stop), file.text[start:stop], "")


def _last(node: Node) -> int:
    """Where the last value below a node ends; a block's own span may reach behind comments."""
    if isinstance(node, YamlMapping) and node.pairs:
        return max(_last(value) for _, value in node.pairs)
    if isinstance(node, YamlSequence) and node.items:
        return max(_last(one) for one in node.items)
    return max(node.span.end, node.span.start + 1)
