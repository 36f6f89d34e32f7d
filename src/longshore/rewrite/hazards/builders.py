"""Checks of how workflows build: the order of set-up and login, caches, attestations. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.rewrite.finders.workflow_builds import is_build, pushes
from longshore.rewrite.finders.workflow_places import attributes, located, parts_of
from longshore.rewrite.hazards.aws_files import IMMUTABLE, files_with
from longshore.rewrite.hazards.hazard import Check, Hazard, Surveyed
from longshore.rewrite.hazards.runs import StepRun
from longshore.rewrite.hazards.workflows import (
    ecr_login_steps,
    hub_logins,
    is_ecr,
    runs_of,
    step_at,
    uses_of_job,
    workflows_of,
)
from longshore.rewrite.syntax.workflow import Job, Step, Workflow
from longshore.text import tr

_BUILDX, _QEMU = "docker/setup-buildx-action", "docker/setup-qemu-action"
_OLD_BUILDKIT = re.compile(r"buildkit:v0\.(?:\d|1\d|20)(?:\.|\b)")
_LAMBDA = re.compile(
    r"aws\s+lambda\s+(?:update-function-code|create-function)\b[^\n]*|--image-uri\b"
)
_IMMUTABLE = re.compile(
    r"image_tag_mutability\s*=\s*\"IMMUTABLE\"|ImageTagMutability\W+IMMUTABLE\b|"
    r"--image-tag-mutability[ =]+IMMUTABLE\b"
)


def _before_login(surveyed: Surveyed) -> Iterator[Hazard]:
    for workflow in workflows_of(surveyed):
        for job in workflow.jobs:
            yield from _hub_image_first(surveyed, workflow, job)
            yield from _ecr_image_first(surveyed, workflow, job)


def _hub_image_first(surveyed: Surveyed, workflow: Workflow, job: Job) -> Iterator[Hazard]:
    logins = [step_at(job, one.mention.span) for one in hub_logins(surveyed, workflow, job)]
    first = min((one.index for one in logins if one is not None), default=-1)
    hidden = {
        step.index
        for use in uses_of_job(surveyed, workflow, job)
        if use.pulls_hub and use.mention.kind in ("gha-implicit", "gha-input")
        and (step := step_at(job, use.mention.span)) is not None
        and step.uses is not None and step.uses.repository in (_BUILDX, _QEMU)
    }  # fmt: skip
    for step in job.steps:
        if step.index in hidden and step.index < first and step.uses is not None:
            yield BEFORE_LOGIN.at(
                workflow.file,
                step.uses.node.span,
                tr(
                    "this step pulls an image from Docker Hub, and the login comes after it: that "
                    "pull is anonymous, under the lowest limit"
                ),
                tr("put the login step before it"),
            )
            return


def _ecr_image_first(surveyed: Surveyed, workflow: Workflow, job: Job) -> Iterator[Hazard]:
    logins = [step.index for step in ecr_login_steps(job)]
    if not logins:
        return
    for use in uses_of_job(surveyed, workflow, job):
        step = step_at(job, use.mention.span)
        if step is None or step.uses is None or step.uses.repository not in (_BUILDX, _QEMU):
            continue
        if use.mention.role == "pull" and is_ecr(use.registry or "") and step.index < min(logins):
            yield BEFORE_LOGIN.at(
                workflow.file,
                use.mention.span,
                tr("this image lies in a private ECR repository, and the login comes after it"),
                tr("put configure-aws-credentials and amazon-ecr-login before it"),
                "high",
            )
            return


def _cache(surveyed: Surveyed) -> Iterator[Hazard]:
    for workflow in workflows_of(surveyed):
        for job, step in workflow.steps:
            cache = step.input("cache-to") if is_build(step) else None
            if cache is None or "registry" not in cache.value:
                continue
            for start, end in parts_of(cache.value, commas=False):
                found = attributes(cache.value, start, end)
                if "ref" not in found or "image-manifest" in found:
                    continue
                kind = cache.value[slice(*found["type"])] if "type" in found else ""
                if kind != "registry" or not _is_at_ecr(surveyed, workflow, job, step):
                    continue
                yield CACHE.at(
                    workflow.file,
                    located(workflow.file, cache, start, end) or cache.span,
                    tr(
                        "ECR takes a build cache only as an image manifest, which BuildKit writes "
                        "by itself since version 0.21: older builders fail at the end of the build"
                    ),
                    tr("add `image-manifest=true,oci-mediatypes=true`"),
                    "medium" if _OLD_BUILDKIT.search(workflow.file.text) else "low",
                )


def _is_at_ecr(surveyed: Surveyed, workflow: Workflow, job: Job, step: Step) -> bool:
    cache = step.input("cache-to")
    for run in runs_of(surveyed, workflow)[:2]:
        for other, scope in run.jobs:
            if other is job and cache is not None:
                return any(is_ecr(text) for text in StepRun(run, job, step, scope).texts(cache))
    return False


def _lambda(surveyed: Surveyed) -> Iterator[Hazard]:
    for workflow in workflows_of(surveyed):
        if not _LAMBDA.search(workflow.file.text) or "image-uri" not in workflow.file.text:
            continue
        for _, step in workflow.steps:
            if _has_attestations(step) and step.uses is not None:
                yield LAMBDA.at(
                    workflow.file,
                    step.uses.node.span,
                    tr(
                        "the build adds attestations, so that an index is pushed, and Lambda "
                        'refuses an index: "The image manifest or layer media type for the source '
                        'image is not supported"'
                    ),
                    tr("add `provenance: false` (and `sbom: false`) to this step"),
                )


def _repush(surveyed: Surveyed) -> Iterator[Hazard]:
    immutable = surveyed.once("immutable tags", _wants_immutable)
    for workflow in workflows_of(surveyed) if immutable else ():
        if "describe-images" in workflow.file.text or "longshore tags" in workflow.file.text:
            continue
        for job, step in workflow.steps:
            if not _has_attestations(step) or step.uses is None or not ecr_login_steps(job):
                continue
            yield REPUSH.at(
                workflow.file,
                step.uses.node.span,
                tr(
                    "provenance holds the time of the build, so a second run for the same commit "
                    "makes another digest, and its push to an immutable tag is refused"
                ),
                tr(
                    "look whether the tag is there before the build, and skip it; or "
                    "`provenance: false`"
                ),
            )


def _has_attestations(step: Step) -> bool:
    """Whether a build step pushes with the attestations that are on by default."""
    if not is_build(step) or not pushes(step):
        return False
    return step.input_text("provenance").lower() != "false"


def _wants_immutable(surveyed: Surveyed) -> bool:
    files = (surveyed.tree.file(path) for path in files_with(surveyed, IMMUTABLE))
    return any(file is not None and _IMMUTABLE.search(file.text) for file in files)


BEFORE_LOGIN = Check(
    "setup-before-login", "low", tr("A set-up step pulls its image before the login"), _before_login
)
CACHE = Check(
    "cache-without-image-manifest",
    "low",
    tr("A build cache goes to ECR in a form that it may refuse"),
    _cache,
)
LAMBDA = Check(
    "index-for-lambda", "high", tr("An image for Lambda is pushed with attestations"), _lambda
)
REPUSH = Check(
    "provenance-on-immutable-tag",
    "low",
    tr("A repeated run cannot push to an immutable tag"),
    _repush,
)
CHECKS = (LAMBDA, BEFORE_LOGIN, CACHE, REPUSH)
