"""A workflow as one event runs it: the jobs and steps that run, and what their values become. Pure.

What steps write to `GITHUB_ENV` and `GITHUB_OUTPUT` is read with the shell's own rules, so that a
name taken apart in a script (`${GITHUB_REF#refs/heads/}`) is known where it is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from longshore.rewrite.finders.shell_commands import Script, mentions_in
from longshore.rewrite.hazards.samples import Sample
from longshore.rewrite.mentions import Mention
from longshore.rewrite.syntax.expression_grammar import split_template
from longshore.rewrite.syntax.expressions import Contexts, Table, Text, options_of, texts_of
from longshore.rewrite.syntax.shell import Command, parse_shell
from longshore.rewrite.syntax.shell_values import Values
from longshore.rewrite.syntax.workflow import Job, Step, Workflow
from longshore.rewrite.syntax.workflow_scope import Scope, is_possible, scope_of_job
from longshore.rewrite.syntax.yaml_nodes import Scalar

_GOES_ON = ("always()", "failure()", "cancelled()")
_FILES = {"GITHUB_ENV": "GITHUB_ENV", "GITHUB_OUTPUT": "GITHUB_OUTPUT"}
_MOST_TEXT = 20_000
_MOST_COMBINATIONS = 4
_SLASH = "__slash__"


@dataclass(frozen=True, eq=False)
class StepRun:
    """One step of a run."""

    run: Run
    job: Job
    step: Step
    scope: Scope

    @cached_property
    def contexts(self) -> list[Contexts]:
        """The contexts of the combinations in which the step runs."""
        every = self.scope.of_step(self.step)
        return [one for one in every if self.scope.may_run(self.step, one)]

    def texts(self, scalar: Scalar, start: int = 0, end: int | None = None) -> list[str]:
        """What a scalar, or a part of it, becomes; OPEN where it is unknown."""
        found = [one.text for known in self.contexts for one in texts_of(scalar, known, start, end)]
        return list(dict.fromkeys(found))

    def input(self, name: str, default: str = "") -> list[str]:
        """What an input becomes."""
        scalar = self.step.input(name)
        return [default] if scalar is None else [one.strip() for one in self.texts(scalar)]

    def shell_mentions(self) -> list[Mention]:
        """The images that the step's commands name, with tags that hold a slash too."""
        run = self.step.run
        if run is None or len(run.value) > _MOST_TEXT:
            return []
        found: dict[tuple[object, ...], Mention] = {}
        for known in self.contexts[:_MOST_COMBINATIONS]:
            variables = self.run.variables(run, known)
            for one in self._mentions(run, variables):
                found.setdefault((one.span, one.role, one.expanded), one)
            places = {key[:2] for key in found}
            marked = _marked(variables, self.run.sample)
            for one in self._mentions(run, marked) if marked else ():
                if (one.span, one.role) not in places and _SLASH in one.expanded:
                    value = one.expanded.replace(_SLASH, "/")
                    found.setdefault((one.span, one.role, value), replace(one, value=value))
        return list(found.values())

    def _mentions(self, run: Scalar, variables: dict[str, str]) -> list[Mention]:
        """Read once for all events that give the script the same values."""
        used = {name: value for name, value in variables.items() if name in run.value}
        script = Script(run.value, run.locate, "gha-run", "host", variables=used)
        key = ("commands of a step", run.span, tuple(sorted(used.items())))
        return self.run.workflow.file.once(key, lambda _: mentions_in(script))


def _marked(variables: dict[str, str], sample: Sample) -> dict[str, str]:
    """The same with a word for each slash of a ref name: no image's tag could hold a slash."""
    names = [one for one in (sample.ref_name, sample.head) if "/" in one]
    made = {}
    for key, value in variables.items():
        changed = value
        for name in names:
            changed = changed.replace(name, name.replace("/", _SLASH))
        if changed != value:
            made[key] = changed
    return {**variables, **made} if made else {}


@dataclass(eq=False)
class Run:
    """One run; `default` is the name of the default branch."""

    workflow: Workflow
    sample: Sample
    default: str

    @cached_property
    def jobs(self) -> list[tuple[Job, Scope]]:
        """The jobs that may run."""
        found: list[tuple[Job, Scope]] = []
        skipped: set[str] = set()
        for job in self.workflow.jobs:
            scope = self._scope(self._read, job)
            condition = job.condition.value if job.condition is not None else ""
            goes_on = any(word in condition for word in _GOES_ON)
            runs = any(is_possible(job.condition, one) for one in scope.combinations)
            if not runs or (not goes_on and any(name in skipped for name in job.needs)):
                skipped.add(job.id)
            else:
                found.append((job, scope))
        return found

    @property
    def steps(self) -> Iterator[StepRun]:
        """The steps of the jobs that may run."""
        for job, scope in self.jobs:
            for step in job.steps:
                yield StepRun(self, job, step, scope)

    def variables(self, scalar: Scalar, known: Contexts) -> dict[str, str]:
        """The variables and expressions that a script sees, those that have one value."""
        found = dict(self.sample.environment)
        env = known.get("env")
        for name, value in env.entries.items() if isinstance(env, Table) else ():
            texts = {one.text for one in options_of(value) if isinstance(one, Text)}
            if len(texts) == 1:
                found[name] = texts.pop()
        for _, piece, is_expression in split_template(scalar.value):
            if is_expression:
                texts = {one.text for one in texts_of("${{" + piece + "}}", known)}
                if len(texts) == 1:
                    found[piece.strip()] = texts.pop()
        return found

    @cached_property
    def _contexts(self) -> Contexts:
        return self.sample.contexts(self.workflow, self.default)

    def _scope(self, workflow: Workflow, job: Job) -> Scope:
        read = workflow.job(job.id) or job
        return scope_of_job(workflow, read, self._contexts)

    @cached_property
    def _read(self) -> Workflow:
        """The workflow with scripts replaced by what they plainly write to GitHub's files."""
        made = self.workflow
        for number, job in enumerate(self.workflow.jobs):
            if any(_writes(step) for step in job.steps):
                jobs = (*made.jobs[:number], self._job_read(made, job), *made.jobs[number + 1 :])
                made = replace(made, jobs=jobs)
        return made

    def _job_read(self, workflow: Workflow, job: Job) -> Job:
        for number, step in enumerate(job.steps):
            if step.run is None or not _writes(step):
                continue
            contexts = scope_of_job(workflow, job, self._contexts).of_step(step)
            if len(contexts) != 1:
                continue
            lines = _written(step.run.value, self.variables(step.run, contexts[0]))
            written = replace(step, run=replace(step.run, value="\n".join(lines)))
            job = replace(job, steps=(*job.steps[:number], written, *job.steps[number + 1 :]))
        return job


def _writes(step: Step) -> bool:
    run = step.run
    return (
        run is not None
        and len(run.value) < _MOST_TEXT
        and any(name in run.value for name in _FILES)
        and not step.shell.lower().startswith(("pwsh", "powershell", "python", "node"))
    )


def _written(text: str, variables: dict[str, str]) -> Iterator[str]:
    """`echo` lines, in plain words, for all that a script writes to GitHub's files."""
    shell = parse_shell(text)
    values = Values(shell, {**variables, **_FILES})
    for command in shell.commands:
        if command.name not in ("echo", "printf") or not command.outputs:
            continue
        file = _output(values, command)
        if file in _FILES:
            for said in _said(values, command):
                yield f'echo "{said}" >> ${file}'


def _output(values: Values, command: Command) -> str:
    return "".join(one.text for one in values.fields(command.outputs))


def _said(values: Values, command: Command) -> Iterator[str]:
    fields = values.fields(command.words[1:])
    if len(fields) != 1:
        return
    for value in fields[0].values[:4]:
        said = "".join(chunk.text for chunk in value)
        name, mark, rest = said.partition("=")
        if mark and name.replace("-", "_").isidentifier() and not set("\"'\n\\") & set(rest):
            yield said
