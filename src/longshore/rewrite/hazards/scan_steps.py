"""The steps of a workflow that scan images, and those that deploy. Pure.

Inputs and defaults: the README files of aquasecurity/trivy-action (`exit-code` is 0 unless set),
anchore/scan-action (`fail-build` is true), docker/scout-action (`exit-code` is false).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from longshore.rewrite.source import Span
from longshore.rewrite.syntax.shell import Command, parse_shell
from longshore.rewrite.syntax.workflow import Job, Step, Workflow
from longshore.rewrite.syntax.yaml_nodes import Scalar, walk

_FALSE = ("", "0", "false", "no")
_ACTIONS = {
    "aquasecurity/trivy-action": ("exit-code", False),
    "anchore/scan-action": ("fail-build", True),
    "docker/scout-action": ("exit-code", False),
    "azure/container-scan": ("", True),
    "snyk/actions": ("", True),
}
_REPORTS = ("sbom", "quickview", "compare", "recommendations", "cyclonedx", "spdx", "spdx-json")
_SCANS = re.compile(r"\b(?:trivy|grype)\b")
_OPTION = re.compile(r"--exit-code[= ]+[\"']?(?P<code>\S+)|--fail-on\b|(?:^|\s)-f\s")
_DEPLOYS = re.compile(
    r"\bkubectl\s+(?:apply|set\s+image|rollout\s+restart)|\bhelm\s+(?:upgrade|install)\b|"
    r"\baws\s+ecs\s+update-service|\baws\s+lambda\s+update-function-code|"
    r"\baws\s+apprunner\s+(?:start-deployment|update-service)|\blongshore\s+deploy\b"
)
_DEPLOY_ACTIONS = (
    "aws-actions/amazon-ecs-deploy-task-definition",
    "azure/k8s-deploy",
    "azure/webapps-deploy",
    "aws-actions/aws-lambda-deploy",
)
_MOST_TEXT = 20_000


@dataclass(frozen=True, eq=False)
class Scan:
    """One scan. `fails`: it can end the build; `why` not: the option that is missing."""

    workflow: Workflow
    job: Job
    step: Step
    span: Span
    fails: bool
    why: str = ""
    of_image: bool = True


def scans_in(workflow: Workflow) -> Iterator[Scan]:
    """Every step that scans."""
    for job in workflow.jobs:
        for step in job.steps:
            found = _of_action(workflow, job, step) or _of_script(workflow, job, step)
            if found is not None:
                yield found


def deploys(step: Step) -> bool:
    """Whether a step puts an image into use."""
    if step.uses is not None:
        if step.uses.repository in _DEPLOY_ACTIONS:
            return True
        texts = [step.input_text(name) for name in ("script", "command", "run")]
        is_ssh = "ssh" in step.uses.repository
        return is_ssh and any(re.search(r"\bdocker\b.*\b(?:up|run|pull)\b", one) for one in texts)
    return step.run is not None and _DEPLOYS.search(step.run.value) is not None


def uploads_sarif(job: Job) -> bool:
    """Whether a job hands results to code scanning, which can hold a merge by its own rules."""
    return any(
        step.uses is not None and step.uses.name == "github/codeql-action/upload-sarif"
        for step in job.steps
    )


def _of_action(workflow: Workflow, job: Job, step: Step) -> Scan | None:
    if step.uses is None or step.uses.repository not in _ACTIONS:
        return None
    name, default = _ACTIONS[step.uses.repository]
    kinds = [step.input_text(one).lower() for one in ("format", "command", "output-format")]
    if any(kind in _REPORTS for kind in kinds):
        return None
    kind = step.input_text("scan-type", "image").lower()
    said = step.input(name) if name else None
    fails = default if said is None else said.value.strip().lower() not in _FALSE
    if step.uses.repository == "aquasecurity/trivy-action" and step.input("trivy-config"):
        fails = True
    hidden = _goes_on(job, step)
    why = "continue-on-error" if hidden else name
    return Scan(
        workflow, job, step, step.uses.node.span, fails and not hidden, why, kind == "image"
    )


def _of_script(workflow: Workflow, job: Job, step: Step) -> Scan | None:
    run = step.run
    if run is None or not _SCANS.search(run.value) or len(run.value) > _MOST_TEXT:
        return None
    found = [one for one in parse_shell(run.value).commands if _is_scan(one)]
    if not found:
        return None
    fails = [_fails(one) for one in found]
    hidden = _goes_on(job, step)
    first = next((one for one, ok in zip(found, fails, strict=True) if not ok), found[0])
    why = "continue-on-error" if hidden else _reason(first)
    span = run.locate(first.start, first.start + len(first.words[0].raw)) or run.span
    words = [word.literal or "" for word in first.words]
    return Scan(
        workflow,
        job,
        step,
        span,
        any(fails) and not hidden,
        why,
        first.name == "grype" or any(one in ("image", "i") for one in words[1:3]),
    )


def _is_scan(command: Command) -> bool:
    words = [word.literal or "" for word in command.words]
    text = " ".join(words)
    if command.name == "trivy":
        reports = any(kind in text for kind in ("cyclonedx", "spdx", "--download", "--clear-cache"))
        return any(one in ("image", "fs", "filesystem", "i") for one in words[1:4]) and not reports
    return command.name == "grype" and len(words) > 1 and words[1] not in ("db", "version")


def _fails(command: Command) -> bool:
    if command.fallback is not None:
        return False
    text = " ".join(word.raw for word in command.words)
    found = _OPTION.search(text)
    if command.name == "grype":
        return found is not None
    code = found["code"] if found is not None and found["code"] else "0"
    return code.strip("\"'") != "0"


def _reason(command: Command) -> str:
    return "||" if command.fallback is not None else "--exit-code"


def _goes_on(job: Job, step: Step) -> bool:
    if step.id and _asked(job, step.id):
        return False
    said = [step.node.text("continue-on-error"), _text(job)]
    return any((one or "").strip().lower() == "true" for one in said)


def _asked(job: Job, id: str) -> bool:
    """Whether a later step asks how this one ended."""
    wanted = re.compile(rf"steps\.{re.escape(id)}\.(?:outcome|conclusion|outputs)\b")
    later = [one for one in walk(job.node) if isinstance(one, Scalar)]
    return any(wanted.search(one.value) for one in later)


def _text(job: Job) -> str:
    return job.continue_on_error.value if job.continue_on_error is not None else ""
