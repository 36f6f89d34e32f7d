"""Checks of scans: whether they can stop a bad image, see it, and come in time. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from longshore.rewrite.hazards.hazard import Check, Hazard, Severity, Surveyed
from longshore.rewrite.hazards.runs import StepRun
from longshore.rewrite.hazards.scan_steps import Scan, deploys, scans_in, uploads_sarif
from longshore.rewrite.hazards.workflows import (
    AWS_LOGIN,
    is_ecr,
    is_hosted,
    logs_in_to_ecr,
    runs_of,
    steps_with_actions,
    workflows_of,
)
from longshore.rewrite.syntax.workflow import Job, Workflow
from longshore.text import tr

_MAX_JOBS = 200


def _cannot_fail(surveyed: Surveyed) -> Iterator[Hazard]:
    for workflow in workflows_of(surveyed):
        scans = list(scans_in(workflow))
        if any(one.fails for one in scans):
            continue
        for one in scans[:1]:
            reported = uploads_sarif(one.job)
            worth: Severity = "low" if reported else "medium"
            yield CANNOT_FAIL.at(workflow.file, one.span, _why(one, reported), _remedy(one), worth)


def _why(one: Scan, reported: bool) -> str:
    if reported:
        return tr(
            "the scan reports to code scanning and never fails: only a branch rule at GitHub can "
            "stop a merge, and nothing stops the push of the image"
        )
    if one.why == "||":
        return tr("the scan's failure is caught by `||`: the build goes on whatever it finds")
    if one.why == "continue-on-error":
        return tr("`continue-on-error` lets the build go on whatever the scan finds")
    return tr(
        "the scan ends well whatever it finds: without {option} its result is only a text in a log",
        option=one.why,
    )


def _remedy(one: Scan) -> str:
    if one.why in ("||", "continue-on-error"):
        return tr("let it fail, and write what is accepted into an ignore file with a date")
    return tr(
        "set it ({option}: 1 in Trivy) with `severity: CRITICAL,HIGH`",
        option=one.why,
    )


def _no_login(surveyed: Surveyed) -> Iterator[Hazard]:
    for workflow in workflows_of(surveyed):
        seen: set[str] = set()
        for one in scans_in(workflow):
            if not one.of_image or one.job.id in seen or not is_hosted(one.job):
                continue
            if _has_rights(surveyed, workflow, one.job) or not _of_ecr(surveyed, one):
                continue
            seen.add(one.job.id)
            yield NO_LOGIN.at(
                workflow.file,
                one.span,
                tr(
                    "the image lies in a private ECR repository, and job {job} has no credentials "
                    "for it: each job begins on a fresh machine, so the pull is refused",
                    job=one.job.id,
                ),
                tr(
                    "add configure-aws-credentials and amazon-ecr-login to this job before the scan"
                ),
            )


def _has_rights(surveyed: Surveyed, workflow: Workflow, job: Job) -> bool:
    names = {*workflow.env, *job.env, *(name for step in job.steps for name in step.env)}
    if any(
        name.startswith(("AWS_ACCESS", "AWS_ROLE", "AWS_WEB", "TRIVY_USERNAME")) for name in names
    ):
        return True
    steps = list(steps_with_actions(surveyed.tree, job))
    if any(step.uses is not None and step.uses.repository == AWS_LOGIN for step in steps):
        return True
    others = [step.uses for step in steps if step.uses is not None]
    if any("login" in uses.name or "aws" in uses.name or uses.is_local for uses in others):
        return True
    builds = any(step.run is not None and "docker build" in step.run.value for step in steps)
    return builds or logs_in_to_ecr(surveyed.tree, job)


def _of_ecr(surveyed: Surveyed, one: Scan) -> bool:
    for run in runs_of(surveyed, one.workflow)[:3]:
        for job, scope in run.jobs:
            if job is not one.job:
                continue
            at = StepRun(run, job, one.step, scope)
            texts = [*at.input("image-ref"), *at.input("image")]
            texts += [mention.expanded for mention in at.shell_mentions()]
            if any(is_ecr(text) for text in texts):
                return True
    return False


def _late(surveyed: Surveyed) -> Iterator[Hazard]:
    for workflow in workflows_of(surveyed):
        scans = [one for one in scans_in(workflow) if one.of_image]
        deploying = [
            (job, step.index) for job in workflow.jobs for step in job.steps if deploys(step)
        ]
        if not scans or not deploying:
            continue
        job, index = deploying[0]
        if any(_before(workflow, one, job, index) for one in scans):
            continue
        yield LATE.at(
            workflow.file,
            scans[0].span,
            tr(
                "job {job} deploys without waiting for this scan: what it finds is in use already",
                job=job.id,
            ),
            tr("scan before the deployment, and let it wait: `needs: [..., {scan}]`",
               scan=scans[0].job.id),
        )  # fmt: skip


def _before(workflow: Workflow, scan: Scan, job: Job, index: int) -> bool:
    if scan.job is job:
        return scan.step.index < index
    return scan.job.id in _ancestors(workflow, job)


def _ancestors(workflow: Workflow, job: Job) -> set[str]:
    found: set[str] = set()
    waiting = list(job.needs)
    while waiting and len(found) < _MAX_JOBS:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        other = workflow.job(name)
        waiting += other.needs if other is not None else ()
    return found


def _sarif(surveyed: Surveyed) -> Iterator[Hazard]:
    for workflow in workflows_of(surveyed):
        for _, step in workflow.steps:
            if step.uses is None or step.uses.repository != "aquasecurity/trivy-action":
                continue
            severity = step.input("severity")
            limited = step.input_text("limit-severities-for-sarif").lower() == "true"
            if step.input_text("format").lower() != "sarif" or severity is None or limited:
                continue
            yield SARIF.at(
                workflow.file,
                severity.span,
                tr(
                    "in SARIF reports Trivy's action leaves `severity` out of account: findings of "
                    "every severity are reported, and decide the exit code"
                ),
                tr("add `limit-severities-for-sarif: true`"),
            )


CANNOT_FAIL = Check("scan-cannot-fail", "medium", tr("A scan cannot fail the build"), _cannot_fail)
NO_LOGIN = Check(
    "scan-without-login", "medium", tr("A scan of an image in ECR has no login"), _no_login
)
LATE = Check("scan-after-deploy", "medium", tr("The scan does not hold up the deployment"), _late)
SARIF = Check("sarif-severity", "low", tr("SARIF reports ignore the severity filter"), _sarif)
CHECKS = (CANNOT_FAIL, NO_LOGIN, LATE, SARIF)
