"""Checks of values that jobs and steps hand on: masked on the way, or never there. Pure.

GitHub does not hand on an output that holds a secret ("Skip output ... since it may contain
secret"): with the account id as a secret, a registry's address arrives empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.rewrite.hazards.hazard import Check, Hazard, Surveyed
from longshore.rewrite.hazards.runs import Run, StepRun
from longshore.rewrite.hazards.samples import Sample
from longshore.rewrite.hazards.workflows import (
    AWS_LOGIN,
    default_of,
    runs_of,
    workflows_of,
)
from longshore.rewrite.syntax.expressions import texts_of
from longshore.rewrite.syntax.workflow import Job, Step, Workflow
from longshore.rewrite.syntax.yaml_nodes import Scalar, walk
from longshore.text import tr

_ACCOUNT_SECRET = re.compile(
    r"\bsecrets\.(?!\w*SERVICE_?ACCOUNT)\w*(?:AWS\w*ACCOUNT|ECR_ACCOUNT|ACCOUNT_?(?:ID|NUMBER|NO))\w*",
    re.IGNORECASE,
)
_HOST = re.compile(r"\.dkr\.ecr\.|secrets\.\w*(?:REGISTRY|ECR_UR[IL]|ECR_HOST)", re.I)
_STEP = re.compile(r"\bsteps\.(?P<id>[A-Za-z_][\w-]*)\.outputs\.(?P<name>[A-Za-z_][\w-]*)")

# Outputs by their action.yml files; what is not listed here is not judged.
_OUTPUTS = {
    "docker/build-push-action": {"imageid", "digest", "metadata"},
    "docker/bake-action": {"metadata"},
    "docker/metadata-action": {
        *("version", "tags", "tag-names", "labels", "annotations", "json", "bake-file"),
        *("bake-file-tags", "bake-file-labels", "bake-file-annotations"),
    },
    "docker/login-action": set[str](),
    "docker/setup-buildx-action": {
        *("name", "driver", "platforms", "nodes", "endpoint", "status", "flags"),
    },
    "docker/setup-qemu-action": {"platforms", "status"},
    "aws-actions/amazon-ecs-render-task-definition": {"task-definition"},
}


def _masked(surveyed: Surveyed) -> Iterator[Hazard]:
    for workflow in workflows_of(surveyed):
        if not _account_is_secret(workflow):
            continue
        text = workflow.file.text
        run = next(iter(runs_of(surveyed, workflow)), None)
        run = run or Run(workflow, Sample("push", known=False), default_of(surveyed))
        for job, scope in run.jobs:
            for name, scalar in job.outputs.items():
                if not re.search(
                    rf"needs\.{re.escape(job.id)}\.outputs\.{re.escape(name)}\b", text
                ):
                    continue
                last = max((one.index for one in job.steps), default=-1) + 1
                end = Step(job.node, last, "", "", None, None, "", "", {}, {}, None)
                known = StepRun(run, job, end, scope).contexts
                values = {one.text for each in known for one in texts_of(scalar, each)}
                if any(_holds_host(one) for one in values) or _holds_host(scalar.value):
                    yield MASKED.at(workflow.file, scalar.span, *_why_masked(job.id, name))


def _holds_host(text: str) -> bool:
    return _HOST.search(text) is not None or _ACCOUNT_SECRET.search(text) is not None


def _why_masked(job: str, name: str) -> tuple[str, str]:
    return (
        tr(
            "output {name} of job {job} holds the registry's address, and the account id in it is "
            "a secret: GitHub leaves such an output empty, so the next job gets a name like "
            "`/app:tag`",
            name=name,
            job=job,
        ),
        tr(
            "hand on the tag or the digest alone and put the address together in each job; or "
            "keep the account id in a variable (`vars.AWS_ACCOUNT_ID`): it is no secret"
        ),
    )


def _account_is_secret(workflow: Workflow) -> bool:
    if _ACCOUNT_SECRET.search(workflow.file.text):
        return True
    return any(
        step.uses is not None
        and step.uses.repository == AWS_LOGIN
        and step.input_text("mask-aws-account-id").lower() == "true"
        for _, step in workflow.steps
    )


def _unknown(surveyed: Surveyed) -> Iterator[Hazard]:
    for workflow in workflows_of(surveyed):
        for job in workflow.jobs:
            seen: set[tuple[str, str]] = set()
            for scalar, found in _asked(job):
                step = _step_of(job, found["id"])
                key = (found["id"].lower(), found["name"].lower())
                why = _why_unknown(step, found["id"], found["name"])
                if why and key not in seen:
                    seen.add(key)
                    span = scalar.locate(*found.span()) or scalar.span
                    yield UNKNOWN.at(
                        workflow.file, span, why, _remedy_of(step), "high" if step else "medium"
                    )


def _asked(job: Job) -> Iterator[tuple[Scalar, re.Match[str]]]:
    for node in walk(job.node):
        if not isinstance(node, Scalar) or "steps." not in node.value:
            continue
        for found in _STEP.finditer(node.value):
            if _in_expression(node, found, job):
                yield node, found


def _in_expression(node: Scalar, found: re.Match[str], job: Job) -> bool:
    """Whether it stands between `${{` and `}}`, or in a condition."""
    before = node.value[: found.start()]
    if before.rfind("${{") > before.rfind("}}"):
        return True
    conditions = [job.condition, *(step.condition for step in job.steps)]
    return any(node is one for one in conditions)


def _step_of(job: Job, id: str) -> Step | None:
    return next((one for one in job.steps if one.id.lower() == id.lower()), None)


def _why_unknown(step: Step | None, id: str, name: str) -> str:
    if step is None:
        return tr("no step of this job has the id {id}: the value is always empty", id=id)
    known = _OUTPUTS.get(step.uses.repository) if step.uses is not None else None
    if step.uses is None or known is None or step.uses.path or name.lower() in known:
        return ""
    return tr(
        "{action} has no output {name}: the value is always empty",
        action=step.uses.repository,
        name=name,
    )


def _remedy_of(step: Step | None) -> str:
    if step is None or step.uses is None:
        return tr("give the step that `id`, or name the one that has the output")
    known = _OUTPUTS.get(step.uses.repository) or set()
    if step.uses.repository == "docker/build-push-action":
        return tr(
            "its outputs are digest, imageid and metadata: put the name together with the "
            "registry, the repository and `@${{ steps.<id>.outputs.digest }}`"
        )
    if not known:
        return tr("it has no outputs at all; take the value from where it was put in")
    return tr("its outputs are {names}", names=", ".join(sorted(known)))


MASKED = Check(
    "registry-output-masked",
    "high",
    tr("The registry's address is handed on between jobs while the account id is a secret"),
    _masked,
)
UNKNOWN = Check("unknown-output", "high", tr("An output is used that nothing gives"), _unknown)
CHECKS = (MASKED, UNKNOWN)
