"""A job that sets the registry's variable for what it builds and starts. Pure.

The job's `env` gets DOCKER_HUB: Compose and `docker build --build-arg DOCKER_HUB` read it, and
build-push-action is handed it by `build-args`. Where pull requests start the workflow those of
forks, which get no credentials, keep Docker Hub.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from longshore.rewrite.edits import Edit
from longshore.rewrite.finders.workflow_builds import BAKE, is_build
from longshore.rewrite.job_facts import JobFacts
from longshore.rewrite.plan import Key, StepChange, key_of
from longshore.rewrite.public_default import HUB, VARIABLE
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.step_edits import add_input, add_to_list, append_pair, below_key
from longshore.rewrite.syntax.workflow import Job, Step
from longshore.rewrite.syntax.yaml_nodes import Mapping as YamlMapping
from longshore.rewrite.uses import Use
from longshore.text import tr

_FORK = "github.event.pull_request.head.repo.fork"
NOT_A_FORK = f"${{{{ !{_FORK} }}}}"
FROM_ENV = f"${{{{ env.{VARIABLE} }}}}"
_OPTION = f"--build-arg {VARIABLE}"
_BUILD = re.compile(r"\b(?:docker|podman)[ \t]+(?:buildx[ \t]+)?build(?=[ \t])")


@dataclass(frozen=True)
class Passed:
    """What sets the variable, which uses get it, and what is to be done by hand."""

    edits: tuple[Edit, ...] = ()
    passed: tuple[Key, ...] = ()
    notes: tuple[StepChange, ...] = ()


def pass_variable(
    facts: JobFacts, variable: Sequence[Use], registry: str, for_forks: bool
) -> Passed:
    """Set the variable in a job and hand it to the steps that build."""
    job, file = facts.job, facts.workflow.file
    if VARIABLE in job.env or VARIABLE in facts.workflow.env:
        env: Edit | None = None
    else:
        env = _set(file, job, _value(registry, for_forks))
        if env is None:
            what = tr(
                "job {job}: set {name} to {value} in its env",
                job=job.id,
                name=VARIABLE,
                value=registry,
            )
            line = file.place(job.key.span.start)[0]
            return Passed(notes=(StepChange(file.path, line, what),))
    edits = [env] if env is not None else []
    passed: dict[Key, None] = {}
    notes: list[StepChange] = []
    wanted = {key_of(use): use for use in variable}
    for number, step in enumerate(job.steps):
        here = [
            wanted[key_of(use)] for use in facts.by_step.get(number, ()) if key_of(use) in wanted
        ]
        handed = _hand(file, step, here)
        if isinstance(handed, str):
            line = file.place(step.node.span.start)[0]
            what = tr("job {job}: {what}", job=job.id, what=handed)
            notes.append(StepChange(file.path, line, what))
            here = [use for use in here if use.mention.kind == "compose-image"]
        else:
            edits += handed
        passed |= dict.fromkeys(key_of(use) for use in here)
    return Passed(tuple(edits), tuple(passed), tuple(notes))


def _value(registry: str, for_forks: bool) -> str:
    if not for_forks:
        return registry
    return f"${{{{ {_FORK} && '{HUB}' || '{registry}' }}}}"


def _set(file: SourceFile, job: Job, value: str) -> Edit | None:
    """One more variable in the job's `env`."""
    held = job.node.get("env")
    if isinstance(held, YamlMapping) and held.pairs:
        return append_pair(file, held, f"{VARIABLE}: {value}")
    if held is not None:
        return None
    return below_key(file, job.key, job.node, ["env:", f"  {VARIABLE}: {value}"])


def _hand(file: SourceFile, step: Step, uses: Sequence[Use]) -> list[Edit] | str:
    """The edits that give a step's builds the variable; a text when it must be done by hand."""
    built = sorted({use.file for use in uses if use.mention.kind != "compose-image"})
    if not built:
        return []
    names = ", ".join(built)
    if is_build(step):
        return _hand_to_action(file, step, names, "build-args", f"{VARIABLE}={FROM_ENV}")
    if step.uses is not None and step.uses.repository in BAKE:
        return _hand_to_action(file, step, names, "set", f"*.args.{VARIABLE}={FROM_ENV}")
    edits = _hand_to_commands(file, step)
    if edits:
        return edits
    if step.run is not None and _OPTION in step.run.value:
        return []
    return tr("{file} is built here; hand it {option}", file=names, option=_OPTION)


def _hand_to_action(
    file: SourceFile, step: Step, names: str, key: str, line: str
) -> list[Edit] | str:
    """One more line of an input that is a list."""
    held = step.input(key)
    if held is not None and line.partition("=")[0] + "=" in held.value:
        return []
    if held is None:
        quoted = f'"{line}"' if line.startswith("*") else line
        edit = add_input(file, step, key, quoted)
    else:
        edit = add_to_list(file, held, line)
    if edit is None:
        return tr("add {line} to {key} for {file}", line=line, key=key, file=names)
    return [edit]


def _hand_to_commands(file: SourceFile, step: Step) -> list[Edit]:
    """`docker build` in the step's own commands."""
    run = step.run
    if run is None or _OPTION in run.value:
        return []
    found = []
    for one in _BUILD.finditer(run.value):
        span = run.locate(one.start(), one.end())
        if span is None or file.cut(span) != one[0]:
            return []
        found.append(Edit(file.path, Span(span.end, span.end), "", f" {_OPTION}"))
    return found
