"""What expressions may refer to in a job, in each of its steps, in each matrix combination. Pure.

`env` is filled from workflow, job and step, and from what earlier steps write to `GITHUB_ENV`;
`inputs` from their defaults; `needs` and `steps` from what is plainly written to `GITHUB_OUTPUT`.
Everything else is unknown and keeps its name. An ECR login's registry output is known to be an
ECR host, though not which.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from longshore.rewrite.mentions import OPEN
from longshore.rewrite.syntax.expressions import (
    Choice,
    Contexts,
    Fragment,
    Table,
    Text,
    Unknown,
    Value,
    evaluate,
    one_of,
    options_of,
    plain,
    texts_of,
    truth,
    values_of,
)
from longshore.rewrite.syntax.matrix import NO_MATRIX, Matrix
from longshore.rewrite.syntax.workflow import (
    ActionFile,
    Job,
    Scalars,
    Step,
    Workflow,
    inputs_of,
)
from longshore.rewrite.syntax.yaml_nodes import Scalar

_WRITES = re.compile(
    r"""(?:echo|printf)[ \t]+(?:-[a-z]+[ \t]+)?["']?(?P<name>[A-Za-z_][\w-]{0,80})="""
    r"""(?P<value>[^"'\n]{0,300}?)(?:\\n)?["']?[ \t]*>>[ \t]*["']?\$\{?GITHUB_(?P<to>ENV|OUTPUT)"""
    r"""|::set-output[ ]name=(?P<old>[\w-]{1,80})::(?P<said>[^"'\n]{0,300})"""
)
_ECR_HOST = f"{OPEN}.dkr.ecr.{OPEN}.amazonaws.com"
_ECR_LOGIN = "aws-actions/amazon-ecr-login"


@dataclass(frozen=True, eq=False)
class Reading:
    """One text of a template, in so many of the job's combinations.

    `tags`: those that an open tag stands for, when all are known.
    """

    text: Text
    times: int
    tags: tuple[str, ...] = ()


@dataclass(eq=False)
class Scope:
    """One job (or a composite action) with all its combinations."""

    contexts: Contexts
    env: tuple[Scalars, ...]
    steps: tuple[Step, ...] = ()
    matrix: Matrix = NO_MATRIX
    _made: dict[int, list[Contexts]] = field(default_factory=dict)

    @cached_property
    def combinations(self) -> list[Contexts]:
        """The contexts of the job itself, one of each combination."""
        found: list[Contexts] = []
        for one in self.matrix.combinations or ({},):
            known: dict[str, Value] = {**self.contexts}
            if self.matrix.node is not None:
                known["matrix"] = Table(one, self.matrix.open)
            known["env"] = _env({}, self.env, known)
            found.append(known)
        return found

    @cached_property
    def matrix_scalars(self) -> set[int]:
        """The ids of the scalars that are written as values of the matrix."""
        values = [one for made in self.matrix.combinations for one in made.values()]
        return set().union(*(sources_of(value) for value in values))

    def of_step(self, step: Step | None) -> list[Contexts]:
        """The contexts in a step, one of each combination in which it may run."""
        if step is None:
            return self.combinations
        if step.index not in self._made:
            self._made[step.index] = list(self._of_step(step))
        return self._made[step.index]

    def readings(
        self, scalar: Scalar, step: Step | None = None, start: int = 0, end: int | None = None
    ) -> list[Reading]:
        """What a scalar (or a part of it) becomes in the combinations; each text once."""
        contexts = self.of_step(step)
        if "${{" not in scalar.value[start:end]:
            return [Reading(one, len(contexts)) for one in texts_of(scalar, {}, start, end)]
        found: dict[tuple[object, ...], Reading] = {}
        for known in contexts:
            for text in texts_of(scalar, known, start, end):
                key = (text.text, tuple(id(one.source) for one in text.fragments))
                before = found[key].times if key in found else 0
                found[key] = Reading(text, before + 1)
        return list(found.values())

    def values(self, scalar: Scalar) -> list[Value]:
        """What a scalar that may be a whole list or mapping becomes, in order."""
        return [value for known in self.combinations for value in values_of(scalar, known)]

    def may_run(self, step: Step, contexts: Contexts) -> bool:
        """Whether a step's condition is not surely false there."""
        return is_possible(step.condition, contexts)

    def _of_step(self, step: Step) -> Iterable[Contexts]:
        earlier = [one for one in self.steps if one.index < step.index]
        made = []
        for known in self.combinations:
            outputs = _outputs(earlier, known)
            inner = {**known, "steps": outputs}
            inner["env"] = _env(_written(earlier, inner, "ENV"), (*self.env, step.env), inner)
            made.append(inner)
        return [one for one in made if self.may_run(step, one)] or made


def scope_of_job(workflow: Workflow, job: Job, given: Contexts | None = None) -> Scope:
    """The scope of a job; `given` are contexts that are known from outside (`github`)."""
    known: dict[str, Value] = {"inputs": inputs_of(workflow.events)}
    dispatch = Table({"inputs": known["inputs"]}, open=True)
    known["github"] = Table({"event": dispatch}, open=True)
    known.update(given or {})
    known["needs"] = _needs(workflow, job, known)
    return Scope(known, (workflow.env, job.env), job.steps, job.matrix)


def scope_of_action(action: ActionFile) -> Scope:
    """The scope of a composite action: its inputs have their defaults."""
    inputs = {name: one_of(values_of(default, {})) for name, default in action.inputs.items()}
    return Scope({"inputs": Table(inputs, open=True)}, (), action.steps)


def is_possible(condition: Scalar | None, contexts: Contexts) -> bool:
    """Whether an `if:` is not surely false."""
    if condition is None:
        return True
    text = condition.value.strip()
    if text.startswith("${{") and text.endswith("}}") and text.count("${{") == 1:
        text = text[3:-2]
    if not text or "${{" in text:
        return True
    return any(truth(one) is not False for one in evaluate(text, contexts))


def _env(
    before: Mapping[str, Value], layers: tuple[Scalars, ...], contexts: Mapping[str, Value]
) -> Table:
    entries: dict[str, Value] = dict(before)
    for layer in layers:
        known = {**contexts, "env": Table(dict(entries), open=True)}
        for name, scalar in layer.items():
            entries[name] = one_of(values_of(scalar, known))
    return Table(entries, open=True)


def _needs(workflow: Workflow, job: Job, contexts: Contexts) -> Table:
    found: dict[str, Value] = {}
    for name in job.needs:
        other = workflow.job(name)
        if other is None or other is job:
            continue
        known: dict[str, Value] = {**contexts}
        known["env"] = _env({}, (workflow.env, other.env), known)
        known["steps"] = _outputs(other.steps, known)
        outputs = {key: one_of(values_of(value, known)) for key, value in other.outputs.items()}
        found[name] = Table({"outputs": Table(outputs, open=True)}, open=True)
    return Table(found, open=True)


def _outputs(steps: Iterable[Step], contexts: Contexts) -> Table:
    found: dict[str, Value] = {}
    for step in steps:
        if not step.id:
            continue
        written = _written([step], contexts, "OUTPUT")
        if step.uses is not None and step.uses.name == _ECR_LOGIN:
            written["registry"] = plain(_ECR_HOST)
        found[step.id] = Table({"outputs": Table(written, open=True)}, open=True)
    return Table(found, open=True)


def _written(steps: Iterable[Step], contexts: Contexts, to: str) -> dict[str, Value]:
    """What steps plainly write to the file of environment variables or of outputs."""
    found: dict[str, list[Value]] = {}
    for step in steps:
        if step.run is None or (
            "GITHUB_" + to not in step.run.value and "::set-" not in step.run.value
        ):
            continue
        for match in _WRITES.finditer(step.run.value):
            name = match["name"] or match["old"]
            if (match["to"] or "OUTPUT") == to:
                group = "value" if match["name"] else "said"
                found.setdefault(name, []).extend(_said(step.run, match.span(group), contexts))
    return {name: one_of(values) for name, values in found.items()}


def _said(run: Scalar, place: tuple[int, int], contexts: Contexts) -> list[Value]:
    made: list[Value] = []
    for text in texts_of(run, contexts, *place):
        if "$" in text.text or "`" in text.text:
            return [Text((Fragment(_SHELL.sub(OPEN, text.text)),))]
        made.append(text)
    return made or [Unknown()]


_SHELL = re.compile(r"\$\([^)]*\)|\$\{[^}]*\}|\$\w+|`[^`]*`|\$")


def sources_of(value: Value) -> set[int]:
    """The ids of all scalars that a value is made of."""
    found: set[int] = set()
    _collect_sources(value, found)
    return found


def _collect_sources(value: Value, found: set[int], depth: int = 0) -> None:
    if depth > 20:
        return
    if isinstance(value, Text):
        found.update(id(one.source) for one in value.fragments if one.source is not None)
    elif isinstance(value, Table):
        for one in value.entries.values():
            _collect_sources(one, found, depth + 1)
    elif isinstance(value, Choice):
        for one in options_of(value):
            _collect_sources(one, found, depth + 1)
    elif not isinstance(value, Unknown):
        for one in value.items:
            _collect_sources(one, found, depth + 1)
