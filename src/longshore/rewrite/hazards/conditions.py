"""Checks of conditions in workflows: never true, or true whatever happened. Pure.

A condition counts as never true only if every event that starts the workflow surely fails it; the
names of branches and tags in it are tried too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeGuard

from longshore.rewrite.finders.workflow_builds import is_build
from longshore.rewrite.hazards.hazard import Check, Hazard, Severity, Surveyed
from longshore.rewrite.hazards.samples import Sample, samples_of
from longshore.rewrite.hazards.scan_steps import deploys
from longshore.rewrite.hazards.workflows import default_of, place_of, workflows_of
from longshore.rewrite.syntax.workflow import Job, Step, Workflow
from longshore.rewrite.syntax.workflow_scope import Scope, is_possible, scope_of_job
from longshore.rewrite.syntax.yaml_nodes import Scalar, walk
from longshore.text import tr

_ABOUT_REFS = re.compile(r"github\.(?:ref|ref_name|base_ref|ref_type|event_name)\b")
_FREE = re.compile(r"\binputs\b|\bhead_ref\b|\bhead\.(?:ref|label)\b|\bhead_branch\b")
_REF = re.compile(r"refs/(?:heads|tags)/(?P<name>[^'\"]+)")
_TEXT = re.compile(r"'(?P<text>[^']{1,80})'")
_WEIGHTY = re.compile(r"deploy|release|publish|push|rollout", re.IGNORECASE)
_SUCCESS = re.compile(
    r"\b(?:success(?:ful(?:ly)?)?|succeeded|passed|deployed|is live|completed)\b|✅|🎉|성공",
    re.IGNORECASE,
)
_FAILURE = re.compile(
    r"fail|\bstatus\b|\.result\b|\.outcome\b|\.conclusion\b|실패|❌|cancel|error", re.IGNORECASE
)
_SENDS = re.compile(r"slack|discord|telegram|teams|notify|notification|webhook|mail", re.IGNORECASE)
_MOST_SAMPLES = 80
_GENERATED = (".lock.yml", ".lock.yaml")


def _never_true(surveyed: Surveyed) -> Iterator[Hazard]:
    default = default_of(surveyed)
    for workflow in workflows_of(surveyed):
        conditions = list(_conditions(workflow))
        if not conditions or workflow.file.path.endswith(_GENERATED):
            continue
        samples = samples_of(workflow, default, _names_in(one for _, _, one in conditions))
        if not samples or len(samples) > _MOST_SAMPLES:
            continue
        for job, step, condition in conditions:
            if any(_may_hold(workflow, sample, default, job, condition) for sample in samples):
                continue
            name = step.name or job.id if step is not None else job.id
            worth: Severity = "high" if _is_weighty(job, step) else "low"
            yield NEVER_TRUE.at(
                workflow.file,
                condition.span,
                tr(
                    "nothing that starts this workflow fulfils this condition ({events}): "
                    "{name} never runs",
                    events=", ".join(dict.fromkeys(one.name for one in workflow.events)),
                    name=name,
                ),
                tr(
                    "let the condition name a branch or tag that the triggers name, or add it there"
                ),
                worth,
            )


def _conditions(workflow: Workflow) -> Iterator[tuple[Job, Step | None, Scalar]]:
    for job in workflow.jobs:
        if _is_about_refs(job.condition):
            yield job, None, job.condition
        for step in job.steps:
            if _is_about_refs(step.condition):
                yield job, step, step.condition


def _is_about_refs(condition: Scalar | None) -> TypeGuard[Scalar]:
    """Whether it speaks of refs or events, and of nothing that whoever starts a run can set."""
    text = condition.value if condition is not None else ""
    return _ABOUT_REFS.search(text) is not None and not _FREE.search(text)


def _is_weighty(job: Job, step: Step | None) -> bool:
    if step is not None:
        return deploys(step) or is_build(step)
    return _WEIGHTY.search(f"{job.id} {job.node.text('name') or ''}") is not None


def _names_in(conditions: Iterator[Scalar]) -> list[str]:
    """Names of branches and tags that conditions speak of, and longer ones that begin so."""
    found: list[str] = []
    for one in conditions:
        for match in _TEXT.finditer(one.value):
            ref = _REF.match(match["text"])
            name = ref["name"] if ref else match["text"]
            found += [name, f"{name.rstrip('/')}/x", f"{name}1.2.3", f"{name}x"]
    return list(dict.fromkeys(found))[:40]


def _may_hold(
    workflow: Workflow, sample: Sample, default: str, job: Job, condition: Scalar
) -> bool:
    contexts = sample.contexts(workflow, default)
    scope: Scope = scope_of_job(workflow, job, contexts)
    return any(is_possible(condition, one) for one in scope.combinations)


def _success_anyway(surveyed: Surveyed) -> Iterator[Hazard]:
    for workflow in workflows_of(surveyed):
        for job, step in workflow.steps:
            condition = step.condition.value if step.condition is not None else ""
            if re.sub(r"[\s${}]", "", condition) != "always()":
                continue
            text = " ".join(_texts(step))
            action = step.uses.name if step.uses is not None else ""
            if not _SENDS.search(f"{action} {step.name} {text}") or _FAILURE.search(text):
                continue
            if _SUCCESS.search(text) and not any("failure()" in each for each in _others(job)):
                yield SUCCESS_ANYWAY.at(
                    workflow.file,
                    place_of(step),
                    tr(
                        "this message says that all went well, and `always()` sends it after a "
                        "failure too"
                    ),
                    tr("`if: success()`, and another message with `if: failure()`"),
                )


def _texts(step: Step) -> Iterator[str]:
    for node in walk(step.node):
        if isinstance(node, Scalar) and node is not step.condition:
            yield node.value


def _others(job: Job) -> list[str]:
    return [one.condition.value for one in job.steps if one.condition is not None]


NEVER_TRUE = Check("condition-never-true", "high", tr("A condition can never be true"), _never_true)
SUCCESS_ANYWAY = Check(
    "success-always", "low", tr("A message of success is sent after failures too"), _success_anyway
)
CHECKS = (NEVER_TRUE, SUCCESS_ANYWAY)
